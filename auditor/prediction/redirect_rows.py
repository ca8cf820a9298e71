"""Reads the evidence that the redirect prediction needs, and predicts every mailbox of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from auditor.evidence.database import Database
from auditor.evidence.ledger import LedgerLine
from auditor.evidence.predicted import PredictedRedirect
from auditor.prediction.redirect import RedirectPredictor
from auditor.prediction.redirect_steps import (
    FLOORS,
    Gap,
    Host,
    Mailbox,
    Organization,
    Relationship,
    Server,
)
from auditor.prediction.scope import read_scope
from auditor.verdicts import Cause

Ledger = Mapping[str, LedgerLine]

RECIPIENTS = ("onprem_mailbox", "onprem_remote_mailbox")
"""Tables without which nobody knows whom to predict for."""

# A mailbox that moved between two exports stands in both tables; then it counts as moved.
MAILBOXES_TO_MOVE = """
select
  mailbox.guid,
  mailbox.primary_smtp_address,
  list(address.address order by address.address) filter (where address.address is not null)
from onprem_mailbox as mailbox
left join (
  select mailbox_guid, address
  from onprem_mailbox_address
  where prefix = 'smtp'
    and domain in (
      select domain from onprem_remote_domain where target_delivery_domain
      union
      select target_delivery_domain from plan_move where target_delivery_domain is not null
    )
) as address on address.mailbox_guid = mailbox.guid
where mailbox.recipient_type_details <> 'DiscoveryMailbox'
  and mailbox.guid not in (select guid from onprem_remote_mailbox)
  and ($mailbox is null or mailbox.guid = $mailbox)
group by mailbox.guid, mailbox.primary_smtp_address
order by mailbox.guid
"""

MOVED_MAILBOXES = """
select
  guid,
  primary_smtp_address,
  remote_routing_address,
  routing_address_prefix,
  routing_domain
from onprem_remote_mailbox
where $mailbox is null or guid = $mailbox
order by guid
"""

SERVERS = """
select
  server.name,
  server.product,
  case
    when server.product is null then server.is_client_access_server or server.is_mailbox_server
    when server.product in ('Exchange Server 2010', 'Exchange Server 2007')
      then server.is_client_access_server
    else server.is_mailbox_server
  end,
  build.build_number
from onprem_exchange_server as server
left join onprem_exchange_build as build on build.server_key = server.server_key
where server.is_edge_server is distinct from true
order by server.name
"""
"""In 2010 the Client Access role takes the redirect decision, from 2013 on the Mailbox role.

Of a server whose product was not read either may.
"""


REMOTE_DOMAINS = "select domain, target_delivery_domain from onprem_remote_domain order by domain"


def gap_in(ledger: Ledger, *tables: str) -> Gap | None:
    """The first of these tables that is not complete, with its cause; None if all are."""
    for table in tables:
        line = ledger[table]
        if line.cause is not None:
            return Gap(line.cause, f"{line.state} ({line.detail})")
    return None


def read_organization(database: Database, ledger: Ledger) -> Organization:
    """What the redirect depends on beside the mailboxes; incomplete tables become gaps."""
    domains: tuple[str, ...] | Gap
    rows = list(database.rows(REMOTE_DOMAINS))
    if gap := gap_in(ledger, "onprem_remote_domain"):
        domains = gap
    elif any(flag is None for _, flag in rows):
        domains = Gap(Cause.VALUE_MISSING, "TargetDeliveryDomain of a remote domain was not read")
    else:
        domains = tuple(sorted({str(domain) for domain, flag in rows if flag}))
    return Organization(
        target_delivery_domains=domains,
        relationships=_relationships(database, ledger),
        servers=_servers(database, ledger),
        hosts={
            str(host): Host(str(cloud), str(sent), str(verdict))
            for host, cloud, sent, verdict in database.rows(
                "select host, cloud, host_sent_to_device, verdict from ref_exo_eas_host"
            )
        },
        floors=_floors(database),
    )


def _relationships(database: Database, ledger: Ledger) -> tuple[Relationship, ...] | Gap:
    tables = (
        "onprem_organization_relationship",
        "onprem_organization_relationship_domain",
    )
    if gap := gap_in(ledger, *tables):
        return gap
    named: dict[str, set[str]] = {}
    for guid, domain in database.rows(
        "select relationship_guid, domain from onprem_organization_relationship_domain"
    ):
        named.setdefault(str(guid), set()).add(str(domain))
    return tuple(
        Relationship(name, frozenset(named.get(guid, ())), url, host)
        for guid, name, url, host in database.rows(
            "select guid, name, target_owa_url, target_owa_url_host"
            " from onprem_organization_relationship order by name, guid"
        )
    )


def _servers(database: Database, ledger: Ledger) -> tuple[Server, ...] | Gap:
    if gap := gap_in(ledger, "onprem_exchange_server"):
        return gap
    measured = gap_in(ledger, "onprem_exchange_build") is None
    return tuple(
        Server(name, product, answers, build if measured else None)
        for name, product, answers, build in database.rows(SERVERS)
    )


def _floors(database: Database) -> dict[str, int]:
    """Number of each product's first build with the redirect, from the builds table."""
    numbers = dict(database.rows("select build_short, build_number from ref_exchange_build"))
    return {product: numbers[build] for product, build in FLOORS.items()}


def read_mailboxes(
    database: Database, ledger: Ledger, mailbox_guid: str | None = None
) -> Iterator[Mailbox]:
    """Every mailbox to move, then every moved one; with a GUID only that one."""
    asked = {"mailbox": mailbox_guid}
    gap = gap_in(ledger, "onprem_mailbox_address")
    flagged = [str(domain) for domain, flag in database.rows(REMOTE_DOMAINS) if flag]
    scope = read_scope(database, ledger)
    for guid, address, proxies in database.rows(MAILBOXES_TO_MOVE, asked):
        planned = scope.domains_of(guid) if scope else ()
        wanted = planned or flagged
        pairs = ((proxy, proxy.rpartition("@")[2].strip().lower()) for proxy in proxies or ())
        proxies_in = tuple(pair for pair in pairs if pair[1] in wanted)
        yield Mailbox(
            guid, address, False, gap or proxies_in, None, gap_in(ledger, "plan_move") or planned
        )
    # rows of a table that broke midway say how things are, old ones do not
    stale = ledger["onprem_remote_mailbox"].cause is Cause.STALE
    old = gap_in(ledger, "onprem_remote_mailbox") if stale else None
    for guid, address, written, prefix, domain in database.rows(MOVED_MAILBOXES, asked):
        usable = written and prefix == "smtp" and domain
        yield Mailbox(
            guid,
            address,
            True,
            old or (((written.partition(":")[2] or written, domain),) if usable else ()),
            written,
            (),
        )


def predict_redirects(database: Database, ledger: Ledger) -> Iterator[PredictedRedirect]:
    """One row for every mailbox in the evidence, moved or to move."""
    predictor = RedirectPredictor(read_organization(database, ledger))
    for mailbox in read_mailboxes(database, ledger):
        yield predictor.predict(mailbox).row
