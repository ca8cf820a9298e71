"""The whole way from sources to verdicts, and verdicts in the form of the lab's answers."""

from __future__ import annotations

from pathlib import Path

from auditor.assessment import TABLES, Assessment, read_assessment
from auditor.collect import Wish, collect_from
from auditor.evidence.bundle import open_bundle
from auditor.lab.answers import ExpectedRule
from auditor.lab.organization import Organization
from auditor.live_sources import LiveSources
from auditor.run import assess_evidence
from auditor.verdicts import Verdict


def silent(_stage: str, _done: int) -> None:
    """Progress that nobody listens to."""


def verdicts(assessment: Assessment) -> dict[str, ExpectedRule]:
    """What was found, rule by rule and subject by subject."""
    subjects: dict[tuple[str, Verdict], set[str]] = {}
    for finding in assessment.findings():
        subjects.setdefault((finding.rule, finding.verdict), set()).add(finding.subject_id)
    return {
        rule.rule: ExpectedRule(
            rule.verdict,
            frozenset(subjects.get((rule.rule, Verdict.FAIL), ())),
            frozenset(subjects.get((rule.rule, Verdict.NOT_ASSESSED), ())),
        )
        for rule in assessment.rules
    }


def judged(
    sources: LiveSources, organization: Organization, folder: Path, wish: Wish | None = None
) -> dict[str, ExpectedRule]:
    """What the program says of an organisation after it read these sources into `folder`."""
    folder.mkdir(parents=True)
    evidence = folder / "evidence.zip"
    collect_from(sources, evidence, "", wish or Wish(), silent)
    return verdicts_on(evidence, organization, folder / "assessment.zip")


def verdicts_on(
    evidence: Path, organization: Organization, assessment: Path
) -> dict[str, ExpectedRule]:
    """What the program says of evidence on the organisation's own date."""
    assess_evidence(
        evidence,
        assessment,
        packs=(),
        waivers=None,
        as_of=organization.now.date(),
        force=False,
        progress=silent,
    )
    with open_bundle(assessment, "assessment", TABLES) as bundle:
        return verdicts(read_assessment(bundle))
