"""Evidence in DuckDB: it comes out as it went in, and a rule's answer has its three values."""

from __future__ import annotations

import datetime as dt
import gc
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from auditor.errors import BundleRefused, QueryRefused
from auditor.evidence.answer import Parameters
from auditor.evidence.base import Evidence, UtcTime
from auditor.evidence.bundle import BundleWriter, Header, open_bundle, seal
from auditor.evidence.columns import column_definitions
from auditor.evidence.database import Database
from auditor.evidence.tables import BY_NAME

HOSTILE = 'a\0b\u2028c\u2029\u200f\u202e<script>=cmd()\'; Remove-Mailbox "x" \\ \n\r\t \U0001f4f1'


class Level(StrEnum):
    LOW = "low"
    HIGH = "high"


class Phone(Evidence):
    """A row with a column of every type."""

    table: ClassVar[str] = "phone"
    key: ClassVar[tuple[str, ...]] = ("name",)

    name: str
    note: str | None
    count: int | None
    weight: float | None
    enabled: bool | None
    seen: UtcTime | None
    bought: dt.date | None
    level: Level
    side: Literal["left", "right"]


class Owner(Evidence):
    """Column names that are words of SQL."""

    table: ClassVar[str] = "owner"
    key: ClassVar[tuple[str, ...]] = ("select", "order")

    select: str
    order: int


MODELS: tuple[type[Evidence], ...] = (Phone, Owner)
COLUMNS = ", ".join(Phone.model_fields)

phones = st.lists(
    st.builds(
        Phone,
        name=st.text(),
        note=st.none() | st.text(),
        count=st.none() | st.integers(-(2**63), 2**63 - 1),
        weight=st.none() | st.floats(allow_nan=False, allow_infinity=False),
        enabled=st.none() | st.booleans(),
        seen=st.none() | st.datetimes(timezones=st.just(dt.UTC)),
        bought=st.none() | st.dates(),
        level=st.sampled_from(Level),
        side=st.sampled_from(["left", "right"]),
    ),
    max_size=60,
    unique_by=lambda row: row.name,
)


def phone(name: str, *, enabled: bool | None = None, note: str | None = None) -> Phone:
    return Phone(
        name=name,
        note=note,
        count=None,
        weight=None,
        enabled=enabled,
        seen=None,
        bought=None,
        level=Level.LOW,
        side="left",
    )


def encoded(rows: list[Phone]) -> Iterator[bytes]:
    for start in range(0, len(rows), 7):
        yield TypeAdapter(list[Phone]).dump_json(rows[start : start + 7])


def stored(database: Database) -> list[Phone]:
    answer = database.select(f"select {COLUMNS} from phone", {}, seconds=10)
    return [
        Phone.model_validate(dict(zip(answer.columns, row, strict=True)), strict=False)
        for row in answer.rows
    ]


@pytest.fixture
def database() -> Iterator[Database]:
    with Database(MODELS) as opened:
        opened.lock()
        yield opened


@settings(deadline=None, max_examples=40)
@given(rows=phones, way=st.sampled_from(["load", "insert", "insert locked"]))
def test_any_rows_come_out_as_they_went_in(rows: list[Phone], way: str) -> None:
    with Database(MODELS) as database:
        if way == "load":
            assert database.load(Phone, encoded(rows)) == len(rows)
        elif way == "insert":
            database.insert(rows)
        else:
            database.lock()
            database.insert(rows)
        assert stored(database) == rows


EMPTY = Header(
    format_version=1, kind="evidence", tool_version="0.1.0", title="", created_at=None, details={}
)


@settings(deadline=None, max_examples=25)
@given(rows=phones)
def test_any_rows_come_out_of_a_file_as_they_went_into_a_bundle(rows: list[Phone]) -> None:
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        with BundleWriter(place / "open", EMPTY) as writer:
            for row in rows:
                writer.append(row)
        seal(place / "open", place / "x.zip", force=False)
        with (
            open_bundle(place / "x.zip", "evidence", MODELS) as bundle,
            Database(MODELS, directory=place) as database,
        ):
            assert database.load(Phone, bundle.encoded_pages(Phone)) == len(rows)
            database.lock()
            assert stored(database) == rows


