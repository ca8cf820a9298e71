"""The lab's plan: three waves, the same each time, of mailboxes that are there."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from auditor.collectors.plan import read_plan
from auditor.lab.organization import ROUTING_DOMAIN, build
from auditor.lab.plan import WAVES, planned, write_plan
from auditor.lab.recipients import mailboxes


def test_the_plan_that_is_written_is_the_plan_that_is_read(tmp_path: Path) -> None:
    organization = build(200)
    write_plan(organization, tmp_path / "plan.csv")
    assert [
        (move.mailbox, move.wave, move.target_delivery_domain)
        for move in read_plan([tmp_path / "plan.csv"]).moves()
    ] == sorted(
        (
            (mailbox.primary_smtp_address, wave, ROUTING_DOMAIN)
            for mailbox, wave in planned(organization)
        ),
        key=lambda move: move[0].lower(),
    )


def test_three_waves_leave_a_tenth_of_the_mailboxes_for_later() -> None:
    waves = Counter(wave for _, wave in planned(build(200)))
    assert waves == {WAVES[0]: 20, WAVES[1]: 80, WAVES[2]: 80}


def test_the_mailbox_for_searches_moves_in_no_wave() -> None:
    organization = build(41)
    searched = [
        m for m in mailboxes(organization) if m.recipient_type_details == "DiscoveryMailbox"
    ]
    assert [m for m, _ in planned(organization) if m in searched] == []


def test_equal_organizations_write_equal_plans_for_their_owner_alone(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_plan(build(30), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    if sys.platform != "win32":
        assert (tmp_path / "one").stat().st_mode & 0o777 == 0o600


def test_no_file_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "plan.csv").write_text("theirs")
    with pytest.raises(FileExistsError):
        write_plan(build(5), tmp_path / "plan.csv")
