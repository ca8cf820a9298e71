"""Serialised objects that are broken, cut short, not what they say, or made to do harm."""

from __future__ import annotations

from io import BytesIO
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import AuditorError, InputRefused, UnexpectedAnswer
from auditor.sources import clixml_objects
from auditor.sources.clixml import FragmentReader, PsObject, PsValue, looks_like_clixml, read_file
from auditor.sources.clixml import read_stream as read

START = '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    f"{START}<S N='&b;'>&b;</S></Objs>"
)


def document(*content: str) -> bytes:
    return (START + "".join(content) + "</Objs>").encode()


def until_it_stops(
    data: bytes | BytesIO, *, max_bytes: int = 10**8, max_object_bytes: int = 10**8
) -> tuple[list[PsValue], str]:
    """The values that came, and the error that ended them as class and sentence."""
    file = BytesIO(data) if isinstance(data, bytes) else data
    values: list[PsValue] = []
    try:
        for value in read(
            file, "mailboxes.xml", max_bytes=max_bytes, max_object_bytes=max_object_bytes
        ):
            values += [value]
    except AuditorError as error:
        return values, f"{type(error).__name__}: {error}"
    return values, ""


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (BOMB.encode(), "carries a document type, which serialised objects never have"),
        (BOMB.encode("utf-16"), "carries a document type, which serialised objects never have"),
        (
            b"<?xml version='1.0'?><!-- a --> <!DOCTYPE x SYSTEM 'file:///etc/passwd'><Objs />",
            "carries a document type, which serialised objects never have",
        ),
        (
            b"<?xml version='1.0' encoding='utf-7'?><!-- +AC0-+AC0-+AD4- -->" + document("<S />"),
            "is written in the encoding 'utf-7'",
        ),
        (b"", "is empty"),
        (b"\xef\xbb\xbf \r\n", "is empty"),
        (b'{"Objs": []}', "holds no serialised PowerShell objects"),
        (b"<html><Objs></Objs></html>", "holds no serialised PowerShell objects"),
        (b"<Objst />", "holds no serialised PowerShell objects"),
        (b"PK\x03\x04 <Objs>", "holds no serialised PowerShell objects"),
        (b"\xff\xfe\x00\xd8\x00\xd8", "holds no serialised PowerShell objects"),
        (b"<!--" + b"x" * 5000 + b"-->" + document(), "holds no serialised PowerShell objects"),
    ],
)
def test_what_is_no_clixml_is_refused_in_one_sentence(data: bytes, reason: str) -> None:
    assert until_it_stops(data) == (
        [],
        f"InputRefused: mailboxes.xml {reason}; "
        "give a file that Export-Clixml -Encoding UTF8 wrote.",
    )
    assert not looks_like_clixml(data)


def test_a_prologue_made_to_be_slow_is_refused_at_once() -> None:
    assert not looks_like_clixml(b"<??>" * 1000 + b"<" * 90)


