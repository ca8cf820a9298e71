"""Reading one exported file: what it is, the rows of its objects, and whether it is all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from auditor.collectors.contract import ExchangeCollector
from auditor.collectors.inputs import InputFile
from auditor.collectors.manifest import ExportedCommand
from auditor.collectors.recognition import (
    WANTED,
    Origin,
    collector_named_by,
    collector_of,
    collector_of_cmdlet,
    kind_of,
    origin_of,
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


@dataclass(frozen=True)
class Reading:
    """Where rows go and what is counted; tallies by command."""

    writer: BundleWriter
    tallies: Mapping[str, Tally]
    now: Callable[[], datetime]
    progress: Callable[[str, int], None]

    def tally(self, collector: ExchangeCollector) -> Tally:
        """The tally of a collector's command."""
        return self.tallies[collector.cmdlets[0]]


@dataclass(frozen=True)
class Export:
    """A file of Export-Clixml, its SHA-256, and what a manifest promises of it."""

    file: InputFile
    sha256: str
    promised: ExportedCommand | None

    @property
    def expected(self) -> ExchangeCollector | None:
        """The collector that manifest or, failing that, the file's name make one expect."""
        if self.promised:
            return collector_of_cmdlet(self.promised.cmdlet)
        return collector_named_by(self.file.name)


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
        collector = collector_of(first) if isinstance(first, PsObject) else None
        if not isinstance(first, PsObject) or collector is None:
            return _not_needed(export, first, reading), None
        if not collector.per_server and origin_of(first) is Origin.CLOUD:
            return _set_aside(export, reading.tally(collector)), None
        if export.promised and export.expected is not collector:
            _contradicted(export, f"objects of {collector.cmdlets[0]}", reading)
        return collector.cmdlets[0], _read_all(export, first, objects, reading, collector)


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
        _take(tally, found, f"{export.file.name}, object {count}", reading.writer)
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


def _take(tally: Tally, found: PsValue, place: str, writer: BundleWriter) -> None:
    try:
        tally.add(_rows(tally.collector, found, place), writer, place)
    except UnexpectedAnswer as error:
        tally.misfit(str(error))


def _rows(collector: ExchangeCollector, found: PsValue, place: str) -> list[Evidence]:
    if not isinstance(found, PsObject) or collector_of(found) is not collector:
        kind = found.kind if isinstance(found, PsObject) else type(found).__name__
        raise UnexpectedAnswer(
            f"{place} is {kind or 'of no known type'} among objects of {collector.cmdlets[0]}: "
            "export each command to a file of its own."
        )
    origin = Origin.ON_PREMISES if collector.per_server else origin_of(found)
    if origin is Origin.CLOUD:
        raise UnexpectedAnswer(
            f"{place} comes from Exchange Online: export both sides to files of their own."
        )
    if origin is Origin.UNKNOWN and not collector.per_mailbox:
        raise UnexpectedAnswer(
            f"{place} says neither DistinguishedName nor OriginatingServer, so it may come from "
            "Exchange Online: add DistinguishedName to its Select-Object."
        )
    return rows_of(collector, found)


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
    return f"{tally.command}: no objects"


def _not_needed(export: Export, first: PsValue, reading: Reading) -> str:
    kind = kind_of(first) if isinstance(first, PsObject) else ""
    if export.promised:
        _contradicted(export, f"objects of type {kind or 'unknown'}", reading)
    return f"{kind}: not needed" if kind else "not recognised: objects of no known type"


def _contradicted(export: Export, what: str, reading: Reading) -> None:
    if export.promised and export.expected:
        reading.tally(export.expected).wrong(
            "unexpected_answer",
            f"{export.file.name} holds {what} where the manifest says {export.promised.cmdlet}: "
            "export again.",
        )


def _set_aside(export: Export, tally: Tally) -> str:
    tally.wrong(
        "not_requested",
        f"{export.file.name} comes from Exchange Online and was set aside: run {tally.command} "
        "in the on-premises Exchange Management Shell.",
    )
    return f"{tally.command} of Exchange Online: set aside"


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
