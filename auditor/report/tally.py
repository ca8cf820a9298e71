"""One pass over each long table: counts of everything, rows only as far as a page shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from auditor.assessment import WHOLE_RULE, Finding, MailboxReadiness
from auditor.verdicts import Cause, Readiness, Severity, Verdict

LINES_ON_PAGE_ONE = 10
FINDINGS_SHOWN = 50
OTHERS_SHOWN = 20
MAILBOXES_SHOWN = 100
WAVES_SHOWN = 100
SOURCES_SHOWN = 200
"""How many rows of each kind a page shows: blockers, their subjects, other subjects, ..."""


class Kind(NamedTuple):
    """What findings of one rule have in common, so that a page lists them together."""

    rule: str
    verdict: Verdict
    severity: Severity
    waived: bool
    in_scope: bool


@dataclass
class Subjects:
    """The findings of one kind: how many, for which causes, and the first of them."""

    total: int = 0
    causes: Counter[Cause] = field(default_factory=Counter)
    shown: list[Finding] = field(default_factory=list)


Blocker = tuple[str, Verdict]
"""A rule and how it ended for one mailbox: fail or not_assessed."""


@dataclass(frozen=True)
class FindingTally:
    """All findings, counted. `whole_rules` are those about rules that could not run.

    `own_blockers` has the unwaived blockers of each mailbox in scope that has any of its own.
    """

    kinds: dict[Kind, Subjects]
    whole_rules: dict[str, Finding]
    own_blockers: dict[str, tuple[Blocker, ...]]


@dataclass(frozen=True)
class MailboxTally:
    """All mailboxes, counted; `shown` are the first of those with blockers of their own.

    `waves` counts those that the plan names, by wave.
    """

    to_move: int
    moved: int
    waves: Counter[str]
    redirects: Counter[tuple[str, bool]]
    stops: Counter[str]
    unready: int
    unready_by_themselves: int
    shown: tuple[MailboxReadiness, ...]


def tally_findings(findings: Iterable[Finding]) -> FindingTally:
    """Count the findings; keep the first of each kind, and which mailboxes they block."""
    tally = FindingTally({}, {}, {})
    known: dict[Blocker, Blocker] = {}
    for finding in findings:
        if finding.subject_id == WHOLE_RULE:
            tally.whole_rules[finding.rule] = finding
            continue
        kind = Kind(
            finding.rule, finding.verdict, finding.severity, finding.waived, finding.in_scope
        )
        subjects = tally.kinds.setdefault(kind, Subjects())
        subjects.total += 1
        if finding.cause is not None:
            subjects.causes[finding.cause] += 1
        if len(subjects.shown) < FINDINGS_SHOWN:
            subjects.shown.append(finding)
        guid = finding.mailbox_guid
        if guid is None or finding.severity is not Severity.BLOCKER or finding.waived:
            continue
        if not finding.in_scope:
            continue
        # one tuple for all mailboxes that share a blocker: there may be 100,000 of them
        blocker = known.setdefault((finding.rule, finding.verdict), (finding.rule, finding.verdict))
        own = tally.own_blockers.get(guid, ())
        if blocker not in own:
            tally.own_blockers[guid] = (*own, blocker)
    return tally


def tally_mailboxes(
    mailboxes: Iterable[MailboxReadiness], own_blockers: Mapping[str, tuple[Blocker, ...]]
) -> MailboxTally:
    """Count the mailboxes; keep the first with blockers of their own, failed before open ones."""
    states: Counter[bool] = Counter()
    waves: Counter[str] = Counter()
    redirects: Counter[tuple[str, bool]] = Counter()
    stops: Counter[str] = Counter()
    unready = by_themselves = 0
    failing: list[MailboxReadiness] = []
    unanswered: list[MailboxReadiness] = []
    for mailbox in mailboxes:
        states[mailbox.moved] += 1
        if mailbox.wave is not None:
            waves[mailbox.wave] += 1
        redirects[mailbox.redirect or "", mailbox.moved] += 1
        if mailbox.redirect_stops_at is not None:
            stops[mailbox.redirect_stops_at] += 1
        if mailbox.readiness not in (Readiness.NOT_READY, Readiness.UNDETERMINED):
            continue
        unready += 1
        own = own_blockers.get(mailbox.mailbox_guid, ())
        if own:
            by_themselves += 1
            fails = any(verdict is Verdict.FAIL for _, verdict in own)
            listed = failing if fails else unanswered
            if len(listed) < MAILBOXES_SHOWN:
                listed.append(mailbox)
    return MailboxTally(
        to_move=states[False],
        moved=states[True],
        waves=waves,
        redirects=redirects,
        stops=stops,
        unready=unready,
        unready_by_themselves=by_themselves,
        shown=(*failing, *unanswered)[:MAILBOXES_SHOWN],
    )
