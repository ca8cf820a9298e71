"""Going on with a stopped run mixes no two organisations, tenants or plans."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from auditor.collect import Wish, collect_from
from auditor.collectors.live import LiveExchange
from auditor.collectors.plan import Plan, read_plan
from auditor.errors import InputRefused
from auditor.evidence import bundle_output
from auditor.evidence.bundle_output import unfinished
from auditor.lab import recipients
from auditor.lab.organization import build
from auditor.lab.wsman_endpoint import LabEndpoint
from auditor.live_cloud import LiveCloud
from auditor.live_sources import LiveSources
from tests.support.lab_tenant import read_back, silent, tenant
from tests.support.wire import shell_for

ORGANIZATION = build(20, faults="none")
ALONE = Wish(only=["entra_sku"])
AGAIN = replace(ALONE, resume=True)
OTHER = "99999999-2222-4333-8444-555555555555"


def stop(sources: LiveSources, target: Path, title: str, wish: Wish) -> None:
    """Read the sources until all has come, and interrupt the run before it seals its bundle."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundle_output, "seal", interrupted)
        with pytest.raises(KeyboardInterrupt):
            collect_from(sources, target, title, wish, silent)
    assert unfinished(target).is_dir()


def held(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def cloud() -> Iterator[LiveCloud]:
    with tenant(ORGANIZATION) as opened:
        yield opened


def test_evidence_of_another_organisation_is_not_gone_on_with(
    cloud: LiveCloud, tmp_path: Path
) -> None:
    target = tmp_path / "e.zip"
    sources = LiveSources(None, cloud=cloud)
    stop(sources, target, "Contoso", ALONE)
    before = held(tmp_path)
    with pytest.raises(InputRefused) as refused:
        collect_from(sources, target, "Fabrikam", AGAIN, silent)
    assert str(refused.value) == (
        f"{unfinished(target)} holds evidence of organization 'Contoso', and the configuration "
        "names 'Fabrikam': correct the configuration, or collect into another file"
    )
    assert held(tmp_path) == before


def test_evidence_of_another_tenant_is_not_gone_on_with(cloud: LiveCloud, tmp_path: Path) -> None:
    target = tmp_path / "e.zip"
    stop(LiveSources(None, cloud=cloud), target, "Contoso", ALONE)
    before = held(tmp_path)
    other = LiveSources(None, cloud=replace(cloud, tenant=OTHER))
    with pytest.raises(InputRefused, match=f"tenant '{cloud.tenant}'.* names '{OTHER}'"):
        collect_from(other, target, "Contoso", AGAIN, silent)
    assert held(tmp_path) == before
    same = LiveSources(None, cloud=replace(cloud, tenant=cloud.tenant.upper()))
    collect_from(same, target, "contoso", AGAIN, silent)
    assert read_back(target).ledger["entra_sku"].state == "complete"


def plan_of(folder: Path, *mailboxes: str) -> Plan:
    path = folder / f"{len(mailboxes)}-{mailboxes[0]}.csv"
    path.write_text("\n".join(("EmailAddress", *mailboxes)), encoding="utf-8")
    return read_plan([path])


def test_a_plan_that_is_new_replaces_the_one_of_a_stopped_run(
    cloud: LiveCloud, tmp_path: Path
) -> None:
    def plan_after(first: Plan | None, then: Plan | None) -> tuple[list[str], str]:
        target = tmp_path / "e.zip"
        target.unlink(missing_ok=True)
        sources = LiveSources(None, cloud=cloud)
        stop(sources, target, "", replace(ALONE, plan=first))
        collect_from(sources, target, "", replace(AGAIN, plan=then), silent)
        found = read_back(target)
        moves = [str(getattr(row, "mailbox", "")) for row in found.rows["plan_move"]]
        return moves, found.ledger["plan_move"].detail

    one, two = plan_of(tmp_path, "a@x.de"), plan_of(tmp_path, "b@x.de", "c@x.de")
    of_one = (["a@x.de"], "1 mailbox in 1 wave.")
    assert plan_after(None, one) == of_one
    assert plan_after(one, None) == of_one
    assert plan_after(one, one) == of_one
    assert plan_after(one, two) == (["b@x.de", "c@x.de"], "2 mailboxes in 1 wave.")


def test_mailboxes_of_one_plan_are_not_taken_for_those_of_another(tmp_path: Path) -> None:
    target = tmp_path / "e.zip"
    first, second = islice(recipients.mailboxes(ORGANIZATION), 2)
    one = plan_of(tmp_path, first.primary_smtp_address)
    other = plan_of(tmp_path, second.primary_smtp_address)
    with exchange() as opened:
        sources = LiveSources(opened)
        wish = Wish(only=["onprem_mailbox_statistics"], plan=one)
        stop(sources, target, "", wish)
        before = held(tmp_path)
        again = replace(wish, resume=True)
        with pytest.raises(InputRefused, match="onprem_mailbox_statistics was asked for the"):
            collect_from(sources, target, "", replace(again, plan=other), silent)
        assert held(tmp_path) == before
        collect_from(sources, target, "", again, silent)
    assert read_back(target).ledger["onprem_mailbox_statistics"].rows == 1


@contextmanager
def exchange() -> Iterator[LiveExchange]:
    """The lab's, mailbox by mailbox for those that are planned."""
    with LabEndpoint(ORGANIZATION) as endpoint, shell_for(endpoint) as opened:
        yield LiveExchange(opened, None, lambda: shell_for(endpoint))
