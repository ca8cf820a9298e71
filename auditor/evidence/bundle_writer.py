"""Writing a bundle: a folder while it grows, one zip with fixed bytes once it is sealed."""

from __future__ import annotations

import gzip
import hashlib
import os
import secrets
import zipfile
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self

from pydantic import BaseModel, TypeAdapter, ValidationError

from auditor.errors import BundleRefused, InputRefused, UnexpectedAnswer
from auditor.evidence.bundle_format import (
    CHUNK,
    HEADER,
    LEDGER,
    LONGEST_LINE,
    MANIFEST,
    MANIFEST_DIGEST,
    PARTS,
    SOURCES,
    TABLE_FILE,
    TABLES,
    Header,
    Manifest,
    SourceFile,
    TableDigest,
    digest_of,
    read_lines,
    table_of,
)
from auditor.evidence.ledger import LedgerLine

ROWS_HELD_BACK = 200
"""Rows of a table kept in memory before they are written; a killed process loses no more."""


def refuse_existing(target: Path, force: bool) -> None:
    """Raise InputRefused if `target` exists and may not be replaced; ask before long work."""
    if target.is_dir():
        raise InputRefused(f"{target} is a folder; name a file to write")
    # lexists: a link that leads nowhere is somebody's file too
    if os.path.lexists(target) and not force:
        raise InputRefused(f"{target} exists already; choose another name or add --force")


class _Table:
    """An open file of JSON Lines and the rows that are still to be written to it."""

    def __init__(self, path: Path, model: type[BaseModel]) -> None:
        self.encode = TypeAdapter(model).dump_json
        self.file = _create(path)
        self.waiting: list[bytes] = []

    def flush(self) -> None:
        # Taken away first: an interrupt in here may lose rows, it must not write them twice.
        rows, self.waiting = self.waiting, []
        if rows:
            _write(self.file, b"\n".join(rows) + b"\n")


class BundleWriter:
    """A bundle that grows in a folder; use it as a context manager.

    Every finished line can be read after a kill, at most the last 200 rows of a table are lost.
    Raises InputRefused if the folder exists and is not empty.
    """

    def __init__(self, folder: Path, header: Header) -> None:
        self._folder = folder
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            if any(folder.iterdir()):
                raise InputRefused(f"{folder} is not empty; name a folder that does not exist yet")
            (folder / TABLES).mkdir(mode=0o700)
        except OSError as problem:
            raise _unwritable(folder, problem) from problem
        with _create(folder / HEADER) as file:
            _write(file, header.model_dump_json(indent=1).encode() + b"\n")
        self._open("xb")

    @classmethod
    def resume(cls, folder: Path, complete: Collection[str]) -> Self:
        """Go on with the folder of a run that was stopped, keeping its `complete` tables.

        What the other tables hold is thrown away: they are asked for again. Raises InputRefused
        for a folder that cannot be written.
        """
        for path in (folder / TABLES).iterdir():
            if TABLE_FILE.fullmatch(path.name) and path.stem not in complete:
                path.unlink()
        for name in (LEDGER, SOURCES):
            _drop_unfinished_line(folder / name)
        writer = cls.__new__(cls)
        writer._folder = folder
        writer._open("ab")
        return writer

    def _open(self, mode: Literal["xb", "ab"]) -> None:
        self._ledger = _create(self._folder / LEDGER, mode)
        self._sources = _create(self._folder / SOURCES, mode)
        self._tables: dict[str, _Table] = {}

    def append(self, row: BaseModel) -> None:
        """Add a row to the table its model names.

        Raises UnexpectedAnswer for a row of more than a megabyte.
        """
        name = table_of(type(row))
        table = self._tables.get(name)
        if table is None:
            table = self._tables[name] = _Table(self._path(name), type(row))
        line = table.encode(row)
        if len(line) > LONGEST_LINE:
            raise UnexpectedAnswer(
                f"a row of {name} has {len(line)} bytes, more than the {LONGEST_LINE} that any "
                "real object needs; look at the object it came from"
            )
        table.waiting.append(line)
        if len(table.waiting) >= ROWS_HELD_BACK:
            table.flush()

    def discard(self, name: str) -> None:
        """Throw away the rows of a table, which is about to be filled from another source."""
        table = self._tables.pop(name, None)
        if table is not None:
            _close(table.file)
            self._path(name).unlink()

    def record(self, line: LedgerLine) -> None:
        """Add a ledger line, after everything of its table is written; the last line counts."""
        if line.table in self._tables:
            self._tables[line.table].flush()
        self._add(self._ledger, line)

    def source(self, file: SourceFile) -> None:
        """Note an input the rows come from."""
        self._add(self._sources, file)

    def close(self) -> None:
        """Write what is waiting and close every file; raises InputRefused if a disk is full."""
        with ExitStack() as files:
            files.callback(_close, self._ledger)
            files.callback(_close, self._sources)
            for table in self._tables.values():
                files.callback(_close, table.file)
                files.callback(table.flush)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _path(self, table: str) -> Path:
        return self._folder / TABLES / f"{table}.jsonl"

    @staticmethod
    def _add(file: IO[bytes], line: BaseModel) -> None:
        _write(file, line.model_dump_json().encode() + b"\n")


