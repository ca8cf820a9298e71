"""Collectors of the Exchange servers and their virtual directories.

What IIS holds is not in the directory, and neither is what a rollup or a security update changed:
serialNumber names the product and its service pack or cumulative update.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.collectors.directory_contract import DirectoryCollector, Outcome, Place
from auditor.collectors.directory_names import canonical_name, own_name, parts
from auditor.collectors.directory_organization import READ_ORGANIZATION
from auditor.collectors.directory_reading import (
    Found,
    guid,
    misfit,
    optional_text,
    texts,
    whole,
)
from auditor.evidence.normalise import display_version, host_of, product_of, server_key
from auditor.evidence.servers import (
    OnpremActiveSyncVirtualDirectory,
    OnpremExchangeServer,
    OnpremWebServicesVirtualDirectory,
)

BUILD_OFFSET = 30_000
"""What Setup adds to the build in serialNumber: `Version 14.3 (Build 30123.4)` is build 123.4."""

ROLES = {2: "Mailbox", 4: "ClientAccess", 16: "UnifiedMessaging", 32: "HubTransport", 64: "Edge"}
"""Bits of msExchCurrentServerRoles up to Exchange 2010, in the order Get-ExchangeServer names."""

MAILBOX, CLIENT_ACCESS, EDGE = 2, 4, 64
_EXCHANGE_2013, _EXCHANGE_2016 = (15, 0), (15, 1)
_TCP = "ncacn_ip_tcp:"
_SERIAL = re.compile(r"Version (\d{1,3}\.\d{1,3}) \(Build (\d{1,5})\.(\d{1,5})\)")


def shown_version(serial: str) -> str:
    """AdminDisplayVersion behind a serialNumber; text of another shape stays as it is."""
    match = _SERIAL.fullmatch(serial)
    if not match:
        return serial
    build = int(match[2])
    build -= BUILD_OFFSET if build >= BUILD_OFFSET else 0
    return f"Version {match[1]} (Build {build}.{match[3]})"


def _exchange_server(found: Found) -> Iterator[Outcome]:
    name = own_name(found.dn)
    serial = optional_text(found, "serialNumber")
    version = shown_version(serial) if serial else serial
    numbers = display_version(version or "")
    roles = whole(found, "msExchCurrentServerRoles")
    named, client_access = _roles(roles, numbers)
    addresses = texts(found, "networkAddress")
    site = optional_text(found, "msExchServerSite")
    yield OnpremExchangeServer(
        guid=guid(found),
        name=name,
        server_key=server_key(name),
        fqdn=None
        if addresses is None
        else next((a[len(_TCP) :] for a in addresses if a.startswith(_TCP)), ""),
        admin_display_version=version,
        product=None if numbers is None else product_of(numbers),
        server_role=named,
        is_client_access_server=client_access,
        is_mailbox_server=None if roles is None else bool(roles & MAILBOX),
        is_edge_server=None if roles is None else bool(roles & EDGE),
        site=canonical_name(site) if site else site,
    )


def _roles(
    roles: int | None, version: tuple[int, int, int] | None
) -> tuple[str | None, bool | None]:
    """Roles as Get-ExchangeServer names them, and whether client access is among them.

    In Exchange 2013 the bits mean something else, and what is not documented; from 2016 on a
    server has the Mailbox role, which holds client access, or is an Edge server.
    """
    if roles is None or version is None or version[:2] == _EXCHANGE_2013:
        return None, None
    if version[:2] >= _EXCHANGE_2016:
        return ("Edge", False) if roles & EDGE else ("Mailbox", True)
    named = ", ".join(name for bit, name in ROLES.items() if roles & bit)
    return named or None, bool(roles & CLIENT_ACCESS)


def _active_sync_virtual_directory(found: Found) -> Iterator[Outcome]:
    server, identity = _server_of(found)
    external = optional_text(found, "msExchExternalHostName")
    yield OnpremActiveSyncVirtualDirectory(
        guid=guid(found),
        identity=identity,
        server=server,
        server_key=server_key(server),
        internal_url=optional_text(found, "msExchInternalHostName"),
        external_url=external,
        external_url_host=None if external is None else host_of(external),
        basic_auth_enabled=None,
        windows_auth_enabled=None,
        client_cert_auth=None,
    )


def _web_services_virtual_directory(found: Found) -> Iterator[Outcome]:
    server, identity = _server_of(found)
    external = optional_text(found, "msExchExternalHostName")
    yield OnpremWebServicesVirtualDirectory(
        guid=guid(found),
        identity=identity,
        server=server,
        server_key=server_key(server),
        internal_url=optional_text(found, "msExchInternalHostName"),
        external_url=external,
        external_url_host=None if external is None else host_of(external),
        mrs_proxy_enabled=None,
        ws_security_authentication=None,
    )


def _server_of(found: Found) -> tuple[str, str]:
    """Server and identity, `EX01` and `EX01\\EWS` of `CN=EWS,CN=HTTP,CN=Protocols,CN=EX01`."""
    names = [value for _, value in parts(found.dn)]
    if len(names) < 5 or names[2].lower() != "protocols":
        raise misfit(found, "distinguishedName", "a place below the protocols of a server")
    return names[3], rf"{names[3]}\{names[0]}"


_SERVERS = "CN=Administrative Groups"
EXCHANGE_SERVERS = DirectoryCollector(
    name="Exchange servers",
    place=Place.CONFIGURATION,
    container=_SERVERS,
    object_class="msExchExchangeServer",
    condition="(objectClass=msExchExchangeServer)",
    attributes=(
        "objectGUID",
        "serialNumber",
        "networkAddress",
        "msExchCurrentServerRoles",
        "msExchServerSite",
    ),
    tables=(OnpremExchangeServer,),
    permission=READ_ORGANIZATION,
    rows=_exchange_server,
    unsaid=(
        "onprem_exchange_server.server_role of Exchange 2013",
        "onprem_exchange_server.is_client_access_server of Exchange 2013",
    ),
    at_least_one=True,
)
ACTIVE_SYNC_VIRTUAL_DIRECTORIES = DirectoryCollector(
    name="ActiveSync virtual directories",
    place=Place.CONFIGURATION,
    container=_SERVERS,
    object_class="msExchMobileVirtualDirectory",
    condition="(objectClass=msExchMobileVirtualDirectory)",
    attributes=("objectGUID", "msExchInternalHostName", "msExchExternalHostName"),
    tables=(OnpremActiveSyncVirtualDirectory,),
    permission=READ_ORGANIZATION,
    rows=_active_sync_virtual_directory,
    unsaid=(
        "onprem_active_sync_virtual_directory.basic_auth_enabled",
        "onprem_active_sync_virtual_directory.windows_auth_enabled",
        "onprem_active_sync_virtual_directory.client_cert_auth",
    ),
    at_least_one=True,
)
WEB_SERVICES_VIRTUAL_DIRECTORIES = DirectoryCollector(
    name="EWS virtual directories",
    place=Place.CONFIGURATION,
    container=_SERVERS,
    object_class="msExchWebServicesVirtualDirectory",
    condition="(objectClass=msExchWebServicesVirtualDirectory)",
    attributes=("objectGUID", "msExchInternalHostName", "msExchExternalHostName"),
    tables=(OnpremWebServicesVirtualDirectory,),
    permission=READ_ORGANIZATION,
    rows=_web_services_virtual_directory,
    unsaid=(
        "onprem_web_services_virtual_directory.mrs_proxy_enabled",
        "onprem_web_services_virtual_directory.ws_security_authentication",
    ),
    at_least_one=True,
)
