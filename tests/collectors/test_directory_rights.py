"""What may be read of an object: access lists, the schema, and neighbours as witnesses."""

from __future__ import annotations

import struct
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.collectors.directory_contract import DirectoryCollector, Place
from auditor.collectors.directory_grants import Grant, Hidden, grants_for
from auditor.collectors.directory_rights import Rights, Schema, SchemaAttribute, guid_text
from auditor.lab.directory_security import AccessEntry, descriptor, sid_bytes
from auditor.sources.directory import SECURITY_DESCRIPTOR, Entry
from auditor.sources.security_descriptor import (
    CONTROL_ACCESS,
    LIST_CHILDREN,
    READ_PROPERTY,
    access_list,
    granted,
    inherits_nothing,
)

ME, GROUP, OTHER = "S-1-5-21-1-2-3-1104", "S-1-5-11", "S-1-5-32-544"
TOKEN = frozenset({sid_bytes(ME), sid_bytes(GROUP)})
SET, ATTRIBUTE, ELSE = (f"{n}1111111-2222-3333-4444-555555555555" for n in (1, 2, 3))
ENTRIES = st.lists(
    st.builds(
        AccessEntry,
        sid=st.sampled_from([ME, GROUP, OTHER]),
        mask=st.sampled_from([READ_PROPERTY, LIST_CHILDREN, READ_PROPERTY | LIST_CHILDREN, 0]),
        object_type=st.sampled_from(["", SET, ATTRIBUTE, ELSE]),
        allowed=st.booleans(),
        flags=st.sampled_from([0, 2, 8, 10]),
    ),
    max_size=6,
)


def stored(guid: str) -> bytes:
    return uuid.UUID(guid).bytes_le


@given(ENTRIES)
def test_the_first_line_that_speaks_of_the_right_decides(lines: list[AccessEntry]) -> None:
    speaking = [
        line.allowed
        for line in lines
        if not line.flags & 8
        and line.mask & READ_PROPERTY
        and line.sid != OTHER
        and line.object_type in {"", SET, ATTRIBUTE}
    ]
    objects = {stored(SET), stored(ATTRIBUTE)}
    entries = access_list(descriptor(lines))
    assert granted(entries, TOKEN, READ_PROPERTY, objects) == (speaking[:1] == [True])


@given(st.binary(max_size=200))
def test_bytes_that_are_no_descriptor_are_refused_or_grant_nothing_strange(data: bytes) -> None:
    try:
        entries = access_list(data)
    except ValueError:
        return
    assert entries is None or all(len(entry.sid) <= len(data) for entry in entries)


@given(ENTRIES, st.integers(0, 150))
def test_a_descriptor_that_is_cut_off_is_refused(lines: list[AccessEntry], keep: int) -> None:
    whole = descriptor(lines)
    if keep < len(whole):
        with pytest.raises(ValueError, match="descriptor"):
            access_list(whole[:keep])


@given(ENTRIES, st.booleans())
def test_a_list_inherits_as_its_descriptor_says_whatever_it_holds(
    lines: list[AccessEntry], closed: bool
) -> None:
    made = descriptor(lines, inherits_nothing=closed)
    assert inherits_nothing(made) is closed
    assert access_list(made) == access_list(descriptor(lines))
    entry = Entry("CN=x", {SECURITY_DESCRIPTOR: [made]})
    assert Rights(SCHEMA, None).inherits_nothing(entry) is closed


@given(st.binary(max_size=19))
def test_a_descriptor_without_a_whole_header_says_nothing_of_inheritance(data: bytes) -> None:
    with pytest.raises(ValueError, match="no security descriptor"):
        inherits_nothing(data)
    assert Rights(SCHEMA, None).inherits_nothing(Entry("CN=x", {SECURITY_DESCRIPTOR: [data]})) is (
        None
    )


def test_an_absent_list_lets_everybody_read() -> None:
    absent = struct.pack("<BBHIIII", 1, 0, 0x8004, 0, 0, 0, 0)
    assert access_list(absent) is None
    assert granted(None, frozenset(), READ_PROPERTY)