def seal(folder: Path, target: Path, *, force: bool) -> str:
    """Pack a finished folder into one zip, remove the folder, and return the zip's SHA-256.

    The same rows give the same bytes. Nothing appears under the name `target` before it is whole.
    Raises InputRefused if `target` exists and `force` is not given, BundleRefused if the folder
    is no finished bundle.
    """
    refuse_existing(target, force)
    tables = _tables_of(folder)
    draft = target.with_name(f".auditor-{secrets.token_hex(8)}.part")
    try:
        with _create(draft, "x+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                _pack(archive, folder, tables)
            file.flush()
            os.fsync(file.fileno())
            digest = digest_of(file)
        refuse_existing(target, force)
        draft.replace(target)
    except OSError as problem:
        raise _unwritable(target, problem) from problem
    finally:
        draft.unlink(missing_ok=True)
    _remove(folder, tables)
    return digest


def _pack(archive: zipfile.ZipFile, folder: Path, tables: dict[str, Path]) -> None:
    digests = []
    for name, path in tables.items():
        with (
            path.open("rb") as rows,
            archive.open(_member(f"{TABLES}/{name}.jsonl.gz"), "w", force_zip64=True) as member,
            gzip.GzipFile("", "wb", 6, member, mtime=0) as packed,
        ):
            digests.append(_copy_rows(name, rows, packed))
    manifest = Manifest(
        header=_header(folder),
        ledger=_last_lines(read_lines(folder / LEDGER, LedgerLine)),
        sources=tuple(read_lines(folder / SOURCES, SourceFile)),
        tables=tuple(digests),
    )
    text = manifest.model_dump_json(indent=1).encode() + b"\n"
    archive.writestr(_member(MANIFEST), text)
    digest = hashlib.sha256(text).hexdigest()
    archive.writestr(_member(MANIFEST_DIGEST), f"{digest}\n".encode())


def _copy_rows(name: str, rows: IO[bytes], packed: gzip.GzipFile) -> TableDigest:
    digest = hashlib.sha256()
    count = 0
    last = b"\n"
    while chunk := rows.read(CHUNK):
        packed.write(chunk)
        digest.update(chunk)
        count += chunk.count(b"\n")
        last = chunk[-1:]
    if last != b"\n":
        raise BundleRefused(f"{name} ends within a row: the run was cut off, collect again")
    return TableDigest(table=name, sha256=digest.hexdigest(), rows=count)


def _member(name: str) -> zipfile.ZipInfo:
    # Everything that would otherwise come from the clock or the operating system is fixed.
    member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    member.create_system = 3
    member.external_attr = 0o100600 << 16
    return member


def _tables_of(folder: Path) -> dict[str, Path]:
    if not (folder / HEADER).is_file() or not (folder / TABLES).is_dir():
        raise BundleRefused(f"{folder} is no bundle: it holds no {HEADER} or no {TABLES}")
    tables = sorted((folder / TABLES).iterdir())
    for path in (*folder.iterdir(), *tables):
        if path.name not in PARTS and not TABLE_FILE.fullmatch(path.name):
            raise BundleRefused(f"{path} does not belong to a bundle; move it elsewhere")
    return {path.stem: path for path in tables}


def _header(folder: Path) -> Header:
    try:
        return Header.model_validate_json((folder / HEADER).read_bytes())
    except ValidationError as problem:
        raise BundleRefused(f"{folder / HEADER} is damaged; collect again") from problem


def _last_lines(lines: Sequence[LedgerLine]) -> tuple[LedgerLine, ...]:
    last = {line.table: line for line in lines}
    return tuple(last[table] for table in sorted(last))


def _remove(folder: Path, tables: dict[str, Path]) -> None:
    for path in (*tables.values(), folder / HEADER, folder / LEDGER, folder / SOURCES):
        path.unlink(missing_ok=True)
    (folder / TABLES).rmdir()
    folder.rmdir()


def _drop_unfinished_line(path: Path) -> None:
    # Else the next line would be appended to half of one, and neither could be read.
    try:
        with path.open("r+b") as file:
            file.truncate(file.read().rfind(b"\n") + 1)
    except OSError as problem:
        raise _unwritable(path, problem) from problem


def _create(path: Path, mode: Literal["xb", "x+b", "ab"] = "xb") -> IO[bytes]:
    try:
        return open(path, mode, opener=_owner_alone)
    except OSError as problem:
        raise _unwritable(path, problem) from problem


def _owner_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _close(file: IO[bytes]) -> None:
    try:
        file.close()
    except OSError as problem:
        raise _unwritable(Path(file.name), problem) from problem


def _write(file: IO[bytes], data: bytes) -> None:
    try:
        file.write(data)
        file.flush()
    except OSError as problem:
        raise _unwritable(Path(file.name), problem) from problem


def _unwritable(path: Path, problem: OSError) -> InputRefused:
    return InputRefused(
        f"{path} cannot be written ({problem.strerror}); choose another place or make room there"
    )
