"""Recorded answers of Graph, and the rows they become."""

from __future__ import annotations

import csv
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from auditor.collectors.conditional_access_words import EXCHANGE_ONLINE
from auditor.collectors.graph_applications import MAIL_APPS
from auditor.collectors.graph_registry import GRAPH_COLLECTORS
from auditor.evidence.base import Evidence
from auditor.evidence.entra_access import (
    EntraActiveSyncSignIn,
    EntraActiveSyncSignInPolicy,
    EntraAppRoleAssignment,
    EntraAuthorizationPolicy,
    EntraConditionalAccessCondition,
    EntraConditionalAccessEffect,
    EntraConditionalAccessPolicy,
    EntraConditionalAccessPrincipal,
    EntraConditionalAccessUnknownValue,
    EntraPermissionGrant,
    EntraPermissionGrantScope,
    EntraServicePrincipal,
    EntraServicePrincipalKey,
    EntraUserConsentPolicy,
)
from auditor.evidence.entra_tenant import (
    EntraDomain,
    EntraDomainFederation,
    EntraDomainService,
    EntraOrganization,
    EntraSecurityDefaults,
    EntraSku,
    EntraSkuPlan,
)
from auditor.evidence.entra_user import (
    EntraDeletedUser,
    EntraDeletedUserAddress,
    EntraManagedDevice,
    EntraUser,
    EntraUserAddress,
    EntraUserDisabledPlan,
    EntraUserLicence,
    EntraUserLicenceAssignment,
    EntraUserProvisioningError,
    EntraUserRegistration,
)
from tests.support.graph_collection import GRAPH_TABLES, NOW, collected_from
from tests.support.graph_stub import (
    APPLE,
    EXCHANGE,
    HYBRID,
    GraphStub,
    recorded,
)

TENANT = "84841066-274d-4ec0-a5c1-276be684bdd3"
ANN = "87d349ed-44d7-43e1-9a83-5f2406dee5bd"
BEN = "626cbf8c-5dde-46b0-8385-9e40d64736fe"
E3 = "05e9a617-0261-4cee-bb44-138d3ef5d965"
PHONES = "54f67b51-d01c-4f0a-8b6e-3f7ad1f8f6cf"
BLOCKS = "10ef4fe6-5e51-4f5e-b5a2-8fed19d0be67"
NEW = "2b31ac51-b855-40a5-a986-0a4ed23e9008"

Rows = dict[str, list[Evidence]]


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> tuple[GraphStub, Rows]:
    """Everything that the recorded tenant tells, read back out of a bundle, and what was asked."""
    stub = GraphStub(recorded())
    found = collected_from(stub, tmp_path_factory.mktemp("graph") / "bundle")
    assert {state for state, _ in found.states().values()} == {"complete"}
    return stub, found.rows


def test_every_table_of_entra_has_exactly_one_collector() -> None:
    filled = [model.table for collector in GRAPH_COLLECTORS for model in collector.tables]
    assert sorted(filled) == sorted(model.table for model in GRAPH_TABLES)


def test_the_mail_apps_asked_for_are_those_of_the_reference_data() -> None:
    path = Path(__file__).parents[2] / "rules" / "reference" / "mail_apps.csv"
    with path.open(encoding="utf-8", newline="") as file:
        known = {row["app_id"]: row["role"] for row in csv.DictReader(file)}
    assert [app for app, role in known.items() if role == "mail_client"] == list(MAIL_APPS)
    assert [app for app, role in known.items() if role == "resource"] == [EXCHANGE_ONLINE]


def test_the_organisation_says_when_it_was_read(collected: tuple[GraphStub, Rows]) -> None:
    assert collected[1]["entra_organization"] == [
        EntraOrganization(
            id=TENANT,
            display_name="Contoso",
            cloud="global",
            on_premises_sync_enabled=True,
            on_premises_last_sync_date_time=dt.datetime(2026, 11, 21, 8, 41, 17, tzinfo=dt.UTC),
            read_at=NOW,
            country_letter_code="NL",
            tenant_type="AAD",
        )
    ]


