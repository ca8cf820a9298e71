"""Writes the organisation as the folder that the export script leaves behind.

Names of files, chosen properties and the manifest are those of `templates/Export-HybridEvidence
.ps1`; a test holds them against what the collectors ask for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from auditor.lab.clixml_writer import Shape, file_text
from auditor.lab.cmdlets import EXSETUP, objects
from auditor.lab.organization import Organization
from auditor.lab.shell_objects import ShellObject, Value, custom_object, selected
from auditor.lab.type_names import array

MANIFEST = "manifest.clixml"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ORIGIN = ("DistinguishedName", "OriginatingServer")


@dataclass(frozen=True)
class ExportedCommand:
    """One file of the script: what it is called and what it holds."""

    stem: str
    properties: tuple[str, ...]
    per_server: bool = False
    parameters: tuple[str, ...] = ()


def _unlimited(stem: str, properties: tuple[str, ...], *further: str) -> ExportedCommand:
    parameters = ("ResultSize=Unlimited", *further)
    return ExportedCommand(stem, (*properties, "OriginatingServer"), parameters=parameters)


_WHOLE_FOREST = "IgnoreDefaultScope=True"


_ADDRESSEE = (
    "Guid",
    "ExchangeGuid",
    "DisplayName",
    "DistinguishedName",
    "PrimarySmtpAddress",
    "UserPrincipalName",
)
_DIRECTORY = ("Guid", "Identity", "Server", "InternalUrl", "ExternalUrl", "Path")

EXPORTED: Mapping[str, ExportedCommand] = {
    "Get-ExchangeServer": ExportedCommand(
        "Get-ExchangeServer",
        (
            "Guid",
            "Name",
            "Fqdn",
            "AdminDisplayVersion",
            "ServerRole",
            "IsClientAccessServer",
            "IsMailboxServer",
            "IsEdgeServer",
            "Site",
            *_ORIGIN,
        ),
    ),
    EXSETUP: ExportedCommand("ExSetup", ("FileName", "FileVersion"), per_server=True),
    "Get-OrganizationConfig": ExportedCommand(
        "Get-OrganizationConfig",
        (
            "Guid",
            "Name",
            "OAuth2ClientProfileEnabled",
            "DefaultAuthenticationPolicy",
            "ACLableSyncedObjectEnabled",
            *_ORIGIN,
        ),
    ),
    "Get-OrganizationRelationship": ExportedCommand(
        "Get-OrganizationRelationship",
        (
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
            *_ORIGIN,
        ),
    ),
    "Get-HybridConfiguration": ExportedCommand(
        "Get-HybridConfiguration", ("Guid", "ServiceInstance", "Features", "Domains", *_ORIGIN)
    ),
    "Get-AcceptedDomain": ExportedCommand(
        "Get-AcceptedDomain", ("Guid", "Name", "DomainName", "DomainType", *_ORIGIN)
    ),
    "Get-RemoteDomain": ExportedCommand(
        "Get-RemoteDomain", ("Guid", "Name", "DomainName", "TargetDeliveryDomain", *_ORIGIN)
    ),
    "Get-ActiveSyncVirtualDirectory": ExportedCommand(
        "Get-ActiveSyncVirtualDirectory",
        (
            *_DIRECTORY,
            "BasicAuthEnabled",
            "WindowsAuthEnabled",
            "ClientCertAuth",
            "InternalAuthenticationMethods",
            "ExternalAuthenticationMethods",
            *_ORIGIN,
        ),
    ),
    "Get-WebServicesVirtualDirectory": ExportedCommand(
        "Get-WebServicesVirtualDirectory",
        (*_DIRECTORY, "MRSProxyEnabled", "WSSecurityAuthentication", *_ORIGIN),
    ),
    "Get-ExchangeCertificate": ExportedCommand(
        "Get-ExchangeCertificate",
        (
            "Thumbprint",
            "Services",
            "NotBefore",
            "NotAfter",
            "Subject",
            "Issuer",
            "CertificateDomains",
            "IsSelfSigned",
            "RootCAType",
            "Status",
        ),
        per_server=True,
    ),
    "Get-ActiveSyncOrganizationSettings": ExportedCommand(
        "Get-ActiveSyncOrganizationSettings", ("Guid", "DefaultAccessLevel", *_ORIGIN)
    ),
    "Get-ActiveSyncDeviceAccessRule": ExportedCommand(
        "Get-ActiveSyncDeviceAccessRule",
        ("Guid", "Name", "Characteristic", "QueryString", "AccessLevel", *_ORIGIN),
    ),
    "Get-Mailbox": _unlimited(
        "Get-Mailbox",
        (
            *_ADDRESSEE,
            "SamAccountName",
            "RecipientTypeDetails",
            "ServerName",
            "EmailAddressPolicyEnabled",
            "EmailAddresses",
        ),
        _WHOLE_FOREST,
    ),
    "Get-CASMailbox": _unlimited(
        "Get-CASMailbox",
        (
            "Guid",
            "PrimarySmtpAddress",
            "ActiveSyncEnabled",
            "HasActiveSyncDevicePartnership",
            "ActiveSyncMailboxPolicy",
            "ActiveSyncMailboxPolicyIsDefaulted",
            "ActiveSyncAllowedDeviceIDs",
            "ActiveSyncBlockedDeviceIDs",
            "DistinguishedName",
        ),
        _WHOLE_FOREST,
    ),
    "Get-RemoteMailbox": _unlimited(
        "Get-RemoteMailbox",
        (*_ADDRESSEE, "RecipientTypeDetails", "RemoteRoutingAddress", "EmailAddresses"),
        _WHOLE_FOREST,
    ),
    "Get-MobileDevice": _unlimited(
        "Get-MobileDevice",
        (
            "Guid",
            "DistinguishedName",
            "UserDisplayName",
            "DeviceId",
            "DeviceType",
            "DeviceModel",
            "DeviceOS",
            "DeviceUserAgent",
            "FriendlyName",
            "ClientType",
            "ClientVersion",
            "DeviceAccessState",
            "DeviceAccessStateReason",
            "FirstSyncTime",
        ),
    ),
}
"""What the script asks for, in its order, less the names that only other versions know."""


def write_exports(organization: Organization, folder: Path, shape: Shape = Shape.FULL) -> None:
    """Write one file per command and the manifest into `folder`, which is made if need be.

    Equal organisations give equal bytes. `shape` is that of the Exchange Management Shell, or of a
    plain remote session. Raises FileExistsError rather than write over a file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    records = [
        _export(organization, cmdlet, command, folder, shape)
        for cmdlet, command in EXPORTED.items()
    ]
    _write(folder / MANIFEST, iter((_header(organization, len(records)), *records)), shape)


