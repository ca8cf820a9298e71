"""Why a table is not complete: the worst reason first, each once, and not endlessly many."""

from __future__ import annotations

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from auditor.collectors.problems import WORST_FIRST, Problem, told, worst
from auditor.errors import AuditorError, SourceError
from auditor.evidence.ledger import State, state_of

STATES: tuple[State, ...] = tuple(
    state
    for state in get_args(State)
    if state != "stale"  # which no reading is
)


def errors(of: type[AuditorError]) -> list[type[AuditorError]]:
    return [each for below in of.__subclasses__() for each in (below, *errors(below))]


def test_every_state_that_a_reading_can_end_in_has_its_place() -> None:
    assert sorted(WORST_FIRST) == sorted(STATES)
    causes = [each.cause for each in errors(SourceError) if issubclass(each, SourceError)]
    assert {state_of(cause) for cause in causes} <= set(WORST_FIRST)


def test_without_a_problem_a_table_is_complete() -> None:
    assert worst([]) == "complete"
    assert told([]) == []


@given(st.lists(st.sampled_from(STATES), min_size=1))
def test_the_worst_state_is_told_whatever_the_order(states: list[State]) -> None:
    assert worst(states) == worst(reversed(states))
    assert WORST_FIRST.index(worst(states)) == min(WORST_FIRST.index(state) for state in states)


def test_the_worst_reason_comes_first_and_each_once() -> None:
    problems = [
        Problem("unreachable", "No answer (HTTP 503, request a1)."),
        Problem("unexpected_answer", "Nonsense."),
        Problem("unreachable", "No answer (HTTP 503, request b2)."),
        Problem("access_denied", "No rights."),
        Problem("unexpected_answer", "Nonsense."),
    ]
    assert told(problems) == ["Nonsense.", "No rights.", "No answer (HTTP 503, request a1)."]


def test_of_many_reasons_four_are_told_and_the_others_counted() -> None:
    problems = [Problem("partial", f"Reason {number}.") for number in range(9)]
    assert told(problems[:4]) == [f"Reason {number}." for number in range(4)]
    assert told(problems) == [
        *(f"Reason {number}." for number in range(4)),
        "5 more things went wrong.",
    ]
