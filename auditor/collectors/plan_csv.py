"""Reading a plan written as CSV: by hand, by a spreadsheet, or by Export-Csv.

A file for New-MigrationBatch has a column EmailAddress ("CSV files for mailbox migration" in the
documentation of Exchange); wave and target delivery domain are columns of our own.
"""

from __future__ import annotations

import codecs
import csv
import difflib
import io
from collections.abc import Iterator, Mapping, Sequence

from auditor.collectors.plan_line import PlannedLine, planned_line
from auditor.collectors.quoting import shortened
from auditor.errors import InputRefused

MAILBOX, WAVE, DOMAIN = "EmailAddress", "wave", "TargetDeliveryDomain"
"""What a plan says, by the name that a sentence calls the column."""

HEADERS: Mapping[str, str] = {
    "EmailAddress": MAILBOX,
    "mailbox": MAILBOX,
    "PrimarySmtpAddress": MAILBOX,
    "wave": WAVE,
    "BatchId": WAVE,
    "TargetDeliveryDomain": DOMAIN,
}
"""Every header that is read, and what it says; BatchId is what Export-Csv writes of a batch."""

_BY_KEY = {header.lower(): header for header in HEADERS}
_LIKENESS = 0.75
"""From here on a header is taken for a mistyped one: `wav` for `wave`, `Mail box` for `mailbox`."""


def read_csv(content: bytes, name: str) -> Iterator[PlannedLine]:
    """The lines of a plan. UTF-8 or UTF-16; comma or semicolon; headers in any case.

    Columns of other names are passed over; empty lines too. Raises InputRefused naming file and
    line for a header that is mistyped, missing or there twice, and for a line that cannot be used.
    """
    text, first, delimiter = _opened(_decoded(content, name))
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next(rows, [])
        columns = _columns(header, f"{name}, line {first}")
        for row in rows:
            place = f"{name}, line {first + rows.line_num - 1}"
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(header):
                raise InputRefused(
                    f"{place}: has {len(row)} cells where the header has {len(header)};"
                    " put quotation marks around a cell that holds the delimiter."
                )
            mailbox, wave, domain = (
                row[columns[kind]] if kind in columns else "" for kind in (MAILBOX, WAVE, DOMAIN)
            )
            yield planned_line(mailbox, wave, domain, place)
    except csv.Error as error:
        line = first + rows.line_num - 1
        raise InputRefused(f"{name}, line {line}: is no CSV ({error}); save it again.") from None


def _decoded(content: bytes, name: str) -> str:
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputRefused(
            f"{name}, line {line}: is neither UTF-8 nor UTF-16 text; save it as UTF-8"
            " (Export-Csv -Encoding UTF8)."
        ) from None
    if "\0" in text:
        raise InputRefused(
            f"{name}: holds zero bytes, so it is no CSV text; save the sheet as CSV in UTF-8."
        )
    return text


def _opened(text: str) -> tuple[str, int, str]:
    """The text from its header on, the number of that line, and the delimiter.

    Windows PowerShell begins with `#TYPE ...` unless told otherwise, spreadsheets with `sep=;`.
    """
    first, rest = 1, text
    told = ""
    while rest.startswith(("#TYPE ", "sep=")):
        line, _, rest = rest.partition("\n")
        first += 1
        told = line.strip().removeprefix("sep=") if line.startswith("sep=") else told
    header = rest.partition("\n")[0]
    guess = ";" if header.count(";") > header.count(",") else ","
    return rest, first, told if told in {",", ";"} else guess


def _columns(header: Sequence[str], place: str) -> dict[str, int]:
    """Place of each column that is read, by what it says."""
    columns: dict[str, int] = {}
    others = []
    for number, written in enumerate(header):
        known = _BY_KEY.get(written.strip().lower())
        if known is None:
            others.append(written.strip())
        elif HEADERS[known] in columns:
            earlier = header[columns[HEADERS[known]]].strip()
            raise InputRefused(
                f"{place}: {earlier} and {written.strip()} say the same thing; keep one column."
            )
        else:
            columns[HEADERS[known]] = number
    for written in others:
        # what is named already cannot be what somebody meant by another header
        open_ones = [key for key, header in _BY_KEY.items() if HEADERS[header] not in columns]
        near = difflib.get_close_matches(written.lower(), open_ones, n=1, cutoff=_LIKENESS)
        if near:
            raise InputRefused(
                f"{place}: {shortened(repr(written))} is no column of a plan; closest is"
                f" {_BY_KEY[near[0]]!r}: correct it, or rename the column."
            )
    if MAILBOX not in columns:
        found = shortened(", ".join(header)) or "nothing"
        raise InputRefused(
            f"{place}: has no column of addresses (found: {found}); name it EmailAddress."
        )
    return columns
