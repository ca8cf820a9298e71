"""Reading `rules/reference/*.csv` into the models of `evidence/reference.py`."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from auditor.errors import RulesRefused
from auditor.evidence.bundle_format import short
from auditor.evidence.normalise import build_number
from auditor.evidence.reference import Reference, RefExchangeBuild
from auditor.evidence.tables import REFERENCE

COMPUTED: dict[type[Reference], str] = {RefExchangeBuild: "build_number"}
"""The one column that no file has: it follows from `build_short`."""

LARGEST_FILE = 10_000_000


@dataclass(frozen=True)
class ReferenceTable:
    """One file of reference data: its name, the SHA-256 of its bytes, and its rows in order."""

    model: type[Reference]
    file: str
    sha256: str
    rows: tuple[Reference, ...]


def read_reference(
    folder: Path, models: Sequence[type[Reference]] = REFERENCE
) -> tuple[ReferenceTable, ...]:
    """Every file of reference data under `folder`.

    Raises RulesRefused listing all problems, each with file, line and column: a missing file, a
    file no table has, another header, an empty field that must not be, text that is no number or
    date, a key that comes twice.
    """
    problems: list[str] = []
    tables = [_read(folder, model, problems) for model in models]
    known = {model.file for model in models}
    problems += [
        f"{path}: no table reads this file; remove it or correct its name"
        for path in sorted(folder.glob("*.csv"))
        if path.name not in known
    ]
    if problems:
        raise RulesRefused(problems)
    return tuple(tables)


def _read(folder: Path, model: type[Reference], problems: list[str]) -> ReferenceTable:
    path = folder / model.file
    data = b""
    rows: tuple[Reference, ...] = ()
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as problem:
        problems.append(f"{path}: cannot be read: {problem.strerror}")
    else:
        if len(data) > LARGEST_FILE:
            problems.append(f"{path}: larger than {LARGEST_FILE} bytes")
        else:
            rows = tuple(_rows(path, data, model, problems))
    return ReferenceTable(model, model.file, hashlib.sha256(data).hexdigest(), rows)


def _rows(
    path: Path, data: bytes, model: type[Reference], problems: list[str]
) -> Iterator[Reference]:
    columns = [name for name in model.model_fields if name != COMPUTED.get(model)]
    try:
        text = data.decode("utf-8-sig")
        records = csv.reader(io.StringIO(text, newline=""), strict=True)
        if (header := next(records, [])) != columns:
            problems.append(
                f"{path}, line 1: the columns must be {','.join(columns)}, not {header}"
            )
            return
        seen: dict[tuple[object, ...], int] = {}
        for fields in records:
            where = f"{path}, line {records.line_num}"
            row = _row(where, fields, columns, model, problems)
            if row is None:
                continue
            key = tuple(getattr(row, name) for name in model.key)
            if key in seen:
                shown = ", ".join(map(short, key))
                problems.append(f"{where}, {model.key[0]}: {shown} is in line {seen[key]} already")
            seen[key] = records.line_num
            yield row
    except UnicodeDecodeError as problem:
        line = data[: problem.start].count(b"\n") + 1
        problems.append(f"{path}, line {line}: not UTF-8; save the file as UTF-8")
    except csv.Error as problem:
        problems.append(f"{path}, line {records.line_num}: {problem}")


def _row(
    where: str,
    fields: list[str],
    columns: list[str],
    model: type[Reference],
    problems: list[str],
) -> Reference | None:
    if len(fields) != len(columns):
        problems.append(f"{where}: {len(fields)} fields where {len(columns)} are needed")
        return None
    before = len(problems)
    values: dict[str, object] = {}
    for column, text in zip(columns, fields, strict=True):
        try:
            values[column] = _value(text, model.model_fields[column].annotation)
        except ValueError as problem:
            problems.append(f"{where}, {column}: {problem}")
    if model is RefExchangeBuild and "build_short" in values:
        number = build_number(str(values["build_short"]))
        if number is None:
            problems.append(f"{where}, build_short: {short(values['build_short'])} is no build")
        values["build_number"] = number
    return model.model_validate(values) if len(problems) == before else None


def _value(text: str, annotation: object) -> object:
    kinds = get_args(annotation) or (annotation,)
    if not text:
        if type(None) in kinds:
            return None
        raise ValueError("must not be empty")
    if text != text.strip():
        raise ValueError(f"blanks around {short(text)}")
    return next(READ[kind](text) for kind in kinds if kind in READ)


def _int(text: str) -> int:
    if not re.fullmatch(r"-?\d{1,18}", text, re.ASCII):
        raise ValueError(f"{short(text)} is no whole number")
    return int(text)


def _date(text: str) -> dt.date:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        raise ValueError(f"{short(text)} is no date such as 2026-11-21")
    try:
        return dt.date.fromisoformat(text)
    except ValueError as problem:
        raise ValueError(f"{short(text)} is no day of the calendar") from problem


READ: dict[object, Callable[[str], object]] = {str: str, int: _int, dt.date: _date}
