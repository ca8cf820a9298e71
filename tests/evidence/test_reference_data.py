"""Reference files are read strictly, and every problem in them is listed with its place."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import ClassVar

import pytest

from auditor.errors import RulesRefused
from auditor.evidence.reference import Reference, RefExchangeBuild
from auditor.evidence.reference_data import ReferenceTable, read_reference
from auditor.evidence.tables import REFERENCE

SHIPPED = Path(__file__).parents[2] / "rules" / "reference"


class RefEvent(Reference):
    table: ClassVar[str] = "ref_event"
    file: ClassVar[str] = "events.csv"
    key: ClassVar[tuple[str, ...]] = ("name", "number")

    name: str
    number: int
    day: dt.date | None
    note: str | None


GOOD = b'name,number,day,note\na,1,2026-11-21,\nb,-2,,"two\nlines, and a comma"\n'


def problems(folder: Path, content: bytes, model: type[Reference] = RefEvent) -> list[str]:
    (folder / model.file).write_bytes(content)
    with pytest.raises(RulesRefused) as caught:
        read_reference(folder, [model])
    return [
        problem.replace(str(folder / model.file), model.file) for problem in caught.value.problems
    ]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a byte order mark"])
def test_rows_come_typed_with_the_hash_of_the_file(tmp_path: Path, mark: bytes) -> None:
    (tmp_path / "events.csv").write_bytes(mark + GOOD.replace(b"\n", b"\r\n"))
    assert read_reference(tmp_path, [RefEvent]) == (
        ReferenceTable(
            RefEvent,
            "events.csv",
            hashlib.sha256(mark + GOOD.replace(b"\n", b"\r\n")).hexdigest(),
            (
                RefEvent(name="a", number=1, day=dt.date(2026, 11, 21), note=None),
                RefEvent(name="b", number=-2, day=None, note="two\r\nlines, and a comma"),
            ),
        ),
    )


def test_a_build_gets_its_number(tmp_path: Path) -> None:
    header = (
        "product,name,release_date,build_short,build_long,source_confidence,weak_field,kb,note\n"
    )
    line = "Exchange Server 2016,CU23,2022-04-20,15.1.2507.6,15.01.2507.006,A,,,\n"
    (tmp_path / "exchange_builds.csv").write_text(header + line)
    (table,) = read_reference(tmp_path, [RefExchangeBuild])
    assert [row.model_dump()["build_number"] for row in table.rows] == [150010250700006]
    assert problems(
        tmp_path, (header + line.replace("15.1.2507.6", "15.1")).encode(), RefExchangeBuild
    ) == ["exchange_builds.csv, line 2, build_short: '15.1' is no build"]


def test_every_problem_is_listed_with_file_line_and_column(tmp_path: Path) -> None:
    content = (
        b"name,number,day,note\n"
        b",1,,\n"
        b"a,one,2026-13-01,\n"
        b"a,1\n"
        b"b,2,21.11.2026,\n"
        b'"c\n d",3,, x\n'
        b"e,7.0,,\n"
        b"f,,,\n"
        b"g,1,,\n"
        b"g,1,,again\n"
    )
    assert problems(tmp_path, content) == [
        "events.csv, line 2, name: must not be empty",
        "events.csv, line 3, number: 'one' is no whole number",
        "events.csv, line 3, day: '2026-13-01' is no day of the calendar",
        "events.csv, line 4: 2 fields where 4 are needed",
        "events.csv, line 5, day: '21.11.2026' is no date such as 2026-11-21",
        "events.csv, line 7, note: blanks around ' x'",
        "events.csv, line 8, number: '7.0' is no whole number",
        "events.csv, line 9, number: must not be empty",
        "events.csv, line 11, name: 'g', 1 is in line 10 already",
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "line 1: the columns must be name,number,day,note, not []"),
        (b"name,number,note,day\n", "line 1: the columns must be name,number,day,note, not ['na"),
        (b"name,number,day,note\na,1,,\n\xff,2,,\n", "line 3: not UTF-8; save the file as UTF-8"),
        (b'name,number,day,note\na,1,,"x\n', "line 2: unexpected end of data"),
        (b'name,number,day,note\na,1,,"x"y\n', "line 2: ',' expected after '\"'"),
        (b"name,number,day,note\na,1,,\n\n", "line 3: 0 fields where 4 are needed"),
    ],
)
def test_a_file_that_is_no_such_table(tmp_path: Path, content: bytes, problem: str) -> None:
    (found,) = problems(tmp_path, content)
    assert found.startswith(f"events.csv, {problem}")


def test_a_missing_file_and_a_stray_one_are_both_named(tmp_path: Path) -> None:
    (tmp_path / "event.csv").write_bytes(GOOD)
    with pytest.raises(RulesRefused) as caught:
        read_reference(tmp_path, [RefEvent])
    assert list(caught.value.problems) == [
        f"{tmp_path / 'events.csv'}: cannot be read: No such file or directory",
        f"{tmp_path / 'event.csv'}: no table reads this file; remove it or correct its name",
    ]


def test_the_shipped_files_hold_rows_for_every_table() -> None:
    tables = read_reference(SHIPPED)
    assert [table.model for table in tables] == list(REFERENCE)
    assert [table.file for table in tables if not table.rows] == []
