"""Reading live sources into a bundle of evidence, and the whole run from there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from auditor.collectors.directory import PROVIDED, collect_directory
from auditor.collectors.directory_contract import Place
from auditor.collectors.directory_registry import DIRECTORY_COLLECTORS
from auditor.collectors.directory_tally import PROVIDER as DIRECTORY
from auditor.collectors.live import OF_THE_PLAN, collect_exchange
from auditor.collectors.live import PROVIDER as EXCHANGE
from auditor.collectors.plan import Plan, read_plan, record_plan
from auditor.collectors.registry import EXCHANGE_COLLECTORS
from auditor.config import Configuration
from auditor.config_parts import Person
from auditor.engine.assess import Judgement
from auditor.engine.material import Progress
from auditor.errors import InputRefused, SourceError
from auditor.evidence.bundle import Bundle, BundleWriter
from auditor.evidence.bundle_output import new_bundle, resumed_bundle
from auditor.evidence.ledger import LedgerLine, not_opened, not_requested
from auditor.evidence.plan import PlanMove
from auditor.evidence.tables import COLLECTED
from auditor.live_cloud import (
    EXCHANGE_ONLINE_TABLES,
    GRAPH_TABLES,
    fill_from_cloud,
)
from auditor.live_sources import LiveSources, all_of, live_sources
from auditor.run import assess_and_report, empty_folder, evidence_header, utc_now
from auditor.spelling import closest

TABLES = tuple(model.table for model in COLLECTED)
RICHER_IN_EXCHANGE = frozenset(
    model.table
    for collector in DIRECTORY_COLLECTORS
    if collector.unsaid and collector.place is Place.CONFIGURATION
    for model in collector.tables
)
"""Settings of which the directory does not hold every column; they are few and quickly asked."""

CLOUD_TABLES = GRAPH_TABLES | EXCHANGE_ONLINE_TABLES
EXCHANGE_TABLES = frozenset(
    model.table for collector in EXCHANGE_COLLECTORS for model in collector.tables
)
DIRECTORY_ALONE = frozenset(PROVIDED) - EXCHANGE_TABLES
NO_DIRECTORY = "Only the directory says it, and the configuration names none for it."
NO_EXCHANGE = "Only Exchange says it, and the configuration names no exchange."


@dataclass(frozen=True)
class Wish:
    """How to collect: these tables alone (none named: all), whether to go on or to replace, the
    plan to carry along, and the clock.
    """

    only: Sequence[str] = ()
    resume: bool = False
    force: bool = False
    plan: Plan | None = None
    now: Callable[[], datetime] = utc_now


def collect(
    configuration: Configuration,
    target: Path,
    wish: Wish,
    person: Person,
    progress: Progress,
) -> tuple[LedgerLine, ...]:
    """Read the configured sources into a sealed bundle of evidence at `target`.

    When resuming, the tables that an interrupted run finished are kept. Raises SourceError when
    nobody can be signed in to who says any of it, InputRefused for words that cannot be used; then
    nothing is written. What a source refuses or fails to say otherwise becomes a ledger line.
    """
    plan = read_plan(configuration.plan) if configuration.plan else None
    wish = replace(wish, only=wish.only or configuration.only, plan=plan)
    with live_sources(configuration, person) as sources:
        return collect_from(sources, target, configuration.organization, wish, progress)


def collect_from(
    sources: LiveSources, target: Path, title: str, wish: Wish, progress: Progress
) -> tuple[LedgerLine, ...]:
    """Read open sources into a sealed bundle of evidence at `target`, see `collect`.

    The plan is in the bundle whatever `wish` leaves out: it costs nothing and asks nobody.
    """
    wanted = _wanted(wish.only)
    exchange = sources.exchange
    if wish.plan is not None and exchange is not None and exchange.planned is not None:
        planned_only = replace(exchange, planned=frozenset(wish.plan.lines))
        sources = replace(sources, exchange=planned_only)
    header = evidence_header(title)
    if sources.cloud is not None and sources.cloud.tenant:
        header = header.model_copy(update={"details": {"tenant": sources.cloud.tenant}})
    if wish.resume:
        keep = partial(_kept, sources, wanted, wish.plan)
        with resumed_bundle(target, COLLECTED, wish.force, header, keep) as (writer, kept):
            if PlanMove.table not in kept:
                record_plan(wish.plan, writer, wish.now)
            left = [table for table in wanted if table not in kept]
            return fill(sources, writer, left, progress, wish.now)
    _refuse_silence(sources, wanted)
    with new_bundle(target, header, wish.force, live=True) as writer:
        planned = record_plan(wish.plan, writer, wish.now)
        lines = (*fill(sources, writer, wanted, progress, wish.now), planned)
        for table in TABLES:
            if table not in (*wanted, PlanMove.table):
                writer.record(not_requested(table, "Left out by --only or by the configuration."))
        return lines


def _wanted(only: Collection[str]) -> tuple[str, ...]:
    for table in only:
        if table not in TABLES:
            raise InputRefused(f"there is no table {table!r} to collect{closest(table, TABLES)}")
    return tuple(table for table in TABLES if not only or table in only)


def _named(sources: LiveSources) -> Iterator[tuple[object, frozenset[str]]]:
    """Each source that is configured, open or as its refusal, and the tables it can fill."""
    yield sources.exchange or sources.exchange_refusal, EXCHANGE_TABLES
    yield sources.forest or sources.directory_refusal, frozenset(PROVIDED)
    if sources.cloud is not None:
        yield sources.cloud.graph, GRAPH_TABLES
        yield sources.cloud.exchange_online, EXCHANGE_ONLINE_TABLES


def _refuse_silence(sources: LiveSources, tables: Collection[str]) -> None:
    """Raise what was refused where nobody else can be asked for any of these tables."""
    asked = [source for source, own in _named(sources) if source is not None and own & {*tables}]
    refusals = [source for source in asked if isinstance(source, SourceError)]
    if refusals and refusals == asked:
        raise all_of(refusals)


def _kept(
    sources: LiveSources, wanted: Collection[str], plan: Plan | None, bundle: Bundle
) -> frozenset[str]:
    """The complete tables of a stopped run, which a resumed one leaves as they are; the plan only
    where none is given now, or the same. Raises SourceError where nobody answers for the rest.
    """
    complete = frozenset(table for table, line in bundle.ledger.items() if line.cause is None)
    _refuse_silence(sources, {*wanted} - complete)
    return complete - {PlanMove.table} if _is_another(plan, bundle) else complete


def _is_another(plan: Plan | None, bundle: Bundle) -> bool:
    """Whether a bundle holds another plan than the one that is given, or none beside it.

    Raises InputRefused where a table holds the mailboxes of that plan alone.
    """
    if plan is None or bundle.ledger[PlanMove.table].cause is not None:
        return False
    found, given = (
        {(move.mailbox_key, move.wave, move.target_delivery_domain) for move in moves}
        for moves in (bundle.lines(PlanMove), plan.moves())
    )
    for table, line in bundle.ledger.items():
        if found and found != given and line.rows and (line.filters or "").endswith(OF_THE_PLAN):
            raise InputRefused(
                f"{bundle.name}: {table} was asked for the mailboxes of another plan alone; name "
                "that plan again, or collect into another file"
            )
    return found != given


def fill(
    sources: LiveSources,
    writer: BundleWriter,
    tables: Sequence[str],
    progress: Progress,
    now: Callable[[], datetime],
) -> tuple[LedgerLine, ...]:
    """Fill these tables from open sources; returns a ledger line for each.

    The directory first: it takes minutes where Exchange takes hours, which fills the rest. The
    tenant comes last; nobody else can say what it says.
    """
    lines: list[LedgerLine] = []
    left = [table for table in tables if table not in {PlanMove.table, *CLOUD_TABLES}]
    if sources.forest is not None:
        first = [table for table in left if _of_the_directory(sources, table)]
        told = collect_directory(sources.forest, writer, first, now=now, progress=progress)
        again = _to_ask_again(sources, told)
        for table in again:
            writer.discard(table)
        lines = [line for line in told if line.table not in again]
        left = [table for table in left if table not in {line.table for line in lines}]
    asked = [table for table in left if table not in DIRECTORY_ALONE and sources.exchange]
    if sources.exchange is not None:
        lines += collect_exchange(sources.exchange, writer, asked, now=now, progress=progress)
    for table in left:
        if table not in asked:
            lines.append(_nobody(sources, table, now()))
            writer.record(lines[-1])
    lines += fill_from_cloud(sources.cloud, writer, tables, now=now, progress=progress)
    return tuple(lines)


def _nobody(sources: LiveSources, table: str, at: datetime) -> LedgerLine:
    """The line of a table that no open source provides."""
    for provider, refusal, provided in (
        (EXCHANGE, sources.exchange_refusal, EXCHANGE_TABLES),
        (DIRECTORY, sources.directory_refusal, PROVIDED),
    ):
        if refusal is not None and table in provided:
            return not_opened(table, provider, refusal.cause, str(refusal), at)
    return not_requested(table, NO_DIRECTORY if table in DIRECTORY_ALONE else NO_EXCHANGE)


def _of_the_directory(sources: LiveSources, table: str) -> bool:
    if table in DIRECTORY_ALONE:
        return True
    usual = "exchange" if table in RICHER_IN_EXCHANGE else "directory"
    chosen = sources.providers.get(table, usual)
    return table in PROVIDED and (chosen == "directory" or sources.exchange is None)


def _to_ask_again(sources: LiveSources, told: Sequence[LedgerLine]) -> frozenset[str]:
    """Tables that the directory did not provide whole, with those the same command fills."""
    if sources.exchange is None:
        return frozenset()
    incomplete = {line.table for line in told if line.cause is not None}
    return frozenset(
        model.table
        for collector in EXCHANGE_COLLECTORS
        for model in collector.tables
        if incomplete & {each.table for each in collector.tables}
    )


@dataclass(frozen=True)
class Made:
    """What a whole run made: the ledger, the judgement, and the report."""

    ledger: tuple[LedgerLine, ...]
    judgement: Judgement
    report: Path


def run(configuration: Configuration, folder: Path, person: Person, progress: Progress) -> Made:
    """Collect, assess and report into an empty or new folder.

    Raises InputRefused for a folder that holds something, and what `collect` raises.
    """
    empty_folder(folder)
    evidence, report = folder / "evidence.zip", folder / "report.html"
    ledger = collect(configuration, evidence, Wish(), person, progress)
    assessment, today = folder / "assessment.zip", utc_now().date()
    judgement = assess_and_report(evidence, assessment, report, today, progress)
    return Made(ledger, judgement, report)
