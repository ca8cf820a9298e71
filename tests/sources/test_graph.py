"""Reading Microsoft Graph over a real connection: paging, addresses, and what may leave."""

from __future__ import annotations

import ast
import base64
import gzip
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import auditor
from auditor.errors import (
    AccessDenied,
    AnswerCutShort,
    InputRefused,
    SourceError,
    SourceUnreachable,
    UnexpectedAnswer,
)
from auditor.sources import graph as graph_module
from auditor.sources import graph_transport
from auditor.sources.cloud_sign_in import CLOUDS
from auditor.sources.graph import Graph, path_of
from auditor.sources.graph_address import GraphAddress
from auditor.sources.graph_faults import BROKEN
from tests.support.admin_stub import AdminStub, Asked, Reply
from tests.support.certificates import certificates
from tests.support.graph_wire import (
    JSON,
    TOKEN,
    StaticCredential,
    User,
    UserPage,
    answer,
    error,
    graph_at,
    is_one_sentence,
    lab_cloud,
    read,
    users,
)

SOURCES = Path(auditor.__file__).parent / "sources"
WAYS_TO_SEND = {"post", "put", "patch", "delete", "request", "build_request"}
GRAPH = GraphAddress.of("https://graph.microsoft.com")


def linked(stub: AdminStub, token: str) -> str:
    return f"{stub.url}/v1.0/users?$skiptoken={token}"


def test_pages_follow_the_links_and_an_empty_page_is_not_the_end() -> None:
    with AdminStub([]) as stub, graph_at(stub) as graph:
        stub._answers = [
            users("a", "b", link=linked(stub, "1")),
            users(link=linked(stub, "2")),
            users("c"),
        ]
        assert read(graph) == ["a", "b", "c"]
        assert [(each.method, each.path) for each in stub.asked] == [
            ("GET", "/v1.0/users"),
            ("GET", "/v1.0/users?$skiptoken=1"),
            ("GET", "/v1.0/users?$skiptoken=2"),
        ]


def test_a_request_carries_the_token_and_encoded_parameters() -> None:
    with AdminStub([users("a")]) as stub:
        credential = StaticCredential()
        with graph_at(stub, credential=credential) as graph:
            filtered = {"$select": "id,mail", "$filter": "mail eq 'a+b&c@x'", "$top": "999"}
            list(graph.pages("/users", UserPage, filtered))
        asked = stub.asked[0]
        assert asked.path == (
            "/v1.0/users?$select=id,mail&$filter=mail%20eq%20'a%2Bb%26c%40x'&$top=999"
        )
        assert asked.headers["authorization"] == f"Bearer {TOKEN}"
        assert asked.headers["accept"] == "application/json"
        assert asked.headers["user-agent"].startswith("hybrid-onboarding-auditor/")
        assert credential.asked == [(("http://127.0.0.1/.default",), {})]


def test_null_and_absent_stay_two_things() -> None:
    document = {"id": "a", "mail": None, "unknown": 1}
    with AdminStub([answer(document)]) as stub, graph_at(stub) as graph:
        user = graph.one("/users/a", User)
    assert (user.mail, user.account_enabled) == (None, None)
    assert user.model_fields_set == {"id", "mail"}


def test_one_connection_serves_every_read_and_is_closed() -> None:
    with AdminStub(lambda _: answer({"id": "a"})) as stub:
        with graph_at(stub) as graph:
            assert graph.one("/me", User) == User(id="a")
            first = graph._connection
            assert graph.one("/me", User) == User(id="a")
            assert graph._connection is first
            graph.close()
            assert graph.one("/me", User) == User(id="a")
            assert graph._connection is not first
        assert graph._connection is None


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1.0/users",
        "{url}.evil.example/v1.0/users",
        "http://127.0.0.1:1/v1.0/users",
        "https://127.0.0.1/v1.0/users",
        "{url}/beta/users",
        "{url}/v1.0/../beta/users",
        "{url}/v1.0/%2e%2E/beta/users",
        "{url}/v1.0evil/users",
        "http://user:password@127.0.0.1/v1.0/users",
        "//evil.example/v1.0/users",
        "/v1.0/users?$skiptoken=1",
        "http://[::1",
        "{url}/v1.0/users?$skiptoken=\x01",
        "{url}/v1.0/users?$skiptoken=\x7f",
        "",
    ],
)
def test_a_link_that_leaves_the_service_ends_the_answer_and_no_token_follows_it(link: str) -> None:
    with AdminStub([]) as stub, graph_at(stub) as graph:
        stub._answers = [users("a", link=link.replace("{url}", stub.url) or " ")]
        pages = graph.pages("/users", UserPage)
        assert [user.id for user in next(pages).value] == ["a"]
        with pytest.raises(AnswerCutShort, match="leads away from this service") as caught:
            next(pages)
        assert is_one_sentence(str(caught.value))
        assert len(stub.asked) == 1


