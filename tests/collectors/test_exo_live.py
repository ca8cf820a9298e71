"""Collecting from Exchange Online: the rows of its exports, and an honest line for every fault."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from auditor.collectors.exchange_online import (
    OnlineCheck,
    check_exchange_online,
    collect_exchange_online,
)
from auditor.collectors.exo_registry import EXCHANGE_ONLINE_COLLECTORS
from auditor.collectors.exports import import_exports
from auditor.errors import AccessDenied
from auditor.evidence.bundle import BundleWriter, Header, open_bundle
from auditor.evidence.ledger import LedgerLine
from auditor.evidence.tables import COLLECTED
from auditor.lab.online_exports import write_online_exports
from auditor.lab.organization import Organization, build
from auditor.lab.tenant import CMDLETS
from auditor.lab.tenant_rows import Row
from tests.support.admin_client import Credential, client
from tests.support.admin_stub import INVOKE, AdminStub, Asked, Reply, failure, page

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
HEADER = Header(
    format_version=1, kind="evidence", tool_version="test", title="", created_at=NOW, details={}
)
ALL = tuple(model.table for each in EXCHANGE_ONLINE_COLLECTORS for model in each.tables)
PAGE = 7


@dataclass
class Tenant:
    """The lab's tenant behind a stub: pages, what may be run, and answers that are given first.

    `granted`: the cmdlets that the preflight lists, None where it lists nothing. `instead`: the
    reply to each page of a cmdlet, by its number from 1.
    """

    organization: Organization
    granted: Iterable[str] | None = tuple(CMDLETS)
    instead: dict[str, Callable[[int], Reply | None]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    parameters: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Reply:
        if asked.method == "GET":
            if self.granted is None:
                return Reply(404)
            return Reply(200, "\n".join(f"function {name} {{}}" for name in self.granted).encode())
        called = asked.json["CmdletInput"]
        cmdlet = called["CmdletName"]
        self.asked[cmdlet] += 1
        self.parameters.append(called["Parameters"])
        number = int(asked.path.partition("skiptoken=")[2] or 1)
        given = self.instead[cmdlet](number) if cmdlet in self.instead else None
        return given or self._page(cmdlet, number)

    def _page(self, cmdlet: str, number: int) -> Reply:
        rows: list[Row] = list(CMDLETS[cmdlet](self.organization))
        here = rows[(number - 1) * PAGE : number * PAGE]
        more = len(rows) > number * PAGE
        return page(*here, link=f"{INVOKE}?$skiptoken={number + 1}" if more else "")


@dataclass(frozen=True)
class Collected:
    rows: dict[str, list[str]]
    ledger: dict[str, LedgerLine]
    told: list[LedgerLine]

    def state(self, table: str) -> tuple[str, int, str]:
        line = self.ledger[table]
        assert line.rows == len(self.rows[table])
        return line.state, line.rows, line.detail


def collected(
    tenant: Tenant,
    folder: Path,
    tables: Collection[str] = ALL,
    credential: Credential | None = None,
) -> Collected:
    with (
        AdminStub(tenant.answer) as stub,
        client(stub.url, credential) as source,
        BundleWriter(folder, HEADER) as writer,
    ):
        told = collect_exchange_online(
            source, writer, tables, now=lambda: NOW, progress=lambda _name, _count: None
        )
    return read_back(folder, list(told))


def read_back(folder: Path, told: list[LedgerLine]) -> Collected:
    with open_bundle(folder, "evidence", COLLECTED) as bundle:
        rows = {
            model.table: sorted(row.model_dump_json() for row in bundle.lines(model))
            for model in COLLECTED
            if model.table in ALL
        }
        return Collected(rows, dict(bundle.ledger), told)


def imported(organization: Organization, folder: Path, *, typed: bool) -> Collected:
    write_online_exports(organization, folder / "exports", typed=typed)
    with BundleWriter(folder / "bundle", HEADER) as writer:
        import_exports(
            [folder / "exports"], writer, now=lambda: NOW, progress=lambda _name, _count: None
        )
    return read_back(folder / "bundle", [])


@pytest.mark.parametrize("faults", ["none", "all"])
def test_the_endpoint_gives_the_rows_of_the_exports(tmp_path: Path, faults: str) -> None:
    organization = build(60, faults="none") if faults == "none" else build(60)
    live = collected(Tenant(organization), tmp_path / "live")
    assert {table: live.ledger[table].state for table in ALL} == dict.fromkeys(ALL, "complete")
    assert sum(map(len, live.rows.values())) > 300
    for typed in (True, False):
        exported = imported(organization, tmp_path / f"typed {typed}", typed=typed)
        assert {table: exported.ledger[table].state for table in ALL} == dict.fromkeys(
            ALL, "complete"
        )
        for table in ALL:
            assert live.rows[table] == exported.rows[table], table


def test_every_cmdlet_is_asked_once_for_all_there_is(tmp_path: Path) -> None:
    tenant = Tenant(build(40))
    collected(tenant, tmp_path)
    pages = {
        cmdlet: max(1, -(-len(list(rows(tenant.organization))) // PAGE))
        for cmdlet, rows in CMDLETS.items()
    }
    assert tenant.asked == pages
    unlimited = [each for each in tenant.parameters if each]
    assert {json.dumps(each) for each in unlimited} == {'{"ResultSize": "Unlimited"}'}
    assert len(unlimited) == sum(
        pages[each.cmdlets[0]] for each in EXCHANGE_ONLINE_COLLECTORS if each.parameters
    )


def test_a_line_says_where_how_and_when(tmp_path: Path) -> None:
    found = collected(Tenant(build(5)), tmp_path, ("exo_recipient",))
    (line,) = found.told
    assert (line.provider, line.command, line.filters, line.account) == (
        "Exchange Online",
        "Get-Recipient",
        "ResultSize=Unlimited",
        None,
    )
    assert (line.server or "").startswith("127.0.0.1:")
    assert (line.started_at, line.ended_at, line.detail) == (NOW, NOW, "")


def test_only_the_tables_asked_for_are_collected(tmp_path: Path) -> None:
    tenant = Tenant(build(5))
    found = collected(tenant, tmp_path, ("exo_recipient_address", "onprem_mailbox"))
    assert set(tenant.asked) == {"Get-Recipient"}
    assert [line.table for line in found.told] == ["exo_recipient_address"]
    assert found.rows["exo_recipient"] == []
    assert found.rows["exo_recipient_address"] != []


def test_without_a_table_of_its_own_nobody_is_asked(tmp_path: Path) -> None:
    tenant = Tenant(build(5))
    assert collected(tenant, tmp_path, ("onprem_mailbox",)).told == []
    assert tenant.asked == {}


RIGHTS = (
    "it needs the directory role Global Reader; an application needs Exchange.ManageAsApp with "
    "admin consent as well."
)


def test_a_cmdlet_that_may_not_be_run_is_not_tried_and_the_cure_is_named(tmp_path: Path) -> None:
    tenant = Tenant(build(20), granted=set(CMDLETS) - {"Get-MobileDevice"})
    found = collected(tenant, tmp_path)
    assert found.state("exo_mobile_device") == (
        "access_denied",
        0,
        "Get-MobileDevice is not among the cmdlets that Exchange Online lets this sign-in run: "
        + RIGHTS,
    )
    assert tenant.asked["Get-MobileDevice"] == 0
    assert Counter(line.state for line in found.told) == {
        "complete": len(ALL) - 1,
        "access_denied": 1,
    }


def test_without_a_list_of_cmdlets_every_one_is_tried(tmp_path: Path) -> None:
    found = collected(Tenant(build(20), granted=None), tmp_path)
    assert {line.state for line in found.told} == {"complete"}


def broken_page(number: int) -> Callable[[int], Reply | None]:
    def reply(asked: int) -> Reply | None:
        return failure(400, "Expired or Invalid pagination request.") if asked == number else None

    return reply


def test_a_page_that_fails_leaves_the_rows_before_it_and_says_partial(tmp_path: Path) -> None:
    tenant = Tenant(build(40), instead={"Get-Recipient": broken_page(3)})
    found = collected(tenant, tmp_path)
    state, rows, detail = found.state("exo_recipient")
    assert (state, rows) == ("partial", 2 * PAGE)
    assert f"gave {2 * PAGE} objects, but" in detail
    assert found.state("exo_recipient_address")[0] == "partial"
    assert found.state("exo_cas_mailbox")[0] == "complete"


def refuses(*_: int) -> Reply:
    return Reply(403, b"\0" * 400, {"Content-Encoding": "gzip"})


def fails(*_: int) -> Reply:
    return Reply(503)


def test_a_refusal_costs_its_own_tables_alone(tmp_path: Path) -> None:
    tenant = Tenant(build(20), granted=None, instead={"Get-CASMailbox": refuses})
    found = collected(tenant, tmp_path)
    denied = {line.table for line in found.told if line.state == "access_denied"}
    assert denied == {
        "exo_cas_mailbox",
        "exo_cas_mailbox_allowed_device",
        "exo_cas_mailbox_blocked_device",
    }
    assert {line.state for line in found.told if line.table not in denied} == {"complete"}


ALWAYS_THERE = {
    "Get-OrganizationConfig": "exo_organization",
    "Get-AcceptedDomain": "exo_accepted_domain",
    "Get-ActiveSyncOrganizationSettings": "exo_active_sync_settings",
    "Get-CASMailboxPlan": "exo_cas_mailbox_plan",
    "Get-MailboxPlan": "exo_mailbox_plan",
}


@pytest.mark.parametrize("cmdlet", [each.cmdlets[0] for each in EXCHANGE_ONLINE_COLLECTORS])
def test_nothing_is_an_answer_but_where_every_tenant_has_something(
    tmp_path: Path, cmdlet: str
) -> None:
    found = collected(Tenant(build(20), instead={cmdlet: lambda _: page()}), tmp_path)
    strange = {line.table: line.detail for line in found.told if line.state != "complete"}
    table = ALWAYS_THERE.get(cmdlet)
    said = (
        f"{cmdlet} of Exchange Online gave nothing, and there is always something to give: look "
        "whether the account is kept from it (Global Reader)."
    )
    assert strange == ({table: said} if table else {})
    assert {line.state for line in found.told} <= {"complete", "unexpected_answer"}


def test_two_cmdlets_in_a_row_that_reach_nobody_end_the_collection(tmp_path: Path) -> None:
    tenant = Tenant(
        build(20),
        instead={"Get-OrganizationRelationship": fails, "Get-MigrationEndpoint": fails},
    )
    found = collected(tenant, tmp_path)
    whole = {"exo_organization", "exo_accepted_domain"}
    assert {line.table for line in found.told if line.state == "complete"} == whole
    left = [line for line in found.told if line.table not in whole]
    assert {line.state for line in left} == {"unreachable"}
    assert left[-1].detail.endswith("stopped answering.")
    assert set(tenant.asked) == {
        *("Get-OrganizationConfig", "Get-AcceptedDomain"),
        *("Get-OrganizationRelationship", "Get-MigrationEndpoint"),
    }


def test_one_that_reaches_nobody_does_not(tmp_path: Path) -> None:
    tenant = Tenant(build(20), instead={"Get-MigrationEndpoint": fails, "Get-MailboxPlan": fails})
    found = collected(tenant, tmp_path)
    assert {line.table for line in found.told if line.state != "complete"} == {
        "exo_migration_endpoint",
        "exo_mailbox_plan",
    }


class Refusing(Credential):
    """A sign-in that is refused."""

    def get_token(self, *scopes: str, **kwargs: Any) -> Any:
        self.wanted.append((scopes, kwargs))
        raise AccessDenied("The certificate has expired; renew it.")


def test_a_sign_in_that_is_refused_is_tried_once_and_told_for_every_table(tmp_path: Path) -> None:
    credential, tenant = Refusing(), Tenant(build(5))
    found = collected(tenant, tmp_path, credential=credential)
    assert {(line.state, line.detail) for line in found.told} == {
        ("access_denied", "The certificate has expired; renew it.")
    }
    assert {line.table for line in found.told} == set(ALL)
    assert (tenant.asked, len(credential.wanted)) == ({}, 1)


def test_an_object_that_makes_no_sense_is_named_and_the_others_stay(tmp_path: Path) -> None:
    organization = build(20, faults="none")
    rows = [dict(row) for row in CMDLETS["Get-AcceptedDomain"](organization)]
    rows[1]["DomainName"] = {"what": "is this"}
    tenant = Tenant(organization, instead={"Get-AcceptedDomain": lambda _: page(*rows)})
    state, count, detail = collected(tenant, tmp_path).state("exo_accepted_domain")
    assert (state, count) == ("unexpected_answer", len(rows) - 1)
    assert "DomainName of an object holds" in detail
    assert "object 2 of Get-AcceptedDomain" in detail


def test_a_warning_about_the_result_size_is_partial_and_any_other_is_told(tmp_path: Path) -> None:
    organization = build(3, faults="none")

    def warned(cmdlet: str, warning: str) -> Callable[[int], Reply]:
        rows = list(CMDLETS[cmdlet](organization))
        return lambda _: page(*rows, warnings=(warning,))

    tenant = Tenant(
        organization,
        instead={
            "Get-Recipient": warned("Get-Recipient", "More results: use the ResultSize parameter."),
            "Get-MailboxPlan": warned("Get-MailboxPlan", "This cmdlet will change in 2027."),
        },
    )
    found = collected(tenant, tmp_path)
    assert found.state("exo_recipient")[0] == "partial"
    state, _, detail = found.state("exo_mailbox_plan")
    assert state == "complete"
    assert detail.startswith("Get-MailboxPlan warned: This cmdlet will change in 2027")


def checked(tenant: Tenant, credential: Credential | None = None) -> list[OnlineCheck]:
    with AdminStub(tenant.answer) as stub, client(stub.url, credential) as source:
        return list(check_exchange_online(source))


def test_a_check_asks_each_cmdlet_for_one_object() -> None:
    tenant = Tenant(build(40))
    assert checked(tenant) == [
        OnlineCheck(
            each.cmdlets[0], tuple(sorted(model.table for model in each.tables)), problem=None
        )
        for each in EXCHANGE_ONLINE_COLLECTORS
    ]
    assert tenant.asked == dict.fromkeys(CMDLETS, 1)
    assert {json.dumps(each) for each in tenant.parameters if each} == {'{"ResultSize": "1"}'}


def test_a_check_says_what_will_be_missing_and_why() -> None:
    tenant = Tenant(
        build(5),
        granted=set(CMDLETS) - {"Get-Recipient"},
        instead={"Get-CASMailbox": refuses},
    )
    problems = {each.cmdlet: each.problem for each in checked(tenant) if each.problem}
    assert set(problems) == {"Get-Recipient", "Get-CASMailbox"}
    assert (problems["Get-Recipient"] or "").endswith(RIGHTS)
    assert tenant.asked["Get-Recipient"] == 0


def test_a_check_stops_asking_when_nobody_answers() -> None:
    tenant = Tenant(build(5), instead=dict.fromkeys(CMDLETS, fails))
    problems = [each.problem or "" for each in checked(tenant)]
    assert [problem.endswith("stopped answering.") for problem in problems] == [
        *(False, False),
        *[True] * (len(problems) - 2),
    ]
    assert len(tenant.asked) == 2


def test_a_check_with_a_refused_sign_in_says_so_of_every_cmdlet() -> None:
    problems = {each.problem for each in checked(Tenant(build(5)), Refusing())}
    assert problems == {"The certificate has expired; renew it."}
