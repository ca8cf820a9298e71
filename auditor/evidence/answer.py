"""What a query is given and what it gives, and how the engine's habits are turned into Python's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import IO

Value = str | int | float | bool | Decimal | dt.date | dt.datetime | None
Parameters = Mapping[str, Value]


@dataclass(frozen=True)
class Answer:
    """What a query gave: names of its columns and its rows; `more` if rows were left out."""

    columns: tuple[str, ...]
    rows: list[tuple[Value, ...]]
    more: bool


@dataclass(frozen=True)
class Judged:
    """What a rule's query gave: how many subjects passed, failed and could not be told.

    `rows` holds only those that did not pass, by `subject_id`, each a dict by column.
    """

    columns: tuple[str, ...]
    passed: int
    failed: int
    unknown: int
    rows: list[dict[str, Value]]


def in_utc(value: Value) -> Value:
    """A time as the tables hold it, in UTC and without a zone; anything else as it is."""
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return value.astimezone(dt.UTC).replace(tzinfo=None)
    return value


@contextmanager
def signals() -> Iterator[None]:
    """DuckDB turns Ctrl-C, and what a signal handler raises, into a RuntimeError: turn it back."""
    try:
        yield
    except RuntimeError as problem:
        if str(problem) != "Query interrupted":
            raise
        raise (problem.__cause__ or KeyboardInterrupt()) from None


def write_array(pages: Iterable[bytes], file: IO[bytes]) -> bool:
    """One JSON array out of many; True if there was nothing to write."""
    empty = True
    for page in pages:
        if len(page) > 2:
            file.write(b"[" if empty else b",\n")
            file.write(page[1:-1])
            empty = False
    if not empty:
        file.write(b"]")
    return empty
