"""The accounts behind mailboxes: what only the directory says of them, and what can be wrong.

No account of another kind than a person's is struck: those of rooms, shared and linked mailboxes
are disabled by design.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from auditor.lab.draws import draws, guid, happens
from auditor.lab.organization import PRIMARY_DOMAIN, Organization
from auditor.lab.parts import Mailbox, RemoteMailbox

_SHARES = {
    "account_disabled": 0.010,
    "account_expired": 0.006,
    "password_expired": 0.010,
    "protected_account": 0.004,
    "inheritance_off": 0.004,
    "litigation_hold": 0.010,
    "in_place_hold": 0.005,
    "target_address_left": 0.004,
}
_FIRST_STRUCK = {
    "account_disabled": 1,
    "account_expired": 2,
    "protected_account": 3,
    "inheritance_off": 5,
    "password_expired": 8,
    "litigation_hold": 10,
    "in_place_hold": 14,
    "target_address_left": 16,
}
ACCOUNT_FAULTS = frozenset(_SHARES)
INHERITS_NOTHING = frozenset({"protected_account", "inheritance_off"})
"""Faults that leave an access list without the rights of Exchange, which then cannot make the
container of devices (event 1053): so nobody whom they strike has a phone.
"""

WITHOUT_PHONES = frozenset(_FIRST_STRUCK[fault] for fault in INHERITS_NOTHING)
"""Numbers of mailboxes that have no phone so that they can be struck."""


def account_faults(
    organization: Organization, number: int, kind: str, devices: int
) -> frozenset[str]:
    """Faults of the account of one mailbox."""
    chosen = organization.faults & ACCOUNT_FAULTS
    if not chosen or kind != "UserMailbox":
        return frozenset()
    drawn = draws(organization.seed, "account", number)
    return chosen & {
        fault
        for place, (fault, share) in enumerate(_SHARES.items())
        if number == _FIRST_STRUCK[fault]
        or (happens(drawn[place], share) and not (devices and fault in INHERITS_NOTHING))
    }


@dataclass(frozen=True, slots=True)
class Account:
    """What the directory holds of an account; without `expires` it never does."""

    enabled: bool
    expires: datetime | None
    password_set: datetime | None
    admin_count: int | None
    inherits_nothing: bool
    consistency_guid: str | None
    litigation_hold: bool
    in_place_holds: tuple[str, ...]
    target_address: str | None


def account_of(organization: Organization, found: Mailbox) -> Account:
    """The account of a mailbox, with what was planted in it; nobody set a password that expired."""
    planted, now = found.planted, organization.now
    expires = now + timedelta(days=400) if found.number % 50 == 7 else None
    of_a_person = found.recipient_type_details == "UserMailbox"
    old_system = f"notes.{PRIMARY_DOMAIN}"
    return Account(
        enabled=of_a_person and "account_disabled" not in planted,
        expires=now - timedelta(days=9) if "account_expired" in planted else expires,
        password_set=None if "password_expired" in planted else now - timedelta(days=30),
        admin_count=1 if "protected_account" in planted else None,
        inherits_nothing=bool(planted & INHERITS_NOTHING),
        # what synchronisation stamps; a few accounts are yet to be synchronised
        consistency_guid=found.guid if found.number % 5 else None,
        litigation_hold="litigation_hold" in planted,
        in_place_holds=(guid(organization.seed, "hold", 0).replace("-", ""),)
        if "in_place_hold" in planted
        else (),
        target_address=f"SMTP:{found.alias}@{old_system}"
        if "target_address_left" in planted
        else None,
    )


def moved_account(found: RemoteMailbox) -> Account:
    """The account of a mailbox that has moved: mail is routed to where it is now."""
    return Account(
        enabled=True,
        expires=None,
        password_set=found.when_changed,
        admin_count=None,
        inherits_nothing=False,
        consistency_guid=found.guid,
        litigation_hold=False,
        in_place_holds=(),
        target_address=found.remote_routing_address,
    )
