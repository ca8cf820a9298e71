"""The body of one answer, unpacked while it arrives, of bounded size.

A few kilobytes of gzip can unpack to gigabytes, so the bound holds for what came over the wire
and for what it became, chunk by chunk: more than a chunk beyond it is never held.
"""

from __future__ import annotations

import zlib

_GZIP = b"\x1f\x8b"  # RFC 1952, section 2.3.1
_ZLIB_OR_GZIP = 32 + zlib.MAX_WBITS


class TooLarge(Exception):
    """The body is larger than it may be."""


class Damaged(Exception):
    """The body is not packed as it says, or goes on behind the end of its packing."""


class CutShort(Exception):
    """The packing of the body has no end."""


class BoundedBody:
    """Takes the chunks of one body, of `limit` bytes at most, packed or not.

    `packed`: whether its headers call it gzip; None where its first two bytes tell, whatever
    its headers say.
    """

    def __init__(self, limit: int, *, packed: bool | None) -> None:
        self._limit = limit
        self._packed = packed
        self._unpack = zlib.decompressobj(_ZLIB_OR_GZIP) if packed else None
        self._start = b""
        self._parts: list[bytes] = []
        self._arrived = self._size = 0

    @property
    def arrived(self) -> int:
        """Bytes that came over the wire."""
        return self._arrived

    def add(self, chunk: bytes) -> None:
        """Takes the next chunk; raises TooLarge or Damaged, after which nothing may be added."""
        self._arrived += len(chunk)
        if self._arrived > self._limit:
            raise TooLarge
        if self._packed is None:
            chunk = self._start = self._start + chunk
            if len(chunk) < len(_GZIP):
                return
            self._packed, self._start = chunk.startswith(_GZIP), b""
            self._unpack = zlib.decompressobj(_ZLIB_OR_GZIP) if self._packed else None
        part = self._unpacked(chunk)
        self._size += len(part)
        if self._size > self._limit:
            raise TooLarge
        self._parts.append(part)

    def whole(self) -> bytes:
        """All of the body, once its last chunk was added; raises CutShort."""
        if self._unpack and self._arrived and not self._unpack.eof:
            raise CutShort
        return b"".join((*self._parts, self._start))

    def _unpacked(self, chunk: bytes) -> bytes:
        if self._unpack is None:
            return chunk
        try:
            part = self._unpack.decompress(chunk, self._limit - self._size + 1)
        except zlib.error:
            part = None
        # what comes behind the end would be gathered without bounds
        if part is None or self._unpack.unused_data:
            raise Damaged
        return part
