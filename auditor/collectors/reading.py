"""Typed reading of one property of an Exchange object.

Three things stay apart: a property that the object does not carry (the source did not say, `None`
in evidence), one that carries nothing (read and empty, `''`), and one of another shape than the
command gives, which raises UnexpectedAnswer with property and value.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from auditor.errors import UnexpectedAnswer
from auditor.sources.clixml import PsObject, PsValue

_GUID = re.compile(r"\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?", re.IGNORECASE)
_SIZE = re.compile(
    r"[^()]*\((?P<bytes>[0-9]{1,3}(?:(?P<mark>[^\w()])[0-9]{2,3}(?:(?P=mark)[0-9]{2,3})*)?|[0-9]{1,19})"
    r"\s[^\W\d_]+\)\s*"
)
_LARGEST = 2**63 - 1
"""What a column holds."""
_SPAN = re.compile(r"(?:([0-9]{1,5})\.)?([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]{1,7})?")
_FLAGS = {"true": True, "false": False}
_NO_GUID = "00000000-0000-0000-0000-000000000000"
_UNLIMITED = "unlimited"
"""What the Unlimited of a number or a size is as text, in lower case."""
_NEVER = 1
"""Year of .NET's smallest date, which stands for a date that was never set."""


def misfit(found: PsObject, name: str, expected: str) -> UnexpectedAnswer:
    """The error for a property whose value is not what the command gives."""
    return UnexpectedAnswer(
        f"{name} of {found.kind or 'an object'} holds {_shown(found.optional(name))} where "
        f"{expected} belongs{' (' + found.place + ')' if found.place else ''}; collect it "
        "again, or export it again without editing the file."
    )


def _shown(value: PsValue) -> str:
    shown = "nothing" if value is None else repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _text_of(found: PsObject, name: str) -> str | None:
    value = found[name]
    if value is None:
        return None
    if not isinstance(value, str) or not _encodable(value):
        raise misfit(found, name, "text")
    return value


def _encodable(value: str) -> bool:
    # half of a surrogate pair can be written as an escape, but belongs to no text
    return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)


def text(found: PsObject, name: str) -> str:
    """Text that every object of the command has; raises where it is missing or empty."""
    value = _text_of(found, name)
    if not value:
        raise misfit(found, name, "text")
    return value


def text_or_empty(found: PsObject, name: str) -> str:
    """Text that the object must carry and that may be empty; nothing becomes ''."""
    return _text_of(found, name) or ""


def optional_text(found: PsObject, name: str) -> str | None:
    """Text of a property that may be left out: None without it, '' where it holds nothing."""
    return text_or_empty(found, name) if name in found else None


def guid(found: PsObject, name: str) -> str:
    """A GUID in lower case without braces; raises where it is missing or something else."""
    match = _GUID.fullmatch(_text_of(found, name) or "")
    if match is None:
        raise misfit(found, name, "a GUID")
    return match[1].lower()


def optional_guid(found: PsObject, name: str) -> str | None:
    """A GUID that may be left out: None without the property, '' where it holds nothing."""
    return guid(found, name) if optional_text(found, name) else optional_text(found, name)


def assigned_guid(found: PsObject, name: str) -> str | None:
    """A GUID as `optional_guid` reads it; '' too for one of zeros, which .NET has for none."""
    value = optional_guid(found, name)
    return "" if value == _NO_GUID else value


def flag(found: PsObject, name: str) -> bool | None:
    """True or False, also as text; None where the property is left out or holds nothing."""
    value = found.optional(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _FLAGS:
        return _FLAGS[value.lower()]
    raise misfit(found, name, "True or False")


def whole(found: PsObject, name: str) -> int | None:
    """A whole number, also as text; None where the property is left out or holds nothing."""
    value = found.optional(name)
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63:
        return value
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    raise misfit(found, name, "a whole number")


def limit(found: PsObject, name: str) -> int | None:
    """A whole number as `whole` reads it; None too for `Unlimited`."""
    return None if _is_unlimited(found, name) else whole(found, name)


def size_limit(found: PsObject, name: str) -> int | None:
    """Bytes as `size` reads them; None too for `Unlimited`."""
    return None if _is_unlimited(found, name) else size(found, name)


def _is_unlimited(found: PsObject, name: str) -> bool:
    value = found.optional(name)
    return isinstance(value, str) and value.lower() == _UNLIMITED


def size(found: PsObject, name: str) -> int | None:
    """Bytes of a ByteQuantifiedSize, also as a bare number; None as with `whole`.

    Exchange writes `1.2 GB (1,288,490,188 bytes)`, in the culture of the server: only the digits
    in parentheses count, whatever mark groups them and whatever word follows.
    """
    value = found.optional(name)
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    read = int(re.sub(r"[^0-9]", "", match["bytes"])) if match else whole(found, name)
    if read is not None and not 0 <= read <= _LARGEST:
        raise misfit(found, name, "a size in bytes")
    return read


def seconds(found: PsObject, name: str) -> int | None:
    """Seconds of a .NET time span, `00:15:00` or `1.02:00:00`; None for any other text."""
    match = _SPAN.fullmatch(optional_text(found, name) or "")
    if match is None:
        return None
    days, hours, minutes, rest = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


def moment(found: PsObject, name: str) -> datetime:
    """A point in time, in UTC; raises where it is missing, was never set, or has no zone."""
    value = _moment_of(found, name)
    if value is None or value.tzinfo is None:
        raise misfit(found, name, "a time with its zone")
    return value


def optional_moment(found: PsObject, name: str) -> datetime | None:
    """A point in time, in UTC, that may be left out.

    None too for a time without a zone: which moment that was, the source did not say.
    """
    value = _moment_of(found, name) if name in found else None
    return None if value is None or value.tzinfo is None else value


def _moment_of(found: PsObject, name: str) -> datetime | None:
    value = _text_of(found, name)
    if not value:
        return None
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        raise misfit(found, name, "a time") from None
    if read.year == _NEVER:
        return None
    if read.tzinfo is None:
        return read.replace(tzinfo=UTC) if name.endswith("UTC") else read
    try:
        return read.astimezone(UTC)
    except OverflowError:
        raise misfit(found, name, "a time") from None


def texts(found: PsObject, name: str) -> list[str]:
    """The texts of a multi-valued property, each once, in their order; nothing is an empty list.

    The property must be there: a list that was not exported must not look like an empty one.
    """
    value = found[name]
    if value is None:
        return []
    if not isinstance(value, list):
        raise misfit(found, name, "a list")
    read: dict[str, None] = {}
    for entry in value:
        if not isinstance(entry, str) or not _encodable(entry):
            raise misfit(found, name, "a list of texts")
        read[entry] = None
    return list(read)
