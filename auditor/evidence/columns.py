"""Which columns the table of a model has, as DuckDB spells names and types."""

from __future__ import annotations

import datetime as dt
import enum
import types
from collections.abc import Iterator
from typing import Literal, Union, get_args, get_origin

from auditor.evidence.base import Evidence

SQL_TYPES = {
    str: "VARCHAR",
    int: "BIGINT",
    bool: "BOOLEAN",
    float: "DOUBLE",
    dt.datetime: "TIMESTAMP",
    dt.date: "DATE",
}


def column_types(model: type[Evidence]) -> Iterator[tuple[str, str]]:
    """Name and type of each column; raises TypeError for a field that can be none."""
    for name, field in model.model_fields.items():
        yield name, _sql_type(field.annotation)[0]


def column_definitions(model: type[Evidence]) -> str:
    """The columns as `create table` takes them: NOT NULL wherever the model allows no None."""
    columns = []
    for name, field in model.model_fields.items():
        kind, optional = _sql_type(field.annotation)
        columns.append(f'"{name}" {kind}' + ("" if optional else " not null"))
    return ", ".join(columns)


def _sql_type(annotation: object) -> tuple[str, bool]:
    """DuckDB's type of a field, and whether it may be NULL; raises TypeError for other types."""
    if get_origin(annotation) in {Union, types.UnionType}:
        kinds = [part for part in get_args(annotation) if part is not type(None)]
        if len(kinds) == 1 and len(get_args(annotation)) == 2:
            return _sql_type(kinds[0])[0], True
    elif hasattr(annotation, "__metadata__"):
        return _sql_type(get_args(annotation)[0])
    elif get_origin(annotation) is Literal:
        if all(isinstance(value, str) for value in get_args(annotation)):
            return "VARCHAR", False
    elif isinstance(annotation, type):
        if issubclass(annotation, enum.StrEnum):
            return "VARCHAR", False
        if annotation in SQL_TYPES:
            return SQL_TYPES[annotation], False
    raise TypeError(f"a table column cannot be of type {annotation}")
