"""A stand-in for Graph on the loopback that answers what the test says, right or wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class StubGraph:
    """`status` and `answer` are what the next question gets, whatever it asks."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.answer: Any = {"value": []}


@contextmanager
def running() -> Iterator[StubGraph]:
    """The stand-in, stopped on leaving."""
    stub = StubGraph()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = json.dumps(stub.answer).encode()
            self.send_response(stub.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815 - names of http.server

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Write nothing: a test that fails says more."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
