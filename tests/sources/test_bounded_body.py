"""A body is unpacked while it arrives, and never by more than it may have."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.sources.bounded_body import BoundedBody, CutShort, Damaged, TooLarge

LIMIT = 1_000_000


def read(raw: bytes, size: int = 65_536, *, packed: bool | None, limit: int = LIMIT) -> bytes:
    body = BoundedBody(limit, packed=packed)
    for at in range(0, len(raw), size):
        body.add(raw[at : at + size])
    assert body.arrived == len(raw)
    return body.whole()


@given(st.binary(max_size=300), st.integers(1, 40))
def test_a_body_is_what_was_packed_however_it_is_cut_into_chunks(body: bytes, size: int) -> None:
    raw = gzip.compress(body)
    assert read(raw, size, packed=True) == body
    assert read(raw, size, packed=None) == body
    assert read(body, size, packed=False) == body


@given(st.binary(max_size=60).filter(lambda raw: not raw.startswith(b"\x1f\x8b")))
def test_what_does_not_begin_as_gzip_is_taken_as_it_came(raw: bytes) -> None:
    assert read(raw, 1, packed=None) == raw


@given(st.binary(max_size=300), st.data())
def test_a_packed_body_without_its_end_is_cut_short(body: bytes, data: st.DataObject) -> None:
    raw = gzip.compress(body)
    came = data.draw(st.integers(1, len(raw) - 1))
    with pytest.raises(CutShort):
        read(raw[:came], 7, packed=True)


def test_nothing_is_no_body_that_was_cut_short() -> None:
    assert read(b"", packed=True) == b""
    assert read(b"", packed=None) == b""


@pytest.mark.parametrize("size", [1, 65_536])
@pytest.mark.parametrize(
    "behind", [b"\0", b"more", gzip.compress(b"another")], ids=["zero", "text", "a second packing"]
)
def test_what_stands_behind_the_end_of_a_packed_body_damages_it(behind: bytes, size: int) -> None:
    with pytest.raises(Damaged):
        read(gzip.compress(b"body") + behind, size, packed=None)


@pytest.mark.parametrize(
    "raw",
    [b"plain text", b"\x1f\x8b\x09 other", gzip.compress(b"a" * 99)[:-8] * 2],
    ids=["text", "another way to pack", "twice without an end"],
)
def test_what_is_not_packed_as_it_says_is_damaged(raw: bytes) -> None:
    with pytest.raises(Damaged):
        read(raw, packed=True)


@given(st.integers(1, 200), st.integers(0, 200), st.booleans())
def test_the_bound_is_the_last_size_that_is_taken(limit: int, more: int, pack: bool) -> None:
    fitting, larger = b"a" * limit, b"a" * (limit + 1 + more)
    # of a body this small the packing is larger than what it holds, and is bounded too
    bound = limit + 100 if pack else limit
    raw = gzip.compress(fitting) if pack else fitting
    assert read(raw, 5, packed=pack, limit=bound) == fitting
    with pytest.raises(TooLarge):
        read(b"a" * (bound + 1 + more), 5, packed=False, limit=bound)
    with pytest.raises(TooLarge):
        read(gzip.compress(larger * 100), 5, packed=True, limit=bound)


def test_a_packing_that_never_unpacks_to_anything_is_bounded_too() -> None:
    nothing = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    raw = nothing.compress(b"") + b"".join(
        nothing.flush(zlib.Z_FULL_FLUSH) or b"\0\0\0\xff\xff" for _ in range(LIMIT // 5 + 10)
    )
    assert len(raw) > LIMIT
    with pytest.raises(TooLarge):
        read(raw, packed=True)


def test_of_a_bomb_no_more_than_the_bound_is_ever_held() -> None:
    raw = gzip.compress(b"\0" * 200_000_000, 1)
    assert len(raw) < LIMIT
    body = BoundedBody(LIMIT, packed=None)
    tracemalloc.start()
    with pytest.raises(TooLarge):
        body.add(raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * LIMIT
