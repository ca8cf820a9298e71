"""Verdicts and predictions as sentences for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from auditor.collectors.exports import ImportSummary
from auditor.engine.assess import Judgement
from auditor.evidence.ledger import LedgerLine
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

WAVES_TOLD = 20

MARKS = {StepState.PASSED: "ok  ", StepState.STOPPED: "STOP", StepState.UNKNOWN: "?   "}


def import_sentences(summary: ImportSummary) -> Iterator[str]:
    """What each file was taken for, then each command's table: complete, or why not."""
    for file in summary.files:
        objects = "object" if file.objects == 1 else "objects"
        count = "" if file.objects is None else f", {file.objects:,} {objects}"
        yield f"{file.name}: {file.recognised_as}{count}"
    yield from ledger_sentences(summary.ledger)


def ledger_sentences(ledger: Sequence[LedgerLine]) -> Iterator[str]:
    """How many tables are complete, then why others are not: each reason once, and for how many."""
    complete = [line for line in ledger if line.cause is None]
    yield f"{len(complete)} of {len(ledger)} tables are complete"
    alike: dict[str, list[LedgerLine]] = {}
    for line in ledger:
        if line.cause is not None:
            alike.setdefault(line.detail, []).append(line)
    for first, *others in alike.values():
        more = f" and {len(others)} more" if others else ""
        yield f"{first.table}{more}: {first.state}: {first.detail}"


def verdict_sentences(judgement: Judgement) -> Iterator[str]:
    """The verdict, gate by gate with the counts behind it, then the waves, then what is too old."""
    for gate in judgement.gates:
        name = "verdict" if gate.gate == "overall" else gate.gate
        yield f"{name + ':':<10}{READINESS[gate.readiness]}"
        yield (
            f"          blockers: {gate.blockers_failed:,} fail,"
            f" {gate.blockers_not_assessed:,} not assessed"
        )
        if gate.gate == "overall":
            yield (
                f"          mailboxes: {gate.mailboxes_not_ready:,} not ready,"
                f" {gate.mailboxes_undetermined:,} undetermined,"
                f" {gate.mailboxes_ready_with_action + gate.mailboxes_ready:,} ready"
            )
    yield from wave_sentences(judgement)
    if judgement.too_old:
        yield judgement.too_old


def wave_sentences(judgement: Judgement) -> Iterator[str]:
    """One line for each wave of the plan, if there is one; of many waves the first."""
    for wave in judgement.waves[:WAVES_TOLD]:
        unseen = f", {wave.not_in_evidence:,} not in the evidence" if wave.not_in_evidence else ""
        yield (
            f"wave '{wave.wave}': {READINESS[wave.readiness]}"
            f" ({wave.planned:,} planned{unseen}; {wave.mailboxes_not_ready:,} not ready)"
        )
    if len(judgement.waves) > WAVES_TOLD:
        yield f"and {len(judgement.waves) - WAVES_TOLD:,} more waves, all in the report"


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
