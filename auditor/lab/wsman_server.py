"""HTTP for the lab's endpoint: connections, logon, encryption, and answers that fail on demand."""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from itertools import chain, repeat

from auditor.lab import wsman_messages as messages
from auditor.lab.loopback_server import LoopbackServer
from auditor.lab.psrp_errors import Run
from auditor.lab.wire_faults import Mishap, WireFault
from auditor.lab.wsman_logon import Credentials, Logon, Scheme
from auditor.lab.wsman_messages import Request, WsmanFault, read_request
from auditor.lab.wsman_requests import Exchange, OpenShells, Struck

MAX_REQUEST_BYTES = 2_000_000

_SOAP = "application/soap+xml;charset=UTF-8"
_PAGE = b"<html><body>The resource cannot be found.</body></html>"

Site = Callable[[str], "tuple[Run | None, str] | None"]
"""What runs at a path, and its configuration; None where nothing is there.

The commands of a server that lets nobody in are None.
"""


@dataclass(frozen=True)
class Service:
    """What connections share. `idle_seconds`: after which the server closes one."""

    shells: OpenShells
    site: Site
    schemes: tuple[Scheme, ...]
    credentials: Credentials
    context: ssl.SSLContext | None
    idle_seconds: float


class WsmanServer(LoopbackServer):
    def __init__(self, service: Service) -> None:
        super().__init__(_Handler, service.idle_seconds, service.context)
        self.service = service


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    server: WsmanServer

    def setup(self) -> None:
        super().setup()
        service = self.server.service
        tls = service.context is not None
        self._logon = Logon(service.schemes, service.credentials, tls=tls)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # named by the base
        """Requests are remembered by the endpoint, not printed."""

    def do_POST(self) -> None:
        body = self._body()
        if body is None:
            self._reply(400, b"", "text/plain")
            return
        found = self.server.service.site(self.path)
        if found is None:
            self._reply(404, _PAGE, "text/html")
            return
        allowed, token = self._logon.step(self.headers)  # type: ignore[arg-type]  # a Message maps
        if not allowed:
            self._challenge(token)
            return
        if not body:
            self._reply(200, b"", "", token)
            return
        protocol = self._logon.encrypts(self.headers)  # type: ignore[arg-type]  # a Message maps
        if protocol:
            body = self._logon.decrypted(body)
        elif self._logon.must_encrypt:
            self._reply(403, b"unencrypted", "text/plain", token)
            return
        self._handle(read_request(body), found, protocol, token)

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length") or "0"
        if not length.isdecimal() or int(length) > MAX_REQUEST_BYTES:
            return None
        return self.rfile.read(int(length))

    def _challenge(self, token: str) -> None:
        self.send_response(401)
        for challenge in [token] if token else self._logon.challenges():
            self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _reply(self, status: int, body: bytes, kind: str, token: str = "") -> None:
        self._head(status, len(body), kind, token)
        self.wfile.write(body)

    def _head(self, status: int, length: int, kind: str, token: str = "") -> None:
        self.send_response(status)
        if token:
            self.send_header("WWW-Authenticate", token)
        if kind:
            self.send_header("Content-Type", kind)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def _handle(
        self, request: Request, found: tuple[Run | None, str], protocol: str, token: str
    ) -> None:
        exchange = Exchange(self.server.service.shells, self.path, request, self._logon.account)
        struck = None
        try:
            status, envelope = 200, messages.answer(request, exchange.answered(*found))
        except WsmanFault as fault:
            status, envelope = 500, messages.fault(request, fault, "lab")
        except Struck as mishap:
            struck = mishap.fault
            status, envelope = 200, messages.answer(request, exchange.body_of_fault())
        body, kind = self._logon.encrypted(envelope, protocol) if protocol else (envelope, _SOAP)
        if struck is not None:
            self._fail(struck, envelope, body, kind)
            return
        try:
            self._reply(status, body, kind, token)
            self.wfile.flush()
        except OSError:
            exchange.give_back()
            self.close_connection = True

    def _fail(self, fault: WireFault, envelope: bytes, body: bytes, kind: str) -> None:
        self.close_connection = True
        if fault.what is Mishap.UNAVAILABLE:
            self._reply(503, b"Service Unavailable", "text/html")
        elif fault.what is Mishap.NOT_FOUND:
            self._reply(404, _PAGE, "text/html")
        elif fault.what is Mishap.GARBAGE:
            self._reply(200, _PAGE, kind)
        elif fault.what is Mishap.PLAIN:
            self._reply(200, envelope, _SOAP)
        elif fault.what is Mishap.REDIRECT:
            self.send_response(302)
            self.send_header("Location", "https://owa.example.com/auth/logon.aspx")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif fault.what is Mishap.TRUNCATED:
            self._head(200, len(body), kind)
            self.wfile.write(body[: len(body) // 2])
        elif fault.what is Mishap.ENDLESS:
            self._head(200, 1 << 40, kind)
            self._drip(fault, repeat(b" " * (1 << 16)))
        elif fault.what is Mishap.DRIP:
            self._head(200, len(body), kind)
            self._drip(fault, (body[at : at + 1] for at in range(len(body))))
        elif fault.what is Mishap.DRIP_HEAD:
            self._drip(fault, chain([b"HTTP/1.1 200 OK\r\nX-Padding: "], repeat(b"x")))
        else:  # what a DROP is: nothing at all
            self.connection.close()

    def _drip(self, fault: WireFault, pieces: Iterable[bytes]) -> None:
        with contextlib.suppress(OSError):
            for piece in pieces:
                self.wfile.write(piece)
                self.wfile.flush()
                time.sleep(fault.seconds)
