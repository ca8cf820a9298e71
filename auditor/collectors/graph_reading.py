"""What values of Graph become in evidence.

Graph writes `null` for what is empty and for what the account may not see, and leaves out what a
cloud does not have. `said` is whether the property came and the object can be read: an absent one
stays None, a `null` that was said is '' for text.
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Iterable
from datetime import datetime

from auditor.errors import UnexpectedAnswer
from auditor.sources.graph import GraphObject

GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HEXADECIMAL_THUMBPRINT = re.compile(r"[0-9a-fA-F]{40}")
_THUMBPRINT_BYTES = 20

MOST_IN_A_FILTER = 15
"""Values that one `in` of a $filter may hold (documented: advanced query capabilities)."""


def selected(model: type[GraphObject]) -> str:
    """A $select of just the properties that a model reads."""
    return ",".join(field.alias or name for name, field in model.model_fields.items())


def text(value: str | None, said: bool) -> str | None:
    """Text as it was written."""
    return "" if value is None and said else value


def synchronised(value: bool | None, said: bool) -> bool | None:
    """onPremisesSyncEnabled: null where the object was never synchronised (documented)."""
    return False if value is None and said else value


def moment(value: datetime | None) -> datetime | None:
    """A time, which Graph writes in UTC; None also for year 1, its word for never.

    Raises UnexpectedAnswer for a time without a zone.
    """
    if value is None or value.year <= 1:
        return None
    if value.tzinfo is None:
        raise UnexpectedAnswer(
            f"the time {value.isoformat()} has no zone, where Graph writes all times in UTC: "
            "report it."
        )
    return value


def object_guid(immutable_id: str | None) -> str | None:
    """The GUID that an onPremisesImmutableId is, in lower case; '' for what is none.

    Entra Connect writes the sixteen bytes of objectGUID or mS-DS-ConsistencyGuid as base64
    (documented: "Design concepts", sourceAnchor); the first three groups are little-endian.
    """
    if not immutable_id:
        return immutable_id
    try:
        stored = binascii.a2b_base64(immutable_id, strict_mode=True)
    except ValueError:
        return ""
    return str(uuid.UUID(bytes_le=stored)) if len(stored) == 16 else ""


def thumbprint(custom_key_identifier: str | None) -> str | None:
    """SHA-1 thumbprint of a certificate, upper case as Exchange shows it; None where not told.

    customKeyIdentifier defaults to the thumbprint, as base64 or in hexadecimal digits (both in the
    examples of its documentation); whoever adds the key may write something else there.
    """
    written = custom_key_identifier or ""
    if _HEXADECIMAL_THUMBPRINT.fullmatch(written):
        return written.upper()
    try:
        stored = base64.b64decode(written, validate=True)
    except ValueError:
        return None
    if len(stored) == _THUMBPRINT_BYTES:
        return stored.hex().upper()
    digits = stored.decode("ascii", "replace")
    return digits.upper() if _HEXADECIMAL_THUMBPRINT.fullmatch(digits) else None


def one_of(property_name: str, values: Iterable[str]) -> str:
    """A $filter for objects whose property is one of these words; each must be a GUID."""
    listed = ",".join(f"'{value}'" for value in values)
    return f"{property_name} in ({listed})"


def guid_of(value: str | None, what: str) -> str:
    """A GUID in lower case; raises UnexpectedAnswer for anything else."""
    if value is None or not GUID.fullmatch(value):
        raise UnexpectedAnswer(f"{what} is {str(value)[:40]!r}, where a GUID belongs: report it.")
    return value.lower()
