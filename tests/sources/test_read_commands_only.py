"""Nothing but read commands leaves the program, and no text can make it otherwise."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import auditor
from auditor.lab.organization import build
from auditor.lab.psrp_errors import Parameters
from auditor.lab.wsman_endpoint import LabEndpoint
from auditor.sources.exchange_shell import READ_VERBS, ExchangeShell
from auditor.sources.shell_settings import ShellSettings
from tests.support.wire import shell_for

ONE = '<Obj RefId="0"><TN RefId="0"><T>M.Mailbox</T></TN><Props><S N="Name">name</S></Props></Obj>'
FORBIDDEN = [
    "Set-Mailbox",
    "Remove-Mailbox",
    "New-MoveRequest",
    "Enable-Mailbox",
    "Getaway-Mailbox",
    "Get-Mailbox; Remove-Mailbox x",
    "Get-Mailbox | Remove-Mailbox",
    "Get-Mailbox -Identity x",
    "Get-Mailbox\n",
    " Get-Mailbox",
    "get-mailbox",
    "Get-",
    "Get-Mailbox`x",
    "& Get-Mailbox",
    "Get-M\u00e4ilbox",
    "",
]


@pytest.mark.parametrize("command", FORBIDDEN)
def test_what_is_no_read_command_is_refused_before_a_byte_is_sent(command: str) -> None:
    nowhere = ExchangeShell(ShellSettings("nowhere.invalid"))
    with pytest.raises(ValueError, match="is no read command"):
        nowhere.stream(command)


@given(st.text(max_size=40))
def test_no_text_but_a_read_verb_and_a_noun_gets_past_the_list(command: str) -> None:
    nowhere = ExchangeShell(ShellSettings("nowhere.invalid"))
    verb, dash, noun = command.partition("-")
    if verb in READ_VERBS and dash and noun.isascii() and noun.isalnum() and noun[0].isupper():
        return
    with pytest.raises(ValueError, match="is no read command"):
        nowhere.stream(command)


@pytest.mark.parametrize(
    "parameters",
    [
        {"Identity x; Remove-Mailbox": "y"},
        {"-Identity": "x"},
        {"": "x"},
        {"Filter": ["x"]},
        {"Filter": None},
        {"Script": {"a": 1}},
    ],
)
def test_parameters_are_names_with_plain_values(parameters: dict[str, str]) -> None:
    nowhere = ExchangeShell(ShellSettings("nowhere.invalid"))
    with pytest.raises(ValueError, match="is no parameter with a plain value"):
        nowhere.stream("Get-Mailbox", parameters)


def test_a_parameter_reaches_the_command_as_data_whatever_it_holds() -> None:
    arrived = []

    def note(name: str, parameters: Parameters) -> Iterator[str]:
        arrived.append((name, dict(parameters)))
        yield ONE

    asked: dict[str, str | bool | int] = {
        "Identity": "x'; Remove-Mailbox y #<&>\u20ac_x0041_",
        "ReadOnly": True,
        "ResultSize": 7,
    }
    with LabEndpoint(build(5), commands=note) as listening, shell_for(listening) as opened:
        list(opened.stream("Get-Mailbox", asked))
    assert arrived == [("Get-Mailbox", asked)]


def calls(name: str) -> list[str]:
    """Modules of the product that call a method of this name."""
    package = Path(auditor.__file__).parent
    return sorted(
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == name
    )


def test_one_place_adds_commands_and_one_the_fixed_script() -> None:
    assert calls("add_cmdlet") == ["sources/exchange_shell.py"]
    assert calls("add_script") == ["sources/windows_shell.py"]
    assert calls("add_command") == calls("add_argument") == calls("add_statement") == []


def test_the_verbs_that_leave_the_program_are_these_two() -> None:
    assert frozenset({"Get", "Test"}) == READ_VERBS


def test_the_modules_that_import_pypsrp_are_not_loaded_until_a_shell_is_opened() -> None:
    code = (
        "import sys, auditor.sources.exchange_shell, auditor.sources.windows_shell;"
        "print(sorted({'pypsrp', 'requests', 'spnego', 'urllib3'} & sys.modules.keys()))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
