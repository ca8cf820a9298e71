"""Each collector over an answer in the shape of the Exchange Management Shell, as whole rows."""

from __future__ import annotations

import base64
import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from auditor.collectors import certificates, mobile, organization, recipients, servers
from auditor.collectors.contract import ExchangeCollector, Side
from auditor.collectors.directory_registry import DIRECTORY_COLLECTORS
from auditor.collectors.mobile import mailbox_of
from auditor.collectors.recognition import collector_of
from auditor.collectors.registry import ALL_COLLECTORS, EXCHANGE_COLLECTORS
from auditor.errors import UnexpectedAnswer
from auditor.evidence.base import Evidence
from auditor.evidence.organization import (
    OnpremAcceptedDomain,
    OnpremHybridConfiguration,
    OnpremHybridConfigurationDomain,
    OnpremHybridConfigurationFeature,
    OnpremOrganization,
    OnpremOrganizationRelationship,
    OnpremOrganizationRelationshipDomain,
    OnpremRemoteDomain,
)
from auditor.evidence.recipients import (
    OnpremActiveSyncSettings,
    OnpremCasMailbox,
    OnpremCasMailboxAllowedDevice,
    OnpremCasMailboxBlockedDevice,
    OnpremDeviceAccessRule,
    OnpremMailbox,
    OnpremMailboxAddress,
    OnpremMobileDevice,
    OnpremRemoteMailbox,
    OnpremRemoteMailboxAddress,
)
from auditor.evidence.servers import (
    OnpremActiveSyncVirtualDirectory,
    OnpremActiveSyncVirtualDirectoryAuthentication,
    OnpremExchangeBuild,
    OnpremExchangeCertificate,
    OnpremExchangeCertificateName,
    OnpremExchangeServer,
    OnpremWebServicesVirtualDirectory,
)
from auditor.evidence.tables import COLLECTED
from auditor.sources.clixml import PsObject
from tests.support.watched import Watched

Objects = Callable[[Path], list[PsObject]]
CERTIFICATE_TYPES = ("Microsoft.Exchange.Management.SystemConfigurationTasks.ExchangeCertificate",)


def _collector(found: PsObject) -> ExchangeCollector:
    collector = collector_of(found, Side.ON_PREMISES)
    assert collector is not None
    return collector


Rows = Callable[[str], list[Evidence]]


def tables_of(prefix: str) -> set[type[Evidence]]:
    return {model for model in COLLECTED if model.table.startswith(prefix)}


def test_every_table_of_exchange_has_exactly_one_collector_on_its_side() -> None:
    provided = Counter(model for each in ALL_COLLECTORS for model in each.tables)
    assert set(provided.values()) == {1}
    by_side = {
        side: {model for each in ALL_COLLECTORS if each.side is side for model in each.tables}
        for side in Side
    }
    read_from_the_directory = {model for each in DIRECTORY_COLLECTORS for model in each.tables}
    assert by_side[Side.ONLINE] == tables_of("exo_")
    assert by_side[Side.ON_PREMISES] | read_from_the_directory == tables_of("onprem_")


def test_no_two_collectors_of_a_side_claim_a_type_or_a_command() -> None:
    types = Counter((kind, each.side) for each in ALL_COLLECTORS for kind in each.types)
    cmdlets = Counter((cmdlet, each.side) for each in ALL_COLLECTORS for cmdlet in each.cmdlets)
    assert set((types | cmdlets).values()) == {1}


def test_collectors_only_run_commands_that_read() -> None:
    cmdlets = [cmdlet for each in ALL_COLLECTORS for cmdlet in each.cmdlets]
    assert [cmdlet for cmdlet in cmdlets if not cmdlet.startswith("Get-")] == []


def test_no_collector_filters() -> None:
    asked = {name for each in ALL_COLLECTORS for name in each.parameters}
    assert asked == {"ResultSize", "IgnoreDefaultScope"}


def without_utc_times(found: PsObject) -> PsObject:
    left = {name: value for name, value in found.items() if not name.endswith("UTC")}
    return PsObject(left, found.types)


