"""Collectors of mobile devices and of the settings that decide their access.

Properties are those of the cmdlets' documentation; no public export of them is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import TypedDict

from auditor.collectors.contract import ExchangeCollector
from auditor.collectors.organization import VIEW_ONLY
from auditor.collectors.reading import (
    guid,
    misfit,
    optional_moment,
    optional_text,
    text,
    text_or_empty,
)
from auditor.collectors.recipients import VIEW_ONLY_RECIPIENTS
from auditor.evidence.base import Evidence
from auditor.evidence.exchange_online import ExoDeviceAccessRule
from auditor.evidence.normalise import eas_version
from auditor.evidence.recipients import (
    OnpremActiveSyncSettings,
    OnpremDeviceAccessRule,
    OnpremMobileDevice,
)
from auditor.sources.clixml import PsObject

_DEVICE_OF = re.compile(
    r"CN=(?:[^,\\]|\\.)+,CN=ExchangeActiveSyncDevices,(?P<mailbox>(?:[^,\\]|\\.)+=.*)",
    re.IGNORECASE | re.DOTALL,
)
"""Two names below the mailbox's own: a device in its container. RFC 4514 escapes with `\\`."""


def mailbox_of(distinguished_name: str) -> str | None:
    """Distinguished name of the mailbox a device belongs to; None where it lies elsewhere.

    `CN=iPhone§ABC,CN=ExchangeActiveSyncDevices,CN=Lee\\, Ann,OU=Staff,DC=contoso,DC=com` gives
    `CN=Lee\\, Ann,OU=Staff,DC=contoso,DC=com`.
    """
    found = _DEVICE_OF.fullmatch(distinguished_name)
    return found["mailbox"] if found else None


def _active_sync_settings(found: PsObject) -> Iterator[Evidence]:
    yield OnpremActiveSyncSettings(
        guid=guid(found, "Guid"),
        default_access_level=optional_text(found, "DefaultAccessLevel"),
    )


def device_access_rule(
    model: type[OnpremDeviceAccessRule] | type[ExoDeviceAccessRule], found: PsObject
) -> Iterator[Evidence]:
    """The row of a device access rule, which reads the same on both sides."""
    yield model(
        guid=guid(found, "Guid"),
        name=text(found, "Name"),
        characteristic=text(found, "Characteristic"),
        query_string=text_or_empty(found, "QueryString"),
        access_level=text(found, "AccessLevel"),
    )


def _mobile_device(found: PsObject) -> Iterator[Evidence]:
    name = text(found, "DistinguishedName")
    mailbox = mailbox_of(name)
    if mailbox is None:
        raise misfit(found, "DistinguishedName", "a device in the container of a mailbox")
    yield OnpremMobileDevice(
        distinguished_name=name,
        mailbox_distinguished_name_key=mailbox.lower(),
        **device_columns(found, _version(found)),
    )


class DeviceColumns(TypedDict):
    """What a mobile device says of itself on both sides."""

    guid: str
    user_display_name: str | None
    device_id: str
    device_id_key: str
    device_type: str | None
    device_model: str | None
    device_os: str | None
    device_user_agent: str | None
    friendly_name: str | None
    client_type: str | None
    client_version: str | None
    eas_version: int | None
    device_access_state: str | None
    device_access_state_reason: str | None
    first_sync_time: datetime | None


def device_columns(found: PsObject, version: str | None) -> DeviceColumns:
    """The columns of a mobile device, but for those that join it to its mailbox."""
    device = text(found, "DeviceId")
    return DeviceColumns(
        guid=guid(found, "Guid"),
        user_display_name=optional_text(found, "UserDisplayName"),
        device_id=device,
        device_id_key=device.lower(),
        device_type=optional_text(found, "DeviceType"),
        device_model=optional_text(found, "DeviceModel"),
        device_os=optional_text(found, "DeviceOS"),
        device_user_agent=optional_text(found, "DeviceUserAgent"),
        friendly_name=optional_text(found, "FriendlyName"),
        client_type=optional_text(found, "ClientType"),
        client_version=version,
        eas_version=eas_version(version or ""),
        device_access_state=optional_text(found, "DeviceAccessState"),
        device_access_state_reason=optional_text(found, "DeviceAccessStateReason"),
        first_sync_time=optional_moment(found, "FirstSyncTime"),
    )


def _version(found: PsObject) -> str | None:
    current = optional_text(found, "ClientVersion")
    return optional_text(found, "DeviceActiveSyncVersion") if current is None else current


ACTIVE_SYNC_SETTINGS = ExchangeCollector(
    cmdlets=("Get-ActiveSyncOrganizationSettings",),
    types=frozenset({"ActiveSyncOrganizationSettings"}),
    tables=(OnpremActiveSyncSettings,),
    properties=("Guid", "DefaultAccessLevel"),
    permission=VIEW_ONLY,
    rows=_active_sync_settings,
)
DEVICE_ACCESS_RULE = ExchangeCollector(
    cmdlets=("Get-ActiveSyncDeviceAccessRule",),
    types=frozenset({"ActiveSyncDeviceAccessRule"}),
    tables=(OnpremDeviceAccessRule,),
    properties=("Guid", "Name", "Characteristic", "QueryString", "AccessLevel"),
    permission=VIEW_ONLY,
    rows=partial(device_access_rule, OnpremDeviceAccessRule),
)
MOBILE_DEVICE = ExchangeCollector(
    cmdlets=("Get-MobileDevice", "Get-ActiveSyncDevice"),
    types=frozenset({"MobileDevice", "ActiveSyncDevice"}),
    tables=(OnpremMobileDevice,),
    properties=(
        "Guid",
        "DistinguishedName",
        "UserDisplayName",
        "DeviceId",
        "DeviceType",
        "DeviceModel",
        "DeviceOS",
        "DeviceUserAgent",
        "FriendlyName",
        "ClientType",
        "ClientVersion",
        "DeviceActiveSyncVersion",
        "DeviceAccessState",
        "DeviceAccessStateReason",
        "FirstSyncTime",
    ),
    permission=VIEW_ONLY_RECIPIENTS,
    rows=_mobile_device,
    parameters={"ResultSize": "Unlimited"},
)