@pytest.mark.parametrize("root", ['<Objs xmlns="urn:other">', '<p:Objs xmlns:p="urn:x">'])
def test_elements_of_another_namespace_are_no_clixml(root: str) -> None:
    name = root[1:].split(maxsplit=1)[0]
    values, error = until_it_stops(f"{root}<S>a</S></{name}>".encode())
    assert values == []
    assert error.startswith(("UnexpectedAnswer: mailboxes.xml", "InputRefused: mailboxes.xml"))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "none.xml"
    with pytest.raises(InputRefused) as refused:
        list(read_file(path))
    assert str(refused.value) == f"{path} cannot be opened (No such file or directory)."


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("<I32 N='a'>12x</I32>", "property 'a': I32 holds '12x'"),
        ("<I32 N='a'>1_000</I32>", "property 'a': I32 holds '1_000'"),
        ("<I64 N='a'>" + "9" * 5000 + "</I64>", f"property 'a': I64 holds '{'9' * 59}"),
        ("<I32 N='a' />", "property 'a': I32 holds None"),
        ("<B N='a'>yes</B>", "property 'a': B holds 'yes'"),
        ("<Db N='a'>1,5</Db>", "property 'a': Db holds '1,5'"),
        ("<C N='a'>65536</C>", "property 'a': C holds '65536'"),
        ("<S N='a'>x<b />y</S>", "property 'a': S is not what CLIXML has in this place"),
        ("<Q N='a'>x</Q>", "property 'a': Q is not what CLIXML has in this place"),
        ("<q:S N='a'>x</q:S>", "property 'a': q:S is not what CLIXML has in this place"),
        ("<S>x</S>", "outside its properties: S is a property without a name"),
        (
            "<Ref N='a' RefId='77' />",
            "property 'a': Ref refers to object '77', which is missing",
        ),
        (
            "<Ref N='a' RefId='3' /><Obj N='b' RefId='3'><LST /></Obj>",
            "property 'a': Ref refers to object '3', which is missing",
        ),
        (
            "<Obj N='a' RefId='3'><TNRef RefId='5' /><MS><S N='c'>x</S></MS></Obj>",
            "property 'a': TNRef refers to type names that are missing",
        ),
        (
            "<Obj N='a' RefId='3'><ToString>x<b /></ToString></Obj>",
            "property 'a': ToString holds elements where CLIXML has text",
        ),
        (
            "<Obj N='a' RefId='3'><LST><Obj RefId='4'><MS><B N='c'>x</B></MS></Obj></LST></Obj>",
            "property 'a.c': B holds 'x'",
        ),
        (
            "<Obj N='a' RefId='3'><DCT><En><S N='Key'>x</S></En></DCT></Obj>",
            "property 'a': En is a dictionary entry without one key and one value",
        ),
        (
            "<Obj N='a' RefId='3'><DCT><En><S N='Key'>1</S><Nil N='Value' /></En>"
            "<En><I32 N='Key'>1</I32><Nil N='Value' /></En></DCT></Obj>",
            "property 'a': En is a dictionary entry whose key is no text of its own",
        ),
    ],
)
def test_contents_without_sense_are_named_by_file_object_and_property(
    content: str, sentence: str
) -> None:
    values, error = until_it_stops(
        document("<S>first</S>", f"<Obj RefId='0'><Props>{content}</Props></Obj>", "<S>third</S>")
    )
    assert values == ["first"]
    assert error.startswith(f"UnexpectedAnswer: mailboxes.xml, object 2, {sentence}")
    assert error.endswith("; export it again.")


def test_a_hostile_value_stays_harmless_in_the_sentence() -> None:
    _, error = until_it_stops(document("<I32>\u202e<![CDATA[<script>]]>&#10;x</I32>"))
    assert "\\u202e<script>\\nx" in error


def nested(levels: int) -> bytes:
    return document("<Obj RefId='0'><LST>" * levels, "</LST></Obj>" * levels)


def test_objects_are_nested_65_deep_and_no_deeper() -> None:
    values, error = until_it_stops(document("<S>a</S>") + b"")
    assert (values, error) == (["a"], "")
    assert until_it_stops(nested(65))[1] == ""
    assert until_it_stops(nested(66)) == (
        [],
        "UnexpectedAnswer: mailboxes.xml, object 1, outside its properties: "
        "Obj lies within more than 64 others; export it again.",
    )


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("<Obj RefId='0'><LST>", "</LST></Obj>"),
        ("<Obj RefId='0'><Props><Obj N='a'><MS>", "</MS></Obj></Props></Obj>"),
        ("<Obj RefId='0'><ToString>a</ToString><Props>", "</Props></Obj>"),
        ("<Obj RefId='0'><MS><MS N='a'>", "</MS></MS></Obj>"),
        ("<MS N='a'>", "</MS>"),
        ("<S>", "</S>"),
    ],
)
@pytest.mark.parametrize("levels", [200, 900, 5000])
def test_any_nesting_without_end_is_an_unexpected_answer(
    opening: str, closing: str, levels: int
) -> None:
    for reference in ("", "<Ref N='x' RefId='0' />"):
        content = opening * levels + reference + closing * levels
        values, error = until_it_stops(document(content))
        assert (values, error[:31]) == ([], "UnexpectedAnswer: mailboxes.xml")


