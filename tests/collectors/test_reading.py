"""Typed reading of one property: absence, emptiness and a wrong shape never look alike."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.collectors import reading
from auditor.errors import UnexpectedAnswer
from auditor.sources.clixml import PsObject, PsValue

MAILBOX = ("Microsoft.Exchange.Data.Directory.Management.Mailbox",)
GUID = "C07D2FBC-48f5-4a90-b7d7-5ec79d2844b4"


def holding(value: PsValue) -> PsObject:
    return PsObject({"It": value}, MAILBOX, None, "mailbox.xml, object 7")


NOTHING = PsObject({}, MAILBOX, None, "mailbox.xml, object 7")


def test_text_that_must_be_there_is_given_as_written() -> None:
    assert reading.text(holding(" Ann "), "It") == " Ann "


@pytest.mark.parametrize("value", [None, "", 5, True, ["Ann"], {"a": "b"}, "half \ud800"])
def test_text_of_another_shape_names_property_value_and_place(value: PsValue) -> None:
    with pytest.raises(UnexpectedAnswer, match=r"It of Mailbox holds .* where text belongs") as e:
        reading.text(holding(value), "It")
    assert "(mailbox.xml, object 7)" in str(e.value)


def test_a_long_wrong_value_is_quoted_short_and_without_control_characters() -> None:
    with pytest.raises(UnexpectedAnswer) as error:
        reading.guid(holding("\x1b[2J" + "x" * 5_000), "It")
    assert len(str(error.value)) < 300
    assert "\x1b" not in str(error.value)


@pytest.mark.parametrize(
    "read", [reading.text, reading.text_or_empty, reading.guid, reading.moment, reading.texts]
)
def test_a_property_that_must_be_there_and_is_not_raises(
    read: Callable[[PsObject, str], object],
) -> None:
    with pytest.raises(UnexpectedAnswer, match="has no property It"):
        read(NOTHING, "It")


def test_a_left_out_property_is_none_and_one_that_holds_nothing_is_empty_text() -> None:
    assert reading.optional_text(NOTHING, "It") is None
    assert reading.optional_text(holding(None), "It") == ""
    assert reading.optional_guid(NOTHING, "It") is None
    assert reading.optional_guid(holding(None), "It") == ""
    assert reading.text_or_empty(holding(None), "It") == ""


def test_a_guid_loses_braces_and_capitals() -> None:
    assert reading.guid(holding(f"{{{GUID}}}"), "It") == GUID.lower()
    assert reading.optional_guid(holding(GUID), "It") == GUID.lower()


@pytest.mark.parametrize("value", ["Ann", GUID[:-1], f"{GUID} ", None, 5])
def test_what_is_no_guid_raises(value: PsValue) -> None:
    with pytest.raises(UnexpectedAnswer):
        reading.guid(holding(value), "It")


@pytest.mark.parametrize(
    ("value", "flag"), [(True, True), (False, False), ("True", True), ("false", False)]
)
def test_flags_come_as_truth_or_as_its_text(value: PsValue, flag: bool) -> None:
    assert reading.flag(holding(value), "It") is flag


def test_a_flag_that_nobody_set_is_unknown() -> None:
    assert reading.flag(NOTHING, "It") is None
    assert reading.flag(holding(None), "It") is None
    assert reading.flag(holding(""), "It") is None


@pytest.mark.parametrize("value", [1, 0, " ", "yes", [True]])
def test_what_is_neither_true_nor_false_raises(value: PsValue) -> None:
    with pytest.raises(UnexpectedAnswer, match="True or False"):
        reading.flag(holding(value), "It")


def test_whole_numbers_come_as_numbers_or_as_their_text() -> None:
    assert reading.whole(holding(1), "It") == 1
    assert reading.whole(holding("-20"), "It") == -20
    assert reading.whole(holding(None), "It") is None
    assert reading.whole(holding(""), "It") is None
    assert reading.whole(NOTHING, "It") is None


@pytest.mark.parametrize(
    "value", [True, 1.5, "1.5", " ", "9" * 5_000, "\u0661", 2**63, -(2**63) - 1]
)
def test_what_is_no_whole_number_raises(value: PsValue) -> None:
    with pytest.raises(UnexpectedAnswer, match="a whole number"):
        reading.whole(holding(value), "It")


GROUPS = (",", ".", "'", "\N{RIGHT SINGLE QUOTATION MARK}", " ", "\xa0", "\u202f", "")


@given(st.integers(0, 2**63 - 1), st.sampled_from(GROUPS), st.sampled_from(["bytes", "octets"]))
def test_a_size_is_read_in_the_writing_of_any_culture(count: int, mark: str, word: str) -> None:
    written = f"{count / 2**30:.3f} GB ({count:,} {word})".replace(",", mark)
    assert reading.size(holding(written), "It") == count


@pytest.mark.parametrize(
    ("written", "count"),
    [("1.2 GB (1,28,84,90,188 bytes)", 1288490188), ("0 B (0 bytes)", 0), (77, 77), ("77", 77)],
)
def test_a_size_may_be_grouped_in_twos_or_be_a_bare_number(written: PsValue, count: int) -> None:
    assert reading.size(holding(written), "It") == count


def test_a_size_that_nobody_gave_is_unknown() -> None:
    assert reading.size(NOTHING, "It") is None
    assert reading.size(holding(None), "It") is None
    assert reading.size(holding(""), "It") is None


def test_a_limit_may_be_unlimited() -> None:
    assert [reading.limit(holding(value), "It") for value in ("Unlimited", "20", 20, None)] == [
        *(None, 20, 20, None)
    ]
    assert [
        reading.size_limit(holding(value), "It") for value in ("unlimited", "1 KB (9 bytes)")
    ] == [None, 9]
    assert reading.limit(NOTHING, "It") is None
    for read in (reading.limit, reading.size_limit):
        with pytest.raises(UnexpectedAnswer):
            read(holding("Unlimitedly"), "It")


def test_a_guid_of_zeros_assigns_nothing() -> None:
    zeros = "00000000-0000-0000-0000-000000000000"
    assert reading.assigned_guid(holding(zeros), "It") == ""
    assert reading.assigned_guid(holding(None), "It") == ""
    assert reading.assigned_guid(holding(GUID), "It") == GUID.lower()
    assert reading.assigned_guid(NOTHING, "It") is None
    assert reading.guid(holding(zeros), "It") == zeros


@pytest.mark.parametrize(
    "value",
    [
        *("Unlimited", " ", "1.2 GB", "1.2 GB (bytes)", "(1.5 GB)", "(1,288.490,188 bytes)"),
        *("(12 bytes) (13 bytes)", "(12 bytes", f"({2**63} bytes)", f"({'9' * 5_000} bytes)"),
        *(-1, 2**63, True, ["77"]),
    ],
)
def test_what_is_no_size_raises(value: PsValue) -> None:
    with pytest.raises(UnexpectedAnswer):
        reading.size(holding(value), "It")


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("00:15:00", 900), ("1.02:00:01", 93_601), ("00:00:01.5000000", 1), ("Unlimited", None)],
)
def test_time_spans_are_counted_in_seconds(written: str, seconds: int | None) -> None:
    assert reading.seconds(holding(written), "It") == seconds


@given(
    st.datetimes(datetime.fromisoformat("1900-01-01"), datetime.fromisoformat("2200-01-01")),
    st.integers(min_value=-14 * 60, max_value=14 * 60),
)
def test_every_time_with_a_zone_is_the_same_moment_in_utc(naive: datetime, offset: int) -> None:
    written = naive.replace(tzinfo=timezone(timedelta(minutes=offset)))
    found = reading.moment(holding(written.isoformat()), "It")
    assert (found, found.tzinfo) == (written, UTC)


def test_times_of_powershell_carry_seven_digits() -> None:
    found = reading.moment(holding("2023-01-05T12:08:37.6177687Z"), "It")
    assert found == datetime(2023, 1, 5, 12, 8, 37, 617768, tzinfo=UTC)


def test_a_time_without_zone_names_no_moment() -> None:
    found = holding("2025-11-03T07:15:30")
    assert reading.optional_moment(found, "It") is None
    with pytest.raises(UnexpectedAnswer, match="a time with its zone"):
        reading.moment(found, "It")


def test_a_property_called_utc_says_its_zone_by_its_name() -> None:
    found = PsObject({"WhenChangedUTC": "2025-11-03T07:15:30"}, MAILBOX)
    moment = datetime(2025, 11, 3, 7, 15, 30, tzinfo=UTC)
    assert reading.optional_moment(found, "WhenChangedUTC") == moment


@pytest.mark.parametrize("value", [None, "", "0001-01-01T00:00:00", "0001-01-01T00:00:00+01:00"])
def test_a_time_that_was_never_set_is_unknown(value: PsValue) -> None:
    assert reading.optional_moment(holding(value), "It") is None


@pytest.mark.parametrize("value", ["yesterday", "13/45/2026", 5, "9999-12-31T23:59:59-14:00"])
def test_what_is_no_time_raises(value: PsValue) -> None:
    with pytest.raises(UnexpectedAnswer):
        reading.optional_moment(holding(value), "It")


def test_a_list_keeps_its_order_and_each_text_once() -> None:
    assert reading.texts(holding(["b", "a", "b"]), "It") == ["b", "a"]
    assert reading.texts(holding(None), "It") == []


@pytest.mark.parametrize("value", ["contoso.com fabrikam.com", [None], [["a"]], [5], ["\udfff"]])
def test_what_is_no_list_of_texts_raises(value: PsValue) -> None:
    with pytest.raises(UnexpectedAnswer, match="a list"):
        reading.texts(holding(value), "It")
