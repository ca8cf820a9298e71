"""Which files an import meets: folders, zips and what hostile zips try."""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from auditor.collectors import inputs
from auditor.collectors.inputs import input_files
from auditor.errors import InputRefused
from auditor.evidence.organization import OnpremAcceptedDomain
from auditor.evidence.recipients import OnpremMailbox

if TYPE_CHECKING:
    from tests.collectors.conftest import Import

Zipped = Callable[[dict[str, bytes]], Path]


@pytest.fixture
def zipped(tmp_path: Path) -> Zipped:
    """A zip of the given members."""

    def pack(members: dict[str, bytes]) -> Path:
        path = tmp_path / "exports.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return path

    return pack


def names(*paths: Path) -> list[str]:
    with ExitStack() as stack:
        return [file.name for file in input_files(paths, stack)]


def test_a_folder_gives_all_files_below_it_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "contoso"
    (folder / "b" / "deep").mkdir(parents=True)
    for name in ("z.xml", "a.txt", "b/deep/x.xml"):
        (folder / name).write_text("x")
    assert names(folder) == ["contoso/a.txt", "contoso/b/deep/x.xml", "contoso/z.xml"]


def test_a_file_named_twice_is_met_once(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text("x")
    assert names(path, tmp_path, path) == ["a.xml"]


def test_files_of_one_name_get_their_full_paths(tmp_path: Path) -> None:
    paths = [tmp_path / "ex01" / "a.xml", tmp_path / "ex02" / "a.xml"]
    for path in paths:
        path.parent.mkdir()
        path.write_text("x")
    assert names(*paths) == [str(path.resolve()) for path in paths]


def test_a_name_with_control_characters_is_shown_without_them(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[2J\u202e.xml").write_text("x")
    assert names(tmp_path) == [f"{tmp_path.name}/a [2J .xml"]


def test_pipes_and_devices_are_not_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.xml")
    (tmp_path / "a.xml").write_text("x")
    assert names(tmp_path) == [f"{tmp_path.name}/a.xml"]


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "MAX_FILES", 3)
    for number in range(4):
        (tmp_path / f"{number}.xml").write_text("x")
    with pytest.raises(InputRefused, match="more than 3 files"):
        names(tmp_path)


def test_a_zip_is_read_like_the_folder_it_packs(
    imported: Import, payloads: Path, zipped: Zipped
) -> None:
    path = zipped(
        {
            "export/mailbox.xml": (payloads / "mailbox.xml").read_bytes(),
            "export/notes.txt": b"Ann asked for this",
        }
    )
    found = imported(path)
    assert found.state(OnpremMailbox)[:2] == ("complete", 2)
    assert found.taken_for() == {
        "exports.zip/export/mailbox.xml": "Get-Mailbox",
        "exports.zip/export/notes.txt": "not recognised: no file of Export-Clixml",
    }


def test_a_zip_inside_a_folder_is_read_too(
    imported: Import, payloads: Path, zipped: Zipped, tmp_path: Path
) -> None:
    folder = tmp_path / "from contoso"
    folder.mkdir()
    zipped({"m.xml": (payloads / "mailbox.xml").read_bytes()}).rename(folder / "ex01.ZIP")
    found = imported(folder)
    assert found.taken_for() == {"from contoso/ex01.ZIP/m.xml": "Get-Mailbox"}


def test_members_lie_in_a_folder_of_the_owner_alone_and_are_gone_afterwards(
    zipped: Zipped,
) -> None:
    with ExitStack() as stack:
        (file,) = input_files([zipped({"a.xml": b"<Objs />"})], stack)
        with file.opened() as path:
            mode = stat.S_IMODE(path.parent.stat().st_mode)
            assert (path.read_bytes(), mode) == (b"<Objs />", 0o700)
        assert list(path.parent.iterdir()) == []
    assert not path.parent.exists()


@pytest.mark.parametrize(
    "name", ["../evil.xml", "/etc/evil.xml", "a/../../evil.xml", "..\\evil.xml", "C:\\evil.xml"]
)
def test_a_member_that_points_outside_is_refused(zipped: Zipped, name: str) -> None:
    with pytest.raises(InputRefused, match=r"exports\.zip holds .* points outside"):
        names(zipped({name: b"x"}))


def test_a_zip_in_a_zip_is_refused(zipped: Zipped) -> None:
    with pytest.raises(InputRefused, match="another zip"):
        names(zipped({"inner.ZIP": b"x"}))


def test_a_bundle_of_this_program_is_no_export(zipped: Zipped) -> None:
    path = zipped({"manifest.json": b"{}", "manifest.sha256": b"", "tables/x.gz": b""})
    with pytest.raises(
        InputRefused, match=r"exports\.zip is a bundle of this program and no export"
    ):
        names(path)


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "exports.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.xml", "x")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.xml", "y")
    with pytest.raises(InputRefused, match=r"'a\.xml' twice"):
        names(path)


def test_a_member_that_needs_a_password_is_refused(zipped: Zipped) -> None:
    path = zipped({"a.xml": b"<Objs />"})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(InputRefused, match="needs a password"):
        names(path)


def test_what_unpacks_to_too_much_is_refused_while_it_is_unpacked(
    imported: Import, zipped: Zipped, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening = b'<Objs xmlns="http://schemas.microsoft.com/powershell/2004/04">'
    path = zipped({"bomb.xml": opening + b" " * 20_000_000})
    assert path.stat().st_size < 33_000
    monkeypatch.setattr(inputs.Allowance, "__init__", lambda self: setattr(self, "left", 1 << 20))
    with pytest.raises(InputRefused, match="unpacks to more than"):
        imported(path)


def test_many_small_members_count_together(
    imported: Import, zipped: Zipped, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = b'<Objs xmlns="http://schemas.microsoft.com/powershell/2004/04"></Objs>'
    path = zipped({f"{number}.xml": empty for number in range(20)})
    monkeypatch.setattr(
        inputs.Allowance, "__init__", lambda self: setattr(self, "left", 10 * len(empty))
    )
    with pytest.raises(InputRefused, match="unpacks to more than"):
        imported(path)


def test_too_many_members_are_refused(zipped: Zipped, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "MAX_FILES", 3)
    with pytest.raises(InputRefused, match="holds 4 files"):
        names(zipped({f"{number}.xml": b"x" for number in range(4)}))


@pytest.mark.parametrize("cut", [10, 60, 200])
def test_a_zip_that_was_cut_off_is_refused(
    imported: Import, payloads: Path, zipped: Zipped, cut: int
) -> None:
    path = zipped({"mailbox.xml": (payloads / "mailbox.xml").read_bytes()})
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(InputRefused, match=r"exports\.zip"):
        imported(path)


def test_a_member_that_was_damaged_is_refused(
    imported: Import, payloads: Path, zipped: Zipped
) -> None:
    path = zipped({"accepted.xml": (payloads / "accepted_domain.xml").read_bytes()})
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 40] = bytes(40)
    path.write_bytes(content)
    with pytest.raises(InputRefused, match=r"exports\.zip is damaged at 'accepted\.xml'"):
        imported(path)


def test_an_export_that_is_called_a_zip_is_read_as_what_it_is(
    imported: Import, payloads: Path, tmp_path: Path
) -> None:
    path = tmp_path / "accepted.zip"
    path.write_bytes((payloads / "accepted_domain.xml").read_bytes())
    assert imported(path).state(OnpremAcceptedDomain)[:2] == ("complete", 2)
