"""Collector of sign-ins with Exchange ActiveSync, counted while the log is read.

A tenant has too many to be kept one by one. What is kept is one entry for each account, app and
outcome; an entry is told when the log has come to its end, or broke off.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from sys import intern
from typing import TypeAlias

from auditor.collectors.graph_contract import (
    GLOBAL_READER,
    GraphCollector,
    GraphRequest,
    Outcome,
    Unread,
)
from auditor.collectors.graph_reading import moment, text
from auditor.collectors.graph_tenant import GraphTenant
from auditor.errors import AnswerCutShort, SourceError
from auditor.evidence.entra_access import EntraActiveSyncSignIn, EntraActiveSyncSignInPolicy
from auditor.sources.graph import GraphObject, GraphPage, Many, Whole

DAYS = 30
"""Days of the log that are asked for, as many as Entra ID P1 and P2 keep (documented)."""

MOST_KEPT = 200_000
"""Entries that are kept, those of policies counted as well: about a hundred megabytes."""

Key: TypeAlias = tuple[str, str, str, int]
"""Account, app, conditionalAccessStatus and error code."""

Names: TypeAlias = tuple[str | None, str | None, str | None]

_NOBODY = frozenset({"", "00000000-0000-0000-0000-000000000000"})
_LET_PASS = frozenset({"success", "notApplied"})
_WITHOUT_EFFECT = frozenset(
    {
        *("success", "notApplied", "notEnabled"),
        *("reportOnlySuccess", "reportOnlyFailure", "reportOnlyNotApplied"),
        "reportOnlyInterrupted",
    }
)
"""Results of a policy that kept nobody out (documented: appliedConditionalAccessPolicyResult)."""


class GraphSignInStatus(GraphObject):
    """status of a sign-in; 0 is the error code of one that succeeded."""

    error_code: Whole | None = None
    failure_reason: str | None = None


class GraphAppliedPolicy(GraphObject):
    """One of appliedConditionalAccessPolicies: every policy of the tenant, with what it did."""

    id: str | None = None
    display_name: str | None = None
    result: str | None = None


class GraphSignIn(GraphObject):
    """A sign-in as the log gives it."""

    id: str
    created_date_time: datetime | None = None
    user_id: str | None = None
    user_principal_name: str | None = None
    app_id: str | None = None
    app_display_name: str | None = None
    conditional_access_status: str | None = None
    status: GraphSignInStatus | None = None
    applied_conditional_access_policies: Many[GraphAppliedPolicy] | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A sign-in that belongs to no entry for want of a property, which was null where `hidden`."""

    sign_in: str
    property: str
    hidden: bool


@dataclass(slots=True)
class SignIns:
    """Sign-ins of one account with one app that ended alike.

    `latest`: what names the account, the app and the reason. `policies`: by id and result, the
    name of a policy and of how many sign-ins it was.
    """

    key: Key
    latest: Names
    first_at: datetime
    last_at: datetime
    count: int = 0
    policies: dict[tuple[str, str], tuple[str | None, int]] = field(default_factory=dict)


# documented: $filter, $top and $skiptoken are all that is supported, $select is not
_SIGN_INS = GraphRequest(
    "/auditLogs/signIns",
    {
        "$filter": "createdDateTime ge {...} and clientAppUsed eq 'Exchange ActiveSync'",
        "$top": "1000",
    },
)


def _sign_ins(tenant: GraphTenant) -> Iterator[Unreadable | SignIns]:
    """Sign-ins that lack what an entry is made of, at once; then the entries."""
    since = (tenant.now() - timedelta(days=DAYS)).astimezone(UTC)
    wanted = _SIGN_INS.parameters["$filter"].replace("{...}", f"{since:%Y-%m-%dT%H:%M:%SZ}")
    asked = {**_SIGN_INS.parameters, "$filter": wanted}
    kept: dict[Key, SignIns] = {}
    size = 0
    stopped: SourceError | None = None
    try:
        for found in tenant.items(_SIGN_INS.path, GraphPage[GraphSignIn], asked):
            belongs = _key_of(found)
            if isinstance(belongs, Unreadable):
                yield belongs
                continue
            size += _count(kept, *belongs, found)
            if size >= MOST_KEPT:
                raise AnswerCutShort(
                    f"{_SIGN_INS.path} at {tenant.graph.host} has more accounts and apps than the "
                    f"{MOST_KEPT} entries that are kept; report it, this is more than the auditor "
                    "reads."
                )
    except SourceError as error:
        stopped = error
    yield from kept.values()
    if stopped is not None:
        raise stopped


