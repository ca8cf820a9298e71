"""Which account a mailbox belongs to: by the anchor of the synchronisation, never by a name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.evidence.accounts import OnpremDirectoryAccount
from auditor.evidence.base import Evidence
from auditor.evidence.database import Database
from auditor.evidence.entra_user import EntraUser, EntraUserAddress
from auditor.evidence.ledger import LedgerLine, not_requested
from auditor.evidence.predicted import AccountMatch
from auditor.evidence.recipients import OnpremMailbox, OnpremRemoteMailbox
from auditor.evidence.tables import BY_NAME
from auditor.prediction.cloud_account import NEEDED, predict_accounts

GUID = "11111111-1111-1111-1111-111111111111"
FORMER = "22222222-2222-2222-2222-222222222222"
COMPLETE = {
    table: not_requested(table, "read").model_copy(update={"state": "complete"})
    for table in (*NEEDED, "onprem_directory_account")
}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tuple(BY_NAME.values()), directory=tmp_path) as opened:
        yield opened


def mailbox(model: type[Evidence] = OnpremMailbox, guid: str = GUID, **differing: str) -> Evidence:
    values = dict.fromkeys(model.model_fields) | {
        "guid": guid,
        "distinguished_name": "CN=Ann",
        "distinguished_name_key": "cn=ann",
        "user_principal_name": "Ann@corp.local",
        "user_principal_name_key": "ann@corp.local",
        "primary_smtp_address": "Ann@contoso.com",
        "primary_smtp_address_key": "ann@contoso.com",
        "recipient_type_details": "UserMailbox",
    }
    return model.model_validate(values | differing)


def user(
    number: int, anchor: str | None, synchronised: bool | None = True, **differing: str
) -> EntraUser:
    values = dict.fromkeys(EntraUser.model_fields) | {
        "id": f"u{number}",
        "user_principal_name": f"user{number}@contoso.com",
        "user_principal_name_key": f"user{number}@contoso.com",
        # the same name for all of them: it must never join anything
        "display_name": "Ann Meyer",
        "on_premises_object_guid": anchor,
        "on_premises_sync_enabled": synchronised,
    }
    return EntraUser.model_validate(values | differing)


def with_its_address(number: int) -> EntraUserAddress:
    return EntraUserAddress(
        user_id=f"u{number}",
        prefix="smtp",
        address="ANN@contoso.com",
        domain="contoso.com",
        is_primary=True,
    )


def consistency(guid: str | None) -> OnpremDirectoryAccount:
    values = dict.fromkeys(OnpremDirectoryAccount.model_fields) | {
        "mailbox_guid": GUID,
        "ms_ds_consistency_guid": guid,
    }
    return OnpremDirectoryAccount.model_validate(values)


CASES: dict[str, tuple[list[Evidence], AccountMatch, str | None, str]] = {
    "the objectGUID matches": (
        [user(1, GUID), user(2, FORMER)],
        AccountMatch.MATCHED,
        "u1",
        "belongs to user1@contoso.com by its objectGUID",
    ),
    "the value of a former forest matches": (
        [user(1, FORMER), consistency(FORMER)],
        AccountMatch.MATCHED,
        "u1",
        "belongs to user1@contoso.com by its mS-DS-ConsistencyGuid",
    ),
    "both anchors name one account": (
        [user(1, GUID), consistency(GUID)],
        AccountMatch.MATCHED,
        "u1",
        "belongs to user1@contoso.com by its objectGUID",
    ),
    "each anchor names an account of its own": (
        [user(1, GUID), user(2, FORMER), consistency(FORMER)],
        AccountMatch.SEVERAL,
        None,
        "belongs to 2 accounts in Entra",
    ),
    "two accounts carry one anchor": (
        [user(1, GUID), user(2, GUID)],
        AccountMatch.SEVERAL,
        None,
        "belongs to 2 accounts in Entra",
    ),
    "the account is synchronised no more": (
        [user(1, GUID, synchronised=False)],
        AccountMatch.NOT_SYNCHRONISED,
        "u1",
        "belongs to user1@contoso.com, which is not synchronised",
    ),
    "nobody said whether it is synchronised": (
        [user(1, GUID, synchronised=None)],
        AccountMatch.UNKNOWN,
        "u1",
        "whether user1@contoso.com is synchronised was not read",
    ),
    "there is nobody": (
        [user(1, FORMER)],
        AccountMatch.NONE,
        None,
        "has no account in Entra",
    ),
    "an anchor that was not read may be the one": (
        [user(1, None)],
        AccountMatch.UNKNOWN,
        None,
        "the immutable id of some accounts was not read",
    ),
    "its own second anchor is not shown": (
        [user(1, FORMER), consistency(None)],
        AccountMatch.UNKNOWN,
        None,
        "its mS-DS-ConsistencyGuid was not read",
    ),
    "a twin made in the cloud has the address": (
        [user(1, "", synchronised=False), with_its_address(1)],
        AccountMatch.NONE,
        None,
        "has no synchronised account in Entra, while user1@contoso.com, made in the cloud, has"
        " its address",
    ),
    "a synchronised account has the address and another anchor": (
        [user(1, FORMER), with_its_address(1)],
        AccountMatch.UNKNOWN,
        None,
        "user1@contoso.com has its address but another immutable id; look whether both are one"
        " person",
    ),
    "a twin made in the cloud has the sign-in name and no addresses": (
        [user(1, "", synchronised=False, user_principal_name_key="ann@contoso.com")],
        AccountMatch.NONE,
        None,
        "has no synchronised account in Entra, while user1@contoso.com, made in the cloud, has"
        " its sign-in name",
    ),
    "a synchronised account has the sign-in name on-premises and another anchor": (
        [user(1, FORMER, user_principal_name_key="ann@corp.local")],
        AccountMatch.UNKNOWN,
        None,
        "user1@contoso.com has its sign-in name but another immutable id; look whether both are"
        " one person",
    ),
    "a synchronised account comes from the same place in the directory by another anchor": (
        [user(1, FORMER, on_premises_distinguished_name="cn=ANN")],
        AccountMatch.UNKNOWN,
        None,
        "user1@contoso.com has its distinguished name but another immutable id; look whether both"
        " are one person",
    ),
    "a synchronised account is alike beside a twin made in the cloud": (
        [
            user(1, "", synchronised=False),
            with_its_address(1),
            user(2, FORMER, on_premises_distinguished_name="cn=ann"),
        ],
        AccountMatch.UNKNOWN,
        None,
        "user2@contoso.com has its distinguished name but another immutable id; look whether both"
        " are one person",
    ),
    "an empty anchor matches no empty anchor": (
        [user(1, "", synchronised=False), consistency("")],
        AccountMatch.NONE,
        None,
        "has no account in Entra",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_account_of_a_mailbox_where(case: str, database: Database) -> None:
    rows, outcome, user_id, reason = CASES[case]
    for row in (mailbox(), *rows):
        database.insert([row])
    (found,) = predict_accounts(database, COMPLETE)
    assert (found.outcome, found.user_id, found.reason) == (outcome, user_id, reason)


def test_an_anchor_that_was_read_long_ago_is_none(database: Database) -> None:
    stale = not_requested("onprem_directory_account", "old").model_copy(update={"state": "stale"})
    database.insert([mailbox()])
    database.insert([consistency(FORMER)])
    database.insert([user(1, FORMER)])
    (found,) = predict_accounts(database, COMPLETE | {stale.table: stale})
    assert (found.outcome, found.user_id, found.reason) == (
        AccountMatch.UNKNOWN,
        None,
        "its mS-DS-ConsistencyGuid was not read",
    )


def test_an_anchor_that_was_read_long_ago_makes_no_other_mailbox_the_only_one(
    database: Database,
) -> None:
    stale = not_requested("onprem_directory_account", "old").model_copy(update={"state": "stale"})
    other = "33333333-3333-3333-3333-333333333333"
    database.insert([mailbox(), mailbox(guid=other)])
    database.insert([user(1, GUID)])
    database.insert([consistency(GUID).model_copy(update={"mailbox_guid": other})])
    found = list(predict_accounts(database, COMPLETE | {stale.table: stale}))
    assert [(each.mailbox_guid, each.outcome, each.user_id) for each in found] == [
        (GUID, AccountMatch.UNKNOWN, None),
        (other, AccountMatch.UNKNOWN, None),
    ]


def test_moved_mailboxes_are_matched_too(database: Database) -> None:
    database.insert([mailbox()])
    database.insert([mailbox(OnpremRemoteMailbox, FORMER)])
    database.insert([user(1, GUID), user(2, FORMER)])
    found = list(predict_accounts(database, COMPLETE))
    assert [(each.mailbox_guid, each.moved, each.user_id) for each in found] == [
        (GUID, False, "u1"),
        (FORMER, True, "u2"),
    ]


def test_an_account_that_two_mailboxes_claim_is_the_target_of_neither(database: Database) -> None:
    other = "33333333-3333-3333-3333-333333333333"
    database.insert([mailbox(), mailbox(guid=other)])
    database.insert([user(1, GUID), user(2, FORMER)])
    database.insert([consistency(GUID).model_copy(update={"mailbox_guid": other})])
    found = list(predict_accounts(database, COMPLETE))
    said = (
        "belongs to user1@contoso.com, as another mailbox does; look which of them the account is"
    )
    assert [(each.mailbox_guid, each.user_id, each.outcome, each.reason) for each in found] == [
        (GUID, None, AccountMatch.UNKNOWN, said),
        (other, None, AccountMatch.UNKNOWN, said),
    ]


def test_an_account_of_another_mailbox_is_no_twin(database: Database) -> None:
    other = mailbox(
        guid=FORMER,
        primary_smtp_address_key="anna@contoso.com",
        distinguished_name_key="cn=anna",
    )
    database.insert([mailbox(), other])
    database.insert([user(1, FORMER, user_principal_name_key="ann@contoso.com")])
    found = {each.mailbox_guid: each.reason for each in predict_accounts(database, COMPLETE)}
    assert found == {
        GUID: "has no account in Entra",
        FORMER: "belongs to user1@contoso.com by its objectGUID",
    }


def test_a_mailbox_that_moved_while_it_was_read_counts_once_and_as_moved(
    database: Database,
) -> None:
    database.insert([mailbox()])
    database.insert([mailbox(OnpremRemoteMailbox)])
    database.insert([user(1, GUID)])
    database.insert([consistency(GUID)])
    found = list(predict_accounts(database, COMPLETE))
    assert [(each.mailbox_guid, each.moved, each.user_id) for each in found] == [(GUID, True, "u1")]


@pytest.mark.parametrize("table", NEEDED)
def test_without_a_whole_end_nobody_is_said_to_have_no_account(
    table: str, database: Database
) -> None:
    database.insert([mailbox()])
    ledger: dict[str, LedgerLine] = COMPLETE | {table: not_requested(table, "nobody asked")}
    assert list(predict_accounts(database, ledger)) == []
