"""Chance that can be repeated: everything drawn hangs on seed, kind and number alone.

A hash and not `random.Random`, because object 17 must be the same in an organisation of any size
and under any version of Python, and because making a generator per object costs six times as much.
"""

from __future__ import annotations

import hashlib
import struct

_SIXTEEN_NUMBERS = struct.Struct("<16I")
_WHOLE = 1 << 32


def draws(seed: int, kind: str, number: int | str) -> tuple[int, ...]:
    """Sixteen independent numbers from 0 to 2**32 - 1 for one object."""
    return _SIXTEEN_NUMBERS.unpack(_digest(seed, kind, number, 64))


def happens(draw: int, share: float) -> bool:
    """Whether an event comes about that does so in this share of cases, 0 to 1."""
    return draw < share * _WHOLE


def guid(seed: int, kind: str, number: int | str) -> str:
    """A GUID in lower case without braces, of the random kind (RFC 9562, version 4)."""
    digits = _digest(seed, kind, number, 16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def hexadecimal(seed: int, kind: str, number: int | str, digits: int) -> str:
    """Hexadecimal digits in upper case, as identifiers and thumbprints are written; at most 64."""
    return _digest(seed, kind, number, (digits + 1) // 2).hex().upper()[:digits]


def _digest(seed: int, kind: str, number: int | str, size: int) -> bytes:
    return hashlib.blake2b(f"{seed}/{kind}/{number}".encode(), digest_size=size).digest()
