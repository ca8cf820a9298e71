"""An assessment with one of everything, as small as it can be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import pytest

from auditor.assessment import (
    Assessment,
    EvidenceSource,
    EvidenceTable,
    Finding,
    GateReadiness,
    MailboxReadiness,
    PlanScope,
    ReferenceFile,
    RuleReference,
    RuleResult,
    UncoveredTopic,
    WaiverNote,
    WaveReadiness,
)
from auditor.evidence.predicted import RedirectOutcome
from auditor.verdicts import Cause, Confidence, Gate, Readiness, Scope, Severity, Verdict

Written = Callable[[str], str]
"""What a stranger makes of a text before it comes to us."""

DAY = dt.date(2026, 11, 21)


def plain(text: str) -> str:
    return text


def a_gate(gate: str, readiness: Readiness, counts: Sequence[int]) -> GateReadiness:
    """`counts`: blockers failed and open, actions; mailboxes ready, with action, open, not."""
    return GateReadiness.model_validate(
        {
            "gate": gate,
            "readiness": readiness,
            "blockers_failed": counts[0],
            "blockers_not_assessed": counts[1],
            "actions_failed": counts[2],
            "mailboxes_ready": counts[3],
            "mailboxes_ready_with_action": counts[4],
            "mailboxes_undetermined": counts[5],
            "mailboxes_not_ready": counts[6],
        }
    )


def a_rule(
    rule: str,
    verdict: Verdict,
    *,
    severity: Severity = Severity.BLOCKER,
    scope: Scope = Scope.MAILBOX,
    gate: Gate = Gate.SEAMLESS,
    confidence: Confidence = Confidence.DOCUMENTED,
    cause: Cause | None = None,
    counts: tuple[int, int, int] = (0, 0, 0),
    waived: int = 0,
    written: Written = plain,
) -> RuleResult:
    return RuleResult(
        rule=written(rule),
        title=written(f"The title of {rule}"),
        scope=scope,
        gate=gate,
        severity=severity,
        confidence=confidence,
        as_of=DAY,
        why=written(f"Why {rule} matters.\n\n- one `Get-Thing`\n- two"),
        limits=written(f"When {rule} can be wrong."),
        fix=written(f"1. How to mend {rule}:\n\n    Set-Thing -Identity x\n    Get-Thing"),
        references=(
            RuleReference(title=written(f"Read about {rule}"), url="https://example.com/a?b=1&c=2"),
            RuleReference(title=written("A bad link"), url=written("javascript:alert(1)")),
        ),
        needs=(written("onprem_mailbox"), written("onprem_exchange_server")),
        pack=written("shipped"),
        file=written(f"area/{rule}.yaml"),
        sha256="a" * 64,
        verdict=verdict,
        cause=cause,
        text=written(f"The sentence of {rule}"),
        passed=counts[0],
        failed=counts[1],
        not_assessed=counts[2],
        waived=waived,
    )


def a_finding(
    rule: str,
    subject: str,
    verdict: Verdict = Verdict.FAIL,
    *,
    severity: Severity = Severity.BLOCKER,
    scope: Scope = Scope.MAILBOX,
    cause: Cause | None = None,
    mailbox_guid: str | None = None,
    waived: bool = False,
    in_scope: bool = True,
    written: Written = plain,
) -> Finding:
    return Finding.model_validate(
        {
            "rule": written(rule),
            "gate": Gate.SEAMLESS,
            "scope": scope,
            "severity": severity,
            "verdict": verdict,
            "cause": cause,
            "subject_id": subject if subject == "*" else written(f"id of {subject}"),
            "subject": written(subject),
            "mailbox_guid": mailbox_guid,
            "text": written(f"What {rule} says of {subject}"),
            "waived": waived,
            "in_scope": in_scope,
        }
    )


def a_mailbox(
    guid: str,
    readiness: Readiness,
    redirect: RedirectOutcome | None,
    *,
    moved: bool = False,
    wave: str | None = None,
    written: Written = plain,
) -> MailboxReadiness:
    return MailboxReadiness(
        mailbox_guid=guid,
        mailbox=written(f"mailbox {guid}"),
        moved=moved,
        wave=None if wave is None else written(wave),
        readiness=readiness,
        move=Readiness.READY,
        seamless=readiness,
        platform=Readiness.READY_WITH_ACTION,
        redirect=redirect,
        redirect_url=written("https://outlook.office365.com/Microsoft-Server-ActiveSync"),
        redirect_stops_at=written("relationship"),
        redirect_reason=written(f"why the redirect of {guid} stops"),
    )


def a_wave(
    wave: str,
    readiness: Readiness,
    planned: int,
    counts: Sequence[int],
    *,
    not_in_evidence: int = 0,
    written: Written = plain,
) -> WaveReadiness:
    """`counts`: mailboxes ready, with action, open, not ready."""
    return WaveReadiness(
        wave=written(wave),
        planned=planned,
        not_in_evidence=not_in_evidence,
        readiness=readiness,
        move=Readiness.READY,
        seamless=readiness,
        platform=Readiness.READY_WITH_ACTION,
        mailboxes_ready=counts[0],
        mailboxes_ready_with_action=counts[1],
        mailboxes_undetermined=counts[2],
        mailboxes_not_ready=counts[3],
    )


def everything_written_by(written: Written) -> Assessment:
    """One of everything; every text that a stranger may have written went through `written`."""
    rules = (
        a_rule("R-BLOCK", Verdict.FAIL, counts=(1, 3, 1), waived=1, written=written),
        a_rule(
            "R-OBSERVED",
            Verdict.FAIL,
            severity=Severity.USER_IMPACT,
            scope=Scope.DEVICE,
            confidence=Confidence.OBSERVED,
            counts=(0, 1, 0),
            written=written,
        ),
        a_rule(
            "R-WARN", Verdict.FAIL, severity=Severity.WARNING, scope=Scope.SERVER,
            confidence=Confidence.REPORTED, counts=(0, 1, 0), written=written,
        ),
        a_rule(
            "R-INFO", Verdict.FAIL, severity=Severity.INFO, scope=Scope.ORGANIZATION,
            confidence=Confidence.INFERRED, counts=(0, 1, 0), written=written,
        ),
        a_rule("R-BLIND", Verdict.NOT_ASSESSED, cause=Cause.ACCESS_DENIED, written=written),
        a_rule("R-PASS", Verdict.PASS, counts=(3, 0, 0), written=written),
        a_rule("R-NONE", Verdict.NOT_APPLICABLE, gate=Gate.PLATFORM, written=written),
        a_rule("R-BROKEN", Verdict.ERROR, gate=Gate.MOVE, written=written),
    )  # fmt: skip
    findings = (
        a_finding("R-BLOCK", "Ann", mailbox_guid="m1", written=written),
        a_finding("R-BLOCK", "Bob", mailbox_guid="m2", waived=True, written=written),
        a_finding(
            "R-BLOCK", "Cem", Verdict.NOT_ASSESSED, cause=Cause.VALUE_MISSING,
            mailbox_guid="m3", written=written,
        ),
        a_finding("R-BLOCK", "Eve", mailbox_guid="m6", in_scope=False, written=written),
        a_finding(
            "R-OBSERVED", "phone of Ann", severity=Severity.USER_IMPACT,
            scope=Scope.DEVICE, mailbox_guid="m1", written=written,
        ),
        a_finding(
            "R-WARN", "EX01", severity=Severity.WARNING, scope=Scope.SERVER, written=written
        ),
        a_finding(
            "R-INFO", "the organisation", severity=Severity.INFO,
            scope=Scope.ORGANIZATION, written=written,
        ),
        a_finding(
            "R-BLIND", "*", Verdict.NOT_ASSESSED, cause=Cause.ACCESS_DENIED, written=written
        ),
        a_finding("R-BROKEN", "*", Verdict.ERROR, written=written),
    )  # fmt: skip
    mailboxes = (
        a_mailbox(
            "m1", Readiness.NOT_READY, RedirectOutcome.NOT_REDIRECTED, wave="1", written=written
        ),
        a_mailbox(
            "m2", Readiness.READY_WITH_ACTION, RedirectOutcome.REDIRECTED, wave="2", written=written
        ),
        a_mailbox("m3", Readiness.UNDETERMINED, RedirectOutcome.UNKNOWN, wave="1", written=written),
        a_mailbox("m4", Readiness.READY, RedirectOutcome.REDIRECTED, moved=True, written=written),
        a_mailbox("m5", Readiness.UNDETERMINED, None, moved=True, written=written),
    )
    return Assessment(
        title=written("Contoso"),
        as_of=DAY,
        tool_version=written("0.1.0"),
        details={
            "as_of": "2026-11-21",
            "evidence_file": written("contoso.evidence.zip"),
            "evidence_created_at": written("2026-11-20T08:00:00Z"),
            written("something else"): written("of theirs"),
        },
        sha256="b" * 64,
        gates=(
            a_gate("overall", Readiness.NOT_READY, (1, 3, 1, 1, 1, 2, 1)),
            a_gate("move", Readiness.UNDETERMINED, (0, 1, 0, 0, 0, 5, 0)),
            a_gate("seamless", Readiness.NOT_READY, (1, 2, 1, 1, 1, 2, 1)),
            a_gate("platform", Readiness.READY_WITH_ACTION, (0, 0, 0, 0, 5, 0, 0)),
        ),
        waves=(
            a_wave(
                "1", Readiness.NOT_READY, 3, (0, 0, 1, 1), not_in_evidence=1, written=written
            ),
            a_wave("2", Readiness.READY_WITH_ACTION, 1, (0, 1, 0, 0), written=written),
        ),
        plan=(PlanScope(planned=4, not_in_evidence=1, out_of_scope=1),),
        rules=rules,
        waivers=(
            WaiverNote(
                rule=written("R-BLOCK"), subject=written("Bob"), by=written("Dana"),
                reason=written("Bob has no phone"), until=dt.date(2027, 1, 31),
                state="in_force", matches=1,
            ),
            WaiverNote(
                rule=written("R-WARN"), subject=written("EX01"), by=written("Dana"),
                reason=written("is replaced soon"), until=dt.date(2026, 10, 31),
                state="expired", matches=1,
            ),
        ),
        topics=(
            UncoveredTopic(
                topic=written("NET-X"), title=written("A topic of the net"),
                scope=written("network"), gate=Gate.MOVE, severity=Severity.BLOCKER, waived=False,
            ),
            UncoveredTopic(
                topic=written("NET-Y"), title=written("Another topic of the net"),
                scope=written("network"), gate=Gate.MOVE, severity=Severity.WARNING, waived=True,
            ),
        ),
        evidence_tables=(
            EvidenceTable(
                evidence_table="onprem_mailbox", state="access_denied", rows=0,
                provider=None, server=None, account=None, command=written("Get-Mailbox"),
                filters=None, started_at=None, ended_at=None,
                detail=written("the account may not read mailboxes"),
            ),
            EvidenceTable(
                evidence_table="onprem_exchange_server", state="complete", rows=2,
                provider=written("export"), server=written("EX01"), account=written("CONTOSO\\ann"),
                command=written("Get-ExchangeServer"), filters=written("-Status"),
                started_at=dt.datetime(2026, 11, 20, 7, 59, 59, tzinfo=dt.UTC),
                ended_at=dt.datetime(2026, 11, 20, 8, 0, 0, tzinfo=dt.UTC), detail=written(""),
            ),
        ),
        evidence_sources=(
            EvidenceSource(
                name=written("Get-ExchangeServer.xml"), sha256="c" * 64, bytes=1234,
                recognised_as=written("ExchangeServer"), objects=2,
            ),
            EvidenceSource(
                name=written("a server"), sha256=None, bytes=None,
                recognised_as=written("remoting"), objects=None,
            ),
        ),
        reference_files=(
            ReferenceFile(name=written("exchange_builds.csv"), sha256="d" * 64, rows=1234),
        ),
        findings=lambda: iter(findings),
        mailboxes=lambda: iter(mailboxes),
    )  # fmt: skip


@pytest.fixture
def everything() -> Assessment:
    """One of everything, written by friends."""
    return everything_written_by(plain)


@pytest.fixture
def written_by() -> Callable[[Written], Assessment]:
    """One of everything, written by whom the test likes."""
    return everything_written_by


@pytest.fixture
def empty() -> Assessment:
    """An assessment in which nothing was found, because nothing was there."""
    nothing = (0, 0, 0, 0, 0, 0, 0)
    return Assessment(
        title="",
        as_of=DAY,
        tool_version="0.1.0",
        details={},
        sha256="b" * 64,
        gates=tuple(
            a_gate(gate, Readiness.UNDETERMINED, nothing)
            for gate in ("overall", "move", "seamless", "platform")
        ),
        waves=(),
        plan=(),
        rules=(),
        waivers=(),
        topics=(),
        evidence_tables=(),
        evidence_sources=(),
        reference_files=(),
        findings=lambda: iter(()),
        mailboxes=lambda: iter(()),
    )


@pytest.fixture
def crowded() -> Callable[[int, int], Assessment]:
    """As many failing subjects and as many mailboxes as asked for."""

    def made(failing: int, mailboxes: int) -> Assessment:
        rules = (
            a_rule("R-BLOCK", Verdict.FAIL, counts=(0, failing, 0)),
            a_rule(
                "R-ACT", Verdict.FAIL, severity=Severity.USER_IMPACT, counts=(0, failing, 0)
            ),
        )  # fmt: skip
        counts = (failing, 0, failing, 0, 0, 0, mailboxes)
        return Assessment(
            title="Many",
            as_of=DAY,
            tool_version="0.1.0",
            details={},
            sha256="b" * 64,
            gates=tuple(
                a_gate(gate, Readiness.NOT_READY, counts)
                for gate in ("overall", "move", "seamless", "platform")
            ),
            waves=(),
            plan=(),
            rules=rules,
            waivers=(),
            topics=(),
            evidence_tables=(),
            evidence_sources=(),
            reference_files=(),
            findings=lambda: (
                a_finding(rule, f"subject {number}", severity=severity, mailbox_guid=f"m{number}")
                for rule, severity in (
                    ("R-BLOCK", Severity.BLOCKER),
                    ("R-ACT", Severity.USER_IMPACT),
                )
                for number in range(failing)
            ),
            mailboxes=lambda: (
                a_mailbox(f"m{number}", Readiness.NOT_READY, None) for number in range(mailboxes)
            ),
        )

    return made
