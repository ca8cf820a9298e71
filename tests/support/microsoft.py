"""Microsoft's hosts as a program meets them through a proxy: sign-in, Graph and Exchange Online.

A proxy on the loopback that answers for the hosts itself, with certificates of an authority that
the program has to be told to trust. Behind Graph and Exchange Online is the lab's cloud; the token
service hands out the lab's token to whoever knows the secret or sends an assertion.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from auditor.lab.cloud_messages import Answer, Request
from auditor.lab.cloud_server import LabCloud
from auditor.lab.loopback_server import LoopbackServer
from tests.support.certificates import certificates

AUTHORITY = "login.microsoftonline.com"
GRAPH, EXCHANGE = "graph.microsoft.com", "outlook.office365.com"
JSON = {"Content-Type": "application/json"}


@dataclass
class Microsoft:
    """What stands behind the proxy, and what was seen there.

    `refusal`: what the token service says instead of a token. `looking`: called with each request
    while whoever sent it waits. `posted`: the forms that were sent to the token service.
    """

    lab: LabCloud
    refusal: str = ""
    looking: Callable[[], None] = lambda: None
    posted: list[dict[str, str]] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    environment: Mapping[str, str] = field(default_factory=dict)

    def answer(self, host: str, request: Request) -> Answer:
        """The answer of one of the hosts."""
        self.hosts.add(host)
        self.looking()
        if host != AUTHORITY:
            return self.lab.answer(request)[0]
        tenant = f"https://{AUTHORITY}/{self.lab.tenant_id}"
        if "openid-configuration" in request.path:
            return _json(
                200,
                {
                    "token_endpoint": f"{tenant}/oauth2/v2.0/token",
                    "authorization_endpoint": f"{tenant}/oauth2/v2.0/authorize",
                    "device_authorization_endpoint": f"{tenant}/oauth2/v2.0/devicecode",
                    "issuer": f"{tenant}/v2.0",
                },
            )
        form = parse_qs(request.body.decode())
        self.posted.append({name: values[0] for name, values in form.items()})
        if self.refusal:
            said = {"error": "invalid_client", "error_description": self.refusal}
            return _json(401, said)
        token = {"token_type": "Bearer", "expires_in": 3600, "access_token": self.lab.token}
        return _json(200, token)


def _json(status: int, document: Mapping[str, Any]) -> Answer:
    return Answer(status, json.dumps(document).encode(), JSON)


class _Proxy(LoopbackServer):
    def __init__(self, microsoft: Microsoft, context: ssl.SSLContext) -> None:
        super().__init__(_Outside, 30.0)
        self.microsoft = microsoft
        self.tls = context


class _Inside(BaseHTTPRequestHandler):
    """Requests inside of a tunnel."""

    protocol_version = "HTTP/1.1"
    host = ""
    server: _Proxy

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # named by the base
        """Nothing is printed."""

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, body, f"https://{self.host}")
        answer = self.server.microsoft.answer(self.host, request)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = _handle  # noqa: N815


class _Outside(BaseHTTPRequestHandler):
    """The proxy itself, which knows CONNECT alone."""

    protocol_version = "HTTP/1.1"
    server: _Proxy

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # named by the base
        """Nothing is printed."""

    def do_CONNECT(self) -> None:
        """Opens a tunnel, at whose other end is one of the hosts."""
        host = self.path.partition(":")[0]
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        inside = type("Inside", (_Inside,), {"host": host})
        with (
            suppress(OSError),
            self.server.tls.wrap_socket(self.connection, server_side=True) as tunnel,
        ):
            inside(tunnel, self.client_address, self.server)


@contextmanager
def microsoft(lab: LabCloud, folder: Path) -> Iterator[Microsoft]:
    """The hosts, for programs with this `environment`; `folder` is for certificates."""
    made = certificates(folder, AUTHORITY, GRAPH, EXCHANGE)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.server, made.key)
    found = Microsoft(lab)
    proxy = _Proxy(found, context)
    found.environment = {
        "HTTPS_PROXY": f"http://127.0.0.1:{proxy.server_port}",
        "SSL_CERT_FILE": str(made.authority),
        "REQUESTS_CA_BUNDLE": str(made.authority),
    }
    thread = threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        proxy.stop()
        thread.join(5)
