"""What a server wrote is quoted on one line, without a token, and not endlessly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.sources.quoted import LONGEST_QUOTE, clause, one_line, without_tokens

TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln"


@given(st.text(max_size=LONGEST_QUOTE * 2), st.integers(4, LONGEST_QUOTE))
def test_whatever_was_written_becomes_one_printable_line(text: str, longest: int) -> None:
    for line in (one_line(text, longest), clause(text, "", longest)):
        assert line.isprintable()
        assert len(line) <= longest
        assert line == " ".join(line.split())
    assert ". " not in clause(text, "", longest)


@given(st.text(), st.text(min_size=1), st.text())
def test_a_token_that_is_known_is_quoted_nowhere(before: str, token: str, after: str) -> None:
    struck = without_tokens(before + token + after, token)
    assert token not in struck.replace("(token)", "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"it was {TOKEN} here", "it was (token) here"),
        (f"x{TOKEN}", "x(token)"),
        ("Authorization: Bearer abc123.", "Authorization: (token)"),
        ("a bearer\topaque secret", "a (token) secret"),
        ("eyJ is no token", "eyJ is no token"),
    ],
)
def test_what_looks_like_a_token_is_struck_out(text: str, shown: str) -> None:
    assert clause(text) == shown


def test_a_long_text_ends_in_dots_and_a_sentence_loses_its_stop() -> None:
    assert one_line("a" * 9, 9) == "a" * 9
    assert one_line("a" * 10, 9) == "aaaaaa..."
    assert clause("It failed. Try again.; ") == "It failed; Try again"
    assert one_line("a\r\n\x1b[31m\u202eb\ud800c") == "a [31m b c"
