"""Rows of the tenant, as JSON will hold them: made by place, so that a page costs its own rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a page starts: at a place, behind the first few of its rows."""

    place: int
    skipped: int = 0


START = Mark(0)


@dataclass(frozen=True)
class Rows:
    """The rows of one collection: at each of `places` places there are none, one or a few."""

    places: int
    at: Callable[[int], Sequence[Row]]

    def __iter__(self) -> Iterator[Row]:
        for place in range(self.places):
            yield from self.at(place)

    def page(self, start: Mark, size: int) -> tuple[list[Row], Mark | None]:
        """At most `size` rows, and where the next page starts; None at the end of the last place.

        The last page may be empty: whether rows follow is not known before they are made.
        """
        rows: list[Row] = []
        for place in range(start.place, self.places):
            found = self.at(place)[start.skipped if place == start.place else 0 :]
            room = size - len(rows)
            rows += found[:room]
            if len(found) > room:
                done = len(self.at(place)) - len(found) + room
                return rows, Mark(place, done)
            if len(rows) == size and place + 1 < self.places:
                return rows, Mark(place + 1)
        return rows, None


def rows_of(rows: Sequence[Row]) -> Rows:
    """A collection that is small enough to be held."""
    return Rows(len(rows), lambda place: rows[place : place + 1])


def both(first: Rows, second: Rows) -> Rows:
    """One collection after the other."""

    def at(place: int) -> Sequence[Row]:
        if place < first.places:
            return first.at(place)
        return second.at(place - first.places)

    return Rows(first.places + second.places, at)


def moment(when: datetime) -> str:
    """A time as Graph writes it, in whole seconds: `2026-11-01T00:00:00Z`."""
    return f"{when.isoformat()[:19]}Z"
