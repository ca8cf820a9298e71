"""Faults of the lab's cloud that a test switches on: what strikes, where, how often."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Outage(Enum):
    """What goes wrong with an answer of Graph or Exchange Online."""

    UNAUTHORIZED = "HTTP status 401: the token is not accepted"
    CLAIMS_WANTED = "HTTP status 401 with a claims challenge (continuous access evaluation)"
    FORBIDDEN = "HTTP status 403: no privileges"
    THROTTLED = "HTTP status 429, with Retry-After where `seconds` says how much"
    FAILED = "HTTP status 500"
    QUERY_BROKER = "HTTP status 500, by which Intune says that there are too many requests"
    UNAVAILABLE = "HTTP status 503, with Retry-After where `seconds` says how much"
    EXPIRED_PAGE = "HTTP status 400: the link to this page has expired"
    HTML_ERROR = "HTTP status 502 with a page of HTML"
    HTML_PAGE = "HTTP status 200 with a page of HTML, as a captive portal gives"
    REDIRECT = "HTTP status 302 to another host"
    CUT = "the connection closes in the middle of the body"
    TORN = "the body is half of the JSON, and its length is right"
    DROP = "the connection closes without an answer"
    STALL = "the answer comes `seconds` late"
    EMPTY_PAGE = "the page is empty and has a link to a next one, which has its rows"
    FOREIGN_LINK = "the link to the next page leads to another host"
    REPEATED_LINK = "the link to the next page leads to this one"
    UNKNOWN_VALUE = "one word of each row is none that anybody knows"
    HIDDEN = "properties are null: those of `properties`, or all but the id"


@dataclass(frozen=True)
class CloudFault:
    """One fault.

    `at`: the path of Graph behind `/v1.0/`, or the cmdlet; '' strikes everywhere. `page`: which
    page it strikes, 1 the first; None any. `times`: how often, None for ever. `seconds`: of a
    stall, or what Retry-After says; `as_date` has it say so as a date. `properties`: see HIDDEN.
    """

    what: Outage
    at: str = ""
    page: int | None = None
    times: int | None = 1
    seconds: int | None = None
    as_date: bool = False
    properties: tuple[str, ...] = ()


class CloudFaults:
    """The faults of one cloud, and how often each has yet to strike; for threads."""

    def __init__(self, faults: Iterable[CloudFault]) -> None:
        self._left = {fault: fault.times for fault in faults}
        self._lock = threading.Lock()

    def strike(self, at: str, page: int) -> CloudFault | None:
        """The first fault that strikes this page of this path or cmdlet, counted as struck."""
        with self._lock:
            for fault, left in self._left.items():
                if fault.at.lower() not in {"", at.lower()} or fault.page not in {None, page}:
                    continue
                if left is None:
                    return fault
                if left > 0:
                    self._left[fault] = left - 1
                    return fault
        return None
