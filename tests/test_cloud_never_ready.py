"""Whatever the cloud refuses, hides or breaks off: nothing passes for it, and nobody is ready.

Over evidence that was really collected, from Exchange and from the tenant of one lab organisation
without a fault, so that every rule about the tenant would pass.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias, get_args

import pytest
from pydantic import JsonValue

from auditor.assessment import TABLES, Assessment, read_assessment
from auditor.collect import CLOUD_TABLES, Wish, collect_from
from auditor.collectors.graph_conditional_access import CONDITIONAL_ACCESS, Policy
from auditor.collectors.graph_tenant import GraphTenant
from auditor.collectors.plan import read_plan
from auditor.demo import LabToken, lab_exchange
from auditor.engine.evaluate import Outcome, evaluate
from auditor.engine.material import PREDICTIONS, Material, fill_database, open_database
from auditor.engine.rulefile import Rule
from auditor.errors import UnexpectedAnswer
from auditor.evidence.base import Evidence
from auditor.evidence.bundle import open_bundle
from auditor.evidence.database import Database
from auditor.evidence.ledger import LedgerLine, State, not_requested
from auditor.evidence.tables import BY_NAME, COLLECTED
from auditor.lab.cloud_faults import CloudFault, Outage
from auditor.lab.organization import build
from auditor.lab.plan import write_plan
from auditor.lab.tenant_access import conditional_access_policies
from auditor.live_sources import LiveSources
from auditor.prediction.derived import derived_line
from auditor.run import assess_evidence, shipped_reference, shipped_rules
from auditor.sources.cloud_sign_in import CLOUDS
from auditor.sources.graph import Graph
from auditor.verdicts import Cause, Readiness, Verdict
from tests.support.lab_tenant import silent, tenant

Place: TypeAlias = tuple[str | int, ...]

ORGANIZATION = build(16, faults="none")
TODAY = ORGANIZATION.now.date()
RULES = tuple(loaded.rule for loaded in shipped_rules())
STATES = tuple(state for state in get_args(State) if state != "complete")


def collected(folder: Path, faults: Sequence[CloudFault] = ()) -> Path:
    """Everything that Exchange and the tenant say, with a plan, in a sealed bundle."""
    folder.mkdir(exist_ok=True)
    write_plan(ORGANIZATION, folder / "plan.csv")
    wish = Wish(plan=read_plan([folder / "plan.csv"]), now=lambda: ORGANIZATION.now)
    with lab_exchange(ORGANIZATION) as exchange, tenant(ORGANIZATION, faults) as cloud:
        sources = LiveSources(exchange, cloud=cloud)
        collect_from(sources, folder / "e.zip", "Lab", wish, silent)
    return folder / "e.zip"


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Material]:
    folder = tmp_path_factory.mktemp("never ready")
    with (
        open_bundle(collected(folder / "evidence"), "evidence", COLLECTED) as bundle,
        open_database(folder, 0) as database,
    ):
        yield fill_database(database, bundle, shipped_reference(), silent)


def without(material: Material, table: str, state: State) -> Mapping[str, LedgerLine]:
    """The ledger as it would be, had this table come to such an end."""
    line = material.ledger[table].model_copy(update={"state": state, "detail": "It was struck."})
    ledger = {**material.ledger, table: line}
    for each in PREDICTIONS:
        ledger[each.model.table] = derived_line(each.model, each.needed, ledger, 0)
    return ledger


def needing(table: str) -> list[Rule]:
    """Rules that look at a table, or at what is derived from it."""
    derived = {each.model.table for each in PREDICTIONS if table in each.needed}
    return [rule for rule in RULES if {table, *derived} & set(rule.needs)]


def test_the_organisation_would_pass_every_rule_about_its_tenant(material: Material) -> None:
    about = [rule for rule in RULES if set(rule.needs) & CLOUD_TABLES]
    verdicts = {rule.id: judged(rule, material, material.ledger).verdict for rule in about}
    assert verdicts == dict.fromkeys(verdicts, Verdict.PASS)


def judged(rule: Rule, material: Material, ledger: Mapping[str, LedgerLine]) -> Outcome:
    return evaluate(rule, material.database, ledger, TODAY)


@pytest.mark.parametrize("table", sorted(table for table in CLOUD_TABLES if needing(table)))
@pytest.mark.parametrize("state", STATES)
def test_without_a_table_no_rule_that_needs_it_says_anything(
    material: Material, table: str, state: State
) -> None:
    ledger = without(material, table, state)
    for rule in needing(table):
        outcome = judged(rule, material, ledger)
        assert (rule.id, outcome.verdict, outcome.cause) == (
            rule.id,
            Verdict.NOT_ASSESSED,
            Cause(state),
        )
        assert (outcome.passed, outcome.failed) == (0, 0)
        assert "It was struck." in outcome.text


# the whole way


def assessed(evidence: Path, folder: Path, waivers: Path | None) -> tuple[Readiness, Assessment]:
    """The verdict over everything, and what it rests on; the mailboxes are read."""
    target = folder / f"{'waived' if waivers else 'plain'}.zip"
    judgement = assess_evidence(
        evidence,
        target,
        packs=(),
        waivers=waivers,
        as_of=TODAY,
        force=False,
        progress=silent,
    )
    with open_bundle(target, "assessment", TABLES) as bundle:
        found = read_assessment(bundle)
        mailboxes = tuple(found.mailboxes())
    return judgement.readiness, replace(found, mailboxes=lambda: iter(mailboxes))


@pytest.fixture(scope="module")
def waivers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Waives what nobody can look at here: topics without a rule, and what a directory says."""
    folder = tmp_path_factory.mktemp("waivers")
    _, found = assessed(collected(folder), folder, None)
    open_ones = {topic.topic for topic in found.topics} | {
        rule.rule for rule in found.rules if rule.verdict is Verdict.NOT_ASSESSED
    }
    assert not {rule.id for rule in RULES if set(rule.needs) & CLOUD_TABLES} & open_ones
    path = folder / "waivers.yaml"
    waived = "".join(
        f"- {{rule: {rule}, subject: '*', by: Ann, reason: Nobody looks here., until: {TODAY}}}\n"
        for rule in sorted(open_ones)
    )
    path.write_text(f"waivers:\n{waived}", encoding="utf-8")
    return path


