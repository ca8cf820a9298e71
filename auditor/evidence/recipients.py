"""Tables of on-premises recipients and of their mobile devices.

A mailbox is known by its directory GUID; `distinguished_name_key` joins devices to it.
"""

from __future__ import annotations

from typing import ClassVar

from auditor.evidence.base import Evidence, UtcTime


class OnpremMailbox(Evidence):
    """Get-Mailbox: a mailbox that still lives on-premises."""

    table: ClassVar[str] = "onprem_mailbox"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    exchange_guid: str | None
    display_name: str | None
    distinguished_name: str
    distinguished_name_key: str
    primary_smtp_address: str
    primary_smtp_address_key: str
    user_principal_name: str | None
    user_principal_name_key: str | None
    sam_account_name: str | None
    recipient_type_details: str
    server_name: str | None
    server_key: str | None
    email_address_policy_enabled: bool | None


class OnpremMailboxAddress(Evidence):
    """One of EmailAddresses of an on-premises mailbox; `domain` only for smtp, '' otherwise."""

    table: ClassVar[str] = "onprem_mailbox_address"
    key: ClassVar[tuple[str, ...]] = ("mailbox_guid", "prefix", "address", "is_primary")

    mailbox_guid: str
    prefix: str
    address: str
    domain: str
    is_primary: bool


class OnpremCasMailbox(Evidence):
    """Get-CASMailbox: the ActiveSync settings of an on-premises mailbox.

    A table of its own, since it comes from a command of its own that can fail by itself.
    """

    table: ClassVar[str] = "onprem_cas_mailbox"
    key: ClassVar[tuple[str, ...]] = ("mailbox_guid",)

    mailbox_guid: str
    primary_smtp_address: str
    active_sync_enabled: bool | None
    has_active_sync_device_partnership: bool | None
    active_sync_mailbox_policy: str | None
    active_sync_mailbox_policy_is_defaulted: bool | None


class OnpremCasMailboxAllowedDevice(Evidence):
    """One of ActiveSyncAllowedDeviceIDs."""

    table: ClassVar[str] = "onprem_cas_mailbox_allowed_device"
    key: ClassVar[tuple[str, ...]] = ("mailbox_guid", "device_id_key")

    mailbox_guid: str
    device_id: str
    device_id_key: str


class OnpremCasMailboxBlockedDevice(Evidence):
    """One of ActiveSyncBlockedDeviceIDs."""

    table: ClassVar[str] = "onprem_cas_mailbox_blocked_device"
    key: ClassVar[tuple[str, ...]] = ("mailbox_guid", "device_id_key")

    mailbox_guid: str
    device_id: str
    device_id_key: str


class OnpremRemoteMailbox(Evidence):
    """Get-RemoteMailbox: what a moved mailbox leaves behind on-premises.

    `routing_address_prefix` is `smtp` for an address that can start a redirect, '' when there is
    no address at all; `routing_domain` is '' unless the address is an smtp one.
    """

    table: ClassVar[str] = "onprem_remote_mailbox"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    exchange_guid: str | None
    display_name: str | None
    distinguished_name: str
    distinguished_name_key: str
    primary_smtp_address: str
    primary_smtp_address_key: str
    user_principal_name: str | None
    user_principal_name_key: str | None
    recipient_type_details: str
    remote_routing_address: str | None
    routing_address_prefix: str | None
    routing_domain: str | None


class OnpremRemoteMailboxAddress(Evidence):
    """One of EmailAddresses of a remote mailbox."""

    table: ClassVar[str] = "onprem_remote_mailbox_address"
    key: ClassVar[tuple[str, ...]] = ("mailbox_guid", "prefix", "address", "is_primary")

    mailbox_guid: str
    prefix: str
    address: str
    domain: str
    is_primary: bool


class OnpremActiveSyncSettings(Evidence):
    """Get-ActiveSyncOrganizationSettings; `default_access_level` is Allow, Block or Quarantine."""

    table: ClassVar[str] = "onprem_active_sync_settings"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    default_access_level: str | None


class OnpremDeviceAccessRule(Evidence):
    """Get-ActiveSyncDeviceAccessRule."""

    table: ClassVar[str] = "onprem_device_access_rule"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    name: str
    characteristic: str
    query_string: str
    access_level: str


class OnpremMobileDevice(Evidence):
    """Get-MobileDevice (2013 and later) or Get-ActiveSyncDevice: one partnership.

    `eas_version` is ClientVersion in tenths: 14.1 is 141. It is the lesser of what client and
    server speak, and may be years old (DEV-VERSION-EXO).
    """

    table: ClassVar[str] = "onprem_mobile_device"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    distinguished_name: str
    mailbox_distinguished_name_key: str
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
