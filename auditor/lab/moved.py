"""Mailboxes that have moved already, made one by one from their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from auditor.lab.draws import draws, guid, happens
from auditor.lab.names import person
from auditor.lab.organization import PRIMARY_DOMAIN, ROUTING_DOMAIN, TENANT_DOMAIN, Organization
from auditor.lab.parts import RemoteMailbox
from auditor.lab.recipients import PEOPLE_BEFORE_A_MOVED_ONE, addresses_of, personal_identity

_SHARES = {
    "routing_address_without_mail": 0.05,
    "routing_address_missing": 0.02,
    "routing_address_not_smtp": 0.02,
}
_FIRST_STRUCK = {
    "routing_address_without_mail": 1,
    "routing_address_missing": 2,
    "routing_address_not_smtp": 3,
}


def remote_mailboxes(organization: Organization) -> Iterator[RemoteMailbox]:
    """Every mailbox that has moved, by number."""
    for number in range(organization.remote_mailbox_count):
        yield remote_mailbox(organization, number)


def remote_mailbox(organization: Organization, number: int) -> RemoteMailbox:
    """The moved mailbox of this number, the same in an organisation of any size."""
    seed = organization.seed
    drawn = draws(seed, "remote mailbox", number)
    place = (number + 1) * (PEOPLE_BEFORE_A_MOVED_ONE + 1) - 1
    identity = personal_identity(person(place, seed))
    primary = f"{identity.alias}@{PRIMARY_DOMAIN}"
    struck = {
        fault
        for place, (fault, share) in enumerate(_SHARES.items())
        if number == _FIRST_STRUCK[fault] or happens(drawn[place], share)
    }
    # one address can be wrong in one way
    planted = frozenset(sorted(organization.faults & struck)[:1])
    return RemoteMailbox(
        number=number,
        guid=guid(seed, "remote mailbox", number),
        exchange_guid=guid(seed, "remote exchange", number),
        display_name=identity.display_name,
        common_name=identity.common_name,
        alias=identity.alias,
        user_principal_name=primary,
        primary_smtp_address=primary,
        email_addresses=addresses_of(primary, identity.alias, drawn[5], routed=True),
        organizational_unit="Zurich",
        remote_routing_address=_routing_address(identity.alias, planted),
        when_changed=organization.now - timedelta(seconds=drawn[7] % 20_000_000),
        planted=planted,
    )


def _routing_address(alias: str, planted: frozenset[str]) -> str | None:
    if "routing_address_missing" in planted:
        return None
    if "routing_address_not_smtp" in planted:
        return f"NOTES:{alias}@NotesDomain"
    domain = TENANT_DOMAIN if "routing_address_without_mail" in planted else ROUTING_DOMAIN
    return f"SMTP:{alias}@{domain}"
