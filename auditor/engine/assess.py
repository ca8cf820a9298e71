"""Judges a bundle of evidence: predict, run every rule, lay waivers beside, roll up, write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from auditor.assessment import (
    EvidenceSource,
    EvidenceTable,
    Finding,
    GateReadiness,
    MailboxReadiness,
    ReferenceFile,
    RuleReference,
    RuleResult,
    UncoveredTopic,
)
from auditor.engine.evaluate import WHOLE_RULE, Outcome, evaluate
from auditor.engine.material import Material, Progress
from auditor.engine.readiness import Marks, Tally, mark_of, overall
from auditor.engine.rulefile import LoadedRule
from auditor.engine.waivers import WaiverBook
from auditor.evidence.bundle import BundleWriter
from auditor.evidence.database import Database
from auditor.evidence.predicted import RedirectOutcome
from auditor.evidence.reference_data import ReferenceTable
from auditor.evidence.tables import COLLECTED
from auditor.verdicts import Gate, Readiness, Severity, Verdict

MAILBOXES_A_REPORT = 5_000
"""How often progress is told while mailboxes are written."""


@dataclass(frozen=True)
class Judgement:
    """What `assess` hands back beside the rows it wrote."""

    readiness: Readiness
    gates: tuple[GateReadiness, ...]


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
    for place, loaded in enumerate(rules, start=1):
        outcome = evaluate(loaded.rule, material.database, material.ledger, waivers.as_of)
        _write_rule(loaded, outcome, waivers, marks, writer)
        progress("judging rules", place)
    for topic in _uncovered(material.reference, rules, waivers, marks):
        writer.append(topic)
    for note in waivers.notes():
        writer.append(note)
    gates = _write_mailboxes(material.database, marks, writer, progress)
    for gate in gates:
        writer.append(gate)
    _write_method(material, writer)
    return Judgement(gates[0].readiness, gates)


def _write_rule(
    loaded: LoadedRule, outcome: Outcome, waivers: WaiverBook, marks: Marks, writer: BundleWriter
) -> None:
    rule, waived = loaded.rule, 0
    for finding in outcome.findings:
        covered = waivers.covers(rule.id, finding.subject_id, finding.subject)
        waived += covered
        if not covered:
            mark = mark_of(finding.verdict, finding.severity)
            if finding.subject_id == WHOLE_RULE:
                marks.add_for_all(rule.gate, mark)
            else:
                marks.add(rule.gate, mark, rule.scope, finding.mailbox_guid)
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


MAILBOXES = """
select mailbox_guid, mailbox, moved, outcome, redirect_url, stops_at, reason
from predicted_redirect
order by mailbox_guid
"""


def _write_mailboxes(
    database: Database, marks: Marks, writer: BundleWriter, progress: Progress
) -> tuple[GateReadiness, ...]:
    counts: dict[str, dict[Readiness, int]] = {
        name: dict.fromkeys(Readiness, 0) for name in ("overall", *Gate)
    }
    rows = database.rows(MAILBOXES)
    for written, (guid, mailbox, moved, outcome, url, stops_at, reason) in enumerate(rows, start=1):
        words = {gate: marks.of_mailbox(guid, gate) for gate in Gate}
        worst = overall(words.values())
        for name, word in (("overall", worst), *words.items()):
            counts[name][word] += 1
        writer.append(
            MailboxReadiness(
                mailbox_guid=guid,
                mailbox=mailbox,
                moved=moved,
                readiness=worst,
                move=words[Gate.MOVE],
                seamless=words[Gate.SEAMLESS],
                platform=words[Gate.PLATFORM],
                redirect=RedirectOutcome(outcome),
                redirect_url=url,
                redirect_stops_at=stops_at,
                redirect_reason=reason,
            )
        )
        if written % MAILBOXES_A_REPORT == 0:
            progress("writing mailboxes", written)
    words = {gate: marks.of_all(gate) for gate in Gate}
    return (
        _gate_readiness("overall", overall(words.values()), marks.tally(Gate), counts["overall"]),
        *(
            _gate_readiness(gate.value, words[gate], marks.tally((gate,)), counts[gate])
            for gate in Gate
        ),
    )


def _gate_readiness(
    gate: Literal["overall", "move", "seamless", "platform"],
    readiness: Readiness,
    tally: Tally,
    mailboxes: Mapping[Readiness, int],
) -> GateReadiness:
    return GateReadiness(
        gate=gate,
        readiness=readiness,
        blockers_failed=tally.blocked,
        blockers_not_assessed=tally.open,
        actions_failed=tally.action,
        mailboxes_ready=mailboxes[Readiness.READY],
        mailboxes_ready_with_action=mailboxes[Readiness.READY_WITH_ACTION],
        mailboxes_undetermined=mailboxes[Readiness.UNDETERMINED],
        mailboxes_not_ready=mailboxes[Readiness.NOT_READY],
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
