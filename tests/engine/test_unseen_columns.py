"""What a source did not say, or said in a word that nobody knows, makes no finding go away.

Over the worlds that every shipped rule is tested in, and over what an organisation of the lab gives
at both ends: columns are made NULL, or hold another word, in all rows and in single ones. Whoever
failed or was not assessed may then not pass, not vanish and not be taken more lightly.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, get_args

import pytest

from auditor.engine.evaluate import SEVERITIES, evaluate
from auditor.engine.material import PREDICTIONS
from auditor.engine.rulefile import Rule
from auditor.engine.ruletest import world_of
from auditor.evidence.answer import Parameters
from auditor.evidence.base import Evidence
from auditor.evidence.database import Database
from auditor.evidence.ledger import LedgerLine, line_without_source
from auditor.evidence.tables import BY_NAME, COLLECTED, REFERENCE
from auditor.lab.faults import CLOUD_FAULTS, PLANTED
from auditor.lab.organization import build
from auditor.run import shipped_reference, shipped_rules
from auditor.verdicts import Severity, Verdict
from tests.support.both_ends import both_ends

Findings = Mapping[str, Severity]
Column = tuple[str, str]
Change = tuple[str, frozenset[Evidence], frozenset[tuple[str, Severity]]]

ORGANIZATION = build(
    32, faults=PLANTED | (CLOUD_FAULTS - {"sync_off", "security_defaults_on", "sync_stale"})
)
RULES = {loaded.rule.id: loaded.rule for loaded in shipped_rules()}
REFERENCE_ROWS = {table.model.table: table.rows for table in shipped_reference()}
NOT_EVIDENCE = {*(model.table for model in REFERENCE), "plan_move"}
NOBODY_KNOWS = "SomethingNew"
OFTEN = 3
"""Worlds of a rule with the same findings in which one change of the same rows is tried."""

OTHER_NAME = "the same question stays open under the name of what was not read"
ONE_RECIPIENT = (
    "Exchange Online links an account to one recipient, so that one which is known is not doubted "
    "for another whose account is not shown"
)
BY_THE_OTHERS = (
    "the setting is told from the mail users that are seen; each mailbox of which that cannot be "
    "said is left open by MBX-EXCHANGEGUID"
)
UNSEEN: Mapping[tuple[str, str, str], str] = {
    ("DOM-ROUTABLE", "onprem_mailbox", "user_principal_name_key"): OTHER_NAME
    + "; each person is judged by USR-UPN-ONMS and USR-MATCHED, as limits says",
    ("MBX-DUAL", "exo_recipient", "external_directory_object_id"): ONE_RECIPIENT,
    ("MBX-EXCHANGEGUID", "exo_recipient", "external_directory_object_id"): ONE_RECIPIENT,
    ("ORG-REL-DOMAIN", "onprem_remote_domain", "target_delivery_domain"): OTHER_NAME,
    ("ORG-REL-DOMAIN", "onprem_remote_mailbox", "routing_domain"): OTHER_NAME,
    ("SRV-2016PLUS", "onprem_exchange_server", "admin_display_version"): (
        "the product is read off this text, so that it cannot be known without"
    ),
    ("SRV-CERT", "onprem_exchange_certificate", "iis_enabled"): OTHER_NAME,
    ("TEN-CONSENT", "onprem_mobile_device", "device_type"): OTHER_NAME,
    ("TEN-CONSENT", "onprem_mobile_device", "device_user_agent"): OTHER_NAME,
    ("TEN-CONSENT", "predicted_device_client", "client_id"): OTHER_NAME,
    ("TEN-CONSENT", "predicted_device_client", "app_id"): OTHER_NAME,
    ("TEN-HYBRIDAPP", "onprem_auth_server", "application_identifier"): OTHER_NAME,
    ("TEN-MDMPOLICY", "exo_mobile_device_policy", "is_default"): OTHER_NAME,
    ("TEN-MDMPOLICY", "onprem_mobile_device_policy", "is_default"): OTHER_NAME,
    ("TEN-SYNC-HYBRIDFLAG", "exo_recipient", "external_directory_object_id"): BY_THE_OTHERS,
    ("TEN-SYNC-HYBRIDFLAG", "predicted_cloud_account", "user_id"): BY_THE_OTHERS,
    ("USR-CAS-AFTER", "exo_cas_mailbox", "external_directory_object_id"): ONE_RECIPIENT,
    ("USR-EXO-PROXY", "exo_recipient", "external_directory_object_id"): ONE_RECIPIENT,
    ("USR-LICENCE-EARLY", "exo_recipient", "external_directory_object_id"): ONE_RECIPIENT,
    ("USR-MAILUSER", "exo_recipient", "external_directory_object_id"): ONE_RECIPIENT,
}
"""By rule, table and column: why what was told of it may go when the column is NULL."""

UNKNOWN: Mapping[tuple[str, str, str], str] = {
    ("USR-LICENCE-EARLY", "entra_sku_plan", "service_plan_name"): (
        "a plan whose GUID is not known is told by its name, and those with a mailbox are called "
        "EXCHANGE and something; else every new plan of any service left everybody open"
    ),
}
"""The same, when the column holds a word that nobody knows."""

OUR_WORDS = {
    "app_id": "an identifier, beside which a rule writes a word of its own",
    "effect": "decoded from a policy of Conditional Access, whose unknown values have a table",
    "prefix": "decoded from a proxy address; of any other kind it is no mail address",
    "product": "decoded from AdminDisplayVersion, NULL for a version that is not known",
}
"""Text columns that rules compare with words, and that our own collectors fill with no others."""


def nullable(model: type[Evidence]) -> list[str]:
    """Columns that a source may leave unsaid."""
    return [
        name
        for name, column in model.model_fields.items()
        if type(None) in get_args(column.annotation)
    ]


def vendors_words(model: type[Evidence], rule: Rule) -> list[str]:
    """Text columns that the rule compares with a word; Literal and StrEnum can hold no other."""
    ways = (
        r"(\w+)\)*\s+(?:=|<>|(?:not\s+)?in|like)\s+\(?\s*'\w",
        r"(?:starts_with|ends_with|contains)\((?:\w+\()*(?:\w+\.)?(\w+)\)*,\s*'\w",
        r"case\s+(?:\w+\.)?(\w+)\s+when\s+'\w",
    )
    compared = {name for way in ways for name in re.findall(way, rule.query)}
    return [
        name
        for name, column in model.model_fields.items()
        if name in compared and name not in OUR_WORDS and column.annotation in {str, str | None}
    ]


def columns(rule: Rule, table: str, value: str | None) -> list[str]:
    """Columns of a table that the rule looks at and that can hold this value."""
    model = BY_NAME[table]
    named = set(re.findall(r"\w+", rule.query))
    found = nullable(model) if value is None else vendors_words(model, rule)
    return [name for name in found if name in named]


def lost(before: Findings, after: Findings) -> bool:
    """Whether a finding went away, or weighs less than it did."""
    return any(
        subject not in after or SEVERITIES.index(after[subject]) > SEVERITIES.index(severity)
        for subject, severity in before.items()
    )


def with_value(
    rows: Sequence[Evidence], column: str, value: str | None
) -> Iterator[Sequence[Evidence]]:
    """The rows with this value in one after the other that has another; NULL in all, too."""
    changed = [row.model_copy(update={column: value}) for row in rows]
    others = [place for place, row in enumerate(rows) if row != changed[place]]
    if len(others) > 1 and value is None:
        yield changed
    for place in others:
        yield [*rows[:place], changed[place], *rows[place + 1 :]]


@dataclass
class Tables:
    """A database and what is in it, so that a table is written only where it is to differ."""

    database: Database
    held: dict[str, Sequence[Evidence]] = field(default_factory=dict)

    def put(self, table: str, rows: Sequence[Evidence]) -> None:
        """These rows, in place of those that the table holds."""
        held = self.held.get(table, ())
        if rows == held:
            return
        if held:
            list(self.database.rows(f"delete from {table}"))  # a table of ours
        self.database.insert(rows)
        self.held[table] = rows


@dataclass(frozen=True)
class World:
    """What rules are run over; every table of the ledger is complete."""

    tables: Tables
    rows: Mapping[str, Sequence[Evidence]]
    ledger: Mapping[str, LedgerLine]
    as_of: dt.date

    def findings(self, rule: Rule) -> Findings:
        """Whoever did not pass, and how much that weighs."""
        outcome = evaluate(rule, self.tables.database, self.ledger, self.as_of)
        assert outcome.verdict is not Verdict.ERROR, outcome.text
        return {found.subject_id: found.severity for found in outcome.findings}


# the worlds that rules are tested in


@pytest.fixture(scope="module")
def tables() -> Iterator[Tables]:
    with Database(tuple(BY_NAME.values()), threads=1) as database:
        database.lock()
        yield Tables(database)


def worlds(rule: Rule, tables: Tables) -> Iterator[World]:
    """Those of a rule's tests in which somebody does not pass and every table is complete."""
    for test in rule.tests:
        made = world_of(rule, test)
        open_ones = test.expect.verdict in {Verdict.FAIL, Verdict.NOT_ASSESSED}
        if not open_ones or made.not_collected & set(rule.needs):
            continue
        rows = {table: made.rows.get(table, REFERENCE_ROWS.get(table, ())) for table in rule.needs}
        for table, each in rows.items():
            tables.put(table, each)
        ledger = {table: line_without_source(table, "complete") for table in rule.needs}
        yield World(tables, rows, ledger, made.as_of)