def test_with_all_else_waived_the_organisation_would_be_ready(
    tmp_path: Path, waivers: Path
) -> None:
    readiness, found = assessed(collected(tmp_path), tmp_path, waivers)
    assert readiness is Readiness.READY
    assert {each.readiness for each in found.mailboxes()} == {Readiness.READY}


@pytest.mark.parametrize(
    "what",
    [
        Outage.UNAUTHORIZED,
        Outage.FORBIDDEN,
        Outage.THROTTLED,
        Outage.QUERY_BROKER,
        Outage.HTML_PAGE,
        Outage.CUT,
        Outage.FOREIGN_LINK,
        Outage.REPEATED_LINK,
        Outage.HIDDEN,
    ],
)
def test_a_cloud_that_fails_throughout_leaves_nobody_ready(
    tmp_path: Path, waivers: Path, what: Outage
) -> None:
    evidence = collected(tmp_path, [CloudFault(what, times=None, seconds=9_999)])
    readiness, found = assessed(evidence, tmp_path, waivers)
    assert readiness is Readiness.UNDETERMINED
    assert {each.readiness for each in found.mailboxes()} == {Readiness.UNDETERMINED}
    # the settings that there is one of have no next page, so that a link costs them nothing
    whole = (
        {"entra_security_defaults"}
        if what in {Outage.FOREIGN_LINK, Outage.REPEATED_LINK}
        else set()
    )
    struck = [rule for rule in found.rules if set(rule.needs) & CLOUD_TABLES - whole]
    assert {rule.rule for rule in struck if rule.verdict is not Verdict.NOT_ASSESSED} == set()


# single properties

