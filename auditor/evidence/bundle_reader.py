"""Opening a bundle: a stranger's file, whose every row passes the strict models again."""

from __future__ import annotations

import hashlib
import os
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
    HEADER,
    LEDGER,
    MANIFEST,
    MANIFEST_DIGEST,
    PARTS,
    SOURCES,
    TABLES,
    Header,
    Kind,
    Limits,
    Manifest,
    SourceFile,
    TableDigest,
    check_header,
    digest_of,
    first_problem,
    is_plain_file,
    parse_json,
    read_lines,
    short,
    table_of,
)
from auditor.evidence.ledger import LedgerLine, not_requested

RECORDS_PER_PAGE = 50
"""Records validated at once: pages of 1,000 cost 40 % more processor time."""

ZIP_END = struct.Struct("<4s4H2LH")
MOST_MEMBERS = 400
LONGEST_DIRECTORY = 200_000

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
        shelf: _Folder | _Zip,
        limits: Limits,
    ) -> None:
        self.name = shelf.name
        self.header = manifest.header
        self.ledger = ledger
        self.sources: Sequence[SourceFile] = manifest.sources
        self.sealed = isinstance(shelf, _Zip)
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
        adapter = TypeAdapter(list[model])  # type: ignore[valid-type]  # the model is a variable
        number = 0
        for page in self._line_pages(digest):
            try:
                rows = adapter.validate_json(b"[" + b",".join(page) + b"]")
            except ValidationError as problem:
                self._refuse_if_changed(digest)
                raise self._bad_row(model, page, number) from problem
            if len(rows) != len(page):
                raise BundleRefused(f"{self.name}: {digest.table} holds several rows in one line")
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
            if len(rest) > self._limits.line or (lines and len(lines[0]) > self._limits.line):
                raise BundleRefused(
                    f"{self.name}: record {count + 1} of {digest.table} is longer than "
                    f"{self._limits.line} bytes; no such row was ever written by this program"
                )
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


class _Folder:
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


class _Zip:
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


def open_bundle(
    path: Path,
    kind: Kind,
    models: Sequence[type[BaseModel]],
    *,
    limits: Limits | None = None,
) -> Bundle:
    """Open a sealed bundle or, for evidence, the folder of a run that was cut off.

    `models` are all tables this version knows. Raises BundleRefused for everything that is not a
    whole bundle of this kind and format, with one sentence and the next step.
    """
    bounds = limits or Limits()
    if path.is_dir():
        return _open_folder(path, kind, models, bounds)
    try:
        file = path.open("rb")
    except OSError as problem:
        raise BundleRefused(
            f"{path} cannot be opened: {problem.strerror}; check the name"
        ) from problem
    try:
        return _open_zip(file, path, kind, models, bounds)
    except BaseException:
        file.close()
        raise


def _open_folder(
    folder: Path, kind: Kind, models: Sequence[type[BaseModel]], limits: Limits
) -> Bundle:
    name = str(folder)
    if not is_plain_file(folder / HEADER):
        raise BundleRefused(
            f"{name} is no bundle: it holds no {HEADER}; a folder of exports goes to "
            "`auditor import`"
        )
    check_header(parse_json(_start_of(folder / HEADER, limits.manifest), name), name, kind)
    if kind == "assessment":
        raise BundleRefused(f"{name} is an assessment that was not finished; run `auditor assess`")
    known = {table_of(model) for model in models}
    for path in folder.iterdir():
        if path.name not in PARTS:
            raise BundleRefused(f"{path} does not belong to a bundle; move it elsewhere")
    shelf = _Folder(folder)
    found = sorted((folder / TABLES).iterdir())
    for path in found:
        if path.suffix != ".jsonl" or path.stem not in known:
            raise BundleRefused(f"{path} is no table this version knows; move it elsewhere")
    digests = tuple(shelf.digest(path.stem, limits.table) for path in found)
    try:
        header = Header.model_validate_json(_start_of(folder / HEADER, limits.manifest))
    except ValidationError as problem:
        raise _damaged(name, HEADER, problem) from problem
    manifest = Manifest(
        header=header,
        ledger=tuple(read_lines(folder / LEDGER, LedgerLine)),
        sources=tuple(read_lines(folder / SOURCES, SourceFile)),
        tables=digests,
    )
    ledger = _ledger(manifest, models, shelf.cut, sealed=False)
    whole = hashlib.sha256(manifest.model_dump_json().encode()).hexdigest()
    return Bundle(manifest, ledger, whole, shelf, limits)


def _open_zip(
    file: IO[bytes], path: Path, kind: Kind, models: Sequence[type[BaseModel]], limits: Limits
) -> Bundle:
    name = str(path)
    _check_end(file, name)
    try:
        archive = zipfile.ZipFile(file)
        members = _members(archive, name)
        text = _member_text(archive, members, MANIFEST, limits.manifest)
        digest = _member_text(archive, members, MANIFEST_DIGEST, 65)
    except BROKEN_ZIP as problem:
        raise BundleRefused(
            f"{name} is no whole bundle ({short(str(problem))}); copy it again"
        ) from problem
    check_header(_header_of(parse_json(text, name)), name, kind)
    if digest != f"{hashlib.sha256(text).hexdigest()}\n".encode():
        raise BundleRefused(
            f"{name}: {MANIFEST} was changed after the bundle was sealed, so nothing it says about "
            "completeness holds; ask for the bundle again"
        )
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as problem:
        raise _damaged(name, MANIFEST, problem) from problem
    _check_members(name, manifest, members, models)
    ledger = _ledger(manifest, models, frozenset(), sealed=True)
    shelf = _Zip(file, archive, name)
    return Bundle(manifest, ledger, digest_of(file), shelf, limits)


