"""Collectors of what stands beside users: deleted ones, and who is registered for MFA."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from auditor.collectors.graph_contract import (
    GLOBAL_READER,
    GraphCollector,
    GraphRequest,
    Outcome,
    Unread,
)
from auditor.collectors.graph_reading import moment, object_guid, selected, text
from auditor.collectors.graph_tenant import GraphTenant
from auditor.collectors.recipients import proxy_addresses
from auditor.evidence.entra_user import (
    EntraDeletedUser,
    EntraDeletedUserAddress,
    EntraUserAddress,
    EntraUserRegistration,
)
from auditor.sources.graph import GraphObject, GraphPage, Many

_NOTHING: frozenset[str] = frozenset()


class GraphDeletedUser(GraphObject):
    """A deleted user; where userPrincipalName is null, nothing but the id may be seen."""

    id: str
    user_principal_name: str | None = None
    deleted_date_time: datetime | None = None
    proxy_addresses: Many[str] | None = None
    on_premises_immutable_id: str | None = None


class GraphRegistration(GraphObject):
    """One of userRegistrationDetails."""

    id: str
    user_principal_name: str | None = None
    is_mfa_registered: bool | None = None
    is_mfa_capable: bool | None = None


_DELETED = GraphRequest(
    "/directory/deletedItems/graph.user",
    {"$select": selected(GraphDeletedUser), "$top": "999"},
)
# documented: neither $select nor $top is supported
_REGISTRATIONS = GraphRequest("/reports/authenticationMethods/userRegistrationDetails")


def addresses(
    proxies: tuple[str, ...] | None,
    user: str,
    model: type[EntraUserAddress] | type[EntraDeletedUserAddress],
    *,
    hidden: bool,
) -> Iterator[Outcome]:
    """One row for each proxy address of an account; the list is never null (metadata of v1.0)."""
    if proxies is None and not hidden:
        yield Unread(model, "proxyAddresses")
    for proxy in proxy_addresses(proxies or ()):
        yield model(
            user_id=user,
            prefix=proxy.prefix,
            address=proxy.address,
            domain=proxy.domain,
            is_primary=proxy.is_primary,
        )


def _deleted_users(tenant: GraphTenant) -> Iterator[GraphDeletedUser]:
    return tenant.items(_DELETED.path, GraphPage[GraphDeletedUser], _DELETED.parameters)


def _deleted_user(_: GraphTenant, found: GraphDeletedUser) -> Iterator[Outcome]:
    hidden = found.user_principal_name is None
    said = _NOTHING if hidden else found.model_fields_set
    if hidden:
        yield Unread(EntraDeletedUser, "userPrincipalName", hidden=True)
        yield Unread(EntraDeletedUserAddress, "userPrincipalName", hidden=True)
    user = found.id.lower()
    immutable = text(found.on_premises_immutable_id, "on_premises_immutable_id" in said)
    yield EntraDeletedUser(
        id=user,
        user_principal_name=found.user_principal_name,
        deleted_date_time=moment(found.deleted_date_time),
        on_premises_immutable_id=immutable,
        on_premises_object_guid=object_guid(immutable),
    )
    yield from addresses(found.proxy_addresses, user, EntraDeletedUserAddress, hidden=hidden)


def _registrations(tenant: GraphTenant) -> Iterator[GraphRegistration]:
    request = _REGISTRATIONS
    return tenant.items(request.path, GraphPage[GraphRegistration], request.parameters)


def _registration(_: GraphTenant, found: GraphRegistration) -> Iterator[Outcome]:
    yield EntraUserRegistration(
        user_id=found.id.lower(),
        user_principal_name=text(
            found.user_principal_name, "user_principal_name" in found.model_fields_set
        ),
        is_mfa_registered=found.is_mfa_registered,
        is_mfa_capable=found.is_mfa_capable,
    )


DELETED_USERS = GraphCollector(
    name="deleted users",
    requests=(_DELETED,),
    tables=(EntraDeletedUser, EntraDeletedUserAddress),
    permissions=("User.Read.All",),
    directory_role="User Administrator",
    lost="deleted twins, which hold addresses and identifiers that the move needs",
    read=_deleted_users,
    rows=_deleted_user,
    place=lambda found: f"deleted user {found.id}",
)
USER_REGISTRATIONS = GraphCollector(
    name="registrations for MFA",
    requests=(_REGISTRATIONS,),
    tables=(EntraUserRegistration,),
    permissions=("AuditLog.Read.All",),
    directory_role=GLOBAL_READER,
    lost="who would be asked to register for MFA, and cannot do that on the phone alone",
    read=_registrations,
    rows=_registration,
    place=lambda found: f"registration of user {found.id}",
    licence="Microsoft Entra ID P1",
)
