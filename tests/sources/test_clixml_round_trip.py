"""Any value, written as PowerShell writes it, reads back as itself."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from itertools import count, cycle
from xml.sax.saxutils import escape, quoteattr

from hypothesis import given
from hypothesis import strategies as st

from auditor.sources.clixml import FragmentReader, PsObject, PsValue, read_stream
from auditor.sources.clixml_values import unescaped

START = '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'

texts = st.text(max_size=12) | st.text("_x005FDd8", max_size=14)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | texts
)


def bags(values: st.SearchStrategy[PsValue]) -> st.SearchStrategy[PsObject]:
    names = texts.filter(lambda name: name != "SerializationData")
    types = st.lists(texts, max_size=3).map(tuple)
    return st.builds(PsObject, st.dictionaries(names, values, max_size=4), types)


values: st.SearchStrategy[PsValue] = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4) | bags(inner)
    ),
    max_leaves=12,
)


def escaped(text: str) -> str:
    """[MS-PSRP] 2.2.5.3.2: control characters, halves of pairs, and what looks like an escape."""
    units = text.encode("utf-16-be")
    written = ""
    for at in range(0, len(units), 2):
        unit = units[at] << 8 | units[at + 1]
        follows = units[at + 2 : at + 4]
        looks_escaped = unit == ord("_") and follows == b"\0x"
        plain = 0x20 <= unit < 0x7F or 0xA0 <= unit < 0xD800 or 0xE000 <= unit < 0xFFFE
        written += chr(unit) if plain and not looks_escaped else f"_x{unit:04X}_"
    return written


class Writer:
    """Numbers objects, and writes the type names of each kind of object once."""

    def __init__(self, space: str = "") -> None:
        self.numbers = count()
        self.types: dict[tuple[str, ...], int] = {}
        self.space = space

    def value(self, value: PsValue, name: str | None = None) -> str:
        named = "" if name is None else f" N={quoteattr(escaped(name))}"
        match value:
            case None:
                return f"<Nil{named} />{self.space}"
            case bool():
                return self.element("B", named, str(value).lower())
            case int():
                return self.element("I64", named, str(value))
            case float():
                return self.element("Db", named, repr(value).upper())
            case str():
                return self.element("S", named, escape(escaped(value)))
            case list():
                items = "".join(map(self.value, value))
                return self.object(named, f"<LST>{self.space}{items}</LST>")
            case PsObject():
                return self.object(named, self.types_of(value) + self.properties(value))
            case dict():
                entries = "".join(
                    f"<En>{self.value(key, 'Key')}{self.value(item, 'Value')}</En>{self.space}"
                    for key, item in value.items()
                )
                return self.object(named, f"<DCT>{self.space}{entries}</DCT>")

    def element(self, tag: str, attributes: str, text: str) -> str:
        return f"<{tag}{attributes}>{text}</{tag}>{self.space}"

    def object(self, named: str, content: str) -> str:
        return self.element("Obj", f'{named} RefId="{next(self.numbers)}"', self.space + content)

    def types_of(self, value: PsObject) -> str:
        known = self.types.get(value.types)
        if known is not None:
            return f'<TNRef RefId="{known}" />{self.space}'
        number = self.types.setdefault(value.types, len(self.types))
        names = "".join(f"<T>{escape(escaped(name))}</T>" for name in value.types)
        return f'<TN RefId="{number}">{self.space}{names}</TN>{self.space}'

    def properties(self, value: Mapping[str, PsValue]) -> str:
        return "".join(
            f"<{bag}>{self.space}{self.value(item, name)}</{bag}>{self.space}"
            for bag, (name, item) in zip(cycle(["Props", "MS"]), value.items(), strict=False)
        )


def plain(value: PsValue) -> object:
    """For comparing: objects with their types and texts, and True told apart from 1."""
    if isinstance(value, PsObject):
        return ("object", [(name, plain(item)) for name, item in value.items()], value.types)
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return (type(value), value)


@given(st.text())
def test_any_text_survives_being_escaped(text: str) -> None:
    assert unescaped(escaped(text)) == text


@given(
    st.lists(bags(values) | scalars, max_size=4),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(["", "\r\n  "]),
)
def test_any_values_read_back_from_a_file_as_they_were_written(
    written: list[PsValue], encoding: str, space: str
) -> None:
    writer = Writer(space)
    content = "".join(map(writer.value, written))
    file = BytesIO(f"{START}{space}{content}</Objs>".encode(encoding))
    assert [plain(value) for value in read_stream(file, "values.xml")] == [*map(plain, written)]


@given(st.lists(values, max_size=3))
def test_any_values_read_back_from_messages_as_they_were_written(written: list[PsValue]) -> None:
    writer, reader = Writer(), FragmentReader("ex01")
    read = [reader.read(writer.value(value)) for value in written]
    assert [plain(value) for value in read] == [plain(value) for value in written]
