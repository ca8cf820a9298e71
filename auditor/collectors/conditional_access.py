"""What a Conditional Access policy does to a mail client, read off the policy as Graph wrote it."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.collectors.conditional_access_words import (
    APPLICATION_WORDS,
    APPLICATIONS,
    CONDITIONS,
    EAS,
    EXCHANGE_ONLINE,
    GRANTS,
    NARROWING,
    PARTS,
    SESSION,
    USERS,
    WHO,
    Section,
    at,
    control_kinds,
    holds,
    words,
)
from auditor.collectors.graph_reading import GUID

_TARGETS = (
    *("includeApplications", "includeUserActions", "includeAuthenticationContextClassReferences"),
)
_EASIEST = ("mfa", "compliant_device", "other_control")


def covers_exchange_online(policy: Section) -> bool | None:
    """Whether it is for sign-ins to Exchange Online; None where that cannot be told."""
    included = words(policy, *APPLICATIONS, "includeApplications")
    excluded = words(policy, *APPLICATIONS, "excludeApplications")
    applications = at(policy, *APPLICATIONS)
    if not isinstance(applications, dict) or applications.get("includeApplications") is None:
        return None
    if not any(holds(applications.get(name)) for name in _TARGETS):
        return None
    if holds(applications.get("applicationFilter")) or any(
        word not in APPLICATION_WORDS and not GUID.fullmatch(word)
        for word in (*included, *excluded)
    ):
        return None
    own = {"Office365", EXCHANGE_ONLINE}
    spared = own & {word if word in own else word.lower() for word in excluded}
    return not spared and any(
        word in {"All", "Office365"} or word.lower() == EXCHANGE_ONLINE for word in included
    )


def includes_all_users(policy: Section) -> bool | None:
    """Whether it includes everybody; None where that cannot be told."""
    users = at(policy, *USERS)
    if not isinstance(users, dict):
        # documented: a policy is for users or for the applications that workloads sign in with
        return False if holds(at(policy, *CONDITIONS, "clientApplications")) else None
    included = words(policy, *USERS, "includeUsers")
    if "All" in included:
        return True
    strange = any(
        word not in {"None", "GuestsOrExternalUsers"} and not GUID.fullmatch(word)
        for word in included
    )
    named = any(holds(users.get(f"include{kind}")) for kind in WHO)
    return None if strange or not named or users.get("includeUsers") is None else False


def has_exclusions(policy: Section) -> bool | None:
    """Whether it excludes anybody; None where it says nothing of users."""
    users = at(policy, *USERS)
    if not isinstance(users, dict):
        return None
    return any(holds(value) for name, value in users.items() if name.startswith("exclude"))


def conditions(policy: Section) -> Iterator[str]:
    """Names of the conditions that narrow it."""
    section = at(policy, *CONDITIONS)
    if isinstance(section, dict):
        for name, value in section.items():
            known = name in PARTS[CONDITIONS]
            narrows = (name in NARROWING or not known) and "@" not in name and holds(value)
            if narrows and not _is_everything(policy, name):
                yield name


def _is_everything(policy: Section, name: str) -> bool:
    """Whether a condition on platforms or locations lets everything in."""
    if name not in {"platforms", "locations"}:
        return False
    included = words(policy, *CONDITIONS, name, f"include{name.capitalize()}")
    excluded = words(policy, *CONDITIONS, name, f"exclude{name.capitalize()}")
    return bool({"all", "All"} & set(included)) and not excluded


def principals(policy: Section) -> Iterator[tuple[bool, str, str]]:
    """Excluded or not, kind, and id or word of everybody it names; ids in lower case."""
    for excluded, side in ((False, "include"), (True, "exclude")):
        for kind, name in (("user", "Users"), ("group", "Groups"), ("role", "Roles")):
            for word in words(policy, *USERS, f"{side}{name}"):
                yield excluded, kind, word.lower() if GUID.fullmatch(word) else word
        guests = (f"{side}GuestsOrExternalUsers", "guestOrExternalUserTypes")
        for word in words(policy, *USERS, *guests):
            yield excluded, "guest", word


def effects(policy: Section) -> set[str]:
    """What it does to mail clients, for a policy that covers Exchange Online.

    A client that signs in with a password, which Exchange ActiveSync and legacy clients are here,
    can answer for neither MFA nor terms of use, so that asking for them blocks it (documented:
    "Conditions in Conditional Access policy"). That is said where a policy names such clients, not
    where it is for all: Exchange Online takes no passwords any more.
    """
    named = set(words(policy, *CONDITIONS, "clientAppTypes"))
    eas, legacy = bool(named & EAS), "other" in named
    every = "all" in named
    modern = every or "mobileAppsAndDesktopClients" in named
    if "block" in words(policy, *GRANTS, "builtInControls"):
        reached = {"block_eas": eas or every, "block_legacy": legacy or every}
        return {name for name, hit in {**reached, "block_modern": modern}.items() if hit}
    required = _required(policy)
    found = set(required) if modern else required & {"approved_app", "compliant_device"}
    if required & {"mfa", "other_control"}:
        found |= {"block_eas"} if eas else set()
        found |= {"block_legacy"} if legacy else set()
    return found if modern or eas or legacy else set()


def _required(policy: Section) -> set[str]:
    """Controls that nobody gets around; of alternatives the one that asks least of a mail app."""
    kinds = control_kinds(policy)
    if len(kinds) > 1 and "OR" in words(policy, *GRANTS, "operator"):
        kinds = set() if "unknown" in kinds else {next(each for each in _EASIEST if each in kinds)}
    if holds(at(policy, *SESSION, "secureSignInSession", "isEnabled")):
        kinds.add("other_control")
    return kinds - {"unknown"}
