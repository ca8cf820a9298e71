"""Going on with a bundle mixes no two organisations, and leaves no less than there was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auditor.collect import (
    EXCHANGE_TABLES,
    RICHER_IN_EXCHANGE,
    Wish,
    collect_from,
)
from auditor.collectors.directory_tally import PROVIDER as DIRECTORY
from auditor.collectors.live import LiveExchange
from auditor.collectors.plan import Plan, read_plan
from auditor.demo import lab_exchange
from auditor.errors import InputRefused, SourceUnreachable
from auditor.evidence.bundle import BundleWriter, open_bundle, seal
from auditor.evidence.bundle_output import unfinished
from auditor.evidence.tables import COLLECTED
from auditor.lab.cloud_faults import CloudFault, Outage
from auditor.lab.organization import build
from auditor.lab.wire_faults import Refusal, WireFault
from auditor.lab.wsman_endpoint import LabEndpoint
from auditor.live_sources import LiveSources
from auditor.sources.exchange_shell import ExchangeShell
from auditor.sources.shell_settings import ShellSettings
from tests.support.lab_tenant import Collected, read_back, silent, tenant

ORGANIZATION = build(20, faults="none")
CLOSED = SourceUnreachable("EX01 does not answer; open its port.")
AGAIN = Wish(resume=True)
OTHER = "99999999-2222-4333-8444-555555555555"


def held(target: Path) -> tuple[bytes, list[str]]:
    """The bundle, and what lies beside it."""
    return target.read_bytes(), sorted(path.name for path in target.parent.iterdir())


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A bundle of a day on which Exchange was closed, and something broke off in the tenant."""
    target = tmp_path / "e.zip"
    broken = CloudFault(Outage.FOREIGN_LINK, "subscribedSkus", times=None)
    with tenant(ORGANIZATION, [broken]) as cloud:
        sources = LiveSources(None, cloud=cloud, exchange_refusal=CLOSED)
        collect_from(sources, target, "Contoso", Wish(), silent)
    return target


@pytest.mark.parametrize("left", ["bundle", "folder"])
def test_evidence_of_another_organisation_is_not_gone_on_with(first: Path, left: str) -> None:
    if left == "folder":
        _interrupted(first)
        first.unlink()
    before = sorted(path.name for path in first.parent.rglob("*"))
    with lab_exchange(ORGANIZATION) as source, pytest.raises(InputRefused) as refused:
        collect_from(LiveSources(source), first, "Fabrikam", AGAIN, silent)
    named = first if left == "bundle" else unfinished(first)
    assert str(refused.value) == (
        f"{named} holds evidence of organization 'Contoso', and the configuration names "
        "'Fabrikam': correct the configuration, or collect into another file"
    )
    assert sorted(path.name for path in first.parent.rglob("*")) == before


def test_evidence_of_another_tenant_is_not_gone_on_with(first: Path) -> None:
    before = held(first)
    with tenant(ORGANIZATION) as cloud:
        named = cloud.tenant
        other = LiveSources(None, cloud=replace(cloud, tenant=OTHER))
        with pytest.raises(InputRefused, match=f"tenant '{named}'.* names '{OTHER}'"):
            collect_from(other, first, "Contoso", AGAIN, silent)
        assert held(first) == before
        same = LiveSources(None, cloud=replace(cloud, tenant=named.upper()))
        collect_from(same, first, "contoso", AGAIN, silent)
    assert read_back(first).ledger["entra_sku"].state == "complete"


def test_a_tenant_that_came_later_is_the_one_to_go_on_with(tmp_path: Path) -> None:
    target = tmp_path / "e.zip"
    with lab_exchange(ORGANIZATION) as source:
        collect_from(LiveSources(source), target, "", Wish(only=["onprem_organization"]), silent)
    with tenant(ORGANIZATION) as cloud:
        collect_from(LiveSources(None, cloud=cloud), target, "", AGAIN, silent)
        other = LiveSources(None, cloud=replace(cloud, tenant=OTHER))
        with pytest.raises(InputRefused, match=OTHER):
            collect_from(other, target, "", AGAIN, silent)


