"""The catalogue as a schema that OpenLDAP loads, and as the LDIF that extends Active Directory."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from auditor.lab.directory_catalogue import (
    ATTRIBUTES,
    BUILT_IN_CLASSES,
    BY_NAME,
    CLASSES,
    CONFIGURATION_ATTRIBUTES,
    DEVICE_ATTRIBUTES,
    DIRECTORY_ATTRIBUTES,
    OBJECT_ATTRIBUTES,
    USER_ATTRIBUTES,
    Attribute,
    ObjectClass,
    Syntax,
)
from auditor.lab.directory_records import Record, Values
from auditor.lab.draws import guid

_SLAPD_ARC = "1.3.6.1.4.1.4203.666.11.9"
"""OpenLDAP's arc for experiments on one's own machine."""

_AD_ARC = "1.2.840.113556.1.8000.2554.4711.52034.9261"
"""An arc of the kind that Microsoft set aside for schema extensions one makes up oneself."""

_SLAPD_SYNTAX: dict[Syntax, tuple[str, str]] = {
    "text": ("1.3.6.1.4.1.1466.115.121.1.15", "caseIgnoreMatch"),
    "integer": ("1.3.6.1.4.1.1466.115.121.1.27", "integerMatch"),
    "boolean": ("1.3.6.1.4.1.1466.115.121.1.7", "booleanMatch"),
    "octets": ("1.3.6.1.4.1.1466.115.121.1.40", "octetStringMatch"),
    "descriptor": ("1.3.6.1.4.1.1466.115.121.1.40", "octetStringMatch"),
    "sid": ("1.3.6.1.4.1.1466.115.121.1.40", "octetStringMatch"),
    "time": ("1.3.6.1.4.1.1466.115.121.1.24", "generalizedTimeMatch"),
    "name": ("1.3.6.1.4.1.1466.115.121.1.12", "distinguishedNameMatch"),
}
_AD_SYNTAX: dict[Syntax, tuple[str, int]] = {
    "text": ("2.5.5.12", 64),
    "integer": ("2.5.5.16", 65),
    "boolean": ("2.5.5.8", 1),
    "octets": ("2.5.5.10", 4),
    "time": ("2.5.5.11", 24),
    "name": ("2.5.5.1", 127),
}
"""attributeSyntax and oMSyntax ([MS-ADTS] 3.1.1.2.2.2); every number is a large one here."""

_NAME_OBJECT_CLASS = bytes.fromhex("2b0c0287731c00854a")
"""oMObjectClass of a name, 1.3.12.2.1011.28.0.714 in BER."""

_ROOT_DSE = (
    Attribute("defaultNamingContext", "name"),
    Attribute("configurationNamingContext", "name"),
    Attribute("schemaNamingContext", "name"),
    Attribute("rootDomainNamingContext", "name"),
    Attribute("msDS-PrincipalName", "text"),
    Attribute("tokenGroups", "sid", many=True),
)


def slapd_schema() -> str:
    """The schema as slapd.conf(5) includes it, after core, cosine and inetorgperson."""
    lines = []
    own = [found for found in (*ATTRIBUTES, *_ROOT_DSE) if not found.in_slapd]
    for number, found in enumerate(own, start=1):
        syntax, equality = _SLAPD_SYNTAX[found.syntax]
        single = "" if found.many else " SINGLE-VALUE"
        lines.append(
            f"attributetype ( {_SLAPD_ARC}.1.{number} NAME '{found.name}' EQUALITY {equality} "
            f"SYNTAX {syntax}{single} )"
        )
    lines.extend(_slapd_classes())
    return "\n".join(lines) + "\n"


def _slapd_classes() -> Iterator[str]:
    names = [*BUILT_IN_CLASSES, *(found.name for found in CLASSES)]
    may = {"user": USER_ATTRIBUTES, **{found.name: _attributes_of(found) for found in CLASSES}}
    for number, name in enumerate(names, start=1):
        allowed = " $ ".join(
            found.name
            for found in (*OBJECT_ATTRIBUTES, *may.get(name, DIRECTORY_ATTRIBUTES))
            if found.name != "objectClass"
        )
        superior = "organizationalPerson" if name == "user" else "top"
        extra = " $ displayName" if name == "controlAccessRight" else ""
        yield (
            f"objectclass ( {_SLAPD_ARC}.2.{number} NAME '{name}' SUP {superior} STRUCTURAL "
            f"MAY ( {allowed}{extra} ) )"
        )
    held = " $ ".join(f.name for f in OBJECT_ATTRIBUTES if f.name not in {"objectClass", "cn"})
    yield (
        f"objectclass ( {_SLAPD_ARC}.2.{len(names) + 1} NAME 'adObject' SUP top AUXILIARY "
        f"MAY ( {held} ) )"
    )


def _attributes_of(found: ObjectClass) -> tuple[Attribute, ...]:
    return DEVICE_ATTRIBUTES if found.kind == "device" else CONFIGURATION_ATTRIBUTES


def schema_objects(schema: str) -> Iterator[Record]:
    """The attributes and classes as objects below `schema`, for a server that has none itself."""
    for found in ATTRIBUTES:
        yield _attribute_object(found, f"CN={found.name},{schema}")
    for name in ("user", *(found.name for found in CLASSES)):
        yield Record(
            f"CN={name}-class,{schema}",
            {
                "objectClass": ["top", "classSchema"],
                "cn": f"{name}-class",
                "lDAPDisplayName": name,
                "schemaIDGUID": uuid.UUID(guid(0, "class", name)).bytes_le,
            },
        )


def _attribute_object(found: Attribute, name: str) -> Record:
    values: Values = {
        "objectClass": ["top", "attributeSchema"],
        "lDAPDisplayName": found.name,
        "schemaIDGUID": uuid.UUID(found.schema_guid).bytes_le,
        "isMemberOfPartialAttributeSet": found in USER_ATTRIBUTES or found in DEVICE_ATTRIBUTES,
        "searchFlags": 0,
    }
    if found.property_set:
        values["attributeSecurityGUID"] = uuid.UUID(found.property_set).bytes_le
    return Record(name, values)


def extension_of_active_directory(schema: str) -> tuple[list[Record], list[Record], str]:
    """What Exchange adds to the schema: attributes, classes, and changes as LDIF, to load in turn.

    After each of the three the server must be told to take its schema up (schemaUpdateNow).
    """
    attributes = []
    for number, found in enumerate(ATTRIBUTES, start=1):
        if found.built_in:
            continue
        record = _attribute_object(found, f"CN=Lab-{found.name},{schema}")
        syntax, om_syntax = _AD_SYNTAX[found.syntax]
        record.values.update(
            {
                "attributeID": f"{_AD_ARC}.1.{number}",
                "attributeSyntax": syntax,
                "oMSyntax": om_syntax,
                "isSingleValued": not found.many,
            }
        )
        if found.syntax == "name":
            record.values["oMObjectClass"] = _NAME_OBJECT_CLASS
        attributes.append(record)
    classes = [_ad_class(number, found, schema) for number, found in enumerate(CLASSES, start=2)]
    storage = _ad_storage(schema)
    changes = [
        f"dn: CN=User,{schema}\nchangetype: modify\nadd: auxiliaryClass\n"
        "auxiliaryClass: msExchMailStorage\n"
    ]
    changes += [
        f"dn: CN=Lab-{found.name},{schema}\nchangetype: modify\nadd: possSuperiors\n"
        + "".join(f"possSuperiors: {superior}\n" for superior in found.superiors)
        for found in CLASSES
    ]
    return attributes, [storage, *classes], "\n".join(changes)


_DEFAULT_DESCRIPTOR = (
    "D:(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;DA)(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;SY)(A;;RPLCLORC;;;AU)"
)
_DEVICE_DESCRIPTOR = (
    "D:(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;DA)(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;SY)(A;;LCLORC;;;AU)"
)
"""Who may see a new object. That nobody reads a device's properties by default is the hard case."""


