"""What decides a sign-in in the tenant, as Microsoft Graph v1.0 shows it: policies, apps, consent.

Without a fault there are policies too, and none of them touches a mail app: one for browsers, one
for the portals of administrators, and a strict one that is switched off.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta

from auditor.lab.draws import guid, hexadecimal
from auditor.lab.organization import Organization
from auditor.lab.tenant_accounts import user_id
from auditor.lab.tenant_rows import Row, Rows, moment, rows_of

EXCHANGE_ONLINE = "00000002-0000-0ff1-ce00-000000000000"
_MICROSOFT_GRAPH = "00000003-0000-0000-c000-000000000000"
_MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
APPLE_MAIL = "f8d98a96-0999-43f5-8af3-69971c7bb423"
SAMSUNG_EMAIL = "8acd33ea-7197-4a96-bc33-d7cc7101262f"
ANDROID_MAIL = "2cee05de-2b8f-45a2-8289-2a06ca32c4c8"
MAIL_APPS = {
    APPLE_MAIL: "Apple Internet Accounts",
    SAMSUNG_EMAIL: "Samsung Email",
    ANDROID_MAIL: "Android Mail / Gmail",
}
"""Apps that an administrator has consented to for everybody; others people may consent to."""

_OUTLOOK_MOBILE = "27922004-5251-4030-b22d-91ecd9a37ea4"
_FULL_ACCESS_AS_APP = "dc890d15-9560-4a4c-9b7f-a736ec74ec40"
_EAS_SCOPE = "EAS.AccessAsUser.All"
UNKNOWN_CONTROL = "fooControl"

BLOCKS_LEGACY = "Block legacy authentication"
_PLANTED_POLICIES = {
    "ca_blocks_eas": (
        BLOCKS_LEGACY,
        "block",
        EXCHANGE_ONLINE,
        ("exchangeActiveSync", "other"),
    ),
    "ca_approved_app": (
        "Require app protection for mobile apps",
        "compliantApplication",
        "Office365",
        ("mobileAppsAndDesktopClients",),
    ),
    "ca_unknown_value": ("Pilot of a new control", UNKNOWN_CONTROL, "All", ("all",)),
}
"""By fault: name of the policy, its one control, the application, and kinds of clients."""


def policy_id(organization: Organization, fault: str) -> str:
    """Id of the policy of Conditional Access that a fault plants."""
    return guid(organization.seed, "conditional access", _PLANTED_POLICIES[fault][0])


def conditional_access_policies(organization: Organization) -> Rows:
    """/identity/conditionalAccess/policies."""
    return rows_of(list(_policies(organization)))


def _policies(organization: Organization) -> Iterator[Row]:
    if "security_defaults_on" not in organization.faults:
        yield from _harmless_policies(organization)
    for fault, (name, control, application, clients) in _PLANTED_POLICIES.items():
        if fault in organization.faults:
            yield _policy(
                organization, name, _conditions(application, *clients), _grant_of(control)
            )


def _harmless_policies(organization: Organization) -> Iterator[Row]:
    browsers = _conditions("Office365", "browser")
    yield {
        **_policy(organization, "Sign-in frequency in browsers", browsers, None),
        "sessionControls": {
            "disableResilienceDefaults": None,
            "applicationEnforcedRestrictions": None,
            "cloudAppSecurity": None,
            "persistentBrowser": {"mode": "never", "isEnabled": True},
            "secureSignInSession": None,
            "signInFrequency": {
                "value": 12,
                "type": "hours",
                "authenticationType": "primaryAndSecondaryAuthentication",
                "frequencyInterval": "timeBased",
                "isEnabled": True,
            },
        },
    }
    portals = _conditions("MicrosoftAdminPortals", "all")
    yield _policy(organization, "MFA for portals of administrators", portals, _grant_of("mfa"))
    apps = _conditions("All", "mobileAppsAndDesktopClients")
    pilot = _policy(organization, "Managed apps (pilot)", apps, _grant_of("approvedApplication"))
    yield {**pilot, "state": "disabled"}


def _policy(organization: Organization, name: str, conditions: Row, grant: Row | None) -> Row:
    return {
        "id": guid(organization.seed, "conditional access", name),
        "templateId": None,
        "displayName": name,
        "createdDateTime": moment(organization.now - timedelta(days=430)),
        "modifiedDateTime": moment(organization.now - timedelta(days=35)),
        "state": "enabled",
        "sessionControls": None,
        "conditions": conditions,
        "grantControls": grant,
    }


def _grant_of(control: str) -> Row:
    return {
        "operator": "OR",
        "builtInControls": [control],
        "customAuthenticationFactors": [],
        "termsOfUse": [],
        "authenticationStrength": None,
    }


def _conditions(application: str, *client_app_types: str) -> Row:
    """Conditions for all users of one application with these kinds of clients."""
    return {
        "userRiskLevels": [],
        "signInRiskLevels": [],
        "servicePrincipalRiskLevels": [],
        "clientAppTypes": list(client_app_types),
        "insiderRiskLevels": None,
        "platforms": None,
        "locations": None,
        "devices": None,
        "clientApplications": None,
        "authenticationFlows": None,
        "applications": {
            "includeApplications": [application],
            "excludeApplications": [],
            "includeUserActions": [],
            "includeAuthenticationContextClassReferences": [],
            "applicationFilter": None,
        },
        "users": {
            "includeUsers": ["All"],
            "excludeUsers": [],
            "includeGroups": [],
            "excludeGroups": [],
            "includeRoles": [],
            "excludeRoles": [],
            "includeGuestsOrExternalUsers": None,
            "excludeGuestsOrExternalUsers": None,
        },
    }


def principal_id(organization: Organization, app_id: str) -> str:
    """Object id of the service principal of an application."""
    return guid(organization.seed, "service principal", app_id)


def hybrid_application(organization: Organization) -> str:
    """Application id of the dedicated hybrid application, which the servers on-premises name."""
    return guid(organization.seed, "hybrid application", 0)


def service_principals(organization: Organization) -> Rows:
    """/servicePrincipals: Exchange Online, mail apps that people have used, the hybrid one."""
    disabled = APPLE_MAIL if "mail_app_disabled" in organization.faults else ""
    hybrid = hybrid_application(organization)
    named = {
        EXCHANGE_ONLINE: "Office 365 Exchange Online",
        _MICROSOFT_GRAPH: "Microsoft Graph",
        **MAIL_APPS,
        _OUTLOOK_MOBILE: "Outlook Mobile",
        hybrid: f"ExchangeServerApp-{organization.guid}",
    }
    return rows_of(
        [
            {
                "id": principal_id(organization, app_id),
                "deletedDateTime": None,
                "appId": app_id,
                "appDisplayName": name,
                "displayName": name,
                "accountEnabled": app_id != disabled,
                "appRoleAssignmentRequired": False,
                "appOwnerOrganizationId": guid(organization.seed, "tenant", 0)
                if app_id == hybrid
                else _MICROSOFT,
                "servicePrincipalType": "Application",
                "signInAudience": "AzureADMyOrg" if app_id == hybrid else "AzureADMultipleOrgs",
                "servicePrincipalNames": [app_id],
                "tags": ["WindowsAzureActiveDirectoryIntegratedApp"],
                "keyCredentials": [],
                "passwordCredentials": [],
            }
            for app_id, name in named.items()
        ]
    )


def applications(organization: Organization) -> Rows:
    """/applications: the hybrid one alone is registered here, and it has the keys."""
    app_id = hybrid_application(organization)
    return rows_of(
        [
            {
                "id": guid(organization.seed, "application", app_id),
                "deletedDateTime": None,
                "appId": app_id,
                "displayName": f"ExchangeServerApp-{organization.guid}",
                "createdDateTime": moment(organization.now - timedelta(days=75)),
                "signInAudience": "AzureADMyOrg",
                "keyCredentials": _keys(organization),
                "passwordCredentials": [],
                "requiredResourceAccess": [
                    {
                        "resourceAppId": EXCHANGE_ONLINE,
                        "resourceAccess": [{"id": _FULL_ACCESS_AS_APP, "type": "Role"}],
                    }
                ],
            }
        ]
    )


def _keys(organization: Organization) -> list[Row]:
    """The certificate that the servers on-premises sign their tokens with (Get-AuthConfig)."""
    thumbprint = hexadecimal(organization.seed, "certificate", "oauth", 40)
    return [
        {
            "customKeyIdentifier": base64.b64encode(bytes.fromhex(thumbprint)).decode(),
            "displayName": "CN=Microsoft Exchange Server Auth Certificate",
            "endDateTime": moment(organization.now + timedelta(days=1_125)),
            "key": None,
            "keyId": guid(organization.seed, "key", "oauth"),
            "startDateTime": moment(organization.now - timedelta(days=700)),
            "type": "AsymmetricX509Cert",
            "usage": "Verify",
        }
    ]


def app_role_assignments(organization: Organization, principal: str) -> Rows | None:
    """/servicePrincipals/{id}/appRoleAssignedTo; None for an id that nobody has."""
    if principal not in {row["id"] for row in service_principals(organization)}:
        return None
    if principal != principal_id(organization, EXCHANGE_ONLINE):
        return rows_of([])
    return rows_of(
        [
            {
                "id": hexadecimal(organization.seed, "app role assignment", 0, 40),
                "deletedDateTime": None,
                "appRoleId": _FULL_ACCESS_AS_APP,
                "createdDateTime": moment(organization.now - timedelta(days=75)),
                "principalDisplayName": f"ExchangeServerApp-{organization.guid}",
                "principalId": principal_id(organization, hybrid_application(organization)),
                "principalType": "ServicePrincipal",
                "resourceDisplayName": "Office 365 Exchange Online",
                "resourceId": principal,
            }
        ]
    )


def permission_grants(organization: Organization) -> Rows:
    """/oauth2PermissionGrants.

    Without consent for everybody there still are two that look like it: one for an administrator
    alone, and one for everybody that does not hold the permission for mail.
    """
    exchange = principal_id(organization, EXCHANGE_ONLINE)
    graph = principal_id(organization, _MICROSOFT_GRAPH)
    apple = principal_id(organization, APPLE_MAIL)
    administrator = user_id(organization, 0)
    rows = [
        _grant(organization, apple, exchange, _EAS_SCOPE, administrator),
        _grant(organization, apple, graph, "openid profile offline_access", None),
    ]
    if "consent_missing" not in organization.faults:
        for app_id in MAIL_APPS:
            client = principal_id(organization, app_id)
            rows.append(_grant(organization, client, exchange, f" {_EAS_SCOPE}", None))
    return rows_of(rows)


def _grant(
    organization: Organization, client: str, resource: str, scope: str, principal: str | None
) -> Row:
    name = f"{client} {resource} {principal}"
    return {
        "id": hexadecimal(organization.seed, "permission grant", name, 43),
        "clientId": client,
        "consentType": "Principal" if principal else "AllPrincipals",
        "principalId": principal,
        "resourceId": resource,
        "scope": scope,
    }
