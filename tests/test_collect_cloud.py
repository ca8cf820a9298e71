"""Collecting from a tenant over the loopback: every fault of the cloud, and the bundle it leaves.

A table that a fault strikes says so in its own line, by cause and in one sentence; every other
table is complete, and rows that came before a break are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from auditor.collect import CLOUD_TABLES
from auditor.demo import LabToken
from auditor.errors import AccessDenied
from auditor.evidence.base import Evidence
from auditor.evidence.entra_access import (
    EntraActiveSyncSignInPolicy,
    EntraConditionalAccessPolicy,
    EntraConditionalAccessUnknownValue,
)
from auditor.evidence.exchange_online import ExoDeviceAccessRule
from auditor.lab.cloud_faults import CloudFault, Outage
from auditor.lab.cloud_grants import ENTRA_P1, INTUNE, MANAGE_AS_APP, Grants
from auditor.lab.cloud_server import LabCloud
from auditor.lab.organization import build
from auditor.live_cloud import EXCHANGE_ONLINE_TABLES, GRAPH_TABLES, open_cloud
from auditor.sources.cloud_sign_in import Cloud
from tests.support.lab_tenant import Collected, at_once, collected, tenant, without_chance

ORGANIZATION = build(30, faults=("domain_federated", "ca_blocks_eas"))
LARGE = build(1_100, faults="none")
SKUS, PLANS = {"entra_sku": 4, "entra_sku_plan": 14}, {"exo_mailbox_plan": 4}
USERS = (
    "entra_user",
    "entra_user_address",
    "entra_user_licence",
    "entra_user_disabled_plan",
    "entra_user_licence_assignment",
    "entra_user_provisioning_error",
)
APPLICATIONS = (
    "entra_service_principal",
    "entra_service_principal_key",
    "entra_app_role_assignment",
)
GRANTS_OF_CONSENT = ("entra_permission_grant", "entra_permission_grant_scope")
POLICIES = (
    "entra_conditional_access_policy",
    "entra_conditional_access_effect",
    "entra_conditional_access_condition",
    "entra_conditional_access_principal",
    "entra_conditional_access_unknown_value",
    "entra_security_defaults",
    "entra_authorization_policy",
    "entra_user_consent_policy",
)
SIGN_INS = ("entra_active_sync_sign_in", "entra_active_sync_sign_in_policy")
RECIPIENTS = (
    "exo_recipient",
    "exo_recipient_address",
    "exo_cas_mailbox",
    "exo_cas_mailbox_allowed_device",
    "exo_cas_mailbox_blocked_device",
    "exo_mobile_device",
)
NEEDS_SKUS = (
    " Reading products needs the application permission LicenseAssignment.Read.All; a person who "
    "signs in needs the role Global Reader."
)
APPLICATION = (
    "grant the application Exchange.ManageAsApp with admin consent and a directory role such as "
    "Global Reader"
)
EXPORT = "export the cmdlet in an Exchange Online PowerShell window and import the file"


@dataclass(frozen=True)
class Ends:
    """How a fault ends: the state, whether rows are kept, the sentence, the pauses before it."""

    state: str
    says: str
    keeps: bool = False
    pauses: Sequence[float] = ()


GRAPH: Mapping[Outage, Ends] = {
    Outage.UNAUTHORIZED: Ends(
        "access_denied",
        "/subscribedSkus at LAB did not take the sign-in (HTTP 401, InvalidAuthenticationToken: "
        "Access token validation failure; Lifetime validation failed, request N); sign in again, "
        f"and check that tenant and cloud are the right ones.{NEEDS_SKUS}",
    ),
    Outage.CLAIMS_WANTED: Ends(
        "access_denied",
        "/subscribedSkus at LAB wants another sign-in than this one (a policy of the tenant, such "
        f"as Conditional Access, took effect); sign in again from an allowed place.{NEEDS_SKUS}",
    ),
    Outage.FORBIDDEN: Ends(
        "access_denied",
        "/subscribedSkus at LAB may not be read by this account (HTTP 403, "
        "Authorization_RequestDenied: Insufficient privileges to complete the operation, request "
        "N); grant what `auditor permissions` names for it, with the consent of an administrator."
        f"{NEEDS_SKUS}",
    ),
    Outage.THROTTLED: Ends(
        "unreachable",
        "/subscribedSkus at LAB: the service is busy and wants to be left alone for 3600 s, more "
        "than is left of the 900 s this run waits for one answer (HTTP 429, TooManyRequests: Too "
        "many requests, request N); collect it again later.",
    ),
    Outage.FAILED: Ends(
        "unreachable",
        "/subscribedSkus at LAB: the service kept failing (HTTP 500, InternalServerError: An "
        "error has occurred, request N); collect it again later.",
        pauses=(0.5, 1.0, 2.0, 4.0, 8.0),
    ),
    Outage.QUERY_BROKER: Ends(
        "unreachable",
        "/subscribedSkus at LAB: the service stayed busy (HTTP 500, UnknownError: Rate limit "
        "reached because of too many requests to query broker, request N); collect it again "
        "later.",
        pauses=(0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0),
    ),
    Outage.UNAVAILABLE: Ends(
        "unreachable",
        "/subscribedSkus at LAB: the service is busy and wants to be left alone for 3600 s, more "
        "than is left of the 900 s this run waits for one answer (HTTP 503, ServiceUnavailable: "
        "The service is temporarily unavailable, request N); collect it again later.",
    ),
    Outage.EXPIRED_PAGE: Ends(
        "partial",
        "/subscribedSkus at LAB: the link to the next page is no longer valid (HTTP 400, "
        "Directory_ExpiredPageToken: The specified page token value has expired and can no longer "
        "be included, request N); collect it again.",
    ),
    Outage.HTML_ERROR: Ends(
        "unreachable",
        "/subscribedSkus at LAB: the service kept failing (HTTP 502, request N); collect it again "
        "later.",
        pauses=(0.5, 1.0, 2.0, 4.0, 8.0),
    ),
    Outage.HTML_PAGE: Ends(
        "unexpected_answer",
        "/subscribedSkus at LAB answered with a web page instead of data; see whether a proxy or "
        "a sign-in page of the network stands in between.",
    ),
    Outage.REDIRECT: Ends(
        "unexpected_answer",
        "/subscribedSkus at LAB sends the reader elsewhere (HTTP 302), which is not followed; see "
        "whether the address is that of Microsoft Graph.",
    ),
    Outage.CUT: Ends(
        "unreachable",
        "/subscribedSkus at LAB broke off in the middle of an answer (RemoteProtocolError); check "
        "network, firewall and HTTPS_PROXY, then collect again.",
        pauses=(0.5, 1.0, 2.0, 4.0),
    ),
    Outage.TORN: Ends(
        "unreachable",
        "/subscribedSkus at LAB broke off in the middle of an answer; check network, firewall and "
        "HTTPS_PROXY, then collect again.",
        pauses=(0.5, 1.0, 2.0, 4.0),
    ),
    Outage.DROP: Ends(
        "unreachable",
        "/subscribedSkus at LAB broke off in the middle of an answer (RemoteProtocolError); check "
        "network, firewall and HTTPS_PROXY, then collect again.",
        pauses=(0.5, 1.0, 2.0, 4.0),
    ),
    Outage.FOREIGN_LINK: Ends(
        "partial",
        "/subscribedSkus at LAB: after 1 page that is kept, the link to the next one leads away "
        "from this service, so it was not followed; see whether something stands in between.",
        keeps=True,
    ),
    Outage.REPEATED_LINK: Ends(
        "partial",
        "/subscribedSkus at LAB: after 1 page that is kept, the link to the next one repeats an "
        "earlier one; collect it again.",
        keeps=True,
    ),
    Outage.EMPTY_PAGE: Ends(
        "partial",
        "/subscribedSkus at LAB gave 1000 empty pages one after the other and has more; collect it "
        "again.",
    ),
    Outage.HIDDEN: Ends(
        "unexpected_answer",
        "/subscribedSkus at LAB: value[0].skuId is not what Graph documents (Input should be a "
        "valid string), so this version of the auditor cannot read it; report it with the name of "
        "the property.",
    ),
}
EXCHANGE: Mapping[Outage, Ends] = {
    Outage.UNAUTHORIZED: Ends(
        "access_denied",
        f"Get-MailboxPlan on LAB is not allowed to this sign-in (HTTP status 401); {APPLICATION}.",
    ),
    Outage.CLAIMS_WANTED: Ends(
        "access_denied",
        f"Get-MailboxPlan on LAB is not allowed to this sign-in (HTTP status 401); {APPLICATION}.",
    ),
    Outage.FORBIDDEN: Ends(
        "access_denied",
        "Get-MailboxPlan on LAB is denied (Insufficient privileges to complete the operation); "
        f"{APPLICATION}.",
    ),
    Outage.THROTTLED: Ends(
        "unreachable",
        "Get-MailboxPlan on LAB was throttled for longer than this program waits (HTTP status "
        "429, Too many requests); collect it again after 3600 seconds.",
    ),
    Outage.FAILED: Ends(
        "unreachable",
        "Get-MailboxPlan on LAB failed in Exchange Online (HTTP status 500, An error has "
        f"occurred); collect it again later, or {EXPORT}.",
        pauses=(5.0, 10.0, 20.0, 40.0, 60.0),
    ),
    Outage.QUERY_BROKER: Ends(
        "unreachable",
        "Get-MailboxPlan on LAB failed in Exchange Online (HTTP status 500, Rate limit reached "
        f"because of too many requests to query broker); collect it again later, or {EXPORT}.",
        pauses=(5.0, 10.0, 20.0, 40.0, 60.0),
    ),
    Outage.UNAVAILABLE: Ends(
        "unreachable",
        "Get-MailboxPlan on LAB failed in Exchange Online (HTTP status 503, The service is "
        f"temporarily unavailable); collect it again after 3600 seconds, or {EXPORT}.",
    ),
    Outage.EXPIRED_PAGE: Ends(
        "unexpected_answer",
        "Get-MailboxPlan on LAB was not to be had by the link that Exchange Online gave for it "
        "(Expired or Invalid pagination request; Default Expiry time is 00:30:00); collect it "
        f"again, or {EXPORT}.",
    ),
    Outage.HTML_ERROR: Ends(
        "unreachable",
        "Get-MailboxPlan on LAB failed in Exchange Online (HTTP status 502); collect it again "
        f"later, or {EXPORT}.",
        pauses=(5.0, 10.0, 20.0, 40.0, 60.0),
    ),
    Outage.HTML_PAGE: Ends(
        "unexpected_answer",
        "Get-MailboxPlan on LAB was answered with a web page instead of data; see whether a proxy "
        "or a sign-in page of the network stands in between.",
    ),
    Outage.REDIRECT: Ends(
        "unexpected_answer",
        "Get-MailboxPlan on LAB is pointed to https://graph.example.net/sign-in, which is not "
        f"followed because the token would go there; check the cloud, or {EXPORT}.",
    ),
    Outage.CUT: Ends(
        "unreachable",
        "Get-MailboxPlan on LAB broke off on the way; check the network, and collect it again.",
        pauses=(5.0, 10.0, 20.0),
    ),
    Outage.TORN: Ends(
        "unexpected_answer",
        "Get-MailboxPlan on LAB is no JSON, or none that can be believed; collect it again, or "
        f"{EXPORT}.",
    ),
    Outage.DROP: Ends(
        "unreachable",
        "Get-MailboxPlan on LAB broke off on the way; check the network, and collect it again.",
        pauses=(5.0, 10.0, 20.0),
    ),
    Outage.EMPTY_PAGE: Ends(
        "partial",
        "Get-MailboxPlan on LAB gave 0 objects, but what follows is one empty page after the "
        f"other; collect it again, or {EXPORT}.",
    ),
    Outage.FOREIGN_LINK: Ends(
        "partial",
        "Get-MailboxPlan on LAB gave 4 objects, but what follows is elsewhere, where the token "
        f"must not go; check the cloud, or {EXPORT}.",
        keeps=True,
    ),
    Outage.REPEATED_LINK: Ends(
        "partial",
        "Get-MailboxPlan on LAB gave 4 objects, but what follows is a page that was already read; "
        f"collect it again, or {EXPORT}.",
        keeps=True,
    ),
    Outage.HIDDEN: Ends(
        "unexpected_answer",
        "Name of an object holds nothing where text belongs (object 1 of Get-MailboxPlan); "
        "collect it again, or export it again without editing the file. 4 objects could not be "
        "read.",
    ),
}
HARMLESS = {Outage.STALL, Outage.UNKNOWN_VALUE}
"""Faults after which the answer is whole."""


def struck(target: Path, *faults: CloudFault, grants: Grants | None = None) -> Collected:
    """What is left of the small organisation's tenant."""
    with tenant(ORGANIZATION, faults, grants) as cloud:
        return collected(cloud, target)


