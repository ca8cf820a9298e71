"""The lab's cloud over HTTP on the loopback address: Microsoft Graph and Exchange Online in one.

Both services are one host here, told apart by their paths. A token is good for both, or for one;
what it may read is decided by `Grants`. Faults strike as they say.
"""

from __future__ import annotations

import base64
import gzip
import secrets
import threading
import time
import uuid
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Self

from auditor.lab.cloud_exchange import EXCHANGE_ROOT, EXPIRED, ExchangeService
from auditor.lab.cloud_faults import CloudFault, CloudFaults, Outage
from auditor.lab.cloud_grants import Grants
from auditor.lab.cloud_graph import GraphService
from auditor.lab.cloud_messages import (
    FOREIGN_HOST,
    Answer,
    Refused,
    Request,
    exchange_error,
    graph_error,
)
from auditor.lab.loopback_server import LOOPBACK, LoopbackServer
from auditor.lab.organization import Organization
from auditor.lab.tenant import tenant_id

MAX_REQUEST_BYTES = 1_000_000
_IDLE_SECONDS = 60.0
_MOST_REMEMBERED = 10_000
_HTML = b"<!DOCTYPE html><html><body><h1>Our services aren't available right now</h1></body></html>"
_CLAIMS = b'{"access_token":{"nbf":{"essential":true,"value":"1761955200"}}}'
CLAIMS_CHALLENGE = (
    'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"'
    f', error="insufficient_claims", claims="{base64.b64encode(_CLAIMS).decode()}"'
)
_AFTER_THE_ANSWER = frozenset({Outage.CUT, Outage.TORN})
_IN_THE_ANSWER = frozenset(
    {
        Outage.EMPTY_PAGE,
        Outage.FOREIGN_LINK,
        Outage.REPEATED_LINK,
        Outage.UNKNOWN_VALUE,
        Outage.HIDDEN,
    }
)


class LabCloud:
    """The cloud of a lab organisation; listens between entry and exit.

    `compress`: pack answers for clients that take gzip, as the services do. `seen` holds method
    and target of every request, in the order they came.
    """

    def __init__(
        self,
        organization: Organization,
        faults: Iterable[CloudFault] = (),
        grants: Grants | None = None,
        *,
        compress: bool = False,
    ) -> None:
        granted = grants or Grants()
        self.tenant_id = tenant_id(organization)
        self.token = f"lab-{secrets.token_urlsafe(24)}"
        self.graph_token = f"lab-graph-{secrets.token_urlsafe(24)}"
        self.exchange_token = f"lab-exchange-{secrets.token_urlsafe(24)}"
        self.compress = compress
        self.seen: list[str] = []
        self._graph = GraphService(organization, granted)
        self._exchange = ExchangeService(organization, granted)
        self._faults = CloudFaults(faults)
        self._stack = ExitStack()
        self._server: _Server | None = None

    def __enter__(self) -> Self:
        self._server = _Server(self)
        thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="lab cloud", daemon=True
        )
        thread.start()
        self._stack.callback(thread.join, 5)
        self._stack.callback(self._server.stop)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        """The root of both services, without a slash at its end."""
        if self._server is None:
            raise RuntimeError("the cloud does not listen")
        return f"http://{LOOPBACK}:{self._server.server_port}"

    def answer(self, request: Request) -> tuple[Answer, Outage | None]:
        """The answer to a request, and what is to happen to it on its way."""
        if len(self.seen) < _MOST_REMEMBERED:
            self.seen.append(f"{request.method} {request.target}")
        of_exchange = request.path.startswith(EXCHANGE_ROOT)
        service = self._exchange if of_exchange else self._graph
        try:
            self._signed_in(request, of_exchange=of_exchange)
            fault = self._faults.strike(*service.place_of(request))
            if fault is None or fault.what in _IN_THE_ANSWER | _AFTER_THE_ANSWER:
                return service.answer(request, fault), fault.what if fault else None
            if fault.what is Outage.STALL:
                time.sleep(fault.seconds or 0)
                return service.answer(request, None), None
            return _refusal(fault, of_exchange=of_exchange), fault.what
        except Refused as refused:
            return refused.answer, None

    def _signed_in(self, request: Request, *, of_exchange: bool) -> None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        own = self.exchange_token if of_exchange else self.graph_token
        if kind.lower() == "bearer" and token in {self.token, own}:
            return
        reason = "Invalid audience" if token.startswith("lab-") else "Access token is empty"
        raise Refused(_unauthorized(reason, of_exchange=of_exchange))