def lost_in_world(
    rule: Rule, world: World, value: str | None, done: Counter[Change]
) -> Iterator[Column]:
    """Columns that hold the value, and a finding is gone; what was done often is left out."""
    before = world.findings(rule)
    for table in sorted(set(rule.needs) - NOT_EVIDENCE):
        rows = world.rows[table]
        for column in columns(rule, table, value):
            for changed in with_value(rows, column, value):
                change = column, frozenset(rows) - frozenset(changed), frozenset(before.items())
                done[change] += 1
                if done[change] > OFTEN:
                    continue
                world.tables.put(table, changed)
                after = world.findings(rule)
                if lost(before, after):
                    assert after or not other_name(rule, table, column)
                    yield table, column
        world.tables.put(table, rows)


def other_name(rule: Rule, table: str, column: str) -> bool:
    return UNSEEN.get((rule.id, table, column), "").startswith(OTHER_NAME)


def excused(rule: Rule, reasons: Mapping[tuple[str, str, str], str]) -> set[Column]:
    """Columns of tables that the rule reads itself, of which a reason is given."""
    return {
        (table, column)
        for named, table, column in reasons
        if named == rule.id and table in rule.needs
    }


@pytest.mark.parametrize("rule", RULES)
def test_what_was_not_read_or_is_not_known_makes_no_finding_of_a_rule_go_away(
    rule: str, tables: Tables
) -> None:
    tested, unseen, unknown = RULES[rule], set[Column](), set[Column]()
    done: tuple[Counter[Change], Counter[Change]] = Counter(), Counter()
    for world in worlds(tested, tables):
        unseen |= set(lost_in_world(tested, world, None, done[0]))
        unknown |= set(lost_in_world(tested, world, NOBODY_KNOWS, done[1]))
    assert (unseen, unknown) == (excused(tested, UNSEEN), excused(tested, UNKNOWN))