def test_where_no_run_can_go_on_the_bundle_stays(first: Path) -> None:
    unfinished(first).write_text("somebody's file")
    before = held(first)
    with tenant(ORGANIZATION) as cloud, pytest.raises(InputRefused, match="move what has this"):
        collect_from(LiveSources(None, cloud=cloud), first, "", AGAIN, silent)
    assert held(first) == before


def test_rows_of_which_nothing_came_the_second_time_stay(first: Path) -> None:
    before = read_back(first)
    assert (before.ledger["entra_sku"].state, before.ledger["entra_sku"].rows) == ("partial", 4)
    gone = CloudFault(Outage.FORBIDDEN, "subscribedSkus", times=None)
    with tenant(ORGANIZATION, [gone]) as cloud:
        told = collect_from(LiveSources(None, cloud=cloud), first, "", AGAIN, silent)
    after = read_back(first)
    for table in ("entra_sku", "entra_sku_plan"):
        assert after.ledger[table] == before.ledger[table]
        assert after.rows[table] == before.rows[table]
        assert before.ledger[table] in told


def test_a_plan_that_is_new_replaces_the_one_of_the_bundle(tmp_path: Path) -> None:
    target = tmp_path / "e.zip"
    alone = Wish(only=["entra_sku"])

    def plan_after(wish: Wish) -> tuple[list[str], str]:
        collect_from(LiveSources(None, cloud=cloud), target, "", wish, silent)
        found = read_back(target)
        moves = [str(getattr(row, "mailbox", "")) for row in found.rows["plan_move"]]
        return moves, found.ledger["plan_move"].detail

    def plan(*mailboxes: str) -> Plan:
        path = tmp_path / f"{len(mailboxes)}.csv"
        path.write_text("\n".join(("EmailAddress", *mailboxes)), encoding="utf-8")
        return read_plan([path])

    again = replace(alone, resume=True)
    with tenant(ORGANIZATION) as cloud:
        assert plan_after(alone)[0] == []
        first = plan_after(replace(again, plan=plan("a@x.de")))
        assert first == (["a@x.de"], "1 mailbox in 1 wave.")
        second = plan_after(replace(again, plan=plan("b@x.de", "c@x.de")))
        assert second == (["b@x.de", "c@x.de"], "2 mailboxes in 1 wave.")
        assert plan_after(again) == second


def test_mailboxes_of_one_plan_are_not_taken_for_those_of_another(
    tmp_path: Path, of_exchange: Collected
) -> None:
    target = tmp_path / "e.zip"
    plans: list[Plan] = []
    for row in of_exchange.rows["onprem_mailbox"][:2]:
        address = getattr(row, "primary_smtp_address", "")
        path = tmp_path / f"{len(plans)}.csv"
        path.write_text(f"EmailAddress\n{address}\n", encoding="utf-8")
        plans.append(read_plan([path]))
    one, other = plans
    with LabEndpoint(ORGANIZATION) as endpoint, shell(endpoint) as opened:
        exchange = LiveExchange(opened, None, lambda: shell(endpoint))
        wish = Wish(only=["onprem_mailbox_statistics"], plan=one)
        collect_from(LiveSources(exchange), target, "", wish, silent)
        assert read_back(target).ledger["onprem_mailbox_statistics"].rows == 1
        before = held(target)
        with pytest.raises(InputRefused, match="onprem_mailbox_statistics was asked for the"):
            collect_from(LiveSources(exchange), target, "", replace(AGAIN, plan=other), silent)
        assert held(target) == before
        collect_from(
            LiveSources(exchange), target, "", replace(wish, resume=True, plan=one), silent
        )


# tables that the directory filled in the place of an Exchange that was closed


@pytest.fixture(scope="module")
def of_exchange(tmp_path_factory: pytest.TempPathFactory) -> Collected:
    target = tmp_path_factory.mktemp("whole") / "e.zip"
    with lab_exchange(ORGANIZATION) as source:
        collect_from(LiveSources(source), target, "", Wish(), silent)
    return read_back(target)


