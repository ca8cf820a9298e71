"""Reference data: dated facts of `rules/reference/*.csv`, loaded as `ref_` tables.

Columns are those of the files (`shared/reference` describes them); an empty field is NULL.
"""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from auditor.evidence.base import Evidence


class Reference(Evidence):
    """One row of a reference file; `file` is its name under `rules/reference/`."""

    file: ClassVar[str]


class RefExchangeBuild(Reference):
    """Releases of Exchange; compare `build_number`, never the text."""

    table: ClassVar[str] = "ref_exchange_build"
    file: ClassVar[str] = "exchange_builds.csv"
    key: ClassVar[tuple[str, ...]] = ("build_short", "name")

    product: str
    name: str
    release_date: dt.date | None
    build_short: str
    build_number: int
    build_long: str
    source_confidence: str
    weak_field: str | None
    kb: str | None
    note: str | None


class RefExchangeSupport(Reference):
    """End of support per product; no date means it is supported."""

    table: ClassVar[str] = "ref_exchange_support"
    file: ClassVar[str] = "exchange_support.csv"
    key: ClassVar[tuple[str, ...]] = ("product",)

    product: str
    end_of_support: dt.date | None
    confidence: str
    as_of: dt.date
    note: str | None


class RefExoEasHost(Reference):
    """What to think of the host of a TargetOwaURL."""

    table: ClassVar[str] = "ref_exo_eas_host"
    file: ClassVar[str] = "exo_eas_hosts.csv"
    key: ClassVar[tuple[str, ...]] = ("host",)

    host: str
    cloud: str
    host_sent_to_device: str
    verdict: str
    confidence: str
    as_of: dt.date
    note: str | None


class RefMailClient(Reference):
    """The client matrix of the catalogue's section 6.2."""

    table: ClassVar[str] = "ref_mail_client"
    file: ClassVar[str] = "mail_clients.csv"
    key: ClassVar[tuple[str, ...]] = ("client_id",)

    match_order: int
    client_id: str
    client_family: str
    device_type_patterns: str | None
    user_agent_patterns: str | None
    evidence_match: str | None
    follows_451: str
    evidence_451: str | None
    autodiscover_bypass: str
    oauth: str
    oauth_min_os: str | None
    evidence_oauth: str | None
    eas_16_1: str
    eas_16_1_min_os: str | None
    evidence_eas_16_1: str | None
    level_best: int | None
    level_worst: int | None
    expected_level: int | None
    evidence: str
    source: str | None
    as_of: dt.date
    note: str | None


class RefServiceDate(Reference):
    """Dated events of the services."""

    table: ClassVar[str] = "ref_service_date"
    file: ClassVar[str] = "service_dates.csv"
    key: ClassVar[tuple[str, ...]] = ("date", "event")

    date: dt.date
    date_end: dt.date | None
    precision: str
    event: str
    topic: str
    confidence: str
    as_of: dt.date


class RefExchangeServicePlan(Reference):
    """Exchange service plans by GUID."""

    table: ClassVar[str] = "ref_exchange_service_plan"
    file: ClassVar[str] = "exchange_service_plans.csv"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    service_plan_name: str
    aliases: str | None
    includes_mailbox: str
    mailbox_quota_gb: int | None
    note: str | None


class RefExchangeMailboxSku(Reference):
    """Products that contain a mailbox plan."""

    table: ClassVar[str] = "ref_exchange_mailbox_sku"
    file: ClassVar[str] = "exchange_mailbox_skus.csv"
    key: ClassVar[tuple[str, ...]] = ("sku_id",)

    sku_id: str
    sku_part_number: str
    product_name: str
    exchange_service_plan: str
    note: str | None


class RefMailApp(Reference):
    """Entra applications that matter for consent."""

    table: ClassVar[str] = "ref_mail_app"
    file: ClassVar[str] = "mail_apps.csv"
    key: ClassVar[tuple[str, ...]] = ("app_id",)

    app_id: str
    app_name: str
    other_names: str | None
    role: str
    consent_exception: str
    client_ids: str | None
    permission: str | None
    confidence: str
    source: str | None
    as_of: dt.date
    note: str | None


class RefDeviceAccessState(Reference):
    """States, reasons, levels and characteristics of device access."""

    table: ClassVar[str] = "ref_device_access_state"
    file: ClassVar[str] = "device_access_states.csv"
    key: ClassVar[tuple[str, ...]] = ("kind", "name")

    kind: str
    value: str | None
    name: str
    meaning: str | None
    confidence: str
    note: str | None


class RefDeviceAccessOrder(Reference):
    """The two decision orders of the catalogue's section 6.3."""

    table: ClassVar[str] = "ref_device_access_order"
    file: ClassVar[str] = "device_access_order.csv"
    key: ClassVar[tuple[str, ...]] = ("order_name", "step")

    order_name: str
    step: int
    test: str
    outcome: str
    confidence: str


class RefAutodiscoverBypassPrefix(Reference):
    """User-Agent prefixes shipped in MobileSyncRedirectBypassClientPrefixes."""

    table: ClassVar[str] = "ref_autodiscover_bypass_prefix"
    file: ClassVar[str] = "autodiscover_bypass_prefixes.csv"
    key: ClassVar[tuple[str, ...]] = ("prefix",)

    prefix: str
    position: int
    confidence: str
    source: str | None
    as_of: dt.date


class RefAppleBuild(Reference):
    """Reads an iOS version out of an Apple user agent."""

    table: ClassVar[str] = "ref_apple_build"
    file: ClassVar[str] = "apple_builds.csv"
    key: ClassVar[tuple[str, ...]] = ("build_train",)

    build_train: int
    ua_number_from: int
    ua_number_to: int
    os_major: int
    eas_16_1: str
    oauth_by_hand: str
    oauth_by_mdm: str
    confidence: str
    note: str | None


class RefTopic(Reference):
    """The catalogue of checks: a topic that no rule looks at is reported as not assessed."""

    table: ClassVar[str] = "ref_topic"
    file: ClassVar[str] = "topics.csv"
    key: ClassVar[tuple[str, ...]] = ("topic",)

    topic: str
    title: str
    scope: str
    gate: str
    severity: str
    confidence: str
