"""What msgraph-sdk and Kiota do, as far as the Graph source builds on it or avoids it.

A failure here after an upgrade is news: the source may be simplified, or must change.
"""

from __future__ import annotations

import asyncio
import importlib
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.core.credentials import AccessToken
from kiota_abstractions.api_error import APIError
from kiota_abstractions.authentication.anonymous_authentication_provider import (
    AnonymousAuthenticationProvider,
)
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from kiota_http.kiota_client_factory import KiotaClientFactory
from kiota_http.middleware import AsyncKiotaTransport
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_service_client import GraphServiceClient

import auditor

BASE = "http://127.0.0.1:9/v1.0"
SCOPES = ["https://graph.microsoft.com/.default"]
HEAVY = ("msgraph", "kiota_", "azure", "msal", "httpx", "opentelemetry")
Handler = Callable[[httpx.Request], httpx.Response]


class Synchronous:
    """A credential without an event loop."""

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken("a-token", int(time.time()) + 3600)


def adapter_for(handler: Handler, provider: Any = None, *, default: bool = False) -> Any:
    """The SDK's adapter above a transport of the test; `default`: with its own middleware."""
    client = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    factory = KiotaClientFactory()
    client = (
        factory.create_with_default_middleware(client)
        if default
        else factory.create_with_custom_middleware([], client)
    )
    adapter = GraphRequestAdapter(provider or AnonymousAuthenticationProvider(), client)
    adapter.base_url = BASE
    GraphServiceClient(request_adapter=adapter)
    return adapter


def got(adapter: Any, url: str = f"{BASE}/users") -> Any:
    request = RequestInformation(Method.GET)
    request.url = url
    sent: Coroutine[Any, Any, Any] = adapter.send_primitive_async(
        request, "bytes", {"XXX": ODataError}
    )
    return asyncio.run(sent)


def tokens_sent(url: str, **options: Any) -> list[str | None]:
    seen = []

    def note(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("authorization"))
        return httpx.Response(200, json={})

    got(adapter_for(note, AzureIdentityAuthenticationProvider(Synchronous(), **options)), url)
    return seen


def test_a_synchronous_credential_is_taken() -> None:
    assert tokens_sent(f"{BASE}/users", scopes=SCOPES) == ["Bearer a-token"]


def test_a_token_that_is_no_access_token_is_left_out_without_a_word() -> None:
    class Other(Synchronous):
        def get_token(self, *_scopes: str, **_options: Any) -> Any:
            return "a-token"

    seen = []

    def note(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("authorization"))
        return httpx.Response(200, json={})

    got(adapter_for(note, AzureIdentityAuthenticationProvider(Other(), scopes=SCOPES)))
    assert seen == [None]


def test_without_a_list_of_hosts_the_token_goes_to_any() -> None:
    elsewhere = "https://evil.example/x"
    assert tokens_sent(elsewhere, scopes=SCOPES) == ["Bearer a-token"]
    allowed = ["graph.microsoft.com"]
    assert tokens_sent(elsewhere, scopes=SCOPES, allowed_hosts=allowed) == [None]


