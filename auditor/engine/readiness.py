"""Readiness of mailboxes and of the whole scope, per gate (design, section 6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntFlag

from auditor.verdicts import Gate, Readiness, Scope, Severity, Verdict, worst_readiness

SCOPES_OF_ONE_MAILBOX = frozenset({Scope.MAILBOX, Scope.DEVICE, Scope.USER})


class Mark(IntFlag):
    """What stands against a gate."""

    BLOCKED = 1
    OPEN = 2
    ACTION = 4


_BITS = 3
_SHIFT = {gate: place * _BITS for place, gate in enumerate(Gate)}


def mark_of(verdict: Verdict, severity: Severity) -> Mark:
    """What an unwaived finding does to its gate: a blocker blocks or leaves it open, no other."""
    if severity is Severity.BLOCKER:
        return Mark.BLOCKED if verdict is Verdict.FAIL else Mark.OPEN
    if severity is Severity.USER_IMPACT and verdict is Verdict.FAIL:
        return Mark.ACTION
    return Mark(0)


def word_of(mark: Mark) -> Readiness:
    """`not_ready` outranks `undetermined`, which outranks `ready_with_action`."""
    if mark & Mark.BLOCKED:
        return Readiness.NOT_READY
    if mark & Mark.OPEN:
        return Readiness.UNDETERMINED
    return Readiness.READY_WITH_ACTION if mark & Mark.ACTION else Readiness.READY


_WORDS = tuple(word_of(Mark(bits)) for bits in range(1 << _BITS))


@dataclass(frozen=True)
class Tally:
    """Unwaived findings: blockers that fail, blockers not assessed, actions for users."""

    blocked: int
    open: int
    action: int


@dataclass
class Marks:
    """Everything that stands against a gate, for all mailboxes and for single ones.

    One small number per mailbox, so that a million of them stay cheap.
    """

    for_all: int = 0
    anywhere: int = 0
    per_mailbox: dict[str, int] = field(default_factory=dict)
    per_wave: dict[str, int] = field(default_factory=dict)
    tallies: Counter[tuple[Gate, Mark]] = field(default_factory=Counter)

    def add(
        self,
        gate: Gate,
        mark: Mark,
        scope: Scope,
        mailbox_guid: str | None,
        wave: str | None = None,
    ) -> None:
        """Count a finding: for its mailbox, or for everybody if it is about the organisation.

        A device or mailbox finding that belongs to no known mailbox counts for its `wave`, if it
        names one, and for the whole scope; the finding of a rule that could not run has no mailbox
        and counts for everybody.
        """
        bits = self._anywhere(gate, mark)
        if mailbox_guid is not None:
            self.per_mailbox[mailbox_guid] = self.per_mailbox.get(mailbox_guid, 0) | bits
        elif scope not in SCOPES_OF_ONE_MAILBOX:
            self.for_all |= bits
        elif wave is not None:
            self.per_wave[wave] = self.per_wave.get(wave, 0) | bits

    def add_for_all(self, gate: Gate, mark: Mark) -> None:
        """Count something that is open for every mailbox: a rule that could not run at all."""
        self.for_all |= self._anywhere(gate, mark)

    def _anywhere(self, gate: Gate, mark: Mark) -> int:
        if mark:
            self.tallies[gate, mark] += 1
        bits = int(mark) << _SHIFT[gate]
        self.anywhere |= bits
        return bits

    def tally(self, gates: Iterable[Gate]) -> Tally:
        """How many unwaived findings stand against these gates."""
        found = {mark: sum(self.tallies[gate, mark] for gate in gates) for mark in Mark}
        return Tally(found[Mark.BLOCKED], found[Mark.OPEN], found[Mark.ACTION])

    def of_mailbox(self, mailbox_guid: str, gate: Gate) -> Readiness:
        """Readiness of one mailbox at one gate."""
        return _word(self.for_all | self.per_mailbox.get(mailbox_guid, 0), gate)

    def of_wave(self, wave: str, gate: Gate) -> Readiness:
        """Readiness of a wave at one gate, its mailboxes not counted."""
        return _word(self.for_all | self.per_wave.get(wave, 0), gate)

    def of_all(self, gate: Gate) -> Readiness:
        """Readiness of the whole scope at one gate: one blocker anywhere is enough."""
        return _word(self.anywhere, gate)


def _word(bits: int, gate: Gate) -> Readiness:
    return _WORDS[(bits >> _SHIFT[gate]) & 0b111]


def overall(words: Iterable[Readiness]) -> Readiness:
    """The worst of several gates."""
    return worst_readiness(set(words))
