"""What Conditional Access policies do to mail clients, and what of them nobody knows."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from auditor.collectors.conditional_access import (
    conditions,
    covers_exchange_online,
    effects,
    has_exclusions,
    includes_all_users,
    principals,
)
from auditor.collectors.conditional_access_words import EXCHANGE_ONLINE, unknown_values, words
from auditor.errors import UnexpectedAnswer
from tests.support.graph_stub import first

EAS = "exchangeActiveSync"
OTHER_APP = "797f4846-ba00-4fd7-ba43-dac1f8f63013"
ANN = "87d349ed-44d7-43e1-9a83-5f2406dee5bd"
ALL = {"includeApplications": ["All"], "excludeApplications": []}


def policy(
    clients: list[str] | None = None,
    controls: list[str] | None = None,
    operator: str | None = "OR",
    **grant: Any,
) -> dict[str, Any]:
    """An enabled policy for all users and all applications, with these clients and controls."""
    found = copy.deepcopy(first("conditional_access"))
    found["conditions"]["applications"] = dict(ALL)
    found["conditions"]["clientAppTypes"] = ["all"] if clients is None else clients
    found["conditions"]["users"] = {"includeUsers": ["All"], "excludeUsers": []}
    found["grantControls"] = {"operator": operator, "builtInControls": controls or [], **grant}
    return found


def with_conditions(**changes: Any) -> dict[str, Any]:
    """A policy that asks for MFA, under other conditions."""
    found = policy(controls=["mfa"])
    found["conditions"].update(changes)
    return found


@pytest.mark.parametrize(
    ("clients", "controls", "operator", "expected"),
    [
        (["all"], ["block"], "OR", {"block_eas", "block_legacy", "block_modern"}),
        (["exchangeActiveSync", "other"], ["block"], "OR", {"block_eas", "block_legacy"}),
        (["easSupported"], ["block"], "OR", {"block_eas"}),
        (["mobileAppsAndDesktopClients"], ["block"], "OR", {"block_modern"}),
        (["browser"], ["block"], "OR", set()),
        (["all"], ["mfa"], "OR", {"mfa"}),
        (["browser"], ["mfa"], "OR", set()),
        (["exchangeActiveSync"], ["mfa"], "OR", {"block_eas"}),
        (["other"], ["mfa"], "OR", {"block_legacy"}),
        (
            ["exchangeActiveSync", "mobileAppsAndDesktopClients"],
            ["mfa"],
            "OR",
            {"mfa", "block_eas"},
        ),
        (["exchangeActiveSync"], ["compliantDevice"], "OR", {"compliant_device"}),
        (["mobileAppsAndDesktopClients"], ["compliantApplication"], "OR", {"approved_app"}),
        (["all"], ["approvedApplication", "compliantApplication"], "OR", {"approved_app"}),
        (["all"], ["approvedApplication", "compliantDevice"], "OR", {"compliant_device"}),
        (["all"], ["approvedApplication", "mfa"], "AND", {"approved_app", "mfa"}),
        (["all"], ["mfa", "compliantDevice"], "OR", {"mfa"}),
        (["all"], ["compliantDevice", "domainJoinedDevice"], "OR", {"compliant_device"}),
        (["all"], ["domainJoinedDevice"], "OR", {"other_control"}),
        (["all"], ["mfa", "passwordChange"], "AND", {"mfa", "other_control"}),
        (["all"], ["approvedApplication", "fooControl"], "OR", set()),
        (["all"], ["approvedApplication", "fooControl"], "AND", {"approved_app"}),
        (["all"], [], "OR", set()),
    ],
)
def test_what_a_policy_does_follows_from_clients_and_controls(
    clients: list[str], controls: list[str], operator: str, expected: set[str]
) -> None:
    assert effects(policy(clients, controls, operator)) == expected


def test_strength_terms_and_custom_factors_are_controls() -> None:
    assert effects(policy(authenticationStrength={"id": "00000000-x"})) == {"mfa"}
    assert effects(policy(termsOfUse=["ce580154-086a-40fd-91df-8a60abac81a0"])) == {"other_control"}
    assert effects(policy(customAuthenticationFactors=["Duo"])) == {"other_control"}
    assert effects(policy(operator=None, authenticationStrength=None)) == set()


def test_a_session_bound_to_the_device_asks_for_more_than_a_mail_app_has() -> None:
    bound = policy()
    bound["sessionControls"] = {"secureSignInSession": {"isEnabled": True}}
    assert effects(bound) == {"other_control"}
    bound["sessionControls"] = {"secureSignInSession": {"isEnabled": False}}
    assert effects(bound) == set()


@pytest.mark.parametrize(
    ("included", "excluded", "expected"),
    [
        (["All"], [], True),
        (["Office365"], [], True),
        ([EXCHANGE_ONLINE], [], True),
        ([EXCHANGE_ONLINE.upper()], [], True),
        ([OTHER_APP], [], False),
        (["None"], [], False),
        ([], [], None),
        (["MicrosoftAdminPortals"], [], False),
        (["All"], ["Office365"], False),
        (["All"], [EXCHANGE_ONLINE], False),
        (["All"], [OTHER_APP], True),
        (["AllAgentIdResources"], [], None),
        (["All"], ["SomethingNew"], None),
    ],
)
def test_a_policy_covers_exchange_online_unless_it_spares_it_or_nobody_knows(
    included: list[str], excluded: list[str], expected: bool | None
) -> None:
    applications = {"includeApplications": included, "excludeApplications": excluded}
    assert covers_exchange_online(with_conditions(applications=applications)) is expected


def test_a_filter_of_applications_leaves_open_what_is_covered() -> None:
    filtered = {**ALL, "applicationFilter": {"mode": "include", "rule": "x"}}
    assert covers_exchange_online(with_conditions(applications=filtered)) is None
    assert covers_exchange_online(with_conditions(applications=None)) is None
    assert covers_exchange_online(with_conditions(applications={})) is None


def test_who_is_included_is_everybody_some_or_unknown() -> None:
    def users(**named: Any) -> dict[str, Any]:
        return with_conditions(users=named)

    workload = with_conditions(
        users=None, clientApplications={"includeServicePrincipals": ["ServicePrincipalsInMyTenant"]}
    )
    assert [
        includes_all_users(each)
        for each in (
            users(includeUsers=["All"]),
            users(includeUsers=[ANN]),
            users(includeUsers=["None"], includeGroups=[ANN]),
            users(includeUsers=["Everyone"]),
            users(),
            with_conditions(users=None),
            workload,
        )
    ] == [True, False, False, None, None, None, False]
    assert [
        has_exclusions(each)
        for each in (
            users(includeUsers=["All"], excludeUsers=[], excludeGuestsOrExternalUsers=None),
            users(includeUsers=["All"], excludeRoles=[ANN]),
            users(excludeGuestsOrExternalUsers={"guestOrExternalUserTypes": "internalGuest"}),
            with_conditions(users=None),
        )
    ] == [False, True, True, None]


def test_everybody_a_policy_names_has_a_kind() -> None:
    named = with_conditions(
        users={
            "includeUsers": [ANN.upper()],
            "includeRoles": [ANN],
            "includeGuestsOrExternalUsers": {
                "guestOrExternalUserTypes": "internalGuest,b2bCollaborationGuest"
            },
            "excludeGroups": [ANN],
        }
    )
    assert list(principals(named)) == [
        (False, "user", ANN),
        (False, "role", ANN),
        (False, "guest", "internalGuest"),
        (False, "guest", "b2bCollaborationGuest"),
        (True, "group", ANN),
    ]


def test_conditions_that_let_everything_in_do_not_narrow() -> None:
    narrow = with_conditions(
        platforms={"includePlatforms": ["all"], "excludePlatforms": ["iOS"]},
        locations={"includeLocations": ["All"], "excludeLocations": []},
        devices={"deviceFilter": {"mode": "exclude", "rule": "device.isCompliant -eq True"}},
        userRiskLevels=["high"],
        signInRiskLevels=[],
        authenticationFlows={"transferMethods": "none"},
        insiderRiskLevels="elevated",
        brandNew={"on": True},
        brandOld={"on": None},
    )
    assert list(conditions(narrow)) == [
        "userRiskLevels",
        "platforms",
        "devices",
        "insiderRiskLevels",
        "brandNew",
    ]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (policy(["all", "watch"], ["mfa"]), ("clientAppTypes", "watch")),
        (policy([], ["mfa"]), ("clientAppTypes", "")),
        (policy(controls=["fooControl"]), ("builtInControls", "fooControl")),
        (policy(controls=["mfa"], operator="XOR"), ("operator", "XOR")),
        (policy(controls=["mfa", "compliantDevice"], operator=None), ("operator", "")),
        (policy(controls=["mfa"], brandNew=["x"]), ("grantControls", "brandNew")),
        ({**policy(controls=["mfa"]), "state": "paused"}, ("state", "paused")),
        (
            with_conditions(applications={"includeApplications": ["Everything"]}),
            ("includeApplications", "Everything"),
        ),
        (with_conditions(users={"includeUsers": ["Everyone"]}), ("includeUsers", "Everyone")),
        (
            with_conditions(users={"includeUsers": ["All"], "includeAgents": [ANN]}),
            ("users", "includeAgents"),
        ),
        (
            with_conditions(
                users={
                    "includeUsers": ["All"],
                    "excludeGuestsOrExternalUsers": {"guestOrExternalUserTypes": "martian"},
                }
            ),
            ("guestOrExternalUserTypes", "martian"),
        ),
        (
            with_conditions(platforms={"includePlatforms": ["watchOS"]}),
            ("includePlatforms", "watchOS"),
        ),
        (with_conditions(signInRiskLevels=["extreme"]), ("signInRiskLevels", "extreme")),
        (
            with_conditions(authenticationFlows={"transferMethods": "deviceCodeFlow,beam"}),
            ("transferMethods", "beam"),
        ),
        (with_conditions(brandNew=["x"]), ("conditions", "brandNew")),
        (policy(), ("grantControls", "")),
        (policy(controls=["mfa"]) | {"grantControls": None}, ("grantControls", "")),
        (
            policy(controls=["mfa"]) | {"grantControls": {"operator": "OR"}},
            ("builtInControls", ""),
        ),
    ],
)
def test_a_word_or_a_part_that_is_unknown_is_named(
    changed: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert list(unknown_values(changed)) == [expected]


def test_a_policy_of_known_words_has_no_unknown_values() -> None:
    assert list(unknown_values(first("conditional_access"))) == []
    assert list(unknown_values(policy(["all"], ["mfa"]))) == []


@given(st.text(min_size=1).filter(lambda word: word.strip() and word not in {"mfa", "block"}))
def test_no_control_is_ever_dropped(word: str) -> None:
    changed = policy(["all"], [word])
    told = {value for _, value in unknown_values(changed)} | effects(changed)
    assert told


@pytest.mark.parametrize("value", [{"a": 1}, 3, [1], ["all", None]])
def test_what_is_no_list_of_words_is_refused(value: JsonValue) -> None:
    with pytest.raises(UnexpectedAnswer) as refusal:
        words({"conditions": {"clientAppTypes": value}}, "conditions", "clientAppTypes")
    assert str(refusal.value) == (
        "a Conditional Access policy has clientAppTypes that is no list of words: report it."
    )


def test_a_part_that_is_no_object_is_refused() -> None:
    with pytest.raises(UnexpectedAnswer, match="where it can have no parts"):
        effects({"conditions": "none", "grantControls": None})
