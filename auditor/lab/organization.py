"""The synthetic organisation: Contoso, before its mailboxes move to Exchange Online.

Its configuration is held; mailboxes and devices are made one by one from their number
(`recipients.py`), so that an organisation of any size needs the memory of an empty one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from auditor.lab import landscape
from auditor.lab.draws import guid
from auditor.lab.faults import fault_set
from auditor.lab.parts import (
    AcceptedDomain,
    AccessRule,
    ActiveSyncVirtualDirectory,
    Certificate,
    HybridConfiguration,
    Relationship,
    RemoteDomain,
    Server,
    WebServicesVirtualDirectory,
)

NOW = datetime(2026, 11, 1, tzinfo=UTC)
"""The day on which the organisation is what it is; assess it as of this date."""

SEED = 451
PRIMARY_DOMAIN = "contoso.com"
SECOND_DOMAIN = "fabrikam.com"
ROUTING_DOMAIN = "contoso.mail.onmicrosoft.com"
TENANT_DOMAIN = "contoso.onmicrosoft.com"
PARTNER_DOMAIN = "adventure-works.com"

GOOD_OWA_URL = "https://outlook.office365.com/owa/contoso.com"
_OWA_URLS = {
    "empty_owa_url": None,
    "vanity_owa_url": "http://cloudowa.contoso.com/owa",
    "on_premises_owa_url": "https://mail.contoso.com/owa",
    "consumer_owa_url": "https://www.outlook.com/owa",
    "other_cloud_owa_url": "https://outlook.office365.us/owa/contoso.com",
}
_STALE_OWA_URLS = {
    "stale_relationship_same_host": "https://outlook.office365.com/owa/fabrikam.com",
    "stale_relationship_other_host": "https://outlook.live.com/owa/fabrikam.com",
}
_HYBRID_FEATURES = (
    "FreeBusy",
    "MoveMailbox",
    "Mailtips",
    "MessageTracking",
    "OwaRedirection",
    "OnlineArchive",
    "SecureMail",
    "Photos",
)
_ACCESS_RULES = (
    ("DeviceType", "PocketPC", "Block"),
    ("DeviceType", "SmartPhone", "Block"),
    ("DeviceType", "WP8", "Quarantine"),
)


@dataclass(frozen=True)
class Organization:
    """All that does not depend on a single mailbox. `faults` are the names of what is planted."""

    seed: int
    mailbox_count: int
    remote_mailbox_count: int
    faults: frozenset[str]
    now: datetime
    guid: str
    servers: tuple[Server, ...]
    relationships: tuple[Relationship, ...]
    hybrid_configuration: HybridConfiguration | None
    accepted_domains: tuple[AcceptedDomain, ...]
    remote_domains: tuple[RemoteDomain, ...]
    active_sync_directories: tuple[ActiveSyncVirtualDirectory, ...]
    web_services_directories: tuple[WebServicesVirtualDirectory, ...]
    certificates: tuple[Certificate, ...]
    active_sync_settings_guid: str
    default_access_level: str
    access_rules: tuple[AccessRule, ...]


def build(
    mailboxes: int, seed: int = SEED, faults: str | Iterable[str] = "planted"
) -> Organization:
    """An organisation with this many mailboxes; equal arguments give an equal organisation.

    `faults` is `planted` (the demonstration), `none`, or names out of `faults.FAULTS`. About five
    in a hundred mailboxes have moved already and come on top. Raises ValueError for other faults
    or a negative number.
    """
    if mailboxes < 0:
        raise ValueError(f"an organisation cannot have {mailboxes} mailboxes")
    chosen = fault_set(faults)
    servers = landscape.servers_for(seed, chosen, mailboxes)
    return Organization(
        seed=seed,
        mailbox_count=mailboxes,
        remote_mailbox_count=max(4, mailboxes // 20) if mailboxes else 0,
        faults=chosen,
        now=NOW,
        guid=guid(seed, "organization", 0),
        servers=servers,
        relationships=tuple(_relationships(seed, chosen)),
        hybrid_configuration=_hybrid_configuration(seed, chosen),
        accepted_domains=tuple(_accepted_domains(seed, chosen)),
        remote_domains=tuple(_remote_domains(seed, chosen)),
        active_sync_directories=tuple(landscape.active_sync_directories(seed, chosen, servers)),
        web_services_directories=tuple(landscape.web_services_directories(seed, chosen, servers)),
        certificates=tuple(landscape.certificates(seed, chosen, servers, NOW)),
        active_sync_settings_guid=guid(seed, "active sync settings", 0),
        default_access_level="Allow",
        access_rules=tuple(
            AccessRule(guid(seed, "access rule", query), characteristic, query, level)
            for characteristic, query, level in _ACCESS_RULES
        ),
    )


def relationship_guid(seed: int, which: str) -> str:
    """GUID of the relationship with the `tenant` or the `partner`, or of the `stale` one."""
    return guid(seed, "relationship", which)


def _relationships(seed: int, faults: Collection[str]) -> Iterator[Relationship]:
    """With the tenant, with a partner who has nothing to do with it, and what a fault adds."""
    if "relationship_missing" not in faults:
        yield _tenant_relationship(seed, faults)
    yield Relationship(
        guid=relationship_guid(seed, "partner"),
        name="Adventure Works",
        domain_names=(PARTNER_DOMAIN,),
        enabled=True,
        target_owa_url=None,
        mailbox_move_enabled=False,
        target_application_uri=PARTNER_DOMAIN,
        target_autodiscover_epr="https://autodiscover.adventure-works.com/autodiscover"
        "/autodiscover.svc/WSSecurity",
        when_changed=NOW - timedelta(days=2900),
    )
    for fault, url in _STALE_OWA_URLS.items():
        if fault in faults:
            yield Relationship(
                guid=relationship_guid(seed, "stale"),
                name="O365 pilot 2019 (do not delete)",
                domain_names=(SECOND_DOMAIN, ROUTING_DOMAIN),
                enabled=True,
                target_owa_url=url,
                mailbox_move_enabled=True,
                target_application_uri="outlook.com",
                target_autodiscover_epr="",
                when_changed=NOW - timedelta(days=2700),
            )


def _tenant_relationship(seed: int, faults: Collection[str]) -> Relationship:
    url = next((_OWA_URLS[fault] for fault in _OWA_URLS if fault in faults), GOOD_OWA_URL)
    routed = "relationship_without_routing_domain" not in faults
    return Relationship(
        guid=relationship_guid(seed, "tenant"),
        name=f"On-premises to O365 - {guid(seed, 'tenant', 0)}",
        # the comparison ignores case, so a domain is not written in lower case alone
        domain_names=(
            ("Contoso.mail.onmicrosoft.com",) if routed else (PRIMARY_DOMAIN, SECOND_DOMAIN)
        ),
        enabled="relationship_disabled" not in faults,
        target_owa_url=url,
        mailbox_move_enabled=True,
        target_application_uri="outlook.com",
        target_autodiscover_epr="https://autodiscover-s.outlook.com/autodiscover"
        "/autodiscover.svc/WSSecurity",
        when_changed=NOW - timedelta(days=2 if "relationship_just_changed" in faults else 75),
    )


def _hybrid_configuration(seed: int, faults: Collection[str]) -> HybridConfiguration | None:
    if "no_hybrid_configuration" in faults:
        return None
    absent = "OwaRedirection" if "no_owa_redirection_feature" in faults else ""
    return HybridConfiguration(
        guid=guid(seed, "hybrid configuration", 0),
        features=tuple(feature for feature in _HYBRID_FEATURES if feature != absent),
        domains=(f"autod:{PRIMARY_DOMAIN}", SECOND_DOMAIN),
        service_instance=0,
    )


def _accepted_domains(seed: int, faults: Collection[str]) -> Iterator[AcceptedDomain]:
    names = [PRIMARY_DOMAIN, SECOND_DOMAIN, ROUTING_DOMAIN]
    if "coexistence_domain_not_accepted" in faults:
        names.remove(ROUTING_DOMAIN)
    for name in names:
        yield AcceptedDomain(
            guid=guid(seed, "accepted domain", name),
            domain_name=name,
            domain_type="Authoritative",
            default=name == PRIMARY_DOMAIN,
        )


def _remote_domains(seed: int, faults: Collection[str]) -> Iterator[RemoteDomain]:
    flagged = {
        "*": False,
        ROUTING_DOMAIN: "no_target_delivery_domain" not in faults,
        TENANT_DOMAIN: "two_target_delivery_domains" in faults,
    }
    for name, target_delivery_domain in flagged.items():
        yield RemoteDomain(
            guid=guid(seed, "remote domain", name),
            name="Default" if name == "*" else f"Hybrid Domain - {name}",
            domain_name=name,
            target_delivery_domain=target_delivery_domain,
        )
