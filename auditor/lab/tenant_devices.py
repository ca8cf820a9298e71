"""Phones that are enrolled in Intune, as Microsoft Graph v1.0 shows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from auditor.lab.devices import devices_of
from auditor.lab.draws import draws, guid, happens
from auditor.lab.organization import Organization
from auditor.lab.parts import Device, Mailbox
from auditor.lab.tenant_accounts import CloudAccount, account_at
from auditor.lab.tenant_rows import Row, Rows, moment

_ENROLLED_EVERY = 5
"""One in so many people has enrolled; the others use their phones as they are."""

_NEVER = "0001-01-01T00:00:00Z"
"""How Graph writes a time that is not there, in a property that may not be null."""

_PROFILE_SHARE = 0.7
"""Of the enrolled phones, those whose mail was set up by a profile of Intune."""

_SYSTEMS = {"iPhone": ("iOS", "Apple"), "iPad": ("iPadOS", "Apple"), "Android": ("Android", "")}


def managed_devices(organization: Organization) -> Rows:
    """/deviceManagement/managedDevices: phones of those who have enrolled."""

    def at(place: int) -> Sequence[Row]:
        if place % _ENROLLED_EVERY:
            return ()
        found = account_at(organization, place)
        if found is None or not found.personal or not isinstance(found.recipient, Mailbox):
            return ()
        return [
            _managed_device(organization, found, device, system)
            for device in devices_of(organization, found.recipient)
            if (system := _system(device))
        ]

    return Rows(organization.mailbox_count, at)


def _system(device: Device) -> tuple[str, str] | None:
    """Operating system and manufacturer, of phones that Intune can manage."""
    if device.device_type.startswith("SAMSUNG"):
        return "Android", "samsung"
    return _SYSTEMS.get(device.device_type)


def _managed_device(
    organization: Organization, owner: CloudAccount, found: Device, system: tuple[str, str]
) -> Row:
    drawn = draws(organization.seed, "enrolled", found.guid)
    own_profile = happens(drawn[0], _PROFILE_SHARE)
    return {
        "id": guid(organization.seed, "managed device", found.guid),
        "userId": owner.id,
        "userPrincipalName": owner.user_principal_name,
        "userDisplayName": owner.recipient.display_name,
        "emailAddress": owner.recipient.primary_smtp_address,
        "deviceName": f"{owner.recipient.alias}_{system[0]}",
        "easActivated": own_profile,
        "easDeviceId": found.device_id if own_profile else None,
        "easActivationDateTime": moment(found.first_sync_time) if own_profile else _NEVER,
        "exchangeAccessState": "none",
        "exchangeAccessStateReason": "none",
        "exchangeLastSuccessfulSyncDateTime": _NEVER,
        "complianceState": "noncompliant" if happens(drawn[1], 0.1) else "compliant",
        "managementAgent": "mdm",
        "azureADDeviceId": guid(organization.seed, "entra device", found.guid),
        "azureADRegistered": True,
        "operatingSystem": system[0],
        "osVersion": found.device_os.rpartition(" ")[2],
        "model": found.device_model,
        "manufacturer": system[1] or "Google",
        "lastSyncDateTime": moment(organization.now - timedelta(seconds=drawn[2] % 200_000)),
        "enrolledDateTime": moment(found.first_sync_time),
    }
