"""The files a user names to import: single files, folders with all below them, and zips.

A zip is unpacked member by member into a folder of the owner's alone, and each member is removed
once it was read. Its sizes are counted while unpacking: what its directory claims is not believed.
"""

from __future__ import annotations

import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO, NoReturn

from auditor.collectors.quoting import printable
from auditor.errors import InputRefused

MAX_FILES = 20_000
MAX_UNPACKED = 8 << 30
"""Bytes of all members together; 100,000 whole mailboxes are 1.4 GB as CLIXML."""

BUNDLE = {"manifest.json", "manifest.sha256"}
"""What every bundle of this program holds, and no export."""

HEAD = 4096
_CHUNK = 1 << 18
_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
"""What zipfile raises over damage, over compressions it does not know and over passwords."""


@dataclass
class Allowance:
    """Bytes that may still be unpacked."""

    left: int = MAX_UNPACKED


class Archive:
    """An open zip and the folder its members are unpacked to, one at a time."""

    def __init__(self, path: Path, name: str, folder: Path, allowance: Allowance) -> None:
        self.name = name
        self._folder = folder
        self._allowance = allowance
        try:
            self._zip = zipfile.ZipFile(path)
        except (*_BROKEN, OSError) as error:
            raise InputRefused(f"{name} is no readable zip ({error}): pack it again.") from error

    def close(self) -> None:
        """Close the zip."""
        self._zip.close()

    def members(self) -> list[str]:
        """Names of the files inside, in order.

        Raises InputRefused for a member that lies outside, occurs twice, is encrypted or is a zip
        itself, and for too many of them.
        """
        files = [member for member in self._zip.infolist() if not member.is_dir()]
        names: set[str] = set()
        if len(files) > MAX_FILES:
            self._refuse(f"holds {len(files)} files, more than {MAX_FILES}")
        for member in files:
            name = member.filename
            if _leaves_its_folder(name):
                self._refuse(f"holds {name!r}, which points outside of it")
            if name in names:
                self._refuse(f"holds {name!r} twice")
            if member.flag_bits & 1:
                self._refuse(f"holds {name!r}, which needs a password")
            if name.lower().endswith(".zip"):
                self._refuse(f"holds {name!r}, another zip")
            names.add(name)
        if names >= BUNDLE:
            raise InputRefused(
                f"{self.name} is a bundle of this program and no export: give evidence to auditor"
                " assess, by itself"
            )
        return [member.filename for member in files]

    def head(self, member: str) -> bytes:
        """The first bytes of a member."""
        with self._reading(member) as file:
            return file.read(HEAD)

    @contextmanager
    def unpacked(self, member: str) -> Iterator[Path]:
        """A member as a file, for as long as it is read.

        Raises InputRefused where it is damaged, or more comes out than may.
        """
        target = self._folder / "member"
        try:
            with self._reading(member) as file, target.open("xb") as copy:
                while chunk := file.read(_CHUNK):
                    self._allowance.left -= len(chunk)
                    if self._allowance.left < 0:
                        self._refuse(f"unpacks to more than {MAX_UNPACKED >> 30} GB")
                    copy.write(chunk)
            yield target
        finally:
            target.unlink(missing_ok=True)

    @contextmanager
    def _reading(self, member: str) -> Iterator[IO[bytes]]:
        try:
            with self._zip.open(member) as file:
                yield file
        except _BROKEN as error:
            raise InputRefused(
                f"{self.name} is damaged at {member!r} ({error}): pack it again."
            ) from error

    def _refuse(self, what: str) -> NoReturn:
        raise InputRefused(f"{self.name} {what}: unpack it yourself and import the folder.")


@dataclass(frozen=True)
class InputFile:
    """One file to import.

    `name` is how sentences call it, `folder` what a manifest beside it speaks for, `asked_for`
    whether the user named this very file.
    """

    name: str
    folder: str
    path: Path
    asked_for: bool = False
    archive: Archive | None = None
    member: str = ""

    @property
    def base(self) -> str:
        """The bare file name."""
        return PurePosixPath(self.member).name if self.archive else self.path.name

    def head(self) -> bytes:
        """The first bytes; raises InputRefused where the file cannot be read."""
        if self.archive:
            return self.archive.head(self.member)
        return _head(self.path, self.name)

    def opened(self) -> AbstractContextManager[Path]:
        """The file on disk, for as long as it is read."""
        return self.archive.unpacked(self.member) if self.archive else nullcontext(self.path)


def input_files(paths: Sequence[Path], stack: ExitStack) -> list[InputFile]:
    """Every file below `paths`, each once, sorted by name within each path; zips opened.

    Open archives and temporary folders are closed with `stack`. Raises InputRefused where a path
    does not exist or cannot be read, and where there are too many files.
    """
    allowance = Allowance()
    found: dict[tuple[Path, str], InputFile] = {}
    for path in paths:
        for file in _below(path):
            if file.path.suffix.lower() == ".zip" or file.asked_for:
                members = _members(file, stack, allowance)
            else:
                members = [file]
            for each in members:
                found.setdefault((each.path.resolve(), each.member), each)
                if len(found) > MAX_FILES:
                    raise InputRefused(
                        f"more than {MAX_FILES} files below {path}: name the folder of the exports."
                    )
    if not found:
        raise InputRefused("There is no file to import: name the exports, or their folder or zip.")
    return _told_apart(list(found.values()))


def _below(path: Path) -> Iterator[InputFile]:
    if path.is_dir():
        top = path.resolve()
        for file in sorted(path.rglob("*")):
            if file.is_file():
                name = f"{top.name}/{file.relative_to(path).as_posix()}"
                yield InputFile(printable(name), name.rpartition("/")[0], file)
    elif path.is_file():
        yield InputFile(printable(path.name), str(path.resolve().parent), path, asked_for=True)
    else:
        raise InputRefused(
            f"{printable(str(path))} is neither a file nor a folder: correct the name."
        )


def _members(file: InputFile, stack: ExitStack, allowance: Allowance) -> list[InputFile]:
    if not _head(file.path, file.name).startswith(_ZIP_STARTS):
        return [file]
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="auditor-")))
    archive = Archive(file.path, file.name, folder, allowance)
    stack.callback(archive.close)
    return [
        InputFile(
            printable(f"{file.name}/{member}"),
            f"{file.name}/{member}".rpartition("/")[0],
            file.path,
            archive=archive,
            member=member,
        )
        for member in sorted(archive.members())
    ]


def _head(path: Path, name: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError as error:
        raise InputRefused(
            f"{name} cannot be read ({error.strerror}): check its rights."
        ) from error


def _told_apart(files: list[InputFile]) -> list[InputFile]:
    """Files of one name get their full path as name: a sentence must point to one of them."""
    names = [file.name for file in files]
    if len(set(names)) == len(names):
        return files
    full = [f"{file.path.resolve()}/{file.member}".rstrip("/") for file in files]
    return [
        replace(file, name=printable(name), folder=name.rpartition("/")[0])
        for file, name in zip(files, full, strict=True)
    ]


def _leaves_its_folder(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or ":" in name or "\0" in name
