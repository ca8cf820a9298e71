"""Collectors over real exports of Exchange 2013 and 2016."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from auditor.evidence.base import Evidence
from auditor.evidence.ledger import LedgerLine
from auditor.evidence.organization import OnpremAcceptedDomain, OnpremOrganization
from auditor.evidence.recipients import OnpremMailbox, OnpremMailboxAddress
from auditor.evidence.servers import (
    OnpremExchangeBuild,
    OnpremExchangeCertificate,
    OnpremExchangeCertificateName,
    OnpremExchangeServer,
    OnpremWebServicesVirtualDirectory,
)
from auditor.evidence.tables import COLLECTED
from auditor.evidence.trust import OnpremAuthConfig

if TYPE_CHECKING:
    from tests.collectors.conftest import Import, Imported


@pytest.fixture
def e15(samples: Path, imported: Import) -> Imported:
    """The set of an Exchange 2013 server."""
    return imported(samples / "clixml" / "E15")


@pytest.fixture
def e16(samples: Path, imported: Import) -> Imported:
    """The set of an Exchange 2016 server."""
    return imported(samples / "clixml" / "E16")


def complete(ledger: dict[str, LedgerLine]) -> set[str]:
    return {table for table, line in ledger.items() if line.state == "complete"}


WHOLE_SET = {
    "onprem_organization",
    "onprem_accepted_domain",
    "onprem_auth_config",
    "onprem_exchange_server",
    "onprem_web_services_virtual_directory",
    "onprem_exchange_certificate",
    "onprem_exchange_certificate_name",
}


def test_each_set_completes_what_it_holds_and_nothing_else(e15: Imported, e16: Imported) -> None:
    assert [complete(e15.ledger), complete(e16.ledger)] == [WHOLE_SET, WHOLE_SET]


def test_files_that_no_table_needs_are_named(e15: Imported) -> None:
    assert e15.taken_for() == {
        "E15/ExSetup.xml": "Get-Command ExSetup.exe",
        "E15/GetAcceptedDomain.xml": "Get-AcceptedDomain",
        "E15/GetAuthConfig.xml": "Get-AuthConfig",
        "E15/GetExchangeAdSchemaClass_ms-Exch-Schema-Version-Pt.xml": "SearchResult: not needed",
        "E15/GetExchangeCertificate.xml": "Get-ExchangeCertificate",
        "E15/GetExchangeServer.xml": "Get-ExchangeServer",
        "E15/GetOrganizationConfig.xml": "Get-OrganizationConfig",
        "E15/GetOwaVirtualDirectory.xml": "ADOwaVirtualDirectory: not needed",
        "E15/GetWebApplication.xml": "ConfigurationElement#site#application: not needed",
        "E15/GetWebServicesVirtualDirectory.xml": "Get-WebServicesVirtualDirectory",
    }


def test_the_certificate_for_oauth(e15: Imported, e16: Imported) -> None:
    assert [each.rows["onprem_auth_config"] for each in (e15, e16)] == [
        [
            OnpremAuthConfig(
                guid=guid,
                current_certificate_thumbprint=thumbprint,
                next_certificate_thumbprint="",
                next_certificate_effective_date=None,
            )
        ]
        for guid, thumbprint in (
            ("74a2ffb6-3fc5-4dbe-95fe-82815784d07c", "AF776F9F2771D7097BFC9B1C6EC338F58593C387"),
            ("e8c08fab-be44-4163-bd8e-407eb4407be6", "92E196F3C8D3D753FCFC5B7690C3173AA1C0ABE3"),
        )
    ]


def test_a_setup_file_that_names_no_server_is_not_attributed_to_one(e16: Imported) -> None:
    state, rows, detail = e16.state(OnpremExchangeBuild)
    assert (state, rows) == ("unexpected_answer", 0)
    assert detail.startswith("FileVersionInfo without a server name in E16/ExSetup.xml, object 1")


def test_servers(e15: Imported, e16: Imported) -> None:
    assert e15.rows["onprem_exchange_server"] == [
        OnpremExchangeServer(
            guid="f3af41d4-2ed5-4213-8570-02ccdd0f612a",
            name="SOLO-E15A",
            server_key="solo-e15a",
            fqdn="Solo-E15A.Solo.net",
            admin_display_version="Version 15.0 (Build 1497.2)",
            product="Exchange Server 2013",
            server_role="Mailbox, ClientAccess",
            is_client_access_server=True,
            is_mailbox_server=True,
            is_edge_server=False,
            site="Solo.net/Configuration/Sites/Default-First-Site-Name",
        )
    ]
    assert e16.rows["onprem_exchange_server"] == [
        OnpremExchangeServer(
            guid="38142983-080a-4e34-90b6-401759c3f3e7",
            name="SOLO-E16A",
            server_key="solo-e16a",
            fqdn="Solo-E16A.Solo.local",
            admin_display_version="Version 15.1 (Build 2375.7)",
            product="Exchange Server 2016",
            server_role="Mailbox",
            is_client_access_server=True,
            is_mailbox_server=True,
            is_edge_server=False,
            site="Solo.local/Configuration/Sites/Default-First-Site-Name",
        )
    ]


def test_accepted_domains(e15: Imported, e16: Imported) -> None:
    domains: list[Evidence] = [
        OnpremAcceptedDomain(
            guid="49ef970b-7f97-475c-a415-91e2b7744875",
            name="Solo.com",
            domain_name="Solo.com",
            domain="solo.com",
            domain_type="Authoritative",
        ),
        OnpremAcceptedDomain(
            guid="a5570994-b409-4bc7-82ec-8f083d4e6eb6",
            name="Contoso Wild",
            domain_name="*.contoso.local",
            domain="*.contoso.local",
            domain_type="Authoritative",
        ),
        OnpremAcceptedDomain(
            guid="a1a018b4-01b3-41d4-8bb9-14a500c67688",
            name="Wild .com",
            domain_name="*.com",
            domain="*.com",
            domain_type="InternalRelay",
        ),
    ]
    assert e15.rows["onprem_accepted_domain"] == domains
    assert e16.rows["onprem_accepted_domain"] == domains


def test_organizations_of_2013_have_no_authentication_policy_those_of_2016_an_empty_one(
    e15: Imported, e16: Imported
) -> None:
    assert [*e15.rows["onprem_organization"], *e16.rows["onprem_organization"]] == [
        OnpremOrganization(
            guid=guid,
            name="SoloORG",
            oauth2_client_profile_enabled=False,
            default_authentication_policy=policy,
            aclable_synced_object_enabled=False,
        )
        for guid, policy in (
            ("8175546b-8747-4cb9-872c-9fdc59d4cb89", None),
            ("caa261bf-5660-4562-9848-1bdc78841a63", ""),
        )
    ]


def test_web_services_directories(e15: Imported, e16: Imported) -> None:
    found = [
        *e15.rows["onprem_web_services_virtual_directory"],
        *e16.rows["onprem_web_services_virtual_directory"],
    ]
    assert found == [
        OnpremWebServicesVirtualDirectory(
            guid=guid,
            identity=f"{server}\\EWS (Default Web Site)",
            server=server,
            server_key=server.lower(),
            internal_url=f"https://{server.lower()}.{domain}/EWS/Exchange.asmx",
            external_url="",
            external_url_host="",
            mrs_proxy_enabled=False,
            ws_security_authentication=True,
        )
        for guid, server, domain in (
            ("34edc2fc-87a3-41f7-a392-046a3a4c2c7f", "SOLO-E15A", "solo.net"),
            ("92ff2c9c-fbdd-4333-bb6c-37d0b20026bf", "SOLO-E16A", "solo.local"),
        )
    ]


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{text}Z")


def self_signed(
    server: str, name: str, thumbprint: str, not_before: str, not_after: str
) -> OnpremExchangeCertificate:
    return OnpremExchangeCertificate(
        server=server,
        server_key=server.partition(".")[0],
        thumbprint=thumbprint,
        subject=f"CN={name}",
        issuer=f"CN={name}",
        not_before=at(not_before),
        not_after=at(not_after),
        is_self_signed=True,
        iis_enabled=None,
        root_ca_type=None,
        status=None,
    )


AUTH = "Microsoft Exchange Server Auth Certificate"


def test_certificates_carry_the_thumbprints_and_dates_that_windows_printed(
    e15: Imported, e16: Imported
) -> None:
    old, new = "solo-e15a.solo.net", "solo-e16a.solo.local"
    auth_15 = "AF776F9F2771D7097BFC9B1C6EC338F58593C387"
    main_15 = "C2030B5E9C17EE267DB39624FB9A50664512DF0C"
    wmsvc_15 = "4986654E9D72F216E91FF3A7655CCC4B9D9CA853"
    auth_16 = "92E196F3C8D3D753FCFC5B7690C3173AA1C0ABE3"
    main_16 = "823884A32609DCDC8C4B5462952586C30D814073"
    wmsvc_16 = "A60C6E62FF85D208DF668D597A1B077E1534147F"
    assert e15.rows["onprem_exchange_certificate"] == [
        self_signed(old, AUTH, auth_15, "2021-06-08T15:50:45", "2026-05-13T15:50:45"),
        self_signed(old, "Solo-E15A", main_15, "2021-06-08T15:48:46", "2026-06-08T15:48:46"),
        self_signed(
            old, "WMSvc-WIN-H8L9UIMVM7K", wmsvc_15, "2021-06-08T14:40:01", "2031-06-06T14:40:01"
        ),
    ]
    assert e16.rows["onprem_exchange_certificate"] == [
        self_signed(new, AUTH, auth_16, "2018-11-24T00:34:03", "2023-10-29T00:34:03"),
        self_signed(new, "Solo-E16A", main_16, "2018-11-24T00:32:37", "2023-11-24T00:32:37"),
        self_signed(
            new, "WMSvc-WIN-9UC94ETVM30", wmsvc_16, "2018-11-23T23:22:56", "2028-11-20T23:22:56"
        ),
    ]
    names = [
        *e15.rows["onprem_exchange_certificate_name"],
        *e16.rows["onprem_exchange_certificate_name"],
    ]
    assert names == [
        OnpremExchangeCertificateName(server_key=server, thumbprint=thumbprint, name=name)
        for server, thumbprint, name in (
            ("solo-e15a", main_15, "solo-e15a"),
            ("solo-e15a", main_15, "solo-e15a.solo.net"),
            ("solo-e15a", wmsvc_15, "wmsvc-win-h8l9uimvm7k"),
            ("solo-e16a", main_16, "solo-e16a"),
            ("solo-e16a", main_16, "solo-e16a.solo.local"),
            ("solo-e16a", wmsvc_16, "wmsvc-win-9uc94etvm30"),
        )
    ]


def test_the_mailbox_of_the_wire_gives_the_rows_of_an_export(
    samples: Path, imported: Import
) -> None:
    wire = imported(samples / "clixml" / "wire")
    guid = "c07d2fbc-48f5-4a90-b7d7-5ec79d2844b4"
    assert wire.rows["onprem_mailbox"] == [
        OnpremMailbox(
            guid=guid,
            exchange_guid="9b9387fe-e1b1-4695-97bd-b0a0bebe7ce2",
            display_name="Administrator",
            distinguished_name="CN=Administrator,CN=Users,DC=test,DC=com",
            distinguished_name_key="cn=administrator,cn=users,dc=test,dc=com",
            primary_smtp_address="Administrator@test.com",
            primary_smtp_address_key="administrator@test.com",
            user_principal_name="Administrator@test.com",
            user_principal_name_key="administrator@test.com",
            sam_account_name="Administrator",
            recipient_type_details="UserMailbox",
            server_name="exchange02",
            server_key="exchange02",
            email_address_policy_enabled=True,
        )
    ]
    assert wire.rows["onprem_mailbox_address"] == [
        OnpremMailboxAddress(
            mailbox_guid=guid,
            prefix="smtp",
            address="Administrator@test.com",
            domain="test.com",
            is_primary=True,
        )
    ]


def test_two_servers_of_one_export(samples: Path, imported: Import) -> None:
    found = imported(samples / "clixml" / "auth-certificate").rows["onprem_exchange_server"]
    assert [(r.name, r.product) for r in found if isinstance(r, OnpremExchangeServer)] == [
        ("E2k16-1", "Exchange Server 2016"),
        ("E2k16-2", "Exchange Server 2016"),
    ]


def test_a_set_that_holds_nothing_of_use_leaves_every_table_open(
    samples: Path, imported: Import
) -> None:
    misc = imported(samples / "clixml" / "misc")
    assert misc.taken_for() == {"misc/E19CU11AdminDisplayVersion.xml": "ServerVersion: not needed"}
    assert {table: line.state for table, line in misc.ledger.items()} == {
        model.table: "not_requested" for model in COLLECTED
    }


def test_sets_of_several_organisations_together_complete_nothing(
    samples: Path, imported: Import
) -> None:
    every = imported(samples / "clixml")
    assert complete(every.ledger) == set()
    assert "LICENSES.md" in " ".join(every.taken_for())
    assert every.ledger["onprem_accepted_domain"].detail.startswith(
        "Exports of 2 Exchange organisations are mixed"
    )
