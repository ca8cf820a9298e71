"""The organisation as its tenant knows it: repeatable, joined with the servers, never held."""

from __future__ import annotations

import base64
import csv
import json
import tracemalloc
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.lab.devices import devices_of
from auditor.lab.faults import CLOUD_FAULTS, PLANTED
from auditor.lab.moved import remote_mailboxes
from auditor.lab.organization import Organization, build
from auditor.lab.recipients import HOSTILE_NAMES, mailbox, mailboxes
from auditor.lab.tenant import CMDLETS, COLLECTIONS, SINGLES, collection, tenant_id
from auditor.lab.tenant_accounts import planted_on
from auditor.lab.tenant_cmdlets import size
from auditor.lab.tenant_licences import EXCHANGE_S_ENTERPRISE, SPE_E3
from auditor.lab.tenant_rows import START, Mark, Row, Rows, both, rows_of
from auditor.lab.tenant_users import immutable_id
from auditor.resources import rules_folder

ENOUGH = 40
"""Mailboxes after which every fault has struck once."""


def graph(organization: Organization, path: str) -> list[Any]:
    """Every row of a collection, as a client gets it out of JSON."""
    found = collection(organization, path)
    assert found is not None
    return [json.loads(json.dumps(row)) for row in found]


def cmdlet(organization: Organization, name: str) -> list[Any]:
    return [json.loads(json.dumps(row)) for row in CMDLETS[name](organization)]


def everything(organization: Organization) -> dict[str, Any]:
    return {
        **{path: graph(organization, path) for path in COLLECTIONS},
        **{path: make(organization) for path, make in SINGLES.items()},
        **{name: cmdlet(organization, name) for name in CMDLETS},
    }


def users(organization: Organization) -> dict[str, Any]:
    """Synchronised users by the GUID of their mailbox on-premises."""
    return {
        str(uuid.UUID(bytes_le=base64.b64decode(row["onPremisesImmutableId"]))): row
        for row in graph(organization, "users")
        if row["onPremisesImmutableId"]
    }


def recipients(organization: Organization) -> dict[str, Any]:
    """Recipients of Exchange Online by the GUID of their mailbox on-premises."""
    by_account = {
        row["ExternalDirectoryObjectId"]: row for row in cmdlet(organization, "Get-Recipient")
    }
    return {guid: by_account[row["id"]] for guid, row in users(organization).items()}


def first(organization: Organization, number: int) -> str:
    return mailbox(organization, number).guid


def test_equal_arguments_give_equal_rows() -> None:
    assert everything(build(ENOUGH)) == everything(build(ENOUGH))


def test_every_mailbox_but_the_one_for_searches_is_one_user_and_one_recipient() -> None:
    organization = build(300, faults="none")
    to_move = {
        found.guid: found.exchange_guid
        for found in mailboxes(organization)
        if found.recipient_type_details != "DiscoveryMailbox"
    }
    moved = {found.guid: found.exchange_guid for found in remote_mailboxes(organization)}
    wanted = {**to_move, **moved}
    assert users(organization).keys() == wanted.keys()
    found = recipients(organization)
    assert {guid: row["ExchangeGuid"] for guid, row in found.items()} == wanted


def test_without_faults_people_can_work_and_rooms_cannot_sign_in() -> None:
    organization = build(300, faults="none")
    of_users = users(organization)
    kinds = {found.guid: found.recipient_type_details for found in mailboxes(organization)}
    seen = {
        (
            kinds.get(guid, "moved"),
            row["accountEnabled"],
            tuple(licence["skuId"] for licence in row["assignedLicenses"]),
            recipients_of["RecipientTypeDetails"],
        )
        for (guid, row), recipients_of in zip(
            of_users.items(), recipients(organization).values(), strict=True
        )
    }
    assert seen == {
        ("UserMailbox", True, (SPE_E3,), "MailUser"),
        ("LinkedMailbox", True, (SPE_E3,), "MailUser"),
        ("SharedMailbox", False, (), "MailUser"),
        ("RoomMailbox", False, (), "MailUser"),
        ("EquipmentMailbox", False, (), "MailUser"),
        ("moved", True, (SPE_E3,), "UserMailbox"),
    }


