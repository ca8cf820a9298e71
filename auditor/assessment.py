"""The assessment bundle: what was judged, as rows. The engine writes it, the report reads it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, model_validator

from auditor.evidence.base import UtcTime
from auditor.evidence.bundle import Bundle
from auditor.evidence.predicted import RedirectOutcome
from auditor.verdicts import Cause, Confidence, Gate, Readiness, Scope, Severity, Verdict

WHOLE_RULE = "*"
"""Subject id of a finding about a rule as a whole, which could not run; in a waiver: all of it."""


class AssessmentRow(BaseModel):
    """One row of an assessment. The class is the table, as in `evidence.base`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    table: ClassVar[str]
    key: ClassVar[tuple[str, ...]]


class RuleReference(BaseModel):
    """A link under a rule; always https."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    title: str
    url: str


class RuleResult(AssessmentRow):
    """One rule and its verdict over all subjects.

    `severity` is the worst the rule can give. `text` is its sentence for the whole: of a rule that
    could not run it names the tables and why they are not there. Waived findings stay in the
    counts `failed` and `not_assessed`; `waived` says how many of them a waiver covers.
    """

    table: ClassVar[str] = "rule"
    key: ClassVar[tuple[str, ...]] = ("rule",)

    rule: str
    title: str
    scope: Scope
    gate: Gate
    severity: Severity
    confidence: Confidence
    as_of: dt.date
    why: str
    limits: str
    fix: str
    references: tuple[RuleReference, ...]
    needs: tuple[str, ...]
    pack: str
    file: str
    sha256: str
    verdict: Verdict
    cause: Cause | None
    text: str
    passed: int
    failed: int
    not_assessed: int
    waived: int

    @model_validator(mode="after")
    def _no_verdict_without_its_ground(self) -> Self:
        grounds = {
            Verdict.PASS: self.passed > 0 and not self.failed and not self.not_assessed,
            Verdict.FAIL: self.failed > 0,
            Verdict.NOT_ASSESSED: self.cause is not None and not self.failed,
            Verdict.NOT_APPLICABLE: not (self.passed or self.failed or self.not_assessed),
            Verdict.ERROR: not (self.passed or self.failed or self.not_assessed),
        }
        if not grounds[self.verdict]:
            raise ValueError(f"{self.rule}: verdict {self.verdict} without its ground")
        return self


class Finding(AssessmentRow):
    """One subject that did not pass: it fails, or it could not be assessed and says why.

    `subject_id` is WHOLE_RULE for a rule that could not run at all. `in_scope` is false for a
    finding about a mailbox that has not moved and that the plan does not name: it is shown, and
    counts against nothing.
    """

    table: ClassVar[str] = "finding"
    key: ClassVar[tuple[str, ...]] = ("rule", "subject_id")

    rule: str
    gate: Gate
    scope: Scope
    severity: Severity
    verdict: Literal[Verdict.FAIL, Verdict.NOT_ASSESSED, Verdict.ERROR]
    cause: Cause | None
    subject_id: str
    subject: str
    mailbox_guid: str | None
    text: str
    waived: bool
    in_scope: bool


class MailboxReadiness(AssessmentRow):
    """One mailbox in scope: its readiness at each gate, and the redirect its phones will get.

    With a plan those are in scope that it names and those that have moved, else all. `wave` is ''
    where the plan names none, and None for a mailbox that no plan names. `readiness` is the worst
    of the three gates; findings about the organisation count for every mailbox. `redirect` is None
    when no prediction could be made for lack of evidence.
    """

    table: ClassVar[str] = "mailbox"
    key: ClassVar[tuple[str, ...]] = ("mailbox_guid",)

    mailbox_guid: str
    mailbox: str
    moved: bool
    wave: str | None
    readiness: Readiness
    move: Readiness
    seamless: Readiness
    platform: Readiness
    redirect: RedirectOutcome | None
    redirect_url: str | None
    redirect_stops_at: str | None
    redirect_reason: str | None


class GateReadiness(AssessmentRow):
    """Readiness of the whole scope at one gate; `overall` is the worst of the three.

    The four counts are mailboxes by their own readiness at this gate.
    """

    table: ClassVar[str] = "gate"
    key: ClassVar[tuple[str, ...]] = ("gate",)

    gate: Literal["overall", "move", "seamless", "platform"]
    readiness: Readiness
    blockers_failed: int
    blockers_not_assessed: int
    actions_failed: int
    mailboxes_ready: int
    mailboxes_ready_with_action: int
    mailboxes_undetermined: int
    mailboxes_not_ready: int


class WaveReadiness(AssessmentRow):
    """Readiness of one wave of the plan, rolled up like the overall one; `wave` '' has no name.

    `planned` are the plan's mailboxes, `not_in_evidence` those of them that nobody has seen, and
    the four counts those that were, by their own readiness. A wave of which no mailbox was seen is
    `undetermined` at best.
    """

    table: ClassVar[str] = "wave"
    key: ClassVar[tuple[str, ...]] = ("wave",)

    wave: str
    planned: int
    not_in_evidence: int
    readiness: Readiness
    move: Readiness
    seamless: Readiness
    platform: Readiness
    mailboxes_ready: int
    mailboxes_ready_with_action: int
    mailboxes_undetermined: int
    mailboxes_not_ready: int


class PlanScope(AssessmentRow):
    """What the plan covers: one row where a plan was given, none without.

    `out_of_scope` are mailboxes of the evidence that have not moved and that the plan does not
    name: nothing is said of their readiness.
    """

    table: ClassVar[str] = "plan"
    key: ClassVar[tuple[str, ...]] = ()

    planned: int
    not_in_evidence: int
    out_of_scope: int


class WaiverNote(AssessmentRow):
    """One waiver, as written, and what became of it on the date of the assessment."""

    table: ClassVar[str] = "waiver"
    key: ClassVar[tuple[str, ...]] = ("rule", "subject")

    rule: str
    subject: str
    by: str
    reason: str
    until: dt.date
    state: Literal["in_force", "expired"]
    matches: int


class UncoveredTopic(AssessmentRow):
    """A topic of the catalogue that no rule in use looks at: not assessed, and said so."""

    table: ClassVar[str] = "topic"
    key: ClassVar[tuple[str, ...]] = ("topic",)

    topic: str
    title: str
    scope: str
    gate: Gate
    severity: Severity
    waived: bool


class EvidenceTable(AssessmentRow):
    """One ledger line of the evidence that was judged."""

    table: ClassVar[str] = "evidence_table"
    key: ClassVar[tuple[str, ...]] = ("evidence_table",)

    evidence_table: str
    state: str
    rows: int
    provider: str | None
    server: str | None
    account: str | None
    command: str | None
    filters: str | None
    started_at: UtcTime | None
    ended_at: UtcTime | None
    detail: str


class EvidenceSource(AssessmentRow):
    """One file or server that the evidence came from."""

    table: ClassVar[str] = "evidence_source"
    key: ClassVar[tuple[str, ...]] = ("name",)

    name: str
    sha256: str | None
    bytes: int | None
    recognised_as: str
    objects: int | None


class ReferenceFile(AssessmentRow):
    """One file of reference data the rules looked into."""

    table: ClassVar[str] = "reference_file"
    key: ClassVar[tuple[str, ...]] = ("name",)

    name: str
    sha256: str
    rows: int


TABLES: tuple[type[AssessmentRow], ...] = (
    GateReadiness,
    WaveReadiness,
    PlanScope,
    RuleResult,
    Finding,
    MailboxReadiness,
    WaiverNote,
    UncoveredTopic,
    EvidenceTable,
    EvidenceSource,
    ReferenceFile,
)


@dataclass(frozen=True)
class Assessment:
    """An opened assessment; findings and mailboxes, which may be many, are streamed.

    `details` names the evidence it stands on: evidence_file, evidence_sha256 and the like.
    """

    title: str
    as_of: dt.date
    tool_version: str
    details: Mapping[str, str]
    sha256: str
    gates: tuple[GateReadiness, ...]
    waves: tuple[WaveReadiness, ...]
    plan: tuple[PlanScope, ...]
    rules: tuple[RuleResult, ...]
    waivers: tuple[WaiverNote, ...]
    topics: tuple[UncoveredTopic, ...]
    evidence_tables: tuple[EvidenceTable, ...]
    evidence_sources: tuple[EvidenceSource, ...]
    reference_files: tuple[ReferenceFile, ...]
    findings: Callable[[], Iterator[Finding]]
    mailboxes: Callable[[], Iterator[MailboxReadiness]]


Row = TypeVar("Row", bound=AssessmentRow)


def read_assessment(bundle: Bundle) -> Assessment:
    """What an opened assessment bundle holds; raises BundleRefused for rows that are not right.

    The bundle must stay open while findings or mailboxes are read.
    """

    def streamed(model: type[Row]) -> Iterator[Row]:
        for page in bundle.pages(model):
            yield from page

    header = bundle.header
    return Assessment(
        title=header.title,
        as_of=dt.date.fromisoformat(header.details["as_of"]),
        tool_version=header.tool_version,
        details=header.details,
        sha256=bundle.sha256,
        gates=tuple(streamed(GateReadiness)),
        waves=tuple(streamed(WaveReadiness)),
        plan=tuple(streamed(PlanScope)),
        rules=tuple(streamed(RuleResult)),
        waivers=tuple(streamed(WaiverNote)),
        topics=tuple(streamed(UncoveredTopic)),
        evidence_tables=tuple(streamed(EvidenceTable)),
        evidence_sources=tuple(streamed(EvidenceSource)),
        reference_files=tuple(streamed(ReferenceFile)),
        findings=lambda: streamed(Finding),
        mailboxes=lambda: streamed(MailboxReadiness),
    )
