"""Reading the tables of an open bundle: every row passes the strict models again."""

from __future__ import annotations

import hashlib
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from auditor.errors import BundleRefused
from auditor.evidence.bundle_format import (
    CHUNK,
    TABLES,
    Limits,
    Manifest,
    SourceFile,
    TableDigest,
    first_problem,
    is_plain_file,
    rows_adapter,
    short,
    table_of,
)
from auditor.evidence.ledger import LedgerLine

RECORDS_PER_PAGE = 50
"""Records validated at once: pages of 1,000 cost 40 % more processor time."""

BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OSError,
    ValueError,
)
"""What zipfile raises for damaged archives; RuntimeError for members that want a password."""

Row = TypeVar("Row", bound=BaseModel)


class Bundle:
    """An open bundle; use it as a context manager.

    `ledger` of evidence has a line for every table asked for, whether or not anybody wrote one.
    `sha256` is that of the zip, or of the names and contents of an unsealed folder's tables.
    Rows are known to be those that were sealed only when an iteration has come to its end: a
    table that was changed raises BundleRefused there, so judge nothing before.
    """

    def __init__(
        self,
        manifest: Manifest,
        ledger: Mapping[str, LedgerLine],
        sha256: str,
        shelf: FolderShelf | ZipShelf,
        limits: Limits,
    ) -> None:
        self.name = shelf.name
        self.header = manifest.header
        self.ledger = ledger
        self.sources: Sequence[SourceFile] = manifest.sources
        self.sealed = isinstance(shelf, ZipShelf)
        self.sha256 = sha256
        self._tables = {digest.table: digest for digest in manifest.tables}
        self._shelf = shelf
        self._limits = limits
        self._unpacked: dict[str, int] = {}

    def lines(self, model: type[Row]) -> Iterator[Row]:
        """The rows of one table, one by one, as `pages` gives them."""
        for page in self.pages(model):
            yield from page

    def pages(self, model: type[Row]) -> Iterator[Sequence[Row]]:
        """The rows of one table in the order they were written, about 50 at a time.

        Raises BundleRefused for a row that the strict model refuses (with record, field and
        value), and at the end for a table that is not as it was sealed.
        """
        for rows, _ in self._validated(model):
            yield rows

    def encoded_pages(self, model: type[Row]) -> Iterator[bytes]:
        """The same pages, validated and encoded again as one JSON array of objects each.

        These are our own bytes: no field is missing, no number stands where text belongs.
        """
        for rows, adapter in self._validated(model):
            yield adapter.dump_json(rows)

    def rows_of(self, model: type[BaseModel]) -> int:
        """How many rows the table has, without reading it."""
        digest = self._tables.get(table_of(model))
        return digest.rows if digest else 0

    def close(self) -> None:
        """Close the file."""
        self._shelf.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _validated(self, model: type[Row]) -> Iterator[tuple[list[Row], TypeAdapter[list[Row]]]]:
        digest = self._tables.get(table_of(model))
        if digest is None:
            return
        adapter = rows_adapter(model)
        number = 0
        for page in self._line_pages(digest):
            try:
                rows = adapter.validate_json(b"[" + b",".join(page) + b"]")
            except ValidationError:
                rows = []
            if len(rows) != len(page):  # also where one line holds two rows, or two lines one
                self._refuse_if_changed(digest)
                raise self._bad_row(model, page, number)
            number += len(page)
            yield rows, adapter

    def _line_pages(self, digest: TableDigest) -> Iterator[list[bytes]]:
        seen = hashlib.sha256()
        count = 0
        rest = b""
        held: list[bytes] = []
        for chunk in self._bounded(digest):
            seen.update(chunk)
            lines = (rest + chunk).split(b"\n")
            rest = lines.pop()
            if max(map(len, (rest, *lines))) > self._limits.line:
                raise self._long_line(digest, (*lines, rest), count)
            count += len(lines)
            held += lines
            whole = len(held) - len(held) % RECORDS_PER_PAGE
            for start in range(0, whole, RECORDS_PER_PAGE):
                yield held[start : start + RECORDS_PER_PAGE]
            del held[:whole]
        if seen.hexdigest() != digest.sha256 or count != digest.rows or rest:
            raise self._changed(digest)
        if held:
            yield held

    def _bounded(self, digest: TableDigest) -> Iterator[bytes]:
        size = 0
        for chunk in self._shelf.chunks(digest.table):
            size += len(chunk)
            self._unpacked[digest.table] = size
            if size > self._limits.table or sum(self._unpacked.values()) > self._limits.total:
                raise BundleRefused(
                    f"{self.name}: {digest.table} unpacks to more than this program reads "
                    f"({self._limits.table} bytes a table, {self._limits.total} in all); "
                    "ask for the bundle again"
                )
            yield chunk

    def _is_intact(self, digest: TableDigest) -> bool:
        seen = hashlib.sha256()
        try:
            for chunk in self._bounded(digest):
                seen.update(chunk)
        except BundleRefused:
            return False
        return seen.hexdigest() == digest.sha256

    def _refuse_if_changed(self, digest: TableDigest) -> None:
        if not self._is_intact(digest):
            raise self._changed(digest)

    def _changed(self, digest: TableDigest) -> BundleRefused:
        others = [other for other in self._tables.values() if other.table != digest.table]
        intact = [other.table for other in others if self._is_intact(other)]
        broken = [other.table for other in others if other.table not in intact]
        also = f" (and so were {', '.join(broken)})" if broken else ""
        return BundleRefused(
            f"{self.name}: table {digest.table} was changed or damaged after it was "
            f"{'sealed' if self.sealed else 'opened'}{also}; intact: {', '.join(intact) or 'none'};"
            " ask for the bundle again"
        )

    def _long_line(self, digest: TableDigest, lines: Sequence[bytes], before: int) -> BundleRefused:
        record = next(n for n, line in enumerate(lines, 1) if len(line) > self._limits.line)
        return BundleRefused(
            f"{self.name}: record {before + record} of {digest.table} is longer than "
            f"{self._limits.line} bytes; no such row was ever written by this program"
        )

    def _bad_row(self, model: type[BaseModel], page: list[bytes], before: int) -> BundleRefused:
        for number, line in enumerate(page, before + 1):
            try:
                model.model_validate_json(line)
            except ValidationError as problem:
                place, what = first_problem(problem)
                field = f", field {short('.'.join(map(str, place)))}" if place else ""
                return BundleRefused(
                    f"{self.name}: table {table_of(model)}, record {number}{field}: {what}; "
                    "the bundle was not written by this version of auditor"
                )
        return BundleRefused(f"{self.name}: {table_of(model)}, records {before + 1} on: no rows")


