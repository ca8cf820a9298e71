"""Collectors of Exchange Online: the organisation, its domains and relationships, the way to it.

Properties are those of the cmdlets' documentation (Exchange PowerShell reference, learn.microsoft
.com/powershell/module/exchangepowershell); no public answer of them is known but samples of
Get-OrganizationConfig, Get-AcceptedDomain and Get-OrganizationRelationship in reports.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.collectors.contract import ExchangeCollector, Side
from auditor.collectors.organization import lower_domains
from auditor.collectors.reading import (
    flag,
    guid,
    limit,
    optional_moment,
    optional_text,
    text,
    texts,
)
from auditor.collectors.recipients import lowered
from auditor.evidence.base import Evidence
from auditor.evidence.exchange_online import (
    ExoAcceptedDomain,
    ExoMigrationEndpoint,
    ExoOrganization,
    ExoOrganizationRelationship,
    ExoOrganizationRelationshipDomain,
)
from auditor.sources.clixml import PsObject

GLOBAL_READER = "Global Reader"
"""The directory role whose holders are in View-Only Organization Management of Exchange Online.

Public tools read every cmdlet of these collectors with it; whether it is the least that each one
needs, no document says.
"""


def _organization(found: PsObject) -> Iterator[Evidence]:
    yield ExoOrganization(
        guid=guid(found, "Guid"),
        name=text(found, "Name"),
        oauth2_client_profile_enabled=flag(found, "OAuth2ClientProfileEnabled"),
        default_authentication_policy=optional_text(found, "DefaultAuthenticationPolicy"),
        ews_enabled=flag(found, "EwsEnabled"),
    )


def _accepted_domain(found: PsObject) -> Iterator[Evidence]:
    yield ExoAcceptedDomain(
        domain=text(found, "DomainName").lower(),
        domain_type=optional_text(found, "DomainType"),
        is_default=flag(found, "Default"),
    )


def _organization_relationship(found: PsObject) -> Iterator[Evidence]:
    relationship = guid(found, "Guid")
    yield ExoOrganizationRelationship(
        guid=relationship,
        name=text(found, "Name"),
        enabled=flag(found, "Enabled"),
        target_owa_url=optional_text(found, "TargetOwaURL"),
        target_sharing_epr=optional_text(found, "TargetSharingEpr"),
        target_application_uri=optional_text(found, "TargetApplicationUri"),
        when_changed_utc=optional_moment(found, "WhenChangedUTC"),
    )
    for domain in lower_domains(texts(found, "DomainNames")):
        yield ExoOrganizationRelationshipDomain(relationship_guid=relationship, domain=domain)


def _migration_endpoint(found: PsObject) -> Iterator[Evidence]:
    server = optional_text(found, "RemoteServer")
    yield ExoMigrationEndpoint(
        guid=guid(found, "Guid"),
        identity=text(found, "Identity"),
        endpoint_type=optional_text(found, "EndpointType"),
        remote_server=server,
        remote_server_key=lowered(server),
        max_concurrent_migrations=limit(found, "MaxConcurrentMigrations"),
        max_concurrent_incremental_syncs=limit(found, "MaxConcurrentIncrementalSyncs"),
    )


ORGANIZATION = ExchangeCollector(
    cmdlets=("Get-OrganizationConfig",),
    types=frozenset({"OrganizationConfig", "ADOrganizationConfig"}),
    tables=(ExoOrganization,),
    properties=(
        "Guid",
        "Name",
        "OAuth2ClientProfileEnabled",
        "DefaultAuthenticationPolicy",
        "EwsEnabled",
    ),
    permission=GLOBAL_READER,
    rows=_organization,
    side=Side.ONLINE,
    lost="whether modern authentication is on in Exchange Online",
    at_least_one=True,
)
ACCEPTED_DOMAIN = ExchangeCollector(
    cmdlets=("Get-AcceptedDomain",),
    types=frozenset({"AcceptedDomain"}),
    tables=(ExoAcceptedDomain,),
    properties=("DomainName", "DomainType", "Default"),
    permission=GLOBAL_READER,
    rows=_accepted_domain,
    side=Side.ONLINE,
    lost="which domains Exchange Online takes mail for",
    at_least_one=True,
)
ORGANIZATION_RELATIONSHIP = ExchangeCollector(
    cmdlets=("Get-OrganizationRelationship",),
    types=frozenset({"OrganizationRelationship"}),
    tables=(ExoOrganizationRelationship, ExoOrganizationRelationshipDomain),
    properties=(
        "Guid",
        "Name",
        "Enabled",
        "DomainNames",
        "TargetOwaURL",
        "TargetSharingEpr",
        "TargetApplicationUri",
        "WhenChangedUTC",
    ),
    permission=GLOBAL_READER,
    rows=_organization_relationship,
    side=Side.ONLINE,
    lost="the way back from Exchange Online to the servers on-premises",
)
MIGRATION_ENDPOINT = ExchangeCollector(
    cmdlets=("Get-MigrationEndpoint",),
    types=frozenset({"MigrationEndpoint"}),
    tables=(ExoMigrationEndpoint,),
    properties=(
        "Guid",
        "Identity",
        "EndpointType",
        "RemoteServer",
        "MaxConcurrentMigrations",
        "MaxConcurrentIncrementalSyncs",
    ),
    permission=GLOBAL_READER,
    rows=_migration_endpoint,
    side=Side.ONLINE,
    lost="whether a move can start at all",
)