def test_generic_rights_hold_what_they_stand_for() -> None:
    reads = access_list(descriptor([AccessEntry(ME, 0x8000_0000)]))
    everything = access_list(descriptor([AccessEntry(ME, 0x1000_0000)]))
    assert [granted(reads, TOKEN, r) for r in (READ_PROPERTY, LIST_CHILDREN, CONTROL_ACCESS)] == [
        True,
        True,
        False,
    ]
    assert granted(everything, TOKEN, CONTROL_ACCESS)


def attribute(name: str, *, confidential: bool = False, in_set: bool = True) -> SchemaAttribute:
    return SchemaAttribute(
        name, name.encode().ljust(16, b"-"), stored(SET) if in_set else b"", confidential
    )


SCHEMA = Schema(
    {
        "shy": attribute("shy"),
        "neighbour": attribute("neighbour"),
        "secret": attribute("secret", confidential=True),
        "alone": attribute("alone", in_set=False),
        "lonely": attribute("lonely", in_set=False),
    },
    {},
    {SET: "Exchange Something"},
)


def may_read(name: str, entry: dict[str, list[bytes]], token: frozenset[bytes] | None) -> bool:
    return Rights(SCHEMA, token).may_read(Entry("CN=x", entry), name)


def test_a_value_that_came_may_be_read() -> None:
    assert may_read("shy", {"shy": [b""]}, None)


def test_what_the_schema_does_not_know_was_not_said() -> None:
    assert not may_read(
        "unknown", {SECURITY_DESCRIPTOR: [descriptor([AccessEntry(ME, 16)])]}, TOKEN
    )


def test_the_access_list_outweighs_a_neighbour() -> None:
    # somebody granted the neighbour alone
    only = descriptor([AccessEntry(ME, READ_PROPERTY, guid_text(b"neighbour".ljust(16, b"-")))])
    entry = {"neighbour": [b"1"], SECURITY_DESCRIPTOR: [only]}
    assert not may_read("shy", entry, TOKEN)


@pytest.mark.parametrize(
    ("name", "entry", "expected"),
    [
        ("shy", {"neighbour": [b"1"]}, True),
        ("shy", {"alone": [b"1"]}, False),
        ("shy", {}, False),
        ("secret", {"neighbour": [b"1"]}, False),
        ("lonely", {"alone": [b"1"]}, False),
    ],
)
@pytest.mark.parametrize("token", [None, TOKEN], ids=["no token", "no access list"])
def test_without_an_access_list_a_neighbour_of_the_set_is_the_only_witness(
    name: str, entry: dict[str, list[bytes]], expected: bool, token: frozenset[bytes] | None
) -> None:
    assert may_read(name, entry, token) is expected


def test_a_broken_access_list_is_no_access_list() -> None:
    assert not may_read("shy", {SECURITY_DESCRIPTOR: [b"broken"]}, TOKEN)
    assert may_read("shy", {SECURITY_DESCRIPTOR: [b"broken"], "neighbour": [b"1"]}, TOKEN)


def test_a_confidential_attribute_needs_two_rights() -> None:
    one = [AccessEntry(ME, READ_PROPERTY)]
    both = [AccessEntry(ME, READ_PROPERTY | CONTROL_ACCESS)]
    assert not may_read("secret", {SECURITY_DESCRIPTOR: [descriptor(one)]}, TOKEN)
    assert may_read("secret", {SECURITY_DESCRIPTOR: [descriptor(both)]}, TOKEN)


def test_many_different_lists_fill_no_memory_and_are_judged_rightly() -> None:
    rights = Rights(SCHEMA, TOKEN)
    for number in range(12_000):
        line = AccessEntry(ME if number % 2 else OTHER, READ_PROPERTY)
        filler = AccessEntry(f"S-1-5-21-{number}", LIST_CHILDREN)
        entry = Entry("CN=x", {SECURITY_DESCRIPTOR: [descriptor([filler, line])]})
        assert rights.may_read(entry, "shy") is bool(number % 2)
    assert len(rights._lists) <= 5_000


