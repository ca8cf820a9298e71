"""The prose of rule files becomes paragraphs, items and commands."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from auditor.report.prose import blocks


def cut(prose: str) -> list[tuple[str, str, str]]:
    return [(b.kind, b.mark, "|".join(span.text for span in b.spans)) for b in blocks(prose)]


def test_lines_wrapped_in_the_file_become_one_paragraph() -> None:
    assert cut("One sentence\nover two lines.\n\nAnother.\n") == [
        ("paragraph", "", "One sentence over two lines."),
        ("paragraph", "", "Another."),
    ]


def test_numbered_steps_keep_their_numbers_and_their_wrapped_lines() -> None:
    assert cut("1. Do this\n   and that.\n2. Then stop.\nAfter the list.") == [
        ("item", "1.", "Do this and that."),
        ("item", "2.", "Then stop."),
        ("paragraph", "", "After the list."),
    ]


def test_indented_commands_are_kept_line_by_line() -> None:
    assert cut("Run:\n  Set-Thing -Identity x\n  Get-Thing\nthen wait.") == [
        ("paragraph", "", "Run:"),
        ("lines", "", "Set-Thing -Identity x|Get-Thing"),
        ("paragraph", "", "then wait."),
    ]


def test_a_command_under_a_step_is_kept_after_a_colon() -> None:
    assert cut("1. Put it back:\n   Set-Thing -Identity x\n2. Wait.") == [
        ("item", "1.", "Put it back:"),
        ("lines", "", "Set-Thing -Identity x"),
        ("item", "2.", "Wait."),
    ]


def test_text_between_backticks_is_code() -> None:
    (block,) = blocks("Use `Get-Thing` or `Set-Thing`, not ` alone.")
    assert [(span.text, span.code) for span in block.spans] == [
        ("Use ", False),
        ("Get-Thing", True),
        (" or ", False),
        ("Set-Thing", True),
        (", not ` alone.", False),
    ]


def test_nothing_becomes_nothing() -> None:
    assert cut("") == []


@given(st.text(alphabet="ab -1.`:\n\t", max_size=80))
def test_no_word_is_lost(prose: str) -> None:
    written = "".join(prose.replace("`", "").split())
    shown = "".join(
        "".join((block.mark, *(span.text for span in block.spans))) for block in blocks(prose)
    )
    assert "".join(shown.replace("`", "").split()) == written
