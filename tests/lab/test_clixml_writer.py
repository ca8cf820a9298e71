"""CLIXML as the lab writes it, read by the program's own reader."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.lab.clixml_writer import Shape, escaped, file_text
from auditor.lab.cmdlets import ANSWERS, objects
from auditor.lab.organization import build
from auditor.lab.recipients import HOSTILE_NAMES
from auditor.lab.shell_objects import (
    Described,
    Many,
    Member,
    ShellObject,
    Value,
    custom_object,
    selected,
)
from auditor.sources.clixml import PsObject, PsValue, read_stream


def written(found: Iterable[ShellObject], shape: Shape) -> str:
    return "".join(file_text(found, shape))


def read_back(found: Iterable[ShellObject], shape: Shape) -> list[PsValue]:
    return list(read_stream(io.BytesIO(written(found, shape).encode()), "lab.clixml"))


def as_read(value: Value) -> object:
    """What the reader makes of a value: objects with a text are their text, in both shapes."""
    if isinstance(value, Described | Member):
        return value.text
    if isinstance(value, Many):
        return [as_read(item) for item in value.items]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value


@pytest.mark.parametrize("shape", Shape)
@pytest.mark.parametrize("cmdlet", ANSWERS)
def test_every_answer_reads_back_equal(cmdlet: str, shape: Shape) -> None:
    organization = build(40)
    given_objects = list(objects(organization, cmdlet))
    found = read_back(given_objects, shape)
    assert all(isinstance(each, PsObject) for each in found)
    assert [
        (each.types, each.text, dict(each)) for each in found if isinstance(each, PsObject)
    ] == [
        (
            each.types,
            each.text,
            {name: as_read(value) for name, value in {**each.properties, **each.notes}.items()},
        )
        for each in given_objects
    ]


@given(st.text(st.characters(codec="utf-8")))
def test_any_text_survives(text: str) -> None:
    (found,) = read_back([custom_object({"Text": text})], Shape.FULL)
    assert isinstance(found, PsObject)
    assert found["Text"] == text


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_survive(name: str) -> None:
    (found,) = read_back([custom_object({"DisplayName": name})], Shape.PARTIAL)
    assert isinstance(found, PsObject)
    assert found["DisplayName"] == name


def test_text_is_escaped_as_powershell_does() -> None:
    assert escaped("a\r\n_x0041_ \N{GRINNING FACE} <&>\x00") == (
        "a_x000D__x000A__x005F_x0041_ _xD83D__xDE00_ &lt;&amp;&gt;_x0000_"
    )


def test_a_type_is_named_once_and_referred_to_after() -> None:
    text = written(objects(build(3), "Get-Mailbox"), Shape.FULL)
    assert text.count("<T>Microsoft.Exchange.Data.Directory.Management.Mailbox</T>") == 1
    assert text.count("<TNRef ") > 3


def test_the_shapes_differ_where_exchange_has_types_of_its_own() -> None:
    first = next(objects(build(1), "Get-ExchangeServer"))
    full, partial = (written([first], shape) for shape in (Shape.FULL, Shape.PARTIAL))
    version = "Version 15.1 (Build 2507.6)"
    assert f'<S N="AdminDisplayVersion">{version}</S>' in partial
    assert f"<ToString>{version}</ToString><Props>" in full
    assert '<I32 N="Major">15</I32>' in full
    assert "<ToString>Mailbox</ToString><I32>2</I32>" in full


def test_a_selected_object_says_what_it_was_and_keeps_its_values_as_notes() -> None:
    first = next(objects(build(1), "Get-AcceptedDomain"))
    narrowed = selected(first, ["Name", "NotThere"])
    assert written([narrowed], Shape.FULL).partition(">")[2] == (
        '<Obj RefId="0"><TN RefId="0">'
        "<T>Selected.Microsoft.Exchange.Data.Directory.SystemConfiguration.AcceptedDomain</T>"
        "<T>System.Management.Automation.PSCustomObject</T><T>System.Object</T></TN>"
        '<MS><S N="Name">contoso.com</S><Nil N="NotThere" /></MS></Obj></Objs>'
    )
