"""The commands with a directory in the configuration: real LDAP, the lab's Exchange beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.collect import EXCHANGE_TABLES
from auditor.collectors.directory import PROVIDED
from auditor.evidence.bundle import Bundle, open_bundle
from auditor.evidence.tables import COLLECTED
from auditor.lab.organization import Organization
from auditor.lab.wsman_endpoint import LabEndpoint
from tests.support.progress import without_progress
from tests.support.slapd import ACCOUNT, Slapd

DIRECTORY_PASSWORD, EXCHANGE_PASSWORD = "AUDITOR_TEST_LDAP", "AUDITOR_TEST_EXCHANGE"


@pytest.fixture(scope="module")
def endpoint(lab_organization: Organization) -> Iterator[LabEndpoint]:
    with LabEndpoint(lab_organization) as listening:
        yield listening


def directory_part(server: Slapd, **changes: object) -> dict[str, object]:
    return {
        "host": "localhost",
        "port": server.tls_port,
        "ca_file": str(server.certificates.authority),
        "authentication": "simple",
        "username": ACCOUNT,
        "password_from": "environment",
        "password_variable": DIRECTORY_PASSWORD,
        **changes,
    }


def exchange_part(endpoint: LabEndpoint) -> dict[str, object]:
    return {
        "server": endpoint.host,
        "port": endpoint.port,
        "authentication": "ntlm",
        "username": endpoint.credentials.username,
        "password_from": "environment",
        "password_variable": EXCHANGE_PASSWORD,
    }


def configured(folder: Path, **content: object) -> Path:
    path = folder / "config.yaml"
    path.write_text(json.dumps({"builds": {"read": False}, **content}), encoding="utf-8")
    return path


def run(
    server: Slapd, endpoint: LabEndpoint, *words: str | Path
) -> subprocess.CompletedProcess[str]:
    secrets = {
        DIRECTORY_PASSWORD: server.password,
        EXCHANGE_PASSWORD: endpoint.credentials.password,
    }
    done = subprocess.run(
        [sys.executable, "-m", "auditor.cli", *map(str, words)],
        capture_output=True,
        text=True,
        env={**os.environ, **secrets},
        timeout=120,
        check=False,
    )
    for secret in secrets.values():
        assert secret not in done.stdout + done.stderr
    done.stderr = without_progress(done.stderr)
    return done


def collected(
    folder: Path, server: Slapd, endpoint: LabEndpoint, config: Path
) -> tuple[Bundle, subprocess.CompletedProcess[str]]:
    out = folder / "e.zip"
    done = run(server, endpoint, "collect", "--config", config, "--out", out)
    assert done.returncode == 0, done.stderr
    return open_bundle(out, "evidence", COLLECTED), done


def test_the_directory_alone_fills_what_it_knows_and_says_what_it_does_not(
    lab_slapd: Slapd, endpoint: LabEndpoint, tmp_path: Path
) -> None:
    config = configured(tmp_path, directory=directory_part(lab_slapd))
    bundle, _ = collected(tmp_path, lab_slapd, endpoint, config)
    with bundle:
        states = {table: line.state for table, line in bundle.ledger.items()}
    assert states["onprem_mailbox"] == "complete"
    assert states["onprem_mobile_device"] == "complete"
    assert states["onprem_organization_relationship"] == "complete"
    assert {
        state
        for table, state in states.items()
        if table not in PROVIDED and table.startswith("onprem_")
    } == {"not_requested"}


def test_exchange_fills_what_the_directory_cannot(
    lab_slapd: Slapd, endpoint: LabEndpoint, tmp_path: Path
) -> None:
    config = configured(
        tmp_path, directory=directory_part(lab_slapd), exchange=exchange_part(endpoint)
    )
    bundle, _ = collected(tmp_path, lab_slapd, endpoint, config)
    with bundle:
        providers = {table: line.provider for table, line in bundle.ledger.items()}
        states = {table: line.state for table, line in bundle.ledger.items()}
        details = {table: line.detail for table, line in bundle.ledger.items()}
        mailboxes = sum(len(page) for page in bundle.pages(COLLECTED_BY_NAME["onprem_mailbox"]))
        assert mailboxes == bundle.ledger["onprem_mailbox"].rows > 0
    assert providers["onprem_mailbox"] == "Active Directory"
    assert providers["onprem_mobile_device"] == "Active Directory"
    assert providers["onprem_exchange_certificate"] == "PowerShell remoting"
    assert providers["onprem_active_sync_virtual_directory"] == "PowerShell remoting"
    assert providers["onprem_hybrid_configuration"] == "PowerShell remoting"
    asked = {table for table in states if states[table] != "not_requested"}
    assert {table: details[table] for table in asked if states[table] != "complete"} == {}


def test_a_provider_that_is_named_is_taken(
    lab_slapd: Slapd, endpoint: LabEndpoint, tmp_path: Path
) -> None:
    config = configured(
        tmp_path,
        directory=directory_part(lab_slapd),
        exchange=exchange_part(endpoint),
        providers={
            "onprem_mobile_device": "exchange",
            "onprem_accepted_domain": "directory",
            # which only the directory has
            "onprem_mailbox_hold": "exchange",
        },
    )
    bundle, _ = collected(tmp_path, lab_slapd, endpoint, config)
    with bundle:
        assert bundle.ledger["onprem_mobile_device"].provider == "PowerShell remoting"
        assert bundle.ledger["onprem_accepted_domain"].provider == "Active Directory"
        assert bundle.ledger["onprem_mailbox_hold"].provider == "Active Directory"


def test_a_directory_that_refuses_is_told_and_exchange_takes_its_place(
    lab_slapd: Slapd, endpoint: LabEndpoint, tmp_path: Path
) -> None:
    refused = directory_part(lab_slapd, username="CN=nobody,OU=accounts")
    config = configured(tmp_path, directory=refused, exchange=exchange_part(endpoint))
    bundle, _ = collected(tmp_path, lab_slapd, endpoint, config)
    with bundle:
        assert bundle.ledger["onprem_mailbox"].provider == "PowerShell remoting"
        # nobody takes its place for what it alone has
        assert bundle.ledger["onprem_directory_account"].state == "access_denied"
    done = run(lab_slapd, endpoint, "check", "--config", config)
    assert done.returncode == 3
    assert "MISSING sign-in to directory" in done.stdout
    alone = configured(tmp_path, directory=refused)
    ended = run(lab_slapd, endpoint, "collect", "--config", alone, "--out", tmp_path / "f.zip")
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)


def test_a_directory_stands_in_for_a_closed_exchange(
    lab_slapd: Slapd, endpoint: LabEndpoint, tmp_path: Path
) -> None:
    asked = directory_part(lab_slapd)
    closed = configured(tmp_path, directory=asked, exchange={**exchange_part(endpoint), "port": 1})
    bundle, done = collected(tmp_path, lab_slapd, endpoint, closed)
    assert done.stderr.startswith("Going on without Exchange: localhost refuses connections")
    with bundle:
        first = dict(bundle.ledger)
    of_exchange = EXCHANGE_TABLES - {*PROVIDED}
    assert {first[table].state for table in of_exchange} == {"unreachable"}
    assert {first[table].provider for table in PROVIDED} == {"Active Directory"}
    assert first["onprem_mailbox"].state == first["onprem_accepted_domain"].state == "complete"


def test_check_and_permissions_speak_of_the_directory(
    lab_slapd: Slapd, endpoint: LabEndpoint, tmp_path: Path
) -> None:
    config = configured(tmp_path, directory=directory_part(lab_slapd))
    needed = run(lab_slapd, endpoint, "permissions", "--config", config)
    assert needed.returncode == 0
    assert "onprem_mobile_device" in needed.stdout
    done = run(lab_slapd, endpoint, "check", "--config", config)
    assert (done.returncode, done.stderr) == (0, "")
    assert "MISSING" not in done.stdout


COLLECTED_BY_NAME = {model.table: model for model in COLLECTED}
