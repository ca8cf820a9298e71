"""What a server wrote, as a sentence of ours quotes it."""

from __future__ import annotations

import re

LONGEST_QUOTE = 300

_TOKEN = re.compile(r"eyJ[A-Za-z0-9_=.-]{8,}|(?i:bearer)\s+\S+")


def printable(text: str) -> str:
    """Text without control, direction and half characters, each replaced by a blank."""
    return "".join(c if c.isprintable() else " " for c in text)


def one_line(text: str, longest: int = LONGEST_QUOTE) -> str:
    """One printable line of `longest` characters at most, the last three of them dots if cut."""
    line = " ".join(printable(text).split())
    return line if len(line) <= longest else f"{line[: longest - 3]}..."


def without_tokens(text: str, token: str = "") -> str:
    """The text with `token`, and whatever else looks like a token of Microsoft's, struck out."""
    known = text.replace(token, "(token)") if token else text
    return _TOKEN.sub("(token)", known)


def clause(text: str, token: str = "", longest: int = LONGEST_QUOTE) -> str:
    """Words of a cloud service as part of one sentence: no tokens, no full stop in between."""
    line = one_line(without_tokens(text, token), longest).replace(". ", "; ")
    return line if line.endswith("...") else line.rstrip(".;, ")
