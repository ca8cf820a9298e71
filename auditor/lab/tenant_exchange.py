"""Settings of Exchange Online, as rows of its cmdlets. Without a fault they equal those at home."""

from __future__ import annotations

from datetime import datetime, timedelta

from auditor.lab.draws import guid
from auditor.lab.landscape import ZURICH
from auditor.lab.organization import (
    PRIMARY_DOMAIN,
    SECOND_DOMAIN,
    TENANT_DOMAIN,
    Organization,
)
from auditor.lab.tenant_accounts import verified_domains
from auditor.lab.tenant_cmdlets import CONFIGURATION, Guid, TypedTime, size, with_notes
from auditor.lab.tenant_rows import Row, Rows, moment, rows_of

PLANS = (
    ("ExchangeOnlineEnterprise", 100 << 30, True),
    ("ExchangeOnline", 50 << 30, False),
    ("ExchangeOnlineDeskless", 2 << 30, False),
    ("ExchangeOnlineEssentials", 15 << 30, False),
)
"""Mailbox plans, which licences map to: name, quota, and whether it is the default."""

ENTERPRISE_PLAN = PLANS[0][0]
"""The plan behind Exchange Online (Plan 2)."""

BLOCKED_TYPE = "Android"
"""DeviceType that the rule of `cloud_block_rule` blocks."""

_GENEROUS, _SMALL = 150 << 20, 35 << 20


def cloud_guid(organization: Organization, kind: str, name: str) -> str:
    """GUID of an object of the configuration of Exchange Online."""
    return guid(organization.seed, f"exo {kind}", name)


def _stored(
    organization: Organization, kind: str, name: str, values: Row, changed: datetime | None = None
) -> Row:
    """An object of the configuration: what all of them have, and what this kind has."""
    when = changed or organization.now - timedelta(days=210)
    return with_notes(
        {
            "Identity": name,
            "Name": name,
            "Guid": Guid(cloud_guid(organization, kind, name)),
            "DistinguishedName": f"CN={name},{CONFIGURATION}",
            "WhenChangedUTC": TypedTime(moment(when)),
            "IsValid": True,
            **values,
        }
    )


def organization_config(organization: Organization) -> Rows:
    """Get-OrganizationConfig."""
    values: Row = {
        "DisplayName": "Contoso Ltd",
        "OAuth2ClientProfileEnabled": "oauth_off" not in organization.faults,
        "DefaultAuthenticationPolicy": None,
        "EwsEnabled": None,
        "IsDehydrated": False,
    }
    return rows_of([_stored(organization, "organization", TENANT_DOMAIN, values)])


def cas_mailbox_plans(organization: Organization) -> Rows:
    """Get-CASMailboxPlan."""
    without = ENTERPRISE_PLAN if "cas_plan_eas_off" in organization.faults else ""
    return rows_of(
        [
            _stored(
                organization,
                "plan",
                f"{name}-{cloud_guid(organization, 'plan name', name)}",
                {
                    "DisplayName": name,
                    "ActiveSyncEnabled": name != without,
                    "ActiveSyncMailboxPolicy": None,
                    "ImapEnabled": False,
                    "OwaMailboxPolicy": "OwaMailboxPolicy-Default",
                    "PopEnabled": False,
                },
            )
            for name, _, _ in PLANS
        ]
    )


def plan_guid(organization: Organization, name: str) -> str:
    """GUID that both cmdlets about plans give a plan."""
    full = f"{name}-{cloud_guid(organization, 'plan name', name)}"
    return cloud_guid(organization, "plan", full)


def mailbox_plans(organization: Organization) -> Rows:
    """Get-MailboxPlan."""
    largest = size(_SMALL if "small_mailbox_plan" in organization.faults else _GENEROUS)
    return rows_of(
        [
            _stored(
                organization,
                "plan",
                f"{name}-{cloud_guid(organization, 'plan name', name)}",
                {
                    "DisplayName": name,
                    "IsDefault": is_default,
                    "MaxReceiveSize": largest,
                    "MaxSendSize": largest,
                    "ProhibitSendReceiveQuota": size(quota),
                    "ProhibitSendQuota": size(quota - (1 << 30)),
                    "RetainDeletedItemsFor": "14.00:00:00",
                },
            )
            for name, quota, is_default in PLANS
        ]
    )


