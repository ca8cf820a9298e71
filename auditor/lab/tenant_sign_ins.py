"""The sign-in log of the tenant, as Microsoft Graph v1.0 shows it: phones of moved mailboxes.

Beside them stands what must not be taken for a phone that was refused: a browser that was, wrong
passwords, a stranger, and a phone that was refused before it was let in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from auditor.lab.draws import draws, guid
from auditor.lab.organization import TENANT_DOMAIN, Organization
from auditor.lab.tenant_access import (
    BLOCKS_LEGACY,
    EXCHANGE_ONLINE,
    MAIL_APPS,
    conditional_access_policies,
    policy_id,
)
from auditor.lab.tenant_accounts import CloudAccount, account_at
from auditor.lab.tenant_rows import Row, Rows, moment

EXCHANGE_ACTIVE_SYNC = "Exchange ActiveSync"
_PORTAL = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c"
_NOBODY = "00000000-0000-0000-0000-000000000000"

_SUCCEEDED = (0, None)
_BLOCKED = (
    53003,
    "Access has been blocked by Conditional Access policies. The access policy does not allow "
    "token issuance.",
)
_WRONG_PASSWORD = (50126, "Error validating credentials due to invalid username or password.")
_NO_ACCOUNT = (50034, "The user account does not exist in the directory.")


def sign_ins(organization: Organization) -> Rows:
    """/auditLogs/signIns: of moved mailboxes, one after the other, and of a stranger at last.

    Graph gives the latest first; these come in no order, so that no reader leans on one.
    """

    def at(place: int) -> Sequence[Row]:
        if place == organization.remote_mailbox_count:
            return (_stranger(organization),)
        found = account_at(organization, organization.mailbox_count + place)
        return () if found is None else list(_of(organization, found))

    return Rows(organization.remote_mailbox_count + 1, at)


def _of(organization: Organization, found: CloudAccount) -> Iterator[Row]:
    drawn = draws(organization.seed, "sign-in", found.number)
    apps = sorted(MAIL_APPS)
    app = apps[drawn[0] % len(apps)]
    yesterday = organization.now - timedelta(hours=20, seconds=drawn[1] % 20_000)
    refused = "sign_in_refused" in found.planted
    for days in (3, 8) if refused else (0, 4):
        yield _sign_in(organization, found, app, yesterday - timedelta(days=days), _SUCCEEDED)
    if refused or found.number % 4 == 2:
        when = yesterday if refused else yesterday - timedelta(days=6)
        yield _sign_in(organization, found, app, when, _BLOCKED)
    if found.number % 4 == 3:
        yield _sign_in(organization, found, app, organization.now, _WRONG_PASSWORD)
    if found.number % 4 == 0:
        browser = _sign_in(organization, found, _PORTAL, organization.now, _BLOCKED)
        yield {**browser, "clientAppUsed": "Browser"}


def _stranger(organization: Organization) -> Row:
    row = _row(organization, "stranger", EXCHANGE_ONLINE, organization.now, _NO_ACCOUNT)
    name = f"scanner@{TENANT_DOMAIN}"
    return {**row, "userId": _NOBODY, "userPrincipalName": name, "userDisplayName": name}


def _sign_in(
    organization: Organization,
    found: CloudAccount,
    app: str,
    when: datetime,
    ended: tuple[int, str | None],
) -> Row:
    return {
        **_row(organization, f"{found.id} {when} {app}", app, when, ended),
        "userId": found.id,
        "userPrincipalName": found.user_principal_name,
        "userDisplayName": found.recipient.display_name,
    }


def _row(
    organization: Organization, which: str, app: str, when: datetime, ended: tuple[int, str | None]
) -> Row:
    error_code, reason = ended
    blocked = error_code == _BLOCKED[0]
    names = {**MAIL_APPS, _PORTAL: "Azure Portal"}
    return {
        "id": guid(organization.seed, "sign-in", which),
        "createdDateTime": moment(when),
        "userDisplayName": "",
        "userPrincipalName": "",
        "userId": "",
        "appId": app,
        "appDisplayName": names.get(app, "Office 365 Exchange Online"),
        "ipAddress": "203.0.113.17",
        "clientAppUsed": EXCHANGE_ACTIVE_SYNC,
        "correlationId": guid(organization.seed, "sign-in correlation", which),
        "conditionalAccessStatus": "failure" if blocked else "notApplied",
        "isInteractive": True,
        "riskDetail": "none",
        "riskLevelAggregated": "none",
        "riskLevelDuringSignIn": "none",
        "riskState": "none",
        "riskEventTypes": [],
        "riskEventTypes_v2": [],
        "resourceDisplayName": "Office 365 Exchange Online",
        "resourceId": EXCHANGE_ONLINE,
        "status": {
            "errorCode": error_code,
            "failureReason": reason,
            "additionalDetails": None,
        },
        "deviceDetail": {
            "deviceId": "",
            "displayName": "",
            "operatingSystem": "",
            "browser": "",
            "isCompliant": False,
            "isManaged": False,
            "trustType": "",
        },
        "location": {
            "city": "Zurich",
            "state": "Zurich",
            "countryOrRegion": "CH",
            "geoCoordinates": {"altitude": None, "latitude": 47.37, "longitude": 8.54},
        },
        "appliedConditionalAccessPolicies": list(_applied(organization, blocked=blocked)),
    }


def _applied(organization: Organization, *, blocked: bool) -> Iterator[Row]:
    """What each policy did; the one that blocks may have been taken away since."""
    blocks = policy_id(organization, "ca_blocks_eas")
    if blocked:
        yield _result(blocks, BLOCKS_LEGACY, "failure", "Block")
    for policy in conditional_access_policies(organization):
        if not (blocked and policy["id"] == blocks):
            result = "notEnabled" if policy["state"] == "disabled" else "notApplied"
            yield _result(policy["id"], policy["displayName"], result)


def _result(policy: object, name: object, result: str, *controls: str) -> Row:
    return {
        "id": policy,
        "displayName": name,
        "enforcedGrantControls": list(controls),
        "enforcedSessionControls": [],
        "result": result,
    }
