"""Policies of the organisation, and its trust in the tenant, as objects of the Exchange cmdlets."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.lab import directory_names
from auditor.lab import type_names as types
from auditor.lab.configuration_objects import stored_object
from auditor.lab.draws import guid, hexadecimal
from auditor.lab.organization import (
    PRIMARY_DOMAIN,
    ROUTING_DOMAIN,
    SECOND_DOMAIN,
    TENANT_DOMAIN,
    Organization,
)
from auditor.lab.shell_objects import Guid, ShellObject, TypeNames, Uri, Value
from auditor.lab.type_names import address_templates, domains, member, strings

ADDRESS_POLICIES = (
    ("Fabrikam", "1", f"SMTP:%m@{SECOND_DOMAIN}"),
    ("Default Policy", "Lowest", f"SMTP:@{PRIMARY_DOMAIN}"),
)
"""Name, priority and primary template; the Hybrid Configuration Wizard added ROUTING_TEMPLATE."""

ROUTING_TEMPLATE = f"smtp:%m@{ROUTING_DOMAIN}"
MOBILE_POLICIES = (("Default", False), ("Executives", True))
"""Names of the policies for phones, and whether they are strict; the other one is the default."""

KINDS_OF_CHARACTERS = 1
_EXCHANGE_ONLINE = "00000002-0000-0ff1-ce00-000000000000"
"""Application identifier of Exchange Online, the service that Exchange names in its own tokens."""


def _stored(
    organization: Organization,
    kind: TypeNames,
    name: str,
    container: str,
    properties: dict[str, Value],
) -> ShellObject:
    return stored_object(
        kind,
        name,
        f"CN={directory_names.escaped(name)},{container}{directory_names.EXCHANGE}",
        organization.now,
        {"Name": name, "Guid": Guid(guid(organization.seed, kind[0], name)), **properties},
    )


def intra_organization_connectors(organization: Organization) -> Iterator[ShellObject]:
    """Get-IntraOrganizationConnector: the one that the Hybrid Configuration Wizard makes."""
    yield _stored(
        organization,
        types.INTRA_ORGANIZATION_CONNECTOR,
        f"HybridIOC - {organization.guid}",
        "CN=Intra Organization Connectors,",
        {
            "TargetAddressDomains": domains((ROUTING_DOMAIN,)),
            "DiscoveryEndpoint": Uri("https://autodiscover-s.outlook.com/autodiscover"),
            "TargetSharingEpr": None,
            "Enabled": True,
        },
    )


def auth_servers(organization: Organization) -> Iterator[ShellObject]:
    """Get-AuthServer: the access control service, and Entra ID with the dedicated application."""
    tenant = guid(organization.seed, "tenant", 0)
    modern = all(
        "OAuth" in found.external_methods for found in organization.active_sync_directories
    )
    for name, kind, application in (
        ("ACS", "MicrosoftACS", ""),
        (f"EvoSTS - {tenant}", "AzureAD", guid(organization.seed, "hybrid application", 0)),
    ):
        yield _stored(
            organization,
            types.AUTH_SERVER,
            name,
            "CN=Auth Servers,CN=Auth Configuration,",
            {
                "Type": member("AuthServerType", kind),
                "Enabled": True,
                "IsDefaultAuthorizationEndpoint": modern and kind == "AzureAD",
                "Realm": tenant,
                "DomainName": strings((TENANT_DOMAIN,)),
                "ApplicationIdentifier": application,
            },
        )


def auth_config(organization: Organization) -> Iterator[ShellObject]:
    """Get-AuthConfig: it names the certificate for OAuth, which is one and the same everywhere."""
    yield _stored(
        organization,
        types.AUTH_CONFIG,
        "Auth Configuration",
        "",
        {
            "CurrentCertificateThumbprint": hexadecimal(
                organization.seed, "certificate", "oauth", 40
            ),
            "PreviousCertificateThumbprint": "",
            "NextCertificateThumbprint": "",
            "NextCertificateEffectiveDate": None,
            "ServiceName": _EXCHANGE_ONLINE,
        },
    )


def email_address_policies(organization: Organization) -> Iterator[ShellObject]:
    """Get-EmailAddressPolicy, as the Hybrid Configuration Wizard left them."""
    for name, priority, primary in ADDRESS_POLICIES:
        yield _stored(
            organization,
            types.EMAIL_ADDRESS_POLICY,
            name,
            "CN=Recipient Policies,",
            {
                "Priority": priority,
                "EnabledPrimarySMTPAddressTemplate": primary.partition(":")[2],
                "EnabledEmailAddressTemplates": address_templates((primary, ROUTING_TEMPLATE)),
                "RecipientFilterApplied": True,
            },
        )


def authentication_policies(organization: Organization) -> Iterator[ShellObject]:
    """Get-AuthenticationPolicy: one that spares ActiveSync."""
    yield _stored(
        organization,
        types.AUTHENTICATION_POLICY,
        "Block legacy sign-in to POP and IMAP",
        "CN=Auth Policies,",
        {
            "BlockLegacyAuthActiveSync": False,
            "BlockLegacyAuthImap": True,
            "BlockLegacyAuthPop": True,
            "BlockModernAuthActiveSync": False,
        },
    )


def setting_overrides(organization: Organization) -> Iterator[ShellObject]:
    """Get-SettingOverride: the one that the dedicated hybrid application needs."""
    yield _stored(
        organization,
        types.SETTING_OVERRIDE,
        "EnableExchangeHybrid3PAppFeature",
        "CN=Setting Overrides,CN=Global Settings,",
        {
            "ComponentName": "Global",
            "SectionName": "ExchangeOnpremAsThirdPartyAppId",
            "Parameters": strings(("Enabled=true",)),
            "Reason": "EnableExchangeHybrid3PAppFeature",
            "Server": strings(()),
        },
    )


def mobile_device_policies(organization: Organization) -> Iterator[ShellObject]:
    """Get-MobileDeviceMailboxPolicy: the default policy, and a stricter one nobody has."""
    for name, strict in MOBILE_POLICIES:
        yield _stored(
            organization,
            types.MOBILE_DEVICE_POLICY,
            name,
            "CN=Mobile Mailbox Policies,",
            {
                "IsDefault": not strict,
                "AllowNonProvisionableDevices": not strict,
                "PasswordEnabled": strict,
                "MinPasswordLength": 6 if strict else None,
                "AlphanumericPasswordRequired": False,
                "MinPasswordComplexCharacters": KINDS_OF_CHARACTERS,
                "AllowSimplePassword": not strict,
                "PasswordExpiration": "Unlimited",
                "MaxInactivityTimeLock": "00:10:00" if strict else "Unlimited",
                "RequireDeviceEncryption": strict,
                "RequireStorageCardEncryption": False,
            },
        )
