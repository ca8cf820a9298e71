"""The ledger line of a table that is derived from others: as whole as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from auditor.evidence.base import Evidence
from auditor.evidence.ledger import LedgerLine, line_without_source


def derived_line(
    model: type[Evidence], needed: Sequence[str], ledger: Mapping[str, LedgerLine], rows: int
) -> LedgerLine:
    """Complete when every needed table is; else the state and detail of the first that is not."""
    incomplete = next((ledger[table] for table in needed if ledger[table].cause), None)
    return line_without_source(
        model.table,
        incomplete.state if incomplete else "complete",
        rows=rows,
        provider="prediction",
        detail=f"{incomplete.table}: {incomplete.detail}" if incomplete else "",
    )