def test_references_that_multiply_are_refused() -> None:
    lists = ["<Obj RefId='0'><LST><S>ha</S></LST></Obj>"]
    for level in range(1, 40):
        references = f"<Ref RefId='{level - 1}' />" * 10
        lists.append(f"<Obj RefId='{level}'><LST>{references}</LST></Obj>")
    values, error = until_it_stops(document(*lists), max_object_bytes=1_000_000)
    assert len(values) < 20_000
    assert "Ref refers to objects that refer to others without end" in error


def test_objects_that_hide_in_each_other_are_read_once() -> None:
    levels = 31
    text = "<ToString>t</ToString>"
    opening = "".join(
        f"<Obj N='a' RefId='k{level}'><Props><Obj N='b' RefId='n{level}'>{text}<Props>"
        for level in range(levels)
    )
    closing = "</Props></Obj></Props></Obj>" * levels
    references = "".join(f"<Ref N='r{level}' RefId='k{level}' />" for level in range(levels))
    values, error = until_it_stops(
        document(
            f"<Obj RefId='top'><Props>{opening}<S N='c'>x</S>{closing}{references}</Props></Obj>"
        )
    )
    assert error == ""
    (top,) = values
    assert isinstance(top, PsObject)
    assert top["r30"] == PsObject({"b": "t"})


def test_an_object_is_forgotten_after_its_last_reference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clixml_objects, "MAX_REMEMBERED_BYTES", 3_000)
    defined = [f"<Obj RefId='{n}'><LST><S>{n}</S></LST></Obj>" for n in range(90)]
    referred = [f"<Ref RefId='{n}' />" for n in range(90)]
    soon = chain(*zip(defined, referred, strict=True))
    assert until_it_stops(document(*soon)) == ([str(n) for n in range(90) for _ in "ab"], "")
    values, error = until_it_stops(document(*defined, *referred))
    assert values == [str(n) for n in range(len(values))]
    assert "Obj is one too many to remember for later references" in error


def test_a_file_larger_than_the_bound_is_refused_before_anything_comes() -> None:
    data = document("<S>a</S>" * 100_000)
    assert until_it_stops(data, max_bytes=700_000) == (
        [],
        "InputRefused: mailboxes.xml is larger than 700000 bytes; export it in parts.",
    )


def test_an_object_larger_than_the_bound_is_refused_and_what_came_before_is_kept() -> None:
    small, large = "<S>small</S>", "<S>" + "x" * 1_000_000 + "</S>"
    assert until_it_stops(document(small, small, large), max_object_bytes=400_000) == (
        ["small", "small"],
        "UnexpectedAnswer: mailboxes.xml has an object of more than 400000 bytes; "
        "export fewer properties.",
    )
    assert until_it_stops(document(small, large), max_object_bytes=2_000_000)[1] == ""


def test_a_message_larger_than_the_bound_is_refused() -> None:
    reader = FragmentReader("ex01", max_object_bytes=100)
    with pytest.raises(UnexpectedAnswer, match=r"^ex01: an answer is larger than 100 bytes; ask"):
        reader.read("<S>" + "x" * 100 + "</S>")


@pytest.mark.parametrize(
    "message",
    ["", "<S>", "text", "<Objs />", BOMB, "<S>&a;</S>", "<S>a</S><S>b</S>", b"<S>\xff</S>"],
)
def test_a_message_that_is_no_object_is_an_unexpected_answer(message: str | bytes) -> None:
    with pytest.raises(UnexpectedAnswer, match=r"^ex01"):
        FragmentReader("ex01").read(message)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b"<S>x</P>", "tag mismatch"),
        (b"<S>&unknown;</S>", "Entity 'unknown' not defined"),
        (b"<S>a\x00b</S>", "Char 0x0 out of allowed range"),
        (b"<S>\xff\xfe</S>", "Invalid bytes"),
        (b"</Objs><Objs><S>c</S>", "Extra content"),
    ],
)
def test_xml_that_breaks_in_the_middle_keeps_what_came_and_is_named(
    broken: bytes, reason: str
) -> None:
    before, after = document("<S>a</S>", "\r\n  <S>b</S>", "|", "<S>c</S>" * 9).split(b"|")
    values, error = until_it_stops(before + broken + after)
    assert values == ["a", "b"]
    assert error.startswith("UnexpectedAnswer: mailboxes.xml is no well-formed XML (")
    assert reason in error


