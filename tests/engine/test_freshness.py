"""Evidence that was read long before the date of a verdict is not judged, and said to be old."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from auditor import inquiry
from auditor.assessment import TABLES, Assessment, read_assessment
from auditor.engine.assess import Judgement
from auditor.engine.evaluate import evaluate
from auditor.engine.freshness import AgeLimit, too_old, without_old
from auditor.engine.material import PREDICTIONS, Material, fill_database, open_database
from auditor.errors import WaiversRefused
from auditor.evidence.bundle import open_bundle
from auditor.evidence.ledger import LedgerLine, not_requested
from auditor.evidence.predicted import RedirectOutcome
from auditor.evidence.tables import COLLECTED
from auditor.importing import import_evidence
from auditor.lab.exports import write_exports
from auditor.lab.organization import build
from auditor.lab.recipients import mailboxes
from auditor.prediction.derived import derived_line
from auditor.prediction.redirect_rows import predict_redirects
from auditor.run import assess_evidence, shipped_reference, shipped_rules, write_report
from auditor.verdicts import Cause, Readiness, Verdict
from auditor.words import verdict_sentences
from tests.support.verdicts import silent

ORGANIZATION = build(20, faults="none")
EXPORTED = ORGANIZATION.now.date()
DAY = dt.timedelta(days=1)
NOVEMBER = AgeLimit(dt.date(2026, 11, 21))
RULES = tuple(loaded.rule for loaded in shipped_rules())
AGEING = tuple(model.table for model in COLLECTED if not model.table.startswith("plan_"))


def line(table: str, at: str | None, **changes: object) -> LedgerLine:
    """A complete line that ended then."""
    ended = None if at is None else dt.datetime.fromisoformat(at)
    update = {"state": "complete", "detail": "", "ended_at": ended, **changes}
    return not_requested(table, "-").model_copy(update=update)


def judged_by(found: LedgerLine, limit: AgeLimit = NOVEMBER) -> tuple[str, str]:
    (after,) = without_old({found.table: found}, limit).values()
    assert after == found.model_copy(update={"state": after.state, "detail": after.detail})
    return after.state, after.detail


def test_thirty_days_are_not_too_old_and_one_more_is() -> None:
    assert judged_by(line("onprem_mailbox", "2026-10-22T00:00:00+00:00")) == ("complete", "")
    assert judged_by(line("onprem_mailbox", "2026-10-21T23:59:59+00:00")) == (
        "stale",
        "Read on 2026-10-21, 31 days before 2026-11-21: collect it again, or say --max-age.",
    )


def test_another_age_may_be_said() -> None:
    old = line("entra_user", "2026-08-01T12:00:00+00:00")
    assert judged_by(old, AgeLimit(NOVEMBER.as_of, 112)) == ("complete", "")
    assert judged_by(old, AgeLimit(NOVEMBER.as_of, 111))[0] == "stale"
    yesterday = line("entra_user", "2026-11-20T23:59:59+00:00")
    assert judged_by(yesterday, AgeLimit(NOVEMBER.as_of, 0)) == (
        "stale",
        "Read on 2026-11-20, 1 day before 2026-11-21: collect it again, or say --max-age.",
    )


def test_what_else_is_known_of_a_table_stays() -> None:
    noted = line("onprem_mailbox", "2026-08-01T12:00:00+00:00", detail="Exported on EX01.")
    assert judged_by(noted) == (
        "stale",
        "Read on 2026-08-01, 112 days before 2026-11-21: collect it again, or say --max-age."
        " Exported on EX01.",
    )


def test_a_time_that_nobody_noted_is_not_taken_for_a_recent_one() -> None:
    assert judged_by(line("onprem_mailbox", None)) == (
        "stale",
        "Nobody noted when it was read: collect it again.",
    )


def test_what_was_read_after_the_date_is_judged() -> None:
    assert judged_by(line("onprem_mailbox", "2027-11-21T00:00:00+00:00")) == ("complete", "")


def test_a_plan_does_not_age() -> None:
    assert judged_by(line("plan_move", "2020-01-01T00:00:00+00:00")) == ("complete", "")


def test_a_table_that_is_not_complete_keeps_its_cause() -> None:
    cut = line("onprem_mailbox", "2020-01-01T00:00:00+00:00", state="partial", detail="It broke.")
    assert judged_by(cut) == ("partial", "It broke.")
    young = cut.model_copy(update={"rows": 7, "ended_at": dt.datetime(2026, 11, 20, tzinfo=dt.UTC)})
    assert judged_by(young) == ("partial", "It broke.")


@pytest.mark.parametrize("state", ["partial", "access_denied", "unexpected_answer"])
def test_the_rows_of_a_table_that_broke_midway_long_ago_are_old_too(state: str) -> None:
    cut = line(
        "onprem_mailbox", "2026-08-01T12:00:00+00:00", state=state, detail="It broke.", rows=7
    )
    assert judged_by(cut) == (
        "stale",
        "Read on 2026-08-01, 112 days before 2026-11-21: collect it again, or say --max-age."
        " It broke.",
    )


@pytest.mark.parametrize(
    ("dates", "sentence"),
    [
        ([], ""),
        (["2026-11-01T00:00:00+00:00"], ""),
        (
            ["2026-10-01T00:00:00+00:00", "2026-08-01T00:00:00+00:00", "2026-11-21T00:00:00+00:00"],
            "2 tables are too old to judge by, the oldest read on 2026-08-01, 112 days before"
            " 2026-11-21; collect again, or say --max-age",
        ),
        ([None], "1 table is too old to judge by; collect again, or say --max-age"),
    ],
)
def test_how_many_are_too_old_is_said_in_one_sentence(
    dates: list[str | None], sentence: str
) -> None:
    ledger = {str(place): line(str(place), at) for place, at in enumerate(dates)}
    assert too_old(without_old(ledger, NOVEMBER).values(), NOVEMBER) == sentence


# rules, table by table


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the export script wrote on the lab's day, and somebody imported long after."""
    folder = tmp_path_factory.mktemp("old")
    write_exports(ORGANIZATION, folder / "exports")
    target = folder / "e.zip"
    import_evidence([folder / "exports"], target, force=False, title="Lab", progress=silent)
    return target


