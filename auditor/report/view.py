"""Assessment in, view model out: all that a page says, counted, sorted and worded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auditor.assessment import (
    Assessment,
    GateReadiness,
    PlanScope,
    RuleResult,
    WaiverNote,
    WaveReadiness,
)
from auditor.errors import BundleRefused
from auditor.report import sections, words
from auditor.report.tally import (
    FindingTally,
    MailboxTally,
    tally_findings,
    tally_mailboxes,
)
from auditor.verdicts import Cause, Severity, Verdict

_MAILBOX_TABLES = ("onprem_mailbox", "onprem_remote_mailbox")
"""The tables that say which mailboxes there are."""


@dataclass(frozen=True)
class View:
    """All that the page shows, in its order."""

    assessment: Assessment
    overall: GateReadiness
    gates: tuple[GateReadiness, ...]
    plan: PlanScope | None
    waves: tuple[sections.Wave, ...]
    going: int
    mailboxes: MailboxTally
    warnings: tuple[str, ...]
    errors: tuple[RuleResult, ...]
    blockers: tuple[sections.Group, ...]
    open_rules: tuple[sections.OpenRule, ...]
    missing_tables: tuple[sections.MissingTables, ...]
    open_subjects: tuple[sections.Group, ...]
    areas: tuple[sections.Area, ...]
    verdict_counts: tuple[tuple[str, tuple[int, ...]], ...]
    redirects: tuple[sections.RedirectCount, ...]
    stops: tuple[tuple[str, int], ...]
    expired: tuple[WaiverNote, ...]
    in_force: tuple[WaiverNote, ...]
    waived: tuple[sections.Group, ...]
    others: tuple[sections.Group, ...]
    out_of_scope: tuple[sections.Group, ...]
    passed: tuple[RuleResult, ...]
    not_applicable: tuple[RuleResult, ...]
    unready: tuple[sections.UnreadyMailbox, ...]


def view_of(assessment: Assessment) -> View:
    """The view of an assessment; nothing is judged here.

    Raises BundleRefused where the assessment contradicts itself, because a page made of it would
    be wrong somewhere.
    """
    findings = tally_findings(assessment.findings())
    mailboxes = tally_mailboxes(assessment.mailboxes(), findings.own_blockers)
    gates = _gates(assessment)
    _refuse_contradictions(assessment, findings, mailboxes, gates[0])
    _refuse_other_waves(assessment.waves, mailboxes)
    groups = sections.groups(assessment.rules, findings)
    unwaived = [group for group in groups if group.in_scope and not group.waived]
    failing = [group for group in unwaived if group.verdict is Verdict.FAIL]
    waiting = sections.open_rules(assessment, findings)
    return View(
        assessment=assessment,
        overall=gates[0],
        gates=gates,
        plan=_plan(assessment),
        waves=sections.waves(assessment.waves),
        going=sum(wave.readiness in words.GOES for wave in assessment.waves),
        mailboxes=mailboxes,
        warnings=_warnings(assessment, waiting, groups),
        errors=sections.by_severity(assessment.rules, Verdict.ERROR),
        blockers=tuple(g for g in failing if g.severity is Severity.BLOCKER),
        open_rules=waiting,
        missing_tables=sections.missing_tables(assessment.evidence_tables, waiting),
        open_subjects=tuple(g for g in unwaived if g.verdict is Verdict.NOT_ASSESSED),
        areas=sections.areas(assessment.topics),
        verdict_counts=sections.verdict_counts(assessment.rules),
        redirects=sections.redirect_counts(mailboxes),
        stops=sections.stops(mailboxes),
        expired=tuple(note for note in assessment.waivers if note.state == "expired"),
        in_force=tuple(note for note in assessment.waivers if note.state == "in_force"),
        waived=tuple(group for group in groups if group.waived),
        others=tuple(g for g in failing if g.severity is not Severity.BLOCKER),
        out_of_scope=tuple(g for g in groups if not g.in_scope and not g.waived),
        passed=sections.by_severity(assessment.rules, Verdict.PASS),
        not_applicable=sections.by_severity(assessment.rules, Verdict.NOT_APPLICABLE),
        unready=sections.unready(mailboxes, findings),
    )


def _gates(assessment: Assessment) -> tuple[GateReadiness, ...]:
    order = list(words.GATES)
    names = [gate.gate for gate in assessment.gates]
    if sorted(names) != sorted(order):
        raise _contradiction(f"its gates are {', '.join(names) or 'missing'}")
    return tuple(sorted(assessment.gates, key=lambda gate: order.index(gate.gate)))


def _refuse_contradictions(
    assessment: Assessment,
    findings: FindingTally,
    mailboxes: MailboxTally,
    overall: GateReadiness,
) -> None:
    failed = Counter({rule.rule: rule.failed for rule in assessment.rules})
    seen: Counter[str] = Counter()
    for kind, subjects in findings.kinds.items():
        if kind.rule not in failed:
            raise _contradiction(f"a finding names {kind.rule}, which is none of its rules")
        if kind.verdict is Verdict.FAIL:
            seen[kind.rule] += subjects.total
    for rule, number in failed.items():
        if seen[rule] != number:
            raise _contradiction(f"{rule} fails {number:,} times, with {seen[rule]:,} findings")
    counted = (
        overall.mailboxes_ready
        + overall.mailboxes_ready_with_action
        + overall.mailboxes_undetermined
        + overall.mailboxes_not_ready
    )
    if counted != mailboxes.to_move + mailboxes.moved:
        raise _contradiction(
            f"it counts {counted:,} mailboxes and lists {mailboxes.to_move + mailboxes.moved:,}"
        )


def _plan(assessment: Assessment) -> PlanScope | None:
    if len(assessment.plan) > 1:
        raise _contradiction(f"it covers {len(assessment.plan):,} plans")
    return assessment.plan[0] if assessment.plan else None


def _refuse_other_waves(waves: Sequence[WaveReadiness], mailboxes: MailboxTally) -> None:
    counted = {
        wave.wave: wave.mailboxes_ready
        + wave.mailboxes_ready_with_action
        + wave.mailboxes_undetermined
        + wave.mailboxes_not_ready
        for wave in waves
    }
    for wave in sorted(counted.keys() | mailboxes.waves.keys()):
        number, listed = counted.get(wave, 0), mailboxes.waves[wave]
        if number != listed:
            raise _contradiction(
                f"it counts {number:,} mailboxes in wave {wave!r} and lists {listed:,}"
            )


def _contradiction(what: str) -> BundleRefused:
    return BundleRefused(
        f"The assessment contradicts itself: {what}; assess the evidence again before reporting."
    )


def _of_another_time(assessment: Assessment) -> Iterator[str]:
    """What was read too long before the date of the verdict, or after it."""
    day, lines = assessment.as_of, assessment.evidence_tables
    old = [line for line in lines if line.state == Cause.STALE]
    if old:
        dates = [line.ended_at.date() for line in old if line.ended_at is not None]
        oldest = (
            f", the oldest read on {words.long_date(min(dates))},"
            f" {words.counted((day - min(dates)).days, 'day', 'days')} before this verdict"
            if dates
            else ""
        )
        tables = words.counted(len(old), "table of evidence is", "tables of evidence are")
        whose = "it" if len(old) == 1 else "they"
        yield f"{tables} too old to judge by{oldest}: what {whose} could answer is not assessed."
    read = [
        line.ended_at.date()
        for line in lines
        if line.state == "complete"
        and line.ended_at is not None
        # a plan states an intention, whenever somebody wrote it down
        and not line.evidence_table.startswith("plan_")
    ]
    # a clock that is a little wrong is no reason to worry anybody
    if read and (max(read) - day).days > 1:
        yield (
            f"Evidence was read after the day of this verdict, some on"
            f" {words.long_date(max(read))}: it may show what was changed since."
        )


def _warnings(
    assessment: Assessment,
    waiting: Sequence[sections.OpenRule],
    groups: Sequence[sections.Group],
) -> tuple[str, ...]:
    """What somebody who reads the first page alone must not miss."""
    said = [
        f"The list of mailboxes is not complete ({line.evidence_table}: "
        f"{words.STATES.get(line.state, line.state)}): there may be mailboxes that nobody counted."
        for line in assessment.evidence_tables
        if line.evidence_table in _MAILBOX_TABLES and line.state != "complete"
    ]
    said += _of_another_time(assessment)
    sealed = assessment.details.get("evidence_sealed", "yes")
    if sealed != "yes":
        said.insert(0, f"The evidence was not sealed ({sealed}): it may not be whole.")
    waived = [g for g in groups if g.waived and g.in_scope and g.severity is Severity.BLOCKER]
    plan = _plan(assessment)
    topics = [t for t in assessment.topics if t.severity is Severity.BLOCKER]
    numbers = (
        (
            sum(rule.verdict is Verdict.ERROR for rule in assessment.rules),
            ("rule broke", "rules broke"),
            "no verdict, and no pass (listed below).",
        ),
        (
            sum(note.state == "expired" for note in assessment.waivers),
            ("waiver has expired", "waivers have expired"),
            "no longer counted (section 5).",
        ),
        (
            sum(group.total for group in waived),
            ("finding that blocks", "findings that block"),
            "set aside by waivers in force (section 5).",
        ),
        (
            sum(entry.rule.severity is Severity.BLOCKER for entry in waiting),
            (
                "rule that can find blockers could not run",
                "rules that can find blockers could not run",
            ),
            "evidence is missing (section 3).",
        ),
        (
            len(topics),
            ("topic that can hold blockers", "topics that can hold blockers"),
            "no rule in use looks there (section 3).",
        ),
    )
    if plan is not None and plan.not_in_evidence:
        unseen = words.counted(plan.not_in_evidence, "planned mailbox is", "planned mailboxes are")
        of_whom = "it" if plan.not_in_evidence == 1 else "them"
        said.append(f"{unseen} not in the evidence: nothing is known of {of_whom}.")
    said += [f"{words.counted(n, *noun)}: {rest}" for n, noun, rest in numbers if n]
    return tuple(said)