@pytest.mark.parametrize("collector", EXCHANGE_COLLECTORS, ids=lambda each: each.cmdlets[0])
def test_a_collector_asks_for_exactly_the_properties_it_reads(
    collector: ExchangeCollector, payloads: Path, objects: Objects
) -> None:
    seen: set[str] = set()
    answers = [found for path in payloads.glob("*.xml") for found in objects(path)]
    answers.append(rehydrated(certificate("CN=ex01", []), "ex01"))
    answers += [without_utc_times(found) for found in answers]
    for found in answers:
        if collector_of(found, collector.side) is collector:
            list(collector.rows(Watched(found, seen)))
    assert seen == set(collector.properties)


@pytest.mark.parametrize("collector", EXCHANGE_COLLECTORS, ids=lambda each: each.cmdlets[0])
def test_the_main_row_comes_first_and_the_others_belong_to_the_tables_of_the_collector(
    collector: ExchangeCollector, payloads: Path, objects: Objects
) -> None:
    answers = [found for path in payloads.glob("*.xml") for found in objects(path)]
    for found in answers:
        if collector_of(found, collector.side) is collector:
            models = [type(row) for row in collector.rows(found)]
            assert models[0] is collector.tables[0]
            assert set(models[1:]) <= set(collector.tables[1:])


def test_servers(rows: Rows) -> None:
    assert rows("exchange_server.xml") == [
        OnpremExchangeServer(
            guid="0e1d6c5a-0000-4000-8000-000000000001",
            name="EX01",
            server_key="ex01",
            fqdn="EX01.contoso.com",
            admin_display_version="Version 15.2 (Build 1748.10)",
            product="Exchange Server 2019",
            server_role="Mailbox",
            is_client_access_server=True,
            is_mailbox_server=True,
            is_edge_server=False,
            site="contoso.com/Configuration/Sites/Berlin",
        ),
        OnpremExchangeServer(
            guid="0e1d6c5a-0000-4000-8000-000000000002",
            name="EX10",
            server_key="ex10",
            fqdn="EX10.contoso.com",
            admin_display_version="Version 14.3 (Build 123.4)",
            product="Exchange Server 2010",
            server_role="ClientAccess, HubTransport",
            is_client_access_server=True,
            is_mailbox_server=False,
            is_edge_server=False,
            site="contoso.com/Configuration/Sites/Lagos",
        ),
        OnpremExchangeServer(
            guid="0e1d6c5a-0000-4000-8000-000000000003",
            name="EDGE1",
            server_key="edge1",
            fqdn="EDGE1.contoso.com",
            admin_display_version="Version 15.2 (Build 1748.10)",
            product="Exchange Server 2019",
            server_role="Edge",
            is_client_access_server=False,
            is_mailbox_server=False,
            is_edge_server=True,
            site="",
        ),
    ]


def test_file_versions_belong_to_the_computer_that_remoting_names(rows: Rows) -> None:
    assert rows("exsetup.xml") == [
        OnpremExchangeBuild(
            server="ex01.contoso.com",
            server_key="ex01",
            file_version="15.02.1748.039",
            build_short="15.2.1748.39",
            build_number=150020174800039,
            refusal=None,
        ),
        OnpremExchangeBuild(
            server="ex10.contoso.com",
            server_key="ex10",
            file_version="14.03.0513.000",
            build_short="14.3.513.0",
            build_number=140030051300000,
            refusal=None,
        ),
    ]


def test_a_file_version_without_a_server_says_how_to_cure_it() -> None:
    found = PsObject({"FileName": "C:\\ExSetup.exe", "FileVersion": "15.02.1748.039"})
    with pytest.raises(UnexpectedAnswer, match=r"without a server name .* Invoke-Command"):
        list(servers.EXCHANGE_BUILD.rows(found))


def test_organization(rows: Rows) -> None:
    assert rows("organization_config.xml") == [
        OnpremOrganization(
            guid="0a000000-0000-4000-8000-000000000001",
            name="Contoso",
            oauth2_client_profile_enabled=True,
            default_authentication_policy="",
            aclable_synced_object_enabled=False,
        )
    ]


