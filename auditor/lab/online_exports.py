"""Writes the tenant as the folder that the export script of Exchange Online leaves behind.

The rows are those of the admin endpoint, as the module ExchangeOnlineManagement hands them on:
GUIDs and times typed, all else as it came.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from auditor.lab.clixml_writer import Shape
from auditor.lab.exports import MANIFEST, manifest_entry, write_file
from auditor.lab.organization import TENANT_DOMAIN, Organization
from auditor.lab.shell_objects import Guid, ShellObject, TypeNames, Value, custom_object, selected
from auditor.lab.tenant import CMDLETS, Row
from auditor.lab.type_names import array

_MANAGEMENT = "Microsoft.Exchange.Data.Directory.Management"
_CONFIGURATION = "Microsoft.Exchange.Data.Directory.SystemConfiguration"
_ORIGIN = ("DistinguishedName", "OriginatingServer")
_CONFIGURED = ("Guid", "Name")

ONLINE_PROPERTIES: Mapping[str, tuple[str, ...]] = {
    "Get-OrganizationConfig": (
        *_CONFIGURED,
        "OAuth2ClientProfileEnabled",
        "DefaultAuthenticationPolicy",
        "EwsEnabled",
    ),
    "Get-AcceptedDomain": ("DomainName", "DomainType", "Default"),
    "Get-OrganizationRelationship": (
        *_CONFIGURED,
        "Enabled",
        "DomainNames",
        "TargetOwaURL",
        "TargetSharingEpr",
        "TargetApplicationUri",
        "WhenChangedUTC",
    ),
    "Get-MigrationEndpoint": (
        "Guid",
        "Identity",
        "EndpointType",
        "RemoteServer",
        "MaxConcurrentMigrations",
        "MaxConcurrentIncrementalSyncs",
    ),
    "Get-CASMailboxPlan": (*_CONFIGURED, "ActiveSyncEnabled", "ActiveSyncMailboxPolicy"),
    "Get-MailboxPlan": (
        *_CONFIGURED,
        "IsDefault",
        "MaxReceiveSize",
        "MaxSendSize",
        "ProhibitSendReceiveQuota",
    ),
    "Get-ActiveSyncOrganizationSettings": (
        "Guid",
        "DefaultAccessLevel",
        "AllowAccessForUnSupportedPlatform",
    ),
    "Get-ActiveSyncDeviceAccessRule": (
        *_CONFIGURED,
        "Characteristic",
        "QueryString",
        "AccessLevel",
    ),
    "Get-MobileDeviceMailboxPolicy": (
        *_CONFIGURED,
        "IsDefault",
        "PasswordEnabled",
        "MinPasswordLength",
        "AlphanumericPasswordRequired",
        "MinPasswordComplexCharacters",
        "AllowSimplePassword",
        "PasswordExpiration",
        "MaxInactivityTimeLock",
        "AllowNonProvisionableDevices",
        "RequireDeviceEncryption",
        "RequireStorageCardEncryption",
    ),
    "Get-Recipient": (
        *_CONFIGURED,
        "ExternalDirectoryObjectId",
        "DisplayName",
        "RecipientTypeDetails",
        "PrimarySmtpAddress",
        "ExchangeGuid",
        "ArchiveGuid",
        "EmailAddresses",
    ),
    "Get-CASMailbox": (
        "Guid",
        "ExternalDirectoryObjectId",
        "PrimarySmtpAddress",
        "ActiveSyncEnabled",
        "HasActiveSyncDevicePartnership",
        "ActiveSyncMailboxPolicy",
        "ActiveSyncMailboxPolicyIsDefaulted",
        "OutlookMobileEnabled",
        "ActiveSyncAllowedDeviceIDs",
        "ActiveSyncBlockedDeviceIDs",
    ),
    "Get-MobileDevice": (
        "Guid",
        "Identity",
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
}
"""What the script asks for, in its order, but for what tells on-premises from Exchange Online."""

UNLIMITED = frozenset({"Get-Recipient", "Get-CASMailbox", "Get-MobileDevice"})
"""Commands that the script asks with -ResultSize Unlimited."""

_UNLIMITED = ("ResultSize=Unlimited",)

_TYPES: Mapping[str, str] = {
    "Get-OrganizationConfig": f"{_MANAGEMENT}.OrganizationConfig",
    "Get-AcceptedDomain": f"{_CONFIGURATION}.AcceptedDomain",
    "Get-OrganizationRelationship": f"{_CONFIGURATION}.OrganizationRelationship",
    "Get-MigrationEndpoint": "Microsoft.Exchange.Migration.MigrationEndpoint",
    "Get-CASMailboxPlan": f"{_MANAGEMENT}.CASMailboxPlan",
    "Get-MailboxPlan": f"{_MANAGEMENT}.MailboxPlan",
    "Get-ActiveSyncOrganizationSettings": f"{_CONFIGURATION}.ActiveSyncOrganizationSettings",
    "Get-ActiveSyncDeviceAccessRule": f"{_CONFIGURATION}.ActiveSyncDeviceAccessRule",
    "Get-MobileDeviceMailboxPolicy": f"{_CONFIGURATION}.MobileMailboxPolicy",
    "Get-Recipient": f"{_MANAGEMENT}.ReducedRecipient",
    "Get-CASMailbox": f"{_MANAGEMENT}.CASMailbox",
    "Get-MobileDevice": f"{_CONFIGURATION}.MobileDevice",
}


def write_online_exports(organization: Organization, folder: Path, *, typed: bool = True) -> None:
    """Write one file per command and the manifest into `folder`, which is made if need be.

    Equal organisations give equal bytes. `typed`: whether objects carry the type names that they
    have on the servers. Raises FileExistsError rather than write over a file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    records = [_export(organization, cmdlet, folder, typed=typed) for cmdlet in ONLINE_PROPERTIES]
    contents = iter((_header(organization, len(records)), *records))
    write_file(folder / MANIFEST, contents, Shape.PARTIAL)


