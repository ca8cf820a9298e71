"""Collectors of the on-premises organisation: its configuration, relationships and domains.

Properties are those of the cmdlets' documentation (Exchange PowerShell reference, learn.microsoft
.com/powershell/module/exchange); the shapes are those of exports of Exchange 2013 and 2016.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.collectors.contract import ExchangeCollector
from auditor.collectors.reading import (
    flag,
    guid,
    optional_moment,
    optional_text,
    text,
    texts,
    whole,
)
from auditor.evidence.base import Evidence
from auditor.evidence.normalise import host_of
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
from auditor.sources.clixml import PsObject

VIEW_ONLY = "View-Only Organization Management"
_AUTODISCOVER_DOMAIN = "autod:"
"""Set-HybridConfiguration: marks the one domain that answers Autodiscover for all."""


def _organization(found: PsObject) -> Iterator[Evidence]:
    yield OnpremOrganization(
        guid=guid(found, "Guid"),
        name=text(found, "Name"),
        oauth2_client_profile_enabled=flag(found, "OAuth2ClientProfileEnabled"),
        default_authentication_policy=optional_text(found, "DefaultAuthenticationPolicy"),
        aclable_synced_object_enabled=flag(found, "ACLableSyncedObjectEnabled"),
    )


def _organization_relationship(found: PsObject) -> Iterator[Evidence]:
    relationship = guid(found, "Guid")
    url = optional_text(found, "TargetOwaURL")
    yield OnpremOrganizationRelationship(
        guid=relationship,
        name=text(found, "Name"),
        enabled=flag(found, "Enabled"),
        target_owa_url=url,
        target_owa_url_host=None if url is None else host_of(url),
        mailbox_move_enabled=flag(found, "MailboxMoveEnabled"),
        target_application_uri=optional_text(found, "TargetApplicationUri"),
        target_autodiscover_epr=optional_text(found, "TargetAutodiscoverEpr"),
        when_changed_utc=optional_moment(found, "WhenChangedUTC")
        or optional_moment(found, "WhenChanged"),
    )
    for domain in lower_domains(texts(found, "DomainNames")):
        yield OnpremOrganizationRelationshipDomain(relationship_guid=relationship, domain=domain)


def lower_domains(written: list[str]) -> list[str]:
    """Domains in lower case, each once, in their order."""
    return list(dict.fromkeys(domain.lower() for domain in written))


def _hybrid_configuration(found: PsObject) -> Iterator[Evidence]:
    configuration = guid(found, "Guid")
    yield OnpremHybridConfiguration(
        guid=configuration, service_instance=whole(found, "ServiceInstance")
    )
    for feature in texts(found, "Features"):
        yield OnpremHybridConfigurationFeature(
            hybrid_configuration_guid=configuration, feature=feature
        )
    written = (domain.lower() for domain in texts(found, "Domains"))
    for domain in lower_domains([domain.removeprefix(_AUTODISCOVER_DOMAIN) for domain in written]):
        yield OnpremHybridConfigurationDomain(
            hybrid_configuration_guid=configuration, domain=domain
        )


def _accepted_domain(found: PsObject) -> Iterator[Evidence]:
    domain = text(found, "DomainName")
    yield OnpremAcceptedDomain(
        guid=guid(found, "Guid"),
        name=text(found, "Name"),
        domain_name=domain,
        domain=domain.lower(),
        domain_type=text(found, "DomainType"),
    )


def _remote_domain(found: PsObject) -> Iterator[Evidence]:
    domain = text(found, "DomainName")
    yield OnpremRemoteDomain(
        guid=guid(found, "Guid"),
        name=text(found, "Name"),
        domain_name=domain,
        domain=domain.lower(),
        target_delivery_domain=flag(found, "TargetDeliveryDomain"),
    )


ORGANIZATION = ExchangeCollector(
    cmdlets=("Get-OrganizationConfig",),
    types=frozenset({"OrganizationConfig", "ADOrganizationConfig"}),
    tables=(OnpremOrganization,),
    properties=(
        "Guid",
        "Name",
        "OAuth2ClientProfileEnabled",
        "DefaultAuthenticationPolicy",
        "ACLableSyncedObjectEnabled",
    ),
    permission=VIEW_ONLY,
    rows=_organization,
)
ORGANIZATION_RELATIONSHIP = ExchangeCollector(
    cmdlets=("Get-OrganizationRelationship",),
    types=frozenset({"OrganizationRelationship"}),
    tables=(OnpremOrganizationRelationship, OnpremOrganizationRelationshipDomain),
    properties=(
        "Guid",
        "Name",
        "Enabled",
        "DomainNames",
        "TargetOwaURL",
        "MailboxMoveEnabled",
        "TargetApplicationUri",
        "TargetAutodiscoverEpr",
        "WhenChangedUTC",
        "WhenChanged",
    ),
    permission=VIEW_ONLY,
    rows=_organization_relationship,
)
HYBRID_CONFIGURATION = ExchangeCollector(
    cmdlets=("Get-HybridConfiguration",),
    types=frozenset({"HybridConfiguration"}),
    tables=(
        OnpremHybridConfiguration,
        OnpremHybridConfigurationFeature,
        OnpremHybridConfigurationDomain,
    ),
    properties=("Guid", "ServiceInstance", "Features", "Domains"),
    permission=VIEW_ONLY,
    rows=_hybrid_configuration,
)
ACCEPTED_DOMAIN = ExchangeCollector(
    cmdlets=("Get-AcceptedDomain",),
    types=frozenset({"AcceptedDomain"}),
    tables=(OnpremAcceptedDomain,),
    properties=("Guid", "Name", "DomainName", "DomainType"),
    permission=VIEW_ONLY,
    rows=_accepted_domain,
)
REMOTE_DOMAIN = ExchangeCollector(
    cmdlets=("Get-RemoteDomain",),
    types=frozenset({"DomainContentConfig"}),
    tables=(OnpremRemoteDomain,),
    properties=("Guid", "Name", "DomainName", "TargetDeliveryDomain"),
    permission=VIEW_ONLY,
    rows=_remote_domain,
)
