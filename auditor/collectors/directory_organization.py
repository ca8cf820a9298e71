"""Collectors of the Exchange organisation: its name, relationships and domains.

Class and place of a relationship are those that Get-OrganizationRelationship itself prints; its
attributes and the flags of the hybrid configuration are known from public scripts alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.collectors.directory_contract import DirectoryCollector, Outcome, Place, Unread
from auditor.collectors.directory_names import own_name
from auditor.collectors.directory_reading import (
    Found,
    boolean,
    flags,
    guid,
    moment,
    optional_text,
    text,
    texts,
)
from auditor.evidence.normalise import host_of
from auditor.evidence.organization import (
    OnpremAcceptedDomain,
    OnpremHybridConfiguration,
    OnpremHybridConfigurationDomain,
    OnpremHybridConfigurationFeature,
    OnpremOrganization,
    OnpremOrganizationRelationship,
    OnpremOrganizationRelationshipDomain,
)
from auditor.evidence.trust import (
    OnpremIntraOrganizationConnector,
    OnpremIntraOrganizationConnectorDomain,
)

READ_ORGANIZATION = "read access to the Exchange organisation in the configuration container"
MAILBOX_MOVE = "MSExchange.MailboxMove"
HYBRID_FEATURES = {
    1: "FreeBusy",
    2: "MoveMailbox",
    4: "Mailtips",
    8: "MessageTracking",
    16: "OwaRedirection",
    32: "OnlineArchive",
    64: "SecureMail",
    128: "CentralizedTransport",
    256: "CentralizedTransport",
    512: "Photos",
}
"""Bits of msExchCoexistenceFeatureFlags; 128 is about on-premises, 256 about the cloud."""

_AUTODISCOVER_DOMAIN = "autod:"


def _organization(found: Found) -> Iterator[Outcome]:
    yield OnpremOrganization(
        guid=guid(found),
        name=own_name(found.dn),
        oauth2_client_profile_enabled=None,
        default_authentication_policy=None,
        aclable_synced_object_enabled=None,
    )


def _organization_relationship(found: Found) -> Iterator[Outcome]:
    relationship = guid(found)
    url = optional_text(found, "msExchFedTargetOwaURL")
    actions = texts(found, "msExchFedEnabledActions")
    yield OnpremOrganizationRelationship(
        guid=relationship,
        name=own_name(found.dn),
        enabled=_enabled(found),
        target_owa_url=url,
        target_owa_url_host=None if url is None else host_of(url),
        mailbox_move_enabled=None if actions is None else MAILBOX_MOVE in actions,
        target_application_uri=optional_text(found, "msExchFedTargetApplicationURI"),
        target_autodiscover_epr=optional_text(found, "msExchFedTargetAutodiscoverEPR"),
        when_changed_utc=moment(found, "whenChanged"),
    )
    domains = texts(found, "msExchFedDomainNames")
    if domains is None:
        yield Unread(OnpremOrganizationRelationshipDomain, "msExchFedDomainNames")
    for domain in dict.fromkeys(domain.lower() for domain in domains or ()):
        yield OnpremOrganizationRelationshipDomain(relationship_guid=relationship, domain=domain)


def _enabled(found: Found) -> bool | None:
    """On unless it says otherwise; None where it may not be read."""
    value = boolean(found, "msExchFedIsEnabled")
    return True if value is None and "msExchFedIsEnabled" not in found.unread else value


def _connector(found: Found) -> Iterator[Outcome]:
    connector = guid(found)
    yield OnpremIntraOrganizationConnector(
        guid=connector,
        name=own_name(found.dn),
        enabled=_enabled(found),
        discovery_endpoint=optional_text(found, "msExchFedTargetAutodiscoverEPR"),
    )
    domains = texts(found, "msExchFedDomainNames")
    if domains is None:
        yield Unread(OnpremIntraOrganizationConnectorDomain, "msExchFedDomainNames")
    for domain in dict.fromkeys(domain.lower() for domain in domains or ()):
        yield OnpremIntraOrganizationConnectorDomain(connector_guid=connector, domain=domain)


def _hybrid_configuration(found: Found) -> Iterator[Outcome]:
    configuration = guid(found)
    yield OnpremHybridConfiguration(guid=configuration, service_instance=None)
    features = flags(found, "msExchCoexistenceFeatureFlags")
    if features is None:
        yield Unread(OnpremHybridConfigurationFeature, "msExchCoexistenceFeatureFlags")
    for feature in dict.fromkeys(
        name for bit, name in HYBRID_FEATURES.items() if (features or 0) & bit
    ):
        yield OnpremHybridConfigurationFeature(
            hybrid_configuration_guid=configuration, feature=feature
        )
    domains = texts(found, "msExchCoexistenceDomains")
    if domains is None:
        yield Unread(OnpremHybridConfigurationDomain, "msExchCoexistenceDomains")
    for domain in dict.fromkeys(
        domain.lower().removeprefix(_AUTODISCOVER_DOMAIN) for domain in domains or ()
    ):
        yield OnpremHybridConfigurationDomain(
            hybrid_configuration_guid=configuration, domain=domain
        )


def _accepted_domain(found: Found) -> Iterator[Outcome]:
    domain = text(found, "msExchAcceptedDomainName")
    yield OnpremAcceptedDomain(
        guid=guid(found),
        name=own_name(found.dn),
        domain_name=domain,
        domain=domain.lower(),
        domain_type=None,
    )


ORGANIZATION = DirectoryCollector(
    name="organisation",
    place=Place.CONFIGURATION,
    object_class="msExchOrganizationContainer",
    condition="(objectClass=msExchOrganizationContainer)",
    attributes=("objectGUID",),
    tables=(OnpremOrganization,),
    permission=READ_ORGANIZATION,
    rows=_organization,
    unsaid=(
        "onprem_organization.oauth2_client_profile_enabled",
        "onprem_organization.default_authentication_policy",
        "onprem_organization.aclable_synced_object_enabled",
    ),
    at_least_one=True,
)
ORGANIZATION_RELATIONSHIPS = DirectoryCollector(
    name="organization relationships",
    place=Place.CONFIGURATION,
    container="CN=Federation",
    object_class="msExchFedSharingRelationship",
    condition="(objectClass=msExchFedSharingRelationship)",
    attributes=(
        "objectGUID",
        "msExchFedIsEnabled",
        "msExchFedDomainNames",
        "msExchFedEnabledActions",
        "msExchFedTargetOwaURL",
        "msExchFedTargetApplicationURI",
        "msExchFedTargetAutodiscoverEPR",
        "whenChanged",
    ),
    tables=(OnpremOrganizationRelationship, OnpremOrganizationRelationshipDomain),
    permission=READ_ORGANIZATION,
    rows=_organization_relationship,
)
INTRA_ORGANIZATION_CONNECTORS = DirectoryCollector(
    name="intra-organization connectors",
    place=Place.CONFIGURATION,
    container="CN=Intra Organization Connectors",
    object_class="msExchIntraOrganizationConnector",
    condition="(objectClass=msExchIntraOrganizationConnector)",
    attributes=(
        "objectGUID",
        "msExchFedIsEnabled",
        "msExchFedDomainNames",
        "msExchFedTargetAutodiscoverEPR",
    ),
    tables=(OnpremIntraOrganizationConnector, OnpremIntraOrganizationConnectorDomain),
    permission=READ_ORGANIZATION,
    rows=_connector,
)
HYBRID_CONFIGURATION = DirectoryCollector(
    name="hybrid configuration",
    place=Place.CONFIGURATION,
    container="CN=Hybrid Configuration",
    object_class="msExchCoexistenceRelationship",
    condition="(objectClass=msExchCoexistenceRelationship)",
    attributes=("objectGUID", "msExchCoexistenceFeatureFlags", "msExchCoexistenceDomains"),
    tables=(
        OnpremHybridConfiguration,
        OnpremHybridConfigurationFeature,
        OnpremHybridConfigurationDomain,
    ),
    permission=READ_ORGANIZATION,
    rows=_hybrid_configuration,
    unsaid=("onprem_hybrid_configuration.service_instance",),
)
ACCEPTED_DOMAINS = DirectoryCollector(
    name="accepted domains",
    place=Place.CONFIGURATION,
    container="CN=Accepted Domains,CN=Transport Settings",
    object_class="msExchAcceptedDomain",
    condition="(objectClass=msExchAcceptedDomain)",
    attributes=("objectGUID", "msExchAcceptedDomainName"),
    tables=(OnpremAcceptedDomain,),
    permission=READ_ORGANIZATION,
    rows=_accepted_domain,
    unsaid=("onprem_accepted_domain.domain_type",),
    at_least_one=True,
)
