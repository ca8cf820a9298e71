"""Running a collector: whose fault an exception is."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from auditor.collectors import organization
from auditor.collectors.runner import rows_of
from auditor.errors import AccessDenied, UnexpectedAnswer
from auditor.evidence.base import Evidence
from auditor.sources.clixml import PsObject

FOUND = PsObject({}, ("X.AcceptedDomain",), None, "domains.xml, object 3")


def failing(error: BaseException) -> Iterator[Evidence]:
    raise error
    yield


def test_what_a_collector_raises_on_purpose_passes() -> None:
    denied = AccessDenied("The account may not read this.")
    collector = replace(organization.ACCEPTED_DOMAIN, rows=lambda _: failing(denied))
    with pytest.raises(AccessDenied) as error:
        rows_of(collector, FOUND)
    assert error.value is denied


def test_anything_else_is_named_a_fault_of_ours_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    collector = replace(organization.ACCEPTED_DOMAIN, rows=lambda _: failing(KeyError("x")))
    with (
        caplog.at_level(logging.ERROR),
        pytest.raises(
            UnexpectedAnswer,
            match=r"domains\.xml, object 3 of Get-AcceptedDomain could not be read \(KeyError\)",
        ),
    ):
        rows_of(collector, FOUND)
    assert "KeyError: 'x'" in caplog.text
