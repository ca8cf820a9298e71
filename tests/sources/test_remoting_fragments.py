"""Messages put together from fragments: in any cut, within bounds, and never against the order."""

from __future__ import annotations

import struct
import uuid
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypsrp.messages import Message, MessageType, SessionCapability
from pypsrp.powershell import Fragmenter, RunspacePool
from pypsrp.serializer import Serializer
from pypsrp.wsman import WSMan

from auditor.errors import SourceUnreachable, UnexpectedAnswer
from auditor.sources import remoting_fragments, remoting_pool
from auditor.sources.remoting_fragments import Fragments
from auditor.sources.remoting_pool import PYPSRP, RemotePool
from auditor.sources.shell_settings import Secret, ShellSettings

ID = uuid.uuid4().bytes_le


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("<II16s16s", 1, kind, ID, ID) + body


def cut(number: int, content: bytes, places: Sequence[int]) -> list[bytes]:
    """A message as fragments, cut at these places."""
    ends = sorted({min(place, len(content)) for place in places if place} | {len(content)})
    fragments, start = [], 0
    for place, end in enumerate(ends):
        flags = (place == 0) | (end == len(content)) << 1
        part = content[start:end]
        fragments.append(struct.pack(">QQBI", number, place, flags, len(part)) + part)
        start = end
    return fragments


def fragments() -> Fragments:
    return Fragments("ex01", Fragmenter(32_768, Serializer()))


@given(
    bodies=st.lists(st.binary(max_size=200), max_size=6),
    places=st.lists(st.integers(1, 250), max_size=5),
    together=st.integers(1, 4),
)
def test_messages_are_whole_again_however_they_were_cut(
    bodies: list[bytes], places: list[int], together: int
) -> None:
    pieces = [
        piece
        for number, body in enumerate(bodies)
        for piece in cut(number, message(MessageType.PIPELINE_OUTPUT, body), places)
    ]
    found = fragments()
    for at in range(0, len(pieces), together):
        assert found.defragment(b"".join(pieces[at : at + together])) == []
    assert list(found.arrived.outputs) == [body.removeprefix(b"\xef\xbb\xbf") for body in bodies]
    assert found.received == sum(map(len, pieces))


def test_fragments_of_several_messages_may_come_interleaved() -> None:
    first = cut(1, message(MessageType.PIPELINE_OUTPUT, b"first"), [10])
    second = cut(2, message(MessageType.ERROR_RECORD, b"second"), [20])
    found = fragments()
    found.defragment(b"".join((first[0], second[0], first[1], second[1])))
    assert (list(found.arrived.outputs), list(found.arrived.errors)) == ([b"first"], [b"second"])


def test_each_kind_of_message_is_kept_for_those_who_read_it_or_passed_over() -> None:
    found = fragments()
    kinds = (
        MessageType.PIPELINE_OUTPUT,
        MessageType.ERROR_RECORD,
        MessageType.WARNING_RECORD,
        MessageType.PIPELINE_STATE,
        MessageType.PROGRESS_RECORD,
        MessageType.VERBOSE_RECORD,
        MessageType.DEBUG_RECORD,
        MessageType.INFORMATION_RECORD,
        MessageType.PIPELINE_HOST_CALL,
        0x0BAD_CAFE,
    )
    data = b"".join(
        piece
        for number, kind in enumerate(kinds)
        for piece in cut(number, message(kind, b"%d" % number), [])
    )
    assert found.defragment(data) == []
    arrived = found.arrived
    assert [list(kept) for kept in (arrived.outputs, arrived.errors)] == [[b"0"], [b"1"]]
    assert [list(kept) for kept in (arrived.warnings, arrived.states)] == [[b"2"], [b"3"]]


def test_what_opens_a_shell_is_left_to_pypsrp() -> None:
    body = (
        b'<Obj RefId="0"><MS><Version N="protocolversion">2.3</Version><Version N="PSVersion">2.0'
        b'</Version><Version N="SerializationVersion">1.1.0.1</Version></MS></Obj>'
    )
    (found,) = fragments().defragment(cut(1, message(MessageType.SESSION_CAPABILITY, body), [])[0])
    assert isinstance(found, Message)
    assert isinstance(found.data, SessionCapability)
    assert found.data.protocol_version == "2.3"


WHOLE = cut(1, message(MessageType.PIPELINE_OUTPUT, b"<S>kept</S>"), [])[0]


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (WHOLE[:-1], "a fragment without its end"),
        (WHOLE[:20], "a fragment without a header"),
        (cut(2, b"short", [])[0], "a message without a header"),
        (cut(2, b"x" * 90, [40])[1], "fragments in the wrong order"),
        (cut(2, b"x" * 90, [40])[0] * 2, "fragments in the wrong order"),
        (struct.pack(">QQBI", 2, 0, 2, 1) + b"x", "fragments in the wrong order"),
        (struct.pack(">QQBI", 2, 0, 3, 0xFFFFFFFF) + b"x", "a fragment without its end"),
    ],
    # the bytes hold an identifier that is new each time
    ids=lambda value: value if isinstance(value, str) else "bytes",
)
def test_what_came_before_a_break_is_kept(broken: bytes, says: str) -> None:
    found = fragments()
    with pytest.raises(UnexpectedAnswer, match=f"^ex01 answered with {says}; ask again.$"):
        found.defragment(WHOLE + broken)
    assert list(found.arrived.outputs) == [b"<S>kept</S>"]


@given(st.binary(max_size=120))
def test_bytes_of_a_stranger_give_messages_or_one_error(data: bytes) -> None:
    found = fragments()
    with suppress(UnexpectedAnswer):
        found.defragment(data)
    assert found.received == len(data)


def test_fragments_that_never_end_do_not_fill_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remoting_fragments, "MAX_MESSAGE_BYTES", 10_000)
    found = fragments()
    part = b"x" * 1000
    endless = (
        struct.pack(">QQBI", 1, number, number == 0, len(part)) + part for number in range(100)
    )
    with pytest.raises(UnexpectedAnswer, match="messages of more than 10000 bytes"):
        deque(map(found.defragment, endless))
    assert found.received < 12_000


def test_messages_that_are_begun_and_left_do_not_fill_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remoting_fragments, "MAX_MESSAGE_BYTES", 10_000)
    found = fragments()
    begun = (struct.pack(">QQBI", number, 0, 1, 0) for number in range(10_000))
    with pytest.raises(UnexpectedAnswer, match="messages of more than 10000 bytes"):
        deque(map(found.defragment, begun))
    assert found.received < 12_000


def test_the_private_parts_of_pypsrp_are_where_they_were() -> None:
    """If this fails, read pypsrp's changes before changing PYPSRP: every shell goes through it."""
    assert version("pypsrp") == PYPSRP == "0.9.1"
    wsman = WSMan("ex01", ssl=False, auth="ntlm", username="x", password="x")
    assert wsman.transport.session is None
    assert wsman.transport.encryption is None
    assert callable(wsman.transport._build_session)
    pool = RunspacePool(wsman)
    assert type(pool._fragmenter) is Fragmenter
    assert {"max_size", "serializer", "outgoing_counter"} <= vars(pool._fragmenter).keys()


def test_another_release_of_pypsrp_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remoting_pool, "PYPSRP", "0.9.0")
    with pytest.raises(SourceUnreachable, match=r"0\.9\.1 is installed where .* needs 0\.9\.0"):
        RemotePool(ShellSettings("ex01"), Secret(None))
