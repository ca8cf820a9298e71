"""Strangers' text: nothing hidden, nothing without end."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.report.text import shortened, visible


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("a\x00b", "a␀b"),
        ("a\r\n\tb", "a␍␊␉b"),
        ("a\x7fb", "a␡b"),
        ("a\x85b", "a[U+0085]b"),
        ("invoice\u202egpj.exe", "invoice[U+202E]gpj.exe"),
        ("a\u2028b\u2029c", "a[U+2028]b[U+2029]c"),
        ("zero\u200bwidth", "zero[U+200B]width"),
        ("half \ud800 a letter", "half [U+D800] a letter"),
        ("tag \U000e0041", "tag [U+E0041]"),
        ("plain <b>text</b> & more", "plain <b>text</b> & more"),
        ("שרה كريم 陳大文 Łukasz", "שרה كريم 陳大文 Łukasz"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
    ],
)
def test_hidden_characters_are_shown_and_writing_is_kept(written: str, seen: str) -> None:
    assert visible(written) == seen


@given(st.text())
def test_no_control_direction_or_line_character_is_left(text: str) -> None:
    left = {
        unicodedata.bidirectional(letter)
        for letter in visible(text)
        if unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"}
        or unicodedata.bidirectional(letter) in {"LRE", "RLE", "LRO", "RLO", "PDF"}
        or unicodedata.bidirectional(letter) in {"LRI", "RLI", "FSI", "PDI"}
    }
    assert left == set()


@given(st.text())
def test_what_is_visible_stays_as_it_is(text: str) -> None:
    assert visible(visible(text)) == visible(text)


def test_a_long_text_says_how_long_it_is() -> None:
    assert shortened("x" * 12_345, 3) == "xxx… [12,345 characters in all]"


def test_a_text_that_fits_is_not_touched() -> None:
    assert shortened("xyz", 3) == "xyz"
