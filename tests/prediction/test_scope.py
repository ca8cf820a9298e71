"""Which mailboxes a plan means: by any of their addresses, with the moved ones beside them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from auditor.evidence.base import Evidence
from auditor.evidence.database import Database
from auditor.evidence.ledger import LedgerLine, State, not_requested
from auditor.evidence.organization import OnpremRemoteDomain
from auditor.evidence.plan import PlanMove
from auditor.evidence.recipients import (
    OnpremMailbox,
    OnpremMailboxAddress,
    OnpremRemoteMailbox,
    OnpremRemoteMailboxAddress,
)
from auditor.evidence.tables import BY_NAME
from auditor.prediction.redirect_rows import read_mailboxes
from auditor.prediction.redirect_steps import Gap
from auditor.prediction.scope import PlannedMailbox, PlannedWave, read_scope
from auditor.verdicts import Cause

ROUTING, OTHER = "contoso.mail.onmicrosoft.com", "other.mail.onmicrosoft.com"


@pytest.fixture
def database() -> Iterator[Database]:
    with Database(tuple(BY_NAME.values())) as opened:
        yield opened


def a_mailbox(guid: str, address: str) -> OnpremMailbox:
    return OnpremMailbox(
        guid=guid,
        exchange_guid=None,
        display_name=None,
        distinguished_name=f"CN={guid}",
        distinguished_name_key=f"cn={guid}",
        primary_smtp_address=address,
        primary_smtp_address_key=address.lower(),
        user_principal_name=None,
        user_principal_name_key=None,
        sam_account_name=None,
        recipient_type_details="UserMailbox",
        server_name=None,
        server_key=None,
        email_address_policy_enabled=None,
    )


def a_moved_mailbox(guid: str, address: str) -> OnpremRemoteMailbox:
    return OnpremRemoteMailbox(
        guid=guid,
        exchange_guid=None,
        display_name=None,
        distinguished_name=f"CN={guid}",
        distinguished_name_key=f"cn={guid}",
        primary_smtp_address=address,
        primary_smtp_address_key=address.lower(),
        user_principal_name=None,
        user_principal_name_key=None,
        recipient_type_details="RemoteUserMailbox",
        remote_routing_address=None,
        routing_address_prefix=None,
        routing_domain=None,
    )


def an_address(guid: str, address: str, prefix: str = "smtp") -> OnpremMailboxAddress:
    return OnpremMailboxAddress(
        mailbox_guid=guid,
        prefix=prefix,
        address=address,
        domain=address.rpartition("@")[2],
        is_primary=False,
    )


def a_move(address: str, wave: str = "1", domain: str | None = None) -> PlanMove:
    return PlanMove(
        mailbox=address,
        mailbox_key=address.lower(),
        wave=wave,
        target_delivery_domain=domain,
        source="plan.csv",
    )


def ledger_of(*rows: Evidence, plan: State = "complete") -> dict[str, LedgerLine]:
    lines = {}
    for table in BY_NAME:
        count = sum(row.table == table for row in rows)
        state = plan if table == PlanMove.table else "complete"
        changes = {"state": state, "rows": count}
        lines[table] = not_requested(table, "as the test wants it").model_copy(update=changes)
    return lines


def test_a_mailbox_is_found_by_any_of_its_addresses_in_any_case(database: Database) -> None:
    rows = (
        a_mailbox("m1", "Ann@contoso.com"),
        a_mailbox("m2", "bo@contoso.com"),
        an_address("m2", "Bo.Old@contoso.com"),
        a_mailbox("m3", "cem@contoso.com"),
        an_address("m3", "cem@sip.contoso.com", "sip"),
        a_moved_mailbox("r1", "dee@contoso.com"),
        OnpremRemoteMailboxAddress(
            mailbox_guid="r1",
            prefix="smtp",
            address="Dee.Old@contoso.com",
            domain="contoso.com",
            is_primary=False,
        ),
        a_moved_mailbox("r2", "eve@contoso.com"),
        a_move("ann@contoso.com", "1", ROUTING),
        a_move("BO.OLD@contoso.com", "2"),
        a_move("cem@sip.contoso.com", "2"),
        a_move("dee.old@contoso.com", ""),
        a_move("nobody@contoso.com", "3"),
    )
    database.insert(rows)
    scope = read_scope(database, ledger_of(*rows))
    assert scope is not None
    assert scope.planned == {
        "m1": PlannedMailbox("1", (ROUTING,)),
        "m2": PlannedMailbox("2", ()),
        "r1": PlannedMailbox("", ()),
    }
    assert scope.waves == {
        "1": PlannedWave(1, 0),
        "2": PlannedWave(2, 1),
        "": PlannedWave(1, 0),
        "3": PlannedWave(1, 1),
    }
    held = {guid: scope.holds(guid) for guid in ("m1", "m2", "m3", "r1", "r2")}
    assert held == {"m1": True, "m2": True, "m3": False, "r1": True, "r2": True}
    assert [scope.wave_of(guid) for guid in ("m1", "r1", "r2")] == ["1", "", None]


def test_a_mailbox_named_twice_keeps_its_first_wave_and_all_domains(database: Database) -> None:
    rows = (
        a_mailbox("m1", "ann@contoso.com"),
        an_address("m1", "a@contoso.com"),
        a_move("ann@contoso.com", "2", ROUTING),
        a_move("a@contoso.com", "1", OTHER),
    )
    database.insert(rows)
    scope = read_scope(database, ledger_of(*rows))
    assert scope is not None
    assert scope.planned == {"m1": PlannedMailbox("1", (OTHER, ROUTING))}


@pytest.mark.parametrize("state", ["partial", "not_requested"])
def test_a_plan_that_was_not_read_to_its_end_leaves_nobody_out(
    database: Database, state: State
) -> None:
    rows = (a_mailbox("m1", "ann@contoso.com"), a_move("ann@contoso.com"))
    database.insert(rows)
    assert read_scope(database, ledger_of(*rows, plan=state)) is None
    (mailbox,) = read_mailboxes(database, ledger_of(*rows, plan=state))
    assert isinstance(mailbox.planned_domains, Gap)
    assert mailbox.planned_domains.cause is Cause(state)


def test_without_a_plan_everybody_is_in_scope(database: Database) -> None:
    rows = (a_mailbox("m1", "ann@contoso.com"),)
    database.insert(rows)
    assert read_scope(database, ledger_of(*rows)) is None


def test_the_addresses_of_a_mailbox_are_those_in_its_planned_domain(database: Database) -> None:
    rows = (
        OnpremRemoteDomain(
            guid="d1", name="r", domain_name=ROUTING, domain=ROUTING, target_delivery_domain=True
        ),
        *(a_mailbox(f"m{n}", f"u{n}@contoso.com") for n in (1, 2, 3)),
        *(
            an_address(f"m{n}", f"u{n}@{domain}")
            for n in (1, 2, 3)
            for domain in ("contoso.com", ROUTING, OTHER)
        ),
        a_move("u1@contoso.com", "1", OTHER),
        a_move("u2@contoso.com", "1"),
    )
    database.insert(rows)
    found = {
        mailbox.guid: (mailbox.routing_addresses, mailbox.planned_domains)
        for mailbox in read_mailboxes(database, ledger_of(*rows))
    }
    assert found == {
        "m1": (((f"u1@{OTHER}", OTHER),), (OTHER,)),
        "m2": (((f"u2@{ROUTING}", ROUTING),), ()),
        "m3": (((f"u3@{ROUTING}", ROUTING),), ()),
    }
