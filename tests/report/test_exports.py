"""CSV for spreadsheets and JSON for programs: every row, nothing that runs."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.assessment import (
    Assessment,
    AssessmentRow,
    EvidenceSource,
    EvidenceTable,
    Finding,
    GateReadiness,
    MailboxReadiness,
    PlanScope,
    ReferenceFile,
    RuleResult,
    UncoveredTopic,
    WaiverNote,
    WaveReadiness,
)
from auditor.errors import InputRefused
from auditor.report.csv_export import cell, write_csv
from auditor.report.json_export import write_json

TABLES: dict[str, type[AssessmentRow]] = {
    "gates": GateReadiness,
    "waves": WaveReadiness,
    "plan": PlanScope,
    "rules": RuleResult,
    "waivers": WaiverNote,
    "topics": UncoveredTopic,
    "evidence_tables": EvidenceTable,
    "evidence_sources": EvidenceSource,
    "reference_files": ReferenceFile,
    "findings": Finding,
    "mailboxes": MailboxReadiness,
}


def read_back(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def test_every_finding_is_a_row(everything: Assessment, tmp_path: Path) -> None:
    write_csv(everything, "findings", tmp_path / "findings.csv", force=False)
    rows = read_back(tmp_path / "findings.csv")
    assert rows[0] == [
        "rule", "title", "gate", "scope", "severity", "verdict", "cause", "subject_id",
        "subject", "mailbox_guid", "text", "waived", "in_scope",
    ]  # fmt: skip
    assert rows[1] == [
        "R-BLOCK", "The title of R-BLOCK", "seamless", "mailbox", "blocker", "fail", "",
        "id of Ann", "Ann", "m1", "What R-BLOCK says of Ann", "false", "true",
    ]  # fmt: skip
    assert [row[:1] + row[8:9] + row[11:] for row in rows[1:]] == [
        [f.rule, f.subject, "true" if f.waived else "false", "true" if f.in_scope else "false"]
        for f in everything.findings()
    ]


def test_every_mailbox_is_a_row_and_no_prediction_is_a_word(
    everything: Assessment, tmp_path: Path
) -> None:
    write_csv(everything, "mailboxes", tmp_path / "mailboxes.csv", force=False)
    head, *rows = read_back(tmp_path / "mailboxes.csv")
    assert head == list(MailboxReadiness.model_fields)
    assert [(row[0], row[2], row[3], row[4], row[8]) for row in rows] == [
        ("m1", "false", "1", "not_ready", "not_redirected"),
        ("m2", "false", "2", "ready_with_action", "redirected"),
        ("m3", "false", "1", "undetermined", "unknown"),
        ("m4", "true", "", "ready", "redirected"),
        ("m5", "true", "", "undetermined", "not_assessed"),
    ]


def test_a_spreadsheet_finds_its_mark_and_its_line_ends(
    everything: Assessment, tmp_path: Path
) -> None:
    target = tmp_path / "findings.csv"
    write_csv(everything, "findings", target, force=False)
    raw = target.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfrule,")
    assert raw.count(b"\n") == raw.count(b"\r\n") == 10
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'␉=1"),
        ("\r=1", "'␍=1"),
        ("\uff1d1", "'\uff1d1"),
        ("a;=1+1", "a;'=1+1"),
        ('a;"=1+1', "a;\"'=1+1"),
        ("nul\x00", "nul␀"),
        ("two\nlines", "two␊lines"),
        ("\u202eexe", "[U+202E]exe"),
        ("a = b", "a = b"),
        ("Ann", "Ann"),
        ("", ""),
        (None, ""),
        (True, "true"),
        (1234, "1234"),
    ],
)
def test_no_cell_runs_and_none_hides(written: object, shown: str) -> None:
    assert cell(written) == shown


@given(
    st.text() | st.text(alphabet='=+-@;|,"\t\r\n a\uff1d'), st.sampled_from([",", ";", "|", "\t"])
)
def test_wherever_a_spreadsheet_cuts_no_formula_begins(text: str, separator: str) -> None:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(["first", cell(text), "last"])
    cut = next(csv.reader([line.getvalue().rstrip("\r\n")], delimiter=separator))
    assert [part for part in cut if part[:1] in set("=+-@\t\r\uff1d\uff0b\uff0d\uff20")] == []


def test_a_cell_never_spills_into_the_next(everything: Assessment) -> None:
    assert len(cell("x" * 100_000)) < 32_767


def test_json_comes_back_through_the_models(everything: Assessment, tmp_path: Path) -> None:
    write_json(everything, tmp_path / "assessment.json", force=False)
    document = json.loads((tmp_path / "assessment.json").read_bytes())
    back = {
        name: [model.model_validate_json(json.dumps(row)) for row in document[name]]
        for name, model in TABLES.items()
    }
    assert back == {
        **{name: list(getattr(everything, name)) for name in list(TABLES)[:9]},
        "findings": list(everything.findings()),
        "mailboxes": list(everything.mailboxes()),
    }
    assert {key: value for key, value in document.items() if key not in TABLES} == {
        "format": "hybrid onboarding auditor, assessment",
        "format_version": 1,
        "title": "Contoso",
        "as_of": "2026-11-21",
        "tool_version": "0.1.0",
        "details": dict(everything.details),
        "assessment_sha256": "b" * 64,
    }


def test_json_keeps_hostile_text_as_it_was(
    written_by: Callable[[Callable[[str], str]], Assessment], tmp_path: Path
) -> None:
    hostile = written_by(lambda text: f'{text}\x00\u2028\u202e</script>"\\=cmd()')
    write_json(hostile, tmp_path / "assessment.json", force=False)
    document = json.loads((tmp_path / "assessment.json").read_bytes())
    assert [row["text"] for row in document["findings"]] == [f.text for f in hostile.findings()]
    assert document["title"] == hostile.title


def test_an_empty_assessment_is_a_whole_document(empty: Assessment, tmp_path: Path) -> None:
    write_json(empty, tmp_path / "assessment.json", force=False)
    document = json.loads((tmp_path / "assessment.json").read_bytes())
    assert [document[name] for name in TABLES] == [
        [row.model_dump(mode="json") for row in empty.gates],
        *([] for _ in range(10)),
    ]


def test_the_same_assessment_gives_the_same_bytes_in_every_format(
    everything: Assessment, tmp_path: Path
) -> None:
    turned = dataclasses.replace(
        everything, details=dict(sorted(everything.details.items(), reverse=True))
    )
    for number, assessment in enumerate((everything, turned)):
        write_json(assessment, tmp_path / f"{number}.json", force=False)
        write_csv(assessment, "findings", tmp_path / f"{number}.f.csv", force=False)
        write_csv(assessment, "mailboxes", tmp_path / f"{number}.m.csv", force=False)
    for kind in ("json", "f.csv", "m.csv"):
        first, second = ((tmp_path / f"{number}.{kind}").read_bytes() for number in (0, 1))
        assert first == second, kind


def test_an_existing_export_is_kept(everything: Assessment, tmp_path: Path) -> None:
    target = tmp_path / "export"
    target.write_text("theirs")
    with pytest.raises(InputRefused, match="exists already"):
        write_json(everything, target, force=False)
    with pytest.raises(InputRefused, match="exists already"):
        write_csv(everything, "findings", target, force=False)
    assert target.read_text() == "theirs"
