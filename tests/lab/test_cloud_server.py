"""The lab's cloud as a plain HTTP client sees it: pages, refusals, and faults on demand."""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from auditor.lab.cloud_faults import CloudFault, Outage
from auditor.lab.cloud_filter import MOST_IN, NotUnderstood, filter_of
from auditor.lab.cloud_grants import ENTRA_P1, GRAPH_PERMISSIONS, INTUNE, MANAGE_AS_APP, Grants
from auditor.lab.cloud_server import LabCloud
from auditor.lab.organization import Organization, build
from auditor.lab.tenant import CMDLETS, COLLECTIONS, SINGLES, collection
from auditor.lab.tenant_access import APPLE_MAIL, EXCHANGE_ONLINE, principal_id

USERS = "/v1.0/users"
UNLIMITED = {"ResultSize": "Unlimited"}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@pytest.fixture(scope="module")
def organization() -> Organization:
    return build(250)


@pytest.fixture(scope="module")
def cloud(organization: Organization) -> Iterator[LabCloud]:
    with LabCloud(organization) as listening:
        yield listening


def ask(
    cloud: LabCloud, target: str, method: str = "GET", body: bytes | None = None, **headers: str
) -> Reply:
    """One request with the cloud's token, unless `authorization` says otherwise."""
    sent = {"authorization": f"Bearer {cloud.token}"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(http.client.HTTPConnection(urlsplit(cloud.url).netloc, timeout=5)) as connection:
        connection.request(method, target, body, sent)
        answer = connection.getresponse()
        lowered = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, lowered, answer.read())


def query(path: str, **options: str) -> str:
    return f"{path}?" + "&".join(f"${name}={quote(value)}" for name, value in options.items())


def local(link: str) -> str:
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}"


def pages(cloud: LabCloud, target: str) -> list[list[Any]]:
    found = []
    link: str | None = target
    while link is not None:
        page = ask(cloud, link).json
        found.append(page["value"])
        following = page.get("@odata.nextLink")
        link = local(following) if following else None
    return found


def invoke(
    cloud: LabCloud,
    cmdlet: str,
    parameters: Mapping[str, object] | None = None,
    *,
    target: str = "",
    **headers: str,
) -> Reply:
    asked = {"CmdletInput": {"CmdletName": cmdlet, "Parameters": dict(parameters or {})}}
    path = target or f"/adminapi/beta/{cloud.tenant_id}/InvokeCommand"
    return ask(cloud, path, "POST", json.dumps(asked).encode(), **headers)


def cmdlet_pages(cloud: LabCloud, cmdlet: str, size: int) -> list[list[Any]]:
    found = []
    target = ""
    while True:
        wish = f"odata.maxpagesize={size}"
        page = invoke(cloud, cmdlet, UNLIMITED, target=target, Prefer=wish).json
        found.append(page["value"])
        if "@odata.nextLink" not in page:
            return found
        target = local(page["@odata.nextLink"])


@contextmanager
def failing(
    organization: Organization, what: Outage, at: str = "", **settings: Any
) -> Iterator[LabCloud]:
    with LabCloud(organization, [CloudFault(what, at, **settings)]) as listening:
        yield listening


