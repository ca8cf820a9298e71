"""Collecting from Microsoft Graph: pages in, rows of evidence and an honest ledger out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from auditor.collectors.graph_contract import GraphCollector
from auditor.collectors.graph_registry import GRAPH_COLLECTORS
from auditor.collectors.graph_tally import GraphTally
from auditor.collectors.graph_tenant import GraphTenant
from auditor.errors import SourceError, SourceUnreachable
from auditor.evidence.bundle import BundleWriter
from auditor.evidence.ledger import LedgerLine, State
from auditor.sources.graph import Graph

PROVIDED = tuple(model.table for collector in GRAPH_COLLECTORS for model in collector.tables)
"""Names of the tables that Graph can fill."""

PROGRESS_EVERY = 1000

Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class LiveGraph:
    """An open Graph, the word of the national cloud it is in, and who signed in, if known."""

    graph: Graph
    cloud: str
    account: str | None


@dataclass(frozen=True)
class GraphCheck:
    """What a collection would make of the tables of one collector, as far as one page tells."""

    collector: GraphCollector[Any]
    state: State
    detail: str


def collect_graph(
    source: LiveGraph,
    writer: BundleWriter,
    tables: Collection[str] | None = None,
    *,
    now: Callable[[], datetime],
    progress: Progress,
) -> tuple[LedgerLine, ...]:
    """Fill the tables named, or all that Graph provides, and write their ledger lines.

    `progress` hears what is read and how many objects came so far. What goes wrong becomes a ledger
    line; nothing is raised for it. After two collectors in a row that reach nobody, nothing more is
    asked.
    """
    tenant = GraphTenant(source.graph, source.cloud, now=now)
    lines: list[LedgerLine] = []
    silent = 0
    for tally in _tallies(tenant, tables, source.account):
        tally.writer = writer
        if silent >= 2:
            tally.wrong(SourceUnreachable(f"{source.graph.host} stopped answering."))
        else:
            silent = silent + 1 if _collect(tally, progress) else 0
        for line in tally.ledger():
            writer.record(line)
            lines.append(line)
    return tuple(lines)


def check_graph(
    source: LiveGraph, tables: Collection[str] | None = None, *, now: Callable[[], datetime]
) -> Iterator[GraphCheck]:
    """Ask one small page of everything, and say of each collector whether its tables would fill."""
    tenant = GraphTenant(source.graph, source.cloud, now=now, sample=True)
    for tally in _tallies(tenant, tables, source.account):
        _collect(tally, lambda _name, _count: None)
        table = tally.worst()
        yield GraphCheck(tally.collector, tally.state(table), tally.detail(table))


def _tallies(
    tenant: GraphTenant, tables: Collection[str] | None, account: str | None
) -> Iterator[GraphTally]:
    """A tally for each collector that is needed."""
    for collector in GRAPH_COLLECTORS:
        named = frozenset(model.table for model in collector.tables)
        wanted = named if tables is None else named & frozenset(tables)
        if wanted:
            yield GraphTally(collector, tenant, wanted, account=account)


def _collect(tally: GraphTally, progress: Progress) -> bool:
    """Read all objects of one collector; True if nobody answered."""
    name = tally.collector.name
    tally.started_at = tally.tenant.now()
    unreachable = False
    try:
        for found in tally.collector.read(tally.tenant):
            if isinstance(found, SourceError):
                unreachable = isinstance(found, SourceUnreachable)
                tally.wrong(found)
                continue
            tally.take(found)
            if tally.objects % PROGRESS_EVERY == 0:
                progress(name, tally.objects)
    except SourceError as stop:
        unreachable = isinstance(stop, SourceUnreachable)
        tally.wrong(stop)
    tally.close()
    tally.ended_at = tally.tenant.now()
    progress(name, tally.objects)
    return unreachable and not tally.objects
