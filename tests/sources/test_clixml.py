"""What serialised objects become: every element of CLIXML, references, encodings, messages."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest

from auditor.errors import UnexpectedAnswer
from auditor.sources.clixml import FragmentReader, PsObject, PsValue, looks_like_clixml, read_file
from auditor.sources.clixml import read_stream as read

START = '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
MAILBOX = "<TN RefId='0'><T>Microsoft.Exchange.Data.Directory.Management.Mailbox</T></TN>"


def objects(*content: str, wanted: tuple[str, ...] | None = None) -> list[PsValue]:
    document = START + "".join(content) + "</Objs>"
    return list(read(BytesIO(document.encode()), "mailboxes.xml", wanted=wanted))


def whole(*content: str, wanted: tuple[str, ...] | None = None) -> list[object]:
    """Each object as its properties, type names and ToString."""
    return [
        (dict(value), value.types, value.text) if isinstance(value, PsObject) else value
        for value in objects(*content, wanted=wanted)
    ]


def properties(content: str) -> dict[str, PsValue]:
    (value,) = objects(f"<Obj RefId='0'><Props>{content}</Props></Obj>")
    assert isinstance(value, PsObject)
    return dict(value)


def test_every_primitive_value_becomes_the_python_value_it_means() -> None:
    assert properties(
        "<S N='text'>a &lt; b</S><S N='empty'></S><S N='closed' /><Nil N='nothing' />"
        "<B N='yes'>true</B><B N='no'>false</B><B N='one'>1</B><B N='zero'>0</B>"
        "<I32 N='i32'>-5</I32><I64 N='i64'>9223372036854775807</I64><U32 N='u32'>4294967295</U32>"
        "<U64 N='u64'>18446744073709551615</U64><I16 N='i16'>-1</I16><U16 N='u16'>1</U16>"
        "<By N='by'>255</By><SB N='sb'>-128</SB>"
        "<Db N='db'>1.5E-07</Db><Sg N='sg'>-INF</Sg><D N='decimal'>12.340</D>"
        "<C N='letter'>97</C><C N='half'>55357</C>"
        "<DT N='time'>2026-01-15T09:30:22.12+01:00</DT><TS N='span'>P14DT2H</TS>"
        "<G N='guid'>9b9387fe-e1b1-4695-97bd-b0a0bebe7ce2</G><URI N='uri'>https://a/b</URI>"
        "<Version N='version'>15.1.2507.6</Version><BA N='bytes'>AQID</BA>"
        "<XD N='xml'>&lt;a/&gt;</XD><SBK N='script'>Get-Date</SBK>"
    ) == {
        "text": "a < b",
        "empty": "",
        "closed": "",
        "nothing": None,
        "yes": True,
        "no": False,
        "one": True,
        "zero": False,
        "i32": -5,
        "i64": 9223372036854775807,
        "u32": 4294967295,
        "u64": 18446744073709551615,
        "i16": -1,
        "u16": 1,
        "by": 255,
        "sb": -128,
        "db": 1.5e-07,
        "sg": float("-inf"),
        "decimal": "12.340",
        "letter": "a",
        "half": "\ufffd",
        "time": "2026-01-15T09:30:22.12+01:00",
        "span": "P14DT2H",
        "guid": "9b9387fe-e1b1-4695-97bd-b0a0bebe7ce2",
        "uri": "https://a/b",
        "version": "15.1.2507.6",
        "bytes": "AQID",
        "xml": "<a/>",
        "script": "Get-Date",
    }


def test_lists_dictionaries_texts_and_bags_within_an_object() -> None:
    assert properties(
        "<Obj N='list' RefId='1'><LST><S>a</S><I32>2</I32></LST></Obj>"
        "<Obj N='enumerated' RefId='2'><TNRef RefId='9' /><IE><S>a</S></IE>"
        "<Props><I32 N='Count'>1</I32></Props></Obj>"
        "<Obj N='queue' RefId='3'><QUE /></Obj><Obj N='stack' RefId='4'><STK><S>a</S></STK></Obj>"
        "<Obj N='dictionary' RefId='5'><DCT>"
        "<En><S N='Key'>a</S><I32 N='Value'>1</I32></En>"
        "<En><I32 N='Key'>7</I32><Obj N='Value' RefId='6'><LST><S>b</S></LST></Obj></En>"
        "</DCT></Obj>"
        "<Obj N='text' RefId='7'><ToString>2 GB</ToString><Props><I64 N='Bytes'>2</I64></Props>"
        "<MS><B N='IsUnlimited'>false</B></MS></Obj>"
        "<Obj N='enum' RefId='8'><ToString>UserMailbox</ToString><I32>1</I32></Obj>"
        "<Obj N='wrapped' RefId='10'><I32>5</I32><MS><S N='Note'>n</S></MS></Obj>"
        "<Obj N='bag' RefId='11'><Props><S N='a'>b</S></Props><MS><S N='c'>d</S></MS></Obj>"
        "<Obj N='nothing' RefId='12' />"
    ) == {
        "list": ["a", 2],
        "enumerated": ["a"],
        "queue": [],
        "stack": ["a"],
        "dictionary": {"a": 1, "7": ["b"]},
        "text": "2 GB",
        "enum": "UserMailbox",
        "wrapped": 5,
        "bag": PsObject({"a": "b", "c": "d"}),
        "nothing": PsObject({}),
    }


def test_a_top_level_object_keeps_its_properties_beside_its_text() -> None:
    assert whole(
        f"<Obj RefId='0'>{MAILBOX}<ToString>Ann</ToString><Props><S N='Alias'>ann</S>"
        "<S N='Name'>old</S></Props><MS><S N='Name'>new</S><MS N='Set'><S N='In'>it</S></MS></MS>"
        "</Obj>",
        "<Obj RefId='1'><TN RefId='1'><T>System.DayOfWeek</T><T>System.Enum</T></TN>"
        "<ToString>Friday</ToString><I32>5</I32></Obj>",
        "<Obj RefId='2'><S>line</S><MS><S N='PSPath'>C:\\a</S></MS></Obj>",
        "<Obj RefId='3'><I32>5</I32></Obj>",
        "<S>plain</S><Nil /><B>true</B>",
    ) == [
        (
            {"Alias": "ann", "Name": "new", "Set": PsObject({"In": "it"})},
            ("Microsoft.Exchange.Data.Directory.Management.Mailbox",),
            "Ann",
        ),
        ({}, ("System.DayOfWeek", "System.Enum"), "Friday"),
        ({"PSPath": "C:\\a"}, (), "line"),
        5,
        "plain",
        None,
        True,
    ]


def test_a_list_exported_as_one_value_gives_its_whole_items() -> None:
    item = "<Obj RefId='{0}'><ToString>m{0}</ToString><Props><I32 N='n'>{0}</I32></Props></Obj>"
    items = item.format(1) + item.format(2)
    assert whole(f"<Obj RefId='0'><LST>{items}</LST></Obj><S>after</S>") == [
        ({"n": 1}, (), "m1"),
        ({"n": 2}, (), "m2"),
        "after",
    ]


def test_serialization_data_is_dropped_and_secure_strings_are_not_read() -> None:
    assert properties(
        "<BA N='SerializationData'>AAEAAAD/////</BA><SS N='Password'>01000000d08c9ddf</SS>"
    ) == {"Password": "(secure string, not read)"}


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("a_x000D__x000A_b", "a\r\nb"),
        ("_xD83D__xDE00_", "\U0001f600"),
        ("_xd83d__xde00_", "\U0001f600"),
        ("_x005F_x0041_", "_x0041_"),
        ("_x0000_", "\0"),
        ("_xD83D_", "\ufffd"),
        ("_xDE00_a", "\ufffda"),
        ("_x12_ _X0041_ _xGGGG_ _x0041", "_x12_ _X0041_ _xGGGG_ _x0041"),
    ],
)
def test_escapes_are_decoded_in_text_names_and_types(written: str, text: str) -> None:
    assert whole(
        f"<Obj RefId='0'><TN RefId='0'><T>{written}</T></TN><ToString>{written}</ToString>"
        f"<Props><S N='{written}'>{written}</S></Props></Obj>"
    ) == [({text: text}, (text,), text)]


def test_comments_instructions_and_cdata_do_not_split_a_text() -> None:
    assert objects("<!-- a --><S>a<!-- x -->b<?x y?>c<![CDATA[<d>]]>e</S><?p i?>") == ["abc<d>e"]


@pytest.mark.parametrize(
    ("type_name", "kind"),
    [
        ("Microsoft.Exchange.Data.Directory.Management.ExchangeServer", "ExchangeServer"),
        ("Selected.Microsoft.Exchange.Data.Directory.Management.Mailbox", "Mailbox"),
        ("Selected.Deserialized.System.Diagnostics.FileVersionInfo", "FileVersionInfo"),
        ("Deserialized.Selected.System.Diagnostics.FileVersionInfo", "FileVersionInfo"),
        ("Microsoft.Exchange.Data.Unlimited`1[[System.Int32, mscorlib]]", "Unlimited"),
        ("System.String[]", "String"),
        (
            "Microsoft.Web.ConfigurationElement#site#application",
            "ConfigurationElement#site#application",
        ),
        ("Mailbox", "Mailbox"),
    ],
)
def test_the_kind_of_an_object_is_the_last_part_of_its_first_type_name(
    type_name: str, kind: str
) -> None:
    assert PsObject({}, (type_name, "System.Object")).kind == kind


def test_an_object_without_type_names_has_no_kind() -> None:
    assert PsObject({}).kind == ""


def test_a_property_that_was_not_exported_is_refused_and_not_taken_for_empty() -> None:
    (mailbox,) = objects(f"<Obj RefId='0'>{MAILBOX}<Props><Nil N='Database' /></Props></Obj>")
    assert isinstance(mailbox, PsObject)
    with pytest.raises(UnexpectedAnswer) as refused:
        mailbox["EmailAddresses"]
    assert not isinstance(refused.value, KeyError)
    assert str(refused.value) == (
        "Mailbox (mailboxes.xml, object 1) has no property EmailAddresses: export whole objects, "
        "or add EmailAddresses to the properties that Select-Object keeps."
    )
    assert mailbox["Database"] is None
    assert mailbox.optional("EmailAddresses") is None
    assert mailbox.get("EmailAddresses", "x") == "x"
    assert [name in mailbox for name in ("Database", "EmailAddresses")] == [True, False]
    assert list(mailbox) == ["Database"]


def test_only_wanted_properties_are_looked_at() -> None:
    assert whole(
        f"<Obj RefId='0'>{MAILBOX}<Props><S N='Name'>Ann</S><I32 N='Broken'>x</I32></Props></Obj>",
        "<Obj RefId='1'><TNRef RefId='0' /><MS><S N='Alias'>bob</S></MS></Obj>",
        wanted=("Name",),
    ) == [
        ({"Name": "Ann"}, ("Microsoft.Exchange.Data.Directory.Management.Mailbox",), None),
        ({}, ("Microsoft.Exchange.Data.Directory.Management.Mailbox",), None),
    ]


def test_wanted_properties_of_the_items_of_an_exported_list() -> None:
    item = "<Obj RefId='1'><Props><S N='a'>1</S><S N='b'>2</S></Props></Obj>"
    assert whole(f"<Obj RefId='0'><LST>{item}</LST></Obj>", wanted=("b",)) == [
        ({"b": "2"}, (), None)
    ]


def test_references_and_type_names_reach_back_across_top_level_objects() -> None:
    types = "<TN RefId='7'><T>a.Site</T></TN>"
    site = f"<Obj N='Site' RefId='1'>{types}<Props><S N='n'>s</S></Props></Obj>"
    first, second, third, fourth = objects(
        f"<Obj RefId='0'><Props>{site}</Props></Obj>",
        "<Obj RefId='2'><TNRef RefId='7' /><Props><Ref N='Site' RefId='1' /></Props></Obj>",
        "<Obj RefId='3'><LST><Ref RefId='1' /><Ref RefId='1' /></LST></Obj>",
    )
    assert isinstance(second, PsObject)
    assert second.types == ("a.Site",)
    assert second == first == {"Site": PsObject({"n": "s"})}
    assert [third, fourth] == [{"n": "s"}, {"n": "s"}]


@pytest.mark.parametrize("wanted", [None, ("Site", "Kept")])
def test_what_a_skipped_part_defines_is_remembered(wanted: tuple[str, ...] | None) -> None:
    site = "<Obj N='Site' RefId='1'><TN RefId='7'><T>a.Site</T></TN><LST><S>s</S></LST></Obj>"
    text = f"<Obj N='Text' RefId='2'><ToString>t</ToString><Props>{site}</Props></Obj>"
    outer = f"<Obj N='Outer' RefId='3'><ToString>o</ToString><Props>{text}</Props></Obj>"
    assert whole(
        f"<Obj RefId='0'><Props>{outer}<S N='Kept'>k</S></Props></Obj>",
        "<Obj RefId='4'><TNRef RefId='7' /><Props><Ref N='Site' RefId='1' /></Props></Obj>",
        wanted=wanted,
    ) == [
        ({"Outer": "o", "Kept": "k"} if wanted is None else {"Kept": "k"}, (), None),
        ({"Site": ["s"]}, ("a.Site",), None),
    ]


def test_a_reference_at_the_top_gives_the_whole_object_and_within_an_object_its_text() -> None:
    owner = "<Obj N='Owner' RefId='1'><ToString>Ann</ToString><Props><S N='a'>b</S></Props></Obj>"
    assert whole(
        f"<Obj RefId='0'><Props>{owner}</Props></Obj><Ref RefId='1' />",
        "<Obj RefId='2'><Props><Ref N='Owner' RefId='1' /><Ref N='Old' RefId='1' /></Props></Obj>",
    ) == [
        ({"Owner": "Ann"}, (), None),
        ({"a": "b"}, (), "Ann"),
        ({"Owner": "Ann", "Old": "Ann"}, (), None),
    ]


def test_of_two_objects_with_one_identifier_a_reference_means_the_one_before_it() -> None:
    assert properties(
        "<Obj N='a' RefId='5'><LST><S>first</S></LST></Obj><Ref N='b' RefId='5' />"
        "<Obj N='c' RefId='5'><LST><S>second</S></LST></Obj><Ref N='d' RefId='5' />"
    ) == {"a": ["first"], "b": ["first"], "c": ["second"], "d": ["second"]}


def test_a_reference_to_the_object_that_holds_it_is_none() -> None:
    assert properties(
        "<Ref N='me' RefId='0' /><Obj N='child' RefId='1'><Props><Ref N='parent' RefId='0' />"
        "<S N='a'>b</S></Props></Obj>"
    ) == {"me": None, "child": PsObject({"parent": None, "a": "b"})}


@pytest.mark.parametrize(
    ("encoding", "start"),
    [
        ("utf-16", ""),
        ("utf-16-be", "\ufeff"),
        ("utf-8-sig", ""),
        ("utf-8", ""),
        ("utf-16", '<?xml version="1.0" encoding="utf-16"?>\r\n'),
        ("utf-8", '<?xml version="1.0" encoding="UTF-8"?><!-- <Objs> --> <?x y?>\r\n'),
    ],
)
def test_a_file_is_read_in_each_encoding_of_export_clixml(
    tmp_path: Path, encoding: str, start: str
) -> None:
    path = tmp_path / "mailboxes.xml"
    document = start + START + "\r\n  <S>Zoë \U0001f600</S>\r\n" * 9000 + "</Objs>"
    path.write_bytes(document.encode(encoding))
    assert list(read_file(path)) == ["Zoë \U0001f600"] * 9000
    assert looks_like_clixml(path.read_bytes()[:4096])


def test_one_object_as_it_came_over_the_wire_is_a_file_too() -> None:
    wire = f"<Obj RefId='0'>{MAILBOX}<ToString>Ann</ToString><Props><S N='a'>b</S></Props></Obj>"
    (mailbox,) = read(BytesIO(wire.encode()), "wire.xml")
    assert isinstance(mailbox, PsObject)
    assert (dict(mailbox), mailbox.kind, mailbox.text) == ({"a": "b"}, "Mailbox", "Ann")
    assert looks_like_clixml(wire.encode())


def test_messages_of_a_pipeline_share_type_names_but_no_objects() -> None:
    reader = FragmentReader("ex01")
    first = reader.read(f"<Obj RefId='0'>{MAILBOX}<Props><S N='a'>Zoë</S></Props></Obj>")
    second = reader.read(
        b"\xef\xbb\xbf<Obj RefId='1'><TNRef RefId='0' /><MS><Nil N='a'/></MS></Obj>"
    )
    assert isinstance(first, PsObject)
    assert isinstance(second, PsObject)
    assert [(item.kind, dict(item)) for item in (first, second)] == [
        ("Mailbox", {"a": "Zoë"}),
        ("Mailbox", {"a": None}),
    ]
    assert reader.read("<S>text</S>") == "text"
    assert reader.read("<Nil />") is None
    assert reader.read("<Obj RefId='2'><LST><I32>1</I32></LST></Obj>") == [1]
    with pytest.raises(UnexpectedAnswer, match="Ref refers to object '0', which is missing"):
        reader.read("<Obj RefId='3'><MS><Ref N='a' RefId='0' /></MS></Obj>")


def test_a_message_may_name_its_namespace() -> None:
    xmlns = "xmlns='http://schemas.microsoft.com/powershell/2004/04'"
    reader = FragmentReader("ex01")
    message = reader.read(f"<Obj {xmlns} RefId='0'><LST><S>a</S></LST></Obj>")
    assert message == ["a"]