def error(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json["error"]["code"]


# Microsoft Graph: what it gives


@pytest.mark.parametrize("path", COLLECTIONS)
def test_a_collection_comes_whole(cloud: LabCloud, organization: Organization, path: str) -> None:
    wanted = collection(organization, path)
    assert wanted is not None
    first = next(iter(wanted))
    select = ",".join(first)
    read = [row for page in pages(cloud, query(f"/v1.0/{path}", select=select)) for row in page]
    assert read == json.loads(json.dumps(list(wanted)))


@pytest.mark.parametrize("path", SINGLES)
def test_an_object_comes_with_its_context(
    cloud: LabCloud, organization: Organization, path: str
) -> None:
    found = ask(cloud, f"/v1.0/{path}").json
    assert found.pop("@odata.context").endswith(f"/v1.0/$metadata#{path}/$entity")
    assert found == SINGLES[path](organization)


@pytest.mark.parametrize(("top", "lengths"), [("100", [100, 100, 63]), ("999", [263])])
def test_a_page_holds_as_many_as_were_asked_for(
    cloud: LabCloud, top: str, lengths: list[int]
) -> None:
    found = pages(cloud, query(USERS, select="id", top=top))
    assert [len(page) for page in found] == lengths


def test_a_page_holds_a_hundred_users_with_few_properties_unless_told_otherwise(
    cloud: LabCloud,
) -> None:
    page = ask(cloud, USERS).json["value"]
    assert len(page) == 100
    assert set(page[0]) == {
        *("businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone"),
        *("officeLocation", "preferredLanguage", "surname", "userPrincipalName", "id"),
    }


def test_a_link_keeps_the_options_and_the_name_that_the_client_uses(cloud: LabCloud) -> None:
    target = query(USERS, select="id,mail", top="7")
    page = ask(cloud, target, Host="proxy.example.org:8123").json
    assert page["@odata.nextLink"].startswith(
        "http://proxy.example.org:8123/v1.0/users?$select=id,mail&$top=7&$skiptoken="
    )


@pytest.mark.parametrize(
    ("path", "wanted", "found"),
    [
        ("servicePrincipals", f"appId eq '{APPLE_MAIL}'", ["Apple Internet Accounts"]),
        (
            "servicePrincipals",
            f"appId in ('{APPLE_MAIL}','{EXCHANGE_ONLINE.upper()}','x')",
            ["Office 365 Exchange Online", "Apple Internet Accounts"],
        ),
        ("servicePrincipals", "appId eq 'nobody''s'", []),
        ("applications", "startswith(displayName,'ExchangeServerApp-')", ["ExchangeServerApp-"]),
        ("applications", "startswith(displayName,'Nothing')", []),
    ],
)
def test_a_filter_leaves_what_fits(
    cloud: LabCloud, path: str, wanted: str, found: list[str]
) -> None:
    rows = ask(cloud, query(f"/v1.0/{path}", filter=wanted)).json["value"]
    assert [row["displayName"][: len(name)] for row, name in zip(rows, found, strict=True)] == found


def test_grants_are_found_by_client_and_kind(cloud: LabCloud, organization: Organization) -> None:
    client = principal_id(organization, APPLE_MAIL)
    wanted = f"clientId eq '{client}' and consentType eq 'Principal'"
    rows = ask(cloud, query("/v1.0/oauth2PermissionGrants", filter=wanted)).json["value"]
    assert [(row["clientId"], row["scope"]) for row in rows] == [(client, "EAS.AccessAsUser.All")]


def test_sign_ins_are_found_by_time_and_client(cloud: LabCloud, organization: Organization) -> None:
    since = f"{organization.now - timedelta(days=5):%Y-%m-%dT%H:%M:%SZ}"
    wanted = f"createdDateTime ge {since} and clientAppUsed eq 'Exchange ActiveSync'"
    path = "/v1.0/auditLogs/signIns"
    everything = ask(cloud, query(path, top="1000")).json["value"]
    rows = ask(cloud, query(path, top="1000", filter=wanted)).json["value"]
    assert rows == [
        row
        for row in everything
        if row["createdDateTime"] >= since and row["clientAppUsed"] == "Exchange ActiveSync"
    ]
    assert 0 < len(rows) < len(everything)


def test_sign_ins_name_policies_only_to_who_may_read_them(organization: Organization) -> None:
    grants = Grants(graph=frozenset({"AuditLog.Read.All"}))
    with LabCloud(organization, grants=grants) as cloud:
        hidden = ask(cloud, "/v1.0/auditLogs/signIns").json["value"]
    assert {str(row["appliedConditionalAccessPolicies"]) for row in hidden} == {"[]"}
    with LabCloud(organization) as cloud:
        shown = ask(cloud, "/v1.0/auditLogs/signIns").json["value"]
    assert all(row["appliedConditionalAccessPolicies"] for row in shown)


@pytest.mark.parametrize(
    "text",
    ["createdDateTime ge 2026-13-01T00:00:00Z", "userId ge 2026-11-01T00:00:00Z"],
)
def test_a_time_that_is_none_and_a_property_without_times_are_refused(text: str) -> None:
    with pytest.raises(NotUnderstood):
        filter_of("auditLogs/signIns", text)


@pytest.mark.parametrize(
    "text",
    [
        "displayName ne 'x'",
        "accountEnabled eq true",
        "appId eq x",
        "appId eq 'x' or id eq 'y'",
        "tags eq 'x'",
        "startswith(tags,'x')",
        f"appId in ({','.join(['0'] * MOST_IN)},'1')",
        f"appId in ({','.join(repr(str(each)) for each in range(MOST_IN + 1))})",
        "",
    ],
)
def test_a_filter_that_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(NotUnderstood):
        filter_of("servicePrincipals", text)


@pytest.mark.parametrize(
    ("target", "refusal"),
    [
        (query(USERS, top="1000"), (400, "Request_BadRequest")),
        (query(USERS, top="0"), (400, "Request_BadRequest")),
        (query("/v1.0/auditLogs/signIns", top="1001"), (400, "Request_BadRequest")),
        (query(USERS, top="abc"), (400, "Request_BadRequest")),
        (query(USERS, select="userPrincipleName"), (400, "Request_UnsupportedQuery")),
        (query(USERS, filter="id eq 'x'"), (400, "Request_UnsupportedQuery")),
        (query(USERS, orderby="id"), (400, "Request_UnsupportedQuery")),
        (query(USERS, skiptoken="made up"), (400, "Directory_ExpiredPageToken")),
        ("/v1.0/nothing", (404, "BadRequest")),
        ("/beta/users", (404, "BadRequest")),
        ("/", (404, "BadRequest")),
        ("/v1.0/domains/contoso.com/federationConfiguration", (404, "Request_ResourceNotFound")),
        ("/v1.0/servicePrincipals/x/appRoleAssignedTo", (404, "Request_ResourceNotFound")),
    ],
)
def test_graph_refuses_what_it_does_not_know(
    cloud: LabCloud, target: str, refusal: tuple[int, str]
) -> None:
    assert error(ask(cloud, target)) == refusal


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_graph_takes_nothing_but_questions(cloud: LabCloud, method: str) -> None:
    reply = ask(cloud, USERS, method, b"{}")
    assert (reply.status, reply.headers["allow"]) == (405, "GET")


def test_every_answer_has_a_request_id_and_gives_back_that_of_the_client(cloud: LabCloud) -> None:
    own = "6d1f7a52-7b1c-4a51-8d64-0c9a3f1f9f11"
    reply = ask(cloud, "/v1.0/organization", client_request_id=own)
    assert reply.headers["client-request-id"] == own
    assert len(reply.headers["request-id"]) == 36


# who may read


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer wrong", "Basic dXNlcjpwYXNz", "{exchange}"]
)
def test_graph_lets_nobody_in_without_its_token(cloud: LabCloud, authorization: str) -> None:
    sent = authorization.replace("{exchange}", f"Bearer {cloud.exchange_token}")
    reply = ask(cloud, USERS, authorization=sent)
    assert error(reply) == (401, "InvalidAuthenticationToken")
    assert reply.headers["www-authenticate"] == "Bearer"


