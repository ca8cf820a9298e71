"""When a service wants to be asked again: the header Retry-After (RFC 9110, section 10.2.3)."""

from __future__ import annotations

import datetime as dt
from email.utils import parsedate_to_datetime

LONGEST_PAUSE = 999_999_999.0
"""Thirty years: whoever asks for more is told the same as one who asks for that."""

_LONGEST_DATE = 64


def asked_pause(value: str, now: dt.datetime) -> float | None:
    """Seconds from `now`, up to LONGEST_PAUSE; None for what is neither a number nor a date.

    A date that names no zone is in UTC, as RFC 9110, section 5.6.7 has it for the oldest of its
    three forms; one in the past asks for no pause at all.
    """
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_PAUSE)
    if len(text) > _LONGEST_DATE:
        return None
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    aware = date if date.tzinfo else date.replace(tzinfo=dt.UTC)
    return min(max(0.0, (aware - now).total_seconds()), LONGEST_PAUSE)
