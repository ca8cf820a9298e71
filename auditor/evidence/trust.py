"""Tables of what lets both sides trust each other: connectors and OAuth."""

from __future__ import annotations

from typing import ClassVar

from auditor.evidence.base import Evidence, UtcTime


class OnpremIntraOrganizationConnector(Evidence):
    """Get-IntraOrganizationConnector: free/busy over OAuth. It carries no address for phones."""

    table: ClassVar[str] = "onprem_intra_organization_connector"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    name: str
    enabled: bool | None
    discovery_endpoint: str | None


class OnpremIntraOrganizationConnectorDomain(Evidence):
    """One of TargetAddressDomains of a connector, in lower case."""

    table: ClassVar[str] = "onprem_intra_organization_connector_domain"
    key: ClassVar[tuple[str, ...]] = ("connector_guid", "domain")

    connector_guid: str
    domain: str


class OnpremAuthServer(Evidence):
    """Get-AuthServer: an authorization server whose tokens Exchange honours.

    `type` is Unknown, MicrosoftACS, ADFS or AzureAD. `application_identifier` names the dedicated
    hybrid application where one is used (ORG-HYBRIDAPP); older versions do not know it.
    """

    table: ClassVar[str] = "onprem_auth_server"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    name: str
    type: str | None
    enabled: bool | None
    is_default_authorization_endpoint: bool | None
    realm: str | None
    application_identifier: str | None


class OnpremAuthConfig(Evidence):
    """Get-AuthConfig: the certificate that Exchange signs its own tokens with.

    Thumbprints are in upper case, as in `onprem_exchange_certificate`; '' where there is none.
    """

    table: ClassVar[str] = "onprem_auth_config"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    current_certificate_thumbprint: str
    next_certificate_thumbprint: str | None
    next_certificate_effective_date: UtcTime | None
