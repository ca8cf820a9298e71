"""A bundle that is broken, edited or foreign is refused in one sentence, and nothing is judged."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.errors import BundleRefused
from auditor.evidence.base import Evidence
from auditor.evidence.bundle import BundleWriter, Header, Limits, SourceFile, open_bundle, seal
from auditor.evidence.ledger import LedgerLine, not_requested


class Phone(Evidence):
    table: ClassVar[str] = "phone"
    key: ClassVar[tuple[str, ...]] = ("name",)

    name: str
    count: int | None


class Owner(Evidence):
    table: ClassVar[str] = "owner"
    key: ClassVar[tuple[str, ...]] = ("name",)

    name: str


MODELS: tuple[type[Evidence], ...] = (Phone, Owner)
HEADER = Header(
    format_version=1,
    kind="evidence",
    tool_version="0.1.0",
    title="Contoso",
    created_at=None,
    details={},
)
PHONES = [Phone(name=f"phone {number}", count=number) for number in range(120)]
OWNERS = [Owner(name="ann"), Owner(name="bob")]


def complete(table: str, rows: int) -> LedgerLine:
    changes = {"state": "complete", "rows": rows, "detail": ""}
    return not_requested(table, "-").model_copy(update=changes)


def written(folder: Path) -> Path:
    with BundleWriter(folder, HEADER) as writer:
        writer.source(
            SourceFile(name="a.xml", sha256=None, bytes=3, recognised_as="phones", objects=None)
        )
        for row in (*PHONES, *OWNERS):
            writer.append(row)
        writer.record(complete("phone", 120))
        writer.record(complete("owner", 2))
    return folder


def sealed(folder: Path) -> Path:
    target = folder / "x.zip"
    seal(written(folder / "open"), target, force=False)
    return target


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(path: Path, content: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def forge(path: Path, change: Callable[[dict[str, Any]], None], **tables: bytes) -> Path:
    """What somebody makes who knows the format: other rows, another manifest, all digests right."""
    content = members(path)
    manifest = json.loads(content["manifest.json"])
    for name, rows in tables.items():
        content[f"tables/{name}.jsonl.gz"] = gzip.compress(rows)
        digest = {
            "table": name,
            "sha256": hashlib.sha256(rows).hexdigest(),
            "rows": rows.count(b"\n"),
        }
        others = [entry for entry in manifest["tables"] if entry["table"] != name]
        manifest["tables"] = [*others, digest]
    change(manifest)
    content["manifest.json"] = text = json.dumps(manifest).encode()
    content["manifest.sha256"] = f"{hashlib.sha256(text).hexdigest()}\n".encode()
    return pack(path, content)


def unchanged(_: dict[str, Any]) -> None:
    """For a forgery of rows alone."""


def everything(path: Path, limits: Limits | None = None) -> tuple[object, ...]:
    with open_bundle(path, "evidence", MODELS, limits=limits) as bundle:
        rows = tuple(list(bundle.lines(model)) for model in MODELS)
        return bundle.header, dict(bundle.ledger), tuple(bundle.sources), rows


def refusal(path: Path, limits: Limits | None = None) -> str:
    with pytest.raises(BundleRefused) as caught:
        everything(path, limits)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence.replace(str(path), "x.zip")


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    assert refusal(tmp_path / "x.zip") == (
        "x.zip cannot be opened: No such file or directory; check the name"
    )


@pytest.mark.parametrize("content", [b"", b"<Objs>", b"\xff\xfe<\0O\0" * 40])
def test_a_file_that_is_no_zip(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    assert refusal(path) == "x.zip is no bundle; exports go to `auditor import`"


def test_a_zip_of_exports(tmp_path: Path) -> None:
    path = pack(tmp_path / "x.zip", {"Get-Mailbox.xml": b"<Objs/>"})
    assert refusal(path) == (
        "x.zip is a zip without manifest.json and manifest.sha256, so no bundle; a zip of exports "
        "goes to `auditor import`"
    )


def test_a_folder_of_exports(tmp_path: Path) -> None:
    (tmp_path / "Get-Mailbox.xml").write_text("<Objs/>")
    assert refusal(tmp_path) == (
        "x.zip is no bundle: it holds no header.json; a folder of exports goes to `auditor import`"
    )


def test_a_zip_that_was_cut_off_anywhere(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    whole = path.read_bytes()
    for length in range(len(whole) - 1, 0, -37):
        path.write_bytes(whole[:length])
        assert "is cut off or was packed by another program; copy it again" in refusal(path) or (
            length < 2
        )


def test_another_format_version(tmp_path: Path) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["header"] |= {"format_version": 2, "tool_version": "9.9", "news": []}

    assert refusal(forge(sealed(tmp_path), change)) == (
        "x.zip has bundle format 2, this program reads format 1: use the version of auditor that "
        "wrote it ('9.9')"
    )


@pytest.mark.parametrize("version", [True, "1", 1.5, None, [1]])
def test_a_format_version_that_is_no_version(tmp_path: Path, version: object) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["header"]["format_version"] = version

    assert "x.zip has bundle format" in refusal(forge(sealed(tmp_path), change))


def test_the_other_kind_is_sent_to_its_command(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    with pytest.raises(BundleRefused, match="is evidence; give it to `auditor assess`"):
        open_bundle(path, "assessment", MODELS)

    def change(manifest: dict[str, Any]) -> None:
        manifest["header"]["kind"] = "assessment"

    assert refusal(forge(path, change)) == "x.zip is an assessment; give it to `auditor report`"


def test_a_manifest_whose_ledger_was_edited(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    content = members(path)
    content["manifest.json"] = content["manifest.json"].replace(b'"complete"', b'"partial"', 1)
    assert refusal(pack(path, content)) == (
        "x.zip: manifest.json was changed after the bundle was sealed, so nothing it says about "
        "completeness holds; ask for the bundle again"
    )


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda m: m["ledger"][0].update(rows="120"), "'ledger.0.rows'"),
        (lambda m: m["ledger"][0].update(state="fine"), "'ledger.0.state'"),
        (lambda m: m["ledger"][0].update(state="partial"), "'ledger.0'"),
        (lambda m: m["header"].update(note=1), "'header.note'"),
        (lambda m: m["sources"][0].pop("sha256"), "'sources.0.sha256'"),
        (lambda m: m.update(more=1), "'more'"),
    ],
)
def test_a_manifest_of_another_shape_names_the_place(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], place: str
) -> None:
    assert refusal(forge(sealed(tmp_path), change)).startswith(f"x.zip: manifest.json, {place}: ")


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"[" * 100_000, b"\xff", b"null"])
def test_a_manifest_that_is_no_manifest(tmp_path: Path, text: bytes) -> None:
    digest = f"{hashlib.sha256(text).hexdigest()}\n".encode()
    path = pack(tmp_path / "x.zip", {"manifest.json": text, "manifest.sha256": digest})
    assert refusal(path).startswith("x.zip ")


def test_an_edited_table_is_named_and_so_are_the_intact_ones(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    content = members(path)
    rows = gzip.decompress(content["tables/phone.jsonl.gz"])
    content["tables/phone.jsonl.gz"] = gzip.compress(rows.replace(b"phone 7", b"phone 8", 1))
    assert refusal(pack(path, content)) == (
        "x.zip: table phone was changed or damaged after it was sealed; intact: owner; ask for the "
        "bundle again"
    )


def test_an_edited_row_that_is_no_row_is_called_edited(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    content = members(path)
    for name in ("phone", "owner"):
        content[f"tables/{name}.jsonl.gz"] = gzip.compress(b'{"name":7}\n')
    assert refusal(pack(path, content)) == (
        "x.zip: table phone was changed or damaged after it was sealed (and so were owner); "
        "intact: none; ask for the bundle again"
    )


def test_rows_of_an_edited_table_come_but_the_end_of_it_never_does(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    content = members(path)
    rows = gzip.decompress(content["tables/phone.jsonl.gz"])
    content["tables/phone.jsonl.gz"] = gzip.compress(rows.replace(b"phone 7", b"phone 8", 1))
    pack(path, content)
    with open_bundle(path, "evidence", MODELS) as bundle:
        assert list(bundle.lines(Owner)) == OWNERS
        with pytest.raises(BundleRefused, match="table phone was changed"):
            list(bundle.encoded_pages(Phone))


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (b'{"name":"a","count":1}', "table phone was changed"),
        (b"", "table phone was changed"),
        (b'{"name":"a","count":"7"}\n', "record 1, field 'count': Input should be a valid integer"),
        (b'{"name":"a","count":7.0}\n', "field 'count': Input should be a valid integer"),
        (b'{"name":"a","count":true}\n', "field 'count': Input should be a valid integer"),
        (b'{"name":null,"count":1}\n', "record 1, field 'name': Input should be a valid string"),
        (b'{"name":"a"}\n', "record 1, field 'count': Field required"),
        (b'{"name":"a","count":1,"n":2}\n', "record 1, field 'n': Extra inputs are not permitted"),
        (b'{"name":"a","count":1}\n{"name":"b"}\n', "record 2, field 'count': Field required"),
        (b'{"name":"a","count":1},{"name":"b","count":1}\n', "record 1: Invalid JSON"),
        (b'{"name":"a"\n"count":1}\n', "record 1: Invalid JSON"),
        (b'\n{"name":"a","count":1}\n', "record 1: Invalid JSON"),
        (b'{"name":"\xff","count":1}\n', "record 1: Invalid JSON"),
        (b'{"name":' + b"[" * 9_000 + b"]" * 9_000 + b"}\n", "record 1: Invalid JSON"),
    ],
)
def test_forged_rows_name_record_field_and_value(tmp_path: Path, rows: bytes, says: str) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["tables"][-1]["rows"] = 1

    path = forge(sealed(tmp_path), change if not rows.endswith(b"\n") else unchanged, phone=rows)
    assert says in refusal(path)


def test_a_refused_value_is_quoted_short_and_harmless(tmp_path: Path) -> None:
    value = "\x1b[2J\u202e" + "x" * 5_000
    rows = json.dumps({"name": "a", "count": value}, ensure_ascii=False).encode() + b"\n"
    sentence = refusal(forge(sealed(tmp_path), unchanged, phone=rows))
    assert sentence == (
        "x.zip: table phone, record 1, field 'count': Input should be a valid integer (it holds "
        f"'\\x1b[2J\\u202e{'x' * 43}...); the bundle was not written by this version of auditor"
    )


@pytest.mark.parametrize("rows", [119, 121, 0])
def test_a_row_count_that_is_wrong(tmp_path: Path, rows: int) -> None:
    def change(manifest: dict[str, Any]) -> None:
        next(t for t in manifest["tables"] if t["table"] == "phone")["rows"] = rows

    assert "table phone was changed" in refusal(forge(sealed(tmp_path), change))


def test_a_table_of_a_later_version(tmp_path: Path) -> None:
    assert refusal(forge(sealed(tmp_path), unchanged, tablet=b'{"name":"a"}\n')) == (
        "x.zip holds tables this version does not know ('tablet'); use auditor 0.1.0, which wrote "
        "it"
    )


def test_a_table_named_twice_in_the_manifest(tmp_path: Path) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["tables"].append(manifest["tables"][0])

    assert "manifest.json names a table twice" in refusal(forge(sealed(tmp_path), change))


def test_a_table_that_is_missing(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    content = members(path)
    del content["tables/owner.jsonl.gz"]
    assert refusal(pack(path, content)) == (
        "x.zip lacks tables/owner.jsonl.gz; ask for the bundle again"
    )


@pytest.mark.parametrize(
    "name",
    [
        "../evil.txt",
        "/etc/passwd",
        "C:\\evil.txt",
        "tables/../../evil",
        "tables/owner.jsonl",
        "tables/",
        "note.txt",
        "MANIFEST.json",
        "a\u202eb",
    ],
)
def test_a_member_that_belongs_to_no_bundle(tmp_path: Path, name: str) -> None:
    path = sealed(tmp_path)
    sentence = refusal(pack(path, {**members(path), name: b"x"}))
    assert re.fullmatch(r"x\.zip holds '.*', which belongs to no bundle; ask for .*", sentence)
    assert sorted(found.name for found in tmp_path.iterdir()) == ["x.zip"]


def test_a_member_that_comes_twice(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("tables/owner.jsonl.gz", gzip.compress(b'{"name":"eve"}\n'))
    assert refusal(path) == "x.zip holds 'tables/owner.jsonl.gz' twice; ask for it again"


def test_a_bundle_packed_by_another_program(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    assert refusal(pack(path, members(path), zipfile.ZIP_DEFLATED)) == (
        "x.zip was packed by another program; ask for the file as auditor wrote it"
    )


def test_a_zip_of_very_many_members(tmp_path: Path) -> None:
    path = pack(tmp_path / "x.zip", {str(number): b"" for number in range(5_000)})
    assert refusal(path) == "x.zip is no bundle: a zip of 5000 files; ask for it again"


def test_a_directory_that_lies_about_its_size(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-10] + b"\xff\xff\xff\x7f" + whole[-6:])
    assert "is no bundle" in refusal(path)


LIMITS = Limits(line=1_000, manifest=10_000, table=20_000, total=25_000)


def test_a_table_that_unpacks_to_very_much(tmp_path: Path) -> None:
    bomb = (b'{"name":"' + b"x" * 900 + b'","count":1}\n') * 300_000
    path = forge(sealed(tmp_path), unchanged, phone=bomb)
    assert path.stat().st_size < 1_200_000
    assert refusal(path, LIMITS) == (
        "x.zip: phone unpacks to more than this program reads (20000 bytes a table, 25000 in all); "
        "ask for the bundle again"
    )


def test_tables_that_together_unpack_to_very_much(tmp_path: Path) -> None:
    rows = (b'{"name":"' + b"x" * 900 + b'","count":1}\n') * 15
    owners = b"".join(b'{"name":"%d"}\n' % number for number in range(1_100))
    path = forge(sealed(tmp_path), unchanged, phone=rows, owner=owners)
    assert "owner unpacks to more than this program reads" in refusal(path, LIMITS)


def test_a_line_without_end(tmp_path: Path) -> None:
    path = forge(sealed(tmp_path), unchanged, phone=b"x" * 19_000)
    assert refusal(path, LIMITS) == (
        "x.zip: record 1 of phone is longer than 1000 bytes; no such row was ever written by this "
        "program"
    )


def test_a_long_line_after_short_ones(tmp_path: Path) -> None:
    long = b'{"name":"' + b"x" * 1_000 + b'","count":1}\n'
    path = forge(sealed(tmp_path), unchanged, phone=b'{"name":"a","count":1}\n' * 3 + long)
    assert "record 4 of phone is longer than 1000 bytes" in refusal(path, LIMITS)


def test_a_manifest_of_any_size(tmp_path: Path) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["header"]["details"] = {"x": "y" * 20_000}

    assert "manifest.json is larger than 10000 bytes" in refusal(
        forge(sealed(tmp_path), change), LIMITS
    )


def test_something_after_the_end_of_a_table(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    content = members(path)
    content["tables/owner.jsonl.gz"] += gzip.compress(b'{"name":"eve"}\n')
    assert refusal(pack(path, content)).startswith("x.zip: table owner is damaged ('something ")


def test_a_table_that_is_no_gzip(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    content = members(path)
    for broken in (b"", b"PK", content["tables/owner.jsonl.gz"][:-3]):
        content["tables/owner.jsonl.gz"] = broken
        assert refusal(pack(path, content)).startswith("x.zip: table owner is damaged (")


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, tuple[object, ...]]:
    path = sealed(tmp_path_factory.mktemp("honest"))
    return path.read_bytes(), everything(path)


@settings(deadline=None, max_examples=300)
@given(where=st.floats(0, 1, exclude_max=True), mask=st.integers(1, 255))
def test_no_changed_byte_ever_gives_other_rows(
    honest: tuple[bytes, tuple[object, ...]], where: float, mask: int
) -> None:
    content, expected = bytearray(honest[0]), honest[1]
    content[int(where * len(content))] ^= mask
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.zip"
        path.write_bytes(content)
        try:
            found = everything(path)
        except BundleRefused:
            return
        assert found == expected


@pytest.mark.parametrize("name", ["note.txt", "tables/tablet.jsonl", "tables/phone.csv"])
def test_a_stray_file_in_a_folder(tmp_path: Path, name: str) -> None:
    folder = written(tmp_path / "open")
    (folder / name).write_text("x")
    assert f"{Path(name).name} " in refusal(folder)
    assert "move it elsewhere" in refusal(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")
@pytest.mark.parametrize("name", ["tables/phone.jsonl", "ledger.jsonl", "header.json"])
@pytest.mark.parametrize("make", [lambda p: p.symlink_to("/etc/passwd"), os.mkfifo, Path.mkdir])
def test_a_folder_with_anything_but_plain_files(
    tmp_path: Path, name: str, make: Callable[[Path], None]
) -> None:
    folder = written(tmp_path / "open")
    (folder / name).unlink()
    make(folder / name)
    assert "root:" not in refusal(folder)


@pytest.mark.parametrize("name", ["ledger.jsonl", "sources.jsonl", "tables"])
def test_a_folder_that_lacks_a_part(tmp_path: Path, name: str) -> None:
    folder = written(tmp_path / "open")
    (folder / name).rename(tmp_path / "elsewhere")
    assert name in refusal(folder)


def test_a_damaged_line_in_a_folder_is_named(tmp_path: Path) -> None:
    folder = written(tmp_path / "open")
    lines = (folder / "ledger.jsonl").read_text().splitlines()
    (folder / "ledger.jsonl").write_text(f"{lines[0]}\n{{}}\n{lines[1]}\n")
    assert re.search(
        r"ledger\.jsonl, line 2 table: Field required; collect again$", refusal(folder)
    )


def test_a_header_that_is_damaged(tmp_path: Path) -> None:
    folder = written(tmp_path / "open")
    text = (folder / "header.json").read_text()
    for broken in ("", text[:30], text.replace('"title"', '"titel"'), "[]"):
        (folder / "header.json").write_text(broken)
        assert refusal(folder)


def test_a_member_that_wants_a_password(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    content = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(content) as archive:
        starts = [member.header_offset for member in archive.infolist()]
    data = bytearray(content.getvalue())
    central = data.index(b"PK\x01\x02")
    for place in (*(start + 6 for start in starts), central + 8):
        data[place] |= 1
    path.write_bytes(data)
    assert "packed by another program" in refusal(path)


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00"])
def test_a_time_that_is_none_in_utc(tmp_path: Path, time: str) -> None:
    def late(manifest: dict[str, Any]) -> None:
        manifest["ledger"][0]["ended_at"] = time

    path = forge(sealed(tmp_path), late)
    assert "a time that UTC has no year for" in refusal(path)
