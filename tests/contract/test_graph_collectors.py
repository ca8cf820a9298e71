"""What collectors ask of Graph and what the lab answers, both held against Microsoft's schema."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from auditor.collectors.graph import LiveGraph, collect_graph
from auditor.collectors.graph_contract import GraphRequest
from auditor.collectors.graph_registry import GRAPH_COLLECTORS
from auditor.evidence.base import Evidence
from auditor.evidence.bundle import BundleWriter, Header, open_bundle
from auditor.evidence.tables import COLLECTED
from auditor.lab.cloud_faults import CloudFault, Outage
from auditor.lab.cloud_grants import Grants
from auditor.lab.cloud_messages import Answer, Request
from auditor.lab.cloud_server import LabCloud
from auditor.lab.faults import CLOUD_FAULTS
from auditor.lab.organization import build
from auditor.sources.cloud_sign_in import Cloud
from auditor.sources.graph import Graph
from tests.contract import prism
from tests.contract.graph_contract import VERSION, unnamed_options
from tests.contract.msgraph_schema import Schema
from tests.contract.prism import ContractProxy
from tests.contract.stub_graph import StubGraph
from tests.support.graph_stub import PAYLOADS, RECORDED

ID = "00000000-0000-0000-0000-000000000001"
NOW = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)
HEADER = Header(
    format_version=1, kind="evidence", tool_version="0", title="t", created_at=None, details={}
)
REQUESTS = {str(request): request for each in GRAPH_COLLECTORS for request in each.requests}
TWO_PAGES = 1_050
"""Mailboxes whose users fill more than one page of 999."""

FAULTS = CLOUD_FAULTS - {
    "ca_unknown_value",  # is what no schema has, see below
    "security_defaults_on",  # not in a tenant with policies of its own
    "sync_off",  # not with sync_stale
}
NOT_IN_THE_LAB = {
    "entra_conditional_access_condition",
    "entra_conditional_access_unknown_value",
}
"""Tables to which no organisation of the lab, without an unknown value, has rows."""


@dataclass(frozen=True)
class _Token:
    token: str
    expires_on: int = 2_000_000_000


@dataclass(frozen=True)
class _Credential:
    token: str

    def get_token(self, *_scopes: str, **_options: object) -> _Token:
        return _Token(self.token)


class LabBehindProxy(LabCloud):
    """The lab, which writes the proxy's address into links: Prism does not hand on its own name."""

    public = ""

    def answer(self, request: Request) -> tuple[Answer, Outage | None]:
        """As the lab answers who calls it by that address."""
        return super().answer(replace(request, base=self.public or request.base))


@dataclass(frozen=True)
class Collected:
    """The rows of every table, the tables that are not complete, and what went over the wire."""

    rows: dict[str, list[Evidence]]
    incomplete: dict[str, str]
    traffic: prism.Traffic


def collect(url: str, token: str, folder: Path) -> tuple[dict[str, list[Evidence]], dict[str, str]]:
    """Everything that Graph at `url` tells, out of a bundle; and why a table is not complete."""
    cloud = Cloud("global", "login.example.net", url, url)
    with (
        Graph(cloud, _Credential(token), sleep=lambda _: None) as graph,
        BundleWriter(folder, HEADER) as writer,
    ):
        live = LiveGraph(graph, "global", "an application")
        lines = collect_graph(live, writer, now=lambda: NOW, progress=lambda _name, _count: None)
    tables = [model for each in GRAPH_COLLECTORS for model in each.tables]
    with open_bundle(folder, "evidence", COLLECTED) as bundle:
        rows = {model.table: list[Evidence](bundle.lines(model)) for model in tables}
    return rows, {line.table: line.detail or "" for line in lines if line.state != "complete"}


@pytest.fixture(scope="module")
def lab() -> Iterator[LabBehindProxy]:
    """The tenant of an organisation that has every fault of the cloud, large enough to page."""
    with LabBehindProxy(build(TWO_PAGES, faults=FAULTS), compress=True) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def through(
    contract: Schema,
    node_programs: dict[str, Path],
    lab: LabBehindProxy,
    tmp_path_factory: pytest.TempPathFactory,
) -> Collected:
    """What the collectors make of the lab behind the proxy."""
    folder = tmp_path_factory.mktemp("through")
    with prism.running(node_programs["prism"], contract, lab.url, folder) as proxy:
        lab.public = proxy.url
        rows, incomplete = collect(proxy.url, lab.token, folder / "bundle")
        lab.public = ""
        return Collected(rows, incomplete, proxy.traffic())


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_a_request_of_a_collector_is_one_that_graph_takes(
    proxy: ContractProxy, stub: StubGraph, contract: Schema, request_: GraphRequest
) -> None:
    query = "&".join(f"{name}={value}" for name, value in request_.parameters.items())
    target = f"{request_.path}?{query}".replace("{id}", ID).replace("{...}", ID).replace(" ", "%20")
    single = re.search("Policy$", request_.path)
    stub.status, stub.answer = 200, {"id": ID} if single else {"value": []}
    proxy.ask(VERSION + target)
    traffic = proxy.traffic()
    assert traffic.violations == []
    assert unnamed_options(contract, traffic.urls) == []


