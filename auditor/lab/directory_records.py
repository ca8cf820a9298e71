"""Objects of a directory on their way into a file: records of LDIF (RFC 2849)."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from auditor.lab.draws import guid

Value = str | bytes | int | bool | datetime
Values = dict[str, Value | list[Value] | list[str] | list[bytes]]

_SAFE = re.compile(r"(?:[\x21-\x39\x3b\x3d-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?")
"""Text that LDIF carries as it is: it starts with no blank, colon or less-than sign."""


@dataclass(frozen=True, slots=True)
class Record:
    """An object: its distinguished name, and values by attribute."""

    dn: str
    values: Values


def node(dn: str, kind: str, values: Values | None = None) -> Record:
    """An object of one class; its name and a GUID are made up unless `values` hold them."""
    attribute, _, label = dn.partition(",")[0].partition("=")
    named: Values = {"ou": label} if attribute == "OU" else {"cn": label}
    return Record(
        dn,
        {
            "objectClass": ["top", kind],
            "objectGUID": uuid.UUID(guid(0, "node", dn)).bytes_le,
            **named,
            **(values or {}),
        },
    )


def ldif(records: Iterable[Record]) -> Iterator[str]:
    """Records as text, one after the other."""
    for record in records:
        lines = [_line("dn", record.dn)]
        for name, values in record.values.items():
            many: Sequence[Value] = values if isinstance(values, list) else [values]
            lines.extend([_line(name, value) for value in many])
        yield "\n".join(lines) + "\n\n"


def generalized_time(moment: datetime) -> str:
    """A time as directories write it (RFC 4517, 3.3.13), such as `20261101000000.0Z`."""
    return moment.strftime("%Y%m%d%H%M%S.0Z")


def _line(name: str, value: Value) -> str:
    if isinstance(value, bytes):
        return f"{name}:: {base64.b64encode(value).decode()}"
    if isinstance(value, bool):
        return f"{name}: {'TRUE' if value else 'FALSE'}"
    text = generalized_time(value) if isinstance(value, datetime) else str(value)
    if _SAFE.fullmatch(text):
        return f"{name}: {text}"
    return f"{name}:: {base64.b64encode(text.encode()).decode()}"