def _unauthorized(reason: str, *, of_exchange: bool, challenge: str = "Bearer") -> Answer:
    headers = {"WWW-Authenticate": challenge}
    if of_exchange:
        return Answer(401, b"", headers)
    message = f"Access token validation failure. {reason}."
    return graph_error(401, "InvalidAuthenticationToken", message, headers)


def _refusal(fault: CloudFault, *, of_exchange: bool) -> Answer:
    """The answer that a fault gives in place of the service."""
    match fault.what:
        case Outage.UNAUTHORIZED:
            return _unauthorized("Lifetime validation failed", of_exchange=of_exchange)
        case Outage.CLAIMS_WANTED:
            reason = "TokenCreatedWithOutdatedPolicies"
            return _unauthorized(reason, of_exchange=of_exchange, challenge=CLAIMS_CHALLENGE)
        case Outage.EXPIRED_PAGE if of_exchange:
            return exchange_error(400, "BadRequest", EXPIRED)
    if fault.what in _PLAIN:
        return _PLAIN[fault.what]
    status, code, message = _ERRORS[fault.what]
    write = exchange_error if of_exchange else graph_error
    return write(status, code, message, headers=_retry_after(fault))


_PLAIN = {
    Outage.HTML_ERROR: Answer(502, _HTML, {"Content-Type": "text/html"}),
    Outage.HTML_PAGE: Answer(200, _HTML, {"Content-Type": "text/html"}),
    Outage.REDIRECT: Answer(302, b"", {"Location": f"https://{FOREIGN_HOST}/sign-in"}),
}
_ERRORS = {
    Outage.FORBIDDEN: (
        403,
        "Authorization_RequestDenied",
        "Insufficient privileges to complete the operation.",
    ),
    Outage.THROTTLED: (429, "TooManyRequests", "Too many requests."),
    Outage.FAILED: (500, "InternalServerError", "An error has occurred."),
    Outage.QUERY_BROKER: (
        500,
        "UnknownError",
        "Rate limit reached because of too many requests to query broker",
    ),
    Outage.UNAVAILABLE: (503, "ServiceUnavailable", "The service is temporarily unavailable."),
    Outage.EXPIRED_PAGE: (
        400,
        "Directory_ExpiredPageToken",
        "The specified page token value has expired and can no longer be included.",
    ),
    Outage.DROP: (500, "InternalServerError", ""),
}


def _retry_after(fault: CloudFault) -> dict[str, str]:
    if fault.seconds is None:
        return {}
    if fault.as_date:
        when = datetime.now(UTC) + timedelta(seconds=fault.seconds)
        return {"Retry-After": format_datetime(when, usegmt=True)}
    return {"Retry-After": str(fault.seconds)}


class _Server(LoopbackServer):
    def __init__(self, cloud: LabCloud) -> None:
        super().__init__(_Handler, _IDLE_SECONDS)
        self.cloud = cloud


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # named by the base
        """Requests are remembered by the cloud, not printed."""

    def _handle(self) -> None:
        length = self.headers.get("Content-Length") or "0"
        if not length.isdecimal() or int(length) > MAX_REQUEST_BYTES:
            self.close_connection = True
            self._reply(Answer(400, b"", {}))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        host = headers.get("host") or f"{LOOPBACK}:{self.server.server_port}"
        body = self.rfile.read(int(length))
        request = Request(self.command, self.path, headers, body, f"http://{host}")
        answer, outage = self.server.cloud.answer(request)
        if outage is Outage.DROP:
            self.close_connection = True
            self.connection.close()
            return
        if outage is Outage.TORN:
            answer = Answer(answer.status, answer.body[: len(answer.body) // 2], answer.headers)
        self._reply(answer, cut=outage is Outage.CUT)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _handle  # noqa: N815

    def _reply(self, answer: Answer, *, cut: bool = False) -> None:
        body, headers = answer.body, dict(answer.headers)
        accepted = self.headers.get("Accept-Encoding", "")
        packs = self.server.cloud.compress and "gzip" in accepted and answer.status == 200
        if packs and "Content-Encoding" not in headers:
            body, headers["Content-Encoding"] = gzip.compress(body, 1), "gzip"
        self.send_response(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("request-id", str(uuid.uuid4()))
        self.send_header("client-request-id", self._client_request_id())
        self.send_header("Content-Length", str(len(body)))
        if cut:
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        with suppress(OSError):
            if self.command != "HEAD":
                self.wfile.write(body[: len(body) // 2] if cut else body)
            self.wfile.flush()

    def _client_request_id(self) -> str:
        """What the client called its request, given back if it is a GUID."""
        try:
            return str(uuid.UUID(self.headers.get("client-request-id", "")))
        except ValueError:
            return str(uuid.uuid4())
