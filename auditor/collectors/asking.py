"""Asking a live Exchange, on either side: one command, its tally, its lines in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from auditor.collectors.runner import rows_of
from auditor.collectors.tally import Tally
from auditor.errors import SourceError, SourceUnreachable, UnexpectedAnswer
from auditor.evidence.base import Evidence
from auditor.evidence.bundle import BundleWriter
from auditor.evidence.ledger import LedgerLine, state_of
from auditor.sources.clixml import PsObject

PROGRESS_EVERY = 100
SILENT = 2
"""Commands in a row that reach nobody, after which none is asked any more."""


def attempt(tally: Tally, now: Callable[[], datetime], fill: Callable[[], None]) -> bool:
    """Run `fill` and note in the tally how it ended; True if nobody answered."""
    tally.started_at = now()
    unreachable = False
    try:
        fill()
    except SourceError as stop:
        unreachable = isinstance(stop, SourceUnreachable)
        tally.wrong(state_of(stop.cause), str(stop))
    tally.ended_at = now()
    return unreachable


def take(
    tally: Tally,
    found: PsObject,
    writer: BundleWriter,
    progress: Callable[[str, int], None],
    notice: Callable[[list[Evidence]], None] = lambda _: None,
) -> None:
    """Write the rows of one object, or note that it does not fit; `notice` hears of them first."""
    try:
        rows = rows_of(tally.collector, found)
        notice(rows)
        tally.add(rows, writer, found.place or tally.command)
    except UnexpectedAnswer as misfit:
        tally.misfit(str(misfit))
    count = tally.rows[tally.collector.table]
    if count % PROGRESS_EVERY == 0:
        progress(tally.command, count)


def recorded(tally: Tally, wanted: Collection[str], writer: BundleWriter) -> list[LedgerLine]:
    """The lines of those tables of a tally that are wanted, written to the bundle."""
    lines = [line for line in tally.ledger() if line.table in wanted]
    for line in lines:
        writer.record(line)
    return lines
