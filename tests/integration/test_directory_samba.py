"""The collector against a real Active Directory domain controller: Samba.

TLS, binds, Kerberos, the schema, and what an account is shown as the rights of it change.
"""

from __future__ import annotations

import datetime as dt
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auditor.collectors.directory import PROVIDED, check_directory, collect_directory
from auditor.collectors.directory_grants import Grant
from auditor.collectors.directory_rights import guid_text, read_schema
from auditor.errors import AccessDenied, InputRefused, SourceUnreachable
from auditor.evidence.bundle import BundleWriter, Header
from auditor.evidence.ledger import LedgerLine
from auditor.lab import directory_names as names
from auditor.lab.answers import DIRECTORY_RULES, ExpectedRule, expected
from auditor.lab.directory_catalogue import BY_NAME, EXCHANGE_INFORMATION
from auditor.lab.directory_ldif import active_directory_objects
from auditor.lab.organization import Organization
from auditor.lab.recipients import mailboxes
from auditor.live_sources import LiveSources
from auditor.sources.directory import Directory
from auditor.sources.directory_connection import DirectorySettings
from auditor.sources.directory_forest import Domain, Forest
from auditor.verdicts import Verdict
from tests.support import samba_controller as samba
from tests.support.certificates import certificates
from tests.support.verdicts import judged

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
HEADER = Header(
    format_version=1, kind="evidence", tool_version="test", title="", created_at=NOW, details={}
)
BLOCKED = "onprem_cas_mailbox_blocked_device"
DEVICES = "onprem_mobile_device"
COMPATIBLE = "CN=Pre-Windows 2000 Compatible Access,CN=Builtin,DC=contoso,DC=com"
AUTHENTICATED = "CN=S-1-5-11,CN=ForeignSecurityPrincipals,DC=contoso,DC=com"
ADMINISTRATOR = "administrator@contoso.com"


@pytest.fixture(scope="module")
def controller(
    tmp_path_factory: pytest.TempPathFactory, lab_organization: Organization
) -> Iterator[samba.Samba]:
    if reason := samba.missing():
        pytest.skip(reason)
    with samba.running(tmp_path_factory.mktemp("samba"), lab_organization) as running:
        yield running


def collected(settings: DirectorySettings, folder: Path) -> dict[str, LedgerLine]:
    with Forest(settings) as forest, BundleWriter(folder, HEADER) as writer:
        lines = collect_directory(
            forest, writer, now=lambda: NOW, progress=lambda _name, _count: None
        )
    return {line.table: line for line in lines}


def incomplete(lines: dict[str, LedgerLine]) -> dict[str, str]:
    return {table: line.state for table, line in lines.items() if line.state != "complete"}


def counts(lines: dict[str, LedgerLine]) -> dict[str, int]:
    return {table: line.rows for table, line in lines.items()}


def test_an_administrator_reads_every_table(
    controller: samba.Samba, tmp_path: Path, lab_organization: Organization
) -> None:
    lines = collected(controller.settings(ADMINISTRATOR), tmp_path / "bundle")
    assert incomplete(lines) == {}
    found = counts(lines)
    assert found["onprem_mailbox"] == lab_organization.mailbox_count + 1
    assert found["onprem_remote_mailbox"] == lab_organization.remote_mailbox_count
    # the kinds of devices in the configuration are of the same class, and are no devices
    devices = sum(
        record.values["objectClass"] == ["top", "msExchActiveSyncDevice"]
        and names.EXCHANGE not in record.dn
        for record in active_directory_objects(lab_organization)
    )
    assert found[DEVICES] == devices


@pytest.mark.parametrize("encryption", ["ldaps", "starttls"])
def test_every_object_comes_over_either_kind_of_tls(
    controller: samba.Samba, encryption: Any
) -> None:
    settings = controller.settings(ADMINISTRATOR, encryption=encryption, page_size=20)
    with Directory(settings) as directory:
        found = list(directory.search(names.BASE, "(mailNickname=*)", ["objectGUID", "cn"]))
    assert len(found) == 68
    assert {len(each.attributes["objectGUID"][0]) for each in found} == {16}


