"""Typed reading of one attribute of a directory object.

Three things stay apart: an attribute that the account may not read, or that this forest does not
know (None in evidence), one that holds nothing (''), and one of another shape than the attribute
has, which raises UnexpectedAnswer. An attribute that every object of its kind has, and that did
not come, raises AccessDenied.
"""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime

from auditor.collectors.directory_rights import Rights
from auditor.errors import AccessDenied, UnexpectedAnswer
from auditor.sources.directory import SECURITY_DESCRIPTOR, Entry

_TIME = re.compile(r"(\d{14})(?:\.\d{1,9})?Z")
_BOOLEANS = {b"TRUE": True, b"FALSE": False}


class Found:
    """An object that was found, with the rights of the account that reads it.

    `unread` gathers the attributes that were asked of it and may not be read.
    """

    __slots__ = ("entry", "rights", "unread")

    def __init__(self, entry: Entry, rights: Rights) -> None:
        self.entry = entry
        self.rights = rights
        self.unread: set[str] = set()

    @property
    def dn(self) -> str:
        """Distinguished name."""
        return self.entry.dn

    def values(self, name: str) -> list[bytes] | None:
        """All values as bytes, none if there is none; None where that cannot be known."""
        came = self.entry.attributes.get(name)
        if came is not None:
            return came
        if self.rights.may_read(self.entry, name):
            return []
        self.unread.add(name)
        return None


def misfit(found: Found, name: str, expected: str) -> UnexpectedAnswer:
    """The error for a value that is not what the attribute holds."""
    values = found.entry.attributes.get(name) or [b""]
    shown = repr(values[0][:40])
    return UnexpectedAnswer(
        f"{name} of {found.dn} holds {shown if values[0] else 'nothing'} where {expected} belongs: "
        "look at the object with ADSI Edit, and report it if it is as it should be."
    )


def missing(found: Found, name: str, expected: str) -> AccessDenied | UnexpectedAnswer:
    """The error for a decisive value that did not come: it is hidden, or it is not there."""
    return denied(found, name) if name in found.unread else misfit(found, name, expected)


def denied(found: Found, name: str) -> AccessDenied:
    """The error for an object whose decisive attribute may not be read."""
    found.unread.add(name)
    return AccessDenied(f"{name} of {found.dn} is not shown to the account.")


def _decoded(found: Found, name: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise misfit(found, name, "text") from None


def texts(found: Found, name: str) -> list[str] | None:
    """All values as text, each once, in their order; None where they may not be read."""
    values = found.values(name)
    if values is None:
        return None
    return list(dict.fromkeys([_decoded(found, name, value) for value in values]))


def optional_text(found: Found, name: str) -> str | None:
    """The value as text, '' if there is none; None where it may not be read."""
    values = found.values(name)
    if values is None:
        return None
    return _decoded(found, name, values[0]) if values else ""


def text_or_empty(found: Found, name: str) -> str:
    """Text that must be readable and may be empty."""
    value = optional_text(found, name)
    if value is None:
        raise denied(found, name)
    return value


def text(found: Found, name: str) -> str:
    """Text that every object of the kind has."""
    value = text_or_empty(found, name)
    if not value:
        raise misfit(found, name, "text")
    return value


def optional_guid(found: Found, name: str) -> str | None:
    """A GUID in lower case without braces, '' if there is none; None where it may not be read."""
    values = found.values(name)
    if not values:
        return None if values is None else ""
    if len(values[0]) != 16:
        raise misfit(found, name, "a GUID")
    return str(uuid.UUID(bytes_le=values[0]))


def guid(found: Found, name: str = "objectGUID") -> str:
    """A GUID that every object of the kind has."""
    value = optional_guid(found, name)
    if value is None:
        raise denied(found, name)
    if not value:
        raise misfit(found, name, "a GUID")
    return value


def whole(found: Found, name: str) -> int | None:
    """A whole number; None where there is none, and where it may not be read."""
    values = found.values(name)
    if not values:
        return None
    read = int(values[0]) if re.fullmatch(rb"-?[0-9]{1,19}", values[0]) else None
    if read is None or not -(2**63) <= read < 2**63:
        raise misfit(found, name, "a whole number")
    return read


def flags(found: Found, name: str) -> int | None:
    """A number made of flags: 0 where there is none, None where it may not be read."""
    value = whole(found, name)
    return 0 if value is None and name not in found.unread else value


def boolean(found: Found, name: str) -> bool | None:
    """True or False; None where there is none, and where it may not be read."""
    values = found.values(name)
    if not values:
        return None
    if values[0] not in _BOOLEANS:
        raise misfit(found, name, "TRUE or FALSE")
    return _BOOLEANS[values[0]]


def inherits_nothing(found: Found) -> bool | None:
    """Whether the access list is closed to grants from above; None where it is not shown."""
    closed = found.rights.inherits_nothing(found.entry)
    if closed is None:
        found.unread.add(SECURITY_DESCRIPTOR)
    return closed


def moment(found: Found, name: str) -> datetime | None:
    """A time in UTC (RFC 4517, 3.3.13); None where there is none, and where it may not be read."""
    values = found.values(name)
    if not values:
        return None
    match = _TIME.fullmatch(_decoded(found, name, values[0]))
    if match:
        try:
            return datetime.strptime(match[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            pass  # a thirteenth month
    raise misfit(found, name, "a time in UTC")
