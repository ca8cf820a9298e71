"""Collectors of the tenant itself: organisation, products, security defaults."""

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
from auditor.collectors.graph_reading import moment, selected, synchronised, text
from auditor.collectors.graph_tenant import GraphTenant
from auditor.evidence.entra_tenant import (
    EntraOrganization,
    EntraSecurityDefaults,
    EntraSku,
    EntraSkuPlan,
)
from auditor.sources.graph import GraphObject, GraphPage, Many, Whole

_NOTHING: frozenset[str] = frozenset()


class GraphOrganization(GraphObject):
    """The tenant. tenantType is never null (documented), so where it is, the rest is hidden too."""

    id: str
    display_name: str | None = None
    on_premises_sync_enabled: bool | None = None
    on_premises_last_sync_date_time: datetime | None = None
    country_letter_code: str | None = None
    tenant_type: str | None = None


class GraphUnits(GraphObject):
    """prepaidUnits of a product."""

    enabled: Whole | None = None
    warning: Whole | None = None
    suspended: Whole | None = None
    locked_out: Whole | None = None


class GraphPlan(GraphObject):
    """One of servicePlans of a product."""

    service_plan_id: str
    service_plan_name: str | None = None
    provisioning_status: str | None = None
    applies_to: str | None = None


class GraphSku(GraphObject):
    """One of subscribedSkus."""

    sku_id: str
    sku_part_number: str | None = None
    applies_to: str | None = None
    capability_status: str | None = None
    consumed_units: Whole | None = None
    prepaid_units: GraphUnits | None = None
    service_plans: Many[GraphPlan] | None = None


class GraphSecurityDefaults(GraphObject):
    """The policy of security defaults."""

    id: str
    is_enabled: bool | None = None


_ORGANIZATION = GraphRequest("/organization", {"$select": selected(GraphOrganization)})
_SKUS = GraphRequest("/subscribedSkus")
_SECURITY_DEFAULTS = GraphRequest("/policies/identitySecurityDefaultsEnforcementPolicy")


def _organizations(tenant: GraphTenant) -> Iterator[GraphOrganization]:
    request = _ORGANIZATION
    return tenant.items(request.path, GraphPage[GraphOrganization], request.parameters)


def _organization(tenant: GraphTenant, found: GraphOrganization) -> Iterator[Outcome]:
    hidden = found.tenant_type is None
    said = _NOTHING if hidden else found.model_fields_set
    if hidden:
        yield Unread(EntraOrganization, "tenantType", hidden=True)
    yield EntraOrganization(
        id=found.id.lower(),
        display_name=text(found.display_name, "display_name" in said),
        cloud=tenant.cloud,
        on_premises_sync_enabled=synchronised(
            found.on_premises_sync_enabled, "on_premises_sync_enabled" in said
        ),
        on_premises_last_sync_date_time=moment(found.on_premises_last_sync_date_time),
        read_at=tenant.now(),
        country_letter_code=text(found.country_letter_code, "country_letter_code" in said),
        tenant_type=found.tenant_type,
    )


def _skus(tenant: GraphTenant) -> Iterator[GraphSku]:
    return tenant.items(_SKUS.path, GraphPage[GraphSku], _SKUS.parameters)


def _sku(_: GraphTenant, found: GraphSku) -> Iterator[Outcome]:
    sku, said = found.sku_id.lower(), found.model_fields_set
    units = found.prepaid_units or GraphUnits()
    yield EntraSku(
        sku_id=sku,
        sku_part_number=text(found.sku_part_number, "sku_part_number" in said),
        applies_to=text(found.applies_to, "applies_to" in said),
        capability_status=text(found.capability_status, "capability_status" in said),
        consumed_units=found.consumed_units,
        enabled_units=units.enabled,
        warning_units=units.warning,
        suspended_units=units.suspended,
        locked_out_units=units.locked_out,
    )
    if found.service_plans is None:
        yield Unread(EntraSkuPlan, "servicePlans")
    for plan in found.service_plans or ():
        yield EntraSkuPlan(
            sku_id=sku,
            service_plan_id=plan.service_plan_id.lower(),
            service_plan_name=text(
                plan.service_plan_name, "service_plan_name" in plan.model_fields_set
            ),
            provisioning_status=text(
                plan.provisioning_status, "provisioning_status" in plan.model_fields_set
            ),
            applies_to=text(plan.applies_to, "applies_to" in plan.model_fields_set),
        )


def _security_defaults(tenant: GraphTenant) -> Iterator[GraphSecurityDefaults]:
    yield tenant.graph.one(_SECURITY_DEFAULTS.path, GraphSecurityDefaults)


def _security_default(_: GraphTenant, found: GraphSecurityDefaults) -> Iterator[Outcome]:
    yield EntraSecurityDefaults(id=found.id, is_enabled=found.is_enabled)


ORGANIZATION = GraphCollector(
    name="organisations",
    requests=(_ORGANIZATION,),
    tables=(EntraOrganization,),
    permissions=("Organization.Read.All",),
    directory_role=GLOBAL_READER,
    lost="whether and when the tenant was last synchronised with the directory on-premises",
    read=_organizations,
    rows=_organization,
    place=lambda found: f"organisation {found.id}",
    at_least_one=True,
)
SKUS = GraphCollector(
    name="products",
    requests=(_SKUS,),
    tables=(EntraSku, EntraSkuPlan),
    permissions=("LicenseAssignment.Read.All",),
    directory_role=GLOBAL_READER,
    lost="which licences hold a mailbox, and whether enough of them are free",
    read=_skus,
    rows=_sku,
    place=lambda found: f"product {found.sku_id}",
)
SECURITY_DEFAULTS = GraphCollector(
    name="security defaults",
    requests=(_SECURITY_DEFAULTS,),
    tables=(EntraSecurityDefaults,),
    permissions=("Policy.Read.All",),
    directory_role=GLOBAL_READER,
    lost="whether security defaults ask every user for MFA",
    read=_security_defaults,
    rows=_security_default,
    place=lambda found: f"policy {found.id}",
    at_least_one=True,
)