def test_broken_utf_16_keeps_what_came() -> None:
    data = document("<S>a</S>" * 60_000).decode().encode("utf-16")
    broken = data[:500_000] + b"\x00\xd8\x00\xd8" + data[500_004:]
    values, error = until_it_stops(broken)
    assert 0 < len(values) < 60_000
    assert set(map(str, values)) == {"a"}
    assert error == ("UnexpectedAnswer: mailboxes.xml is not UTF-16 throughout; export it again.")


CUT_SHORT = "AnswerCutShort: mailboxes.xml ends before its closing tag; copy or export it again."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
@pytest.mark.parametrize("space", ["", "\r\n  "])
def test_a_file_cut_anywhere_gives_its_complete_objects_and_says_cut_short(
    encoding: str, space: str
) -> None:
    objects = [
        "<S>a</S>",
        "<Obj RefId='0'><LST><S>a &lt; b</S><Nil /></LST></Obj>",
        "<Nil/>",
        "<Obj RefId='1'><DCT><En><S N='Key'>k</S><S N='Value'>Zo\u00eb</S></En></DCT></Obj>",
    ]
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    start = (mark + START).encode(encoding)
    data = start
    ends = []
    for each in objects:
        data += (space + each).encode(encoding)
        ends.append(len(data))
    expected: list[list[PsValue]] = [["a"], ["a < b", None], [None], [{"k": "Zo\u00eb"}]]
    for cut in range(len(start), len(data) + 1):
        complete = [value for end, value in zip(ends, expected, strict=True) if end <= cut]
        assert until_it_stops(data[:cut]) == (list(chain(*complete)), CUT_SHORT)
    assert until_it_stops(data + "</Objs>".encode(encoding)) == (list(chain(*expected)), "")


def test_an_object_over_the_wire_that_is_cut_short_gives_nothing() -> None:
    assert until_it_stops(b"<Obj RefId='0'><MS><S N='a'>b</S></MS>") == ([], CUT_SHORT)


class Failing(BytesIO):
    """A file on a share that goes away."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() >= 100_000:
            raise OSError(5, "Input/output error")
        return super().read(size)


def test_a_file_that_cannot_be_read_on_gives_what_came() -> None:
    values, error = until_it_stops(Failing(document("<S>a</S>" * 60_000)))
    assert len(values) > 5_000
    assert error == (
        "AnswerCutShort: mailboxes.xml cannot be read to its end (Input/output error); "
        "copy it and try again."
    )


SAMPLE = document(
    "<Obj RefId='0'><TN RefId='0'><T>a.B</T></TN><ToString>x_x000A_</ToString><Props>"
    "<S N='s'>a</S><I32 N='i'>1</I32><Obj N='l' RefId='1'><LST><S>b</S></LST></Obj>"
    "<Ref N='r' RefId='1' /></Props><MS><Obj N='d' RefId='2'><DCT><En><S N='Key'>k</S>"
    "<Nil N='Value' /></En></DCT></Obj></MS></Obj>",
    "<Obj RefId='3'><TNRef RefId='0' /><Props><Ref N='r' RefId='2' /></Props></Obj>",
)


@given(
    at=st.integers(0, len(SAMPLE) - 1),
    gone=st.integers(0, 40),
    new=st.one_of(
        st.binary(max_size=8),
        st.sampled_from([b"<", b">", b"'", b"&a;", b"</Obj>", b"<Obj>", b"<LST>", b"Ref", b"TN"]),
    ),
)
def test_whatever_is_changed_in_a_file_it_gives_values_or_an_error_of_ours(
    at: int, gone: int, new: bytes
) -> None:
    values, error = until_it_stops(SAMPLE[:at] + new + SAMPLE[at + gone :])
    assert len(values) == 2 or error
