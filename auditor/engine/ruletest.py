"""Four tests over every rule, shipped or a customer's (design, section 5).

The inline cases hold; the tables read are those in `needs`; losing any one of them leaves the
question open; an empty organisation never passes.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from auditor.engine.evaluate import Outcome, evaluate
from auditor.engine.rulefile import Rule, RuleTest
from auditor.errors import AuditorError
from auditor.evidence.base import Evidence
from auditor.evidence.database import Database
from auditor.evidence.ledger import LedgerLine, not_requested
from auditor.evidence.reference_data import ReferenceTable
from auditor.evidence.tables import BY_NAME
from auditor.verdicts import Verdict


@dataclass(frozen=True)
class World:
    """A tiny organisation: rows per table, and the tables that were not collected."""

    rows: Mapping[str, Sequence[Evidence]]
    not_collected: frozenset[str]
    as_of: dt.date


class RuleTester:
    """Runs the tests of rules over one in-memory database."""

    def __init__(self, reference: Sequence[ReferenceTable]) -> None:
        self._reference = {table.model.table: table.rows for table in reference}
        self._database = Database(tuple(BY_NAME.values()))
        self._database.lock()

    def close(self) -> None:
        """Give the database back."""
        self._database.close()

    def problems(self, rule: Rule) -> Iterator[str]:
        """One sentence per test that does not hold; none if all four do."""
        try:
            read = self._database.tables_read(rule.query)
        except AuditorError as problem:
            yield f"query: {problem}"
            return
        for table in sorted(read - set(rule.needs)):
            yield f"needs: the query reads {table}, which is not listed"
        for table in sorted(set(rule.needs) - read):
            yield f"needs: {table} is listed, and the query does not read it"
        if read != set(rule.needs):
            return
        yield from self._empty_world(rule)
        for test in rule.tests:
            try:
                yield from self._case(rule, test)
            except ValidationError as problem:
                fault = problem.errors(include_url=False)[0]
                column = ".".join(str(part) for part in fault["loc"])
                yield f"test {test.name!r}: given row refused: {column}: {fault['msg']}"
            except AuditorError as problem:
                yield f"test {test.name!r}: {problem}"

    def _empty_world(self, rule: Rule) -> Iterator[str]:
        tables = [table for table in rule.needs if not table.startswith("ref_")]
        outcome = self._judge(rule, World({}, frozenset(), rule.as_of))
        if outcome.verdict in {Verdict.PASS, Verdict.ERROR}:
            yield (
                f"an organisation with nothing in {', '.join(tables)} gives"
                f" {outcome.verdict}: {outcome.text}"
            )

    def _case(self, rule: Rule, test: RuleTest) -> Iterator[str]:
        world = world_of(rule, test)
        outcome = self._judge(rule, world)
        yield from _differences(test, outcome)
        for table in rule.needs:
            if table in world.not_collected:
                continue
            lost = World(world.rows, world.not_collected | {table}, world.as_of)
            verdict = self._judge(rule, lost).verdict
            if verdict is not Verdict.NOT_ASSESSED:
                yield f"test {test.name!r}: without {table} the verdict is {verdict}"

    def _judge(self, rule: Rule, world: World) -> Outcome:
        self._database.clear()
        ledger = {}
        complete = world.not_collected.isdisjoint(rule.needs)
        for table in rule.needs:
            rows = world.rows.get(table, self._reference.get(table, ()))
            if complete:  # else the query may not run, and loading takes longest
                self._database.insert(rows)
            ledger[table] = _line(table, len(rows), table not in world.not_collected)
        return evaluate(rule, self._database, ledger, world.as_of)


def world_of(rule: Rule, test: RuleTest) -> World:
    """The world a test describes; raises ValidationError for a row the model refuses."""
    rows: dict[str, Sequence[Evidence]] = {}
    for table, given in test.given.items():
        if given != "not collected":
            rows[table] = tuple(_row(BY_NAME[table], values) for values in given)
    left_out = {table for table, given in test.given.items() if given == "not collected"}
    return World(rows, frozenset(left_out), test.as_of or rule.as_of)


def _row(model: type[Evidence], values: Mapping[str, object]) -> Evidence:
    """A row of evidence; a nullable column that is left out is NULL. Enums and times are text."""
    nullable = {
        name: None
        for name, column in model.model_fields.items()
        if column.annotation is not None
        and type(None) in getattr(column.annotation, "__args__", ())
    }
    # By way of JSON: strict about types, yet enums and times may be written as text.
    written = json.dumps({**nullable, **values}, default=lambda moment: moment.isoformat())
    return model.model_validate_json(written)


def _differences(test: RuleTest, outcome: Outcome) -> Iterator[str]:
    expect = test.expect
    if outcome.verdict is not expect.verdict:
        yield (
            f"test {test.name!r}: expected {expect.verdict}, got {outcome.verdict} ({outcome.text})"
        )
        return
    for wanted, verdict in (
        (expect.failing, Verdict.FAIL),
        (expect.not_assessed, Verdict.NOT_ASSESSED),
    ):
        subjects = sorted(item.subject_id for item in outcome.findings if item.verdict is verdict)
        if wanted is not None and sorted(wanted) != subjects:
            yield f"test {test.name!r}: expected {verdict} for {sorted(wanted)}, got {subjects}"
    severities = {item.subject_id: item.severity for item in outcome.findings}
    for subject, severity in expect.severities.items():
        if severities.get(subject) is not severity:
            found = severities.get(subject, "no finding")
            yield f"test {test.name!r}: expected severity {severity} for {subject}, got {found}"
    texts = [item.text for item in outcome.findings] or [outcome.text]
    if expect.says is not None and not any(expect.says in text for text in texts):
        yield f"test {test.name!r}: no sentence says {expect.says!r}: {texts}"


def _line(table: str, rows: int, collected: bool) -> LedgerLine:
    if not collected:
        return not_requested(table, "a test took this table away")
    return not_requested(table, "test").model_copy(
        update={"state": "complete", "rows": rows, "detail": ""}
    )
