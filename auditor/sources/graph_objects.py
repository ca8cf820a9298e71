"""Base models for what Microsoft Graph answers: few properties, read straight from the bytes.

The models of msgraph-sdk cost about ten milliseconds an object and turn an enumeration value they
do not know into None; one of these costs about ten microseconds and keeps what was written.
"""

from __future__ import annotations

from typing import Annotated, Generic, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

T = TypeVar("T")

Many: TypeAlias = Annotated[tuple[T, ...], Field(fail_fast=True)]
"""A list of Graph's. Its first value that does not fit ends the reading: an error for each of a
million values would cost a gigabyte."""

Whole: TypeAlias = Annotated[int, Field(ge=-(2**63), lt=2**63)]
"""A whole number. Graph documents none that is larger, and no table holds one."""


class GraphObject(BaseModel):
    """One object as Graph wrote it; a subclass names the properties it wants, in snake case.

    `on_premises_sync_enabled` reads `onPremisesSyncEnabled`; what does not follow that rule has an
    `alias` of its own. A property that is absent keeps its default and is missing in
    `model_fields_set`; one that was `null` is None and present there. Lists are tuples, which are
    read a little faster: `Many`. Nothing is converted: `"true"` is no boolean.
    """

    model_config = ConfigDict(
        frozen=True, extra="ignore", strict=True, alias_generator=to_camel, cache_strings="keys"
    )


class GraphPage(GraphObject, Generic[T]):
    """One page of a collection. A page without rows is not the end; one without a link is."""

    value: Many[T]
    next_link: str | None = Field(default=None, alias="@odata.nextLink")
