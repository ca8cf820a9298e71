"""Judges a bundle of evidence: predict, run every rule, lay waivers beside, roll up, write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from auditor.assessment import (
    WHOLE_RULE,
    EvidenceSource,
    EvidenceTable,
    Finding,
    GateReadiness,
    ReferenceFile,
    RuleReference,
    RuleResult,
    UncoveredTopic,
    WaveReadiness,
)
from auditor.engine.evaluate import Outcome, SubjectFinding, evaluate
from auditor.engine.material import Material, Progress
from auditor.engine.readiness import Marks, mark_of
from auditor.engine.rollup import write_mailboxes
from auditor.engine.rulefile import LoadedRule, Rule
from auditor.engine.waivers import WaiverBook
from auditor.evidence.bundle import BundleWriter
from auditor.evidence.reference_data import ReferenceTable
from auditor.evidence.tables import COLLECTED
from auditor.prediction.scope import MoveScope, read_scope
from auditor.verdicts import Gate, Readiness, Severity, Verdict


@dataclass(frozen=True)
class Judgement:
    """What `assess` hands back beside the rows it wrote.

    `too_old`: a sentence about tables that were read too long before, '' where none was.
    """

    readiness: Readiness
    gates: tuple[GateReadiness, ...]
    waves: tuple[WaveReadiness, ...]
    too_old: str = ""


@dataclass(frozen=True)
class Standing:
    """What stands against the gates so far, and the scope that a plan draws (None: no plan)."""

    marks: Marks
    scope: MoveScope | None

    def counts(self, finding: SubjectFinding) -> bool:
        """Whether a finding is in scope; one about no single mailbox always is."""
        guid = finding.mailbox_guid
        return self.scope is None or guid is None or self.scope.holds(guid)

    def mark(self, rule: Rule, finding: SubjectFinding) -> None:
        """Count an unwaived finding in scope against the gate of its rule."""
        mark = mark_of(finding.verdict, finding.severity)
        if finding.subject_id == WHOLE_RULE:
            self.marks.add_for_all(rule.gate, mark)
        else:
            self.marks.add(rule.gate, mark, rule.scope, finding.mailbox_guid, finding.wave)


def assess(
    material: Material,
    rules: Sequence[LoadedRule],
    waivers: WaiverBook,
    writer: BundleWriter,
    progress: Progress,
) -> Judgement:
    """Run every rule over a filled database and write the assessment's rows.

    Raises WaiversRefused for a waiver that matches nothing; what was written until then is the
    caller's to throw away.
    """
    marks = Marks()
    scope = read_scope(material.database, material.ledger)
    for place, loaded in enumerate(rules, start=1):
        outcome = evaluate(loaded.rule, material.database, material.ledger, waivers.as_of)
        _write_rule(loaded, outcome, waivers, Standing(marks, scope), writer)
        progress("judging rules", place)
    for topic in _uncovered(material.reference, rules, waivers, marks):
        writer.append(topic)
    for note in waivers.notes():
        writer.append(note)
    gates, waves = write_mailboxes(material.database, marks, scope, writer, progress)
    _write_method(material, writer)
    return Judgement(gates[0].readiness, gates, waves)


def _write_rule(
    loaded: LoadedRule,
    outcome: Outcome,
    waivers: WaiverBook,
    standing: Standing,
    writer: BundleWriter,
) -> None:
    rule, waived = loaded.rule, 0
    for finding in outcome.findings:
        if finding.subject_id == WHOLE_RULE:
            waivers.unseen.add(rule.id)
        covered = waivers.covers(rule.id, finding.subject_id, finding.subject)
        waived += covered
        counts = standing.counts(finding)
        if counts and not covered:
            standing.mark(rule, finding)
        writer.append(
            Finding(
                rule=rule.id,
                gate=rule.gate,
                scope=rule.scope,
                severity=finding.severity,
                verdict=finding.verdict,  # type: ignore[arg-type]  # never pass: those are counted
                cause=finding.cause,
                subject_id=finding.subject_id,
                subject=finding.subject,
                mailbox_guid=finding.mailbox_guid,
                text=finding.text,
                waived=covered,
                in_scope=counts,
            )
        )
    writer.append(_rule_result(loaded, outcome, waived))


def _rule_result(loaded: LoadedRule, outcome: Outcome, waived: int) -> RuleResult:
    rule = loaded.rule
    return RuleResult(
        rule=rule.id,
        title=rule.title,
        scope=rule.scope,
        gate=rule.gate,
        severity=rule.severity,
        confidence=rule.confidence,
        as_of=rule.as_of,
        why=rule.why.strip(),
        limits=rule.limits.strip(),
        fix=rule.fix.strip(),
        references=tuple(RuleReference(title=to.title, url=to.url) for to in rule.references),
        needs=rule.needs,
        pack=loaded.pack,
        file=loaded.file,
        sha256=loaded.sha256,
        verdict=outcome.verdict,
        cause=outcome.cause,
        text=outcome.text,
        passed=outcome.passed,
        failed=outcome.failed,
        not_assessed=outcome.not_assessed,
        waived=waived,
    )


def _uncovered(
    reference: Sequence[ReferenceTable],
    rules: Sequence[LoadedRule],
    waivers: WaiverBook,
    marks: Marks,
) -> Iterable[UncoveredTopic]:
    """Topics of the catalogue that no rule looks at: each is a question nobody asked."""
    covered = {loaded.rule.id for loaded in rules}
    for topic in topics(reference):
        if topic.topic in covered:
            continue
        waived = waivers.covers(topic.topic, WHOLE_RULE, topic.title)
        if not waived:
            marks.add_for_all(topic.gate, mark_of(Verdict.NOT_ASSESSED, topic.severity))
        yield topic.model_copy(update={"waived": waived})


def topics(reference: Sequence[ReferenceTable]) -> tuple[UncoveredTopic, ...]:
    """Every topic of the catalogue, from `rules/reference/topics.csv`."""
    rows = next(table.rows for table in reference if table.model.table == "ref_topic")
    return tuple(
        UncoveredTopic.model_validate(
            {
                **row.model_dump(include={"topic", "title", "scope"}),
                "gate": Gate(row.model_dump()["gate"]),
                "severity": Severity(row.model_dump()["severity"]),
                "waived": False,
            }
        )
        for row in rows
    )


def _write_method(material: Material, writer: BundleWriter) -> None:
    for model in COLLECTED:
        line = material.ledger[model.table]
        writer.append(
            EvidenceTable(evidence_table=line.table, **line.model_dump(exclude={"table"}))
        )
    for source in material.sources:
        writer.append(EvidenceSource.model_validate(source.model_dump()))
    for table in material.reference:
        writer.append(ReferenceFile(name=table.file, sha256=table.sha256, rows=len(table.rows)))