def test_each_service_takes_its_own_token(cloud: LabCloud) -> None:
    graph = ask(cloud, "/v1.0/organization", authorization=f"Bearer {cloud.graph_token}")
    exchange = f"Bearer {cloud.exchange_token}"
    wrong = f"Bearer {cloud.graph_token}"
    assert graph.status == 200
    assert invoke(cloud, "Get-AcceptedDomain", authorization=exchange).status == 200
    assert invoke(cloud, "Get-AcceptedDomain", authorization=wrong).status == 401


@pytest.mark.parametrize(
    ("missing", "denied"),
    [
        ("Policy.Read.All", {"identity/conditionalAccess/policies", *SINGLES}),
        (
            "AuditLog.Read.All",
            {"auditLogs/signIns", "reports/authenticationMethods/userRegistrationDetails"},
        ),
        ("DeviceManagementManagedDevices.Read.All", {"deviceManagement/managedDevices"}),
        ("OnPremDirectorySynchronization.Read.All", {"directory/onPremisesSynchronization"}),
    ],
)
def test_a_missing_permission_denies_its_own_paths_alone(
    organization: Organization, missing: str, denied: set[str]
) -> None:
    with LabCloud(organization, grants=Grants(graph=GRAPH_PERMISSIONS - {missing})) as cloud:
        replies = {path: ask(cloud, f"/v1.0/{path}") for path in (*COLLECTIONS, *SINGLES)}
    assert {path for path, reply in replies.items() if reply.status != 200} == denied
    assert {error(replies[path]) for path in denied} == {(403, "Authorization_RequestDenied")}


