"""Readiness rolled up: mailbox by mailbox, wave by wave, gate by gate, written as rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from auditor.assessment import GateReadiness, MailboxReadiness, PlanScope, WaveReadiness
from auditor.engine.material import Progress
from auditor.engine.readiness import Marks, Tally, overall
from auditor.evidence.bundle import BundleWriter
from auditor.evidence.database import Database
from auditor.evidence.predicted import RedirectOutcome
from auditor.prediction.scope import MoveScope, PlannedWave
from auditor.verdicts import Gate, Readiness, worst_readiness

MAILBOXES_A_REPORT = 5_000
"""How often progress is told while mailboxes are written."""

MAILBOXES = """
select mailbox_guid, mailbox, moved, outcome, redirect_url, stops_at, reason
from predicted_redirect
order by mailbox_guid
"""


def _counts() -> dict[Readiness, int]:
    return dict.fromkeys(Readiness, 0)


@dataclass
class _Rolled:
    """Mailboxes counted by readiness: of each gate, and of one wave or of all."""

    overall: dict[Readiness, int] = field(default_factory=_counts)
    gates: dict[Gate, dict[Readiness, int]] = field(
        default_factory=lambda: {gate: _counts() for gate in Gate}
    )

    def add(self, words: Mapping[Gate, Readiness], worst: Readiness) -> None:
        self.overall[worst] += 1
        for gate, word in words.items():
            self.gates[gate][word] += 1

    def words(self, gate: Gate) -> set[Readiness]:
        """Every readiness that a mailbox has at this gate."""
        return {word for word, count in self.gates[gate].items() if count}


def write_mailboxes(
    database: Database,
    marks: Marks,
    scope: MoveScope | None,
    writer: BundleWriter,
    progress: Progress,
) -> tuple[tuple[GateReadiness, ...], tuple[WaveReadiness, ...]]:
    """Write a row for each mailbox in scope, wave and gate; give gates (overall first) and waves.

    Without a plan every mailbox is in scope, and there are no waves.
    """
    everybody, left_out = _Rolled(), 0
    waves = {wave: _Rolled() for wave in (scope.waves if scope else ())}
    for written, row in enumerate(database.rows(MAILBOXES), start=1):
        guid = row[0]
        if scope is not None and not scope.holds(guid):
            left_out += 1
            continue
        words = {gate: marks.of_mailbox(guid, gate) for gate in Gate}
        wave = scope.wave_of(guid) if scope else None
        mailbox = _mailbox(row, wave, words)
        writer.append(mailbox)
        everybody.add(words, mailbox.readiness)
        if wave is not None:
            waves[wave].add(words, mailbox.readiness)
        if written % MAILBOXES_A_REPORT == 0:
            progress("writing mailboxes", written)
    gates = tuple(_gates(marks, everybody))
    found = () if scope is None else tuple(_waves(marks, scope, waves))
    for rolled_up in (*gates, *found):
        writer.append(rolled_up)
    if scope is not None:
        writer.append(
            PlanScope(
                planned=sum(wave.planned for wave in found),
                not_in_evidence=sum(wave.not_in_evidence for wave in found),
                out_of_scope=left_out,
            )
        )
    return gates, found


def _mailbox(
    row: tuple[object, ...], wave: str | None, words: Mapping[Gate, Readiness]
) -> MailboxReadiness:
    guid, mailbox, moved, outcome, url, stops_at, reason = row
    return MailboxReadiness.model_validate(
        {
            "mailbox_guid": guid,
            "mailbox": mailbox,
            "moved": moved,
            "wave": wave,
            "readiness": overall(words.values()),
            **{gate.value: word for gate, word in words.items()},
            "redirect": RedirectOutcome(str(outcome)),
            "redirect_url": url,
            "redirect_stops_at": stops_at,
            "redirect_reason": reason,
        }
    )


def _gates(marks: Marks, everybody: _Rolled) -> Iterable[GateReadiness]:
    words = {gate: marks.of_all(gate) for gate in Gate}
    worst = overall(words.values())
    yield _gate_readiness("overall", worst, marks.tally(Gate), everybody.overall)
    for gate in Gate:
        yield _gate_readiness(gate.value, words[gate], marks.tally((gate,)), everybody.gates[gate])


def _gate_readiness(
    gate: Literal["overall", "move", "seamless", "platform"],
    readiness: Readiness,
    tally: Tally,
    mailboxes: Mapping[Readiness, int],
) -> GateReadiness:
    return GateReadiness(
        gate=gate,
        readiness=readiness,
        blockers_failed=tally.blocked,
        blockers_not_assessed=tally.open,
        actions_failed=tally.action,
        mailboxes_ready=mailboxes[Readiness.READY],
        mailboxes_ready_with_action=mailboxes[Readiness.READY_WITH_ACTION],
        mailboxes_undetermined=mailboxes[Readiness.UNDETERMINED],
        mailboxes_not_ready=mailboxes[Readiness.NOT_READY],
    )


def _waves(marks: Marks, scope: MoveScope, waves: Mapping[str, _Rolled]) -> Iterable[WaveReadiness]:
    for wave in sorted(scope.waves, key=as_people_count):
        yield _wave(wave, marks, scope.waves[wave], waves[wave])


def _wave(wave: str, marks: Marks, planned: PlannedWave, rolled: _Rolled) -> WaveReadiness:
    nobody = {Readiness.UNDETERMINED} if not any(rolled.overall.values()) else set[Readiness]()
    words = {
        gate: worst_readiness({marks.of_wave(wave, gate), *rolled.words(gate), *nobody})
        for gate in Gate
    }
    return WaveReadiness(
        wave=wave,
        planned=planned.planned,
        not_in_evidence=planned.not_in_evidence,
        readiness=overall(words.values()),
        move=words[Gate.MOVE],
        seamless=words[Gate.SEAMLESS],
        platform=words[Gate.PLATFORM],
        mailboxes_ready=rolled.overall[Readiness.READY],
        mailboxes_ready_with_action=rolled.overall[Readiness.READY_WITH_ACTION],
        mailboxes_undetermined=rolled.overall[Readiness.UNDETERMINED],
        mailboxes_not_ready=rolled.overall[Readiness.NOT_READY],
    )


def as_people_count(wave: str) -> tuple[list[str | int], str]:
    """Wave 2 before wave 10; what differs in capitals alone still has an order."""
    parts = re.split(r"([0-9]+)", wave.casefold())
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], wave
