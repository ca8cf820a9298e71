"""Writes objects of a shell as CLIXML ([MS-PSRP] 2.2.5), in the two shapes Exchange hands out."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import Enum

from auditor.lab.shell_objects import (
    Described,
    Guid,
    Many,
    Member,
    ShellObject,
    TypeNames,
    Uri,
    Value,
)

HEADER = '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
FOOTER = "</Objs>"

_UNFIT = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\U00010000-\U0010ffff&<>]|_(?=[xX])"
)
_MARKUP = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class Shape(Enum):
    """How much of a value survives.

    `FULL` is what Export-Clixml writes in the Exchange Management Shell: a value of an Exchange
    type is an object with its text. `PARTIAL` is what a plain session on `/PowerShell` answers:
    there the same value is its text alone.
    """

    FULL = "full"
    PARTIAL = "partial"


def escaped(text: str) -> str:
    """Text as an element holds it.

    What XML cannot hold and everything beyond the basic plane become `_xHHHH_`, one for each unit
    of UTF-16; an underscore that would read as such an escape is escaped itself ([MS-PSRP]
    2.2.5.3.2).
    """
    return _UNFIT.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    character = found.group()
    if character in _MARKUP:
        return _MARKUP[character]
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"_x{units[at] << 8 | units[at + 1]:04X}_" for at in range(0, len(units), 2))


def file_text(objects: Iterable[ShellObject], shape: Shape = Shape.FULL) -> Iterator[str]:
    """A file of Export-Clixml, piece by piece: one object each, between header and footer."""
    serializer = Serializer(shape)
    yield HEADER
    for found in objects:
        yield serializer.object(found)
    yield FOOTER


class Serializer:
    """One stream of objects: numbers them, and names each type once and refers to it later."""

    def __init__(self, shape: Shape) -> None:
        self._full = shape is Shape.FULL
        self._next = 0
        self._types: dict[TypeNames, int] = {}

    def object(self, found: ShellObject, name: str = "") -> str:
        """One object with all its properties."""
        parts = [self._opening(found.types, name)]
        if found.text is not None:
            parts.append(f"<ToString>{escaped(found.text)}</ToString>")
        for holder, members in (("Props", found.properties), ("MS", found.notes)):
            if members:
                parts.append(f"<{holder}>")
                parts.extend([self._value(value, f' N="{key}"') for key, value in members.items()])
                parts.append(f"</{holder}>")
        parts.append("</Obj>")
        return "".join(parts)

    def _opening(self, types: TypeNames, name: str) -> str:
        number = self._next
        self._next = number + 1
        known = self._types.get(types)
        if known is not None:
            return f'<Obj{name} RefId="{number}"><TNRef RefId="{known}" />'
        known = self._types[types] = len(self._types)
        names = "".join([f"<T>{escaped(each)}</T>" for each in types])
        return f'<Obj{name} RefId="{number}"><TN RefId="{known}">{names}</TN>'

    def _value(self, value: Value, name: str) -> str:
        if isinstance(value, str):
            return _text(value, name)
        if isinstance(value, Member | Described):
            return self._described(value, name) if self._full else _text(value.text, name)
        if isinstance(value, Many):
            items = "".join([self._value(item, "") for item in value.items])
            return f"{self._opening(value.types, name)}<LST>{items}</LST></Obj>"
        if isinstance(value, ShellObject):
            return self.object(value, name)
        return _scalar(value, name)

    def _described(self, value: Member | Described, name: str) -> str:
        opening = f"{self._opening(value.types, name)}<ToString>{escaped(value.text)}</ToString>"
        if isinstance(value, Member):
            return f"{opening}{_scalar(value.number, '')}</Obj>"
        inner = "".join([self._value(each, f' N="{key}"') for key, each in value.properties])
        return f"{opening}<Props>{inner}</Props></Obj>"


def _text(value: str, name: str) -> str:
    if type(value) is str:
        return f"<S{name}>{escaped(value)}</S>"
    if isinstance(value, Guid):
        return f"<G{name}>{value}</G>"
    tag = "URI" if isinstance(value, Uri) else "S"
    return f"<{tag}{name}>{escaped(value)}</{tag}>"


def _scalar(value: float | bytes | datetime | None, name: str) -> str:
    if value is None:
        return f"<Nil{name} />"
    if isinstance(value, bool):
        return f"<B{name}>{'true' if value else 'false'}</B>"
    if isinstance(value, datetime):
        return f"<DT{name}>{value.isoformat().replace('+00:00', 'Z')}</DT>"
    if isinstance(value, bytes):
        return f"<BA{name}>{base64.b64encode(value).decode()}</BA>"
    if isinstance(value, float):
        return f"<Db{name}>{value!r}</Db>"
    tag = "I32" if -(1 << 31) <= value < 1 << 31 else "I64"
    return f"<{tag}{name}>{value}</{tag}>"
