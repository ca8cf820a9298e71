"""Servers and tenant of the lab, read over the loopback and judged together: no more, no less."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.assessment import TABLES, MailboxReadiness, read_assessment
from auditor.collect import Wish
from auditor.collectors.plan import read_plan
from auditor.demo import lab_cloud, lab_exchange
from auditor.evidence.bundle import open_bundle
from auditor.lab.answers import ExpectedRule, expected
from auditor.lab.faults import CLOUD_FAULTS
from auditor.lab.organization import Organization, build
from auditor.lab.plan import write_plan
from auditor.live_sources import LiveSources
from auditor.verdicts import Readiness
from tests.support.verdicts import judged

SIZE = 32
APART = frozenset({"sync_off", "security_defaults_on", "mfa_not_registered"})
"""Faults that cannot stand beside some of the others, and one that shows beside them alone."""


def verdicts_of(
    organization: Organization, folder: Path, *, with_plan: bool = False
) -> dict[str, ExpectedRule]:
    """What the program says after it asked Exchange, Graph and Exchange Online."""
    plan = None
    if with_plan:
        write_plan(organization, folder / "plan.csv")
        plan = read_plan([folder / "plan.csv"])
    wish = Wish(plan=plan, now=lambda: organization.now)
    with lab_exchange(organization) as exchange, lab_cloud(organization) as cloud:
        return judged(LiveSources(exchange, cloud=cloud), organization, folder / "run", wish)


def readiness_of(folder: Path) -> list[MailboxReadiness]:
    """What the same run says of every mailbox."""
    with open_bundle(folder / "run" / "assessment.zip", "assessment", TABLES) as bundle:
        return list(read_assessment(bundle).mailboxes())


def differences(
    organization: Organization, folder: Path, *, with_plan: bool = False
) -> dict[str, tuple[object, object]]:
    found = verdicts_of(organization, folder, with_plan=with_plan)
    wanted = expected(organization, with_plan=with_plan, with_cloud=True)
    return {
        rule: (wanted.get(rule), found.get(rule))
        for rule in sorted(found.keys() | wanted.keys())
        if wanted.get(rule) != found.get(rule)
    }


@pytest.mark.parametrize(
    "faults",
    [
        frozenset[str](),
        CLOUD_FAULTS - {"sync_off", "security_defaults_on"},
        APART | {"legacy_clients", "devices_without_version", "eas_disabled"},
    ],
    ids=["nothing", "nearly everything", "the rest"],
)
def test_both_ends_together_show_exactly_what_was_planted(
    faults: frozenset[str], tmp_path: Path
) -> None:
    assert differences(build(SIZE, faults=faults), tmp_path) == {}


def test_the_demonstration_with_its_plan_shows_exactly_what_was_planted(tmp_path: Path) -> None:
    assert differences(build(SIZE), tmp_path, with_plan=True) == {}


def test_a_door_that_is_closed_to_everybody_makes_no_mailbox_ready(tmp_path: Path) -> None:
    verdicts_of(build(8, faults={"oauth_off"}), tmp_path)
    assert {found.seamless for found in readiness_of(tmp_path)} == {Readiness.NOT_READY}


def test_a_domain_of_some_people_blocks_them_and_nobody_else(tmp_path: Path) -> None:
    verdicts = verdicts_of(build(SIZE, faults={"domain_not_verified"}), tmp_path)
    blocked = {
        found.mailbox_guid for found in readiness_of(tmp_path) if found.move is Readiness.NOT_READY
    }
    assert verdicts["DOM-VERIFIED"].failing == {"fabrikam.com"}
    assert blocked == verdicts["MBX-PROXY-UNVERIFIED"].failing
    assert 0 < len(blocked) < SIZE
