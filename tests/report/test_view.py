"""The view counts, sorts and words; nothing an assessment says gets lost on the way."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable

import pytest

from auditor.assessment import Assessment, EvidenceTable, PlanScope
from auditor.errors import BundleRefused
from auditor.report.sections import missing_tables
from auditor.report.tally import tally_findings
from auditor.report.view import view_of
from auditor.verdicts import Severity, Verdict

PLAN = PlanScope(planned=4, not_in_evidence=1, out_of_scope=1)


def test_every_rule_is_in_the_section_of_its_verdict(everything: Assessment) -> None:
    view = view_of(everything)
    assert {
        "blockers": [group.rule.rule for group in view.blockers],
        "open": [entry.rule.rule for entry in view.open_rules],
        "open subjects": [group.rule.rule for group in view.open_subjects],
        "waived": [group.rule.rule for group in view.waived],
        "others": [group.rule.rule for group in view.others],
        "passed": [rule.rule for rule in view.passed],
        "not applicable": [rule.rule for rule in view.not_applicable],
        "errors": [rule.rule for rule in view.errors],
    } == {
        "blockers": ["R-BLOCK"],
        "open": ["R-BLIND"],
        "open subjects": ["R-BLOCK"],
        "waived": ["R-BLOCK"],
        "others": ["R-OBSERVED", "R-WARN", "R-INFO"],
        "passed": ["R-PASS"],
        "not applicable": ["R-NONE"],
        "errors": ["R-BROKEN"],
    }


def test_a_waived_blocker_is_shown_apart_from_those_that_block(everything: Assessment) -> None:
    view = view_of(everything)
    blocking, waived = view.blockers[0], view.waived[0]
    assert [finding.subject for finding in blocking.shown] == ["Ann"]
    assert [finding.subject for finding in waived.shown] == ["Bob"]


def test_the_first_page_warns_of_all_that_weakens_the_verdict(everything: Assessment) -> None:
    assert view_of(everything).warnings == (
        "The list of mailboxes is not complete (onprem_mailbox: Access denied): "
        "there may be mailboxes that nobody counted.",
        "1 planned mailbox is not in the evidence: nothing is known of it.",
        "1 rule broke: no verdict, and no pass (listed below).",
        "1 waiver has expired: no longer counted (section 5).",
        "1 finding that blocks: set aside by waivers in force (section 5).",
        "1 rule that can find blockers could not run: evidence is missing (section 3).",
        "1 topic that can hold blockers: no rule in use looks there (section 3).",
    )


def test_evidence_of_a_run_that_was_stopped_is_the_first_warning(empty: Assessment) -> None:
    stopped = {"evidence_sealed": "no, the run that wrote it was stopped"}
    assert view_of(dataclasses.replace(empty, details=stopped)).warnings == (
        "The evidence was not sealed (no, the run that wrote it was stopped): it may not be whole.",
    )


def read(table: str, at: dt.datetime | None, state: str = "complete") -> EvidenceTable:
    """A line of the ledger that ended then."""
    return EvidenceTable(
        evidence_table=table, state=state, rows=1, provider=None, server=None, account=None,
        command=None, filters=None, started_at=at, ended_at=at, detail="-",
    )  # fmt: skip


LONG_AGO = dt.datetime(2026, 8, 1, 23, 59, tzinfo=dt.UTC)
YESTERDAY = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
TOMORROW = dt.datetime(2026, 11, 22, 23, 59, tzinfo=dt.UTC)
LATER = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("lines", "warnings"),
    [
        (
            [
                read("exo_organization", LONG_AGO, "stale"),
                read("exo_recipient", YESTERDAY, "stale"),
            ],
            (
                "2 tables of evidence are too old to judge by, the oldest read on 1 August 2026,"
                " 112 days before this verdict: what they could answer is not assessed.",
            ),
        ),
        (
            [read("exo_organization", None, "stale"), read("exo_recipient", TOMORROW)],
            ("1 table of evidence is too old to judge by: what it could answer is not assessed.",),
        ),
        (
            [read("exo_organization", LATER), read("exo_recipient", YESTERDAY)],
            (
                "Evidence was read after the day of this verdict, some on 23 November 2026: it may"
                " show what was changed since.",
            ),
        ),
        ([read("plan_move", LATER), read("exo_recipient", LATER, "partial")], ()),
    ],
)
def test_evidence_of_another_time_is_told_on_the_first_page(
    empty: Assessment, lines: list[EvidenceTable], warnings: tuple[str, ...]
) -> None:
    found = dataclasses.replace(empty, evidence_tables=tuple(lines))
    assert view_of(found).warnings == warnings


def test_a_rule_that_could_not_run_names_the_tables_it_waits_for(everything: Assessment) -> None:
    view = view_of(everything)
    assert [(entry.missing, entry.cause) for entry in view.open_rules] == [
        (("onprem_mailbox",), "Access denied")
    ]
    assert [(m.tables, m.blockers, m.others) for m in view.missing_tables] == [
        (("onprem_mailbox",), 1, 0)
    ]


def test_tables_missing_for_one_reason_share_a_line_and_count_each_rule_once(
    everything: Assessment,
) -> None:
    (mailbox,) = [
        line for line in everything.evidence_tables if line.evidence_table == "onprem_mailbox"
    ]
    lines = [
        mailbox,
        mailbox.model_copy(update={"evidence_table": "other_reason", "detail": "Another."}),
        mailbox.model_copy(update={"evidence_table": "onprem_second"}),
        mailbox.model_copy(update={"evidence_table": "wanted_by_none"}),
    ]
    (open_rule,) = view_of(everything).open_rules
    both = dataclasses.replace(open_rule, missing=("onprem_mailbox", "onprem_second"))
    third = dataclasses.replace(open_rule, missing=("other_reason",))
    assert [
        (m.tables, m.blockers, m.others) for m in missing_tables(lines, [both, both, third])
    ] == [
        (("onprem_mailbox", "onprem_second"), 2, 0),
        (("other_reason",), 1, 0),
    ]


def test_mailboxes_without_a_prediction_are_counted_as_not_assessed(everything: Assessment) -> None:
    view = view_of(everything)
    assert [(r.assessed, r.to_move, r.moved) for r in view.redirects] == [
        (True, 1, 1),
        (True, 0, 0),
        (True, 0, 0),
        (True, 1, 0),
        (False, 1, 0),
        (False, 0, 1),
    ]


def test_a_mailbox_is_listed_with_the_blockers_of_its_own(everything: Assessment) -> None:
    view = view_of(everything)
    assert [(m.row.mailbox_guid, m.gates, m.failed, m.open) for m in view.unready] == [
        ("m1", "The phones", ("R-BLOCK",), ()),
        ("m3", "The phones", (), ("R-BLOCK",)),
    ]
    assert (view.mailboxes.unready, view.mailboxes.unready_by_themselves) == (3, 2)


def test_a_waived_blocker_holds_no_mailbox_back(everything: Assessment) -> None:
    assert tally_findings(everything.findings()).own_blockers == {
        "m1": (("R-BLOCK", Verdict.FAIL),),
        "m3": (("R-BLOCK", Verdict.NOT_ASSESSED),),
    }


def test_gates_come_in_their_order_whatever_the_order_of_the_rows(everything: Assessment) -> None:
    turned = dataclasses.replace(everything, gates=everything.gates[::-1])
    assert [gate.gate for gate in view_of(turned).gates] == [
        "overall",
        "move",
        "seamless",
        "platform",
    ]


def test_only_what_is_shown_is_kept(crowded: Callable[[int, int], Assessment]) -> None:
    view = view_of(crowded(1_234, 345))
    assert [(group.total, len(group.shown)) for group in (*view.blockers, *view.others)] == [
        (1_234, 50),
        (1_234, 50),
    ]
    assert (view.mailboxes.unready, len(view.unready)) == (345, 100)


def test_blockers_for_everybody_come_before_those_of_single_mailboxes(
    everything: Assessment,
) -> None:
    rules = {rule.rule: rule for rule in everything.rules}
    findings = [f for f in everything.findings() if f.rule in ("R-BLOCK", "R-WARN")]
    worse = [
        f.model_copy(update={"severity": Severity.BLOCKER}) if f.rule == "R-WARN" else f
        for f in findings
    ]
    changed = dataclasses.replace(
        everything,
        rules=(rules["R-BLOCK"], rules["R-WARN"]),
        findings=lambda: iter(worse),
    )
    assert [group.rule.rule for group in view_of(changed).blockers] == ["R-WARN", "R-BLOCK"]


def test_an_empty_assessment_has_a_view(empty: Assessment) -> None:
    view = view_of(empty)
    assert (view.blockers, view.warnings, view.mailboxes.unready) == ((), (), 0)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"gates": ()}, "its gates are missing"),
        ({"rules": ()}, "a finding names R-BLOCK, which is none of its rules"),
        ({"findings": lambda: iter(())}, "R-BLOCK fails 3 times, with 0 findings"),
        ({"mailboxes": lambda: iter(())}, "it counts 5 mailboxes and lists 0"),
        ({"waves": ()}, "it counts 0 mailboxes in wave '1' and lists 2"),
        ({"plan": (PLAN, PLAN)}, "it covers 2 plans"),
    ],
)
def test_an_assessment_that_contradicts_itself_is_refused(
    everything: Assessment, change: dict[str, object], complaint: str
) -> None:
    changed = dataclasses.replace(everything, **change)  # type: ignore[arg-type]  # one of each kind
    with pytest.raises(BundleRefused, match=complaint):
        view_of(changed)


def test_what_lies_outside_the_plan_is_shown_apart_and_blocks_nothing(
    everything: Assessment,
) -> None:
    view = view_of(everything)
    assert [(g.rule.rule, [f.subject for f in g.shown]) for g in view.out_of_scope] == [
        ("R-BLOCK", ["Eve"])
    ]
    assert [finding.subject for group in view.blockers for finding in group.shown] == ["Ann"]
    assert "m6" not in tally_findings(everything.findings()).own_blockers


def test_each_wave_has_its_decision_and_the_gates_that_hold_it_back(
    everything: Assessment,
) -> None:
    view = view_of(everything)
    assert [(wave.row.wave, wave.goes, wave.gates) for wave in view.waves] == [
        ("1", False, "The phones"),
        ("2", True, ""),
    ]
    assert view.going == 1
    assert view.plan == PLAN


def test_an_assessment_without_a_plan_has_no_waves(empty: Assessment) -> None:
    view = view_of(empty)
    assert (view.plan, view.waves, view.going, view.out_of_scope) == (None, (), 0, ())
