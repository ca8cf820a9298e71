"""Words of strangers inside our sentences."""

from __future__ import annotations

from auditor.sources.quoted import printable

__all__ = ["LONGEST_SENTENCE", "printable", "shortened"]

_LONGEST = 400

LONGEST_SENTENCE = 700
"""For a sentence of ours, which quotes others in part: its end is the next step, and must stay."""


def shortened(words: str, longest: int = _LONGEST) -> str:
    """Words of others, or a sentence that quotes them, fit to be shown: printable, not endless."""
    plain = printable(words)
    return plain if len(plain) <= longest else f"{plain[: longest - 3]}..."
