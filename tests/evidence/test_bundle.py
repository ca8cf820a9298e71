"""A bundle gives back what was written, says how complete it is, and has the same bytes again."""

from __future__ import annotations

import datetime as dt
import os
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import zipfile
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.assessment import TABLES, WaiverNote
from auditor.errors import BundleRefused, InputRefused, UnexpectedAnswer
from auditor.evidence.base import Evidence, UtcTime
from auditor.evidence.bundle import (
    Bundle,
    BundleWriter,
    Header,
    Kind,
    SourceFile,
    open_bundle,
    refuse_existing,
    seal,
)
from auditor.evidence.ledger import LedgerLine, not_requested

WHEN = dt.datetime(2026, 11, 21, 9, 30, tzinfo=dt.UTC)
HOSTILE = 'a\0b\u2028c\u2029\u200f\u202e<script>=cmd()\'; Remove-Mailbox "x" \\ \n\r\t \U0001f4f1'


class Level(StrEnum):
    LOW = "low"
    HIGH = "high"


class Phone(Evidence):
    """A row with a column of every type."""

    table: ClassVar[str] = "phone"
    key: ClassVar[tuple[str, ...]] = ("name",)

    name: str
    note: str | None
    count: int | None
    weight: float | None
    enabled: bool | None
    seen: UtcTime | None
    bought: dt.date | None
    level: Level
    side: Literal["left", "right"]


class Owner(Evidence):
    table: ClassVar[str] = "owner"
    key: ClassVar[tuple[str, ...]] = ("name",)

    name: str


MODELS: tuple[type[Evidence], ...] = (Phone, Owner)

phones = st.builds(
    Phone,
    name=st.text(),
    note=st.none() | st.text(),
    count=st.none() | st.integers(),
    weight=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    enabled=st.none() | st.booleans(),
    seen=st.none() | st.datetimes(timezones=st.just(dt.UTC)),
    bought=st.none() | st.dates(),
    level=st.sampled_from(Level),
    side=st.sampled_from(["left", "right"]),
)


def header(kind: Kind = "evidence") -> Header:
    return Header(
        format_version=1,
        kind=kind,
        tool_version="0.1.0",
        title="Contoso",
        created_at=WHEN,
        details={"as_of": "2026-11-21"},
    )


def complete(table: str, rows: int) -> LedgerLine:
    line = not_requested(table, "-")
    changes = {"state": "complete", "rows": rows, "provider": "import", "detail": ""}
    return line.model_copy(update=changes)


def phone(name: str, note: str | None = None) -> Phone:
    return Phone(
        name=name,
        note=note,
        count=None,
        weight=None,
        enabled=None,
        seen=None,
        bought=None,
        level=Level.LOW,
        side="left",
    )


def owners(names: str) -> list[Owner]:
    return [Owner(name=name) for name in names]


def write(folder: Path, rows: Sequence[Evidence], ledger: Sequence[LedgerLine] = ()) -> Path:
    with BundleWriter(folder, header()) as writer:
        for row in rows:
            writer.append(row)
        for line in ledger:
            writer.record(line)
    return folder


def opened(path: Path, kind: Kind = "evidence") -> Bundle:
    return open_bundle(path, kind, MODELS)


@settings(deadline=None, max_examples=40)
@given(rows=st.lists(phones, max_size=130), sealed=st.booleans())
def test_any_rows_come_back_as_they_were_written(rows: list[Phone], sealed: bool) -> None:
    with tempfile.TemporaryDirectory() as place:
        path = write(Path(place) / "open", rows, [complete("phone", len(rows))])
        if sealed:
            seal(path, path := Path(place) / "phones.zip", force=False)
        with opened(path) as bundle:
            assert list(bundle.lines(Phone)) == rows
            assert bundle.ledger["phone"] == complete("phone", len(rows))
            assert bundle.rows_of(Phone) == len(rows)
            assert list(bundle.lines(Owner)) == []


