"""Accounts as attributes of user objects, and the access list of those that inherit nothing."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from auditor.lab.accounts import Account
from auditor.lab.directory_catalogue import EXCHANGE_INFORMATION, PUBLIC_INFORMATION
from auditor.lab.directory_records import Values
from auditor.lab.directory_security import (
    ADMINISTRATORS,
    AUTHENTICATED_USERS,
    FULL_CONTROL,
    LIST_CHILDREN,
    LIST_OBJECT,
    READ_CONTROL,
    READ_PROPERTY,
    SYSTEM,
    AccessEntry,
    descriptor,
)

COMPUTED = "msDS-User-Account-Control-Computed"
NORMAL_ACCOUNT, ACCOUNT_DISABLED, PASSWORD_EXPIRED = 0x200, 0x2, 0x800000
LITIGATION_HOLD, SINGLE_ITEM_RECOVERY = 8, 16
NEVER = 0x7FFF_FFFF_FFFF_FFFF
NOW = -1
"""What a controller takes for the time of now."""


def account_values(found: Account) -> Values:
    """What the directory holds of an account and of what is held of its mailbox."""
    control = NORMAL_ACCOUNT | (0 if found.enabled else ACCOUNT_DISABLED)
    # both stand for an account that never expires
    never = NEVER if found.enabled else 0
    values: Values = {
        "userAccountControl": control,
        COMPUTED: control | (0 if found.password_set else PASSWORD_EXPIRED),
        "pwdLastSet": file_time(found.password_set) if found.password_set else 0,
        "accountExpires": file_time(found.expires) if found.expires else never,
    }
    if found.admin_count is not None:
        values["adminCount"] = found.admin_count
    if found.consistency_guid:
        values["mS-DS-ConsistencyGuid"] = uuid.UUID(found.consistency_guid).bytes_le
    if found.target_address:
        values["targetAddress"] = found.target_address
    if found.litigation_hold:
        values["msExchELCMailboxFlags"] = LITIGATION_HOLD | SINGLE_ITEM_RECOVERY
    if found.in_place_holds:
        values["msExchUserHoldPolicies"] = list(found.in_place_holds)
    return values


def file_time(moment: datetime) -> int:
    """Intervals of 100 nanoseconds since 1601, as directories count time."""
    return (moment - datetime(1601, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 10


def closed_access_list() -> bytes:
    """Everybody is shown what Exchange itself lets everybody see, and nothing is inherited."""
    return descriptor(
        [
            AccessEntry(SYSTEM, FULL_CONTROL),
            AccessEntry(ADMINISTRATORS, FULL_CONTROL),
            AccessEntry(AUTHENTICATED_USERS, READ_CONTROL | LIST_CHILDREN | LIST_OBJECT),
            AccessEntry(AUTHENTICATED_USERS, READ_PROPERTY, PUBLIC_INFORMATION),
            AccessEntry(AUTHENTICATED_USERS, READ_PROPERTY, EXCHANGE_INFORMATION),
        ],
        inherits_nothing=True,
    )