def test_a_tenant_without_a_fault_is_complete_to_the_last_table(tmp_path: Path) -> None:
    found = struck(tmp_path / "e.zip")
    assert found.gaps() == {}
    empty = {table for table in CLOUD_TABLES if not found.rows[table]}
    assert empty == {
        "entra_conditional_access_condition",
        "entra_conditional_access_unknown_value",
        "entra_user_disabled_plan",
        "entra_user_provisioning_error",
        "exo_cas_mailbox_allowed_device",
        "exo_cas_mailbox_blocked_device",
    }


def test_every_kind_of_fault_is_tried_on_both_services() -> None:
    assert GRAPH.keys() | HARMLESS == set(Outage)
    assert EXCHANGE.keys() | HARMLESS == set(Outage)


@pytest.mark.parametrize(
    ("at", "rows", "ends", "what"),
    [
        *(("subscribedSkus", SKUS, ends, what) for what, ends in GRAPH.items()),
        *(("Get-MailboxPlan", PLANS, ends, what) for what, ends in EXCHANGE.items()),
    ],
)
def test_a_fault_costs_the_tables_it_strikes_and_says_why(
    tmp_path: Path, at: str, rows: dict[str, int], ends: Ends, what: Outage
) -> None:
    busy = what in {Outage.THROTTLED, Outage.UNAVAILABLE}
    fault = CloudFault(what, at, times=None, seconds=3_600 if busy else None)
    pauses: list[float] = []
    with tenant(ORGANIZATION, [fault], sleep=pauses.append) as cloud:
        found = collected(cloud, tmp_path / "e.zip")
    assert found.gaps() == {
        table: (ends.state, count if ends.keeps else 0) for table, count in rows.items()
    }
    assert found.told() == {ends.says}
    assert pauses == [*ends.pauses]


