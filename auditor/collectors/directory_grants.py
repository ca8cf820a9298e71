"""The grant that would show an account what it is not shown, ready to be typed.

Only rights to read are named. In domains a grant at the top reaches nearly everybody; accounts
under AdminSDHolder inherit nothing from there, so that it is repeated on that object, which the
directory copies to them within the hour ([MS-ADTS] 3.1.1.6.1).
"""

from __future__ import annotations

from dataclasses import dataclass

from auditor.collectors.directory_contract import DirectoryCollector, Place
from auditor.collectors.directory_rights import Schema, guid_text


@dataclass(frozen=True)
class Grant:
    """One right to read.

    `target` is the object it is given on, with all below it. `what` is the name of a property set
    or attribute as dsacls takes it, '' for everything; `what_guid` its GUID.
    """

    target: str
    what: str
    what_guid: str

    def command(self, account: str) -> str:
        """What an administrator types at a prompt of a domain controller."""
        rights = f"RP;{self.what}" if self.what else "GR"
        return f'dsacls "{self.target}" /I:T /G "{account}:{rights}"'

    def sddl(self, sid: str) -> str:
        """The same as a line of an access list ([MS-DTYP] 2.5.1.1)."""
        if self.what_guid:
            return f"(OA;CI;RP;{self.what_guid};;{sid})"
        return f"(A;CI;RPLCLORC;;;{sid})"


def grants_for(
    collector: DirectoryCollector, schema: Schema, unread: dict[str, set[str]], organization: str
) -> list[Grant]:
    """The grants that show the attributes of `unread`, each with the domains it is hidden in.

    Attributes that the schema does not know are left out: no right shows them.
    """
    if collector.place is Place.CONFIGURATION:
        return [Grant(organization, "", "")] if unread and organization else []
    found: dict[Grant, None] = {}
    for name in sorted(unread):
        attribute = schema.attributes.get(name)
        if attribute is None:
            continue
        guid = guid_text(attribute.property_set or attribute.guid)
        what = (schema.property_sets.get(guid) if attribute.property_set else None) or name
        if what == name:
            guid = guid_text(attribute.guid)
        for domain in sorted(unread[name]):
            found[Grant(domain, what, guid)] = None
            found[Grant(f"CN=AdminSDHolder,CN=System,{domain}", what, guid)] = None
    return list(found)
