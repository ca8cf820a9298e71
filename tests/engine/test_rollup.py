"""Waves and scope: what the plan leaves out blocks nobody, an unseen mailbox does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from auditor.assessment import (
    TABLES,
    Assessment,
    Finding,
    GateReadiness,
    MailboxReadiness,
    PlanScope,
    WaveReadiness,
    read_assessment,
)
from auditor.engine.rollup import as_people_count
from auditor.evidence.bundle import open_bundle
from auditor.importing import import_evidence
from auditor.lab.exports import write_exports
from auditor.lab.organization import build
from auditor.lab.plan import WAVES, planned, wave_of, write_plan
from auditor.lab.recipients import mailboxes
from auditor.run import assess_evidence
from auditor.verdicts import Readiness

AS_OF = dt.date(2026, 11, 1)
FAULT = ("mailbox_without_proxy",)


def silent(stage: str, done: int) -> None:
    """Progress that nobody listens to."""


@dataclass(frozen=True)
class Judged:
    assessment: Assessment
    findings: tuple[Finding, ...]
    mailboxes: tuple[MailboxReadiness, ...]

    @property
    def overall(self) -> GateReadiness:
        return self.assessment.gates[0]

    @property
    def move(self) -> GateReadiness:
        return self.assessment.gates[1]

    def waves(self) -> dict[str, WaveReadiness]:
        return {wave.wave: wave for wave in self.assessment.waves}


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty mailboxes of which some lack the address that a move needs; all else is well."""
    folder = tmp_path_factory.mktemp("rollup") / "exports"
    write_exports(build(40, faults=FAULT), folder)
    return folder


def judged(exports: Path, folder: Path, plan: Path | None, waivers: Path | None = None) -> Judged:
    evidence, assessment = folder / "e.zip", folder / "a.zip"
    plans: Sequence[Path] = [plan] if plan else []
    import_evidence([exports], evidence, force=True, title="", progress=silent, plans=plans)
    assess_evidence(
        evidence,
        assessment,
        packs=(),
        waivers=waivers,
        as_of=AS_OF,
        force=True,
        progress=silent,
    )
    with open_bundle(assessment, "assessment", TABLES) as bundle:
        content = read_assessment(bundle)
        return Judged(content, tuple(content.findings()), tuple(content.mailboxes()))


def a_plan(folder: Path, *lines: str) -> Path:
    path = folder / "plan.csv"
    path.write_text("EmailAddress,wave\n" + "".join(f"{line}\n" for line in lines), "utf-8")
    return path


STRUCK = [
    mailbox
    for mailbox in mailboxes(build(40, faults=FAULT))
    if "mailbox_without_proxy" in mailbox.planted
]
SOUND = [
    mailbox
    for mailbox in mailboxes(build(40, faults=FAULT))
    if not mailbox.planted and mailbox.recipient_type_details != "DiscoveryMailbox"
]


def test_without_a_plan_every_mailbox_counts_and_there_are_no_waves(
    exports: Path, tmp_path: Path
) -> None:
    found = judged(exports, tmp_path, None)
    assert (found.assessment.waves, found.assessment.plan) == ((), ())
    assert {mailbox.wave for mailbox in found.mailboxes} == {None}
    assert {finding.in_scope for finding in found.findings} == {True}
    assert found.overall.readiness is Readiness.NOT_READY


def test_the_plan_of_the_lab_gives_its_three_waves_and_every_planned_mailbox(
    exports: Path, tmp_path: Path
) -> None:
    organization = build(40, faults=FAULT)
    write_plan(organization, tmp_path / "plan.csv")
    found = judged(exports, tmp_path, tmp_path / "plan.csv")
    named = {mailbox.guid: wave for mailbox, wave in planned(organization)}
    in_rows = {mailbox.mailbox_guid: mailbox.wave for mailbox in found.mailboxes}
    assert {guid: wave for guid, wave in in_rows.items() if wave is not None} == named
    assert {mailbox.moved for mailbox in found.mailboxes if mailbox.wave is None} == {True}
    waves = [(wave.wave, wave.planned, wave.not_in_evidence) for wave in found.assessment.waves]
    assert waves == [(name, sum(wave == name for wave in named.values()), 0) for name in WAVES]
    left_out = [m for m in mailboxes(organization) if wave_of(m) is None]
    # of the mailbox for searches nobody predicts anything
    assert found.assessment.plan == (
        PlanScope(planned=len(named), not_in_evidence=0, out_of_scope=len(left_out) - 1),
    )