@pytest.mark.parametrize("at", ["subscribedSkus", "Get-MailboxPlan"])
@pytest.mark.parametrize(
    ("fault", "graph", "exchange"),
    [
        (CloudFault(Outage.THROTTLED, times=2, seconds=61), [61.0, 61.0], [61.0, 61.0]),
        (CloudFault(Outage.FAILED), [0.5], [5.0]),
        (CloudFault(Outage.HTML_ERROR), [0.5], [5.0]),
        (CloudFault(Outage.CUT), [0.5], [5.0]),
        (CloudFault(Outage.DROP), [0.5], [5.0]),
        (CloudFault(Outage.EMPTY_PAGE, page=1), [], []),
    ],
)
def test_a_fault_that_passes_costs_time_alone(
    tmp_path: Path, at: str, fault: CloudFault, graph: list[float], exchange: list[float]
) -> None:
    slept: list[float] = []
    with tenant(ORGANIZATION, [replace(fault, at=at)], sleep=slept.append) as cloud:
        found = collected(cloud, tmp_path / "e.zip")
    assert found.gaps() == {}
    assert {table: len(found.rows[table]) for table in (*SKUS, *PLANS)} == {**SKUS, **PLANS}
    assert slept == (graph if at == "subscribedSkus" else exchange)


# a later page


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Evidence]]:
    """Every row of the large organisation: two pages of users, two of recipients."""
    with tenant(LARGE) as cloud:
        return collected(cloud, tmp_path_factory.mktemp("whole") / "e.zip").rows