def test_an_organization_of_2010_does_not_say_what_came_later() -> None:
    found = PsObject({"Guid": "0a000000-0000-4000-8000-000000000001", "Name": "Contoso"})
    assert list(organization.ORGANIZATION.rows(found)) == [
        OnpremOrganization(
            guid="0a000000-0000-4000-8000-000000000001",
            name="Contoso",
            oauth2_client_profile_enabled=None,
            default_authentication_policy=None,
            aclable_synced_object_enabled=None,
        )
    ]


CHANGED = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)


def test_organization_relationships(rows: Rows) -> None:
    assert rows("organization_relationship.xml") == [
        OnpremOrganizationRelationship(
            guid="0b000000-0000-4000-8000-000000000001",
            name="On-premises to O365 - 5d2c",
            enabled=True,
            target_owa_url="https://outlook.office.com/mail",
            target_owa_url_host="outlook.office.com",
            mailbox_move_enabled=True,
            target_application_uri="outlook.com",
            target_autodiscover_epr=(
                "https://autodiscover-s.outlook.com/autodiscover/autodiscover.svc/WSSecurity"
            ),
            when_changed_utc=CHANGED,
        ),
        OnpremOrganizationRelationshipDomain(
            relationship_guid="0b000000-0000-4000-8000-000000000001",
            domain="contoso.mail.onmicrosoft.com",
        ),
        OnpremOrganizationRelationshipDomain(
            relationship_guid="0b000000-0000-4000-8000-000000000001", domain="contoso.com"
        ),
        OnpremOrganizationRelationship(
            guid="0b000000-0000-4000-8000-000000000002",
            name="Fabrikam",
            enabled=False,
            target_owa_url="",
            target_owa_url_host="",
            mailbox_move_enabled=True,
            target_application_uri="outlook.com",
            target_autodiscover_epr=(
                "https://autodiscover-s.outlook.com/autodiscover/autodiscover.svc/WSSecurity"
            ),
            when_changed_utc=CHANGED,
        ),
        OnpremOrganizationRelationshipDomain(
            relationship_guid="0b000000-0000-4000-8000-000000000002", domain="fabrikam.example"
        ),
    ]


def test_a_relationship_of_plain_strings_gives_the_same_rows_as_one_of_property_bags(
    rows: Rows,
) -> None:
    assert rows("organization_relationship_wire.xml") == [
        OnpremOrganizationRelationship(
            guid="0b000000-0000-4000-8000-000000000001",
            name="On-premises to O365 - 5d2c",
            enabled=True,
            target_owa_url="http://outlook.com/owa/contoso.com",
            target_owa_url_host="outlook.com",
            mailbox_move_enabled=True,
            target_application_uri="outlook.com",
            target_autodiscover_epr="",
            when_changed_utc=CHANGED,
        ),
        OnpremOrganizationRelationshipDomain(
            relationship_guid="0b000000-0000-4000-8000-000000000001",
            domain="contoso.mail.onmicrosoft.com",
        ),
    ]


def test_a_relationship_without_its_domains_is_not_one_with_none(objects: Objects) -> None:
    found = PsObject({"Guid": "0b000000-0000-4000-8000-000000000001", "Name": "x"})
    with pytest.raises(UnexpectedAnswer, match="DomainNames"):
        list(organization.ORGANIZATION_RELATIONSHIP.rows(found))


def test_the_local_time_of_a_change_serves_where_the_utc_twin_is_left_out() -> None:
    found = PsObject(
        {
            "Guid": "0b000000-0000-4000-8000-000000000001",
            "Name": "x",
            "DomainNames": [],
            "WhenChanged": "2026-03-01T10:30:00+01:00",
        }
    )
    (row,) = organization.ORGANIZATION_RELATIONSHIP.rows(found)
    assert isinstance(row, OnpremOrganizationRelationship)
    assert row.when_changed_utc == CHANGED


