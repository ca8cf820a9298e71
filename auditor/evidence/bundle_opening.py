"""Opening a bundle: a stranger's file, of which nothing is believed before it is checked."""

from __future__ import annotations

import hashlib
import os
import struct
import zipfile
from collections.abc import Mapping, Sequence, Set
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ValidationError

from auditor.errors import BundleRefused
from auditor.evidence.bundle_format import (
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
    check_header,
    digest_of,
    first_problem,
    is_plain_file,
    parse_json,
    read_lines,
    short,
    table_of,
)
from auditor.evidence.bundle_reader import BROKEN_ZIP, Bundle, FolderShelf, ZipShelf
from auditor.evidence.ledger import LedgerLine, not_requested

ZIP_END = struct.Struct("<4s4H2LH")
MOST_MEMBERS = 400
LONGEST_DIRECTORY = 200_000


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
    with ExitStack() as unless_opened:
        unless_opened.callback(file.close)
        bundle = _open_zip(file, path, kind, models, bounds)
        unless_opened.pop_all()
    return bundle


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
    if not (folder / TABLES).is_dir():
        raise BundleRefused(f"{folder / TABLES} is missing; collect again")
    shelf = FolderShelf(folder)
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
    shelf = ZipShelf(file, archive, name)
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
    cut: Set[str],
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
