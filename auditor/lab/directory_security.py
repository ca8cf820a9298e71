"""Security descriptors of the organisation's objects, as bytes ([MS-DTYP] 2.4.6)."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

READ_CONTROL = 0x0002_0000
LIST_CHILDREN = 0x04
READ_PROPERTY = 0x10
LIST_OBJECT = 0x80
GENERIC_READ = READ_CONTROL | LIST_CHILDREN | READ_PROPERTY | LIST_OBJECT
FULL_CONTROL = 0x000F_01FF

AUTHENTICATED_USERS, SYSTEM, ADMINISTRATORS = "S-1-5-11", "S-1-5-18", "S-1-5-32-544"
AUDITOR = "S-1-5-21-3623811015-3361044348-30300820-1604"
"""The account that reads the lab where no real directory gives one."""

_ALLOWED, _DENIED, _ALLOWED_OBJECT, _DENIED_OBJECT = 0, 1, 5, 6
_OBJECT_TYPE_PRESENT = 1
_SELF_RELATIVE, _DACL_PRESENT, _DACL_PROTECTED = 0x8000, 0x0004, 0x1000


@dataclass(frozen=True, slots=True)
class AccessEntry:
    """One line of an access list; `object_type` is the GUID of a property set or attribute."""

    sid: str
    mask: int
    object_type: str = ""
    allowed: bool = True
    flags: int = 0


def sid_bytes(text: str) -> bytes:
    """`S-1-5-11` as it is stored ([MS-DTYP] 2.4.2.2)."""
    _, revision, authority, *parts = text.split("-")
    numbers = [int(part) for part in parts]
    return (
        bytes([int(revision), len(numbers)])
        + int(authority).to_bytes(6, "big")
        + struct.pack(f"<{len(numbers)}I", *numbers)
    )


def descriptor(entries: Sequence[AccessEntry], *, inherits_nothing: bool = False) -> bytes:
    """A descriptor that holds nothing but its access list, as a server sends it when asked so."""
    aces = b"".join(_ace(entry) for entry in entries)
    revision = 4 if any(entry.object_type for entry in entries) else 2
    acl = struct.pack("<BBHHH", revision, 0, 8 + len(aces), len(entries), 0) + aces
    control = _SELF_RELATIVE | _DACL_PRESENT | (_DACL_PROTECTED if inherits_nothing else 0)
    header = struct.pack("<BBHIIII", 1, 0, control, 0, 0, 0, 20)
    return header + acl


def _ace(entry: AccessEntry) -> bytes:
    kind = _ALLOWED if entry.allowed else _DENIED
    body = struct.pack("<I", entry.mask)
    if entry.object_type:
        kind = _ALLOWED_OBJECT if entry.allowed else _DENIED_OBJECT
        body += struct.pack("<I", _OBJECT_TYPE_PRESENT) + uuid.UUID(entry.object_type).bytes_le
    body += sid_bytes(entry.sid)
    return struct.pack("<BBH", kind, entry.flags, 4 + len(body)) + body
