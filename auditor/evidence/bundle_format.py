"""What a bundle consists of: its header, its sources, its manifest, its names and its bounds."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import from_json

from auditor.errors import BundleRefused
from auditor.evidence.base import UtcTime
from auditor.evidence.ledger import LedgerLine

FORMAT_VERSION = 1
CHUNK = 1 << 18
HEADER = "header.json"
LEDGER = "ledger.jsonl"
SOURCES = "sources.jsonl"
TABLES = "tables"
MANIFEST = "manifest.json"
MANIFEST_DIGEST = "manifest.sha256"
PARTS = frozenset({HEADER, LEDGER, SOURCES, TABLES})
TABLE_FILE = re.compile(r"[a-z][a-z0-9_]{0,99}\.jsonl")
TABLE_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
LONGEST_LINE = 1_000_000
"""Bytes of one row as JSON; rows of Exchange have a few hundred."""

Kind = Literal["evidence", "assessment"]


Part = TypeVar("Part", bound=BaseModel)


@dataclass(frozen=True)
class Limits:
    """Bytes a bundle may hold once unpacked; a stranger's 33 kB can hold a gigabyte."""

    line: int = LONGEST_LINE
    manifest: int = 16_000_000
    table: int = 16_000_000_000
    total: int = 32_000_000_000


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class SourceFile(_Part):
    """An input the evidence came from: a file, or a server.

    `recognised_as` says in words what it was taken for; `objects` how many it held. None where
    nobody could tell: a file that could not be read has no hash.
    """

    name: str
    sha256: str | None
    bytes: int | None
    recognised_as: str
    objects: int | None


class Header(_Part):
    """What a bundle is and who wrote it; `details` is for the reader of the report."""

    format_version: Literal[1]
    kind: Kind
    tool_version: str
    title: str
    created_at: UtcTime | None
    details: dict[str, str]


class TableDigest(_Part):
    """SHA-256 of a table's JSON Lines before packing, and how many there are."""

    table: str
    sha256: str
    rows: int


class Manifest(_Part):
    """Everything of a sealed bundle but its rows."""

    header: Header
    ledger: tuple[LedgerLine, ...]
    sources: tuple[SourceFile, ...]
    tables: tuple[TableDigest, ...]


@cache
def table_of(model: type[BaseModel]) -> str:
    """The name of the table that a row model is."""
    name = getattr(model, "table", None)
    if not isinstance(name, str) or not TABLE_NAME.fullmatch(name):
        raise TypeError(f"{model.__name__} names no table")
    return name


@cache
def rows_adapter(model: type[Part]) -> TypeAdapter[list[Part]]:
    """Reads and writes many rows of one model at once.

    Without pydantic's cache of strings, which changes no value: few words of a row come again soon
    enough, and looking for them took a quarter of the time.
    """
    config = ConfigDict(cache_strings="none")
    return TypeAdapter(list[model], config=config)  # type: ignore[valid-type]  # known at run time


def short(value: object) -> str:
    """A value as an error may quote it: control and direction characters escaped, cut short."""
    shown = repr(value) if isinstance(value, (str, int, float, bool)) else type(value).__name__
    return shown if len(shown) <= 60 else shown[:57] + "..."


def first_problem(problem: ValidationError) -> tuple[tuple[int | str, ...], str]:
    """Place and one sentence of the first thing a model found wrong."""
    found = problem.errors(include_url=False, include_context=False)[0]
    what = found["msg"]
    if found["type"] not in {"missing", "json_invalid"}:
        what = f"{what} (it holds {short(found['input'])})"
    return found["loc"], what


def check_header(raw: object, name: str, kind: Kind) -> None:
    """Refuse another version or kind by name, before any other field is looked at.

    Raises BundleRefused.
    """
    header = raw if isinstance(raw, dict) else {}
    version = header.get("format_version")
    if version != FORMAT_VERSION or isinstance(version, bool):
        raise BundleRefused(
            f"{name} has bundle format {short(version)}, this program reads format "
            f"{FORMAT_VERSION}: use the version of auditor that wrote it "
            f"({short(header.get('tool_version'))})"
        )
    found = header.get("kind")
    if found == kind:
        return
    if found == "assessment":
        raise BundleRefused(f"{name} is an assessment; give it to `auditor report`")
    if found == "evidence":
        raise BundleRefused(f"{name} is evidence; give it to `auditor assess`")
    raise BundleRefused(f"{name} is neither evidence nor an assessment: {short(found)}")


def read_lines(path: Path, model: type[Part], limit: int = Limits.manifest) -> list[Part]:
    """The finished lines of a small file of a bundle folder; a last line without end is dropped.

    Raises BundleRefused naming the line that is no `model`.
    """
    if not is_plain_file(path):
        raise BundleRefused(f"{path} is missing or no plain file; collect again")
    if path.stat().st_size > limit:
        raise BundleRefused(f"{path} is larger than {limit} bytes; collect again")
    finished = path.read_bytes().rpartition(b"\n")[0]
    found = []
    for number, line in enumerate(finished.split(b"\n") if finished else [], 1):
        try:
            found.append(model.model_validate_json(line))
        except ValidationError as problem:
            place, what = first_problem(problem)
            where = ".".join(str(part) for part in place)
            raise BundleRefused(
                f"{path}, line {number} {where}: {what}; collect again"
            ) from problem
    return found


def digest_of(file: IO[bytes]) -> str:
    """SHA-256 of a whole open file."""
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def is_plain_file(path: Path) -> bool:
    """False for what is missing, and for links, folders, pipes and devices."""
    return path.is_file() and not path.is_symlink()


def parse_json(text: bytes, name: str) -> object:
    """JSON as Python values; raises BundleRefused for text that is none."""
    try:
        found: object = from_json(text, cache_strings="none")
    except ValueError as problem:
        raise BundleRefused(
            f"{name} is damaged: {str(problem)[:100]}; copy the bundle again"
        ) from problem
    return found
