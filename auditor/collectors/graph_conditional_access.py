"""Collector of Conditional Access policies, kept as they were written beside what they mean."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic import JsonValue

from auditor.collectors.conditional_access import (
    conditions,
    covers_exchange_online,
    effects,
    has_exclusions,
    includes_all_users,
    principals,
)
from auditor.collectors.conditional_access_words import at, unknown_values
from auditor.collectors.graph_contract import GLOBAL_READER, GraphCollector, GraphRequest, Outcome
from auditor.collectors.graph_tenant import GraphTenant
from auditor.errors import UnexpectedAnswer
from auditor.evidence.entra_access import (
    EntraConditionalAccessCondition,
    EntraConditionalAccessEffect,
    EntraConditionalAccessPolicy,
    EntraConditionalAccessPrincipal,
    EntraConditionalAccessUnknownValue,
)
from auditor.sources.graph import GraphPage

Policy = dict[str, JsonValue]

_POLICIES = GraphRequest("/identity/conditionalAccess/policies")
# some clouds have no /identity; this older path is in the metadata of all
_IN_EVERY_CLOUD = GraphRequest("/policies/conditionalAccessPolicies")


def _policies(tenant: GraphTenant) -> Iterator[Policy]:
    paths = (_POLICIES.path, _IN_EVERY_CLOUD.path)
    return tenant.items_of_first(paths, GraphPage[Policy], {})


def _text_of(policy: Policy, name: str) -> str:
    value = at(policy, name)
    if not isinstance(value, str):
        raise UnexpectedAnswer(
            f"{_place(policy)} has {name} {str(value)[:40]!r}, where text belongs: report it."
        )
    return value


def _policy(_: GraphTenant, found: Policy) -> Iterator[Outcome]:
    policy = _text_of(found, "id").lower()
    covers = covers_exchange_online(found)
    yield EntraConditionalAccessPolicy(
        id=policy,
        display_name=_text_of(found, "displayName"),
        state=_text_of(found, "state"),
        covers_exchange_online=covers,
        includes_all_users=includes_all_users(found),
        has_exclusions=has_exclusions(found),
        raw=json.dumps(found, sort_keys=True, ensure_ascii=False, separators=(",", ":")),
    )
    for effect in sorted(effects(found)) if covers else ():
        yield EntraConditionalAccessEffect(policy_id=policy, effect=effect)
    for condition in conditions(found):
        yield EntraConditionalAccessCondition(policy_id=policy, condition=condition)
    for excluded, kind, principal in principals(found):
        yield EntraConditionalAccessPrincipal(
            policy_id=policy, excluded=excluded, kind=kind, principal=principal
        )
    for name, value in unknown_values(found):
        yield EntraConditionalAccessUnknownValue(policy_id=policy, property=name, value=value)


def _place(found: Policy) -> str:
    return f"Conditional Access policy {str(found.get('id'))[:40]}"


CONDITIONAL_ACCESS = GraphCollector(
    name="Conditional Access policies",
    requests=(_POLICIES, _IN_EVERY_CLOUD),
    tables=(
        EntraConditionalAccessPolicy,
        EntraConditionalAccessEffect,
        EntraConditionalAccessCondition,
        EntraConditionalAccessPrincipal,
        EntraConditionalAccessUnknownValue,
    ),
    permissions=("Policy.Read.All",),
    directory_role=GLOBAL_READER,
    lost="which mail clients the tenant blocks, and what it asks of the others",
    read=_policies,
    rows=_policy,
    place=_place,
)
