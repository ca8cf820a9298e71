"""The contract of Graph v1.0 as OpenAPI 3.1: what a reader may ask for, and what may be answered.

Paths, types, properties and values are Microsoft's: from the slice of its v1.0 metadata, turned
into OpenAPI by OASIS's odata-openapi, and for what the slice lacks from msgraph-sdk. Ours is what
neither says: that we only read, how high $top may be, that an unknown property is a mistake.
"""

from __future__ import annotations

import json
import re
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.contract import msgraph_schema
from tests.contract.msgraph_schema import NAMESPACE, Builder, Schema

VERSION = "/v1.0"
EDM = "{http://docs.oasis-open.org/odata/ns/edm}"

FROM_THE_SDK: tuple[Builder, ...] = (
    lambda graph: graph.oauth2_permission_grants,
    lambda graph: graph.policies.authorization_policy,
    lambda graph: graph.reports.authentication_methods.user_registration_details,
    lambda graph: graph.service_principals.by_service_principal_id("id").app_role_assigned_to,
    lambda graph: graph.directory.deleted_items.graph_user,
)
"""Paths that the slice lacks."""

PROPERTIES_FROM_THE_SDK = (
    # it leads to another entity, and Graph sends it without $expand all the same
    # (the answer of "List policies" of Conditional Access)
    ("conditionalAccessGrantControls", "authenticationStrength"),
)

HIGHEST_TOP = {
    # "the default and maximum page sizes are 100 and 999": List users, List applications,
    # List servicePrincipals, List deletedItems
    "/users": 999,
    "/applications": 999,
    "/servicePrincipals": 999,
    "/directory/deletedItems/graph.user": 999,
    # pages of 1,000 at most: List signIns, List directoryAudits
    "/auditLogs/signIns": 1000,
    "/auditLogs/directoryAudits": 1000,
}
ONLY_OPTIONS = {
    # "supports only the $select OData query parameter": List subscribedSkus
    "/subscribedSkus": {"$select"},
    # "supports only the $filter and $orderBy OData query parameters": List userRegistrationDetails
    "/reports/authenticationMethods/userRegistrationDetails": {"$filter", "$orderby"},
}
OF_NEXT_LINKS = {"$skiptoken"}

_HAS_KINDS = {"namedLocation"}
"""Bases of types that the slice lacks, beside those that the metadata calls abstract."""


def graph_contract(metadata: Path, converter: Path, folder: Path) -> Schema:
    """The contract, made from Microsoft's metadata in `metadata`.

    `converter` is the program odata-openapi3; its answer is left in `folder`. Raises
    CalledProcessError where it refuses the metadata.
    """
    converted = folder / "graph.openapi.json"
    subprocess.run(
        [converter, "--openapi-version", "3.1.0", "--skipBatchPath", "-t", converted, metadata],
        check=True,
        capture_output=True,
    )
    document: Schema = json.loads(converted.read_text(encoding="utf-8"))
    schemas: dict[str, Schema] = {
        name: schema
        for name, schema in document["components"]["schemas"].items()
        if not name.endswith(("-create", "-update"))
    }
    paths = {path: item for path, item in document["paths"].items() if "get" in item}
    for builder in FROM_THE_SDK:
        reading = msgraph_schema.reading(builder)
        paths[reading.path] = _read_path(schemas, reading)
    for owner, name in PROPERTIES_FROM_THE_SDK:
        msgraph_schema.add_property(schemas, owner, name)
    root = ET.parse(metadata).getroot()
    _combine_flags(schemas, root)
    _close(schemas, _abstract(root) | _HAS_KINDS)
    document["components"]["schemas"] = schemas
    document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"token": []}]
    document["paths"] = {VERSION + path: _read_only(path, item) for path, item in paths.items()}
    document["servers"] = [{"url": "http://127.0.0.1"}]
    return document


