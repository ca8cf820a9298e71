"""Mailboxes that are still on-premises, made one by one from their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from auditor.lab.accounts import WITHOUT_PHONES, account_faults
from auditor.lab.draws import draws, guid, happens
from auditor.lab.landscape import EXCHANGE_2007, servers_without_leftovers
from auditor.lab.names import Person, person
from auditor.lab.organization import (
    PRIMARY_DOMAIN,
    ROUTING_DOMAIN,
    SECOND_DOMAIN,
    Organization,
)
from auditor.lab.parts import Mailbox, Server

HOSTILE_NAMES = (
    "<script>alert(1)</script>",
    "=cmd()",
    "'; Remove-Mailbox",
    "Gnp\N{RIGHT-TO-LEFT OVERRIDE}fdp.exe\N{POP DIRECTIONAL FORMATTING}",
    "Nul\x00Byte",
    "{{7*7}}",
    "Donaudampfschifffahrtsgesellschaftskapitaen"[:40] * 6,
    "Line\N{LINE SEPARATOR}Separator",
)
"""Display names that harm a program which takes them for more than text; the long one has 240."""

FIRST_HOSTILE = 20
PEOPLE_BEFORE_A_MOVED_ONE = 20
_LEGACY_SUFFIX = "contoso.local"

_SHARES = {
    "mailbox_without_proxy": 0.015,
    "upn_differs": 0.04,
    "eas_disabled": 0.02,
    "personal_allow_list": 0.03,
    "personal_block_list": 0.01,
    "old_devices": 0.015,
    "devices_without_version": 0.008,
}
"""How many of a hundred mailboxes a fault strikes, beside the one in `_FIRST_STRUCK`."""

_FIRST_STRUCK = {
    "mailbox_without_proxy": 4,
    "upn_differs": 6,
    "eas_disabled": 9,
    "personal_allow_list": 11,
    "personal_block_list": 13,
    "old_devices": 15,
    "devices_without_version": 17,
}
"""Mailboxes that a fault always strikes, so that it shows in an organisation of twenty."""

_NEEDS_A_DEVICE = frozenset(
    {
        "eas_disabled",
        "personal_allow_list",
        "personal_block_list",
        "old_devices",
        "devices_without_version",
    }
)
_STRIKES_ANYBODY = frozenset({"mailbox_without_proxy"})

_KINDS = (
    (0.880, "UserMailbox"),
    (0.945, "SharedMailbox"),
    (0.980, "RoomMailbox"),
    (0.990, "EquipmentMailbox"),
    (1.000, "LinkedMailbox"),
)
_FIXED_KINDS = {
    28: "SharedMailbox",
    29: "RoomMailbox",
    30: "LinkedMailbox",
    31: "EquipmentMailbox",
}
_FIRST_DRAWN_KIND = 32
_WITHOUT_PHONES = frozenset({"RoomMailbox", "EquipmentMailbox"})
"""Kinds for which the administrators switch ActiveSync off; that is no fault."""

_SHARED = ("Invoices", "Support", "Sales", "Careers", "Press", "Travel", "Facilities", "Orders")
_ROOMS = ("Matterhorn", "Limmat", "Merlion", "Tejo", "Rigi", "Alfama", "Orchard", "Uetliberg")
_EQUIPMENT = ("Projector", "Pool car", "Camera kit", "Video unit")

_DEVICE_COUNTS = ((0.10, 0), (0.35, 1), (0.69, 2), (0.89, 3), (0.97, 4), (1.00, 5))
"""Two phones a person on average, which makes about 1.8 a mailbox with rooms and the like."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What somebody is called; `common_name` is unique in the directory, `alias` everywhere."""

    display_name: str
    common_name: str
    alias: str


def mailboxes(organization: Organization) -> Iterator[Mailbox]:
    """Every mailbox that is still on-premises, by number; the last is the one for searches."""
    for number in range(organization.mailbox_count):
        yield mailbox(organization, number)
    if organization.mailbox_count:
        yield _discovery_mailbox(organization)


def mailbox(organization: Organization, number: int) -> Mailbox:
    """The mailbox of this number, the same in an organisation of any size."""
    seed = organization.seed
    drawn = draws(seed, "mailbox", number)
    kind = _kind(number, drawn[0])
    server = _server_of(organization, number, drawn[1])
    personal = kind in {"UserMailbox", "LinkedMailbox"}
    identity = _identity(seed, number, kind, server)
    device_count = _drawn_from(_DEVICE_COUNTS, drawn[2]) if personal else 0
    if number in _FIRST_STRUCK.values() or _is_hostile(number):
        device_count = max(1, device_count)
    if number in WITHOUT_PHONES:
        device_count = 0
    planted = _planted(organization, number, drawn, personal, device_count)
    planted |= account_faults(organization, number, kind, device_count)
    if server.product is EXCHANGE_2007:
        planted |= {"exchange_2007_server"}
    domain = SECOND_DOMAIN if happens(drawn[3], 0.15) else PRIMARY_DOMAIN
    primary = f"{identity.alias}@{domain}"
    return Mailbox(
        number=number,
        guid=guid(seed, "mailbox", number),
        exchange_guid=guid(seed, "exchange", number),
        display_name=_display_name(number, identity),
        common_name=identity.common_name,
        alias=identity.alias,
        user_principal_name=_sign_in_name(primary, planted, drawn[4]),
        primary_smtp_address=primary,
        email_addresses=addresses_of(
            primary, identity.alias, drawn[5], "mailbox_without_proxy" not in planted
        ),
        email_address_policy_enabled="mailbox_without_proxy" not in planted,
        organizational_unit=server.site.name,
        recipient_type_details=kind,
        server=server,
        database=f"{server.site.code}-DB{drawn[6] % 8 + 1:02}",
        device_count=device_count,
        active_sync_enabled=kind not in _WITHOUT_PHONES and "eas_disabled" not in planted,
        when_changed=organization.now - timedelta(seconds=drawn[7] % 40_000_000),
        planted=planted,
    )