def test_without_any_permission_what_is_not_there_is_still_not_found() -> None:
    with LabCloud(build(1), grants=Grants(graph=frozenset())) as cloud:
        assert error(ask(cloud, "/v1.0/nothing"))[0] == 404
        assert error(ask(cloud, USERS))[0] == 403


@pytest.mark.parametrize(
    ("licence", "path", "refusal"),
    [
        (INTUNE, "deviceManagement/managedDevices", (400, "BadRequest")),
        (
            ENTRA_P1,
            "reports/authenticationMethods/userRegistrationDetails",
            (403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant"),
        ),
        (
            ENTRA_P1,
            "auditLogs/signIns",
            (403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant"),
        ),
    ],
)
def test_a_missing_licence_is_refused_as_the_service_does(
    licence: str, path: str, refusal: tuple[int, str]
) -> None:
    rest = frozenset({INTUNE, ENTRA_P1}) - {licence}
    with LabCloud(build(1), grants=Grants(licences=rest)) as cloud:
        assert error(ask(cloud, f"/v1.0/{path}")) == refusal


@pytest.mark.parametrize(
    ("roles", "status"),
    [
        ((), 401),
        ((MANAGE_AS_APP,), 403),
        (("Global Reader",), 403),
        ((MANAGE_AS_APP, "Global Reader"), 200),
    ],
)
def test_exchange_needs_application_role_and_directory_role(
    roles: tuple[str, ...], status: int
) -> None:
    with LabCloud(build(1), grants=Grants(exchange=frozenset(roles))) as cloud:
        assert invoke(cloud, "Get-AcceptedDomain").status == status


# Exchange Online


@pytest.mark.parametrize("cmdlet", CMDLETS)
def test_a_command_gives_its_rows(cloud: LabCloud, organization: Organization, cmdlet: str) -> None:
    limited = cmdlet in {"Get-Recipient", "Get-CASMailbox", "Get-MobileDevice"}
    page = invoke(cloud, cmdlet, UNLIMITED if limited else None).json
    assert page["value"] == json.loads(json.dumps(list(CMDLETS[cmdlet](organization))))
    assert page["@adminapi.warnings"] == []
    assert page["@odata.context"].endswith("$metadata#Collection(Exchange.GenericHashTable)")


def test_pages_of_a_command_are_asked_for_by_the_same_body(
    cloud: LabCloud, organization: Organization
) -> None:
    found = cmdlet_pages(cloud, "Get-Recipient", 100)
    assert [len(page) for page in found] == [100, 100, 60]
    wanted = json.loads(json.dumps(list(CMDLETS["Get-Recipient"](organization))))
    assert [row for page in found for row in page] == wanted


def test_another_body_at_the_link_is_an_expired_request(cloud: LabCloud) -> None:
    page = invoke(cloud, "Get-Recipient", UNLIMITED, Prefer="odata.maxpagesize=5").json
    target = local(page["@odata.nextLink"])
    reply = invoke(cloud, "Get-CASMailbox", UNLIMITED, target=target)
    assert (reply.status, "pagination" in reply.json["error"]["message"]) == (400, True)


def test_a_command_stops_at_the_result_size_and_warns(cloud: LabCloud) -> None:
    page = invoke(cloud, "Get-Recipient", {"ResultSize": "10"}).json
    assert len(page["value"]) == 10
    assert ["ResultSize" in warning for warning in page["@adminapi.warnings"]] == [True]


def test_an_unknown_command_is_refused_with_nothing_that_claims_to_be_packed(
    cloud: LabCloud,
) -> None:
    reply = invoke(cloud, "Get-Nothing")
    assert (reply.status, reply.headers["content-encoding"]) == (403, "gzip")
    assert set(reply.body) == {0}


def test_a_command_outside_the_role_is_refused_like_an_unknown_one() -> None:
    roles = frozenset({MANAGE_AS_APP, "Exchange Recipient Administrator"})
    with LabCloud(build(1), grants=Grants(exchange=roles)) as cloud:
        assert invoke(cloud, "Get-Recipient").status == 200
        assert invoke(cloud, "Get-OrganizationConfig").headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("cmdlet", "parameters", "reason"),
    [
        ("Get-AcceptedDomain", {"ResultSize": "5"}, "matches parameter name 'ResultSize'"),
        ("Get-Recipient", {"ResultSize": "many"}, 'Cannot convert value "many"'),
    ],
)
def test_the_reason_of_a_failed_command_lies_deep_inside(
    cloud: LabCloud, cmdlet: str, parameters: dict[str, object], reason: str
) -> None:
    found = invoke(cloud, cmdlet, parameters).json["error"]
    assert found["message"] == "Invalid Operation"
    assert reason in found["innererror"]["internalexception"]["message"]
    assert found["details"][0]["message"].startswith("|System.Management.Automation.")


def test_the_module_names_the_commands_of_the_roles(cloud: LabCloud) -> None:
    reply = ask(cloud, f"/adminapi/v1.0/{cloud.tenant_id}/EXOModuleFile?Version=3.9.2")
    assert reply.status == 200
    assert "Content" in reply.json["value"][0]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/adminapi/beta/{tenant}/InvokeCommand", b"no json", 400),
        ("POST", "/adminapi/beta/{tenant}/InvokeCommand", b"[]", 400),
        ("POST", "/adminapi/beta/{tenant}/InvokeCommand", b'{"CmdletInput":{}}', 400),
        ("GET", "/adminapi/beta/{tenant}/InvokeCommand", None, 405),
        ("POST", "/adminapi/v1.0/{tenant}/EXOModuleFile", b"", 405),
        ("GET", "/adminapi/beta/{tenant}/Mailbox", None, 404),
        ("POST", "/adminapi/beta/another/InvokeCommand", b"{}", 404),
        ("POST", "/adminapi/", b"{}", 404),
    ],
)
def test_the_admin_endpoint_refuses_what_it_does_not_know(
    cloud: LabCloud, method: str, path: str, body: bytes | None, status: int
) -> None:
    assert ask(cloud, path.replace("{tenant}", cloud.tenant_id), method, body).status == status