# both ends of an organisation, predictions and all


class Watched(Database):
    """A database that remembers the words of what it was asked."""

    def __init__(self) -> None:
        super().__init__(tuple(BY_NAME.values()), threads=1)
        self.asked: set[str] = set()

    def rows(self, sql: str, parameters: Parameters | None = None) -> Iterator[tuple[Any, ...]]:
        self.asked |= set(re.findall(r"\w+", sql))
        return super().rows(sql, parameters)


def predicted(database: Database, ledger: Mapping[str, LedgerLine]) -> dict[str, list[Evidence]]:
    """Predictions from what the database holds."""
    return {each.model.table: list(each.rows(database, ledger)) for each in PREDICTIONS}


@dataclass(frozen=True)
class Lab:
    """The organisation, what was found in it, and the words that its predictions are asked with."""

    world: World
    before: Mapping[str, Findings]
    predictions: Mapping[str, Sequence[Evidence]]
    asked: frozenset[str]

    def predicted_anew(self, table: str, column: str) -> list[str]:
        """Predictions that differ now; they are in the database instead of the old ones."""
        if not {table, column} <= self.asked:
            return []
        now = predicted(self.world.tables.database, self.world.ledger)
        differing = [name for name, rows in now.items() if rows != self.predictions[name]]
        for name in differing:
            self.world.tables.put(name, now[name])
        return differing


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    rows: dict[str, Sequence[Evidence]] = {
        **REFERENCE_ROWS,
        **both_ends(ORGANIZATION, tmp_path_factory.mktemp("unseen")),
    }
    ledger = {table: line_without_source(table, "complete", rows=1) for table in BY_NAME}
    with Watched() as database:
        database.lock()
        tables = Tables(database)
        for table, each in rows.items():
            tables.put(table, each)
        predictions = predicted(database, ledger)
        asked = frozenset(database.asked)
        for table, derived in predictions.items():
            tables.put(table, derived)
        world = World(tables, rows, ledger, ORGANIZATION.now.date())
        before = {rule.id: world.findings(rule) for rule in RULES.values()}
        yield Lab(world, before, predictions, asked)