def _export(organization: Organization, cmdlet: str, folder: Path, *, typed: bool) -> ShellObject:
    """Write the file of one command; gives its entry in the manifest."""
    asked = dict.fromkeys((*ONLINE_PROPERTIES[cmdlet], *_ORIGIN))
    missing = dict.fromkeys(asked)
    types = (f"Deserialized.{_TYPES[cmdlet]}",) if typed else ("System.Object",)
    path = folder / f"{cmdlet}.clixml"

    def narrowed(row: Row) -> ShellObject:
        found = _deserialized(types, row)
        there = [name for name in asked if name in found.properties and _says(cmdlet, name)]
        for name in there:
            missing.pop(name, None)
        return selected(found, there)

    written = write_file(path, map(narrowed, CMDLETS[cmdlet](organization)), Shape.PARTIAL)
    said = manifest_entry(cmdlet, written, _UNLIMITED if cmdlet in UNLIMITED else ())
    if written.objects:
        said["MissingProperties"] = array(tuple(missing))
    return custom_object(said)


def _says(cmdlet: str, name: str) -> bool:
    """Migration endpoints are no objects of a directory, and say nothing of where they live."""
    return cmdlet != "Get-MigrationEndpoint" or name not in _ORIGIN


def _deserialized(types: TypeNames, row: Row) -> ShellObject:
    values = {name: _value(row, name) for name in row if "@" not in name}
    return ShellObject(types, None, values)


def _value(row: Row, name: str) -> Value:
    value = row[name]
    if isinstance(value, list):
        return array(tuple(str(item) for item in value))
    if isinstance(value, str):
        return _typed(value, row.get(f"{name}@data.type"))
    if value is None or isinstance(value, bool | int):
        return value
    raise TypeError(f"{name} of a row of the tenant is a {type(value).__name__}")


def _typed(value: str, note: object) -> Value:
    if note == "System.Guid":
        return Guid(value)
    return datetime.fromisoformat(value) if note == "System.DateTime" else value


def _header(organization: Organization, commands: int) -> ShellObject:
    header: dict[str, Value] = {
        "Tool": "Export-HybridEvidence",
        "Version": 1,
        "Side": "Exchange Online",
        "Commands": commands,
        "Computer": "ADMIN-PC",
        "ExportedUTC": f"{organization.now:%Y-%m-%dT%H:%M:%S}.0000000Z",
        "PSVersion": "7.4.6",
        "Culture": "en-GB",
        "Organization": TENANT_DOMAIN,
    }
    return custom_object(header)
