"""Every collector of Graph, in the order they are asked, and what reading them takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from auditor.collectors.graph_accounts import DELETED_USERS, USER_REGISTRATIONS
from auditor.collectors.graph_applications import APP_ROLE_ASSIGNMENTS, SERVICE_PRINCIPALS
from auditor.collectors.graph_conditional_access import CONDITIONAL_ACCESS
from auditor.collectors.graph_consent import AUTHORIZATION_POLICY, PERMISSION_GRANTS
from auditor.collectors.graph_contract import GraphCollector
from auditor.collectors.graph_devices import MANAGED_DEVICES
from auditor.collectors.graph_domains import DOMAINS, FEDERATIONS
from auditor.collectors.graph_organization import ORGANIZATION, SECURITY_DEFAULTS, SKUS
from auditor.collectors.graph_users import USERS

GRAPH_COLLECTORS: tuple[GraphCollector[Any], ...] = (
    ORGANIZATION,
    DOMAINS,
    FEDERATIONS,
    SKUS,
    USERS,
    DELETED_USERS,
    USER_REGISTRATIONS,
    CONDITIONAL_ACCESS,
    SECURITY_DEFAULTS,
    AUTHORIZATION_POLICY,
    SERVICE_PRINCIPALS,
    APP_ROLE_ASSIGNMENTS,
    PERMISSION_GRANTS,
    MANAGED_DEVICES,
)


@dataclass(frozen=True)
class GraphPermission:
    """What reading one table takes, and what is lost without it; `licence` '' for none.

    `requests` are paths below /v1.0 with their parameters, the main one first. `permissions` are
    all needed, for an application or delegated; `directory_role` only for a person who signs in.
    """

    table: str
    requests: tuple[str, ...]
    permissions: tuple[str, ...]
    directory_role: str
    licence: str
    lost: str


def graph_permissions() -> tuple[GraphPermission, ...]:
    """What reading each table of Graph takes, in the order they are read."""
    return tuple(
        GraphPermission(
            table=model.table,
            requests=tuple(str(request) for request in collector.requests),
            permissions=collector.permissions,
            directory_role=collector.directory_role,
            licence=collector.licence,
            lost=collector.lost,
        )
        for collector in GRAPH_COLLECTORS
        for model in collector.tables
    )
