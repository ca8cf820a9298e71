"""What a stranger's select may say, and every way out of it that was tried."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import duckdb
import pytest

from auditor.errors import QueryRefused
from auditor.evidence.base import Evidence
from auditor.evidence.database import Database


class Phone(Evidence):
    table: ClassVar[str] = "phone"
    key: ClassVar[tuple[str, ...]] = ("name",)

    name: str
    count: int | None
    enabled: bool | None


class Owner(Evidence):
    table: ClassVar[str] = "owner"
    key: ClassVar[tuple[str, ...]] = ("name",)

    name: str


MODELS: tuple[type[Evidence], ...] = (Phone, Owner)


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with Database(MODELS) as opened:
        opened.insert(
            [Phone(name="a", count=1, enabled=True), Phone(name="b", count=2, enabled=None)]
        )
        opened.lock()
        yield opened


REFUSED = {
    "nothing": "",
    "a comment": "-- select 1",
    "no SQL": "selec name from phone",
    "write": "delete from phone",
    "insert": "insert into phone values ('x', 1, true)",
    "update returning": "update phone set name = 'x' returning name",
    "create": "create table x as select name from phone",
    "macro": "create macro lower(x) as 1",
    "attach": "attach 'other.duckdb'",
    "copy": "copy phone to 'out.csv'",
    "export": "export database 'out'",
    "pragma": "pragma table_info(phone)",
    "call": "call duckdb_tables()",
    "setting": "set memory_limit = '64GB'",
    "variable": "set variable x = 1",
    "install": "install httpfs",
    "explain": "explain select name from phone",
    "explain analyze": "explain analyze select name from phone",
    "prepare": "prepare x as select name from phone",
    "transaction": "begin",
    "two statements": "select name from phone; select name from owner",
    "two statements, one write": "select name from phone; delete from phone",
    "into": "select name into x from phone",
    "values": "values (1)",
    "values as a table": "select x from (values (1), (2)) v(x)",
    "read a file by function": "select content as x from read_text('secret.txt')",
    "read a file by name": "select a from 'secret.csv'",
    "read a file by quoted name": 'select a from "secret.parquet"',
    "list files": "select file from glob('*')",
    "sniff a file": "select prompt from sniff_csv('secret.csv')",
    "catalogue function": "select table_name from duckdb_tables()",
    "catalogue view": "select table_name from information_schema.tables",
    "catalogue by another name": "select table_name from duckdb_tables",
    "catalogue of postgres": "select relname from pg_class",
    "catalogue of sqlite": "select name from sqlite_master",
    "environment": "select getenv('HOME') as x",
    "setting as a value": "select current_setting('memory_limit') as x",
    "variable as a value": "select getvariable('x') as x",
    "version": "select version() as x",
    "another schema": "select name from main.phone",
    "another database": "select name from memory.main.phone",
    "the judged table": "select subject_id from judged",
    "a variable of our program": "select name from frame",
    "query as text": "select name from query('select name from phone')",
    "table as text": "select name from query_table('phone')",
    "every column": "select * from phone",
    "every column, from first": "from phone",
    "every column, by table": "table phone",
    "every column of one": "select phone.* from phone",
    "every column but one": "select * exclude (name) from phone",
    "columns by pattern": "select columns('n.*') from phone",
    "order by all": "select name from phone order by all",
    "column by place": "select #1 from phone",
    "column by number of a list": "select name[1] as x from phone",
    "slice": "select name[1:2] as x from phone",
    "a list": "select [1, 2] as x",
    "a list comprehension": "select [x + 1 for x in [1]] as x",
    "a lambda": "select list_transform([1], x -> x + 1) as x",
    "a struct": "select {'a': 1} as x",
    "a map": "select map {'a': 1} as x",
    "a row": "select (1, 2) as x",
    "a method": "select phone.name.upper() as x from phone",
    "range": "select range as x from range(1000000000)",
    "series": "select generate_series as x from generate_series(1, 10)",
    "unnest": "select unnest([1, 2]) as x",
    "repeat": "select repeat('x', 1000000000) as x",
    "pad": "select lpad('x', 1000000000, 'y') as x",
    "regular expression": "select name ~ '(a+)+$' as x from phone",
    "similar to": "select name similar to '(a+)+' as x from phone",
    "glob": "select name glob 'a*' as x from phone",
    "today by function": "select today() as x",
    "today by name": "select current_date as x",
    "now": "select now() as x",
    "the moment by name": "select current_timestamp as x",
    "local time": "select localtimestamp as x",
    "a hidden clock": "select phone.name from phone where current_date is null",
    "the user": "select user as x",
    "the current user": "select current_user as x",
    "the session's user": "select session_user as x",
    "random": "select random() as x",
    "an id": "select uuid() as x",
    "a sequence": "select nextval('x') as x",
    "today as text": "select cast('today' as date) as x",
    "now as text": "select 'now'::timestamp as x",
    "a type of the catalogue": "select 'phone'::regclass as x",
    "json": "select name::json as x from phone",
    "json by arrow": "select name -> 'a' as x from phone",
    "a blob": "select 'x'::blob as x",
    "try": "select try(name) as x from phone",
    "default": "select default as x",
    "grouping sets": "select name, grouping(name) as x from phone group by rollup (name)",
    "sample": "select name from phone using sample 1",
    "tablesample": "select name from phone tablesample 50%",
    "a version": "select name from phone at (version => 1)",
    "positional join": "select a.name from phone a positional join phone b",
    "asof join": "select a.name from phone a asof join phone b on a.count >= b.count",
    "natural join": "select name from phone natural join owner",
    "pivot": "pivot phone on name using count(*)",
    "pivot within": "select x from (pivot phone on name using count(*))",
    "unpivot": "unpivot phone on name into name k value v",
    "describe": "describe phone",
    "describe within": "select column_name from (describe phone)",
    "show": "show tables",
    "show within": "select name from (show tables)",
    "summarize": "summarize phone",
    "recursion": (
        "with recursive r(n) as (select 1 union all select n + 1 from r) select n as x from r"
    ),
    "recursion with a key": (
        "with recursive r(n) using key (n) as (select 1 union select n + 1 from r) select n from r"
    ),
    "a view named like a table": "with phone as (select 'x' as name) select name from phone",
    "a view named like a table, inside": (
        "select name from (with Phone as (select 'x' as name) select name from phone) y"
    ),
    "a view outside its place": (
        "select name from (with x as (select name from phone) select name from x) y, x"
    ),
    "an unknown column": "select guidd as x from phone",
    "an unknown function": "select nosuch(name) as x from phone",
    "joined text in any order": "select string_agg(name, ',') as x from phone",
    "listed values in any order": "select list(name) as x from phone",
    "a parameter by place": "select name from phone where name = ?",
    "a parameter by number": "select name from phone where name = $1",
}


@pytest.mark.parametrize("sql", REFUSED.values(), ids=REFUSED.keys())
def test_refused(database: Database, sql: str) -> None:
    frame = duckdb.sql("select 'leak' as name")  # what a replacement scan would pick up
    assert frame is not None
    given = {"1": "a", "x": "a"}
    with pytest.raises(QueryRefused) as caught:
        database.select(sql, given, seconds=5)
    assert "\n" not in str(caught.value)
    with pytest.raises(QueryRefused):
        database.judge(sql, given, seconds=5)


def test_refusals_say_what_is_not_allowed(database: Database) -> None:
    for sql, says in {
        "select * from phone": "name the columns: * is not allowed in a query",
        "select today() as x": "function today is not allowed in a query",
        "select name from phoned": "there is no evidence table 'phoned'; closest is 'phone'",
        "drop table phone": "a query is one select statement, and this is or holds another",
        "select current_date as x": "current_date differs by day or user: name a parameter",
        "select 1; select 2": "a query is one select statement, here are 2",
        "select guidd as x from phone": 'Binder Error: Referenced column "guidd" not found',
        "selec": 'syntax error at or near "selec"',
        "with phone as (select 1 as x) select x from phone": (
            "with phone as ...: choose a name that no evidence table has"
        ),
    }.items():
        with pytest.raises(QueryRefused) as caught:
            database.select(sql, {}, seconds=5)
        assert str(caught.value).startswith(says)


ALLOWED = {
    "select name from phone": {"phone"},
    "select name from PHONE": {"phone"},
    "SELECT p.name, o.name AS owner FROM phone p JOIN owner o ON o.name = p.name": {
        "phone",
        "owner",
    },
    "select p.name from phone p left join owner o using (name)": {"phone", "owner"},
    "select p.name from phone p, owner o where p.name = o.name": {"phone", "owner"},
    "select name from phone where name in (select name from owner)": {"phone", "owner"},
    "select name from phone where name not in (select name from owner)": {"phone", "owner"},
    "select name from phone p where exists (select 1 from owner o where o.name = p.name)": {
        "phone",
        "owner",
    },
    "with x as (select name from phone) select name from x": {"phone"},
    "with x as materialized (select name from phone), y as (select name from x)"
    " select name from y": {"phone"},
    "with x(n) as (select name from phone) select n from x": {"phone"},
    "select n from (select name as n from phone) x": {"phone"},
    "select name from phone union all select name from owner": {"phone", "owner"},
    "select name from phone except select name from owner order by name": {"phone", "owner"},
    "select (select max(name) from owner) as x from phone": {"phone", "owner"},
    "select name, row_number() over (partition by name order by count) as n from phone"
    " qualify n = 1": {"phone"},
    "select name, count(*) over (partition by enabled) as n from phone": {"phone"},
    "select enabled, count(*) as n, min(name) as least, bool_and(enabled) as all_on"
    " from phone group by enabled having count(*) > 0": {"phone"},
    "select string_agg(name, ', ' order by name) as names from phone": {"phone"},
    "select count(*) filter (where enabled) as n from phone": {"phone"},
    "select distinct lower(trim(name)) as x from phone order by x limit 1 offset 0": {"phone"},
    "select case when count > $least then 'x' else 'y' end as x from phone": {"phone"},
    "select name like 'a%' and name not like 'b%' and name ilike 'A' as x from phone": {"phone"},
    "select count between 1 and 2 or name in ('a', 'b') as x from phone": {"phone"},
    "select count is null or count is not distinct from 1 as x from phone": {"phone"},
    "select coalesce(count, 0) + 2 * 3 - 4 % 3 as x, nullif(name, '') as y from phone": {"phone"},
    "select cast(count as varchar) || name as x, name::varchar as y from phone": {"phone"},
    "select date_diff('day', date '2026-01-01', $day) as x": set(),
    "select split_part(name, '@', -1) as x from phone": {"phone"},
    "select substr(name, 1, 1) as x, replace(name, 'a', 'b') as y, length(name) as z,"
    " starts_with(name, 'a') as s, contains(name, 'a') as c, round(1.25, 1) as r from phone": {
        "phone"
    },
    "select 1 as x  -- the end": set(),
    "select 1 as x; ": set(),
}


@pytest.mark.parametrize(("sql", "tables"), ALLOWED.items(), ids=ALLOWED.keys())
def test_allowed(database: Database, sql: str, tables: set[str]) -> None:
    assert database.tables_read(sql) == tables
    database.select(sql, {"least": 1, "day": "2026-02-01"}, seconds=10)


def test_a_consultant_may_ask_for_every_column(database: Database) -> None:
    for sql in (
        "select * from phone",
        "from phone",
        "select * exclude (count) from phone",
    ):
        assert database.tables_read(sql, star=True) == {"phone"}
        assert len(database.select(sql, {}, seconds=5, star=True).rows) == 2
    for sql in ("select columns('n.*') from phone", "describe phone", "select * from judged"):
        with pytest.raises(QueryRefused):
            database.tables_read(sql, star=True)


def test_a_column_called_user_is_a_column_where_a_table_has_it() -> None:
    class Login(Evidence):
        table: ClassVar[str] = "login"
        key: ClassVar[tuple[str, ...]] = ("user",)

        user: str

    with Database([Login, Owner]) as database:
        database.insert([Login(user="ann")])
        for sql in ("select user from login", "select login.user from login"):
            assert database.select(sql, {}, seconds=5).rows == [("ann",)]
        for sql in ("select user from owner", "select user as x", "select owner.user from owner"):
            with pytest.raises(QueryRefused):
                database.select(sql, {}, seconds=5)


def test_a_parameter_hides_no_table(database: Database) -> None:
    sql = "select name from phone where name in (select name from owner where name > $x)"
    assert database.tables_read(sql) == {"phone", "owner"}


DEEP: dict[str, Callable[[int], str]] = {
    "parentheses": lambda n: "select " + "(" * n + "1" + ")" * n + " as x",
    "not": lambda n: "select " + "not " * n + "true as x",
    "minus": lambda n: "select " + "- " * n + "1 as x",
    "sum": lambda n: "select 1" + " + 1" * n + " as x",
    "functions": lambda n: "select " + "lower(" * n + "'a'" + ")" * n + " as x",
    "subqueries": lambda n: "select " + "(select " * n + "1" + ")" * n + " as x",
    "sources": lambda n: "select name from " + "(select name from " * n + "phone" + ")" * n,
    "joins": lambda n: "select 1 as x from phone" + ", phone" * n,
    "unions": lambda n: "select name from phone" + " union select name from phone" * n,
    "lists": lambda n: "select " + "[" * n + "1" + "]" * n + " as x",
}


@pytest.mark.parametrize("make", DEEP.values(), ids=DEEP.keys())
def test_a_query_of_any_depth_ends_at_once(database: Database, make: Callable[[int], str]) -> None:
    start = time.monotonic()
    for depth in (9, 60, 600, 4_000, 20_000):
        with suppress(QueryRefused):
            database.select(make(depth), {}, seconds=10)
    assert time.monotonic() - start < 30
    with pytest.raises(QueryRefused):
        database.select(make(20_000), {}, seconds=10)


def test_subqueries_nest_ten_deep_at_most(database: Database) -> None:
    for kind in ("subqueries", "sources"):
        database.select(DEEP[kind](10), {}, seconds=10)
        with pytest.raises(QueryRefused, match="nests subqueries 10 deep at most"):
            database.select(DEEP[kind](11), {}, seconds=10)


def test_a_long_query_is_refused_before_it_is_parsed(database: Database) -> None:
    with pytest.raises(QueryRefused, match="has 20009 characters, 20000 is the most"):
        database.select("select 1 " + "-" * 20_000, {}, seconds=5)


def test_a_join_of_very_many_tables_is_refused_before_it_is_planned(database: Database) -> None:
    sql = "select p0.name from phone p0 " + " ".join(
        f"join phone p{n} on true" for n in range(1, 99)
    )
    with pytest.raises(QueryRefused, match="names 50 tables at most, here are 99"):
        database.select(sql, {}, seconds=5)


def test_the_configuration_holds_without_the_tree(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("name\nleak\n")
    with Database(MODELS, directory=tmp_path) as database:
        database.insert([Owner(name="a")])
        database.lock()
        for sql in (
            f"select * from read_csv('{secret}')",
            f"select * from '{secret}'",
            f"copy owner to '{tmp_path}/out.csv'",
            f"attach '{tmp_path}/other.duckdb'",
            f"export database '{tmp_path}/out'",
            "set enable_external_access = true",
            "set memory_limit = '64GB'",
            "set lock_configuration = false",
            "install httpfs",
            "load httpfs",
        ):
            with pytest.raises(duckdb.Error):
                list(database.rows(sql))
        frame = duckdb.sql("select 'leak' as name")
        assert frame is not None
        with pytest.raises(duckdb.Error, match="frame does not exist"):
            list(database.rows("select name from frame"))
        assert not (tmp_path / "out.csv").exists()
