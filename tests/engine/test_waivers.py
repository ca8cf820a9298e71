"""Waivers: named, dated, and loud when they expire or match nothing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from auditor.engine.waivers import WaiverBook, read_waivers
from auditor.errors import InputRefused, WaiversRefused

AS_OF = dt.date(2026, 11, 21)
WAIVER = """\
waivers:
  - rule: MBX-UPN-SMTP
    subject: ann@contoso.com
    by: Bo Berg, messaging lead
    reason: Ann was told her sign-in name in person
    until: 2026-12-31
"""


def book(tmp_path: Path, text: str) -> WaiverBook:
    path = tmp_path / "waivers.yaml"
    path.write_text(text, encoding="utf-8")
    return read_waivers(path, {"MBX-UPN-SMTP", "SRV-CERT"}, AS_OF)


def test_a_waiver_covers_a_subject_by_id_or_by_name_until_its_last_day(tmp_path: Path) -> None:
    waivers = book(tmp_path, WAIVER.replace("2026-12-31", "2026-11-21"))
    assert waivers.covers("MBX-UPN-SMTP", "guid-1", "ann@contoso.com")
    assert not waivers.covers("MBX-UPN-SMTP", "guid-2", "bo@contoso.com")
    assert not waivers.covers("SRV-CERT", "guid-1", "ann@contoso.com")
    assert [(note.state, note.matches) for note in waivers.notes()] == [("in_force", 1)]


def test_an_expired_waiver_matches_but_does_not_cover(tmp_path: Path) -> None:
    waivers = book(tmp_path, WAIVER.replace("2026-12-31", "2026-11-20"))
    assert not waivers.covers("MBX-UPN-SMTP", "guid-1", "ann@contoso.com")
    assert [(note.state, note.matches) for note in waivers.notes()] == [("expired", 1)]


def test_a_star_covers_every_finding_of_its_rule(tmp_path: Path) -> None:
    waivers = book(tmp_path, WAIVER.replace("ann@contoso.com", "'*'"))
    assert waivers.covers("MBX-UPN-SMTP", "guid-1", "ann@contoso.com")
    assert waivers.covers("MBX-UPN-SMTP", "*", "the whole rule")
    assert [note.matches for note in waivers.notes()] == [2]


def test_a_waiver_that_matches_nothing_is_refused(tmp_path: Path) -> None:
    waivers = book(tmp_path, WAIVER)
    with pytest.raises(WaiversRefused, match=r"'ann@contoso\.com' matches no finding"):
        waivers.notes()


def test_a_waiver_of_a_rule_that_could_not_run_stays_without_a_match(tmp_path: Path) -> None:
    waivers = book(tmp_path, WAIVER)
    waivers.unseen.add("MBX-UPN-SMTP")
    assert [(note.state, note.matches) for note in waivers.notes()] == [("in_force", 0)]
    waivers.unseen = {"SRV-CERT"}
    with pytest.raises(WaiversRefused, match="matches no finding"):
        waivers.notes()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (WAIVER.replace("MBX-UPN-SMTP", "MBX-UPN-SMPT"), "closest is 'MBX-UPN-SMTP'"),
        (WAIVER.replace("reason:", "reasn:"), "reasn is not a key here; closest is 'reason'"),
        (WAIVER.replace("    by: Bo Berg, messaging lead\n", ""), "waivers.0.by is missing"),
        (WAIVER.replace("2026-12-31", "'soon'"), "waivers.0.until"),
        (WAIVER + WAIVER.removeprefix("waivers:\n"), "is waived twice for 'ann@contoso.com'"),
        ("- x\n", "waivers.yaml"),
    ],
)
def test_a_faulty_waiver_file_is_refused_with_its_place(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(InputRefused) as refused:
        book(tmp_path, text)
    assert words in str(refused.value)


def test_a_waiver_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=r"nowhere\.yaml: cannot be read"):
        read_waivers(tmp_path / "nowhere.yaml", {"X"}, AS_OF)
