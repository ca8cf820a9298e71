"""A source that is closed costs what it alone says; the others are read, and it is asked later."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from auditor import live_sources
from auditor.collect import (
    CLOUD_TABLES,
    DIRECTORY_ALONE,
    EXCHANGE_TABLES,
    NO_DIRECTORY,
    NO_EXCHANGE,
    Wish,
    collect,
    collect_from,
)
from auditor.collectors.directory import PROVIDED
from auditor.config import Configuration
from auditor.config_parts import Person
from auditor.demo import lab_exchange
from auditor.errors import AccessDenied, InputRefused, SourceUnreachable
from auditor.evidence import bundle_output
from auditor.evidence.bundle_output import unfinished
from auditor.evidence.ledger import LedgerLine
from auditor.importing import import_evidence
from auditor.lab.cloud_faults import CloudFault, Outage
from auditor.lab.exports import write_exports
from auditor.lab.organization import build
from auditor.lab.wsman_endpoint import LabEndpoint
from auditor.live_cloud import EXCHANGE_ONLINE_TABLES, GRAPH_TABLES, LiveCloud
from auditor.live_sources import LiveSources
from tests.support.lab_tenant import read_back, silent, tenant

ORGANIZATION = build(20, faults="none")
CLOSED = SourceUnreachable("EX01 does not answer; open its port.")
DENIED = AccessDenied("DC01 does not know the account; correct it.")
AGAIN = Wish(resume=True)
SECRET = "AUDITOR_TEST_GOES_ON"
TENANT = {
    "tenant": "11111111-2222-4333-8444-555555555555",
    "client_id": "99999999-8888-4777-8666-555555555555",
    "authentication": "client_secret",
    "secret_from": "environment",
}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[LabEndpoint]:
    with LabEndpoint(ORGANIZATION) as listening:
        yield listening


@pytest.fixture(autouse=True)
def in_the_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tenant of a configuration is that of the lab, signed in to."""

    @contextmanager
    def lab(_tenant: object, _person: Person) -> Iterator[LiveCloud]:
        with tenant(ORGANIZATION) as cloud:
            yield cloud

    monkeypatch.setattr(live_sources, "live_cloud", lab)
    monkeypatch.setenv(SECRET, "wr0ng-Passw0rd")


def configuration(**parts: Mapping[str, object]) -> Configuration:
    return Configuration.model_validate({"organization": "Lab", **parts})


def exchange(endpoint: LabEndpoint, **changes: object) -> dict[str, object]:
    return {
        "server": endpoint.host,
        "port": endpoint.port,
        "authentication": "ntlm",
        "username": endpoint.credentials.username,
        "password_from": "environment",
        "password_variable": SECRET,
        **changes,
    }


def directory() -> dict[str, object]:
    """One on a port where nothing listens."""
    return {
        "host": "localhost",
        "port": 1,
        "authentication": "simple",
        "username": "CN=auditor",
        "password_from": "environment",
        "password_variable": SECRET,
    }


def person(heard: list[str]) -> Person:
    def never(question: str) -> str:
        raise AssertionError(question)

    return Person(never, heard.append)


def lines_of(target: Path) -> dict[str, LedgerLine]:
    return read_back(target).ledger


@pytest.mark.parametrize(
    ("changes", "state"), [({"port": 1}, "unreachable"), ({}, "access_denied")]
)
def test_an_exchange_that_is_closed_costs_its_own_tables_alone(
    endpoint: LabEndpoint, tmp_path: Path, changes: dict[str, object], state: str
) -> None:
    heard: list[str] = []
    target = tmp_path / "e.zip"
    config = configuration(exchange=exchange(endpoint, **changes), cloud=TENANT)
    collect(config, target, Wish(), person(heard), silent)
    lines = lines_of(target)
    (sentence,) = heard
    refusal = sentence.removeprefix("Going on without Exchange: ")
    assert {table: (lines[table].state, lines[table].detail) for table in lines} == {
        **dict.fromkeys(EXCHANGE_TABLES, (state, refusal)),
        **dict.fromkeys(DIRECTORY_ALONE, ("not_requested", NO_DIRECTORY)),
        **{table: ("complete", lines[table].detail) for table in (*CLOUD_TABLES, "plan_move")},
    }
    assert {lines[table].provider for table in EXCHANGE_TABLES} == {"PowerShell remoting"}
    assert refusal != sentence
    assert "localhost" in refusal


def test_a_directory_that_is_closed_costs_what_nobody_else_says(tmp_path: Path) -> None:
    heard: list[str] = []
    target = tmp_path / "e.zip"
    collect(
        configuration(directory=directory(), cloud=TENANT), target, Wish(), person(heard), silent
    )
    lines = lines_of(target)
    (sentence,) = heard
    refusal = sentence.removeprefix("Going on without the directory: ")
    assert {table: (lines[table].state, lines[table].detail) for table in lines} == {
        **dict.fromkeys(EXCHANGE_TABLES, ("not_requested", NO_EXCHANGE)),
        **dict.fromkeys(PROVIDED, ("unreachable", refusal)),
        **{table: ("complete", lines[table].detail) for table in (*CLOUD_TABLES, "plan_move")},
    }