def test_hybrid_configuration(rows: Rows) -> None:
    guid = "0c000000-0000-4000-8000-000000000001"
    assert rows("hybrid_configuration.xml") == [
        OnpremHybridConfiguration(guid=guid, service_instance=0),
        OnpremHybridConfigurationFeature(hybrid_configuration_guid=guid, feature="FreeBusy"),
        OnpremHybridConfigurationFeature(hybrid_configuration_guid=guid, feature="MoveMailbox"),
        OnpremHybridConfigurationFeature(hybrid_configuration_guid=guid, feature="OwaRedirection"),
        OnpremHybridConfigurationDomain(hybrid_configuration_guid=guid, domain="contoso.com"),
        OnpremHybridConfigurationDomain(hybrid_configuration_guid=guid, domain="fabrikam.example"),
    ]


def test_accepted_domains(rows: Rows) -> None:
    assert rows("accepted_domain.xml") == [
        OnpremAcceptedDomain(
            guid="0d000000-0000-4000-8000-000000000001",
            name="contoso.com",
            domain_name="contoso.com",
            domain="contoso.com",
            domain_type="Authoritative",
        ),
        OnpremAcceptedDomain(
            guid="0d000000-0000-4000-8000-000000000002",
            name="Contoso.mail.onmicrosoft.com",
            domain_name="Contoso.mail.onmicrosoft.com",
            domain="contoso.mail.onmicrosoft.com",
            domain_type="InternalRelay",
        ),
    ]


def test_remote_domains(rows: Rows) -> None:
    assert rows("remote_domain.xml") == [
        OnpremRemoteDomain(
            guid="0d100000-0000-4000-8000-000000000001",
            name="Default",
            domain_name="*",
            domain="*",
            target_delivery_domain=False,
        ),
        OnpremRemoteDomain(
            guid="0d100000-0000-4000-8000-000000000002",
            name="Hybrid Domain",
            domain_name="Contoso.mail.onmicrosoft.com",
            domain="contoso.mail.onmicrosoft.com",
            target_delivery_domain=True,
        ),
    ]


def test_what_lives_in_iis_is_unknown_when_only_the_directory_was_read(rows: Rows) -> None:
    first, second = (f"0e000000-0000-4000-8000-00000000000{n}" for n in (1, 2))
    assert rows("active_sync_virtual_directory.xml") == [
        OnpremActiveSyncVirtualDirectory(
            guid=first,
            identity="EX01\\Microsoft-Server-ActiveSync (Default Web Site)",
            server="EX01",
            server_key="ex01",
            internal_url="https://ex01.contoso.com/x",
            external_url="https://Mail.contoso.com/Microsoft-Server-ActiveSync",
            external_url_host="mail.contoso.com",
            basic_auth_enabled=True,
            windows_auth_enabled=False,
            client_cert_auth="Ignore",
        ),
        OnpremActiveSyncVirtualDirectoryAuthentication(
            virtual_directory_guid=first, side="internal", method="Basic"
        ),
        OnpremActiveSyncVirtualDirectoryAuthentication(
            virtual_directory_guid=first, side="internal", method="OAuth"
        ),
        OnpremActiveSyncVirtualDirectoryAuthentication(
            virtual_directory_guid=first, side="external", method="Basic"
        ),
        OnpremActiveSyncVirtualDirectory(
            guid=second,
            identity="EX10\\Microsoft-Server-ActiveSync (Default Web Site)",
            server="EX10",
            server_key="ex10",
            internal_url="https://ex10.contoso.com/x",
            external_url="",
            external_url_host="",
            basic_auth_enabled=None,
            windows_auth_enabled=None,
            client_cert_auth=None,
        ),
    ]


