"""One rule over small worlds: the five verdicts, their counts, and what makes a rule broken."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from auditor.engine.evaluate import Outcome, evaluate
from auditor.engine.rulefile import Rule
from auditor.evidence.database import Database
from auditor.evidence.ledger import LedgerLine, not_requested
from auditor.evidence.organization import OnpremAcceptedDomain, OnpremRemoteDomain
from auditor.verdicts import Cause, Severity, Verdict

AS_OF = dt.date(2026, 11, 21)
TABLES = (OnpremAcceptedDomain, OnpremRemoteDomain)
QUERY = """
select
  guid                                          as subject_id,
  domain_name                                   as subject,
  case domain_type when '?' then null else domain_type = 'Authoritative' end  as ok
from onprem_accepted_domain
"""


def rule(query: str = QUERY, **keys: Any) -> Rule:
    case: dict[str, Any] = {"name": "a case that is not run", "given": {}}
    content = {
        "id": "CUST-1",
        "title": "Every accepted domain is authoritative",
        "scope": "domain",
        "gate": "platform",
        "severity": "user_impact",
        "confidence": "inferred",
        "as_of": AS_OF,
        "why": "Because this customer wants it to be so.",
        "limits": "Says nothing about domains elsewhere.",
        "needs": ["onprem_accepted_domain"],
        "query": query,
        "say": {
            "pass": "{subject} is.",
            "fail": "{subject} is not.",
            "not_assessed": "{subject} is not known.",
            "not_applicable": "There are no accepted domains.",
        },
        "fix": "Change the domain type.",
        "references": [{"title": "A page", "url": "https://learn.microsoft.com/exchange"}],
        "tests": [
            {**case, "expect": {"verdict": word}} for word in ("pass", "fail", "not_assessed")
        ],
    }
    return Rule.model_validate({**content, **keys})


def domain(guid: str, kind: str) -> OnpremAcceptedDomain:
    name = f"{guid}.example"
    return OnpremAcceptedDomain(
        guid=guid, name=name, domain_name=name, domain=name, domain_type=kind
    )


@pytest.fixture
def database() -> Iterator[Database]:
    with Database(TABLES) as made:
        made.lock()
        yield made


def complete(table: str) -> LedgerLine:
    return not_requested(table, "test").model_copy(update={"state": "complete", "detail": ""})


ALL_COMPLETE: Mapping[str, LedgerLine] = {model.table: complete(model.table) for model in TABLES}


def judge(database: Database, judged: Rule, *kinds: str) -> Outcome:
    database.clear()
    database.insert([domain(f"d{place}", kind) for place, kind in enumerate(kinds)])
    return evaluate(judged, database, ALL_COMPLETE, AS_OF)


def seen(outcome: Outcome) -> tuple[Verdict, tuple[int, int, int], list[tuple[str, str]]]:
    counts = (outcome.passed, outcome.failed, outcome.not_assessed)
    return outcome.verdict, counts, [(item.subject_id, item.text) for item in outcome.findings]


def test_the_five_rolled_up_answers(database: Database) -> None:
    assert seen(judge(database, rule(), "Authoritative")) == (Verdict.PASS, (1, 0, 0), [])
    assert seen(judge(database, rule(), "Authoritative", "?")) == (
        Verdict.NOT_ASSESSED,
        (1, 0, 1),
        [("d1", "d1.example is not known.")],
    )
    assert seen(judge(database, rule(), "Authoritative", "?", "InternalRelay")) == (
        Verdict.FAIL,
        (1, 1, 1),
        [("d1", "d1.example is not known."), ("d2", "d2.example is not.")],
    )
    assert seen(judge(database, rule())) == (Verdict.NOT_APPLICABLE, (0, 0, 0), [])


def test_a_subject_that_is_called_like_a_whole_rule_is_one_subject(database: Database) -> None:
    called = rule(QUERY.replace("  guid ", "  case guid when 'd0' then '*' else guid end "))
    assert seen(judge(database, called, "InternalRelay", "?")) == (
        Verdict.FAIL,
        (0, 1, 1),
        [("'*'", "d0.example is not."), ("d1", "d1.example is not known.")],
    )


def test_a_table_that_is_not_complete_is_never_read(database: Database) -> None:
    database.insert([domain("d1", "InternalRelay")])
    gap = LedgerLine.model_validate(
        {**complete("onprem_accepted_domain").model_dump(), "state": "partial", "detail": "cut off"}
    )
    outcome = evaluate(rule(), database, {"onprem_accepted_domain": gap}, AS_OF)
    assert (outcome.verdict, outcome.cause) == (Verdict.NOT_ASSESSED, Cause.PARTIAL)
    assert [(item.subject_id, item.severity) for item in outcome.findings] == [
        ("*", Severity.USER_IMPACT)
    ]
    assert "onprem_accepted_domain is partial: cut off" in outcome.text


def test_a_row_may_be_milder_than_its_rule_and_never_worse(database: Database) -> None:
    milder = rule(QUERY.replace("as ok", "as ok, 'info' as severity"))
    worse = rule(QUERY.replace("as ok", "as ok, 'blocker' as severity"))
    unknown = rule(QUERY.replace("as ok", "as ok, 'high' as severity"))
    assert [item.severity for item in judge(database, milder, "x").findings] == [Severity.INFO]
    assert judge(database, worse, "x").verdict is Verdict.ERROR
    assert judge(database, unknown, "x").verdict is Verdict.ERROR


def test_a_row_may_say_why_it_stays_open(database: Database) -> None:
    asked = rule(QUERY.replace("as ok", "as ok, 'needs_a_person' as cause"))
    assert judge(database, asked, "?").cause is Cause.NEEDS_A_PERSON
    assert judge(database, rule(), "?").cause is Cause.VALUE_MISSING


BROKEN = {
    "no subject_id": QUERY.replace("as subject_id", "as subject_no"),
    "ok is text": "select guid as subject_id, name as subject, name as ok"
    " from onprem_accepted_domain",
    "a subject twice": QUERY.replace("guid    ", "'same'  "),
    "a subject without a name": QUERY.replace("domain_name  ", "cast(null as varchar)  "),
    "another table": QUERY.replace("onprem_accepted_domain", "onprem_remote_domain"),
    "a file": QUERY.replace("onprem_accepted_domain", "'secret.csv'"),
    "a mistyped column": QUERY.replace("domain_name", "domain_nme"),
    "no select": "delete from onprem_accepted_domain where true",
}


@pytest.mark.parametrize("query", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_rule_is_an_error_and_judges_nobody(database: Database, query: str) -> None:
    outcome = judge(database, rule(query), "Authoritative", "Authoritative")
    assert outcome.verdict is Verdict.ERROR
    assert (outcome.passed, outcome.failed, outcome.not_assessed) == (0, 0, 0)
    assert [(item.verdict, item.subject_id) for item in outcome.findings] == [(Verdict.ERROR, "*")]


def test_a_sentence_that_quotes_an_unknown_column_is_an_error(database: Database) -> None:
    say = {"pass": "x", "fail": "{nobody}", "not_assessed": "x", "not_applicable": "x"}
    assert judge(database, rule(say=say), "Authoritative").verdict is Verdict.ERROR


def test_hostile_values_are_quoted_as_they_are(database: Database) -> None:
    database.clear()
    name = "<script>{ok}\x00\u202e"
    database.insert([domain("d1", "x").model_copy(update={"domain_name": name})])
    outcome = evaluate(rule(), database, ALL_COMPLETE, AS_OF)
    assert [item.text for item in outcome.findings] == [f"{name} is not."]


def test_tables_that_are_missing_for_one_reason_share_its_sentence(database: Database) -> None:
    needs = [model.table for model in TABLES]
    gaps = {table: not_requested(table, "Name the tenant.") for table in needs}
    outcome = evaluate(rule(needs=needs), database, gaps, AS_OF)
    assert outcome.text == (
        "Not assessed, because onprem_accepted_domain, onprem_remote_domain are not requested:"
        " Name the tenant."
    )
