"""What is printed fits the terminal, and loses nothing for it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.terminal import NARROWEST, echo_wrapped

TEXT = "    right:  access to Public-Information of users, to $select=id,displayName,mail&$top"


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


def test_a_file_gets_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    echo_wrapped(TEXT * 9, 12)
    assert capsys.readouterr().out == TEXT * 9 + "\n"


def test_a_terminal_gets_lines_that_fit_and_hang_below_the_first(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "44")
    echo_wrapped(TEXT, 12)
    assert capsys.readouterr().out.splitlines() == [
        "    right:  access to Public-Information of",
        "            users, to $select=id,",
        "            displayName,mail&$top",
    ]


def test_a_name_longer_than_the_terminal_is_not_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1")
    name = "onprem_" + "a" * NARROWEST
    echo_wrapped(f"fills {name} and {name}", 2)
    assert capsys.readouterr().out.splitlines() == [
        "fills",
        f"  {name}",
        "  and",
        f"  {name}",
    ]


def test_what_acts_on_a_terminal_is_shown_and_does_not_act(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    echo_wrapped("a\x1b[2Jb\r\nc", 4)
    assert capsys.readouterr().out == "a[U+001B][2Jb[U+000D][U+000A]c\n"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text("ab ,&", max_size=300), st.integers(0, 20), st.integers(NARROWEST, 90))
def test_every_line_fits_and_all_of_the_text_is_there(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    hanging: int,
    width: int,
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    echo_wrapped(text, hanging)
    lines = capsys.readouterr().out.splitlines()
    assert "".join("".join(lines).split()) == "".join(text.split())
    # one name alone may be wider
    assert [
        line for line in lines if len(line) > width and any(c in line.strip()[:-1] for c in " ,&")
    ] == []
