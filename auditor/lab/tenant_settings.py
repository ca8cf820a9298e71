"""Settings of the tenant as Microsoft Graph v1.0 shows them: itself, its domains, its switches."""

from __future__ import annotations

import base64
from datetime import timedelta

from auditor.lab.draws import guid, hexadecimal
from auditor.lab.organization import (
    PRIMARY_DOMAIN,
    ROUTING_DOMAIN,
    SECOND_DOMAIN,
    TENANT_DOMAIN,
    Organization,
)
from auditor.lab.tenant_accounts import verified_domains
from auditor.lab.tenant_rows import Row, Rows, moment, rows_of

SECURITY_DEFAULTS = "00000000-0000-0000-0000-000000000005"
"""Id of the policy of security defaults, which is the same in every tenant."""

FEDERATION_HOST = "sts.contoso.com"
_SERVICES = ["Email", "OfficeCommunicationsOnline"]
_USER_CONSENT = (
    "ManagePermissionGrantsForSelf.microsoft-user-default-low",
    "ManagePermissionGrantsForSelf.microsoft-user-default-allow-consent-apps",
)


def tenant_id(organization: Organization) -> str:
    """The id of the tenant, by which the servers on-premises know it too."""
    return guid(organization.seed, "tenant", 0)


def organizations(organization: Organization) -> Rows:
    """/organization: the tenant itself."""
    behind = timedelta(hours=30) if "sync_stale" in organization.faults else timedelta(minutes=14)
    synchronised = "sync_off" not in organization.faults
    return rows_of(
        [
            {
                "id": tenant_id(organization),
                "deletedDateTime": None,
                "displayName": "Contoso Ltd",
                "city": "Zurich",
                "countryLetterCode": "CH",
                "createdDateTime": moment(organization.now - timedelta(days=2_600)),
                "tenantType": "AAD",
                "onPremisesSyncEnabled": True if synchronised else None,
                "onPremisesLastSyncDateTime": moment(organization.now - behind)
                if synchronised
                else None,
                "assignedPlans": [
                    {
                        "assignedDateTime": moment(organization.now - timedelta(days=900)),
                        "capabilityStatus": "Enabled",
                        "service": "exchange",
                        "servicePlanId": "efb87545-963c-4e0d-99df-69c6916d9eb0",
                    }
                ],
                "verifiedDomains": [
                    {
                        "capabilities": ", ".join(_SERVICES),
                        "isDefault": name == PRIMARY_DOMAIN,
                        "isInitial": name == TENANT_DOMAIN,
                        "name": name,
                        "type": "Managed",
                    }
                    for name in verified_domains(organization)
                ],
            }
        ]
    )


def domains(organization: Organization) -> Rows:
    """/domains. A domain that is not verified is listed all the same, without services."""
    verified = verified_domains(organization)
    return rows_of(
        [
            {
                "id": name,
                "authenticationType": "Federated"
                if is_federated(organization, name)
                else "Managed",
                "availabilityStatus": None,
                "isAdminManaged": True,
                "isDefault": name == PRIMARY_DOMAIN,
                "isInitial": name == TENANT_DOMAIN,
                "isRoot": name != ROUTING_DOMAIN,
                "isVerified": name in verified,
                "passwordNotificationWindowInDays": None,
                "passwordValidityPeriodInDays": None,
                "state": None,
                "supportedServices": list(_SERVICES) if name in verified else [],
            }
            for name in (TENANT_DOMAIN, PRIMARY_DOMAIN, SECOND_DOMAIN, ROUTING_DOMAIN)
        ]
    )


def is_federated(organization: Organization, domain: str) -> bool:
    """Whether people of a domain sign in somewhere else."""
    return domain == PRIMARY_DOMAIN and "domain_federated" in organization.faults


