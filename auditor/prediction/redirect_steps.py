"""The links of the redirect chain, one function each (catalogue of checks, section 0)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from auditor.evidence.predicted import RedirectOutcome
from auditor.verdicts import Cause

EAS_PATH = "/Microsoft-Server-ActiveSync"

FLOORS = {"Exchange Server 2010": "14.3.235.1", "Exchange Server 2013": "15.0.1076.9"}
"""First builds with the redirect: 2010 SP3 RU9 and 2013 CU8 (2015 article; builds table)."""

WITHOUT_REDIRECT = frozenset({"Exchange Server 2007"})

HOSTS_THAT_WORK = frozenset({"good", "rewritten", "test_per_client"})
HOSTS_TO_PROBE = frozenset({"probe"})


class StepState(StrEnum):
    """How one step of the chain ends."""

    PASSED = "passed"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Gap:
    """Evidence that is not there, with the ledger's cause and words."""

    cause: Cause
    detail: str


@dataclass(frozen=True)
class Relationship:
    """An organization relationship as far as the redirect looks at it; '' is set to nothing."""

    name: str
    domains: frozenset[str]
    target_owa_url: str | None
    host: str | None


@dataclass(frozen=True)
class Host:
    """One row of `ref_exo_eas_host`."""

    cloud: str
    host_sent_to_device: str
    verdict: str


@dataclass(frozen=True)
class Server:
    """An Exchange server that is not an edge server; `answers_eas` None when its role is unread."""

    name: str
    product: str | None
    answers_eas: bool | None
    build_number: int | None


@dataclass(frozen=True)
class Organization:
    """What the redirect depends on beside the mailbox itself."""

    target_delivery_domains: tuple[str, ...] | Gap
    relationships: tuple[Relationship, ...] | Gap
    servers: tuple[Server, ...] | Gap
    hosts: Mapping[str, Host]
    floors: Mapping[str, int]


@dataclass(frozen=True)
class Mailbox:
    """A mailbox to move, or one that has moved.

    `routing_addresses`: of a moved one its RemoteRoutingAddress if it is an smtp address, of one
    to move its proxies in the target delivery domains; address and domain each.
    `written`: the RemoteRoutingAddress as it stands, None when unread.
    `planned_domains`: where the plan sends it; empty when the plan does not say, or there is none.
    """

    guid: str
    address: str
    moved: bool
    routing_addresses: tuple[tuple[str, str], ...] | Gap
    written: str | None
    planned_domains: tuple[str, ...] | Gap


@dataclass(frozen=True)
class Step:
    """One link of the chain: what went in, how it ended, what came out, and on what evidence."""

    name: str
    looked_at: str
    state: StepState
    result: str
    evidence: str
    cause: Cause | None = None


def routing_step(mailbox: Mailbox, target_delivery_domains: tuple[str, ...] | Gap) -> Step:
    """Which address the old server will find: the start of every redirect."""
    if mailbox.moved:
        return _routing_step_of_a_moved_mailbox(mailbox)
    if isinstance(mailbox.planned_domains, Gap):
        return gap_step("routing_address", mailbox.planned_domains, "plan_move")
    # what the batch was told outweighs the flag, which only suggests a value to tools (ORG-TDD)
    planned = bool(mailbox.planned_domains)
    domains = mailbox.planned_domains if planned else target_delivery_domains
    if isinstance(domains, Gap):
        return gap_step("routing_address", domains, "onprem_remote_domain")
    if isinstance(mailbox.routing_addresses, Gap):
        return gap_step("routing_address", mailbox.routing_addresses, "onprem_mailbox_address")
    source = "plan_move" if planned else "onprem_remote_domain"
    return _routing_step_of_a_mailbox_to_move(mailbox.routing_addresses, domains, source)