@pytest.fixture(scope="module")
def material(evidence: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Material]:
    with (
        open_bundle(evidence, "evidence", COLLECTED) as bundle,
        open_database(tmp_path_factory.mktemp("database"), 0) as database,
    ):
        yield fill_database(database, bundle, shipped_reference(), silent)


def with_old(material: Material, table: str) -> Mapping[str, LedgerLine]:
    """The ledger of evidence that is complete, but for one table that was read too long ago."""
    read = dict.fromkeys(AGEING, ORGANIZATION.now) | {table: ORGANIZATION.now - 31 * DAY}
    whole = {
        name: found.model_copy(
            update={"state": "complete", "detail": "", "ended_at": read.get(name)}
        )
        for name, found in material.ledger.items()
        if name in AGEING
    }
    ledger = {**material.ledger, **without_old(whole, AgeLimit(EXPORTED))}
    for each in PREDICTIONS:
        ledger[each.model.table] = derived_line(each.model, each.needed, ledger, 0)
    return ledger


@pytest.mark.parametrize("table", AGEING)
def test_with_an_old_table_no_rule_that_needs_it_says_anything(
    material: Material, table: str
) -> None:
    derived = {each.model.table for each in PREDICTIONS if table in each.needed}
    ledger = with_old(material, table)
    for rule in RULES:
        if {table, *derived} & set(rule.needs):
            outcome = evaluate(rule, material.database, ledger, EXPORTED)
            assert (rule.id, outcome.verdict, outcome.cause) == (
                rule.id,
                Verdict.NOT_ASSESSED,
                Cause.STALE,
            )
            assert "31 days before" in outcome.text


@pytest.mark.parametrize(
    ("table", "moved"),
    [
        ("onprem_remote_mailbox", {True: {"unknown"}, False: {"redirected"}}),
        ("onprem_mailbox_address", {True: {"redirected"}, False: {"unknown"}}),
        ("onprem_organization_relationship", {True: {"unknown"}, False: {"unknown"}}),
    ],
)
def test_no_redirect_rests_on_what_was_read_long_ago(
    material: Material, table: str, moved: dict[bool, set[str]]
) -> None:
    found: dict[bool, set[str]] = {True: set(), False: set()}
    for row in predict_redirects(material.database, with_old(material, table)):
        found[row.moved].add(row.outcome)
    assert found == moved


# the whole way


def assessed(
    evidence: Path, folder: Path, as_of: dt.date, **limit: int
) -> tuple[Judgement, Assessment]:
    target = folder / "a.zip"
    judgement = assess_evidence(
        evidence,
        target,
        packs=(),
        waivers=None,
        as_of=as_of,
        force=True,
        progress=silent,
        **limit,
    )
    with open_bundle(target, "assessment", TABLES) as bundle:
        found = read_assessment(bundle)
        redirects = {mailbox.redirect for mailbox in found.mailboxes()}
        assert (redirects == {RedirectOutcome.UNKNOWN}) is bool(judgement.too_old)
    return judgement, found


def stale(found: Assessment) -> set[str]:
    return {row.evidence_table for row in found.evidence_tables if row.state == "stale"}


def test_evidence_of_thirty_days_is_judged_whole(evidence: Path, tmp_path: Path) -> None:
    judgement, found = assessed(evidence, tmp_path, EXPORTED + 30 * DAY)
    assert (stale(found), judgement.too_old) == (set(), "")
    assert Verdict.PASS in {rule.verdict for rule in found.rules}
    assert found.details["max_age_days"] == "30"


