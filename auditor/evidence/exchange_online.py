"""Tables of Exchange Online: the organisation, its plans, access rules and the way to it."""

from __future__ import annotations

from typing import ClassVar

from auditor.evidence.base import Evidence, UtcTime


class ExoOrganization(Evidence):
    """Get-OrganizationConfig of Exchange Online."""

    table: ClassVar[str] = "exo_organization"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    name: str
    oauth2_client_profile_enabled: bool | None
    default_authentication_policy: str | None
    ews_enabled: bool | None


class ExoCasMailboxPlan(Evidence):
    """Get-CASMailboxPlan: the protocol switches that a new mailbox is born with."""

    table: ClassVar[str] = "exo_cas_mailbox_plan"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    name: str
    active_sync_enabled: bool | None
    active_sync_mailbox_policy: str | None


class ExoMailboxPlan(Evidence):
    """Get-MailboxPlan. Sizes in bytes; NULL where the plan says `Unlimited`, or nothing."""

    table: ClassVar[str] = "exo_mailbox_plan"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    name: str
    is_default: bool | None
    max_receive_size: str | None
    max_receive_bytes: int | None
    max_send_size: str | None
    max_send_bytes: int | None
    prohibit_send_receive_quota: str | None
    prohibit_send_receive_quota_bytes: int | None


class ExoActiveSyncSettings(Evidence):
    """Get-ActiveSyncOrganizationSettings; `default_access_level` is Allow, Block or Quarantine."""

    table: ClassVar[str] = "exo_active_sync_settings"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    default_access_level: str | None
    allow_access_for_unsupported_platform: bool | None


class ExoDeviceAccessRule(Evidence):
    """Get-ActiveSyncDeviceAccessRule of Exchange Online."""

    table: ClassVar[str] = "exo_device_access_rule"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    name: str
    characteristic: str
    query_string: str
    access_level: str


class ExoMobileDevicePolicy(Evidence):
    """Get-MobileDeviceMailboxPolicy of Exchange Online; columns as on-premises."""

    table: ClassVar[str] = "exo_mobile_device_policy"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    name: str
    is_default: bool | None
    allow_non_provisionable_devices: bool | None
    password_enabled: bool | None
    min_password_length: int | None
    alphanumeric_password_required: bool | None
    min_password_complex_characters: int | None
    allow_simple_password: bool | None
    password_expiration: str | None
    max_inactivity_time_lock: str | None
    max_inactivity_seconds: int | None
    require_device_encryption: bool | None
    require_storage_card_encryption: bool | None


class ExoAcceptedDomain(Evidence):
    """Get-AcceptedDomain of Exchange Online; `domain` in lower case."""

    table: ClassVar[str] = "exo_accepted_domain"
    key: ClassVar[tuple[str, ...]] = ("domain",)

    domain: str
    domain_type: str | None
    is_default: bool | None


class ExoOrganizationRelationship(Evidence):
    """Get-OrganizationRelationship of Exchange Online: the way back to the servers on-premises."""

    table: ClassVar[str] = "exo_organization_relationship"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    name: str
    enabled: bool | None
    target_owa_url: str | None
    target_sharing_epr: str | None
    target_application_uri: str | None
    when_changed_utc: UtcTime | None


class ExoOrganizationRelationshipDomain(Evidence):
    """One of DomainNames of a relationship, in lower case."""

    table: ClassVar[str] = "exo_organization_relationship_domain"
    key: ClassVar[tuple[str, ...]] = ("relationship_guid", "domain")

    relationship_guid: str
    domain: str


class ExoMigrationEndpoint(Evidence):
    """Get-MigrationEndpoint; a hybrid move goes through one of type ExchangeRemoteMove.

    The two limits are NULL where the endpoint says `Unlimited`, or nothing.
    """

    table: ClassVar[str] = "exo_migration_endpoint"
    key: ClassVar[tuple[str, ...]] = ("guid",)

    guid: str
    identity: str
    endpoint_type: str | None
    remote_server: str | None
    remote_server_key: str | None
    max_concurrent_migrations: int | None
    max_concurrent_incremental_syncs: int | None
