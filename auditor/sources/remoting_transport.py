"""HTTP for remote shells: bounded in size and time, verified, and never sent elsewhere.

pypsrp brings its own session of requests; what it would do with an endless, a redirected or an
unencrypted answer is repaired here, in the one place all of its requests pass.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import requests
from requests.adapters import HTTPAdapter

from auditor.errors import InputRefused
from auditor.sources.shell_settings import ShellSettings

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, HTTPConnectionPool

MAX_ANSWER_BYTES = 16_000_000
"""For one answer. The envelope that a client asks for is 500 kB ([MS-WSMV] 2.2.4.18)."""

_CHUNK = 1 << 16
_SHORTEST = 0.05


class DeadlinePassed(requests.RequestException):
    """The time for a command is over; no subclass of a timeout, which pypsrp would repeat."""


class AnswerTooLarge(requests.RequestException):
    """An answer that no server of this protocol gives."""


class Redirected(requests.RequestException):
    """The answer points elsewhere; following it would carry the logon to a stranger."""


class Unencrypted(requests.RequestException):
    """A plain answer where encryption was agreed on: anybody on the way may have written it."""


class BoundedResponse(requests.Response):
    """A response whose body is read within the limits of its adapter."""

    adapter: BoundedAdapter

    def iter_content(
        self, chunk_size: int | None = 1, decode_unicode: bool = False
    ) -> Generator[Any, None, None]:
        """The body as it comes, never decompressed: nobody asked for compression."""
        if self.raw is None or self._content_consumed or decode_unicode:
            yield from super().iter_content(chunk_size)
            return
        size = 0
        while piece := self._piece(self.raw):
            size += len(piece)
            if size > MAX_ANSWER_BYTES:
                raise AnswerTooLarge(f"more than {MAX_ANSWER_BYTES} bytes")
            yield piece
        self._content_consumed = True

    def _piece(self, raw: BaseHTTPResponse) -> bytes:
        self.adapter.remaining()
        try:
            return raw.read1(_CHUNK, decode_content=False)
        except OSError as error:
            raise requests.ConnectionError(error) from None


class BoundedAdapter(HTTPAdapter):
    """Sends the requests of one shell.

    `expires`: the moment of `time.monotonic()` after which nothing is sent and nothing is read.
    `unanswered` counts requests whose answer did not come in time.
    """

    def __init__(
        self,
        context: ssl.SSLContext | None,
        key_password: str | None,
        *,
        connect_timeout: float,
        encrypted: bool,
    ) -> None:
        self.expires = float("inf")
        self.unanswered = 0
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._connect_timeout = connect_timeout
        self._encrypted = encrypted
        self._tls = (
            {} if context is None else {"ssl_context": context, "key_password": key_password}
        )
        super().__init__()

    def remaining(self) -> float:
        """Seconds left; raises DeadlinePassed where there are none."""
        left = self.expires - time.monotonic()
        if left <= 0:
            raise DeadlinePassed("deadline")
        return max(left, _SHORTEST)

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any
    ) -> None:
        """As the base class, with the certificates of this shell."""
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs, **self._tls)
        pools = self.poolmanager.pool_classes_by_scheme
        self.poolmanager.pool_classes_by_scheme = {
            scheme: _noting(pool, self._sockets) for scheme, pool in pools.items()
        }

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> BoundedResponse:
        """One request and the head of its answer; the body is read later, and bounded too."""
        kwargs["stream"] = True
        kwargs["timeout"] = self._within(kwargs.get("timeout"))
        # a timeout counts from byte to byte: only this ends a head that comes one at a time
        watch = threading.Timer(self.remaining(), self._hang_up)
        watch.daemon = True
        watch.start()
        try:
            response = super().send(request, *args, **kwargs)
        except requests.Timeout:
            self.unanswered += 1
            self.remaining()
            raise
        finally:
            watch.cancel()
        self.remaining()
        if response.is_redirect or 300 <= response.status_code < 400:
            raise Redirected(response.headers.get("location", ""))
        encrypted = response.headers.get("content-type", "").startswith("multipart/")
        if self._encrypted and request.body and response.status_code == 200 and not encrypted:
            raise Unencrypted("plain answer")
        bounded = BoundedResponse()
        bounded.__dict__.update(response.__dict__)
        bounded.adapter = self
        bounded.encoding = "utf-8"  # guessing it from a stranger's bytes takes seconds
        return bounded

    def _hang_up(self) -> None:
        for connection in tuple(self._sockets):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _within(self, timeout: Any) -> tuple[float, float]:
        left = self.remaining()
        read = timeout[1] if isinstance(timeout, tuple) else timeout
        return min(self._connect_timeout, left), min(read or left, left)


def _noting(pool: type[HTTPConnectionPool], sockets: WeakSet[socket.socket]) -> Any:
    """A kind of connection pool whose sockets are noted as they are connected."""
    kind: Any = pool.ConnectionCls

    class Connection(kind):  # type: ignore[misc]  # of urllib3, or what stands in for it
        def connect(self) -> None:
            super().connect()
            sockets.add(self.sock)

    return type(pool.__name__, (pool,), {"ConnectionCls": Connection})


def trust(settings: ShellSettings) -> ssl.SSLContext | None:
    """What the server's certificate is verified against; None without TLS.

    Without a `ca_file` the machine's own store counts beside the one that requests brings: a
    company's authority is in the former only. Raises InputRefused for a file that cannot be used.
    """
    if not settings.tls:
        return None
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        reason = error.strerror or "no certificates in it"
        raise InputRefused(
            f"{settings.ca_file} cannot be used as ca_file ({reason}); give a PEM file."
        ) from None