def lost_in_the_lab(lab: Lab, table: str, column: str, value: str | None) -> set[str]:
    """Rules of which a finding is gone when all rows, or the first one, hold this value."""
    tables, rows, gone = lab.world.tables, lab.world.rows[table], set()
    for changed in islice(with_value(rows, column, value), 2):
        tables.put(table, changed)
        differing = lab.predicted_anew(table, column)
        for rule in RULES.values():
            looks = table in rule.needs and column in columns(rule, table, value)
            if not looks and not set(differing) & set(rule.needs):
                continue
            after = lab.world.findings(rule)
            if lost(lab.before[rule.id], after):
                assert after or not other_name(rule, table, column)
                gone.add(rule.id)
        for name in differing:
            tables.put(name, lab.predictions[name])
        tables.put(table, rows)
    return gone


TABLES = sorted(model.table for model in COLLECTED if nullable(model))


@pytest.mark.parametrize("table", TABLES)
def test_what_an_organisation_does_not_tell_makes_no_finding_go_away(lab: Lab, table: str) -> None:
    gone = {
        (rule, table, column)
        for column in nullable(BY_NAME[table])
        for rule in lost_in_the_lab(lab, table, column, None)
    }
    assert gone - UNSEEN.keys() == set()


WORDED = {
    (table, column)
    for rule in RULES.values()
    for table in set(rule.needs) - NOT_EVIDENCE
    for column in columns(rule, table, NOBODY_KNOWS)
}


@pytest.mark.parametrize(("table", "column"), sorted(WORDED))
def test_a_word_of_an_organisation_that_nobody_knows_makes_no_finding_go_away(
    lab: Lab, table: str, column: str
) -> None:
    rules = lost_in_the_lab(lab, table, column, NOBODY_KNOWS)
    assert rules - {rule for rule, *place in UNKNOWN if place == [table, column]} == set()
