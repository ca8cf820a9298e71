"""What the lab's endpoint has ready for a client."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from auditor.lab.wire_faults import WireFault

ENVELOPE_BYTES = 340_000
"""How much goes into one answer: with the third that base64 adds, an envelope of 500 kB."""

_QUEUE_BYTES = 4 * ENVELOPE_BYTES


class Queue:
    """What a pipeline, or the shell itself, has ready for the client; bounded."""

    def __init__(self) -> None:
        self._pieces: list[bytes | WireFault] = []
        self._size = 0
        self._changed = threading.Condition()
        self._finished = False
        self._closed = False

    def put(self, piece: bytes | WireFault, *, wait: bool = True) -> bool:
        """Adds a piece, waiting while too much is there; False if nobody wants it any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or not wait or self._size < _QUEUE_BYTES)
            self._pieces.append(piece)
            self._size += len(piece) if isinstance(piece, bytes) else 0
            self._changed.notify_all()
            return not self._closed

    def finish(self) -> None:
        """Says that nothing more will be put."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def take(self, seconds: float) -> tuple[list[bytes], WireFault | None, bool]:
        """What fits into one answer, after up to so many seconds: pieces, or a fault; and the end.

        A fault comes alone, when what was put before it has been taken. One that strikes for ever
        stays where it is.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._pieces or self._finished or self._closed, seconds)
            pieces: list[bytes] = []
            size = 0
            while self._pieces and size < ENVELOPE_BYTES:
                piece = self._pieces[0]
                if isinstance(piece, WireFault):
                    if pieces:
                        break
                    return [], piece if piece.times is None else self._taken(), False
                pieces.append(piece)
                size += len(piece)
                self._taken()
            return pieces, None, self._finished and not self._pieces

    def _taken(self) -> WireFault | None:
        piece = self._pieces.pop(0)
        if isinstance(piece, bytes):
            self._size -= len(piece)
        self._changed.notify_all()
        return piece if isinstance(piece, WireFault) else None

    def give_back(self, pieces: Iterable[bytes]) -> None:
        """Puts back what could not be sent: a repeated request gets it again."""
        with self._changed:
            self._pieces[:0] = pieces
            self._size += sum(map(len, pieces))
            self._changed.notify_all()

    def close(self) -> None:
        """Lets go of whoever waits."""
        with self._changed:
            self._closed = True
            self._pieces.clear()
            self._changed.notify_all()
