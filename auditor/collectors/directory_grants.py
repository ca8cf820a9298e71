"""The grant that would show an account what it is not shown, ready to be typed.

Only rights to read are named. In domains a grant at the top reaches nearly everybody; accounts
under AdminSDHolder inherit nothing from there, so that it is repeated on that object, which the
directory copies to them within the hour ([MS-ADTS] 3.1.1.6.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from auditor.collectors.directory_contract import DirectoryCollector, Place
from auditor.collectors.directory_rights import Schema, guid_text


@dataclass(frozen=True)
class Grant:
    """One right to read.

    `target` is the object it is given on, with all below it. `right` is as dsacls and SDDL write
    it: RP for a property, RC for the access list, GR for everything. `what` is the name of a
    property set or attribute as dsacls takes it, `what_guid` its GUID; '' for RC and GR. With
    `inherited` only objects of that class below the target get it, `inherited_guid` is its GUID.
    """

    target: str
    right: Literal["RP", "RC", "GR"]
    what: str = ""
    what_guid: str = ""
    inherited: str = ""
    inherited_guid: str = ""

    def command(self, account: str) -> str:
        """What an administrator types at a prompt of a domain controller."""
        below = "/I:S" if self.inherited else "/I:T"
        of = f"{self.right};{self.what};{self.inherited}".rstrip(";")
        return f'dsacls "{self.target}" {below} /G "{account}:{of}"'

    def sddl(self, sid: str) -> str:
        """The same as a line of an access list ([MS-DTYP] 2.5.1.1)."""
        kind = "OA" if self.what_guid or self.inherited_guid else "A"
        flags = "CIIO" if self.inherited_guid else "CI"
        right = "RPLCLORC" if self.right == "GR" else self.right
        return f"({kind};{flags};{right};{self.what_guid};{self.inherited_guid};{sid})"


@dataclass
class Hidden:
    """Where one attribute is not shown: how often, the first object, and the domains.

    `blind`: of some objects not even the access list is shown, so that an empty value would still
    look like a hidden one.
    """

    count: int = 0
    first: str = ""
    domains: set[str] = field(default_factory=set)
    blind: bool = False

    def add(self, dn: str, domain: str, *, blind: bool) -> None:
        """Note one more object."""
        self.count += 1
        self.first = self.first or dn
        self.domains.add(domain)
        self.blind = self.blind or blind


def grants_for(
    collector: DirectoryCollector,
    schema: Schema,
    hidden: Mapping[str, Hidden],
    unlisted: Iterable[str],
    organization: str,
) -> list[Grant]:
    """The grants that show what is hidden, by attribute, and the objects of `unlisted` domains.

    Attributes that the schema does not know are left out: no right shows them.
    """
    if collector.place is Place.CONFIGURATION:
        return [Grant(organization, "GR")] if hidden and organization else []
    found: dict[Grant, None] = {}
    for name in sorted(hidden):
        attribute = schema.attributes.get(name)
        if attribute is None:
            continue
        guid = guid_text(attribute.property_set or attribute.guid)
        what = (schema.property_sets.get(guid) if attribute.property_set else None) or name
        if what == name:
            guid = guid_text(attribute.guid)
        for domain in sorted(hidden[name].domains):
            for target in _targets(domain):
                found[Grant(target, "RP", what, guid)] = None
                if hidden[name].blind:
                    found[Grant(target, "RC")] = None
    for domain in unlisted:
        for target in _targets(domain):
            for name in (*collector.holders, collector.object_class):
                found[Grant(target, "GR", "", "", name, schema.classes.get(name, ""))] = None
    return list(found)


def _targets(domain: str) -> tuple[str, str]:
    return domain, f"CN=AdminSDHolder,CN=System,{domain}"
