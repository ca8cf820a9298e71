"""Phones of the organisation: families as they are spread, and what each tells the server."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from auditor.lab.draws import draws, guid, happens, hexadecimal
from auditor.lab.organization import Organization
from auditor.lab.parts import Device, Mailbox, PersonalLists
from auditor.lab.recipients import FIRST_HOSTILE, HOSTILE_NAMES


@dataclass(frozen=True, slots=True)
class Model:
    """A phone with its mail program.

    `active_sync` is the highest version it speaks, in tenths; 0 stands for a version that nobody
    recorded. `identifier` says how its DeviceId is made up.
    """

    device_type: str
    name: str
    os: str
    user_agent: str
    active_sync: int
    identifier: str


def _iphones() -> tuple[Model, ...]:
    # the number behind the slash is the build of iOS, see rules/reference/apple_builds.csv
    return tuple(
        Model("iPhone", f"iPhone{code}", f"iOS {ios}", f"Apple-iPhone{code}/{build}", 161, "apple")
        for code, ios, build in (
            ("17C3", "26.1 23B85", "2302.85"),
            ("16C2", "26.1 23B85", "2302.85"),
            ("15C4", "26.0.1 23A355", "2301.355"),
            ("15C2", "18.7 22H20", "2208.20"),
            ("14C5", "18.6.2 22G100", "2207.100"),
            ("13C2", "17.7.2 21H221", "2108.221"),
            ("12C1", "16.7.12 20H364", "2008.364"),
            ("10C4", "15.8.5 19H394", "1908.394"),
        )
    )


def _ipads() -> tuple[Model, ...]:
    return tuple(
        Model("iPad", f"iPad{code}", f"iPadOS {ios}", f"Apple-iPad{code}/{build}", 161, "apple")
        for code, ios, build in (
            ("14C3", "26.1 23B85", "2302.85"),
            ("13C18", "18.6.2 22G100", "2207.100"),
            ("7C11", "17.7.10 21H450", "2108.450"),
        )
    )


def _samsungs() -> tuple[Model, ...]:
    return tuple(
        Model(
            f"SAMSUNG{code.replace('-', '')}",
            code,
            f"Android {android}",
            f"SAMSUNG-{code}/101.{android}",
            version,
            "samsung",
        )
        for code, android, version in (
            ("SM-S921B", "16", 161),
            ("SM-A546B", "15", 161),
            ("SM-G991B", "15", 141),
            ("SM-A515F", "13", 141),
        )
    )


_GMAIL = tuple(
    Model("Android", name, f"Android {os}", f"Android-Mail/{release}.Release", version, "android")
    for name, os, release, version in (
        ("Pixel 9", "16", "2026.10.05.812345678", 161),
        ("Pixel 7a", "16", "2026.09.21.806112233", 161),
        ("2201117TY", "14", "2025.06.15.773355111", 141),
        ("CPH2451", "15", "2026.10.05.812345678", 161),
    )
)
_OUTLOOK = (
    Model(
        "Outlook",
        "Outlook for iOS and Android",
        "Outlook for iOS and Android 1.0",
        "Outlook-iOS-Android/1.0",
        161,
        "hexadecimal",
    ),
)
_COMMON = (
    (0.46, _iphones()),
    (0.57, _ipads()),
    (0.72, _samsungs()),
    (0.86, _GMAIL),
    (1.00, _OUTLOOK),
)
_LEGACY_SHARE = 0.05
_LEGACY = (
    Model("WindowsMail", "Surface Pro", "Windows 10.0.19045", "MSFT-WIN-4/10.0.19045", 141, "wide"),
    Model("WP8", "Lumia 950", "Windows Phone 8.10.15148", "MSFT-WP/8.10.15148", 141, "wide"),
    Model(
        "BlackBerry", "BlackBerry Z30", "BlackBerry 10.3.3", "RIM-Z30-STA100/10.3.3", 141, "wide"
    ),
    Model("Android", "ELE-L29", "Android 10", "HUAWEI-ELE-L29/10.0", 141, "android"),
    Model("Android", "GT-I9300", "Android 4.4.2", "Android/4.4.2-EAS-1.3", 140, "android"),
    Model("TbSync", "Thunderbird", "Windows NT 10.0", "Thunderbird ActiveSync", 140, "wide"),
)
_OLD = (
    Model("iPhone", "iPhone1C2", "iPhone OS 3.1.3 7E18", "Apple-iPhone1C2/705.18", 121, "apple"),
    Model("PocketPC", "HTC Touch Pro", "Windows CE 5.2", "MSFT-PPC/5.2.5082", 121, "wide"),
    Model("NokiaE72", "Nokia E72", "Symbian 9.3", "NokiaE72/3.00(0)MailforExchange", 120, "wide"),
    Model("SmartPhone", "HTC S620", "Windows CE 5.1", "MSFT-SPhone/5.1.422", 25, "wide"),
)
_UNRECORDED = (
    Model("iPhone", "iPhone8C1", "iOS 12.5.7 16H81", "Apple-iPhone8C1/1608.81", 0, "apple"),
    Model("Android", "SM-J500FN", "Android 6.0.1", "", 0, "android"),
)


_STATES = {
    "Allow": "Allowed",
    "Block": "Blocked",
    "Quarantine": "Quarantined",
}


@dataclass(frozen=True, slots=True)
class _Draft:
    name: str
    drawn: tuple[int, ...]
    model: Model
    identifier: str
    planted: frozenset[str]


def devices_of(organization: Organization, mailbox: Mailbox) -> Iterator[Device]:
    """The phones of one mailbox; faults of the mailbox that concern a phone strike its first."""
    drafts = _drafts(organization, mailbox)
    lists = _lists(organization.seed, mailbox, drafts)
    for place, draft in enumerate(drafts):
        model = draft.model
        spoken = min(model.active_sync, mailbox.server.product.active_sync)
        state, reason = _access(organization, model, draft.identifier, lists)
        hostile = mailbox.number - FIRST_HOSTILE
        named_by_user = 0 <= hostile < len(HOSTILE_NAMES) and place == 0
        yield Device(
            guid=guid(organization.seed, "device", draft.name),
            device_id=draft.identifier,
            device_type=model.device_type,
            device_model=model.name,
            device_os=model.os,
            device_user_agent=model.user_agent,
            friendly_name=HOSTILE_NAMES[hostile] if named_by_user else _friendly_name(model),
            client_version=f"{spoken // 10}.{spoken % 10}" if model.active_sync else "",
            access_state=state,
            access_state_reason=reason,
            first_sync_time=organization.now - timedelta(seconds=draft.drawn[4] % 150_000_000),
            planted=draft.planted,
        )


def personal_lists(organization: Organization, mailbox: Mailbox) -> PersonalLists:
    """What the mailbox allows and blocks for itself; both are empty for nearly everybody."""
    if mailbox.planted.isdisjoint({"personal_allow_list", "personal_block_list"}):
        return PersonalLists((), ())
    return _lists(organization.seed, mailbox, _drafts(organization, mailbox))


def _drafts(organization: Organization, mailbox: Mailbox) -> list[_Draft]:
    drafts = []
    for place in range(mailbox.device_count):
        name = f"{mailbox.number}.{place}"
        drawn = draws(organization.seed, "device", name)
        planted = _planted(mailbox, place)
        model = _model(organization, drawn, planted)
        identifier = _identifier(organization.seed, name, model.identifier)
        drafts.append(_Draft(name, drawn, model, identifier, planted))
    return drafts


def _planted(mailbox: Mailbox, place: int) -> frozenset[str]:
    # where a mailbox carries both faults, its one phone can carry the first of them only
    if place == 0 and "old_devices" in mailbox.planted:
        return frozenset({"old_devices"})
    last = place == mailbox.device_count - 1
    if last and "devices_without_version" in mailbox.planted:
        return frozenset({"devices_without_version"})
    return mailbox.planted & {"exchange_2007_server"}


def _model(organization: Organization, drawn: tuple[int, ...], planted: frozenset[str]) -> Model:
    if "old_devices" in planted:
        return _OLD[drawn[0] % len(_OLD)]
    if "devices_without_version" in planted:
        return _UNRECORDED[drawn[0] % len(_UNRECORDED)]
    if "legacy_clients" in organization.faults and happens(drawn[1], _LEGACY_SHARE):
        return _LEGACY[drawn[0] % len(_LEGACY)]
    family = next(models for upper, models in _COMMON if happens(drawn[2], upper))
    # people have newer phones more often than older ones: the lower of two draws
    return family[min(drawn[0] % len(family), drawn[3] % len(family))]


def _identifier(seed: int, name: str, kind: str) -> str:
    digits = hexadecimal(seed, "device identifier", name, 34)
    if kind == "apple":
        return base64.b32encode(bytes.fromhex(digits))[:26].decode()
    if kind == "samsung":
        return f"SEC{digits[:13]}"
    if kind == "android":
        return f"androidc{int(digits[:9], 16) % 10**10:010}"
    return digits[:32]


def _friendly_name(model: Model) -> str:
    return "" if model.identifier == "apple" else model.name


def _lists(seed: int, mailbox: Mailbox, drafts: list[_Draft]) -> PersonalLists:
    """Lists hold a phone in use, and phones that are long gone: nobody ever clears them."""
    gone = hexadecimal(seed, "gone device", mailbox.number, 32)
    allowed: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    if "personal_allow_list" in mailbox.planted:
        in_use = drafts[0].identifier
        # the list may hold the identifier as an administrator typed it
        written = in_use.lower() if mailbox.number % 4 == 0 else in_use
        allowed = (written,) if mailbox.number % 3 else (f"Appl{gone[:12]}", written)
    if "personal_block_list" in mailbox.planted:
        lost = drafts[-1].identifier if len(drafts) > 1 else f"SEC{gone[13:26]}"
        blocked = (lost,)
    return PersonalLists(allowed, blocked)


def _access(
    organization: Organization, model: Model, identifier: str, lists: PersonalLists
) -> tuple[str, str]:
    if identifier in lists.blocked:
        return "Blocked", "Individual"
    if identifier.lower() in {allowed.lower() for allowed in lists.allowed}:
        return "Allowed", "Individual"
    for rule in organization.access_rules:
        if rule.query_string == model.device_type:
            return _STATES[rule.access_level], "DeviceRule"
    return _STATES[organization.default_access_level], "Global"
