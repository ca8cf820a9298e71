"""Tables of the organisation's policies and of the overrides of its settings."""

from __future__ import annotations

from typing import ClassVar

from auditor.evidence.base import Evidence


class OnpremEmailAddressPolicy(Evidence):
    """Get-EmailAddressPolicy: which addresses recipients are given.

    `priority` is a number, 1 first, or `Lowest`. `recipient_filter_applied` False: it was changed,
    and its recipients have not been updated since.
    """

    table: ClassVar[str] = "onprem_email_address_policy"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    name: str
    priority: str | None
    recipient_filter_applied: bool | None


class OnpremEmailAddressPolicyTemplate(Evidence):
    """One of EnabledEmailAddressTemplates, such as `smtp:%m@contoso.mail.onmicrosoft.com`.

    `address` is the template without its prefix; `domain` only for smtp, '' otherwise.
    """

    table: ClassVar[str] = "onprem_email_address_policy_template"
    key: ClassVar[tuple[str, ...]] = ("policy_guid", "prefix", "address", "is_primary")

    policy_guid: str
    prefix: str
    address: str
    domain: str
    is_primary: bool


class OnpremAuthenticationPolicy(Evidence):
    """Get-AuthenticationPolicy: sign-ins that servers refuse, before they redirect anybody.

    Exchange 2019 CU2 brought the first column, CU13 the second: NULL where a server lacks it.
    """

    table: ClassVar[str] = "onprem_authentication_policy"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    name: str
    block_legacy_auth_active_sync: bool | None
    block_modern_auth_active_sync: bool | None


class OnpremMobileDevicePolicy(Evidence):
    """Get-MobileDeviceMailboxPolicy (2013 and later) or Get-ActiveSyncMailboxPolicy.

    Columns carry the newer names: `password_enabled` was DevicePasswordEnabled in 2010.
    `min_password_length` 0 asks for no length. `max_inactivity_seconds` is NULL where
    `max_inactivity_time_lock` says `Unlimited` or nothing.
    """

    table: ClassVar[str] = "onprem_mobile_device_policy"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    name: str
    is_default: bool | None
    allow_non_provisionable_devices: bool | None
    password_enabled: bool | None
    min_password_length: int | None
    alphanumeric_password_required: bool | None
    min_password_complex_characters: int | None
    allow_simple_password: bool | None
    password_expiration: str | None
    max_inactivity_time_lock: str | None
    max_inactivity_seconds: int | None
    require_device_encryption: bool | None
    require_storage_card_encryption: bool | None


class OnpremSettingOverride(Evidence):
    """Get-SettingOverride: a change of what Exchange ships with, seen nowhere else."""

    table: ClassVar[str] = "onprem_setting_override"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    name: str
    component_name: str
    section_name: str


class OnpremSettingOverrideParameter(Evidence):
    """One of Parameters of an override, `Enabled=true` as `name` and `value`."""

    table: ClassVar[str] = "onprem_setting_override_parameter"
    key: ClassVar[tuple[str, ...]] = ("override_guid", "name", "value")

    override_guid: str
    name: str
    value: str
