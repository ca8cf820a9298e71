"""As much of OData's $filter and $select as Graph is asked for here; the rest it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime

from auditor.lab.tenant_rows import Row

Test = Callable[[Row], bool]

_TEXT = r"'((?:[^']|'')*)'"
_EQUAL = re.compile(rf"([A-Za-z]+) eq {_TEXT}")
_AMONG = re.compile(rf"([A-Za-z]+) in ?\(({_TEXT}(?:, ?{_TEXT})*)\)")
_STARTS = re.compile(rf"startswith\(([A-Za-z]+), ?{_TEXT}\)")
_VALUE = re.compile(_TEXT)
_SINCE = re.compile(r"([A-Za-z]+) ge ([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)")
MOST_IN = 15
"""Values that one `in` may hold (documented: advanced query capabilities)."""

FILTERED = {
    "servicePrincipals": frozenset({"id", "appId", "displayName"}),
    "applications": frozenset({"id", "appId", "displayName"}),
    "oauth2PermissionGrants": frozenset({"clientId", "consentType", "principalId", "resourceId"}),
    "auditLogs/signIns": frozenset(
        {"id", "userId", "userPrincipalName", "appId", "clientAppUsed", "conditionalAccessStatus"}
    ),
}
"""Properties that a collection may be filtered by."""

FILTERED_BY_TIME = {"auditLogs/signIns": frozenset({"createdDateTime"})}
"""Those that hold a time."""


class NotUnderstood(ValueError):
    """What is asked for is not OData, or more of it than the lab knows."""


def filter_of(path: str, text: str) -> Test:
    """The test that a $filter is: clauses joined by `and`. Raises NotUnderstood."""
    known = FILTERED.get(path, frozenset())
    times = FILTERED_BY_TIME.get(path, frozenset())
    clauses = [_clause(clause.strip(), known, times) for clause in text.split(" and ")]
    return lambda row: all(clause(row) for clause in clauses)


def _clause(text: str, known: frozenset[str], times: frozenset[str]) -> Test:
    if found := _SINCE.fullmatch(text):
        return _since(found[1], found[2], times)
    if found := _EQUAL.fullmatch(text):
        name, wanted = found[1], {_plain(found[2])}
    elif found := _AMONG.fullmatch(text):
        name, wanted = found[1], {_plain(value) for value in _VALUE.findall(found[2])}
        if len(_VALUE.findall(found[2])) > MOST_IN:
            raise NotUnderstood("Too many values in the 'in' clause.")
    elif found := _STARTS.fullmatch(text):
        name, start = found[1], _plain(found[2])
        if name in known:
            return lambda row: str(row[name] or "").lower().startswith(start)
        raise NotUnderstood(_unfiltered(name))
    else:
        raise NotUnderstood(f"Invalid filter clause: {text[:80]}")
    if name not in known:
        raise NotUnderstood(_unfiltered(name))
    return lambda row: str(row[name] or "").lower() in wanted


def _since(name: str, written: str, times: frozenset[str]) -> Test:
    if name not in times:
        raise NotUnderstood(_unfiltered(name))
    try:
        first = datetime.fromisoformat(written)
    except ValueError:
        raise NotUnderstood(f"Invalid date: {written}") from None
    return lambda row: datetime.fromisoformat(str(row[name])) >= first


def _plain(literal: str) -> str:
    return literal.replace("''", "'").lower()


def _unfiltered(name: str) -> str:
    return f"Unsupported or invalid query filter clause specified for property '{name}'."


def selected(rows: Sequence[Row], text: str) -> list[Row]:
    """The rows with the properties of a $select alone. Raises NotUnderstood for one unknown."""
    names = [name.strip() for name in text.split(",")]
    if rows:
        unknown = next((name for name in names if name not in rows[0]), None)
        if unknown is not None:
            raise NotUnderstood(
                "Parsing OData Select and Expand failed: Could not find a property named "
                f"'{unknown}' on the type."
            )
    return [{name: row[name] for name in names} for row in rows]