def test_header_ledger_and_sources_come_back(tmp_path: Path) -> None:
    sources = [
        SourceFile(name="a.xml", sha256="0" * 64, bytes=9, recognised_as="phones", objects=3),
        SourceFile(name=HOSTILE, sha256=None, bytes=None, recognised_as="unreadable", objects=None),
    ]
    denied = not_requested("phone", HOSTILE).model_copy(update={"state": "access_denied"})
    with BundleWriter(tmp_path / "open", header()) as writer:
        for source in sources:
            writer.source(source)
        writer.record(denied)
        writer.append(owners("a")[0])
        writer.record(complete("owner", 1))
    for path in (tmp_path / "open", tmp_path / "x.zip"):
        if path.suffix:
            seal(tmp_path / "open", path, force=False)
        with opened(path) as bundle:
            assert bundle.header == header()
            assert list(bundle.sources) == sources
            assert dict(bundle.ledger) == {"phone": denied, "owner": complete("owner", 1)}
            assert bundle.sealed is (path.suffix == ".zip")


def test_pages_hold_about_fifty_rows_in_the_order_they_were_written(tmp_path: Path) -> None:
    rows = [Owner(name=str(number)) for number in range(120)]
    with opened(write(tmp_path / "open", rows)) as bundle:
        assert [len(page) for page in bundle.pages(Owner)] == [50, 50, 20]
        assert [row for page in bundle.pages(Owner) for row in page] == rows


def test_encoded_pages_are_our_own_bytes_whatever_the_spelling_was(tmp_path: Path) -> None:
    folder = write(tmp_path / "open", owners("a"))
    (folder / "tables/owner.jsonl").write_text(
        ' {"name" : "\\u0061"}\n{"name":"x","name":"b"}\n', encoding="utf-8"
    )
    with opened(folder) as bundle:
        assert list(bundle.encoded_pages(Owner)) == [b'[{"name":"a"},{"name":"b"}]']


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    names = []
    for number in (1, 2):
        folder = write(tmp_path / f"open{number}", owners("ab"), [complete("owner", 2)])
        os.utime(folder / "tables/owner.jsonl", (number * 10**8, number * 10**8))
        names.append(seal(folder, tmp_path / f"{number}.zip", force=False))
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    with opened(tmp_path / "1.zip") as bundle:
        assert names == [bundle.sha256, bundle.sha256]


def test_a_sealed_bundle_holds_a_manifest_and_one_member_a_table(tmp_path: Path) -> None:
    folder = write(tmp_path / "open", [*owners("ab"), phone("x")])
    seal(folder, tmp_path / "x.zip", force=False)
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert [(member.filename, member.date_time) for member in archive.infolist()] == [
            (name, (1980, 1, 1, 0, 0, 0))
            for name in (
                "tables/owner.jsonl.gz",
                "tables/phone.jsonl.gz",
                "manifest.json",
                "manifest.sha256",
            )
        ]
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_nobody_but_the_owner_can_read_a_bundle(tmp_path: Path) -> None:
    folder = write(tmp_path / "open", owners("a"), [complete("owner", 1)])
    modes = {
        path.relative_to(tmp_path).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in (folder, *folder.rglob("*"))
    }
    assert modes == {
        "open": 0o700,
        "open/header.json": 0o600,
        "open/ledger.jsonl": 0o600,
        "open/sources.jsonl": 0o600,
        "open/tables": 0o700,
        "open/tables/owner.jsonl": 0o600,
    }
    seal(folder, tmp_path / "x.zip", force=False)
    assert stat.S_IMODE((tmp_path / "x.zip").stat().st_mode) == 0o600


def test_an_existing_file_is_replaced_only_by_force(tmp_path: Path) -> None:
    target = tmp_path / "x.zip"
    target.write_text("mine")
    folder = write(tmp_path / "open", owners("a"))
    with pytest.raises(InputRefused, match=r"x\.zip exists already; .*--force"):
        refuse_existing(target, False)
    with pytest.raises(InputRefused, match="exists already"):
        seal(folder, target, force=False)
    assert target.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["open", "x.zip"]
    seal(folder, target, force=True)
    with opened(target) as bundle:
        assert list(bundle.lines(Owner)) == owners("a")


def test_a_folder_is_never_replaced_by_a_bundle(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="is a folder; name a file"):
        refuse_existing(tmp_path, True)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_a_link_that_leads_nowhere_counts_as_existing(tmp_path: Path) -> None:
    (tmp_path / "x.zip").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputRefused, match="exists already"):
        refuse_existing(tmp_path / "x.zip", False)