def test_neither_the_collectors_nor_the_lab_violate_the_contract(
    through: Collected, contract: Schema
) -> None:
    assert through.traffic.violations == []
    assert unnamed_options(contract, through.traffic.urls) == []


def test_the_proxy_saw_every_request_of_every_collector_but_those_of_other_clouds(
    through: Collected,
) -> None:
    asked = {urlsplit(url).path.removeprefix(VERSION) for url in through.traffic.urls}
    patterns = {request.path for request in REQUESTS.values()}
    unseen = {
        path
        for path in patterns
        if not any(re.fullmatch(path.replace("{id}", "[^/]+"), one) for one in asked)
    }
    assert unseen == {"/policies/conditionalAccessPolicies"}


def test_the_proxy_saw_a_next_link_followed(through: Collected) -> None:
    followed = {urlsplit(url).path for url in through.traffic.urls if "$skiptoken=" in url}
    assert "/v1.0/users" in followed


def test_collecting_through_the_proxy_gives_the_same_rows(
    through: Collected, lab: LabBehindProxy, tmp_path: Path
) -> None:
    rows, incomplete = collect(lab.url, lab.token, tmp_path / "bundle")
    assert through.incomplete == incomplete == {}
    assert through.rows == rows
    empty = {table for table, found in rows.items() if not found}
    assert empty <= NOT_IN_THE_LAB


UNKNOWN_ON_PURPOSE = {
    "managed_devices": ["value.0.complianceState must be equal to one of the allowed values"],
    "conditional_access": [
        "value.1.conditions must NOT have additional properties; found 'agentRiskLevels'",
        "value.1.grantControls.builtInControls.1 must be equal to one of the allowed values",
        "value.1.grantControls must be null",
        "value.1.grantControls must match a schema in anyOf",
    ],
}
"""What recorded answers hold that no schema has, for tests of exactly that."""


@pytest.mark.parametrize(("key", "name"), RECORDED.items(), ids=RECORDED.values())
def test_a_recorded_answer_is_one_that_graph_could_give(
    proxy: ContractProxy, stub: StubGraph, key: str, name: str
) -> None:
    answer = json.loads((PAYLOADS / f"graph_{name}.json").read_text(encoding="utf-8"))
    for page in answer if isinstance(answer, list) else [answer]:
        stub.status, stub.answer = 200, page
        proxy.ask(VERSION + key.partition("?")[0])
    found = [said.partition(" property ")[2] for said in proxy.traffic().violations]
    expected = UNKNOWN_ON_PURPOSE.get(name, [])
    known = [next((start for start in expected if said.startswith(start)), said) for said in found]
    assert known == expected


def lab_answer(cloud: LabCloud, path: str, stub: StubGraph) -> None:
    """Let the stand-in say what the lab says to one question."""
    headers = {"authorization": f"Bearer {cloud.token}"}
    answer, _ = cloud.answer(Request("GET", VERSION + path, headers, b"", "http://127.0.0.1"))
    stub.status, stub.answer = answer.status, json.loads(answer.body)


NO_LICENCE = Grants(licences=frozenset())
REFUSALS: dict[str, tuple[str, int, tuple[CloudFault, ...], Grants]] = {
    "no permission": ("/users", 403, (), Grants(graph=frozenset())),
    "no Intune": ("/deviceManagement/managedDevices", 400, (), NO_LICENCE),
    "no Entra ID P1": (
        "/reports/authenticationMethods/userRegistrationDetails",
        403,
        (),
        NO_LICENCE,
    ),
    "no Entra ID P1 for the log": ("/auditLogs/signIns", 403, (), NO_LICENCE),
    **{
        outage.value: ("/users", status, (CloudFault(outage),), Grants())
        for outage, status in {
            Outage.UNAUTHORIZED: 401,
            Outage.CLAIMS_WANTED: 401,
            Outage.FORBIDDEN: 403,
            Outage.THROTTLED: 429,
            Outage.FAILED: 500,
            Outage.QUERY_BROKER: 500,
            Outage.UNAVAILABLE: 503,
            Outage.EXPIRED_PAGE: 400,
        }.items()
    },
}


@pytest.mark.parametrize(
    ("path", "status", "faults", "grants"), REFUSALS.values(), ids=list(REFUSALS)
)
def test_the_lab_refuses_in_the_shape_of_graphs_errors(
    proxy: ContractProxy,
    stub: StubGraph,
    path: str,
    status: int,
    faults: tuple[CloudFault, ...],
    grants: Grants,
) -> None:
    lab_answer(LabCloud(build(5), faults, grants), path, stub)
    proxy.ask(VERSION + path)
    assert stub.status == status
    assert proxy.traffic().violations == []


def test_the_proxy_sees_the_lab_answer_what_microsoft_would_not(
    proxy: ContractProxy, stub: StubGraph
) -> None:
    path = "/identity/conditionalAccess/policies"
    lab_answer(LabCloud(build(5, faults={"ca_unknown_value"})), path, stub)
    proxy.ask(VERSION + path)
    violations = proxy.traffic().violations
    assert [line for line in violations if "builtInControls.0 must be equal" in line] != []