def test_mrs_proxy_is_unknown_when_only_the_directory_was_read(rows: Rows) -> None:
    assert rows("web_services_virtual_directory.xml") == [
        OnpremWebServicesVirtualDirectory(
            guid="0e100000-0000-4000-8000-000000000001",
            identity="EX01\\EWS (Default Web Site)",
            server="EX01",
            server_key="ex01",
            internal_url="https://ex01.contoso.com/x",
            external_url="https://mail.contoso.com/EWS/Exchange.asmx",
            external_url_host="mail.contoso.com",
            mrs_proxy_enabled=True,
            ws_security_authentication=True,
        ),
        OnpremWebServicesVirtualDirectory(
            guid="0e100000-0000-4000-8000-000000000002",
            identity="EX10\\EWS (Default Web Site)",
            server="EX10",
            server_key="ex10",
            internal_url="https://ex10.contoso.com/x",
            external_url="",
            external_url_host="",
            mrs_proxy_enabled=None,
            ws_security_authentication=None,
        ),
    ]


def test_certificates_by_named_properties(rows: Rows) -> None:
    assert rows("exchange_certificate.xml") == [
        OnpremExchangeCertificate(
            server="EX01",
            server_key="ex01",
            thumbprint="A1" * 20,
            subject="CN=mail.contoso.com, O=Contoso, C=DE",
            issuer="CN=Example Issuing CA, O=Example Trust",
            not_before=dt.datetime(2026, 1, 10, tzinfo=dt.UTC),
            not_after=dt.datetime(2027, 1, 9, 23, 59, 59, tzinfo=dt.UTC),
            is_self_signed=False,
            iis_enabled=True,
            root_ca_type="ThirdParty",
            status="Valid",
        ),
        *(
            OnpremExchangeCertificateName(server_key="ex01", thumbprint="A1" * 20, name=name)
            for name in ("mail.contoso.com", "autodiscover.contoso.com", "*.contoso.com")
        ),
        OnpremExchangeCertificate(
            server="EX10",
            server_key="ex10",
            thumbprint="B2" * 20,
            subject="CN=EX10",
            issuer="CN=EX10",
            not_before=dt.datetime(2022, 5, 31, 23, tzinfo=dt.UTC),
            not_after=dt.datetime(2027, 5, 31, 23, tzinfo=dt.UTC),
            is_self_signed=True,
            iis_enabled=False,
            root_ca_type="None",
            status="Valid",
        ),
        *(
            OnpremExchangeCertificateName(server_key="ex10", thumbprint="B2" * 20, name=name)
            for name in ("ex10", "ex10.contoso.com")
        ),
    ]


def certificate(subject: str, names: list[str]) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name.from_rfc4514_string(subject)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2027, 1, 1, tzinfo=dt.UTC))
    )
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False
        )
    return builder.sign(key, hashes.SHA256())


def rehydrated(found: x509.Certificate, server: str) -> PsObject:
    der = found.public_bytes(serialization.Encoding.DER)
    return PsObject(
        {"RawData": base64.b64encode(der).decode(), "PSComputerName": server}, CERTIFICATE_TYPES
    )


def test_a_whole_certificate_is_decoded_and_what_exchange_said_of_it_stays_unknown() -> None:
    found = certificate("CN=mail.contoso.com,O=Contoso\\, Ltd,C=DE", ["Mail.contoso.com", "*.x.de"])
    thumbprint = found.fingerprint(hashes.SHA1()).hex().upper()
    read = list(certificates.EXCHANGE_CERTIFICATE.rows(rehydrated(found, "ex01.contoso.com")))
    assert read == [
        OnpremExchangeCertificate(
            server="ex01.contoso.com",
            server_key="ex01",
            thumbprint=thumbprint,
            subject="CN=mail.contoso.com, O=Contoso\\, Ltd, C=DE",
            issuer="CN=mail.contoso.com, O=Contoso\\, Ltd, C=DE",
            not_before=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
            not_after=dt.datetime(2027, 1, 1, tzinfo=dt.UTC),
            is_self_signed=True,
            iis_enabled=None,
            root_ca_type=None,
            status=None,
        ),
        OnpremExchangeCertificateName(
            server_key="ex01", thumbprint=thumbprint, name="mail.contoso.com"
        ),
        OnpremExchangeCertificateName(server_key="ex01", thumbprint=thumbprint, name="*.x.de"),
    ]


