"""One object as a directory answers it, read straight off the wire.

The format is that of RFC 4511, section 4.5.2 (SearchResultEntry), in the definite-length subset of
BER that section 5.1 of it demands. Lengths are a stranger's: every level must end exactly where
the level above says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

_OCTET_STRING, _SEQUENCE, _SET = 0x04, 0x30, 0x31
_NAMES_KEPT = 1_000
"""Spellings of attribute names remembered; a server has one for each attribute."""


class MalformedMessage(ValueError):
    """Bytes that are no message of LDAP."""


class Entry(NamedTuple):
    """Distinguished name and values of one object, as bytes, under the names they were asked by.

    An attribute that is not there was empty or may not be read: the protocol does not tell.
    """

    dn: str
    attributes: Mapping[str, list[bytes]]


class AttributeNames:
    """Spells names as they were asked for, however the server writes them (RFC 4512, 2.5).

    `with_options` tells whether any came with an option, such as a range.
    """

    def __init__(self, asked: Iterable[str]) -> None:
        self.with_options = False
        self._asked = {name.lower(): name for name in asked}
        self.known = {name.encode(): name for name in self._asked.values()}

    def spelled(self, written: bytes) -> str:
        """The name behind what came; an option such as `;range=0-1499` stays as it came.

        Raises MalformedMessage for a name that no attribute can have.
        """
        if not written.isascii():
            raise MalformedMessage(f"an attribute named {written[:40]!r}")
        name, semicolon, option = written.decode("ascii").partition(";")
        self.with_options = self.with_options or bool(semicolon)
        found = f"{self._asked.get(name.lower(), name)}{semicolon}{option}"
        if len(self.known) < _NAMES_KEPT:
            self.known[written] = found
        return found


def length_at(message: bytes, place: int) -> tuple[int, int]:
    """Length that is written at `place`, and where its value starts."""
    length = message[place]
    if length < 0x80:
        return length, place + 1
    size = length & 0x7F
    if not 0 < size <= 4:
        raise MalformedMessage(f"a length of {size} bytes at byte {place}")
    start = place + 1 + size
    return int.from_bytes(message[place + 1 : start], "big"), start


def read_entry(message: bytes, place: int, end: int, names: AttributeNames) -> Entry:
    """The entry whose length stands at `place` and whose attributes reach to `end`.

    Raises MalformedMessage where a part does not end where it should.
    """
    try:
        length, place = length_at(message, place)
        if place + length > end or message[place] != _OCTET_STRING:
            raise MalformedMessage(f"an entry without a name at byte {place}")
        stop = place + length
        length, place = length_at(message, place + 1)
        dn = message[place : place + length].decode()
        place += length
        if message[place] != _SEQUENCE:
            raise MalformedMessage(f"an entry without attributes at byte {place}")
        length, place = length_at(message, place + 1)
        if place + length != stop:
            raise MalformedMessage(f"attributes that do not fill their entry at byte {place}")
        return Entry(dn, _attributes(message, place, stop, names))
    except (IndexError, UnicodeDecodeError) as problem:
        raise MalformedMessage(f"an entry that cannot be read ({problem})") from problem


def _attributes(
    message: bytes, place: int, end: int, names: AttributeNames
) -> dict[str, list[bytes]]:
    # one pass without calls for short lengths, which nearly all are: half of all time is here
    known = names.known
    attributes: dict[str, list[bytes]] = {}
    while place < end:
        length = message[place + 1]
        start = place + 2
        if length > 0x7F:
            length, start = length_at(message, place + 1)
        stop = start + length
        length = message[start + 1]
        if length > 0x7F or message[place] != _SEQUENCE or message[start] != _OCTET_STRING:
            raise MalformedMessage(f"no attribute at byte {place}")
        start += 2
        place = start + length
        written = message[start:place]
        length = message[place + 1]
        start = place + 2
        if length > 0x7F:
            length, start = length_at(message, place + 1)
        if message[place] != _SET or start + length != stop or stop > end:
            raise MalformedMessage(f"values that do not fill their attribute at byte {place}")
        name = known.get(written)
        if name is None:
            name = names.spelled(written)
        # a single short value
        if length < 0x80 and length > 1 and message[start + 1] == length - 2:
            if message[start] != _OCTET_STRING:
                raise MalformedMessage(f"no value at byte {start}")
            attributes[name] = [message[start + 2 : stop]]
        else:
            attributes[name] = _values(message, start, stop)
        place = stop
    if place != end:
        raise MalformedMessage(f"attributes that do not fill their entry at byte {place}")
    return attributes


def _values(message: bytes, place: int, end: int) -> list[bytes]:
    values = []
    while place < end:
        if message[place] != _OCTET_STRING:
            raise MalformedMessage(f"no value at byte {place}")
        length = message[place + 1]
        place += 2
        if length > 0x7F:
            length, place = length_at(message, place - 1)
        values.append(message[place : place + length])
        place += length
    if place != end:
        raise MalformedMessage(f"values that do not fill their attribute at byte {place}")
    return values
