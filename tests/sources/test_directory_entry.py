"""Entries read off the wire: every value as it was sent, and no byte beyond."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.sources.directory_entry import AttributeNames, Entry, MalformedMessage, read_entry

NAMES = st.from_regex(r"[a-zA-Z][a-zA-Z0-9-]{0,40}", fullmatch=True)
VALUES = st.lists(st.binary(max_size=300) | st.binary(min_size=127, max_size=130), max_size=5)
ATTRIBUTES = st.lists(
    st.tuples(NAMES, VALUES), max_size=6, unique_by=lambda each: each[0].lower()
).map(dict)


def tlv(tag: int, content: bytes, extra: int = 0) -> bytes:
    """Tag, length and content; `extra` bytes more of length than needed, which BER allows."""
    length = len(content)
    if length < 0x80 and not extra:
        return bytes([tag, length]) + content
    size = max(1, (length.bit_length() + 7) // 8) + extra
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + content


def encoded(dn: str, attributes: dict[str, list[bytes]], extra: int = 0) -> bytes:
    listed = b"".join(
        tlv(
            0x30,
            tlv(0x04, name.encode())
            + tlv(0x31, b"".join(tlv(0x04, value, extra) for value in values), extra),
            extra,
        )
        for name, values in attributes.items()
    )
    return tlv(0x64, tlv(0x04, dn.encode()) + tlv(0x30, listed))[1:]


@given(st.text(max_size=200), ATTRIBUTES, st.integers(0, 2), st.binary(max_size=9))
def test_every_entry_comes_back_as_it_was_sent_whatever_follows_it(
    dn: str, attributes: dict[str, list[bytes]], extra: int, behind: bytes
) -> None:
    try:
        message = encoded(dn, attributes, extra)
    except UnicodeEncodeError:
        return
    found = read_entry(message + behind, 0, len(message), AttributeNames(attributes))
    assert found == Entry(dn, attributes)


@given(ATTRIBUTES, st.data())
def test_a_length_that_does_not_fit_is_refused_and_never_guessed(
    attributes: dict[str, list[bytes]], data: st.DataObject
) -> None:
    message = bytearray(encoded("CN=a", {"cn": [b"a"], **attributes}))
    place = data.draw(st.integers(0, len(message) - 1))
    message[place] = data.draw(st.integers(0, 255))
    try:
        found = read_entry(bytes(message), 0, len(message), AttributeNames(attributes))
    except MalformedMessage:
        return
    # a changed byte of a name or value is another name or value, of the same size altogether
    assert len(encoded(found.dn, dict(found.attributes))) <= len(message)


@pytest.mark.parametrize("missing", range(1, 40))
def test_an_entry_cut_off_anywhere_is_refused(missing: int) -> None:
    message = encoded("CN=a", {"cn": [b"a", b"b"], "mail": [b"ann@contoso.com"]})
    with pytest.raises(MalformedMessage):
        read_entry(message[:-missing], 0, len(message) - missing, AttributeNames(()))


def test_a_length_of_more_than_four_bytes_is_refused() -> None:
    with pytest.raises(MalformedMessage, match="a length of 8 bytes"):
        read_entry(b"\x88" + b"\x00" * 8, 0, 9, AttributeNames(()))


def test_names_are_spelled_as_asked_however_the_server_writes_them() -> None:
    names = AttributeNames(["objectGUID", "proxyAddresses"])
    message = encoded("", {"OBJECTguid": [b"1"], "proxyaddresses;range=0-9": [b"2"], "x": [b"3"]})
    found = read_entry(message, 0, len(message), names)
    assert dict(found.attributes) == {
        "objectGUID": [b"1"],
        "proxyAddresses;range=0-9": [b"2"],
        "x": [b"3"],
    }


def test_a_server_that_invents_spellings_fills_no_memory() -> None:
    names = AttributeNames(["cn"])
    for number in range(3_000):
        names.spelled(f"cn;x-{number}".encode())
    assert len(names.known) == 1_000