def test_hostile_text_survives_bundle_database_and_select(tmp_path: Path) -> None:
    rows = [phone(HOSTILE, note=HOSTILE), phone("")]
    header = Header(
        format_version=1,
        kind="evidence",
        tool_version="0.1.0",
        title=HOSTILE,
        created_at=None,
        details={HOSTILE: HOSTILE},
    )
    with BundleWriter(tmp_path / "open", header) as writer:
        for row in rows:
            writer.append(row)
    seal(tmp_path / "open", tmp_path / "x.zip", force=False)
    with (
        open_bundle(tmp_path / "x.zip", "evidence", MODELS) as bundle,
        Database(MODELS, directory=tmp_path) as database,
    ):
        assert bundle.header == header
        assert database.load(Phone, bundle.encoded_pages(Phone)) == 2
        database.lock()
        found = database.judge(
            "select name as subject_id, note as subject, note = $note as ok from phone"
            " where name = $note",
            {"note": HOSTILE},
            seconds=10,
        )
        assert (found.passed, found.rows) == (1, [])
        assert stored(database) == rows


@pytest.mark.parametrize("in_memory", [True, False])
def test_many_rows_are_inserted_in_their_order(tmp_path: Path, in_memory: bool) -> None:
    rows = [phone(f"{number:05}") for number in range(1_234)]
    with Database(MODELS, directory=None if in_memory else tmp_path) as database:
        database.insert([*rows, Owner(select="a", order=1)])
        assert list(database.rows("select name from phone")) == [(row.name,) for row in rows]
        assert list(database.rows('select "select", "order" from owner')) == [("a", 1)]


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**400])
@pytest.mark.parametrize("way", ["load", "insert"])
def test_a_number_of_more_than_64_bits_is_refused(number: int, way: str) -> None:
    rows = [phone("a").model_copy(update={"count": number})]
    with Database(MODELS) as database:
        with pytest.raises(BundleRefused, match="a whole number in phone has more than 64 bits"):
            database.insert(rows) if way == "insert" else database.load(Phone, encoded(rows))
        assert stored(database) == []


@pytest.mark.parametrize("weight", [float("nan"), float("inf")])
def test_a_number_that_json_cannot_write_is_no_evidence(weight: float) -> None:
    with pytest.raises(ValueError, match="finite number"):
        Phone.model_validate({**phone("a").model_dump(), "weight": weight})


def test_two_rows_with_one_key_are_refused_by_name() -> None:
    with Database(MODELS) as database:
        with pytest.raises(BundleRefused, match=r"phone holds two rows with name 'a'; ask"):
            database.load(Phone, encoded([phone("a"), phone("b"), phone("a", note="x")]))
        database.insert([Owner(select="a", order=1), Owner(select="a", order=2)])
        with pytest.raises(BundleRefused, match="owner holds two rows with select 'a', order 2"):
            database.insert([Owner(select="a", order=2)])


@settings(deadline=None, max_examples=60)
@given(
    keys=st.lists(
        st.tuples(
            st.text(alphabet="aA ,'\0\u0301", max_size=2), st.sampled_from([-1, 0, 1, 10, 2**62])
        ),
        max_size=12,
    )
)
def test_rows_are_refused_only_where_two_have_one_key(keys: list[tuple[str, int]]) -> None:
    rows = [Owner(select=name, order=number) for name, number in keys]
    with Database(MODELS) as database:
        if len(set(keys)) == len(keys):
            database.insert(rows)
            assert list(database.rows('select "select", "order" from owner')) == keys
        else:
            with pytest.raises(BundleRefused, match="owner holds two rows with select "):
                database.insert(rows)


def test_keys_that_differ_are_no_duplicates_where_their_hashes_are_equal() -> None:
    with Database(MODELS) as database:
        list(database.rows("create macro hash(key) as 7"))
        assert list(database.rows("select hash('a') = hash('b')")) == [(True,)]
        assert database.load(Phone, encoded([phone("a"), phone("b")])) == 2
        with pytest.raises(BundleRefused, match="phone holds two rows with name 'a'; ask"):
            database.insert([phone("a")])


def test_subjects_that_differ_are_judged_where_their_hashes_are_equal() -> None:
    with Database(MODELS) as database:
        list(database.rows("create macro hash(key) as 7"))
        database.insert([phone("a", enabled=True), phone("b", enabled=True)])
        select = "name as subject, enabled as ok from phone"
        assert database.judge(f"select name as subject_id, {select}", {}, seconds=10).passed == 2
        with pytest.raises(QueryRefused, match="it gave 2 rows for 1 subjects"):
            database.judge(f"select side as subject_id, {select}", {}, seconds=10)


def test_pages_that_end_in_a_refusal_leave_the_table_empty() -> None:
    def pages() -> Iterator[bytes]:
        yield from encoded([phone("a")])
        raise BundleRefused("table phone was changed")

    with Database(MODELS) as database:
        with pytest.raises(BundleRefused, match="was changed"):
            database.load(Phone, pages())
        assert stored(database) == []
        assert database.load(Phone, encoded([phone("b")])) == 1


