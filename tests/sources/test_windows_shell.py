"""The version of ExSetup.exe, by one fixed script over the ordinary shell of each server."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

from auditor.collectors.servers import EXCHANGE_BUILD
from auditor.errors import (
    AccessDenied,
    AnswerCutShort,
    CommandUnsupported,
    SourceError,
    SourceUnreachable,
    UnexpectedAnswer,
)
from auditor.evidence.servers import OnpremExchangeBuild
from auditor.lab import wsman_endpoint
from auditor.lab.organization import Organization, build
from auditor.lab.psrp_errors import BROKEN, DENIED, SCRIPTS_REFUSED, CommandFailed, Parameters
from auditor.lab.wire_answers import EXSETUP_SCRIPT_SHA256
from auditor.lab.wire_faults import Mishap, Stage, WireFault
from auditor.lab.wsman_endpoint import LabEndpoint
from auditor.sources.shell_settings import ShellSettings, windows_settings
from auditor.sources.windows_shell import EXSETUP_SCRIPT, read_exsetup
from tests.support.wire import windows_settings_for

REVIEWED = "f78b23a2ffc7b4c4b7c866630a8b383fe2f2a6827cf1be612c245bf276ef3560"
"""Of the script as it was reviewed: it only reads, and its text is constant."""


@pytest.fixture(scope="module")
def organization() -> Organization:
    return build(5)


@pytest.fixture(scope="module")
def endpoint(organization: Organization) -> Iterator[LabEndpoint]:
    with LabEndpoint(organization) as listening:
        yield listening


def test_the_script_is_the_one_that_was_reviewed() -> None:
    digest = hashlib.sha256(EXSETUP_SCRIPT.encode()).hexdigest()
    assert digest == REVIEWED == EXSETUP_SCRIPT_SHA256


def test_the_script_calls_read_commands_alone() -> None:
    language = Language(tree_sitter_powershell.language())
    tree = Parser(language).parse(EXSETUP_SCRIPT.encode())
    assert not tree.root_node.has_error
    called = {node.text for node in walk(tree.root_node) if node.type == "command_name"}
    assert called == {
        b"Test-Path",
        b"Get-ItemProperty",
        b"Join-Path",
        b"Get-Item",
        b"Select-Object",
    }


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from walk(child)


def password(endpoint: LabEndpoint) -> str:
    return endpoint.credentials.password


def test_every_server_whose_file_may_be_read_gives_the_build_it_has(
    organization: Organization, endpoint: LabEndpoint
) -> None:
    found, refused = {}, []
    for server in organization.servers:
        settings = windows_settings_for(endpoint, server.name)
        try:
            answer = read_exsetup(settings, lambda: password(endpoint), server.fqdn)
        except AccessDenied as error:
            refused.append((server.fqdn, str(error)))
            continue
        (row,) = EXCHANGE_BUILD.rows(answer)
        assert isinstance(row, OnpremExchangeBuild)
        assert row.server == server.fqdn
        found[server.fqdn] = row.build_short
    readable = [server for server in organization.servers if server.build_readable]
    unreadable = [server for server in organization.servers if not server.build_readable]
    assert found == {server.fqdn: server.build for server in readable}
    assert [name for name, _ in refused] == [server.fqdn for server in unreadable]
    assert all("add the account to Remote Management Users" in text for _, text in refused)


def test_settings_for_windows_keep_the_logon_and_change_the_place() -> None:
    exchange = ShellSettings("ex01", 444, username="svc@CONTOSO.COM", kerberos_hostname="ex")
    windows = windows_settings(exchange, "ex02.contoso.com")
    assert windows.url == "https://ex02.contoso.com:5986/wsman"
    assert windows.configuration == "Microsoft.PowerShell"
    assert (windows.username, windows.kerberos_hostname) == ("svc@CONTOSO.COM", None)


def answered_by(
    organization: Organization, monkeypatch: pytest.MonkeyPatch, run: object
) -> SourceError:
    """The error where the ordinary shell of a server answers like this."""
    monkeypatch.setattr(wsman_endpoint, "windows_commands", lambda *_: run)
    with LabEndpoint(organization) as listening:
        settings = windows_settings_for(listening, "ZRH-EX01")
        with pytest.raises(SourceError) as caught:
            read_exsetup(settings, lambda: password(listening), "ZRH-EX01.contoso.com")
    return caught.value


ANSWER = (
    '<Obj RefId="0"><TN RefId="0"><T>Selected.System.Diagnostics.FileVersionInfo</T></TN><MS>'
    '<S N="Server">{server}</S><S N="FileName">C:\\ExSetup.exe</S>'
    '<S N="FileVersion">15.02.2562.053</S></MS></Obj>'
)


@pytest.mark.parametrize(
    ("objects", "error", "says"),
    [
        ([], CommandUnsupported, "no Exchange is installed there"),
        ([ANSWER.format(server="ZRH-EX02")], UnexpectedAnswer, "was answered by ZRH-EX02"),
        ([ANSWER.format(server="ZRH-EX01")] * 2, UnexpectedAnswer, "more than one object"),
        (["<S>15.2</S>"], UnexpectedAnswer, "answered with something else"),
        (["<Obj"], UnexpectedAnswer, "no well-formed XML|no serialised PowerShell"),
    ],
)
def test_an_answer_that_is_not_that_servers_file_is_no_version(
    organization: Organization,
    monkeypatch: pytest.MonkeyPatch,
    objects: list[str],
    error: type[SourceError],
    says: str,
) -> None:
    def run(_: str, __: Parameters) -> Iterator[str]:
        yield from objects

    found = answered_by(organization, monkeypatch, run)
    assert type(found) is error
    assert re.search(says, str(found))


@pytest.mark.parametrize(
    ("failure", "error", "says"),
    [
        (DENIED, AccessDenied, "give the account read access to the folder of Exchange"),
        (BROKEN, AnswerCutShort, "could not be read: The operation couldn't be performed"),
        (SCRIPTS_REFUSED, AccessDenied, "cannot be read in a restricted shell"),
    ],
)
def test_an_error_of_the_script_is_no_version(
    organization: Organization,
    monkeypatch: pytest.MonkeyPatch,
    failure: CommandFailed,
    error: type[SourceError],
    says: str,
) -> None:
    def run(_: str, __: Parameters) -> Iterator[str]:
        raise failure
        yield ""

    found = answered_by(organization, monkeypatch, run)
    assert type(found) is error
    assert says in str(found)


def test_the_exchange_path_runs_no_script(endpoint: LabEndpoint) -> None:
    settings = replace(
        windows_settings_for(endpoint, "ZRH-EX01"),
        path="PowerShell",
        configuration="Microsoft.Exchange",
    )
    with pytest.raises(AccessDenied, match="cannot be read in a restricted shell"):
        read_exsetup(settings, lambda: password(endpoint), "ZRH-EX01")


@pytest.mark.parametrize("stage", [Stage.CREATE, Stage.COMMAND, Stage.RECEIVE])
@pytest.mark.parametrize("what", [Mishap.DROP, Mishap.NOT_FOUND, Mishap.TRUNCATED])
def test_a_wire_that_fails_gives_no_version(
    organization: Organization, what: Mishap, stage: Stage
) -> None:
    with LabEndpoint(organization, [WireFault(what, stage)]) as listening:
        settings = windows_settings_for(listening, "ZRH-EX01")
        with pytest.raises(SourceUnreachable):
            read_exsetup(settings, lambda: password(listening), "ZRH-EX01")
        assert len(listening.shells) == 0


def test_a_server_without_remote_management_is_unreachable(endpoint: LabEndpoint) -> None:
    settings = windows_settings_for(endpoint, "NO-SUCH")
    with pytest.raises(SourceUnreachable, match="check path"):
        read_exsetup(settings, lambda: password(endpoint), "NO-SUCH")
