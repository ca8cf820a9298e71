"""What Exchange says of one mailbox at a time, as objects of its cmdlets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from auditor.lab import directory_names
from auditor.lab import type_names as types
from auditor.lab.configuration_objects import LOCAL_TIME
from auditor.lab.devices import devices_of
from auditor.lab.draws import draws, happens
from auditor.lab.organization import Organization
from auditor.lab.parts import Mailbox
from auditor.lab.recipients import mailbox
from auditor.lab.shell_objects import Guid, ShellObject
from auditor.lab.type_names import array, byte_size, member, object_id, switch

_MEGABYTE = 1 << 20
_LARGEST = 38_000
"""Megabytes of the largest mailbox, which fits into every plan that has a phone."""

_STALE_SHARE = 0.08
_DELEGATE_SHARE = 0.06
_FULL_ACCESS = ("FullAccess",)
_INHERITED = (
    ("CONTOSO\\Domain Admins", _FULL_ACCESS, True),
    ("CONTOSO\\Organization Management", _FULL_ACCESS, True),
    ("CONTOSO\\Exchange Servers", ("FullAccess", "ReadPermission"), False),
    ("CONTOSO\\Exchange Trusted Subsystem", ("FullAccess", "DeleteItem", "ReadPermission"), False),
)
"""Entries that Exchange's own setup leaves on every mailbox: who, which rights, denied or not."""


def mailbox_statistics(organization: Organization, found: Mailbox) -> Iterator[ShellObject]:
    """Get-MailboxStatistics -Identity."""
    drawn = draws(organization.seed, "statistics", found.number)
    # most mailboxes are small and few are large: the product of two draws
    megabytes = 1 + (drawn[0] % _LARGEST) * (drawn[1] % _LARGEST) // _LARGEST
    used = megabytes * _MEGABYTE + drawn[2] % _MEGABYTE
    recovered = used // 12
    last_logon = organization.now - timedelta(seconds=drawn[3] % 400_000)
    yield ShellObject(
        types.MAILBOX_STATISTICS,
        found.display_name,
        {
            "DisplayName": found.display_name,
            "MailboxGuid": Guid(found.exchange_guid),
            "ItemCount": used // 75_000,
            "TotalItemSize": byte_size(used),
            "DeletedItemCount": recovered // 75_000,
            "TotalDeletedItemSize": byte_size(recovered),
            "LastLogonTime": last_logon.astimezone(LOCAL_TIME),
            "ServerName": found.server.name,
            "OriginatingServer": found.server.fqdn,
        },
    )


def mobile_device_statistics(organization: Organization, found: Mailbox) -> Iterator[ShellObject]:
    """Get-MobileDeviceStatistics -Mailbox: no wipe is pending, and some phones lie in a drawer."""
    if not found.device_count:
        return
    owner = directory_names.recipient_canonical(found.common_name, found.organizational_unit)
    for device in devices_of(organization, found):
        drawn = draws(organization.seed, "device statistics", device.guid)
        days = 91 + drawn[1] % 900 if happens(drawn[0], _STALE_SHARE) else drawn[1] % 6
        last = organization.now - timedelta(days=days, seconds=drawn[2] % 80_000)
        label = f"{device.device_type}§{device.device_id}"
        identity = f"{owner}/{directory_names.DEVICES_CONTAINER}/{label}"
        yield ShellObject(
            types.MOBILE_DEVICE_STATISTICS,
            identity,
            {
                "FirstSyncTime": device.first_sync_time,
                "LastSuccessSync": max(last, device.first_sync_time),
                "DeviceType": device.device_type,
                "DeviceID": device.device_id,
                "DeviceWipeSentTime": None,
                "DeviceWipeRequestTime": None,
                "DeviceWipeAckTime": None,
                "Identity": object_id(identity),
                "Guid": Guid(device.guid),
                "Status": member("DeviceRemoteWipeStatus", "DeviceOk"),
                "DevicePolicyApplied": object_id("Default"),
                "DevicePolicyApplicationStatus": member(
                    "DevicePolicyApplicationStatus", "AppliedInFull"
                ),
            },
        )


def mailbox_permissions(organization: Organization, found: Mailbox) -> Iterator[ShellObject]:
    """Get-MailboxPermission -Identity: the owner, perhaps delegates, and what is inherited."""
    own = ("FullAccess", "ReadPermission")
    yield _permission(found, "NT AUTHORITY\\SELF", own, inherited=False, denied=False)
    for delegate in _delegates(organization, found):
        account = f"CONTOSO\\{delegate.alias[:20]}"
        yield _permission(found, account, _FULL_ACCESS, inherited=False, denied=False)
    for account, rights, denied in _INHERITED:
        yield _permission(found, account, rights, inherited=True, denied=denied)


def _delegates(organization: Organization, found: Mailbox) -> Iterator[Mailbox]:
    """Who may open this mailbox: two people for a shared one, for others now and then one."""
    drawn = draws(organization.seed, "delegates", found.number)
    shared = found.recipient_type_details == "SharedMailbox"
    assisted = found.recipient_type_details == "UserMailbox" and happens(drawn[0], _DELEGATE_SHARE)
    # from among those before it, who are the same in an organisation of any size
    numbers = {drawn[place] % max(1, found.number) for place in range(1, 1 + 2 * shared + assisted)}
    for number in sorted(numbers):
        yield mailbox(organization, number)


def _permission(
    found: Mailbox, account: str, rights: tuple[str, ...], *, inherited: bool, denied: bool
) -> ShellObject:
    owner = directory_names.recipient_canonical(found.common_name, found.organizational_unit)
    return ShellObject(
        types.MAILBOX_PERMISSION,
        owner,
        {
            "AccessRights": array(tuple(member("MailboxRights", right) for right in rights)),
            "Deny": switch(present=denied),
            "InheritanceType": "All",
            "User": account,
            "Identity": object_id(owner),
            "IsInherited": inherited,
            "IsValid": True,
        },
    )
