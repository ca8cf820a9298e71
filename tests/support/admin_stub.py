"""An HTTP server on the loopback that answers what it is told to, byte by byte if need be.

It knows nothing of Exchange Online: a test writes the answers, and reads what was asked.
"""

from __future__ import annotations

import gzip
import json
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.support.certificates import Certificates

TENANT = "11111111-2222-3333-4444-555555555555"
INVOKE = f"/adminapi/beta/{TENANT}/InvokeCommand"


@dataclass(frozen=True)
class Asked:
    """A request that came in; names of headers in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """What goes out. `cut`: how many bytes of the body are sent before the server hangs up."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None


def page(*rows: object, link: str = "", warnings: tuple[str, ...] = ()) -> Reply:
    """A page of rows, packed as the service packs it."""
    found = {
        "@odata.context": "$metadata#Collection(Exchange.GenericHashTable)",
        "@adminapi.warnings": list(warnings),
        **({"@odata.nextLink": link} if link else {}),
        "value": list(rows),
    }
    return packed(json.dumps(found).encode())


def packed(body: bytes, status: int = 200) -> Reply:
    """A body in gzip."""
    return Reply(status, gzip.compress(body), {"Content-Encoding": "gzip"})


def failure(status: int, message: str, **parts: object) -> Reply:
    """An error as the service words it; `parts` stand beside its message."""
    error = {"code": str(status), "message": message, **parts}
    return Reply(status, json.dumps({"error": error}).encode())


def inner(message: str, kind: str = "") -> dict[str, Any]:
    """The part of an error where the service hides the reason."""
    return {"innererror": {"internalexception": {"message": message, "type": kind}}}


class AdminStub:
    """The server; a context manager. `answers` gives a reply to each request, in their order.

    A list is answered from its front; a request too many gets status 599.
    """

    def __init__(
        self,
        answers: list[Reply] | Callable[[Asked], Reply],
        certificates: Certificates | None = None,
    ) -> None:
        self.asked: list[Asked] = []
        self._answers = answers
        self._certificates = certificates
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        scheme = "https" if self._certificates else "http"
        return f"{scheme}://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        if self._certificates is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._certificates.server, self._certificates.key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        if callable(self._answers):
            return self._answers(asked)
        return self._answers.pop(0) if self._answers else Reply(599)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                length = int(self.headers.get("content-length", "0"))
                named = {name.lower(): value for name, value in self.headers.items()}
                reply = stub._reply(Asked(self.command, self.path, named, self.rfile.read(length)))
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body[: reply.cut])
                self.close_connection = self.close_connection or reply.cut is not None

            do_GET = do_POST = answer  # noqa: N815  the names are those of http.server

            def log_request(self, *_of: object) -> None:
                """Nothing goes to the terminal."""

        return Handler