def test_evidence_of_one_day_more_gives_no_verdict_at_all(evidence: Path, tmp_path: Path) -> None:
    _, before = assessed(evidence, tmp_path, EXPORTED)
    judgement, found = assessed(evidence, tmp_path, EXPORTED + 31 * DAY)
    complete = {row.evidence_table for row in before.evidence_tables if row.state == "complete"}
    assert stale(found) == complete - {"plan_move"}
    assert {rule.verdict for rule in found.rules} == {Verdict.NOT_ASSESSED}
    assert judgement.readiness is Readiness.UNDETERMINED
    sentence = (
        f"{len(stale(found))} tables are too old to judge by, the oldest read on 2026-11-01, 31"
        " days before 2026-12-02; collect again, or say --max-age"
    )
    assert judgement.too_old == sentence
    assert list(verdict_sentences(judgement))[-1] == sentence


def test_who_says_so_may_judge_by_old_evidence(evidence: Path, tmp_path: Path) -> None:
    judgement, found = assessed(evidence, tmp_path, EXPORTED + 31 * DAY, max_age=31)
    assert (stale(found), judgement.too_old) == (set(), "")
    assert found.details["max_age_days"] == "31"


def test_an_old_report_can_be_made_again_from_younger_evidence(
    evidence: Path, tmp_path: Path
) -> None:
    judgement, found = assessed(evidence, tmp_path, EXPORTED - 200 * DAY)
    assert (stale(found), judgement.too_old) == (set(), "")


def test_a_waiver_of_a_rule_that_could_not_run_is_kept_for_when_it_can(
    evidence: Path, tmp_path: Path
) -> None:
    waivers = tmp_path / "waivers.yaml"
    waivers.write_text(
        "waivers:\n- {rule: ORG-TDD, subject: contoso.com, by: Ann, reason: Ann has seen it,"
        " until: 2099-01-01}\n"
    )
    words: dict[str, Any] = {"packs": (), "waivers": waivers, "force": True, "progress": silent}
    target = tmp_path / "a.zip"
    assess_evidence(evidence, target, as_of=EXPORTED + 31 * DAY, **words)
    with open_bundle(target, "assessment", TABLES) as bundle:
        (note,) = read_assessment(bundle).waivers
    assert (note.rule, note.state, note.matches) == ("ORG-TDD", "in_force", 0)
    with pytest.raises(WaiversRefused, match="matches no finding"):
        assess_evidence(evidence, target, as_of=EXPORTED, **words)


@pytest.mark.parametrize(("days", "told"), [(30, ""), (31, "the oldest read on 2026-11-01")])
def test_an_explanation_says_that_its_evidence_is_old(
    days: int, told: str, evidence: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inquiry, "utc_now", lambda: ORGANIZATION.now + days * DAY)
    mailbox = next(iter(mailboxes(ORGANIZATION))).guid
    explained = inquiry.explain(evidence, mailbox, silent)
    assert explained.prediction.row.outcome is RedirectOutcome.REDIRECTED
    assert (told in explained.too_old, bool(explained.too_old)) == (True, bool(told))
    assert "--max-age" not in explained.too_old


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("select count(*) from onprem_mailbox", "1 table is"),
        ("select count(*) from predicted_redirect", "2 tables are"),
        ("select count(*) from ref_mail_app", ""),
    ],
)
def test_a_query_says_which_of_its_evidence_is_old(
    sql: str, told: str, evidence: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inquiry, "utc_now", lambda: ORGANIZATION.now + 31 * DAY)
    sentence = (
        f"{told} too old to judge by, the oldest read on 2026-11-01, 31 days before 2026-12-02;"
        " collect again"
    )
    with inquiry.query(evidence, sql, silent) as queried:
        assert (queried.too_old, queried.incomplete) == (sentence if told else "", ())


def test_the_same_age_gives_the_same_bytes(evidence: Path, tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        assessed(evidence, tmp_path / name, EXPORTED + 90 * DAY)
        made.append((tmp_path / name / "a.zip").read_bytes())
    assert made[0] == made[1]


def test_the_report_says_which_tables_are_too_old_and_why(evidence: Path, tmp_path: Path) -> None:
    assessed(evidence, tmp_path, EXPORTED + 31 * DAY)
    for kind in ("html", "json"):
        write_report(tmp_path / "a.zip", tmp_path / kind, kind, force=False)
    why = "Read on 2026-11-01, 31 days before 2026-12-02: collect it again, or say --max-age."
    content: Any = json.loads((tmp_path / "json").read_text(encoding="utf-8"))
    tables = {row["evidence_table"]: row for row in content["evidence_tables"]}
    assert tables["onprem_mailbox"]["state"] == "stale"
    assert tables["onprem_mailbox"]["detail"].startswith(why)
    page = (tmp_path / "html").read_text(encoding="utf-8")
    assert why in page
    assert "the oldest read on 1 November 2026, 31 days before this verdict" in page
    assert "Days after which evidence is too old to judge by" in page
    assert "Too old" in page
