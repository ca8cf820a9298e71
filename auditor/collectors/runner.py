"""Running a collector: what the outside world did wrong passes, what is our fault is named so."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from auditor.collectors.contract import ExchangeCollector
from auditor.errors import AuditorError, UnexpectedAnswer
from auditor.evidence.base import Evidence
from auditor.sources.clixml import PsObject

_log = logging.getLogger(__name__)
_Found = TypeVar("_Found")
_Outcome = TypeVar("_Outcome")


def rows_of(collector: ExchangeCollector, found: PsObject) -> list[Evidence]:
    """The rows that one object becomes, the row of the main table first; raises as below."""
    return outcomes_of(collector.rows, found, collector.cmdlets[0], found.place)


def outcomes_of(
    rows: Callable[[_Found], Iterable[_Outcome]], found: _Found, what: str, place: str
) -> list[_Outcome]:
    """What one object becomes, by whatever collector.

    Raises what the collector raises on purpose. Anything else is a fault of this program: one
    object must not end a collection of hours, so it is logged with its traceback and becomes an
    UnexpectedAnswer that says whose fault it is.
    """
    try:
        return list(rows(found))
    except AuditorError:
        raise
    except Exception as fault:
        _log.exception("%s failed on %s", what, place or "an object")
        raise UnexpectedAnswer(
            f"{place or 'an object'} of {what} could not be read "
            f"({type(fault).__name__}): this is a fault of the auditor, send the log."
        ) from fault
