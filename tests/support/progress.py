"""What a program says on stderr, without how far it is."""

from __future__ import annotations

import re

_LINE = re.compile(r"^[^:\n]+: [\d,]+\n", re.MULTILINE)


def without_progress(stderr: str) -> str:
    """The text without the lines that a slow machine sees now and then, such as `reading x: 51`."""
    return _LINE.sub("", stderr)
