"""How old evidence may be: what was read long before the date of a verdict says nothing of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from auditor.evidence.ledger import LedgerLine
from auditor.verdicts import MAX_AGE_DAYS, Cause

AGELESS = "plan_"
"""Prefix of tables that state an intention: reading a plan again makes it no truer."""


@dataclass(frozen=True)
class AgeLimit:
    """Evidence read more than `days` days before `as_of` is too old to judge by.

    Days are those of the calendar in UTC. What was read after that date is not: somebody may ask
    how things stood by the rules of an earlier day.
    """

    as_of: dt.date
    days: int = MAX_AGE_DAYS

    def age(self, read_at: dt.datetime) -> int:
        """Days from a moment in UTC to the date."""
        return (self.as_of - read_at.date()).days


def without_old(ledger: Mapping[str, LedgerLine], limit: AgeLimit) -> dict[str, LedgerLine]:
    """The ledger as of a date: a table whose rows were read too long before is `stale`.

    So is one of which nobody noted when it was read. The time that counts is the end of its line:
    when a source was asked, when our script exported it, or, of a file that came without a
    manifest and does not say how old it is, when it was imported. What is not complete and has no
    rows keeps the cause that it has; with rows it is old as well, since predictions take those of a
    table that broke midway for what they say.
    """
    return {
        table: line if table.startswith(AGELESS) else _as_of(line, limit)
        for table, line in ledger.items()
    }


def _as_of(line: LedgerLine, limit: AgeLimit) -> LedgerLine:
    read_at = line.ended_at
    if line.cause is not None and not line.rows:
        return line
    if read_at is not None and limit.age(read_at) <= limit.days:
        return line
    why = (
        "Nobody noted when it was read: collect it again."
        if read_at is None
        else f"{_read(read_at, limit).capitalize()}: collect it again, or say --max-age."
    )
    return line.model_copy(update={"state": "stale", "detail": f"{why} {line.detail}".rstrip()})


def too_old(
    ledger: Iterable[LedgerLine],
    limit: AgeLimit,
    remedy: str = "collect again, or say --max-age",
) -> str:
    """One sentence about the stale tables of a ledger; '' where none is."""
    stale = [line for line in ledger if line.cause is Cause.STALE]
    if not stale:
        return ""
    tables = "1 table is" if len(stale) == 1 else f"{len(stale)} tables are"
    dates = [line.ended_at for line in stale if line.ended_at is not None]
    oldest = f", the oldest {_read(min(dates), limit)}" if dates else ""
    return f"{tables} too old to judge by{oldest}; {remedy}"


def _read(read_at: dt.datetime, limit: AgeLimit) -> str:
    age = limit.age(read_at)
    days = "1 day" if age == 1 else f"{age} days"
    return f"read on {read_at:%Y-%m-%d}, {days} before {limit.as_of}"
