"""Collectors of mobile devices and of the settings that decide their access.

Attributes of devices are named by public scripts and by values they show; numbers of states and
reasons are those of `rules/reference/device_access_states.csv`. Mind that the level of a rule or
of the organisation counts from 0, Allow, while the state of a device has 1 for Allowed.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.collectors.directory_contract import (
    DirectoryCollector,
    LeftOut,
    Outcome,
    Place,
)
from auditor.collectors.directory_names import own_name
from auditor.collectors.directory_organization import READ_ORGANIZATION
from auditor.collectors.directory_reading import (
    Found,
    guid,
    misfit,
    missing,
    moment,
    optional_text,
    text,
    text_or_empty,
    whole,
)
from auditor.collectors.mobile import mailbox_of
from auditor.evidence.normalise import eas_version
from auditor.evidence.recipients import (
    OnpremActiveSyncSettings,
    OnpremDeviceAccessRule,
    OnpremMobileDevice,
)

ACCESS_LEVELS = {0: "Allow", 1: "Block", 2: "Quarantine"}
ACCESS_STATES = {
    0: "Unknown",
    1: "Allowed",
    2: "Blocked",
    3: "Quarantined",
    4: "DeviceDiscovery",
}
ACCESS_STATE_REASONS = {
    0: "Unknown",
    1: "Global",
    2: "Individual",
    3: "DeviceRule",
    4: "Upgrade",
    5: "Policy",
    6: "UserAgentChanges",
    7: "RecentCommands",
}
"""Numbers from 8 up stand for limits that a device ran into; which is which is not known."""

_DEVICE_CLASSES = ",cn=exchangedeviceclasses,"
"""Below it lie kinds of devices, objects of the very class that devices have."""

CHARACTERISTICS = ("DeviceType", "DeviceModel", "DeviceOS", "UserAgent")
DEVICE_TYPE = 0


def _active_sync_settings(found: Found) -> Iterator[Outcome]:
    yield OnpremActiveSyncSettings(guid=guid(found), default_access_level=_level(found))


def _level(found: Found) -> str | None:
    number = whole(found, "msExchMobileAccessControl")
    if number is not None and number not in ACCESS_LEVELS:
        raise misfit(found, "msExchMobileAccessControl", "0, 1 or 2")
    return None if number is None else ACCESS_LEVELS[number]


def _device_access_rule(found: Found) -> Iterator[Outcome]:
    level = _level(found)
    if level is None:
        raise missing(found, "msExchMobileAccessControl", "0, 1 or 2")
    yield OnpremDeviceAccessRule(
        guid=guid(found),
        name=own_name(found.dn),
        characteristic=_characteristic(found),
        query_string=text_or_empty(found, "msExchDeviceAccessRuleQueryString"),
        access_level=level,
    )


def _characteristic(found: Found) -> str:
    """What the rule is about: Exchange names a rule `WP8 (DeviceType)`.

    Of the numbers only 0 is known; where name and number disagree nothing is guessed.
    """
    number = whole(found, "msExchDeviceAccessRuleCharacteristic")
    if number is None:
        raise missing(found, "msExchDeviceAccessRuleCharacteristic", "the number of its kind")
    named = own_name(found.dn).rpartition(" (")[2].removesuffix(")")
    if named in CHARACTERISTICS and (number == DEVICE_TYPE) == (named == "DeviceType"):
        return named
    if number == DEVICE_TYPE and named not in CHARACTERISTICS:
        return "DeviceType"
    raise misfit(found, "msExchDeviceAccessRuleCharacteristic", "the number of its kind")


def _mobile_device(found: Found) -> Iterator[Outcome]:
    mailbox = mailbox_of(found.dn)
    if mailbox is None and _DEVICE_CLASSES in found.dn.lower():
        return
    if mailbox is None:
        yield LeftOut("is a device outside the container of a mailbox")
        return
    # every device has an identifier: where it is hidden, so is all the rest
    device = text(found, "msExchDeviceID")
    version = optional_text(found, "msExchDeviceEASVersion")
    yield OnpremMobileDevice(
        guid=guid(found),
        distinguished_name=found.dn,
        mailbox_distinguished_name_key=mailbox.lower(),
        user_display_name=optional_text(found, "msExchUserDisplayName"),
        device_id=device,
        device_id_key=device.lower(),
        device_type=optional_text(found, "msExchDeviceType"),
        device_model=optional_text(found, "msExchDeviceModel"),
        device_os=optional_text(found, "msExchDeviceOS"),
        device_user_agent=optional_text(found, "msExchDeviceUserAgent"),
        friendly_name=optional_text(found, "msExchDeviceFriendlyName"),
        client_type=None,
        client_version=version,
        eas_version=eas_version(version or ""),
        device_access_state=_named(found, "msExchDeviceAccessState", ACCESS_STATES),
        device_access_state_reason=_named(
            found, "msExchDeviceAccessStateReason", ACCESS_STATE_REASONS
        ),
        first_sync_time=moment(found, "msExchFirstSyncTime"),
    )


def _named(found: Found, attribute: str, names: dict[int, str]) -> str | None:
    number = whole(found, attribute)
    return None if number is None else names.get(number)


ACTIVE_SYNC_SETTINGS = DirectoryCollector(
    name="ActiveSync settings",
    place=Place.CONFIGURATION,
    object_class="msExchMobileMailboxSettings",
    condition="(objectClass=msExchMobileMailboxSettings)",
    attributes=("objectGUID", "msExchMobileAccessControl"),
    tables=(OnpremActiveSyncSettings,),
    permission=READ_ORGANIZATION,
    rows=_active_sync_settings,
    at_least_one=True,
)
DEVICE_ACCESS_RULES = DirectoryCollector(
    name="device access rules",
    place=Place.CONFIGURATION,
    container="CN=Mobile Mailbox Settings",
    object_class="msExchDeviceAccessRule",
    condition="(objectClass=msExchDeviceAccessRule)",
    attributes=(
        "objectGUID",
        "msExchDeviceAccessRuleQueryString",
        "msExchDeviceAccessRuleCharacteristic",
        "msExchMobileAccessControl",
    ),
    tables=(OnpremDeviceAccessRule,),
    permission=READ_ORGANIZATION,
    rows=_device_access_rule,
)
MOBILE_DEVICES = DirectoryCollector(
    name="mobile devices",
    # the configuration holds objects of the same class that are no devices but kinds of them
    place=Place.DOMAINS,
    object_class="msExchActiveSyncDevice",
    condition="(objectClass=msExchActiveSyncDevice)",
    attributes=(
        "objectGUID",
        "msExchDeviceID",
        "msExchDeviceType",
        "msExchDeviceModel",
        "msExchDeviceOS",
        "msExchDeviceUserAgent",
        "msExchDeviceFriendlyName",
        "msExchDeviceEASVersion",
        "msExchDeviceAccessState",
        "msExchDeviceAccessStateReason",
        "msExchFirstSyncTime",
        "msExchUserDisplayName",
    ),
    tables=(OnpremMobileDevice,),
    permission="read access to Exchange-Personal-Information of msExchActiveSyncDevice objects",
    rows=_mobile_device,
    unsaid=("onprem_mobile_device.client_type",),
    holders=("msExchActiveSyncDevices",),
    witness="(&(objectClass=user)(msExchMobileMailboxFlags:1.2.840.113556.1.4.803:=1))",
)
