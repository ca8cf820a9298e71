"""What Graph refuses, hides or fails to say, and the ledger line it becomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.collectors import graph_sign_ins
from auditor.collectors.graph import GraphCheck, LiveGraph, check_graph
from auditor.evidence.entra_access import EntraActiveSyncSignIn, EntraActiveSyncSignInPolicy
from auditor.evidence.entra_tenant import EntraOrganization
from auditor.evidence.entra_user import EntraDeletedUser, EntraUser, EntraUserLicence
from tests.support.graph_collection import NOW, collected_from
from tests.support.graph_stub import GraphStub, Refused, first, graph_of, pages, recorded

USER_TABLES = [
    "entra_user",
    "entra_user_address",
    "entra_user_licence",
    "entra_user_disabled_plan",
    "entra_user_licence_assignment",
    "entra_user_provisioning_error",
]
BROKEN = Refused(500, "InternalServerError", "it broke")
NOT_PREMIUM = Refused(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", "Not premium.")
SIGN_INS = ("entra_active_sync_sign_in", "entra_active_sync_sign_in_policy")
HIDDEN_USER = {
    **dict.fromkeys(first("users")),
    "id": "0d3b6b52-7b3e-4a0f-9d7c-2f6a1b0c9e11",
    "userPrincipalName": "cas@contoso.com",
}
HIDDEN_ROW = EntraUser(
    id="0d3b6b52-7b3e-4a0f-9d7c-2f6a1b0c9e11",
    user_principal_name="cas@contoso.com",
    user_principal_name_key="cas@contoso.com",
    display_name=None,
    mail=None,
    account_enabled=None,
    user_type=None,
    usage_location=None,
    on_premises_sync_enabled=None,
    on_premises_immutable_id=None,
    on_premises_object_guid=None,
    on_premises_user_principal_name=None,
    on_premises_sam_account_name=None,
    on_premises_distinguished_name=None,
    on_premises_last_sync_date_time=None,
)


def test_a_refusal_names_the_permission_and_the_role_that_would_cure_it(tmp_path: Path) -> None:
    stub = GraphStub(recorded(users=Refused(403, "Authorization_RequestDenied")))
    found = collected_from(stub, tmp_path / "b")
    refused = {table: state for table, state in found.states().items() if state[0] != "complete"}
    assert refused == dict.fromkeys(USER_TABLES, ("access_denied", 0))
    assert found.ledger["entra_user"].detail == (
        "/users at graph.microsoft.com may not be read by this account (HTTP 403, "
        "Authorization_RequestDenied: Insufficient privileges to complete the operation); grant "
        "what `auditor permissions` names for it, with the consent of an administrator. Reading "
        "users needs the application permission User.Read.All; a person who signs in needs the "
        "role Global Reader."
    )


def test_a_ledger_line_says_who_asked_whom_for_what_and_when(tmp_path: Path) -> None:
    line = collected_from(GraphStub(recorded()), tmp_path / "b").ledger["entra_deleted_user"]
    assert line.model_dump() == {
        "table": "entra_deleted_user",
        "state": "complete",
        "rows": 1,
        "provider": "Microsoft Graph",
        "server": "graph.microsoft.com",
        "account": "an application",
        "command": "GET /directory/deletedItems/graph.user",
        "filters": "$select=id,userPrincipalName,deletedDateTime,proxyAddresses,"
        "onPremisesImmutableId $top=999",
        "started_at": NOW,
        "ended_at": NOW,
        "detail": "",
    }


def test_a_missing_licence_is_no_missing_permission(tmp_path: Path) -> None:
    stub = GraphStub(
        recorded(
            managed_devices=Refused(403, "Forbidden", "Request not applicable to target tenant."),
            registrations=NOT_PREMIUM,
            sign_ins=NOT_PREMIUM,
        )
    )
    found = collected_from(stub, tmp_path / "b")
    incomplete = {
        table: (line.state, line.detail.rpartition(". ")[2])
        for table, line in found.ledger.items()
        if line.state != "complete"
    }
    assert incomplete == {
        "entra_managed_device": ("unsupported", "It needs a Microsoft Intune licence."),
        **dict.fromkeys(
            ("entra_user_registration", *SIGN_INS),
            ("unsupported", "It needs a Microsoft Entra ID P1 licence."),
        ),
    }


def test_users_that_nobody_may_see_are_denied_though_their_names_came(tmp_path: Path) -> None:
    stub = GraphStub(recorded(users=pages(HIDDEN_USER)))
    found = collected_from(stub, tmp_path / "b", USER_TABLES)
    assert found.rows["entra_user"] == [HIDDEN_ROW]
    assert found.states() == {
        **dict.fromkeys(USER_TABLES, ("access_denied", 0)),
        "entra_user": ("access_denied", 1),
    }
    assert found.ledger["entra_user_licence"].detail == (
        "accountEnabled is not shown on 1 of 1 users, first user "
        "0d3b6b52-7b3e-4a0f-9d7c-2f6a1b0c9e11. Reading users needs the application permission "
        "User.Read.All; a person who signs in needs the role Global Reader."
    )


def test_one_hidden_user_among_others_makes_the_tables_partial(tmp_path: Path) -> None:
    stub = GraphStub(recorded(users=pages(first("users"), HIDDEN_USER)))
    found = collected_from(stub, tmp_path / "b", USER_TABLES)
    assert {state for state, _ in found.states().values()} == {"partial"}
    assert found.rows["entra_user"][1] == HIDDEN_ROW


def test_a_user_without_any_name_has_no_row_and_is_missed_in_every_table(tmp_path: Path) -> None:
    nameless = {**HIDDEN_USER, "userPrincipalName": None}
    stub = GraphStub(recorded(users=pages(first("users"), nameless)))
    found = collected_from(stub, tmp_path / "b", ["entra_user", "entra_user_address"])
    assert found.states() == {"entra_user": ("partial", 1), "entra_user_address": ("partial", 3)}


def test_a_property_that_was_left_out_is_unknown_not_empty(tmp_path: Path) -> None:
    lean = {"id": "c1", "userPrincipalName": "c@x.test", "accountEnabled": True}
    stub = GraphStub(recorded(users=pages(first("users"), lean)))
    found = collected_from(stub, tmp_path / "b", USER_TABLES)
    assert found.rows["entra_user"][1] == HIDDEN_ROW.model_copy(
        update={
            "id": "c1",
            "user_principal_name": "c@x.test",
            "user_principal_name_key": "c@x.test",
            "account_enabled": True,
        }
    )
    assert found.states() == {
        "entra_user": ("complete", 2),
        "entra_user_address": ("partial", 3),
        "entra_user_licence": ("partial", 1),
        "entra_user_disabled_plan": ("partial", 1),
        "entra_user_licence_assignment": ("partial", 2),
        "entra_user_provisioning_error": ("partial", 1),
    }
    assert found.ledger["entra_user_address"].detail == (
        "Graph left out proxyAddresses of 1 of 2 users, first user c1, though it was asked for."
    )


def test_a_list_that_was_left_out_of_every_user_is_no_answer(tmp_path: Path) -> None:
    user = {name: value for name, value in first("users").items() if name != "assignedLicenses"}
    found = collected_from(
        GraphStub(recorded(users=pages(user))), tmp_path / "b", ["entra_user", "entra_user_licence"]
    )
    assert found.states() == {
        "entra_user": ("complete", 1),
        "entra_user_licence": ("unexpected_answer", 0),
    }


def test_an_answer_that_breaks_off_keeps_its_rows_and_is_partial(tmp_path: Path) -> None:
    stub = GraphStub(recorded(users=[*pages(first("users")), BROKEN]))
    found = collected_from(stub, tmp_path / "b", ["entra_user_licence"])
    assert found.states() == {"entra_user_licence": ("partial", 1)}
    assert found.rows["entra_user_licence"] == [
        EntraUserLicence(
            user_id="87d349ed-44d7-43e1-9a83-5f2406dee5bd",
            sku_id="05e9a617-0261-4cee-bb44-138d3ef5d965",
        )
    ]


def test_a_link_to_another_host_is_not_followed(tmp_path: Path) -> None:
    page = {**pages(first("users"))[0], "@odata.nextLink": "https://evil.example/v1.0/users"}
    found = collected_from(GraphStub(recorded(users=[page])), tmp_path / "b", ["entra_user"])
    assert found.states() == {"entra_user": ("partial", 1)}


def test_no_users_at_all_is_no_answer(tmp_path: Path) -> None:
    found = collected_from(GraphStub(recorded(users=pages())), tmp_path / "b", ["entra_user"])
    assert found.states() == {"entra_user": ("unexpected_answer", 0)}
    assert found.ledger["entra_user"].detail == (
        "graph.microsoft.com gave no users, and every tenant has some. Reading users needs the "
        "application permission User.Read.All; a person who signs in needs the role Global Reader."
    )


def test_a_user_that_comes_twice_is_kept_once(tmp_path: Path) -> None:
    stub = GraphStub(recorded(users=[*pages(first("users")), *pages(first("users"))]))
    found = collected_from(stub, tmp_path / "b", ["entra_user", "entra_user_address"])
    assert found.states() == {"entra_user": ("complete", 1), "entra_user_address": ("complete", 3)}
    assert found.ledger["entra_user"].detail == "Came twice and kept once: 1 of users."


def test_rows_that_contradict_each_other_are_not_guessed_between(tmp_path: Path) -> None:
    user = first("users")
    state = user["licenseAssignmentStates"][0]
    user["licenseAssignmentStates"] = [state, {**state, "state": "Error"}]
    found = collected_from(
        GraphStub(recorded(users=pages(user))), tmp_path / "b", ["entra_user_licence_assignment"]
    )
    assert found.states() == {"entra_user_licence_assignment": ("unexpected_answer", 0)}
    assert found.ledger["entra_user_licence_assignment"].detail == (
        "user 87d349ed-44d7-43e1-9a83-5f2406dee5bd holds two rows of entra_user_licence_assignment "
        "with one user_id and sku_id and assigned_by_group that differ: report it."
    )


def test_rows_that_repeat_each_other_are_kept_once(tmp_path: Path) -> None:
    user = first("users")
    user["assignedLicenses"] *= 2
    found = collected_from(
        GraphStub(recorded(users=pages(user))), tmp_path / "b", ["entra_user_licence"]
    )
    assert found.states() == {"entra_user_licence": ("complete", 1)}


def test_an_organisation_of_which_nothing_is_shown_was_not_never_synchronised(
    tmp_path: Path,
) -> None:
    shown = {"id": first("organization")["id"], "displayName": "Contoso"}
    hidden = {**dict.fromkeys(first("organization")), **shown}
    stub = GraphStub(recorded(organization=pages(hidden)))
    found = collected_from(stub, tmp_path / "b", ["entra_organization"])
    assert found.rows["entra_organization"] == [
        EntraOrganization(
            id="84841066-274d-4ec0-a5c1-276be684bdd3",
            display_name="Contoso",
            cloud="global",
            on_premises_sync_enabled=None,
            on_premises_last_sync_date_time=None,
            read_at=NOW,
            country_letter_code=None,
            tenant_type=None,
        )
    ]
    assert found.states() == {"entra_organization": ("access_denied", 1)}


def test_a_deleted_user_of_which_nothing_is_shown_has_no_empty_values(tmp_path: Path) -> None:
    hidden = {**dict.fromkeys(first("deleted_users")), "id": "d1"}
    stub = GraphStub(recorded(deleted_users=pages(hidden)))
    found = collected_from(stub, tmp_path / "b", ["entra_deleted_user"])
    assert found.rows["entra_deleted_user"] == [
        EntraDeletedUser(
            id="d1",
            user_principal_name=None,
            deleted_date_time=None,
            on_premises_immutable_id=None,
            on_premises_object_guid=None,
        )
    ]
    assert found.states() == {"entra_deleted_user": ("access_denied", 1)}


def test_one_federated_domain_that_does_not_answer_leaves_the_others(tmp_path: Path) -> None:
    other = {**first("domains"), "id": "fabrikam.com"}
    answers = recorded(domains=pages(first("domains"), other))
    answers["/domains/fabrikam.com/federationConfiguration"] = Refused(403)
    found = collected_from(GraphStub(answers), tmp_path / "b", ["entra_domain_federation"])
    assert found.states() == {"entra_domain_federation": ("partial", 1)}
    assert found.ledger["entra_domain_federation"].detail.endswith(
        "needs the application permissions Domain-InternalFederation.Read.All and Domain.Read.All; "
        "a person who signs in needs the role Global Reader."
    )


def test_a_domain_below_a_federated_one_needs_no_federation_of_its_own(tmp_path: Path) -> None:
    below = {**first("domains"), "id": "sub.contoso.com", "isRoot": False}
    stub = GraphStub(recorded(domains=pages(first("domains"), below)))
    found = collected_from(stub, tmp_path / "b", ["entra_domain_federation"])
    assert found.states() == {"entra_domain_federation": ("complete", 1)}


def test_a_federated_root_without_federation_stays_open(tmp_path: Path) -> None:
    stub = GraphStub(recorded(domains=pages({**first("domains"), "id": "fabrikam.com"})))
    found = collected_from(stub, tmp_path / "b", ["entra_domain_federation"])
    assert found.states() == {"entra_domain_federation": ("unsupported", 0)}


def test_a_cloud_without_identity_is_asked_for_its_policies_elsewhere(tmp_path: Path) -> None:
    answers = recorded()
    elsewhere = answers.pop("/identity/conditionalAccess/policies")
    answers["/policies/conditionalAccessPolicies"] = elsewhere
    found = collected_from(GraphStub(answers), tmp_path / "b", ["entra_conditional_access_policy"])
    assert found.states() == {"entra_conditional_access_policy": ("complete", 2)}


def test_a_refused_path_for_policies_is_not_asked_elsewhere(tmp_path: Path) -> None:
    answers = recorded(conditional_access=Refused(403))
    answers["/policies/conditionalAccessPolicies"] = pages()
    found = collected_from(GraphStub(answers), tmp_path / "b", ["entra_conditional_access_policy"])
    assert found.states() == {"entra_conditional_access_policy": ("access_denied", 0)}


def test_a_policy_without_a_name_is_told_and_the_others_are_kept(tmp_path: Path) -> None:
    nameless = {**first("conditional_access"), "id": "p9", "displayName": None}
    stub = GraphStub(recorded(conditional_access=pages(nameless, first("conditional_access"))))
    found = collected_from(stub, tmp_path / "b", ["entra_conditional_access_policy"])
    assert found.states() == {"entra_conditional_access_policy": ("unexpected_answer", 1)}
    assert found.ledger["entra_conditional_access_policy"].detail == (
        "Conditional Access policy p9 has displayName 'None', where text belongs: report it."
    )


def test_without_service_principals_nobody_knows_who_is_assigned_or_has_consent(
    tmp_path: Path,
) -> None:
    stub = GraphStub(recorded(service_principals=Refused(403)))
    tables = ["entra_service_principal", "entra_app_role_assignment", "entra_permission_grant"]
    found = collected_from(stub, tmp_path / "b", tables)
    assert found.states() == dict.fromkeys(tables, ("access_denied", 0))
    assert [path for path in stub.asked if not path.startswith("/servicePrincipals?")] == []
    assert len(stub.asked) == 1


def test_a_tenant_that_never_saw_a_mail_app_has_no_consent_and_that_is_an_answer(
    tmp_path: Path,
) -> None:
    stub = GraphStub(recorded(service_principals=pages(first("service_principals"))))
    found = collected_from(stub, tmp_path / "b", ["entra_permission_grant"])
    assert found.states() == {"entra_permission_grant": ("complete", 0)}


def test_a_tenant_that_does_not_know_exchange_online_is_not_believed(tmp_path: Path) -> None:
    stub = GraphStub(recorded(service_principals=pages()))
    tables = ["entra_service_principal", "entra_app_role_assignment"]
    found = collected_from(stub, tmp_path / "b", tables)
    assert found.states() == dict.fromkeys(tables, ("unexpected_answer", 0))
    assert {line.detail for line in found.ledger.values()} == {
        "graph.microsoft.com gave no service principal of Exchange Online, which every tenant with "
        "mailboxes has: report it."
    }


def test_a_registration_that_may_not_be_read_leaves_the_hybrid_application(tmp_path: Path) -> None:
    stub = GraphStub(recorded(hybrid_registration=Refused(403)))
    tables = ["entra_service_principal", "entra_service_principal_key"]
    found = collected_from(stub, tmp_path / "b", tables)
    assert found.states() == {
        "entra_service_principal": ("partial", 3),
        "entra_service_principal_key": ("partial", 1),
    }


def test_unknown_consent_policies_do_not_pass_for_none(tmp_path: Path) -> None:
    policy = {"id": "authorizationPolicy", "displayName": "A", "defaultUserRolePermissions": None}
    stub = GraphStub(recorded(authorization_policy=policy))
    found = collected_from(
        stub, tmp_path / "b", ["entra_authorization_policy", "entra_user_consent_policy"]
    )
    assert found.states() == {
        "entra_authorization_policy": ("complete", 1),
        "entra_user_consent_policy": ("unexpected_answer", 0),
    }


def test_a_consent_that_does_not_say_for_whom_is_not_for_everybody(tmp_path: Path) -> None:
    grant = {
        name: value for name, value in first("permission_grants").items() if name != "principalId"
    }
    stub = GraphStub(recorded(permission_grants=pages(grant, first("permission_grants"))))
    found = collected_from(
        stub, tmp_path / "b", ["entra_permission_grant", "entra_permission_grant_scope"]
    )
    assert found.states() == {
        "entra_permission_grant": ("partial", 1),
        "entra_permission_grant_scope": ("partial", 2),
    }


def test_after_two_silences_nothing_more_is_asked(tmp_path: Path) -> None:
    stub = GraphStub(dict.fromkeys(("/organization", "/domains", "/subscribedSkus"), BROKEN))
    tables = ["entra_organization", "entra_domain", "entra_sku", "entra_user"]
    found = collected_from(stub, tmp_path / "b", tables)
    assert found.states() == dict.fromkeys(tables, ("unreachable", 0))
    assert found.ledger["entra_user"].detail == "graph.microsoft.com stopped answering."
    assert {path.partition("?")[0] for path in stub.asked} == {"/organization", "/domains"}


# sign-ins


def test_policies_that_are_not_shown_are_counted_as_such(tmp_path: Path) -> None:
    left_out = first("sign_ins")
    del left_out["appliedConditionalAccessPolicies"]
    empty, null = (
        {**left_out, "id": "s2", "appliedConditionalAccessPolicies": []},
        {**left_out, "id": "s3", "appliedConditionalAccessPolicies": None},
    )
    stub = GraphStub(recorded(sign_ins=pages(empty, null, left_out)))
    found = collected_from(stub, tmp_path / "b", SIGN_INS)
    assert [
        (row.policy_id, row.result, row.display_name, row.sign_ins)
        for row in found.rows["entra_active_sync_sign_in_policy"]
        if isinstance(row, EntraActiveSyncSignInPolicy)
    ] == [("", "", None, 3)]
    assert found.states() == dict.fromkeys(SIGN_INS, ("complete", 1))


def test_a_result_that_nobody_knows_is_kept_and_one_without_effect_is_not(tmp_path: Path) -> None:
    refused = first("sign_ins")
    refused["appliedConditionalAccessPolicies"] = [
        {"id": f"P-{word}", "displayName": word, "result": word}
        for word in (
            *("success", "failure", "notApplied", "notEnabled", "unknown", "unknownFutureValue"),
            *("reportOnlySuccess", "reportOnlyFailure", "reportOnlyNotApplied"),
            *("reportOnlyInterrupted", "postponed"),
        )
    ]
    found = collected_from(GraphStub(recorded(sign_ins=pages(refused))), tmp_path / "b", SIGN_INS)
    assert [
        (row.policy_id, row.result, row.display_name)
        for row in found.rows["entra_active_sync_sign_in_policy"]
        if isinstance(row, EntraActiveSyncSignInPolicy)
    ] == [
        (f"p-{word.lower()}", word, word)
        for word in ("failure", "unknown", "unknownFutureValue", "postponed")
    ]


@pytest.mark.parametrize("name", ["createdDateTime", "userId", "appId", "status"])
def test_a_sign_in_that_belongs_to_no_entry_is_missed_in_both_tables(
    tmp_path: Path, name: str
) -> None:
    null = {**first("sign_ins"), "id": "s2", name: None}
    stub = GraphStub(recorded(sign_ins=pages(first("sign_ins"), null)))
    found = collected_from(stub, tmp_path / "b", SIGN_INS)
    assert found.states() == dict.fromkeys(SIGN_INS, ("partial", 1))
    assert {line.detail for line in found.ledger.values()} == {
        f"{name} is not shown on 1 of 2 ActiveSync sign-ins, first sign-in s2. Reading ActiveSync "
        "sign-ins needs the application permissions AuditLog.Read.All and Policy.Read.All; a "
        "person who signs in needs the role Global Reader."
    }


def test_a_sign_in_without_a_status_of_conditional_access_is_not_one_without_policies(
    tmp_path: Path,
) -> None:
    lean = first("sign_ins")
    del lean["conditionalAccessStatus"]
    found = collected_from(GraphStub(recorded(sign_ins=pages(lean))), tmp_path / "b", SIGN_INS)
    assert found.states() == dict.fromkeys(SIGN_INS, ("unexpected_answer", 0))
    assert {line.detail for line in found.ledger.values()} == {
        "Graph left out conditionalAccessStatus of 1 of 1 ActiveSync sign-ins, first sign-in "
        "66ea54eb-6301-4ee5-be62-ff5a759b0101, though it was asked for."
    }


def test_a_log_that_breaks_off_keeps_what_was_counted(tmp_path: Path) -> None:
    again = {**first("sign_ins"), "id": "s2"}
    stub = GraphStub(recorded(sign_ins=[*pages(first("sign_ins"), again), BROKEN]))
    found = collected_from(stub, tmp_path / "b", SIGN_INS)
    assert found.states() == dict.fromkeys(SIGN_INS, ("partial", 1))
    assert [
        row.sign_ins
        for row in found.rows["entra_active_sync_sign_in"]
        if isinstance(row, EntraActiveSyncSignIn)
    ] == [2]


@pytest.mark.parametrize("policies", [0, 2])
def test_a_log_of_more_accounts_than_can_be_kept_is_partial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policies: int
) -> None:
    monkeypatch.setattr(graph_sign_ins, "MOST_KEPT", 3 * (1 + policies))
    blocks = [
        {"id": f"p{number}", "displayName": "Blocks", "result": "failure"}
        for number in range(policies)
    ]
    rows = [
        {
            **first("sign_ins"),
            "userId": f"user {number}",
            "conditionalAccessStatus": "failure" if policies else "success",
            "appliedConditionalAccessPolicies": blocks,
        }
        for number in range(9)
    ]
    found = collected_from(GraphStub(recorded(sign_ins=pages(*rows))), tmp_path / "b", SIGN_INS)
    assert found.states() == dict(
        zip(SIGN_INS, (("partial", 3), ("partial", 3 * policies)), strict=True)
    )
    assert found.ledger["entra_active_sync_sign_in"].detail == (
        f"/auditLogs/signIns at graph.microsoft.com has more accounts and apps than the "
        f"{3 * (1 + policies)} entries that are kept; report it, this is more than the auditor "
        "reads."
    )


def test_only_what_is_wanted_is_asked_and_written(tmp_path: Path) -> None:
    stub = GraphStub(recorded())
    found = collected_from(stub, tmp_path / "b", ["entra_user_licence", "onprem_mailbox"])
    assert found.states() == {"entra_user_licence": ("complete", 1)}
    assert [table for table, rows in found.rows.items() if rows] == ["entra_user_licence"]
    assert [path.partition("?")[0] for path in stub.asked] == ["/users"]
    assert found.progress == [("users", 2)]


def test_a_check_asks_one_small_page_of_everything() -> None:
    users = [*pages(first("users")), Refused(500)]
    stub = GraphStub(recorded(users=users, deleted_users=Refused(403)))
    with graph_of(stub) as graph:
        found = list(check_graph(LiveGraph(graph, "global", None), now=lambda: NOW))
    assert {check.collector.name: check.state for check in found} == {
        "organisations": "complete",
        "domains": "complete",
        "federations of domains": "complete",
        "products": "complete",
        "users": "complete",
        "deleted users": "access_denied",
        "registrations for MFA": "complete",
        "Conditional Access policies": "complete",
        "security defaults": "complete",
        "authorization policies": "complete",
        "service principals": "complete",
        "app role assignments": "complete",
        "permission grants": "complete",
        "managed devices": "complete",
        "ActiveSync sign-ins": "complete",
    }
    assert {path.rpartition("$top=")[2] for path in stub.asked if "$top=" in path} == {"5"}


def test_a_check_tells_what_is_hidden_of_the_table_that_lacks_most() -> None:
    stub = GraphStub(recorded(users=pages(HIDDEN_USER)))
    with graph_of(stub) as graph:
        source = LiveGraph(graph, "global", None)
        [check] = check_graph(source, ["entra_user", "entra_user_licence"], now=lambda: NOW)
    assert check == GraphCheck(
        collector=check.collector,
        state="access_denied",
        detail="accountEnabled is not shown on 1 of 1 users, first user "
        "0d3b6b52-7b3e-4a0f-9d7c-2f6a1b0c9e11. Reading users needs the application permission "
        "User.Read.All; a person who signs in needs the role Global Reader.",
    )


def test_a_look_is_not_ended_by_an_empty_page_that_others_follow() -> None:
    never = Refused(500)
    users = [{"value": []}, {"value": [first("users")]}, never]
    stub = GraphStub(recorded(users=users))
    with graph_of(stub) as graph:
        source = LiveGraph(graph, "global", None)
        [check] = check_graph(source, ["entra_user"], now=lambda: NOW)
    assert (check.state, check.detail) == ("complete", "")
