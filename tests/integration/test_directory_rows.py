"""One organisation, read by LDAP, over the Exchange shell and from exports: the same rows."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from auditor.collectors.directory import PROVIDED, collect_directory
from auditor.collectors.directory_names import own_name, parts
from auditor.collectors.directory_registry import DIRECTORY_COLLECTORS
from auditor.collectors.exports import import_exports
from auditor.collectors.live import LiveExchange, collect_exchange
from auditor.collectors.registry import EXCHANGE_COLLECTORS
from auditor.evidence.bundle import BundleWriter, Header, open_bundle
from auditor.evidence.tables import COLLECTED
from auditor.lab.accounts import Account, account_of, moved_account
from auditor.lab.exports import write_exports
from auditor.lab.moved import remote_mailboxes
from auditor.lab.organization import Organization
from auditor.lab.recipients import mailboxes
from auditor.lab.wsman_endpoint import LabEndpoint
from auditor.sources.directory_forest import Forest
from auditor.sources.exchange_shell import ExchangeShell
from auditor.sources.shell_settings import ShellSettings
from tests.support.slapd import Slapd

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
HEADER = Header(
    format_version=1, kind="evidence", tool_version="test", title="", created_at=NOW, details={}
)
Rows = dict[str, list[dict[str, Any]]]

DIRECTORY_ALONE = (
    "onprem_directory_account",
    "onprem_mailbox_hold",
    "onprem_mailbox_in_place_hold",
)
SHARED = tuple(table for table in PROVIDED if table not in DIRECTORY_ALONE)

BY_DESIGN: dict[str, dict[str, str]] = {
    "onprem_organization": {
        "oauth2_client_profile_enabled": "how the directory keeps it is not known",
        "default_authentication_policy": "how the directory keeps it is not known",
        "aclable_synced_object_enabled": "how the directory keeps it is not known",
    },
    "onprem_hybrid_configuration": {"service_instance": "how the directory keeps it is not known"},
    "onprem_email_address_policy": dict.fromkeys(
        ("priority", "recipient_filter_applied"), "no document tells where they are kept"
    ),
    "onprem_mobile_device_policy": dict.fromkeys(
        (
            *("is_default", "allow_non_provisionable_devices", "password_enabled"),
            *("min_password_length", "alphanumeric_password_required", "allow_simple_password"),
            *("password_expiration", "max_inactivity_time_lock", "max_inactivity_seconds"),
            *("require_device_encryption", "require_storage_card_encryption"),
        ),
        "no document tells the bits that they are",
    ),
    "onprem_accepted_domain": {"domain_type": "no document tells its encoding"},
    "onprem_exchange_server": {
        "server_role": "the bits of Exchange 2013 are not known",
        "is_client_access_server": "the bits of Exchange 2013 are not known",
    },
    "onprem_active_sync_virtual_directory": {
        "basic_auth_enabled": "it lies in IIS",
        "windows_auth_enabled": "it lies in IIS",
        "client_cert_auth": "it lies in IIS",
    },
    "onprem_web_services_virtual_directory": {
        "mrs_proxy_enabled": "it lies in IIS",
        "ws_security_authentication": "it lies in IIS",
    },
    "onprem_cas_mailbox": {
        "active_sync_mailbox_policy": "the directory names none where it is the default"
    },
    "onprem_mobile_device": {"client_type": "its numbers are not known"},
}
"""Columns that the directory leaves empty where the cmdlets fill them, and why."""


def read_back(folder: Path, fill: Callable[[BundleWriter], object]) -> tuple[Rows, dict[str, str]]:
    """Rows in a fixed order, and the state of each table."""
    with BundleWriter(folder, HEADER) as writer:
        fill(writer)
    with open_bundle(folder, "evidence", COLLECTED) as bundle:
        rows = {
            model.table: in_order(
                [json.loads(row.model_dump_json()) for page in bundle.pages(model) for row in page],
                model.key,
            )
            for model in COLLECTED
        }
        return rows, {table: line.state for table, line in bundle.ledger.items()}


def in_order(rows: list[dict[str, Any]], key: tuple[str, ...]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: [row[column] for column in key])


def normalised(row: dict[str, Any]) -> dict[str, Any]:
    """OpenLDAP writes `cn=Lee\\2C Ann` where Active Directory writes `CN=Lee\\, Ann`."""
    return {
        column: canonical(value) if "distinguished_name" in column else value
        for column, value in row.items()
    }


def canonical(dn: str) -> str:
    return "|".join(f"{kind}={value}".lower() for kind, value in parts(dn))


def silent(_name: str, _count: int) -> None:
    """Progress that nobody listens to."""


@pytest.fixture(scope="module")
def by_ldap(
    lab_slapd: Slapd, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Rows, dict[str, str]]:
    with Forest(lab_slapd.settings()) as forest:
        return read_back(
            tmp_path_factory.mktemp("ldap") / "bundle",
            lambda writer: collect_directory(forest, writer, now=lambda: NOW, progress=silent),
        )


@pytest.fixture(scope="module")
def by_shell(
    lab_organization: Organization, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Rows, dict[str, str]]:
    def fill(writer: BundleWriter) -> None:
        with LabEndpoint(lab_organization) as endpoint:
            settings = ShellSettings(
                host=endpoint.host,
                port=endpoint.port,
                tls=False,
                authentication="ntlm",
                username=endpoint.credentials.username,
            )
            with ExchangeShell(settings, lambda: endpoint.credentials.password) as shell:
                source = LiveExchange(shell, None)
                collect_exchange(source, writer, PROVIDED, now=lambda: NOW, progress=silent)

    return read_back(tmp_path_factory.mktemp("shell") / "bundle", fill)


@pytest.fixture(scope="module")
def by_import(
    lab_organization: Organization, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Rows, dict[str, str]]:
    folder = tmp_path_factory.mktemp("import")
    write_exports(lab_organization, folder / "exports")
    return read_back(
        folder / "bundle",
        lambda writer: import_exports(
            [folder / "exports"], writer, now=lambda: NOW, progress=silent
        ),
    )


def test_only_accounts_and_holds_are_not_shared() -> None:
    exchange = {model.table for collector in EXCHANGE_COLLECTORS for model in collector.tables}
    assert set(PROVIDED) - exchange == set(DIRECTORY_ALONE)


@pytest.mark.parametrize("table", SHARED)
def test_ldap_the_shell_and_exports_give_the_same_rows(
    table: str,
    by_ldap: tuple[Rows, dict[str, str]],
    by_shell: tuple[Rows, dict[str, str]],
    by_import: tuple[Rows, dict[str, str]],
) -> None:
    assert by_import[0][table] == by_shell[0][table]
    left_empty = BY_DESIGN.get(table, {})
    expected = [
        {**normalised(row), **{c: None for c in left_empty if found[c] is None}}
        for row, found in zip(by_import[0][table], by_ldap[0][table], strict=True)
    ]
    assert [normalised(row) for row in by_ldap[0][table]] == expected
    assert expected or table == "onprem_cas_mailbox_blocked_device"
    assert (by_ldap[1][table], by_shell[1][table], by_import[1][table]) == ("complete",) * 3


def test_every_difference_by_design_is_one_and_is_declared(
    by_ldap: tuple[Rows, dict[str, str]], by_import: tuple[Rows, dict[str, str]]
) -> None:
    differing = {
        (table, column)
        for table in SHARED
        for found, row in zip(by_ldap[0][table], by_import[0][table], strict=True)
        for column in row
        if normalised(found)[column] != normalised(row)[column]
    }
    assert differing == {(table, column) for table in BY_DESIGN for column in BY_DESIGN[table]}
    declared = {
        tuple(said.partition(" of ")[0].split("."))
        for collector in DIRECTORY_COLLECTORS
        for said in collector.unsaid
    }
    assert declared == differing


def test_names_are_those_of_the_directory(by_ldap: tuple[Rows, dict[str, str]]) -> None:
    # `Lee, Ann` is one name, whatever way its comma is written
    shown = {own_name(row["distinguished_name"]) for row in by_ldap[0]["onprem_mailbox"]}
    assert {name for name in shown if "," in name}
    assert not {name for name in shown if "\\" in name}


def test_accounts_and_holds_are_those_of_the_organisation(
    lab_organization: Organization, by_ldap: tuple[Rows, dict[str, str]]
) -> None:
    rows, states = by_ldap
    assert {states[table] for table in DIRECTORY_ALONE} == {"complete"}
    still_here = {
        found.guid: account_of(lab_organization, found) for found in mailboxes(lab_organization)
    }
    moved = {found.guid: moved_account(found) for found in remote_mailboxes(lab_organization)}
    assert rows["onprem_directory_account"] == in_order(
        [account_row(guid, account) for guid, account in {**still_here, **moved}.items()],
        ("mailbox_guid",),
    )
    assert rows["onprem_mailbox_hold"] == in_order(
        [
            {
                "mailbox_guid": guid,
                "litigation_hold_enabled": account.litigation_hold,
                "in_place_holds": len(account.in_place_holds),
            }
            for guid, account in still_here.items()
        ],
        ("mailbox_guid",),
    )
    assert rows["onprem_mailbox_in_place_hold"] == in_order(
        [
            {"mailbox_guid": guid, "in_place_hold": hold}
            for guid, account in still_here.items()
            for hold in account.in_place_holds
        ],
        ("mailbox_guid", "in_place_hold"),
    )


def account_row(guid: str, account: Account) -> dict[str, Any]:
    expired = account.password_set is None
    expires = account.expires
    return {
        "mailbox_guid": guid,
        "account_enabled": account.enabled,
        "locked_out": False,
        "password_expired": expired,
        "change_password_at_logon": expired,
        "account_never_expires": expires is None,
        "account_expires": expires and expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "admin_count": account.admin_count or 0,
        "dacl_protected": account.inherits_nothing,
        "ms_ds_consistency_guid": account.consistency_guid or "",
        "target_address": account.target_address or "",
    }
