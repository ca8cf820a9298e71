"""Values of directory attributes, from bytes to what evidence holds."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.collectors.directory_names import canonical_name, own_name, parent_of, parts
from auditor.collectors.directory_reading import (
    Found,
    boolean,
    flags,
    guid,
    moment,
    optional_guid,
    optional_text,
    text,
    text_or_empty,
    texts,
    whole,
)
from auditor.collectors.directory_rights import Rights, Schema, SchemaAttribute
from auditor.errors import AccessDenied, UnexpectedAnswer
from auditor.lab.directory_names import escaped
from auditor.lab.directory_security import AccessEntry, descriptor, sid_bytes
from auditor.sources.directory import SECURITY_DESCRIPTOR, Entry

READER = "S-1-5-11"
ATTRIBUTE = SchemaAttribute("a", b"g" * 16, b"", confidential=False)
SCHEMA = Schema({"a": ATTRIBUTE}, {}, {})
SHOWN = descriptor([AccessEntry(READER, 0x10)])
NOT_SHOWN = descriptor([])


def found(*values: bytes, readable: bool = True) -> Found:
    attributes = {SECURITY_DESCRIPTOR: [SHOWN if readable else NOT_SHOWN]}
    if values:
        attributes["a"] = list(values)
    return Found(Entry("CN=x", attributes), Rights(SCHEMA, frozenset({sid_bytes(READER)})))


@given(st.uuids())
def test_a_guid_is_read_from_the_bytes_that_active_directory_stores(value: uuid.UUID) -> None:
    assert guid(found(value.bytes_le), "a") == str(value)


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_large_integer_is_read(value: int) -> None:
    assert whole(found(str(value).encode()), "a") == value


@given(st.datetimes(timezones=st.just(dt.UTC)).map(lambda moment: moment.replace(microsecond=0)))
def test_every_time_is_read_in_utc(value: dt.datetime) -> None:
    written = f"{value.year:04}{value:%m%d%H%M%S}.0Z".encode()
    assert moment(found(written), "a") == value


@given(st.text())
def test_every_text_is_read_as_it_is(value: str) -> None:
    try:
        stored = value.encode()
    except UnicodeEncodeError:
        return
    assert optional_text(found(stored), "a") == value


@pytest.mark.parametrize(
    ("read", "empty"),
    [
        (optional_text, ""),
        (texts, []),
        (optional_guid, ""),
        (flags, 0),
        (whole, None),
        (boolean, None),
        (moment, None),
    ],
)
def test_nothing_and_not_shown_are_told_apart(read: object, empty: object) -> None:
    assert callable(read)
    shown, hidden = found(), found(readable=False)
    assert read(shown, "a") == empty
    assert shown.unread == set()
    assert read(hidden, "a") is None
    assert hidden.unread == {"a"}


@pytest.mark.parametrize("read", [text, text_or_empty, guid])
def test_a_decisive_value_that_is_hidden_is_access_denied(read: object) -> None:
    assert callable(read)
    with pytest.raises(AccessDenied, match="a of CN=x is not shown to the account"):
        read(found(readable=False), "a")


@pytest.mark.parametrize("read", [text, guid])
def test_a_decisive_value_that_is_missing_is_unexpected(read: object) -> None:
    assert callable(read)
    with pytest.raises(UnexpectedAnswer, match="a of CN=x holds nothing where"):
        read(found(), "a")


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (guid, b"short"),
        (optional_text, b"\xff\xfe"),
        (texts, b"\xff"),
        (whole, b"12a"),
        (whole, b"9" * 20),
        (whole, b"9223372036854775808"),
        (flags, b""),
        (boolean, b"true"),
        (moment, b"20261101"),
        (moment, b"20261301000000.0Z"),
        (moment, b"20261101000000.0+0100"),
    ],
)
def test_a_value_of_another_shape_is_unexpected_and_quoted_shortly(
    read: object, value: bytes
) -> None:
    assert callable(read)
    with pytest.raises(UnexpectedAnswer, match="a of CN=x holds") as error:
        read(found(value * 50 if value == b"short" else value), "a")
    assert len(str(error.value)) < 200


def test_values_that_come_twice_count_once() -> None:
    assert texts(found(b"b", b"a", b"b"), "a") == ["b", "a"]


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(st.lists(NAMES.filter(lambda name: name.strip() == name), min_size=1, max_size=5))
def test_parts_of_a_name_come_back_however_it_is_escaped(values: list[str]) -> None:
    plain = ",".join(f"CN={escaped(value)}" for value in values)
    hexadecimal = ",".join(
        "CN=" + "".join(f"\\{byte:02X}" for byte in value.encode()) for value in values
    )
    expected = [("CN", value) for value in values]
    assert parts(plain) == expected
    assert parts(hexadecimal) == expected
    assert own_name(plain) == values[0]


@given(NAMES, NAMES)
def test_the_parent_is_what_follows_the_first_part(first: str, second: str) -> None:
    above = f"OU={escaped(second)},DC=contoso"
    assert parent_of(f"CN={escaped(first)},{above}") == above


def test_a_name_without_parts_has_neither_name_nor_parent() -> None:
    assert (own_name(""), parent_of(""), parts("")) == ("", "", [])
    assert parent_of("DC=com") == ""


def test_canonical_names_are_those_that_exchange_prints() -> None:
    dn = "CN=Zurich,CN=Sites,CN=Configuration,DC=contoso,DC=com"
    assert canonical_name(dn) == "contoso.com/Configuration/Sites/Zurich"
