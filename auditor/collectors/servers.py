"""Collectors of the Exchange servers: versions, virtual directories; certificates have a module.

Properties are those of the cmdlets' documentation; the shapes are those of exports of Exchange
2013 and 2016. No public export of Get-ActiveSyncVirtualDirectory is known.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.collectors.contract import ExchangeCollector
from auditor.collectors.organization import VIEW_ONLY
from auditor.collectors.reading import flag, guid, misfit, optional_text, text, texts
from auditor.errors import UnexpectedAnswer
from auditor.evidence.base import Evidence
from auditor.evidence.normalise import (
    build_number,
    build_short,
    display_version,
    host_of,
    product_of,
    server_key,
)
from auditor.evidence.servers import (
    OnpremActiveSyncVirtualDirectory,
    OnpremActiveSyncVirtualDirectoryAuthentication,
    OnpremExchangeBuild,
    OnpremExchangeServer,
    OnpremWebServicesVirtualDirectory,
)
from auditor.sources.clixml import PsObject

SETUP_FILE = "exsetup.exe"


def server_of(found: PsObject) -> str:
    """Name of the server that an object without one of its own belongs to.

    `Server` is what the export script adds; `PSComputerName` is what remoting adds, the server the
    session was opened to. Raises UnexpectedAnswer where neither is there.
    """
    server = optional_text(found, "Server") or optional_text(found, "PSComputerName")
    if not server:
        raise UnexpectedAnswer(
            f"{found.kind or 'An object'} without a server name"
            f"{' in ' + found.place if found.place else ''} cannot be attributed: export it with "
            "the export script, or with Invoke-Command, which adds PSComputerName."
        )
    return server


def _exchange_server(found: PsObject) -> Iterator[Evidence]:
    name = text(found, "Name")
    version = optional_text(found, "AdminDisplayVersion")
    numbers = display_version(version or "")
    yield OnpremExchangeServer(
        guid=guid(found, "Guid"),
        name=name,
        server_key=server_key(name),
        fqdn=optional_text(found, "Fqdn"),
        admin_display_version=version,
        product=None if numbers is None else product_of(numbers),
        server_role=optional_text(found, "ServerRole"),
        is_client_access_server=flag(found, "IsClientAccessServer"),
        is_mailbox_server=flag(found, "IsMailboxServer"),
        is_edge_server=flag(found, "IsEdgeServer"),
        site=optional_text(found, "Site"),
    )


def _exchange_build(found: PsObject) -> Iterator[Evidence]:
    if not text(found, "FileName").lower().endswith(SETUP_FILE):
        raise misfit(found, "FileName", "the path of ExSetup.exe")
    server = server_of(found)
    version = text(found, "FileVersion")
    number, short = build_number(version), build_short(version)
    if number is None or short is None:
        raise misfit(found, "FileVersion", "a version of four numbers")
    yield OnpremExchangeBuild(
        server=server,
        server_key=server_key(server),
        file_version=version,
        build_short=short,
        build_number=number,
        refusal=None,
    )


def refused_build(server: str, refusal: str) -> OnpremExchangeBuild:
    """The row of a server whose ExSetup.exe could not be read, with the reason."""
    return OnpremExchangeBuild(
        server=server,
        server_key=server_key(server),
        file_version=None,
        build_short=None,
        build_number=None,
        refusal=refusal,
    )


def _read_from_iis(found: PsObject) -> bool:
    # with -ADPropertiesOnly the columns that live in IIS hold defaults, and Path stays empty
    return bool(optional_text(found, "Path"))


def _active_sync_virtual_directory(found: PsObject) -> Iterator[Evidence]:
    directory = guid(found, "Guid")
    server = text(found, "Server")
    external = optional_text(found, "ExternalUrl")
    iis = _read_from_iis(found)
    basic, windows = flag(found, "BasicAuthEnabled"), flag(found, "WindowsAuthEnabled")
    certificate = optional_text(found, "ClientCertAuth")
    yield OnpremActiveSyncVirtualDirectory(
        guid=directory,
        identity=text(found, "Identity"),
        server=server,
        server_key=server_key(server),
        internal_url=optional_text(found, "InternalUrl"),
        external_url=external,
        external_url_host=None if external is None else host_of(external),
        basic_auth_enabled=basic if iis else None,
        windows_auth_enabled=windows if iis else None,
        client_cert_auth=certificate if iis else None,
    )
    for side in ("internal", "external"):
        for method in texts(found, f"{side.capitalize()}AuthenticationMethods"):
            yield OnpremActiveSyncVirtualDirectoryAuthentication(
                virtual_directory_guid=directory, side=side, method=method
            )


def _web_services_virtual_directory(found: PsObject) -> Iterator[Evidence]:
    server = text(found, "Server")
    external = optional_text(found, "ExternalUrl")
    iis = _read_from_iis(found)
    proxy, security = flag(found, "MRSProxyEnabled"), flag(found, "WSSecurityAuthentication")
    yield OnpremWebServicesVirtualDirectory(
        guid=guid(found, "Guid"),
        identity=text(found, "Identity"),
        server=server,
        server_key=server_key(server),
        internal_url=optional_text(found, "InternalUrl"),
        external_url=external,
        external_url_host=None if external is None else host_of(external),
        mrs_proxy_enabled=proxy if iis else None,
        ws_security_authentication=security if iis else None,
    )


EXCHANGE_SERVER = ExchangeCollector(
    cmdlets=("Get-ExchangeServer",),
    types=frozenset({"ExchangeServer"}),
    tables=(OnpremExchangeServer,),
    properties=(
        "Guid",
        "Name",
        "Fqdn",
        "AdminDisplayVersion",
        "ServerRole",
        "IsClientAccessServer",
        "IsMailboxServer",
        "IsEdgeServer",
        "Site",
    ),
    permission=VIEW_ONLY,
    rows=_exchange_server,
)
EXCHANGE_BUILD = ExchangeCollector(
    cmdlets=("Get-Command ExSetup.exe",),
    types=frozenset({"FileVersionInfo"}),
    tables=(OnpremExchangeBuild,),
    properties=("FileName", "FileVersion", "Server", "PSComputerName"),
    permission="local administrator of the server",
    rows=_exchange_build,
    per_server=True,
)
ACTIVE_SYNC_VIRTUAL_DIRECTORY = ExchangeCollector(
    cmdlets=("Get-ActiveSyncVirtualDirectory",),
    types=frozenset({"ADMobileVirtualDirectory"}),
    tables=(OnpremActiveSyncVirtualDirectory, OnpremActiveSyncVirtualDirectoryAuthentication),
    properties=(
        "Guid",
        "Identity",
        "Server",
        "InternalUrl",
        "ExternalUrl",
        "Path",
        "BasicAuthEnabled",
        "WindowsAuthEnabled",
        "ClientCertAuth",
        "InternalAuthenticationMethods",
        "ExternalAuthenticationMethods",
    ),
    permission=VIEW_ONLY,
    rows=_active_sync_virtual_directory,
)
WEB_SERVICES_VIRTUAL_DIRECTORY = ExchangeCollector(
    cmdlets=("Get-WebServicesVirtualDirectory",),
    types=frozenset({"ADWebServicesVirtualDirectory"}),
    tables=(OnpremWebServicesVirtualDirectory,),
    properties=(
        "Guid",
        "Identity",
        "Server",
        "InternalUrl",
        "ExternalUrl",
        "Path",
        "MRSProxyEnabled",
        "WSSecurityAuthentication",
    ),
    permission=VIEW_ONLY,
    rows=_web_services_virtual_directory,
)
