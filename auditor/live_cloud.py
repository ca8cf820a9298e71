"""The tenant of a configuration, signed in to, and what it fills: Graph, Exchange Online, or both.

Each half is signed in to by itself and may refuse by itself: its tables then say why, and what the
other sources give is collected all the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime

from auditor.collectors.exchange_online import PROVIDER as EXCHANGE_ONLINE
from auditor.collectors.exchange_online import collect_exchange_online
from auditor.collectors.exo_registry import EXCHANGE_ONLINE_COLLECTORS
from auditor.collectors.graph import PROVIDED, LiveGraph, collect_graph
from auditor.collectors.graph_tally import PROVIDER as GRAPH
from auditor.config_cloud import CloudTenant, cloud_sign_in, secret_of
from auditor.config_parts import Person
from auditor.errors import SourceError
from auditor.evidence.bundle import BundleWriter
from auditor.evidence.ledger import LedgerLine, not_opened, not_requested
from auditor.sources.cloud_sign_in import Cloud, TokenCredential, credential
from auditor.sources.exchange_online import ExchangeOnline
from auditor.sources.graph import Graph

GRAPH_TABLES = frozenset(PROVIDED)
EXCHANGE_ONLINE_TABLES = frozenset(
    model.table for collector in EXCHANGE_ONLINE_COLLECTORS for model in collector.tables
)
NO_CLOUD = "Only the tenant says it, and the configuration names no cloud."


@dataclass(frozen=True)
class LiveCloud:
    """What is open of a tenant: a half, the refusal to sign in to it, or None if it is unwanted.

    `account` is who signed in, and `tenant` which one it is, if known.
    """

    graph: LiveGraph | SourceError | None
    exchange_online: ExchangeOnline | SourceError | None
    account: str | None = None
    tenant: str = ""


@contextmanager
def live_cloud(tenant: CloudTenant, person: Person) -> Iterator[LiveCloud]:
    """The halves that the configuration wants, signed in to once each.

    Raises InputRefused for a sign-in that cannot work; a refusal by the cloud is kept.
    """
    sign_in = cloud_sign_in(tenant)
    signed_in = credential(sign_in, secret_of(tenant, person.ask), person.show)
    account = tenant.username or tenant.client_id
    with open_cloud(
        sign_in.hosts,
        tenant.tenant,
        signed_in,
        account=account,
        anchor=tenant.username,
        graph=tenant.graph,
        exchange_online=tenant.exchange_online,
    ) as found:
        yield found


@contextmanager
def open_cloud(  # noqa: PLR0913 - a tenant, who reads it, and which half
    cloud: Cloud,
    tenant_id: str,
    signed_in: TokenCredential,
    *,
    account: str | None = None,
    anchor: str | None = None,
    graph: bool = True,
    exchange_online: bool = True,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[LiveCloud]:
    """The halves of a tenant that are wanted, each with a token of its own.

    `sleep` passes the seconds between two attempts at a request. Raises InputRefused where proxy
    or certificates of the environment cannot be used: now, not after hours of reading elsewhere.
    """
    opened_graph: LiveGraph | SourceError | None = None
    online: ExchangeOnline | SourceError | None = None
    with ExitStack() as stack:
        if graph:
            opened_graph = _refusal(signed_in, cloud.graph_url) or LiveGraph(
                stack.enter_context(Graph(cloud, signed_in, tenant=tenant_id, sleep=sleep)),
                cloud.name,
                account,
            )
        if exchange_online:
            online = _refusal(signed_in, cloud.exchange_url) or stack.enter_context(
                ExchangeOnline(cloud, tenant_id, signed_in, anchor=anchor, sleep=sleep)
            )
        if isinstance(opened_graph, LiveGraph):
            opened_graph.graph.connect()
        if isinstance(online, ExchangeOnline):
            online.connect()
        yield LiveCloud(opened_graph, online, account, tenant_id)


def _refusal(signed_in: TokenCredential, service: str) -> SourceError | None:
    """Ask for a token once, so that a person is asked once and every table says the same."""
    try:
        signed_in.get_token(f"{service}/.default")
    except SourceError as error:
        return error
    return None


def fill_from_cloud(
    source: LiveCloud | None,
    writer: BundleWriter,
    tables: Collection[str],
    *,
    now: Callable[[], datetime],
    progress: Callable[[str, int], None],
) -> tuple[LedgerLine, ...]:
    """Fill those of the tables that only the tenant can say; returns a ledger line for each."""
    of_graph = [table for table in tables if table in GRAPH_TABLES]
    of_exchange = [table for table in tables if table in EXCHANGE_ONLINE_TABLES]
    if source is None:
        return _recorded(writer, [not_requested(each, NO_CLOUD) for each in of_graph + of_exchange])
    lines: tuple[LedgerLine, ...] = ()
    if isinstance(source.graph, LiveGraph):
        lines += collect_graph(source.graph, writer, of_graph, now=now, progress=progress)
    else:
        lines += _recorded(writer, _unread(of_graph, GRAPH, source.graph, now()))
    if isinstance(source.exchange_online, ExchangeOnline):
        lines += collect_exchange_online(
            source.exchange_online,
            writer,
            of_exchange,
            account=source.account,
            now=now,
            progress=progress,
        )
    else:
        refusal = source.exchange_online
        lines += _recorded(writer, _unread(of_exchange, EXCHANGE_ONLINE, refusal, now()))
    return lines


def _unread(
    tables: Collection[str], provider: str, refusal: SourceError | None, now: datetime
) -> list[LedgerLine]:
    if refusal is None:
        words = f"The configuration leaves {provider} unread."
        return [not_requested(table, words) for table in tables]
    return [not_opened(table, provider, refusal.cause, str(refusal), now) for table in tables]


def _recorded(writer: BundleWriter, lines: Collection[LedgerLine]) -> tuple[LedgerLine, ...]:
    for line in lines:
        writer.record(line)
    return tuple(lines)
