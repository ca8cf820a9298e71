"""Every collector of Graph, in the order they are asked."""

from __future__ import annotations

from typing import Any

from auditor.collectors.graph_accounts import DELETED_USERS, USER_REGISTRATIONS
from auditor.collectors.graph_applications import APP_ROLE_ASSIGNMENTS, SERVICE_PRINCIPALS
from auditor.collectors.graph_conditional_access import CONDITIONAL_ACCESS
from auditor.collectors.graph_consent import AUTHORIZATION_POLICY, PERMISSION_GRANTS
from auditor.collectors.graph_contract import GraphCollector
from auditor.collectors.graph_devices import MANAGED_DEVICES
from auditor.collectors.graph_domains import DOMAINS, FEDERATIONS
from auditor.collectors.graph_organization import ORGANIZATION, SECURITY_DEFAULTS, SKUS
from auditor.collectors.graph_sign_ins import ACTIVE_SYNC_SIGN_INS
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
    ACTIVE_SYNC_SIGN_INS,
)
