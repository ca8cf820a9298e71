"""Readers who are not shown everything: what is hidden is never taken for empty."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from auditor.collectors.directory import (
    PROVIDED,
    TableCheck,
    check_directory,
    collect_directory,
)
from auditor.evidence.bundle import BundleWriter, Header
from auditor.evidence.ledger import LedgerLine
from auditor.lab import directory_names as names
from auditor.lab.directory_catalogue import (
    ACCOUNT_RESTRICTIONS,
    EXCHANGE_INFORMATION,
    EXCHANGE_PERSONAL_INFORMATION,
    GENERAL_INFORMATION,
)
from auditor.lab.directory_ldif import FULL_READER, Reader, directory_objects
from auditor.lab.directory_records import Record
from auditor.lab.organization import Organization, build
from auditor.lab.recipients import mailboxes
from auditor.sources.directory_forest import Forest
from tests.support import slapd
from tests.support.certificates import Certificates

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
HEADER = Header(
    format_version=1, kind="evidence", tool_version="test", title="", created_at=NOW, details={}
)
BLOCKED = "onprem_cas_mailbox_blocked_device"
DEVICES = "onprem_mobile_device"
ACCOUNTS, HOLDS = "onprem_directory_account", "onprem_mailbox_hold"
IN_PLACE_HOLDS = "onprem_mailbox_in_place_hold"
RECIPIENT_TABLES = {
    "onprem_mailbox",
    "onprem_mailbox_address",
    "onprem_cas_mailbox",
    "onprem_cas_mailbox_allowed_device",
    BLOCKED,
    "onprem_remote_mailbox",
    "onprem_remote_mailbox_address",
    ACCOUNTS,
    HOLDS,
    IN_PLACE_HOLDS,
}
PERSONAL = frozenset({EXCHANGE_PERSONAL_INFORMATION})


@dataclass(frozen=True)
class Read:
    """What one reader got, and what a check told in advance."""

    lines: dict[str, LedgerLine]
    checks: dict[str, TableCheck]

    @property
    def incomplete(self) -> dict[str, str]:
        """State of each table that is not complete."""
        return {t: line.state for t, line in self.lines.items() if line.state != "complete"}

    def commands(self, table: str) -> list[str]:
        return [grant.command("CONTOSO\\auditor") for grant in self.checks[table].grants]


Ask = Callable[[Iterable[Record]], Read]


@pytest.fixture
def ask(tmp_path: Path, lab_certificates: Certificates) -> Ask:
    """Serve these objects and read them."""
    if slapd.PROGRAM is None:
        pytest.skip(slapd.MISSING)
    count = iter(range(10))

    def run(records: Iterable[Record]) -> Read:
        folder = tmp_path / str(next(count))
        with served(records, folder, lab_certificates) as forest:
            with BundleWriter(folder / "bundle", HEADER) as writer:
                lines = collect_directory(
                    forest, writer, now=lambda: NOW, progress=lambda _name, _count: None
                )
            checks = check_directory(forest, now=lambda: NOW)
        return Read({line.table: line for line in lines}, {each.table: each for each in checks})

    return run


@contextmanager
def served(records: Iterable[Record], folder: Path, made: Certificates) -> Iterator[Forest]:
    password = slapd.build(folder / "slapd", records, made)
    with (
        slapd.running(folder / "slapd", password, made) as server,
        Forest(server.settings()) as forest,
    ):
        yield forest


def test_a_full_reader_misses_nothing(ask: Ask, lab_organization: Organization) -> None:
    read = ask(directory_objects(lab_organization))
    assert read.incomplete == {}
    assert {line.detail for line in read.lines.values()} == {""}
    assert [each.grants for each in read.checks.values()] == [()] * len(PROVIDED)


def test_without_personal_information_there_are_neither_blocked_devices_nor_none(
    ask: Ask, lab_organization: Organization
) -> None:
    read = ask(directory_objects(lab_organization, Reader(PERSONAL)))
    assert read.incomplete == dict.fromkeys((BLOCKED, DEVICES, IN_PLACE_HOLDS), "access_denied")
    assert read.lines[BLOCKED].rows == read.lines[DEVICES].rows == 0
    detail = read.lines[BLOCKED].detail
    assert "msExchMobileBlockedDeviceIDs, of the property set Exchange Personal Infor" in detail
    assert "CONTOSO\\auditor on 61 of 68 recipients" in detail
    expected = [
        'dsacls "DC=contoso,DC=com" /I:T /G "CONTOSO\\auditor:RP;Exchange Personal Information"',
        'dsacls "CN=AdminSDHolder,CN=System,DC=contoso,DC=com" /I:T /G '
        '"CONTOSO\\auditor:RP;Exchange Personal Information"',
    ]
    assert read.commands(DEVICES) == expected
    # some inherit nothing, and are not protected either
    one_by_one = expected[0].replace("DC=contoso,DC=com", without_inheritance(lab_organization))
    for table in (BLOCKED, HOLDS, IN_PLACE_HOLDS):
        assert [plain(each) for each in read.commands(table)] == [*expected, one_by_one]
    # what is hidden concerns the tables it is read for, and no others
    assert [read.commands(table) for table in ("onprem_mailbox", ACCOUNTS)] == [[], []]
    assert (read.lines["onprem_mailbox"].detail, read.lines[ACCOUNTS].detail) == ("", "")


def test_the_printed_grant_cures_it(ask: Ask, lab_organization: Organization) -> None:
    before = ask(directory_objects(lab_organization, Reader(PERSONAL)))
    granted = {grant.what_guid for grant in before.checks[BLOCKED].grants}
    after = ask(directory_objects(lab_organization, Reader(PERSONAL - granted)))
    assert after.incomplete == {}


def test_one_protected_account_is_enough_to_leave_the_list_open(
    ask: Ask, lab_organization: Organization
) -> None:
    read = ask(directory_objects(lab_organization, Reader(withheld_on_protected=PERSONAL)))
    # nobody whose account is protected has a phone
    assert read.incomplete == dict.fromkeys((BLOCKED, IN_PLACE_HOLDS), "access_denied")
    assert "on 2 of 68 recipients" in read.lines[BLOCKED].detail
    # rows that came are kept
    assert read.lines[BLOCKED].rows == 1
    assert read.lines[IN_PLACE_HOLDS].rows == 1


def test_accounts_of_which_one_set_is_hidden_are_rows_with_gaps(
    ask: Ask, lab_organization: Organization
) -> None:
    read = ask(directory_objects(lab_organization, Reader(frozenset({ACCOUNT_RESTRICTIONS}))))
    assert read.incomplete == {}
    detail = read.lines[ACCOUNTS].detail
    for name in ("accountExpires", "msDS-User-Account-Control-Computed", "pwdLastSet"):
        assert f"{name}, of the property set Account Restrictions, is not shown" in detail
    assert [plain(each) for each in read.commands(ACCOUNTS)] == [
        f'dsacls "{target}" /I:T /G "CONTOSO\\auditor:RP;Account Restrictions"'
        for target in (
            "DC=contoso,DC=com",
            "CN=AdminSDHolder,CN=System,DC=contoso,DC=com",
            without_inheritance(lab_organization),
        )
    ]
    assert read.commands(HOLDS) == read.commands("onprem_mailbox") == []


def without_inheritance(organization: Organization) -> str:
    """The account whose access list inherits nothing although it is not protected."""
    (found,) = (m for m in mailboxes(organization) if "inheritance_off" in m.planted)
    return names.recipient(found.common_name, found.organizational_unit)


def plain(command: str) -> str:
    """OpenLDAP writes `cn=Lee\\2C Ann` where Active Directory writes `CN=Lee\\, Ann`."""
    for own, usual in (("\\2C", "\\,"), ("cn=", "CN="), ("ou=", "OU="), ("dc=", "DC=")):
        command = command.replace(own, usual)
    return command


def test_a_reader_who_cannot_tell_what_a_recipient_is_gets_no_recipients(
    ask: Ask, lab_organization: Organization
) -> None:
    read = ask(directory_objects(lab_organization, Reader(frozenset({EXCHANGE_INFORMATION}))))
    assert read.incomplete == dict.fromkeys(RECIPIENT_TABLES, "access_denied")
    assert {read.lines[table].rows for table in RECIPIENT_TABLES} == {0}
    assert "68 of 68 recipients could not be read at all" in read.lines["onprem_mailbox"].detail
    assert read.commands("onprem_mailbox")[0].endswith('RP;Exchange Information"')


def test_a_hidden_column_stays_empty_and_is_told(ask: Ask, lab_organization: Organization) -> None:
    read = ask(directory_objects(lab_organization, Reader(frozenset({GENERAL_INFORMATION}))))
    assert read.incomplete == {}
    assert read.lines["onprem_mailbox"].detail.startswith(
        "sAMAccountName, of the property set General Information, is not shown"
    )
    assert read.commands("onprem_mailbox")[0].endswith('RP;General Information"')


def test_without_access_lists_only_a_visible_neighbour_proves_an_empty_value(
    ask: Ask, lab_organization: Organization
) -> None:
    records = directory_objects(lab_organization, Reader(access_lists=False))
    read = ask(record for record in records if not record.dn.startswith("CN=Alias from another"))
    # type and GUID of a mailbox vouch for the list of allowed devices; nothing for the blocked
    assert read.incomplete == dict.fromkeys((BLOCKED, IN_PLACE_HOLDS), "access_denied")
    assert read.commands(BLOCKED) == [
        'dsacls "DC=contoso,DC=com" /I:T /G "CONTOSO\\auditor:RP;Exchange Personal Information"',
        'dsacls "DC=contoso,DC=com" /I:T /G "CONTOSO\\auditor:RC"',
        'dsacls "CN=AdminSDHolder,CN=System,DC=contoso,DC=com" /I:T /G '
        '"CONTOSO\\auditor:RP;Exchange Personal Information"',
        'dsacls "CN=AdminSDHolder,CN=System,DC=contoso,DC=com" /I:T /G "CONTOSO\\auditor:RC"',
    ]


def test_without_access_lists_nothing_is_known_of_inheritance_or_of_marks_that_are_absent(
    ask: Ask, lab_organization: Organization
) -> None:
    records = directory_objects(lab_organization, Reader(access_lists=False))
    read = ask(record for record in records if not record.dn.startswith("CN=Alias from another"))
    detail = read.lines[ACCOUNTS].detail
    assert "nTSecurityDescriptor is not shown to CONTOSO\\auditor on 65 of 67 recipients" in detail
    assert "adminCount is not shown to CONTOSO\\auditor on 64 of 67 recipients" in detail
    assert 'dsacls "DC=contoso,DC=com" /I:T /G "CONTOSO\\auditor:RC"' in read.commands(ACCOUNTS)


def test_without_access_lists_an_account_with_nothing_but_an_alias_may_be_a_mailbox(
    ask: Ask, lab_organization: Organization
) -> None:
    read = ask(directory_objects(lab_organization, Reader(access_lists=False)))
    assert read.incomplete == dict.fromkeys(RECIPIENT_TABLES, "access_denied")
    assert "1 of 68 recipients could not be read at all" in read.lines["onprem_mailbox"].detail
    assert 'dsacls "DC=contoso,DC=com" /I:T /G "CONTOSO\\auditor:RC"' in (
        read.commands("onprem_mailbox")
    )


def without(records: Iterable[Record], *hidden: str) -> Iterator[Record]:
    """The records that do not lie at or below any of these names."""
    for record in records:
        if not any(record.dn == name or record.dn.endswith(f",{name}") for name in hidden):
            yield record


def test_devices_that_are_not_listed_are_hidden_when_a_mailbox_says_it_has_some(
    ask: Ask, lab_organization: Organization
) -> None:
    records = (
        record
        for record in directory_objects(lab_organization)
        if names.DEVICES_CONTAINER not in record.dn
    )
    read = ask(records)
    assert read.incomplete == {DEVICES: "access_denied"}
    assert "says it has some" in read.lines[DEVICES].detail


def test_an_organisation_without_hybrid_configuration_has_none(ask: Ask) -> None:
    read = ask(directory_objects(build(3, faults=("no_hybrid_configuration",))))
    assert read.incomplete == {}
    assert read.lines["onprem_hybrid_configuration"].rows == 0


def test_a_container_that_is_hidden_is_not_an_empty_one(
    ask: Ask, lab_organization: Organization
) -> None:
    # whoever may not list the organisation does not see that there is a container
    federation = f"CN=Federation,{names.EXCHANGE}"
    records = []
    for record in without(directory_objects(lab_organization), federation):
        if record.dn == names.EXCHANGE:
            del record.values["nTSecurityDescriptor"]
        records.append(record)
    read = ask(records)
    hidden = ("onprem_organization_relationship", "onprem_organization_relationship_domain")
    assert read.incomplete == dict.fromkeys(hidden, "access_denied")
    assert "may hide what lies below CN=Federation" in read.lines[hidden[0]].detail


def test_a_container_that_is_not_there_is_an_empty_one_for_who_may_list(
    ask: Ask, lab_organization: Organization
) -> None:
    connectors = f"CN=Intra Organization Connectors,{names.EXCHANGE}"
    read = ask(without(directory_objects(lab_organization), connectors))
    assert read.incomplete == {}
    assert read.lines["onprem_intra_organization_connector"].rows == 0


def test_what_every_organisation_has_is_not_taken_for_absent(
    ask: Ask, lab_organization: Organization
) -> None:
    servers = (
        record
        for record in directory_objects(lab_organization)
        if names.SERVERS not in record.dn or record.dn == names.SERVERS
    )
    read = ask(servers)
    assert read.incomplete == {
        "onprem_exchange_server": "unexpected_answer",
        "onprem_active_sync_virtual_directory": "unexpected_answer",
        "onprem_web_services_virtual_directory": "unexpected_answer",
    }
    assert "every Exchange organisation has some" in read.lines["onprem_exchange_server"].detail


def test_a_forest_without_exchange_is_told_apart_from_a_hidden_one(
    ask: Ask, lab_organization: Organization
) -> None:
    exchange = names.EXCHANGE.partition(",")[2]
    read = ask(without(directory_objects(lab_organization), exchange))
    assert set(read.incomplete.values()) == {"unsupported"}
    assert "a forest without an Exchange organisation" in read.lines["onprem_mailbox"].detail


def test_a_class_that_the_schema_does_not_know_is_unsupported(
    ask: Ask, lab_organization: Organization
) -> None:
    name = f"CN=msExchDeviceAccessRule-class,{names.SCHEMA}"
    read = ask(without(directory_objects(lab_organization), name))
    assert read.incomplete == {"onprem_device_access_rule": "unsupported"}
    assert "knows no class msExchDeviceAccessRule" in (
        read.lines["onprem_device_access_rule"].detail
    )


def test_an_attribute_that_the_schema_does_not_know_was_not_said(
    ask: Ask, lab_organization: Organization
) -> None:
    hidden = (
        f"CN=msExchMobileBlockedDeviceIDs,{names.SCHEMA}",
        f"CN=msExchDeviceFriendlyName,{names.SCHEMA}",
    )
    read = ask(without(directory_objects(lab_organization), *hidden))
    assert read.incomplete == {BLOCKED: "unsupported"}
    assert read.lines[DEVICES].detail == "This forest knows no attribute msExchDeviceFriendlyName."
    assert read.commands(BLOCKED) == []


def test_a_schema_that_is_hidden_leaves_everything_open(
    ask: Ask, lab_organization: Organization
) -> None:
    records = (
        record
        for record in directory_objects(lab_organization, FULL_READER)
        if not record.dn.endswith(f",{names.SCHEMA}")
    )
    read = ask(records)
    assert set(read.incomplete) == set(PROVIDED)
    assert set(read.incomplete.values()) == {"access_denied"}
