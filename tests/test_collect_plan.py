"""The plan on its way through a live collection: read before anybody is asked anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditor.collect import Wish, collect, collect_from
from auditor.collectors.plan import NO_PLAN, read_plan
from auditor.config import read_configuration
from auditor.config_parts import Person
from auditor.demo import lab_exchange
from auditor.errors import InputRefused
from auditor.evidence.bundle import open_bundle
from auditor.evidence.plan import PlanMove
from auditor.evidence.tables import COLLECTED
from auditor.lab.organization import build
from auditor.lab.plan import write_plan
from auditor.live_sources import LiveSources


def silent(stage: str, done: int) -> None:
    """Progress that nobody listens to."""


def plan_of(bundle: Path) -> tuple[str, str, list[PlanMove]]:
    with open_bundle(bundle, "evidence", COLLECTED) as opened:
        line = opened.ledger[PlanMove.table]
        return line.state, line.detail, list(opened.lines(PlanMove))


def test_a_collection_carries_the_plan_whatever_else_it_leaves_out(tmp_path: Path) -> None:
    organization = build(20)
    write_plan(organization, tmp_path / "plan.csv")
    plan = read_plan([tmp_path / "plan.csv"])
    moves = list(plan.moves())
    with lab_exchange(organization) as source:
        only = ("onprem_accepted_domain",)
        collect_from(
            LiveSources(source), tmp_path / "with.zip", "", Wish(only=only, plan=plan), silent
        )
        lines = collect_from(
            LiveSources(source), tmp_path / "without.zip", "", Wish(only=only), silent
        )
    assert plan_of(tmp_path / "with.zip") == ("complete", "18 mailboxes in 3 waves.", moves)
    assert plan_of(tmp_path / "without.zip") == ("complete", NO_PLAN, [])
    assert {line.table: line.state for line in lines} == {
        "onprem_accepted_domain": "complete",
        "plan_move": "complete",
    }


def test_a_plan_that_cannot_be_used_is_refused_before_anybody_is_contacted(tmp_path: Path) -> None:
    (tmp_path / "plan.csv").write_text("EmailAdress\nann@contoso.com\n", encoding="utf-8")
    config = tmp_path / "config.yaml"
    content = {
        "exchange": {"server": "nowhere.invalid", "authentication": "kerberos"},
        "plan": [str(tmp_path / "plan.csv")],
    }
    config.write_text(json.dumps(content), encoding="utf-8")

    def ask(prompt: str) -> str:
        raise AssertionError(f"nobody may be asked {prompt}")

    def told(sentence: str) -> None:
        raise AssertionError(f"nobody may be told {sentence}")

    target = tmp_path / "out.zip"
    with pytest.raises(InputRefused, match="closest is 'EmailAddress'"):
        collect(read_configuration(config), target, Wish(), Person(ask, told), silent)
    assert not target.exists()
