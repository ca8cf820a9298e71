"""Tables of the people in Entra: accounts, licences, deleted twins, registrations and devices.

Identifiers are Graph's object ids. `on_premises_object_guid` is onPremisesImmutableId as a GUID in
lower case: the objectGUID or the mS-DS-ConsistencyGuid of the account on-premises, so it joins the
two ends. It is '' where there is no immutable id, or one that is no GUID.
"""

from __future__ import annotations

from typing import ClassVar

from auditor.evidence.base import Evidence, UtcTime


class EntraUser(Evidence):
    """/users: an account of the tenant.

    `on_premises_sync_enabled` False: never synchronised, which Graph tells as null.
    """

    table: ClassVar[str] = "entra_user"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: str
    user_principal_name: str
    user_principal_name_key: str
    display_name: str | None
    mail: str | None
    account_enabled: bool | None
    user_type: str | None
    usage_location: str | None
    on_premises_sync_enabled: bool | None
    on_premises_immutable_id: str | None
    on_premises_object_guid: str | None
    on_premises_user_principal_name: str | None
    on_premises_sam_account_name: str | None
    on_premises_distinguished_name: str | None
    on_premises_last_sync_date_time: UtcTime | None


class EntraUserAddress(Evidence):
    """One of proxyAddresses of a user; `domain` only for smtp, '' otherwise."""

    table: ClassVar[str] = "entra_user_address"
    key: ClassVar[tuple[str, ...]] = ("user_id", "prefix", "address", "is_primary")

    user_id: str
    prefix: str
    address: str
    domain: str
    is_primary: bool


class EntraUserLicence(Evidence):
    """One of assignedLicenses of a user: a product, from whichever assignment."""

    table: ClassVar[str] = "entra_user_licence"
    key: ClassVar[tuple[str, ...]] = ("user_id", "sku_id")

    user_id: str
    sku_id: str


class EntraUserDisabledPlan(Evidence):
    """One of disabledPlans of an assigned licence: a part of the product the user does not get."""

    table: ClassVar[str] = "entra_user_disabled_plan"
    key: ClassVar[tuple[str, ...]] = ("user_id", "sku_id", "service_plan_id")

    user_id: str
    sku_id: str
    service_plan_id: str


class EntraUserLicenceAssignment(Evidence):
    """One of licenseAssignmentStates: how a licence came, and what is wrong with it.

    `assigned_by_group` is '' for a licence given to the user directly. `state` is Active,
    ActiveWithError, Disabled or Error; `error` is `None` as Graph writes it, or what went wrong.
    """

    table: ClassVar[str] = "entra_user_licence_assignment"
    key: ClassVar[tuple[str, ...]] = ("user_id", "sku_id", "assigned_by_group")

    user_id: str
    sku_id: str
    assigned_by_group: str
    state: str | None
    error: str | None


class EntraUserProvisioningError(Evidence):
    """One of onPremisesProvisioningErrors of a user."""

    table: ClassVar[str] = "entra_user_provisioning_error"
    key: ClassVar[tuple[str, ...]] = ("user_id", "category", "property_causing_error", "value")

    user_id: str
    category: str
    property_causing_error: str
    value: str
    occurred_date_time: UtcTime | None


class EntraDeletedUser(Evidence):
    """/directory/deletedItems/graph.user: a deleted account, kept for thirty days."""

    table: ClassVar[str] = "entra_deleted_user"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: str
    user_principal_name: str | None
    deleted_date_time: UtcTime | None
    on_premises_immutable_id: str | None
    on_premises_object_guid: str | None


class EntraDeletedUserAddress(Evidence):
    """One of proxyAddresses of a deleted account."""

    table: ClassVar[str] = "entra_deleted_user_address"
    key: ClassVar[tuple[str, ...]] = ("user_id", "prefix", "address", "is_primary")

    user_id: str
    prefix: str
    address: str
    domain: str
    is_primary: bool


class EntraUserRegistration(Evidence):
    """/reports/authenticationMethods/userRegistrationDetails: can the user answer for MFA.

    Needs Entra ID P1; without it the table is `unsupported`.
    """

    table: ClassVar[str] = "entra_user_registration"
    key: ClassVar[tuple[str, ...]] = ("user_id",)

    user_id: str
    user_principal_name: str | None
    is_mfa_registered: bool | None
    is_mfa_capable: bool | None


class EntraManagedDevice(Evidence):
    """/deviceManagement/managedDevices: a device in Intune; `eas_device_id_key` in lower case.

    Needs an Intune licence; without it the table is `unsupported`.
    """

    table: ClassVar[str] = "entra_managed_device"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: str
    user_id: str | None
    user_principal_name: str | None
    email_address: str | None
    eas_activated: bool | None
    eas_device_id: str | None
    eas_device_id_key: str | None
    exchange_access_state: str | None
    exchange_access_state_reason: str | None
    compliance_state: str | None
    management_agent: str | None
    operating_system: str | None
    os_version: str | None
    model: str | None
    manufacturer: str | None