def test_answers_are_packed_for_clients_that_take_it(organization: Organization) -> None:
    with LabCloud(organization, compress=True) as cloud:
        packed = ask(cloud, USERS, Accept_Encoding="gzip, deflate")
        plain = ask(cloud, USERS)
    assert json.loads(gzip.decompress(packed.body))["value"] == plain.json["value"]
    assert "content-encoding" not in plain.headers


# faults


@pytest.mark.parametrize(
    ("what", "refusal"),
    [
        (Outage.UNAUTHORIZED, (401, "InvalidAuthenticationToken")),
        (Outage.FORBIDDEN, (403, "Authorization_RequestDenied")),
        (Outage.THROTTLED, (429, "TooManyRequests")),
        (Outage.FAILED, (500, "InternalServerError")),
        (Outage.QUERY_BROKER, (500, "UnknownError")),
        (Outage.UNAVAILABLE, (503, "ServiceUnavailable")),
        (Outage.EXPIRED_PAGE, (400, "Directory_ExpiredPageToken")),
    ],
)
def test_a_fault_strikes_once_and_then_the_answer_is_there(
    organization: Organization, what: Outage, refusal: tuple[int, str]
) -> None:
    with failing(organization, what, "users") as cloud:
        assert ask(cloud, "/v1.0/domains").status == 200
        assert error(ask(cloud, USERS)) == refusal
        assert ask(cloud, USERS).status == 200


