"""Exports for the servers, live sources for what no export carries, in one bundle."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from auditor.collect import CLOUD_TABLES
from auditor.demo import LabToken
from auditor.evidence.bundle import open_bundle
from auditor.evidence.ledger import LedgerLine
from auditor.evidence.tables import COLLECTED
from auditor.importing import import_evidence
from auditor.lab.cloud_server import LabCloud
from auditor.lab.exports import write_exports
from auditor.lab.online_exports import write_online_exports
from auditor.lab.organization import Organization, build
from auditor.live_cloud import EXCHANGE_ONLINE_TABLES, GRAPH_TABLES, open_cloud
from auditor.live_sources import LiveSources
from auditor.run import assess_evidence
from auditor.sources.cloud_sign_in import Cloud

ORGANIZATION = build(30, faults="none")
DIRECTORY_ALONE = {
    "onprem_directory_account",
    "onprem_mailbox_hold",
    "onprem_mailbox_in_place_hold",
}


def silent(stage: str, done: int) -> None:
    """Progress that nobody listens to."""


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports")
    write_exports(ORGANIZATION, folder / "on-premises")
    return folder


@contextmanager
def beside(organization: Organization) -> Iterator[tuple[LiveSources, LabCloud]]:
    with LabCloud(organization) as lab:
        cloud = Cloud("global", authority="", graph_url=lab.url, exchange_url=lab.url)
        with open_cloud(cloud, lab.tenant_id, LabToken(lab.token)) as found:
            yield LiveSources(exchange=None, cloud=found), lab


def ledger(evidence: Path) -> Mapping[str, LedgerLine]:
    with open_bundle(evidence, "evidence", COLLECTED) as bundle:
        return bundle.ledger


def imported(exports: Path, target: Path, live: LiveSources | None) -> Mapping[str, LedgerLine]:
    import_evidence([exports], target, force=False, title="", progress=silent, beside=live)
    return ledger(target)


def test_the_tenant_is_read_beside_exports_of_the_servers(exports: Path, tmp_path: Path) -> None:
    target = tmp_path / "evidence.zip"
    alone = imported(exports, tmp_path / "alone.zip", None)
    with beside(ORGANIZATION) as (live, _):
        both = imported(exports, target, live)
    assert {table for table in both if alone[table] != both[table]} >= CLOUD_TABLES
    assert {both[table].state for table in CLOUD_TABLES} == {"complete"}
    assert {alone[table].state for table in CLOUD_TABLES} == {"not_requested"}
    of_servers = both.keys() - CLOUD_TABLES
    assert {t: both[t].state for t in of_servers} == {t: alone[t].state for t in of_servers}
    judged = assess_evidence(
        target,
        tmp_path / "assessment.zip",
        packs=(),
        waivers=None,
        as_of=dt.date(2026, 11, 1),
        force=False,
        progress=silent,
    )
    assert judged.gates


def test_what_an_export_of_exchange_online_says_is_not_asked_again(
    exports: Path, tmp_path: Path
) -> None:
    online = tmp_path / "online"
    write_online_exports(ORGANIZATION, online)
    target = tmp_path / "evidence.zip"
    with beside(ORGANIZATION) as (live, lab):
        import_evidence(
            [exports, online], target, force=False, title="", progress=silent, beside=live
        )
        assert [asked for asked in lab.seen if "InvokeCommand" in asked] == []
    found = ledger(target)
    assert {found[table].provider for table in EXCHANGE_ONLINE_TABLES} == {"exported files"}
    assert {found[table].provider for table in GRAPH_TABLES} == {"Microsoft Graph"}


def test_a_table_that_nobody_was_asked_for_says_who_can_be(exports: Path, tmp_path: Path) -> None:
    lines = imported(exports, tmp_path / "evidence.zip", None)
    assert {table: lines[table].detail for table in DIRECTORY_ALONE} == dict.fromkeys(
        DIRECTORY_ALONE,
        "No export of Exchange carries it: name the domain controller in a configuration, and"
        " import with it (--config).",
    )
    assert {lines[table].detail for table in GRAPH_TABLES} == {
        "No export of Exchange carries it: name the tenant in a configuration, and import with it"
        " (--config)."
    }


def test_a_configuration_without_anything_to_add_is_refused(exports: Path, tmp_path: Path) -> None:
    config, target = tmp_path / "config.yaml", tmp_path / "evidence.zip"
    content = {"exchange": {"server": "nowhere.invalid", "authentication": "kerberos"}}
    config.write_text(json.dumps(content), encoding="utf-8")
    words = ["import", str(exports), "--out", str(target), "--config", str(config)]
    done = subprocess.run(
        [sys.executable, "-m", "auditor.cli", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "names neither directory nor cloud" in done.stderr
    assert not target.exists()