def _routing_step_of_a_moved_mailbox(mailbox: Mailbox) -> Step:
    name, evidence = "routing_address", "onprem_remote_mailbox.remote_routing_address"
    found = mailbox.routing_addresses
    if isinstance(found, Gap):
        return gap_step(name, found, "onprem_remote_mailbox")
    if mailbox.written is None:
        words = "the RemoteRoutingAddress was not read"
        return Step(name, "", StepState.UNKNOWN, words, evidence, Cause.VALUE_MISSING)
    if not found:
        words = (
            f"the RemoteRoutingAddress {mailbox.written} is no smtp address"
            if mailbox.written
            else "the remote mailbox has no RemoteRoutingAddress"
        )
        return Step(name, mailbox.written, StepState.STOPPED, words, evidence)
    return Step(name, mailbox.written, StepState.PASSED, found[0][0], evidence)


def _routing_step_of_a_mailbox_to_move(
    found: tuple[tuple[str, str], ...], target_delivery_domains: tuple[str, ...], source: str
) -> Step:
    name = "routing_address"
    evidence = f"{source}.target_delivery_domain, onprem_mailbox_address"
    looked_at = ", ".join(target_delivery_domains)
    if not target_delivery_domains:
        words = "no remote domain is flagged TargetDeliveryDomain, so the routing domain is open"
        return Step(name, "", StepState.UNKNOWN, words, evidence, Cause.VALUE_MISSING)
    if not found:
        words = f"the mailbox has no smtp address in {looked_at}: the move will be refused"
        return Step(name, looked_at, StepState.STOPPED, words, evidence)
    return Step(name, looked_at, StepState.PASSED, found[0][0], evidence)


def relationship_step(domain: str, matching: Sequence[Relationship]) -> Step:
    """Which relationships name the domain: whole string, no subdomains (ORG-REL-DOMAIN)."""
    evidence = "onprem_organization_relationship_domain.domain"
    if not matching:
        words = f"no organization relationship names {domain} in DomainNames"
        return Step("relationship", domain, StepState.STOPPED, words, evidence)
    names = ", ".join(item.name for item in matching)
    return Step("relationship", domain, StepState.PASSED, names, evidence)


def differing_step(domain: str, matching: Sequence[Relationship]) -> Step:
    """Several relationships with different hosts: which one is taken is not known."""
    hosts = ", ".join(f"{item.name}: {item.target_owa_url or 'no address'}" for item in matching)
    words = f"several relationships name {domain} and lead to different hosts ({hosts})"
    evidence = "onprem_organization_relationship.target_owa_url"
    return Step("relationship", domain, StepState.UNKNOWN, words, evidence, Cause.NEEDS_A_PERSON)


def url_step(chosen: Relationship) -> Step:
    """The host of TargetOwaURL, the only part of it that ActiveSync uses (table 0.2)."""
    evidence = "onprem_organization_relationship.target_owa_url"
    if chosen.target_owa_url is None or chosen.host is None:
        words = f"TargetOwaURL of {chosen.name} was not read"
        return Step("redirect_url", "", StepState.UNKNOWN, words, evidence, Cause.VALUE_MISSING)
    if not chosen.host:
        what = (
            f"{chosen.target_owa_url!r}, which is no web address"
            if chosen.target_owa_url
            else ("empty")
        )
        words = f"TargetOwaURL of {chosen.name} is {what}: the server has no address to send"
        return Step("redirect_url", chosen.target_owa_url, StepState.STOPPED, words, evidence)
    return Step("redirect_url", chosen.target_owa_url, StepState.PASSED, chosen.host, evidence)


def url_sent(host: str, known: Host | None) -> str:
    """The address a phone finds in X-MS-Location: always https and the ActiveSync path."""
    return f"https://{known.host_sent_to_device if known else host}{EAS_PATH}"