def _key_of(found: GraphSignIn) -> tuple[Key, datetime] | Unreadable:
    """The entry that a sign-in belongs to, and its time; or what it lacks for that."""
    said = found.model_fields_set
    at = moment(found.created_date_time)
    error = None if found.status is None else found.status.error_code
    if at is None:
        return Unreadable(found.id, "createdDateTime", "created_date_time" in said)
    if found.user_id is None:
        return Unreadable(found.id, "userId", "user_id" in said)
    if found.app_id is None:
        return Unreadable(found.id, "appId", "app_id" in said)
    if error is None:
        return Unreadable(found.id, "status", "status" in said)
    if "conditional_access_status" not in said:
        return Unreadable(found.id, "conditionalAccessStatus", hidden=False)
    user = found.user_id.lower()
    access = found.conditional_access_status or ""
    key = ("" if user in _NOBODY else user, intern(found.app_id.lower()), intern(access), error)
    return key, at


def _count(kept: dict[Key, SignIns], key: Key, at: datetime, found: GraphSignIn) -> int:
    """Count a sign-in; how many entries were made for it."""
    entry = kept.get(key)
    made = 0
    if entry is None:
        entry = kept[key] = SignIns(key, _names(found, key), at, at)
        made = 1
    elif at > entry.last_at:
        entry.last_at, entry.latest = at, _names(found, key)
    entry.first_at = min(entry.first_at, at)
    entry.count += 1
    for policy, name in _in_the_way(found).items():
        made += policy not in entry.policies
        _, count = entry.policies.get(policy, (name, 0))
        entry.policies[policy] = name, count + 1
    return made


def _names(found: GraphSignIn, key: Key) -> Names:
    said, status = found.model_fields_set, found.status or GraphSignInStatus()
    name = text(found.user_principal_name, "user_principal_name" in said)
    app = text(found.app_display_name, "app_display_name" in said)
    reason = text(status.failure_reason, "failure_reason" in status.model_fields_set)
    return (
        name if key[0] else "",
        None if app is None else intern(app),
        None if reason is None else intern(reason),
    )


def _in_the_way(found: GraphSignIn) -> dict[tuple[str, str], str | None]:
    """Names of the policies that kept somebody out, by id and result.

    Who may not read Conditional Access gets no policies (documented:
    appliedConditionalAccessPolicy), where every one of the tenant would be named.
    """
    if found.conditional_access_status in _LET_PASS:
        return {}
    shown = found.applied_conditional_access_policies
    if not shown:
        return {("", ""): None}
    return {
        (intern((policy.id or "").lower()), intern(policy.result or "")): text(
            policy.display_name, "display_name" in policy.model_fields_set
        )
        for policy in shown
        if policy.result not in _WITHOUT_EFFECT
    }


def _rows(_: GraphTenant, found: Unreadable | SignIns) -> Iterator[Outcome]:
    if isinstance(found, Unreadable):
        yield Unread(EntraActiveSyncSignIn, found.property, found.hidden)
        yield Unread(EntraActiveSyncSignInPolicy, found.property, found.hidden)
        return
    user, app, access, error = found.key
    name_of_user, name_of_app, reason = found.latest
    yield EntraActiveSyncSignIn(
        user_id=user,
        app_id=app,
        conditional_access_status=access,
        error_code=error,
        user_principal_name=name_of_user,
        app_display_name=name_of_app,
        failure_reason=reason,
        sign_ins=found.count,
        first_at=found.first_at,
        last_at=found.last_at,
    )
    for (policy, result), (name_of_policy, count) in found.policies.items():
        yield EntraActiveSyncSignInPolicy(
            user_id=user,
            app_id=app,
            conditional_access_status=access,
            error_code=error,
            policy_id=policy,
            result=result,
            display_name=name_of_policy,
            sign_ins=count,
        )


def _place(found: Unreadable | SignIns) -> str:
    if isinstance(found, Unreadable):
        return f"sign-in {found.sign_in}"
    return f"user {found.key[0]} with app {found.key[1]}"


ACTIVE_SYNC_SIGN_INS = GraphCollector[Unreadable | SignIns](
    name="ActiveSync sign-ins",
    requests=(_SIGN_INS,),
    tables=(EntraActiveSyncSignIn, EntraActiveSyncSignInPolicy),
    permissions=("AuditLog.Read.All", "Policy.Read.All"),
    directory_role=GLOBAL_READER,
    lost="whether Conditional Access let in the phones that have tried, and what it refused",
    read=_sign_ins,
    rows=_rows,
    place=_place,
    licence="Microsoft Entra ID P1",
)
