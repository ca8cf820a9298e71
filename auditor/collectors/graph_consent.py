"""Collectors of consent: what users may consent to by themselves, and what mail apps were given."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.collectors.conditional_access_words import EXCHANGE_ONLINE
from auditor.collectors.graph_applications import known_principals
from auditor.collectors.graph_contract import (
    GLOBAL_READER,
    GraphCollector,
    GraphRequest,
    Outcome,
    Unread,
)
from auditor.collectors.graph_reading import guid_of, text
from auditor.collectors.graph_tenant import GraphTenant
from auditor.errors import SourceError
from auditor.evidence.entra_access import (
    EntraAuthorizationPolicy,
    EntraPermissionGrant,
    EntraPermissionGrantScope,
    EntraUserConsentPolicy,
)
from auditor.sources.graph import GraphObject, GraphPage, Many

_FOR_SELF = "managepermissiongrantsforself."


class GraphUserRole(GraphObject):
    """defaultUserRolePermissions."""

    permission_grant_policies_assigned: Many[str] | None = None


class GraphAuthorizationPolicy(GraphObject):
    """The authorization policy, of which a tenant has one."""

    id: str
    display_name: str | None = None
    default_user_role_permissions: GraphUserRole | None = None


class GraphGrant(GraphObject):
    """A delegated permission grant; principalId is null where it is for everybody."""

    id: str
    client_id: str
    consent_type: str
    principal_id: str | None = None
    resource_id: str
    scope: str | None = None


_AUTHORIZATION = GraphRequest("/policies/authorizationPolicy")
_GRANTS = GraphRequest("/oauth2PermissionGrants", {"$filter": "clientId eq '{...}'", "$top": "999"})
_PRINCIPALS = GraphRequest("/servicePrincipals", {"$filter": "appId in ({...})"})


def _authorization_policies(tenant: GraphTenant) -> Iterator[GraphAuthorizationPolicy]:
    yield tenant.graph.one(_AUTHORIZATION.path, GraphAuthorizationPolicy)


def _authorization_policy(_: GraphTenant, found: GraphAuthorizationPolicy) -> Iterator[Outcome]:
    yield EntraAuthorizationPolicy(
        id=found.id,
        display_name=text(found.display_name, "display_name" in found.model_fields_set),
    )
    role = found.default_user_role_permissions
    assigned = None if role is None else role.permission_grant_policies_assigned
    if assigned is None:
        # an empty list forbids consent, so that null must not pass for one
        yield Unread(EntraUserConsentPolicy, "permissionGrantPoliciesAssigned")
    for written in assigned or ():
        own = written.lower().startswith(_FOR_SELF)
        yield EntraUserConsentPolicy(
            authorization_policy_id=found.id, policy=written[len(_FOR_SELF) :] if own else written
        )


def _grants(tenant: GraphTenant) -> Iterator[GraphGrant | SourceError]:
    """What each mail app was given, on whatever resource.

    One request for each: clientId is the property that grants can be filtered by with the least
    delay (documented), and a tenant has the consents of thousands of applications.
    """
    known = tenant.once(known_principals)
    for principal in known.objects:
        if principal.app_id.lower() == EXCHANGE_ONLINE:
            continue
        client = guid_of(principal.id, "the id of a service principal")
        asked = {**_GRANTS.parameters, "$filter": f"clientId eq '{client}'"}
        try:
            yield from tenant.items(_GRANTS.path, GraphPage[GraphGrant], asked)
        except SourceError as error:
            yield error
    if known.stopped is not None:
        yield known.stopped


def _grant(_: GraphTenant, found: GraphGrant) -> Iterator[Outcome]:
    if "principal_id" not in found.model_fields_set:
        yield Unread(EntraPermissionGrant, "principalId")
        yield Unread(EntraPermissionGrantScope, "principalId")
        return
    yield EntraPermissionGrant(
        id=found.id,
        client_id=found.client_id.lower(),
        consent_type=found.consent_type,
        principal_id=(found.principal_id or "").lower(),
        resource_id=found.resource_id.lower(),
    )
    if "scope" not in found.model_fields_set:
        yield Unread(EntraPermissionGrantScope, "scope")
    for scope in dict.fromkeys((found.scope or "").split()):
        yield EntraPermissionGrantScope(grant_id=found.id, scope=scope)


AUTHORIZATION_POLICY = GraphCollector(
    name="authorization policies",
    requests=(_AUTHORIZATION,),
    tables=(EntraAuthorizationPolicy, EntraUserConsentPolicy),
    permissions=("Policy.Read.All",),
    directory_role=GLOBAL_READER,
    lost="whether users may consent to mail apps by themselves",
    read=_authorization_policies,
    rows=_authorization_policy,
    place=lambda found: f"policy {found.id}",
    at_least_one=True,
)
PERMISSION_GRANTS = GraphCollector(
    name="permission grants",
    requests=(_GRANTS, _PRINCIPALS),
    tables=(EntraPermissionGrant, EntraPermissionGrantScope),
    permissions=("Directory.Read.All",),
    directory_role=GLOBAL_READER,
    lost="which mail apps have the consent of an administrator, or of single users",
    read=_grants,
    rows=_grant,
    place=lambda found: f"permission grant {found.id}",
)