def test_a_fault_without_end_strikes_every_time(organization: Organization) -> None:
    with failing(organization, Outage.FAILED, times=None) as cloud:
        assert [ask(cloud, USERS).status for _ in range(3)] == [500, 500, 500]
        assert invoke(cloud, "Get-AcceptedDomain").status == 500


def test_a_challenge_wants_claims(organization: Organization) -> None:
    with failing(organization, Outage.CLAIMS_WANTED) as cloud:
        challenge = ask(cloud, USERS).headers["www-authenticate"]
    assert 'error="insufficient_claims"' in challenge
    assert 'claims="' in challenge


@pytest.mark.parametrize("seconds", [1, 600])
def test_throttling_says_in_seconds_when_to_come_back(
    organization: Organization, seconds: int
) -> None:
    with failing(organization, Outage.THROTTLED, seconds=seconds) as cloud:
        assert ask(cloud, USERS).headers["retry-after"] == str(seconds)


def test_throttling_says_with_a_date_when_to_come_back(organization: Organization) -> None:
    with failing(organization, Outage.THROTTLED, seconds=300, as_date=True) as cloud:
        when = parsedate_to_datetime(ask(cloud, USERS).headers["retry-after"])
    assert 290 < (when - datetime.now(UTC)).total_seconds() < 310


def test_a_fault_strikes_the_page_that_it_names(organization: Organization) -> None:
    with failing(organization, Outage.EXPIRED_PAGE, "Get-Recipient", page=2) as cloud:
        first = invoke(cloud, "Get-Recipient", UNLIMITED, Prefer="odata.maxpagesize=50").json
        target = local(first["@odata.nextLink"])
        reply = invoke(cloud, "Get-Recipient", UNLIMITED, target=target)
    assert (reply.status, reply.json["error"]["message"]) == (
        400,
        "Expired or Invalid pagination request. Default Expiry time is 00:30:00",
    )


def test_an_empty_page_is_not_the_end(organization: Organization) -> None:
    with failing(organization, Outage.EMPTY_PAGE, "users", page=2) as cloud:
        found = pages(cloud, query(USERS, top="100"))
    assert [len(page) for page in found] == [100, 0, 100, 63]
    assert len({row["id"] for page in found for row in page}) == 263


def test_an_empty_page_of_a_command_is_not_the_end(organization: Organization) -> None:
    with failing(organization, Outage.EMPTY_PAGE, "Get-Recipient", page=1) as cloud:
        found = cmdlet_pages(cloud, "Get-Recipient", 200)
    assert [len(page) for page in found] == [0, 200, 60]


@pytest.mark.parametrize(
    ("what", "start"),
    [
        (Outage.FOREIGN_LINK, "https://graph.example.net/"),
        (Outage.REPEATED_LINK, "http://127.0.0.1:"),
    ],
)
def test_links_may_lead_astray(organization: Organization, what: Outage, start: str) -> None:
    with failing(organization, what, times=None) as cloud:
        link = ask(cloud, "/v1.0/domains").json["@odata.nextLink"]
        of_command = invoke(cloud, "Get-AcceptedDomain").json["@odata.nextLink"]
    assert link.startswith(start)
    assert of_command.startswith(start)
    if what is Outage.REPEATED_LINK:
        assert urlsplit(link).path == "/v1.0/domains"
        assert of_command.endswith("/InvokeCommand")