@pytest.mark.parametrize(
    "what", [what for what in GRAPH if what not in {Outage.HIDDEN, Outage.EMPTY_PAGE}]
)
def test_users_of_the_pages_before_a_break_are_kept(
    tmp_path: Path, whole: dict[str, list[Evidence]], what: Outage
) -> None:
    fault = CloudFault(what, "users", page=2, times=None)
    with tenant(LARGE, [fault]) as cloud:
        found = collected(cloud, tmp_path / "e.zip", *USERS, "entra_domain")
    linked = GRAPH[what].keeps
    foreign = {Outage.HTML_PAGE, Outage.REDIRECT}
    states = {found.ledger[table].state for table in USERS}
    assert states == {"unexpected_answer" if what in foreign else "partial"}
    assert len(found.rows["entra_user"]) == (len(whole["entra_user"]) if linked else 999)
    for table in USERS:
        kept = found.rows[table]
        assert kept == whole[table][: len(kept)], table
    assert found.ledger["entra_domain"].state == "complete"


@pytest.mark.parametrize(
    "what", [what for what in EXCHANGE if what not in {Outage.HIDDEN, Outage.EMPTY_PAGE}]
)
def test_recipients_of_the_pages_before_a_break_are_kept(
    tmp_path: Path, whole: dict[str, list[Evidence]], what: Outage
) -> None:
    fault = CloudFault(what, "Get-Recipient", page=2, times=None)
    tables = ("exo_recipient", "exo_recipient_address")
    with tenant(LARGE, [fault]) as cloud:
        found = collected(cloud, tmp_path / "e.zip", *tables, "exo_organization")
    linked = EXCHANGE[what].keeps
    assert {found.ledger[table].state for table in tables} == {"partial"}
    count = len(whole["exo_recipient"]) if linked else 1_000
    assert len(found.rows["exo_recipient"]) == count
    for table in tables:
        kept = found.rows[table]
        assert kept == whole[table][: len(kept)], table
    said = found.ledger["exo_recipient"].detail
    assert said.startswith("Get-Recipient on ")
    assert f" gave {count} objects, but what follows " in said
    assert found.ledger["exo_organization"].state == "complete"


