"""Recipients of Exchange Online and their phones, as rows of its cmdlets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from auditor.lab.devices import devices_of
from auditor.lab.draws import draws, guid
from auditor.lab.organization import TENANT_DOMAIN, Organization
from auditor.lab.parts import Device, Mailbox
from auditor.lab.recipients import mailbox
from auditor.lab.tenant_accounts import (
    CloudAccount,
    account_at,
    account_places,
    cloud_addresses,
    planted_on,
)
from auditor.lab.tenant_cmdlets import Guid, TypedTime, hosted_name, with_notes
from auditor.lab.tenant_rows import Row, Rows, both, moment, rows_of

NO_GUID = "00000000-0000-0000-0000-000000000000"
_DISCOVERY = "DiscoverySearchMailbox{D919BA05-46A6-415f-80AD-7E09334BB852}"
_DEFAULT_POLICY = "Default"
_LEAST_VERSION = "16.1"
"""Exchange Online refuses phones that speak less, since March 2026."""


def has_mailbox(found: CloudAccount) -> bool:
    """Whether Exchange Online holds a mailbox of this account, and not a mail user."""
    return found.moved or "cloud_mailbox_exists" in found.planted


def recipient_guid(organization: Organization, found: CloudAccount) -> str:
    """GUID of the recipient in Exchange Online, which is another one than on-premises."""
    kind = "exo moved recipient" if found.moved else "exo recipient"
    return guid(organization.seed, kind, found.number)


def recipients(organization: Organization) -> Rows:
    """Get-Recipient: mail users, mailboxes that have moved, and the one for searches."""

    def at(place: int) -> Sequence[Row]:
        found = account_at(organization, place)
        return () if found is None else (_recipient(organization, found),)

    return both(
        Rows(account_places(organization), at), rows_of([_discovery_recipient(organization)])
    )


def _recipient(organization: Organization, found: CloudAccount) -> Row:
    recipient = found.recipient
    addresses = cloud_addresses(organization, found)
    own = has_mailbox(found)
    details = "UserMailbox" if own else "MailUser"
    name = recipient.alias
    return with_notes(
        {
            "Identity": name,
            "Name": name,
            "Alias": name,
            "DisplayName": recipient.display_name,
            "DistinguishedName": hosted_name(name),
            "Guid": Guid(recipient_guid(organization, found)),
            "ExchangeGuid": Guid(_exchange_guid(organization, found)),
            "ArchiveGuid": Guid(NO_GUID),
            "ExternalDirectoryObjectId": found.id,
            "RecipientType": details,
            "RecipientTypeDetails": details,
            "PrimarySmtpAddress": _primary(addresses),
            "EmailAddresses": addresses,
            "ExternalEmailAddress": None if own else f"SMTP:{recipient.primary_smtp_address}",
            "IsDirSynced": True,
            "WhenChangedUTC": TypedTime(moment(recipient.when_changed)),
        }
    )


def _primary(addresses: Sequence[str]) -> str:
    return next(address[5:] for address in addresses if address.startswith("SMTP:"))


def _exchange_guid(organization: Organization, found: CloudAccount) -> str:
    if "exchange_guid_missing" in found.planted:
        return NO_GUID
    if "cloud_mailbox_exists" in found.planted:
        return guid(organization.seed, "second mailbox", found.number)
    return found.recipient.exchange_guid


def _discovery_recipient(organization: Organization) -> Row:
    primary = f"{_DISCOVERY}@{TENANT_DOMAIN}"
    return with_notes(
        {
            "Identity": _DISCOVERY,
            "Name": _DISCOVERY,
            "Alias": _DISCOVERY,
            "DisplayName": "Discovery Search Mailbox",
            "DistinguishedName": hosted_name(_DISCOVERY),
            "Guid": Guid(guid(organization.seed, "exo recipient", "discovery")),
            "ExchangeGuid": Guid(guid(organization.seed, "exo exchange", "discovery")),
            "ArchiveGuid": Guid(NO_GUID),
            "ExternalDirectoryObjectId": guid(organization.seed, "cloud user", "discovery"),
            "RecipientType": "UserMailbox",
            "RecipientTypeDetails": "DiscoveryMailbox",
            "PrimarySmtpAddress": primary,
            "EmailAddresses": [f"SMTP:{primary}"],
            "ExternalEmailAddress": None,
            "IsDirSynced": False,
            "WhenChangedUTC": TypedTime(moment(organization.now - timedelta(days=2_000))),
        }
    )


def _mailbox_at(organization: Organization, place: int) -> CloudAccount | None:
    """The account of one place if it has a mailbox in the cloud; nearly free where it has none."""
    waiting = place < organization.mailbox_count
    if waiting and "cloud_mailbox_exists" not in planted_on(organization, place):
        return None
    return account_at(organization, place)


def cas_mailboxes(organization: Organization) -> Rows:
    """Get-CASMailbox: of mailboxes that are in the cloud, not of mail users."""

    def at(place: int) -> Sequence[Row]:
        found = _mailbox_at(organization, place)
        return () if found is None else (_cas_mailbox(organization, found),)

    return Rows(account_places(organization), at)


def _cas_mailbox(organization: Organization, found: CloudAccount) -> Row:
    name = found.recipient.alias
    devices = _phones(organization, found)
    return with_notes(
        {
            "Identity": name,
            "Name": name,
            "DisplayName": found.recipient.display_name,
            "DistinguishedName": hosted_name(name),
            "Guid": Guid(recipient_guid(organization, found)),
            "ExternalDirectoryObjectId": found.id,
            "PrimarySmtpAddress": _primary(cloud_addresses(organization, found)),
            "EmailAddresses": cloud_addresses(organization, found),
            "ActiveSyncEnabled": "moved_eas_off" not in found.planted,
            "ActiveSyncMailboxPolicy": _DEFAULT_POLICY,
            "ActiveSyncMailboxPolicyIsDefaulted": True,
            "ActiveSyncSuppressReadReceipt": False,
            "ActiveSyncAllowedDeviceIDs": [devices[0].device_id] if _allows(devices) else [],
            "ActiveSyncBlockedDeviceIDs": [],
            "HasActiveSyncDevicePartnership": bool(devices),
            "OutlookMobileEnabled": True,
            "OWAEnabled": True,
        }
    )


def _allows(devices: Sequence[Device]) -> bool:
    """Whether an administrator has let this person's phone in by its identifier."""
    return bool(devices) and devices[0].device_id.endswith(("1", "A"))


