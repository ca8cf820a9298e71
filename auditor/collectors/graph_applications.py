"""Collectors of mail apps and hybrid applications: service principals, and who is assigned.

The principals are few and found by their application id: Exchange Online, the mail apps, and
whatever application holds the role that hybrid servers use, since its name can be any.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from auditor.collectors.conditional_access_words import EXCHANGE_ONLINE
from auditor.collectors.graph_contract import (
    GLOBAL_READER,
    GraphCollector,
    GraphRequest,
    Outcome,
    Unread,
)
from auditor.collectors.graph_reading import (
    MOST_IN_A_FILTER,
    guid_of,
    moment,
    one_of,
    selected,
    text,
    thumbprint,
)
from auditor.collectors.graph_tenant import GraphTenant
from auditor.errors import SourceError, UnexpectedAnswer
from auditor.evidence.entra_access import (
    EntraAppRoleAssignment,
    EntraServicePrincipal,
    EntraServicePrincipalKey,
)
from auditor.sources.graph import GraphObject, GraphPage, Many, path_of

MAIL_APPS = (
    "f8d98a96-0999-43f5-8af3-69971c7bb423",
    "8acd33ea-7197-4a96-bc33-d7cc7101262f",
    "2cee05de-2b8f-45a2-8289-2a06ca32c4c8",
    "b50c1dbd-1855-4e54-b07c-d3c3029e93d3",
    "e9a7fea1-1cc0-4cd9-a31b-9137ca5deedd",
    "9e5f94bc-e8a4-4e73-b8be-63364c29d753",
    "e0ee12cb-2032-40fc-a44f-d6d9f3fad1eb",
    "27922004-5251-4030-b22d-91ecd9a37ea4",
)
"""Application ids of `rules/reference/mail_apps.csv`, without the resource Exchange Online."""

FULL_ACCESS_AS_APP = "dc890d15-9560-4a4c-9b7f-a736ec74ec40"
"""The application role of Exchange Online that a hybrid application holds, full_access_as_app."""


class GraphKey(GraphObject):
    """One of keyCredentials; the certificate itself is not asked for."""

    key_id: str
    custom_key_identifier: str | None = None
    end_date_time: datetime | None = None


class GraphServicePrincipal(GraphObject):
    """What an application is in this tenant."""

    id: str
    app_id: str
    display_name: str | None = None
    account_enabled: bool | None = None
    app_role_assignment_required: bool | None = None
    key_credentials: Many[GraphKey] | None = None


class GraphRegistration(GraphObject):
    """An application that is registered in this tenant."""

    id: str
    app_id: str
    key_credentials: Many[GraphKey] | None = None


class GraphAssignment(GraphObject):
    """An application role, and who has it."""

    id: str
    resource_id: str | None = None
    principal_id: str | None = None
    principal_type: str | None = None
    app_role_id: str | None = None


@dataclass(frozen=True)
class KnownPrincipal:
    """A service principal and the lists of keys it accepts: its own, and its registration's."""

    found: GraphServicePrincipal
    keys: tuple[tuple[GraphKey, ...] | None, ...]


_SELECT = {"$select": selected(GraphServicePrincipal), "$top": "999"}
_PRINCIPALS = GraphRequest("/servicePrincipals", {"$filter": "appId in ({...})", **_SELECT})
_ASSIGNED = GraphRequest("/servicePrincipals/{id}/appRoleAssignedTo", {"$top": "999"})
_REGISTERED = GraphRequest(
    "/applications",
    {"$filter": "appId eq '{...}'", "$select": selected(GraphRegistration), "$top": "999"},
)


def known_principals(tenant: GraphTenant) -> Iterator[GraphServicePrincipal]:
    """Exchange Online and the mail apps, as far as this tenant knows them."""
    return _principals(tenant, "appId", (EXCHANGE_ONLINE, *MAIL_APPS))


def _principals(
    tenant: GraphTenant, name: str, values: Sequence[str]
) -> Iterator[GraphServicePrincipal]:
    for start in range(0, len(values), MOST_IN_A_FILTER):
        asked = {"$filter": one_of(name, values[start : start + MOST_IN_A_FILTER]), **_SELECT}
        yield from tenant.items(_PRINCIPALS.path, GraphPage[GraphServicePrincipal], asked)


def _hybrid_assignments(tenant: GraphTenant) -> Iterator[GraphAssignment]:
    """Who holds the role of hybrid servers; raises where Exchange Online itself is not there."""
    heard = tenant.once(known_principals)
    resources = [each for each in heard.objects if each.app_id.lower() == EXCHANGE_ONLINE]
    for resource in resources:
        for assignment in _assigned_to(tenant, resource):
            if (assignment.app_role_id or "").lower() == FULL_ACCESS_AS_APP:
                yield assignment
    if heard.stopped is not None:
        raise heard.stopped
    if not resources:
        raise UnexpectedAnswer(
            f"{tenant.graph.host} gave no service principal of Exchange Online, which every tenant "
            "with mailboxes has: report it."
        )


