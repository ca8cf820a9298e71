"""Names of people who do not exist, from several countries and scripts.

A person is found by number alone: nothing is remembered, so a hundred thousand of them cost no
memory, and person 17 is the same person in an organisation of any size.
"""

from __future__ import annotations

import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import gcd

_LETTERS_WITHOUT_DECOMPOSITION = str.maketrans(
    {
        "ß": "ss",
        "ø": "o",
        "ł": "l",
        "æ": "ae",
        "đ": "d",
        "þ": "th",
        "ð": "d",
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
    }
)
_INITIALS = "abcdefghijklmnoprstuvwxyz"


@dataclass(frozen=True, slots=True)
class Person:
    """`shown` is for address lists, `given` and `family` make up an address, in a-z alone."""

    given: str
    initial: str
    family: str
    shown: str
    surname_first: str

    @property
    def local_part(self) -> str:
        """Left part of an address that no other person of the organisation has."""
        return ".".join(part for part in (self.given, self.initial, self.family) if part)


@dataclass(frozen=True, slots=True)
class _Culture:
    slots: int
    family_first: bool
    given: tuple[tuple[str, str], ...]
    family: tuple[tuple[str, str], ...]


def in_latin(name: str) -> str:
    """A Latin name in the letters a-z, as directories build addresses: `Łukasz` gives `lukasz`."""
    plain = unicodedata.normalize("NFKD", name.lower().translate(_LETTERS_WITHOUT_DECOMPOSITION))
    return "".join(letter for letter in plain if "a" <= letter <= "z")


def person(number: int, shift: int = 0) -> Person:
    """The person of this number, counted from 0; `shift` gives other names to the same numbers.

    No two numbers under one shift give the same local part.
    """
    wheel = _wheel()
    culture, turn = wheel[number * 7 % len(wheel)]
    pairs = len(culture.given) * len(culture.family)
    again, place = divmod(number // len(wheel) * culture.slots + turn, pairs)
    place = (place * _stride(pairs) + shift) % pairs
    given_shown, given = culture.given[place % len(culture.given)]
    family_shown, family = culture.family[place // len(culture.given)]
    initial = _initial(again)
    middle = f" {initial.upper()}." if initial else ""
    surname_first = f"{family_shown}, {given_shown}{middle}"
    if culture.family_first:
        return Person(given, initial, family, f"{family_shown} {given_shown}", surname_first)
    return Person(given, initial, family, f"{given_shown}{middle} {family_shown}", surname_first)


@cache
def _wheel() -> tuple[tuple[_Culture, int], ...]:
    """Twenty seats; beside each culture the how-manieth of its seats it is."""
    text = files("auditor.lab").joinpath("names.toml").read_text("utf-8")
    cultures = [
        _Culture(
            slots=int(entry["slots"]),
            family_first=bool(entry.get("family_first", False)),
            given=_names(entry["given"]),
            family=_names(entry["family"]),
        )
        for entry in tomllib.loads(text)["culture"]
    ]
    return tuple((culture, turn) for culture in cultures for turn in range(culture.slots))


def _names(text: str) -> tuple[tuple[str, str], ...]:
    pairs = (word.partition("=") for word in text.split())
    return tuple((shown.replace("~", " "), latin or in_latin(shown)) for shown, _, latin in pairs)


def _initial(again: int) -> str:
    """What tells namesakes apart: nothing, a middle initial, and a number when letters run out."""
    if again == 0:
        return ""
    lap, letter = divmod(again - 1, len(_INITIALS))
    return f"{_INITIALS[letter]}{lap + 1 if lap else ''}"


@cache
def _stride(pairs: int) -> int:
    """A step that visits every pair once and keeps neighbours apart."""
    step = pairs * 5 // 8
    while gcd(step, pairs) != 1:
        step += 1
    return step
