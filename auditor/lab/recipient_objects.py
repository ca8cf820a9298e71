"""Recipients and their phones as objects of the Exchange cmdlets."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.lab import directory_names
from auditor.lab import type_names as types
from auditor.lab.configuration_objects import LOCAL_TIME
from auditor.lab.devices import devices_of, personal_lists
from auditor.lab.moved import remote_mailboxes
from auditor.lab.organization import Organization
from auditor.lab.parts import Device, Mailbox, RemoteMailbox
from auditor.lab.recipients import mailboxes
from auditor.lab.shell_objects import Guid, ShellObject, Value
from auditor.lab.type_names import (
    member,
    object_id,
    proxy_address,
    proxy_addresses,
    smtp_address,
    strings,
)


def mailbox_objects(organization: Organization) -> Iterator[ShellObject]:
    """Get-Mailbox -ResultSize Unlimited."""
    for found in mailboxes(organization):
        properties = _recipient(found)
        properties |= {
            "SamAccountName": found.alias[:20],
            "RecipientTypeDetails": member("RecipientTypeDetails", found.recipient_type_details),
            "ServerName": found.server.name.lower(),
            "Database": object_id(found.database),
            "IsLinked": found.recipient_type_details == "LinkedMailbox",
            "EmailAddressPolicyEnabled": found.email_address_policy_enabled,
        }
        yield ShellObject(types.MAILBOX, found.common_name, properties)


def remote_mailbox_objects(organization: Organization) -> Iterator[ShellObject]:
    """Get-RemoteMailbox -ResultSize Unlimited."""
    for found in remote_mailboxes(organization):
        routing = found.remote_routing_address
        properties = _recipient(found)
        properties |= {
            "RecipientTypeDetails": member("RecipientTypeDetails", "RemoteUserMailbox"),
            "RemoteRoutingAddress": proxy_address(routing) if routing else None,
        }
        yield ShellObject(types.REMOTE_MAILBOX, found.common_name, properties)


def _recipient(found: Mailbox | RemoteMailbox) -> dict[str, Value]:
    name = directory_names.recipient(found.common_name, found.organizational_unit)
    identity = directory_names.recipient_canonical(found.common_name, found.organizational_unit)
    return {
        "Name": found.common_name,
        "DisplayName": found.display_name,
        "Alias": found.alias,
        "Guid": Guid(found.guid),
        "ExchangeGuid": Guid(found.exchange_guid),
        "Identity": object_id(identity, name, found.guid),
        "DistinguishedName": name,
        "PrimarySmtpAddress": smtp_address(found.primary_smtp_address),
        "EmailAddresses": proxy_addresses(found.email_addresses),
        "UserPrincipalName": found.user_principal_name,
        "WhenChanged": found.when_changed.astimezone(LOCAL_TIME),
        "WhenChangedUTC": found.when_changed,
        "OriginatingServer": directory_names.DOMAIN_CONTROLLER,
    }


def cas_mailbox_objects(organization: Organization) -> Iterator[ShellObject]:
    """Get-CASMailbox -ResultSize Unlimited."""
    for found in mailboxes(organization):
        lists = personal_lists(organization, found)
        name = directory_names.recipient(found.common_name, found.organizational_unit)
        yield ShellObject(
            types.CAS_MAILBOX,
            found.common_name,
            {
                "Name": found.common_name,
                "DisplayName": found.display_name,
                "Guid": Guid(found.guid),
                "DistinguishedName": name,
                "PrimarySmtpAddress": smtp_address(found.primary_smtp_address),
                "ActiveSyncEnabled": found.active_sync_enabled,
                "HasActiveSyncDevicePartnership": found.device_count > 0,
                "ActiveSyncMailboxPolicy": object_id("Default"),
                "ActiveSyncMailboxPolicyIsDefaulted": True,
                "ActiveSyncAllowedDeviceIDs": strings(lists.allowed),
                "ActiveSyncBlockedDeviceIDs": strings(lists.blocked),
                "ServerName": found.server.name.lower(),
                "OriginatingServer": directory_names.DOMAIN_CONTROLLER,
            },
        )


def mobile_device_objects(organization: Organization) -> Iterator[ShellObject]:
    """Get-MobileDevice -ResultSize Unlimited."""
    for owner in mailboxes(organization):
        if not owner.device_count:
            continue
        name = directory_names.recipient(owner.common_name, owner.organizational_unit)
        identity = directory_names.recipient_canonical(owner.common_name, owner.organizational_unit)
        for found in devices_of(organization, owner):
            yield _mobile_device(found, name, identity)


def _mobile_device(found: Device, owner: str, owner_identity: str) -> ShellObject:
    label = f"{found.device_type}§{found.device_id}"
    container = directory_names.DEVICES_CONTAINER
    name = f"CN={directory_names.escaped(label)},CN={container},{owner}"
    return ShellObject(
        types.MOBILE_DEVICE,
        label,
        {
            "Name": label,
            "Guid": Guid(found.guid),
            "Identity": object_id(f"{owner_identity}/{container}/{label}", name, found.guid),
            "DistinguishedName": name,
            "UserDisplayName": owner_identity,
            "DeviceId": found.device_id,
            "DeviceType": found.device_type,
            "DeviceModel": found.device_model,
            "DeviceOS": found.device_os,
            "DeviceUserAgent": found.device_user_agent,
            "FriendlyName": found.friendly_name,
            "ClientType": member("MobileClientType", "EAS"),
            "ClientVersion": found.client_version,
            "DeviceAccessState": member("DeviceAccessState", found.access_state),
            "DeviceAccessStateReason": member("DeviceAccessStateReason", found.access_state_reason),
            "FirstSyncTime": found.first_sync_time,
            "OriginatingServer": directory_names.DOMAIN_CONTROLLER,
        },
    )
