"""Servers, their virtual directories and certificates as objects of the Exchange cmdlets."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.lab import directory_names
from auditor.lab import type_names as types
from auditor.lab.configuration_objects import LOCAL_TIME, stored_object
from auditor.lab.organization import Organization
from auditor.lab.parts import (
    ActiveSyncVirtualDirectory,
    Certificate,
    Server,
    WebServicesVirtualDirectory,
)
from auditor.lab.shell_objects import Guid, ShellObject, TypeNames, Uri, Value
from auditor.lab.type_names import domains, flags, member, members, object_id, server_version

_SERVICE_NUMBERS = {"IMAP": 1, "POP": 2, "IIS": 8, "SMTP": 16}


def exchange_servers(organization: Organization) -> Iterator[ShellObject]:
    """Get-ExchangeServer."""
    for server in organization.servers:
        roles = server.product.roles
        properties: dict[str, Value] = {
            "Name": server.name,
            "Guid": Guid(server.guid),
            "Fqdn": server.fqdn,
            "AdminDisplayVersion": server_version(server.product.display_version),
            "ServerRole": flags("ServerRole", roles, server.product.role_number),
            # from 2016 on the Mailbox role holds client access, and the flag says so
            "IsClientAccessServer": True,
            "IsMailboxServer": True,
            "IsEdgeServer": False,
            "Site": object_id(directory_names.site_canonical(server.site.name)),
            "Domain": server.fqdn.partition(".")[2],
        }
        name = f"CN={server.name},{directory_names.SERVERS}"
        yield stored_object(types.EXCHANGE_SERVER, server.name, name, organization.now, properties)


def setup_versions(organization: Organization) -> Iterator[ShellObject]:
    """FileVersionInfo of ExSetup.exe on each server whose file could be read."""
    for server in organization.servers:
        if not server.build_readable:
            continue
        numbers = [int(number) for number in server.build.split(".")]
        version = "{:02}.{:02}.{:04}.{:03}".format(*numbers)
        yield ShellObject(
            types.FILE_VERSION_INFO,
            f"File:             {_setup_file(server)}\r\nFileVersion:      {version}\r\n",
            {
                "FileName": _setup_file(server),
                "FileVersion": version,
                "ProductVersion": version,
                "FileMajorPart": numbers[0],
                "FileMinorPart": numbers[1],
                "FileBuildPart": numbers[2],
                "FilePrivatePart": numbers[3],
                "InternalName": "ExSetup.exe",
            },
            {"Server": server.name},
        )


def _setup_file(server: Server) -> str:
    return rf"{server.product.install_folder}\bin\ExSetup.exe"


def active_sync_directories(organization: Organization) -> Iterator[ShellObject]:
    """Get-ActiveSyncVirtualDirectory. Without IIS the settings that live there are defaults."""
    for found in organization.active_sync_directories:
        read = found.iis_read
        properties: dict[str, Value] = {
            "BasicAuthEnabled": found.basic_auth_enabled and read,
            "WindowsAuthEnabled": False,
            "ClientCertAuth": member("ClientCertAuthTypes", found.client_cert_auth)
            if read
            else None,
            "InternalAuthenticationMethods": members("AuthenticationMethod", ()),
            "ExternalAuthenticationMethods": members(
                "AuthenticationMethod", found.external_methods
            ),
        }
        yield _virtual_directory(
            organization,
            found,
            types.ACTIVE_SYNC_VIRTUAL_DIRECTORY,
            ("Microsoft-Server-ActiveSync", "Sync" if read else ""),
            properties,
        )


def web_services_directories(organization: Organization) -> Iterator[ShellObject]:
    """Get-WebServicesVirtualDirectory."""
    for found in organization.web_services_directories:
        properties: dict[str, Value] = {
            "MRSProxyEnabled": found.mrs_proxy_enabled,
            "WSSecurityAuthentication": found.ws_security_authentication,
        }
        yield _virtual_directory(
            organization,
            found,
            types.WEB_SERVICES_VIRTUAL_DIRECTORY,
            ("EWS", "EWS"),
            properties,
        )


def _virtual_directory(
    organization: Organization,
    found: ActiveSyncVirtualDirectory | WebServicesVirtualDirectory,
    kind: TypeNames,
    application: tuple[str, str],
    properties: dict[str, Value],
) -> ShellObject:
    label, folder = application
    server = found.server
    name = f"{label} (Default Web Site)"
    identity = rf"{server.name}\{name}"
    where = f"CN={name},CN=HTTP,CN=Protocols,CN={server.name},{directory_names.SERVERS}"
    page = "/Exchange.asmx" if label == "EWS" else ""
    return stored_object(
        kind,
        identity,
        where,
        organization.now,
        {
            "Name": name,
            "Guid": Guid(found.guid),
            "Identity": object_id(identity, where, found.guid),
            "Server": object_id(server.name),
            "InternalUrl": Uri(f"https://{server.fqdn.lower()}/{label}{page}"),
            "ExternalUrl": Uri(found.external_url) if found.external_url else None,
            "Path": rf"{server.product.install_folder}\ClientAccess\{folder}" if folder else "",
            **properties,
        },
    )


def certificates(organization: Organization) -> Iterator[ShellObject]:
    """Get-ExchangeCertificate -Server, of every server in turn."""
    for found in organization.certificates:
        yield ShellObject(
            types.EXCHANGE_CERTIFICATE,
            f"[Subject]\r\n  {found.subject}\r\n\r\n[Thumbprint]\r\n  {found.thumbprint}\r\n",
            {
                "Thumbprint": found.thumbprint,
                "Subject": found.subject,
                "Issuer": found.issuer,
                "CertificateDomains": domains(found.names),
                "NotBefore": found.not_before.astimezone(LOCAL_TIME),
                "NotAfter": found.not_after.astimezone(LOCAL_TIME),
                "IsSelfSigned": found.is_self_signed,
                "Services": flags("AllowedServices", found.services, _services(found)),
                "RootCAType": member("CertificateAuthorityType", found.root_ca_type),
                "Status": member("CertificateStatus", _status(organization, found)),
                "HasPrivateKey": True,
            },
            {"Server": found.server.name},
        )


def _services(found: Certificate) -> int:
    return sum(_SERVICE_NUMBERS[service] for service in found.services.split(", "))


def _status(organization: Organization, found: Certificate) -> str:
    return "DateInvalid" if found.not_after < organization.now else "Valid"
