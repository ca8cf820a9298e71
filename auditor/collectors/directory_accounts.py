"""What a user object says of the account itself, and of what is held of its mailbox.

Account attributes and their bits are those of [MS-ADA1], [MS-ADA3] and [MS-ADTS] 2.2.16; what
Windows works out itself (locked, expired) is msDS-User-Account-Control-Computed of [MS-ADTS]
3.1.1.4.5.17. Holds are those of "Filterable properties for the Filter parameter" (Microsoft
Learn): LitigationHoldEnabled is a bit of msExchELCMailboxFlags, InPlaceHolds is
msExchUserHoldPolicies.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from auditor.collectors.directory_contract import Outcome, Unread
from auditor.collectors.directory_reading import (
    Found,
    flags,
    guid,
    inherits_nothing,
    misfit,
    optional_text,
    texts,
    whole,
)
from auditor.evidence.accounts import (
    OnpremDirectoryAccount,
    OnpremMailboxHold,
    OnpremMailboxInPlaceHold,
)

ACCOUNT_DISABLED, PASSWORD_NEVER_EXPIRES = 0x0000_0002, 0x0001_0000
"""Bits of userAccountControl."""

LOCKED_OUT, PASSWORD_EXPIRED = 0x0000_0010, 0x0080_0000
"""Bits that only the computed attribute has."""

LITIGATION_HOLD = 8

_FIRST_TICK = datetime(1601, 1, 1, tzinfo=UTC)
_TICKS_A_MICROSECOND = 10
_END_OF_CALENDAR = (datetime.max.replace(tzinfo=UTC) - _FIRST_TICK) // timedelta(microseconds=1)
"""0x7FFFFFFFFFFFFFFF, which stands for never, lies far behind it."""

ACCOUNT_ATTRIBUTES = (
    "userAccountControl",
    "msDS-User-Account-Control-Computed",
    "pwdLastSet",
    "accountExpires",
    "adminCount",
    "mS-DS-ConsistencyGuid",
    "targetAddress",
)
HOLD_ATTRIBUTES = ("msExchELCMailboxFlags", "msExchUserHoldPolicies")


def account(found: Found) -> Iterator[Outcome]:
    """The row of an account; a mailbox whose account is disabled by design is not judged here."""
    control = whole(found, "userAccountControl")
    # every user has the computed one, so that its absence says nothing
    computed = whole(found, "msDS-User-Account-Control-Computed")
    never_expires, expires = _expiry(found)
    yield OnpremDirectoryAccount(
        mailbox_guid=guid(found),
        account_enabled=None if control is None else not control & ACCOUNT_DISABLED,
        locked_out=None if computed is None else bool(computed & LOCKED_OUT),
        password_expired=None if computed is None else bool(computed & PASSWORD_EXPIRED),
        change_password_at_logon=_must_change(found, control),
        account_never_expires=never_expires,
        account_expires=expires,
        admin_count=flags(found, "adminCount"),
        dacl_protected=inherits_nothing(found),
        ms_ds_consistency_guid=_consistency_guid(found),
        target_address=optional_text(found, "targetAddress"),
    )


def _must_change(found: Found, control: int | None) -> bool | None:
    last_set = flags(found, "pwdLastSet")
    if last_set is None or control is None:
        return None
    return last_set == 0 and not control & PASSWORD_NEVER_EXPIRES


def _expiry(found: Found) -> tuple[bool | None, datetime | None]:
    """Whether the account never expires, and when it does."""
    ticks = whole(found, "accountExpires")
    if ticks is None:
        return None, None
    if ticks < 0:
        raise misfit(found, "accountExpires", "a time since 1601")
    microseconds = ticks // _TICKS_A_MICROSECOND
    if ticks == 0 or microseconds > _END_OF_CALENDAR:
        return True, None
    return False, _FIRST_TICK + timedelta(microseconds=microseconds)


def _consistency_guid(found: Found) -> str | None:
    values = found.values("mS-DS-ConsistencyGuid")
    if not values:
        return None if values is None else ""
    value = values[0]
    # a customer may keep anything there, and it need not be a GUID
    return str(uuid.UUID(bytes_le=value)) if len(value) == 16 else value.hex()


def holds(found: Found) -> Iterator[Outcome]:
    """The row of what is held of a mailbox, and one for each in-place hold on it."""
    mailbox = guid(found)
    mailbox_flags = flags(found, "msExchELCMailboxFlags")
    in_place = texts(found, "msExchUserHoldPolicies")
    yield OnpremMailboxHold(
        mailbox_guid=mailbox,
        litigation_hold_enabled=None
        if mailbox_flags is None
        else bool(mailbox_flags & LITIGATION_HOLD),
        in_place_holds=None if in_place is None else len(in_place),
    )
    if in_place is None:
        yield Unread(OnpremMailboxInPlaceHold, "msExchUserHoldPolicies")
    for hold in in_place or ():
        yield OnpremMailboxInPlaceHold(mailbox_guid=mailbox, in_place_hold=hold)
