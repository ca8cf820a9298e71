"""What came of one collector of Graph: rows, what was not shown, and everything that went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from operator import attrgetter
from typing import Any

from auditor.collectors.graph_contract import GraphCollector, Unread
from auditor.collectors.graph_tenant import GraphTenant
from auditor.collectors.problems import WORST_FIRST, Problem, told, worst
from auditor.collectors.quoting import LONGEST_SENTENCE, shortened
from auditor.collectors.runner import outcomes_of
from auditor.errors import AccessDenied, CommandUnsupported, SourceError, UnexpectedAnswer
from auditor.evidence.base import Evidence
from auditor.evidence.bundle import BundleWriter
from auditor.evidence.ledger import LedgerLine, State, state_of

PROVIDER = "Microsoft Graph"


@dataclass
class Missing:
    """A property that was not shown, or left out; of how many objects, and which came first."""

    hidden: bool
    count: int
    first: str


@dataclass
class GraphTally:
    """The count of one collector. Without a writer rows are counted and dropped.

    `wanted` holds the tables to fill; `missing`, by table and property, what of them was not said.
    """

    collector: GraphCollector[Any]
    tenant: GraphTenant
    wanted: frozenset[str]
    account: str | None = None
    writer: BundleWriter | None = None
    objects: int = 0
    misfits: int = 0
    repeated: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    missing: dict[str, dict[str, Missing]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    refused: bool = False
    unlicensed: bool = False
    started_at: datetime | None = None
    ended_at: datetime | None = None
    _seen: set[object] = field(default_factory=set)

    def wrong(self, error: SourceError) -> None:
        """Note why the tables are not complete."""
        self.problems.append(Problem(state_of(error.cause), str(error)))
        self.refused = self.refused or isinstance(error, AccessDenied)
        self.unlicensed = self.unlicensed or isinstance(error, CommandUnsupported)

    def take(self, found: object) -> None:
        """Write the rows of one object, and note what of it was not said."""
        self.objects += 1
        place = self.collector.place(found)
        rows = partial(self.collector.rows, self.tenant)
        try:
            outcomes = outcomes_of(rows, found, self.collector.name, place)
            self._keep([each for each in outcomes if not isinstance(each, Unread)], place)
        except UnexpectedAnswer as error:
            self.misfits += 1
            if self.misfits == 1:
                self.wrong(error)
            return
        unread = {
            (each.table.table, each.property): each for each in outcomes if isinstance(each, Unread)
        }
        for (table, name), each in unread.items():
            missing = self.missing.setdefault(table, {}).setdefault(
                name, Missing(each.hidden, 0, place)
            )
            missing.count += 1

    def _keep(self, rows: list[Evidence], place: str) -> None:
        """Write rows, unless the object came before: one that changes meanwhile can come twice."""
        distinct = _distinct(rows, place)
        if rows:
            identity = _key_of(type(rows[0]))(rows[0])
            if identity in self._seen:
                self.repeated += 1
                return
            self._seen.add(identity)
        for row in distinct:
            if row.table in self.wanted:
                if self.writer is not None:
                    self.writer.append(row)
                self.rows[row.table] += 1

    def close(self) -> None:
        """Note that nothing came where every tenant has something."""
        if self.collector.at_least_one and not self.objects and not self.problems:
            self.wrong(
                UnexpectedAnswer(
                    f"{self.tenant.graph.host} gave no {self.collector.name}, and every tenant has "
                    f"some. {self.collector.needs}"
                )
            )

    def state(self, table: str) -> State:
        """Whether a table is complete, or the cause why it is not."""
        states = [self._state(problem.state) for problem in self.problems]
        for missing in self.missing.get(table, {}).values():
            everywhere = missing.count >= self.objects
            if not everywhere:
                states.append("partial")
            else:
                states.append("access_denied" if missing.hidden else "unexpected_answer")
        return worst(states)

    def worst(self) -> str:
        """The wanted table that is the farthest from complete."""
        tables = [model.table for model in self.collector.tables if model.table in self.wanted]
        return min(tables, key=lambda table: WORST_FIRST.index(self.state(table)))

    def _state(self, state: State) -> State:
        # what came before an answer broke off, or from other requests, is kept
        return "partial" if self.objects and state != "unexpected_answer" else state

    def ledger(self) -> list[LedgerLine]:
        """One line for each wanted table; each has a state of its own."""
        requests = self.collector.requests
        return [
            LedgerLine(
                table=model.table,
                state=self.state(model.table),
                rows=self.rows[model.table],
                provider=PROVIDER,
                server=self.tenant.graph.host,
                account=self.account,
                command=f"GET {', '.join(each.path for each in requests)}",
                filters=" ".join(
                    f"{name}={asked}" for name, asked in requests[0].parameters.items()
                )
                or None,
                started_at=self.started_at,
                ended_at=self.ended_at,
                detail=self.detail(model.table),
            )
            for model in self.collector.tables
            if model.table in self.wanted
        ]

    def detail(self, table: str) -> str:
        """What is missing of a table and why, and what would show it; '' for nothing."""
        sentences = told(self.problems)
        if self.misfits > 1:
            sentences.append(f"{self.misfits} {self.collector.name} could not be read.")
        missing = self.missing.get(table, {})
        sentences.extend(self._not_said(name, each) for name, each in sorted(missing.items()))
        if self.refused or any(each.hidden for each in missing.values()):
            sentences.append(self.collector.needs)
        if self.unlicensed and self.collector.licence:
            sentences.append(f"It needs a {self.collector.licence} licence.")
        if self.repeated:
            sentences.append(f"Came twice and kept once: {self.repeated} of {self.collector.name}.")
        return " ".join(shortened(sentence, LONGEST_SENTENCE) for sentence in sentences)

    def _not_said(self, name: str, missing: Missing) -> str:
        of = f"{missing.count} of {self.objects} {self.collector.name}, first {missing.first}"
        if missing.hidden:
            return f"{name} is not shown on {of}."
        return f"Graph left out {name} of {of}, though it was asked for."


@cache
def _key_of(model: type[Evidence]) -> Callable[[Evidence], object]:
    return attrgetter(*model.key)


def _distinct(rows: list[Evidence], place: str) -> Iterable[Evidence]:
    """Rows of one object, each once; raises UnexpectedAnswer for two that differ under one key."""
    if len(rows) < 2:
        return rows
    kept: dict[object, Evidence] = {}
    for row in rows:
        other = kept.setdefault((row.table, _key_of(type(row))(row)), row)
        if other is not row and other != row:
            raise UnexpectedAnswer(
                f"{place} holds two rows of {row.table} with one "
                f"{' and '.join(row.key)} that differ: report it."
            )
    return kept.values()
