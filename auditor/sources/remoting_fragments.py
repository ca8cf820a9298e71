"""What a shell answers, message by message ([MS-PSRP] 2.2.1, 2.2.4), before anybody reads it.

pypsrp 0.9.1 deserialises each message itself: it loses multi-valued properties, raises KeyError on
type names defined within them, and is twenty times slower than the reader of this program. Here
the messages of a pipeline are taken out as bytes. pypsrp's own part is left with what opens and
closes a shell. This replaces one private attribute, `RunspacePool._fragmenter`; a test holds it.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from pypsrp.messages import Message, MessageType
from pypsrp.powershell import Fragmenter

from auditor.errors import UnexpectedAnswer

MAX_MESSAGE_BYTES = 64_000_000
_HEADER = struct.Struct(">QQBI")
_MESSAGE = struct.Struct("<II16s16s")
_START, _END = 1, 2
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_OPENING = frozenset(
    (
        MessageType.SESSION_CAPABILITY,
        MessageType.APPLICATION_PRIVATE_DATA,
        MessageType.RUNSPACEPOOL_INIT_DATA,
        MessageType.RUNSPACEPOOL_STATE,
    )
)
"""What pypsrp needs to open a shell. Nothing else reaches it: the messages of a pipeline are kept
here, and progress, debugging texts and calls to a screen are nothing an audit needs."""


@dataclass
class Arrived:
    """What has arrived of the pipeline that runs, in the order of arrival, and not been taken."""

    outputs: deque[bytes] = field(default_factory=deque)
    errors: deque[bytes] = field(default_factory=deque)
    warnings: deque[bytes] = field(default_factory=deque)
    states: deque[bytes] = field(default_factory=deque)


class Fragments(Fragmenter):
    """Puts messages together from their fragments; those of pipelines wait in `arrived`.

    A message is there as soon as its last fragment is: what a broken answer holds before the
    break is not lost. `received` counts bytes.
    """

    def __init__(self, place: str, original: Fragmenter) -> None:
        super().__init__(0, original.serializer)
        self.max_size = original.max_size
        self.outgoing_counter = original.outgoing_counter
        self.arrived = Arrived()
        self.received = 0
        self._place = place
        self._parts: dict[int, list[bytes]] = {}
        self._waiting = 0

    def defragment(self, data: bytes) -> list[Message]:
        """The messages that pypsrp itself handles, completed by this answer.

        Raises UnexpectedAnswer where the fragments make no sense, or where more than
        MAX_MESSAGE_BYTES of them wait for the rest of their message.
        """
        self.received += len(data)
        others = []
        for content in self._complete(data):
            message_type = self._keep(content)
            if message_type in _OPENING:
                others.append(Message.unpack(content, self.serializer))
        return others

    def forget(self) -> None:
        """Drops what has arrived of a pipeline that was stopped."""
        self.arrived = Arrived()
        self._parts, self._waiting = {}, 0

    def _keep(self, content: bytes) -> int:
        if len(content) < _MESSAGE.size:
            raise self._nonsense("a message without a header")
        message_type: int = _MESSAGE.unpack_from(content)[1]
        body = content[_MESSAGE.size :].removeprefix(_BYTE_ORDER_MARK)
        if message_type == MessageType.PIPELINE_OUTPUT:
            self.arrived.outputs.append(body)
        elif message_type == MessageType.ERROR_RECORD:
            self.arrived.errors.append(body)
        elif message_type == MessageType.WARNING_RECORD:
            self.arrived.warnings.append(body)
        elif message_type == MessageType.PIPELINE_STATE:
            self.arrived.states.append(body)
        return message_type

    def _complete(self, data: bytes) -> Iterator[bytes]:
        at = 0
        while at < len(data):
            if at + _HEADER.size > len(data):
                raise self._nonsense("a fragment without a header")
            message, number, flags, length = _HEADER.unpack_from(data, at)
            at += _HEADER.size
            if at + length > len(data):
                raise self._nonsense("a fragment without its end")
            parts = self._parts.setdefault(message, [])
            if number != len(parts) or bool(flags & _START) != (number == 0):
                raise self._nonsense("fragments in the wrong order")
            parts.append(data[at : at + length])
            at += length
            self._waiting += _HEADER.size + length
            if self._waiting > MAX_MESSAGE_BYTES:
                raise self._nonsense(f"messages of more than {MAX_MESSAGE_BYTES} bytes")
            if flags & _END:
                content = parts[0] if len(parts) == 1 else b"".join(parts)
                del self._parts[message]
                self._waiting -= _HEADER.size * len(parts) + len(content)
                yield content

    def _nonsense(self, what: str) -> UnexpectedAnswer:
        return UnexpectedAnswer(f"{self._place} answered with {what}; ask again.")