COLLECTOR = DirectoryCollector(
    name="things",
    place=Place.DOMAINS,
    object_class="thing",
    condition="(objectClass=thing)",
    attributes=("shy",),
    tables=(),
    permission="",
    rows=lambda _found: iter(()),
    holders=("things",),
)


def test_grants_name_the_property_set_and_repeat_it_for_protected_accounts() -> None:
    hidden = {"shy": Hidden(1, "CN=x", {"DC=a"}), "neighbour": Hidden(2, "CN=x", {"DC=a"})}
    assert grants_for(COLLECTOR, SCHEMA, hidden, (), "CN=Org") == [
        Grant("DC=a", "RP", "Exchange Something", SET),
        Grant("CN=AdminSDHolder,CN=System,DC=a", "RP", "Exchange Something", SET),
    ]


def test_grants_of_an_attribute_outside_of_sets_name_the_attribute() -> None:
    (grant, _) = grants_for(COLLECTOR, SCHEMA, {"alone": Hidden(1, "", {"DC=a"})}, (), "CN=Org")
    guid = guid_text(b"alone".ljust(16, b"-"))
    assert grant == Grant("DC=a", "RP", "alone", guid)
    assert grant.command("A\\b") == 'dsacls "DC=a" /I:T /G "A\\b:RP;alone"'
    assert grant.sddl("S-1-1-0") == f"(OA;CI;RP;{guid};;S-1-1-0)"


def grants(hidden: Hidden, name: str = "shy") -> list[str]:
    """What is printed for an attribute that is hidden."""
    schema = Schema({**SCHEMA.attributes, SECURITY_DESCRIPTOR: attribute("x")}, {}, {SET: "Set"})
    found = grants_for(COLLECTOR, schema, {name: hidden}, (), "CN=Org")
    return [grant.command("A\\b") for grant in found]


def test_an_object_that_inherits_nothing_is_granted_by_name() -> None:
    hidden = Hidden()
    hidden.add("CN=x", "DC=a", blind=False, alone=True)
    assert grants(hidden) == ['dsacls "CN=x" /I:T /G "A\\b:RP;Set"']
    hidden.add("CN=y", "DC=a", blind=False)
    assert grants(hidden) == [
        'dsacls "DC=a" /I:T /G "A\\b:RP;Set"',
        'dsacls "CN=AdminSDHolder,CN=System,DC=a" /I:T /G "A\\b:RP;Set"',
        'dsacls "CN=x" /I:T /G "A\\b:RP;Set"',
    ]


def test_beyond_some_objects_that_inherit_nothing_no_more_are_named() -> None:
    hidden = Hidden()
    for number in range(500):
        hidden.add(f"CN={number}", "DC=a", blind=False, alone=True)
    assert (hidden.count, len(grants(hidden))) == (500, 20)


def test_an_access_list_is_shown_by_the_right_to_read_it() -> None:
    hidden = Hidden(1, "CN=x", {"DC=a"}, blind=True)
    assert grants(hidden, SECURITY_DESCRIPTOR) == [
        'dsacls "DC=a" /I:T /G "A\\b:RC"',
        'dsacls "CN=AdminSDHolder,CN=System,DC=a" /I:T /G "A\\b:RC"',
    ]


def test_no_grant_shows_what_the_schema_does_not_know() -> None:
    assert grants_for(COLLECTOR, SCHEMA, {"gone": Hidden(1, "", {"DC=a"})}, (), "CN=Org") == []


def test_objects_that_do_not_show_are_granted_by_class() -> None:
    grants = grants_for(COLLECTOR, SCHEMA, {}, ("DC=a",), "CN=Org")
    assert [grant.command("A\\b") for grant in grants[:2]] == [
        'dsacls "DC=a" /I:S /G "A\\b:GR;;things"',
        'dsacls "DC=a" /I:S /G "A\\b:GR;;thing"',
    ]