@pytest.mark.parametrize(
    ("subject", "names"),
    [
        ("CN=EX01", ["ex01"]),
        ("CN=Microsoft Exchange Server Auth Certificate", []),
        ("O=Contoso", []),
    ],
)
def test_a_common_name_counts_only_without_other_names_and_if_it_is_a_dns_name(
    subject: str, names: list[str]
) -> None:
    read = list(
        certificates.EXCHANGE_CERTIFICATE.rows(rehydrated(certificate(subject, []), "ex01"))
    )
    assert [r.name for r in read if isinstance(r, OnpremExchangeCertificateName)] == names


@pytest.mark.parametrize("raw", ["", "not base64!", "AAAA", None])
def test_a_certificate_that_cannot_be_decoded_is_an_unexpected_answer(raw: str | None) -> None:
    found = PsObject({"RawData": raw, "PSComputerName": "ex01"}, CERTIFICATE_TYPES)
    with pytest.raises(UnexpectedAnswer, match="RawData of ExchangeCertificate"):
        list(certificates.EXCHANGE_CERTIFICATE.rows(found))


@given(st.binary(max_size=200))
def test_no_bytes_make_the_certificate_reader_raise_anything_else(raw: bytes) -> None:
    found = PsObject(
        {"RawData": base64.b64encode(raw).decode(), "PSComputerName": "ex01"}, CERTIFICATE_TYPES
    )
    with pytest.raises(UnexpectedAnswer):
        list(certificates.EXCHANGE_CERTIFICATE.rows(found))


def test_active_sync_settings_and_rules(rows: Rows) -> None:
    assert rows("active_sync_organization_settings.xml") == [
        OnpremActiveSyncSettings(
            guid="0f000000-0000-4000-8000-000000000001", default_access_level="Quarantine"
        )
    ]
    assert rows("active_sync_device_access_rule.xml") == [
        OnpremDeviceAccessRule(
            guid="0f100000-0000-4000-8000-000000000001",
            name="iPhone (DeviceType)",
            characteristic="DeviceType",
            query_string="iPhone",
            access_level="Allow",
        )
    ]


ANN = "00000000-0000-4000-8000-0000000000a1"


def address(prefix: str, address: str, domain: str, is_primary: bool) -> OnpremMailboxAddress:
    return OnpremMailboxAddress(
        mailbox_guid=ANN, prefix=prefix, address=address, domain=domain, is_primary=is_primary
    )


def test_mailboxes(rows: Rows) -> None:
    assert rows("mailbox.xml") == [
        OnpremMailbox(
            guid=ANN,
            exchange_guid="11111111-0000-4000-8000-0000000000a1",
            display_name="Ann Lee",
            distinguished_name="CN=Lee\\, Ann,OU=Staff,DC=contoso,DC=com",
            distinguished_name_key="cn=lee\\, ann,ou=staff,dc=contoso,dc=com",
            primary_smtp_address="Ann@contoso.com",
            primary_smtp_address_key="ann@contoso.com",
            user_principal_name="Ann@contoso.com",
            user_principal_name_key="ann@contoso.com",
            sam_account_name="ann",
            recipient_type_details="UserMailbox",
            server_name="ex01",
            server_key="ex01",
            email_address_policy_enabled=True,
        ),
        address("smtp", "Ann@contoso.com", "contoso.com", True),
        address("smtp", "ann@contoso.mail.onmicrosoft.com", "contoso.mail.onmicrosoft.com", False),
        address("x500", "/o=Contoso/ou=Old/cn=ann", "", True),
        address("sip", "ann@contoso.com", "", True),
        OnpremMailbox(
            guid="00000000-0000-4000-8000-0000000000a2",
            exchange_guid="11111111-0000-4000-8000-0000000000a2",
            display_name="Müller <b>",
            distinguished_name="CN=Müller \\+ Söhne,OU=Staff,DC=contoso,DC=com",
            distinguished_name_key="cn=müller \\+ söhne,ou=staff,dc=contoso,dc=com",
            primary_smtp_address="m@contoso.com",
            primary_smtp_address_key="m@contoso.com",
            user_principal_name="m@contoso.local",
            user_principal_name_key="m@contoso.local",
            sam_account_name="m",
            recipient_type_details="SharedMailbox",
            server_name="ex10",
            server_key="ex10",
            email_address_policy_enabled=False,
        ),
        OnpremMailboxAddress(
            mailbox_guid="00000000-0000-4000-8000-0000000000a2",
            prefix="smtp",
            address="m@contoso.com",
            domain="contoso.com",
            is_primary=True,
        ),
    ]