def test_with_both_of_them_closed_the_tenant_is_read(endpoint: LabEndpoint, tmp_path: Path) -> None:
    heard: list[str] = []
    target = tmp_path / "e.zip"
    config = configuration(exchange=exchange(endpoint, port=1), directory=directory(), cloud=TENANT)
    collect(config, target, Wish(), person(heard), silent)
    lines = lines_of(target)
    assert [each.partition(":")[0] for each in heard] == [
        "Going on without Exchange",
        "Going on without the directory",
    ]
    complete = {table for table, line in lines.items() if line.state == "complete"}
    assert complete == {*CLOUD_TABLES, "plan_move"}
    assert {(lines[table].state, lines[table].provider) for table in EXCHANGE_TABLES} == {
        ("unreachable", "PowerShell remoting")
    }
    assert {(lines[table].state, lines[table].provider) for table in DIRECTORY_ALONE} == {
        ("unreachable", "Active Directory")
    }


def test_where_every_source_is_closed_nothing_is_written_and_each_says_why(
    endpoint: LabEndpoint, tmp_path: Path
) -> None:
    config = tmp_path / "config.yaml"
    parts = configuration(exchange=exchange(endpoint, port=1), directory=directory())
    config.write_text(parts.model_dump_json(exclude_unset=True), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "auditor.cli", "collect", "--config", str(config), "--out", "e.zip"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, SECRET: "unused"},
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    exchange_says, directory_says = done.stderr.splitlines()
    assert exchange_says.startswith("auditor: localhost")
    assert directory_says.startswith("auditor: localhost")
    assert exchange_says != directory_says
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


ALL_CLOSED = LiveSources(None, cloud=LiveCloud(DENIED, DENIED), exchange_refusal=CLOSED)


def test_a_bundle_is_not_replaced_by_one_of_refusals(tmp_path: Path) -> None:
    target = tmp_path / "e.zip"
    target.write_text("precious")
    for sources in (ALL_CLOSED, LiveSources(None, cloud=LiveCloud(None, DENIED))):
        with pytest.raises((SourceUnreachable, AccessDenied)):
            collect_from(sources, target, "", Wish(force=True), silent)
    with pytest.raises(SourceUnreachable) as refused:
        collect_from(ALL_CLOSED, target, "", Wish(force=True), silent)
    assert str(refused.value) == f"{CLOSED}\n{DENIED}"
    assert target.read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == ["e.zip"]


def test_a_table_alone_of_a_closed_source_is_refused_and_another_is_read(tmp_path: Path) -> None:
    target = tmp_path / "e.zip"
    with tenant(ORGANIZATION) as cloud:
        sources = LiveSources(None, cloud=cloud, exchange_refusal=CLOSED)
        with pytest.raises(SourceUnreachable, match="EX01"):
            collect_from(sources, target, "", Wish(only=["onprem_mailbox"]), silent)
        assert list(tmp_path.iterdir()) == []
        collect_from(sources, target, "", Wish(only=["entra_sku"]), silent)
    lines = lines_of(target)
    complete = {table for table, line in lines.items() if line.state == "complete"}
    assert complete == {"entra_sku", "plan_move"}


# later


def test_what_was_closed_is_asked_when_a_stopped_run_goes_on_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "e.zip"
    # who refuses now what is complete is not asked for it
    fault = CloudFault(Outage.FORBIDDEN, "users", times=None)
    with tenant(ORGANIZATION) as cloud:
        sources = LiveSources(None, cloud=cloud, exchange_refusal=CLOSED)
        with monkeypatch.context() as patch:
            patch.setattr(bundle_output, "seal", interrupted)
            with pytest.raises(KeyboardInterrupt):
                collect_from(sources, target, "Lab", Wish(), silent)
    with lab_exchange(ORGANIZATION) as source, tenant(ORGANIZATION, [fault]) as cloud:
        told = collect_from(LiveSources(source, cloud=cloud), target, "Lab", AGAIN, silent)
    assert {line.table for line in told} == {*EXCHANGE_TABLES, *DIRECTORY_ALONE}
    lines = lines_of(target)
    complete = {table for table, line in lines.items() if line.state == "complete"}
    assert complete >= {"onprem_mailbox", "entra_user", *EXCHANGE_ONLINE_TABLES}
    assert not unfinished(target).exists()


def interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_while_nobody_answers_for_what_is_missing_a_stopped_run_is_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "e.zip"
    with lab_exchange(ORGANIZATION) as source, monkeypatch.context() as patch:
        patch.setattr(bundle_output, "seal", interrupted)
        with pytest.raises(KeyboardInterrupt):
            collect_from(LiveSources(source), target, "", Wish(), silent)
    before = held(tmp_path)
    with pytest.raises(SourceUnreachable) as refused:
        collect_from(ALL_CLOSED, target, "", AGAIN, silent)
    assert str(refused.value) == f"{CLOSED}\n{DENIED}"
    assert held(tmp_path) == before


def held(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_without_a_stopped_run_there_is_nothing_to_go_on_with(tmp_path: Path) -> None:
    with lab_exchange(ORGANIZATION) as source, pytest.raises(InputRefused, match="to resume"):
        collect_from(LiveSources(source), tmp_path / "e.zip", "", AGAIN, silent)


# beside exports


def test_a_closed_directory_is_told_beside_exports_and_the_tenant_is_read(tmp_path: Path) -> None:
    write_exports(ORGANIZATION, tmp_path / "exports")
    target = tmp_path / "e.zip"
    with tenant(ORGANIZATION) as cloud:
        beside = LiveSources(None, directory_refusal=DENIED, cloud=cloud)
        import_evidence(
            [tmp_path / "exports"], target, force=False, title="", progress=silent, beside=beside
        )
    lines = lines_of(target)
    assert {(lines[table].state, lines[table].detail) for table in DIRECTORY_ALONE} == {
        ("access_denied", str(DENIED))
    }
    assert {lines[table].state for table in (*GRAPH_TABLES, "onprem_mailbox")} == {"complete"}