def test_a_folder_that_holds_something_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(InputRefused, match="is not empty"):
        BundleWriter(tmp_path, header())
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_place_that_cannot_be_written_to_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=r"cannot be written .*choose another place"):
        BundleWriter(tmp_path / "missing" / "open", header())
    folder = write(tmp_path / "open", owners("a"))
    with pytest.raises(InputRefused, match="cannot be written"):
        seal(folder, tmp_path / "missing" / "x.zip", force=False)
    with opened(folder) as bundle:
        assert list(bundle.lines(Owner)) == owners("a")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_sentence_and_closes_every_file(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    writer = BundleWriter(folder, header())
    writer.append(owners("a")[0])
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, writer._tables["owner"].file.fileno())
    os.close(full)
    with pytest.raises(InputRefused, match="No space left on device"):
        writer.close()
    assert writer._ledger.closed
    assert writer._tables["owner"].file.closed


def test_a_row_no_reader_would_take_is_not_written(tmp_path: Path) -> None:
    with BundleWriter(tmp_path / "open", header()) as writer:
        writer.append(Owner(name="a"))
        with pytest.raises(UnexpectedAnswer, match="a row of owner has 1000011 bytes"):
            writer.append(Owner(name="x" * 1_000_000))
    with opened(tmp_path / "open") as bundle:
        assert list(bundle.lines(Owner)) == owners("a")


def test_a_table_nobody_mentions_was_not_requested(tmp_path: Path) -> None:
    folder = write(tmp_path / "open", owners("a"), [complete("owner", 1)])
    with opened(folder) as bundle:
        assert bundle.ledger["phone"] == not_requested(
            "phone", "the run ended before its turn came"
        )
    seal(folder, tmp_path / "x.zip", force=False)
    with opened(tmp_path / "x.zip") as bundle:
        assert bundle.ledger["phone"] == not_requested("phone", "this bundle does not mention it")


def test_rows_without_a_ledger_line_are_partial(tmp_path: Path) -> None:
    with opened(write(tmp_path / "open", owners("abc"))) as bundle:
        line = bundle.ledger["owner"]
        assert (line.state, line.rows) == ("partial", 3)
        assert line.detail == "the run ended while it was being read; 3 rows were kept"
        assert list(bundle.lines(Owner)) == owners("abc")


def test_a_row_that_was_not_finished_is_dropped_and_its_table_partial(tmp_path: Path) -> None:
    folder = write(tmp_path / "open", owners("abc"), [complete("owner", 3)])
    rows = folder / "tables/owner.jsonl"
    rows.write_bytes(rows.read_bytes() + b'{"name":"d')
    with opened(folder) as bundle:
        assert list(bundle.lines(Owner)) == owners("abc")
        line = bundle.ledger["owner"]
        assert (line.state, line.rows, line.provider) == ("partial", 3, "import")
        assert line.detail == (
            "the ledger counts 3 rows, the bundle holds 3 and one that was not finished"
        )
    with pytest.raises(BundleRefused, match="owner ends within a row"):
        seal(folder, tmp_path / "x.zip", force=False)
    assert not (tmp_path / "x.zip").exists()


@pytest.mark.parametrize("sealed", [False, True])
def test_a_table_with_fewer_rows_than_its_ledger_counts_is_partial(
    tmp_path: Path, sealed: bool
) -> None:
    path = write(tmp_path / "open", owners("ab"), [complete("owner", 3), complete("phone", 0)])
    if sealed:
        seal(path, path := tmp_path / "x.zip", force=False)
    with opened(path) as bundle:
        assert {table: line.state for table, line in bundle.ledger.items()} == {
            "owner": "partial",
            "phone": "complete",
        }
        assert bundle.ledger["owner"].detail == "the ledger counts 3 rows, the bundle holds 2"


def test_a_ledger_line_that_was_not_finished_is_dropped(tmp_path: Path) -> None:
    folder = write(tmp_path / "open", owners("ab"), [complete("phone", 0), complete("owner", 2)])
    ledger = folder / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes()[:-5])
    with opened(folder) as bundle:
        assert bundle.ledger["phone"].state == "complete"
        assert bundle.ledger["owner"].state == "partial"


