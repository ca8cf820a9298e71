"""Why a request over HTTPS got no answer, and which setting of this machine may be the reason.

Nothing is quoted of the library's errors: they may hold a header, or the password of a proxy.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

import httpx

from auditor.errors import InputRefused

NoAnswerKind: TypeAlias = Literal["certificate", "name", "proxy", "connect", "timeout", "cut"]

_MOST_CAUSES = 20
_KINDS: tuple[tuple[type[Exception], NoAnswerKind], ...] = (
    (httpx.ProxyError, "proxy"),
    (httpx.ConnectError, "connect"),
    (httpx.ConnectTimeout, "connect"),
    (httpx.TimeoutException, "timeout"),
    (TimeoutError, "timeout"),
)
_C = TypeVar("_C", httpx.Client, httpx.AsyncClient)


@dataclass(frozen=True)
class NoAnswer:
    """What stood in the way; `detail` is what OpenSSL says of a certificate, '' otherwise."""

    kind: NoAnswerKind
    detail: str = ""


def no_answer(error: Exception) -> NoAnswer:
    """What an error of httpx, or of asyncio where time ran out, says of the way to the server."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return NoAnswer("certificate", cause.verify_message)
        if isinstance(cause, socket.gaierror):
            return NoAnswer("name")
    return NoAnswer(next((kind for known, kind in _KINDS if isinstance(error, known)), "cut"))


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if found is None:
            return
        yield found
        found = found.__cause__ or found.__context__


def made(client: Callable[[], _C]) -> _C:
    """The client; raises InputRefused where proxy or authorities of the environment are unusable.

    `client` makes it, which is when httpx looks at them.
    """
    try:
        return client()
    except OSError:
        said = "SSL_CERT_FILE or SSL_CERT_DIR names no authorities that can be read"
        step = "name a file of certificates in PEM"
    except (ValueError, ImportError, httpx.InvalidURL):
        said = "The proxy that HTTPS_PROXY or ALL_PROXY names cannot be used"
        step = "give one as http://host:port"
    raise InputRefused(f"{said}; {step}.")
