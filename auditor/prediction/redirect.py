"""Predicts, for one mailbox, what its phones get from the old server once it has moved.

The algorithm is section 0.4 of the catalogue of checks: the routing address, the organization
relationship that names its domain, the address derived from TargetOwaURL (table 0.2), the host,
and the servers that may answer. Unknown input gives an unknown outcome; it never becomes a guess.
"""

from __future__ import annotations

from dataclasses import dataclass

from auditor.evidence.predicted import PredictedRedirect, RedirectOutcome
from auditor.prediction.redirect_steps import (
    Gap,
    Mailbox,
    Organization,
    Step,
    StepState,
    differing_step,
    gap_step,
    host_step,
    relationship_step,
    routing_step,
    servers_step,
    url_sent,
    url_step,
)
from auditor.verdicts import Cause


@dataclass(frozen=True)
class Prediction:
    """The whole chain for one mailbox; `steps` ends with the step that stopped it."""

    row: PredictedRedirect
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class _Path:
    """The part of the chain that depends on the routing domain alone."""

    steps: tuple[Step, ...]
    outcome: RedirectOutcome
    relationship: str | None = None
    target_owa_url: str | None = None
    redirect_url: str | None = None
    host_verdict: str | None = None


class RedirectPredictor:
    """Predicts mailbox after mailbox; remembers the path of each routing domain."""

    def __init__(self, organization: Organization) -> None:
        self._organization = organization
        self._paths: dict[str, _Path] = {}

    def predict(self, mailbox: Mailbox) -> Prediction:
        """The chain for one mailbox, its outcome and where it stops."""
        first = routing_step(mailbox, self._organization.target_delivery_domains)
        if first.state is not StepState.PASSED or isinstance(mailbox.routing_addresses, Gap):
            outcome = _outcome_of(first)
            return _prediction(mailbox, None, _Path((first,), outcome), (first,))
        domains = sorted({domain for _, domain in mailbox.routing_addresses})
        paths = [self._path(domain) for domain in domains]
        chosen = paths[0]
        address = next(pair for pair in mailbox.routing_addresses if pair[1] == domains[0])
        steps = (first, *chosen.steps)
        if len({(path.outcome, path.redirect_url) for path in paths}) > 1:
            differ = Step(
                "routing_address",
                ", ".join(domains),
                StepState.UNKNOWN,
                "proxies in several target delivery domains lead to different redirects;"
                " which one the move stamps is not known",
                first.evidence,
                Cause.NEEDS_A_PERSON,
            )
            return _prediction(mailbox, None, _Path((), RedirectOutcome.AMBIGUOUS), (differ,))
        return _prediction(mailbox, address, chosen, steps)

    def _path(self, domain: str) -> _Path:
        if domain not in self._paths:
            self._paths[domain] = path_of(self._organization, domain)
        return self._paths[domain]


def path_of(organization: Organization, domain: str) -> _Path:
    """Relationship, derived address, host and servers for one routing domain."""
    if isinstance(organization.relationships, Gap):
        step = gap_step(
            "relationship", organization.relationships, "onprem_organization_relationship"
        )
        return _Path((step,), RedirectOutcome.UNKNOWN)
    matching = [item for item in organization.relationships if domain in item.domains]
    first = relationship_step(domain, matching)
    if first.state is not StepState.PASSED:
        return _Path((first,), _outcome_of(first))
    if len({item.host for item in matching}) > 1:
        return _Path((differing_step(domain, matching),), RedirectOutcome.AMBIGUOUS)
    chosen = matching[0]
    name = ", ".join(item.name for item in matching)
    second = url_step(chosen)
    if second.state is not StepState.PASSED or chosen.host is None:
        return _Path((first, second), _outcome_of(second), name, chosen.target_owa_url)
    known = organization.hosts.get(chosen.host)
    url, verdict = url_sent(chosen.host, known), known.verdict if known else "not_listed"
    third = host_step(chosen.host, known, domain)
    steps: tuple[Step, ...] = (first, second, third)
    outcome = _outcome_of(third)
    if third.state is StepState.PASSED:
        fourth, outcome = servers_step(organization.servers, organization.floors)
        steps = (*steps, fourth)
    return _Path(steps, outcome, name, chosen.target_owa_url, url, verdict)


def _outcome_of(step: Step) -> RedirectOutcome:
    return (
        RedirectOutcome.NOT_REDIRECTED
        if step.state is StepState.STOPPED
        else RedirectOutcome.UNKNOWN
    )


def _prediction(
    mailbox: Mailbox, address: tuple[str, str] | None, path: _Path, steps: tuple[Step, ...]
) -> Prediction:
    last = steps[-1]
    open_end = path.outcome in {RedirectOutcome.UNKNOWN, RedirectOutcome.AMBIGUOUS}
    row = PredictedRedirect(
        mailbox_guid=mailbox.guid,
        mailbox=mailbox.address,
        moved=mailbox.moved,
        routing_address=address[0] if address else None,
        routing_domain=address[1] if address else None,
        relationship=path.relationship,
        target_owa_url=path.target_owa_url,
        redirect_url=path.redirect_url,
        host_verdict=path.host_verdict,
        outcome=path.outcome,
        stops_at=None if last.state is StepState.PASSED else last.name,
        cause=last.cause if open_end else None,
        reason=last.result
        if last.state is not StepState.PASSED
        else f"sent to {path.redirect_url}",
    )
    return Prediction(row, steps)