@given(st.uuids())
def test_an_immutable_id_is_the_guid_as_windows_stores_it(object_guid: uuid.UUID) -> None:
    written = immutable_id(str(object_guid))
    assert base64.b64decode(written, validate=True) == object_guid.bytes_le


@given(st.lists(st.integers(0, 3), max_size=12), st.integers(1, 5))
def test_pages_of_any_size_give_every_row_once_and_in_order(
    counts: list[int], size_of_page: int
) -> None:
    rows: list[list[Row]] = [
        [{"place": place, "number": number} for number in range(count)]
        for place, count in enumerate(counts)
    ]
    found = Rows(len(rows), lambda place: rows[place])
    read: list[Row] = []
    mark: Mark | None = START
    while mark is not None:
        page, mark = found.page(mark, size_of_page)
        assert len(page) <= size_of_page
        read += page
    assert read == [row for each in rows for row in each] == list(found)


def test_two_collections_in_one_follow_each_other() -> None:
    one, other = rows_of([{"id": 1}, {"id": 2}]), rows_of([{"id": 3}])
    assert list(both(one, other)) == [{"id": 1}, {"id": 2}, {"id": 3}]


@given(st.integers(1, 20_000), st.integers(0, 60_000), st.data())
@settings(max_examples=25)
def test_a_user_is_the_same_in_a_larger_organization(
    count: int, growth: int, data: st.DataObject
) -> None:
    number = data.draw(st.integers(0, count - 1))
    small, large = (collection(build(each), "users") for each in (count, count + growth))
    assert small is not None
    assert large is not None
    assert small.at(number) == large.at(number)


def test_memory_does_not_grow_with_the_organization() -> None:
    peaks = []
    for count in (500, 4_000):
        found = collection(build(count), "users")
        assert found is not None
        found.at(0)
        tracemalloc.start()
        for _ in found:
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 100_000


def test_no_two_objects_of_a_kind_share_an_identifier() -> None:
    organization = build(1_000)
    for path in COLLECTIONS:
        found = [row["id"] for row in graph(organization, path)]
        assert sorted(found) == sorted(set(found)), path
    for name in CMDLETS:
        found = [row["Guid"] for row in cmdlet(organization, name)]
        assert sorted(found) == sorted(set(found)), name


def test_consumed_licences_are_those_that_users_have() -> None:
    organization = build(600)
    having = sum(bool(row["assignedLicenses"]) for row in graph(organization, "users"))
    assert graph(organization, "subscribedSkus")[0]["consumedUnits"] == having


def test_products_and_plans_are_those_of_the_reference_data() -> None:
    with (rules_folder() / "reference" / "exchange_mailbox_skus.csv").open(
        encoding="utf-8"
    ) as text:
        skus = {row["sku_id"]: row["exchange_service_plan"] for row in csv.DictReader(text)}
    with (rules_folder() / "reference" / "exchange_service_plans.csv").open(
        encoding="utf-8"
    ) as text:
        plans = {row["guid"]: row["service_plan_name"] for row in csv.DictReader(text)}
    bought = graph(build(ENOUGH), "subscribedSkus")
    named = {
        plan["servicePlanId"]: plan["servicePlanName"]
        for sku in bought
        for plan in sku["servicePlans"]
        if plan["servicePlanName"].startswith("EXCHANGE_")
    }
    assert named == {guid: plans[guid] for guid in named}
    assert [skus.get(sku["skuId"]) for sku in bought] == [
        "EXCHANGE_S_ENTERPRISE",
        "EXCHANGE_S_ENTERPRISE",
        None,
        None,
    ]


