"""The sections of the report, one function each: assessment in, rows ready to be set out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from auditor.assessment import (
    Assessment,
    EvidenceTable,
    Finding,
    MailboxReadiness,
    RuleResult,
    UncoveredTopic,
    WaveReadiness,
)
from auditor.report import words
from auditor.report.tally import WAVES_SHOWN, Blocker, FindingTally, MailboxTally
from auditor.verdicts import Gate, Readiness, Scope, Severity, Verdict

_SEVERITIES = list(Severity)
_GATES = list(Gate)
_ONE_PERSON = frozenset({Scope.MAILBOX, Scope.DEVICE, Scope.USER})
"""Scopes whose subjects concern one person; all others concern everybody and come first."""


@dataclass(frozen=True)
class Group:
    """Findings of one rule that read together: the rule, how many, the first of them.

    `outside` counts those of the same rule and verdict that lie outside the plan.
    """

    rule: RuleResult
    verdict: Verdict
    severity: Severity
    waived: bool
    in_scope: bool
    total: int
    outside: int
    causes: str
    shown: tuple[Finding, ...]

    @property
    def subjects(self) -> str:
        """`12 mailboxes`."""
        return words.counted(self.total, *words.SCOPES[self.rule.scope])


@dataclass(frozen=True)
class OpenRule:
    """A rule that could not run, the tables it waits for, and its sentence on that."""

    rule: RuleResult
    cause: str
    missing: tuple[str, ...]
    text: str
    waived: bool


@dataclass(frozen=True)
class MissingTables:
    """Tables incomplete for one reason, and how many of the open rules wait for any of them."""

    tables: tuple[str, ...]
    line: EvidenceTable
    blockers: int
    others: int


@dataclass(frozen=True)
class Area:
    """Topics of one kind of subject that no rule looks at, blockers apart."""

    name: str
    blockers: tuple[UncoveredTopic, ...]
    others: tuple[UncoveredTopic, ...]


@dataclass(frozen=True)
class RedirectCount:
    """One outcome of the redirect, in words, and how many mailboxes get it."""

    outcome: str
    assessed: bool
    to_move: int
    moved: int


@dataclass(frozen=True)
class Wave:
    """A wave of the plan, whether it may go, and the gates that hold it back, '' for none."""

    row: WaveReadiness
    goes: bool
    gates: str


@dataclass(frozen=True)
class UnreadyMailbox:
    """A mailbox that may not move yet, where it stops, and the blockers that are its own."""

    row: MailboxReadiness
    gates: str
    redirect: str
    stop: str
    failed: tuple[str, ...]
    open: tuple[str, ...]


def groups(rules: Sequence[RuleResult], findings: FindingTally) -> tuple[Group, ...]:
    """All findings by rule, verdict, severity, waiver and scope; what hurts most comes first."""
    by_id = {rule.rule: rule for rule in rules}
    outside: Counter[tuple[str, Verdict]] = Counter()
    for kind, subjects in findings.kinds.items():
        outside[kind.rule, kind.verdict] += 0 if kind.in_scope else subjects.total
    found = [
        Group(
            rule=by_id[kind.rule],
            verdict=kind.verdict,
            severity=kind.severity,
            waived=kind.waived,
            in_scope=kind.in_scope,
            total=subjects.total,
            outside=outside[kind.rule, kind.verdict],
            causes=", ".join(
                f"{words.CAUSES[cause]}: {number:,}"
                for cause, number in sorted(subjects.causes.items())
            ),
            shown=tuple(subjects.shown),
        )
        for kind, subjects in findings.kinds.items()
    ]
    return tuple(sorted(found, key=_urgency))


def _urgency(group: Group) -> tuple[int, bool, int, int, str, str]:
    return (
        _SEVERITIES.index(group.severity),
        group.rule.scope in _ONE_PERSON,
        _GATES.index(group.rule.gate),
        -group.total,
        group.rule.rule,
        group.verdict,
    )


def by_severity(rules: Sequence[RuleResult], verdict: Verdict) -> tuple[RuleResult, ...]:
    """The rules with this verdict, worst severity first."""
    found = [rule for rule in rules if rule.verdict is verdict]
    return tuple(
        sorted(found, key=lambda rule: (_SEVERITIES.index(rule.severity), rule.gate, rule.rule))
    )


def open_rules(assessment: Assessment, findings: FindingTally) -> tuple[OpenRule, ...]:
    """Rules that could not run at all, blockers first."""
    incomplete = {
        line.evidence_table for line in assessment.evidence_tables if line.state != "complete"
    }
    with_subjects = {kind.rule for kind in findings.kinds}
    return tuple(
        OpenRule(
            rule=rule,
            cause=words.CAUSES[rule.cause] if rule.cause else "",
            missing=tuple(table for table in rule.needs if table in incomplete),
            text=rule.text,
            waived=rule.rule in findings.whole_rules and findings.whole_rules[rule.rule].waived,
        )
        for rule in by_severity(assessment.rules, Verdict.NOT_ASSESSED)
        if rule.rule not in with_subjects
    )


def missing_tables(
    lines: Sequence[EvidenceTable], waiting: Sequence[OpenRule]
) -> tuple[MissingTables, ...]:
    """The incomplete tables that open rules wait for, those of one reason together; the reason
    that would answer most first.
    """
    wanted = {table for entry in waiting for table in entry.missing}
    alike: dict[tuple[str, str | None, str], list[EvidenceTable]] = {}
    for line in lines:
        if line.evidence_table in wanted:
            alike.setdefault((line.state, line.command, line.detail), []).append(line)
    found = [_missing(together, waiting) for together in alike.values()]
    return tuple(sorted(found, key=lambda m: (-m.blockers, -m.others, m.tables)))


def _missing(together: Sequence[EvidenceTable], waiting: Sequence[OpenRule]) -> MissingTables:
    tables = tuple(line.evidence_table for line in together)
    severities = [entry.rule.severity for entry in waiting if {*entry.missing} & {*tables}]
    blockers = severities.count(Severity.BLOCKER)
    return MissingTables(tables, together[0], blockers, len(severities) - blockers)


def areas(topics: Sequence[UncoveredTopic]) -> tuple[Area, ...]:
    """The topics no rule looks at, by what they are about, in the order they were given."""
    scopes = dict.fromkeys(topic.scope for topic in topics)
    return tuple(
        Area(
            name=scope.replace("_", " ").capitalize(),
            blockers=tuple(
                t for t in topics if t.scope == scope and t.severity is Severity.BLOCKER
            ),
            others=tuple(
                t for t in topics if t.scope == scope and t.severity is not Severity.BLOCKER
            ),
        )
        for scope in scopes
    )


def verdict_counts(rules: Sequence[RuleResult]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Per severity, and for all, how many rules have each verdict, in the order of VERDICTS."""
    counts = Counter((rule.severity, rule.verdict) for rule in rules)
    rows = [
        (
            words.SEVERITIES[severity],
            tuple(counts[severity, Verdict(word)] for word in words.VERDICTS),
        )
        for severity in Severity
    ]
    totals = tuple(sum(column) for column in zip(*(numbers for _, numbers in rows), strict=True))
    return (*rows, ("All rules", totals))