def test_a_resumed_run_keeps_complete_tables_and_drops_half_a_line(tmp_path: Path) -> None:
    folder = write(tmp_path / "open", [*owners("ab"), phone("x")], [complete("owner", 2)])
    for name in ("ledger.jsonl", "sources.jsonl"):
        (folder / name).write_bytes((folder / name).read_bytes() + b'{"table":"pho')
    with BundleWriter.resume(folder, {"owner"}) as writer:
        writer.source(
            SourceFile(name="b", sha256=None, bytes=None, recognised_as="x", objects=None)
        )
        writer.append(phone("y"))
        writer.record(complete("phone", 1))
    seal(folder, tmp_path / "x.zip", force=False)
    with opened(tmp_path / "x.zip") as bundle:
        assert list(bundle.lines(Owner)) == owners("ab")
        assert list(bundle.lines(Phone)) == [phone("y")]
        assert [source.name for source in bundle.sources] == ["b"]
        assert dict(bundle.ledger) == {"phone": complete("phone", 1), "owner": complete("owner", 2)}


def test_the_last_ledger_line_of_a_table_counts(tmp_path: Path) -> None:
    first = not_requested("owner", "asked again").model_copy(update={"state": "unreachable"})
    folder = write(tmp_path / "open", owners("ab"), [first, complete("owner", 2)])
    seal(folder, tmp_path / "x.zip", force=False)
    with opened(tmp_path / "x.zip") as bundle:
        assert bundle.ledger["owner"] == complete("owner", 2)


def test_the_digest_of_a_folder_follows_its_rows(tmp_path: Path) -> None:
    digests = []
    for number, names in enumerate(("ab", "ab", "ac")):
        with opened(write(tmp_path / str(number), owners(names))) as bundle:
            digests.append(bundle.sha256)
    assert digests[0] == digests[1] != digests[2]


KILLED = """
import sys, os, signal
sys.path[:0] = {path!r}
from pathlib import Path
from test_bundle import Owner, header, complete, phone
from auditor.evidence.bundle import BundleWriter
def stop(*_):
    raise SystemExit(3)
signal.signal(signal.SIGTERM, stop)
with BundleWriter(Path(sys.argv[1]), header()) as writer:
    writer.append(phone("x"))
    writer.record(complete("phone", 1))
    for number in range(1_050):
        writer.append(Owner(name=str(number)))
    os.kill(os.getpid(), int(sys.argv[2]))
    writer.record(complete("owner", 1_050))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
@pytest.mark.parametrize(
    ("how", "kept"),
    [(signal.SIGKILL, 1_000), (signal.SIGTERM, 1_050), (signal.SIGINT, 1_050)],
    ids=["killed", "terminated", "interrupted"],
)
def test_a_stopped_run_leaves_every_finished_row_readable(
    tmp_path: Path, how: signal.Signals, kept: int
) -> None:
    program = textwrap.dedent(KILLED).format(path=[str(Path(__file__).parent), *sys.path])
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "open"), str(int(how))],
        capture_output=True,
        check=False,
    )
    assert run.returncode != 0
    with opened(tmp_path / "open") as bundle:
        assert [row.name for row in bundle.lines(Owner)] == [str(n) for n in range(kept)]
        assert list(bundle.lines(Phone)) == [phone("x")]
        states = {table: (line.state, line.rows) for table, line in bundle.ledger.items()}
        assert states == {"phone": ("complete", 1), "owner": ("partial", kept)}


def waiver() -> WaiverNote:
    return WaiverNote(
        rule="ORG-TDD",
        subject="*",
        by="ann",
        reason=HOSTILE,
        until=dt.date(2027, 1, 1),
        state="in_force",
        matches=2,
    )


def test_an_assessment_is_a_bundle_of_other_models(tmp_path: Path) -> None:
    with BundleWriter(tmp_path / "open", header("assessment")) as writer:
        writer.append(waiver())
    seal(tmp_path / "open", tmp_path / "x.zip", force=False)
    with open_bundle(tmp_path / "x.zip", "assessment", TABLES) as bundle:
        assert list(bundle.lines(WaiverNote)) == [waiver()]
        assert dict(bundle.ledger) == {}


def test_an_assessment_that_was_not_finished_is_not_opened(tmp_path: Path) -> None:
    with BundleWriter(tmp_path / "open", header("assessment")) as writer:
        writer.append(waiver())
    with pytest.raises(BundleRefused, match="not finished; run `auditor assess`"):
        open_bundle(tmp_path / "open", "assessment", TABLES)
