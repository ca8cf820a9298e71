"""Strangers' text made safe to look at: nothing invisible, nothing without end."""

from __future__ import annotations

import re

_HIDDEN = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # control characters
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # letters without a shape
    "\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"  # line ends, directions, widths of nothing
    "\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\ud800-\udfff"  # halves of a character, which no file can hold
    "\U000e0000-\U000e0fff"  # tags
    "]"
)
"""Characters that hide, reorder or break text. The joiners U+200C and U+200D stay: Persian and
emoji are written with them, and they reorder nothing. A fixed list instead of `unicodedata`, so
that every Python writes the same report."""


def visible(text: str) -> str:
    """The text with every hidden character replaced by a sign that shows it.

    Controls become their picture (`␀`), all others their number (`[U+202E]`). Right-to-left text
    itself stays as it is.
    """
    return _HIDDEN.sub(_sign, text)


def _sign(match: re.Match[str]) -> str:
    number = ord(match.group())
    if number < 0x20:
        return chr(0x2400 + number)
    return "\u2421" if number == 0x7F else f"[U+{number:04X}]"


def shortened(text: str, most: int) -> str:
    """The first `most` characters of a longer text, and a word on how long it is."""
    if len(text) <= most:
        return text
    return f"{text[:most]}… [{len(text):,} characters in all]"
