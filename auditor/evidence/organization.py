"""Tables of the on-premises Exchange organisation."""

from __future__ import annotations

from typing import ClassVar

from auditor.evidence.base import Evidence, UtcTime


class OnpremOrganization(Evidence):
    """Get-OrganizationConfig."""

    table: ClassVar[str] = "onprem_organization"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    name: str
    oauth2_client_profile_enabled: bool | None
    default_authentication_policy: str | None
    aclable_synced_object_enabled: bool | None


class OnpremOrganizationRelationship(Evidence):
    """Get-OrganizationRelationship: where the redirect finds its host."""

    table: ClassVar[str] = "onprem_organization_relationship"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    name: str
    enabled: bool | None
    target_owa_url: str | None
    target_owa_url_host: str | None
    mailbox_move_enabled: bool | None
    target_application_uri: str | None
    target_autodiscover_epr: str | None
    when_changed_utc: UtcTime | None


class OnpremOrganizationRelationshipDomain(Evidence):
    """One of DomainNames of an organization relationship, in lower case."""

    table: ClassVar[str] = "onprem_organization_relationship_domain"
    key: ClassVar[tuple[str, ...]] = ("relationship_guid", "domain")

    relationship_guid: str
    domain: str


class OnpremHybridConfiguration(Evidence):
    """Get-HybridConfiguration: what the Hybrid Configuration Wizard was told."""

    table: ClassVar[str] = "onprem_hybrid_configuration"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    service_instance: int | None


class OnpremHybridConfigurationFeature(Evidence):
    """One of Features of the hybrid configuration, as the cmdlet names it."""

    table: ClassVar[str] = "onprem_hybrid_configuration_feature"
    key: ClassVar[tuple[str, ...]] = ("hybrid_configuration_guid", "feature")

    hybrid_configuration_guid: str
    feature: str


class OnpremHybridConfigurationDomain(Evidence):
    """One of Domains of the hybrid configuration, in lower case, without `autod:`."""

    table: ClassVar[str] = "onprem_hybrid_configuration_domain"
    key: ClassVar[tuple[str, ...]] = ("hybrid_configuration_guid", "domain")

    hybrid_configuration_guid: str
    domain: str


class OnpremAcceptedDomain(Evidence):
    """Get-AcceptedDomain."""

    table: ClassVar[str] = "onprem_accepted_domain"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    name: str
    domain_name: str
    domain: str
    domain_type: str | None


class OnpremRemoteDomain(Evidence):
    """Get-RemoteDomain; `target_delivery_domain` marks where moved mailboxes are routed."""

    table: ClassVar[str] = "onprem_remote_domain"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    name: str
    domain_name: str
    domain: str
    target_delivery_domain: bool | None
