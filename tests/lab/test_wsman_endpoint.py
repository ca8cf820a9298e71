"""The lab's endpoint as an unmodified client sees it: what Exchange runs, refuses and limits."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree
from pypsrp.complex_objects import PSInvocationState
from pypsrp.exceptions import AuthenticationError, WinRMTransportError, WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from auditor.lab.organization import Organization, build
from auditor.lab.wire_answers import exchange_commands
from auditor.lab.wsman_endpoint import LabEndpoint, Wire


@pytest.fixture(scope="module")
def organization() -> Organization:
    return build(1200)


@pytest.fixture(scope="module")
def endpoint(organization: Organization) -> Iterator[LabEndpoint]:
    with LabEndpoint(organization) as listening:
        yield listening


def exchange(endpoint: LabEndpoint, **changes: object) -> RunspacePool:
    """A shell of an unmodified pypsrp on the Exchange path, not opened yet."""
    settings: dict[str, object] = {
        "port": endpoint.port,
        "ssl": False,
        "path": "PowerShell",
        "auth": "ntlm",
        "username": endpoint.credentials.username,
        "password": endpoint.credentials.password,
        "no_proxy": True,
    }
    connection = WSMan(endpoint.host, **{**settings, **changes})  # type: ignore[arg-type]  # mixed
    return RunspacePool(connection, configuration_name="Microsoft.Exchange")


@pytest.fixture(scope="module")
def pool(endpoint: LabEndpoint) -> Iterator[RunspacePool]:
    with exchange(endpoint) as opened:
        yield opened


def run(pipeline: PowerShell) -> tuple[int, list[str], list[str | None]]:
    """Number of objects, identifiers of errors, warnings."""
    pipeline.invoke()
    errors = [str(record.fq_error) for record in pipeline.streams.error]
    return len(pipeline.output), errors, [record.message for record in pipeline.streams.warning]


def command(pool: RunspacePool, name: str, **parameters: object) -> PowerShell:
    return PowerShell(pool).add_cmdlet(name).add_parameters(parameters)


def test_an_unmodified_client_reads_objects(pool: RunspacePool) -> None:
    assert run(command(pool, "Get-AcceptedDomain")) == (3, [], [])
    assert pool.protocol_version == "2.3"


@pytest.mark.parametrize(
    ("size", "count", "warned"),
    [(None, 1000, True), (7, 7, True), ("7", 7, True), (5000, 1201, False), (1201, 1201, False)],
)
def test_exchange_limits_recipients_and_warns_of_more(
    pool: RunspacePool, size: object, count: int, warned: bool
) -> None:
    parameters = {} if size is None else {"ResultSize": size}
    found, errors, warnings = run(command(pool, "Get-RemoteMailbox", **parameters))
    mailboxes = run(command(pool, "Get-Mailbox", **parameters))
    assert (found, errors) == (60 if size != 7 and size != "7" else 7, [])
    assert mailboxes[:2] == (count, [])
    assert [bool(mailboxes[2]), bool(warnings)] == [warned, found == 7]


@pytest.mark.parametrize("script", ["Get-Mailbox", "1 + 1", "$env:COMPUTERNAME"])
def test_no_script_runs_in_the_restricted_language(pool: RunspacePool, script: str) -> None:
    pipeline = PowerShell(pool).add_script(script)
    assert run(pipeline) == (0, ["ScriptsNotAllowed"], [])
    assert pipeline.state == PSInvocationState.FAILED


def test_a_pipeline_of_two_commands_is_refused(pool: RunspacePool) -> None:
    both = command(pool, "Get-Mailbox").add_cmdlet("Select-Object").add_parameter("First", 1)
    assert run(both) == (0, ["CommandNotFoundException"], [])


@pytest.mark.parametrize(
    ("name", "parameters", "identifier"),
    [
        ("Get-Process", {}, "CommandNotFoundException"),
        ("Set-Mailbox", {"Identity": "x"}, "CommandNotFoundException"),
        ("Get-Mailbox", {"Nonsense": 1}, "NamedParameterNotFound,Get-Mailbox"),
        ("Get-AcceptedDomain", {"ResultSize": 1}, "NamedParameterNotFound,Get-AcceptedDomain"),
        ("Get-Mailbox", {"ResultSize": "some"}, "CannotConvertArgumentNoMessage,Get-Mailbox"),
    ],
)
def test_what_exchange_does_not_know_it_refuses_by_name(
    pool: RunspacePool, name: str, parameters: dict[str, object], identifier: str
) -> None:
    assert run(command(pool, name, **parameters)) == (0, [identifier], [])


def test_commands_of_a_server_answer_for_that_server(organization: Organization) -> None:
    answer = exchange_commands(organization)
    for name in ("Get-ExchangeCertificate", "Get-ActiveSyncVirtualDirectory"):
        whole = [set(answer(name, {"Server": server.name})) for server in organization.servers]
        assert all(whole)
        by_fqdn = [set(answer(name, {"Server": server.fqdn})) for server in organization.servers]
        assert whole == by_fqdn
        assert list(answer(name, {"Server": "no-such-server"})) == []
    assert set(answer("Get-ActiveSyncVirtualDirectory", {})) == set.union(*whole)


def test_objects_have_the_form_of_the_real_capture(
    organization: Organization, samples: Path
) -> None:
    path = samples / "clixml" / "wire" / "Get-Mailbox_PSRP_wire_Exchange2016_CU23.xml"
    captured = forms(path.read_text(encoding="utf-8").strip())
    made = forms(next(exchange_commands(organization)("Get-Mailbox", {"ResultSize": 1})))
    shared = captured.keys() & made.keys()
    assert len(shared) > 15
    nothing = {"Nil"}
    assert {
        name: (made[name], captured[name])
        for name in shared
        if made[name] != captured[name] and nothing.isdisjoint({made[name], captured[name]})
    } == {}


def forms(clixml: str) -> dict[str, str]:
    """For each property of an object, the element it is written as."""
    root = etree.fromstring(clixml.encode())
    assert [(each.tag, each.get("RefId")) for each in (root, root[0])] == [
        ("Obj", "0"),
        ("TN", "0"),
    ]
    return {
        str(part.get("N")): part.tag if part.find("LST") is None else "list"
        for part in root.iterfind("Props/*")
    }


def test_the_account_and_the_password_are_asked_for(endpoint: LabEndpoint) -> None:
    for wrong in ({"password": "x"}, {"username": "CONTOSO\\x"}):
        with pytest.raises(AuthenticationError):
            exchange(endpoint, **wrong).open()


def test_without_tls_a_plain_request_is_refused(endpoint: LabEndpoint) -> None:
    with pytest.raises(WinRMTransportError, match="403"):
        exchange(endpoint, encryption="never").open()


def test_one_shell_too_many_is_a_fault_of_the_quota(organization: Organization) -> None:
    with LabEndpoint(organization, wire=Wire(max_shells=1)) as endpoint:
        with exchange(endpoint):
            second = exchange(endpoint)
            with pytest.raises(WSManFaultError) as caught:
                second.open()
        assert caught.value.code == 2150859173
        with exchange(endpoint):
            assert len(endpoint.shells) == 1


def test_the_endpoint_listens_on_the_loopback_address_alone(endpoint: LabEndpoint) -> None:
    assert endpoint._server is not None
    assert endpoint._server.socket.getsockname()[0] == "127.0.0.1"


def test_nothing_is_left_of_an_endpoint_that_has_stopped(organization: Organization) -> None:
    before = {thread.ident for thread in threading.enumerate()}
    environment = dict(os.environ)
    with LabEndpoint(organization, wire=Wire(tls=True)) as endpoint:
        port, folder = endpoint.port, endpoint.ca_file
        pool = exchange(endpoint, ssl=True, cert_validation=str(folder))
        pool.open()
        command(pool, "Get-Mailbox", ResultSize="Unlimited").begin_invoke()
        started = time.monotonic()
    assert time.monotonic() - started < 10
    assert os.environ == environment
    assert folder is not None
    assert not folder.exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    deadline = time.monotonic() + 30
    while {thread.ident for thread in threading.enumerate()} - before:
        assert time.monotonic() < deadline, threading.enumerate()
        time.sleep(0.05)


def test_the_password_of_the_lab_is_new_each_time_and_not_shown(organization: Organization) -> None:
    one, other = LabEndpoint(organization), LabEndpoint(organization)
    assert one.credentials.password != other.credentials.password
    assert one.credentials.password not in repr(one.credentials)
