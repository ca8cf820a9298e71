"""The prose of a rule file, cut into what a page can set: paragraphs, list items, commands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_ITEM = re.compile(r"(?:[-*•]|\d{1,2}[.)])\s+")
_CODE = re.compile(r"`([^`]+)`")


_Kind = Literal["paragraph", "item", "lines"]


@dataclass(frozen=True)
class Span:
    """A run of text; `code` is what the rule's author put between backticks."""

    text: str
    code: bool


@dataclass(frozen=True)
class Block:
    """A paragraph, an item with its own mark ("1.", "-"), or lines to be kept as they are."""

    kind: _Kind
    mark: str
    spans: tuple[Span, ...]


def blocks(prose: str) -> tuple[Block, ...]:
    """What a rule says under `why`, `limits` or `fix`, in order.

    Lines that were only wrapped in the file are joined again. An empty line ends a paragraph; a
    dash or a number begins an item, whose further lines are indented. Indented lines elsewhere,
    and those after a colon, are commands and stay as they are.
    """
    found: list[tuple[_Kind, str, list[str]]] = []
    before, previous = "", ""
    for line in prose.replace("\r\n", "\n").expandtabs(4).split("\n"):
        words, indented = line.strip(), line.startswith("  ")
        mark = _ITEM.match(words)
        kind: _Kind = "paragraph"
        if mark:
            kind = "item"
            found.append((kind, mark.group().strip(), [words[mark.end() :]]))
        elif indented and (before != "item" or previous.endswith(":")):
            kind = "lines"
            _append(found, kind, words, joined=before == "lines")
        elif words:
            kind = "item" if indented and before == "item" else "paragraph"
            _append(found, kind, words, joined=before == kind)
        before, previous = (kind, words) if words else ("", "")
    return tuple(_block(*entry) for entry in found)


def _append(
    found: list[tuple[_Kind, str, list[str]]], kind: _Kind, words: str, *, joined: bool
) -> None:
    if joined:
        found[-1][2].append(words)
    else:
        found.append((kind, "", [words]))


def _block(kind: _Kind, mark: str, lines: list[str]) -> Block:
    if kind == "lines":
        return Block(kind, "", tuple(Span(line, code=True) for line in lines))
    return Block(kind, mark, _spans(" ".join(lines)))


def _spans(text: str) -> tuple[Span, ...]:
    # splitting at a pattern with one group puts the groups at the odd places
    parts = _CODE.split(text)
    return tuple(Span(part, code=place % 2 == 1) for place, part in enumerate(parts) if part)
