"""What single values of Graph become."""

from __future__ import annotations

import base64
import datetime as dt
import uuid
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.collectors.graph_reading import (
    guid_of,
    moment,
    object_guid,
    one_of,
    selected,
    synchronised,
    text,
    thumbprint,
)
from auditor.collectors.graph_tenant import GraphTenant
from auditor.collectors.graph_users import GraphLicence, GraphUser
from auditor.errors import UnexpectedAnswer
from auditor.sources.graph import GraphPage
from tests.support.graph_stub import GraphStub, first, graph_of, pages, recorded


@given(st.binary(min_size=16, max_size=16))
def test_sixteen_bytes_are_the_guid_that_active_directory_stores(stored: bytes) -> None:
    written = base64.b64encode(stored).decode()
    assert object_guid(written) == str(uuid.UUID(bytes_le=stored))


@given(st.binary().filter(lambda stored: len(stored) != 16))
def test_other_lengths_are_no_guid(stored: bytes) -> None:
    assert object_guid(base64.b64encode(stored).decode()) == ""


@given(st.text())
def test_any_text_is_a_guid_in_lower_case_or_none(written: str) -> None:
    found = object_guid(written)
    assert found == "" or uuid.UUID(found).bytes_le == base64.b64decode(written, validate=True)


def test_an_immutable_id_that_was_not_read_gives_no_guid() -> None:
    assert object_guid(None) is None


@given(st.binary(min_size=20, max_size=20))
def test_a_thumbprint_is_the_same_in_base64_and_in_digits(stored: bytes) -> None:
    shown = stored.hex().upper()
    assert thumbprint(base64.b64encode(stored).decode()) == shown
    assert thumbprint(stored.hex()) == shown
    assert thumbprint(base64.b64encode(shown.encode()).decode()) == shown


@pytest.mark.parametrize("written", [None, "", "my key", "c2hvcnQ=", "ä" * 40, "=" * 40])
def test_an_identifier_that_is_no_thumbprint_is_none(written: str | None) -> None:
    assert thumbprint(written) is None


def test_null_is_empty_only_where_it_was_said() -> None:
    assert (text(None, True), text(None, False), text("x", False)) == ("", None, "x")
    assert (synchronised(None, True), synchronised(None, False), synchronised(True, True)) == (
        False,
        None,
        True,
    )


def test_year_one_is_never() -> None:
    assert moment(dt.datetime(1, 1, 1, tzinfo=dt.UTC)) is None
    assert moment(None) is None
    told = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    assert moment(told) == told


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(UnexpectedAnswer) as refusal:
        moment(dt.datetime(2026, 1, 2, 3, 4))  # noqa: DTZ001  that is what is refused
    assert str(refusal.value) == (
        "the time 2026-01-02T03:04:00 has no zone, where Graph writes all times in UTC: report it."
    )


def test_only_guids_get_into_a_filter() -> None:
    assert guid_of("87D349ED-44D7-43E1-9A83-5F2406DEE5BD", "it") == (
        "87d349ed-44d7-43e1-9a83-5f2406dee5bd"
    )
    with pytest.raises(UnexpectedAnswer) as refusal:
        guid_of("x) or (true", "the holder")
    assert str(refusal.value) == ("the holder is 'x) or (true', where a GUID belongs: report it.")
    assert one_of("id", ["a", "b"]) == "id in ('a','b')"


def test_a_model_names_what_is_asked_of_it() -> None:
    assert selected(GraphLicence) == "skuId,disabledPlans"


def test_what_was_heard_before_an_error_is_kept_and_not_asked_again() -> None:
    users = [*pages(first("users")), {"value": "nothing of this kind"}]
    stub = GraphStub(recorded(users=users))

    def read(tenant: GraphTenant) -> Iterator[GraphUser]:
        return tenant.items("/users", GraphPage[GraphUser], {})

    with graph_of(stub) as graph:
        tenant = GraphTenant(graph, "global", now=lambda: dt.datetime.now(dt.UTC))
        heard = tenant.once(read)
        assert [user.display_name for user in heard.objects] == ["Ann"]
        assert isinstance(heard.stopped, UnexpectedAnswer)
        assert tenant.once(read) is heard
    assert stub.asked == ["/users"]