def test_a_word_may_be_none_that_anybody_knows(organization: Organization) -> None:
    with failing(organization, Outage.UNKNOWN_VALUE, times=None) as cloud:
        policies = ask(cloud, "/v1.0/identity/conditionalAccess/policies").json["value"]
        rules = invoke(cloud, "Get-ActiveSyncDeviceAccessRule").json["value"]
    assert {row["state"] for row in policies} == {"enabledForPilot"}
    assert {row["AccessLevel"] for row in rules} == {"Inspect"}


def test_all_but_the_id_may_be_hidden(organization: Organization) -> None:
    with failing(organization, Outage.HIDDEN, "users") as cloud:
        row = ask(cloud, query(USERS, select="id,accountEnabled,proxyAddresses")).json["value"][0]
    assert row.pop("id")
    assert row == {"accountEnabled": None, "proxyAddresses": None}


def test_single_properties_may_be_hidden(organization: Organization) -> None:
    hidden = ("accountEnabled",)
    with failing(organization, Outage.HIDDEN, "users", properties=hidden) as cloud:
        row = ask(cloud, query(USERS, select="id,accountEnabled,userType")).json["value"][0]
    assert (row["accountEnabled"], row["userType"]) == (None, "Member")


@pytest.mark.parametrize(
    ("what", "status"), [(Outage.HTML_ERROR, 502), (Outage.HTML_PAGE, 200), (Outage.REDIRECT, 302)]
)
def test_what_stands_in_between_may_answer(
    organization: Organization, what: Outage, status: int
) -> None:
    with failing(organization, what) as cloud:
        reply = ask(cloud, USERS)
    assert reply.status == status
    if what is Outage.REDIRECT:
        assert reply.headers["location"].startswith("https://graph.example.net/")
    else:
        assert reply.body.startswith(b"<!DOCTYPE html>")


def test_a_body_may_end_before_its_length(organization: Organization) -> None:
    with failing(organization, Outage.CUT) as cloud, pytest.raises(http.client.IncompleteRead):
        ask(cloud, USERS)


def test_a_body_may_be_half_of_the_json(organization: Organization) -> None:
    with failing(organization, Outage.TORN) as cloud:
        reply = ask(cloud, USERS)
    assert reply.status == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.body)


def test_a_connection_may_close_without_an_answer(organization: Organization) -> None:
    dropped = (http.client.RemoteDisconnected, ConnectionResetError)
    with failing(organization, Outage.DROP) as cloud, pytest.raises(dropped):
        ask(cloud, USERS)


def test_an_answer_may_come_late(organization: Organization) -> None:
    with failing(organization, Outage.STALL, "users", seconds=1) as cloud:
        started = datetime.now(UTC)
        assert ask(cloud, USERS).status == 200
        assert (datetime.now(UTC) - started).total_seconds() >= 1


def test_the_cloud_remembers_what_was_asked_and_no_token(organization: Organization) -> None:
    with LabCloud(organization) as cloud:
        ask(cloud, "/v1.0/domains")
        invoke(cloud, "Get-AcceptedDomain")
        assert cloud.seen == [
            "GET /v1.0/domains",
            f"POST /adminapi/beta/{cloud.tenant_id}/InvokeCommand",
        ]


def test_a_request_that_is_too_large_is_refused(cloud: LabCloud) -> None:
    reply = ask(cloud, USERS, "POST", b"", Content_Length="9000000")
    assert reply.status == 400


def test_the_cloud_has_no_address_before_it_listens() -> None:
    with pytest.raises(RuntimeError, match="does not listen"):
        print(LabCloud(build(1)).url)


def test_it_listens_on_the_loopback_address_alone(cloud: LabCloud) -> None:
    assert urlsplit(cloud.url).hostname == "127.0.0.1"
