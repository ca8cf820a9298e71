"""The ledger: one line per table saying how far its collection came, and why no further."""

from __future__ import annotations

from typing import Literal, Self, cast, get_args

from pydantic import BaseModel, ConfigDict, model_validator

from auditor.evidence.base import UtcTime
from auditor.verdicts import Cause

State = Literal[
    "complete",
    "not_requested",
    "access_denied",
    "unreachable",
    "partial",
    "stale",
    "unsupported",
    "unexpected_answer",
]


class LedgerLine(BaseModel):
    """How one table was filled. A rule may judge only a table whose state is `complete`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    table: str
    state: State
    rows: int
    provider: str | None
    server: str | None
    account: str | None
    command: str | None
    filters: str | None
    started_at: UtcTime | None
    ended_at: UtcTime | None
    detail: str

    @model_validator(mode="after")
    def _a_gap_says_why(self) -> Self:
        if self.state != "complete" and not self.detail:
            raise ValueError(f"{self.table}: state {self.state} without a detail that says why")
        if self.rows < 0:
            raise ValueError(f"{self.table}: {self.rows} rows")
        return self

    @property
    def cause(self) -> Cause | None:
        """None for a complete table, else the cause of what stays open."""
        return None if self.state == "complete" else Cause(self.state)


def state_of(cause: Cause) -> State:
    """The state of a table that a source could not fill; raises ValueError for another cause."""
    if cause.value not in get_args(State):
        raise ValueError(f"{cause} is no cause of the ledger's")
    return cast("State", cause.value)


def not_opened(table: str, provider: str, cause: Cause, detail: str, at: UtcTime) -> LedgerLine:
    """The line of a table whose provider could not be signed in to or reached."""
    return LedgerLine(
        table=table,
        state=state_of(cause),
        rows=0,
        provider=provider,
        server=None,
        account=None,
        command=None,
        filters=None,
        started_at=at,
        ended_at=at,
        detail=detail,
    )


def not_requested(table: str, detail: str) -> LedgerLine:
    """The line of a table that nobody tried to fill."""
    return line_without_source(table, "not_requested", detail=detail)


def line_without_source(
    table: str, state: State, *, rows: int = 0, provider: str | None = None, detail: str = ""
) -> LedgerLine:
    """The line of a table for which no server was asked: derived, shipped, or not wanted."""
    return LedgerLine(
        table=table,
        state=state,
        rows=rows,
        provider=provider,
        server=None,
        account=None,
        command=None,
        filters=None,
        started_at=None,
        ended_at=None,
        detail=detail,
    )