def test_domains_come_with_services_and_federation(collected: tuple[GraphStub, Rows]) -> None:
    rows = collected[1]
    assert rows["entra_domain"] == [
        EntraDomain(
            domain="contoso.com",
            authentication_type="Federated",
            is_verified=True,
            is_default=True,
            is_initial=False,
        ),
        EntraDomain(
            domain="contoso.onmicrosoft.com",
            authentication_type="Managed",
            is_verified=True,
            is_default=False,
            is_initial=True,
        ),
    ]
    assert rows["entra_domain_service"] == [
        EntraDomainService(domain="contoso.com", service="Email"),
        EntraDomainService(domain="contoso.com", service="OfficeCommunicationsOnline"),
    ]
    assert rows["entra_domain_federation"] == [
        EntraDomainFederation(
            domain="contoso.com",
            id="6601d14b-d113-8f64-fda2-9b5ddda18ecc",
            issuer_uri="http://contoso.com/adfs/services/trust",
            active_sign_in_uri="https://sts.contoso.com/adfs/services/trust/2005/usernamemixed",
            passive_sign_in_uri="https://sts.contoso.com/adfs/ls",
            metadata_exchange_uri="https://sts.contoso.com/adfs/services/trust/mex",
            preferred_authentication_protocol="wsFed",
            federated_idp_mfa_behavior="",
        )
    ]


def test_products_come_with_their_seats_and_plans(collected: tuple[GraphStub, Rows]) -> None:
    rows = collected[1]
    assert rows["entra_sku"] == [
        EntraSku(
            sku_id=E3,
            sku_part_number="SPE_E3",
            applies_to="User",
            capability_status="Enabled",
            consumed_units=14,
            enabled_units=25,
            warning_units=3,
            suspended_units=0,
            locked_out_units=0,
        )
    ]
    assert rows["entra_sku_plan"] == [
        EntraSkuPlan(
            sku_id=E3,
            service_plan_id="efb87545-963c-4e0d-99df-69c6916d9eb0",
            service_plan_name="EXCHANGE_S_ENTERPRISE",
            provisioning_status="Success",
            applies_to="User",
        ),
        EntraSkuPlan(
            sku_id=E3,
            service_plan_id="113feb6c-3fe4-4440-bddc-54d774bf0318",
            service_plan_name="EXCHANGE_S_FOUNDATION",
            provisioning_status="PendingActivation",
            applies_to="Company",
        ),
    ]


def test_null_of_a_user_that_can_be_read_is_empty_or_never_synchronised(
    collected: tuple[GraphStub, Rows],
) -> None:
    assert collected[1]["entra_user"] == [
        EntraUser(
            id=ANN,
            user_principal_name="Ann@contoso.com",
            user_principal_name_key="ann@contoso.com",
            display_name="Ann",
            mail="ann@contoso.com",
            account_enabled=True,
            user_type="Member",
            usage_location="NL",
            on_premises_sync_enabled=True,
            on_premises_immutable_id="7UnTh9dE4UOag18kBt7lvQ==",
            on_premises_object_guid="87d349ed-44d7-43e1-9a83-5f2406dee5bd",
            on_premises_user_principal_name="ann@contoso.local",
            on_premises_sam_account_name="ann",
            on_premises_distinguished_name="CN=Ann,OU=People,DC=contoso,DC=local",
            on_premises_last_sync_date_time=dt.datetime(
                2026, 11, 20, 23, 10, 8, 123456, tzinfo=dt.UTC
            ),
        ),
        EntraUser(
            id=BEN,
            user_principal_name="ben@contoso.onmicrosoft.com",
            user_principal_name_key="ben@contoso.onmicrosoft.com",
            display_name="Ben",
            mail="",
            account_enabled=False,
            user_type="",
            usage_location="",
            on_premises_sync_enabled=False,
            on_premises_immutable_id="",
            on_premises_object_guid="",
            on_premises_user_principal_name="",
            on_premises_sam_account_name="",
            on_premises_distinguished_name="",
            on_premises_last_sync_date_time=None,
        ),
    ]


