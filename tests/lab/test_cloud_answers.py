"""The shipped rules find in the lab's tenant what was planted there, and nothing else.

The tenant is read over HTTP by the ordinary sources and collectors, the servers from exports.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken

from auditor.collectors.exo_registry import EXCHANGE_ONLINE_COLLECTORS
from auditor.collectors.export_script import file_stem
from auditor.collectors.graph_registry import GRAPH_COLLECTORS
from auditor.collectors.graph_tenant import GraphTenant
from auditor.collectors.registry import EXCHANGE_COLLECTORS
from auditor.collectors.runner import rows_of
from auditor.engine.evaluate import Outcome, evaluate
from auditor.engine.material import PREDICTIONS
from auditor.engine.rulefile import LoadedRule, load_pack
from auditor.evidence.base import Evidence
from auditor.evidence.database import Database
from auditor.evidence.ledger import line_without_source
from auditor.evidence.reference_data import read_reference
from auditor.evidence.tables import BY_NAME
from auditor.lab.answers import ExpectedRule, expected
from auditor.lab.cloud_consequences import CLOUD_RULES
from auditor.lab.cloud_server import LabCloud
from auditor.lab.exports import write_exports
from auditor.lab.faults import CLOUD_FAULTS
from auditor.lab.organization import Organization, build
from auditor.lab.tenant import CMDLETS
from auditor.resources import rules_folder
from auditor.sources.clixml import PsObject, read_file
from auditor.sources.cloud_sign_in import Cloud
from auditor.sources.exchange_online import ExchangeOnline
from auditor.sources.graph import Graph
from auditor.verdicts import Verdict

SIZE = 48
COMPLETE = {table: line_without_source(table, "complete") for table in BY_NAME}

OF_MAILBOXES = (
    *("user_not_synchronised", "user_without_licence", "exchange_plan_disabled", "licence_error"),
    *("usage_location_missing", "cloud_account_disabled", "deleted_twin", "provisioning_error"),
    *("cloud_upn_onmicrosoft", "cloud_mailbox_exists", "exchange_guid_missing"),
    *("cloud_proxy_missing", "mfa_not_registered", "moved_eas_off"),
    "sign_in_refused",
)
COMBINATIONS: tuple[tuple[str, ...], ...] = (
    OF_MAILBOXES,
    (*OF_MAILBOXES, "security_defaults_on", "account_disabled", "upn_differs", "sync_stale"),
    (
        *("domain_not_verified", "sync_off", "ca_blocks_eas", "cas_plan_eas_off", "upn_differs"),
        *("mailbox_without_proxy", "eas_disabled", "cloud_block_rule", "mail_app_disabled"),
    ),
    (
        *("domain_federated", "oauth_off", "cloud_quarantine", "stricter_cloud_policy"),
        *("eas_disabled", "small_mailbox_plan", "few_seats", "no_migration_endpoint"),
    ),
    (
        *("ca_approved_app", "ca_unknown_value", "mfa_not_registered", "consent_missing"),
        *("legacy_clients", "devices_without_version", "old_devices"),
    ),
    ("two_target_delivery_domains", "mailbox_without_proxy", "cloud_proxy_missing", "few_seats"),
    ("no_target_delivery_domain", "cloud_account_disabled", "security_defaults_on"),
    ("other_cloud_owa_url", "domain_not_verified", "user_not_synchronised"),
)
"""Every fault of the cloud at least once, with others that it meets in a rule or a mailbox."""


class Token:
    """A credential that has the lab's token."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken(self._token, 2**31)


@pytest.fixture(scope="module")
def rules() -> list[LoadedRule]:
    return [found for found in load_pack(rules_folder(), "shipped") if found.rule.id in CLOUD_RULES]


@pytest.fixture
def database() -> Iterator[Database]:
    with Database(tuple(BY_NAME.values())) as opened:
        yield opened


@pytest.fixture(scope="module")
def reference() -> Sequence[Evidence]:
    tables = read_reference(rules_folder() / "reference")
    return [row for table in tables for row in table.rows]


def on_premises(organization: Organization, folder: Path) -> Iterator[Evidence]:
    write_exports(organization, folder)
    for collector in EXCHANGE_COLLECTORS:
        for found in read_file(folder / f"{file_stem(collector)}.clixml"):
            if isinstance(found, PsObject):
                yield from rows_of(collector, found)