def _export(
    organization: Organization,
    cmdlet: str,
    command: ExportedCommand,
    folder: Path,
    shape: Shape,
) -> ShellObject:
    """Write the file of one command; gives its entry in the manifest."""
    path = folder / f"{command.stem}.clixml"
    names = (*command.properties, "Server") if command.per_server else command.properties
    narrowed = (selected(found, names) for found in objects(organization, cmdlet))
    count, digest = _write(path, narrowed, shape)
    errors = _refusals(organization) if cmdlet == EXSETUP else ()
    return custom_object(
        {
            "Cmdlet": cmdlet,
            "State": "errors" if errors else "ok",
            "Count": count,
            "Parameters": array(command.parameters),
            "DroppedParameters": array(()),
            "MissingProperties": array(()),
            "ErrorCount": len(errors),
            "Errors": array(errors),
            "ErrorCategories": array(("PermissionDenied",) * len(errors)),
            "Warnings": array(()),
            "File": path.name,
            "Sha256": digest,
        }
    )


def _refusals(organization: Organization) -> tuple[str, ...]:
    return tuple(
        f"{server.name}: Connecting to remote server {server.fqdn} failed with the following "
        "error message : Access is denied."
        for server in organization.servers
        if not server.build_readable
    )


def _header(organization: Organization, commands: int) -> ShellObject:
    header: dict[str, Value] = {
        "Tool": "Export-HybridEvidence",
        "Version": 1,
        "Commands": commands,
        "Computer": organization.servers[0].name,
        "ExportedUTC": f"{organization.now:%Y-%m-%dT%H:%M:%S}.0000000Z",
        "PSVersion": "5.1.20348.3932",
        "Culture": "de-CH",
        "ViewEntireForest": True,
        "ForestDomains": 1,
    }
    return custom_object(header)


def _write(path: Path, found: Iterator[ShellObject], shape: Shape) -> tuple[int, str]:
    """Write one file of Export-Clixml; gives the number of objects and the SHA-256."""
    digest = hashlib.sha256()
    pieces = 0
    with path.open("xb") as file:
        encoded = (f"{piece}\r\n".encode() for piece in file_text(found, shape))
        for data in chain((_BYTE_ORDER_MARK,), encoded):
            digest.update(data)
            file.write(data)
            pieces += 1
    return pieces - 3, digest.hexdigest()  # the mark, the header and the footer are no objects
