"""Every word of the vocabulary has a word for the board, and no word is left over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import get_args

import pytest

from auditor.assessment import GateReadiness
from auditor.evidence.ledger import State
from auditor.evidence.predicted import RedirectOutcome
from auditor.report import words
from auditor.verdicts import Cause, Confidence, Readiness, Scope, Severity, Verdict

GATES = get_args(GateReadiness.model_fields["gate"].annotation)


@pytest.mark.parametrize(
    ("vocabulary", "said"),
    [
        (GATES, words.GATES),
        (Readiness, words.READINESS),
        (Readiness, words.READINESS_MEANING),
        (Verdict, words.VERDICTS),
        (Verdict, words.VERDICT_MEANING),
        (Severity, words.SEVERITIES),
        (Severity, words.SEVERITY_MEANING),
        (Confidence, words.CONFIDENCES),
        (Confidence, words.CONFIDENCE_MEANING),
        (Cause, words.CAUSES),
        (Scope, words.SCOPES),
        ((*get_args(State), Cause.VALUE_MISSING, Cause.NEEDS_A_PERSON), words.STATES),
        ((*RedirectOutcome, ""), words.REDIRECTS),
    ],
    ids=range(13),
)
def test_every_word_is_said(vocabulary: Iterable[str], said: Mapping[str, object]) -> None:
    assert sorted(str(word) for word in said) == sorted(str(word) for word in vocabulary)


def test_numbers_agree_with_their_noun() -> None:
    nouns = [words.counted(number, "server", "servers") for number in (0, 1, 2, 1234)]
    assert nouns == ["0 servers", "1 server", "2 servers", "1,234 servers"]


def test_a_date_cannot_be_turned_round() -> None:
    assert words.long_date(dt.date(2026, 3, 4)) == "4 March 2026"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("2026-11-21T11:38:34.586084+00:00", "2026-11-21 11:38 UTC"),
        ("2026-11-21T01:00:00+02:00", "2026-11-20 23:00 UTC"),
        ("2026-11-21T11:38:34", "2026-11-21T11:38:34"),
        ("not known", "not known"),
    ],
)
def test_a_time_is_said_in_utc_and_only_where_its_zone_is_known(written: str, said: str) -> None:
    assert words.moment(written) == said
