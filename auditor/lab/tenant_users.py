"""People of the tenant as Microsoft Graph v1.0 shows them: users, deleted users, registrations."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Sequence
from datetime import timedelta

from auditor.lab import directory_names
from auditor.lab.draws import guid
from auditor.lab.organization import PRIMARY_DOMAIN, TENANT_DOMAIN, Organization
from auditor.lab.tenant_accounts import (
    CloudAccount,
    account_at,
    account_places,
    cloud_addresses,
    planted_on,
)
from auditor.lab.tenant_licences import assigned_licences, assignment_states
from auditor.lab.tenant_rows import Row, Rows, both, moment, rows_of

_COUNTRIES = {"Zurich": "CH", "Singapore": "SG", "Lisbon": "PT"}
_CLOUD_ONLY = (
    ("Break glass 1", "break.glass.1", "Member", True),
    ("On-Premises Directory Synchronization Service Account", "Sync_DC01_4f3e", "Member", True),
    ("Robin Guest", "robin_adventure-works.com#EXT#", "Guest", True),
    ("Former pilot user", "pilot.2019", "Member", False),
)
"""Accounts that no directory on-premises knows: shown, sign-in name, userType, accountEnabled."""


def users(organization: Organization) -> Rows:
    """/users: synchronised accounts, then those of the cloud alone."""

    def at(place: int) -> Sequence[Row]:
        found = account_at(organization, place)
        return () if found is None else (_user(organization, found),)

    return both(Rows(account_places(organization), at), rows_of(_cloud_only(organization)))


def immutable_id(object_guid: str) -> str:
    """onPremisesImmutableId of an objectGUID: Base64 of its bytes as Windows stores them."""
    number = bytes.fromhex(object_guid.replace("-", ""))
    stored = number[3::-1] + number[5:3:-1] + number[7:5:-1] + number[8:]
    return b2a_base64(stored, newline=False).decode()


def account_enabled(found: CloudAccount) -> bool:
    """Whether somebody may sign in; what is disabled on-premises is disabled here too."""
    planted = found.recipient.planted | found.planted
    return found.personal and planted.isdisjoint({"cloud_account_disabled", "account_disabled"})


def _user(organization: Organization, found: CloudAccount) -> Row:
    recipient = found.recipient
    unit = recipient.organizational_unit
    changed = moment(recipient.when_changed)
    located = "usage_location_missing" not in found.planted
    identifier = 1_104 + found.number + (organization.mailbox_count if found.moved else 0)
    return {
        "id": found.id,
        "userPrincipalName": found.user_principal_name,
        "displayName": recipient.display_name,
        "givenName": None,
        "surname": recipient.common_name.partition(",")[0],
        "jobTitle": None,
        "mail": recipient.primary_smtp_address,
        "mailNickname": recipient.alias,
        "mobilePhone": None,
        "businessPhones": [],
        "officeLocation": unit or None,
        "preferredLanguage": None,
        "proxyAddresses": cloud_addresses(organization, found),
        "accountEnabled": account_enabled(found),
        "userType": "Member",
        "usageLocation": _COUNTRIES.get(unit, "CH") if located else None,
        "assignedLicenses": assigned_licences(found),
        "licenseAssignmentStates": assignment_states(organization, found),
        "createdDateTime": changed,
        "onPremisesSyncEnabled": True,
        "onPremisesImmutableId": immutable_id(recipient.guid),
        "onPremisesUserPrincipalName": recipient.user_principal_name,
        "onPremisesSamAccountName": recipient.alias[:20],
        "onPremisesDomainName": PRIMARY_DOMAIN,
        "onPremisesDistinguishedName": directory_names.recipient(recipient.common_name, unit),
        "onPremisesSecurityIdentifier": f"S-1-5-21-3623811015-3361044348-30300820-{identifier}",
        "onPremisesLastSyncDateTime": changed,
        "onPremisesProvisioningErrors": _provisioning_errors(organization, found),
        "showInAddressList": None,
    }


def _provisioning_errors(organization: Organization, found: CloudAccount) -> list[Row]:
    if "provisioning_error" not in found.planted:
        return []
    return [
        {
            "category": "PropertyConflict",
            "occurredDateTime": moment(organization.now - timedelta(days=11)),
            "propertyCausingError": "ProxyAddresses",
            "value": f"smtp:{found.recipient.alias}.former@{PRIMARY_DOMAIN}",
        }
    ]


def _cloud_only(organization: Organization) -> list[Row]:
    nothing = (
        *("givenName", "surname", "jobTitle", "mobilePhone", "officeLocation", "usageLocation"),
        *("preferredLanguage", "onPremisesSyncEnabled", "onPremisesImmutableId"),
        *("onPremisesUserPrincipalName", "onPremisesSamAccountName", "onPremisesDomainName"),
        *("onPremisesDistinguishedName", "onPremisesSecurityIdentifier"),
        *("onPremisesLastSyncDateTime", "showInAddressList", "mail"),
    )
    return [
        {
            "id": guid(organization.seed, "cloud user", name),
            "userPrincipalName": f"{name}@{TENANT_DOMAIN}",
            "displayName": shown,
            "mailNickname": name.partition("#")[0],
            "businessPhones": [],
            "proxyAddresses": [],
            "accountEnabled": enabled,
            "userType": kind,
            "assignedLicenses": [],
            "licenseAssignmentStates": [],
            "createdDateTime": moment(organization.now - timedelta(days=2_000)),
            "onPremisesProvisioningErrors": [],
            **dict.fromkeys(nothing),
        }
        for shown, name, kind, enabled in _CLOUD_ONLY
    ]


def deleted_users(organization: Organization) -> Rows:
    """/directory/deletedItems/graph.user: a leaver, and a twin of each account that has one."""
    leaver = _deleted(organization, "leaver", "gone.away", PRIMARY_DOMAIN, None)
    if "deleted_twin" not in organization.faults:
        return rows_of([leaver])

    def at(place: int) -> Sequence[Row]:
        if "deleted_twin" not in planted_on(organization, place):
            return ()
        found = account_at(organization, place)
        return () if found is None else (_twin(organization, found),)

    return both(rows_of([leaver]), Rows(organization.mailbox_count, at))


def _twin(organization: Organization, found: CloudAccount) -> Row:
    """An account that was made by hand, for Teams say, and deleted when the real one came."""
    name, _, domain = found.user_principal_name.rpartition("@")
    row = _deleted(organization, str(found.number), name, domain, found.recipient.display_name)
    return {**row, "proxyAddresses": [f"SMTP:{found.recipient.primary_smtp_address}"]}


def _deleted(
    organization: Organization, which: str, name: str, domain: str, shown: str | None
) -> Row:
    object_id = guid(organization.seed, "deleted user", which)
    return {
        "id": object_id,
        # Entra ID puts the object id before the name of what is deleted
        "userPrincipalName": f"{object_id.replace('-', '')}{name}@{domain}",
        "displayName": shown or "Gone Away",
        "deletedDateTime": moment(organization.now - timedelta(days=9)),
        "mail": f"{name}@{domain}",
        "proxyAddresses": [f"SMTP:{name}@{domain}"],
        "onPremisesImmutableId": None,
        "userType": "Member",
    }


def registrations(organization: Organization) -> Rows:
    """/reports/authenticationMethods/userRegistrationDetails: accounts that may sign in, alone."""

    def at(place: int) -> Sequence[Row]:
        found = account_at(organization, place)
        if found is None or not account_enabled(found):
            return ()
        return (_registration(organization, found),)

    return Rows(account_places(organization), at)


def _registration(organization: Organization, found: CloudAccount) -> Row:
    registered = "mfa_not_registered" not in found.planted
    return {
        "id": found.id,
        "userPrincipalName": found.user_principal_name,
        "userDisplayName": found.recipient.display_name,
        "userType": "member",
        "isAdmin": False,
        "isSsprRegistered": registered,
        "isSsprEnabled": True,
        "isSsprCapable": registered,
        "isMfaRegistered": registered,
        "isMfaCapable": registered,
        "isPasswordlessCapable": False,
        "methodsRegistered": ["microsoftAuthenticatorPush"] if registered else [],
        "isSystemPreferredAuthenticationMethodEnabled": True,
        "systemPreferredAuthenticationMethods": ["PhoneAppNotification"] if registered else [],
        "userPreferredMethodForSecondaryAuthentication": "push" if registered else "none",
        "lastUpdatedDateTime": moment(organization.now - timedelta(days=1)),
    }