def test_hostile_names_are_among_users_and_recipients_and_carry_a_fault() -> None:
    organization = build(ENOUGH)
    of_users = users(organization)
    hostile = {
        row["displayName"]: row["assignedLicenses"]
        for row in of_users.values()
        if row["displayName"] in HOSTILE_NAMES
    }
    assert hostile == {name: [] for name in HOSTILE_NAMES}
    shown = {row["DisplayName"] for row in recipients(organization).values()}
    assert shown >= set(HOSTILE_NAMES)


def test_a_name_in_a_domain_that_no_tenant_can_verify_becomes_one_of_the_tenant() -> None:
    organization = build(400, faults=("upn_differs",))
    local = {
        row["userPrincipalName"].partition("@")[2]
        for row in users(organization).values()
        if row["onPremisesUserPrincipalName"].endswith("@contoso.local")
    }
    assert local == {"contoso.onmicrosoft.com"}


def test_who_is_disabled_on_premises_is_disabled_in_the_cloud() -> None:
    organization = build(ENOUGH, faults=("account_disabled",))
    disabled = [
        found.guid for found in mailboxes(organization) if "account_disabled" in found.planted
    ]
    of_users = users(organization)
    assert disabled
    assert [of_users[guid]["accountEnabled"] for guid in disabled] == [False] * len(disabled)


def test_phones_in_intune_are_phones_of_the_organization() -> None:
    organization = build(200)
    known = {
        device.device_id: owner.primary_smtp_address
        for owner in mailboxes(organization)
        for device in devices_of(organization, owner)
    }
    enrolled = {
        row["easDeviceId"]: row["emailAddress"]
        for row in graph(organization, "deviceManagement/managedDevices")
        if row["easActivated"]
    }
    assert enrolled
    assert enrolled == {identifier: known[identifier] for identifier in enrolled}


def test_phones_of_moved_mailboxes_belong_to_them_and_speak_the_newest_version() -> None:
    organization = build(2_000)
    owners = {row["Name"] for row in cmdlet(organization, "Get-CASMailbox")}
    devices = cmdlet(organization, "Get-MobileDevice")
    assert {device["Identity"].partition("\\")[0] for device in devices} <= owners
    assert {device["ClientVersion"] for device in devices} == {"16.1"}


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (157_286_400, "150 MB (157,286,400 bytes)"),
        (36_700_160, "35 MB (36,700,160 bytes)"),
        (107_374_182_400, "100 GB (107,374,182,400 bytes)"),
        (512, "512 B (512 bytes)"),
    ],
)
def test_a_size_is_written_as_powershell_prints_it(count: int, text: str) -> None:
    assert size(count) == text


def test_a_mailbox_carries_one_fault_of_the_cloud_at_most() -> None:
    organization = build(3_000, faults=CLOUD_FAULTS - {"sync_off", "security_defaults_on"})
    struck = [planted_on(organization, number) for number in range(3_000)]
    assert max(len(each) for each in struck) == 1
    persons = {
        mailbox(organization, number).recipient_type_details
        for number, each in enumerate(struck)
        if each
    }
    assert persons == {"UserMailbox"}


def policies(organization: Organization) -> Iterator[tuple[str, list[str], list[str]]]:
    for row in graph(organization, "identity/conditionalAccess/policies"):
        if row["state"] == "enabled" and row["grantControls"]:
            yield (
                row["displayName"],
                row["conditions"]["clientAppTypes"],
                row["grantControls"]["builtInControls"],
            )


def domain(organization: Organization, name: str) -> Any:
    return next(row for row in graph(organization, "domains") if row["id"] == name)


def tenant(organization: Organization) -> Any:
    return graph(organization, "organization")[0]


def only(organization: Organization, name: str) -> Any:
    return cmdlet(organization, name)[0]


