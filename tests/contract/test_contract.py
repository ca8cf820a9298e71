"""The contract proxy sees what is wrong: only then does its silence over the lab mean anything."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from tests.contract import msgraph_schema
from tests.contract.graph_contract import FROM_THE_SDK, VERSION, unnamed_options
from tests.contract.msgraph_schema import NAMESPACE, Schema
from tests.contract.prism import ContractProxy
from tests.contract.stub_graph import StubGraph

ID = "00000000-0000-0000-0000-000000000001"


def violations(proxy: ContractProxy, stub: StubGraph, target: str, answer: Any) -> list[str]:
    """What the proxy says of a question and its answer."""
    stub.status, stub.answer = 200, answer
    proxy.ask(VERSION + target)
    return proxy.traffic().violations


RIGHT: dict[str, tuple[str, Any]] = {
    "a page with a next link": (
        "/users?$select=id,userPrincipalName,onPremisesSyncEnabled&$top=999",
        {
            "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users",
            "@odata.nextLink": "https://graph.microsoft.com/v1.0/users?$skiptoken=a",
            "value": [{"id": ID, "userPrincipalName": "a@b.de", "onPremisesSyncEnabled": None}],
        },
    ),
    "the page behind a next link": ("/users?$skiptoken=a", {"value": []}),
    "a cast in the path": (
        "/directory/deletedItems/graph.user?$select=id,deletedDateTime&$top=999",
        {"value": [{"id": ID, "deletedDateTime": "2026-11-01T08:00:00Z"}]},
    ),
    "a note beside a property, and null for an object": (
        "/identity/conditionalAccess/policies",
        {
            "value": [
                {
                    "id": ID,
                    "state": "enabled",
                    "sessionControls": None,
                    "grantControls": {
                        "operator": "OR",
                        "builtInControls": ["mfa"],
                        "authenticationStrength@odata.context": "https://graph.microsoft.com/a",
                    },
                }
            ]
        },
    ),
    "flags, several at once": (
        "/identity/conditionalAccess/policies",
        {
            "value": [
                {
                    "conditions": {
                        "authenticationFlows": {
                            "transferMethods": "deviceCodeFlow,authenticationTransfer"
                        }
                    }
                }
            ]
        },
    ),
    "a single object of the SDK": (
        "/policies/authorizationPolicy?$select=id,defaultUserRolePermissions",
        {
            "id": "authorizationPolicy",
            "defaultUserRolePermissions": {"permissionGrantPoliciesAssigned": ["a"]},
        },
    ),
    "a page of the SDK": (
        f"/oauth2PermissionGrants?$filter=clientId eq '{ID}'&$top=999".replace(" ", "%20"),
        {"value": [{"id": "a", "clientId": ID, "consentType": "Principal", "principalId": None}]},
    ),
    "a path of the SDK with a type of the slice": (
        f"/servicePrincipals/{ID}/appRoleAssignedTo",
        {"value": [{"id": "a", "appRoleId": ID, "principalType": "ServicePrincipal"}]},
    ),
}


@pytest.mark.parametrize(("target", "answer"), RIGHT.values(), ids=RIGHT)
def test_what_graph_allows_passes(
    proxy: ContractProxy, stub: StubGraph, target: str, answer: Any
) -> None:
    assert violations(proxy, stub, target, answer) == []


FLOW = "(none|deviceCodeFlow|authenticationTransfer|unknownFutureValue)"
WRONG_ANSWERS: dict[str, tuple[str, Any, list[str]]] = {
    "a text for a truth value": (
        "/domains",
        {"value": [{"id": "contoso.com", "isVerified": "yes"}]},
        ["/v1.0/domains: Response body property value.0.isVerified must be boolean"],
    ),
    "a mistyped property": (
        "/users",
        {"value": [{"id": ID, "userPrincipleName": "a@b.de"}]},
        [
            "/v1.0/users: Response body property value.0 must NOT have additional properties;"
            " found 'userPrincipleName'"
        ],
    ),
    "a value that the enum does not have": (
        "/identity/conditionalAccess/policies",
        {"value": [{"id": ID, "state": "enabledd"}]},
        [
            "/v1.0/identity/conditionalAccess/policies: Response body property value.0.state must"
            " be equal to one of the allowed values: enabled, disabled,"
            " enabledForReportingButNotEnforced"
        ],
    ),
    "a flag that is none": (
        "/identity/conditionalAccess/policies",
        {
            "value": [
                {"conditions": {"authenticationFlows": {"transferMethods": "deviceCodeFlow,foo"}}}
            ]
        },
        [
            f"/v1.0/identity/conditionalAccess/policies: Response body property {said}"
            for said in (
                "value.0.conditions.authenticationFlows.transferMethods must match pattern"
                f' "^{FLOW}(,{FLOW})*$"',
                "value.0.conditions.authenticationFlows must be null",
                "value.0.conditions.authenticationFlows must match a schema in anyOf",
            )
        ],
    ),
    "null where the metadata forbids it": (
        "/users",
        {"value": [{"id": ID, "proxyAddresses": None}]},
        ["/v1.0/users: Response body property value.0.proxyAddresses must be array"],
    ),
    "a time without its zone": (
        "/auditLogs/signIns",
        {"value": [{"id": ID, "createdDateTime": "2026-11-01 08:00:00"}]},
        [
            "/v1.0/auditLogs/signIns: Response body property value.0.createdDateTime"
            ' must match format "date-time"'
        ],
    ),
    "a page without its list": (
        "/subscribedSkus",
        {},
        ["/v1.0/subscribedSkus: Response body must have required property 'value'"],
    ),
    "a mistyped property in what the SDK tells": (
        "/oauth2PermissionGrants",
        {"value": [{"id": "a", "scopes": "User.Read"}]},
        [
            "/v1.0/oauth2PermissionGrants: Response body property value.0 must NOT have additional"
            " properties; found 'scopes'"
        ],
    ),
    "null for a collection in what the SDK tells": (
        "/reports/authenticationMethods/userRegistrationDetails",
        {"value": [{"id": ID, "methodsRegistered": None}]},
        [
            "/v1.0/reports/authenticationMethods/userRegistrationDetails: Response body property"
            " value.0.methodsRegistered must be array"
        ],
    ),
}


@pytest.mark.parametrize(("target", "answer", "said"), WRONG_ANSWERS.values(), ids=WRONG_ANSWERS)
def test_a_wrong_answer_is_seen(
    proxy: ContractProxy, stub: StubGraph, target: str, answer: Any, said: list[str]
) -> None:
    assert violations(proxy, stub, target, answer) == said


WRONG_QUESTIONS: dict[str, tuple[str, str]] = {
    "a mistyped property": (
        "/users?$select=id,userPrincipleName",
        "/v1.0/users: Request query parameter $select.1 must be equal to one of the allowed values",
    ),
    "a property of beta": (
        "/auditLogs/signIns?$select=signInEventTypes",
        "/v1.0/auditLogs/signIns: Request query parameter $select.0 must be equal to one of",
    ),
    "a property that the SDK does not tell": (
        "/policies/authorizationPolicy?$select=permissionGrantPoliciesAssigned",
        "/v1.0/policies/authorizationPolicy: Request query parameter $select.0 must be equal",
    ),
    "a page too large": (
        "/users?$top=1000",
        "/v1.0/users: Request query parameter $top must be <= 999",
    ),
    "a page of the deleted users too large": (
        "/directory/deletedItems/graph.user?$top=1000",
        "/v1.0/directory/deletedItems/graph.user: Request query parameter $top must be <= 999",
    ),
    "a path of beta": (
        "/directory/recommendations",
        "/v1.0/directory/recommendations: Selected route not found",
    ),
}


@pytest.mark.parametrize(("target", "said"), WRONG_QUESTIONS.values(), ids=WRONG_QUESTIONS)
def test_a_wrong_question_is_seen(
    proxy: ContractProxy, stub: StubGraph, target: str, said: str
) -> None:
    answer: Any = {"id": "a"} if "Policy" in target else {"value": []}
    found = violations(proxy, stub, target, answer)
    assert [violation[: len(said)] for violation in found] == [said]


def test_a_question_that_writes_is_seen(proxy: ContractProxy, stub: StubGraph) -> None:
    stub.status, stub.answer = 201, {"id": ID}
    proxy.ask("/v1.0/users", "POST")
    assert proxy.traffic().violations == ["/v1.0/users: Selected route not found"]


def test_a_question_without_a_token_is_seen(proxy: ContractProxy, stub: StubGraph) -> None:
    stub.status, stub.answer = 200, {"value": []}
    proxy.ask("/v1.0/users", token="")
    assert proxy.traffic().violations == ["/v1.0/users: Invalid security scheme used"]


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_a_refusal_has_the_shape_of_graphs_errors(
    proxy: ContractProxy, stub: StubGraph, status: int
) -> None:
    stub.status, stub.answer = status, {"error": {"code": "a", "message": "b", "innerError": {}}}
    proxy.ask("/v1.0/users")
    assert proxy.traffic().violations == []
    stub.answer = {"Message": "b"}
    proxy.ask("/v1.0/users")
    assert proxy.traffic().violations == [
        "/v1.0/users: Response body must have required property 'error'"
    ]


def test_the_proxy_tells_which_urls_were_asked(proxy: ContractProxy, stub: StubGraph) -> None:
    stub.status, stub.answer = 200, {"value": []}
    proxy.ask("/v1.0/users?$select=id,mail&$top=5")
    proxy.ask("/v1.0/domains")
    assert proxy.traffic().urls == [
        f"{stub.url}/v1.0/users?$select=id,mail&$top=5",
        f"{stub.url}/v1.0/domains",
    ]


def test_an_option_that_a_path_does_not_have_is_seen(contract: Schema) -> None:
    asked = [
        "http://graph/v1.0/users?$select=id&$top=9&$count=true",
        "http://graph/v1.0/users?$skiptoken=a",
        "http://graph/v1.0/users?select=id",
        "http://graph/v1.0/subscribedSkus?$select=id&$top=9",
        f"http://graph/v1.0/servicePrincipals/{ID}/appRoleAssignedTo?$top=9",
        f"http://graph/v1.0/servicePrincipals/{ID}/appRoleAssignedTo?$topp=9",
    ]
    assert unnamed_options(contract, asked) == [
        "/v1.0/users: select",
        "/v1.0/subscribedSkus: $top",
        f"/v1.0/servicePrincipals/{ID}/appRoleAssignedTo: $topp",
    ]


def test_the_contract_only_reads(contract: Schema) -> None:
    methods = {key for item in contract["paths"].values() for key in item if key != "parameters"}
    assert methods == {"get"}


@pytest.mark.parametrize("name", ["domain", "user", "managedDevice", "subscribedSku"])
def test_the_sdk_tells_the_properties_that_the_metadata_tells(contract: Schema, name: str) -> None:
    module = importlib.import_module(f"msgraph.generated.models.{msgraph_module(name)}")
    told: dict[str, Schema] = {}
    msgraph_schema.add_type(told, getattr(module, name[0].upper() + name[1:]))
    known = contract["components"]["schemas"][NAMESPACE + name]["properties"]
    leads_elsewhere = {"federationConfiguration", "licenseDetails", "onPremisesSyncBehavior"}
    missing = {key for key in known if "@" not in key} - told[NAMESPACE + name]["properties"].keys()
    assert missing - leads_elsewhere == set()


def msgraph_module(name: str) -> str:
    """The SDK's file of a model: managed_device for managedDevice."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def test_what_comes_from_the_sdk_is_named_path_by_path() -> None:
    assert [msgraph_schema.reading(builder).path for builder in FROM_THE_SDK] == [
        "/oauth2PermissionGrants",
        "/policies/authorizationPolicy",
        "/reports/authenticationMethods/userRegistrationDetails",
        "/servicePrincipals/{id}/appRoleAssignedTo",
        "/directory/deletedItems/graph.user",
    ]
