"""The verbs where they meet what a command line cannot bring about on demand."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import pytest
from lxml import html

from auditor.assessment import TABLES, read_assessment
from auditor.errors import InputRefused
from auditor.evidence.bundle import open_bundle
from auditor.importing import import_evidence
from auditor.lab.exports import write_exports
from auditor.lab.organization import build
from auditor.lab.recipients import mailboxes
from auditor.run import assess_evidence, write_report
from auditor.verdicts import Readiness

AS_OF = dt.date(2026, 11, 1)


def silent(stage: str, done: int) -> None:
    """Progress that nobody listens to."""


def judged(evidence: Path, target: Path) -> Readiness:
    return assess_evidence(
        evidence, target, packs=(), waivers=None, as_of=AS_OF, force=False, progress=silent
    ).readiness


def test_an_interrupted_import_leaves_a_folder_that_says_what_it_lacks(tmp_path: Path) -> None:
    write_exports(build(1_200, faults="none"), tmp_path / "exports")

    def interrupt(stage: str, done: int) -> None:
        if "Mailbox" in stage and done >= 1_000:
            raise KeyboardInterrupt

    target = tmp_path / "lab.evidence.zip"
    with pytest.raises(KeyboardInterrupt):
        import_evidence([tmp_path / "exports"], target, force=False, title="", progress=interrupt)
    assert not target.exists()
    partial = tmp_path / "lab.evidence.zip.partial"
    assessment = tmp_path / "lab.assessment.zip"
    assert judged(partial, assessment) is Readiness.UNDETERMINED
    with open_bundle(assessment, "assessment", TABLES) as bundle:
        content = read_assessment(bundle)
        states = {table.evidence_table: table.state for table in content.evidence_tables}
        # the plan is read before anything else, and that there is none is known for certain
        assert [table for table, state in states.items() if state == "complete"] == ["plan_move"]
        assert any(table.rows > 0 for table in content.evidence_tables)
        assert {rule.verdict.value for rule in content.rules} == {"not_assessed"}


def test_an_interrupted_assessment_leaves_nothing(tmp_path: Path) -> None:
    write_exports(build(20), tmp_path / "exports")
    evidence = tmp_path / "lab.evidence.zip"
    import_evidence([tmp_path / "exports"], evidence, force=False, title="", progress=silent)

    def interrupt(stage: str, done: int) -> None:
        if stage == "judging rules" and done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        assess_evidence(
            evidence,
            tmp_path / "a.zip",
            packs=(),
            waivers=None,
            as_of=AS_OF,
            force=False,
            progress=interrupt,
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["exports", "lab.evidence.zip"]


def test_an_earlier_interrupted_run_is_not_thrown_away_silently(tmp_path: Path) -> None:
    write_exports(build(5), tmp_path / "exports")
    left = tmp_path / "lab.evidence.zip.partial"
    left.mkdir()
    (left / "rows").write_text("precious")
    with pytest.raises(InputRefused, match="partial"):
        import_evidence(
            [tmp_path / "exports"],
            tmp_path / "lab.evidence.zip",
            force=False,
            title="",
            progress=silent,
        )
    assert (left / "rows").read_text() == "precious"


def test_hostile_names_come_out_as_text_in_every_format(tmp_path: Path) -> None:
    organization = build(60)
    hostile = {
        mailbox.display_name for mailbox in mailboxes(organization) if "<" in mailbox.display_name
    }
    assert hostile
    write_exports(organization, tmp_path / "exports")
    evidence, assessment = tmp_path / "e.zip", tmp_path / "a.zip"
    import_evidence([tmp_path / "exports"], evidence, force=False, title="", progress=silent)
    judged(evidence, assessment)
    write_report(assessment, tmp_path / "r.html", "html", force=False)
    write_report(assessment, tmp_path / "r.csv", "csv", force=False)
    write_report(assessment, tmp_path / "m.csv", "csv-mailboxes", force=False)
    tree = html.fromstring((tmp_path / "r.html").read_bytes())
    assert tree.xpath("//script | //img | //svg | //@onerror | //@onload") == []
    for name in ("r.csv", "m.csv"):
        with (tmp_path / name).open(encoding="utf-8-sig", newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        assert [cell for cell in cells if cell[:1] in {"=", "+", "-", "@", "\t", "\r"}] == []
        assert [cell for cell in cells if "\0" in cell or "\u202e" in cell] == []