def test_a_page_that_expired_says_what_exchange_online_said(tmp_path: Path) -> None:
    fault = CloudFault(Outage.EXPIRED_PAGE, "Get-Recipient", page=2, times=None)
    with tenant(LARGE, [fault]) as cloud:
        found = collected(cloud, tmp_path / "e.zip", "exo_recipient")
    assert without_chance(found.ledger["exo_recipient"].detail) == (
        "Get-Recipient on LAB gave 1000 objects, but what follows was not to be had by the link "
        "that Exchange Online gave for it (Expired or Invalid pagination request; Default Expiry "
        f"time is 00:30:00); collect it again, or {EXPORT}."
    )


# who may read


@pytest.mark.parametrize(
    ("missing", "lost"),
    [
        ("Application.Read.All", (*APPLICATIONS, *GRANTS_OF_CONSENT)),
        ("AuditLog.Read.All", ("entra_user_registration", *SIGN_INS)),
        ("DelegatedPermissionGrant.Read.All", GRANTS_OF_CONSENT),
        ("DeviceManagementManagedDevices.Read.All", ("entra_managed_device",)),
        (
            "Domain.Read.All",
            ("entra_domain", "entra_domain_service", "entra_domain_federation"),
        ),
        ("Domain-InternalFederation.Read.All", ("entra_domain_federation",)),
        ("Policy.Read.All", POLICIES),
        ("User.Read.All", (*USERS, "entra_deleted_user", "entra_deleted_user_address")),
        # either of these two shows the products
        ("LicenseAssignment.Read.All", ()),
        ("Organization.Read.All", ()),
    ],
)
def test_a_permission_that_is_missing_costs_its_own_tables(
    tmp_path: Path, missing: str, lost: tuple[str, ...]
) -> None:
    # Directory.Read.All would stand in for half of them
    granted = frozenset(
        {
            *("Application.Read.All", "AuditLog.Read.All", "DelegatedPermissionGrant.Read.All"),
            *("DeviceManagementManagedDevices.Read.All", "Domain.Read.All"),
            *("Domain-InternalFederation.Read.All", "Policy.Read.All", "User.Read.All"),
            *("LicenseAssignment.Read.All", "Organization.Read.All"),
        }
    )
    found = struck(tmp_path / "e.zip", grants=Grants(graph=granted - {missing}))
    assert found.gaps() == dict.fromkeys(lost, ("access_denied", 0))
    assert all(
        "HTTP 403, Authorization_RequestDenied" in told and " needs the application perm" in told
        for told in found.told()
    )