PEOPLE = (
    *("MBX-DUAL", "MBX-EXCHANGEGUID", "TEN-SYNC-HYBRIDFLAG", "USR-BLOCKED", "USR-CAS-AFTER"),
    *("USR-EXO-PROXY", "USR-LICENCE", "USR-LICENCE-EARLY", "USR-LICENCE-ERROR", "USR-MAILUSER"),
    *("USR-MATCHED", "USR-MFA-REG", "USR-PROVERROR", "USR-UPN-ONMS", "USR-USAGELOCATION"),
)
RECIPIENTS = ("MBX-EXCHANGEGUID", "TEN-SYNC-HYBRIDFLAG", "USR-LICENCE-EARLY", "USR-MAILUSER")
POLICIES = "identity/conditionalAccess/policies"
DEFAULTS = "policies/identitySecurityDefaultsEnforcementPolicy"
DELETED = "directory/deletedItems/graph.user"
SIGN_INS = "auditLogs/signIns"
HIDDEN: tuple[dict[tuple[str, str], tuple[str, ...]], ...] = (
    {
        ("users", "accountEnabled"): PEOPLE,
        ("domains", "isVerified"): ("DOM-VERIFIED", "MBX-PROXY-UNVERIFIED", "TEN-DOMAINS"),
        ("applications", "appId"): ("TEN-HYBRIDAPP",),
        ("organization", "onPremisesLastSyncDateTime"): ("TEN-SYNC",),
        (DELETED, "proxyAddresses"): ("USR-DELETED",),
        (POLICIES, "conditions"): ("TEN-CA",),
        (DEFAULTS, "isEnabled"): ("TEN-SECDEFAULTS",),
        (SIGN_INS, "conditionalAccessStatus"): ("TEN-CA-SIGNIN",),
        ("Get-OrganizationConfig", "OAuth2ClientProfileEnabled"): ("TEN-OAUTHPROFILE",),
        ("Get-CASMailboxPlan", "ActiveSyncEnabled"): ("TEN-CASPLAN",),
        ("Get-MailboxPlan", "MaxReceiveSize"): ("TEN-MAILBOXPLAN",),
        ("Get-MobileDeviceMailboxPolicy", "PasswordEnabled"): ("TEN-MDMPOLICY",),
        ("Get-MigrationEndpoint", "RemoteServer"): ("TEN-MIGENDPOINT",),
        ("Get-ActiveSyncOrganizationSettings", "DefaultAccessLevel"): ("TEN-ABQ-DEFAULT",),
        ("Get-ActiveSyncDeviceAccessRule", "QueryString"): ("TEN-ABQ-RULES",),
    },
    {
        ("users", "onPremisesImmutableId"): PEOPLE,
        ("domains", "authenticationType"): ("DOM-FEDERATED",),
        ("servicePrincipals", "accountEnabled"): ("TEN-HYBRIDAPP", "TEN-SP-STATE"),
        ("organization", "onPremisesSyncEnabled"): ("TEN-SYNC",),
        (DELETED, "userPrincipalName"): ("USR-DELETED",),
        (POLICIES, "state"): ("TEN-CA",),
        (SIGN_INS, "createdDateTime"): ("TEN-CA-SIGNIN",),
        ("subscribedSkus", "consumedUnits"): ("TEN-LICENCE-HEADROOM",),
        ("oauth2PermissionGrants", "consentType"): ("TEN-CONSENT",),
        ("Get-AcceptedDomain", "DomainName"): ("DOM-VERIFIED", "TEN-DOMAINS"),
        ("Get-MigrationEndpoint", "EndpointType"): ("TEN-MIGENDPOINT",),
        ("Get-MobileDeviceMailboxPolicy", "IsDefault"): ("TEN-MDMPOLICY",),
        ("Get-ActiveSyncDeviceAccessRule", "AccessLevel"): ("TEN-ABQ-DEFAULT", "TEN-ABQ-RULES"),
    },
    {
        ("Get-Recipient", "ExchangeGuid"): RECIPIENTS,
        ("Get-CASMailbox", "ActiveSyncEnabled"): ("USR-CAS-AFTER",),
        ("users", "licenseAssignmentStates"): ("USR-LICENCE-ERROR",),
        ("users", "onPremisesProvisioningErrors"): ("USR-PROVERROR",),
        ("users", "onPremisesSyncEnabled"): ("USR-MATCHED",),
        ("subscribedSkus", "capabilityStatus"): ("TEN-LICENCE-HEADROOM", "USR-LICENCE"),
        ("applications", "keyCredentials"): ("TEN-HYBRIDAPP",),
        ("servicePrincipals", "appRoleAssignmentRequired"): ("TEN-SP-STATE",),
        ("policies/authorizationPolicy", "defaultUserRolePermissions"): ("TEN-CONSENT",),
        (POLICIES, "sessionControls"): ("TEN-CA",),
        (SIGN_INS, "status"): ("TEN-CA-SIGNIN",),
    },
    {
        ("Get-Recipient", "EmailAddresses"): ("USR-EXO-PROXY",),
        ("Get-CASMailbox", "ExternalDirectoryObjectId"): ("USR-CAS-AFTER",),
        ("users", "assignedLicenses"): ("USR-LICENCE", "USR-LICENCE-EARLY"),
        ("users", "usageLocation"): ("USR-USAGELOCATION",),
        (SIGN_INS, "userId"): ("TEN-CA-SIGNIN",),
    },
    {("Get-Recipient", "ExternalDirectoryObjectId"): (*RECIPIENTS, "USR-EXO-PROXY")},
    {
        ("organization", "tenantType"): ("TEN-SOVEREIGN", "TEN-SYNC", "TEN-SYNC-HYBRIDFLAG"),
        (SIGN_INS, "appId"): ("TEN-CA-SIGNIN",),
    },
    {("subscribedSkus", "servicePlans"): ("TEN-LICENCE-HEADROOM", "USR-LICENCE")},
)
"""Properties, and rules that may not pass where they are null everywhere.

Those of one round open no rule in common, so that none hides what another one does not do.
"""


