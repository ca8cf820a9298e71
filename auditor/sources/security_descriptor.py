"""Access lists of directory objects, and what they let an account read ([MS-DTYP] 2.4, 2.5.3).

The lists say what an empty answer does not: whether a value is not there, or not shown.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass

LIST_CHILDREN = 0x0000_0004
READ_PROPERTY = 0x0000_0010
CONTROL_ACCESS = 0x0000_0100
"""Rights on objects of a directory ([MS-ADTS] 5.1.3.2)."""

_GENERIC_READ, _GENERIC_ALL = 0x8000_0000, 0x1000_0000
_READS = LIST_CHILDREN | READ_PROPERTY
_INHERIT_ONLY = 0x08
_DACL_PRESENT, _DACL_PROTECTED = 0x0004, 0x1000
_ALLOWED, _ALLOWED_OBJECT = 0, 5
_DENIED, _DENIED_OBJECT = {1, 10}, {6, 12}
"""Kinds of lines ([MS-DTYP] 2.4.4.1). 10 and 12 deny under a condition, which is taken as met."""

_OBJECT_TYPE, _INHERITED_TYPE = 1, 2
_HEADER = struct.Struct("<BBHIIII")


@dataclass(frozen=True, slots=True)
class AccessEntry:
    """One line of an access list that applies to the object itself.

    `object_type` is the GUID of the property set or attribute it is about, as stored; None is all.
    """

    allowed: bool
    mask: int
    object_type: bytes | None
    sid: bytes


AccessList = Sequence[AccessEntry] | None
"""The lines in their order; None is the absent list, which lets everybody do everything."""


def access_list(descriptor: bytes) -> AccessList:
    """The access list of a self-relative security descriptor.

    Lines that allow under a condition are left out, since it may not be met. Raises ValueError for
    bytes that are no descriptor.
    """
    try:
        _, _, control, _, _, _, offset = _HEADER.unpack_from(descriptor)
        if not control & _DACL_PRESENT or offset == 0:
            return None
        _, _, size, count, _ = struct.unpack_from("<BBHHH", descriptor, offset)
        entries = []
        place, end = offset + 8, offset + size
        for _ in range(count):
            kind, flags, length = struct.unpack_from("<BBH", descriptor, place)
            if length < 8 or place + length > min(end, len(descriptor)):
                raise ValueError("an access list longer than its descriptor")
            if not flags & _INHERIT_ONLY:
                entry = _entry(kind, descriptor[place + 4 : place + length])
                entries.extend([entry] if entry else [])
            place += length
    except struct.error as problem:
        raise ValueError(f"no security descriptor ({problem})") from problem
    return entries


def inherits_nothing(descriptor: bytes) -> bool:
    """Whether the access list is closed to what its parent grants (SE_DACL_PROTECTED).

    Raises ValueError for bytes that are no descriptor ([MS-DTYP] 2.4.6).
    """
    if len(descriptor) < _HEADER.size:
        raise ValueError(f"no security descriptor ({len(descriptor)} bytes)")
    return bool(_HEADER.unpack_from(descriptor)[2] & _DACL_PROTECTED)


def _entry(kind: int, body: bytes) -> AccessEntry | None:
    (mask,) = struct.unpack_from("<I", body)
    if mask & (_GENERIC_READ | _GENERIC_ALL):
        mask |= _READS | (CONTROL_ACCESS if mask & _GENERIC_ALL else 0)
    place = 4
    object_type = None
    if kind == _ALLOWED_OBJECT or kind in _DENIED_OBJECT:
        (present,) = struct.unpack_from("<I", body, place)
        place += 4
        if present & _OBJECT_TYPE:
            object_type = body[place : place + 16]
            place += 16
        if present & _INHERITED_TYPE:
            place += 16
    elif kind != _ALLOWED and kind not in _DENIED:
        return None
    sid = body[place : place + 8 + 4 * (body[place + 1] if place + 1 < len(body) else 0)]
    return AccessEntry(kind in {_ALLOWED, _ALLOWED_OBJECT}, mask, object_type, sid)


def granted(
    entries: AccessList, token: Collection[bytes], right: int, objects: Collection[bytes] = ()
) -> bool:
    """Whether an account has a right on the object, or on the property named by `objects`.

    `token` holds the SIDs of the account and its groups; `objects` the GUIDs of the attribute and
    of its property set. The first line that speaks of the right decides, and silence denies.
    """
    if entries is None:
        return True
    for entry in entries:
        speaks = entry.object_type is None or entry.object_type in objects
        if entry.mask & right and speaks and entry.sid in token:
            return entry.allowed
    return False