def federation(organization: Organization, domain: str) -> Rows | None:
    """/domains/{id}/federationConfiguration; None where Graph knows no such thing."""
    if not is_federated(organization, domain):
        return None
    service = f"https://{FEDERATION_HOST}/adfs"
    certificate = bytes.fromhex(hexadecimal(organization.seed, "token signing", domain, 64))
    return rows_of(
        [
            {
                "@odata.type": "#microsoft.graph.internalDomainFederation",
                "id": guid(organization.seed, "federation", domain),
                "displayName": "Contoso",
                "issuerUri": f"http://{FEDERATION_HOST}/adfs/services/trust",
                "metadataExchangeUri": f"{service}/services/trust/mex",
                "signingCertificate": base64.b64encode(certificate).decode(),
                "passiveSignInUri": f"{service}/ls",
                "preferredAuthenticationProtocol": "wsFed",
                "activeSignInUri": f"{service}/services/trust/2005/usernamemixed",
                "signOutUri": f"{service}/ls",
                "promptLoginBehavior": "nativeSupport",
                "isSignedAuthenticationRequestRequired": None,
                "nextSigningCertificate": None,
                "passwordResetUri": None,
                "signingCertificateUpdateStatus": None,
                "federatedIdpMfaBehavior": "acceptIfMfaDoneByFederatedIdp",
            }
        ]
    )


def security_defaults(organization: Organization) -> Row:
    """/policies/identitySecurityDefaultsEnforcementPolicy: always the same id."""
    return {
        "id": SECURITY_DEFAULTS,
        "displayName": "Security Defaults",
        "description": "Security defaults is a set of basic identity security mechanisms "
        "recommended by Microsoft.",
        "isEnabled": "security_defaults_on" in organization.faults,
    }


def authorization_policy(organization: Organization) -> Row:
    """/policies/authorizationPolicy: what users may consent to by themselves."""
    assigned = [name for name in _USER_CONSENT if "allow" not in name or _may_consent(organization)]
    return {
        "id": "authorizationPolicy",
        "allowInvitesFrom": "adminsAndGuestInviters",
        "allowedToSignUpEmailBasedSubscriptions": False,
        "allowedToUseSSPR": True,
        "allowEmailVerifiedUsersToJoinOrganization": False,
        "allowUserConsentForRiskyApps": None,
        "blockMsolPowerShell": True,
        "description": "Used to manage authorization related settings across the company.",
        "displayName": "Authorization Policy",
        "guestUserRoleId": "10dae51f-b6af-4016-8d66-8c2a99b929b3",
        "defaultUserRolePermissions": {
            "allowedToCreateApps": False,
            "allowedToCreateSecurityGroups": False,
            "allowedToCreateTenants": False,
            "allowedToReadBitlockerKeysForOwnedDevice": True,
            "allowedToReadOtherUsers": True,
            "permissionGrantPoliciesAssigned": assigned,
        },
    }


def _may_consent(organization: Organization) -> bool:
    return "consent_missing" not in organization.faults


def directory_synchronization(organization: Organization) -> Rows:
    """/directory/onPremisesSynchronization, which Graph shows to signed-in people alone."""
    on = (
        *("blockCloudObjectTakeoverThroughHardMatchEnabled", "blockSoftMatchEnabled"),
        *("passwordSyncEnabled", "quarantineUponProxyAddressesConflictEnabled"),
        *("quarantineUponUpnConflictEnabled", "synchronizeUpnForManagedUsersEnabled"),
    )
    off = (
        *("bypassDirSyncOverridesEnabled", "cloudPasswordPolicyForPasswordSyncedUsersEnabled"),
        *("concurrentCredentialUpdateEnabled", "concurrentOrgIdProvisioningEnabled"),
        *("deviceWritebackEnabled", "directoryExtensionsEnabled", "userWritebackEnabled"),
        *("fopeConflictResolutionEnabled", "groupWriteBackEnabled", "passwordWritebackEnabled"),
        *("softMatchOnUpnEnabled", "unifiedGroupWritebackEnabled"),
        "userForcePasswordChangeOnLogonEnabled",
    )
    return rows_of(
        [
            {
                "id": tenant_id(organization),
                "configuration": {
                    "accidentalDeletionPrevention": {
                        "synchronizationPreventionType": "enabledForCount",
                        "alertThreshold": 500,
                    }
                },
                "features": {**dict.fromkeys(on, True), **dict.fromkeys(off, False)},
            }
        ]
    )
