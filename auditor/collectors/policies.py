"""Collectors of the organisation's policies and of the overrides of its settings.

Properties are those of the cmdlets' documentation and of the classes MobileMailboxPolicy and
ActiveSyncMailboxPolicy (learn.microsoft.com); no public export of them is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from auditor.collectors.contract import ExchangeCollector
from auditor.collectors.organization import VIEW_ONLY
from auditor.collectors.reading import (
    flag,
    guid,
    optional_text,
    seconds,
    text,
    texts,
    whole,
)
from auditor.evidence.base import Evidence
from auditor.evidence.exchange_online import ExoMobileDevicePolicy
from auditor.evidence.policies import (
    OnpremAuthenticationPolicy,
    OnpremEmailAddressPolicy,
    OnpremEmailAddressPolicyTemplate,
    OnpremMobileDevicePolicy,
    OnpremSettingOverride,
    OnpremSettingOverrideParameter,
)
from auditor.sources.clixml import PsObject

_NAMES_OF_2010 = {
    "IsDefault": "IsDefaultPolicy",
    "PasswordEnabled": "DevicePasswordEnabled",
    "MinPasswordLength": "MinDevicePasswordLength",
    "AlphanumericPasswordRequired": "AlphanumericDevicePasswordRequired",
    "MinPasswordComplexCharacters": "MinDevicePasswordComplexCharacters",
    "AllowSimplePassword": "AllowSimpleDevicePassword",
    "PasswordExpiration": "DevicePasswordExpiration",
    "MaxInactivityTimeLock": "MaxInactivityTimeDeviceLock",
}
"""Settings of a mobile device policy that changed their names with Exchange 2013."""

POLICY_PROPERTIES = (
    "Guid",
    "Name",
    *_NAMES_OF_2010,
    "AllowNonProvisionableDevices",
    "RequireDeviceEncryption",
    "RequireStorageCardEncryption",
)
"""What a mobile device policy is read from, in the names since Exchange 2013."""


def _email_address_policy(found: PsObject) -> Iterator[Evidence]:
    policy = guid(found, "Guid")
    yield OnpremEmailAddressPolicy(
        guid=policy,
        name=text(found, "Name"),
        priority=optional_text(found, "Priority"),
        recipient_filter_applied=flag(found, "RecipientFilterApplied"),
    )
    for template in texts(found, "EnabledEmailAddressTemplates"):
        yield address_template(policy, template)


def address_template(policy: str, written: str) -> OnpremEmailAddressPolicyTemplate:
    """The row of a template such as `smtp:%m@contoso.com`, or `SMTP:` for the primary address."""
    prefix, colon, address = written.partition(":")
    if not colon or "@" in prefix:
        prefix, address = "smtp", written
    # `@contoso.com` stands for the alias at that domain, so there need be nothing before the @
    _, at, domain = address.rpartition("@")
    smtp = prefix.lower() == "smtp"
    return OnpremEmailAddressPolicyTemplate(
        policy_guid=policy,
        prefix=prefix.lower(),
        address=address,
        domain=domain.strip().lower() if smtp and at else "",
        is_primary=bool(colon) and prefix.isupper(),
    )


def _authentication_policy(found: PsObject) -> Iterator[Evidence]:
    yield OnpremAuthenticationPolicy(
        guid=guid(found, "Guid"),
        name=text(found, "Name"),
        block_legacy_auth_active_sync=flag(found, "BlockLegacyAuthActiveSync"),
        block_modern_auth_active_sync=flag(found, "BlockModernAuthActiveSync"),
    )


def _spelled(found: PsObject, name: str) -> str:
    return name if name in found else _NAMES_OF_2010[name]


def _least(found: PsObject, name: str) -> int | None:
    """A least number, which is 0 where the policy holds nothing (MS-ASPROV: no length asked)."""
    spelled = _spelled(found, name)
    least = whole(found, spelled)
    return 0 if least is None and spelled in found else least


def mobile_device_policy(
    model: type[OnpremMobileDevicePolicy] | type[ExoMobileDevicePolicy], found: PsObject
) -> Iterator[Evidence]:
    """The row of a mobile device policy, which reads the same on both sides."""
    lock = _spelled(found, "MaxInactivityTimeLock")
    yield model(
        guid=guid(found, "Guid"),
        name=text(found, "Name"),
        is_default=flag(found, _spelled(found, "IsDefault")),
        allow_non_provisionable_devices=flag(found, "AllowNonProvisionableDevices"),
        password_enabled=flag(found, _spelled(found, "PasswordEnabled")),
        min_password_length=_least(found, "MinPasswordLength"),
        alphanumeric_password_required=flag(found, _spelled(found, "AlphanumericPasswordRequired")),
        min_password_complex_characters=_least(found, "MinPasswordComplexCharacters"),
        allow_simple_password=flag(found, _spelled(found, "AllowSimplePassword")),
        password_expiration=optional_text(found, _spelled(found, "PasswordExpiration")),
        max_inactivity_time_lock=optional_text(found, lock),
        max_inactivity_seconds=seconds(found, lock),
        require_device_encryption=flag(found, "RequireDeviceEncryption"),
        require_storage_card_encryption=flag(found, "RequireStorageCardEncryption"),
    )


def _setting_override(found: PsObject) -> Iterator[Evidence]:
    override = guid(found, "Guid")
    yield OnpremSettingOverride(
        guid=override,
        name=text(found, "Name"),
        component_name=text(found, "ComponentName"),
        section_name=text(found, "SectionName"),
    )
    for parameter in texts(found, "Parameters"):
        name, _, value = parameter.partition("=")
        yield OnpremSettingOverrideParameter(override_guid=override, name=name, value=value)


EMAIL_ADDRESS_POLICY = ExchangeCollector(
    cmdlets=("Get-EmailAddressPolicy",),
    types=frozenset({"EmailAddressPolicy"}),
    tables=(OnpremEmailAddressPolicy, OnpremEmailAddressPolicyTemplate),
    properties=(
        "Guid",
        "Name",
        "Priority",
        "RecipientFilterApplied",
        "EnabledEmailAddressTemplates",
    ),
    permission=VIEW_ONLY,
    rows=_email_address_policy,
)
AUTHENTICATION_POLICY = ExchangeCollector(
    cmdlets=("Get-AuthenticationPolicy",),
    types=frozenset({"AuthenticationPolicy"}),
    tables=(OnpremAuthenticationPolicy,),
    properties=("Guid", "Name", "BlockLegacyAuthActiveSync", "BlockModernAuthActiveSync"),
    permission=VIEW_ONLY,
    rows=_authentication_policy,
)
MOBILE_DEVICE_POLICY = ExchangeCollector(
    cmdlets=("Get-MobileDeviceMailboxPolicy", "Get-ActiveSyncMailboxPolicy"),
    types=frozenset({"MobileMailboxPolicy", "ActiveSyncMailboxPolicy"}),
    tables=(OnpremMobileDevicePolicy,),
    properties=(*POLICY_PROPERTIES, *_NAMES_OF_2010.values()),
    permission=VIEW_ONLY,
    rows=partial(mobile_device_policy, OnpremMobileDevicePolicy),
)
SETTING_OVERRIDE = ExchangeCollector(
    cmdlets=("Get-SettingOverride",),
    types=frozenset({"SettingOverride"}),
    tables=(OnpremSettingOverride, OnpremSettingOverrideParameter),
    properties=("Guid", "Name", "ComponentName", "SectionName", "Parameters"),
    permission=VIEW_ONLY,
    rows=_setting_override,
)
