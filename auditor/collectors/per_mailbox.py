"""Collectors of commands that are asked once per mailbox.

Properties are those of the classes MailboxStatistics and MailboxAcePresentationObject and of the
documentation of Get-ActiveSyncDeviceStatistics (learn.microsoft.com); no public export of them is
known.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.collectors.contract import ASKED_MAILBOX, ExchangeCollector
from auditor.collectors.reading import (
    flag,
    guid,
    misfit,
    optional_moment,
    optional_text,
    size,
    text,
    texts,
    whole,
)
from auditor.collectors.recipients import VIEW_ONLY_RECIPIENTS
from auditor.errors import UnexpectedAnswer
from auditor.evidence.base import Evidence
from auditor.evidence.per_mailbox import (
    OnpremMailboxPermission,
    OnpremMailboxStatistics,
    OnpremMobileDeviceStatistics,
)
from auditor.sources.clixml import PsObject

_FULL_ACCESS = "FullAccess"


def _asked_mailbox(found: PsObject) -> str:
    if ASKED_MAILBOX not in found:
        raise UnexpectedAnswer(
            f"{found.kind or 'An object'} without {ASKED_MAILBOX}"
            f"{' in ' + found.place if found.place else ''} cannot be attributed to a mailbox: "
            "export it with the export script and -IncludePerMailbox."
        )
    return guid(found, ASKED_MAILBOX)


def _mailbox_statistics(found: PsObject) -> Iterator[Evidence]:
    yield OnpremMailboxStatistics(
        mailbox_guid=_asked_mailbox(found),
        item_count=whole(found, "ItemCount"),
        total_item_size=size(found, "TotalItemSize"),
        deleted_item_count=whole(found, "DeletedItemCount"),
        total_deleted_item_size=size(found, "TotalDeletedItemSize"),
        last_logon_time=optional_moment(found, "LastLogonTime"),
        refusal=None,
    )


def refused_statistics(mailbox_guid: str, refusal: str) -> OnpremMailboxStatistics:
    """The row of a mailbox that gave no statistics, with the reason."""
    return OnpremMailboxStatistics(
        mailbox_guid=mailbox_guid,
        item_count=None,
        total_item_size=None,
        deleted_item_count=None,
        total_deleted_item_size=None,
        last_logon_time=None,
        refusal=refusal,
    )


def _mobile_device_statistics(found: PsObject) -> Iterator[Evidence]:
    device = text(found, "DeviceID")
    yield OnpremMobileDeviceStatistics(
        device_guid=guid(found, "Guid"),
        mailbox_guid=_asked_mailbox(found),
        device_id=device,
        device_id_key=device.lower(),
        last_success_sync=optional_moment(found, "LastSuccessSync"),
        status=optional_text(found, "Status"),
        device_wipe_request_time=optional_moment(found, "DeviceWipeRequestTime"),
        device_wipe_sent_time=optional_moment(found, "DeviceWipeSentTime"),
        device_wipe_ack_time=optional_moment(found, "DeviceWipeAckTime"),
        device_policy_application_status=optional_text(found, "DevicePolicyApplicationStatus"),
    )


def _mailbox_permission(found: PsObject) -> Iterator[Evidence]:
    user = text(found, "User")
    yield OnpremMailboxPermission(
        mailbox_guid=_asked_mailbox(found),
        user=user,
        user_key=user.lower(),
        account_key=user.rpartition("\\")[2].lower(),
        full_access=_FULL_ACCESS in texts(found, "AccessRights"),
        deny=_decided(found, "Deny"),
        is_inherited=_decided(found, "IsInherited"),
    )


def _decided(found: PsObject, name: str) -> bool:
    value = flag(found, name)
    if value is None:
        raise misfit(found, name, "True or False")
    return value


MAILBOX_STATISTICS = ExchangeCollector(
    cmdlets=("Get-MailboxStatistics",),
    types=frozenset({"MailboxStatistics"}),
    tables=(OnpremMailboxStatistics,),
    properties=(
        ASKED_MAILBOX,
        "ItemCount",
        "TotalItemSize",
        "DeletedItemCount",
        "TotalDeletedItemSize",
        "LastLogonTime",
    ),
    permission=VIEW_ONLY_RECIPIENTS,
    rows=_mailbox_statistics,
    per_mailbox="Identity",
)
MOBILE_DEVICE_STATISTICS = ExchangeCollector(
    cmdlets=("Get-MobileDeviceStatistics", "Get-ActiveSyncDeviceStatistics"),
    types=frozenset({"MobileDeviceConfiguration", "ActiveSyncDeviceConfiguration"}),
    tables=(OnpremMobileDeviceStatistics,),
    properties=(
        ASKED_MAILBOX,
        "Guid",
        "DeviceID",
        "LastSuccessSync",
        "Status",
        "DeviceWipeRequestTime",
        "DeviceWipeSentTime",
        "DeviceWipeAckTime",
        "DevicePolicyApplicationStatus",
    ),
    permission=VIEW_ONLY_RECIPIENTS,
    rows=_mobile_device_statistics,
    per_mailbox="Mailbox",
)
MAILBOX_PERMISSION = ExchangeCollector(
    cmdlets=("Get-MailboxPermission",),
    types=frozenset({"MailboxAcePresentationObject"}),
    tables=(OnpremMailboxPermission,),
    properties=(ASKED_MAILBOX, "User", "AccessRights", "Deny", "IsInherited"),
    permission=VIEW_ONLY_RECIPIENTS,
    rows=_mailbox_permission,
    per_mailbox="Identity",
)
