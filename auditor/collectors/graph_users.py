"""Collector of users: accounts, addresses, licences and what is wrong with them.

accountEnabled tells whether a user may be read: Graph writes null for what an application may not
see, and no account is neither enabled nor disabled. Where it is null, no null counts as empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from auditor.collectors.graph_accounts import addresses
from auditor.collectors.graph_contract import (
    GLOBAL_READER,
    GraphCollector,
    GraphRequest,
    Outcome,
    Unread,
)
from auditor.collectors.graph_reading import moment, object_guid, selected, synchronised, text
from auditor.collectors.graph_tenant import GraphTenant
from auditor.evidence.entra_user import (
    EntraUser,
    EntraUserAddress,
    EntraUserDisabledPlan,
    EntraUserLicence,
    EntraUserLicenceAssignment,
    EntraUserProvisioningError,
)
from auditor.sources.graph import GraphObject, GraphPage, Many

_NOTHING: frozenset[str] = frozenset()


class GraphLicence(GraphObject):
    """One of assignedLicenses."""

    sku_id: str | None = None
    disabled_plans: Many[str] | None = None


class GraphLicenceState(GraphObject):
    """One of licenseAssignmentStates; assignedByGroup null means assigned to the user directly."""

    sku_id: str | None = None
    assigned_by_group: str | None = None
    state: str | None = None
    error: str | None = None


class GraphProvisioningError(GraphObject):
    """One of onPremisesProvisioningErrors."""

    category: str | None = None
    property_causing_error: str | None = None
    value: str | None = None
    occurred_date_time: datetime | None = None


class GraphUser(GraphObject):
    """A user as /users gives it, of which only these properties are asked."""

    id: str
    user_principal_name: str | None = None
    display_name: str | None = None
    mail: str | None = None
    proxy_addresses: Many[str] | None = None
    account_enabled: bool | None = None
    user_type: str | None = None
    usage_location: str | None = None
    assigned_licenses: Many[GraphLicence] | None = None
    license_assignment_states: Many[GraphLicenceState] | None = None
    on_premises_sync_enabled: bool | None = None
    on_premises_immutable_id: str | None = None
    on_premises_user_principal_name: str | None = None
    on_premises_sam_account_name: str | None = None
    on_premises_distinguished_name: str | None = None
    on_premises_last_sync_date_time: datetime | None = None
    on_premises_provisioning_errors: Many[GraphProvisioningError] | None = None


_USERS = GraphRequest("/users", {"$select": selected(GraphUser), "$top": "999"})


def _users(tenant: GraphTenant) -> Iterator[GraphUser]:
    return tenant.items(_USERS.path, GraphPage[GraphUser], _USERS.parameters)


def _user(_: GraphTenant, found: GraphUser) -> Iterator[Outcome]:
    hidden = found.account_enabled is None
    said = _NOTHING if hidden else found.model_fields_set
    if hidden:
        yield from (Unread(model, "accountEnabled", hidden=True) for model in USERS.tables)
    if found.user_principal_name is None:
        # the row cannot be without it, and the other tables not without the row
        yield from (Unread(model, "userPrincipalName", hidden) for model in USERS.tables)
        return
    user = found.id.lower()
    immutable = text(found.on_premises_immutable_id, "on_premises_immutable_id" in said)
    yield EntraUser(
        id=user,
        user_principal_name=found.user_principal_name,
        user_principal_name_key=found.user_principal_name.lower(),
        display_name=text(found.display_name, "display_name" in said),
        mail=text(found.mail, "mail" in said),
        account_enabled=found.account_enabled,
        user_type=text(found.user_type, "user_type" in said),
        usage_location=text(found.usage_location, "usage_location" in said),
        on_premises_sync_enabled=synchronised(
            found.on_premises_sync_enabled, "on_premises_sync_enabled" in said
        ),
        on_premises_immutable_id=immutable,
        on_premises_object_guid=object_guid(immutable),
        on_premises_user_principal_name=text(
            found.on_premises_user_principal_name, "on_premises_user_principal_name" in said
        ),
        on_premises_sam_account_name=text(
            found.on_premises_sam_account_name, "on_premises_sam_account_name" in said
        ),
        on_premises_distinguished_name=text(
            found.on_premises_distinguished_name, "on_premises_distinguished_name" in said
        ),
        on_premises_last_sync_date_time=moment(found.on_premises_last_sync_date_time),
    )
    yield from addresses(found.proxy_addresses, user, EntraUserAddress, hidden=hidden)
    yield from _licences(found, user, hidden)
    yield from _licence_assignments(found, user, hidden)
    yield from _provisioning_errors(found, user, hidden)


def _licences(found: GraphUser, user: str, hidden: bool) -> Iterator[Outcome]:
    # a list that holds nothing is [], never null (OData JSON 4.01, section 8)
    if found.assigned_licenses is None and not hidden:
        yield Unread(EntraUserLicence, "assignedLicenses")
        yield Unread(EntraUserDisabledPlan, "assignedLicenses")
    for licence in found.assigned_licenses or ():
        if licence.sku_id is None:
            yield Unread(EntraUserLicence, "skuId")
            yield Unread(EntraUserDisabledPlan, "skuId")
            continue
        sku = licence.sku_id.lower()
        yield EntraUserLicence(user_id=user, sku_id=sku)
        if licence.disabled_plans is None:
            yield Unread(EntraUserDisabledPlan, "disabledPlans")
        for plan in licence.disabled_plans or ():
            yield EntraUserDisabledPlan(user_id=user, sku_id=sku, service_plan_id=plan.lower())


def _licence_assignments(found: GraphUser, user: str, hidden: bool) -> Iterator[Outcome]:
    if not hidden and found.license_assignment_states is None:
        yield Unread(EntraUserLicenceAssignment, "licenseAssignmentStates")
    for assigned in found.license_assignment_states or ():
        said = assigned.model_fields_set
        if assigned.sku_id is None:
            yield Unread(EntraUserLicenceAssignment, "skuId")
        elif "assigned_by_group" not in said:
            yield Unread(EntraUserLicenceAssignment, "assignedByGroup")
        else:
            yield EntraUserLicenceAssignment(
                user_id=user,
                sku_id=assigned.sku_id.lower(),
                assigned_by_group=(assigned.assigned_by_group or "").lower(),
                state=text(assigned.state, "state" in said),
                error=text(assigned.error, "error" in said),
            )


def _provisioning_errors(found: GraphUser, user: str, hidden: bool) -> Iterator[Outcome]:
    if not hidden and found.on_premises_provisioning_errors is None:
        yield Unread(EntraUserProvisioningError, "onPremisesProvisioningErrors")
    for error in found.on_premises_provisioning_errors or ():
        if not error.model_fields_set >= {"category", "property_causing_error", "value"}:
            yield Unread(EntraUserProvisioningError, "category, propertyCausingError or value")
            continue
        yield EntraUserProvisioningError(
            user_id=user,
            category=error.category or "",
            property_causing_error=error.property_causing_error or "",
            value=error.value or "",
            occurred_date_time=moment(error.occurred_date_time),
        )


USERS = GraphCollector(
    name="users",
    requests=(_USERS,),
    tables=(
        EntraUser,
        EntraUserAddress,
        EntraUserLicence,
        EntraUserDisabledPlan,
        EntraUserLicenceAssignment,
        EntraUserProvisioningError,
    ),
    permissions=("User.Read.All",),
    directory_role=GLOBAL_READER,
    lost="who has exactly one enabled account in the tenant, with a licence and without errors",
    read=_users,
    rows=_user,
    place=lambda found: f"user {found.id}",
    at_least_one=True,
)
