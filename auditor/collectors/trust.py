"""Collectors of what lets both sides trust each other: connectors and OAuth.

Properties are those of the cmdlets' documentation (Exchange PowerShell reference, learn.microsoft
.com/powershell/module/exchange); the shape of Get-AuthConfig is that of exports of Exchange 2013
and 2016, of the others no public export is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.collectors.contract import ExchangeCollector
from auditor.collectors.organization import VIEW_ONLY
from auditor.collectors.reading import (
    flag,
    guid,
    misfit,
    optional_moment,
    optional_text,
    text,
    text_or_empty,
    texts,
)
from auditor.evidence.base import Evidence
from auditor.evidence.trust import (
    OnpremAuthConfig,
    OnpremAuthServer,
    OnpremIntraOrganizationConnector,
    OnpremIntraOrganizationConnectorDomain,
)
from auditor.sources.clixml import PsObject

_THUMBPRINT = re.compile(r"(?:[0-9A-Fa-f]{40})?")


def _connector(found: PsObject) -> Iterator[Evidence]:
    connector = guid(found, "Guid")
    yield OnpremIntraOrganizationConnector(
        guid=connector,
        name=text(found, "Name"),
        enabled=flag(found, "Enabled"),
        discovery_endpoint=optional_text(found, "DiscoveryEndpoint"),
    )
    for domain in dict.fromkeys(each.lower() for each in texts(found, "TargetAddressDomains")):
        yield OnpremIntraOrganizationConnectorDomain(connector_guid=connector, domain=domain)


def _auth_server(found: PsObject) -> Iterator[Evidence]:
    yield OnpremAuthServer(
        guid=guid(found, "Guid"),
        name=text(found, "Name"),
        type=optional_text(found, "Type"),
        enabled=flag(found, "Enabled"),
        is_default_authorization_endpoint=flag(found, "IsDefaultAuthorizationEndpoint"),
        realm=optional_text(found, "Realm"),
        application_identifier=optional_text(found, "ApplicationIdentifier"),
    )


def _auth_config(found: PsObject) -> Iterator[Evidence]:
    has_next = "NextCertificateThumbprint" in found
    yield OnpremAuthConfig(
        guid=guid(found, "Guid"),
        current_certificate_thumbprint=_thumbprint(found, "CurrentCertificateThumbprint"),
        next_certificate_thumbprint=_thumbprint(found, "NextCertificateThumbprint")
        if has_next
        else None,
        next_certificate_effective_date=optional_moment(found, "NextCertificateEffectiveDate"),
    )


def _thumbprint(found: PsObject, name: str) -> str:
    written = text_or_empty(found, name)
    if not _THUMBPRINT.fullmatch(written):
        raise misfit(found, name, "a SHA-1 thumbprint")
    return written.upper()


INTRA_ORGANIZATION_CONNECTOR = ExchangeCollector(
    cmdlets=("Get-IntraOrganizationConnector",),
    types=frozenset({"IntraOrganizationConnector"}),
    tables=(OnpremIntraOrganizationConnector, OnpremIntraOrganizationConnectorDomain),
    properties=("Guid", "Name", "Enabled", "DiscoveryEndpoint", "TargetAddressDomains"),
    permission=VIEW_ONLY,
    rows=_connector,
)
AUTH_SERVER = ExchangeCollector(
    cmdlets=("Get-AuthServer",),
    types=frozenset({"AuthServer"}),
    tables=(OnpremAuthServer,),
    properties=(
        "Guid",
        "Name",
        "Type",
        "Enabled",
        "IsDefaultAuthorizationEndpoint",
        "Realm",
        "ApplicationIdentifier",
    ),
    permission=VIEW_ONLY,
    rows=_auth_server,
)
AUTH_CONFIG = ExchangeCollector(
    cmdlets=("Get-AuthConfig",),
    types=frozenset({"AuthConfig"}),
    tables=(OnpremAuthConfig,),
    properties=(
        "Guid",
        "CurrentCertificateThumbprint",
        "NextCertificateThumbprint",
        "NextCertificateEffectiveDate",
    ),
    permission=VIEW_ONLY,
    rows=_auth_config,
)
