"""What an audit of the organisation must find: the verdict of each rule and the exact subjects.

Everything follows from what was planted (`consequences.py`), never from looking at the data as a
rule does: a rule that agrees with this list has seen what is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from auditor.evidence.predicted import RedirectOutcome
from auditor.lab.cloud_consequences import CLOUD_RULES, of_the_cloud
from auditor.lab.consequences import (
    FAIL,
    NOT_APPLICABLE,
    OF_ACCOUNTS,
    OPEN,
    TOO_OLD,
    UNROUTED,
    Consequence,
    of_accounts,
    of_recipients,
    of_servers,
    of_the_organization,
)
from auditor.lab.moved import remote_mailboxes
from auditor.lab.organization import Organization
from auditor.lab.parts import Mailbox
from auditor.lab.recipients import mailboxes
from auditor.verdicts import Verdict

RULES = (
    "ORG-REL-EXISTS",
    "ORG-REL-DOMAIN",
    "ORG-REL-ENABLED",
    "ORG-REL-OWAURL-EMPTY",
    "ORG-REL-OWAURL-HOST",
    "ORG-REL-SOVEREIGN",
    "ORG-REL-MULTIPLE",
    "ORG-REL-CACHE",
    "ORG-TDD",
    "ORG-COEX-ACCEPTED",
    "ORG-HCW-OWAREDIR",
    "ORG-EOL",
    "SRV-2010RU9",
    "SRV-2013CU8MBX",
    "SRV-2016PLUS",
    "SRV-2007",
    "SRV-VERSION-METHOD",
    "SRV-MIXED",
    "SRV-CERT",
    "VDIR-EAS-URL",
    "VDIR-EAS-AUTH",
    "VDIR-EAS-CLIENTCERT",
    "VDIR-EWS-MRS",
    "MBX-PLAN-KNOWN",
    "MBX-COEX-PROXY",
    "MBX-ROUTING-AFTER",
    "MBX-UPN-SMTP",
    "MBX-EAS-ENABLED",
    "MBX-ALLOW-IDS",
    "MBX-BLOCK-IDS",
    "MBX-REDIRECT",
    "MBX-TYPE",
    "DEV-VERSION-451",
)
"""Rules that the lab has an answer for, however it is read."""

DIRECTORY_RULES = tuple(dict.fromkeys(rule for rules in OF_ACCOUNTS.values() for rule in rules))
"""Rules about what only the directory holds."""

_WHOLE_RULE = "*"
"""The subject of a rule that could not run."""

_STOPPED = UNROUTED | {
    "empty_owa_url",
    "vanity_owa_url",
    "on_premises_owa_url",
    "consumer_owa_url",
}


@dataclass(frozen=True)
class ExpectedRule:
    """The verdict of a rule, and the identifiers of all subjects that do not pass."""

    verdict: Verdict
    failing: frozenset[str]
    not_assessed: frozenset[str]


@dataclass
class _Findings:
    failing: set[str] = field(default_factory=set)
    not_assessed: set[str] = field(default_factory=set)
    applies: bool = True


def expected(
    organization: Organization,
    *,
    with_plan: bool = False,
    with_directory: bool = False,
    with_cloud: bool = False,
) -> Mapping[str, ExpectedRule]:
    """The answer for each of `RULES`, `DIRECTORY_RULES` and, `with_cloud`, `CLOUD_RULES`.

    As of the organisation's own date, at which the tenant was read too.

    `with_plan` when the plan of the lab was given too; it names nobody who is not there, and the
    domain that the remote domain is flagged for. `with_directory` when the directory was read
    beside Exchange; without it nobody knows what it alone holds.
    """
    of_cloud = CLOUD_RULES if with_cloud else ()
    found = {rule: _Findings() for rule in (*RULES, *DIRECTORY_RULES, *of_cloud)}
    consequences = chain(
        of_the_organization(organization),
        of_servers(organization),
        of_recipients(organization),
        _of_redirects(organization),
        _of_the_plan(with_plan),
        of_accounts(organization) if with_directory else _without_directory(),
        of_the_cloud(organization, with_plan=with_plan) if with_cloud else (),
    )
    for rule, verdict, subject in consequences:
        if verdict is FAIL:
            found[rule].failing.add(subject)
        elif verdict is OPEN:
            found[rule].not_assessed.add(subject)
        else:
            found[rule].applies = False
    return {rule: _rule(findings) for rule, findings in found.items()}


def _rule(findings: _Findings) -> ExpectedRule:
    failing = frozenset(findings.failing) if findings.applies else frozenset()
    # a subject with two faults of one rule fails
    not_assessed = frozenset(findings.not_assessed - failing) if findings.applies else frozenset()
    verdict = Verdict.PASS if findings.applies else NOT_APPLICABLE
    if not_assessed:
        verdict = OPEN
    if failing:
        verdict = FAIL
    return ExpectedRule(verdict, failing, not_assessed)


def expected_redirects(organization: Organization) -> Iterator[tuple[str, RedirectOutcome]]:
    """GUID and predicted redirect of every mailbox, to move or moved."""
    path = _outcome_of_the_path(organization.faults)
    for mailbox in mailboxes(organization):
        if mailbox.recipient_type_details != "DiscoveryMailbox":
            yield mailbox.guid, _outcome_to_move(organization, mailbox, path)
    for moved in remote_mailboxes(organization):
        yield moved.guid, RedirectOutcome.NOT_REDIRECTED if moved.planted else path


def _outcome_of_the_path(faults: frozenset[str]) -> RedirectOutcome:
    """What a mailbox with a good routing address gets, along the steps of the chain."""
    if faults & _STOPPED:
        return RedirectOutcome.NOT_REDIRECTED
    if "stale_relationship_other_host" in faults:
        return RedirectOutcome.AMBIGUOUS
    if "other_cloud_owa_url" in faults:
        return RedirectOutcome.UNKNOWN
    if faults & TOO_OLD:
        return RedirectOutcome.DEPENDS_ON_SERVER
    return RedirectOutcome.UNKNOWN if "build_not_read" in faults else RedirectOutcome.REDIRECTED


def _outcome_to_move(
    organization: Organization, mailbox: Mailbox, path: RedirectOutcome
) -> RedirectOutcome:
    if "no_target_delivery_domain" in organization.faults:
        return RedirectOutcome.UNKNOWN
    return RedirectOutcome.NOT_REDIRECTED if "mailbox_without_proxy" in mailbox.planted else path


def _of_redirects(organization: Organization) -> Iterator[Consequence]:
    for mailbox_guid, outcome in expected_redirects(organization):
        if outcome in {RedirectOutcome.NOT_REDIRECTED, RedirectOutcome.DEPENDS_ON_SERVER}:
            yield "MBX-REDIRECT", FAIL, mailbox_guid
        elif outcome is not RedirectOutcome.REDIRECTED:
            yield "MBX-REDIRECT", OPEN, mailbox_guid


def _without_directory() -> Iterator[Consequence]:
    for rule in DIRECTORY_RULES:
        yield rule, OPEN, _WHOLE_RULE


def _of_the_plan(given: bool) -> Iterator[Consequence]:
    if not given:
        yield "MBX-PLAN-KNOWN", NOT_APPLICABLE, ""
