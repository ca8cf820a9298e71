"""Rows of Exchange Online's admin REST endpoint: values of cmdlets with notes about their types.

The endpoint gives GUIDs, times and lists as JSON text and arrays, with the type in a note beside
the value; sizes, quotas and time spans are text as PowerShell prints it.
"""

from __future__ import annotations

from auditor.lab import directory_names
from auditor.lab.organization import TENANT_DOMAIN
from auditor.lab.tenant_rows import Row

_HOSTED = (
    f"OU={TENANT_DOMAIN},OU=Microsoft Exchange Hosted Organizations,DC=EURP190A001,DC=prod,"
    "DC=outlook,DC=com"
)
CONFIGURATION = (
    f"CN=Configuration,CN={TENANT_DOMAIN},CN=ConfigurationUnits,DC=EURP190A001,DC=prod,"
    "DC=outlook,DC=com"
)
_UNITS = (("TB", 40), ("GB", 30), ("MB", 20), ("KB", 10))


class Guid(str):
    """Text that a note calls a GUID."""

    __slots__ = ()


class TypedTime(str):
    """Text that a note calls a time."""

    __slots__ = ()


def with_notes(row: Row) -> Row:
    """The row with a note before each value that needs one."""
    noted: Row = {}
    for name, value in row.items():
        if isinstance(value, Guid):
            noted[f"{name}@data.type"] = "System.Guid"
        elif isinstance(value, TypedTime):
            noted[f"{name}@data.type"] = "System.DateTime"
        elif isinstance(value, list):
            noted[f"{name}@data.type"] = "System.Collections.Generic.List`1[System.String]"
            noted[f"{name}@odata.type"] = "#Collection(String)"
        noted[name] = value
    return noted


def hosted_name(common_name: str) -> str:
    """Distinguished name of a recipient in Microsoft's directory."""
    return f"CN={directory_names.escaped(common_name)},{_HOSTED}"


def size(byte_count: int) -> str:
    """A size as PowerShell prints it: `150 MB (157,286,400 bytes)`."""
    unit, shift = next((each for each in _UNITS if byte_count >= 1 << each[1]), ("B", 0))
    whole = byte_count / (1 << shift)
    return f"{whole:.4g} {unit} ({byte_count:,} bytes)"