def test_a_link_that_repeats_ends_the_answer() -> None:
    with AdminStub([]) as stub, graph_at(stub) as graph:
        stub._answers = [
            users("a", link=linked(stub, "1")),
            users("b", link=linked(stub, "2")),
            users("c", link=linked(stub, "1")),
        ]
        pages = graph.pages("/users", UserPage)
        assert [user.id for page in (next(pages), next(pages), next(pages)) for user in page.value]
        with pytest.raises(AnswerCutShort, match="repeats an earlier one"):
            next(pages)
        assert len(stub.asked) == 3


def test_pages_without_end_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_module, "MOST_PAGES", 5)
    with AdminStub([]) as stub, graph_at(stub) as graph:
        stub._answers = lambda _: users(link=linked(stub, str(len(stub.asked))))
        with pytest.raises(AnswerCutShort, match="gave 5 pages and has more"):
            read(graph)
        assert len(stub.asked) == 5


def test_a_packed_answer_is_unpacked() -> None:
    body = gzip.compress(json.dumps({"id": "a"}).encode())
    reply = Reply(200, body, {**JSON, "Content-Encoding": "gzip"})
    with AdminStub([reply]) as stub, graph_at(stub) as graph:
        assert graph.one("/me", User) == User(id="a")
        assert stub.asked[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize("packed", [True, False])
def test_an_answer_without_end_is_not_kept(packed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_transport, "LARGEST_PAGE", 3 * 1024 * 1024)
    body = b'{"id": "' + b"a" * (4 * 1024 * 1024) + b'"}'
    headers = {**JSON, **({"Content-Encoding": "gzip"} if packed else {})}
    reply = Reply(200, gzip.compress(body) if packed else body, headers)
    said = pytest.raises(UnexpectedAnswer, match="more than 3 MB")
    with AdminStub([reply]) as stub, graph_at(stub) as graph, said:
        graph.one("/me", User)


def test_what_stands_behind_a_packed_answer_is_not_gathered() -> None:
    body = gzip.compress(b'{"id": "a"}') + b"more"
    replies = [Reply(200, body, {**JSON, "Content-Encoding": "gzip"})] * BROKEN
    said = pytest.raises(SourceUnreachable, match="broke off")
    with AdminStub(replies) as stub, graph_at(stub) as graph, said:
        graph.one("/me", User)


def test_an_error_that_is_no_error_of_graph_is_not_taken_apart() -> None:
    details = b"[]," * 40_000
    body = b'{"error": {"code": "c", "message": "m", "details": [' + details + b"[]]}}"
    said = pytest.raises(UnexpectedAnswer, match=r"\(HTTP 400, request req-1\)")
    with AdminStub([Reply(400, body, JSON)]) as stub, graph_at(stub) as graph, said:
        graph.one("/me", User)


@pytest.mark.parametrize("name", ["Retry-After", "request-id", "Content-Type"])
def test_a_header_that_is_no_ascii_does_not_end_the_program(name: str) -> None:
    # a digit by its name in Unicode, and none of a number
    busy = Reply(429, b"", {**JSON, name: "\xb2"})
    with AdminStub([busy, users("a")]) as stub, graph_at(stub) as graph:
        assert read(graph) == ["a"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with AdminStub([users("never")]) as elsewhere:
        reply = Reply(status, b"<html>moved</html>", {"Location": f"{elsewhere.url}/v1.0/users"})
        said = pytest.raises(UnexpectedAnswer, match=f"HTTP {status}")
        with AdminStub([reply]) as stub, graph_at(stub) as graph, said:
            read(graph)
        assert elsewhere.asked == []


def test_a_claims_challenge_is_answered_once_with_the_claims() -> None:
    claims = base64.urlsafe_b64encode(b'{"access_token":{"nbf":{"essential":true}}}').decode()
    challenge = f'Bearer realm="", error="insufficient_claims", claims="{claims.rstrip("=")}"'
    refusal = error(401, "InvalidAuthenticationToken", WWW_Authenticate=challenge)
    credential = StaticCredential()
    replies = [refusal, answer({"id": "a"}), refusal, refusal]
    with AdminStub(replies) as stub, graph_at(stub, credential=credential) as graph:
        assert graph.one("/me", User) == User(id="a")
        assert [options.get("claims") for _, options in credential.asked] == [
            None,
            '{"access_token":{"nbf":{"essential":true}}}',
        ]
        with pytest.raises(AccessDenied, match="wants another sign-in") as caught:
            graph.one("/me", User)
        assert is_one_sentence(str(caught.value))
        assert len(stub.asked) == 4


@pytest.mark.parametrize("claims", ["%%%", "gICA", "A"])
def test_claims_that_nobody_can_read_are_a_plain_refusal(claims: str) -> None:
    challenge = f'Bearer error="insufficient_claims", claims="{claims}"'
    refusal = error(401, "InvalidAuthenticationToken", WWW_Authenticate=challenge)
    said = pytest.raises(AccessDenied, match="did not take")
    with AdminStub([refusal]) as stub, graph_at(stub) as graph, said:
        graph.one("/me", User)


@pytest.mark.parametrize(
    "path",
    ["users", "/users?x=1", "/users#x", "//users", "/a/../b", "/a/%2e%2E/b", "/a b", "/ü", "", "/"],
)
def test_what_is_no_path_is_refused_before_anything_is_sent(path: str) -> None:
    with AdminStub([]) as stub, graph_at(stub) as graph:
        with pytest.raises(ValueError, match="no path"):
            graph.pages(path, UserPage)
        with pytest.raises(ValueError, match="no path"):
            graph.one(path, User)
        assert stub.asked == []


@given(st.text(min_size=1).filter(lambda text: text not in {".", ".."}))
def test_a_name_of_the_tenant_stays_one_segment_of_the_path(name: str) -> None:
    try:
        path = path_of("domains", name, "federationConfiguration")
    except UnicodeEncodeError:  # half a surrogate pair is in no name
        return
    url = GRAPH.url(path, {})
    assert url.startswith("https://graph.microsoft.com/v1.0/domains/")
    assert url.count("/") == 6
    assert GRAPH.holds(url)


@given(st.text())
def test_no_text_makes_a_link_of_another_host_our_own(tail: str) -> None:
    assert not GRAPH.holds(f"https://evil.example/{tail}")
    assert not GRAPH.holds(f"https://evil.example{tail}@graph.microsoft.com/v1.0/users")
    assert not GRAPH.holds(f"http://graph.microsoft.com/v1.0/{tail}")


def test_every_cloud_has_its_own_address_and_scope() -> None:
    found = {name: GraphAddress.of(cloud.graph_url) for name, cloud in CLOUDS.items()}
    assert {name: (each.base, each.scope) for name, each in found.items()} == {
        "global": ("https://graph.microsoft.com/v1.0", "https://graph.microsoft.com/.default"),
        "gcchigh": ("https://graph.microsoft.us/v1.0", "https://graph.microsoft.us/.default"),
        "dod": ("https://dod-graph.microsoft.us/v1.0", "https://dod-graph.microsoft.us/.default"),
        "china": (
            "https://microsoftgraph.chinacloudapi.cn/v1.0",
            "https://microsoftgraph.chinacloudapi.cn/.default",
        ),
    }
    assert not any(each.loopback for each in found.values())


@pytest.mark.parametrize(
    "url",
    [
        "http://graph.microsoft.com",
        "http://10.0.0.1",
        "ftp://graph.microsoft.com",
        "https://graph.microsoft.com/v1.0",
        "https://user@graph.microsoft.com",
        "https://",
        "graph.microsoft.com",
    ],
)
def test_a_cloud_that_is_no_https_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"no address|unencrypted"):
        Graph(lab_cloud(url), StaticCredential())


@pytest.mark.parametrize("url", ["http://127.0.0.1:8770", "http://localhost:1", "http://[::1]:99"])
def test_plain_http_is_for_the_loopback(url: str) -> None:
    address = GraphAddress.of(url)
    assert address.loopback
    assert address.base == f"{url}/v1.0"


def test_the_proxy_of_the_environment_is_not_asked_for_the_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with AdminStub([]) as proxy, AdminStub([answer({"id": "a"})]) as stub, graph_at(stub) as graph:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        assert graph.one("/me", User) == User(id="a")
        assert proxy.asked == []


def test_elsewhere_the_proxy_of_the_environment_holds_and_its_password_is_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with AdminStub([]) as proxy:  # it does not know CONNECT, and says 501
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//me:proxy-password@"))
        graph = Graph(CLOUDS["global"], StaticCredential(), sleep=lambda _: None)
        with graph, pytest.raises(SourceError) as caught:
            read(graph)
    assert str(caught.value) == (
        "/users at graph.microsoft.com: the proxy did not let the connection through; check "
        "HTTPS_PROXY and what the proxy allows."
    )


def test_a_proxy_that_cannot_be_used_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://me:proxy-password@proxy.example:1")
    graph = Graph(CLOUDS["global"], StaticCredential())
    with pytest.raises(InputRefused) as caught:
        read(graph)
    assert is_one_sentence(str(caught.value))
    assert "password" not in str(caught.value)


def test_authorities_that_cannot_be_read_are_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "absent.pem"))
    graph = Graph(CLOUDS["global"], StaticCredential())
    with pytest.raises(InputRefused, match="SSL_CERT_FILE") as caught:
        read(graph)
    assert is_one_sentence(str(caught.value))