def test_a_table_without_rows_is_loaded_as_empty() -> None:
    with Database(MODELS) as database:
        assert database.load(Phone, []) == 0
        assert database.load(Phone, [b"[]"]) == 0
        assert stored(database) == []


def test_clear_empties_every_table(database: Database) -> None:
    for names in ("ab", "bc"):
        database.insert([*(phone(name) for name in names), Owner(select="a", order=1)])
        assert [row.name for row in stored(database)] == list(names)
        database.clear()
    assert list(database.rows("select count(*) from owner")) == [(0,)]


def test_columns_have_the_types_of_the_models() -> None:
    assert column_definitions(Phone).split(", ") == [
        '"name" VARCHAR not null',
        '"note" VARCHAR',
        '"count" BIGINT',
        '"weight" DOUBLE',
        '"enabled" BOOLEAN',
        '"seen" TIMESTAMP',
        '"bought" DATE',
        '"level" VARCHAR not null',
        '"side" VARCHAR not null',
    ]


def test_every_table_of_this_version_becomes_a_table() -> None:
    with Database(tuple(BY_NAME.values())) as database:
        for model in BY_NAME.values():
            columns = ", ".join(f'"{name}"' for name in model.model_fields)
            sql = f"select {columns} from {model.table}"
            assert database.tables_read(sql) == {model.table}
            assert database.select(sql, {}, seconds=10).rows == []


def test_a_list_is_no_column() -> None:
    class Bag(Evidence):
        table: ClassVar[str] = "bag"
        key: ClassVar[tuple[str, ...]] = ("names",)

        names: tuple[str, ...]

    with pytest.raises(TypeError, match="a table column cannot be of type"):
        Database([Bag])


def test_ok_has_three_values_and_only_what_did_not_pass_comes_back(database: Database) -> None:
    database.insert(
        [
            phone("b", enabled=False, note="x"),
            phone("a"),
            phone("c", enabled=True),
            phone("d", enabled=True),
        ]
    )
    found = database.judge(
        "select name as subject_id, upper(name) as subject, enabled as ok, note from phone",
        {},
        seconds=10,
    )
    assert found.columns == ("subject_id", "subject", "ok", "note")
    assert (found.passed, found.failed, found.unknown) == (2, 1, 1)
    assert found.rows == [
        {"subject_id": "a", "subject": "A", "ok": None, "note": None},
        {"subject_id": "b", "subject": "B", "ok": False, "note": "x"},
    ]


def test_no_rows_are_counted_as_none(database: Database) -> None:
    found = database.judge(
        "select name as subject_id, name as subject, enabled as ok from phone", {}, seconds=10
    )
    assert (found.passed, found.failed, found.unknown, found.rows) == (0, 0, 0, [])


