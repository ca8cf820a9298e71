"""A list of Graph ends the reading at its first value that does not fit, however long it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from auditor.collectors import graph_registry
from auditor.collectors.graph_users import GraphUser
from auditor.errors import UnexpectedAnswer
from auditor.sources.graph import GraphObject, GraphPage
from auditor.sources.json_bounds import MOST_VALUES
from tests.support.admin_stub import AdminStub, Reply
from tests.support.graph_wire import JSON, graph_at

assert graph_registry.GRAPH_COLLECTORS  # so that all models are there


def models(of: type[GraphObject]) -> Iterator[type[GraphObject]]:
    for model in of.__subclasses__():
        yield model
        yield from models(model)


def lists() -> list[tuple[type[GraphObject], str]]:
    """Every property that is a list, of every model but the pages themselves."""

    def is_list(field: FieldInfo) -> bool:
        return "tuple[" in str(field.annotation)

    return [
        (model, name)
        for model in dict.fromkeys(models(GraphObject))
        if not issubclass(model, GraphPage)
        for name, field in model.model_fields.items()
        if is_list(field)
    ]


def test_the_lists_of_a_user_are_among_those_that_are_looked_at() -> None:
    assert [name for model, name in lists() if model is GraphUser] == [
        "proxy_addresses",
        "assigned_licenses",
        "license_assignment_states",
        "on_premises_provisioning_errors",
    ]


@pytest.mark.parametrize(
    ("model", "name"), lists(), ids=[f"{model.__name__}-{name}" for model, name in lists()]
)
def test_a_list_of_values_that_do_not_fit_is_one_error(model: type[GraphObject], name: str) -> None:
    field = model.model_fields[name]
    body = json.dumps({field.alias or name: [0] * 50})
    with pytest.raises(ValidationError) as caught:
        model.model_validate_json(body)
    found: list[Any] = [each for each in caught.value.errors() if each["loc"][0] == field.alias]
    assert [each["loc"] for each in found] == [(field.alias, 0)]


def whole_numbers() -> list[tuple[type[GraphObject], str]]:
    """Every property that is a whole number, of every model."""
    return [
        (model, name)
        for model in dict.fromkeys(models(GraphObject))
        for name, field in model.model_fields.items()
        if int in get_args(field.annotation) or "[int, " in str(field.annotation)
    ]


def test_the_numbers_of_products_and_sign_ins_are_among_those_that_are_looked_at() -> None:
    assert {f"{model.__name__}.{name}" for model, name in whole_numbers()} >= {
        "GraphSku.consumed_units",
        "GraphSignInStatus.error_code",
    }


@pytest.mark.parametrize(
    ("model", "name"),
    whole_numbers(),
    ids=[f"{model.__name__}-{name}" for model, name in whole_numbers()],
)
def test_a_number_that_no_table_holds_is_refused_where_it_is_read(
    model: type[GraphObject], name: str
) -> None:
    alias = model.model_fields[name].alias or name

    def wrong(number: int) -> bool:
        try:
            model.model_validate_json(json.dumps({alias: number}))
        except ValidationError as problem:
            return (alias,) in {each["loc"] for each in problem.errors()}
        return False

    numbers = (2**63, 2**63 - 1, -(2**63), -(2**63) - 1)
    assert [wrong(number) for number in numbers] == [True, False, False, True]


def refused(body: bytes) -> str:
    """What is said of a page of users."""
    with AdminStub([Reply(200, body, JSON)]) as stub, graph_at(stub) as graph:
        with pytest.raises(UnexpectedAnswer) as caught:
            list(graph.pages("/users", GraphPage[GraphUser]))
        assert len(stub.asked) == 1
    return str(caught.value)


def test_a_page_of_a_million_values_that_do_not_fit_names_the_first() -> None:
    body = b'{"value": [' + b",".join([b"0"] * 1_000_000) + b"]}"
    assert "value[0] is not what Graph documents (Input should be an object)" in refused(body)


def test_a_page_of_more_values_than_a_page_can_hold_is_not_read() -> None:
    body = b'{"value": [' + b",".join([b"0"] * (MOST_VALUES + 1)) + b"]}"
    assert refused(body) == (
        "/users at 127.0.0.1 answered with more than 2,000,000 values; see whether the address is "
        "that of Microsoft Graph."
    )