def _kind(number: int, draw: int) -> str:
    if number < _FIRST_DRAWN_KIND:
        return _FIXED_KINDS.get(number, "UserMailbox")
    return next(kind for upper, kind in _KINDS if happens(draw, upper))


def _drawn_from(table: tuple[tuple[float, int], ...], draw: int) -> int:
    return next(value for upper, value in table if happens(draw, upper))


def _server_of(organization: Organization, number: int, draw: int) -> Server:
    """One of the servers that were there when mailboxes of this number were made."""
    old = organization.servers[servers_without_leftovers(organization.mailbox_count) :]
    if old and happens(draw, 0.12):
        return old[draw % len(old)]
    return organization.servers[draw % servers_without_leftovers(number + 1)]


def _identity(seed: int, number: int, kind: str, server: Server) -> Identity:
    site = server.site
    if kind == "SharedMailbox":
        what = _SHARED[number % len(_SHARED)]
        return _labelled(f"{what} {site.name} {number}", f"{what}.{number}")
    if kind == "RoomMailbox":
        what = _ROOMS[number % len(_ROOMS)]
        return _labelled(f"{site.code} {what} {number} (room)", f"room.{number}")
    if kind == "EquipmentMailbox":
        what = _EQUIPMENT[number % len(_EQUIPMENT)]
        return _labelled(f"{what} {number}", f"equipment.{number}")
    place = number // PEOPLE_BEFORE_A_MOVED_ONE + number
    return personal_identity(person(place, seed))


def _labelled(label: str, alias: str) -> Identity:
    return Identity(label, label, alias.lower())


def personal_identity(found: Person) -> Identity:
    """How a person is named in this organisation: surname first in the directory alone."""
    return Identity(found.shown, found.surname_first, found.local_part)


def _display_name(number: int, identity: Identity) -> str:
    return HOSTILE_NAMES[number - FIRST_HOSTILE] if _is_hostile(number) else identity.display_name


def _is_hostile(number: int) -> bool:
    return 0 <= number - FIRST_HOSTILE < len(HOSTILE_NAMES)


def _planted(
    organization: Organization, number: int, drawn: tuple[int, ...], personal: bool, devices: int
) -> frozenset[str]:
    """Faults of this mailbox; hostile names carry one, so that they show in the findings."""
    if organization.faults.isdisjoint(_SHARES):
        return frozenset()
    struck = set()
    for place, (fault, share) in enumerate(_SHARES.items(), start=8):
        fits = fault in _STRIKES_ANYBODY or (personal and (devices or fault not in _NEEDS_A_DEVICE))
        hostile = fault == "upn_differs" and _is_hostile(number)
        if number == _FIRST_STRUCK[fault] or hostile or (fits and happens(drawn[place], share)):
            struck.add(fault)
    return organization.faults & struck


def _sign_in_name(primary: str, planted: frozenset[str], draw: int) -> str:
    local, _, domain = primary.partition("@")
    if "upn_differs" in planted:
        # half of them sign in with a suffix that no tenant can verify, half with a short name
        if draw % 2:
            return f"{local}@{_LEGACY_SUFFIX}"
        return f"{local[:1]}{local.rpartition('.')[2]}@{domain}"
    if draw % 16 == 0:
        return f"{local.title()}@{domain.title()}"
    return primary


def addresses_of(primary: str, alias: str, draw: int, routed: bool) -> tuple[str, ...]:
    """Proxy addresses, the primary one first; `routed` adds the one in the routing domain."""
    addresses = [f"SMTP:{primary}"]
    if draw % 3 == 0:
        addresses.append(f"smtp:{alias.replace('.', '_')}@{SECOND_DOMAIN}")
    if draw % 5 == 0:
        addresses.append(f"sip:{primary}")
    if draw % 7 == 0:
        organization = "/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)"
        addresses.append(f"X500:{organization}/cn=Recipients/cn={alias}")
    if routed:
        domain = ROUTING_DOMAIN.replace("contoso", "Contoso") if draw % 11 == 0 else ROUTING_DOMAIN
        addresses.append(f"smtp:{alias}@{domain}")
    return tuple(addresses)


def _discovery_mailbox(organization: Organization) -> Mailbox:
    """What Setup makes for searches. Get-Mailbox shows it; nobody moves it, no phone knows it."""
    name = "DiscoverySearchMailbox{D919BA05-46A6-415f-80AD-7E09334BB852}"
    found = mailbox(organization, 0)
    primary = f"{name}@{PRIMARY_DOMAIN}"
    return replace(
        found,
        number=organization.mailbox_count,
        guid=guid(organization.seed, "mailbox", "discovery"),
        exchange_guid=guid(organization.seed, "exchange", "discovery"),
        display_name="Discovery Search Mailbox",
        common_name="DiscoverySearchMailbox {D919BA05-46A6-415f-80AD-7E09334BB852}",
        alias=name,
        user_principal_name=f"SM_1d6c2c3f3b4f4a7f9@{PRIMARY_DOMAIN}",
        primary_smtp_address=primary,
        email_addresses=(f"SMTP:{primary}",),
        organizational_unit="",
        recipient_type_details="DiscoveryMailbox",
        device_count=0,
        active_sync_enabled=True,
        planted=frozenset(),
    )
