"""Serialised PowerShell objects (CLIXML): files of Export-Clixml and answers over the wire.

The format is [MS-PSRP] 2.2.5. Everything here is hostile until read: entities and document types
are refused, sizes and depth are bounded, and serialised .NET objects inside are never decoded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from lxml import etree

from auditor.errors import AnswerCutShort, InputRefused, UnexpectedAnswer
from auditor.sources.clixml_values import PsObject, PsValue, unescaped

__all__ = [
    "FragmentReader",
    "PsObject",
    "PsValue",
    "looks_like_clixml",
    "read_file",
    "read_stream",
]
NAMESPACE = "{http://schemas.microsoft.com/powershell/2004/04}"
MAX_DEPTH = 64
_CHUNK = 1 << 18
_SECURE = "(secure string, not read)"
_OPEN = object()


def _float(text: str) -> float:
    return float(text.replace("INF", "inf"))


_SCALARS: dict[str, Callable[[str], PsValue]] = {
    "B": lambda text: {"true": True, "false": False}[text],
    **dict.fromkeys(("I32", "U32", "I64", "U64", "I16", "U16", "By", "SB"), int),
    **dict.fromkeys(("Db", "Sg"), _float),
    **dict.fromkeys(
        ("S", "C", "DT", "TS", "D", "G", "URI", "Version", "XD", "SBK", "BA", "PR"), unescaped
    ),
    "SS": lambda _: _SECURE,
}


class _Objects:
    """What one file or pipeline has defined so far: type names and objects that are referred to."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.number = 0
        self.types: dict[str | None, tuple[str, ...]] = {}
        self.used: set[str] = set()
        self.objects: dict[str, object] = {}

    def fail(self, what: str) -> UnexpectedAnswer:
        return UnexpectedAnswer(
            f"{self.place}, object {self.number}: {what}; export it again or leave the file out."
        )

    def value(
        self, e: etree._Element, depth: int, wanted: Collection[str] | None = None
    ) -> PsValue:
        tag = e.tag.rpartition("}")[2]
        if tag == "Nil":
            return None
        if tag == "Obj":
            return self.object(e, depth, wanted)
        if tag == "Ref":
            return self.reference(e)
        convert = _SCALARS.get(tag)
        if convert is None:
            raise self.fail(f"an element {tag} is unknown to CLIXML")
        try:
            return convert(e.text or "")
        except (ValueError, KeyError):
            raise self.fail(f"{tag} {e.get('N', '')} holds {(e.text or '')[:40]!r}") from None

    def reference(self, e: etree._Element) -> PsValue:
        ref = e.get("RefId")
        if ref not in self.objects:
            raise self.fail(f"{e.get('N', '')} points to object {ref}, which is not there")
        found = self.objects[ref]
        return None if found is _OPEN else found  # type: ignore[return-value]

    def object(self, e: etree._Element, depth: int, wanted: Collection[str] | None) -> PsValue:
        if depth > MAX_DEPTH:
            raise self.fail(f"objects nested deeper than {MAX_DEPTH}")
        ref = e.get("RefId")
        if ref in self.used:
            self.objects[ref] = _OPEN
        types: tuple[str, ...] = ()
        text = None
        out: PsValue = None
        properties: dict[str, PsValue] | None = None
        for c in e.iterchildren(tag=etree.Element):
            tag = c.tag.rpartition("}")[2]
            if tag in ("Props", "MS"):
                properties = {} if properties is None else properties
                for p in c.iterchildren(tag=etree.Element):
                    name = unescaped(p.get("N") or "")
                    value = self.value(p, depth + 1)
                    if name != "SerializationData" and (wanted is None or name in wanted):
                        properties[name] = value
            elif tag == "TN":
                types = self.types[c.get("RefId")] = tuple(unescaped(t.text or "") for t in c)
            elif tag == "TNRef":
                types = self.types[c.get("RefId")]
            elif tag == "ToString":
                text = unescaped(c.text or "")
            elif tag in ("LST", "IE", "QUE", "STK"):
                out = [self.value(i, depth + 1) for i in c.iterchildren(tag=etree.Element)]
            elif tag == "DCT":
                out = {str(self.value(en[0], depth + 1)): self.value(en[1], depth + 1) for en in c}
            else:
                out = self.value(c, depth)
        if not isinstance(out, list | dict):
            if text is not None and depth:
                out = text
            elif properties is not None or out is None:
                out = PsObject(properties or {}, types, text, f"{self.place}, object {self.number}")
        if ref in self.used:
            self.objects[ref] = out
        return out


def read_file(path: Path, *, wanted: Collection[str] | None = None) -> Iterator[PsValue]:
    """Top-level objects of a file of Export-Clixml, one at a time."""
    with path.open("rb") as file:
        yield from read_stream(file, path.name, wanted=wanted)


def read_stream(
    file: BinaryIO, name: str, *, wanted: Collection[str] | None = None
) -> Iterator[PsValue]:
    """The same out of an open, seekable file."""
    head = file.read(1024)
    if not looks_like_clixml(head):
        raise InputRefused(f"{name} is no Export-Clixml file: leave it out.")
    utf16 = head[:2] in (b"\xff\xfe", b"\xfe\xff")
    file.seek(0)
    objects = _Objects(name)
    objects.used = set(
        re.findall(
            r'<Ref [^>]*RefId="(\d+)"',
            file.read().decode("utf-16" if utf16 else "utf-8-sig", "replace"),
        )
    )
    file.seek(0)
    try:
        for _, e in etree.iterparse(file, events=("end",), resolve_entities=False, huge_tree=True):
            parent = e.getparent()
            if (
                parent is None
                and e.tag.endswith("Obj")
                or parent is not None
                and parent.getparent() is None
                and parent.tag.endswith("Objs")
            ):
                objects.number += 1
                yield objects.value(e, 0, wanted)
                e.clear()
    except etree.XMLSyntaxError as error:
        raise AnswerCutShort(f"{name} breaks off: {error}; export it again.") from None


class FragmentReader:
    """Values of the messages of one pipeline."""

    def __init__(self, name: str) -> None:
        self._objects = _Objects(name)

    def read(self, data: bytes | str) -> PsValue:
        """The value of one PIPELINE_OUTPUT message."""
        text = data if isinstance(data, bytes) else data.encode()
        self._objects.used.update(r.decode() for r in re.findall(rb'<Ref [^>]*RefId="(\d+)"', text))
        self._objects.number += 1
        return self._objects.value(etree.fromstring(text), 0)


def looks_like_clixml(head: bytes) -> bool:
    """Whether the first bytes of a file are those of CLIXML."""
    text = head.decode(
        "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "replace"
    )
    return re.match(r"\s*(<\?xml[^>]*>)?\s*<Objs?[\s>]", text) is not None
