"""Answers of Exchange Online's admin endpoint: pages of JSON to objects as CLIXML gives them.

The same collectors read rows of this endpoint and files of Export-Clixml, so a row becomes a
PsObject with the values that it would have there: times, three-valued truths and sizes are text
on both sides.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from auditor.errors import UnexpectedAnswer
from auditor.sources.clixml import PsObject, PsValue
from auditor.sources.exchange_online_faults import EXPORT, Fault, failed_inside
from auditor.sources.json_bounds import crowded
from auditor.sources.quoted import clause

MAX_DEPTH = 64
"""Values within values; the endpoint itself nests a few levels."""

RESULT_SIZE = "ResultSize"
"""In a warning that there is more than was given, in whatever language the rest of it is."""

MAX_WARNINGS = 100

_LARGEST = 2**64
"""Beyond every integer of .NET."""

_NOTE = "@"
"""In every name of OData's control information, and in no name of a property.

OData JSON Format 4.01, section 4.6. The endpoint adds `Name@data.type`, the .NET type.
"""

_TYPE_NOTES = ("@data.type", "@odata.type")
_MILLISECONDS = re.compile(r"/Date\((-?[0-9]{1,15})(?:[+-][0-9]{4})?\)/")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# no word boundary before it: in JSON the letter of an escape may stand there
_CMDLET = re.compile(rb"get-[a-z0-9]{2,60}", re.IGNORECASE)
_BASE64 = re.compile(rb"[A-Za-z0-9+/\r\n]{200,}={0,2}")


@dataclass(frozen=True)
class Page:
    """One page: rows as they came, the link to the next, '' without one, and what was said."""

    rows: tuple[Mapping[str, object], ...]
    next_link: str
    warnings: tuple[str, ...]
    fault: Fault | None = None


def read_page(body: bytes, *, delegated: bool) -> Page | Fault:
    """The page in the body of an answer of status 200; a Fault for what is none.

    Keys that come twice, numbers that are none, depth beyond Python's and a list of rows that
    holds something else all make the whole page a Fault: of a page that is not believed no row
    is. `fault` of a page is an error that stands beside its rows.
    """
    found = _document(body)
    if isinstance(found, Fault):
        return found
    fault = failed_inside(found["error"], delegated=delegated) if found.get("error") else None
    rows, link = found.get("value"), found.get("@odata.nextLink")
    if fault is not None and not rows:
        return fault
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return _nonsense("holds no list of objects")
    if not isinstance(link, str | None):
        return _nonsense("holds a link to the next page that is none")
    return Page(tuple(rows), link or "", _warnings(found.get("@adminapi.warnings")), fault)


def _document(body: bytes) -> dict[str, object] | Fault:
    if crowded(body):
        return _nonsense("holds more values than one page can")
    try:
        found = json.loads(body, object_pairs_hook=_without_doubles, parse_constant=_no_number)
    except (ValueError, RecursionError):
        page = body.lstrip()[:1] == b"<"
        return _web_page() if page else _nonsense("is no JSON, or none that can be believed")
    return found if isinstance(found, dict) else _nonsense("is no page of objects")


def object_of(row: Mapping[str, object], place: str) -> PsObject:
    """The object of a row, without the notes beside its values.

    `/Date(...)/`, milliseconds since 1970 in UTC, becomes ISO 8601 as CLIXML has it, where no
    note says that the value is something else. An object within becomes a PsObject. Raises
    UnexpectedAnswer, which names `place`, for values nested too deep and for numbers that fit
    no type of Exchange.
    """
    return _object(row, place, 0)


def noted(warnings: Iterable[str]) -> list[str]:
    """Warnings, each once and not endlessly many; of those about ResultSize none is left out."""
    kept: dict[str, None] = {}
    for warning in warnings:
        if len(kept) < MAX_WARNINGS or RESULT_SIZE in warning:
            kept[warning] = None
    return list(kept)


def cmdlets_in(body: bytes, known: Collection[str]) -> frozenset[str] | None:
    """Which of the `known` cmdlets an answer to the preflight names; None where it names none.

    What exactly the answer is, no document says: a list, or the files of a PowerShell module,
    as text or in base64. So names are looked for in all of it.
    """
    decoded = (_decoded(found[0]) for found in _BASE64.finditer(body))
    named = {name for part in (body, *decoded) for name in _names(part)}
    found = frozenset(name for name in known if name.lower() in named)
    return found or None


def _names(text: bytes) -> Iterable[str]:
    # a module file may be UTF-16, in which every other byte of a name is NUL
    return (name.decode("ascii").lower() for name in _CMDLET.findall(text.replace(b"\0", b"")))


def _decoded(text: bytes) -> bytes:
    plain = re.sub(rb"[\r\n=]", b"", text)
    return base64.b64decode(plain[: len(plain) // 4 * 4])


def _nonsense(what: str) -> Fault:
    return Fault(UnexpectedAnswer, what, f"collect it again, or {EXPORT}")


def _web_page() -> Fault:
    return Fault(
        UnexpectedAnswer,
        "was answered with a web page instead of data",
        "see whether a proxy or a sign-in page of the network stands in between",
    )


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key came twice")
    return found


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def _warnings(found: object) -> tuple[str, ...]:
    given = found if isinstance(found, list) else [found]
    texts = (clause(text) for text in given if isinstance(text, str))
    return tuple(noted(text for text in texts if text))


def _object(row: Mapping[str, object], place: str, depth: int) -> PsObject:
    properties: dict[str, PsValue] = {}
    for name, value in row.items():
        if _NOTE not in name:
            properties[name] = _value(value, place, depth, row, name)
    return PsObject(properties, place=place)


def _value(value: object, place: str, depth: int, row: Mapping[str, object], name: str) -> PsValue:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _dated(value, row, name) if value.startswith("/Date(") else value
    if isinstance(value, list):
        below = _deeper(depth, place)
        return [_value(entry, place, below, row, name) for entry in value]
    if isinstance(value, dict):
        return _object(value, place, _deeper(depth, place))
    if isinstance(value, int) and -_LARGEST < value < _LARGEST:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise UnexpectedAnswer(
        f"{name!r:.80} of {place} holds a number that fits no type of Exchange; collect it again, "
        f"or {EXPORT}."
    )


def _deeper(depth: int, place: str) -> int:
    if depth >= MAX_DEPTH:
        raise UnexpectedAnswer(
            f"{place} nests values deeper than {MAX_DEPTH}, which no object of Exchange does; "
            f"collect it again, or {EXPORT}."
        )
    return depth + 1


def _dated(value: str, row: Mapping[str, object], name: str) -> str:
    match = _MILLISECONDS.fullmatch(value)
    notes = [note for suffix in _TYPE_NOTES if isinstance(note := row.get(name + suffix), str)]
    if match is None or (notes and not any("Date" in note for note in notes)):
        return value
    try:
        return (_EPOCH + timedelta(milliseconds=int(match[1]))).isoformat()
    except OverflowError:
        return value
