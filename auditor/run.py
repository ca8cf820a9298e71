"""The verbs of the program. Words come in from the command line, files go out."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

from auditor import __version__
from auditor.assessment import TABLES, read_assessment
from auditor.collectors.contract import Side
from auditor.collectors.export_script import render
from auditor.engine.assess import Judgement, assess, topics
from auditor.engine.freshness import AgeLimit, too_old
from auditor.engine.material import Material, Progress, fill_database, open_database
from auditor.engine.rulefile import LoadedRule, load_pack, load_rules, schema_text
from auditor.engine.ruletest import RuleTester
from auditor.engine.waivers import read_waivers
from auditor.errors import InputRefused
from auditor.evidence.bundle import Header, open_bundle, refuse_existing
from auditor.evidence.bundle_output import new_bundle
from auditor.evidence.ledger import LedgerLine
from auditor.evidence.reference_data import ReferenceTable, read_reference
from auditor.evidence.tables import COLLECTED
from auditor.report.csv_export import write_csv
from auditor.report.html import write_html
from auditor.report.json_export import write_json
from auditor.resources import rules_folder
from auditor.spelling import closest
from auditor.verdicts import MAX_AGE_DAYS

Format = Literal["html", "json", "csv", "csv-mailboxes"]


def utc_now() -> dt.datetime:
    """The present moment in UTC."""
    return dt.datetime.now(dt.UTC)


def evidence_header(title: str) -> Header:
    """The header of a bundle of evidence that is made now."""
    return Header(
        format_version=1,
        kind="evidence",
        tool_version=__version__,
        title=title,
        created_at=utc_now(),
        details={},
    )


@contextmanager
def opened(
    evidence: Path,
    reference: Sequence[ReferenceTable],
    progress: Progress,
    limit: AgeLimit | None = None,
) -> Iterator[tuple[Material, Mapping[str, str]]]:
    """Evidence in a locked database in a folder that is thrown away, and where it came from."""
    with (
        open_bundle(evidence, "evidence", COLLECTED) as bundle,
        tempfile.TemporaryDirectory(prefix="auditor-") as work,
        open_database(Path(work), sum(line.rows for line in bundle.ledger.values())) as database,
    ):
        material = fill_database(database, bundle, reference, progress, limit)
        created = bundle.header.created_at
        yield (
            material,
            {
                "title": bundle.header.title,
                "evidence_file": evidence.name,
                "evidence_sha256": bundle.sha256,
                "evidence_sealed": "yes"
                if bundle.sealed
                else "no, the run that wrote it was stopped",
                "evidence_tool_version": bundle.header.tool_version,
                "evidence_created_at": created.isoformat() if created else "not known",
            },
        )


def assess_evidence(
    evidence: Path,
    target: Path,
    *,
    packs: Sequence[Path],
    waivers: Path | None,
    as_of: dt.date,
    max_age: int = MAX_AGE_DAYS,
    force: bool,
    progress: Progress,
) -> Judgement:
    """Judge a bundle of evidence and seal the assessment at `target`.

    Tables read more than `max_age` days before `as_of` are not judged, see `engine.freshness`.
    Raises InputRefused, or one of its kinds, for evidence, rules or waivers that cannot be used.
    """
    refuse_existing(target, force)
    rules = load_rules(rules_folder(), packs)
    reference = shipped_reference()
    known = {loaded.rule.id for loaded in rules} | {topic.topic for topic in topics(reference)}
    book = read_waivers(waivers, known, as_of)
    limit = AgeLimit(as_of, max_age)
    with opened(evidence, reference, progress, limit) as (material, origin):
        details = {**origin, "as_of": as_of.isoformat(), "max_age_days": str(max_age)}
        header = Header(
            format_version=1,
            kind="assessment",
            tool_version=__version__,
            title=details.pop("title"),
            created_at=None,
            details=details,
        )
        with new_bundle(target, header, force) as writer:
            judgement = assess(material, rules, book, writer, progress)
        return replace(judgement, too_old=too_old(collected(material.ledger).values(), limit))


def collected(ledger: Mapping[str, LedgerLine]) -> Mapping[str, LedgerLine]:
    """The lines of what was read, without those of what is derived or shipped."""
    return {model.table: ledger[model.table] for model in COLLECTED}


def empty_folder(folder: Path) -> None:
    """Make the folder for a whole run; raises InputRefused for one that holds something."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputRefused(f"{folder}: is not empty; name another folder with --out")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def assess_and_report(
    evidence: Path, assessment: Path, report: Path, as_of: dt.date, progress: Progress
) -> Judgement:
    """Judge evidence by the shipped rules and render it as HTML; the rest of a whole run."""
    judgement = assess_evidence(
        evidence,
        assessment,
        packs=(),
        waivers=None,
        as_of=as_of,
        force=False,
        progress=progress,
    )
    write_report(assessment, report, "html", force=False)
    return judgement


def write_report(assessment: Path, target: Path, kind: Format, *, force: bool) -> None:
    """Render an assessment as one file; raises InputRefused for a target that exists."""
    refuse_existing(target, force)
    with open_bundle(assessment, "assessment", TABLES) as bundle:
        content = read_assessment(bundle)
        match kind:
            case "html":
                write_html(content, target, force)
            case "json":
                write_json(content, target, force)
            case "csv":
                write_csv(content, "findings", target, force)
            case "csv-mailboxes":
                write_csv(content, "mailboxes", target, force)


def check_rules(packs: Sequence[Path]) -> tuple[int, list[str]]:
    """How many rules there are, and one sentence for each thing that is wrong with them.

    With packs only these are tested; without, the shipped rules.
    """
    everything = load_rules(rules_folder(), packs)
    chosen = [item for item in everything if not packs or item.pack != "shipped"]
    tester = RuleTester(shipped_reference())
    try:
        problems = [
            f"{item.pack}/{item.file}: {problem}"
            for item in chosen
            for problem in tester.problems(item.rule)
        ]
    finally:
        tester.close()
    return len(chosen), problems


def export_script(*, online: bool = False) -> str:
    """The PowerShell script for an administrator, made from the collectors' lists.

    It is for the Exchange Management Shell on site, or for a window of Exchange Online.
    """
    return render(Side.ONLINE if online else Side.ON_PREMISES)


def rule_schema() -> str:
    """The JSON schema of a rule file."""
    return schema_text()


def shipped_rules() -> list[LoadedRule]:
    """The rules of this version, by id."""
    return load_pack(rules_folder(), "shipped")


def shipped_reference() -> tuple[ReferenceTable, ...]:
    """The reference data of this version."""
    return tuple(read_reference(rules_folder() / "reference"))


def rule_text(rule: str) -> str:
    """The file of one shipped rule as it is; raises InputRefused with the closest id."""
    found = {item.rule.id: item for item in shipped_rules()}
    if rule not in found:
        raise InputRefused(
            f"there is no rule {rule!r}{closest(rule, found)}; see auditor rules list"
        )
    return (rules_folder() / found[rule].file).read_text(encoding="utf-8")
