"""Collectors of Exchange Online: mobile devices, what decides their access, and plans.

Properties are those of the cmdlets' documentation (Exchange PowerShell reference, learn.microsoft
.com/powershell/module/exchangepowershell); no public answer of them is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from auditor.collectors.contract import ExchangeCollector, Side
from auditor.collectors.exo_organization import GLOBAL_READER
from auditor.collectors.mobile import device_access_rule, device_columns, mailbox_of
from auditor.collectors.policies import POLICY_PROPERTIES, mobile_device_policy
from auditor.collectors.reading import flag, guid, optional_text, size_limit, text
from auditor.evidence.base import Evidence
from auditor.evidence.exchange_online import (
    ExoActiveSyncSettings,
    ExoCasMailboxPlan,
    ExoDeviceAccessRule,
    ExoMailboxPlan,
    ExoMobileDevicePolicy,
)
from auditor.evidence.exchange_online_recipients import ExoMobileDevice
from auditor.sources.clixml import PsObject


def _active_sync_settings(found: PsObject) -> Iterator[Evidence]:
    yield ExoActiveSyncSettings(
        guid=guid(found, "Guid"),
        default_access_level=optional_text(found, "DefaultAccessLevel"),
        allow_access_for_unsupported_platform=flag(found, "AllowAccessForUnSupportedPlatform"),
    )


def _cas_mailbox_plan(found: PsObject) -> Iterator[Evidence]:
    yield ExoCasMailboxPlan(
        guid=guid(found, "Guid"),
        name=text(found, "Name"),
        active_sync_enabled=flag(found, "ActiveSyncEnabled"),
        active_sync_mailbox_policy=optional_text(found, "ActiveSyncMailboxPolicy"),
    )


def _mailbox_plan(found: PsObject) -> Iterator[Evidence]:
    yield ExoMailboxPlan(
        guid=guid(found, "Guid"),
        name=text(found, "Name"),
        is_default=flag(found, "IsDefault"),
        max_receive_size=optional_text(found, "MaxReceiveSize"),
        max_receive_bytes=size_limit(found, "MaxReceiveSize"),
        max_send_size=optional_text(found, "MaxSendSize"),
        max_send_bytes=size_limit(found, "MaxSendSize"),
        prohibit_send_receive_quota=optional_text(found, "ProhibitSendReceiveQuota"),
        prohibit_send_receive_quota_bytes=size_limit(found, "ProhibitSendReceiveQuota"),
    )


def _mobile_device(found: PsObject) -> Iterator[Evidence]:
    identity, name = optional_text(found, "Identity"), optional_text(found, "DistinguishedName")
    yield ExoMobileDevice(
        mailbox_identity=None if identity is None else identity.partition("\\")[0],
        mailbox_distinguished_name_key=None if name is None else (mailbox_of(name) or "").lower(),
        **device_columns(found, optional_text(found, "ClientVersion")),
    )


ACTIVE_SYNC_SETTINGS = ExchangeCollector(
    cmdlets=("Get-ActiveSyncOrganizationSettings",),
    types=frozenset({"ActiveSyncOrganizationSettings"}),
    tables=(ExoActiveSyncSettings,),
    properties=("Guid", "DefaultAccessLevel", "AllowAccessForUnSupportedPlatform"),
    permission=GLOBAL_READER,
    rows=_active_sync_settings,
    side=Side.ONLINE,
    lost="whether an unknown phone is let in, blocked or quarantined",
    at_least_one=True,
)
DEVICE_ACCESS_RULE = ExchangeCollector(
    cmdlets=("Get-ActiveSyncDeviceAccessRule",),
    types=frozenset({"ActiveSyncDeviceAccessRule"}),
    tables=(ExoDeviceAccessRule,),
    properties=("Guid", "Name", "Characteristic", "QueryString", "AccessLevel"),
    permission=GLOBAL_READER,
    rows=partial(device_access_rule, ExoDeviceAccessRule),
    side=Side.ONLINE,
    lost="which phones are let in or kept out by a rule",
)
MOBILE_DEVICE_POLICY = ExchangeCollector(
    cmdlets=("Get-MobileDeviceMailboxPolicy",),
    types=frozenset({"MobileMailboxPolicy"}),
    tables=(ExoMobileDevicePolicy,),
    properties=POLICY_PROPERTIES,
    permission=GLOBAL_READER,
    rows=partial(mobile_device_policy, ExoMobileDevicePolicy),
    side=Side.ONLINE,
    lost="what phones must be able to do after the move",
)
CAS_MAILBOX_PLAN = ExchangeCollector(
    cmdlets=("Get-CASMailboxPlan",),
    types=frozenset({"CASMailboxPlan"}),
    tables=(ExoCasMailboxPlan,),
    properties=("Guid", "Name", "ActiveSyncEnabled", "ActiveSyncMailboxPolicy"),
    permission=GLOBAL_READER,
    rows=_cas_mailbox_plan,
    side=Side.ONLINE,
    lost="whether a new mailbox is born with ActiveSync on",
    at_least_one=True,
)
MAILBOX_PLAN = ExchangeCollector(
    cmdlets=("Get-MailboxPlan",),
    types=frozenset({"MailboxPlan"}),
    tables=(ExoMailboxPlan,),
    properties=(
        "Guid",
        "Name",
        "IsDefault",
        "MaxReceiveSize",
        "MaxSendSize",
        "ProhibitSendReceiveQuota",
    ),
    permission=GLOBAL_READER,
    rows=_mailbox_plan,
    side=Side.ONLINE,
    lost="which sizes a new mailbox takes",
    at_least_one=True,
)
MOBILE_DEVICE = ExchangeCollector(
    cmdlets=("Get-MobileDevice",),
    types=frozenset({"MobileDevice"}),
    tables=(ExoMobileDevice,),
    properties=(
        "Guid",
        "Identity",
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
        "DeviceAccessState",
        "DeviceAccessStateReason",
        "FirstSyncTime",
    ),
    permission=GLOBAL_READER,
    rows=_mobile_device,
    parameters={"ResultSize": "Unlimited"},
    side=Side.ONLINE,
    lost="which phones have followed to Exchange Online",
)
