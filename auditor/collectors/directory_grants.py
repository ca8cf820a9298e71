"""The grant that would show an account what it is not shown, ready to be typed.

Only rights to read are named. In domains a grant at the top reaches nearly everybody; accounts
under AdminSDHolder inherit nothing from there, so that it is repeated on that object, which the
directory copies to them within the hour ([MS-ADTS] 3.1.1.6.1). Other accounts that inherit nothing
are given it one by one, the first of them at least.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from auditor.collectors.directory_contract import DirectoryCollector, Place
from auditor.collectors.directory_rights import Schema, guid_text
from auditor.sources.directory import SECURITY_DESCRIPTOR

_ONE_BY_ONE = 20
"""Objects that a grant is printed for by name: beyond, mending their inheritance is the cure."""


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
    look like a hidden one. `alone` are the first objects that no grant from above reaches; they do
    not count for `domains`.
    """

    count: int = 0
    first: str = ""
    domains: set[str] = field(default_factory=set)
    blind: bool = False
    alone: dict[str, None] = field(default_factory=dict)

    def add(self, dn: str, domain: str, *, blind: bool, alone: bool = False) -> None:
        """Note one more object."""
        self.count += 1
        self.first = self.first or dn
        self.blind = self.blind or blind
        if not alone:
            self.domains.add(domain)
        elif len(self.alone) < _ONE_BY_ONE:
            self.alone[dn] = None

    def targets(self) -> list[str]:
        """Where a grant has to be made."""
        return [
            *(each for domain in sorted(self.domains) for each in _targets(domain)),
            *self.alone,
        ]


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
        right = _right(name, schema)
        for target in hidden[name].targets() if right else ():
            found[Grant(target, *right)] = None
            if hidden[name].blind:
                found[Grant(target, "RC")] = None
    for domain in unlisted:
        for target in _targets(domain):
            for name in (*collector.holders, collector.object_class):
                found[Grant(target, "GR", "", "", name, schema.classes.get(name, ""))] = None
    return list(found)


def _right(name: str, schema: Schema) -> tuple[Literal["RP", "RC"], str, str] | tuple[()]:
    """Right, name and GUID of what would show an attribute; nothing for an unknown one."""
    attribute = schema.attributes.get(name)
    if name == SECURITY_DESCRIPTOR:
        return "RC", "", ""
    if attribute is None:
        return ()
    guid = guid_text(attribute.property_set)
    what = schema.property_sets.get(guid)
    return ("RP", what, guid) if what else ("RP", name, guid_text(attribute.guid))


def _targets(domain: str) -> tuple[str, str]:
    return domain, f"CN=AdminSDHolder,CN=System,{domain}"
