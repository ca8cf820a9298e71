"""Reading one exported file: what it is, the rows of its objects, and whether it is all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from auditor.collectors.contract import ExchangeCollector, Side
from auditor.collectors.exo_organization import MIGRATION_ENDPOINT
from auditor.collectors.inputs import InputFile
from auditor.collectors.manifest import ExportedCommand
from auditor.collectors.recognition import (
    OTHER_SIDE,
    WANTED,
    collector_named_by,
    collector_of,
    collector_of_cmdlet,
    kind_of,
    side_of,
)
from auditor.collectors.runner import rows_of
from auditor.collectors.tally import Tally
from auditor.errors import AnswerCutShort, UnexpectedAnswer
from auditor.evidence.base import Evidence
from auditor.evidence.bundle import BundleWriter
from auditor.evidence.ledger import State
from auditor.sources.clixml import PsObject, PsValue, read_stream

PROGRESS_EVERY = 500
DEFAULT_RESULT_SIZE = 1_000
"""Objects after which a recipient command stops unless it is told otherwise."""

_WINDOW = {
    Side.ON_PREMISES: "the on-premises Exchange Management Shell",
    Side.ONLINE: "an Exchange Online PowerShell window",
}


@dataclass(frozen=True)
class Reading:
    """Where rows go and what is counted; tallies by the table of their collector."""

    writer: BundleWriter
    tallies: Mapping[str, Tally]
    now: Callable[[], datetime]
    progress: Callable[[str, int], None]

    def tally(self, collector: ExchangeCollector) -> Tally:
        """The tally of a collector's command."""
        return self.tallies[collector.table]


@dataclass(frozen=True)
class Export:
    """A file of Export-Clixml, its SHA-256, and what a manifest promises of it."""

    file: InputFile
    sha256: str
    promised: ExportedCommand | None

    @property
    def expected(self) -> ExchangeCollector | None:
        """The collector that manifest or, failing that, the file's name make one expect."""
        return self._promised_collector if self.promised else collector_named_by(self.file.name)

    @property
    def _promised_collector(self) -> ExchangeCollector | None:
        promised = self.promised
        return collector_of_cmdlet(promised.cmdlet, promised.side) if promised else None

    def side(self, found: PsObject) -> Side | None:
        """Where an object lives: what it says itself, else what the manifest says of them all."""
        return side_of(found) or (self.promised.side if self.promised else None)

    def collector(self, found: PsObject, side: Side) -> ExchangeCollector | None:
        """The collector of that side that reads an object of this file."""
        return collector_of(found, side, self._promised_collector)


def read_export(export: Export, path: Path, reading: Reading) -> tuple[str, int | None]:
    """Read the export that lies at `path`; gives what it was taken for and how many objects.

    What is wrong with it is noted in the tally of its command. Raises InputRefused for what is
    not CLIXML after all.
    """
    with path.open("rb") as content:
        objects = read_stream(content, export.file.name, wanted=WANTED)
        try:
            first = next(objects, None)
        except (AnswerCutShort, UnexpectedAnswer) as error:
            if export.expected:
                reading.tally(export.expected).wrong(_state_of(error), str(error))
            return f"damaged: {error}", None
        if first is None:
            return _empty(export, reading), 0
        collector = _collector(export, first) if isinstance(first, PsObject) else None
        if not isinstance(first, PsObject) or collector is None:
            return _not_needed(export, first, reading), None
        side = _side(export, first, collector)
        if side is OTHER_SIDE[collector.side]:
            return _set_aside(export, side, collector, reading), None
        if export.promised and export.expected is not collector:
            _contradicted(export, f"objects of {collector.command}", reading)
        return collector.command, _read_all(export, first, objects, reading, collector)


def _collector(export: Export, first: PsObject) -> ExchangeCollector | None:
    """The collector of a file's objects, that of their own side if it has one."""
    side = export.side(first) or Side.ON_PREMISES
    return export.collector(first, side) or export.collector(first, OTHER_SIDE[side])


def _side(export: Export, found: PsObject, collector: ExchangeCollector) -> Side | None:
    """Where an object lives; None where nobody says so."""
    if collector.per_server:
        return collector.side  # files and certificates of servers, which only on-premises has
    side = export.side(found)
    return collector.side if side is None and collector.per_mailbox else side


def _read_all(
    export: Export,
    first: PsObject,
    objects: Iterator[PsValue],
    reading: Reading,
    collector: ExchangeCollector,
) -> int:
    tally = reading.tally(collector)
    tally.started_at = tally.started_at or reading.now()
    count = 0
    cut_off: AnswerCutShort | UnexpectedAnswer | None = None
    found: PsValue = first
    ended = False
    while not ended and cut_off is None:
        count += 1
        _take(tally, export, found, f"{export.file.name}, object {count}", reading.writer)
        if count % PROGRESS_EVERY == 0:
            reading.progress(export.file.name, count)
        try:
            found = next(objects)
        except StopIteration:
            ended = True
        except (AnswerCutShort, UnexpectedAnswer) as error:
            cut_off = error
    reading.progress(export.file.name, count)
    tally.ended_at = reading.now()
    tally.folders.add(export.file.folder)
    if cut_off:
        tally.wrong(_state_of(cut_off), str(cut_off))
    _compare(tally, export, count, to_the_end=ended)
    return count


