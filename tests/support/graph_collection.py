"""Collecting from a stubbed Graph into a bundle, and reading that back as the next command does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from auditor.collectors.graph import LiveGraph, collect_graph
from auditor.evidence.base import Evidence
from auditor.evidence.bundle import BundleWriter, Header, open_bundle
from auditor.evidence.ledger import LedgerLine
from auditor.evidence.tables import COLLECTED
from tests.support.graph_stub import GraphStub, graph_of

NOW = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)
GRAPH_TABLES = [model for model in COLLECTED if model.table.startswith("entra_")]
_HEADER = Header(
    format_version=1, kind="evidence", tool_version="0", title="t", created_at=None, details={}
)


@dataclass
class Collected:
    """Rows and ledger lines by table, and what progress heard."""

    rows: dict[str, list[Evidence]] = field(default_factory=dict)
    ledger: dict[str, LedgerLine] = field(default_factory=dict)
    progress: list[tuple[str, int]] = field(default_factory=list)

    def states(self) -> dict[str, tuple[str, int]]:
        """State and number of rows of every table."""
        return {table: (line.state, line.rows) for table, line in self.ledger.items()}


def collected_from(
    stub: GraphStub, folder: Path, tables: Collection[str] | None = None
) -> Collected:
    """What a collection of these tables makes of the stub."""
    found = Collected()
    with graph_of(stub) as graph, BundleWriter(folder, _HEADER) as writer:
        lines = collect_graph(
            LiveGraph(graph, "global", "an application"),
            writer,
            tables,
            now=lambda: NOW,
            progress=lambda name, count: found.progress.append((name, count)),
        )
    found.ledger = {line.table: line for line in lines}
    with open_bundle(folder, "evidence", COLLECTED) as bundle:
        for model in GRAPH_TABLES:
            found.rows[model.table] = list(bundle.lines(model))
    assert {table: line.rows for table, line in found.ledger.items()} == {
        table: len(found.rows[table]) for table in found.ledger
    }
    return found
