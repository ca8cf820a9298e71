"""What a person sees in the terminal: text made harmless, tables, progress on stderr."""

from __future__ import annotations

import csv
import getpass
import io
import os
import re
import shutil
import sys
import time
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import typer

from auditor.errors import InputRefused

SECONDS_BETWEEN_REPORTS = 0.2
SECONDS_BETWEEN_LINES = 10.0
NARROWEST = 40
ACTING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories of characters that do something instead of showing something."""


def plain(value: object) -> str:
    """Text of a stranger's as it may be printed: no control, format or escape characters act."""
    if value is None:
        return ""
    return "".join(
        f"[U+{ord(char):04X}]" if unicodedata.category(char) in ACTING else char
        for char in str(value)
    )


def echo_wrapped(text: str, hanging: int) -> None:
    """Print one line, on a terminal as several that fit, those behind the first `hanging` inwards.

    A file or a pipe gets one line, unless COLUMNS is set.
    """
    if "COLUMNS" not in os.environ and not sys.stdout.isatty():
        typer.echo(plain(text))
        return
    for line in _wrapped(plain(text), max(NARROWEST, shutil.get_terminal_size().columns), hanging):
        typer.echo(line)


def _wrapped(text: str, width: int, hanging: int) -> Iterator[str]:
    """Lines that end at a blank, a comma or an ampersand: no name is broken, but an address is."""
    line = ""
    for piece in re.split(r"(?<=[\s,&])", text.rstrip()):
        if line.strip() and len((line + piece).rstrip()) > width:
            yield line.rstrip()
            line = " " * hanging + piece.lstrip()
        else:
            line += piece
    yield line.rstrip()


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Print rows under their column names, widths taken from the first hundred; return how many.

    Later rows that are wider push their line out of shape and lose nothing.
    """
    iterator = iter(rows)
    head = [[plain(cell) for cell in row] for row, _ in zip(iterator, range(100), strict=False)]
    widths = [
        max([len(name), *(len(row[place]) for row in head)]) for place, name in enumerate(columns)
    ]
    typer.echo(
        "  ".join(name.ljust(width) for name, width in zip(columns, widths, strict=True)).rstrip()
    )
    typer.echo("  ".join("-" * width for width in widths))
    count = 0
    for row in _chained(head, iterator):
        cells = (plain(cell).ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())
        count += 1
    return count


def _chained(
    head: Sequence[Sequence[object]], rest: Iterator[Sequence[object]]
) -> Iterator[Sequence[object]]:
    yield from head
    yield from rest


def print_csv(
    columns: Sequence[str], rows: Iterable[Sequence[object]], text_cell: Callable[[str], str]
) -> int:
    """Print rows as CSV; return how many. `text_cell` makes a text safe for spreadsheets."""
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow([text_cell(cell) if isinstance(cell, str) else cell for cell in row])
        typer.echo(line.getvalue(), nl=False)
        line.seek(0)
        line.truncate()
        count += 1
    typer.echo(line.getvalue(), nl=False)
    return count


def ask_secretly(question: str) -> str:
    """What the person types, unseen; raises InputRefused where no terminal can hide it."""
    with warnings.catch_warnings():
        # Without a terminal getpass warns, and would show what is typed.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(question)
        except (EOFError, getpass.GetPassWarning):
            asked = question.rstrip(": ")
            raise InputRefused(
                f"there is no terminal to ask at for: {asked}; run it at a terminal, or take the"
                " secret from the environment or the key ring (password_from, secret_from)"
            ) from None


class Reporter:
    """Tells how far a stage is: one changing line on a terminal, in a log a line now and then."""

    def __init__(self) -> None:
        self._interactive = sys.stderr.isatty()
        self._told = 0.0 if self._interactive else time.monotonic()
        self._stage = ""
        self._width = 0

    def __call__(self, stage: str, done: int) -> None:
        now = time.monotonic()
        pause = SECONDS_BETWEEN_REPORTS if self._interactive else SECONDS_BETWEEN_LINES
        name = stage.partition(" (")[0]
        if now - self._told < pause and (name == self._stage or not self._interactive):
            return
        self._told, self._stage = now, name
        text = f"{plain(stage)}: {done:,}"
        if self._interactive:
            sys.stderr.write("\r" + text.ljust(self._width))
            self._width = len(text)
        else:
            sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def clear(self) -> None:
        """Wipe the changing line, so that what follows starts on a clean one."""
        if self._interactive and self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")
            sys.stderr.flush()


@contextmanager
def progress() -> Iterator[Reporter]:
    """Progress on stderr while the body runs."""
    reporter = Reporter()
    try:
        yield reporter
    finally:
        reporter.clear()
