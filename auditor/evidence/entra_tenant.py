"""Tables of the tenant in Entra, as Microsoft Graph v1.0 tells it: domains, licences, switches."""

from __future__ import annotations

from typing import ClassVar

from auditor.evidence.base import Evidence, UtcTime


class EntraOrganization(Evidence):
    """/organization. `cloud` is the national cloud that was asked: global, gcchigh, dod or china.

    `on_premises_sync_enabled` False: nothing was ever synchronised, which Graph tells as null.
    `read_at` is when Graph answered, without which nobody can tell how old the last
    synchronisation was: the day of the assessment may be weeks later.
    """

    table: ClassVar[str] = "entra_organization"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: str
    display_name: str | None
    cloud: str
    on_premises_sync_enabled: bool | None
    on_premises_last_sync_date_time: UtcTime | None
    read_at: UtcTime
    country_letter_code: str | None
    tenant_type: str | None


class EntraDomain(Evidence):
    """/domains; `domain` in lower case. `authentication_type` is Managed or Federated."""

    table: ClassVar[str] = "entra_domain"
    key: ClassVar[tuple[str, ...]] = ("domain",)

    domain: str
    authentication_type: str | None
    is_verified: bool | None
    is_default: bool | None
    is_initial: bool | None


class EntraDomainService(Evidence):
    """One of supportedServices of a domain, such as `Email`."""

    table: ClassVar[str] = "entra_domain_service"
    key: ClassVar[tuple[str, ...]] = ("domain", "service")

    domain: str
    service: str


class EntraDomainFederation(Evidence):
    """/domains/{id}/federationConfiguration: where a federated domain sends people to sign in.

    A table of its own, since it needs a permission of its own.
    """

    table: ClassVar[str] = "entra_domain_federation"
    key: ClassVar[tuple[str, ...]] = ("domain", "id")

    domain: str
    id: str
    issuer_uri: str | None
    active_sign_in_uri: str | None
    passive_sign_in_uri: str | None
    metadata_exchange_uri: str | None
    preferred_authentication_protocol: str | None
    federated_idp_mfa_behavior: str | None


class EntraSku(Evidence):
    """/subscribedSkus: a product the tenant has, and how many seats of it.

    Free seats are `enabled_units` and `warning_units` less `consumed_units`, while
    `capability_status` is Enabled or Warning.
    """

    table: ClassVar[str] = "entra_sku"
    key: ClassVar[tuple[str, ...]] = ("sku_id",)

    sku_id: str
    sku_part_number: str | None
    applies_to: str | None
    capability_status: str | None
    consumed_units: int | None
    enabled_units: int | None
    warning_units: int | None
    suspended_units: int | None
    locked_out_units: int | None


class EntraSkuPlan(Evidence):
    """One of servicePlans of a product; `provisioning_status` Success: the tenant can use it."""

    table: ClassVar[str] = "entra_sku_plan"
    key: ClassVar[tuple[str, ...]] = ("sku_id", "service_plan_id")

    sku_id: str
    service_plan_id: str
    service_plan_name: str | None
    provisioning_status: str | None
    applies_to: str | None


class EntraSecurityDefaults(Evidence):
    """/policies/identitySecurityDefaultsEnforcementPolicy."""

    table: ClassVar[str] = "entra_security_defaults"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: str
    is_enabled: bool | None
