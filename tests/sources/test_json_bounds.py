"""A page is measured by its values too, before it is read."""

from __future__ import annotations

import pytest

from auditor.sources.json_bounds import MOST_VALUES, crowded


@pytest.mark.parametrize("mark", [b",", b"[", b"{"])
def test_as_many_values_as_are_allowed_are_read_and_not_one_more(mark: bytes) -> None:
    page = b'"' + mark * MOST_VALUES + b'"'
    assert not crowded(page)
    assert crowded(page + mark)


def test_marks_of_all_kinds_count_together() -> None:
    assert crowded(b"[{}," * (MOST_VALUES // 3 + 1))


def test_a_page_of_text_is_large_and_not_crowded() -> None:
    assert not crowded(b"a" * 10_000_000)