def of_graph(cloud: LabCloud, hosts: Cloud, organization: Organization) -> Iterator[Evidence]:
    """Rows that Graph gives; everything it says is said in full."""
    with Graph(hosts, Token(cloud.token)) as graph:
        tenant = GraphTenant(graph, "global", now=lambda: organization.now)
        for collector in GRAPH_COLLECTORS:
            for found in collector.read(tenant):
                for row in collector.rows(tenant, found):
                    assert isinstance(row, Evidence), (collector.name, row)
                    yield row


def of_exchange_online(cloud: LabCloud, hosts: Cloud) -> Iterator[Evidence]:
    with ExchangeOnline(hosts, cloud.tenant_id, Token(cloud.token)) as online:
        for collector in EXCHANGE_ONLINE_COLLECTORS:
            for found in online.stream(collector.cmdlets[0], collector.parameters):
                yield from rows_of(collector, found)


def evidence_of(organization: Organization, folder: Path) -> list[Evidence]:
    with LabCloud(organization) as cloud:
        hosts = Cloud("lab", "login.example.net", cloud.url, cloud.url)
        return [
            *on_premises(organization, folder),
            *of_graph(cloud, hosts, organization),
            *of_exchange_online(cloud, hosts),
        ]


def as_expected(outcome: Outcome) -> ExpectedRule:
    return ExpectedRule(
        outcome.verdict,
        *(
            frozenset(found.subject_id for found in outcome.findings if found.verdict is verdict)
            for verdict in (Verdict.FAIL, Verdict.NOT_ASSESSED)
        ),
    )


def differences(
    found: Iterable[tuple[str, ExpectedRule]], organization: Organization
) -> dict[str, tuple[ExpectedRule, ExpectedRule]]:
    answers = expected(organization, with_cloud=True)
    return {rule: (answers[rule], is_) for rule, is_ in found if is_ != answers[rule]}


@pytest.mark.parametrize("faults", ["planted", "none", *COMBINATIONS], ids=str)
def test_the_rules_find_exactly_what_was_planted(
    faults: str | tuple[str, ...],
    tmp_path: Path,
    database: Database,
    rules: list[LoadedRule],
    reference: Sequence[Evidence],
) -> None:
    organization = build(SIZE, faults=faults)
    database.insert([*evidence_of(organization, tmp_path / "exports"), *reference])
    for prediction in PREDICTIONS:
        database.insert(list(prediction.rows(database, COMPLETE)))
    date = organization.now.date()
    found = [
        (loaded.rule.id, as_expected(evaluate(loaded.rule, database, COMPLETE, date)))
        for loaded in rules
    ]
    assert differences(found, organization) == {}


def test_every_fault_of_the_cloud_is_among_the_combinations() -> None:
    assert {fault for faults in COMBINATIONS for fault in faults} >= CLOUD_FAULTS


def test_every_rule_with_an_answer_is_shipped(rules: list[LoadedRule]) -> None:
    assert {loaded.rule.id for loaded in rules} == set(CLOUD_RULES)


def test_a_tenant_without_faults_passes() -> None:
    answers = expected(build(100, faults="none"), with_cloud=True)
    assert {rule: answers[rule].verdict for rule in CLOUD_RULES} == dict.fromkeys(
        CLOUD_RULES, Verdict.PASS
    )


def test_every_fault_of_the_cloud_is_known_to_the_answers() -> None:
    clean = expected(build(60, faults="none"), with_cloud=True)
    silent = {
        fault
        for fault in CLOUD_FAULTS
        if expected(build(60, faults=(fault,)), with_cloud=True) == clean
    }
    # nobody asks for a second factor, so nobody needs one
    assert silent == {"mfa_not_registered"}


def test_without_the_cloud_there_is_no_answer_about_it() -> None:
    assert expected(build(10)).keys().isdisjoint(CLOUD_RULES)


def test_every_command_of_the_tenant_is_one_that_a_collector_asks() -> None:
    asked = {cmdlet for collector in EXCHANGE_ONLINE_COLLECTORS for cmdlet in collector.cmdlets}
    assert asked == CMDLETS.keys()