def test_addresses_licences_and_errors_of_users_have_tables_of_their_own(
    collected: tuple[GraphStub, Rows],
) -> None:
    rows = collected[1]

    def address(prefix: str, written: str, domain: str, primary: bool) -> EntraUserAddress:
        return EntraUserAddress(
            user_id=ANN, prefix=prefix, address=written, domain=domain, is_primary=primary
        )

    assert rows["entra_user_address"] == [
        address("smtp", "ann@contoso.com", "contoso.com", True),
        address("smtp", "Ann@Contoso.mail.onmicrosoft.com", "contoso.mail.onmicrosoft.com", False),
        address("x500", "/o=Contoso/cn=Recipients/cn=ann", "", False),
    ]
    assert rows["entra_user_licence"] == [EntraUserLicence(user_id=ANN, sku_id=E3)]
    assert rows["entra_user_disabled_plan"] == [
        EntraUserDisabledPlan(
            user_id=ANN, sku_id=E3, service_plan_id="5dbe027f-2339-4123-9542-606e4d348a72"
        )
    ]
    assert rows["entra_user_licence_assignment"] == [
        EntraUserLicenceAssignment(
            user_id=ANN, sku_id=E3, assigned_by_group="", state="Active", error="None"
        ),
        EntraUserLicenceAssignment(
            user_id=ANN,
            sku_id="c7df2760-2c81-4ef7-b578-5b5392b571df",
            assigned_by_group="e6be4d3c-7c30-4f5e-9a0c-1c3d2a2a4b55",
            state="Error",
            error="CountViolation",
        ),
    ]
    assert rows["entra_user_provisioning_error"] == [
        EntraUserProvisioningError(
            user_id=ANN,
            category="PropertyConflict",
            property_causing_error="ProxyAddresses",
            value="ann@fabrikam.com",
            occurred_date_time=dt.datetime(2026, 10, 1, 7, 0, tzinfo=dt.UTC),
        )
    ]


def test_a_deleted_user_keeps_an_immutable_id_that_is_no_guid(
    collected: tuple[GraphStub, Rows],
) -> None:
    deleted = "46cc6179-19d0-473e-97ad-6ff84347bbb6"
    assert collected[1]["entra_deleted_user"] == [
        EntraDeletedUser(
            id=deleted,
            user_principal_name="46cc617919d0473e97ad6ff84347bbb6ann@contoso.com",
            deleted_date_time=dt.datetime(2026, 11, 1, 11, 12, 13, tzinfo=dt.UTC),
            on_premises_immutable_id="ann-01",
            on_premises_object_guid="",
        )
    ]
    assert collected[1]["entra_deleted_user_address"] == [
        EntraDeletedUserAddress(
            user_id=deleted,
            prefix="smtp",
            address="ann@contoso.com",
            domain="contoso.com",
            is_primary=False,
        )
    ]


def test_registrations_for_mfa_are_keyed_by_the_user(collected: tuple[GraphStub, Rows]) -> None:
    assert collected[1]["entra_user_registration"] == [
        EntraUserRegistration(
            user_id=ANN,
            user_principal_name="ann@contoso.com",
            is_mfa_registered=True,
            is_mfa_capable=True,
        ),
        EntraUserRegistration(
            user_id=BEN,
            user_principal_name="ben@contoso.onmicrosoft.com",
            is_mfa_registered=False,
            is_mfa_capable=False,
        ),
    ]


def test_a_managed_device_keeps_states_that_nobody_knows(
    collected: tuple[GraphStub, Rows],
) -> None:
    assert collected[1]["entra_managed_device"] == [
        EntraManagedDevice(
            id="705c034c-034c-705c-4c03-5c704c035c70",
            user_id=ANN,
            user_principal_name="ann@contoso.com",
            email_address="ann@contoso.com",
            eas_activated=True,
            eas_device_id="APPLDN6PXYZ",
            eas_device_id_key="appldn6pxyz",
            exchange_access_state="allowed",
            exchange_access_state_reason="compliant",
            compliance_state="someFutureState",
            management_agent="mdm",
            operating_system="iOS",
            os_version="18.1",
            model="iPhone 15",
            manufacturer="Apple",
        ),
        EntraManagedDevice(
            id="9d4c1f0b-55b7-4d2a-8e0e-6a1d0b1c2d3e",
            user_id="",
            user_principal_name="",
            email_address="",
            eas_activated=False,
            eas_device_id="",
            eas_device_id_key="",
            exchange_access_state="none",
            exchange_access_state_reason="none",
            compliance_state="unknown",
            management_agent="mdm",
            operating_system="Android",
            os_version="15",
            model="",
            manufacturer="",
        ),
    ]


