"""Tables of the accounts behind recipients, and of the holds on mailboxes, from the directory.

`mailbox_guid` is the objectGUID of the account, `onprem_mailbox.guid` or
`onprem_remote_mailbox.guid`. A column is NULL where the reader is not shown the attribute.
"""

from __future__ import annotations

from typing import ClassVar

from auditor.evidence.base import Evidence, UtcTime


class OnpremDirectoryAccount(Evidence):
    """The user object that has a mailbox or a remote mailbox.

    An account of a shared, room, equipment or linked mailbox is disabled by design. `locked_out`
    and `password_expired` are as of the reading; an expired password is also one that must be
    changed at the next sign-in, which `change_password_at_logon` tells apart. `account_expires` is
    NULL, too, where `account_never_expires`. `admin_count` is 0 where the object carries none.
    `dacl_protected`: the access list inherits nothing. `ms_ds_consistency_guid` is a GUID in lower
    case, '' where there is none, and hexadecimal digits where the value is no GUID.
    """

    table: ClassVar[str] = "onprem_directory_account"
    key: ClassVar[tuple[str, ...]] = ("mailbox_guid",)

    mailbox_guid: str
    account_enabled: bool | None
    locked_out: bool | None
    password_expired: bool | None
    change_password_at_logon: bool | None
    account_never_expires: bool | None
    account_expires: UtcTime | None
    admin_count: int | None
    dacl_protected: bool | None
    ms_ds_consistency_guid: str | None
    target_address: str | None


class OnpremMailboxHold(Evidence):
    """What is held of one mailbox; `in_place_holds` counts the rows of the table of them."""

    table: ClassVar[str] = "onprem_mailbox_hold"
    key: ClassVar[tuple[str, ...]] = ("mailbox_guid",)

    mailbox_guid: str
    litigation_hold_enabled: bool | None
    in_place_holds: int | None


class OnpremMailboxInPlaceHold(Evidence):
    """One of InPlaceHolds of a mailbox: the identity of a hold that the organization has."""

    table: ClassVar[str] = "onprem_mailbox_in_place_hold"
    key: ClassVar[tuple[str, ...]] = ("mailbox_guid", "in_place_hold")

    mailbox_guid: str
    in_place_hold: str
