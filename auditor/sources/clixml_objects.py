"""Elements of CLIXML to values: lists, dictionaries, objects, and what refers to what.

Tags are without namespace, as on the wire.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable
from itertools import islice
from typing import TypeAlias

from lxml import etree

from auditor.errors import UnexpectedAnswer
from auditor.sources.clixml_values import SCALARS, PsObject, PsValue, unescaped

MAX_DEPTH = 64
"""Objects within objects. Export-Clixml itself stops at 2 unless told otherwise."""

MAX_REMEMBERED_BYTES = 256_000_000
"""Type names and referenced objects kept at one time, in bytes of their XML."""


_BAGS = frozenset(("Props", "MS"))
_LISTS = frozenset(("LST", "IE", "QUE", "STK"))
_TOO_DEEP = f"lies within more than {MAX_DEPTH} others"
_BEING_READ = PsObject({})

_Parts: TypeAlias = (
    "tuple[str | None, etree._Element | None, etree._Element | None, list[etree._Element]]"
)
"""ToString, list or dictionary or primitive value, type names, properties."""


class Objects:
    """Reads the elements of one file, or of one pipeline, in their order.

    Type names are written once and referred to ever after, and an object may refer to one within
    an earlier element, so both are remembered: of the objects only those that a Ref points to,
    each until its last Ref. Two objects with one identifier are found in files edited by hand;
    a Ref means the one before it. A Ref to nothing raises; one to an object that it is itself
    part of gives None, because a value that contains itself ends no walk over it.
    """

    def __init__(self, name: str, max_object_bytes: int) -> None:
        self._name = name
        self._max_object_bytes = max_object_bytes
        self._number = 0
        self._types: dict[str | None, tuple[str, ...]] = {}
        self._uses: Counter[str | None] = Counter()
        self._objects: dict[str | None, PsValue] = {}
        self._sizes: dict[str | None, int] = {}
        self._remembered = 0
        self._referred = 0

    def expect(self, uses: Counter[str | None]) -> None:
        """Forgets the objects so far; `uses` counts the Refs to each identifier ahead."""
        self._uses = uses
        self._remembered -= sum(self._sizes.values())
        self._objects, self._sizes = {}, {}

    def read(self, element: etree._Element, wanted: Collection[str] | None = None) -> PsValue:
        """The value of a top-level element; raises UnexpectedAnswer where it makes no sense."""
        self._number += 1
        self._referred = 0
        value = self._whole(element, 0, wanted)
        if self._uses:
            self._forget(element)
        return value

    def _whole(
        self, element: etree._Element, depth: int, wanted: Collection[str] | None
    ) -> PsValue:
        """A top-level value, where an object stays one although it has a ToString."""
        if element.tag == "Obj":
            return self._object(element, depth, wanted, whole=True)
        if element.tag == "Ref":
            return self._referenced(element)
        return self._value(element, depth)

    def _value(self, element: etree._Element, depth: int) -> PsValue:
        """A value within another, where an object with a ToString is that text."""
        tag = element.tag
        scalar = SCALARS.get(tag)
        if scalar is not None and not len(element):
            try:
                return scalar(element.text or "")
            except ValueError:
                raise self._nonsense(element, f"holds {element.text!r:.60}") from None
        if tag == "Obj":
            return self._object(element, depth, None, whole=False)
        if tag == "Nil":
            return None
        if tag == "Ref":
            return _nested(self._referenced(element))
        if tag == "MS":  # a property set, [MS-PSRP] 2.2.5.2.9
            if depth > MAX_DEPTH:
                raise self._nonsense(element, _TOO_DEEP)
            return PsObject(self._properties([element], depth + 1, None), place=self._place)
        raise self._nonsense(element, "is not what CLIXML has in this place")

    def _object(
        self,
        element: etree._Element,
        depth: int,
        wanted: Collection[str] | None,
        *,
        whole: bool,
    ) -> PsValue:
        if depth > MAX_DEPTH:
            raise self._nonsense(element, _TOO_DEEP)
        identifier = element.get("RefId")
        if identifier not in self._uses:
            return self._content(element, depth, wanted, whole=whole)
        self._objects[identifier] = _BEING_READ
        before = self._referred
        value = self._content(element, depth, None, whole=True)
        size = len(etree.tostring(element, with_tail=False)) + self._referred - before
        self._remember(element, size - self._sizes.get(identifier, 0))
        self._objects[identifier], self._sizes[identifier] = value, size
        return value if whole else _nested(value)

    def _content(
        self,
        element: etree._Element,
        depth: int,
        wanted: Collection[str] | None,
        *,
        whole: bool,
    ) -> PsValue:
        text, content, type_names, bags = self._parts(element)
        if content is not None and content.tag in _LISTS:
            items = (
                [self._whole(item, depth + 1, wanted) for item in content]
                if whole
                else [self._value(item, depth + 1) for item in content]
            )
            self._pass_over(bags, depth + 1)
            return items
        if content is not None and content.tag == "DCT":
            entries = self._dictionary(content, depth + 1)
            self._pass_over(bags, depth + 1)
            return entries
        primitive = None if content is None else self._value(content, depth + 1)
        if text is None and content is not None and (depth or not bags):
            self._pass_over(bags, depth + 1)
            return primitive
        if text is not None and not whole:
            self._pass_over(bags, depth + 1)
            return text
        if text is None and primitive is not None:
            text = str(primitive)
        properties = self._properties(bags, depth + 1, wanted)
        return PsObject(properties, self._type_names(type_names), text, self._place)

    def _parts(self, element: etree._Element) -> _Parts:
        text = content = type_names = None
        bags = []
        for part in element:
            tag = part.tag
            if tag in _BAGS:
                bags.append(part)
            elif tag == "ToString":
                text = self._text(part)
            elif tag == "TNRef":
                type_names = part
            elif tag == "TN":
                type_names = part
                self._define(part)
            else:
                content = part
        return text, content, type_names, bags

    def _properties(
        self, bags: Iterable[etree._Element], depth: int, wanted: Collection[str] | None
    ) -> dict[str, PsValue]:
        properties = {}
        for bag in bags:
            for element in bag:
                name = element.get("N")
                if name is None:
                    raise self._nonsense(element, "is a property without a name")
                if "_x" in name:
                    name = unescaped(name)
                if name == "SerializationData":
                    continue  # a .NET object as bytes: decoding one runs the code of strangers
                if wanted is None or name in wanted:
                    properties[name] = self._value(element, depth)
                elif len(element):
                    self._pass_over((element,), depth)
        return properties

    def _dictionary(self, element: etree._Element, depth: int) -> dict[str, PsValue]:
        entries: dict[str, PsValue] = {}
        for entry in element:
            parts = {part.get("N"): part for part in entry}
            if parts.keys() != {"Key", "Value"}:
                raise self._nonsense(entry, "is a dictionary entry without one key and one value")
            key = self._value(parts["Key"], depth)
            if key is None or isinstance(key, list | dict | PsObject) or str(key) in entries:
                raise self._nonsense(entry, "is a dictionary entry whose key is no text of its own")
            entries[str(key)] = self._value(parts["Value"], depth)
        return entries

    def _referenced(self, element: etree._Element) -> PsValue:
        """The object that a Ref points to; None for one that this very Ref is part of."""
        identifier = element.get("RefId")
        if identifier not in self._objects:
            raise self._nonsense(element, f"refers to object {identifier!r:.40}, which is missing")
        value = self._objects[identifier]
        if value is _BEING_READ:
            return None
        self._referred += self._sizes[identifier]
        if self._referred > self._max_object_bytes:
            raise self._nonsense(element, "refers to objects that refer to others without end")
        return value

    def _pass_over(self, elements: Iterable[etree._Element], depth: int) -> None:
        """Remembers what is defined within elements whose values nobody needs."""
        tags = ("TN", "Obj") if self._uses else ("TN",)
        for element in elements:
            parts = element.iter(*tags)
            for part in parts:
                if part.tag == "TN":
                    self._define(part)
                elif part.get("RefId") in self._uses:
                    within = sum(1 for _ in part.iter(*tags)) - 1
                    self._object(part, depth, None, whole=True)
                    deque(islice(parts, within), maxlen=0)  # they have been read as part of it

    def _define(self, element: etree._Element) -> None:
        identifier = element.get("RefId")
        known = self._types.get(identifier, ())
        names = self._types[identifier] = tuple(map(self._text, element))
        self._remember(element, sum(map(len, names)) - sum(map(len, known)) + 100)

    def _text(self, element: etree._Element) -> str:
        if len(element):
            raise self._nonsense(element, "holds elements where CLIXML has text")
        return unescaped(element.text or "")

    def _type_names(self, element: etree._Element | None) -> tuple[str, ...]:
        if element is None:
            return ()
        names = self._types.get(element.get("RefId"))
        if names is None:
            raise self._nonsense(element, "refers to type names that are missing")
        return names

    def _remember(self, element: etree._Element, size: int) -> None:
        self._remembered += size
        if self._remembered > MAX_REMEMBERED_BYTES:
            raise self._nonsense(element, "is one too many to remember for later references")

    def _forget(self, element: etree._Element) -> None:
        """Drops objects that no Ref after this top-level element points to."""
        for reference in element.iter("Ref"):
            identifier = reference.get("RefId")
            self._uses[identifier] -= 1
            if self._uses[identifier] <= 0:
                del self._uses[identifier]
                self._objects.pop(identifier, None)
                self._remembered -= self._sizes.pop(identifier, 0)

    @property
    def _place(self) -> str:
        return f"{self._name}, object {self._number}"

    def _nonsense(self, element: etree._Element, what: str) -> UnexpectedAnswer:
        names = [node.get("N") for node in (element, *element.iterancestors())]
        path = ".".join(f"{name:.60}" for name in reversed(names) if name)
        where = f"{self._place}, {f'property {path!r}' if path else 'outside its properties'}"
        return UnexpectedAnswer(f"{where}: {element.tag:.40} {what}; export it again.")


def _nested(value: PsValue) -> PsValue:
    if isinstance(value, list):
        return [_nested(item) for item in value]
    if isinstance(value, PsObject) and value.text is not None:
        return value.text
    return value