def test_sign_ins_are_counted_by_account_app_and_outcome(
    collected: tuple[GraphStub, Rows],
) -> None:
    apple, refused = MAIL_APPS[0], (ANN, MAIL_APPS[0], "failure", 53003)

    def at(day: int, hour: int, minute: int = 0, microsecond: int = 0) -> dt.datetime:
        return dt.datetime(2026, 11, day, hour, minute, 0, microsecond, dt.UTC)

    def counted(
        key: tuple[str, str, str, int],
        names: tuple[str | None, str | None, str | None],
        count: int,
        first: dt.datetime,
        last: dt.datetime,
    ) -> EntraActiveSyncSignIn:
        return EntraActiveSyncSignIn(
            user_id=key[0],
            app_id=key[1],
            conditional_access_status=key[2],
            error_code=key[3],
            user_principal_name=names[0],
            app_display_name=names[1],
            failure_reason=names[2],
            sign_ins=count,
            first_at=first,
            last_at=last,
        )

    app = "Apple Internet Accounts"
    blocked = "Access has been blocked by Conditional Access policies."
    unknown = "The user account does not exist in the directory."
    assert collected[1]["entra_active_sync_sign_in"] == [
        counted(refused, ("ann@contoso.com", app, blocked), 2, at(18, 8, 15), at(20, 8, 15)),
        counted(
            ("", apple, "notApplied", 50034), ("", app, unknown), 1, at(20, 8, 14), at(20, 8, 14)
        ),
        counted(
            (ANN, apple, "notApplied", 0),
            ("ann@contoso.com", app, ""),
            2,
            at(19, 6),
            at(19, 7, 0, 123456),
        ),
        counted((BEN, "", "", 0), ("", "", ""), 1, at(17, 8, 15), at(17, 8, 15)),
    ]
    assert collected[1]["entra_active_sync_sign_in_policy"] == [
        EntraActiveSyncSignInPolicy(
            user_id=user,
            app_id=app_id,
            conditional_access_status=status,
            error_code=error,
            policy_id=policy,
            result=result,
            display_name=name,
            sign_ins=count,
        )
        for user, app_id, status, error, policy, result, name, count in (
            (*refused, BLOCKS, "failure", "Block legacy authentication", 2),
            (BEN, "", "", 0, "", "", None, 1),
        )
    ]


def test_policies_of_conditional_access_are_kept_as_they_were_written(
    collected: tuple[GraphStub, Rows],
) -> None:
    written: list[Any] = recorded()["/identity/conditionalAccess/policies"][0]["value"]  # type: ignore[index]  # a list of pages

    def raw(policy: Any) -> str:
        return json.dumps(policy, sort_keys=True, separators=(",", ":"))

    assert collected[1]["entra_conditional_access_policy"] == [
        EntraConditionalAccessPolicy(
            id=BLOCKS,
            display_name="Block legacy authentication",
            state="enabled",
            covers_exchange_online=True,
            includes_all_users=True,
            has_exclusions=True,
            raw=raw(written[0]),
        ),
        EntraConditionalAccessPolicy(
            id=NEW,
            display_name="Something new",
            state="enabledForReportingButNotEnforced",
            covers_exchange_online=True,
            includes_all_users=True,
            has_exclusions=False,
            raw=raw(written[1]),
        ),
    ]


