"""Bytes of CLIXML to XML elements, one top-level element at a time.

Everything is hostile until it has been read: document types, and with them entities, are refused
before the parser sees them; no element outlives the next one; what is too large is refused.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from typing import BinaryIO

from lxml import etree

from auditor.errors import AnswerCutShort, InputRefused, UnexpectedAnswer

HEAD_BYTES = 4096
"""How much of a file is looked at to see what it is."""

MAX_REFERENCED = 2_000_000
"""Objects in one file that references may point to."""

_CHUNK = 1 << 16
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BEFORE_ROOT = r"(?>\s+|<\?.*?\?>|<!--.*?-->)*+"
_ROOT = re.compile(_BEFORE_ROOT + r"<([A-Za-z0-9]+)[\s/>]", re.DOTALL)
_DOCTYPE = re.compile(_BEFORE_ROOT + r"<!DOCTYPE", re.DOTALL)
_ENCODING = re.compile(r"""<\?xml\s[^>]*encoding\s*=\s*["']([^"']*)""")
_REFERENCE = re.compile(rb"""<Ref\s[^<>]*?RefId\s*=\s*["']([^"'<>]{1,200})["']""")
_NAMESPACE = re.compile(
    rb"\A(" + _BEFORE_ROOT.encode() + rb"<[A-Za-z0-9]+(?:\s[^<>]*)?)\sxmlns\s*=\s*"
    rb"""(["'])http://schemas\.microsoft\.com/powershell/2004/04\2""",
    re.DOTALL,
)


def refusal(head: bytes, roots: Collection[str]) -> str:
    """Why a file or message that starts with `head` is not read; '' for one that is.

    `roots`: what its outermost element may be. The parser is told to read UTF-8, whatever a
    declaration says, and so sees the same characters as the patterns here: no document type gets
    past them.
    """
    text = head[:HEAD_BYTES].decode("utf-16" if head.startswith(_UTF16) else "utf-8-sig", "replace")
    encoding = _ENCODING.match(text)
    root = _ROOT.match(text)
    if not text.strip():
        return "is empty"
    if _DOCTYPE.match(text):
        return "carries a document type, which serialised objects never have"
    if encoding and encoding[1].lower() not in {"utf-8", "utf-16"}:
        return f"is written in the encoding {encoding[1]!r:.40}"
    if root is None or root[1] not in roots:
        return "holds no serialised PowerShell objects"
    return ""


def utf8(file: BinaryIO, name: str, *, errors: str = "strict") -> Iterator[bytes]:
    """A file from its start as UTF-8 without byte order mark, in chunks that end with a tag.

    Text after the last tag is left out: it is no part of a complete element. Raises AnswerCutShort
    where the file cannot be read on, UnexpectedAnswer where UTF-16 is broken; `errors="replace"`
    reads over the latter.
    """
    file.seek(0)
    decoder = None
    rest = b""
    for number, chunk in enumerate(_chunks(file, name)):
        if number == 0 and chunk.startswith(_UTF16):
            decoder = codecs.getincrementaldecoder("utf-16")(errors)
        try:
            text = decoder.decode(chunk).encode() if decoder else chunk
        except UnicodeDecodeError:
            raise UnexpectedAnswer(f"{name} is not UTF-16 throughout; export it again.") from None
        if number == 0:
            text = _plain(text)
        end = text.rfind(b">") + 1 or len(text)
        yield rest + text[:end]
        rest = text[end:]


def _chunks(file: BinaryIO, name: str) -> Iterator[bytes]:
    try:
        while chunk := file.read(_CHUNK):
            yield chunk
    except OSError as error:
        raise AnswerCutShort(
            f"{name} cannot be read to its end ({error.strerror}); copy it and try again."
        ) from None


def references(chunks: Iterable[bytes], name: str, max_bytes: int) -> Counter[str | None]:
    """How many Ref elements point to each object.

    A search for text, ten times as fast as parsing. A Ref written in a way that PowerShell never
    writes goes uncounted; reading it later raises. What comes after the place where a file cannot
    be read on is of no use to anybody. Raises InputRefused for more than `max_bytes`.
    """
    uses: Counter[str | None] = Counter()
    size = 0
    with suppress(AnswerCutShort):
        for chunk in chunks:
            size += len(chunk)
            if size > max_bytes:
                raise InputRefused(f"{name} is larger than {max_bytes} bytes; export it in parts.")
            if b"<Ref" in chunk:
                uses.update(found.decode("utf-8", "replace") for found in _REFERENCE.findall(chunk))
            if len(uses) > MAX_REFERENCED:
                raise InputRefused(
                    f"{name} refers to more than {MAX_REFERENCED} objects; export it in parts."
                )
    return uses


def _plain(start: bytes) -> bytes:
    """The start of a document without byte order mark and without the namespace of CLIXML.

    Over the wire elements come without it, and short tags are read a fifth faster than qualified
    ones. Elements of any other namespace keep theirs, and are refused later.
    """
    return _NAMESPACE.sub(rb"\1", start.removeprefix(codecs.BOM_UTF8))


def only_element(message: bytes, name: str) -> etree._Element:
    """The one element of a message; raises UnexpectedAnswer where it is not well-formed."""
    parser = _parser()
    failure = _feed(parser, _plain(message))
    try:
        element = None if failure else parser.close()
    except etree.XMLSyntaxError as error:
        element, failure = None, str(error)
    if element is None:
        raise _malformed(name, failure)
    return element


def elements(chunks: Iterable[bytes], name: str, max_object_bytes: int) -> Iterator[etree._Element]:
    """The top-level elements, each once it is complete; it is gone when the next one is asked for.

    The parser reports the root alone: all children of the root but the last are complete, and
    looking there after each chunk costs a fraction of an event for every element. Raises what
    `read_stream` says it raises.
    """
    parser = _parser()
    root: etree._Element | None = None
    closed = False
    size = 0
    for chunk in chunks:
        failure = _feed(parser, chunk)
        for event, node in parser.read_events():
            if root is None and isinstance(node, etree._Element):
                root = node
            closed = closed or (event == "end" and node is root)
        size += len(chunk)
        if root is not None:
            for _ in range(len(root) - (not closed)):
                complete = root[0]
                yield complete
                root.remove(complete)
                size = 0
        if failure:
            raise _malformed(name, failure)
        if size > max_object_bytes:
            raise UnexpectedAnswer(
                f"{name} has an object of more than {max_object_bytes} bytes; "
                "export fewer properties."
            )
    if closed:
        return
    if root is None:
        yield _bare_object(parser, name)
        return
    yield from _complete_at_end(parser, root)
    raise _cut_short(name)


def _bare_object(parser: etree.XMLPullParser, name: str) -> etree._Element:
    try:
        return parser.close()
    except etree.XMLSyntaxError:
        raise _cut_short(name) from None


def _complete_at_end(parser: etree.XMLPullParser, root: etree._Element) -> list[etree._Element]:
    """The last child of the root if it is complete: then what follows becomes its neighbour."""
    children = list(root)
    failure = _feed(parser, b"<end/>")
    return children[-1:] if not failure and len(root) > len(children) else []


def _cut_short(name: str) -> AnswerCutShort:
    return AnswerCutShort(f"{name} ends before its closing tag; copy or export it again.")


def _parser() -> etree.XMLPullParser:
    return etree.XMLPullParser(
        ("start", "end"),
        tag="Objs",
        encoding="utf-8",
        huge_tree=True,
        load_dtd=False,
        no_network=True,
        collect_ids=False,
        remove_comments=True,
        remove_pis=True,
        resolve_entities=False,
    )


def _feed(parser: etree.XMLPullParser, chunk: bytes) -> str:
    """What is wrong with the XML up to here, '' if nothing; some errors show in the log alone."""
    try:
        parser.feed(chunk)
    except etree.XMLSyntaxError as error:
        return str(error)
    fatal = parser.feed_error_log.filter_from_fatals()
    return str(fatal[0].message) if fatal else ""


def _malformed(name: str, failure: str) -> UnexpectedAnswer:
    what = " ".join(failure.split())
    return UnexpectedAnswer(f"{name} is no well-formed XML ({what:.200}); export it again.")
