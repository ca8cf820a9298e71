"""Accounts of the organisation that the tenant knows, and what was planted on each.

Every mailbox has a synchronised account, to move or moved, save the one for searches: Entra Connect
leaves system mailboxes behind. An account carries one fault of the cloud at most, and only that of
a person (UserMailbox) carries one, so that what follows from it is what follows from it alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from auditor.lab.draws import draws, guid, happens
from auditor.lab.moved import remote_mailbox
from auditor.lab.organization import (
    PRIMARY_DOMAIN,
    ROUTING_DOMAIN,
    SECOND_DOMAIN,
    TENANT_DOMAIN,
    Organization,
)
from auditor.lab.parts import Mailbox, RemoteMailbox
from auditor.lab.recipients import FIRST_HOSTILE, HOSTILE_NAMES, mailbox

_OF_MAILBOXES = {
    "user_not_synchronised": (0, 0.008),
    "user_without_licence": (1, 0.02),
    "exchange_plan_disabled": (2, 0.006),
    "licence_error": (3, 0.01),
    "usage_location_missing": (5, 0.01),
    "cloud_account_disabled": (7, 0.006),
    "deleted_twin": (8, 0.004),
    "provisioning_error": (10, 0.01),
    "cloud_upn_onmicrosoft": (12, 0.01),
    "cloud_mailbox_exists": (14, 0.003),
    "exchange_guid_missing": (16, 0.005),
    "cloud_proxy_missing": (18, 0.008),
    "mfa_not_registered": (19, 0.12),
}
"""Faults of the cloud that strike mailboxes: the number of the first, and the share of the others.

The first ones are people, and no two faults share one."""

_NAMES = tuple(_OF_MAILBOXES)
_BOUNDS = [
    int(share * (1 << 32)) for share in accumulate(each for _, each in _OF_MAILBOXES.values())
]
"""Each fault has a stretch of the draws for itself, so that a mailbox never has two."""

_STRIKES_THE_HOSTILE = "user_without_licence"
_FIRST_DRAWN = 32
"""Numbers below are people and kinds that the organisation fixes (`recipients.py`)."""

_OF_MOVED = {
    "moved_eas_off": (0, 0.0, 0.05),
    "sign_in_refused": (1, 0.05, 0.09),
}
"""Faults of moved mailboxes: the number of the first, and for others a stretch of the draws."""

LICENSED_KINDS = frozenset({"UserMailbox", "LinkedMailbox"})
"""Kinds of mailboxes that belong to a person; all others get neither licence nor sign-in."""


@dataclass(frozen=True, slots=True)
class CloudAccount:
    """A synchronised account. `kind` is the RecipientTypeDetails it has on-premises."""

    number: int
    recipient: Mailbox | RemoteMailbox
    kind: str
    planted: frozenset[str]
    id: str
    user_principal_name: str

    @property
    def moved(self) -> bool:
        """Whether the mailbox lies in the cloud already."""
        return isinstance(self.recipient, RemoteMailbox)

    @property
    def personal(self) -> bool:
        """Whether it is a person's, who signs in and has a licence."""
        return self.kind in LICENSED_KINDS


def account_places(organization: Organization) -> int:
    """How many places `account_at` knows: mailboxes by number, then moved ones by number."""
    return organization.mailbox_count + organization.remote_mailbox_count


def account_at(organization: Organization, place: int) -> CloudAccount | None:
    """The account of one place; None where it never reached the tenant."""
    if place >= organization.mailbox_count:
        return _moved(organization, place - organization.mailbox_count)
    planted = planted_on(organization, place)
    if "user_not_synchronised" in planted:
        return None
    found = mailbox(organization, place)
    return CloudAccount(
        number=place,
        recipient=found,
        kind=found.recipient_type_details,
        planted=planted,
        id=user_id(organization, place),
        user_principal_name=_sign_in_name(organization, found, planted),
    )


def accounts(organization: Organization) -> Iterator[CloudAccount]:
    """Every account in the tenant that the directory on-premises knows."""
    for place in range(account_places(organization)):
        found = account_at(organization, place)
        if found is not None:
            yield found


