"""Microsoft Graph, read-only: objects and collections as the caller's models, page by page.

Every read is a GET below `/v1.0`; nothing here can send anything else. The SDK supplies what is
below a request (tokens, headers, errors), never rows or paging: its page iterator takes an empty
page for the end, and its models cost five hundred times as much as these. Retrying is done here
alone, since the SDK's own handler gives up where the service asks for three minutes, does not
repeat 500, 502 or a broken connection, and knows no deadline.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import time
from collections.abc import Callable, Generator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from pydantic import BaseModel, ValidationError

from auditor.errors import AccessDenied, AnswerCutShort, SourceError
from auditor.sources.cloud_sign_in import Cloud, TokenCredential
from auditor.sources.graph_address import GraphAddress, path_of
from auditor.sources.graph_faults import (
    Breakage,
    Trouble,
    attempts,
    cut_short,
    fault_of,
    kept,
    misfit,
    pause,
    too_late,
)
from auditor.sources.graph_objects import GraphObject, GraphPage, Many, Whole
from auditor.sources.json_bounds import MOST_VALUES, crowded

if TYPE_CHECKING:
    import httpx

    from auditor.sources.graph_transport import GraphConnection

__all__ = ["Graph", "GraphObject", "GraphPage", "Many", "Whole", "path_of"]

MOST_PAGES = 20_000
"""Pages of one collection: two million rows in pages of 100, the smallest that Graph uses."""

MOST_EMPTY_PAGES = 1_000
"""Empty pages one after the other before a collection counts as endless."""

_log = logging.getLogger(__name__)
_M = TypeVar("_M", bound=BaseModel)
_P = TypeVar("_P", bound=GraphPage[Any])


class Graph:
    """One tenant's Graph, for the thread that made it; connects when something is read.

    A context manager that closes the connection. `tenant` is for sentences alone: which tenant is
    read is decided by the credential. `patience`: seconds for one answer, with all attempts and
    pauses; `deadline`: seconds for one `one` or `pages` altogether. `transport` is for tests, which
    also replace the clock. Raises ValueError for a cloud whose address is no https.

    Both reads raise SourceError, one sentence with cause and next step, `code` being Graph's own:
    AccessDenied (401, 403, a refused sign-in), CommandUnsupported (no licence, or not in this
    cloud), UnexpectedAnswer (not what Graph documents), SourceUnreachable (no answer within
    patience, or the service kept failing), AnswerCutShort (any of it but UnexpectedAnswer after
    pages have come, or a link to the next page that cannot be followed).
    """

    def __init__(
        self,
        cloud: Cloud,
        credential: TokenCredential,
        *,
        tenant: str = "",
        transport: httpx.AsyncBaseTransport | None = None,
        patience: float = 900.0,
        deadline: float = 7200.0,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.tenant = tenant
        self._address = GraphAddress.of(cloud.graph_url)
        self._credential = credential
        self._transport = transport
        self._patience = patience
        self._deadline = deadline
        self._sleep = sleep
        self._clock = clock
        self._connection: GraphConnection | None = None

    def __repr__(self) -> str:
        return f"Graph({self._address.base!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def host(self) -> str:
        """The server that is read, such as `graph.microsoft.com`."""
        return self._address.host

    def connect(self) -> GraphConnection:
        """Makes the connection ready, which the first read would do.

        Raises InputRefused where proxy or certificates of the environment cannot be used.
        """
        # the SDK takes a third of a second to import, which a command that reads nothing would pay
        from auditor.sources.graph_transport import GraphConnection

        if self._connection is None:
            self._connection = GraphConnection(self._address, self._transport)
        return self._connection

    def close(self) -> None:
        """Closes the connection; the next read opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def one(self, path: str, model: type[_M], parameters: Mapping[str, str] | None = None) -> _M:
        """The object at `path`, such as `/organization/{id}`; raises ValueError for no path."""
        url = self._address.url(path, parameters or {})
        return self._read(url, self._place(path), model, self._clock() + self._deadline)

    def pages(
        self, path: str, model: type[_P], parameters: Mapping[str, str] | None = None
    ) -> Generator[_P, None, None]:
        """The pages of a collection, each as soon as it has come; a page may be empty.

        Raises ValueError at once for what is no path, SourceError instead of a page.
        """
        url = self._address.url(path, parameters or {})
        return self._pages(url, self._place(path), model)

    def _place(self, path: str) -> str:
        return f"{path} at {self.host}" + (f" for tenant {self.tenant}" if self.tenant else "")

    def _pages(self, url: str, place: str, model: type[_P]) -> Generator[_P, None, None]:
        expires = self._clock() + self._deadline
        seen: set[bytes] = set()
        empty = 0
        link: str | None = url
        while link is not None:
            if len(seen) >= MOST_PAGES:
                raise AnswerCutShort(
                    f"{place} gave {MOST_PAGES} pages and has more; report it, this is more than "
                    "the auditor reads."
                )
            if self._clock() >= expires:
                raise AnswerCutShort(
                    f"{place} gave {len(seen)} pages within {self._deadline:.0f} s and has more; "
                    "collect it again, without other tables, when the service is less busy."
                )
            seen.add(_digest(link))
            try:
                page = self._read(link, place, model, expires)
            except SourceError as fault:
                if len(seen) == 1:
                    raise
                shorter = cut_short(fault, len(seen) - 1)
            else:
                link = page.next_link
                empty = 0 if page.value else empty + 1
                yield page
                del page  # or it would stay while the next one is read
                link = self._followed(link, place, seen, empty)
                continue
            raise shorter

    def _followed(self, link: str | None, place: str, seen: set[bytes], empty: int) -> str | None:
        """The link to the next page, if it may be followed."""
        if link is None:
            return None
        link = link.replace(" ", "%20")
        if not self._address.holds(link):
            raise AnswerCutShort(
                f"{place}: after {kept(len(seen))}, the link to the next one leads "
                "away from this service, so it was not followed; see whether something stands in "
                "between."
            )
        if _digest(link) in seen:
            raise AnswerCutShort(
                f"{place}: after {kept(len(seen))}, the link to the next one repeats "
                "an earlier one; collect it again."
            )
        if empty >= MOST_EMPTY_PAGES:
            raise AnswerCutShort(
                f"{place} gave {empty} empty pages one after the other and has more; collect it "
                "again."
            )
        return link

    def _read(self, url: str, place: str, model: type[_M], expires: float) -> _M:
        """One GET as a model, asked again as long as that helps and patience lasts."""
        ends = min(self._clock() + self._patience, expires)
        failures = 0
        while True:
            found = self._attempt(url, place, model, ends)
            if isinstance(found, BaseModel):
                return found
            failures += 1
            if failures >= attempts(found):
                raise fault_of(place, found)
            seconds = pause(found, failures, dt.datetime.now(dt.UTC))
            if self._clock() + seconds >= ends:
                raise too_late(place, found, self._patience, dt.datetime.now(dt.UTC))
            _log.info("%s: attempt %d failed, next one in %.1f s", place, failures, seconds)
            self._sleep(seconds)

    def _attempt(self, url: str, place: str, model: type[_M], ends: float) -> _M | Trouble:
        body = self._body(url, place, ends)
        if not isinstance(body, bytes):
            return body
        if crowded(body):
            return Breakage("too_large", f"{MOST_VALUES:,} values")
        try:
            return model.model_validate_json(body)
        except ValidationError as error:
            trouble = misfit(place, body, error)
        if isinstance(trouble, Breakage):
            return trouble
        raise trouble

    def _body(self, url: str, place: str, ends: float) -> bytes | Trouble:
        """The bytes at `url`; a token is fetched before, outside the event loop, which it blocks.

        Continuous access evaluation may want another token, once (documented: "Claims challenges,
        claims requests, and client capabilities").
        """
        from auditor.sources.graph_transport import ClaimsWanted

        connection = self.connect()
        claims: dict[str, str] = {}
        for _ in range(2):
            token = self._credential.get_token(self._address.scope, **claims)
            left = max(1.0, ends - self._clock())
            try:
                return connection.get(url, token.token, left)
            except ClaimsWanted as wanted:
                claims = {"claims": wanted.claims}
        raise AccessDenied(
            f"{place} wants another sign-in than this one (a policy of the tenant, such as "
            "Conditional Access, took effect); sign in again from an allowed place."
        )


def _digest(link: str) -> bytes:
    return hashlib.sha256(link.encode()).digest()
