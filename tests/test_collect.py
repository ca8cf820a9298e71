"""The commands that talk to a live Exchange, against the lab's endpoint on the loopback address."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.collect import Wish, collect_from
from auditor.collectors.registry import EXCHANGE_COLLECTORS
from auditor.collectors.servers import EXCHANGE_BUILD
from auditor.config import read_configuration
from auditor.demo import lab_exchange
from auditor.errors import InputRefused
from auditor.evidence.bundle import open_bundle
from auditor.evidence.tables import COLLECTED
from auditor.lab.organization import build
from auditor.lab.wire_faults import Refusal, WireFault
from auditor.lab.wsman_endpoint import LabEndpoint
from auditor.live_sources import LiveSources
from tests.support.progress import without_progress

PASSWORD = "AUDITOR_TEST_PASSWORD"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[LabEndpoint]:
    with LabEndpoint(build(20)) as listening:
        yield listening


def configured(endpoint: LabEndpoint, folder: Path, **changes: object) -> Path:
    exchange = {
        "server": endpoint.host,
        "port": endpoint.port,
        "authentication": "ntlm",
        "username": endpoint.credentials.username,
        "password_from": "environment",
        "password_variable": PASSWORD,
        **changes,
    }
    path = folder / "config.yaml"
    content = {"organization": "Lab", "exchange": exchange, "builds": {"read": False}}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def run(
    endpoint: LabEndpoint, *words: str | Path, password: str | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "auditor.cli", *map(str, words)],
        capture_output=True,
        text=True,
        env={**os.environ, PASSWORD: password or endpoint.credentials.password},
        timeout=120,
        check=False,
    )
    done.stderr = without_progress(done.stderr)
    return done


def test_permissions_contacts_nothing_and_names_every_table(
    endpoint: LabEndpoint, tmp_path: Path
) -> None:
    config = configured(endpoint, tmp_path, server="nowhere.invalid")
    done = run(endpoint, "permissions", "--config", config)
    assert (done.returncode, done.stderr) == (0, "")
    for collector in EXCHANGE_COLLECTORS:
        for model in collector.tables if collector is not EXCHANGE_BUILD else ():
            assert model.table in done.stdout
    assert "View-Only Recipients" in done.stdout


def test_check_says_what_works_and_what_is_missing(endpoint: LabEndpoint, tmp_path: Path) -> None:
    done = run(endpoint, "check", "--config", configured(endpoint, tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert "MISSING" not in done.stdout
    assert "Get-MobileDevice" in done.stdout
    assert "Get-ExchangeCertificate -Server" in done.stdout


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"server": "nowhere.invalid"}, "nowhere.invalid"),
        ({"port": 1}, "port"),
        ({"path": "PowerShel"}, "path"),
        ({"tls": True}, "TLS"),
    ],
)
def test_check_names_cause_and_next_step_in_one_sentence(
    endpoint: LabEndpoint, tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    done = run(endpoint, "check", "--config", configured(endpoint, tmp_path, **changes))
    assert (done.returncode, done.stderr) == (3, "")
    (_, sentence) = done.stdout.splitlines()
    assert words in sentence


def test_a_wrong_password_is_told_and_never_shown(endpoint: LabEndpoint, tmp_path: Path) -> None:
    secret = "wr0ng-Passw0rd"
    config = configured(endpoint, tmp_path)
    for words in (
        ("check", "--config", config),
        ("collect", "--config", config, "--out", tmp_path / "e.zip"),
    ):
        done = run(endpoint, *words, password=secret)
        assert done.returncode in {2, 3}
        assert secret not in done.stdout + done.stderr
        assert endpoint.credentials.username in done.stdout + done.stderr
    assert not (tmp_path / "e.zip").exists()


def test_a_missing_role_costs_its_own_tables_alone(tmp_path: Path) -> None:
    denied = WireFault(Refusal.DENIED, cmdlet="Get-CASMailbox")
    out = tmp_path / "e.zip"
    with LabEndpoint(build(5), [denied]) as endpoint:
        config = configured(endpoint, tmp_path)
        tried = run(endpoint, "check", "--config", config)
        collected = run(endpoint, "collect", "--config", config, "--out", out)
    assert tried.returncode == 3
    assert [line for line in tried.stdout.splitlines() if line.startswith("MISSING")] == [
        "MISSING Get-CASMailbox"
    ]
    assert collected.returncode == 0
    with open_bundle(out, "evidence", COLLECTED) as bundle:
        lost = {table for table, line in bundle.ledger.items() if line.state == "access_denied"}
        assert bundle.ledger["onprem_mailbox"].state == "complete"
    assert lost == {
        "onprem_cas_mailbox",
        "onprem_cas_mailbox_allowed_device",
        "onprem_cas_mailbox_blocked_device",
    }


def test_run_collects_assesses_and_reports(endpoint: LabEndpoint, tmp_path: Path) -> None:
    done = run(
        endpoint, "run", "--config", configured(endpoint, tmp_path), "--out", tmp_path / "audit"
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert sorted(path.name for path in (tmp_path / "audit").iterdir()) == [
        "assessment.zip",
        "evidence.zip",
        "report.html",
    ]
    assert done.stdout.splitlines()[-1] == str(tmp_path / "audit" / "report.html")
    for path in (tmp_path / "audit").iterdir():
        assert endpoint.credentials.password.encode() not in path.read_bytes()


def test_only_the_named_tables_are_collected(endpoint: LabEndpoint, tmp_path: Path) -> None:
    config, out = configured(endpoint, tmp_path), tmp_path / "e.zip"
    words = ("--only", "onprem_accepted_domain", "--only", "onprem_remote_domain")
    assert run(endpoint, "collect", "--config", config, "--out", out, *words).returncode == 0
    with open_bundle(out, "evidence", COLLECTED) as bundle:
        states = {table: line.state for table, line in bundle.ledger.items()}
        # The plan is the customer's own word: it costs nothing and asks nobody.
        assert {table for table, state in states.items() if state == "complete"} == {
            "onprem_accepted_domain",
            "onprem_remote_domain",
            "plan_move",
        }
        assert set(states.values()) == {"complete", "not_requested"}
    refused = run(
        endpoint, "collect", "--config", config, "--out", out, "--force", "--only", "onprem_mailbx"
    )
    assert refused.returncode == 2
    assert "closest is 'onprem_mailbox'" in refused.stderr


def test_a_stopped_run_goes_on_with_what_is_not_complete(tmp_path: Path) -> None:
    def interrupt(command: str, count: int) -> None:
        if command == "Get-Mailbox" and count >= 100:
            raise KeyboardInterrupt

    def silent(command: str, count: int) -> None:
        """Progress that nobody listens to."""

    organization = build(250, faults="none")
    stopped, whole = tmp_path / "a.zip", tmp_path / "b.zip"
    with lab_exchange(organization) as source:
        with pytest.raises(KeyboardInterrupt):
            collect_from(LiveSources(source), stopped, "Lab", Wish(), interrupt)
        collect_from(LiveSources(source), whole, "Lab", Wish(), silent)
    folder = tmp_path / "a.zip.partial"
    asked_before = (folder / "tables" / "onprem_accepted_domain.jsonl").stat().st_mtime_ns
    with lab_exchange(organization) as source:
        collect_from(LiveSources(source), stopped, "Lab", Wish(resume=True), silent)
        assert not folder.exists()
    assert asked_before
    with (
        open_bundle(stopped, "evidence", COLLECTED) as one,
        open_bundle(whole, "evidence", COLLECTED) as other,
    ):
        for model in COLLECTED:
            first, second = (
                [row for page in bundle.pages(model) for row in page] for bundle in (one, other)
            )
            assert first == second, model.table
            assert one.ledger[model.table].state == other.ledger[model.table].state


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("exchange: {server: a, password: x}", "password does not belong into a file"),
        ("exchange: {server: a, pasword_from: x}", "closest is 'password_from'"),
        ("exchange: {server: a, port: 0}", "exchange.port"),
        ("exchange: {}", "exchange.server is missing"),
        ("- 1", "config.yaml"),
        ("organization: y", "names no source"),
    ],
)
def test_a_faulty_configuration_is_refused_with_its_place(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(InputRefused) as refused:
        read_configuration(path)
    assert words in str(refused.value)


def test_the_example_configuration_is_valid() -> None:
    example = Path(__file__).parents[1] / "config.example.yaml"
    assert read_configuration(example).organization == "Contoso"