def test_both_decoders_read_the_same(controller: samba.Samba) -> None:
    read = []
    for own in (True, False):
        settings = controller.settings(ADMINISTRATOR, own_decoder=own, page_size=30)
        with Directory(settings) as directory:
            found = directory.search(
                names.BASE, "(objectClass=*)", ["*"], security_descriptors=True
            )
            read.append({each.dn: dict(each.attributes) for each in found})
    assert read[0] == read[1]
    assert len(read[0]) > 400


def test_distinguished_names_carry_their_section_sign(controller: samba.Samba) -> None:
    with Directory(controller.settings(ADMINISTRATOR)) as directory:
        found = directory.search(names.BASE, "(objectClass=msExchActiveSyncDevice)", ["cn"])
        assert {each.dn.count("§") for each in found} == {1}


def test_an_untrusted_certificate_ends_it_before_the_password(
    controller: samba.Samba, tmp_path: Path
) -> None:
    other = certificates(tmp_path, "localhost")
    with pytest.raises(SourceUnreachable, match="is not trusted"):
        Directory(controller.settings(ca_file=other.authority))


def test_a_wrong_password_is_refused_with_its_reason(controller: samba.Samba) -> None:
    with pytest.raises(AccessDenied, match="the password is wrong, or the account is not known"):
        Directory(controller.settings(password="wrong"))


def test_an_expired_password_is_refused_with_its_reason(controller: samba.Samba) -> None:
    account = f"CN={samba.ACCOUNT},CN=Users,{names.BASE}"
    change = f"dn: {account}\nchangetype: modify\nreplace: pwdLastSet\npwdLastSet: "
    controller.change(f"{change}0\n")
    try:
        with pytest.raises(AccessDenied, match=r"password (has expired|must be changed)"):
            Directory(controller.settings())
    finally:
        controller.change(f"{change}-1\n")


def test_the_global_catalog_is_refused_since_it_lacks_values(controller: samba.Samba) -> None:
    with pytest.raises(InputRefused, match="is the global catalog"):
        Directory(controller.settings(port=3269))


def test_the_schema_tells_property_sets_and_what_it_does_not_know(
    controller: samba.Samba,
) -> None:
    asked = ("msExchMobileBlockedDeviceIDs", "mailNickname", "msExchNotThere")
    with Directory(controller.settings()) as directory:
        schema = read_schema(directory, asked, ("msExchActiveSyncDevice", "msExchNoClass"))
    assert set(schema.attributes) == {"msExchMobileBlockedDeviceIDs", "mailNickname", "cn"}
    assert set(schema.classes) == {"msExchActiveSyncDevice"}
    assert {name: guid_text(schema.attributes[name].property_set) for name in asked[:2]} == {
        name: BY_NAME[name].property_set for name in asked[:2]
    }


def test_the_forest_lists_its_domain(controller: samba.Samba) -> None:
    with Forest(controller.settings()) as forest:
        assert list(forest.domains) == [Domain(names.BASE, "contoso.com", "CONTOSO")]
        assert forest.directory_of(forest.domains[0]) is forest.configuration


