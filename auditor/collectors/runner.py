"""Running a collector: what the outside world did wrong passes, what is our fault is named so."""

from __future__ import annotations

import logging

from auditor.collectors.contract import ExchangeCollector
from auditor.errors import AuditorError, UnexpectedAnswer
from auditor.evidence.base import Evidence
from auditor.sources.clixml import PsObject

_log = logging.getLogger(__name__)


def rows_of(collector: ExchangeCollector, found: PsObject) -> list[Evidence]:
    """The rows that one object becomes, the row of the main table first.

    Raises what the collector raises on purpose. Anything else is a fault of this program: one
    object must not end a collection of hours, so it is logged with its traceback and becomes an
    UnexpectedAnswer that says whose fault it is.
    """
    try:
        return list(collector.rows(found))
    except AuditorError:
        raise
    except Exception as fault:
        _log.exception("%s failed on %s", collector.cmdlets[0], found.place or "an object")
        raise UnexpectedAnswer(
            f"{found.place or 'an object'} of {collector.cmdlets[0]} could not be read "
            f"({type(fault).__name__}): this is a fault of the auditor, send the log."
        ) from fault
