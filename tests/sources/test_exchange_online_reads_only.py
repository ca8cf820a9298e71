"""Nothing but the read cmdlets of one list leaves for Exchange Online, whatever is asked."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import auditor
from auditor.collectors.contract import ExchangeCollector
from auditor.collectors.exo_registry import EXCHANGE_ONLINE_COLLECTORS
from auditor.sources.exchange_online import READ_CMDLETS, ExchangeOnline
from tests.support.admin_client import client
from tests.support.admin_stub import INVOKE, TENANT, AdminStub, Asked, Reply, packed, page

FORBIDDEN = [
    "Set-CASMailbox",
    "Remove-MobileDevice",
    "Clear-MobileDevice",
    "New-MigrationBatch",
    "Test-MigrationServerAvailability",
    "Get-Mailbox; Remove-Mailbox x",
    "Get-Recipient | Remove-Mailbox",
    "Get-Recipient ",
    " Get-Recipient",
    "Get-Recipient\n",
    "get-recipient",
    "GET-RECIPIENT",
    "Get-ManagementRole",
    "Get-",
    "",
]


def nowhere() -> ExchangeOnline:
    """A client that fails the test as soon as it sends anything."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"{request.method} left the program")

    return client("https://outlook.office365.com", transport=httpx.MockTransport(refuse))


@pytest.mark.parametrize("cmdlet", FORBIDDEN)
def test_what_is_not_on_the_list_is_refused_before_a_byte_is_sent(cmdlet: str) -> None:
    with pytest.raises(ValueError, match="is not among the cmdlets that may be run"):
        nowhere().stream(cmdlet)


@given(st.text(max_size=40) | st.from_regex(r"(Get|Set|Remove)-[A-Za-z]{1,20}"))
def test_no_text_but_those_of_the_list_gets_past_it(cmdlet: str) -> None:
    if cmdlet not in READ_CMDLETS:
        with pytest.raises(ValueError, match="is not among the cmdlets that may be run"):
            nowhere().stream(cmdlet)


def test_every_cmdlet_of_the_list_gets() -> None:
    assert [cmdlet for cmdlet in sorted(READ_CMDLETS) if not cmdlet.startswith("Get-")] == []


def test_the_list_is_what_the_collectors_ask_for_and_no_more() -> None:
    asked = {cmdlet for each in EXCHANGE_ONLINE_COLLECTORS for cmdlet in each.cmdlets}
    assert asked == READ_CMDLETS


@pytest.mark.parametrize("collector", EXCHANGE_ONLINE_COLLECTORS, ids=lambda each: each.cmdlets[0])
def test_what_a_collector_asks_for_may_leave(collector: ExchangeCollector) -> None:
    with AdminStub([page()]) as stub, client(stub.url) as source:
        assert list(source.stream(collector.cmdlets[0], collector.parameters)) == []
    assert stub.asked[0].json["CmdletInput"]["Parameters"] == dict(collector.parameters)


@pytest.mark.parametrize(
    "parameters",
    [
        {"Identity x; Remove-Mailbox": "y"},
        {"-Identity": "x"},
        {"": "x"},
        {"Filter": ["x"]},
        {"Filter": None},
        {"ResultSize": 5},
        {"Script": {"a": 1}},
    ],
)
def test_parameters_are_names_with_plain_values(parameters: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="is no parameter with a plain value"):
        nowhere().stream("Get-Recipient", parameters)


@pytest.mark.parametrize("value", ["", " ", "$null", "$NULL", " $Null\t"])
@pytest.mark.parametrize("name", ["Identity", "Mailbox", "Filter"])
def test_a_parameter_that_holds_nothing_would_ask_for_everything(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"{name} of Get-CASMailbox holds nothing"):
        nowhere().stream("Get-CASMailbox", {name: value})


def test_a_parameter_arrives_as_data_whatever_it_holds() -> None:
    asked: dict[str, str | bool] = {
        "Filter": 'Name -eq "x\'; Remove-Mailbox y #<&>\u20ac\ud800"',
        "SortBy": "Name\r\nX-Other: 1",
        "ReturnClientList": True,
        "Archive": False,
    }
    with AdminStub([page()]) as stub, client(stub.url) as source:
        list(source.stream("Get-CASMailbox", asked))
    assert stub.asked[0].json == {
        "CmdletInput": {"CmdletName": "Get-CASMailbox", "Parameters": asked}
    }


def test_a_whole_session_sends_the_preflight_and_the_cmdlets_and_nothing_else() -> None:
    def answer(asked: Asked) -> Reply:
        return packed(b"Get-Recipient") if asked.method == "GET" else page({"Name": "a"})

    with AdminStub(answer) as stub, client(stub.url) as source:
        source.readable_cmdlets()
        for cmdlet in sorted(READ_CMDLETS):
            list(source.stream(cmdlet))
    sent = [
        (asked.method, asked.path, asked.json["CmdletInput"]["CmdletName"] if asked.body else "")
        for asked in stub.asked
    ]
    assert sent == [
        ("GET", f"/adminapi/v1.0/{TENANT}/EXOModuleFile?Version=3.9.2", ""),
        *[("POST", INVOKE, cmdlet) for cmdlet in sorted(READ_CMDLETS)],
    ]


def literals(text: str) -> Iterator[str]:
    """Modules of the product with a text constant that holds this text outside of docstrings."""
    package = Path(auditor.__file__).parent
    for path in sorted(package.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        prose = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        for node in ast.walk(tree):
            constant = isinstance(node, ast.Constant) and isinstance(node.value, str)
            if constant and id(node) not in prose and text in str(ast.literal_eval(node)):
                yield path.relative_to(package).as_posix()


def test_one_place_composes_what_the_endpoint_runs() -> None:
    composing = {path for path in literals("CmdletInput") if not path.startswith("lab/")}
    assert composing == {"sources/exchange_online.py"}
