"""The organisation as its tenant knows it: what Microsoft Graph and Exchange Online answer.

Rows are dictionaries as JSON holds them, made from the number of a mailbox: nothing is held, and a
page costs its own rows. What was planted on whom is in `tenant_accounts.py`, what follows from it
in `cloud_consequences.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from auditor.lab import (
    tenant_access,
    tenant_devices,
    tenant_exchange,
    tenant_licences,
    tenant_recipients,
    tenant_settings,
    tenant_sign_ins,
    tenant_users,
)
from auditor.lab.organization import Organization
from auditor.lab.tenant_rows import Row, Rows
from auditor.lab.tenant_settings import tenant_id

__all__ = ["CMDLETS", "COLLECTIONS", "SINGLES", "Row", "Rows", "collection", "tenant_id"]

COLLECTIONS: Mapping[str, Callable[[Organization], Rows]] = {
    "organization": tenant_settings.organizations,
    "domains": tenant_settings.domains,
    "subscribedSkus": tenant_licences.subscribed_skus,
    "users": tenant_users.users,
    "directory/deletedItems/graph.user": tenant_users.deleted_users,
    "directory/onPremisesSynchronization": tenant_settings.directory_synchronization,
    "identity/conditionalAccess/policies": tenant_access.conditional_access_policies,
    "applications": tenant_access.applications,
    "servicePrincipals": tenant_access.service_principals,
    "oauth2PermissionGrants": tenant_access.permission_grants,
    "reports/authenticationMethods/userRegistrationDetails": tenant_users.registrations,
    "deviceManagement/managedDevices": tenant_devices.managed_devices,
    "auditLogs/signIns": tenant_sign_ins.sign_ins,
}
"""Collections of Graph by their path behind `/v1.0/`."""

SINGLES: Mapping[str, Callable[[Organization], Row]] = {
    "policies/identitySecurityDefaultsEnforcementPolicy": tenant_settings.security_defaults,
    "policies/authorizationPolicy": tenant_settings.authorization_policy,
}
"""Objects of Graph that there is one of, by path."""

CMDLETS: Mapping[str, Callable[[Organization], Rows]] = {
    "Get-OrganizationConfig": tenant_exchange.organization_config,
    "Get-CASMailboxPlan": tenant_exchange.cas_mailbox_plans,
    "Get-MailboxPlan": tenant_exchange.mailbox_plans,
    "Get-ActiveSyncOrganizationSettings": tenant_exchange.active_sync_settings,
    "Get-ActiveSyncDeviceAccessRule": tenant_exchange.access_rules,
    "Get-MobileDeviceMailboxPolicy": tenant_exchange.mobile_device_policies,
    "Get-AcceptedDomain": tenant_exchange.accepted_domains,
    "Get-OrganizationRelationship": tenant_exchange.organization_relationships,
    "Get-MigrationEndpoint": tenant_exchange.migration_endpoints,
    "Get-Recipient": tenant_recipients.recipients,
    "Get-CASMailbox": tenant_recipients.cas_mailboxes,
    "Get-MobileDevice": tenant_recipients.mobile_devices,
}
"""Commands of Exchange Online that the tenant answers."""

_ALIASES = {
    "policies/conditionalAccessPolicies": "identity/conditionalAccess/policies",
    "directory/deletedItems/microsoft.graph.user": "directory/deletedItems/graph.user",
}


def collection(organization: Organization, path: str) -> Rows | None:
    """The collection of Graph at a path behind `/v1.0/`; None where there is none."""
    path = _ALIASES.get(path, path)
    if path in COLLECTIONS:
        return COLLECTIONS[path](organization)
    match path.split("/"):
        case ["domains", domain, "federationConfiguration"]:
            return tenant_settings.federation(organization, domain.lower())
        case ["servicePrincipals", principal, "appRoleAssignedTo"]:
            return tenant_access.app_role_assignments(organization, principal.lower())
    return None
