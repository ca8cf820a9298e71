"""Collecting over the lab's wire: the rows of exports, and an honest line for every fault."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from auditor.collectors.exports import import_exports
from auditor.collectors.live import LiveExchange, collect_exchange
from auditor.errors import SourceError
from auditor.evidence.bundle import BundleWriter, Header, open_bundle
from auditor.evidence.plan import PlanMove
from auditor.evidence.tables import COLLECTED
from auditor.lab.exports import write_exports
from auditor.lab.organization import Organization, build
from auditor.lab.psrp_errors import Parameters, unknown_parameter
from auditor.lab.recipients import mailboxes
from auditor.lab.wire_answers import exchange_commands
from auditor.lab.wsman_endpoint import LabEndpoint, Wire
from auditor.sources.clixml import PsObject
from auditor.sources.exchange_shell import ExchangeShell
from auditor.sources.shell_settings import ShellSettings, windows_settings
from auditor.sources.windows_shell import read_exsetup

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
HEADER = Header(
    format_version=1, kind="evidence", tool_version="test", title="", created_at=NOW, details={}
)
ALL = tuple(model.table for model in COLLECTED)
Rows = dict[str, list[str]]
States = dict[str, tuple[str, str]]


def silent(stage: str, done: int) -> None:
    """Progress that nobody listens to."""


@contextmanager
def live(endpoint: LabEndpoint, planned: Collection[str] | None = None) -> Iterator[LiveExchange]:
    settings = ShellSettings(
        host=endpoint.host,
        port=endpoint.port,
        tls=False,
        authentication="ntlm",
        username=endpoint.credentials.username,
        read_timeout=5,
        operation_timeout=2,
        silence=4,
        deadline=20,
        patience=1,
    )

    def read_build(server: str, fqdn: str) -> PsObject:
        windows = windows_settings(settings, endpoint.host, endpoint.port)
        windows = replace(windows, path=endpoint.windows_path(server))
        return read_exsetup(windows, lambda: endpoint.credentials.password, server)

    with ExchangeShell(settings, lambda: endpoint.credentials.password) as shell:
        yield LiveExchange(
            shell,
            read_build,
            open_shell=lambda: ExchangeShell(settings, lambda: endpoint.credentials.password),
            parallel=3,
            planned=planned,
        )


def collected(
    folder: Path, fill: Callable[[BundleWriter], object], tables: Collection[str] = ALL
) -> tuple[Rows, States]:
    with BundleWriter(folder, HEADER) as writer:
        fill(writer)
    with open_bundle(folder, "evidence", COLLECTED) as bundle:
        rows = {
            model.table: sorted(
                row.model_dump_json() for page in bundle.pages(model) for row in page
            )
            for model in COLLECTED
            if model.table in tables
        }
        states = {table: (line.state, line.detail) for table, line in bundle.ledger.items()}
        return rows, {table: states[table] for table in tables}


def over_the_wire(
    organization: Organization,
    folder: Path,
    tables: Collection[str] = ALL,
    *,
    planned: Collection[str] | None = None,
    wire: Wire | None = None,
) -> tuple[Rows, States]:
    def fill(writer: BundleWriter) -> None:
        with (
            LabEndpoint(organization, wire=wire) as endpoint,
            live(endpoint, planned) as source,
        ):
            collect_exchange(source, writer, tables, now=lambda: NOW, progress=silent)

    return collected(folder, fill, tables)


def test_the_wire_gives_the_rows_of_the_exports(tmp_path: Path) -> None:
    organization = build(60)
    write_exports(organization, tmp_path / "exports")
    exported, export_states = collected(
        tmp_path / "a",
        lambda writer: import_exports(
            [tmp_path / "exports"], writer, now=lambda: NOW, progress=silent
        ),
    )
    live_rows, live_states = over_the_wire(organization, tmp_path / "b")
    asked = [
        table for table in ALL if export_states[table][0] == "complete" and table != PlanMove.table
    ]
    assert len(asked) > 30
    assert {table: live_states[table][0] for table in asked} == dict.fromkeys(asked, "complete")
    by_design = {"onprem_exchange_build"}
    for table in asked:
        if table not in by_design:
            assert live_rows[table] == exported[table], table
    # Each path says in its own words why a server's build could not be read; the builds are equal.
    assert len(live_rows["onprem_exchange_build"]) == len(exported["onprem_exchange_build"])
    measured = {row for row in exported["onprem_exchange_build"] if '"refusal":null' in row}
    assert measured == {
        row for row in live_rows["onprem_exchange_build"] if '"refusal":null' in row
    }


def test_only_the_tables_asked_for_are_collected(tmp_path: Path) -> None:
    rows, states = over_the_wire(build(5), tmp_path / "b", ("onprem_exchange_certificate",))
    assert states["onprem_exchange_certificate"][0] == "complete"
    assert rows["onprem_exchange_certificate"]
    assert sorted(path.name for path in (tmp_path / "b" / "tables").iterdir()) == [
        "onprem_exchange_certificate.jsonl"
    ]


def test_a_build_that_nobody_may_read_hides_no_other(tmp_path: Path) -> None:
    rows, states = over_the_wire(
        build(5, faults=("build_not_read",)), tmp_path / "b", ("onprem_exchange_build",)
    )
    refused = [row for row in rows["onprem_exchange_build"] if '"refusal":null' not in row]
    assert len(refused) == 1
    assert len(rows["onprem_exchange_build"]) > 1
    assert states["onprem_exchange_build"][0] == "complete"
    assert "Not measured" in states["onprem_exchange_build"][1]


def test_a_wrong_password_is_told_before_anything_is_collected(tmp_path: Path) -> None:
    with LabEndpoint(build(1)) as endpoint:
        settings = ShellSettings(
            host=endpoint.host,
            port=endpoint.port,
            tls=False,
            authentication="ntlm",
            username=endpoint.credentials.username,
        )
        with pytest.raises(SourceError), ExchangeShell(settings, lambda: "wrong"):
            pass


PER_MAILBOX = (
    "onprem_mailbox_statistics",
    "onprem_mobile_device_statistics",
    "onprem_mailbox_permission",
)


def mailboxes_in(rows: Rows, table: str) -> set[str]:
    return {json.loads(row)["mailbox_guid"] for row in rows[table]}


def test_only_planned_mailboxes_are_asked_one_by_one(tmp_path: Path) -> None:
    organization = build(30, faults="none")
    chosen = list(islice(mailboxes(organization), 3))
    planned = {mailbox.primary_smtp_address.lower() for mailbox in chosen}
    rows, states = over_the_wire(organization, tmp_path / "b", PER_MAILBOX, planned=planned)
    assert {table: state for table, (state, _) in states.items()} == dict.fromkeys(
        PER_MAILBOX, "complete"
    )
    assert mailboxes_in(rows, "onprem_mailbox_statistics") == {box.guid for box in chosen}
    assert mailboxes_in(rows, "onprem_mailbox_permission") <= {box.guid for box in chosen}


def test_without_a_plan_nobody_is_asked_one_by_one(tmp_path: Path) -> None:
    rows, states = over_the_wire(build(5), tmp_path / "b", PER_MAILBOX, planned=())
    assert {table: state for table, (state, _) in states.items()} == dict.fromkeys(
        PER_MAILBOX, "not_requested"
    )
    assert "there is no plan" in states["onprem_mailbox_statistics"][1]
    assert rows == {table: [] for table in PER_MAILBOX}


def test_a_server_that_allows_few_shells_is_still_asked_about_every_mailbox(
    tmp_path: Path,
) -> None:
    organization = build(12, faults="none")
    rows, states = over_the_wire(organization, tmp_path / "b", PER_MAILBOX, wire=Wire(max_shells=2))
    assert states["onprem_mailbox_statistics"][0] == "complete"
    expected = {mailbox.guid for mailbox in mailboxes(organization)}
    assert mailboxes_in(rows, "onprem_mailbox_statistics") == expected


def test_a_command_that_saw_one_domain_alone_is_partial(tmp_path: Path) -> None:
    organization = build(5)
    answer = exchange_commands(organization)

    def narrow(name: str, parameters: Parameters) -> Iterator[str]:
        if "IgnoreDefaultScope" in parameters:
            raise unknown_parameter(name, "IgnoreDefaultScope")
        yield from answer(name, parameters)

    def fill(writer: BundleWriter) -> None:
        with LabEndpoint(organization, commands=narrow) as endpoint, live(endpoint) as source:
            collect_exchange(source, writer, ("onprem_mailbox",), now=lambda: NOW, progress=silent)

    rows, states = collected(tmp_path / "b", fill, ("onprem_mailbox",))
    assert len(rows["onprem_mailbox"]) >= 5
    assert states["onprem_mailbox"][0] == "partial"
    assert "other domains" in states["onprem_mailbox"][1]
