"""Verdicts and predictions as sentences for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.assessment import GateReadiness
from auditor.engine.assess import Judgement
from auditor.evidence.predicted import RedirectOutcome
from auditor.prediction.redirect import Prediction
from auditor.prediction.redirect_steps import StepState
from auditor.verdicts import Readiness

READINESS = {
    Readiness.READY: "ready",
    Readiness.READY_WITH_ACTION: "ready, and users must do something",
    Readiness.UNDETERMINED: "undetermined: something that can block was not assessed",
    Readiness.NOT_READY: "not ready: something blocks",
}

OUTCOMES = {
    RedirectOutcome.REDIRECTED: "phones are redirected",
    RedirectOutcome.NOT_REDIRECTED: "phones are not redirected",
    RedirectOutcome.DEPENDS_ON_SERVER: "phones are redirected by some servers and not by others",
    RedirectOutcome.AMBIGUOUS: "which redirect phones get cannot be told",
    RedirectOutcome.UNKNOWN: "not assessed",
}

MARKS = {StepState.PASSED: "ok  ", StepState.STOPPED: "STOP", StepState.UNKNOWN: "?   "}


def verdict_sentences(judgement: Judgement) -> Iterator[str]:
    """The verdict over everything, then one line per gate with the counts behind it."""
    for gate in judgement.gates:
        yield f"{gate.gate}: {READINESS[gate.readiness]} ({_counts(gate)})"


def _counts(gate: GateReadiness) -> str:
    return (
        f"{gate.blockers_failed:,} blockers fail, {gate.blockers_not_assessed:,} not assessed;"
        f" mailboxes: {gate.mailboxes_ready:,} ready,"
        f" {gate.mailboxes_ready_with_action:,} with action,"
        f" {gate.mailboxes_undetermined:,} undetermined, {gate.mailboxes_not_ready:,} not ready"
    )


def explanation(prediction: Prediction) -> Iterator[str]:
    """The chain of one mailbox: per step what was looked at, what came out, on which evidence."""
    row = prediction.row
    yield f"{row.mailbox} ({'moved' if row.moved else 'to move'}): {OUTCOMES[row.outcome]}"
    if row.redirect_url:
        yield f"address sent to phones: {row.redirect_url}"
    for place, step in enumerate(prediction.steps, start=1):
        yield f"{place}. {MARKS[step.state]} {step.name}"
        if step.looked_at:
            yield f"     looked at: {step.looked_at}"
        cause = f" ({step.cause})" if step.cause else ""
        yield f"     result:    {step.result}{cause}"
        yield f"     evidence:  {step.evidence}"