def test_active_sync_settings_of_a_mailbox_name_each_device_once(rows: Rows) -> None:
    assert rows("cas_mailbox.xml") == [
        OnpremCasMailbox(
            mailbox_guid=ANN,
            primary_smtp_address="Ann@contoso.com",
            active_sync_enabled=True,
            has_active_sync_device_partnership=True,
            active_sync_mailbox_policy="Default",
            active_sync_mailbox_policy_is_defaulted=True,
        ),
        OnpremCasMailboxAllowedDevice(
            mailbox_guid=ANN, device_id="ApplC39", device_id_key="applc39"
        ),
        OnpremCasMailboxAllowedDevice(mailbox_guid=ANN, device_id="SEC1F2", device_id_key="sec1f2"),
        OnpremCasMailboxBlockedDevice(mailbox_guid=ANN, device_id="LOST1", device_id_key="lost1"),
    ]


def remote(guid: str, name: str, routing: tuple[str, str, str]) -> list[Evidence]:
    low = name.lower()
    return [
        OnpremRemoteMailbox(
            guid=guid,
            exchange_guid=guid.replace("00000000-", "11111111-", 1),
            display_name=name,
            distinguished_name=f"CN={name},OU=Staff,DC=contoso,DC=com",
            distinguished_name_key=f"cn={low},ou=staff,dc=contoso,dc=com",
            primary_smtp_address=f"{low}@contoso.com",
            primary_smtp_address_key=f"{low}@contoso.com",
            user_principal_name=f"{low}@contoso.com",
            user_principal_name_key=f"{low}@contoso.com",
            recipient_type_details="RemoteUserMailbox",
            routing_address_prefix=routing[0],
            remote_routing_address=routing[1],
            routing_domain=routing[2],
        ),
        OnpremRemoteMailboxAddress(
            mailbox_guid=guid,
            prefix="smtp",
            address=f"{low}@contoso.com",
            domain="contoso.com",
            is_primary=True,
        ),
    ]


def test_remote_mailboxes_with_and_without_a_routing_address(rows: Rows) -> None:
    routed = ("smtp", "Bo@Contoso.mail.onmicrosoft.com", "contoso.mail.onmicrosoft.com")
    assert rows("remote_mailbox.xml") == [
        *remote("00000000-0000-4000-8000-0000000000b1", "Bo", routed),
        *remote("00000000-0000-4000-8000-0000000000b2", "Cy", ("", "", "")),
    ]


@pytest.mark.parametrize(
    ("written", "routing"),
    [
        ("bo@contoso.mail.onmicrosoft.com", ("smtp", "contoso.mail.onmicrosoft.com")),
        ("X400:c=us;a= ;p=Contoso", ("x400", "")),
        ("", ("", "")),
    ],
)
def test_a_routing_address_comes_with_or_without_its_prefix(
    written: str, routing: tuple[str, str], payloads: Path, objects: Objects
) -> None:
    whole = objects(payloads / "remote_mailbox.xml")[0]
    found = PsObject({**whole, "RemoteRoutingAddress": written}, whole.types)
    row = next(recipients.REMOTE_MAILBOX.rows(found))
    assert isinstance(row, OnpremRemoteMailbox)
    assert (row.routing_address_prefix, row.routing_domain) == routing


