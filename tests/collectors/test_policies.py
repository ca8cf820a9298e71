"""Collectors of policies and overrides over answers in the shape of the Management Shell."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from auditor.collectors.policies import EMAIL_ADDRESS_POLICY, MOBILE_DEVICE_POLICY
from auditor.evidence.base import Evidence
from auditor.evidence.policies import (
    OnpremAuthenticationPolicy,
    OnpremEmailAddressPolicy,
    OnpremEmailAddressPolicyTemplate,
    OnpremMobileDevicePolicy,
    OnpremSettingOverride,
    OnpremSettingOverrideParameter,
)
from auditor.sources.clixml import PsObject

Rows = Callable[[str], list[Evidence]]
STAFF, DEFAULT = "00000000-0000-4000-8000-000000000e31", "00000000-0000-4000-8000-000000000e32"


def test_address_policies_with_their_templates(rows: Rows) -> None:
    assert rows("email_address_policy.xml") == [
        OnpremEmailAddressPolicy(
            guid=STAFF, name="Staff", priority="1", recipient_filter_applied=False
        ),
        OnpremEmailAddressPolicyTemplate(
            policy_guid=STAFF,
            prefix="smtp",
            address="%g.%s@Contoso.com",
            domain="contoso.com",
            is_primary=True,
        ),
        OnpremEmailAddressPolicyTemplate(
            policy_guid=STAFF,
            prefix="smtp",
            address="%m@contoso.mail.onmicrosoft.com",
            domain="contoso.mail.onmicrosoft.com",
            is_primary=False,
        ),
        OnpremEmailAddressPolicyTemplate(
            policy_guid=STAFF,
            prefix="x400",
            address="c=CH;a= ;p=Contoso;o=Exchange;",
            domain="",
            is_primary=True,
        ),
        OnpremEmailAddressPolicy(
            guid=DEFAULT, name="Default Policy", priority="Lowest", recipient_filter_applied=True
        ),
        OnpremEmailAddressPolicyTemplate(
            policy_guid=DEFAULT,
            prefix="smtp",
            address="@contoso.com",
            domain="contoso.com",
            is_primary=True,
        ),
    ]


@pytest.mark.parametrize("template", ["%m@contoso.com", "no address", ""])
def test_a_template_without_a_prefix_is_one_of_smtp(template: str) -> None:
    found = PsObject({"Guid": STAFF, "Name": "P", "EnabledEmailAddressTemplates": [template]})
    _, row = EMAIL_ADDRESS_POLICY.rows(found)
    assert row == OnpremEmailAddressPolicyTemplate(
        policy_guid=STAFF,
        prefix="smtp",
        address=template,
        domain="contoso.com" if "@" in template else "",
        is_primary=False,
    )


def test_an_authentication_policy_of_an_older_server_lacks_the_modern_switch(rows: Rows) -> None:
    assert rows("authentication_policy.xml") == [
        OnpremAuthenticationPolicy(
            guid="00000000-0000-4000-8000-000000000e41",
            name="Block Basic",
            block_legacy_auth_active_sync=True,
            block_modern_auth_active_sync=False,
        ),
        OnpremAuthenticationPolicy(
            guid="00000000-0000-4000-8000-000000000e42",
            name="Of an older server",
            block_legacy_auth_active_sync=False,
            block_modern_auth_active_sync=None,
        ),
    ]


def test_setting_overrides_with_their_parameters(rows: Rows) -> None:
    override = "00000000-0000-4000-8000-000000000e51"
    assert rows("setting_override.xml") == [
        OnpremSettingOverride(
            guid=override,
            name="EnableExchangeHybrid3PAppFeature",
            component_name="Global",
            section_name="ExchangeOnpremAsThirdPartyAppId",
        ),
        OnpremSettingOverrideParameter(override_guid=override, name="Enabled", value="true"),
    ]


def test_a_policy_that_asks_for_no_length_asks_for_zero_characters(rows: Rows) -> None:
    assert rows("mobile_device_mailbox_policy.xml") == [
        OnpremMobileDevicePolicy(
            guid="00000000-0000-4000-8000-000000000e61",
            name="Default",
            is_default=True,
            allow_non_provisionable_devices=True,
            password_enabled=False,
            min_password_length=0,
            alphanumeric_password_required=False,
            min_password_complex_characters=1,
            allow_simple_password=True,
            password_expiration="Unlimited",
            max_inactivity_time_lock="Unlimited",
            max_inactivity_seconds=None,
            require_device_encryption=False,
            require_storage_card_encryption=False,
        )
    ]


def test_a_policy_of_2010_fills_the_same_columns_from_other_names(rows: Rows) -> None:
    assert rows("active_sync_mailbox_policy.xml") == [
        OnpremMobileDevicePolicy(
            guid="00000000-0000-4000-8000-000000000e62",
            name="Board",
            is_default=False,
            allow_non_provisionable_devices=False,
            password_enabled=True,
            min_password_length=6,
            alphanumeric_password_required=True,
            min_password_complex_characters=2,
            allow_simple_password=False,
            password_expiration="90.00:00:00",
            max_inactivity_time_lock="00:15:00",
            max_inactivity_seconds=900,
            require_device_encryption=True,
            require_storage_card_encryption=False,
        )
    ]


def test_settings_that_were_not_exported_are_unknown() -> None:
    found = PsObject({"Guid": STAFF, "Name": "Default"})
    (row,) = MOBILE_DEVICE_POLICY.rows(found)
    assert {name for name, value in row.model_dump().items() if value is not None} == {
        "guid",
        "name",
    }
