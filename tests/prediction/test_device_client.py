"""Which program a phone uses: by its user agent, then by its type, else nobody knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.evidence.database import Database
from auditor.evidence.ledger import LedgerLine, not_requested
from auditor.evidence.predicted import PredictedDeviceClient, RecognisedBy
from auditor.evidence.recipients import OnpremMobileDevice
from auditor.evidence.reference import RefMailApp, RefMailClient
from auditor.evidence.tables import BY_NAME
from auditor.prediction.derived import derived_line
from auditor.prediction.device_client import NEEDED, ClientMatrix, fits, predict_clients
from auditor.run import shipped_reference

APPLE_MAIL = "f8d98a96-0999-43f5-8af3-69971c7bb423"
SAMSUNG_EMAIL = "8acd33ea-7197-4a96-bc33-d7cc7101262f"
GMAIL = "2cee05de-2b8f-45a2-8289-2a06ca32c4c8"
OUTLOOK = "27922004-5251-4030-b22d-91ecd9a37ea4"
STOCK = "e0ee12cb-2032-40fc-a44f-d6d9f3fad1eb"
REFERENCE = {table.model.table: table.rows for table in shipped_reference()}
LEDGER: dict[str, LedgerLine] = {}

BY_AGENT, BY_TYPE, BY_NOTHING = RecognisedBy


@pytest.fixture(scope="module")
def shipped() -> ClientMatrix:
    """The matrix that ships with the rules."""
    clients = sorted(
        (row for row in REFERENCE["ref_mail_client"] if isinstance(row, RefMailClient)),
        key=lambda row: row.match_order,
    )
    apps = [row for row in REFERENCE["ref_mail_app"] if isinstance(row, RefMailApp)]
    return ClientMatrix(
        ((row.client_id, row.user_agent_patterns, row.device_type_patterns) for row in clients),
        ((row.app_id, row.client_ids or "") for row in apps if row.role == "mail_client"),
    )


@pytest.mark.parametrize(
    ("device_type", "user_agent", "client_id", "app_id", "by"),
    [
        ("iPhone", "Apple-iPhone14C5/2207.100", "ios_iphone", APPLE_MAIL, BY_AGENT),
        ("iPad", "Apple-iPad7C3/1901.404", "ios_ipad", APPLE_MAIL, BY_AGENT),
        ("IPHONE", "APPLE-IPHONE14C5/2207.100", "ios_iphone", APPLE_MAIL, BY_AGENT),
        ("Outlook", "Outlook-iOS-Android/1.0", "outlook_mobile", OUTLOOK, BY_AGENT),
        # a program that imitates the type of another one tells more by its user agent
        ("iPhone", "SAMSUNG-SM-S921B/101.16", "samsung_email", SAMSUNG_EMAIL, BY_AGENT),
        ("Android", "Android-SAMSUNG-SM-G991B/101.13", "samsung_email", SAMSUNG_EMAIL, BY_AGENT),
        ("Android", "Android-Mail/2024.05.12", "gmail_android", GMAIL, BY_AGENT),
        ("Android", "Android/4.4.2-EAS-1.3", "android_aosp_eas", STOCK, BY_AGENT),
        ("Android", "HUAWEI-ELE-L29/10.0", "android_brand_in_bypass", None, BY_AGENT),
        ("PocketPC", "MSFT-PPC/5.2.5082", "windows_mobile_legacy", None, BY_AGENT),
        ("Android", "AirWatch Inbox/5.0", "workspace_one_mail", None, BY_AGENT),
        ("Android", "My Boxer 5", "workspace_one_mail", None, BY_AGENT),
        # without a user agent that says something the type does
        ("iPhone", None, "ios_iphone", APPLE_MAIL, BY_TYPE),
        ("iPhone", "", "ios_iphone", APPLE_MAIL, BY_TYPE),
        ("iPhone", "Mozilla/5.0", "ios_iphone", APPLE_MAIL, BY_TYPE),
        ("SAMSUNGSMG991B", None, "samsung_email", SAMSUNG_EMAIL, BY_TYPE),
        # the type of the Gmail app, of Samsung Email and of others
        ("Android", None, "android_other", None, BY_TYPE),
        ("android", "Foo/1", "android_other", None, BY_TYPE),
        # a type is compared as a whole where its pattern has no star
        ("iPhone 15", None, None, None, BY_NOTHING),
        ("Nexus", None, None, None, BY_NOTHING),
        (None, None, None, None, BY_NOTHING),
        ("", "", None, None, BY_NOTHING),
        ("*", "*", None, None, BY_NOTHING),
        (None, "an Apple-iPhone", None, None, BY_NOTHING),
    ],
)
def test_a_phone_is_recognised_by_what_it_tells_of_itself(
    shipped: ClientMatrix,
    device_type: str | None,
    user_agent: str | None,
    client_id: str | None,
    app_id: str | None,
    by: RecognisedBy,
) -> None:
    found = shipped.recognise(device_type, user_agent)
    assert (found.client_id, found.app_id, found.by) == (client_id, app_id, by)


@pytest.mark.parametrize(
    ("device_type", "user_agent", "reason"),
    [
        ("iPhone", "Apple-iPhone14C5/1", "its user agent fits Apple-iPhone*"),
        ("iPhone", None, "its device type fits iPhone"),
        (
            "Android",
            "HUAWEI-X",
            "its user agent fits HUAWEI*; which application it signs in as is not known",
        ),
        (
            "Android",
            None,
            "its device type fits Android; which application it signs in as may be any of"
            f" {SAMSUNG_EMAIL}, {GMAIL}, {STOCK}",
        ),
        (None, None, "neither its user agent nor its device type was read"),
        ("Nexus", None, "its device type fits no known program, and its user agent was not read"),
        (None, "Foo", "its user agent fits no known program, and its device type was not read"),
        ("Nexus", "Foo", "neither its user agent nor its device type fits a known program"),
        ("", "", "neither its user agent nor its device type fits a known program"),
    ],
)
def test_the_reason_says_what_fits_or_what_is_missing(
    shipped: ClientMatrix, device_type: str | None, user_agent: str | None, reason: str
) -> None:
    assert shipped.recognise(device_type, user_agent).reason == reason


@given(st.text(max_size=30) | st.none(), st.text(max_size=30) | st.none())
def test_a_row_that_takes_everything_recognises_nothing(
    device_type: str | None, user_agent: str | None
) -> None:
    matrix = ClientMatrix([("anything", "*", "*"), ("any_two", "**", "|*")], [("app", "anything")])
    found = matrix.recognise(device_type, user_agent)
    assert (found.client_id, found.app_id, found.by) == (None, None, BY_NOTHING)


def test_the_first_row_that_fits_counts_and_every_user_agent_goes_before_every_type() -> None:
    clients = [("first", None, "a*"), ("second", "b*", None), ("third", "b*|c*", "a*")]
    matrix = ClientMatrix(clients, [])
    assert matrix.recognise("ab", "bc").client_id == "second"
    assert matrix.recognise("ab", "cd").client_id == "third"
    assert matrix.recognise("ab", "x").client_id == "first"


def test_of_two_applications_of_one_program_neither_is_guessed() -> None:
    matrix = ClientMatrix([("both", "a*", None)], [("app-1", "x both"), ("app-2", "both")])
    found = matrix.recognise(None, "a")
    assert (found.client_id, found.app_id) == ("both", None)
    assert found.reason == (
        "its user agent fits a*; which application it signs in as may be any of app-1, app-2"
    )


@given(st.text("a*", max_size=8), st.text("ab", max_size=8))
def test_a_star_stands_for_any_text_and_nothing_else_does(pattern: str, text: str) -> None:
    expression = ".*".join(re.escape(part) for part in pattern.split("*"))
    assert fits(pattern, text) == (re.fullmatch(expression, text, re.DOTALL) is not None)


@pytest.mark.parametrize("text", ["a.c", "a\nc", "a[c", "a%_c"])
def test_what_is_special_elsewhere_is_plain_here(text: str) -> None:
    assert fits(text, text)
    assert fits("a*c", text)
    assert not fits(text, "abc")


def test_a_pattern_of_many_stars_costs_no_more_than_its_length() -> None:
    assert not fits("*a" * 50_000 + "*b", "a" * 100_000)


def device(number: int, device_type: str | None, user_agent: str | None) -> OnpremMobileDevice:
    values = dict.fromkeys(OnpremMobileDevice.model_fields) | {
        "guid": f"g{number}",
        "distinguished_name": f"CN={number},CN=Ann",
        "mailbox_distinguished_name_key": "cn=ann",
        "device_id": f"D{number}",
        "device_id_key": f"d{number}",
        "device_type": device_type,
        "device_user_agent": user_agent,
    }
    return OnpremMobileDevice.model_validate(values)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tuple(BY_NAME.values()), directory=tmp_path) as opened:
        for rows in REFERENCE.values():
            opened.insert(rows)
        yield opened


def test_every_device_has_a_row_recognised_or_not(database: Database) -> None:
    database.insert([device(2, "Nexus", None), device(1, "iPhone", "Apple-iPhone14C5/2207.100")])
    assert list(predict_clients(database, LEDGER)) == [
        PredictedDeviceClient(
            device_guid="g1",
            mailbox_distinguished_name_key="cn=ann",
            device_id_key="d1",
            client_id="ios_iphone",
            app_id=APPLE_MAIL,
            recognised_by=RecognisedBy.USER_AGENT,
            reason="its user agent fits Apple-iPhone*",
        ),
        PredictedDeviceClient(
            device_guid="g2",
            mailbox_distinguished_name_key="cn=ann",
            device_id_key="d2",
            client_id=None,
            app_id=None,
            recognised_by=RecognisedBy.NOTHING,
            reason="its device type fits no known program, and its user agent was not read",
        ),
    ]


def test_without_devices_there_are_no_rows(database: Database) -> None:
    assert list(predict_clients(database, LEDGER)) == []


@pytest.mark.parametrize("state", ["access_denied", "partial", "stale"])
def test_programs_are_as_well_known_as_the_devices(state: str) -> None:
    devices = not_requested(*NEEDED, "why").model_copy(update={"state": state})
    line = derived_line(PredictedDeviceClient, NEEDED, {devices.table: devices}, 0)
    assert (line.state, line.detail) == (state, "onprem_mobile_device: why")
