"""Collections that end early, or that need more than one server: what came is kept and told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from auditor.collectors.directory import (
    collect_directory,
)
from auditor.evidence.bundle import BundleWriter, Header
from auditor.evidence.ledger import LedgerLine
from auditor.lab import directory_names as names
from auditor.lab.directory_ldif import directory_objects, recipient_objects, stored
from auditor.lab.directory_records import Record, node
from auditor.lab.organization import Organization, build
from auditor.sources.directory_forest import Forest
from tests.support import slapd
from tests.support.certificates import Certificates

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
HEADER = Header(
    format_version=1, kind="evidence", tool_version="test", title="", created_at=NOW, details={}
)
CHILD = f"DC=asia,{names.BASE}"
PASSWORD = "the same in both domains"


@pytest.fixture(autouse=True)
def _slapd_is_there() -> None:
    if slapd.PROGRAM is None:
        pytest.skip(slapd.MISSING)


def collected(forest: Forest, folder: Path, *tables: str) -> dict[str, LedgerLine]:
    with BundleWriter(folder, HEADER) as writer:
        lines = collect_directory(
            forest,
            writer,
            tables or None,
            now=lambda: NOW,
            progress=lambda _name, _count: None,
        )
    return {line.table: line for line in lines}


def with_child(records: Iterable[Record]) -> Iterator[Record]:
    """A forest that has a second domain."""
    yield from records
    yield stored(
        node(
            f"CN=ASIA,CN=Partitions,{names.CONFIGURATION}",
            "crossRef",
            {"nCName": CHILD, "dnsRoot": ["asia.contoso.com"], "systemFlags": 3},
        ),
        frozenset(),
    )


def of_child(organization: Organization) -> Iterator[Record]:
    """The recipients of another organisation, in the child domain."""
    yield Record(CHILD, {"objectClass": ["top", "domain", "adObject"], "dc": "asia"})
    yield stored(node(f"CN=Users,{CHILD}", "container"), frozenset())
    for record, _ in recipient_objects(organization):
        if "msExchRecipientTypeDetails" in record.values:
            name = record.dn.partition(",OU=")[0]
            if record.dn.count("OU=") == 2 and "ExchangeActiveSyncDevices" not in record.dn:
                yield stored(Record(f"{name},CN=Users,{CHILD}", record.values), frozenset())


@contextmanager
def serving(
    records: Iterable[Record], folder: Path, made: Certificates, suffix: str, total: int | None
) -> Iterator[slapd.Slapd]:
    password = slapd.build(folder, records, made, suffix=suffix, total=total, password=PASSWORD)
    with slapd.running(folder, password, made) as server:
        yield server


def test_a_limit_of_the_server_leaves_a_partial_table_with_its_rows(
    tmp_path: Path, lab_organization: Organization, lab_certificates: Certificates
) -> None:
    objects = directory_objects(lab_organization)
    folder = tmp_path / "slapd"
    with (
        # the schema takes more questions than that, but each of them is short
        serving(objects, folder, lab_certificates, names.BASE, 60) as server,
        Forest(server.settings(page_size=25)) as forest,
    ):
        lines = collected(forest, tmp_path / "bundle", "onprem_mailbox", "onprem_mobile_device")
    assert {table: line.state for table, line in lines.items()} == {
        "onprem_mailbox": "partial",
        "onprem_mobile_device": "partial",
    }
    assert lines["onprem_mailbox"].rows > 40
    assert "its size limit" in lines["onprem_mailbox"].detail


def test_a_domain_that_does_not_answer_leaves_the_others(
    tmp_path: Path, lab_organization: Organization, lab_certificates: Certificates
) -> None:
    objects = with_child(directory_objects(lab_organization))
    with (
        serving(objects, tmp_path / "slapd", lab_certificates, names.BASE, None) as server,
        Forest(server.settings()) as forest,
    ):
        lines = collected(forest, tmp_path / "bundle")
    assert lines["onprem_mailbox"].state == "partial"
    assert lines["onprem_mailbox"].rows == lab_organization.mailbox_count + 1
    assert "No domain controller of asia.contoso.com is known" in lines["onprem_mailbox"].detail
    assert lines["onprem_organization_relationship"].state == "complete"


def test_recipients_of_all_domains_of_the_forest_are_collected(
    tmp_path: Path, lab_organization: Organization, lab_certificates: Certificates
) -> None:
    other = build(30, seed=7)
    objects = with_child(directory_objects(lab_organization))
    with (
        serving(of_child(other), tmp_path / "child", lab_certificates, CHILD, None) as child,
        serving(objects, tmp_path / "root", lab_certificates, names.BASE, None) as server,
    ):
        named = {"asia.contoso.com": f"localhost:{child.tls_port}"}
        with Forest(server.settings(domain_controllers=named)) as forest:
            lines = collected(forest, tmp_path / "bundle", "onprem_mailbox")
    line = lines["onprem_mailbox"]
    assert (line.state, line.detail) == ("complete", "")
    assert line.rows == lab_organization.mailbox_count + 1 + other.mailbox_count
    assert line.server == f"{server.settings().server}, localhost:{child.tls_port}"
    assert CHILD in (line.filters or "")
