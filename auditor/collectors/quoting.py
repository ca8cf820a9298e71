"""Words of strangers inside our sentences."""

from __future__ import annotations

_LONGEST = 400


def printable(text: str) -> str:
    """Text without control, direction and half characters, each replaced by a blank."""
    return "".join(c if c.isprintable() else " " for c in text)


def shortened(sentence: str) -> str:
    """A sentence that quotes others, fit to be shown: printable, and not endless."""
    plain = printable(sentence)
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 3]}..."