def test_a_server_nobody_vouches_for_gets_no_token(tmp_path: Path) -> None:
    with AdminStub([answer({"id": "a"})], certificates(tmp_path, "127.0.0.1")) as stub:
        with graph_at(stub) as graph, pytest.raises(SourceError) as caught:
            graph.one("/me", User)
        assert stub.asked == []
    assert "the certificate of the server is not trusted (" in str(caught.value)
    assert "SSL_CERT_FILE" in str(caught.value)
    assert is_one_sentence(str(caught.value))


def test_only_get_can_be_asked_for() -> None:
    """Each method that the Graph modules name is GET, and one call alone sends anything."""
    methods, sends = set(), set()
    for path in SOURCES.glob("graph*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                if isinstance(node.value, ast.Name) and node.value.id == "Method":
                    methods.add(node.attr)
                if node.attr.startswith("send_") or node.attr in WAYS_TO_SEND:
                    sends.add(node.attr)
    assert methods == {"GET"}
    assert sends == {"send_primitive_async"}


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "PUT"])
def test_the_gate_lets_nothing_else_out(method: str) -> None:
    with AdminStub([]) as stub, graph_at(stub) as graph:
        connection = graph_transport.GraphConnection(graph._address)
        request = connection._client.build_request(
            method, f"{stub.url}/v1.0/users", extensions={"kiota_request_options": {}}
        )
        with pytest.raises(RuntimeError, match=f"{method} to 127.0.0.1 may not leave"):
            connection._runner.run(connection._client.send(request))
        elsewhere = httpx.Request(
            "GET", "http://127.0.0.1:1/v1.0/users", extensions={"kiota_request_options": {}}
        )
        with pytest.raises(RuntimeError, match="may not leave"):
            connection._runner.run(connection._client.send(elsewhere))
        connection.close()
        assert stub.asked == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_ends_a_read_at_once() -> None:
    asked, release = threading.Event(), threading.Event()

    def hang(_: Asked) -> Reply:
        asked.set()
        release.wait(30)
        return Reply(503)

    program = """
        import sys
        from tests.support.graph_wire import StaticCredential, lab_cloud, read
        from auditor.sources.graph import Graph
        try:
            with Graph(lab_cloud(sys.argv[1]), StaticCredential()) as graph:
                read(graph)
        except KeyboardInterrupt:
            sys.exit(66)
    """
    with (
        AdminStub(hang) as stub,
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(program), stub.url],
            cwd=Path(auditor.__file__).parents[1],
            stderr=subprocess.PIPE,
        ) as child,
    ):
        try:
            assert asked.wait(30)
            os.kill(child.pid, signal.SIGINT)
            _, said = child.communicate(timeout=20)
            assert (child.returncode, said) == (66, b"")
        finally:
            release.set()
            child.kill()
