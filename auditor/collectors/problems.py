"""Why a table is not complete: the reasons that one reading met, the worst first."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from auditor.evidence.ledger import State

WORST_FIRST: tuple[State, ...] = (
    "unexpected_answer",
    "partial",
    "access_denied",
    "unreachable",
    "unsupported",
    "not_requested",
    "complete",
)
"""Of several states of one table the first of these is told: what a person can mend goes before
what has to be waited for or accepted."""

_SHOWN = 4
_REQUEST = re.compile(r", request [A-Za-z0-9_.-]{1,80}")


@dataclass(frozen=True)
class Problem:
    """A reason why a table is not complete."""

    state: State
    sentence: str


def worst(states: Iterable[State]) -> State:
    """The state to tell of a table; complete where there is none."""
    return min(states, key=WORST_FIRST.index, default="complete")


def told(problems: Iterable[Problem]) -> list[str]:
    """The sentences of the worst problems, each once, and how many more there are.

    Two that differ in nothing but the id of a request are one.
    """
    kept: dict[str, str] = {}
    for problem in sorted(problems, key=lambda each: WORST_FIRST.index(each.state)):
        kept.setdefault(_REQUEST.sub("", problem.sentence), problem.sentence)
    sentences = list(kept.values())
    if len(sentences) > _SHOWN:
        sentences[_SHOWN:] = [f"{len(sentences) - _SHOWN} more things went wrong."]
    return sentences
