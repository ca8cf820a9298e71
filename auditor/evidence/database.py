"""The tables of the evidence models in DuckDB: a cache that is built from a bundle and thrown away.

The only module that imports duckdb. It never opens a database file that came from elsewhere, and
it is fed nothing but bytes that the models themselves wrote: `read_json` is no validator.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from auditor.errors import BundleRefused, QueryRefused
from auditor.evidence.answer import Answer, Judged, Parameters, Value, in_utc, signals, write_array
from auditor.evidence.base import Evidence
from auditor.evidence.bundle_format import rows_adapter, short
from auditor.evidence.columns import column_definitions, column_types
from auditor.evidence.sandbox import LONGEST_QUERY, Checked, check

PLAIN = frozenset(
    {
        '"NULL"',
        "VARCHAR",
        "BIGINT",
        "HUGEINT",
        "INTEGER",
        "BOOLEAN",
        "DOUBLE",
        "DATE",
        "TIMESTAMP",
    }
)
"""Result types an answer may have, beside DECIMAL(...)."""

MOST_ROWS = 2_000_000
"""Rows an answer may have: a join that lacks its condition fills the memory of any machine."""

ROWS_AT_ONCE = 2_000
WRITTEN_AT_ONCE = 1 << 20
"""Bytes gathered before they are written: a page of rows is too small for a call of its own."""

SECONDS_BETWEEN_LOOKS = 0.1
SMALL = 500
"""Rows up to which a parameter holding JSON is quicker than a file."""


class Database:
    """Evidence in tables; use it as a context manager.

    Without a `directory` everything stays in memory, which suits the tests of a rule. Once locked
    it runs strangers' queries, and rows can still be inserted and cleared.
    """

    def __init__(
        self,
        models: Sequence[type[Evidence]],
        *,
        directory: Path | None = None,
        memory_limit: str = "256MB",
        threads: int = 2,
    ) -> None:
        self._columns = {model.table: frozenset(model.model_fields) for model in models}
        self._scratch = Path(tempfile.mkdtemp(prefix="auditor-", dir=directory))
        place = ":memory:" if directory is None else str(self._scratch / "evidence.duckdb")
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory_limit,
            "threads": threads,
            "temp_directory": str(self._scratch),
            "max_temp_directory_size": "16GB",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        self._db = duckdb.connect(place, config=settings)
        self._parser = duckdb.connect(":memory:", config={"threads": 1})
        self._db.execute("set enable_progress_bar = false")  # it would be written to stdout
        # DuckDB 2.0 was seen to fold `sum(x) > 0` to false by statistics that did not hold, so that
        # a rule passed. Without them the same rules cost as much.
        self._db.execute("set disabled_optimizers = 'statistics_propagation'")
        # A file for one run is not worth compressing: that took as long as reading the rows did.
        self._db.execute("set force_compression = 'uncompressed'")
        self._filled: set[str] = set()
        self._checked: dict[tuple[str, bool], Checked] = {}
        self._locked = False
        self._definitions = {model.table: column_definitions(model) for model in models}
        for table, columns in self._definitions.items():
            self._db.execute(f"create table {table} ({columns})")

    def load(self, model: type[Evidence], pages: Iterable[bytes]) -> int:
        """Fill one table from pages of its rows as `Bundle.encoded_pages` gives them.

        Returns the number of rows. What `pages` raises comes before any row is in. Raises
        BundleRefused, after which the table is of no use, if two rows have the same key or a
        whole number has more than 64 bits.
        """
        path = self._scratch / f"{model.table}.json"
        try:
            with path.open("wb", buffering=WRITTEN_AT_ONCE) as file:
                empty = write_array(pages, file)
            if empty:
                return 0
            columns = ", ".join(f"'{name}': '{kind}'" for name, kind in column_types(model))
            select = f"from read_json($file, format = 'array', columns = {{{columns}}})"
            return self._fill(model, select, {"file": str(path)})
        finally:
            path.unlink(missing_ok=True)

    def insert(self, rows: Sequence[Evidence]) -> None:
        """Add rows of any tables: predictions, reference data, the rows of a rule's test.

        Raises BundleRefused as `load` does.
        """
        for model in dict.fromkeys(type(row) for row in rows):
            own = [row for row in rows if type(row) is model]
            encode = rows_adapter(model).dump_json
            if len(own) > SMALL and not self._locked:
                pages = (own[at : at + SMALL] for at in range(0, len(own), SMALL))
                self.load(model, (encode(page) for page in pages))
                continue
            shape = json.dumps([dict(column_types(model))])
            select = "select unnest(from_json_strict($rows, $shape), max_depth := 2)"
            self._fill(model, select, {"rows": encode(own).decode(), "shape": shape})

    def clear(self) -> None:
        """Empty every table.

        They are made anew: a table that was truncated keeps its old statistics, by which DuckDB
        2.0 takes a value that is NULL now for one that never is (a rule then passes).
        """
        for table in sorted(self._filled):
            self._db.execute(f"drop table {table}")
            self._db.execute(f"create table {table} ({self._definitions[table]})")
        self._filled.clear()

    def lock(self) -> None:
        """Close every way to files and settings; there is no way back."""
        for setting in (
            "enable_external_access = false",
            "python_enable_replacements = false",
            "lock_configuration = true",
        ):
            self._db.execute(f"set {setting}")
        self._locked = True

    def tables_read(self, sql: str, *, star: bool = False) -> frozenset[str]:
        """The evidence tables a query really reads; raises QueryRefused for what is not allowed.

        `star` also allows `*` in place of column names.
        """
        return self._check(sql, star=star).tables

    def rows(self, sql: str, parameters: Parameters | None = None) -> Iterator[tuple[Any, ...]]:
        """Rows of a query of our own, as they come; times are in UTC, without a zone."""
        with self._db.cursor() as cursor, signals():
            cursor.execute(sql, dict(parameters or {}))
            while page := cursor.fetchmany(ROWS_AT_ONCE):
                yield from page

    def select(
        self,
        sql: str,
        parameters: Parameters,
        *,
        seconds: float,
        star: bool = False,
        limit: int | None = None,
    ) -> Answer:
        """Answer a stranger's select, with the first `limit` of its rows.

        Raises QueryRefused for a query that is broken, not allowed, takes more than `seconds`, or
        without a limit gives more than two million rows.
        """
        bound = self._bound(self._check(sql, star=star), parameters)
        with self._deadline(seconds):
            cursor = self._executed(sql, bound)
            columns = _plain_columns(cursor)
            rows = list(_fetched(cursor, columns, None if limit is None else limit + 1))
        more = limit is not None and len(rows) > limit
        return Answer(tuple(columns), rows[:limit] if more else rows, more)

    def judge(self, sql: str, parameters: Parameters, *, seconds: float) -> Judged:
        """Run a rule's query: text `subject_id` and `subject`, boolean `ok`, and what it quotes.

        Passing rows are counted, not fetched. Raises QueryRefused as `select` does, and for an
        answer of another shape: a subject without an id or a name, or judged twice.
        """
        bound = self._bound(self._check(sql, star=False), parameters)
        with self._deadline(seconds):
            self._executed(f"create or replace temp table judged as {sql}", bound)
            try:
                return self._judged()
            finally:
                self._db.execute("drop table judged")

    def close(self) -> None:
        """Close and remove the file."""
        self._db.close()
        self._parser.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _fill(self, model: type[Evidence], select: str, parameters: dict[str, str]) -> int:
        try:
            with signals():
                self._db.execute(f"insert into {model.table} {select}", parameters)
                loaded = self._db.fetchall()[0][0]
        except (duckdb.ConversionException, duckdb.InvalidInputException) as problem:
            # The models have let every value pass, and of those only an int can be too large.
            raise BundleRefused(
                f"a whole number in {model.table} has more than 64 bits; ask for the bundle again"
            ) from problem
        self._filled.add(model.table)
        self._refuse_duplicates(model)
        return int(loaded)

    def _refuse_duplicates(self, model: type[Evidence]) -> None:
        key = ", ".join(f'"{name}"' for name in model.key)
        ((rows, hashes),) = self._db.execute(
            f"select count(*), count(distinct hash({key})) from {model.table}"  # noqa: S608
        ).fetchall()
        if hashes == rows:  # equal keys have equal hashes, so no two keys are equal
            return
        found = self._db.execute(
            f"select {key} from {model.table} group by {key} having count(*) > 1 limit 1"  # noqa: S608
        ).fetchall()
        if found:
            what = ", ".join(
                f"{name} {short(value)}" for name, value in zip(model.key, found[0], strict=True)
            )
            raise BundleRefused(f"{model.table} holds two rows with {what}; ask for it again")

    def _check(self, sql: str, *, star: bool) -> Checked:
        """What a query reads and wants; looked at once, however often it is run."""
        if (sql, star) not in self._checked:
            self._checked[sql, star] = self._looked_at(sql, star=star)
        return self._checked[sql, star]

    def _looked_at(self, sql: str, *, star: bool) -> Checked:
        if len(sql) > LONGEST_QUERY:
            raise QueryRefused(f"the query has {len(sql)} characters, {LONGEST_QUERY} is the most")
        try:
            tree = self._parser.execute("select json_serialize_sql($sql)", {"sql": sql}).fetchall()
            return check(json.loads(tree[0][0]), self._columns, star=star)
        except duckdb.Error as problem:
            raise QueryRefused(_first_line(problem)) from problem
        except RecursionError as problem:
            raise QueryRefused("the query is nested too deeply") from problem

    @staticmethod
    def _bound(checked: Checked, parameters: Parameters) -> dict[str, Value]:
        if missing := sorted(checked.parameters - parameters.keys()):
            raise QueryRefused(f"the query names ${missing[0]}, which nobody gave a value")
        return {name: in_utc(parameters[name]) for name in checked.parameters}

    def _executed(self, sql: str, bound: dict[str, Value]) -> duckdb.DuckDBPyConnection:
        """Run a query that may take long in a thread of its own.

        DuckDB looks for Ctrl-C between its tasks, and one task may run for minutes; this thread
        looks all the time, and stops the query. Raises what the query raises.
        """
        with ThreadPoolExecutor(max_workers=1) as worker:
            running = worker.submit(self._db.execute, sql, bound)
            while True:
                try:
                    return running.result(timeout=SECONDS_BETWEEN_LOOKS)
                except TimeoutError:
                    continue
                except KeyboardInterrupt:
                    self._db.interrupt()
                    raise

    @contextmanager
    def _deadline(self, seconds: float) -> Iterator[None]:
        alarm = threading.Timer(seconds, self._db.interrupt)
        alarm.daemon = True
        alarm.start()
        try:
            with signals():
                yield
        except duckdb.InterruptException as problem:
            raise QueryRefused(
                f"the query ran for more than {seconds:g} s and was stopped"
            ) from problem
        except duckdb.OutOfMemoryException as problem:
            raise QueryRefused("the query needs more memory than it is given") from problem
        except duckdb.Error as problem:
            raise QueryRefused(_first_line(problem)) from problem
        finally:
            alarm.cancel()

    def _judged(self) -> Judged:
        columns = _plain_columns(self._db.execute("select * from judged limit 0"))
        wanted = {"subject_id": "VARCHAR", "subject": "VARCHAR", "ok": "BOOLEAN"}
        for name, kind in wanted.items():
            if columns.get(name) != kind:
                found = columns.get(name, "no such column")
                raise QueryRefused(f"the query must return {name} as {kind}, it has {found}")
        passed, failed, unknown, nameless, ids = self._db.execute(
            "select count(*) filter (where ok), count(*) filter (where not ok),"
            " count(*) filter (where ok is null),"
            " count(*) filter (where subject_id is null or subject is null),"
            " count(distinct hash(subject_id)) from judged"
        ).fetchall()[0]
        if nameless:
            raise QueryRefused(
                f"the query must return subject_id and subject for every row; {nameless} lack one"
            )
        total = passed + failed + unknown
        if ids < total:  # of hashes; only where some are equal it is worth counting the ids
            ((ids,),) = self._db.execute("select count(distinct subject_id) from judged").fetchall()
        if ids < total:
            raise QueryRefused(
                "the query must return each subject_id once; it gave "
                f"{total} rows for {ids} subjects"
            )
        cursor = self._db.execute("select * from judged where ok is not true order by subject_id")
        rows = [dict(zip(columns, row, strict=True)) for row in _fetched(cursor, columns, None)]
        return Judged(tuple(columns), passed, failed, unknown, rows)


def _plain_columns(cursor: duckdb.DuckDBPyConnection) -> dict[str, str]:
    columns: dict[str, str] = {}
    for name, kind, *_ in cursor.description or []:
        spelled = str(kind)
        if spelled not in PLAIN and not spelled.startswith("DECIMAL"):
            raise QueryRefused(f"column {short(name)} is a {spelled}, not a plain value; cast it")
        if name in columns:
            raise QueryRefused(f"two columns are called {short(name)}; give one another name")
        columns[str(name)] = spelled
    return columns


def _fetched(
    cursor: duckdb.DuckDBPyConnection, columns: Mapping[str, str], limit: int | None
) -> Iterator[tuple[Value, ...]]:
    """The first `limit` rows, without one all of them; more than two million are refused."""
    left = MOST_ROWS + 1 if limit is None else min(limit, MOST_ROWS + 1)
    while left and (page := cursor.fetchmany(min(ROWS_AT_ONCE, left))):
        left -= len(page)
        if "TIMESTAMP" not in columns.values():
            yield from page
            continue
        for row in page:
            yield tuple(v.replace(tzinfo=dt.UTC) if isinstance(v, dt.datetime) else v for v in row)
    if not left and (limit is None or limit > MOST_ROWS):
        raise QueryRefused(f"the query gives more than {MOST_ROWS:,} rows; narrow it down")


def _first_line(problem: duckdb.Error) -> str:
    text = str(problem).split("\nLINE ")[0]
    return " ".join(text.split())[:300]
