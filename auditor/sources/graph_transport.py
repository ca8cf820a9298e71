"""The connection to Microsoft Graph: msgraph-sdk for authentication, middleware and errors.

Imported when something is read for the first time: it loads the SDK, which costs a third of a
second. Rows never pass through the SDK's models; the only one used is ODataError.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator

import httpx
from azure.core.credentials import AccessToken
from kiota_abstractions.api_error import APIError
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from kiota_http.kiota_client_factory import KiotaClientFactory
from kiota_http.middleware.middleware import BaseMiddleware
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_service_client import GraphServiceClient

from auditor import __version__
from auditor.sources.bounded_body import BoundedBody, CutShort, Damaged, TooLarge
from auditor.sources.claims_challenge import claims_wanted
from auditor.sources.graph_address import GraphAddress
from auditor.sources.graph_faults import (
    Breakage,
    Refusal,
    Trouble,
    error_code,
    in_one_line,
)
from auditor.sources.no_answer import made, no_answer

LARGEST_PAGE = 64 * 1024 * 1024
"""Bytes of one answer, unpacked; 999 users with every property asked for are about two million."""

_LARGEST_ERROR = 64 * 1024
"""Of an error, which has a few hundred: the SDK makes half a gigabyte of one of a million."""

_KEPT_HEADERS = frozenset({b"content-type", b"request-id", b"retry-after"})
_READ_SECONDS, _CONNECT_SECONDS = 100.0, 30.0


class ClaimsWanted(Exception):
    """Graph wants a token with more claims in it (continuous access evaluation)."""

    def __init__(self, claims: str) -> None:
        super().__init__("another sign-in is wanted")
        self.claims = claims


class _Unusable(Exception):
    """An answer that is not read on."""

    def __init__(self, breakage: Breakage) -> None:
        super().__init__(breakage.kind)
        self.breakage = breakage


class _Held:
    """Hands the SDK the token that was fetched before: inside the event loop nothing may block."""

    def __init__(self) -> None:
        self.token = ""

    def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        return AccessToken(self.token, 0)


class _Gate(BaseMiddleware):
    """Last before the wire: only GET, only to Graph; bodies bounded and redirects not followed."""

    def __init__(self, address: GraphAddress) -> None:
        super().__init__()
        self._address = address

    async def send(
        self, request: httpx.Request, transport: httpx.AsyncBaseTransport
    ) -> httpx.Response:
        if request.method != "GET" or not self._address.holds(str(request.url)):
            raise RuntimeError(f"{request.method} to {request.url.host} may not leave the program")
        response = await super().send(request, transport)
        try:
            return await self._taken(request, response)
        finally:
            await response.aclose()

    async def _taken(self, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if response.has_redirect_location:
            raise _Unusable(Breakage("redirect", f"HTTP {response.status_code}"))
        if response.status_code == 401:
            claims = claims_wanted(response.headers.get("www-authenticate", ""))
            if claims:
                raise ClaimsWanted(claims)
        failed = response.status_code >= 400
        try:
            body = await _whole(response, _LARGEST_ERROR if failed else LARGEST_PAGE)
        except (_Unusable, httpx.DecodingError):
            if not failed:
                raise
            body = b""  # the status says enough
        # as bytes: a header may hold any, and httpx takes text for ASCII
        kept = [each for each in response.headers.raw if each[0].lower() in _KEPT_HEADERS]
        return httpx.Response(response.status_code, headers=kept, content=body, request=request)


class GraphConnection:
    """One keep-alive connection to one Graph; everything is closed by `close`."""

    def __init__(
        self, address: GraphAddress, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._held = _Held()
        self._client = _client(address, transport)
        provider = AzureIdentityAuthenticationProvider(
            self._held,
            scopes=[address.scope],
            allowed_hosts=[address.host],  # the default is every host
        )
        self._adapter = GraphRequestAdapter(provider, self._client)
        self._adapter.base_url = address.base
        # registers the reader of JSON, without which errors lose their code and message
        GraphServiceClient(request_adapter=self._adapter)
        self._runner = asyncio.Runner()
        # the modules of the SDK stay; looking through them again and again while pages become
        # objects would take a fifth of the time of reading
        gc.freeze()

    def get(self, url: str, token: str, seconds: float) -> bytes | Trouble:
        """The body at `url`, or why there is none; raises ClaimsWanted, and KeyboardInterrupt."""
        self._held.token = token
        body: list[bytes] = []
        try:
            self._runner.run(asyncio.wait_for(self._fetch(url, body), seconds))
        except APIError as problem:
            return _refusal(problem, token)
        except _Unusable as problem:
            return problem.breakage
        except (httpx.RequestError, TimeoutError) as problem:
            return _breakage(problem)
        return b"".join(body) or Breakage("no_body")

    def close(self) -> None:
        # what stays frozen is never taken down, and duckdb complains of it when the program ends
        gc.unfreeze()
        with self._runner:  # Ctrl-C may fall in between
            self._runner.run(self._client.aclose())

    async def _fetch(self, url: str, body: list[bytes]) -> None:
        """Puts the body into a list: Python's signal module writes out a task with its result when
        the runner takes its handler for Ctrl-C back, which costs ten milliseconds a page."""
        request = RequestInformation(Method.GET)
        request.url = url
        request.headers.add("Accept", "application/json")
        errors = {"XXX": ODataError}
        found = await self._adapter.send_primitive_async(request, "bytes", errors)
        if isinstance(found, bytes):
            body.append(found)


def _client(address: GraphAddress, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    """The SDK's client without its own retries and redirects, which are decided in one place here.

    Made by Kiota's factory: the transport of msgraph_core's never closes its connections, and its
    one middleware more tells Microsoft the name and version of the operating system.
    HTTP/1.1: one request at a time gains nothing from HTTP/2, whose framing costs more than the
    rest of the reading. Proxies and authorities of the environment hold, but not for the loopback.
    """
    client = made(
        lambda: httpx.AsyncClient(
            transport=transport,
            timeout=httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS),
            trust_env=not address.loopback,
            headers={
                "Accept-Encoding": "gzip",
                "User-Agent": f"hybrid-onboarding-auditor/{__version__}",
            },
        )
    )
    return KiotaClientFactory.create_with_custom_middleware([_Gate(address)], client=client)


async def _whole(response: httpx.Response, limit: int) -> bytes:
    """The body, unpacked, of `limit` bytes at most."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip"}:
        raise httpx.DecodingError("a content encoding that was not asked for")
    body = BoundedBody(limit, packed=encoding == "gzip")
    try:
        async for chunk in _chunks(response):
            body.add(chunk)
        return body.whole()
    except TooLarge:
        raise _Unusable(Breakage("too_large", f"{limit // (1024 * 1024)} MB")) from None
    except Damaged:
        raise httpx.DecodingError("a body that is not packed as it says") from None
    except CutShort:
        raise httpx.RemoteProtocolError("a packed body without its end") from None


def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    stream = response.stream
    if not isinstance(stream, httpx.AsyncByteStream):
        raise TypeError("an asynchronous transport is needed")
    return aiter(stream)


def _refusal(problem: APIError, token: str) -> Refusal:
    headers = problem.response_headers or {}
    inner = problem.error if isinstance(problem, ODataError) else None
    return Refusal(
        status=problem.response_status_code or 0,
        code=error_code(inner.code if inner else None, token),
        message=in_one_line(inner.message if inner else None, token),
        request_id=error_code(headers.get("request-id"), token),
        retry_after=headers.get("retry-after", ""),
    )


def _breakage(problem: Exception) -> Breakage:
    found = no_answer(problem)
    detail = found.detail or ("" if found.kind == "timeout" else type(problem).__name__)
    return Breakage(found.kind, detail)
