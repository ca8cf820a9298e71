"""People of the lab: different from each other, and fit for an address."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from auditor.lab.names import in_latin, person

NUMBERS = st.integers(0, 2_000_000)
SHIFTS = st.integers(0, 10_000)


@given(NUMBERS, NUMBERS, SHIFTS)
def test_two_numbers_never_share_an_address(one: int, other: int, shift: int) -> None:
    same = person(one, shift).local_part == person(other, shift).local_part
    assert same == (one == other)


def test_thirty_thousand_people_have_thirty_thousand_addresses() -> None:
    numbers = range(30_000)
    assert len({person(number, 451).local_part for number in numbers}) == len(numbers)


@given(NUMBERS, SHIFTS)
def test_an_address_is_written_in_plain_letters(number: int, shift: int) -> None:
    assert re.fullmatch(r"[a-z]+(\.[a-z]\d*)?\.[a-z]+", person(number, shift).local_part)


def test_people_come_from_many_scripts() -> None:
    shown = "".join(person(number).shown for number in range(200))
    scripts = {"latin": "a-zA-Z", "cyrillic": "д-я", "japanese": "一-龯", "marks": "äåçéłşñ"}
    assert [name for name, letters in scripts.items() if not re.search(f"[{letters}]", shown)] == []


def test_letters_that_no_address_can_hold_are_written_out() -> None:
    assert [in_latin(name) for name in ("Łukasz", "Groß", "Søren", "Øyvind", "O'Brien")] == [
        "lukasz",
        "gross",
        "soren",
        "oyvind",
        "obrien",
    ]