def test_a_refused_phone_shows_to_who_may_not_read_the_policy(tmp_path: Path) -> None:
    may_read = Grants(graph=frozenset({"AuditLog.Read.All", "Policy.Read.All"}))
    may_not = Grants(graph=frozenset({"AuditLog.Read.All"}))
    found = [
        struck(tmp_path / f"{number}.zip", grants=grants)
        for number, grants in enumerate((may_read, may_not))
    ]
    policies = [
        {
            (row.conditional_access_status, row.result, row.display_name)
            for row in each.rows["entra_active_sync_sign_in_policy"]
            if isinstance(row, EntraActiveSyncSignInPolicy)
        }
        for each in found
    ]
    assert policies == [
        {("failure", "failure", "Block legacy authentication")},
        {("failure", "", None)},
    ]
    table, beside = SIGN_INS
    assert found[0].rows[table] == found[1].rows[table] != []
    assert {each.ledger[name].state for each in found for name in (table, beside)} == {"complete"}


def test_a_refusal_that_many_requests_meet_is_told_once(tmp_path: Path) -> None:
    granted = frozenset({"Application.Read.All"})
    found = struck(tmp_path / "e.zip", grants=Grants(graph=granted))
    assert without_chance(found.ledger["entra_permission_grant"].detail) == (
        "/oauth2PermissionGrants at LAB may not be read by this account (HTTP 403, "
        "Authorization_RequestDenied: Insufficient privileges to complete the operation, request "
        "N); grant what `auditor permissions` names for it, with the consent of an administrator. "
        "Reading permission grants needs the application permission Directory.Read.All; a person "
        "who signs in needs the role Global Reader."
    )


NOT_PREMIUM = (
    "{} at LAB needs a licence for Entra ID P1 or P2, which the tenant does not have (HTTP 403, "
    "Authentication_RequestFromNonPremiumTenantOrB2CTenant: Neither tenant is B2C or tenant "
    "doesn't have premium license, request N); accept that it stays unknown, or, where the tenant "
    "has it, grant Directory.Read.All, without which Graph does not always see the licence. It "
    "needs a Microsoft Entra ID P1 licence."
)


@pytest.mark.parametrize(
    ("licence", "tables", "says"),
    [
        (
            INTUNE,
            ("entra_managed_device",),
            {
                "/deviceManagement/managedDevices at LAB needs a licence for Intune, which the "
                "tenant does not have (HTTP 400, BadRequest: Request not applicable to target "
                "tenant, request N); accept that it stays unknown. It needs a Microsoft Intune "
                "licence."
            },
        ),
        (
            ENTRA_P1,
            ("entra_user_registration", *SIGN_INS),
            {
                NOT_PREMIUM.format("/reports/authenticationMethods/userRegistrationDetails"),
                NOT_PREMIUM.format("/auditLogs/signIns"),
            },
        ),
    ],
)
def test_a_licence_that_the_tenant_lacks_is_named_and_no_missing_permission(
    tmp_path: Path, licence: str, tables: tuple[str, ...], says: set[str]
) -> None:
    licences = frozenset({INTUNE, ENTRA_P1}) - {licence}
    found = struck(tmp_path / "e.zip", grants=Grants(licences=licences))
    assert found.gaps() == dict.fromkeys(tables, ("unsupported", 0))
    assert found.told() == says


