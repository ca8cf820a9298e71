"""What the export script writes of each command: files and chosen properties.

They are those of `templates/Export-HybridEvidence.ps1`; a test holds them against what the
collectors ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from auditor.lab.cmdlets import EXSETUP

_ORIGIN = ("DistinguishedName", "OriginatingServer")
_ASKED = "AskedMailboxGuid"


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
    "Get-IntraOrganizationConnector": ExportedCommand(
        "Get-IntraOrganizationConnector",
        ("Guid", "Name", "Enabled", "DiscoveryEndpoint", "TargetAddressDomains", *_ORIGIN),
    ),
    "Get-AuthServer": ExportedCommand(
        "Get-AuthServer",
        (
            "Guid",
            "Name",
            "Type",
            "Enabled",
            "IsDefaultAuthorizationEndpoint",
            "Realm",
            "ApplicationIdentifier",
            *_ORIGIN,
        ),
    ),
    "Get-AuthConfig": ExportedCommand(
        "Get-AuthConfig",
        (
            "Guid",
            "CurrentCertificateThumbprint",
            "NextCertificateThumbprint",
            "NextCertificateEffectiveDate",
            *_ORIGIN,
        ),
    ),
    "Get-EmailAddressPolicy": ExportedCommand(
        "Get-EmailAddressPolicy",
        (
            "Guid",
            "Name",
            "Priority",
            "RecipientFilterApplied",
            "EnabledEmailAddressTemplates",
            *_ORIGIN,
        ),
    ),
    "Get-AuthenticationPolicy": ExportedCommand(
        "Get-AuthenticationPolicy",
        ("Guid", "Name", "BlockLegacyAuthActiveSync", "BlockModernAuthActiveSync", *_ORIGIN),
    ),
    "Get-SettingOverride": ExportedCommand(
        "Get-SettingOverride",
        ("Guid", "Name", "ComponentName", "SectionName", "Parameters", *_ORIGIN),
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
    "Get-MobileDeviceMailboxPolicy": ExportedCommand(
        "Get-MobileDeviceMailboxPolicy",
        (
            "Guid",
            "Name",
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
            *_ORIGIN,
        ),
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
    "Get-MailboxStatistics": ExportedCommand(
        "Get-MailboxStatistics",
        (
            _ASKED,
            "ItemCount",
            "TotalItemSize",
            "DeletedItemCount",
            "TotalDeletedItemSize",
            "LastLogonTime",
        ),
    ),
    "Get-MobileDeviceStatistics": ExportedCommand(
        "Get-MobileDeviceStatistics",
        (
            _ASKED,
            "Guid",
            "DeviceID",
            "LastSuccessSync",
            "Status",
            "DeviceWipeRequestTime",
            "DeviceWipeSentTime",
            "DeviceWipeAckTime",
            "DevicePolicyApplicationStatus",
        ),
    ),
    "Get-MailboxPermission": ExportedCommand(
        "Get-MailboxPermission", (_ASKED, "User", "AccessRights", "Deny", "IsInherited")
    ),
}
"""What the script asks for, in its order, less the names that only other versions know."""
