"""How long a service wants to be left alone, whatever it writes into its header."""

from __future__ import annotations

import datetime as dt
import email.utils

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.sources.retry_after import LONGEST_PAUSE, asked_pause

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (" 120\t", 120.0),
        ("0", 0.0),
        ("0000000000000000007", 7.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("+5", None),
        ("1.5", None),
        ("1e9", None),
        ("1_000", None),
        ("7, 9", None),
        ("\u0661\u0662", None),
        ("\u00b2", None),
        ("9" * 400, LONGEST_PAUSE),
        ("Sat, 21 Nov 2026 12:01:30 GMT", 90.0),
        ("Saturday, 21-Nov-26 12:01:30 GMT", 90.0),
        ("Sat Nov 21 12:01:30 2026", 90.0),
        ("Sat, 21 Nov 2026 12:01:00 -0000", 60.0),
        ("Sat, 21 Nov 2026 12:01:00", 60.0),
        ("Sat, 21 Nov 2026 13:01:00 +0100", 60.0),
        ("Fri, 20 Nov 2026 12:00:00 GMT", 0.0),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_PAUSE),
        ("Sat, 99 Nov 2026 12:01:00 GMT", None),
        ("Sat, 21 Nov 99999999999999999999 12:01:00 GMT", None),
        ("Sat, 21 Nov 2026 12:01:00 +99999999999999", None),
    ],
)
def test_retry_after_is_a_number_of_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert asked_pause(text, NOW) == seconds


def test_a_header_of_a_megabyte_is_read_like_a_short_one() -> None:
    date, million = "Sat, 21 Nov 2026 12:01:00 GMT", 1_000_000
    assert asked_pause("9" * million, NOW) == LONGEST_PAUSE
    assert asked_pause("x" * million, NOW) is None
    assert asked_pause(date + " " * million, NOW) == 60.0
    assert asked_pause(date + "(" * million, NOW) is None


@given(st.integers(0, 10**30))
def test_every_number_is_kept_up_to_the_longest_pause(seconds: int) -> None:
    assert asked_pause(str(seconds), NOW) == min(seconds, LONGEST_PAUSE)


@given(
    st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2057, 1, 1)),  # noqa: DTZ001  see its zone
    st.integers(-14 * 60, 14 * 60),
)
def test_a_date_is_the_same_moment_in_every_zone_and_never_a_negative_pause(
    moment: dt.datetime, minutes: int
) -> None:
    moment = moment.replace(tzinfo=dt.UTC, microsecond=0)
    elsewhere = moment.astimezone(dt.timezone(dt.timedelta(minutes=minutes)))
    seconds = max(0.0, (moment - NOW).total_seconds())
    assert asked_pause(email.utils.format_datetime(moment, usegmt=True), NOW) == seconds
    assert asked_pause(email.utils.format_datetime(elsewhere), NOW) == seconds
    assert asked_pause(f"{moment:%d %b %Y %H:%M:%S}", NOW) == seconds


PARTS = st.sampled_from(
    (
        *("Sat,", "21", "Nov", "2026", "0001", "12:01:00", "99:99:99", "GMT", "-0000", "+9999"),
        *("EST", "", ":", "+", "-", ",", "(", "12.00", "9" * 30, "\u00e9", "\x00"),
    )
)


@given(st.text() | st.lists(PARTS, max_size=8).map(" ".join))
def test_whatever_stands_there_is_a_pause_within_bounds_or_none(text: str) -> None:
    pause = asked_pause(text, NOW)
    assert pause is None or 0 <= pause <= LONGEST_PAUSE
