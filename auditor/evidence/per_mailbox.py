"""Tables that are asked for mailbox by mailbox, which takes hours in a large organisation.

`mailbox_guid` is the directory GUID of the mailbox that was asked about, `onprem_mailbox.guid`.
"""

from __future__ import annotations

from typing import ClassVar

from auditor.evidence.base import Evidence, UtcTime


class OnpremMailboxStatistics(Evidence):
    """Get-MailboxStatistics of one mailbox, sizes in bytes.

    A mailbox that gave none, because nobody ever signed in or its database is not mounted, has its
    row too, with `refusal` saying why: so one such mailbox hides nothing about the others.
    """

    table: ClassVar[str] = "onprem_mailbox_statistics"
    key: ClassVar[tuple[str, ...]] = ("mailbox_guid",)

    mailbox_guid: str
    item_count: int | None
    total_item_size: int | None
    deleted_item_count: int | None
    total_deleted_item_size: int | None
    last_logon_time: UtcTime | None
    refusal: str | None


class OnpremMobileDeviceStatistics(Evidence):
    """Get-MobileDeviceStatistics (2013 and later) or Get-ActiveSyncDeviceStatistics.

    `device_guid` is `onprem_mobile_device.guid`. A wipe that was requested and has no
    `device_wipe_ack_time` is pending.
    """

    table: ClassVar[str] = "onprem_mobile_device_statistics"
    key: ClassVar[tuple[str, ...]] = ("device_guid",)

    device_guid: str
    mailbox_guid: str
    device_id: str
    device_id_key: str
    last_success_sync: UtcTime | None
    status: str | None
    device_wipe_request_time: UtcTime | None
    device_wipe_sent_time: UtcTime | None
    device_wipe_ack_time: UtcTime | None
    device_policy_application_status: str | None


class OnpremMailboxPermission(Evidence):
    """Get-MailboxPermission: one entry of a mailbox's access list.

    Inherited entries and the owner's own (`NT AUTHORITY\\SELF`, in the language of the server) are
    kept. `account_key` is the account without its domain, in lower case, as in
    `onprem_mailbox.sam_account_name`. `full_access`: FullAccess is among AccessRights.
    """

    table: ClassVar[str] = "onprem_mailbox_permission"
    key: ClassVar[tuple[str, ...]] = (
        "mailbox_guid",
        "user_key",
        "full_access",
        "deny",
        "is_inherited",
    )

    mailbox_guid: str
    user: str
    user_key: str
    account_key: str
    full_access: bool
    deny: bool
    is_inherited: bool
