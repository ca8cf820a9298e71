"""Objects as a PowerShell pipeline holds them, before anything writes them.

A value keeps what .NET knows of it (that it is a GUID, a member of an enumeration, an object with
a text of its own), because the two serialisations differ exactly there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

TypeNames: TypeAlias = tuple[str, ...]
"""A .NET type name and its ancestors, most derived first."""


class Guid(str):
    """A GUID, in lower case without braces."""

    __slots__ = ()


class Uri(str):
    """A System.Uri."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an enumeration."""

    types: TypeNames
    text: str
    number: int


@dataclass(frozen=True, slots=True)
class Described:
    """An object that has a text (ToString) beside its properties, such as an ADObjectId."""

    types: TypeNames
    text: str
    properties: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class Many:
    """A multi-valued property, or an array."""

    types: TypeNames
    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class ShellObject:
    """One object of a command's answer.

    `text` is its ToString; a custom object has none. `notes` are properties that were added to it
    from outside, which CLIXML keeps apart; a custom object has no others.
    """

    types: TypeNames
    text: str | None
    properties: Mapping[str, Value]
    notes: Mapping[str, Value] = field(default_factory=dict)


Value: TypeAlias = (
    "str | bool | int | float | bytes | datetime | Guid | Uri | Member | Described | Many"
    " | ShellObject | None"
)

_CUSTOM_OBJECT = ("System.Management.Automation.PSCustomObject", "System.Object")


def custom_object(notes: Mapping[str, Value]) -> ShellObject:
    """What New-Object PSObject and Add-Member make."""
    return ShellObject(_CUSTOM_OBJECT, None, {}, notes)


def selected(found: ShellObject, names: Sequence[str]) -> ShellObject:
    """What `Select-Object -Property` leaves: a name the object lacks becomes a null property."""
    there = {**found.properties, **found.notes}
    return ShellObject(
        (f"Selected.{found.types[0]}", *_CUSTOM_OBJECT),
        None,
        {},
        {name: there.get(name) for name in names},
    )