def unnamed_options(contract: Schema, urls: Iterable[str]) -> list[str]:
    """Query options in `urls` that their path does not have, as 'path: option'.

    Prism lets an option pass that it does not know; Graph ignores one, or refuses the request.
    """
    unnamed = []
    for url in urls:
        asked = urlsplit(url)
        known = OF_NEXT_LINKS | {
            parameter.get("name") or "$" + parameter["$ref"].rpartition("/")[2]
            for path, item in contract["paths"].items()
            if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)), asked.path)
            for parameter in item["get"]["parameters"]
        }
        options = parse_qsl(asked.query, keep_blank_values=True)
        unnamed += [f"{asked.path}: {name}" for name, _ in options if name not in known]
    return unnamed


def _read_path(schemas: dict[str, Schema], reading: msgraph_schema.Reading) -> Schema:
    """The path of a GET that the SDK has and the slice lacks."""
    item = msgraph_schema.item_of(reading.answer)
    model = item or reading.answer
    msgraph_schema.add_type(schemas, model)
    name = msgraph_schema.type_name(model)
    schema: Schema = {"$ref": f"#/components/schemas/{name}"}
    if item is not None:
        schema = {"type": "object", "properties": {"value": {"type": "array", "items": schema}}}
    selectable = [key for key in schemas[name]["properties"] if "@" not in key]
    return {
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in re.findall(r"\{(\w+)\}", reading.path)
        ],
        "get": {
            "parameters": [_option(name, selectable) for name in reading.options],
            "responses": {"200": {"description": "read", "content": _json(schema)}},
        },
    }


def _option(name: str, selectable: list[str]) -> Schema:
    schema: Schema = {"type": "string"}
    if name == "$select":
        schema = {"type": "array", "items": {"type": "string", "enum": selectable}}
    return {"name": name, "in": "query", "explode": False, "schema": schema}


def _read_only(path: str, item: Schema) -> Schema:
    """The path without its writing methods, with its limits and closed pages."""
    get: Schema = item["get"]
    only = ONLY_OPTIONS.get(path)
    parameters = []
    for parameter in get.get("parameters", []):
        name = parameter.get("name") or "$" + parameter["$ref"].rpartition("/")[2]
        if only is None or name in only:
            parameters.append(_top(path) if name == "$top" else parameter)
    answer = get["responses"]["200"]["content"]["application/json"]["schema"]
    if "value" in answer.get("properties", {}):
        answer["required"] = ["value"]
        answer["properties"]["@odata.nextLink"] = {"type": "string", "format": "uri"}
        _close_object(answer)
    get["parameters"] = parameters
    refusal = {"description": "refused", "content": _json({"$ref": "#/components/schemas/error"})}
    get["responses"] |= {"4XX": refusal, "5XX": refusal}
    return {"parameters": item.get("parameters", []), "get": get}


def _top(path: str) -> Schema:
    limit: Schema = {"maximum": HIGHEST_TOP[path]} if path in HIGHEST_TOP else {}
    return {"name": "$top", "in": "query", "schema": {"type": "integer", "minimum": 1, **limit}}


def _close(schemas: dict[str, Schema], open_types: set[str]) -> None:
    for name, schema in schemas.items():
        is_ours_to_close = name.startswith(NAMESPACE) and "properties" in schema
        if is_ours_to_close and "anyOf" not in schema and schema["title"] not in open_types:
            _close_object(schema)


def _close_object(schema: Schema) -> None:
    # notes of OData on an object or a property: @odata.id, authenticationStrength@odata.context
    schema["patternProperties"] = {"@(odata|microsoft[.]graph)[.]": {}}
    schema["additionalProperties"] = False


def _combine_flags(schemas: dict[str, Schema], root: ET.Element) -> None:
    """Flags come as names with commas between; odata-openapi allows one name alone."""
    for flags in root.iter(f"{EDM}EnumType"):
        name = NAMESPACE + flags.attrib["Name"]
        if flags.get("IsFlags") == "true" and name in schemas:
            one = f"({'|'.join(schemas[name].pop('enum'))})"
            schemas[name]["pattern"] = f"^{one}(,{one})*$"


def _abstract(root: ET.Element) -> set[str]:
    """Names of types that only ever come as one of their kinds."""
    kinds = [*root.iter(f"{EDM}EntityType"), *root.iter(f"{EDM}ComplexType")]
    return {kind.attrib["Name"] for kind in kinds if kind.get("Abstract") == "true"}


def _json(schema: Schema) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