def planted_on(organization: Organization, number: int) -> frozenset[str]:
    """The fault of the cloud that a mailbox carries, if any; cheaper than the mailbox itself."""
    faults = organization.faults & _OF_MAILBOXES.keys()
    if not faults:
        return frozenset()
    return faults & {_struck(organization.seed, number)}


def _struck(seed: int, number: int) -> str:
    if number < _FIRST_DRAWN:
        if 0 <= number - FIRST_HOSTILE < len(HOSTILE_NAMES):
            return _STRIKES_THE_HOSTILE
        return next((name for name, (first, _) in _OF_MAILBOXES.items() if first == number), "")
    draw = draws(seed, "cloud", number)[0]
    place = bisect_right(_BOUNDS, draw)
    if place == len(_BOUNDS) or not is_person(seed, number):
        return ""
    return _NAMES[place]


def is_person(seed: int, number: int) -> bool:
    """Whether a mailbox behind the fixed ones is a UserMailbox, without making it."""
    return happens(draws(seed, "mailbox", number)[0], 0.880)


def user_id(organization: Organization, number: int) -> str:
    """Object id in Entra of the account of a mailbox that is still on-premises."""
    return guid(organization.seed, "entra user", number)


def moved_user_id(organization: Organization, number: int) -> str:
    """Object id in Entra of the account of a mailbox that has moved."""
    return guid(organization.seed, "entra moved user", number)


def moved_planted_on(organization: Organization, number: int) -> frozenset[str]:
    """The fault of the cloud that a moved mailbox carries, if any."""
    draw = draws(organization.seed, "moved in the cloud", number)[0]
    first = {fault for fault, (first, _, _) in _OF_MOVED.items() if first == number}
    drawn = {
        fault
        for fault, (_, start, end) in _OF_MOVED.items()
        if not happens(draw, start) and happens(draw, end)
    }
    return organization.faults & (first or drawn)


def _moved(organization: Organization, number: int) -> CloudAccount:
    found = remote_mailbox(organization, number)
    return CloudAccount(
        number=number,
        recipient=found,
        kind="UserMailbox",
        planted=moved_planted_on(organization, number),
        id=moved_user_id(organization, number),
        user_principal_name=found.user_principal_name,
    )


@lru_cache(maxsize=8)
def _verified(faults: frozenset[str]) -> tuple[str, ...]:
    own = [PRIMARY_DOMAIN]
    if "domain_not_verified" not in faults:
        own.append(SECOND_DOMAIN)
    return (TENANT_DOMAIN, *own, ROUTING_DOMAIN)


def verified_domains(organization: Organization) -> tuple[str, ...]:
    """Domains of the tenant that are verified, the first one made by Microsoft."""
    return _verified(organization.faults)


def is_verified(organization: Organization, address: str) -> bool:
    """Whether the domain behind the last at sign is verified in the tenant."""
    return address.rpartition("@")[2].lower() in verified_domains(organization)


def _sign_in_name(organization: Organization, found: Mailbox, planted: frozenset[str]) -> str:
    """The UPN in the cloud: a name in a domain that is not verified becomes one of the tenant's."""
    own = found.user_principal_name
    if "cloud_upn_onmicrosoft" in planted or not is_verified(organization, own):
        return f"{found.alias}@{TENANT_DOMAIN}"
    return own


def cloud_addresses(organization: Organization, found: CloudAccount) -> list[str]:
    """Proxy addresses in the cloud: those of verified domains, and one of the tenant's own."""
    fallback = f"{found.recipient.alias}@{TENANT_DOMAIN}"
    kept = []
    for address in found.recipient.email_addresses:
        prefix, _, rest = address.partition(":")
        if prefix.lower() != "smtp" or is_verified(organization, rest):
            routed = rest.lower().endswith(f"@{ROUTING_DOMAIN}")
            if not (routed and "cloud_proxy_missing" in found.planted):
                kept.append(address)
    primary = any(address.startswith("SMTP:") for address in kept)
    return [*kept, f"{'smtp' if primary else 'SMTP'}:{fallback}"]