def host_step(host: str, known: Host | None, domain: str) -> Step:
    """Whether the host that phones are sent is an Exchange Online one of the tenant's cloud."""
    evidence, url = "ref_exo_eas_host", url_sent(host, known)
    if known is None:
        words = f"phones are sent to {host}, an on-premises or vanity name: not Exchange Online"
        return Step("host", url, StepState.STOPPED, words, evidence)
    cloud = cloud_of(domain)
    if cloud and not known.cloud.startswith(cloud):
        words = f"{host} belongs to cloud {known.cloud}, the routing domain {domain} to {cloud}"
        return Step("host", url, StepState.STOPPED, words, evidence)
    if known.verdict in HOSTS_THAT_WORK or (
        known.verdict == "good_if_cloud_matches" and cloud == known.cloud
    ):
        pilot = known.verdict == "test_per_client"
        words = url + (" (documented; pilot each kind of client)" if pilot else "")
        return Step("host", url, StepState.PASSED, words, evidence)
    if known.verdict in HOSTS_TO_PROBE or known.verdict == "good_if_cloud_matches":
        words = f"{host} is right only for a tenant in cloud {known.cloud}; probe it"
        return Step("host", url, StepState.UNKNOWN, words, evidence, Cause.NEEDS_A_PERSON)
    words = f"phones are sent to {host}, which is no ActiveSync host of Exchange Online"
    return Step("host", url, StepState.STOPPED, words, evidence)


def cloud_of(domain: str) -> str:
    """Cloud that a routing domain proves, as a prefix of `ref_exo_eas_host.cloud`; '' when open.

    `.onmicrosoft.com` proves nothing: government tenants use it too (ORG-REL-SOVEREIGN).
    """
    if domain.endswith((".onmschina.cn",)):
        return "china_21vianet"
    return "usgov_" if domain.endswith(".onmicrosoft.us") else ""


def servers_step(
    servers: tuple[Server, ...] | Gap, floors: Mapping[str, int]
) -> tuple[Step, RedirectOutcome]:
    """Whether every server that may answer can answer 451 (SRV-2010RU9, SRV-2013CU8MBX)."""
    evidence = "onprem_exchange_server, onprem_exchange_build"
    if isinstance(servers, Gap):
        return gap_step("servers", servers, "onprem_exchange_server"), RedirectOutcome.UNKNOWN
    able = [server.name for server in servers if can_redirect(server, floors) is True]
    unable = [server.name for server in servers if can_redirect(server, floors) is False]
    unread = [
        server.name
        for server in servers
        if server.answers_eas is not False and can_redirect(server, floors) is None
    ]
    looked_at = ", ".join(sorted([*able, *unable, *unread]))
    if unable:
        words = f"too old to redirect: {', '.join(sorted(unable))}"
        outcome = (
            RedirectOutcome.DEPENDS_ON_SERVER if able or unread else RedirectOutcome.NOT_REDIRECTED
        )
        return Step("servers", looked_at, StepState.STOPPED, words, evidence), outcome
    if unread:
        words = f"build, product or role not measured: {', '.join(sorted(unread))}"
        step = Step("servers", looked_at, StepState.UNKNOWN, words, evidence, Cause.VALUE_MISSING)
        return step, RedirectOutcome.UNKNOWN
    if not able:
        words = "the evidence holds no Exchange server that answers ActiveSync"
        step = Step("servers", "", StepState.UNKNOWN, words, evidence, Cause.VALUE_MISSING)
        return step, RedirectOutcome.UNKNOWN
    words = f"all {len(able)} servers that may answer can redirect"
    return Step("servers", looked_at, StepState.PASSED, words, evidence), RedirectOutcome.REDIRECTED


def can_redirect(server: Server, floors: Mapping[str, int]) -> bool | None:
    """Whether this server answers 451; None when that is not known, or it never answers at all."""
    if server.answers_eas is not True or server.product is None:
        return None
    if server.product in WITHOUT_REDIRECT:
        return False
    floor = floors.get(server.product)
    if floor is None:
        return True
    return None if server.build_number is None else server.build_number >= floor


def gap_step(name: str, gap: Gap, table: str) -> Step:
    """A step that cannot be answered because a table is not complete."""
    return Step(name, "", StepState.UNKNOWN, f"{table}: {gap.detail}", table, gap.cause)
