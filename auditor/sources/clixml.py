"""Serialised PowerShell objects (CLIXML): files of Export-Clixml and answers over the wire.

The format is [MS-PSRP] 2.2.5.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from auditor.errors import InputRefused, UnexpectedAnswer
from auditor.sources.clixml_objects import Objects
from auditor.sources.clixml_values import SCALARS, PsObject, PsValue
from auditor.sources.clixml_xml import (
    HEAD_BYTES,
    elements,
    only_element,
    references,
    refusal,
    utf8,
)

__all__ = [
    "FragmentReader",
    "PsObject",
    "PsValue",
    "looks_like_clixml",
    "read_file",
    "read_stream",
]

MAX_FILE_BYTES = 8_000_000_000
MAX_OBJECT_BYTES = 64_000_000
_FILE_ROOTS = frozenset(("Objs", "Obj"))
_MESSAGE_ROOTS = frozenset(("Obj", "Nil", *SCALARS))


def read_file(
    path: Path,
    *,
    wanted: Collection[str] | None = None,
    max_bytes: int = MAX_FILE_BYTES,
    max_object_bytes: int = MAX_OBJECT_BYTES,
) -> Iterator[PsValue]:
    """The objects of one file, as `read_stream` gives them."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputRefused(f"{path} cannot be opened ({error.strerror}).") from None
    with file:
        yield from read_stream(
            file,
            str(path),
            wanted=wanted,
            max_bytes=max_bytes,
            max_object_bytes=max_object_bytes,
        )


def read_stream(
    file: BinaryIO,
    name: str,
    *,
    wanted: Collection[str] | None = None,
    max_bytes: int = MAX_FILE_BYTES,
    max_object_bytes: int = MAX_OBJECT_BYTES,
) -> Iterator[PsValue]:
    """The objects of an Export-Clixml file, or of one object as it came over the wire.

    Each comes as soon as it has been read: a PsObject, or a plain value where a plain value was
    exported; a list gives its items. Within an object, another one is its ToString if it has one.
    Of each object only the properties in `wanted` are looked at (None: all). `name` is what
    sentences call the file. It must be seekable, because it is read twice: first for what
    references point to. Memory holds one object, at least 64 KB of the file, and what later
    references point to.

    Raises, when the first object is asked for, InputRefused for what is no CLIXML, carries a
    document type or is larger than `max_bytes`; after the last complete object AnswerCutShort for
    a file that ends too early, and UnexpectedAnswer for contents that make no sense or an object
    larger than `max_object_bytes`.
    """
    file.seek(0)
    reason = refusal(file.read(HEAD_BYTES), _FILE_ROOTS)
    if reason:
        raise InputRefused(f"{name} {reason}; give a file that Export-Clixml -Encoding UTF8 wrote.")
    objects = Objects(name, max_object_bytes)
    objects.expect(references(utf8(file, name, errors="replace"), name, max_bytes))
    names = None if wanted is None else frozenset(wanted)
    for element in elements(utf8(file, name), name, max_object_bytes):
        value = objects.read(element, names)
        if isinstance(value, list):
            yield from value
        else:
            yield value


class FragmentReader:
    """Reads the output of one pipeline, message by message ([MS-PSRP] 2.2.2.19).

    Type names hold from one message to the next (2.2.5.3.3). Objects do not: PowerShell writes each
    message for itself, and a Ref to an earlier one is refused rather than taken for a namesake.
    """

    def __init__(self, name: str, *, max_object_bytes: int = MAX_OBJECT_BYTES) -> None:
        self._name = name
        self._max_object_bytes = max_object_bytes
        self._objects = Objects(name, max_object_bytes)

    def read(self, data: bytes | str) -> PsValue:
        """The value of one message: a PsObject, a list or a plain value.

        Raises UnexpectedAnswer for one that is no CLIXML, makes no sense or is too large.
        """
        message = data.encode("utf-8", "replace") if isinstance(data, str) else data
        reason = refusal(message, _MESSAGE_ROOTS)
        if len(message) > self._max_object_bytes:
            reason = f"is larger than {self._max_object_bytes} bytes"
        if reason:
            raise UnexpectedAnswer(f"{self._name}: an answer {reason}; ask again.")
        self._objects.expect(references([message], self._name, self._max_object_bytes))
        return self._objects.read(only_element(message, self._name))


def looks_like_clixml(head: bytes) -> bool:
    """Whether a file that starts with these bytes (4096 will do) is to be read as CLIXML."""
    return not refusal(head, _FILE_ROOTS)