def test_what_policies_do_to_mail_clients_has_rows_and_so_has_what_nobody_knows(
    collected: tuple[GraphStub, Rows],
) -> None:
    rows = collected[1]
    assert rows["entra_conditional_access_effect"] == [
        EntraConditionalAccessEffect(policy_id=BLOCKS, effect="block_eas"),
        EntraConditionalAccessEffect(policy_id=BLOCKS, effect="block_legacy"),
        EntraConditionalAccessEffect(policy_id=NEW, effect="mfa"),
    ]
    assert rows["entra_conditional_access_condition"] == [
        EntraConditionalAccessCondition(policy_id=NEW, condition="locations"),
        EntraConditionalAccessCondition(policy_id=NEW, condition="agentRiskLevels"),
    ]

    def named(policy: str, excluded: bool, kind: str, name: str) -> EntraConditionalAccessPrincipal:
        return EntraConditionalAccessPrincipal(
            policy_id=policy, excluded=excluded, kind=kind, principal=name
        )

    assert rows["entra_conditional_access_principal"] == [
        named(BLOCKS, False, "user", "All"),
        named(BLOCKS, True, "user", "GuestsOrExternalUsers"),
        named(BLOCKS, True, "group", PHONES),
        named(BLOCKS, True, "guest", "internalGuest"),
        named(BLOCKS, True, "guest", "serviceProvider"),
        named(NEW, False, "user", "All"),
    ]
    assert rows["entra_conditional_access_unknown_value"] == [
        EntraConditionalAccessUnknownValue(
            policy_id=NEW, property="builtInControls", value="fooControl"
        ),
        EntraConditionalAccessUnknownValue(
            policy_id=NEW, property="conditions", value="agentRiskLevels"
        ),
    ]


def test_policies_of_the_tenant_say_what_users_may_consent_to(
    collected: tuple[GraphStub, Rows],
) -> None:
    rows = collected[1]
    assert rows["entra_security_defaults"] == [
        EntraSecurityDefaults(id="00000000-0000-0000-0000-000000000005", is_enabled=False)
    ]
    assert rows["entra_authorization_policy"] == [
        EntraAuthorizationPolicy(id="authorizationPolicy", display_name="Authorization Policy")
    ]
    assert rows["entra_user_consent_policy"] == [
        EntraUserConsentPolicy(
            authorization_policy_id="authorizationPolicy",
            policy="microsoft-user-default-recommended",
        ),
        EntraUserConsentPolicy(
            authorization_policy_id="authorizationPolicy",
            policy="managePermissionGrantsForOwnedResource."
            "microsoft-dynamically-managed-permissions-for-team",
        ),
    ]


def test_a_hybrid_application_is_found_by_its_role_and_brings_the_keys_of_its_registration(
    collected: tuple[GraphStub, Rows],
) -> None:
    rows = collected[1]

    def principal(id_: str, app: str, name: str, *, assigned: bool) -> EntraServicePrincipal:
        return EntraServicePrincipal(
            id=id_,
            app_id=app,
            display_name=name,
            account_enabled=True,
            app_role_assignment_required=assigned,
        )

    assert rows["entra_service_principal"] == [
        principal(EXCHANGE, EXCHANGE_ONLINE, "Office 365 Exchange Online", assigned=False),
        principal(APPLE, MAIL_APPS[0], "Apple Internet Accounts", assigned=True),
        principal(
            HYBRID, "3c4d1a2b-0003-4000-8000-00000000000a", "ExchangeServerApp-6ad1", assigned=False
        ),
    ]
    assert rows["entra_service_principal_key"] == [
        EntraServicePrincipalKey(
            service_principal_id=EXCHANGE,
            key_id="7c0f0c8a-92d1-4d0c-9a51-000000000001",
            thumbprint="52ED9B5038A47B9E2E2190715CC238359D4F8F03",
            end_date_time=dt.datetime(2028, 1, 1, tzinfo=dt.UTC),
        ),
        EntraServicePrincipalKey(
            service_principal_id=HYBRID,
            key_id="7c0f0c8a-92d1-4d0c-9a51-000000000002",
            thumbprint="52ED9B5038A47B9E2E2190715CC238359D4F8F73",
            end_date_time=dt.datetime(2030, 5, 5, tzinfo=dt.UTC),
        ),
    ]


def test_assignments_are_those_of_hybrid_servers_and_of_mail_apps_that_want_users_assigned(
    collected: tuple[GraphStub, Rows],
) -> None:
    assert collected[1]["entra_app_role_assignment"] == [
        EntraAppRoleAssignment(
            id="2_f2zFfm4UKXlUmqPnF7ZA",
            resource_id=EXCHANGE,
            principal_id=HYBRID,
            principal_type="ServicePrincipal",
            app_role_id="dc890d15-9560-4a4c-9b7f-a736ec74ec40",
        ),
        EntraAppRoleAssignment(
            id="qKUaCPBkYUq9yLTIoN1b3A",
            resource_id=APPLE,
            principal_id=PHONES,
            principal_type="Group",
            app_role_id="00000000-0000-0000-0000-000000000000",
        ),
    ]