def _take(tally: Tally, export: Export, found: PsValue, place: str, writer: BundleWriter) -> None:
    try:
        tally.add(_rows(tally.collector, export, found, place), writer, place)
    except UnexpectedAnswer as error:
        tally.misfit(str(error))


def _rows(
    collector: ExchangeCollector, export: Export, found: PsValue, place: str
) -> list[Evidence]:
    if not isinstance(found, PsObject) or export.collector(found, collector.side) is not collector:
        kind = found.kind if isinstance(found, PsObject) else type(found).__name__
        raise UnexpectedAnswer(
            f"{place} is {kind or 'of no known type'} among objects of {collector.command}: "
            "export each command to a file of its own."
        )
    side = _side(export, found, collector)
    if side is None:
        raise UnexpectedAnswer(f"{place} {_silent(collector)}.")
    if side is not collector.side:
        raise UnexpectedAnswer(
            f"{place} comes from {side}: export both sides to files of their own."
        )
    return rows_of(collector, found)


def _silent(collector: ExchangeCollector) -> str:
    """What to do where an object does not say on which side it lives."""
    if collector is MIGRATION_ENDPOINT:
        return (
            "does not say whether it comes from Exchange Online or from on-premises, as no "
            "migration endpoint does: export it with the script of `auditor export-script "
            "--online`, whose manifest says so"
        )
    return (
        "says neither DistinguishedName nor OriginatingServer, so it may come from "
        f"{OTHER_SIDE[collector.side]}: add DistinguishedName to its Select-Object"
    )


def _state_of(error: AnswerCutShort | UnexpectedAnswer) -> State:
    return "partial" if isinstance(error, AnswerCutShort) else "unexpected_answer"


def _empty(export: Export, reading: Reading) -> str:
    if export.expected is None:
        return "not recognised: an export without objects"
    tally = reading.tally(export.expected)
    if export.promised:
        tally.started_at = tally.ended_at = reading.now()
        tally.folders.add(export.file.folder)
        _compare(tally, export, 0, to_the_end=True)
    else:
        tally.wrong(
            "unexpected_answer",
            f"{export.file.name} holds no object; a command that failed leaves the same empty "
            "file: use the export script, whose manifest tells the two apart.",
        )
    return f"{export.expected.command}: no objects"


def _not_needed(export: Export, first: PsValue, reading: Reading) -> str:
    kind = kind_of(first) if isinstance(first, PsObject) else ""
    if export.promised:
        _contradicted(export, f"objects of type {kind or 'unknown'}", reading)
    return f"{kind}: not needed" if kind else "not recognised: objects of no known type"


def _contradicted(export: Export, what: str, reading: Reading) -> None:
    if export.promised and export.expected:
        reading.tally(export.expected).wrong(
            "unexpected_answer",
            f"{export.file.name} holds {what} where the manifest says {export.promised.named}: "
            "export again.",
        )


def _set_aside(export: Export, side: Side, collector: ExchangeCollector, reading: Reading) -> str:
    command = collector.cmdlets[0]
    reading.tally(collector).wrong(
        "not_requested",
        f"{export.file.name} comes from {side} and was set aside: run {command} in "
        f"{_WINDOW[collector.side]}.",
    )
    if export.promised:
        _contradicted(export, f"objects of {side}", reading)
    return f"{command} of {side}: set aside"


def _compare(tally: Tally, export: Export, count: int, *, to_the_end: bool) -> None:
    """Hold what was read against the manifest, or against the limit that nobody lifted."""
    name, promised = export.file.name, export.promised
    unlimited = promised is not None and "ResultSize" not in promised.dropped_parameters
    limited = "ResultSize" in tally.collector.parameters and not unlimited
    if limited and count == DEFAULT_RESULT_SIZE:
        tally.wrong(
            "partial",
            f"{name} holds exactly {DEFAULT_RESULT_SIZE} objects, where {tally.command} stops by "
            "default: export with -ResultSize Unlimited.",
        )
    if promised is None:
        tally.unconfirmed = True
        return
    if promised.sha256 and promised.sha256 != export.sha256:
        tally.wrong("unexpected_answer", f"{name} was changed after the export: export again.")
    if to_the_end and promised.count != count:
        tally.wrong(
            "partial",
            f"{name} holds {count} objects where the export counted {promised.count}: "
            "export again.",
        )