class TestKerberos:
    @pytest.fixture
    def environment(
        self, controller: samba.Samba, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> dict[str, str]:
        pytest.importorskip("gssapi", reason="pip install '.[kerberos]' brings gssapi")
        found = controller.kerberos(tmp_path)
        for name, value in found.items():
            monkeypatch.setenv(name, value)
        # a ticket is for a name, and no name server knows this one
        original = socket.getaddrinfo

        def resolved(host: Any, *arguments: Any, **named: Any) -> Any:
            known = samba.ADDRESS if host == samba.HOST else host
            return original(known, *arguments, **named)

        monkeypatch.setattr(socket, "getaddrinfo", resolved)
        return found

    def settings(self, controller: samba.Samba) -> DirectorySettings:
        return controller.settings(
            account="", host=samba.HOST, password="", authentication="kerberos"
        )

    def test_a_ticket_signs_in_without_a_password(
        self, controller: samba.Samba, environment: dict[str, str]
    ) -> None:
        controller.ticket(environment)
        with Directory(self.settings(controller)) as directory:
            found = list(directory.search(names.BASE, "(mailNickname=*)", ["cn"]))
            assert directory.root_dse.token_groups
        assert len(found) == 68

    def test_a_ticket_without_tls_is_refused_by_a_hardened_controller(
        self, controller: samba.Samba, environment: dict[str, str]
    ) -> None:
        controller.ticket(environment)
        with pytest.raises(AccessDenied, match="use LDAPS or StartTLS"):
            Directory(replace(self.settings(controller), encryption="none"))

    @pytest.mark.usefixtures("environment")
    def test_without_a_ticket_it_says_how_to_get_one(self, controller: samba.Samba) -> None:
        with pytest.raises(AccessDenied, match="sign in with kinit"):
            Directory(self.settings(controller))


@pytest.fixture
def hardened(controller: samba.Samba) -> Iterator[samba.Samba]:
    """The group through which everybody reads nearly everything has nobody in it."""
    change = f"dn: {COMPATIBLE}\nchangetype: modify\n{{}}: member\nmember: {AUTHENTICATED}\n"
    controller.change(change.format("delete"))
    yield controller
    controller.change(change.format("add"))


def found_by(
    settings: DirectorySettings, organization: Organization, folder: Path
) -> dict[str, ExpectedRule]:
    """Verdicts of what the directory alone says."""
    with Forest(settings) as forest:
        found = judged(LiveSources(None, forest), organization, folder)
    return {rule: found[rule] for rule in (*DIRECTORY_RULES, "MBX-BLOCK-IDS")}


def granted_by(settings: DirectorySettings) -> list[Grant]:
    """What a check prints."""
    with Forest(settings) as forest:
        checks = check_directory(forest, now=lambda: NOW)
    return list(dict.fromkeys(grant for each in checks for grant in each.grants))


def test_what_is_hidden_gets_no_verdict_and_the_printed_grants_bring_the_right_one(
    hardened: samba.Samba, tmp_path: Path, lab_organization: Organization
) -> None:
    answers = expected(lab_organization, with_directory=True)
    everything = {rule: answers[rule] for rule in (*DIRECTORY_RULES, "MBX-BLOCK-IDS")}
    ordinary, administrator = hardened.settings(), hardened.settings(ADMINISTRATOR)
    assert found_by(administrator, lab_organization, tmp_path / "all") == everything
    # success every time, and not one value: neither "no blocked devices" nor "no mailboxes"
    blind = collected(ordinary, tmp_path / "blind")
    states = incomplete(blind)
    assert states[BLOCKED] == states[DEVICES] == states["onprem_mailbox"] == "access_denied"
    assert blind[DEVICES].rows == 0
    assert found_by(ordinary, lab_organization, tmp_path / "judged blind") == dict.fromkeys(
        everything, ExpectedRule(Verdict.NOT_ASSESSED, frozenset(), frozenset({"*"}))
    )
    # with what Exchange itself lets everybody read there are mailboxes, but of nobody is it known
    # whether the account is enabled, or what is held
    hardened.grant(Grant(names.BASE, "RP", "Exchange Information", EXCHANGE_INFORMATION))
    half = found_by(ordinary, lab_organization, tmp_path / "half")
    people = {
        m.guid for m in mailboxes(lab_organization) if m.recipient_type_details == "UserMailbox"
    }
    assert half["MBX-ACCOUNT-STATE"] == ExpectedRule(
        Verdict.NOT_ASSESSED, frozenset(), frozenset(people)
    )
    assert half["MBX-HOLD"].verdict is half["MBX-BLOCK-IDS"].verdict is Verdict.NOT_ASSESSED
    assert half["MBX-HOLD"].failing == half["MBX-BLOCK-IDS"].failing == frozenset()
    grants = granted_by(ordinary)
    for grant in grants:
        hardened.grant(grant)
    assert found_by(ordinary, lab_organization, tmp_path / "granted") == everything
    after = collected(ordinary, tmp_path / "after")
    assert incomplete(after) == {}
    assert counts(after) == counts(collected(administrator, tmp_path / "administrator"))
    assert set(after) == set(PROVIDED)
    commands = {grant.command("CONTOSO\\auditor") for grant in grants}
    (alone,) = (m for m in mailboxes(lab_organization) if "inheritance_off" in m.planted)
    for target in (names.BASE, names.recipient(alone.common_name, alone.organizational_unit)):
        assert commands >= {
            f'dsacls "{target}" /I:T /G "CONTOSO\\auditor:RP;Exchange Personal Information"',
            f'dsacls "{target}" /I:T /G "CONTOSO\\auditor:RP;Account Restrictions"',
        }
    assert (
        f'dsacls "{names.BASE}" /I:S /G "CONTOSO\\auditor:GR;;msExchActiveSyncDevice"' in commands
    )