class FolderShelf:
    """The tables of a bundle that is not sealed, up to the last finished line of each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = str(folder)
        self.sizes: dict[str, int] = {}
        self.cut: set[str] = set()

    def digest(self, table: str, limit: int) -> TableDigest:
        """Measure a table as it is now, without a last line that has no end."""
        path = self._path(table)
        if not is_plain_file(path):
            raise BundleRefused(f"{path} is no plain file; move it elsewhere")
        size, rows, finished = 0, 0, 0
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                rows += chunk.count(b"\n")
                last = chunk.rfind(b"\n")
                finished = size + last + 1 if last >= 0 else finished
                size += len(chunk)
                if size > limit:
                    raise BundleRefused(f"{path} is larger than {limit} bytes; collect again")
        self.sizes[table] = finished
        if finished < size:
            self.cut.add(table)
        seen = hashlib.sha256()
        for chunk in self.chunks(table):
            seen.update(chunk)
        return TableDigest(table=table, sha256=seen.hexdigest(), rows=rows)

    def chunks(self, table: str) -> Iterator[bytes]:
        left = self.sizes[table]
        with self._path(table).open("rb") as file:
            while left > 0 and (chunk := file.read(min(CHUNK, left))):
                left -= len(chunk)
                yield chunk

    def close(self) -> None:
        """Nothing stays open between two tables."""

    def _path(self, table: str) -> Path:
        return self.folder / TABLES / f"{table}.jsonl"


class ZipShelf:
    """The tables of a sealed bundle."""

    def __init__(self, file: IO[bytes], archive: zipfile.ZipFile, name: str) -> None:
        self.file = file
        self.archive = archive
        self.name = name

    def chunks(self, table: str) -> Iterator[bytes]:
        member = f"{TABLES}/{table}.jsonl.gz"
        try:
            yield from self._unpacked(member)
        except BROKEN_ZIP as problem:
            raise BundleRefused(
                f"{self.name}: table {table} is damaged ({short(str(problem))}); copy the bundle "
                "again"
            ) from problem

    def close(self) -> None:
        self.archive.close()
        self.file.close()

    def _unpacked(self, member: str) -> Iterator[bytes]:
        unzip = zlib.decompressobj(zlib.MAX_WBITS | 16)  # 16: with a gzip header
        with self.archive.open(member) as packed:
            while not unzip.eof:
                data = unzip.unconsumed_tail or packed.read(CHUNK)
                if not data:
                    raise EOFError("it ends too early")
                if chunk := unzip.decompress(data, CHUNK):
                    yield chunk
            if unzip.unused_data or packed.read(1):
                raise ValueError("something follows its end")
