"""What a serialised PowerShell object becomes in Python."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from auditor.errors import UnexpectedAnswer

PsValue: TypeAlias = (
    "None | str | int | bool | float | list[PsValue] | dict[str, PsValue] | PsObject"
)
"""A value: nothing, text, number, truth, list, dictionary with its keys as text, or object."""

_PREFIXES = ("Selected.", "Deserialized.")
_ESCAPES = re.compile("(?:_x[0-9A-Fa-f]{4}_)+")


class PsObject(Mapping[str, PsValue]):
    """One object: its properties by name, in the order they were written.

    `types`: its .NET type names, most derived first, as written. `text`: what its ToString gave,
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

        It is not a KeyError: code that shrugs one off would turn "not exported" into a value.
        """
        try:
            return self._properties[name]
        except KeyError:
            raise UnexpectedAnswer(
                f"{self.kind or 'An object'} without property {name}"
                f"{' in ' + self.place if self.place else ''}: export the whole object, "
                f"or add {name} to its Select-Object."
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._properties)

    def __len__(self) -> int:
        return len(self._properties)

    def __contains__(self, name: object) -> bool:
        return name in self._properties

    def __repr__(self) -> str:
        return f"PsObject({dict(self._properties)!r}, {self.types!r}, {self.text!r})"

    def optional(self, name: str) -> PsValue:
        """The value of a property that may be left out; None then, as for a property without one.

        For properties that not every version of Exchange has.
        """
        return self._properties.get(name)

    @property
    def kind(self) -> str:
        """Last part of the first type name: `Mailbox`, `ExchangeServer`; '' without type names.

        `Selected.` (left by Select-Object) and `Deserialized.` (left by remoting) do not count.
        """
        return kind_of(self.types[0]) if self.types else ""


def kind_of(type_name: str) -> str:
    """Last part of a .NET type name, without `Selected.`, `Deserialized.` and type arguments."""
    while type_name.startswith(_PREFIXES):
        type_name = type_name.partition(".")[2]
    return re.split(r"[`\[,]", type_name, maxsplit=1)[0].rpartition(".")[2]


def unescaped(text: str) -> str:
    """Text with its `_xHHHH_` escapes decoded, [MS-PSRP] 2.2.5.3.2.

    Each escape is one UTF-16 unit: two of them may be the halves of one character, and
    `_x005F_` is an underscore that would otherwise have started an escape.
    """
    return _ESCAPES.sub(_characters, text) if "_x" in text else text


def _characters(escapes: re.Match[str]) -> str:
    run = escapes.group()
    units = b"".join(
        int(run[at : at + 4], 16).to_bytes(2, "little") for at in range(2, len(run), 7)
    )
    return units.decode("utf-16-le", "surrogatepass")
