"""How entries come out of ldap3: a strategy that reads them itself, and the stock path beside it.

ldap3 2.9.1 spends twenty-five times the processor time of a C client on large answers, because it
looks up its configuration, decodes twice and builds a case-insensitive dictionary per attribute.
The strategy here keeps all of ldap3 (sockets, TLS, binds, controls) and replaces the reading of
entries alone. It leans on what ldap3 keeps to itself, so it works with one version; with any other
the stock path answers the same, slowly.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from ldap3.core.exceptions import LDAPSocketReceiveError
from ldap3.strategy.base import RESPONSE_COMPLETE, SESSION_TERMINATED_BY_SERVER
from ldap3.strategy.sync import SyncStrategy
from ldap3.utils.asn1 import decode_message_fast

from auditor.sources.directory_entry import (
    AttributeNames,
    Entry,
    MalformedMessage,
    length_at,
    read_entry,
)

if TYPE_CHECKING:
    import ldap3

LDAP3_VERSION: Final = "2.9.1"
"""The version whose private behaviour this module knows; a test holds it against the pin."""

CACHED_METHODS: Final = (
    "send",
    "open",
    "get_response",
    "post_send_single_response",
    "post_send_search",
)
"""Methods of the strategy that a Connection of ldap3 copies to itself when it is made."""

LONGEST_MESSAGE: Final = 64 << 20
"""Bytes of one message; the largest objects of a directory have a few million."""

LONGEST_ANSWER: Final = 512 << 20
"""Bytes of one page of entries."""

_DECODE_MESSAGE: Callable[[bytes], dict[str, Any]] = decode_message_fast
_RECEIVED_AT_ONCE = 1 << 14
"""Bytes; a record of TLS holds no more, and larger buffers cost time to make."""

_MESSAGES_BEFORE_THE_LAST = {"searchResEntry", "searchResRef", "intermediateResponse"}


class EntryStrategy(SyncStrategy):
    """SYNC of ldap3, except that a search gives `Entry` objects instead of dictionaries.

    `names` spells the attributes of the search under way; `entries` holds what came of it so far,
    so that a broken wire does not take the entries before the break with it.
    """

    def __init__(self, connection: ldap3.Connection) -> None:
        super().__init__(connection)
        self.names = AttributeNames(())
        self.entries: list[Entry] = []

    def _get_response(self, message_id: int, timeout: object) -> Any:  # noqa: ARG002 ldap3 gives it
        # an answer holds no circles, and looking for them takes a fifth of the time
        collecting = gc.isenabled()
        gc.disable()
        try:
            return self._answer(message_id)
        finally:
            if collecting:
                gc.enable()

    def _answer(self, message_id: int) -> Any:
        responses: list[Any] = []
        entries = self.entries = []
        head = _head(message_id)
        buffer, place, taken = b"", 0, 0
        while True:
            start, end = _bounds(buffer, place)
            if end == 0 or end > len(buffer):
                data = self._received(end - len(buffer) if end else 0)
                if not data:
                    return SESSION_TERMINATED_BY_SERVER
                taken += len(data)
                if taken > LONGEST_ANSWER:
                    raise MalformedMessage(f"an answer of more than {LONGEST_ANSWER >> 20} MB")
                # mostly the buffer is used up, since servers send entries one by one
                buffer, place = buffer[place:] + data if place < len(buffer) else data, 0
                continue
            if buffer.startswith(head, start):
                entries.append(read_entry(buffer, start + len(head), end, self.names))
            else:
                response = self._decoded(buffer[place:end], message_id)
                if response is None:
                    return SESSION_TERMINATED_BY_SERVER
                responses.append(response)
                if response["type"] not in _MESSAGES_BEFORE_THE_LAST:
                    return [*entries, *responses, RESPONSE_COMPLETE]
            place = end

    def _received(self, missing: int) -> bytes:
        """More of the answer, at least `missing` bytes unless the server hangs up."""
        pieces: list[bytes] = []
        try:
            while True:
                data: bytes = self.connection.socket.recv(_RECEIVED_AT_ONCE)
                if not data or (missing <= len(data) and not pieces):
                    return data
                pieces.append(data)
                missing -= len(data)
                if missing <= 0:
                    return b"".join(pieces)
        except OSError as problem:
            self.close()
            raise LDAPSocketReceiveError(f"error receiving data: {problem}") from problem

    def _decoded(self, message: bytes, message_id: int) -> dict[str, Any] | None:
        """What ldap3 makes of any other message; None where the server ends the session."""
        decode: Callable[[dict[str, Any]], dict[str, Any]] = self.decode_response_fast
        try:
            decoded = _DECODE_MESSAGE(message)
            response = decode(decoded)
        except (IndexError, KeyError, TypeError, ValueError) as problem:
            raise MalformedMessage(f"a message that ldap3 cannot read ({problem!r})") from problem
        if decoded["messageID"] == 0:
            return None
        if decoded["messageID"] != message_id:
            raise MalformedMessage(f"an answer to question {decoded['messageID']}, not asked now")
        return response


def _head(message_id: int) -> bytes:
    """How a SearchResultEntry that answers this question begins: its number, then its tag."""
    size = message_id.bit_length() // 8 + 1
    return b"\x02" + bytes([size]) + message_id.to_bytes(size, "big") + b"\x64"


def _bounds(buffer: bytes, place: int) -> tuple[int, int]:
    """Where the content of the message at `place` starts and ends; 0, 0 if that is not known."""
    there = len(buffer) - place
    if there < 2:
        return 0, 0
    length = buffer[place + 1]
    if length < 0x80:
        return place + 2, place + 2 + length
    if there < 7:
        return 0, 0
    length, start = length_at(buffer, place + 1)
    if length > LONGEST_MESSAGE:
        raise MalformedMessage(f"a message of {length} bytes")
    return start, start + length


def install(connection: ldap3.Connection) -> EntryStrategy:
    """Let a connection that was not opened yet read its entries with EntryStrategy."""
    strategy = EntryStrategy(connection)
    connection.strategy = strategy
    for name in CACHED_METHODS:
        setattr(connection, name, getattr(strategy, name))
    return strategy


def stock_entries(responses: Sequence[Any], names: AttributeNames) -> list[Entry]:
    """The entries of an answer that ldap3 read by itself; references are left out."""
    return [
        Entry(
            response["dn"],
            {
                names.spelled(name.encode()): [bytes(value) for value in values or ()]
                for name, values in response["raw_attributes"].items()
            },
        )
        for response in responses
        if response["type"] == "searchResEntry"
    ]