def _ad_class(number: int, found: ObjectClass, schema: str) -> Record:
    device = found.kind == "device"
    return Record(
        f"CN=Lab-{found.name},{schema}",
        {
            "objectClass": ["top", "classSchema"],
            "lDAPDisplayName": found.name,
            "governsID": f"{_AD_ARC}.2.{number}",
            "subClassOf": "top",
            "objectClassCategory": 1,
            "rDNAttID": "cn",
            "schemaIDGUID": uuid.UUID(found.schema_guid).bytes_le,
            "defaultObjectCategory": f"CN=Lab-{found.name},{schema}",
            "defaultSecurityDescriptor": _DEVICE_DESCRIPTOR if device else _DEFAULT_DESCRIPTOR,
            "systemOnly": False,
            "mayContain": [attribute.name for attribute in _attributes_of(found)],
        },
    )


def _ad_storage(schema: str) -> Record:
    name = "msExchMailStorage"
    return Record(
        f"CN=Lab-{name},{schema}",
        {
            "objectClass": ["top", "classSchema"],
            "lDAPDisplayName": name,
            "governsID": f"{_AD_ARC}.2.1",
            "subClassOf": "top",
            "objectClassCategory": 3,
            "rDNAttID": "cn",
            "schemaIDGUID": uuid.UUID(BY_NAME["mailNickname"].schema_guid).bytes_le[::-1],
            "defaultObjectCategory": f"CN=Lab-{name},{schema}",
            "mayContain": [found.name for found in USER_ATTRIBUTES if not found.built_in],
        },
    )