def redirect_counts(mailboxes: MailboxTally) -> tuple[RedirectCount, ...]:
    """Every outcome of the redirect with its numbers, none left out."""
    return tuple(
        RedirectCount(
            outcome=text,
            assessed=outcome not in words.NO_REDIRECT,
            to_move=mailboxes.redirects[outcome, False],
            moved=mailboxes.redirects[outcome, True],
        )
        for outcome, text in words.REDIRECTS.items()
    )


def stops(mailboxes: MailboxTally) -> tuple[tuple[str, int], ...]:
    """The steps where redirects stop, and for how many mailboxes; the commonest first."""
    ordered = sorted(mailboxes.stops.items(), key=lambda stop: (-stop[1], stop[0]))
    return tuple((_step(name).capitalize(), number) for name, number in ordered)


def _step(name: str) -> str:
    return name.replace("_", " ")


def waves(rows: Sequence[WaveReadiness]) -> tuple[Wave, ...]:
    """The waves to show, in the order they were given."""
    return tuple(
        Wave(
            row=row,
            goes=row.readiness in words.GOES,
            gates=", ".join(
                words.GATES[gate][0] for gate in _GATES if _at_gate(row, gate) not in words.GOES
            ),
        )
        for row in rows[:WAVES_SHOWN]
    )


def unready(mailboxes: MailboxTally, findings: FindingTally) -> tuple[UnreadyMailbox, ...]:
    """The mailboxes to show, each with the blockers of its own."""
    return tuple(
        UnreadyMailbox(
            row=row,
            gates=", ".join(
                words.GATES[gate][0] for gate in _GATES if _at_gate(row, gate) is row.readiness
            ),
            redirect=words.REDIRECTS_IN_SHORT[row.redirect or ""],
            stop=_step(row.redirect_stops_at or ""),
            failed=_rules_with(findings.own_blockers[row.mailbox_guid], Verdict.FAIL),
            open=_rules_with(findings.own_blockers[row.mailbox_guid], Verdict.NOT_ASSESSED),
        )
        for row in mailboxes.shown
    )


def _at_gate(row: MailboxReadiness | WaveReadiness, gate: Gate) -> Readiness:
    return {Gate.MOVE: row.move, Gate.SEAMLESS: row.seamless, Gate.PLATFORM: row.platform}[gate]


def _rules_with(own: tuple[Blocker, ...], verdict: Verdict) -> tuple[str, ...]:
    return tuple(rule for rule, given in own if given is verdict)
