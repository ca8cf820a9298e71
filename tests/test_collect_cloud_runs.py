"""Whole runs over a tenant: stopped and resumed, in part, beside Exchange, and to the report."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from auditor.assessment import TABLES, Finding, RuleResult, read_assessment
from auditor.collect import CLOUD_TABLES, Wish, collect_from
from auditor.demo import lab_exchange
from auditor.errors import AccessDenied, InputRefused
from auditor.evidence.bundle import open_bundle
from auditor.evidence.bundle_output import unfinished
from auditor.evidence.entra_access import (
    EntraConditionalAccessPolicy,
    EntraConditionalAccessUnknownValue,
)
from auditor.evidence.tables import COLLECTED
from auditor.lab.cloud_faults import CloudFault, Outage
from auditor.lab.organization import Organization, build
from auditor.live_cloud import EXCHANGE_ONLINE_TABLES, GRAPH_TABLES, LiveCloud, open_cloud
from auditor.live_sources import LiveSources
from auditor.run import assess_and_report, assess_evidence, write_report
from auditor.sources.cloud_sign_in import CLOUDS
from auditor.verdicts import Gate, Readiness, Verdict
from tests.support.lab_tenant import collected, read_back, silent, tenant

ORGANIZATION = build(20, faults="none")
LARGE = build(1_100, faults="none")
READ_AT = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
NOBODY = "00000000-0000-4000-8000-000000000000"


def stopping(at: str, when: int) -> Callable[[str, int], None]:
    """Progress of somebody who presses Ctrl-C."""

    def stop(stage: str, count: int) -> None:
        if stage == at and count >= when:
            raise KeyboardInterrupt

    return stop


@pytest.mark.parametrize(
    ("at", "count", "left"),
    [
        ("users", 1_000, {"entra_user", "entra_managed_device", "exo_organization"}),
        ("Get-Recipient", 1_100, {"exo_recipient", "exo_cas_mailbox", "exo_mobile_device"}),
    ],
)
def test_a_run_that_is_stopped_in_the_cloud_goes_on(
    tmp_path: Path, at: str, count: int, left: set[str]
) -> None:
    stopped, whole = tmp_path / "stopped.zip", tmp_path / "whole.zip"
    wish = Wish(now=lambda: READ_AT)
    with tenant(LARGE) as cloud:
        with pytest.raises(KeyboardInterrupt):
            collect_from(LiveSources(None, cloud=cloud), stopped, "", wish, stopping(at, count))
        collect_from(LiveSources(None, cloud=cloud), whole, "", wish, silent)
    with open_bundle(unfinished(stopped), "evidence", COLLECTED) as bundle:
        before = {table for table, line in bundle.ledger.items() if line.state == "complete"}
    assert before & left == set()
    assert "entra_organization" in before
    # what is complete is not asked again: a cloud that refuses it now does no harm
    asked_again = CloudFault(Outage.FORBIDDEN, "organization", times=None)
    with tenant(LARGE, [asked_again]) as cloud:
        again = Wish(resume=True, now=lambda: READ_AT)
        lines = collect_from(LiveSources(None, cloud=cloud), stopped, "", again, silent)
    assert {line.table for line in lines if line.table in CLOUD_TABLES} == CLOUD_TABLES - before
    assert not unfinished(stopped).exists()
    found, wanted = read_back(stopped), read_back(whole)
    assert found.gaps() == {}
    assert found.rows == wanted.rows


def test_a_table_alone_is_read_alone(tmp_path: Path) -> None:
    with tenant(ORGANIZATION) as cloud:
        found = collected(cloud, tmp_path / "e.zip", "entra_user")
    states = {table: line.state for table, line in found.ledger.items()}
    assert {table for table, state in states.items() if state == "complete"} == {
        "entra_user",
        "plan_move",
    }
    assert set(states.values()) == {"complete", "not_requested"}
    assert [table for table, rows in found.rows.items() if rows] == ["entra_user"]


# beside Exchange on-premises


def on_premises(organization: Organization, target: Path, cloud: LiveCloud | None) -> set[str]:
    """Collects from Exchange and this tenant; which tables of on-premises are complete."""
    with lab_exchange(organization) as exchange:
        collect_from(LiveSources(exchange, cloud=cloud), target, "", Wish(), silent)
    return {
        table
        for table, line in read_back(target).ledger.items()
        if table.startswith("onprem_") and line.state == "complete"
    }


def test_a_tenant_that_refuses_every_sign_in_costs_nothing_of_on_premises(tmp_path: Path) -> None:
    refused = AccessDenied("The secret is wrong; give another.")
    without = on_premises(ORGANIZATION, tmp_path / "without.zip", None)
    beside = on_premises(ORGANIZATION, tmp_path / "e.zip", LiveCloud(refused, refused))
    assert beside == without
    assert {"onprem_mailbox", "onprem_exchange_server", "onprem_mobile_device"} <= beside
    found = read_back(tmp_path / "e.zip")
    assert found.gaps() == dict.fromkeys(CLOUD_TABLES, ("access_denied", 0))
    assert found.told() == {"The secret is wrong; give another."}


def test_a_half_that_refuses_costs_neither_the_other_nor_on_premises(tmp_path: Path) -> None:
    refused = AccessDenied("The secret is wrong; give another.")
    without = on_premises(ORGANIZATION, tmp_path / "without.zip", None)
    with tenant(ORGANIZATION) as cloud:
        for name, struck, lost in (
            ("graph", LiveCloud(refused, cloud.exchange_online), GRAPH_TABLES),
            ("exchange", LiveCloud(cloud.graph, refused), EXCHANGE_ONLINE_TABLES),
        ):
            target = tmp_path / f"{name}.zip"
            assert on_premises(ORGANIZATION, target, struck) == without
            assert read_back(target).gaps() == dict.fromkeys(lost, ("access_denied", 0))


def test_no_tenant_is_told_as_none_that_was_named(tmp_path: Path) -> None:
    on_premises(ORGANIZATION, tmp_path / "e.zip", None)
    found = read_back(tmp_path / "e.zip")
    assert found.gaps() == dict.fromkeys(CLOUD_TABLES, ("not_requested", 0))
    assert found.told() == {"Only the tenant says it, and the configuration names no cloud."}


# the tenant alone, and the report


def assessed(
    organization: Organization, evidence: Path, folder: Path
) -> tuple[list[RuleResult], list[Finding]]:
    """What every rule says, and every finding."""
    assessment = folder / "a.zip"
    assess_evidence(
        evidence,
        assessment,
        packs=(),
        waivers=None,
        as_of=organization.now.date(),
        force=False,
        progress=silent,
    )
    with open_bundle(assessment, "assessment", TABLES) as bundle:
        found = read_assessment(bundle)
        return list(found.rules), list(found.findings())


def test_a_tenant_alone_is_judged_and_is_never_ready(tmp_path: Path) -> None:
    evidence, report = tmp_path / "e.zip", tmp_path / "report.html"
    with tenant(ORGANIZATION) as cloud:
        collected(cloud, evidence, now=lambda: ORGANIZATION.now)
    judgement = assess_and_report(
        evidence, tmp_path / "b.zip", report, ORGANIZATION.now.date(), silent
    )
    assert {gate.gate: gate.readiness for gate in judgement.gates} == {
        "overall": Readiness.UNDETERMINED,
        Gate.MOVE: Readiness.UNDETERMINED,
        Gate.SEAMLESS: Readiness.UNDETERMINED,
        Gate.PLATFORM: Readiness.UNDETERMINED,
    }
    assert "</html>" in report.read_text(encoding="utf-8")
    rules, _ = assessed(ORGANIZATION, evidence, tmp_path)
    passed = {each.rule for each in rules if each.verdict is Verdict.PASS}
    beyond = {
        each.rule
        for each in rules
        if not all(need.startswith(("entra_", "exo_", "ref_")) for need in each.needs)
    }
    assert passed & beyond == set()
    assert {"TEN-CA", "TEN-OAUTHPROFILE", "TEN-SECDEFAULTS", "TEN-SYNC"} <= passed
    assert {each.verdict for each in rules if each.rule in beyond} == {Verdict.NOT_ASSESSED}


@pytest.mark.parametrize("struck", [False, True])
def test_an_unknown_word_of_conditional_access_reaches_the_report_as_not_assessed(
    tmp_path: Path, struck: bool
) -> None:
    """Once a control that nobody knows, once a state."""
    organization = build(20, faults=() if struck else ("ca_unknown_value",))
    at = "identity/conditionalAccess/policies"
    faults = [CloudFault(Outage.UNKNOWN_VALUE, at, times=None)] if struck else []
    evidence = tmp_path / "e.zip"
    with tenant(organization, faults) as cloud:
        found = collected(cloud, evidence, now=lambda: organization.now)
    assert found.gaps() == {}
    unknown = found.rows["entra_conditional_access_unknown_value"]
    assert unknown != []
    rules, everything = assessed(organization, evidence, tmp_path)
    (rule,) = (each for each in rules if each.rule == "TEN-CA")
    assert rule.verdict is Verdict.NOT_ASSESSED
    findings = [each for each in everything if each.rule == "TEN-CA"]
    covering = {
        row.id
        for row in found.rows["entra_conditional_access_policy"]
        if isinstance(row, EntraConditionalAccessPolicy) and row.covers_exchange_online
    }
    strange = {
        row.policy_id: row.value
        for row in unknown
        if isinstance(row, EntraConditionalAccessUnknownValue) and row.policy_id in covering
    }
    assert {each.subject_id for each in findings} == strange.keys()
    assert {each.verdict for each in findings} == {Verdict.NOT_ASSESSED}
    write_report(tmp_path / "a.zip", tmp_path / "r.json", "json", force=False)
    told = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    (shown,) = (each for each in told["rules"] if each["rule"] == "TEN-CA")
    assert shown["verdict"] == "not_assessed"
    assert all(strange[each.subject_id] in each.text for each in findings)
    write_report(tmp_path / "a.zip", tmp_path / "r.html", "html", force=False)
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert all(value in page for value in strange.values())


class NoToken:
    """A credential for a test that sends nothing."""

    token, expires_on = "unused", 4_102_444_800

    def get_token(self, *_: str, **__: object) -> NoToken:
        return self


@pytest.mark.parametrize("graph", [True, False])
def test_an_environment_that_cannot_be_used_is_refused_before_anything_is_read(
    graph: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "absent.pem"))
    half = open_cloud(CLOUDS["global"], NOBODY, NoToken(), graph=graph, exchange_online=not graph)
    with pytest.raises(InputRefused, match="SSL_CERT_FILE"), half:
        raise AssertionError("nothing may be read")