def has_consent(organization: Organization) -> bool:
    assigned = SINGLES["policies/authorizationPolicy"](organization)
    for_all = [
        row
        for row in graph(organization, "oauth2PermissionGrants")
        if row["consentType"] == "AllPrincipals" and "EAS.AccessAsUser.All" in row["scope"]
    ]
    return bool(for_all) or "allow-consent-apps" in json.dumps(assigned)


VISIBLE: dict[str, Callable[[Organization], bool]] = {
    "domain_not_verified": lambda o: (
        not domain(o, "fabrikam.com")["isVerified"]
        and "fabrikam.com" not in {row["Name"] for row in cmdlet(o, "Get-AcceptedDomain")}
    ),
    "domain_federated": lambda o: (
        domain(o, "contoso.com")["authenticationType"] == "Federated"
        and len(graph(o, "domains/contoso.com/federationConfiguration")) == 1
    ),
    "sync_stale": lambda o: tenant(o)["onPremisesLastSyncDateTime"] == "2026-10-30T18:00:00Z",
    "sync_off": lambda o: tenant(o)["onPremisesSyncEnabled"] is None,
    "security_defaults_on": lambda o: bool(
        SINGLES["policies/identitySecurityDefaultsEnforcementPolicy"](o)["isEnabled"]
    ),
    "consent_missing": lambda o: not has_consent(o),
    "mail_app_disabled": lambda o: (
        [row["displayName"] for row in graph(o, "servicePrincipals") if not row["accountEnabled"]]
        == ["Apple Internet Accounts"]
    ),
    "ca_blocks_eas": lambda o: (
        ("Block legacy authentication", ["exchangeActiveSync", "other"], ["block"])
        in list(policies(o))
    ),
    "ca_approved_app": lambda o: any("compliantApplication" in row[2] for row in policies(o)),
    "ca_unknown_value": lambda o: any("fooControl" in row[2] for row in policies(o)),
    "oauth_off": lambda o: not only(o, "Get-OrganizationConfig")["OAuth2ClientProfileEnabled"],
    "cas_plan_eas_off": lambda o: (
        [
            row["DisplayName"]
            for row in cmdlet(o, "Get-CASMailboxPlan")
            if not row["ActiveSyncEnabled"]
        ]
        == ["ExchangeOnlineEnterprise"]
    ),
    "cloud_quarantine": lambda o: (
        only(o, "Get-ActiveSyncOrganizationSettings")["DefaultAccessLevel"] == "Quarantine"
    ),
    "cloud_block_rule": lambda o: (
        ("Android", "Block")
        in {
            (row["QueryString"], row["AccessLevel"])
            for row in cmdlet(o, "Get-ActiveSyncDeviceAccessRule")
        }
    ),
    "small_mailbox_plan": lambda o: (
        {(row["MaxReceiveSize"], row["MaxSendSize"]) for row in cmdlet(o, "Get-MailboxPlan")}
        == {("35 MB (36,700,160 bytes)", "35 MB (36,700,160 bytes)")}
    ),
    "stricter_cloud_policy": lambda o: (
        only(o, "Get-MobileDeviceMailboxPolicy")["MinPasswordLength"] == 8
    ),
    "no_migration_endpoint": lambda o: cmdlet(o, "Get-MigrationEndpoint") == [],
    "few_seats": lambda o: free_seats(o) < 0,
    "user_not_synchronised": lambda o: first(o, 0) not in users(o),
    "user_without_licence": lambda o: users(o)[first(o, 1)]["licenseAssignmentStates"] == [],
    "exchange_plan_disabled": lambda o: (
        users(o)[first(o, 2)]["assignedLicenses"]
        == [{"disabledPlans": [EXCHANGE_S_ENTERPRISE], "skuId": SPE_E3}]
    ),
    "licence_error": lambda o: (
        [row["error"] for row in users(o)[first(o, 3)]["licenseAssignmentStates"]]
        == ["CountViolation"]
    ),
    "usage_location_missing": lambda o: users(o)[first(o, 5)]["usageLocation"] is None,
    "cloud_account_disabled": lambda o: not users(o)[first(o, 7)]["accountEnabled"],
    "deleted_twin": lambda o: (
        [f"SMTP:{mailbox(o, 8).primary_smtp_address}"]
        in [row["proxyAddresses"] for row in graph(o, "directory/deletedItems/graph.user")]
    ),
    "provisioning_error": lambda o: users(o)[first(o, 10)]["onPremisesProvisioningErrors"] != [],
    "cloud_upn_onmicrosoft": lambda o: users(o)[first(o, 12)]["userPrincipalName"].endswith(
        "@contoso.onmicrosoft.com"
    ),
    "cloud_mailbox_exists": lambda o: (
        recipients(o)[first(o, 14)]["RecipientTypeDetails"] == "UserMailbox"
    ),
    "exchange_guid_missing": lambda o: (
        recipients(o)[first(o, 16)]["ExchangeGuid"] == "00000000-0000-0000-0000-000000000000"
    ),
    "cloud_proxy_missing": lambda o: (
        not any(
            address.endswith("contoso.mail.onmicrosoft.com")
            for address in recipients(o)[first(o, 18)]["EmailAddresses"]
        )
    ),
    "mfa_not_registered": lambda o: (
        not all(
            row["isMfaRegistered"]
            for row in graph(o, "reports/authenticationMethods/userRegistrationDetails")
        )
    ),
    "moved_eas_off": lambda o: (
        not all(row["ActiveSyncEnabled"] for row in cmdlet(o, "Get-CASMailbox"))
    ),
    "sign_in_refused": lambda o: any(
        latest["status"]["errorCode"] == 53003 for latest in last_of_phones(o).values()
    ),
}
"""How each fault shows in the tenant."""