SETTINGS = (
    "exo_organization",
    "exo_accepted_domain",
    "exo_organization_relationship",
    "exo_organization_relationship_domain",
    "exo_cas_mailbox_plan",
    "exo_mailbox_plan",
    "exo_active_sync_settings",
    "exo_device_access_rule",
    "exo_mobile_device_policy",
)


@pytest.mark.parametrize(
    ("roles", "lost", "ending"),
    [
        (
            (MANAGE_AS_APP, "Security Reader"),
            (*RECIPIENTS, "exo_migration_endpoint"),
            " is not among the cmdlets that Exchange Online lets this sign-in run: it needs the "
            "directory role Global Reader; an application needs Exchange.ManageAsApp with admin "
            "consent as well.",
        ),
        (
            (MANAGE_AS_APP, "Exchange Recipient Administrator"),
            SETTINGS,
            " is not among the cmdlets that Exchange Online lets this sign-in run: it needs the "
            "directory role Global Reader; an application needs Exchange.ManageAsApp with admin "
            "consent as well.",
        ),
        (
            (MANAGE_AS_APP,),
            tuple(EXCHANGE_ONLINE_TABLES),
            " on LAB is denied (The role assigned to application isn't supported in this "
            "scenario; Please check online documentation for assigning correct Directory Roles to "
            f"Azure AD Application for EXO App-Only Authentication); {APPLICATION}.",
        ),
        (
            (),
            tuple(EXCHANGE_ONLINE_TABLES),
            f" on LAB is not allowed to this sign-in (HTTP status 401); {APPLICATION}.",
        ),
    ],
)
def test_a_role_that_is_missing_costs_the_cmdlets_that_it_contains(
    tmp_path: Path, roles: tuple[str, ...], lost: tuple[str, ...], ending: str
) -> None:
    found = struck(tmp_path / "e.zip", grants=Grants(exchange=frozenset(roles)))
    assert found.gaps() == dict.fromkeys(lost, ("access_denied", 0))
    assert {told[told.index(" ") :] for told in found.told()} == {ending}


def test_nul_bytes_that_claim_gzip_are_a_refusal(tmp_path: Path) -> None:
    """Without a list of cmdlets each one is tried, and what no role contains answers so."""
    unlisted = CloudFault(Outage.FORBIDDEN, "EXOModuleFile", times=None)
    grants = Grants(exchange=frozenset({MANAGE_AS_APP, "Security Reader"}))
    found = struck(tmp_path / "e.zip", unlisted, grants=grants)
    lost = (*RECIPIENTS, "exo_migration_endpoint")
    assert found.gaps() == dict.fromkeys(lost, ("access_denied", 0))
    assert {told[told.index(" ") :] for told in found.told()} == {
        " on LAB is refused without a reason (HTTP status 403), as Exchange Online does with a "
        "cmdlet that it does not know and with one that no role of the sign-in contains; "
        f"{APPLICATION}, or {EXPORT}."
    }


# words and properties


def test_a_word_that_nobody_knows_is_kept_as_it_was_written(tmp_path: Path) -> None:
    found = struck(tmp_path / "e.zip", CloudFault(Outage.UNKNOWN_VALUE, times=None))
    # a domain that is neither managed nor federated is asked where it sends people
    assert found.gaps() == {"entra_domain_federation": ("partial", 1)}
    policies = [
        each
        for each in found.rows["entra_conditional_access_policy"]
        if isinstance(each, EntraConditionalAccessPolicy)
    ]
    assert {policy.state for policy in policies} == {"enabledForPilot"}
    unknown = found.rows["entra_conditional_access_unknown_value"]
    assert unknown == [
        EntraConditionalAccessUnknownValue(
            policy_id=policy.id, property="state", value="enabledForPilot"
        )
        for policy in policies
    ]
    levels = [
        rule.access_level
        for rule in found.rows["exo_device_access_rule"]
        if isinstance(rule, ExoDeviceAccessRule)
    ]
    assert set(levels) == {"Inspect"}


