"""Objects of the configuration container, and the skeleton of the domain that holds recipients."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from auditor.lab import directory_names as names
from auditor.lab.directory_catalogue import (
    EXCHANGE_INFORMATION,
    EXCHANGE_PERSONAL_INFORMATION,
    PROPERTY_SETS,
)
from auditor.lab.directory_policies import policies
from auditor.lab.directory_records import Record, Values, node
from auditor.lab.directory_schema import schema_objects
from auditor.lab.draws import guid
from auditor.lab.organization import ROUTING_DOMAIN, Organization
from auditor.lab.parts import Server
from auditor.lab.type_names import INTRA_ORGANIZATION_CONNECTOR

ACCESS_LEVELS = ("Allow", "Block", "Quarantine")
"""Levels of rules and of the organisation count from 0, states of devices do not."""

HYBRID_FEATURES = {
    "FreeBusy": 1,
    "MoveMailbox": 2,
    "Mailtips": 4,
    "MessageTracking": 8,
    "OwaRedirection": 16,
    "OnlineArchive": 32,
    "SecureMail": 64,
    "CentralizedTransport": 128,
    "Photos": 512,
}
MAILBOX_MOVE = "MSExchange.MailboxMove"
FREE_BUSY = "MSExchange.SharingCalendarFreeBusyEnabled"
BUILD_OFFSET = 30_000
_DEVICE_TYPE = 0
_READ_AND_WRITE_PROPERTY = 0x30
_SYSTEM_FLAGS_OF_A_DOMAIN = 3


def configuration_objects(organization: Organization) -> Iterator[Record]:
    """The skeleton, the schema, the forest, and the Exchange organisation."""
    yield Record(names.BASE, {"objectClass": ["top", "domain", "adObject"], "dc": "contoso"})
    yield from skeleton(organization)
    yield node(names.CONFIGURATION, "container")
    yield node(names.SCHEMA, "container")
    yield from schema_objects(names.SCHEMA)
    yield from _forest(organization)
    yield node(f"CN=Services,{names.CONFIGURATION}", "container")
    yield from exchange_objects(organization)


def skeleton(organization: Organization) -> Iterator[Record]:
    """Containers of the domain that recipients lie in."""
    yield node(f"CN=Users,{names.BASE}", "container")
    yield from organizational_units(organization)


def organizational_units(organization: Organization) -> Iterator[Record]:
    """The units that recipients lie in, one for each site."""
    sites = dict.fromkeys(server.site.name for server in organization.servers)
    for unit in (f"OU=Contoso,{names.BASE}", *(f"OU={s},OU=Contoso,{names.BASE}" for s in sites)):
        found = node(unit, "organizationalUnit")
        found.values["objectClass"] = ["top", "organizationalUnit", "adObject"]
        yield found


def _forest(organization: Organization) -> Iterator[Record]:
    partitions = f"CN=Partitions,{names.CONFIGURATION}"
    yield node(partitions, "crossRefContainer")
    yield node(
        f"CN=CONTOSO,{partitions}",
        "crossRef",
        {
            "nCName": names.BASE,
            "dnsRoot": ["contoso.com"],
            "nETBIOSName": "CONTOSO",
            "systemFlags": _SYSTEM_FLAGS_OF_A_DOMAIN,
        },
    )
    yield node(
        f"CN=Enterprise Configuration,{partitions}",
        "crossRef",
        {"nCName": names.CONFIGURATION, "dnsRoot": ["contoso.com"], "systemFlags": 1},
    )
    sites = f"CN=Sites,{names.CONFIGURATION}"
    yield node(sites, "sitesContainer")
    for site in dict.fromkeys(server.site.name for server in organization.servers):
        yield node(f"CN={site},{sites}", "site")
        yield node(f"CN=Servers,CN={site},{sites}", "serversContainer")
    controller = f"CN=DC01,CN=Servers,CN=Zurich,{sites}"
    yield node(controller, "server", {"dNSHostName": names.DOMAIN_CONTROLLER})
    yield node(f"CN=NTDS Settings,{controller}", "nTDSDSA", {"hasMasterNCs": [names.BASE]})
    rights = f"CN=Extended-Rights,{names.CONFIGURATION}"
    yield node(rights, "container")
    for rights_guid in PROPERTY_SETS:
        yield _property_set(rights_guid)


def property_sets_of_exchange() -> Iterator[Record]:
    """The two that Exchange adds, for a directory that has the others."""
    for rights_guid in (EXCHANGE_INFORMATION, EXCHANGE_PERSONAL_INFORMATION):
        found = _property_set(rights_guid)
        found.values["validAccesses"] = _READ_AND_WRITE_PROPERTY
        yield found


def _property_set(rights_guid: str) -> Record:
    common_name, shown = PROPERTY_SETS[rights_guid]
    return node(
        f"CN={common_name},CN=Extended-Rights,{names.CONFIGURATION}",
        "controlAccessRight",
        {"rightsGuid": rights_guid, "displayName": shown},
    )


def exchange_objects(organization: Organization) -> Iterator[Record]:
    """All below `CN=Microsoft Exchange`, that container included."""
    exchange = names.EXCHANGE
    yield node(exchange.partition(",")[2], "msExchConfigurationContainer")
    yield node(
        exchange,
        "msExchOrganizationContainer",
        {"objectGUID": uuid.UUID(organization.guid).bytes_le, "whenChanged": organization.now},
    )
    groups, _, group = names.SERVERS.partition(",")[2].partition(",")
    yield node(group, "msExchAdminGroupContainer")
    yield node(f"{groups},{group}", "msExchAdminGroup")
    yield node(names.SERVERS, "msExchServersContainer")
    yield node(names.DATABASES, "msExchMDBContainer")
    for code in dict.fromkeys(server.site.code for server in organization.servers):
        for number in range(1, 9):
            yield node(f"CN={code}-DB{number:02},{names.DATABASES}", "msExchPrivateMDB")
    for server in organization.servers:
        yield from _server(organization, server)
    yield from _relationships(organization)
    yield from _connectors(organization)
    yield from _hybrid_configuration(organization)
    yield from _accepted_domains(organization)
    yield from policies(organization)
    yield from _mobile(organization)


def _server(organization: Organization, found: Server) -> Iterator[Record]:
    name = f"CN={found.name},{names.SERVERS}"
    version, _, build = found.product.display_version.partition("(Build ")
    number, _, revision = build.rstrip(")").partition(".")
    yield node(
        name,
        "msExchExchangeServer",
        {
            "objectGUID": uuid.UUID(found.guid).bytes_le,
            "serialNumber": [f"{version}(Build {int(number) + BUILD_OFFSET}.{revision})"],
            "networkAddress": [
                f"netbios:{found.name}",
                f"ncacn_ip_tcp:{found.fqdn}",
                f"ncacn_vns_spp:{found.name}",
            ],
            "msExchCurrentServerRoles": found.product.role_number,
            "msExchServerSite": f"CN={found.site.name},CN=Sites,{names.CONFIGURATION}",
        },
    )
    protocols = f"CN=Protocols,{name}"
    http = f"CN=HTTP,{protocols}"
    yield node(protocols, "msExchProtocolCfgSharedContainer")
    yield node(http, "msExchProtocolCfgHTTPContainer")
    inside = f"https://{found.fqdn.lower()}"
    for directory in organization.active_sync_directories:
        if directory.server == found:
            urls: Values = {"msExchInternalHostName": f"{inside}/Microsoft-Server-ActiveSync"}
            if directory.external_url:
                urls["msExchExternalHostName"] = directory.external_url
            yield node(
                f"CN=Microsoft-Server-ActiveSync (Default Web Site),{http}",
                "msExchMobileVirtualDirectory",
                {"objectGUID": uuid.UUID(directory.guid).bytes_le, **urls},
            )
    for services in organization.web_services_directories:
        if services.server == found:
            urls = {"msExchInternalHostName": f"{inside}/EWS/Exchange.asmx"}
            if services.external_url:
                urls["msExchExternalHostName"] = services.external_url
            yield node(
                f"CN=EWS (Default Web Site),{http}",
                "msExchWebServicesVirtualDirectory",
                {"objectGUID": uuid.UUID(services.guid).bytes_le, **urls},
            )


def _relationships(organization: Organization) -> Iterator[Record]:
    federation = f"CN=Federation,{names.EXCHANGE}"
    yield node(federation, "msExchFedOrgId")
    for found in organization.relationships:
        values: Values = {
            "objectGUID": uuid.UUID(found.guid).bytes_le,
            "msExchFedDomainNames": list(found.domain_names),
            "msExchFedEnabledActions": [
                FREE_BUSY,
                *([MAILBOX_MOVE] if found.mailbox_move_enabled else []),
            ],
            "msExchFedIsEnabled": found.enabled,
            "msExchFedTargetApplicationURI": found.target_application_uri,
            "whenChanged": found.when_changed,
        }
        if found.target_autodiscover_epr:
            values["msExchFedTargetAutodiscoverEPR"] = found.target_autodiscover_epr
        if found.target_owa_url:
            values["msExchFedTargetOwaURL"] = found.target_owa_url
        yield node(f"CN={found.name},{federation}", "msExchFedSharingRelationship", values)


def _connectors(organization: Organization) -> Iterator[Record]:
    container = f"CN=Intra Organization Connectors,{names.EXCHANGE}"
    yield node(container, "msExchContainer")
    label = f"HybridIOC - {organization.guid}"
    made = guid(organization.seed, INTRA_ORGANIZATION_CONNECTOR[0], label)
    yield node(
        f"CN={label},{container}",
        "msExchIntraOrganizationConnector",
        {
            "objectGUID": uuid.UUID(made).bytes_le,
            "msExchFedDomainNames": [ROUTING_DOMAIN],
            "msExchFedIsEnabled": True,
            "msExchFedTargetAutodiscoverEPR": "https://autodiscover-s.outlook.com/autodiscover",
        },
    )


def _hybrid_configuration(organization: Organization) -> Iterator[Record]:
    container = f"CN=Hybrid Configuration,{names.EXCHANGE}"
    yield node(container, "msExchContainer")
    found = organization.hybrid_configuration
    if found is not None:
        yield node(
            f"CN=Hybrid Configuration,{container}",
            "msExchCoexistenceRelationship",
            {
                "objectGUID": uuid.UUID(found.guid).bytes_le,
                "msExchCoexistenceFeatureFlags": sum(HYBRID_FEATURES[f] for f in found.features),
                "msExchCoexistenceDomains": list(found.domains),
            },
        )


def _accepted_domains(organization: Organization) -> Iterator[Record]:
    settings = f"CN=Transport Settings,{names.EXCHANGE}"
    container = f"CN=Accepted Domains,{settings}"
    yield node(settings, "msExchTransportSettings")
    yield node(container, "msExchContainer")
    for found in organization.accepted_domains:
        yield node(
            f"CN={found.domain_name},{container}",
            "msExchAcceptedDomain",
            {
                "objectGUID": uuid.UUID(found.guid).bytes_le,
                "msExchAcceptedDomainName": found.domain_name,
            },
        )


def _mobile(organization: Organization) -> Iterator[Record]:
    settings = f"CN=Mobile Mailbox Settings,{names.EXCHANGE}"
    yield node(
        settings,
        "msExchMobileMailboxSettings",
        {
            "objectGUID": uuid.UUID(organization.active_sync_settings_guid).bytes_le,
            "msExchMobileAccessControl": ACCESS_LEVELS.index(organization.default_access_level),
        },
    )
    for found in organization.access_rules:
        yield node(
            f"CN={found.query_string} ({found.characteristic}),{settings}",
            "msExchDeviceAccessRule",
            {
                "objectGUID": uuid.UUID(found.guid).bytes_le,
                "msExchDeviceAccessRuleQueryString": found.query_string,
                "msExchDeviceAccessRuleCharacteristic": _DEVICE_TYPE,
                "msExchMobileAccessControl": ACCESS_LEVELS.index(found.access_level),
            },
        )
    # every kind of phone that ever came by, of the very class that phones have
    classes = f"CN=ExchangeDeviceClasses,{settings}"
    yield node(classes, "msExchActiveSyncDevices")
    for kind, model in (("iPhone", "iPhone15C2"), ("Android", "Pixel 9")):
        yield node(
            f"CN={kind}§{model},{classes}",
            "msExchActiveSyncDevice",
            {"msExchDeviceType": kind, "msExchDeviceModel": model},
        )