def test_consent_is_for_everybody_or_for_one_user(collected: tuple[GraphStub, Rows]) -> None:
    everybody, one = (
        "AVs6JuUDjkCFV7q2gd8QTPimBBgj5iBFj0C6GwwRxC0",
        "AVs6JuUDjkCFV7q2gd8QTOQDNpSH5-lPk9HjD3Sarjk",
    )
    assert collected[1]["entra_permission_grant"] == [
        EntraPermissionGrant(
            id=everybody,
            client_id=APPLE,
            consent_type="AllPrincipals",
            principal_id="",
            resource_id=EXCHANGE,
        ),
        EntraPermissionGrant(
            id=one,
            client_id=APPLE,
            consent_type="Principal",
            principal_id=ANN,
            resource_id="943603e4-e787-4fe9-93d1-e30f749aae39",
        ),
    ]
    assert collected[1]["entra_permission_grant_scope"] == [
        EntraPermissionGrantScope(grant_id=everybody, scope="EAS.AccessAsUser.All"),
        EntraPermissionGrantScope(grant_id=everybody, scope="EWS.AccessAsUser.All"),
        EntraPermissionGrantScope(grant_id=one, scope="User.Read"),
    ]


def test_each_thing_is_asked_once_and_what_is_asked_is_what_is_listed(
    collected: tuple[GraphStub, Rows],
) -> None:
    apps = ",".join(f"'{app}'" for app in (EXCHANGE_ONLINE, *MAIL_APPS))
    principal = (
        "$select=id,appId,displayName,accountEnabled,appRoleAssignmentRequired,keyCredentials"
    )
    assert collected[0].asked == [
        "/organization?$select=id,displayName,onPremisesSyncEnabled,onPremisesLastSyncDateTime,"
        "countryLetterCode,tenantType",
        "/domains",
        "/domains/Contoso.com/federationConfiguration",
        "/subscribedSkus",
        "/users?$select=id,userPrincipalName,displayName,mail,proxyAddresses,accountEnabled,"
        "userType,usageLocation,assignedLicenses,licenseAssignmentStates,onPremisesSyncEnabled,"
        "onPremisesImmutableId,onPremisesUserPrincipalName,onPremisesSamAccountName,"
        "onPremisesDistinguishedName,onPremisesLastSyncDateTime,onPremisesProvisioningErrors"
        "&$top=999",
        "/directory/deletedItems/graph.user?$select=id,userPrincipalName,deletedDateTime,"
        "proxyAddresses,onPremisesImmutableId&$top=999",
        "/reports/authenticationMethods/userRegistrationDetails",
        "/identity/conditionalAccess/policies",
        "/policies/identitySecurityDefaultsEnforcementPolicy",
        "/policies/authorizationPolicy",
        f"/servicePrincipals?$filter=appId in ({apps})&{principal}&$top=999",
        f"/servicePrincipals/{EXCHANGE}/appRoleAssignedTo?$top=999",
        f"/servicePrincipals?$filter=id in ('{HYBRID}')&{principal}&$top=999",
        "/applications?$filter=appId eq '3c4d1a2b-0003-4000-8000-00000000000a'"
        "&$select=id,appId,keyCredentials&$top=999",
        f"/servicePrincipals/{APPLE}/appRoleAssignedTo?$top=999",
        f"/oauth2PermissionGrants?$filter=clientId eq '{APPLE}'&$top=999",
        "/deviceManagement/managedDevices?$select=id,userId,userPrincipalName,emailAddress,"
        "easActivated,easDeviceId,exchangeAccessState,exchangeAccessStateReason,complianceState,"
        "managementAgent,operatingSystem,osVersion,model,manufacturer&$top=999",
        "/auditLogs/signIns?$filter=createdDateTime ge 2026-10-22T09:00:00Z and "
        "clientAppUsed eq 'Exchange ActiveSync'&$top=1000",
    ]
