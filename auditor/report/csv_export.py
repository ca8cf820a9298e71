"""All findings, or all mailboxes, as one CSV file that a spreadsheet opens without running it."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Literal

from auditor.assessment import Assessment, MailboxReadiness
from auditor.files import write_new
from auditor.report.text import shortened, visible

LONGEST_CELL = 32_000
"""A spreadsheet's cell holds 32,767 characters; what is longer would spill into the next rows."""

FINDING_COLUMNS = (
    "rule",
    "title",
    "gate",
    "scope",
    "severity",
    "verdict",
    "cause",
    "subject_id",
    "subject",
    "mailbox_guid",
    "text",
    "waived",
    "in_scope",
)
MAILBOX_COLUMNS = tuple(MailboxReadiness.model_fields)

_HARMLESS = re.compile(r"[0-9A-Za-z][ -:<-{}~]{,1000}")
"""Letters of ASCII without the separators `;` and `|`: nearly every cell, and nothing to do."""

_SIGNS = r"=+\-@\uff1d\uff0b\uff0d\uff20"
"""What begins a formula; the last four are the wide forms that Asian editions take as well."""

_FORMULA = re.compile(rf"[{_SIGNS}\t\r]")
_FORMULA_IN_NEXT_CELL = re.compile(rf'([;|]"*)(?=[{_SIGNS}])')
"""Where lists are separated by a semicolon (most of Europe), a spreadsheet cuts there as well."""


def write_csv(
    assessment: Assessment, what: Literal["findings", "mailboxes"], target: Path, force: bool
) -> None:
    """Write every finding, or every mailbox, as a row of a CSV file with a heading.

    UTF-8 with a byte order mark and CRLF, as spreadsheets expect. Hidden characters are made
    visible and formulas disarmed by an apostrophe, so a cell is for reading: programs take JSON.
    Raises InputRefused as `write_new` does.
    """
    cells = _finding_cells if what == "findings" else _mailbox_cells
    columns = FINDING_COLUMNS if what == "findings" else MAILBOX_COLUMNS
    write_new(target, _lines(columns, cells(assessment)), force)


def _lines(columns: tuple[str, ...], rows: Iterator[Mapping[str, object]]) -> Iterator[bytes]:
    buffer = StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(columns)
    yield buffer.getvalue().encode("utf-8-sig")
    for row in rows:
        buffer.seek(0)
        buffer.truncate()
        writer.writerow([cell(row[column]) for column in columns])
        yield buffer.getvalue().encode()


def cell(value: object) -> str:
    """What stands in a cell: no formula, nothing hidden; empty where the source did not say."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if _HARMLESS.fullmatch(text):
        return text
    guarded = f"'{text}" if _FORMULA.match(text) else text
    guarded = _FORMULA_IN_NEXT_CELL.sub(r"\1'", guarded)
    return shortened(visible(guarded), LONGEST_CELL)


def _finding_cells(assessment: Assessment) -> Iterator[Mapping[str, object]]:
    titles = {rule.rule: rule.title for rule in assessment.rules}
    for finding in assessment.findings():
        yield {**dict(finding), "title": titles.get(finding.rule, "")}


def _mailbox_cells(assessment: Assessment) -> Iterator[Mapping[str, object]]:
    for mailbox in assessment.mailboxes():
        # no prediction is an answer of its own, not an empty cell
        yield {**dict(mailbox), "redirect": mailbox.redirect or "not_assessed"}
