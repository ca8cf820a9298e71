"""What an account may read of an object: the schema, the access list, and values as canaries.

A directory answers a value that may not be read exactly as one that is not there, and the search
succeeds all the same. So a value that did not come is taken as empty only where the access list of
the object says that the account would have been shown it, or, where the list itself is not shown,
where another value of the same property set came.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from auditor.errors import AccessDenied
from auditor.sources.directory import SECURITY_DESCRIPTOR, Directory, Entry, filter_value
from auditor.sources.security_descriptor import (
    CONTROL_ACCESS,
    LIST_CHILDREN,
    READ_PROPERTY,
    AccessList,
    access_list,
    granted,
    inherits_nothing,
)

_CONFIDENTIAL = 128
"""fCONFIDENTIAL of searchFlags ([MS-ADTS] 2.2.9): reading needs the right CONTROL_ACCESS, too."""

_ASKED_AT_ONCE = 50
_ALWAYS_THERE = "cn"
_LISTS_KEPT = 5_000


@dataclass(frozen=True)
class SchemaAttribute:
    """An attribute as the schema has it; GUIDs as stored, of no property set b''."""

    name: str
    guid: bytes
    property_set: bytes
    confidential: bool


@dataclass(frozen=True)
class Schema:
    """The part of a forest's schema that collectors ask for.

    `attributes` by the name the collector uses, `classes` the GUIDs of those that exist by name,
    `property_sets` the name that dialogs and dsacls show by GUID.
    """

    attributes: Mapping[str, SchemaAttribute]
    classes: Mapping[str, str]
    property_sets: Mapping[str, str]


def read_schema(
    directory: Directory, attributes: Iterable[str], classes: Collection[str]
) -> Schema:
    """What the schema says of attributes and classes; those it does not know are left out.

    Raises AccessDenied where not even an attribute comes that every directory has.
    """
    asked = {name.lower(): name for name in (*attributes, _ALWAYS_THERE)}
    wanted = {name.lower(): name for name in classes}
    found: dict[str, SchemaAttribute] = {}
    known: dict[str, str] = {}
    for entry in _schema_objects(directory, [*asked, *wanted]):
        values = entry.attributes
        name = _text(values, "lDAPDisplayName").lower()
        kinds = {kind.lower() for kind in values.get("objectClass", ())}
        if b"classschema" in kinds and name in wanted:
            known[wanted[name]] = guid_text(values.get("schemaIDGUID", [b""])[0])
        elif b"attributeschema" in kinds and name in asked and values.get("schemaIDGUID"):
            found[asked[name]] = SchemaAttribute(
                name=asked[name],
                guid=values["schemaIDGUID"][0],
                property_set=values.get("attributeSecurityGUID", [b""])[0],
                confidential=bool(_whole(values, "searchFlags") & _CONFIDENTIAL),
            )
    if _ALWAYS_THERE not in found:
        raise AccessDenied(
            f"{directory.server} shows {directory.account} nothing of its schema, so that empty "
            f"and hidden values cannot be told apart: let the account read "
            f"{directory.root_dse.schema}."
        )
    sets = {found[name].property_set for name in found} - {b""}
    return Schema(found, known, _property_set_names(directory, sets))


def _schema_objects(directory: Directory, names: list[str]) -> Iterable[Entry]:
    for start in range(0, len(names), _ASKED_AT_ONCE):
        some = "".join(
            f"(lDAPDisplayName={filter_value(name)})" for name in names[start:][:_ASKED_AT_ONCE]
        )
        yield from directory.search(
            directory.root_dse.schema,
            f"(|{some})",
            (
                *("objectClass", "lDAPDisplayName", "schemaIDGUID"),
                *("attributeSecurityGUID", "searchFlags"),
            ),
            "level",
        )


def _property_set_names(directory: Directory, sets: Collection[bytes]) -> dict[str, str]:
    guids = sorted(guid_text(each) for each in sets)
    if not guids:
        return {}
    some = "".join(f"(rightsGuid={guid})" for guid in guids)
    names = dict.fromkeys(guids, "")
    for entry in directory.search(
        f"CN=Extended-Rights,{directory.root_dse.configuration}",
        f"(|{some})",
        ("rightsGuid", "displayName"),
        "level",
    ):
        guid = _text(entry.attributes, "rightsGuid").lower()
        if guid in names:
            names[guid] = _text(entry.attributes, "displayName")
    return names


def guid_text(stored: bytes) -> str:
    """A GUID as it is written, of sixteen bytes as Active Directory stores them; '' for others."""
    return str(uuid.UUID(bytes_le=stored)) if len(stored) == 16 else ""


def _text(values: Mapping[str, list[bytes]], name: str) -> str:
    return values[name][0].decode("utf-8", "replace") if values.get(name) else ""


def _whole(values: Mapping[str, list[bytes]], name: str) -> int:
    text = _text(values, name)
    return int(text) if text.lstrip("-").isdecimal() and len(text) < 20 else 0


class Rights:
    """Judges what did not come. Access lists repeat, so each is judged once."""

    def __init__(self, schema: Schema, token: frozenset[bytes] | None) -> None:
        self.schema = schema
        self._token = token
        self._lists: dict[bytes, AccessList] = {}
        self._shown: dict[bytes, dict[str, bool]] = {}
        self._siblings: dict[bytes, list[str]] = {}
        for attribute in schema.attributes.values():
            if attribute.property_set:
                self._siblings.setdefault(attribute.property_set, []).append(attribute.name)

    def may_read(self, entry: Entry, name: str) -> bool:
        """Whether the account is shown this attribute of this object, had it a value.

        False too for what the schema does not know, since then the source said nothing of it.
        """
        if name in entry.attributes:
            return True
        attribute = self.schema.attributes.get(name)
        if attribute is None:
            return False
        descriptor = self._descriptor(entry)
        if descriptor is None:
            return not attribute.confidential and any(
                sibling in entry.attributes
                for sibling in self._siblings.get(attribute.property_set, ())
            )
        shown = self._shown.setdefault(descriptor, {})
        if name not in shown:
            shown[name] = self._judge(descriptor, attribute)
        return shown[name]

    def judges(self, entry: Entry) -> bool:
        """Whether the access list of the object is known, so that nothing has to be inferred."""
        return self._descriptor(entry) is not None

    def inherits_nothing(self, entry: Entry) -> bool | None:
        """Whether the object is closed to grants from above; None where its list is not shown."""
        came = entry.attributes.get(SECURITY_DESCRIPTOR)
        if not came:
            return None
        try:
            return inherits_nothing(came[0])
        except ValueError:
            return None

    def may_list(self, entry: Entry) -> bool:
        """Whether the account sees the objects below this one; False where the list is hidden."""
        descriptor = self._descriptor(entry)
        if descriptor is None:
            return False
        return granted(self._lists[descriptor], self._token or (), LIST_CHILDREN)

    def _descriptor(self, entry: Entry) -> bytes | None:
        """The access list as it came, parsed and kept; None where it cannot be judged."""
        came = entry.attributes.get(SECURITY_DESCRIPTOR)
        if not came or self._token is None:
            return None
        descriptor = came[0]
        if descriptor not in self._lists:
            if len(self._lists) >= _LISTS_KEPT:
                self._lists.clear()
                self._shown.clear()
            try:
                self._lists[descriptor] = access_list(descriptor)
            except ValueError:
                return None
        return descriptor

    def _judge(self, descriptor: bytes, attribute: SchemaAttribute) -> bool:
        objects = {attribute.guid, attribute.property_set} - {b""}
        entries, token = self._lists[descriptor], self._token or frozenset()
        return granted(entries, token, READ_PROPERTY, objects) and (
            not attribute.confidential or granted(entries, token, CONTROL_ACCESS, objects)
        )
