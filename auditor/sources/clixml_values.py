"""What a serialised PowerShell object becomes in Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias, TypeVar

from auditor.errors import UnexpectedAnswer

T = TypeVar("T")

PsValue: TypeAlias = (
    "str | int | bool | float | list[PsValue] | dict[str, PsValue] | PsObject | None"
)
"""A value: nothing, text, number, truth, list, dictionary with its keys as text, or object."""

SECURE_STRING = "(secure string, not read)"
"""Stands for every secure string: what it hides is nobody's business here."""

_PREFIXES = ("Selected.", "Deserialized.")
_TYPE_ARGUMENTS = re.compile(r"[`\[,]")
_ESCAPES = re.compile(r"(?:_x[0-9A-Fa-f]{4}_)++")
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_NUMBER = re.compile(r"[+-]?[0-9.]{1,40}(?:E[+-]?[0-9]{1,4})?|-?INF|NaN", re.IGNORECASE)
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


class PsObject(Mapping[str, PsValue]):
    """One object: its properties by name, in the order they were written.

    `types`: its .NET type names as written, most derived first. `text`: what its ToString gave,
    None if it had none. `place`: where it was read, for sentences about it.
    """

    __slots__ = ("_properties", "place", "text", "types")

    def __init__(
        self,
        properties: Mapping[str, PsValue],
        types: tuple[str, ...] = (),
        text: str | None = None,
        place: str = "",
    ) -> None:
        self._properties = properties
        self.types = types
        self.text = text
        self.place = place

    def __getitem__(self, name: str) -> PsValue:
        """The value of a property; raises UnexpectedAnswer where the object has no such property.

        It is no KeyError: code that shrugs one off would turn "not exported" into a value.
        """
        try:
            return self._properties[name]
        except KeyError:
            where = f" ({self.place})" if self.place else ""
            raise UnexpectedAnswer(
                f"{self.kind or 'An object'}{where} has no property {name}: export whole objects, "
                f"or add {name} to the properties that Select-Object keeps."
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._properties)

    def __len__(self) -> int:
        return len(self._properties)

    def __contains__(self, name: object) -> bool:
        return name in self._properties

    def __repr__(self) -> str:
        return f"PsObject({self._properties!r}, types={self.types!r}, text={self.text!r})"

    def get(self, name: str, default: PsValue | T = None, /) -> PsValue | T:
        """As of any mapping; spelled out because no KeyError says that a property is missing."""
        return self._properties.get(name, default)

    def optional(self, name: str) -> PsValue:
        """The value of a property that not every version of Exchange has; None without it."""
        return self._properties.get(name)

    @property
    def kind(self) -> str:
        """Last part of the first type name, such as `Mailbox`; '' without type names.

        What Select-Object (`Selected.`) and remoting (`Deserialized.`) put before it is left out.
        """
        return kind_of(self.types[0]) if self.types else ""


def kind_of(type_name: str) -> str:
    """Last part of a .NET type name, without `Selected.`, `Deserialized.` and type arguments."""
    while type_name.startswith(_PREFIXES):
        type_name = type_name.partition(".")[2]
    return _TYPE_ARGUMENTS.split(type_name, maxsplit=1)[0].rpartition(".")[2]


def unescaped(text: str) -> str:
    """Text with its `_xHHHH_` escapes decoded ([MS-PSRP] 2.2.5.3.2).

    Each escape is one UTF-16 unit, so two may be the halves of one character; a half that stands
    alone is no character and becomes U+FFFD. `_x005F_` is an underscore before an `x`.
    """
    return _ESCAPES.sub(_characters, text) if "_x" in text else text


def _characters(found: re.Match[str]) -> str:
    units = bytes.fromhex(found.group().replace("_x", "").replace("_", ""))
    return units.decode("utf-16-be", "replace")


def _boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.strip()]
    except KeyError:
        raise ValueError(text) from None


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text.strip()):
        raise ValueError(text)
    return int(text)


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text.strip()):
        raise ValueError(text)
    return float(text)


def _character(text: str) -> str:
    unit = _integer(text)
    if not 0 <= unit <= 0xFFFF:
        raise ValueError(text)
    return unescaped(f"_x{unit:04X}_")


def _secret(_: str) -> str:
    return SECURE_STRING


_AS_WRITTEN = ("S", "DT", "TS", "D", "G", "URI", "Version", "XD", "SBK", "BA")
_INTEGERS = ("I32", "I64", "U32", "U64", "I16", "U16", "By", "SB")

SCALARS: Mapping[str, Callable[[str], PsValue]] = {
    **dict.fromkeys(_AS_WRITTEN, unescaped),
    **dict.fromkeys(_INTEGERS, _integer),
    **dict.fromkeys(("Db", "Sg"), _number),
    "B": _boolean,
    "C": _character,
    "SS": _secret,
}
"""How the text of each element with a primitive value is read ([MS-PSRP] 2.2.5.1).

Times, durations, decimals, versions and bytes (base64) stay text as written: whoever needs one
knows what it must look like. Each raises ValueError for text that is not what its element says.
"""
