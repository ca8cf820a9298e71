"""One request after the other to Exchange Online's admin endpoint, with patience and within bounds.

Bodies are read as they came over the wire and unpacked here: an answer of status 403 may claim
gzip and consist of NUL bytes, which no HTTP library unpacks. Nothing is asked of a host but the
one of the cloud and those below it, so the token goes nowhere else.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx

from auditor.errors import AccessDenied, SourceUnreachable, UnexpectedAnswer
from auditor.sources.bounded_body import BoundedBody, CutShort, Damaged, TooLarge
from auditor.sources.claims_challenge import claims_wanted
from auditor.sources.exchange_online_faults import EXPORT, UNAUTHORIZED, Fault
from auditor.sources.exchange_online_records import Answer, Limits, Request
from auditor.sources.exchange_online_wire import too_large, unreached, within
from auditor.sources.no_answer import made
from auditor.sources.quoted import clause
from auditor.sources.retry_after import asked_pause

if TYPE_CHECKING:
    from auditor.sources.cloud_sign_in import TokenCredential

PAUSES = (5.0, 10.0, 20.0, 40.0, 60.0)
"""Seconds before each repetition, the least that is waited; the service was never seen to name any.
"""

MAX_ERROR_BYTES = 1_000_000
"""Of an error nothing is read that is larger."""

REPEATED = frozenset({429, 500, 502, 503, 504})
_REDIRECTED = frozenset({301, 302, 307, 308})
_MAX_REDIRECTS = 3
_MAX_FAILURES = 3
_SILENCE = 2
"""Failures that one silence of a quarter of an hour counts for."""
_SENDABLE = re.compile(r"[\x21-\x7e]{1,100000}")
_log = logging.getLogger(__name__)


class Bearer:
    """A token, shown to nobody."""

    __slots__ = ("_token",)

    def __init__(self, token: str) -> None:
        self._token = token

    def __repr__(self) -> str:
        return "Bearer(not shown)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bearer) and self._token == other._token

    def __hash__(self) -> int:
        return hash(self._token)

    @property
    def sendable(self) -> bool:
        """Whether it fits into a header."""
        return _SENDABLE.fullmatch(self._token) is not None

    def header(self) -> str:
        """The value of the header Authorization; httpx hides it where it shows headers."""
        return f"Bearer {self._token}"

    def struck_from(self, body: bytes) -> bytes:
        """A body without the token, should the service send it back."""
        return body.replace(self._token.encode("ascii"), b"(token)")

    def printable(self, header: str) -> str:
        """The value of a header as a sentence quotes it, without the token."""
        return clause(header, self._token)


class AdminConnection:
    """The connection to one admin endpoint, for the thread that made it.

    `base` is scheme and host of the cloud. Everything the outside world does wrong comes back as
    a Fault; the credential may raise what it raises.
    """

    def __init__(
        self,
        base: str,
        credential: TokenCredential,
        *,
        transport: httpx.BaseTransport | None,
        sleep: Callable[[float], None],
        limits: Limits,
    ) -> None:
        self._base = base
        self._credential = credential
        self._sleep = sleep
        self._limits = limits
        self._client = _client(transport, limits, environment=base.startswith("https:"))

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()

    def leads_to(self, answered: str, link: str) -> str:
        """Where a link of an answer leads; '' where the token must not go."""
        return within(self._base, answered, link)

    def ask(self, request: Request) -> Answer | Fault:
        """The answer to one request, of whatever status, after repetitions where they help.

        A token that is refused is asked for once more, with the claims that the service demands
        (continuous access evaluation); the request is repeated where the token is another one.
        """
        bearer = self._bearer("")
        answer = self._patiently(request, bearer)
        if isinstance(answer, Fault) or answer.status != UNAUTHORIZED:
            return answer
        fresh = self._bearer(claims_wanted(answer.challenge))
        return answer if fresh == bearer else self._patiently(request, fresh)

    def _bearer(self, claims: str) -> Bearer:
        scope = f"{self._base}/.default"
        demanded = {"claims": claims} if claims else {}
        bearer = Bearer(self._credential.get_token(scope, **demanded).token)
        if not bearer.sendable:
            raise AccessDenied(
                f"The sign-in for {self._base} gave no token that could be sent; sign in again."
            )
        return bearer

    def _patiently(self, request: Request, bearer: Bearer) -> Answer | Fault:
        patience = self._limits.patience
        failures = 0
        for pause in (*PAUSES, None):
            answer, silent = self._once(request, bearer)
            wanted = 0.0
            if isinstance(answer, Fault):
                failures += _SILENCE if silent else 1
                if answer.final or failures > _MAX_FAILURES:
                    return answer
            elif answer.status not in REPEATED:
                return answer
            else:
                wanted = answer.retry_after or 0.0
            if pause is None or (waited := max(pause, wanted)) > patience:
                return answer
            patience -= waited
            what = answer.what if isinstance(answer, Fault) else f"HTTP status {answer.status}"
            _log.info("%s: %s, asked again in %.0f seconds", request.name, what, waited)
            self._sleep(waited)
        raise AssertionError("the last pause is None, which returns")

    def _once(self, request: Request, bearer: Bearer) -> tuple[Answer | Fault, bool]:
        """The answer, and whether there was none for as long as a cmdlet may run."""
        try:
            return self._redirected(request, bearer), False
        except httpx.TransportError as error:
            return unreached(error, self._base), isinstance(error, httpx.ReadTimeout)

    def _redirected(self, request: Request, bearer: Bearer) -> Answer | Fault:
        """One answer; where it points to another host of this cloud, that of the other host."""
        url = request.url
        for _ in range(_MAX_REDIRECTS + 1):
            headers = httpx.Headers(request.headers)
            headers["Authorization"] = bearer.header()
            headers["client-request-id"] = str(uuid.uuid4())
            with self._client.stream(
                request.method, url, headers=headers, content=request.content
            ) as response:
                if response.status_code not in _REDIRECTED:
                    return self._answer(request, response, url, bearer)
                target = response.headers.get("location", "")
            followed = within(self._base, url, target)
            if not followed:
                return Fault(
                    UnexpectedAnswer,
                    f"is pointed to {bearer.printable(target) or 'nowhere'}, which is not followed "
                    "because the token would go there",
                    f"check the cloud, or {EXPORT}",
                    final=True,
                )
            url = followed
        return Fault(
            UnexpectedAnswer,
            "is pointed from one address to the next without end",
            f"check the cloud, or {EXPORT}",
            final=True,
        )

    def _answer(
        self, request: Request, response: httpx.Response, url: str, bearer: Bearer
    ) -> Answer | Fault:
        failed = response.status_code != 200
        limit = MAX_ERROR_BYTES if failed else self._limits.body
        body = self._body(request, response, bearer, limit)
        if isinstance(body, Fault):
            if not failed:
                return body
            body = b""  # the status says enough
        return Answer(
            response.status_code,
            bearer.struck_from(body),
            url,
            asked_pause(response.headers.get("retry-after", ""), datetime.now(UTC)),
            response.headers.get("www-authenticate", ""),
        )

    def _body(
        self, request: Request, response: httpx.Response, bearer: Bearer, limit: int
    ) -> bytes | Fault:
        body = BoundedBody(limit, packed=None)
        ends = time.monotonic() + self._limits.whole
        try:
            for chunk in response.iter_raw():
                body.add(chunk)
                if time.monotonic() > ends:
                    return Fault(
                        SourceUnreachable,
                        f"took longer than {self._limits.whole:.0f} seconds to arrive",
                        "collect it again later",
                        final=True,
                    )
            whole = body.whole()
        except TooLarge:
            return too_large(limit)
        except Damaged:
            return Fault(SourceUnreachable, "came damaged", "collect it again")
        except CutShort:
            return Fault(SourceUnreachable, "came only in part", "collect it again")
        _log.info(
            "%s: HTTP status %d, %d bytes, %d unpacked, request %s",
            request.name,
            response.status_code,
            body.arrived,
            len(whole),
            bearer.printable(response.headers.get("request-id", "")) or "without an id",
        )
        return whole


def _client(
    transport: httpx.BaseTransport | None, limits: Limits, *, environment: bool
) -> httpx.Client:
    """`environment`: whether proxy and authorities are those that the environment names."""
    # at DEBUG it writes the headers of answers, cookies among them
    library = logging.getLogger("httpcore")
    if library.level == logging.NOTSET:
        library.setLevel(logging.INFO)
    return made(
        lambda: httpx.Client(
            transport=transport,
            timeout=httpx.Timeout(limits.connect, read=limits.read),
            follow_redirects=False,
            # a tunnel whose TLS fails is never given back, and must not keep the others waiting
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=1),
            trust_env=environment,
        )
    )
