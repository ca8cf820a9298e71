"""Collector of mailboxes, of their ActiveSync settings and accounts, and of remote mailboxes.

Attributes and their values are those of "Filterable properties for the -RecipientFilter parameter"
(Microsoft Learn); where that page gives no numbers they are those that public scripts use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.collectors.directory_accounts import (
    ACCOUNT_ATTRIBUTES,
    HOLD_ATTRIBUTES,
    account,
    holds,
)
from auditor.collectors.directory_contract import (
    DirectoryCollector,
    LeftOut,
    Outcome,
    Place,
    Unread,
)
from auditor.collectors.directory_names import own_name
from auditor.collectors.directory_reading import (
    Found,
    denied,
    flags,
    guid,
    optional_guid,
    optional_text,
    texts,
    whole,
)
from auditor.collectors.recipients import addresses, device_keys, lowered, routing
from auditor.evidence.accounts import (
    OnpremDirectoryAccount,
    OnpremMailboxHold,
    OnpremMailboxInPlaceHold,
)
from auditor.evidence.normalise import server_key
from auditor.evidence.recipients import (
    OnpremCasMailbox,
    OnpremCasMailboxAllowedDevice,
    OnpremCasMailboxBlockedDevice,
    OnpremMailbox,
    OnpremMailboxAddress,
    OnpremRemoteMailbox,
    OnpremRemoteMailboxAddress,
)

TYPE = "msExchRecipientTypeDetails"
MAILBOXES = {
    1: "UserMailbox",
    2: "LinkedMailbox",
    4: "SharedMailbox",
    8: "LegacyMailbox",
    16: "RoomMailbox",
    32: "EquipmentMailbox",
    536870912: "DiscoveryMailbox",
    137438953472: "TeamMailbox",
}
"""What Get-Mailbox shows unless it is asked for system mailboxes."""

REMOTE_MAILBOXES = {
    2147483648: "RemoteUserMailbox",
    8589934592: "RemoteRoomMailbox",
    17179869184: "RemoteEquipmentMailbox",
    34359738368: "RemoteSharedMailbox",
    274877906944: "RemoteTeamMailbox",
}
"""What Get-RemoteMailbox shows."""

OTHERS = frozenset(
    {
        64,  # MailContact
        128,  # MailUser
        4194304,  # MicrosoftExchange
        8388608,  # ArbitrationMailbox
        16777216,  # MailboxPlan
        33554432,  # LinkedUser
        68719476736,  # PublicFolderMailbox
        549755813888,  # MonitoringMailbox
    }
)
"""Kinds of accounts that are neither, and are passed over."""

AIR_SYNC_DISABLED = 4
"""Bit of msExchOmaAdminWirelessEnable; the others are about other protocols, or from 2003."""

HAS_DEVICE_PARTNERSHIP = 1
"""Bit of msExchMobileMailboxFlags."""

ADDRESS_POLICY_OFF = "{26491cfc-9e50-4857-861b-0cb8df22b5d7}"
"""Member of msExchPoliciesExcluded where address policies do not apply."""

_LAST_NAME = re.compile(r"/cn=([^/]+)$", re.IGNORECASE)


def _recipient(found: Found) -> Iterator[Outcome]:
    kind = whole(found, TYPE)
    if kind is None:
        if TYPE in found.unread:
            raise denied(found, TYPE)
        # an alias alone makes no recipient: other tools write it, too
        return
    if kind in MAILBOXES:
        yield from _mailbox(found, MAILBOXES[kind])
        yield from _cas_mailbox(found)
        yield from account(found)
        yield from holds(found)
    elif kind in REMOTE_MAILBOXES:
        yield from _remote_mailbox(found, REMOTE_MAILBOXES[kind])
        yield from account(found)
    elif kind not in OTHERS:
        yield LeftOut(f"is of a kind that is not known ({TYPE} {kind})")


def _proxies(found: Found) -> list[str]:
    proxies = texts(found, "proxyAddresses")
    if proxies is None:
        # a mailbox without addresses would be a finding
        raise denied(found, "proxyAddresses")
    return proxies


def _primary(proxies: list[str]) -> str:
    return next((proxy[5:] for proxy in proxies if proxy.startswith("SMTP:")), "")


def _mailbox(found: Found, kind: str) -> Iterator[Outcome]:
    mailbox = guid(found)
    proxies = _proxies(found)
    primary = _primary(proxies)
    upn = optional_text(found, "userPrincipalName")
    server = _home_server(found)
    excluded = texts(found, "msExchPoliciesExcluded")
    yield OnpremMailbox(
        guid=mailbox,
        exchange_guid=optional_guid(found, "msExchMailboxGuid"),
        display_name=optional_text(found, "displayName"),
        distinguished_name=found.dn,
        distinguished_name_key=found.dn.lower(),
        primary_smtp_address=primary,
        primary_smtp_address_key=primary.lower(),
        user_principal_name=upn,
        user_principal_name_key=lowered(upn),
        sam_account_name=optional_text(found, "sAMAccountName"),
        recipient_type_details=kind,
        server_name=server,
        server_key=None if server is None else server_key(server),
        email_address_policy_enabled=None
        if excluded is None
        else ADDRESS_POLICY_OFF not in {policy.lower() for policy in excluded},
    )
    yield from addresses(proxies, mailbox, OnpremMailboxAddress)


def _home_server(found: Found) -> str | None:
    """Name of the server, in lower case as Get-Mailbox shows it; '' if the value names none."""
    legacy = optional_text(found, "msExchHomeServerName")
    if legacy is None:
        return None
    match = _LAST_NAME.search(legacy)
    return match[1].lower() if match else ""


def _cas_mailbox(found: Found) -> Iterator[Outcome]:
    mailbox = guid(found)
    wireless = flags(found, "msExchOmaAdminWirelessEnable")
    mobile = flags(found, "msExchMobileMailboxFlags")
    policy = optional_text(found, "msExchMobileMailboxPolicyLink")
    yield OnpremCasMailbox(
        mailbox_guid=mailbox,
        primary_smtp_address=_primary(_proxies(found)),
        active_sync_enabled=None if wireless is None else not wireless & AIR_SYNC_DISABLED,
        has_active_sync_device_partnership=None
        if mobile is None
        else bool(mobile & HAS_DEVICE_PARTNERSHIP),
        # without a link the default policy holds, and which one that is lies elsewhere
        active_sync_mailbox_policy=own_name(policy) if policy else None,
        active_sync_mailbox_policy_is_defaulted=None if policy is None else not policy,
    )
    for attribute, model in (
        ("msExchMobileAllowedDeviceIDs", OnpremCasMailboxAllowedDevice),
        ("msExchMobileBlockedDeviceIDs", OnpremCasMailboxBlockedDevice),
    ):
        identifiers = texts(found, attribute)
        if identifiers is None:
            yield Unread(model, attribute)
            continue
        for key, device in device_keys(identifiers).items():
            yield model(mailbox_guid=mailbox, device_id=device, device_id_key=key)


def _remote_mailbox(found: Found, kind: str) -> Iterator[Outcome]:
    mailbox = guid(found)
    proxies = _proxies(found)
    primary = _primary(proxies)
    upn = optional_text(found, "userPrincipalName")
    prefix, address, domain = routing(optional_text(found, "targetAddress"))
    yield OnpremRemoteMailbox(
        guid=mailbox,
        exchange_guid=optional_guid(found, "msExchMailboxGuid"),
        display_name=optional_text(found, "displayName"),
        distinguished_name=found.dn,
        distinguished_name_key=found.dn.lower(),
        primary_smtp_address=primary,
        primary_smtp_address_key=primary.lower(),
        user_principal_name=upn,
        user_principal_name_key=lowered(upn),
        recipient_type_details=kind,
        remote_routing_address=address,
        routing_address_prefix=prefix,
        routing_domain=domain,
    )
    yield from addresses(proxies, mailbox, OnpremRemoteMailboxAddress)


RECIPIENTS = DirectoryCollector(
    name="recipients",
    place=Place.DOMAINS,
    object_class="user",
    # the alias is in Public-Information, which everybody reads, and every recipient has one
    condition="(&(objectClass=user)(mailNickname=*))",
    attributes=(
        "objectGUID",
        TYPE,
        "msExchMailboxGuid",
        "displayName",
        "proxyAddresses",
        "userPrincipalName",
        "sAMAccountName",
        "mailNickname",
        "msExchHomeServerName",
        "msExchPoliciesExcluded",
        "msExchOmaAdminWirelessEnable",
        "msExchMobileMailboxFlags",
        "msExchMobileMailboxPolicyLink",
        "msExchMobileAllowedDeviceIDs",
        "msExchMobileBlockedDeviceIDs",
        *ACCOUNT_ATTRIBUTES,
        *HOLD_ATTRIBUTES,
    ),
    tables=(
        OnpremMailbox,
        OnpremMailboxAddress,
        OnpremCasMailbox,
        OnpremCasMailboxAllowedDevice,
        OnpremCasMailboxBlockedDevice,
        OnpremRemoteMailbox,
        OnpremRemoteMailboxAddress,
        OnpremDirectoryAccount,
        OnpremMailboxHold,
        OnpremMailboxInPlaceHold,
    ),
    permission="read access to Public-Information and Exchange-Information of users; for lists of "
    "blocked devices and for holds also to Exchange-Personal-Information, for the state of "
    "accounts to User-Account-Restrictions, adminCount, mS-DS-ConsistencyGuid and the permissions",
    rows=_recipient,
    unsaid=("onprem_cas_mailbox.active_sync_mailbox_policy of the default policy",),
)