def test_users_who_are_hidden_are_denied_and_not_empty(tmp_path: Path) -> None:
    hidden = CloudFault(Outage.HIDDEN, "users", times=None, properties=("accountEnabled",))
    found = struck(tmp_path / "e.zip", hidden)
    assert {table: state for table, (state, _) in found.gaps().items()} == dict.fromkeys(
        USERS, "access_denied"
    )
    count = len(found.rows["entra_user"])
    (told,) = found.told()
    assert told.startswith(f"accountEnabled is not shown on {count} of {count} users, first user ")
    assert told.endswith(
        ". Reading users needs the application permission User.Read.All; a person who signs in "
        "needs the role Global Reader."
    )


# a service that is not there


@dataclass
class Refusing:
    """A sign-in that is good for one of the two services alone."""

    token: str
    refused: str

    def get_token(self, *scopes: str, **_options: object) -> LabToken:
        if scopes[0].startswith(self.refused):
            raise AccessDenied("The certificate is not registered; upload it.")
        return LabToken(self.token)


@pytest.mark.parametrize(
    ("refused", "lost"), [("graph", GRAPH_TABLES), ("exchange", EXCHANGE_ONLINE_TABLES)]
)
def test_a_refused_sign_in_of_one_half_leaves_the_other(
    tmp_path: Path, refused: str, lost: frozenset[str]
) -> None:
    with LabCloud(ORGANIZATION) as lab:
        # one port, two names: so that a token is for one of the services
        addresses = {
            "graph": lab.url.replace("127.0.0.1", "localhost"),
            "exchange": lab.url,
        }
        cloud = Cloud("global", "", addresses["graph"], addresses["exchange"])
        signed_in = Refusing(lab.token, addresses[refused])
        with open_cloud(cloud, lab.tenant_id, signed_in, sleep=at_once) as found:
            left = collected(found, tmp_path / "e.zip")
    assert left.gaps() == dict.fromkeys(lost, ("access_denied", 0))
    assert left.told() == {"The certificate is not registered; upload it."}


@pytest.mark.parametrize(
    ("graph", "lost", "says"),
    [
        (False, GRAPH_TABLES, "The configuration leaves Microsoft Graph unread."),
        (True, EXCHANGE_ONLINE_TABLES, "The configuration leaves Exchange Online unread."),
    ],
)
def test_a_half_that_is_left_out_is_told_and_the_other_complete(
    tmp_path: Path, graph: bool, lost: frozenset[str], says: str
) -> None:
    with tenant(ORGANIZATION, graph=graph, exchange_online=not graph) as cloud:
        found = collected(cloud, tmp_path / "e.zip")
    assert found.gaps() == dict.fromkeys(lost, ("not_requested", 0))
    assert found.told() == {says}


def test_two_silences_in_a_row_end_each_half(tmp_path: Path) -> None:
    with LabCloud(ORGANIZATION) as lab:
        gone = Cloud("global", "", lab.url, lab.url)
        token = LabToken(lab.token)
    with open_cloud(gone, lab.tenant_id, token, sleep=at_once) as cloud:
        found = collected(cloud, tmp_path / "e.zip")
    assert found.gaps() == dict.fromkeys(CLOUD_TABLES, ("unreachable", 0))
    network = "check network, firewall and HTTPS_PROXY, then collect again."
    assert found.told() == {
        f"/organization at LAB cannot be connected to (ConnectError); {network}",
        f"/domains at LAB cannot be connected to (ConnectError); {network}",
        "LAB stopped answering.",
        "Get-OrganizationConfig on LAB did not reach LAB; check network, firewall and proxy here.",
        "Get-AcceptedDomain on LAB did not reach LAB; check network, firewall and proxy here.",
    }