def test_a_routing_address_that_was_not_exported_is_unknown(
    payloads: Path, objects: Objects
) -> None:
    whole = dict(objects(payloads / "remote_mailbox.xml")[0])
    del whole["RemoteRoutingAddress"]
    row = next(recipients.REMOTE_MAILBOX.rows(PsObject(whole)))
    assert isinstance(row, OnpremRemoteMailbox)
    assert (row.remote_routing_address, row.routing_address_prefix, row.routing_domain) == (
        None,
        None,
        None,
    )


def test_mobile_devices(rows: Rows) -> None:
    assert rows("mobile_device.xml") == [
        OnpremMobileDevice(
            guid="00000000-0000-4000-8000-0000000000d1",
            distinguished_name=(
                "CN=iPhone§ApplC39,CN=ExchangeActiveSyncDevices,"
                "CN=Lee\\, Ann,OU=Staff,DC=contoso,DC=com"
            ),
            mailbox_distinguished_name_key="cn=lee\\, ann,ou=staff,dc=contoso,dc=com",
            user_display_name="contoso.com/Staff/Lee\\, Ann",
            device_id="ApplC39",
            device_id_key="applc39",
            device_type="iPhone",
            device_model="iPhone15C3",
            device_os="iOS 18.1 22B83",
            device_user_agent="Apple-iPhone15C3/2202.83",
            friendly_name="",
            client_type="EAS",
            client_version="16.1",
            eas_version=161,
            device_access_state="Allowed",
            device_access_state_reason="Global",
            first_sync_time=dt.datetime(2025, 11, 3, 7, 15, 30, 123456, tzinfo=dt.UTC),
        )
    ]


def test_a_device_of_2010_names_its_version_differently_and_has_no_client_type(rows: Rows) -> None:
    (device,) = rows("active_sync_device.xml")
    assert isinstance(device, OnpremMobileDevice)
    assert (device.client_version, device.eas_version) == ("12.1", 121)
    assert (device.client_type, device.first_sync_time) == (None, None)
    assert device.device_user_agent == ""


def test_a_device_outside_a_mailbox_is_an_unexpected_answer(
    payloads: Path, objects: Objects
) -> None:
    whole = objects(payloads / "mobile_device.xml")[0]
    found = PsObject({**whole, "DistinguishedName": "CN=iPhone,OU=Staff,DC=contoso,DC=com"})
    with pytest.raises(UnexpectedAnswer, match="the container of a mailbox"):
        list(mobile.MOBILE_DEVICE.rows(found))


RDN = st.text(min_size=1, max_size=20).map(
    lambda name: "".join(f"\\{c}" if c in ',\\+"<>;=#' else c for c in name)
)


@given(RDN, RDN)
def test_whatever_a_mailbox_is_called_its_device_leads_back_to_it(device: str, name: str) -> None:
    mailbox = f"CN={name},OU=Staff,DC=contoso,DC=com"
    assert mailbox_of(f"CN={device},CN=ExchangeActiveSyncDevices,{mailbox}") == mailbox


@pytest.mark.parametrize(
    "name",
    [
        "",
        "CN=a,CN=b",
        "CN=a,CN=ExchangeActiveSyncDevices",
        "CN=a\\,CN=ExchangeActiveSyncDevices,CN=Ann,DC=contoso",
        "CN=x,CN=a,CN=ExchangeActiveSyncDevices,CN=Ann,DC=contoso",
    ],
)
def test_a_name_of_another_form_leads_nowhere(name: str) -> None:
    assert mailbox_of(name) is None


def _hostile() -> Iterator[str]:
    yield from ("<script>alert(1)</script>", "=cmd()|x", "'; Remove-Mailbox", "\u202egpj", "a\0b")


@pytest.mark.parametrize("name", list(_hostile()))
def test_hostile_names_pass_through_as_they_are(
    name: str, payloads: Path, objects: Objects
) -> None:
    whole = objects(payloads / "mailbox.xml")[0]
    row = next(recipients.MAILBOX.rows(PsObject({**whole, "DisplayName": name})))
    assert isinstance(row, OnpremMailbox)
    assert row.display_name == name
