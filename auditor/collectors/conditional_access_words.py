"""The words of Conditional Access policies, and which of them this version does not know.

They are those of the metadata of Graph v1.0. A word or a part that is not among them may
change all that a policy does, so it is named instead of dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pydantic import JsonValue

from auditor.collectors.graph_reading import GUID
from auditor.errors import UnexpectedAnswer

Section: TypeAlias = Mapping[str, JsonValue]

EXCHANGE_ONLINE = "00000002-0000-0ff1-ce00-000000000000"
STATES = frozenset({"enabled", "disabled", "enabledForReportingButNotEnforced"})
CONDITIONS = ("conditions",)
APPLICATIONS = ("conditions", "applications")
USERS = ("conditions", "users")
GRANTS = ("grantControls",)
SESSION = ("sessionControls",)
WHO = ("Users", "Groups", "Roles", "GuestsOrExternalUsers")

_RISKS = frozenset({"low", "medium", "high", "hidden", "none"})
_PLATFORMS = frozenset({"android", "iOS", "windows", "windowsPhone", "macOS", "linux", "all"})
_LOCATIONS = frozenset({"All", "AllTrusted"})
APPLICATION_WORDS = frozenset({"All", "Office365", "MicrosoftAdminPortals", "None"})
_GUESTS = frozenset(
    {
        *("none", "internalGuest", "b2bCollaborationGuest", "b2bCollaborationMember"),
        *("b2bDirectConnectUser", "otherExternalUser", "serviceProvider"),
    }
)
EAS = frozenset({"exchangeActiveSync", "easSupported"})
NARROWING = (
    *("authenticationFlows", "clientApplications", "devices", "insiderRiskLevels", "locations"),
    *("platforms", "servicePrincipalRiskLevels", "signInRiskLevels", "userRiskLevels"),
)
_GRANTED = {
    "mfa": "mfa",
    "compliantDevice": "compliant_device",
    # a mail app that is part of a phone is neither approved nor protected by a policy
    "approvedApplication": "approved_app",
    "compliantApplication": "approved_app",
    "domainJoinedDevice": "other_control",
    "passwordChange": "other_control",
    "riskRemediation": "other_control",
}


@dataclass(frozen=True)
class _Words:
    """The words that a list or a flag may hold; `ids`: a GUID is fine too."""

    place: tuple[str, ...]
    known: frozenset[str]
    ids: bool = False


_VOCABULARY = (
    _Words(
        (*CONDITIONS, "clientAppTypes"),
        EAS | {"all", "browser", "other"} | {"mobileAppsAndDesktopClients"},
    ),
    _Words((*APPLICATIONS, "includeApplications"), APPLICATION_WORDS, ids=True),
    _Words((*APPLICATIONS, "excludeApplications"), APPLICATION_WORDS, ids=True),
    _Words((*USERS, "includeUsers"), frozenset({"All", "None", "GuestsOrExternalUsers"}), ids=True),
    _Words((*USERS, "excludeUsers"), frozenset({"GuestsOrExternalUsers"}), ids=True),
    _Words((*USERS, "includeGroups"), frozenset(), ids=True),
    _Words((*USERS, "excludeGroups"), frozenset(), ids=True),
    _Words((*USERS, "includeRoles"), frozenset(), ids=True),
    _Words((*USERS, "excludeRoles"), frozenset(), ids=True),
    _Words((*USERS, "includeGuestsOrExternalUsers", "guestOrExternalUserTypes"), _GUESTS),
    _Words((*USERS, "excludeGuestsOrExternalUsers", "guestOrExternalUserTypes"), _GUESTS),
    _Words((*CONDITIONS, "platforms", "includePlatforms"), _PLATFORMS),
    _Words((*CONDITIONS, "platforms", "excludePlatforms"), _PLATFORMS),
    _Words((*CONDITIONS, "locations", "includeLocations"), _LOCATIONS, ids=True),
    _Words((*CONDITIONS, "locations", "excludeLocations"), _LOCATIONS, ids=True),
    _Words((*CONDITIONS, "signInRiskLevels"), _RISKS),
    _Words((*CONDITIONS, "userRiskLevels"), _RISKS),
    _Words((*CONDITIONS, "servicePrincipalRiskLevels"), _RISKS),
    _Words((*CONDITIONS, "insiderRiskLevels"), frozenset({"minor", "moderate", "elevated"})),
    _Words(
        (*CONDITIONS, "authenticationFlows", "transferMethods"),
        frozenset({"none", "deviceCodeFlow", "authenticationTransfer"}),
    ),
    _Words((*GRANTS, "builtInControls"), frozenset({"block", *_GRANTED})),
    _Words((*GRANTS, "operator"), frozenset({"AND", "OR"})),
)
PARTS: dict[tuple[str, ...], frozenset[str]] = {
    CONDITIONS: frozenset({"applications", "clientAppTypes", "users", *NARROWING}),
    APPLICATIONS: frozenset(
        {
            *("applicationFilter", "excludeApplications", "includeApplications"),
            *("includeAuthenticationContextClassReferences", "includeUserActions"),
        }
    ),
    USERS: frozenset(f"{side}{kind}" for side in ("include", "exclude") for kind in WHO),
    GRANTS: frozenset(
        {
            *("authenticationStrength", "builtInControls", "customAuthenticationFactors"),
            *("operator", "termsOfUse"),
        }
    ),
    SESSION: frozenset(
        {
            *("applicationEnforcedRestrictions", "cloudAppSecurity", "disableResilienceDefaults"),
            *("persistentBrowser", "secureSignInSession", "signInFrequency"),
        }
    ),
}


def at(policy: Section, *names: str) -> JsonValue:
    """What lies at a place in a policy; None where nothing does, or a part above it is null.

    Raises UnexpectedAnswer where a part above it is no object.
    """
    found: JsonValue = dict(policy)
    for name in names:
        if found is None:
            return None
        if not isinstance(found, dict):
            raise UnexpectedAnswer(
                f"a Conditional Access policy has {' '.join(names)} where it can have no parts: "
                "report it."
            )
        found = found.get(name)
    return found


def words(policy: Section, *place: str) -> tuple[str, ...]:
    """The words at a place: a list of them, or flags with commas between; none where it is null.

    Raises UnexpectedAnswer for anything else.
    """
    found = at(policy, *place)
    if found is None:
        return ()
    if isinstance(found, str):
        return tuple(word for word in re.split(r"\s*,\s*", found.strip()) if word)
    if isinstance(found, list):
        listed = tuple(word for word in found if isinstance(word, str))
        if len(listed) == len(found):
            return listed
    raise UnexpectedAnswer(
        f"a Conditional Access policy has {place[-1]} that is no list of words: report it."
    )


def unknown_values(policy: Section) -> Iterator[tuple[str, str]]:
    """Property and value of every word and of every part that this version does not know."""
    state = at(policy, "state")
    if state not in STATES:
        yield "state", str(state)
    for vocabulary in _VOCABULARY:
        for word in words(policy, *vocabulary.place):
            if not _knows(vocabulary, word):
                yield vocabulary.place[-1], word
    for place, known in PARTS.items():
        section = at(policy, *place)
        if isinstance(section, dict):
            for name, value in section.items():
                if name not in known and "@" not in name and holds(value):
                    yield place[-1], name
    if not words(policy, *CONDITIONS, "clientAppTypes"):
        yield "clientAppTypes", ""  # documented as required
    if len(control_kinds(policy)) > 1 and not words(policy, *GRANTS, "operator"):
        yield "operator", ""
    yield from _unsaid_controls(policy)


def _unsaid_controls(policy: Section) -> Iterator[tuple[str, str]]:
    """Where it asks for nothing, although Entra saves no such policy: then something is unsaid.

    Grant controls are null where a policy has session controls alone; a list is never null.
    """
    grants = at(policy, *GRANTS)
    listed = bool(words(policy, *GRANTS, "builtInControls"))
    asks = listed or bool(control_kinds(policy)) or holds(at(policy, *SESSION))
    if isinstance(grants, dict) and grants.get("builtInControls") is None:
        yield "builtInControls", ""
    elif not asks or "grantControls" not in policy:
        yield "grantControls", ""


def _knows(vocabulary: _Words, word: str) -> bool:
    return word in vocabulary.known or (vocabulary.ids and GUID.fullmatch(word) is not None)


def holds(value: JsonValue) -> bool:
    """Whether there is anything in a value that says something."""
    if isinstance(value, dict):
        return any(holds(part) for name, part in value.items() if "@" not in name)
    return value not in (None, False, "", [], "none")


def control_kinds(policy: Section) -> set[str]:
    """Effects of the grant controls it lists, whether all or any of them are wanted."""
    found = {
        _GRANTED.get(word, "unknown")
        for word in words(policy, *GRANTS, "builtInControls")
        if word != "block"
    }
    if holds(at(policy, *GRANTS, "authenticationStrength")):
        found.add("mfa")
    for name in ("termsOfUse", "customAuthenticationFactors"):
        if words(policy, *GRANTS, name):
            found.add("other_control")
    return found
