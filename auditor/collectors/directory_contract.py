"""What a collector of directory objects is: a search, and what one of its objects becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from auditor.collectors.directory_reading import Found
from auditor.evidence.base import Evidence


class Place(Enum):
    """Where objects lie: in the configuration of the forest, or in every domain of it."""

    CONFIGURATION = "configuration"
    DOMAINS = "domains"


@dataclass(frozen=True)
class Unread:
    """Rows of one table that an object may have had: the account may not read the attribute."""

    table: type[Evidence]
    attribute: str


@dataclass(frozen=True)
class LeftOut:
    """An object that is none of those asked for, and why; worth a word in the ledger."""

    reason: str


Outcome: TypeAlias = Evidence | Unread | LeftOut


@dataclass(frozen=True)
class DirectoryCollector:
    """How the objects of one search fill one table and those beside it.

    `container` is the place below the Exchange organisation where objects of the configuration
    lie, '' for all of it. `condition` is the filter; what it names is readable by everybody who
    sees the object, since a filter over a hidden attribute is silently false. `object_class` must
    be known to the schema; `holders` are the classes of containers around such objects. `unsaid`
    names columns that the directory never holds. `at_least_one`: every Exchange organisation has
    such an object. `witness` is a filter for objects elsewhere that prove there must be some,
    asked only where none was found.
    """

    name: str
    place: Place
    object_class: str
    condition: str
    attributes: tuple[str, ...]
    tables: tuple[type[Evidence], ...]
    permission: str
    rows: Callable[[Found], Iterator[Outcome]]
    container: str = ""
    unsaid: tuple[str, ...] = ()
    at_least_one: bool = False
    witness: str = ""
    holders: tuple[str, ...] = ()
