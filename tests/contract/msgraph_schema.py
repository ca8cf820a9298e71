"""Schemas out of msgraph-sdk, whose builders and models Microsoft generates from its metadata.

For what the slice of the metadata lacks. A generated model tells the name, type and values of every
property; it does not tell which may be null, so every single value but the key may be. A collection
never is (OData 4.01, JSON format, 7).
"""

from __future__ import annotations

import asyncio
import importlib
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import unquote
from uuid import UUID

Schema = dict[str, Any]
Builder = Callable[[Any], Any]

NAMESPACE = "microsoft.graph."
PLAIN: dict[str, Schema] = {
    "get_bool_value": {"type": "boolean"},
    "get_bytes_value": {"type": "string"},
    "get_date_value": {"type": "string", "format": "date"},
    "get_datetime_value": {"type": "string", "format": "date-time"},
    "get_float_value": {"type": "number"},
    "get_int_value": {"type": "integer"},
    "get_str_value": {"type": "string"},
    "get_time_value": {"type": "string"},
    "get_timedelta_value": {"type": "string"},
    "get_uuid_value": {"type": "string", "format": "uuid"},
}
PRIMITIVES: dict[type, Schema] = {
    UUID: {"type": "string", "format": "uuid"},
    bool: {"type": "boolean"},
    float: {"type": "number"},
    int: {"type": "integer"},
    str: {"type": "string"},
}


@dataclass(frozen=True)
class Reading:
    """One GET of the SDK: its path below /v1.0, its query options, and the model of its answer."""

    path: str
    options: tuple[str, ...]
    answer: type


class _Noting:
    """Stands where a request adapter stands; keeps what would have been sent and decoded."""

    base_url = ""

    def __init__(self) -> None:
        self.url_template = ""
        self.answer: type = object

    def enable_backing_store(self, _factory: object) -> None:
        """The client calls it when it is built."""

    async def send_async(self, request: Any, answer: type, _errors: object) -> None:
        self.url_template, self.answer = request.url_template, answer


class _PropertyNode:
    """Stands where a parse node stands; keeps which value a deserializer asks it for."""

    def __init__(self) -> None:
        self.asked = ""
        self.kind: type | None = None

    def __getattr__(self, name: str) -> Callable[..., None]:
        def note(kind: type | None = None) -> None:
            self.asked, self.kind = name, kind

        return note


def reading(builder: Builder) -> Reading:
    """The GET behind the request builder that `builder` picks from a GraphServiceClient."""
    adapter = _Noting()
    with warnings.catch_warnings():
        # every builder warns on import of a class that its generator still writes into it
        warnings.simplefilter("ignore", DeprecationWarning)
        client = importlib.import_module("msgraph").GraphServiceClient(request_adapter=adapter)
        asyncio.run(builder(client).get())
    found = re.fullmatch(r"\{\+baseurl\}([^?]*?)(?:\{\?([^}]*)\})?", adapter.url_template)
    if found is None:
        raise ValueError(f"a request of msgraph-sdk has no path: {adapter.url_template}")
    path = re.sub(r"\{[^}]*\}", "{id}", found[1])
    return Reading(path, tuple(unquote(found[2] or "").split(",")), adapter.answer)


def item_of(answer: type) -> type | None:
    """The model of one row where `answer` is a page of rows; None where it is a single object."""
    for name, node in _properties(answer):
        if name == "value" and node.asked == "get_collection_of_object_values":
            return node.kind
    return None


def type_name(model: type) -> str:
    """The name Microsoft's metadata has for a model: microsoft.graph.authorizationPolicy."""
    return NAMESPACE + model.__name__[0].lower() + model.__name__[1:]


def add_type(schemas: dict[str, Schema], model: type) -> None:
    """Add a model, and the complex types and values it is made of, under names not taken yet.

    Properties that lead to other entities stay out: Graph sends those for $expand alone.
    """
    name = type_name(model)
    if name in schemas:
        return
    properties: dict[str, Schema] = {}
    schemas[name] = {"title": model.__name__, "type": "object", "properties": properties}
    for key, node in _properties(model):
        if key.startswith("@") or _is_entity(node.kind):
            continue
        value = _value(schemas, node)
        never_null = key == "id" or value.get("type") == "array"
        properties[key] = value if never_null else {"anyOf": [value, {"type": "null"}]}


def add_property(schemas: dict[str, Schema], owner: str, name: str) -> None:
    """Add a property, and the type it holds, to a type that is there already."""
    models = "msgraph.generated.models."
    file = re.sub("([A-Z])", lambda letter: f"_{letter[1].lower()}", owner)
    model = getattr(importlib.import_module(models + file), owner[0].upper() + owner[1:])
    value = _value(schemas, dict(_properties(model))[name])
    properties = schemas[NAMESPACE + owner]["properties"]
    properties[name] = {"anyOf": [value, {"type": "null"}]}


def _value(schemas: dict[str, Schema], node: _PropertyNode) -> Schema:
    if node.asked in PLAIN:
        return dict(PLAIN[node.asked])
    if node.kind is None:
        raise ValueError(f"msgraph-sdk reads a property in an unknown way: {node.asked}")
    if node.kind in PRIMITIVES:
        one = dict(PRIMITIVES[node.kind])
    elif issubclass(node.kind, Enum):
        one = {"type": "string", "enum": [member.value for member in node.kind]}
    else:
        add_type(schemas, node.kind)
        one = {"$ref": f"#/components/schemas/{type_name(node.kind)}"}
    return {"type": "array", "items": one} if "collection" in node.asked else one


def _properties(model: type) -> Iterator[tuple[str, _PropertyNode]]:
    for name, deserialize in model().get_field_deserializers().items():
        node = _PropertyNode()
        deserialize(node)
        yield name, node


def _is_entity(kind: type | None) -> bool:
    entity = importlib.import_module("msgraph.generated.models.entity").Entity
    return kind is not None and issubclass(kind, entity)
