"""Writing files: whole or not at all, never over another file, for the owner alone."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.errors import InputRefused
from auditor.files import write_new


def test_text_and_bytes_arrive_in_order_as_utf_8(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    write_new(target, ["Jürgen\n", b"\xff", "end"], force=False)
    assert target.read_bytes() == "Jürgen\n".encode() + b"\xff" + b"end"


def test_only_the_owner_may_read_the_file(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    write_new(target, ["x"], force=False)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_an_existing_file_is_kept_and_no_chunk_is_asked_for(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("theirs")
    asked: list[str] = []

    def chunks() -> Iterator[str]:
        asked.append("asked")
        yield "ours"

    with pytest.raises(InputRefused, match=r"report\.html exists already; .* --force"):
        write_new(target, chunks(), force=False)
    assert (target.read_text(), asked) == ("theirs", [])


def test_a_link_that_leads_nowhere_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "report.html").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputRefused, match="exists already"):
        write_new(tmp_path / "report.html", ["ours"], force=False)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_force_replaces_the_file_and_closes_it_to_others(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("old")
    target.chmod(0o644)
    write_new(target, ["new"], force=True)
    assert (target.read_text(), stat.S_IMODE(target.stat().st_mode)) == ("new", 0o600)


def test_a_failure_half_way_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("old")

    def breaking() -> Iterator[str]:
        yield "half"
        raise ValueError("the rest is missing")

    with pytest.raises(ValueError, match="the rest is missing"):
        write_new(target, breaking(), force=True)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [
        ("report.html", "old")
    ]


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "report.html"

    def slow() -> Iterator[str]:
        target.write_text("somebody was faster")
        yield "ours"

    with pytest.raises(InputRefused, match="exists already"):
        write_new(target, slow(), force=False)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [
        ("report.html", "somebody was faster")
    ]


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=r"could not be written \(No such file or directory\)"):
        write_new(tmp_path / "nowhere" / "report.html", ["x"], force=False)


def test_a_folder_in_the_place_of_the_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(InputRefused, match=r"could not be written \(Is a directory\)"):
        write_new(tmp_path / "report.html", ["x"], force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
