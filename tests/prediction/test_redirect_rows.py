"""What the prediction of redirects reads of the evidence."""

from __future__ import annotations

import pytest

from auditor.evidence.database import Database
from auditor.evidence.ledger import line_without_source
from auditor.evidence.servers import OnpremExchangeServer
from auditor.evidence.tables import BY_NAME
from auditor.prediction.redirect_rows import read_organization
from auditor.prediction.redirect_steps import Server, servers_step
from auditor.run import shipped_reference

COMPLETE = {table: line_without_source(table, "complete") for table in BY_NAME}
E2010, E2016 = "Exchange Server 2010", "Exchange Server 2016"


def server(
    product: str | None, client_access: bool | None, mailbox: bool | None
) -> OnpremExchangeServer:
    values = dict.fromkeys(OnpremExchangeServer.model_fields) | {
        "guid": "s1",
        "name": "EX01",
        "server_key": "ex01",
        "product": product,
        "is_client_access_server": client_access,
        "is_mailbox_server": mailbox,
        "is_edge_server": False,
    }
    return OnpremExchangeServer.model_validate(values)


def servers_read(found: OnpremExchangeServer) -> tuple[Server, ...]:
    """The servers that the prediction sees where the evidence holds this one."""
    with Database(tuple(BY_NAME.values())) as database:
        for table in shipped_reference():
            database.insert(table.rows)
        database.insert([found])
        servers = read_organization(database, COMPLETE).servers
    assert isinstance(servers, tuple)
    return servers


@pytest.mark.parametrize(
    ("product", "client_access", "mailbox", "answers"),
    [
        (E2010, True, False, True),
        (E2010, False, True, False),
        (E2016, True, False, False),
        (E2016, False, True, True),
        # a server of 2010 that holds the Client Access role alone may hide here
        (None, True, False, True),
        (None, False, True, True),
        (None, False, None, None),
        (None, False, False, False),
    ],
)
def test_the_role_that_decides_depends_on_the_product_and_either_counts_where_it_was_not_read(
    product: str | None, client_access: bool | None, mailbox: bool | None, answers: bool | None
) -> None:
    assert servers_read(server(product, client_access, mailbox)) == (
        Server("EX01", product, answers, None),
    )


def test_a_server_of_which_only_the_product_was_not_read_leaves_the_redirect_open() -> None:
    able = Server("EX02", E2016, True, None)
    found = servers_read(server(None, True, False))
    step, outcome = servers_step((able, *found), {})
    assert (step.result, outcome) == ("build, product or role not measured: EX01", "unknown")
