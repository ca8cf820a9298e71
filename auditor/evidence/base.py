"""What every table of evidence has in common."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time without a zone; write it in UTC, ending in Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time that UTC has no year for") from None


UtcTime = Annotated[datetime, AfterValidator(_in_utc)]
"""A point in time, always in UTC."""


class Evidence(BaseModel):
    """One row of evidence. The class is the table, its fields are the columns.

    `None` means only one thing: the source did not say. A value that was read and is empty is the
    empty string, so that `target_owa_url = ''` is a finding and `target_owa_url is null` a gap.
    `key` names the columns that identify a row.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    table: ClassVar[str]
    key: ClassVar[tuple[str, ...]]