def mobile_devices(organization: Organization) -> Rows:
    """Get-MobileDevice: phones of mailboxes that are in the cloud."""

    def at(place: int) -> Sequence[Row]:
        found = _mailbox_at(organization, place)
        if found is None:
            return ()
        devices = _phones(organization, found)
        return [_mobile_device(organization, found, each) for each in devices]

    return Rows(account_places(organization), at)


def _phones(organization: Organization, found: CloudAccount) -> list[Device]:
    """The phones of a moved mailbox; a second mailbox has none, its phones sync on-premises."""
    if not found.moved:
        return []
    count = draws(organization.seed, "moved in the cloud", found.number)[1] % 3
    owner = _owner(organization, found, count)
    devices = devices_of(organization, owner)
    return [each for each in devices if each.client_version == _LEAST_VERSION]


def _owner(organization: Organization, found: CloudAccount, count: int) -> Mailbox:
    """The moved mailbox in the place of one on-premises; its number is nobody else's."""
    return replace(
        mailbox(organization, 0),
        number=-1 - found.number,
        alias=found.recipient.alias,
        device_count=count,
        server=organization.servers[0],
        planted=frozenset(),
    )


def _mobile_device(organization: Organization, owner: CloudAccount, found: Device) -> Row:
    label = f"{found.device_type}§{found.device_id}"
    name = owner.recipient.alias
    held = "cloud_quarantine" in organization.faults and found.access_state_reason == "Global"
    state = "Quarantined" if held else found.access_state
    return with_notes(
        {
            "Identity": f"{name}\\ExchangeActiveSyncDevices\\{label}",
            "Name": label,
            "Guid": Guid(found.guid),
            "DistinguishedName": f"CN={label},CN=ExchangeActiveSyncDevices,{hosted_name(name)}",
            "UserDisplayName": owner.recipient.display_name,
            "DeviceId": found.device_id,
            "DeviceType": found.device_type,
            "DeviceModel": found.device_model,
            "DeviceOS": found.device_os,
            "DeviceUserAgent": found.device_user_agent,
            "FriendlyName": found.friendly_name,
            "ClientType": "Outlook" if found.device_type == "Outlook" else "EAS",
            "ClientVersion": found.client_version,
            "DeviceAccessState": state,
            "DeviceAccessStateReason": found.access_state_reason,
            "FirstSyncTime": TypedTime(moment(found.first_sync_time)),
        }
    )
