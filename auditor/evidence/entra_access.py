"""Tables of what decides a sign-in in Entra: Conditional Access, mail apps and their consent."""

from __future__ import annotations

from typing import ClassVar

from auditor.evidence.base import Evidence, UtcTime


class EntraConditionalAccessPolicy(Evidence):
    """/identity/conditionalAccess/policies.

    `state` is enabled, disabled or enabledForReportingButNotEnforced. `covers_exchange_online`: its
    applications hold All, Office365 or Exchange Online, and exclude none of the latter two; NULL
    where a value among them is unknown. `includes_all_users`, `has_exclusions` tell how wide it is.
    `raw` is the policy as Graph wrote it, as JSON with sorted keys.
    """

    table: ClassVar[str] = "entra_conditional_access_policy"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: str
    display_name: str
    state: str
    covers_exchange_online: bool | None
    includes_all_users: bool | None
    has_exclusions: bool | None
    raw: str


class EntraConditionalAccessEffect(Evidence):
    """What a policy that covers Exchange Online does to a mail client, whoever it is for.

    `effect` is one of block_eas, block_legacy, block_modern (native apps that sign in with OAuth),
    approved_app, compliant_device, mfa, other_control.
    """

    table: ClassVar[str] = "entra_conditional_access_effect"
    key: ClassVar[tuple[str, ...]] = ("policy_id", "effect")

    policy_id: str
    effect: str


class EntraConditionalAccessCondition(Evidence):
    """A condition that narrows a policy: locations, platforms, devices, risk levels and so on."""

    table: ClassVar[str] = "entra_conditional_access_condition"
    key: ClassVar[tuple[str, ...]] = ("policy_id", "condition")

    policy_id: str
    condition: str


class EntraConditionalAccessPrincipal(Evidence):
    """Whom a policy includes or excludes; `kind` is user, group, role or guest.

    `principal` is an object id, or a word such as All, None or GuestsOrExternalUsers.
    """

    table: ClassVar[str] = "entra_conditional_access_principal"
    key: ClassVar[tuple[str, ...]] = ("policy_id", "excluded", "kind", "principal")

    policy_id: str
    excluded: bool
    kind: str
    principal: str


class EntraConditionalAccessUnknownValue(Evidence):
    """A value in a policy that this version does not know: what the policy does is then open."""

    table: ClassVar[str] = "entra_conditional_access_unknown_value"
    key: ClassVar[tuple[str, ...]] = ("policy_id", "property", "value")

    policy_id: str
    property: str
    value: str


class EntraActiveSyncSignIn(Evidence):
    """/auditLogs/signIns with Exchange ActiveSync: those of one account with one app, ended alike.

    Of the thirty days before they were read, or less where the log keeps less. v1.0 lists
    interactive sign-ins alone (documented: List signIns): a phone whose token is renewed in silence
    does not show. `user_id` is '' for attempts that belong to no account. What names the account,
    the app and the reason is the latest sign-in's; `error_code` is 0 for one that succeeded.
    `conditional_access_status` is success, failure or notApplied, '' where Graph writes null.

    Needs Entra ID P1; without it the table is `unsupported`.
    """

    table: ClassVar[str] = "entra_active_sync_sign_in"
    key: ClassVar[tuple[str, ...]] = (
        "user_id",
        "app_id",
        "conditional_access_status",
        "error_code",
    )

    user_id: str
    app_id: str
    conditional_access_status: str
    error_code: int
    user_principal_name: str | None
    app_display_name: str | None
    failure_reason: str | None
    sign_ins: int
    first_at: UtcTime
    last_at: UtcTime


class EntraActiveSyncSignInPolicy(Evidence):
    """A policy of Conditional Access that stood in the way of sign-ins, of how many of them.

    Only of sign-ins whose status is neither success nor notApplied. `result` is failure, or a word
    that says neither that the policy let the sign-in pass nor that it had no effect. Graph shows
    policies only to who may read Conditional Access: a row with '' for `policy_id` and `result`
    and without `display_name` counts the sign-ins of which it showed none.
    """

    table: ClassVar[str] = "entra_active_sync_sign_in_policy"
    key: ClassVar[tuple[str, ...]] = (
        *EntraActiveSyncSignIn.key,
        "policy_id",
        "result",
    )

    user_id: str
    app_id: str
    conditional_access_status: str
    error_code: int
    policy_id: str
    result: str
    display_name: str | None
    sign_ins: int


class EntraAuthorizationPolicy(Evidence):
    """/policies/authorizationPolicy: what users may do by themselves."""

    table: ClassVar[str] = "entra_authorization_policy"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: str
    display_name: str | None


class EntraUserConsentPolicy(Evidence):
    """One of permissionGrantPoliciesAssigned of the default user role: where users may consent.

    `policy` is the id of a consent policy, without `ManagePermissionGrantsForSelf.` before it.
    """

    table: ClassVar[str] = "entra_user_consent_policy"
    key: ClassVar[tuple[str, ...]] = ("authorization_policy_id", "policy")

    authorization_policy_id: str
    policy: str


class EntraServicePrincipal(Evidence):
    """/servicePrincipals: Exchange Online, the mail apps of ref_mail_app, and hybrid applications.

    A mail app that nobody of the tenant ever used has none.
    """

    table: ClassVar[str] = "entra_service_principal"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: str
    app_id: str
    display_name: str | None
    account_enabled: bool | None
    app_role_assignment_required: bool | None


class EntraServicePrincipalKey(Evidence):
    """One of keyCredentials of a service principal: a certificate it accepts.

    For a hybrid application also those of its registration, which is where they usually are.
    """

    table: ClassVar[str] = "entra_service_principal_key"
    key: ClassVar[tuple[str, ...]] = ("service_principal_id", "key_id")

    service_principal_id: str
    key_id: str
    thumbprint: str | None
    end_date_time: UtcTime | None


class EntraAppRoleAssignment(Evidence):
    """/servicePrincipals/{id}/appRoleAssignedTo: who is assigned to an application.

    `principal_type` is User, Group or ServicePrincipal.
    """

    table: ClassVar[str] = "entra_app_role_assignment"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: str
    resource_id: str
    principal_id: str
    principal_type: str
    app_role_id: str


class EntraPermissionGrant(Evidence):
    """/oauth2PermissionGrants: a consent. `principal_id` is '' where it is for everybody.

    `client_id` and `resource_id` are ids of service principals. `consent_type` is AllPrincipals or
    Principal.
    """

    table: ClassVar[str] = "entra_permission_grant"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: str
    client_id: str
    consent_type: str
    principal_id: str
    resource_id: str


class EntraPermissionGrantScope(Evidence):
    """One of the permissions of a consent, such as `EAS.AccessAsUser.All`."""

    table: ClassVar[str] = "entra_permission_grant_scope"
    key: ClassVar[tuple[str, ...]] = ("grant_id", "scope")

    grant_id: str
    scope: str
