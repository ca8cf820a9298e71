"""What a collector of Graph objects is: requests, and what one of the objects becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from auditor.collectors.graph_tenant import GraphTenant
from auditor.errors import SourceError
from auditor.evidence.base import Evidence

T = TypeVar("T")

GLOBAL_READER = "Global Reader"


@dataclass(frozen=True)
class GraphRequest:
    """A GET below /v1.0; `{id}` in the path, or `{...}` in a parameter, stands for what varies."""

    path: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        asked = "&".join(f"{name}={value}" for name, value in self.parameters.items())
        return f"{self.path}?{asked}" if asked else self.path


@dataclass(frozen=True)
class Unread:
    """What an object holds for one table, and Graph did not say.

    `hidden`: the account may not see it. Otherwise Graph left the property out, though asked.
    """

    table: type[Evidence]
    property: str
    hidden: bool = False


Outcome: TypeAlias = Evidence | Unread


@dataclass(frozen=True)
class GraphCollector(Generic[T]):
    """How the objects of one kind fill one table and those beside it.

    `name` is the plural of what is read. `requests`: all that `read` sends, the main one first.
    `permissions`: the least application permissions that suffice, all of them needed;
    `directory_role`: what a person who signs in needs beside the same permissions, delegated.
    `licence`: what the tenant needs, '' for nothing. `lost`: what the audit cannot say without
    these tables.

    `read` yields objects, and a SourceError instead of an object where one of several requests
    failed; it raises one to end. `rows` gives the row of the main table first. `place` names one
    object in a sentence. `at_least_one`: every tenant has such an object.
    """

    name: str
    requests: tuple[GraphRequest, ...]
    tables: tuple[type[Evidence], ...]
    permissions: tuple[str, ...]
    directory_role: str
    lost: str
    read: Callable[[GraphTenant], Iterator[T | SourceError]]
    rows: Callable[[GraphTenant, T], Iterator[Outcome]]
    place: Callable[[T], str]
    licence: str = ""
    at_least_one: bool = False

    @property
    def needs(self) -> str:
        """The sentence that says what would show what is missing."""
        plural = "s" if len(self.permissions) > 1 else ""
        return (
            f"Reading {self.name} needs the application permission{plural} "
            f"{' and '.join(self.permissions)}; a person who signs in needs the role "
            f"{self.directory_role}."
        )
