"""Collectors of Exchange Online: recipients, and the ActiveSync settings of its mailboxes.

Get-Recipient alone gives every recipient with ExchangeGuid, ArchiveGuid and addresses (class
ReducedRecipient): mailboxes, and the mail users that become mailboxes, in one command instead of
Get-Mailbox and Get-MailUser. It leaves out the groups of Microsoft 365, which it gives only where
they are asked for by type. Get-CASMailbox gives the property set ActiveSync (learn.microsoft.com,
Property sets in Exchange Online PowerShell module cmdlets). No public answer of either is known.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.collectors.contract import ExchangeCollector, Side
from auditor.collectors.exo_organization import GLOBAL_READER
from auditor.collectors.reading import assigned_guid, flag, guid, optional_text, text, texts
from auditor.collectors.recipients import lowered, personal_devices, proxy_addresses
from auditor.evidence.base import Evidence
from auditor.evidence.exchange_online_recipients import (
    ExoCasMailbox,
    ExoCasMailboxAllowedDevice,
    ExoCasMailboxBlockedDevice,
    ExoRecipient,
    ExoRecipientAddress,
)
from auditor.sources.clixml import PsObject

_OF_AN_ACCOUNT = frozenset(
    {"EquipmentMailbox", "MailUser", "RoomMailbox", "SharedMailbox", "UserMailbox"}
)
"""Kinds of recipients that always belong to an account in Entra: none means that it was hidden."""


def _account(found: PsObject) -> str | None:
    account = lowered(optional_text(found, "ExternalDirectoryObjectId"))
    if not account and text(found, "RecipientTypeDetails") in _OF_AN_ACCOUNT:
        return None
    return account


def _recipient(found: PsObject) -> Iterator[Evidence]:
    recipient = guid(found, "Guid")
    primary = optional_text(found, "PrimarySmtpAddress")
    yield ExoRecipient(
        guid=recipient,
        external_directory_object_id=_account(found),
        name=optional_text(found, "Name"),
        distinguished_name_key=lowered(optional_text(found, "DistinguishedName")),
        display_name=optional_text(found, "DisplayName"),
        recipient_type_details=text(found, "RecipientTypeDetails"),
        primary_smtp_address=primary,
        primary_smtp_address_key=lowered(primary),
        exchange_guid=assigned_guid(found, "ExchangeGuid"),
        archive_guid=assigned_guid(found, "ArchiveGuid"),
    )
    for proxy in proxy_addresses(texts(found, "EmailAddresses")):
        yield ExoRecipientAddress(
            recipient_guid=recipient,
            prefix=proxy.prefix,
            address=proxy.address,
            domain=proxy.domain,
            is_primary=proxy.is_primary,
        )


def _cas_mailbox(found: PsObject) -> Iterator[Evidence]:
    mailbox = guid(found, "Guid")
    primary = optional_text(found, "PrimarySmtpAddress")
    yield ExoCasMailbox(
        mailbox_guid=mailbox,
        external_directory_object_id=lowered(optional_text(found, "ExternalDirectoryObjectId")),
        primary_smtp_address=primary,
        primary_smtp_address_key=lowered(primary),
        active_sync_enabled=flag(found, "ActiveSyncEnabled"),
        has_active_sync_device_partnership=flag(found, "HasActiveSyncDevicePartnership"),
        active_sync_mailbox_policy=optional_text(found, "ActiveSyncMailboxPolicy"),
        active_sync_mailbox_policy_is_defaulted=flag(found, "ActiveSyncMailboxPolicyIsDefaulted"),
        outlook_mobile_enabled=flag(found, "OutlookMobileEnabled"),
    )
    allowed, blocked = ExoCasMailboxAllowedDevice, ExoCasMailboxBlockedDevice
    yield from personal_devices(found, mailbox, allowed, blocked)


RECIPIENT = ExchangeCollector(
    cmdlets=("Get-Recipient",),
    types=frozenset({"ReducedRecipient"}),
    tables=(ExoRecipient, ExoRecipientAddress),
    properties=(
        "Guid",
        "ExternalDirectoryObjectId",
        "Name",
        "DistinguishedName",
        "DisplayName",
        "RecipientTypeDetails",
        "PrimarySmtpAddress",
        "ExchangeGuid",
        "ArchiveGuid",
        "EmailAddresses",
    ),
    permission=GLOBAL_READER,
    rows=_recipient,
    parameters={"ResultSize": "Unlimited"},
    side=Side.ONLINE,
    lost="whether each mailbox has its one target, with ExchangeGuid and routing address",
)
CAS_MAILBOX = ExchangeCollector(
    cmdlets=("Get-CASMailbox",),
    types=frozenset({"CASMailbox"}),
    tables=(ExoCasMailbox, ExoCasMailboxAllowedDevice, ExoCasMailboxBlockedDevice),
    properties=(
        "Guid",
        "ExternalDirectoryObjectId",
        "PrimarySmtpAddress",
        "ActiveSyncEnabled",
        "HasActiveSyncDevicePartnership",
        "ActiveSyncMailboxPolicy",
        "ActiveSyncMailboxPolicyIsDefaulted",
        "OutlookMobileEnabled",
        "ActiveSyncAllowedDeviceIDs",
        "ActiveSyncBlockedDeviceIDs",
    ),
    permission=GLOBAL_READER,
    rows=_cas_mailbox,
    parameters={"ResultSize": "Unlimited"},
    side=Side.ONLINE,
    lost="whether phones of moved mailboxes may connect",
)
