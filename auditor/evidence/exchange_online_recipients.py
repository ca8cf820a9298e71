"""Tables of the recipients of Exchange Online and of their mobile devices.

`external_directory_object_id` is the id of the account in Entra and joins to entra_user.
"""

from __future__ import annotations

from typing import ClassVar

from auditor.evidence.base import Evidence, UtcTime


class ExoRecipient(Evidence):
    """Get-Recipient of Exchange Online, which leaves out the groups of Microsoft 365.

    `recipient_type_details` MailUser with an `exchange_guid` can become a moved mailbox. Both
    GUIDs are '' where Exchange Online writes a GUID of zeros, which stands for none.
    `distinguished_name_key` joins mobile devices to their mailbox, and so does `name`.
    """

    table: ClassVar[str] = "exo_recipient"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    external_directory_object_id: str | None
    name: str | None
    distinguished_name_key: str | None
    display_name: str | None
    recipient_type_details: str
    primary_smtp_address: str | None
    primary_smtp_address_key: str | None
    exchange_guid: str | None
    archive_guid: str | None


class ExoRecipientAddress(Evidence):
    """One of EmailAddresses of a recipient of Exchange Online; `domain` only for smtp."""

    table: ClassVar[str] = "exo_recipient_address"
    key: ClassVar[tuple[str, ...]] = ("recipient_guid", "prefix", "address", "is_primary")

    recipient_guid: str
    prefix: str
    address: str
    domain: str
    is_primary: bool


class ExoCasMailbox(Evidence):
    """Get-CASMailbox of Exchange Online: the ActiveSync settings of a mailbox that is there."""

    table: ClassVar[str] = "exo_cas_mailbox"
    key: ClassVar[tuple[str, ...]] = ("mailbox_guid",)

    mailbox_guid: str
    external_directory_object_id: str | None
    primary_smtp_address: str | None
    primary_smtp_address_key: str | None
    active_sync_enabled: bool | None
    has_active_sync_device_partnership: bool | None
    active_sync_mailbox_policy: str | None
    active_sync_mailbox_policy_is_defaulted: bool | None
    outlook_mobile_enabled: bool | None


class ExoCasMailboxAllowedDevice(Evidence):
    """One of ActiveSyncAllowedDeviceIDs."""

    table: ClassVar[str] = "exo_cas_mailbox_allowed_device"
    key: ClassVar[tuple[str, ...]] = ("mailbox_guid", "device_id_key")

    mailbox_guid: str
    device_id: str
    device_id_key: str


class ExoCasMailboxBlockedDevice(Evidence):
    """One of ActiveSyncBlockedDeviceIDs."""

    table: ClassVar[str] = "exo_cas_mailbox_blocked_device"
    key: ClassVar[tuple[str, ...]] = ("mailbox_guid", "device_id_key")

    mailbox_guid: str
    device_id: str
    device_id_key: str


class ExoMobileDevice(Evidence):
    """Get-MobileDevice of Exchange Online.

    `mailbox_identity` is what stands before the backslash of Identity: the name of the mailbox in
    its organisation. `mailbox_distinguished_name_key` is read off DistinguishedName, in which a
    device lies below its mailbox; '' where it lies elsewhere. `eas_version` is ClientVersion in
    tenths: 16.1 is 161.
    """

    table: ClassVar[str] = "exo_mobile_device"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    mailbox_identity: str | None
    mailbox_distinguished_name_key: str | None
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
    first_sync_time: UtcTime | None