def last_of_phones(organization: Organization) -> dict[str, Any]:
    """By user the latest sign-in with ActiveSync, wrong passwords left out."""
    rows = graph(organization, "auditLogs/signIns")
    return {
        row["userId"]: row
        for row in sorted(rows, key=lambda row: str(row["createdDateTime"]))
        if row["clientAppUsed"] == "Exchange ActiveSync"
        if row["status"]["errorCode"] in {0, 53003}
    }


def free_seats(organization: Organization) -> int:
    sku = graph(organization, "subscribedSkus")[0]
    return int(sku["prepaidUnits"]["enabled"] - sku["consumedUnits"])


def test_every_fault_of_the_cloud_has_its_sign() -> None:
    assert VISIBLE.keys() == CLOUD_FAULTS


@pytest.mark.parametrize("fault", sorted(CLOUD_FAULTS))
def test_a_planted_fault_shows_and_is_not_there_without(fault: str) -> None:
    shows = VISIBLE[fault]
    assert [shows(build(ENOUGH, faults=faults)) for faults in ((fault,), "none")] == [True, False]


def test_all_faults_of_the_demonstration_show_in_a_small_one() -> None:
    organization = build(ENOUGH)
    assert [fault for fault in PLANTED & CLOUD_FAULTS if not VISIBLE[fault](organization)] == []


def test_the_tenant_is_the_one_that_the_servers_know() -> None:
    organization = build(1)
    relationship = organization.relationships[0]
    assert relationship.name.endswith(tenant_id(organization))


@pytest.mark.parametrize(
    "path",
    [
        "nothing",
        "domains/contoso.com/federationConfiguration",
        "servicePrincipals/x/appRoleAssignedTo",
    ],
)
def test_there_is_no_collection_where_graph_has_none(path: str) -> None:
    assert collection(build(1, faults="none"), path) is None


def test_an_empty_organization_has_a_tenant_all_the_same() -> None:
    organization = build(0)
    assert [row["id"] for row in graph(organization, "organization")] == [tenant_id(organization)]
    assert users(organization) == {}
    assert [row["RecipientTypeDetails"] for row in cmdlet(organization, "Get-Recipient")] == [
        "DiscoveryMailbox"
    ]