def _check_end(file: IO[bytes], name: str) -> None:
    """Look at the end of the archive before zipfile reads a directory of any size into memory."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - ZIP_END.size))
    tail = file.read()
    if len(tail) < ZIP_END.size or tail[:4] != b"PK\x05\x06":
        file.seek(0)
        if file.read(2) == b"PK":
            raise BundleRefused(
                f"{name} is cut off or was packed by another program; copy it again"
            )
        raise BundleRefused(f"{name} is no bundle; exports go to `auditor import`")
    _, _, _, _, members, directory, _, _ = ZIP_END.unpack(tail)
    if members > MOST_MEMBERS or directory > LONGEST_DIRECTORY:
        raise BundleRefused(f"{name} is no bundle: a zip of {members} files; ask for it again")


def _members(archive: zipfile.ZipFile, name: str) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        if member.filename in members:
            raise BundleRefused(f"{name} holds {short(member.filename)} twice; ask for it again")
        members[member.filename] = member
    if MANIFEST not in members or MANIFEST_DIGEST not in members:
        raise BundleRefused(
            f"{name} is a zip without {MANIFEST} and {MANIFEST_DIGEST}, so no bundle; a zip of "
            "exports goes to `auditor import`"
        )
    for member in archive.infolist():
        if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
            raise BundleRefused(
                f"{name} was packed by another program; ask for the file as auditor wrote it"
            )
    return members


def _member_text(
    archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo], member: str, limit: int
) -> bytes:
    with archive.open(members[member]) as file:
        text = file.read(limit + 1)
    if len(text) > limit:
        raise ValueError(f"{member} is larger than {limit} bytes")
    return text


def _header_of(manifest: object) -> object:
    return manifest.get("header") if isinstance(manifest, dict) else None


def _check_members(
    name: str,
    manifest: Manifest,
    members: Mapping[str, zipfile.ZipInfo],
    models: Sequence[type[BaseModel]],
) -> None:
    known = {table_of(model) for model in models}
    named = {digest.table for digest in manifest.tables}
    strangers = sorted(named - known)
    if strangers:
        raise BundleRefused(
            f"{name} holds tables this version does not know ({', '.join(map(short, strangers))}); "
            f"use auditor {manifest.header.tool_version}, which wrote it"
        )
    if len(named) != len(manifest.tables):
        raise BundleRefused(f"{name}: {MANIFEST} names a table twice; ask for the bundle again")
    expected = {MANIFEST, MANIFEST_DIGEST, *(f"{TABLES}/{table}.jsonl.gz" for table in named)}
    if unexpected := sorted(members.keys() - expected):
        raise BundleRefused(
            f"{name} holds {short(unexpected[0])}, which belongs to no bundle; ask for the file as "
            "auditor wrote it"
        )
    if missing := sorted(expected - members.keys()):
        raise BundleRefused(f"{name} lacks {missing[0]}; ask for the bundle again")


def _ledger(
    manifest: Manifest,
    models: Sequence[type[BaseModel]],
    cut: frozenset[str] | set[str],
    *,
    sealed: bool,
) -> dict[str, LedgerLine]:
    said = {line.table: line for line in manifest.ledger}
    if manifest.header.kind != "evidence":
        return said
    rows = {digest.table: digest.rows for digest in manifest.tables}
    ledger = {}
    for table in map(table_of, models):
        line = said.get(table)
        if line is None:
            ledger[table] = _unsaid(table, rows.get(table), sealed=sealed)
        elif line.state == "complete" and (line.rows != rows.get(table, 0) or table in cut):
            detail = (
                f"the ledger counts {line.rows} rows, the bundle holds {rows.get(table, 0)}"
                + (" and one that was not finished" if table in cut else "")
            )
            changes = {"state": "partial", "rows": rows.get(table, 0), "detail": detail}
            ledger[table] = line.model_copy(update=changes)
        else:
            ledger[table] = line.model_copy(update={"rows": rows.get(table, 0)})
    return ledger


def _unsaid(table: str, rows: int | None, *, sealed: bool) -> LedgerLine:
    if rows is None:
        ending = (
            "this bundle does not mention it" if sealed else "the run ended before its turn came"
        )
        return not_requested(table, ending)
    line = not_requested(table, f"the run ended while it was being read; {rows} rows were kept")
    return line.model_copy(update={"state": "partial", "rows": rows})


def _start_of(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        return file.read(limit)


def _damaged(name: str, part: str, problem: ValidationError) -> BundleRefused:
    place, what = first_problem(problem)
    where = ".".join(map(str, place))
    return BundleRefused(f"{name}: {part}, {short(where)}: {what}; ask for the bundle again")
