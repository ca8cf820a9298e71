"""The shipped rules find in the lab what was planted there, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from auditor.collectors.export_script import file_stem
from auditor.collectors.registry import EXCHANGE_COLLECTORS
from auditor.collectors.runner import rows_of
from auditor.engine.evaluate import Outcome, evaluate
from auditor.engine.rulefile import LoadedRule, load_pack
from auditor.evidence.base import Evidence
from auditor.evidence.database import Database
from auditor.evidence.ledger import line_without_source
from auditor.evidence.reference_data import read_reference
from auditor.evidence.tables import BY_NAME
from auditor.lab.answers import (
    DIRECTORY_RULES,
    RULES,
    ExpectedRule,
    expected,
    expected_redirects,
)
from auditor.lab.exports import write_exports
from auditor.lab.faults import CLOUD_FAULTS, FAULTS
from auditor.lab.organization import Organization, build
from auditor.prediction.redirect_rows import predict_redirects
from auditor.resources import rules_folder
from auditor.sources.clixml import PsObject, read_file
from auditor.verdicts import Verdict

COMPLETE = {table: line_without_source(table, "complete") for table in BY_NAME}


AREA_STARTS = (
    "relationship_missing",
    "no_owa_redirection_feature",
    "exchange_2016_servers",
    "eas_url_missing",
    "mailbox_without_proxy",
    "account_disabled",
)


def one_of_each_area() -> list[tuple[str, ...]]:
    """Every fault on-premises at least once, with faults beside it that concern other things.

    An area is a stretch of the list of faults; each combination takes one fault of each.
    """
    names = [name for name in FAULTS if name not in CLOUD_FAULTS]
    starts = [names.index(start) for start in AREA_STARTS]
    areas = [names[start:end] for start, end in zip(starts, [*starts[1:], len(names)], strict=True)]
    return [
        tuple(area[turn] for area in areas if turn < len(area))
        for turn in range(max(len(area) for area in areas))
    ]


@pytest.fixture(scope="module")
def rules() -> list[LoadedRule]:
    return load_pack(rules_folder(), "shipped")


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with Database(tuple(BY_NAME.values())) as opened:
        yield opened


@pytest.fixture(scope="module")
def reference() -> Sequence[Evidence]:
    tables = read_reference(rules_folder() / "reference")
    return [row for table in tables for row in table.rows]


def evidence_of(organization: Organization, folder: Path) -> list[Evidence]:
    """Rows of the organisation's exports, made by the ordinary reader and collectors."""
    write_exports(organization, folder)
    return [
        row
        for collector in EXCHANGE_COLLECTORS
        for found in read_file(folder / f"{file_stem(collector)}.clixml")
        if isinstance(found, PsObject)
        for row in rows_of(collector, found)
    ]


def fill(database: Database, rows: Sequence[Evidence]) -> None:
    database.clear()
    database.insert(rows)
    database.insert(list(predict_redirects(database, COMPLETE)))


def as_expected(outcome: Outcome) -> ExpectedRule:
    return ExpectedRule(
        outcome.verdict,
        *(
            frozenset(found.subject_id for found in outcome.findings if found.verdict is verdict)
            for verdict in (Verdict.FAIL, Verdict.NOT_ASSESSED)
        ),
    )


@pytest.mark.parametrize("faults", ["planted", "none", *one_of_each_area()], ids=str)
def test_the_rules_find_exactly_what_was_planted(
    faults: str | tuple[str, ...],
    tmp_path: Path,
    database: Database,
    rules: list[LoadedRule],
    reference: Sequence[Evidence],
) -> None:
    organization = build(48, faults=faults)
    fill(database, [*evidence_of(organization, tmp_path / "exports"), *reference])
    found = {
        loaded.rule.id: as_expected(
            evaluate(loaded.rule, database, COMPLETE, organization.now.date())
        )
        for loaded in rules
        if loaded.rule.id in RULES
    }
    answers = expected(organization)
    assert found == {rule: answers[rule] for rule in RULES}


def test_the_prediction_of_every_mailbox_is_the_expected_one(
    tmp_path: Path, database: Database, reference: Sequence[Evidence]
) -> None:
    organization = build(300)
    fill(database, [*evidence_of(organization, tmp_path / "exports"), *reference])
    found = {row.mailbox_guid: row.outcome for row in predict_redirects(database, COMPLETE)}
    assert found == dict(expected_redirects(organization))


def test_an_organization_without_faults_passes_or_is_not_concerned() -> None:
    answers = expected(build(100, faults="none"), with_plan=True, with_directory=True)
    assert {rule: answer.verdict for rule, answer in answers.items()} == {
        **dict.fromkeys((*RULES, *DIRECTORY_RULES), Verdict.PASS),
        "SRV-2010RU9": Verdict.NOT_APPLICABLE,
        "SRV-2013CU8MBX": Verdict.NOT_APPLICABLE,
    }


def test_the_demonstration_fails_where_it_is_meant_to() -> None:
    answers = expected(build(100))
    assert {rule for rule, answer in answers.items() if answer.verdict is Verdict.FAIL} == {
        *("ORG-REL-DOMAIN", "ORG-REL-MULTIPLE", "ORG-EOL", "SRV-2010RU9", "SRV-MIXED"),
        *("SRV-CERT", "VDIR-EAS-CLIENTCERT", "VDIR-EWS-MRS", "MBX-COEX-PROXY"),
        *("MBX-ROUTING-AFTER", "MBX-UPN-SMTP", "MBX-EAS-ENABLED", "MBX-ALLOW-IDS"),
        *("MBX-BLOCK-IDS", "MBX-REDIRECT", "DEV-VERSION-451"),
    }
    assert {rule for rule, answer in answers.items() if answer.verdict is Verdict.NOT_ASSESSED} == {
        *("SRV-2013CU8MBX", "SRV-VERSION-METHOD", "VDIR-EAS-URL"),
        # without the directory nobody knows
        *("MBX-ACCOUNT-STATE", "MBX-ADMINCOUNT", "MBX-INHERITANCE", "MBX-HOLD"),
        "MBX-TARGETADDR-PREMOVE",
    }


def test_every_fault_is_among_the_combinations() -> None:
    assert {fault for faults in one_of_each_area() for fault in faults} == (
        FAULTS.keys() - CLOUD_FAULTS
    )


def test_every_fault_is_known_to_the_answers() -> None:
    clean = expected(build(60, faults="none"), with_directory=True)
    silent = {
        fault
        for fault in FAULTS
        if expected(build(60, faults=(fault,)), with_directory=True) == clean
    }
    # a rare mail program is no finding of these rules, and nobody asks the cloud here
    assert silent == {"legacy_clients", *CLOUD_FAULTS}