def active_sync_settings(organization: Organization) -> Rows:
    """Get-ActiveSyncOrganizationSettings."""
    held = "cloud_quarantine" in organization.faults
    values: Row = {
        "DefaultAccessLevel": "Quarantine" if held else organization.default_access_level,
        "AllowAccessForUnSupportedPlatform": False,
        "AdminMailRecipients": ["mobile-team@contoso.com"],
        "UserMailInsert": "",
    }
    return rows_of([_stored(organization, "settings", "Mobile Mailbox Settings", values)])


def access_rules(organization: Organization) -> Rows:
    """Get-ActiveSyncDeviceAccessRule."""
    rules = [
        (rule.query_string, rule.characteristic, rule.access_level)
        for rule in organization.access_rules
    ]
    if "cloud_block_rule" in organization.faults:
        rules.append((BLOCKED_TYPE, "DeviceType", "Block"))
    return rows_of(
        [
            _stored(
                organization,
                "access rule",
                f"{query} ({characteristic})",
                {"QueryString": query, "Characteristic": characteristic, "AccessLevel": level},
            )
            for query, characteristic, level in rules
        ]
    )


def mobile_device_policies(organization: Organization) -> Rows:
    """Get-MobileDeviceMailboxPolicy: the two of the organisation, recreated by its consultant."""
    wants = "stricter_cloud_policy" in organization.faults
    return rows_of(
        [
            _device_policy(organization, "Default", strict=False, length=8 if wants else None),
            _device_policy(organization, "Executives", strict=True, length=6),
        ]
    )


def _device_policy(
    organization: Organization, name: str, *, strict: bool, length: int | None
) -> Row:
    values: Row = {
        "IsDefault": not strict,
        "AllowNonProvisionableDevices": not strict,
        "PasswordEnabled": length is not None,
        "MinPasswordLength": length,
        "AlphanumericPasswordRequired": False,
        "MinPasswordComplexCharacters": 1,
        "AllowSimplePassword": not strict,
        "PasswordExpiration": "Unlimited",
        "MaxInactivityTimeLock": "00:10:00" if strict else "Unlimited",
        "RequireDeviceEncryption": strict,
        "RequireStorageCardEncryption": False,
    }
    return _stored(organization, "device policy", name, values)


def accepted_domains(organization: Organization) -> Rows:
    """Get-AcceptedDomain: the verified domains."""
    return rows_of(
        [
            _stored(
                organization,
                "accepted domain",
                name,
                {
                    "DomainName": name,
                    "DomainType": "Authoritative",
                    "Default": name == PRIMARY_DOMAIN,
                    "InitialDomain": name == TENANT_DOMAIN,
                },
            )
            for name in verified_domains(organization)
        ]
    )


def relationship_name(organization: Organization) -> str:
    """Name of the relationship that leads back, as the Hybrid Configuration Wizard gives it."""
    return f"O365 to On-premises - {organization.guid}"


def organization_relationships(organization: Organization) -> Rows:
    """Get-OrganizationRelationship: the way back to the servers on-premises."""
    autodiscover = f"https://autodiscover.{PRIMARY_DOMAIN}/autodiscover/autodiscover.svc/WSSecurity"
    values: Row = {
        "DomainNames": [PRIMARY_DOMAIN, SECOND_DOMAIN],
        "Enabled": True,
        "FreeBusyAccessEnabled": True,
        "MailboxMoveEnabled": True,
        "TargetApplicationUri": f"FYDIBOHF25SPDLT.{PRIMARY_DOMAIN}",
        "TargetAutodiscoverEpr": autodiscover,
        "TargetOwaURL": None,
        "TargetSharingEpr": None,
    }
    changed = organization.now - timedelta(days=75)
    name = relationship_name(organization)
    return rows_of([_stored(organization, "relationship", name, values, changed)])


def migration_endpoints(organization: Organization) -> Rows:
    """Get-MigrationEndpoint: the one of the Hybrid Configuration Wizard."""
    if "no_migration_endpoint" in organization.faults:
        return rows_of([])
    values: Row = {
        "EndpointType": "ExchangeRemoteMove",
        "RemoteServer": ZURICH.published_host,
        "MaxConcurrentMigrations": "20",
        "MaxConcurrentIncrementalSyncs": "10",
        "IsRemote": True,
    }
    name = "Hybrid Migration Endpoint - EWS (Default Web Site)"
    return rows_of([_stored(organization, "migration endpoint", name, values)])
