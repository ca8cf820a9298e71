"""What somebody may have meant by a word that nobody knows."""

from __future__ import annotations

import difflib
from collections.abc import Collection


def closest(word: str, known: Collection[str]) -> str:
    """`; closest is 'needs'` for a mistyped word, or nothing when nothing is near."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; closest is {near[0]!r}" if near else ""
