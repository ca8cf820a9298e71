"""Configuration of the organisation as objects of the Exchange cmdlets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from auditor.lab import directory_names
from auditor.lab import type_names as types
from auditor.lab.organization import Organization
from auditor.lab.shell_objects import Guid, ShellObject, TypeNames, Uri, Value
from auditor.lab.type_names import (
    domains,
    member,
    members,
    object_id,
    smtp_domain,
)

LOCAL_TIME = timezone(timedelta(hours=1))
"""Time of the machine that the administrator sits at; Exchange shows most dates twice."""


def stored_object(
    kind: TypeNames,
    text: str,
    distinguished_name: str,
    when_changed: datetime,
    properties: dict[str, Value],
) -> ShellObject:
    """An object out of the directory: its own properties, then those that all of them have."""
    guid = properties["Guid"]
    return ShellObject(
        kind,
        text,
        {
            **properties,
            "Identity": properties.get("Identity")
            or object_id(text, distinguished_name, str(guid)),
            "DistinguishedName": distinguished_name,
            "WhenChanged": when_changed.astimezone(LOCAL_TIME),
            "WhenChangedUTC": when_changed,
            "OriginatingServer": directory_names.DOMAIN_CONTROLLER,
            "IsValid": True,
        },
    )


def organization_config(organization: Organization) -> Iterator[ShellObject]:
    """Get-OrganizationConfig."""
    modern = all(
        "OAuth" in found.external_methods for found in organization.active_sync_directories
    )
    properties: dict[str, Value] = {
        "Name": "Contoso",
        "Guid": Guid(organization.guid),
        "OAuth2ClientProfileEnabled": modern,
        "DefaultAuthenticationPolicy": None,
        "ACLableSyncedObjectEnabled": False,
    }
    yield stored_object(
        types.ORGANIZATION_CONFIG,
        "Contoso",
        directory_names.EXCHANGE,
        organization.now,
        properties,
    )


def organization_relationships(organization: Organization) -> Iterator[ShellObject]:
    """Get-OrganizationRelationship."""
    for found in organization.relationships:
        properties: dict[str, Value] = {
            "Name": found.name,
            "Guid": Guid(found.guid),
            "DomainNames": domains(found.domain_names),
            "Enabled": found.enabled,
            "MailboxMoveEnabled": found.mailbox_move_enabled,
            "FreeBusyAccessEnabled": True,
            "TargetApplicationUri": Uri(found.target_application_uri),
            "TargetAutodiscoverEpr": Uri(found.target_autodiscover_epr)
            if found.target_autodiscover_epr
            else None,
            "TargetOwaURL": Uri(found.target_owa_url) if found.target_owa_url else None,
        }
        name = f"CN={found.name},CN=Federation,{directory_names.EXCHANGE}"
        yield stored_object(
            types.ORGANIZATION_RELATIONSHIP, found.name, name, found.when_changed, properties
        )


def hybrid_configuration(organization: Organization) -> Iterator[ShellObject]:
    """Get-HybridConfiguration; nothing where the wizard never ran."""
    found = organization.hybrid_configuration
    if found is None:
        return
    properties: dict[str, Value] = {
        "Name": "Hybrid Configuration",
        "Guid": Guid(found.guid),
        "Domains": types.strings(found.domains),
        "Features": members("HybridFeature", found.features),
        "ServiceInstance": found.service_instance,
    }
    name = f"CN=Hybrid Configuration,CN=Hybrid Configuration,{directory_names.EXCHANGE}"
    yield stored_object(
        types.HYBRID_CONFIGURATION, "Hybrid Configuration", name, organization.now, properties
    )


def accepted_domains(organization: Organization) -> Iterator[ShellObject]:
    """Get-AcceptedDomain."""
    for found in organization.accepted_domains:
        properties: dict[str, Value] = {
            "Name": found.domain_name,
            "Guid": Guid(found.guid),
            "DomainName": smtp_domain(found.domain_name, with_subdomains=True),
            "DomainType": member("AcceptedDomainType", found.domain_type),
            "Default": found.default,
        }
        name = (
            f"CN={found.domain_name},CN=Accepted Domains,CN=Transport Settings,"
            f"{directory_names.EXCHANGE}"
        )
        yield stored_object(
            types.ACCEPTED_DOMAIN, found.domain_name, name, organization.now, properties
        )


def remote_domains(organization: Organization) -> Iterator[ShellObject]:
    """Get-RemoteDomain."""
    for found in organization.remote_domains:
        properties: dict[str, Value] = {
            "Name": found.name,
            "Guid": Guid(found.guid),
            "DomainName": smtp_domain(found.domain_name, with_subdomains=True),
            "TargetDeliveryDomain": found.target_delivery_domain,
            "IsInternal": found.target_delivery_domain,
        }
        name = f"CN={found.name},CN=Internet Message Formats,CN=Global Settings"
        yield stored_object(
            types.REMOTE_DOMAIN,
            found.name,
            f"{name},{directory_names.EXCHANGE}",
            organization.now,
            properties,
        )


def active_sync_settings(organization: Organization) -> Iterator[ShellObject]:
    """Get-ActiveSyncOrganizationSettings."""
    properties: dict[str, Value] = {
        "Name": "Mobile Mailbox Settings",
        "Guid": Guid(organization.active_sync_settings_guid),
        "DefaultAccessLevel": member("DeviceAccessLevel", organization.default_access_level),
        "AdminMailRecipients": types.strings(("mobile-team@contoso.com",)),
        "UserMailInsert": "",
    }
    name = f"CN=Mobile Mailbox Settings,{directory_names.EXCHANGE}"
    yield stored_object(
        types.ACTIVE_SYNC_SETTINGS,
        "Mobile Mailbox Settings",
        name,
        organization.now,
        properties,
    )


def access_rules(organization: Organization) -> Iterator[ShellObject]:
    """Get-ActiveSyncDeviceAccessRule."""
    for found in organization.access_rules:
        label = f"{found.query_string} ({found.characteristic})"
        properties: dict[str, Value] = {
            "Name": label,
            "Guid": Guid(found.guid),
            "Characteristic": member("DeviceAccessCharacteristic", found.characteristic),
            "QueryString": found.query_string,
            "AccessLevel": member("DeviceAccessLevel", found.access_level),
        }
        name = f"CN={label},CN=Mobile Mailbox Settings,{directory_names.EXCHANGE}"
        yield stored_object(types.DEVICE_ACCESS_RULE, label, name, organization.now, properties)
