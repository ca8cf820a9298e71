"""Each collector of Exchange Online, over the two forms in which its answers come, as whole rows.

The payloads are written after the documentation of the cmdlets: `.json` as the admin endpoint
answers, `.xml` as Export-Clixml writes the same objects.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from auditor.collectors import exo_mobile, exo_organization, exo_recipients
from auditor.collectors.contract import ExchangeCollector, Side
from auditor.collectors.exo_registry import EXCHANGE_ONLINE_COLLECTORS
from auditor.collectors.recognition import collector_of, side_of
from auditor.errors import UnexpectedAnswer
from auditor.evidence.base import Evidence
from auditor.evidence.exchange_online import (
    ExoAcceptedDomain,
    ExoActiveSyncSettings,
    ExoCasMailboxPlan,
    ExoDeviceAccessRule,
    ExoMailboxPlan,
    ExoMigrationEndpoint,
    ExoMobileDevicePolicy,
    ExoOrganization,
    ExoOrganizationRelationship,
    ExoOrganizationRelationshipDomain,
)
from auditor.evidence.exchange_online_recipients import (
    ExoCasMailbox,
    ExoCasMailboxAllowedDevice,
    ExoCasMailboxBlockedDevice,
    ExoMobileDevice,
    ExoRecipient,
    ExoRecipientAddress,
)
from auditor.sources.clixml import PsObject, PsValue
from auditor.sources.exchange_online_answers import object_of
from tests.support.watched import Watched

Objects = Callable[[Path], list[PsObject]]

HOSTED = (
    "ou=contoso.onmicrosoft.com,ou=microsoft exchange hosted organizations,dc=eurpr05a002,dc=prod,"
    "dc=outlook,dc=com"
)


def own(last: str) -> str:
    return f"00000000-0000-4000-8000-000000000{last}"


def exchange(last: str) -> str:
    return f"11111111-0000-4000-8000-000000000{last}"


def entra(last: str) -> str:
    return f"22222222-0000-4000-8000-000000000{last}"


EXPECTED: dict[str, tuple[ExchangeCollector, list[Evidence]]] = {
    "organization_config": (
        exo_organization.ORGANIZATION,
        [
            ExoOrganization(
                guid=own("e01"),
                name="contoso.onmicrosoft.com",
                oauth2_client_profile_enabled=True,
                default_authentication_policy="",
                ews_enabled=None,
            )
        ],
    ),
    "accepted_domain": (
        exo_organization.ACCEPTED_DOMAIN,
        [
            ExoAcceptedDomain(domain="contoso.com", domain_type="Authoritative", is_default=True),
            ExoAcceptedDomain(
                domain="contoso.mail.onmicrosoft.com", domain_type="InternalRelay", is_default=False
            ),
        ],
    ),
    "organization_relationship": (
        exo_organization.ORGANIZATION_RELATIONSHIP,
        [
            ExoOrganizationRelationship(
                guid=own("e21"),
                name="O365 to On-premises - 5d2c",
                enabled=True,
                target_owa_url="",
                target_sharing_epr="https://mail.contoso.com/EWS/Exchange.asmx",
                target_application_uri="FYDIBOHF25SPDLT.contoso.com",
                when_changed_utc=dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC),
            ),
            ExoOrganizationRelationshipDomain(relationship_guid=own("e21"), domain="contoso.com"),
            ExoOrganizationRelationshipDomain(relationship_guid=own("e21"), domain="fabrikam.com"),
        ],
    ),
    "migration_endpoint": (
        exo_organization.MIGRATION_ENDPOINT,
        [
            ExoMigrationEndpoint(
                guid=own("e31"),
                identity="Hybrid Migration Endpoint - EWS (Default Web Site)",
                endpoint_type="ExchangeRemoteMove",
                remote_server="Mail.Contoso.com",
                remote_server_key="mail.contoso.com",
                max_concurrent_migrations=20,
                max_concurrent_incremental_syncs=10,
            ),
            ExoMigrationEndpoint(
                guid=own("e32"),
                identity="IMAP",
                endpoint_type="IMAP",
                remote_server="",
                remote_server_key="",
                max_concurrent_migrations=None,
                max_concurrent_incremental_syncs=None,
            ),
        ],
    ),
    "cas_mailbox_plan": (
        exo_mobile.CAS_MAILBOX_PLAN,
        [
            ExoCasMailboxPlan(
                guid=own("e41"),
                name="ExchangeOnlineEnterprise-0527",
                active_sync_enabled=False,
                active_sync_mailbox_policy="",
            )
        ],
    ),
    "mailbox_plan": (
        exo_mobile.MAILBOX_PLAN,
        [
            ExoMailboxPlan(
                guid=own("e41"),
                name="ExchangeOnlineEnterprise-0527",
                is_default=True,
                max_receive_size="36 MB (37,748,736 bytes)",
                max_receive_bytes=37_748_736,
                max_send_size="35 MB (36,700,160 bytes)",
                max_send_bytes=36_700_160,
                prohibit_send_receive_quota="100 GB (107,374,182,400 bytes)",
                prohibit_send_receive_quota_bytes=107_374_182_400,
            ),
            ExoMailboxPlan(
                guid=own("e42"),
                name="ExchangeOnlineDeskless-a1b2",
                is_default=False,
                max_receive_size="Unlimited",
                max_receive_bytes=None,
                max_send_size="36 MB (37,748,736 bytes)",
                max_send_bytes=37_748_736,
                prohibit_send_receive_quota="",
                prohibit_send_receive_quota_bytes=None,
            ),
        ],
    ),
    "active_sync_organization_settings": (
        exo_mobile.ACTIVE_SYNC_SETTINGS,
        [
            ExoActiveSyncSettings(
                guid=own("e51"),
                default_access_level="Quarantine",
                allow_access_for_unsupported_platform=False,
            )
        ],
    ),
    "active_sync_device_access_rule": (
        exo_mobile.DEVICE_ACCESS_RULE,
        [
            ExoDeviceAccessRule(
                guid=own("e61"),
                name="iPhone (DeviceType)",
                characteristic="DeviceType",
                query_string="iPhone",
                access_level="Allow",
            )
        ],
    ),
    "mobile_device_mailbox_policy": (
        exo_mobile.MOBILE_DEVICE_POLICY,
        [
            ExoMobileDevicePolicy(
                guid=own("e71"),
                name="Default",
                is_default=True,
                allow_non_provisionable_devices=True,
                password_enabled=True,
                min_password_length=0,
                alphanumeric_password_required=False,
                min_password_complex_characters=1,
                allow_simple_password=True,
                password_expiration="Unlimited",
                max_inactivity_time_lock="00:15:00",
                max_inactivity_seconds=900,
                require_device_encryption=False,
                require_storage_card_encryption=False,
            )
        ],
    ),
    "recipient": (
        exo_recipients.RECIPIENT,
        [
            ExoRecipient(
                guid=own("f01"),
                external_directory_object_id=entra("f01"),
                name=entra("f01"),
                distinguished_name_key=f"cn={entra('f01')},{HOSTED}",
                display_name="Lee, Ann",
                recipient_type_details="MailUser",
                primary_smtp_address="Ann@contoso.com",
                primary_smtp_address_key="ann@contoso.com",
                exchange_guid=exchange("f01"),
                archive_guid="",
            ),
            ExoRecipientAddress(
                recipient_guid=own("f01"),
                prefix="smtp",
                address="Ann@contoso.com",
                domain="contoso.com",
                is_primary=True,
            ),
            ExoRecipientAddress(
                recipient_guid=own("f01"),
                prefix="smtp",
                address="ann@contoso.mail.onmicrosoft.com",
                domain="contoso.mail.onmicrosoft.com",
                is_primary=False,
            ),
            ExoRecipientAddress(
                recipient_guid=own("f01"),
                prefix="x500",
                address="/o=ExchangeLabs/cn=ann",
                domain="",
                is_primary=True,
            ),
            ExoRecipient(
                guid=own("f02"),
                external_directory_object_id=entra("f02"),
                name="Bo Müller",
                distinguished_name_key=f"cn=bo müller,{HOSTED}",
                display_name="Bo Müller",
                recipient_type_details="UserMailbox",
                primary_smtp_address="bo@contoso.com",
                primary_smtp_address_key="bo@contoso.com",
                exchange_guid=exchange("f02"),
                archive_guid="33333333-0000-4000-8000-000000000f02",
            ),
            ExoRecipientAddress(
                recipient_guid=own("f02"),
                prefix="smtp",
                address="bo@contoso.com",
                domain="contoso.com",
                is_primary=True,
            ),
            ExoRecipient(
                guid=own("f03"),
                external_directory_object_id="",
                name="All Staff",
                distinguished_name_key=f"cn=all staff,{HOSTED}",
                display_name="All Staff",
                recipient_type_details="DynamicDistributionGroup",
                primary_smtp_address="",
                primary_smtp_address_key="",
                exchange_guid="",
                archive_guid="",
            ),
        ],
    ),
    "cas_mailbox": (
        exo_recipients.CAS_MAILBOX,
        [
            ExoCasMailbox(
                mailbox_guid=own("f02"),
                external_directory_object_id=entra("f02"),
                primary_smtp_address="Bo@contoso.com",
                primary_smtp_address_key="bo@contoso.com",
                active_sync_enabled=True,
                has_active_sync_device_partnership=True,
                active_sync_mailbox_policy="Default",
                active_sync_mailbox_policy_is_defaulted=True,
                outlook_mobile_enabled=True,
            ),
            ExoCasMailboxAllowedDevice(
                mailbox_guid=own("f02"), device_id="ApplC39", device_id_key="applc39"
            ),
            ExoCasMailboxBlockedDevice(
                mailbox_guid=own("f02"), device_id="LostOne", device_id_key="lostone"
            ),
        ],
    ),
    "mobile_device": (
        exo_mobile.MOBILE_DEVICE,
        [
            ExoMobileDevice(
                guid=own("fd1"),
                mailbox_identity="Bo Müller",
                mailbox_distinguished_name_key=f"cn=bo müller,{HOSTED}",
                user_display_name="Bo Müller",
                device_id="ApplC39",
                device_id_key="applc39",
                device_type="iPhone",
                device_model="iPhone15C3",
                device_os="iOS 18.1 22B83",
                device_user_agent="Apple-iPhone15C3/2202.83",
                friendly_name="",
                client_type="EAS",
                client_version="16.1",
                eas_version=161,
                device_access_state="Quarantined",
                device_access_state_reason="Global",
                first_sync_time=dt.datetime(2026, 9, 3, 7, 15, 30, 123456, tzinfo=dt.UTC),
            )
        ],
    ),
}


def answered(payloads: Path, stem: str) -> list[PsObject]:
    """The objects of an answer over REST."""
    page: dict[str, Any] = json.loads((payloads / f"exo_{stem}.json").read_text("utf-8"))
    return [object_of(row, f"object {n}") for n, row in enumerate(page["value"], start=1)]


def rows_of(collector: ExchangeCollector, objects: list[PsObject]) -> list[Evidence]:
    return [row for found in objects for row in collector.rows(found)]


@pytest.mark.parametrize("stem", EXPECTED)
def test_an_answer_over_rest_becomes_whole_rows(stem: str, payloads: Path) -> None:
    collector, expected = EXPECTED[stem]
    assert rows_of(collector, answered(payloads, stem)) == expected


@pytest.mark.parametrize("stem", EXPECTED)
def test_an_exported_file_becomes_the_same_rows(
    stem: str, payloads: Path, objects: Objects
) -> None:
    collector, expected = EXPECTED[stem]
    exported = objects(payloads / f"exo_{stem}.xml")
    assert [collector_of(found, Side.ONLINE) for found in exported] == [collector] * len(exported)
    assert rows_of(collector, exported) == expected


def test_every_collector_is_shown_here() -> None:
    assert {collector.table for collector, _ in EXPECTED.values()} == {
        each.table for each in EXCHANGE_ONLINE_COLLECTORS
    }


@pytest.mark.parametrize("stem", EXPECTED)
def test_every_object_but_a_migration_endpoint_says_where_it_lives(
    stem: str, payloads: Path, objects: Objects
) -> None:
    silent = stem == "migration_endpoint"
    for found in (*answered(payloads, stem), *objects(payloads / f"exo_{stem}.xml")):
        assert side_of(found) is (None if silent else Side.ONLINE)


@pytest.mark.parametrize("stem", EXPECTED)
def test_a_collector_asks_for_exactly_the_properties_it_reads(stem: str, payloads: Path) -> None:
    collector, _ = EXPECTED[stem]
    seen: set[str] = set()
    for found in answered(payloads, stem):
        list(collector.rows(Watched(found, seen)))
    assert seen == set(collector.properties)


NEEDED = {
    "exo_organization": {"Guid", "Name"},
    "exo_accepted_domain": {"DomainName"},
    "exo_organization_relationship": {"Guid", "Name", "DomainNames"},
    "exo_migration_endpoint": {"Guid", "Identity"},
    "exo_cas_mailbox_plan": {"Guid", "Name"},
    "exo_mailbox_plan": {"Guid", "Name"},
    "exo_active_sync_settings": {"Guid"},
    "exo_device_access_rule": {"Guid", "Name", "Characteristic", "QueryString", "AccessLevel"},
    "exo_mobile_device_policy": {"Guid", "Name"},
    "exo_recipient": {"Guid", "RecipientTypeDetails", "EmailAddresses"},
    "exo_cas_mailbox": {"Guid", "ActiveSyncAllowedDeviceIDs", "ActiveSyncBlockedDeviceIDs"},
    "exo_mobile_device": {"Guid", "DeviceId"},
}


@pytest.mark.parametrize("stem", EXPECTED)
def test_what_an_object_does_not_carry_is_none_and_never_empty(stem: str, payloads: Path) -> None:
    collector, _ = EXPECTED[stem]
    whole = answered(payloads, stem)[0]
    needed = NEEDED[collector.table]
    bare = PsObject({name: whole[name] for name in needed})
    row = next(iter(collector.rows(bare)))
    told = set(row.model_dump(exclude_none=True))
    empty = {name for name in told if getattr(row, name) == ""}
    assert empty == set()
    assert len(told) <= len(needed) + 2  # and keys made of them


@pytest.mark.parametrize("stem", EXPECTED)
def test_what_every_object_has_is_missed_by_name(stem: str, payloads: Path) -> None:
    collector, _ = EXPECTED[stem]
    whole = answered(payloads, stem)[0]
    for name in NEEDED[collector.table]:
        without = PsObject({key: value for key, value in whole.items() if key != name})
        with pytest.raises(UnexpectedAnswer, match=name):
            list(collector.rows(without))


def changed(payloads: Path, stem: str, **values: PsValue) -> Iterator[Evidence]:
    collector, _ = EXPECTED[stem]
    whole = answered(payloads, stem)[0]
    return collector.rows(PsObject({**whole, **values}, place="object 1 of a test"))


@pytest.mark.parametrize(
    ("kind", "account"), [("MailUser", None), ("UserMailbox", None), ("MailContact", "")]
)
def test_a_recipient_of_an_account_without_one_was_not_shown_it(
    kind: str, account: str | None, payloads: Path
) -> None:
    hidden = {"RecipientTypeDetails": kind, "ExternalDirectoryObjectId": None}
    row = next(iter(changed(payloads, "recipient", **hidden)))
    assert isinstance(row, ExoRecipient)
    assert row.external_directory_object_id == account


def test_a_device_outside_of_any_mailbox_keeps_its_row_and_belongs_to_none(payloads: Path) -> None:
    name = "CN=iPhone§ApplC39,CN=Elsewhere,DC=PROD,DC=OUTLOOK,DC=COM"
    (row,) = changed(payloads, "mobile_device", DistinguishedName=name)
    assert isinstance(row, ExoMobileDevice)
    assert row.mailbox_distinguished_name_key == ""


@pytest.mark.parametrize(
    ("stem", "values"),
    [
        ("recipient", {"ExchangeGuid": "none"}),
        ("recipient", {"EmailAddresses": "SMTP:ann@contoso.com"}),
        ("recipient", {"EmailAddresses": [5]}),
        ("cas_mailbox", {"ActiveSyncEnabled": "perhaps"}),
        ("mailbox_plan", {"MaxReceiveSize": "quite large"}),
        ("migration_endpoint", {"MaxConcurrentMigrations": "many"}),
        ("mobile_device", {"FirstSyncTime": "last summer"}),
        ("organization_relationship", {"DomainNames": {"a": "b"}}),
    ],
)
def test_a_value_of_another_shape_names_property_and_place(
    stem: str, values: dict[str, PsValue], payloads: Path
) -> None:
    (name,) = values
    with pytest.raises(UnexpectedAnswer, match=rf"{name} of .* \(object 1 of a test\)"):
        list(changed(payloads, stem, **values))
