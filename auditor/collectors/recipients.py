"""Collectors of mailboxes, of their ActiveSync settings, and of remote mailboxes.

Properties are those of the cmdlets' documentation. The shape of Get-Mailbox is that of a recorded
answer of Exchange 2016; of the others no public export is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from auditor.collectors.contract import ExchangeCollector
from auditor.collectors.reading import (
    flag,
    guid,
    optional_guid,
    optional_text,
    text,
    text_or_empty,
    texts,
)
from auditor.evidence.base import Evidence
from auditor.evidence.exchange_online_recipients import (
    ExoCasMailboxAllowedDevice,
    ExoCasMailboxBlockedDevice,
)
from auditor.evidence.normalise import address_parts, server_key
from auditor.evidence.recipients import (
    OnpremCasMailbox,
    OnpremCasMailboxAllowedDevice,
    OnpremCasMailboxBlockedDevice,
    OnpremMailbox,
    OnpremMailboxAddress,
    OnpremRemoteMailbox,
    OnpremRemoteMailboxAddress,
)
from auditor.sources.clixml import PsObject

VIEW_ONLY_RECIPIENTS = "View-Only Recipients"
WHOLE_FOREST: Mapping[str, str | bool] = {"ResultSize": "Unlimited", "IgnoreDefaultScope": True}
"""Without them a command stops at 1,000 objects, and at the domain of the session."""


def lowered(value: str | None) -> str | None:
    """Text in lower case, for a key."""
    return None if value is None else value.lower()


def _mailbox(found: PsObject) -> Iterator[Evidence]:
    mailbox = guid(found, "Guid")
    name, primary = text(found, "DistinguishedName"), text_or_empty(found, "PrimarySmtpAddress")
    upn, server = optional_text(found, "UserPrincipalName"), optional_text(found, "ServerName")
    yield OnpremMailbox(
        guid=mailbox,
        exchange_guid=optional_guid(found, "ExchangeGuid"),
        display_name=optional_text(found, "DisplayName"),
        distinguished_name=name,
        distinguished_name_key=name.lower(),
        primary_smtp_address=primary,
        primary_smtp_address_key=primary.lower(),
        user_principal_name=upn,
        user_principal_name_key=lowered(upn),
        sam_account_name=optional_text(found, "SamAccountName"),
        recipient_type_details=text(found, "RecipientTypeDetails"),
        server_name=server,
        server_key=None if server is None else server_key(server),
        email_address_policy_enabled=flag(found, "EmailAddressPolicyEnabled"),
    )
    yield from addresses(texts(found, "EmailAddresses"), mailbox, OnpremMailboxAddress)


def addresses(
    proxies: Iterable[str],
    mailbox: str,
    model: type[OnpremMailboxAddress] | type[OnpremRemoteMailboxAddress],
) -> Iterator[Evidence]:
    """One row for each proxy address of a mailbox, each once."""
    for proxy in proxy_addresses(proxies):
        yield model(
            mailbox_guid=mailbox,
            prefix=proxy.prefix,
            address=proxy.address,
            domain=proxy.domain,
            is_primary=proxy.is_primary,
        )


class ProxyAddress(NamedTuple):
    """A proxy address in its parts, see `address_parts`."""

    prefix: str
    address: str
    domain: str
    is_primary: bool


def proxy_addresses(proxies: Iterable[str]) -> Iterator[ProxyAddress]:
    """Each proxy address of a recipient once, in its parts."""
    seen = set()
    for proxy in proxies:
        prefix, address, domain = address_parts(proxy)
        # Exchange marks the primary address of a kind by a prefix in capitals
        found = ProxyAddress(prefix, address, domain, proxy.startswith(f"{prefix.upper()}:"))
        if found not in seen:
            seen.add(found)
            yield found


def _cas_mailbox(found: PsObject) -> Iterator[Evidence]:
    mailbox = guid(found, "Guid")
    yield OnpremCasMailbox(
        mailbox_guid=mailbox,
        primary_smtp_address=text_or_empty(found, "PrimarySmtpAddress"),
        active_sync_enabled=flag(found, "ActiveSyncEnabled"),
        has_active_sync_device_partnership=flag(found, "HasActiveSyncDevicePartnership"),
        active_sync_mailbox_policy=optional_text(found, "ActiveSyncMailboxPolicy"),
        active_sync_mailbox_policy_is_defaulted=flag(found, "ActiveSyncMailboxPolicyIsDefaulted"),
    )
    allowed, blocked = OnpremCasMailboxAllowedDevice, OnpremCasMailboxBlockedDevice
    yield from personal_devices(found, mailbox, allowed, blocked)


def personal_devices(
    found: PsObject,
    mailbox: str,
    allowed: type[OnpremCasMailboxAllowedDevice] | type[ExoCasMailboxAllowedDevice],
    blocked: type[OnpremCasMailboxBlockedDevice] | type[ExoCasMailboxBlockedDevice],
) -> Iterator[Evidence]:
    """One row for each device on the personal lists of a CAS mailbox."""
    for key, device in device_keys(texts(found, "ActiveSyncAllowedDeviceIDs")).items():
        yield allowed(mailbox_guid=mailbox, device_id=device, device_id_key=key)
    for key, device in device_keys(texts(found, "ActiveSyncBlockedDeviceIDs")).items():
        yield blocked(mailbox_guid=mailbox, device_id=device, device_id_key=key)


def device_keys(identifiers: Iterable[str]) -> dict[str, str]:
    """Identifiers of devices by their key; the first spelling of each counts."""
    devices: dict[str, str] = {}
    for device in identifiers:
        devices.setdefault(device.lower(), device)
    return devices


def _remote_mailbox(found: PsObject) -> Iterator[Evidence]:
    mailbox = guid(found, "Guid")
    name, primary = text(found, "DistinguishedName"), text_or_empty(found, "PrimarySmtpAddress")
    upn = optional_text(found, "UserPrincipalName")
    prefix, address, domain = routing(optional_text(found, "RemoteRoutingAddress"))
    yield OnpremRemoteMailbox(
        guid=mailbox,
        exchange_guid=optional_guid(found, "ExchangeGuid"),
        display_name=optional_text(found, "DisplayName"),
        distinguished_name=name,
        distinguished_name_key=name.lower(),
        primary_smtp_address=primary,
        primary_smtp_address_key=primary.lower(),
        user_principal_name=upn,
        user_principal_name_key=lowered(upn),
        recipient_type_details=text(found, "RecipientTypeDetails"),
        remote_routing_address=address,
        routing_address_prefix=prefix,
        routing_domain=domain,
    )
    yield from addresses(texts(found, "EmailAddresses"), mailbox, OnpremRemoteMailboxAddress)


def routing(written: str | None) -> tuple[str | None, str | None, str | None]:
    """Prefix, address and domain of a routing address; '' for none, None where it is not known."""
    if written is None:
        return None, None, None
    return address_parts(written) if written else ("", "", "")


MAILBOX = ExchangeCollector(
    cmdlets=("Get-Mailbox",),
    types=frozenset({"Mailbox"}),
    tables=(OnpremMailbox, OnpremMailboxAddress),
    properties=(
        "Guid",
        "ExchangeGuid",
        "DisplayName",
        "DistinguishedName",
        "PrimarySmtpAddress",
        "UserPrincipalName",
        "SamAccountName",
        "RecipientTypeDetails",
        "ServerName",
        "EmailAddressPolicyEnabled",
        "EmailAddresses",
    ),
    permission=VIEW_ONLY_RECIPIENTS,
    rows=_mailbox,
    parameters=WHOLE_FOREST,
)
CAS_MAILBOX = ExchangeCollector(
    cmdlets=("Get-CASMailbox",),
    types=frozenset({"CASMailbox"}),
    tables=(OnpremCasMailbox, OnpremCasMailboxAllowedDevice, OnpremCasMailboxBlockedDevice),
    properties=(
        "Guid",
        "PrimarySmtpAddress",
        "ActiveSyncEnabled",
        "HasActiveSyncDevicePartnership",
        "ActiveSyncMailboxPolicy",
        "ActiveSyncMailboxPolicyIsDefaulted",
        "ActiveSyncAllowedDeviceIDs",
        "ActiveSyncBlockedDeviceIDs",
    ),
    permission=VIEW_ONLY_RECIPIENTS,
    rows=_cas_mailbox,
    parameters=WHOLE_FOREST,
)
REMOTE_MAILBOX = ExchangeCollector(
    cmdlets=("Get-RemoteMailbox",),
    types=frozenset({"RemoteMailbox"}),
    tables=(OnpremRemoteMailbox, OnpremRemoteMailboxAddress),
    properties=(
        "Guid",
        "ExchangeGuid",
        "DisplayName",
        "DistinguishedName",
        "PrimarySmtpAddress",
        "UserPrincipalName",
        "RecipientTypeDetails",
        "RemoteRoutingAddress",
        "EmailAddresses",
    ),
    permission=VIEW_ONLY_RECIPIENTS,
    rows=_remote_mailbox,
    parameters=WHOLE_FOREST,
)
