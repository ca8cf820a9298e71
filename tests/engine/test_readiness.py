"""Readiness: the worst word wins, and nothing open is ever called ready."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.engine.readiness import Mark, Marks, mark_of, overall, word_of
from auditor.verdicts import Gate, Readiness, Scope, Severity, Verdict


@pytest.mark.parametrize(
    ("verdict", "severity", "mark"),
    [
        (Verdict.FAIL, Severity.BLOCKER, Mark.BLOCKED),
        (Verdict.NOT_ASSESSED, Severity.BLOCKER, Mark.OPEN),
        (Verdict.ERROR, Severity.BLOCKER, Mark.OPEN),
        (Verdict.FAIL, Severity.USER_IMPACT, Mark.ACTION),
        (Verdict.NOT_ASSESSED, Severity.USER_IMPACT, Mark(0)),
        (Verdict.FAIL, Severity.WARNING, Mark(0)),
        (Verdict.FAIL, Severity.INFO, Mark(0)),
    ],
)
def test_what_a_finding_does_to_its_gate(verdict: Verdict, severity: Severity, mark: Mark) -> None:
    assert mark_of(verdict, severity) == mark


def test_words_rank_as_the_design_says() -> None:
    assert [word_of(Mark(bits)) for bits in range(8)] == [
        Readiness.READY,
        Readiness.NOT_READY,
        Readiness.UNDETERMINED,
        Readiness.NOT_READY,
        Readiness.READY_WITH_ACTION,
        Readiness.NOT_READY,
        Readiness.UNDETERMINED,
        Readiness.NOT_READY,
    ]


def test_nothing_judged_is_undetermined() -> None:
    assert overall([]) is Readiness.UNDETERMINED


def test_a_finding_counts_for_its_mailbox_or_for_everybody() -> None:
    marks = Marks()
    marks.add(Gate.MOVE, Mark.BLOCKED, Scope.MAILBOX, "m1")
    marks.add(Gate.SEAMLESS, Mark.OPEN, Scope.SERVER, None)
    marks.add(Gate.SEAMLESS, Mark.ACTION, Scope.DEVICE, None)
    assert {
        (mailbox, gate): marks.of_mailbox(mailbox, gate)
        for mailbox in ("m1", "m2")
        for gate in Gate
    } == {
        ("m1", Gate.MOVE): Readiness.NOT_READY,
        ("m1", Gate.SEAMLESS): Readiness.UNDETERMINED,
        ("m1", Gate.PLATFORM): Readiness.READY,
        ("m2", Gate.MOVE): Readiness.READY,
        ("m2", Gate.SEAMLESS): Readiness.UNDETERMINED,
        ("m2", Gate.PLATFORM): Readiness.READY,
    }
    assert [marks.of_all(gate) for gate in Gate] == [
        Readiness.NOT_READY,
        Readiness.UNDETERMINED,
        Readiness.READY,
    ]


def test_a_finding_about_no_known_mailbox_counts_for_its_wave_and_the_whole() -> None:
    marks = Marks()
    marks.add(Gate.MOVE, Mark.BLOCKED, Scope.MAILBOX, None, "2")
    marks.add(Gate.SEAMLESS, Mark.OPEN, Scope.SERVER, None, "2")
    marks.add(Gate.PLATFORM, Mark.BLOCKED, Scope.MAILBOX, "m1", "2")
    assert {(wave, gate): marks.of_wave(wave, gate) for wave in ("1", "2") for gate in Gate} == {
        ("1", Gate.MOVE): Readiness.READY,
        ("1", Gate.SEAMLESS): Readiness.UNDETERMINED,
        ("1", Gate.PLATFORM): Readiness.READY,
        ("2", Gate.MOVE): Readiness.NOT_READY,
        ("2", Gate.SEAMLESS): Readiness.UNDETERMINED,
        ("2", Gate.PLATFORM): Readiness.READY,
    }
    assert marks.of_all(Gate.MOVE) is Readiness.NOT_READY


findings = st.lists(
    st.tuples(
        st.sampled_from(Gate),
        st.sampled_from([Mark(0), *Mark]),
        st.sampled_from(Scope),
        st.none() | st.sampled_from(["m1", "m2", "m3"]),
    ),
    max_size=20,
)
RANK = list(Readiness)


@given(findings)
def test_the_whole_is_never_better_than_any_mailbox(
    items: list[tuple[Gate, Mark, Scope, str | None]],
) -> None:
    marks = Marks()
    for item in items:
        marks.add(*item)
    for gate in Gate:
        for mailbox in ("m1", "m2", "m3", "m4"):
            assert RANK.index(marks.of_all(gate)) >= RANK.index(marks.of_mailbox(mailbox, gate))


@given(findings)
def test_one_blocker_is_never_outvoted(items: list[tuple[Gate, Mark, Scope, str | None]]) -> None:
    marks = Marks()
    for item in items:
        marks.add(*item)
    for gate in Gate:
        blocked = any(item[0] is gate and item[1] is Mark.BLOCKED for item in items)
        assert (marks.of_all(gate) is Readiness.NOT_READY) == blocked