def _assigned_to(
    tenant: GraphTenant, principal: GraphServicePrincipal
) -> Iterator[GraphAssignment]:
    path = path_of("servicePrincipals", principal.id, "appRoleAssignedTo")
    return tenant.items(path, GraphPage[GraphAssignment], _ASSIGNED.parameters)


def _service_principals(tenant: GraphTenant) -> Iterator[KnownPrincipal | SourceError]:
    known = tenant.once(known_principals)
    for principal in known.objects:
        yield KnownPrincipal(principal, (principal.key_credentials,))
    hybrid = tenant.once(_hybrid_assignments)
    stopped = known.stopped or hybrid.stopped
    if stopped is not None:
        yield stopped
    holders = {guid_of(each.principal_id, "the holder of a role") for each in hybrid.objects}
    holders -= {principal.id.lower() for principal in known.objects}
    for principal in _principals(tenant, "id", sorted(holders)):
        try:
            registered = list(_registrations(tenant, principal))
        except SourceError as error:
            yield error
            registered = []
        keys = (principal.key_credentials, *(each.key_credentials for each in registered))
        yield KnownPrincipal(principal, keys)


def _registrations(
    tenant: GraphTenant, principal: GraphServicePrincipal
) -> Iterator[GraphRegistration]:
    """The application behind a principal, which has the keys; none if another tenant has it."""
    app = guid_of(principal.app_id, "the appId of a service principal")
    asked = {**_REGISTERED.parameters, "$filter": f"appId eq '{app}'"}
    return tenant.items(_REGISTERED.path, GraphPage[GraphRegistration], asked)


def _service_principal(_: GraphTenant, known: KnownPrincipal) -> Iterator[Outcome]:
    found = known.found
    principal = found.id.lower()
    yield EntraServicePrincipal(
        id=principal,
        app_id=found.app_id.lower(),
        display_name=text(found.display_name, "display_name" in found.model_fields_set),
        account_enabled=found.account_enabled,
        app_role_assignment_required=found.app_role_assignment_required,
    )
    for keys in known.keys:
        if keys is None:
            yield Unread(EntraServicePrincipalKey, "keyCredentials")
        for key in keys or ():
            yield EntraServicePrincipalKey(
                service_principal_id=principal,
                key_id=key.key_id.lower(),
                thumbprint=thumbprint(key.custom_key_identifier),
                end_date_time=moment(key.end_date_time),
            )


def _assignments(tenant: GraphTenant) -> Iterator[GraphAssignment | SourceError]:
    hybrid = tenant.once(_hybrid_assignments)
    yield from hybrid.objects
    if hybrid.stopped is not None:
        yield hybrid.stopped
    for principal in tenant.once(known_principals).objects:
        # where it is not known whether assignment is required, it may be
        required = principal.app_role_assignment_required is not False
        if required and principal.app_id.lower() != EXCHANGE_ONLINE:
            try:
                yield from _assigned_to(tenant, principal)
            except SourceError as error:
                yield error


def _assignment(_: GraphTenant, found: GraphAssignment) -> Iterator[Outcome]:
    for name, value in (
        ("resourceId", found.resource_id),
        ("principalId", found.principal_id),
        ("principalType", found.principal_type),
        ("appRoleId", found.app_role_id),
    ):
        if value is None:
            yield Unread(EntraAppRoleAssignment, name)
            return
    yield EntraAppRoleAssignment(
        id=found.id,
        resource_id=(found.resource_id or "").lower(),
        principal_id=(found.principal_id or "").lower(),
        principal_type=found.principal_type or "",
        app_role_id=(found.app_role_id or "").lower(),
    )


SERVICE_PRINCIPALS = GraphCollector(
    name="service principals",
    requests=(_PRINCIPALS, _ASSIGNED, _REGISTERED),
    tables=(EntraServicePrincipal, EntraServicePrincipalKey),
    permissions=("Application.Read.All",),
    directory_role=GLOBAL_READER,
    lost="whether mail apps are switched off, and which certificates hybrid applications accept",
    read=_service_principals,
    rows=_service_principal,
    place=lambda known: f"service principal {known.found.id}",
)
APP_ROLE_ASSIGNMENTS = GraphCollector(
    name="app role assignments",
    requests=(_ASSIGNED, _PRINCIPALS),
    tables=(EntraAppRoleAssignment,),
    permissions=("Application.Read.All",),
    directory_role="Directory Readers",
    lost="who may use a mail app that wants users assigned, and which application is hybrid",
    read=_assignments,
    rows=_assignment,
    place=lambda found: f"app role assignment {found.id}",
)