@pytest.fixture
def stood_in(tmp_path: Path, of_exchange: Collected) -> Path:
    """A bundle whose settings came from the directory, while Exchange was closed."""
    target, folder = tmp_path / "e.zip", tmp_path / "folder"
    with tenant(ORGANIZATION) as cloud:
        collect_from(LiveSources(None, cloud=cloud), target, "", Wish(), silent)
    with open_bundle(target, "evidence", COLLECTED) as bundle:
        header = bundle.header
    with BundleWriter(folder, header) as writer:
        for table, line in of_exchange.ledger.items():
            if table in RICHER_IN_EXCHANGE & EXCHANGE_TABLES:
                for row in of_exchange.rows[table]:
                    writer.append(row)
                writer.record(line.model_copy(update={"provider": DIRECTORY, "server": "DC01"}))
    seal(folder, target, force=True)
    return target


def _interrupted(target: Path) -> None:
    """A run that goes on with the bundle and is stopped when all accepted domains have come."""
    whole = ExchangeShell.stream

    def stopped(shell: ExchangeShell, cmdlet: str, *words: Any, **options: Any) -> Iterator[Any]:
        yield from whole(shell, cmdlet, *words, **options)
        if cmdlet == "Get-AcceptedDomain":
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, lab_exchange(ORGANIZATION) as source:
        patch.setattr(ExchangeShell, "stream", stopped)
        with pytest.raises(KeyboardInterrupt):
            collect_from(LiveSources(source), target, "", AGAIN, silent)


def test_rows_of_a_run_that_was_stopped_are_not_called_complete_by_the_line_of_another(
    stood_in: Path,
) -> None:
    _interrupted(stood_in)
    with open_bundle(unfinished(stood_in), "evidence", COLLECTED) as bundle:
        line = bundle.ledger["onprem_accepted_domain"]
    assert (line.state, line.provider, line.detail) == (
        "not_requested",
        None,
        "The run ended before it was asked again.",
    )
    assert line.rows > 0


def test_a_table_that_was_complete_is_not_given_for_a_refusal(stood_in: Path) -> None:
    refused = {"onprem_accepted_domain", "onprem_active_sync_virtual_directory"}
    commands = ("Get-AcceptedDomain", "Get-ActiveSyncVirtualDirectory")
    denied = [WireFault(Refusal.DENIED, cmdlet=each) for each in commands]
    before = read_back(stood_in)
    with LabEndpoint(ORGANIZATION, denied) as endpoint, shell(endpoint) as open_shell:
        sources = LiveSources(LiveExchange(open_shell, None))
        told = {each.table: each for each in collect_from(sources, stood_in, "", AGAIN, silent)}
    after = read_back(stood_in)
    for table in refused:
        assert after.ledger[table] == told[table] == before.ledger[table]
        assert after.rows[table] == before.rows[table]
    again = {t for t, line in after.ledger.items() if line.provider == DIRECTORY}
    assert again == refused
    beside = after.ledger["onprem_active_sync_virtual_directory_authentication"]
    assert beside.state == "access_denied"


def test_a_table_that_was_left_out_the_second_time_stays(stood_in: Path) -> None:
    before = read_back(stood_in)
    with lab_exchange(ORGANIZATION) as source:
        wish = replace(AGAIN, only=["onprem_mailbox"])
        collect_from(LiveSources(source), stood_in, "", wish, silent)
    after = read_back(stood_in)
    for table in RICHER_IN_EXCHANGE & EXCHANGE_TABLES:
        assert after.ledger[table] == before.ledger[table]
        assert after.rows[table] == before.rows[table]


def shell(endpoint: LabEndpoint) -> ExchangeShell:
    """A shell of the lab's, by the password of its account."""
    settings = ShellSettings(
        host=endpoint.host,
        port=endpoint.port,
        tls=False,
        authentication="ntlm",
        username=endpoint.credentials.username,
    )
    return ExchangeShell(settings, lambda: endpoint.credentials.password)