@pytest.mark.parametrize("status", [500, 502])
def test_the_middleware_of_the_sdk_does_not_repeat_a_failure(status: int) -> None:
    asked = []

    def fail(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(status, json={"error": {"code": "c", "message": "m"}})

    with pytest.raises(APIError):
        got(adapter_for(fail, default=True))
    assert len(asked) == 1


def test_the_middleware_of_the_sdk_gives_up_where_three_minutes_are_asked_for() -> None:
    asked = []

    def throttle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(429, headers={"Retry-After": "180"}, json={})

    with pytest.raises(APIError):
        got(adapter_for(throttle, default=True))
    assert len(asked) == 1


def test_without_middleware_nothing_is_repeated_or_followed() -> None:
    asked = []

    def redirect(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(302, headers={"Location": "https://evil.example/"}, content=b"moved")

    assert got(adapter_for(redirect)) == b"moved"  # as if it were the answer: hence our own gate
    assert len(asked) == 1


def test_an_error_keeps_code_message_and_headers() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        error = {"error": {"code": "Authorization_RequestDenied", "message": "No."}}
        return httpx.Response(403, headers={"request-id": "r"}, json=error)

    with pytest.raises(ODataError) as caught:
        got(adapter_for(refuse))
    assert caught.value.error is not None
    assert (caught.value.error.code, caught.value.error.message) == (
        "Authorization_RequestDenied",
        "No.",
    )
    assert caught.value.response_status_code == 403
    assert (caught.value.response_headers or {})["request-id"] == "r"


def test_without_the_service_client_an_error_loses_its_code() -> None:
    """Run apart: the reader of JSON is registered for the whole process."""
    program = """
import asyncio, httpx
from kiota_abstractions.api_error import APIError
from kiota_abstractions.authentication.anonymous_authentication_provider import (
    AnonymousAuthenticationProvider)
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from kiota_http.kiota_client_factory import KiotaClientFactory
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.graph_request_adapter import GraphRequestAdapter
refuse = lambda _: httpx.Response(403, json={"error": {"code": "c", "message": "m"}})
client = httpx.AsyncClient(transport=httpx.MockTransport(refuse))
adapter = GraphRequestAdapter(AnonymousAuthenticationProvider(),
    KiotaClientFactory.create_with_custom_middleware([], client))
request = RequestInformation(Method.GET)
request.url = "http://127.0.0.1:9/v1.0/users"
try:
    asyncio.run(adapter.send_primitive_async(request, "bytes", {"XXX": ODataError}))
except APIError as error:
    print(isinstance(error, ODataError), error.__cause__)
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == (
        "False Content type application/json does not have a factory registered to be parsed"
    )


def test_the_transport_of_kiota_closes_what_is_below_and_that_of_graph_does_not() -> None:
    graph_factory = importlib.import_module("msgraph_core").GraphClientFactory
    closed = []

    class Below(httpx.AsyncBaseTransport):
        async def aclose(self) -> None:
            closed.append(self)

    def close(factory: Any) -> None:
        client = factory.create_with_custom_middleware(
            [], client=httpx.AsyncClient(transport=Below())
        )
        asyncio.run(client.aclose())

    close(KiotaClientFactory)
    assert len(closed) == 1
    close(graph_factory)
    assert len(closed) == 1
    assert hasattr(AsyncKiotaTransport, "aclose")


RULES_CHECK = """
import contextlib, sys
import auditor.cli
sys.argv = ["auditor", "rules", "check", sys.argv[1]]
with contextlib.suppress(SystemExit):
    auditor.cli.main()
"""


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("import auditor", ""),
        ("import auditor.cli", ""),
        ("import auditor.sources.graph, auditor.sources.cloud_sign_in", ""),
        (RULES_CHECK, "1 rules checked"),
    ],
)
def test_nothing_of_the_sdk_is_imported_before_something_is_read(
    program: str, says: str, tmp_path: Path
) -> None:
    root = Path(auditor.__file__).parents[1]
    shipped = root / "rules" / "domains" / "dom-federated-people-sign-in-at-microsoft.yaml"
    own = shipped.read_text(encoding="utf-8").replace("id: DOM-", "id: OWN-", 1)
    (tmp_path / "own-federated-people-sign-in.yaml").write_text(own, encoding="utf-8")
    loaded = f"print(sorted(n for n in sys.modules if n.startswith({HEAVY!r})))"
    run = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys\n{loaded}", str(tmp_path)],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip().splitlines()[-1] == "[]"
    assert says in run.stdout


def test_no_model_of_the_sdk_but_the_error_is_imported_by_reading() -> None:
    program = """
import sys
from tests.support.admin_stub import AdminStub
from tests.support.graph_wire import graph_at, read, users
with AdminStub([users("a")]) as stub, graph_at(stub) as graph:
    assert read(graph) == ["a"]
models = "msgraph.generated.models."
print({n.removeprefix(models).split(".")[0] for n in sys.modules if n.startswith(models)})
"""
    root = Path(auditor.__file__).parents[1]
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "{'o_data_errors'}"
