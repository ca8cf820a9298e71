"""What the program says beforehand of a tenant: what reading takes, and what will be missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.check_cloud import checked_cloud
from auditor.collectors.exo_registry import EXCHANGE_ONLINE_COLLECTORS
from auditor.collectors.graph_registry import GRAPH_COLLECTORS
from auditor.errors import AccessDenied, SourceUnreachable
from auditor.lab.cloud_faults import CloudFault, Outage
from auditor.lab.cloud_grants import ENTRA_P1, INTUNE, MANAGE_AS_APP, Grants
from auditor.lab.organization import build
from auditor.live_cloud import EXCHANGE_ONLINE_TABLES, GRAPH_TABLES, LiveCloud
from tests.support.lab_tenant import tenant, without_chance

ORGANIZATION = build(20, faults=("domain_federated",))
TENANT, CLIENT = "11111111-2222-4333-8444-555555555555", "99999999-8888-4777-8666-555555555555"
GLOBAL_READER = "Global Reader"
ONLINE_RIGHT = (
    "the directory role Global Reader; an application needs Exchange.ManageAsApp with admin "
    "consent as well"
)

RIGHTS: dict[str, tuple[str, str, str]] = {
    "entra_organization": ("Organization.Read.All", GLOBAL_READER, ""),
    "entra_domain": ("Domain.Read.All", GLOBAL_READER, ""),
    "entra_domain_service": ("Domain.Read.All", GLOBAL_READER, ""),
    "entra_domain_federation": (
        "Domain-InternalFederation.Read.All and Domain.Read.All",
        GLOBAL_READER,
        "",
    ),
    "entra_sku": ("LicenseAssignment.Read.All", GLOBAL_READER, ""),
    "entra_sku_plan": ("LicenseAssignment.Read.All", GLOBAL_READER, ""),
    "entra_user": ("User.Read.All", GLOBAL_READER, ""),
    "entra_user_address": ("User.Read.All", GLOBAL_READER, ""),
    "entra_user_licence": ("User.Read.All", GLOBAL_READER, ""),
    "entra_user_disabled_plan": ("User.Read.All", GLOBAL_READER, ""),
    "entra_user_licence_assignment": ("User.Read.All", GLOBAL_READER, ""),
    "entra_user_provisioning_error": ("User.Read.All", GLOBAL_READER, ""),
    "entra_deleted_user": ("User.Read.All", "User Administrator", ""),
    "entra_deleted_user_address": ("User.Read.All", "User Administrator", ""),
    "entra_user_registration": ("AuditLog.Read.All", GLOBAL_READER, "Microsoft Entra ID P1"),
    "entra_conditional_access_policy": ("Policy.Read.All", GLOBAL_READER, ""),
    "entra_conditional_access_effect": ("Policy.Read.All", GLOBAL_READER, ""),
    "entra_conditional_access_condition": ("Policy.Read.All", GLOBAL_READER, ""),
    "entra_conditional_access_principal": ("Policy.Read.All", GLOBAL_READER, ""),
    "entra_conditional_access_unknown_value": ("Policy.Read.All", GLOBAL_READER, ""),
    "entra_security_defaults": ("Policy.Read.All", GLOBAL_READER, ""),
    "entra_authorization_policy": ("Policy.Read.All", GLOBAL_READER, ""),
    "entra_user_consent_policy": ("Policy.Read.All", GLOBAL_READER, ""),
    "entra_service_principal": ("Application.Read.All", GLOBAL_READER, ""),
    "entra_service_principal_key": ("Application.Read.All", GLOBAL_READER, ""),
    "entra_app_role_assignment": ("Application.Read.All", "Directory Readers", ""),
    "entra_permission_grant": ("Directory.Read.All", GLOBAL_READER, ""),
    "entra_permission_grant_scope": ("Directory.Read.All", GLOBAL_READER, ""),
    "entra_managed_device": (
        "DeviceManagementManagedDevices.Read.All",
        GLOBAL_READER,
        "Microsoft Intune",
    ),
    "entra_active_sync_sign_in": (
        "AuditLog.Read.All and Policy.Read.All",
        GLOBAL_READER,
        "Microsoft Entra ID P1",
    ),
    "entra_active_sync_sign_in_policy": (
        "AuditLog.Read.All and Policy.Read.All",
        GLOBAL_READER,
        "Microsoft Entra ID P1",
    ),
}
"""Permissions, the role that a person needs beside them, and the licence, table by table."""


def configured(folder: Path, **changes: object) -> Path:
    path = folder / "config.yaml"
    cloud = {
        "tenant": TENANT,
        "client_id": CLIENT,
        "authentication": "client_secret",
        "secret_from": "environment",
        **changes,
    }
    path.write_text(json.dumps({"organization": "Lab", "cloud": cloud}), encoding="utf-8")
    return path


def permissions(config: Path, columns: str = "") -> str:
    """What is printed, on a terminal of so many columns, without them into a pipe."""
    unset = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    done = subprocess.run(
        [sys.executable, "-m", "auditor.cli", "permissions", "--config", str(config)],
        env={**unset, "COLUMNS": columns} if columns else unset,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def of_graph(host: str) -> Iterator[str]:
    for each in GRAPH_COLLECTORS:
        asked = ", ".join(f"GET /v1.0{request}" for request in each.requests)
        yield f"{asked} on https://{host}"
        yield (
            f"    right:  {' and '.join(each.permissions)}; for a person who signs in, the "
            f"directory role {each.directory_role} as well"
        )
        if each.licence:
            yield f"    needs:  {each.licence} in the tenant"
        yield f"    fills:  {', '.join(model.table for model in each.tables)}"
        yield f"    lost without it: {each.lost}"


def of_exchange(host: str) -> Iterator[str]:
    for each in EXCHANGE_ONLINE_COLLECTORS:
        asked = "".join(f" -{name} {value}" for name, value in each.parameters.items())
        yield f"{each.cmdlets[0]}{asked} on https://{host}"
        yield f"    right:  {ONLINE_RIGHT}"
        yield f"    fills:  {', '.join(model.table for model in each.tables)}"
        yield f"    lost without it: {each.lost}"


@pytest.mark.parametrize(
    ("changes", "graph", "exchange"),
    [
        ({}, "graph.microsoft.com", "outlook.office365.com"),
        ({"cloud": "gcchigh"}, "graph.microsoft.us", "outlook.office365.us"),
        ({"graph": False}, None, "outlook.office365.com"),
        ({"exchange_online": False}, "graph.microsoft.com", None),
    ],
)
def test_permissions_prints_all_that_the_collectors_know(
    tmp_path: Path, changes: dict[str, object], graph: str | None, exchange: str | None
) -> None:
    """The secret is not asked for: its variable is not set."""
    assert permissions(configured(tmp_path, **changes)).splitlines() == [
        *(of_graph(graph) if graph else ()),
        *(of_exchange(exchange) if exchange else ()),
    ]


def test_on_a_narrow_terminal_permissions_says_the_same_in_more_lines(tmp_path: Path) -> None:
    config = configured(tmp_path)
    whole, narrow = permissions(config), permissions(config, "80")
    assert "".join(narrow.split()) == "".join(whole.split())
    assert [line for line in narrow.splitlines() if len(line) > 80] == []
    assert [line for line in narrow.splitlines() if line != line.rstrip() or not line] == []


def test_permissions_names_right_licence_and_loss_of_every_table(tmp_path: Path) -> None:
    rights: dict[str, tuple[str, str, str]] = {}
    lost: dict[str, str] = {}
    right = licence = ""
    tables: list[str] = []
    for line in permissions(configured(tmp_path)).splitlines():
        match line.strip().partition(":"):
            case "right", _, said:
                right, licence = said.strip(), ""
            case "needs", _, said:
                licence = said.strip().removesuffix(" in the tenant")
            case "fills", _, said:
                tables = [each.strip() for each in said.split(",")]
                granted, _, role = right.partition("; for a person who signs in, the directory ")
                role = role.removeprefix("role ").removesuffix(" as well")
                rights |= dict.fromkeys(tables, (granted, role, licence))
            case "lost without it", _, said:
                lost |= dict.fromkeys(tables, said.strip())
    online = dict.fromkeys(sorted(EXCHANGE_ONLINE_TABLES), (ONLINE_RIGHT, "", ""))
    assert rights == {**RIGHTS, **online}
    assert lost.keys() == GRAPH_TABLES | EXCHANGE_ONLINE_TABLES
    assert all(lost.values())


def problems(cloud: LiveCloud) -> list[tuple[str, str | None]]:
    """What was tried, and what is wrong with it, without what differs from run to run."""
    return [
        (without_chance(each.what), each.problem and without_chance(each.problem))
        for each in checked_cloud(cloud)
    ]


TRIED = [
    "LAB: signed in",
    "organisations (entra_organization)",
    "domains (entra_domain, entra_domain_service)",
    "federations of domains (entra_domain_federation)",
    "products (entra_sku, entra_sku_plan)",
    "users (entra_user, entra_user_address, entra_user_licence, entra_user_disabled_plan, "
    "entra_user_licence_assignment, entra_user_provisioning_error)",
    "deleted users (entra_deleted_user, entra_deleted_user_address)",
    "registrations for MFA (entra_user_registration)",
    "Conditional Access policies (entra_conditional_access_policy, "
    "entra_conditional_access_effect, entra_conditional_access_condition, "
    "entra_conditional_access_principal, entra_conditional_access_unknown_value)",
    "security defaults (entra_security_defaults)",
    "authorization policies (entra_authorization_policy, entra_user_consent_policy)",
    "service principals (entra_service_principal, entra_service_principal_key)",
    "app role assignments (entra_app_role_assignment)",
    "permission grants (entra_permission_grant, entra_permission_grant_scope)",
    "managed devices (entra_managed_device)",
    "ActiveSync sign-ins (entra_active_sync_sign_in, entra_active_sync_sign_in_policy)",
    "LAB: signed in",
    "Get-OrganizationConfig (exo_organization)",
    "Get-AcceptedDomain (exo_accepted_domain)",
    "Get-OrganizationRelationship (exo_organization_relationship, "
    "exo_organization_relationship_domain)",
    "Get-MigrationEndpoint (exo_migration_endpoint)",
    "Get-CASMailboxPlan (exo_cas_mailbox_plan)",
    "Get-MailboxPlan (exo_mailbox_plan)",
    "Get-ActiveSyncOrganizationSettings (exo_active_sync_settings)",
    "Get-ActiveSyncDeviceAccessRule (exo_device_access_rule)",
    "Get-MobileDeviceMailboxPolicy (exo_mobile_device_policy)",
    "Get-Recipient (exo_recipient, exo_recipient_address)",
    "Get-CASMailbox (exo_cas_mailbox, exo_cas_mailbox_allowed_device, "
    "exo_cas_mailbox_blocked_device)",
    "Get-MobileDevice (exo_mobile_device)",
]


NOT_FOR_SECURITY_READERS = {
    *("Get-MigrationEndpoint", "Get-Recipient", "Get-CASMailbox", "Get-MobileDevice"),
}


def test_a_check_tries_everything_and_finds_nothing_wrong() -> None:
    with tenant(ORGANIZATION) as cloud:
        assert problems(cloud) == [(what, None) for what in TRIED]


def test_a_check_tells_every_missing_permission_and_what_would_cure_it() -> None:
    grants = Grants(graph=frozenset(), exchange=frozenset({MANAGE_AS_APP, "Security Reader"}))
    with tenant(ORGANIZATION, grants=grants) as cloud:
        found = problems(cloud)
    assert [what for what, _ in found] == TRIED
    cures = [problem and problem.partition("administrator. ")[2] for _, problem in found]

    def needs(what: str, permission: str, role: str = GLOBAL_READER) -> str:
        plural = "s" if " and " in permission else ""
        return (
            f"Reading {what} needs the application permission{plural} {permission}; a person who "
            f"signs in needs the role {role}."
        )

    assert cures[:16] == [
        None,
        needs("organisations", "Organization.Read.All"),
        needs("domains", "Domain.Read.All"),
        needs("federations of domains", "Domain-InternalFederation.Read.All and Domain.Read.All"),
        needs("products", "LicenseAssignment.Read.All"),
        needs("users", "User.Read.All"),
        needs("deleted users", "User.Read.All", "User Administrator"),
        needs("registrations for MFA", "AuditLog.Read.All"),
        needs("Conditional Access policies", "Policy.Read.All"),
        needs("security defaults", "Policy.Read.All"),
        needs("authorization policies", "Policy.Read.All"),
        needs("service principals", "Application.Read.All"),
        needs("app role assignments", "Application.Read.All", "Directory Readers"),
        needs("permission grants", "Directory.Read.All"),
        needs("managed devices", "DeviceManagementManagedDevices.Read.All"),
        needs("ActiveSync sign-ins", "AuditLog.Read.All and Policy.Read.All"),
    ]
    assert {what: problem for what, problem in found[16:] if problem} == {
        what: f"{what.partition(' ')[0]} is not among the cmdlets that Exchange Online lets this "
        f"sign-in run: it needs {ONLINE_RIGHT}."
        for what in TRIED
        if what.partition(" ")[0] in NOT_FOR_SECURITY_READERS
    }


def test_the_grants_that_a_check_asks_for_are_enough() -> None:
    asked = frozenset(permission for each in GRAPH_COLLECTORS for permission in each.permissions)
    roles = frozenset({MANAGE_AS_APP, *(each.permission for each in EXCHANGE_ONLINE_COLLECTORS)})
    with tenant(ORGANIZATION, grants=Grants(asked, roles)) as cloud:
        assert problems(cloud) == [(what, None) for what in TRIED]


@pytest.mark.parametrize("collector", GRAPH_COLLECTORS, ids=lambda each: each.name)
def test_the_permissions_of_each_collector_are_enough_for_it(collector: object) -> None:
    (chosen,) = (each for each in GRAPH_COLLECTORS if each is collector)
    with tenant(ORGANIZATION, grants=Grants(graph=frozenset(chosen.permissions))) as cloud:
        told = dict(problems(cloud))
    tables = ", ".join(model.table for model in chosen.tables)
    assert told[f"{chosen.name} ({tables})"] is None


def test_a_check_names_a_licence_that_the_tenant_lacks() -> None:
    with tenant(ORGANIZATION, grants=Grants(licences=frozenset())) as cloud:
        missing = {what: problem or "" for what, problem in problems(cloud) if problem}
    assert {what: problem.rpartition(". ")[2] for what, problem in missing.items()} == {
        "registrations for MFA (entra_user_registration)": (
            "It needs a Microsoft Entra ID P1 licence."
        ),
        "managed devices (entra_managed_device)": "It needs a Microsoft Intune licence.",
        "ActiveSync sign-ins (entra_active_sync_sign_in, entra_active_sync_sign_in_policy)": (
            "It needs a Microsoft Entra ID P1 licence."
        ),
    }
    assert {ENTRA_P1, INTUNE} == Grants().licences


def test_a_check_tells_of_users_whom_nobody_may_see() -> None:
    hidden = CloudFault(Outage.HIDDEN, "users", times=None, properties=("accountEnabled",))
    with tenant(ORGANIZATION, [hidden]) as cloud:
        ((what, problem),) = ((what, told) for what, told in problems(cloud) if told)
    assert what.startswith("users (entra_user, ")
    assert (problem or "").startswith("accountEnabled is not shown on 5 of 5 users, first user ")
    assert (problem or "").endswith(
        ". Reading users needs the application permission User.Read.All; a person who signs in "
        "needs the role Global Reader."
    )


def test_a_half_that_cannot_be_signed_in_to_is_told_in_its_own_sentence() -> None:
    refused, silent = AccessDenied("The secret is wrong."), SourceUnreachable("No answer.")
    assert problems(LiveCloud(refused, silent)) == [
        ("Microsoft Graph", "The secret is wrong."),
        ("Exchange Online", "No answer."),
    ]


def test_a_half_that_is_left_out_is_not_tried() -> None:
    with tenant(ORGANIZATION, graph=False) as cloud:
        assert [what for what, _ in problems(cloud)] == TRIED[16:]
    with tenant(ORGANIZATION, exchange_online=False) as cloud:
        assert [what for what, _ in problems(cloud)] == TRIED[:16]
