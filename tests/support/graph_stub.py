"""A Microsoft Graph of recorded answers, below the real client, that notes what it is asked."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import httpx

from auditor.sources.cloud_sign_in import CLOUDS
from auditor.sources.graph import Graph

PAYLOADS = Path(__file__).parents[1] / "payloads"
ROOT = "https://graph.microsoft.com/v1.0"

EXCHANGE = "1a2b3c4d-0001-4000-8000-000000000001"
APPLE = "1a2b3c4d-0002-4000-8000-000000000002"
HYBRID = "1a2b3c4d-0003-4000-8000-000000000003"

# an object, or pages; a longer key with the start of the $filter goes before a shorter one
RECORDED = {
    "/organization": "organization",
    "/domains": "domains",
    "/domains/Contoso.com/federationConfiguration": "federation",
    "/subscribedSkus": "skus",
    "/users": "users",
    "/directory/deletedItems/graph.user": "deleted_users",
    "/reports/authenticationMethods/userRegistrationDetails": "registrations",
    "/deviceManagement/managedDevices": "managed_devices",
    "/auditLogs/signIns": "sign_ins",
    "/identity/conditionalAccess/policies": "conditional_access",
    "/policies/identitySecurityDefaultsEnforcementPolicy": "security_defaults",
    "/policies/authorizationPolicy": "authorization_policy",
    "/servicePrincipals?appId in": "service_principals",
    f"/servicePrincipals?id in ('{HYBRID}')": "hybrid_principals",
    "/applications?appId eq '3c4d1a2b-0003-4000-8000-00000000000a'": "hybrid_registration",
    f"/servicePrincipals/{EXCHANGE}/appRoleAssignedTo": "exchange_assignments",
    f"/servicePrincipals/{APPLE}/appRoleAssignedTo": "apple_assignments",
    f"/oauth2PermissionGrants?clientId eq '{APPLE}'": "permission_grants",
}


@dataclass(frozen=True)
class Refused:
    """An answer with an error status, as Graph writes them."""

    status: int
    code: str = "Forbidden"
    message: str = "Insufficient privileges to complete the operation."


Answer = dict[str, Any] | list[Any] | Refused


@dataclass(frozen=True)
class _Token:
    token: str = "a-token"
    expires_on: int = 2_000_000_000


class _Credential:
    def get_token(self, *_scopes: str, **_options: object) -> _Token:
        return _Token()


class GraphStub(httpx.AsyncBaseTransport):
    """Answers by path, and by the start of the $filter where a path has several.

    `asked` holds every request that was made, links to next pages left out.
    """

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.answers = dict(answers)
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = unquote(request.url.path).removeprefix("/v1.0")
        parameters = dict(parse_qsl(request.url.query.decode()))
        if "$skiptoken" in parameters:
            key, _, number = parameters["$skiptoken"].rpartition(" ")
        else:
            asked = "&".join(f"{name}={value}" for name, value in parameters.items())
            self.asked.append(f"{path}?{asked}" if asked else path)
            key, number = self._key(f"{path}?{parameters.get('$filter', '')}"), "0"
        return self._answer(key, int(number))

    def _key(self, wanted: str) -> str:
        fitting = (key for key in self.answers if wanted.rstrip("?").startswith(key))
        exact = (key for key in fitting if "?" in key or wanted.partition("?")[0] == key)
        return max(exact, key=len, default="")

    def _answer(self, key: str, number: int) -> httpx.Response:
        answer = self.answers.get(key, Refused(404, "Request_ResourceNotFound", "no such thing"))
        if isinstance(answer, list):
            page = answer[number]
            if isinstance(page, dict) and number + 1 < len(answer):
                link = httpx.URL(f"{ROOT}/next", params={"$skiptoken": f"{key} {number + 1}"})
                page = {**page, "@odata.nextLink": str(link)}
            answer = page
        if isinstance(answer, Refused):
            error = {"code": answer.code, "message": answer.message, "innerError": {}}
            return httpx.Response(answer.status, json={"error": error})
        return httpx.Response(200, json=answer)


def recorded(**changes: Answer) -> dict[str, Answer]:
    """The recorded answers of one tenant; `changes` by the name of their payload."""
    answers: dict[str, Answer] = {}
    for key, name in RECORDED.items():
        text = (PAYLOADS / f"graph_{name}.json").read_text(encoding="utf-8")
        answers[key] = changes.pop(name) if name in changes else json.loads(text)
    assert not changes, f"no payload is called {', '.join(changes)}"
    return answers


def pages(*objects: Mapping[str, Any]) -> list[Any]:
    """One page of these objects."""
    return [{"value": [copy.deepcopy(dict(each)) for each in objects]}]


def first(name: str) -> dict[str, Any]:
    """The first object of a payload's first page, to be changed."""
    found = json.loads((PAYLOADS / f"graph_{name}.json").read_text(encoding="utf-8"))
    return dict(found[0]["value"][0])


def graph_of(stub: GraphStub) -> Graph:
    """The real client, which waits for nothing."""
    return Graph(CLOUDS["global"], _Credential(), transport=stub, sleep=lambda _: None)