def test_the_rounds_reach_every_rule_about_the_tenant() -> None:
    reached = {rule for each in HIDDEN for rules in each.values() for rule in rules}
    about = {rule.id for rule in RULES if set(rule.needs) & CLOUD_TABLES}
    assert about - reached == {"DOM-ROUTABLE"}


@pytest.mark.parametrize("hidden", HIDDEN, ids=range(len(HIDDEN)))
def test_what_is_not_shown_does_not_pass(
    tmp_path: Path, hidden: dict[tuple[str, str], tuple[str, ...]]
) -> None:
    names: dict[str, list[str]] = {}
    for at, name in hidden:
        names.setdefault(at, []).append(name)
    faults = [
        CloudFault(Outage.HIDDEN, at, times=None, properties=tuple(each))
        for at, each in names.items()
    ]
    with (
        open_bundle(collected(tmp_path / "evidence", faults), "evidence", COLLECTED) as bundle,
        open_database(tmp_path, 0) as database,
    ):
        found = fill_database(database, bundle, shipped_reference(), silent)
        passed = {
            rule.id for rule in RULES if judged(rule, found, found.ledger).verdict is Verdict.PASS
        }
    assert {key: sorted(passed & set(rules)) for key, rules in hidden.items()} == {
        key: [] for key in hidden
    }


# policies of Conditional Access, part by part


def parts(value: JsonValue, place: Place = ()) -> Iterator[Place]:
    """Where every part of a document lies."""
    below: Iterable[tuple[str | int, JsonValue]] = ()
    if isinstance(value, dict):
        below = value.items()
    elif isinstance(value, list):
        below = enumerate(value)
    for name, part in below:
        yield (*place, name)
        yield from parts(part, (*place, name))


def changed(policy: Policy, place: Place, how: str) -> Policy:
    """The policy with one part null, empty or left out."""
    copied: Policy = copy.deepcopy(policy)
    above: Any = copied
    for name in place[:-1]:
        above = above[name]
    last = place[-1]
    if how == "left out":
        del above[last]
    else:
        empty = type(above[last])() if isinstance(above[last], dict | list | str) else None
        above[last] = empty if how == "empty" else None
    return copied


@pytest.fixture(scope="module")
def judge() -> Iterator[Callable[[Policy], Verdict]]:
    """What TEN-CA says of one policy; one that cannot be read is not assessed."""
    (rule,) = (rule for rule in RULES if rule.id == "TEN-CA")
    complete = {
        table: not_requested(table, "-").model_copy(update={"state": "complete"})
        for table in rule.needs
    }
    graph = Graph(CLOUDS["global"], LabToken("never sent"))
    reader = GraphTenant(graph, "global", now=lambda: ORGANIZATION.now)
    with Database(tuple(BY_NAME.values())) as database:

        def verdict(policy: Policy) -> Verdict:
            try:
                rows = list(CONDITIONAL_ACCESS.rows(reader, policy))
            except UnexpectedAnswer:
                return Verdict.NOT_ASSESSED
            database.clear()
            database.insert([row for row in rows if isinstance(row, Evidence)])
            return evaluate(rule, database, complete, TODAY).verdict

        yield verdict


STRICT = build(1, faults=("ca_blocks_eas", "ca_approved_app", "ca_unknown_value"))


@pytest.mark.parametrize("how", ["null", "empty", "left out"])
def test_a_policy_that_stands_in_the_way_is_never_harmless_for_want_of_a_part(
    judge: Callable[[Policy], Verdict], how: str
) -> None:
    strict: list[Policy] = [
        found
        for found in json.loads(json.dumps(list(conditional_access_policies(STRICT))))
        if judge(found) in {Verdict.FAIL, Verdict.NOT_ASSESSED}
    ]
    assert len(strict) == 3
    harmless = [
        (policy["displayName"], place)
        for policy in strict
        for place in parts(policy)
        # without one entry a list is that of another policy
        if not (how == "left out" and isinstance(place[-1], int))
        if judge(changed(policy, place, how)) not in {Verdict.FAIL, Verdict.NOT_ASSESSED}
    ]
    assert harmless == []
