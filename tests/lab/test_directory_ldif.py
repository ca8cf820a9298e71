"""The directory of the lab as LDIF: what is written comes back, and parents come first."""

from __future__ import annotations

import base64
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.collectors.directory_names import parent_of
from auditor.collectors.directory_registry import DIRECTORY_COLLECTORS
from auditor.lab import directory_names as names
from auditor.lab.accounts import INHERITS_NOTHING
from auditor.lab.directory_catalogue import BY_NAME, EXCHANGE_PERSONAL_INFORMATION
from auditor.lab.directory_ldif import (
    Reader,
    active_directory_objects,
    directory_objects,
    stored,
)
from auditor.lab.directory_records import Record, Values, ldif
from auditor.lab.directory_security import AccessEntry, descriptor, sid_bytes
from auditor.lab.organization import build
from auditor.lab.recipients import mailboxes

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def read_back(text: str) -> list[tuple[str, bytes]]:
    """Attributes and values of a record, as RFC 2849 reads them."""
    found = []
    for line in text.strip("\n").split("\n"):
        name, _, value = line.partition(":")
        encoded = value.startswith(":")
        plain = value.removeprefix(":").removeprefix(" ")
        found.append((name, base64.b64decode(plain) if encoded else plain.encode()))
    return found


@given(TEXT, st.lists(TEXT, max_size=4), st.binary(max_size=40))
def test_whatever_is_written_comes_back(dn: str, texts: list[str], data: bytes) -> None:
    values: Values = {"texts": texts, "data": data, "flag": True, "number": -7}
    (text,) = ldif([Record(dn, values)])
    assert text.isascii()
    assert read_back(text) == [
        ("dn", dn.encode()),
        *(("texts", each.encode()) for each in texts),
        ("data", data),
        ("flag", b"TRUE"),
        ("number", b"-7"),
    ]


def test_parents_come_before_their_children_and_nothing_comes_twice() -> None:
    seen = set()
    for record in directory_objects(build(40)):
        parent = parent_of(record.dn)
        assert parent in seen or record.dn == names.BASE, record.dn
        assert record.dn not in seen
        seen.add(record.dn)


def test_the_catalogue_knows_every_attribute_that_collectors_ask_for() -> None:
    asked = {name for collector in DIRECTORY_COLLECTORS for name in collector.attributes}
    assert asked <= set(BY_NAME)


PERSONAL = Reader(frozenset({EXCHANGE_PERSONAL_INFORMATION}))


def test_a_reader_gets_neither_values_nor_rights_of_what_is_withheld() -> None:
    withheld = {name for name, a in BY_NAME.items() if a.property_set in PERSONAL.withheld}
    for record in directory_objects(build(20), PERSONAL):
        assert not withheld & set(record.values), record.dn


def test_a_server_of_its_own_times_is_given_none() -> None:
    own = {"whenChanged", "msDS-User-Account-Control-Computed"}
    closed = []
    for record in active_directory_objects(build(20)):
        assert not own & set(record.values)
        assert "adObject" not in str(record.values["objectClass"])
        assert record.values.get("pwdLastSet") in {None, 0, -1}
        if "nTSecurityDescriptor" in record.values:
            identity = record.values["objectGUID"]
            assert isinstance(identity, bytes)
            closed.append(str(uuid.UUID(bytes_le=identity)))
    assert closed == [
        found.guid for found in mailboxes(build(20)) if found.planted & INHERITS_NOTHING
    ]


def test_records_are_not_changed_by_who_reads_them() -> None:
    record = Record("CN=x", {"msExchDeviceID": "A", "cn": "x"})
    before = dict(record.values)
    stored(record, PERSONAL.withheld)
    assert record.values == before


@pytest.mark.parametrize(
    ("text", "stored_as"),
    [("S-1-5-11", "01010000000000050b000000"), ("S-1-1-0", "010100000000000100000000")],
)
def test_identifiers_are_stored_as_windows_stores_them(text: str, stored_as: str) -> None:
    assert sid_bytes(text).hex() == stored_as


def test_a_descriptor_holds_its_access_list_alone() -> None:
    made = descriptor([AccessEntry("S-1-5-11", 0x10)])
    assert made.hex() == (
        "0100048000000000000000000000000014000000"
        "02001c0001000000"
        "0000140010000000"
        "01010000000000050b000000"
    )
