"""From the directory to the verdict: what is hidden is never judged, and the grant cures it."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.collect import Wish
from auditor.collectors.directory import check_directory
from auditor.collectors.plan import read_plan
from auditor.demo import lab_exchange
from auditor.lab.accounts import ACCOUNT_FAULTS
from auditor.lab.answers import DIRECTORY_RULES, RULES, ExpectedRule, expected
from auditor.lab.directory_catalogue import ACCOUNT_RESTRICTIONS, EXCHANGE_PERSONAL_INFORMATION
from auditor.lab.directory_ldif import FULL_READER, Reader, directory_objects
from auditor.lab.organization import Organization, build
from auditor.lab.plan import write_plan
from auditor.lab.recipients import mailboxes
from auditor.live_sources import LiveSources
from auditor.run import utc_now
from auditor.sources.directory_forest import Forest
from auditor.verdicts import Verdict
from tests.support import slapd
from tests.support.certificates import Certificates
from tests.support.verdicts import judged

HIDDEN = frozenset({ACCOUNT_RESTRICTIONS, EXCHANGE_PERSONAL_INFORMATION})
ASKED = (*DIRECTORY_RULES, "MBX-BLOCK-IDS")
NEEDED = (
    *("onprem_mailbox", "onprem_cas_mailbox", "onprem_cas_mailbox_blocked_device"),
    *("onprem_directory_account", "onprem_mailbox_hold", "onprem_mailbox_in_place_hold"),
)


@pytest.fixture(autouse=True)
def _slapd_is_there() -> None:
    if slapd.PROGRAM is None:
        pytest.skip(slapd.MISSING)


def read_as(
    reader: Reader, organization: Organization, folder: Path, made: Certificates
) -> tuple[dict[str, ExpectedRule], frozenset[str]]:
    """Verdicts after this reader read the directory, and what the printed grants would show."""
    password = slapd.build(folder / "slapd", directory_objects(organization, reader), made)
    with (
        slapd.running(folder / "slapd", password, made) as server,
        Forest(server.settings()) as forest,
    ):
        found = judged(LiveSources(None, forest), organization, folder / "run", Wish(only=NEEDED))
        checks = check_directory(forest, NEEDED, now=utc_now)
    grants = frozenset(grant.what_guid for each in checks for grant in each.grants)
    return {rule: found[rule] for rule in ASKED}, grants


def test_a_reader_without_the_sets_gets_no_verdict_and_the_printed_grants_bring_it(
    tmp_path: Path, lab_organization: Organization, lab_certificates: Certificates
) -> None:
    before, grants = read_as(
        Reader(HIDDEN), lab_organization, tmp_path / "before", lab_certificates
    )
    answers = expected(lab_organization, with_directory=True)
    kinds = {found.guid: found.recipient_type_details for found in mailboxes(lab_organization)}
    people = {guid for guid, kind in kinds.items() if kind == "UserMailbox"}
    all_but_one = {guid for guid, kind in kinds.items() if kind != "DiscoveryMailbox"}
    assert before == {
        # neither "account enabled" nor "no holds" nor "no blocked devices"
        "MBX-ACCOUNT-STATE": not_assessed(people),
        "MBX-HOLD": not_assessed(all_but_one),
        "MBX-BLOCK-IDS": not_assessed({"*"}),
        # nothing of this is of those sets
        "MBX-ADMINCOUNT": answers["MBX-ADMINCOUNT"],
        "MBX-INHERITANCE": answers["MBX-INHERITANCE"],
        "MBX-TARGETADDR-PREMOVE": answers["MBX-TARGETADDR-PREMOVE"],
    }
    assert grants == HIDDEN
    after, left = read_as(
        Reader(HIDDEN - grants), lab_organization, tmp_path / "after", lab_certificates
    )
    assert after == {rule: answers[rule] for rule in ASKED}
    assert left == frozenset()


def not_assessed(subjects: set[str]) -> ExpectedRule:
    return ExpectedRule(Verdict.NOT_ASSESSED, frozenset(), frozenset(subjects))


@pytest.mark.parametrize("fault", sorted(ACCOUNT_FAULTS))
def test_each_fault_of_an_account_is_found_where_it_is_and_nowhere_else(
    fault: str, tmp_path: Path, lab_certificates: Certificates
) -> None:
    organization = build(40, faults=(fault,))
    found, _ = read_as(FULL_READER, organization, tmp_path, lab_certificates)
    answers = expected(organization, with_directory=True)
    assert found == {rule: answers[rule] for rule in ASKED}


@pytest.mark.parametrize("faults", ["planted", "none"])
def test_exchange_and_the_directory_together_answer_every_rule(
    faults: str, tmp_path: Path, lab_certificates: Certificates
) -> None:
    organization = build(60, faults=faults)
    write_plan(organization, tmp_path / "plan.csv")
    wish = Wish(plan=read_plan([tmp_path / "plan.csv"]))
    password = slapd.build(tmp_path / "slapd", directory_objects(organization), lab_certificates)
    with (
        slapd.running(tmp_path / "slapd", password, lab_certificates) as server,
        Forest(server.settings()) as forest,
        lab_exchange(organization) as exchange,
    ):
        found = judged(LiveSources(exchange, forest), organization, tmp_path / "run", wish)
    answers = expected(organization, with_plan=True, with_directory=True)
    assert {rule: found[rule] for rule in (*RULES, *DIRECTORY_RULES)} == answers
