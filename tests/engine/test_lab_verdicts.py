"""The whole program against the lab: what was planted is found, subject by subject, no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.importing import import_evidence
from auditor.lab.answers import ExpectedRule, expected
from auditor.lab.cloud_consequences import CLOUD_RULES
from auditor.lab.exports import write_exports
from auditor.lab.faults import CLOUD_FAULTS, FAULTS
from auditor.lab.organization import Organization, build
from auditor.lab.plan import write_plan
from auditor.verdicts import Verdict
from tests.support.verdicts import silent, verdicts_on

NOT_LOOKED_AT = ExpectedRule(Verdict.NOT_ASSESSED, frozenset(), frozenset({"*"}))


def assessed(
    organization: Organization, folder: Path, *, with_plan: bool = False
) -> dict[str, ExpectedRule]:
    """What the program says of a lab organisation, by way of exports and import."""
    write_exports(organization, folder / "exports")
    evidence = folder / "lab.evidence.zip"
    plans = [folder / "plan.csv"] if with_plan else []
    for plan in plans:
        write_plan(organization, plan)
    import_evidence(
        [folder / "exports"], evidence, force=False, title="", progress=silent, plans=plans
    )
    return verdicts_on(evidence, organization, folder / "lab.assessment.zip")


def differences(
    organization: Organization, folder: Path, *, with_plan: bool = False
) -> dict[str, tuple[object, object]]:
    found = assessed(organization, folder, with_plan=with_plan)
    # the exports are of the servers alone: nothing about the cloud is judged
    wanted = {
        **expected(organization, with_plan=with_plan),
        **dict.fromkeys(CLOUD_RULES, NOT_LOOKED_AT),
    }
    return {
        rule: (wanted.get(rule), found.get(rule))
        for rule in sorted(found.keys() | wanted.keys())
        if wanted.get(rule) != found.get(rule)
    }


@pytest.mark.parametrize("faults", ["planted", "none"])
def test_the_demonstration_finds_what_was_planted(faults: str, tmp_path: Path) -> None:
    assert differences(build(200, faults=faults), tmp_path) == {}


def test_a_plan_changes_the_verdict_of_its_own_rule_alone(tmp_path: Path) -> None:
    assert differences(build(60), tmp_path, with_plan=True) == {}


@pytest.mark.parametrize("fault", sorted(FAULTS.keys() - CLOUD_FAULTS))
def test_each_fault_alone_changes_the_verdicts_it_must_and_no_other(
    fault: str, tmp_path: Path
) -> None:
    assert differences(build(40, faults=(fault,)), tmp_path) == {}
