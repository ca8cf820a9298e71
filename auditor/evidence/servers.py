"""Tables of the on-premises Exchange servers, their virtual directories and certificates."""

from __future__ import annotations

from typing import ClassVar

from auditor.evidence.base import Evidence, UtcTime


class OnpremExchangeServer(Evidence):
    """Get-ExchangeServer.

    `product` comes from the first numbers of AdminDisplayVersion, which name the product rightly.
    They do not name rollups or security updates (SRV-VERSION-METHOD): a build is judged only from
    `onprem_exchange_build`.
    """

    table: ClassVar[str] = "onprem_exchange_server"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    name: str
    server_key: str
    fqdn: str | None
    admin_display_version: str | None
    product: str | None
    server_role: str | None
    is_client_access_server: bool | None
    is_mailbox_server: bool | None
    is_edge_server: bool | None
    site: str | None


class OnpremExchangeBuild(Evidence):
    """File version of ExSetup.exe on one server, the only witness of rollups and updates.

    A server that refused has its row too, with `refusal` saying why and no version: so one server
    that cannot be read hides nothing about the others.
    """

    table: ClassVar[str] = "onprem_exchange_build"
    key: ClassVar[tuple[str, ...]] = ("server_key",)

    server: str
    server_key: str
    file_version: str | None
    build_short: str | None
    build_number: int | None
    refusal: str | None


class OnpremActiveSyncVirtualDirectory(Evidence):
    """Get-ActiveSyncVirtualDirectory.

    The three authentication columns live in IIS. They are NULL when only the directory was read
    (`-ADPropertiesOnly`), which shows in an empty `Path`.
    """

    table: ClassVar[str] = "onprem_active_sync_virtual_directory"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    identity: str
    server: str
    server_key: str
    internal_url: str | None
    external_url: str | None
    external_url_host: str | None
    basic_auth_enabled: bool | None
    windows_auth_enabled: bool | None
    client_cert_auth: str | None


class OnpremActiveSyncVirtualDirectoryAuthentication(Evidence):
    """One authentication method of an ActiveSync virtual directory; `side` internal or external."""

    table: ClassVar[str] = "onprem_active_sync_virtual_directory_authentication"
    key: ClassVar[tuple[str, ...]] = ("virtual_directory_guid", "side", "method")

    virtual_directory_guid: str
    side: str
    method: str


class OnpremWebServicesVirtualDirectory(Evidence):
    """Get-WebServicesVirtualDirectory; the last two columns are NULL without IIS, as above."""

    table: ClassVar[str] = "onprem_web_services_virtual_directory"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    identity: str
    server: str
    server_key: str
    internal_url: str | None
    external_url: str | None
    external_url_host: str | None
    mrs_proxy_enabled: bool | None
    ws_security_authentication: bool | None


class OnpremExchangeCertificate(Evidence):
    """Get-ExchangeCertificate, one row per server and thumbprint.

    `iis_enabled`: IIS is among Services. `root_ca_type` is Exchange's own judgement of the issuer
    (`ThirdParty` is a public one); exports of whole certificate objects carry neither.
    """

    table: ClassVar[str] = "onprem_exchange_certificate"
    key: ClassVar[tuple[str, ...]] = ("server_key", "thumbprint")

    server: str
    server_key: str
    thumbprint: str
    subject: str
    issuer: str
    not_before: UtcTime
    not_after: UtcTime
    is_self_signed: bool
    iis_enabled: bool | None
    root_ca_type: str | None
    status: str | None


class OnpremExchangeCertificateName(Evidence):
    """One DNS name of a certificate, in lower case; `*.contoso.com` stays as it is."""

    table: ClassVar[str] = "onprem_exchange_certificate_name"
    key: ClassVar[tuple[str, ...]] = ("server_key", "thumbprint", "name")

    server_key: str
    thumbprint: str
    name: str