def test_a_wave_is_blocked_by_its_own_mailboxes_and_by_no_others(
    exports: Path, tmp_path: Path
) -> None:
    plan = a_plan(
        tmp_path,
        f"{SOUND[0].primary_smtp_address},2",
        f"{SOUND[1].primary_smtp_address},10",
        f"{STRUCK[0].primary_smtp_address},10",
    )
    found = judged(exports, tmp_path, plan)
    assert [(w.wave, w.move, w.mailboxes_not_ready) for w in found.assessment.waves] == [
        ("2", Readiness.UNDETERMINED, 0),
        ("10", Readiness.NOT_READY, 1),
    ]
    assert found.move.readiness is Readiness.NOT_READY


def test_what_is_outside_the_plan_stays_visible_and_blocks_nothing(
    exports: Path, tmp_path: Path
) -> None:
    plan = a_plan(tmp_path, f"{SOUND[0].primary_smtp_address},1")
    found = judged(exports, tmp_path, plan)
    proxies = {
        finding.subject_id: finding.in_scope
        for finding in found.findings
        if finding.rule == "MBX-COEX-PROXY"
    }
    assert proxies == {mailbox.guid: False for mailbox in STRUCK}
    assert (found.move.readiness, found.move.blockers_failed) == (Readiness.UNDETERMINED, 0)
    (rule,) = [rule for rule in found.assessment.rules if rule.rule == "MBX-COEX-PROXY"]
    assert (rule.verdict.value, rule.failed) == ("fail", len(STRUCK))
    in_rows = [mailbox.mailbox_guid for mailbox in found.mailboxes if not mailbox.moved]
    assert in_rows == [SOUND[0].guid]


def test_a_planned_mailbox_that_nobody_has_seen_blocks_its_wave_and_the_whole(
    exports: Path, tmp_path: Path
) -> None:
    plan = a_plan(tmp_path, f"{SOUND[0].primary_smtp_address},1", "ghost@contoso.com,2")
    found = judged(exports, tmp_path, plan)
    waves = found.waves()
    assert {name: (w.move, w.not_in_evidence) for name, w in waves.items()} == {
        "1": (Readiness.UNDETERMINED, 0),
        "2": (Readiness.NOT_READY, 1),
    }
    assert found.move.readiness is Readiness.NOT_READY
    (ghost,) = [finding for finding in found.findings if finding.rule == "MBX-PLAN-KNOWN"]
    assert (ghost.subject, ghost.mailbox_guid, ghost.in_scope) == ("ghost@contoso.com", None, True)
    assert "plan.csv, line 3" in ghost.text


def test_a_wave_of_which_nobody_was_seen_is_never_better_than_undetermined(
    exports: Path, tmp_path: Path
) -> None:
    plan = a_plan(tmp_path, "ghost@contoso.com,1")
    first = judged(exports, tmp_path, plan)
    open_ends = {t.topic for t in first.assessment.topics} | {f.rule for f in first.findings}
    waivers = tmp_path / "waivers.yaml"
    lines = [
        f"  - {{rule: {rule}, subject: '*', by: Bo, reason: seen by hand, until: 2099-01-01}}"
        for rule in sorted(open_ends)
    ]
    waivers.write_text("waivers:\n" + "\n".join(lines) + "\n", encoding="utf-8")
    waived = judged(exports, tmp_path, plan, waivers)
    assert waived.move.readiness is Readiness.READY
    (wave,) = waived.assessment.waves
    assert (wave.readiness, wave.move, wave.seamless, wave.platform) == (
        (Readiness.UNDETERMINED,) * 4
    )


def test_the_domain_of_the_plan_decides_whether_a_mailbox_can_move(
    exports: Path, tmp_path: Path
) -> None:
    path = tmp_path / "plan.csv"
    path.write_text(
        "EmailAddress,wave,TargetDeliveryDomain\n"
        f"{SOUND[0].primary_smtp_address},1,other.mail.onmicrosoft.com\n",
        encoding="utf-8",
    )
    found = judged(exports, tmp_path, path)
    failing = {
        (finding.rule, finding.subject_id)
        for finding in found.findings
        if finding.in_scope and finding.verdict.value == "fail"
    }
    assert {
        ("MBX-COEX-PROXY", SOUND[0].guid),
        ("MBX-REDIRECT", SOUND[0].guid),
        ("ORG-TDD", "organization"),
    } <= failing
    (mailbox,) = [row for row in found.mailboxes if row.mailbox_guid == SOUND[0].guid]
    assert mailbox.redirect_reason == (
        "the mailbox has no smtp address in other.mail.onmicrosoft.com: the move will be refused"
    )


def test_waves_come_in_the_order_people_count() -> None:
    names = ["Wave 10", "wave 2", "Wave 2", "", "Pilot", "Wave 2b", "10", "9"]
    assert sorted(names, key=as_people_count) == [
        "",
        "9",
        "10",
        "Pilot",
        "Wave 2",
        "wave 2",
        "Wave 2b",
        "Wave 10",
    ]
