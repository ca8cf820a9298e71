"""The demonstration: the ordinary program, run on the embedded lab organisation."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

from auditor.engine.assess import Judgement
from auditor.engine.material import Progress
from auditor.errors import InputRefused
from auditor.run import assess_evidence, import_evidence, write_report


def free_folder(wanted: Path) -> Path:
    """The folder itself if nothing is there, else the first of `-2`, `-3` ... that is free."""
    further = (wanted.with_name(f"{wanted.name}-{number}") for number in itertools.count(2))
    return next(folder for folder in itertools.chain([wanted], further) if not folder.exists())


@dataclass(frozen=True)
class Demonstration:
    """What the demo made, and what it found."""

    evidence: Path
    assessment: Path
    report: Path
    judgement: Judgement


def demonstrate(folder: Path, mailboxes: int, progress: Progress) -> Demonstration:
    """The whole way on the embedded lab organisation: exports, import, assess, report.

    Raises InputRefused when the folder exists and holds something.
    """
    from auditor.lab.exports import write_exports
    from auditor.lab.organization import build

    if folder.exists() and any(folder.iterdir()):
        raise InputRefused(f"{folder}: is not empty; name another folder with --out")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    organization = build(mailboxes)
    progress("writing the lab's exports", mailboxes)
    write_exports(organization, folder / "exports")
    evidence = folder / "lab.evidence.zip"
    assessment = folder / "lab.assessment.zip"
    report = folder / "report.html"
    import_evidence(
        [folder / "exports"], evidence, force=False, title="Lab organisation", progress=progress
    )
    judgement = assess_evidence(
        evidence,
        assessment,
        packs=(),
        waivers=None,
        as_of=organization.now.date(),
        force=False,
        progress=progress,
    )
    write_report(assessment, report, "html", force=False)
    return Demonstration(evidence, assessment, report, judgement)