def test_values_come_back_as_python_has_them_and_times_in_utc(database: Database) -> None:
    seen = dt.datetime(2026, 11, 21, 9, 30, 1, 250, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    values = {"count": 3, "weight": 0.5, "seen": seen, "bought": dt.date(2026, 1, 2)}
    database.insert([Phone.model_validate({**phone("a", enabled=False).model_dump(), **values})])
    sql = (
        "select name as subject_id, name as subject, enabled as ok, count, weight, seen, bought,"
        " level, 1.5 as price, sum(count) over () as total, null as nothing from phone"
    )
    expected = {
        "subject_id": "a",
        "subject": "a",
        "ok": False,
        "count": 3,
        "weight": 0.5,
        "seen": seen.astimezone(dt.UTC),
        "bought": dt.date(2026, 1, 2),
        "level": "low",
        "price": Decimal("1.5"),
        "total": 3,
        "nothing": None,
    }
    assert database.judge(sql, {}, seconds=10).rows == [expected]
    answer = database.select(sql, {}, seconds=10)
    assert [dict(zip(answer.columns, row, strict=True)) for row in answer.rows] == [expected]
    assert str(answer.rows[0][5]) == "2026-11-21 07:30:01.000250+00:00"


@pytest.mark.parametrize(
    ("select", "says"),
    [
        ("name as subject_id, name as subject", "must return ok as BOOLEAN, it has no such"),
        ("name as subject_id, enabled as ok", "must return subject as VARCHAR, it has no such"),
        ("name as subject, enabled as ok", "must return subject_id as VARCHAR"),
        ("name as subject_id, name as subject, 1 as ok", "ok as BOOLEAN, it has INTEGER"),
        ("name as subject_id, name as subject, 'yes' as ok", "ok as BOOLEAN, it has VARCHAR"),
        ("name as subject_id, name as subject, null as ok", "ok as BOOLEAN, it has "),
        ("count as subject_id, name as subject, enabled as ok", "subject_id as VARCHAR, it has"),
        ("name as subject_id, note as subject, enabled as ok", "for every row; 2 lack one"),
        ("note as subject_id, name as subject, enabled as ok", "for every row; 2 lack one"),
        ("side as subject_id, name as subject, enabled as ok", "2 rows for 1 subjects"),
        ("name as subject_id, name as subject, enabled as ok, phone as p", "not a plain value"),
    ],
)
def test_an_answer_of_another_shape_is_refused(database: Database, select: str, says: str) -> None:
    database.insert([phone("a", enabled=True), phone("b", enabled=True)])
    with pytest.raises(QueryRefused, match=says):
        database.judge(f"select {select} from phone", {}, seconds=10)
    # and nothing of it is left behind for the next rule
    ok = "select name as subject_id, name as subject, enabled as ok from phone"
    assert database.judge(ok, {}, seconds=10).passed == 2


def test_membership_is_three_valued(database: Database) -> None:
    def member(value: str) -> object:
        sql = f"select {value} in (select note from phone) as x"
        return database.select(sql, {}, seconds=10).rows[0][0]

    assert member("'a'") is False  # nothing named at all
    assert member("null") is False  # even of an unknown value
    database.insert([phone("1", note="a"), phone("2")])
    assert member("'a'") is True
    assert member("'b'") is None  # one name could not be read: cannot tell
    assert member("null") is None


def test_parameters_are_bound_by_name_and_spare_ones_ignored(database: Database) -> None:
    database.insert([phone("a"), phone("b")])
    as_of = dt.date(2026, 1, 1)
    sql = "select name, $as_of as as_of from phone where name = $name"
    for name, rows in (("a' or true --", []), ("b", [("b", as_of)])):
        given: Parameters = {"name": name, "as_of": as_of, "spare": 1}
        assert database.select(sql, given, seconds=10).rows == rows
    found = database.judge(
        "select name as subject_id, name as subject, name = $name as ok from phone;  -- end",
        {"name": "a", "spare": 2},
        seconds=10,
    )
    assert (found.passed, found.failed) == (1, 1)


def test_a_moment_as_parameter_means_the_same_moment_in_utc(database: Database) -> None:
    at = dt.datetime(2026, 11, 21, 1, 30, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    sql = "select cast($at as varchar) as x"
    assert database.select(sql, {"at": at}, seconds=10).rows == [("2026-11-20 23:30:00",)]


def test_a_parameter_without_a_value_is_named(database: Database) -> None:
    sql = "select name from phone where name = $name and note = $note"
    with pytest.raises(QueryRefused, match=r"names \$note, which nobody gave a value"):
        database.select(sql, {"name": "a"}, seconds=10)


def test_a_limit_says_whether_rows_were_left_out(database: Database) -> None:
    database.insert([phone(name) for name in "abc"])
    sql = "select name from phone order by name"
    for limit, names, more in ((2, "ab", True), (3, "abc", False), (None, "abc", False)):
        answer = database.select(sql, {}, seconds=10, limit=limit)
        assert (answer.rows, answer.more) == ([(name,) for name in names], more)


def test_two_columns_of_one_name_are_refused(database: Database) -> None:
    with pytest.raises(QueryRefused, match="two columns are called 'name'"):
        database.select("select name, name from phone", {}, seconds=10)


ENDLESS = " cross join ".join(f"phone p{number}" for number in range(6))


def endless(database: Database) -> None:
    database.insert([phone(str(number)) for number in range(300)])


def test_endless_work_is_stopped_and_the_next_query_runs(database: Database) -> None:
    endless(database)
    start = time.monotonic()
    with pytest.raises(QueryRefused, match=r"ran for more than 0\.3 s and was stopped"):
        database.select(f"select count(*) as n from {ENDLESS}", {}, seconds=0.3)
    with pytest.raises(QueryRefused, match=r"ran for more than 0\.3 s and was stopped"):
        database.judge(
            f"select p0.name as subject_id, p0.name as subject, true as ok from {ENDLESS}",
            {},
            seconds=0.3,
        )
    assert time.monotonic() - start < 20
    assert database.select("select count(*) as n from phone", {}, seconds=10).rows == [(300,)]


def test_rows_of_many_pages_come_whole_and_in_order(database: Database) -> None:
    seen = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
    names = [f"{number:05}" for number in range(4_321)]
    database.insert([phone(name).model_copy(update={"seen": seen}) for name in names])
    for columns, more in (("name", ()), ("name, seen", (seen,))):
        answer = database.select(f"select {columns} from phone order by name", {}, seconds=10)
        assert answer.rows == [(name, *more) for name in names]
    found = database.judge(
        "select name as subject_id, name as subject, false as ok, seen from phone", {}, seconds=10
    )
    assert [(row["subject_id"], row["seen"]) for row in found.rows] == [(n, seen) for n in names]


@pytest.mark.parametrize("limit", [None, 4, 5, 7])
def test_as_many_rows_as_an_answer_may_have_are_given_and_one_more_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch, limit: int | None
) -> None:
    monkeypatch.setattr("auditor.evidence.database.MOST_ROWS", 5)
    monkeypatch.setattr("auditor.evidence.database.ROWS_AT_ONCE", 2)
    sql = "select name from phone order by name"
    database.insert([phone(name) for name in "abcde"])
    answer = database.select(sql, {}, seconds=10, limit=limit)
    assert answer.rows == [(name,) for name in "abcde"[:limit]]
    assert answer.more is (limit == 4)
    database.insert([phone("f")])
    if limit == 4:
        assert database.select(sql, {}, seconds=10, limit=limit) == answer
        return
    with pytest.raises(QueryRefused, match="gives more than 5 rows; narrow it down"):
        database.select(sql, {}, seconds=10, limit=limit)


def test_a_query_that_gives_rows_without_end_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditor.evidence.database.MOST_ROWS", 1_000)
    endless(database)
    with pytest.raises(QueryRefused, match="gives more than 1,000 rows; narrow it down"):
        database.select(f"select p0.name from {ENDLESS}", {}, seconds=30)


def test_a_query_that_wants_all_memory_is_refused(tmp_path: Path) -> None:
    with Database(MODELS, directory=tmp_path, memory_limit="40MB") as database:
        endless(database)
        database.lock()
        with pytest.raises(QueryRefused, match=r"needs more memory|was stopped"):
            database.select(
                "select length(string_agg(a.name || b.name || c.name, '' order by a.name)) as n"
                " from phone a, phone b, phone c",
                {},
                seconds=2,
            )


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
def test_ctrl_c_stops_a_query_as_ctrl_c(database: Database) -> None:
    endless(database)
    alarm = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    alarm.start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        database.select(f"select count(*) as n from {ENDLESS}", {}, seconds=60)
    alarm.join()
    assert time.monotonic() - started < 30, "the query ran to its deadline"


def test_nothing_is_written_to_the_terminal(
    database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    endless(database)
    with pytest.raises(QueryRefused, match="was stopped"):
        database.select(f"select count(*) as n from {ENDLESS}", {}, seconds=2.5)
    assert capfd.readouterr() == ("", "")


def test_two_streams_of_rows_can_be_read_side_by_side(database: Database) -> None:
    database.insert([phone("a"), phone("b")])
    sql = "select name from phone where name >= $least order by name"
    found = [
        (outer, inner)
        for (outer,) in database.rows(sql, {"least": "a"})
        for (inner,) in database.rows(sql, {"least": "b"})
    ]
    assert found == [("a", "b"), ("b", "b")]


def test_closing_leaves_no_file_behind(tmp_path: Path) -> None:
    with Database(MODELS, directory=tmp_path) as database:
        database.insert([phone("a")])
        assert [path.suffix for path in tmp_path.rglob("*.duckdb")] == [".duckdb"]
    assert list(tmp_path.iterdir()) == []


def test_a_database_in_memory_leaves_no_file_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Database(MODELS):
        assert [path.name[:8] for path in tmp_path.iterdir()] == ["auditor-"]
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def table_oids(database: Database) -> dict[str, int]:
    return dict(database.rows("select table_name, table_oid from duckdb_tables()"))


def test_what_a_table_held_before_it_was_cleared_decides_nothing(database: Database) -> None:
    """DuckDB 2.0 folded `sum(x) > 0` to false by statistics of rows that had been truncated."""
    optimizers = list(database.rows("select current_setting('disabled_optimizers')"))
    assert optimizers == [("statistics_propagation",)]
    before = table_oids(database)
    database.insert([phone("one")])
    database.clear()
    assert {name for name, oid in table_oids(database).items() if before[name] != oid} == {"phone"}
