"""Real exports of Exchange servers, and one real answer over the wire."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from auditor.sources.clixml import FragmentReader, PsObject, PsValue, looks_like_clixml, read_file


def kind(value: PsValue) -> str:
    return value.kind if isinstance(value, PsObject) else type(value).__name__


def only(path: Path) -> PsObject:
    (value,) = read_file(path)
    assert isinstance(value, PsObject)
    return value


def test_every_real_file_gives_its_objects(samples: Path) -> None:
    folder = samples / "clixml"
    found = {
        path.relative_to(folder).as_posix(): dict(Counter(map(kind, read_file(path))))
        for path in sorted(folder.rglob("*.xml"))
    }
    assert found == {
        "E15/ExSetup.xml": {"FileVersionInfo": 1},
        "E15/GetAcceptedDomain.xml": {"AcceptedDomain": 3},
        "E15/GetAuthConfig.xml": {"AuthConfig": 1},
        "E15/GetExchangeAdSchemaClass_ms-Exch-Schema-Version-Pt.xml": {"SearchResult": 1},
        "E15/GetExchangeCertificate.xml": {"ExchangeCertificate": 3},
        "E15/GetExchangeServer.xml": {"ExchangeServer": 1},
        "E15/GetOrganizationConfig.xml": {"OrganizationConfig": 1},
        "E15/GetOwaVirtualDirectory.xml": {"ADOwaVirtualDirectory": 1},
        "E15/GetWebApplication.xml": {"ConfigurationElement#site#application": 28},
        "E15/GetWebServicesVirtualDirectory.xml": {"ADWebServicesVirtualDirectory": 1},
        "E16/ExSetup.xml": {"FileVersionInfo": 1},
        "E16/GetAcceptedDomain.xml": {"AcceptedDomain": 3},
        "E16/GetAuthConfig.xml": {"AuthConfig": 1},
        "E16/GetExchangeCertificate.xml": {"ExchangeCertificate": 3},
        "E16/GetExchangeServer.xml": {"ExchangeServer": 1},
        "E16/GetOrganizationConfig.xml": {"OrganizationConfig": 1},
        "E16/GetOwaVirtualDirectory.xml": {"ADOwaVirtualDirectory": 1},
        "E16/GetWebServicesVirtualDirectory.xml": {"ADWebServicesVirtualDirectory": 1},
        "auth-certificate/GetExchangeServer.xml": {"ExchangeServer": 2},
        "misc/E19CU11AdminDisplayVersion.xml": {"ServerVersion": 1},
        "wire/Get-Mailbox_PSRP_wire_Exchange2016_CU23.xml": {"Mailbox": 1},
    }


def test_every_real_file_is_recognised_by_its_start(samples: Path) -> None:
    paths = sorted((samples / "clixml").rglob("*.xml"))
    assert [path for path in paths if not looks_like_clixml(path.read_bytes()[:4096])] == []


def test_bags_from_the_management_shell_are_their_text(samples: Path) -> None:
    server = only(samples / "clixml" / "E16" / "GetExchangeServer.xml")
    assert {
        name: server[name] for name in ("Name", "AdminDisplayVersion", "ServerRole", "Site")
    } == {
        "AdminDisplayVersion": "Version 15.1 (Build 2375.7)",
        "Name": "SOLO-E16A",
        "ServerRole": "Mailbox",
        "Site": "Solo.local/Configuration/Sites/Default-First-Site-Name",
    }


def test_plain_texts_and_lists_from_the_wire(samples: Path) -> None:
    path = samples / "clixml" / "wire" / "Get-Mailbox_PSRP_wire_Exchange2016_CU23.xml"
    mailbox = FragmentReader("ex01").read(path.read_bytes())
    assert isinstance(mailbox, PsObject)
    assert {
        name: mailbox[name]
        for name in ("PrimarySmtpAddress", "EmailAddresses", "IssueWarningQuota", "IsValid")
    } == {
        "EmailAddresses": ["SMTP:Administrator@test.com"],
        "IsValid": True,
        "IssueWarningQuota": "Unlimited",
        "PrimarySmtpAddress": "Administrator@test.com",
    }
    assert mailbox == only(path)


def test_references_to_this_and_to_an_earlier_object_are_followed(samples: Path) -> None:
    domains = read_file(
        samples / "clixml" / "E15" / "GetAcceptedDomain.xml", wanted=("Id", "OrganizationId")
    )
    assert [dict(domain) for domain in domains if isinstance(domain, PsObject)] == [
        {"OrganizationId": "", "Id": "Solo.com"},
        {"OrganizationId": "", "Id": "Contoso Wild"},
        {"OrganizationId": "", "Id": "Wild .com"},
    ]
