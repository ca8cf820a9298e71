"""What will be read of a tenant, and what can be read: the cloud's part of the verbs before."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.checked import Checked, Permission
from auditor.collectors.exchange_online import check_exchange_online, right
from auditor.collectors.exo_registry import EXCHANGE_ONLINE_COLLECTORS
from auditor.collectors.graph import LiveGraph, check_graph
from auditor.collectors.graph_registry import GRAPH_COLLECTORS
from auditor.config_cloud import CloudTenant
from auditor.errors import SourceError
from auditor.live_cloud import LiveCloud
from auditor.run import utc_now
from auditor.sources.cloud_sign_in import CLOUDS
from auditor.sources.exchange_online import ExchangeOnline


def cloud_permissions(tenant: CloudTenant) -> Iterator[Permission]:
    """What will be read of the tenant, with which rights; nothing is contacted."""
    cloud = CLOUDS[tenant.cloud]
    for collector in GRAPH_COLLECTORS if tenant.graph else ():
        yield Permission(
            tables=tuple(model.table for model in collector.tables),
            source=cloud.graph_url,
            command=", ".join(f"GET /v1.0{request}" for request in collector.requests),
            right=f"{' and '.join(collector.permissions)}; for a person who signs in, the "
            f"directory role {collector.directory_role} as well",
            licence=collector.licence,
            lost=collector.lost,
        )
    for online in EXCHANGE_ONLINE_COLLECTORS if tenant.exchange_online else ():
        yield Permission(
            tables=tuple(model.table for model in online.tables),
            source=cloud.exchange_url,
            command=online.asked,
            right=right(online),
            lost=online.lost,
        )


def checked_cloud(cloud: LiveCloud) -> Iterator[Checked]:
    """Ask a little of everything; say what will be missing, and what would cure it."""
    if isinstance(cloud.graph, LiveGraph):
        yield Checked(f"{cloud.graph.graph.host}: signed in", None)
        for told in check_graph(cloud.graph, now=utc_now):
            tables = ", ".join(model.table for model in told.collector.tables)
            problem = None if told.state == "complete" else told.detail
            yield Checked(f"{told.collector.name} ({tables})", problem)
    elif isinstance(cloud.graph, SourceError):
        yield Checked("Microsoft Graph", str(cloud.graph))
    if isinstance(cloud.exchange_online, ExchangeOnline):
        yield Checked(f"{cloud.exchange_online.host}: signed in", None)
        for tried in check_exchange_online(cloud.exchange_online):
            yield Checked(f"{tried.cmdlet} ({', '.join(tried.tables)})", tried.problem)
    elif isinstance(cloud.exchange_online, SourceError):
        yield Checked("Exchange Online", str(cloud.exchange_online))
