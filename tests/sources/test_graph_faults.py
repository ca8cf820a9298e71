"""Whatever Graph refuses or fails to do ends in the right error, one sentence, and no token."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import threading
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import (
    AccessDenied,
    AnswerCutShort,
    CommandUnsupported,
    SourceError,
    SourceUnreachable,
    UnexpectedAnswer,
)
from auditor.sources.cloud_sign_in import Cloud
from auditor.sources.graph import Graph
from auditor.sources.graph_faults import in_one_line
from auditor.verdicts import Cause
from tests.support.admin_stub import AdminStub, Asked, Reply
from tests.support.graph_wire import (
    JSON,
    TOKEN,
    Clock,
    StaticCredential,
    StaticToken,
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

PREMIUM = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
INTUNE = (
    '{"ErrorCode":"BadRequest","Message":"{\\r\\n  \\"_version\\": 3,\\r\\n  \\"Message\\": '
    '\\"Request not applicable to target tenant. - Operation ID: 1\\"\\r\\n}"}'
)
BROKER = "Rate limit reached because of too many requests to query broker"


def fault_of(*replies: Reply, path: str = "/users", clock: Clock | None = None) -> SourceError:
    """What reading raises; the last reply is repeated without end."""
    left = list(replies)

    def next_reply(_: Asked) -> Reply:
        return left.pop(0) if len(left) > 1 else left[0]

    caught = pytest.raises(SourceError)
    with AdminStub(next_reply) as stub, graph_at(stub, clock) as graph, caught as found:
        read(graph, path)
    fault = found.value
    assert is_one_sentence(str(fault)), fault
    assert fault.__cause__ is None
    assert fault.__context__ is None
    return fault


@pytest.mark.parametrize(
    ("status", "code", "message", "expected", "words"),
    [
        (401, "InvalidAuthenticationToken", "Expired.", AccessDenied, "sign in again"),
        (403, "Authorization_RequestDenied", "No.", AccessDenied, "`auditor permissions`"),
        (403, "accessDenied", "Scopes are missing.", AccessDenied, "`auditor permissions`"),
        (403, "", "", AccessDenied, "(HTTP 403, request req-1)"),
        (403, PREMIUM, "No licence.", CommandUnsupported, "Entra ID P1 or P2"),
        (403, "UnknownError", INTUNE, CommandUnsupported, "licence for Intune"),
        (400, "BadRequest", INTUNE, CommandUnsupported, "licence for Intune"),
        (404, "BadRequest", INTUNE, CommandUnsupported, "licence for Intune"),
        (403, "Forbidden", "Your tenant is not licensed for this feature.", CommandUnsupported, ""),
        (404, "Request_ResourceNotFound", "x", CommandUnsupported, "in this cloud or tenant"),
        (
            400,
            "BadRequest",
            "Resource not found for the segment 'identity'.",
            CommandUnsupported,
            "Resource not found for the segment 'identity'",
        ),
        (
            400,
            "BadRequest",
            "Could not find a property named 'x' on type 'microsoft.graph.user'.",
            CommandUnsupported,
            "a property named 'x'",
        ),
        (400, "Request_BadRequest", "Bad filter.", UnexpectedAnswer, "a fault of the auditor"),
        (405, "", "", UnexpectedAnswer, "a fault of the auditor"),
        (501, "NotImplemented", "", SourceUnreachable, "kept failing"),
    ],
)
def test_a_refusal_becomes_its_error_at_once(
    status: int, code: str, message: str, expected: type[SourceError], words: str
) -> None:
    clock = Clock()
    fault = fault_of(error(status, code, message), clock=clock)
    assert type(fault) is expected
    assert fault.code == code
    assert words in str(fault)
    assert str(fault).startswith("/users at 127.0.0.1")
    assert clock.pauses == []


@pytest.mark.parametrize("status", [429, 503, 504, 500, 502])
def test_what_passes_is_waited_for(status: int) -> None:
    clock = Clock()
    replies = [error(status, "x", "y", Retry_After="7"), error(status), users("a")]
    with AdminStub(replies) as stub, graph_at(stub, clock) as graph:
        assert read(graph) == ["a"]
    assert clock.pauses == [7.0, 1.0]


def test_three_minutes_and_more_are_waited_for_if_patience_lasts() -> None:
    clock = Clock()
    replies = [error(429, Retry_After="400"), users("a")]
    with AdminStub(replies) as stub, graph_at(stub, clock) as graph:
        assert read(graph) == ["a"]
    assert clock.pauses == [400.0]


def test_a_service_that_asks_for_more_than_patience_is_told_of_at_once() -> None:
    clock = Clock()
    fault = fault_of(error(429, "TooManyRequests", "Slow down", Retry_After="1800"), clock=clock)
    assert type(fault) is SourceUnreachable
    assert str(fault) == (
        "/users at 127.0.0.1: the service is busy and wants to be left alone for 1800 s, more than "
        "is left of the 900 s this run waits for one answer (HTTP 429, TooManyRequests: Slow down, "
        "request req-1); collect it again later."
    )
    assert clock.pauses == []


def test_a_service_that_stays_busy_is_given_up() -> None:
    clock = Clock()
    fault = fault_of(error(429, "TooManyRequests", Retry_After="1"), clock=clock)
    assert type(fault) is SourceUnreachable
    assert "stayed busy" in str(fault)
    assert clock.pauses == [1.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0]


@pytest.mark.parametrize(("message", "pauses"), [(BROKER, 11), ("An error has occurred", 5)])
def test_intune_calls_throttling_an_internal_error(message: str, pauses: int) -> None:
    clock = Clock()
    fault = fault_of(error(500, "InternalServerError", message), clock=clock)
    assert type(fault) is SourceUnreachable
    assert len(clock.pauses) == pauses


def test_pauses_of_one_answer_together_do_not_exceed_patience() -> None:
    clock = Clock()
    fault = fault_of(error(503, Retry_After="350"), clock=clock)
    assert type(fault) is SourceUnreachable
    assert clock.pauses == [350.0, 350.0]


def test_a_read_ends_at_its_deadline_though_every_page_comes() -> None:
    clock = Clock()

    def slowly(asked: Asked) -> Reply:
        clock.now += 100
        return users("a", link=f"http://{asked.headers['host']}/v1.0/users?$skiptoken={clock.now}")

    ended = pytest.raises(AnswerCutShort, match="gave 10 pages within 950 s and has more")
    with AdminStub(slowly) as stub, graph_at(stub, clock, deadline=950.0) as graph, ended as found:
        read(graph)
    assert is_one_sentence(str(found.value))


@pytest.mark.parametrize(
    ("refusal", "cause"),
    [
        (error(403, "Authorization_RequestDenied"), Cause.PARTIAL),
        (error(401, "InvalidAuthenticationToken"), Cause.PARTIAL),
        (error(500), Cause.PARTIAL),
        (error(429, Retry_After="9999"), Cause.PARTIAL),
        (error(503), Cause.PARTIAL),
        (error(400, "Directory_ExpiredPageToken", "The page token has expired."), Cause.PARTIAL),
        (answer({"value": [{"id": 1}]}), Cause.UNEXPECTED_ANSWER),
    ],
)
def test_after_some_pages_the_answer_is_cut_short_and_they_are_kept(
    refusal: Reply, cause: Cause
) -> None:
    with AdminStub([]) as stub, graph_at(stub) as graph:
        first = users("a", link=f"{stub.url}/v1.0/users?$skiptoken=1")
        stub._answers = lambda _: first if len(stub.asked) == 1 else refusal
        pages = graph.pages("/users", UserPage)
        assert [user.id for user in next(pages).value] == ["a"]
        with pytest.raises(SourceError) as caught:
            next(pages)
    assert caught.value.cause is cause
    assert is_one_sentence(str(caught.value))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"value": [{"id": "a"}, {"id": 5}]}, "value[1].id is not what Graph documents"),
        ({"value": [{"mail": "a"}]}, "value[0].id is not what Graph documents (Field required)"),
        ({"value": [{"id": "a", "accountEnabled": "true"}]}, "value[0].accountEnabled is not"),
        ({"value": None}, "value is not what Graph documents"),
        ({"error": {"code": "x"}}, "value is not what Graph documents (Field required)"),
        ({"value": [], "@odata.nextLink": 5}, "@odata.nextLink is not what Graph documents"),
        ([], "the answer is not what Graph documents"),
    ],
)
def test_what_does_not_fit_is_named(document: object, words: str) -> None:
    fault = fault_of(answer(document))
    assert type(fault) is UnexpectedAnswer
    assert words in str(fault)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<!DOCTYPE html><html>Sign in</html>", "answered with a web page instead of data"),
        (b"nothing of the kind", "something that is no JSON"),
        (b'{"value": [\xff]}', "something that is no JSON"),
        (b"[" * 5000 + b"]" * 5000, "something that is no JSON"),
        (b"", "answered without any content"),
    ],
)
def test_what_is_no_json_is_said_so(body: bytes, words: str) -> None:
    fault = fault_of(Reply(200, body, JSON))
    assert type(fault) is UnexpectedAnswer
    assert words in str(fault)


@pytest.mark.parametrize("cut", [0, 1, 30])
def test_a_body_that_broke_off_is_asked_for_again(cut: int) -> None:
    whole = users("a")
    replies = [Reply(200, whole.body, whole.headers, cut=cut), whole]
    with AdminStub(replies) as stub, graph_at(stub) as graph:
        assert read(graph) == ["a"]
        assert len(stub.asked) == 2


def test_json_that_ends_in_the_middle_is_asked_for_again() -> None:
    whole = users("a")
    with AdminStub([Reply(200, whole.body[:-5], JSON), whole]) as stub, graph_at(stub) as graph:
        assert read(graph) == ["a"]


def test_a_packed_body_that_broke_off_is_asked_for_again() -> None:
    whole = users("a")
    packed = Reply(200, gzip.compress(whole.body)[:-9], {**JSON, "Content-Encoding": "gzip"})
    with AdminStub([packed, whole]) as stub, graph_at(stub) as graph:
        assert read(graph) == ["a"]


def test_bodies_that_keep_breaking_off_are_given_up() -> None:
    clock = Clock()
    fault = fault_of(Reply(200, users("a").body, JSON, cut=9), clock=clock)
    assert type(fault) is SourceUnreachable
    assert "broke off in the middle of an answer" in str(fault)
    assert clock.pauses == [0.5, 1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(403, b"<html>blocked</html>", {"Content-Type": "text/html"}),
        Reply(403, b"\0" * 4096, {**JSON, "Content-Encoding": "gzip"}),
        Reply(403, b'{"error": "text"}', JSON),
        Reply(403, b'{"error": {"code": 5, "message": ["x"]}}', JSON),
        Reply(403, b"[" * 50_000, JSON),
        Reply(403, b"", {}),
        Reply(403, b"{}" * 1_000_000, JSON),
    ],
)
def test_an_error_page_that_nobody_can_read_keeps_its_status(reply: Reply) -> None:
    fault = fault_of(reply)
    assert type(fault) is AccessDenied
    assert "HTTP 403" in str(fault)


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    clock = Clock()
    cloud = lab_cloud(f"http://127.0.0.1:{port}")
    caught = pytest.raises(SourceUnreachable, match="cannot be connected to")
    with Graph(cloud, StaticCredential(), sleep=clock.sleep, clock=clock) as graph, caught as found:
        read(graph)
    assert clock.pauses == [0.5, 1.0, 2.0, 4.0]
    assert is_one_sentence(str(found.value))


def test_a_server_that_never_answers_ends_with_patience() -> None:
    release = threading.Event()

    def hang(_: Asked) -> Reply:
        release.wait(30)
        return users("a")

    caught = pytest.raises(SourceUnreachable, match="did not answer in time")
    with AdminStub(hang) as stub:
        clock = Clock()
        with graph_at(stub, clock, patience=1.0) as graph, caught as found:
            read(graph)
        release.set()
    assert is_one_sentence(str(found.value))


def test_the_tenant_is_named_where_it_is_known() -> None:
    with AdminStub([error(403)]) as stub:
        caught = pytest.raises(AccessDenied, match=r"^/me at 127\.0\.0\.1 for tenant contoso\.com")
        with graph_at(stub, tenant="contoso.com") as graph, caught:
            graph.one("/me", User)


def test_a_sign_in_that_is_refused_is_passed_on() -> None:
    class Refusing:
        def get_token(self, *_: str, **__: Any) -> StaticToken:
            raise AccessDenied("Sign-in is refused.")

    cloud = Cloud("lab", "login.example", "http://127.0.0.1:1", "")
    refused = pytest.raises(AccessDenied, match=r"^Sign-in is refused\.$")
    with Graph(cloud, Refusing(), sleep=lambda _: None) as graph, refused:
        read(graph)


@pytest.mark.parametrize(
    "message",
    [
        f"You sent Authorization: Bearer {TOKEN} and that is wrong",
        f"token={TOKEN}",
        json.dumps({"Message": TOKEN}),
        "A foreign token: eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJncmFwaCJ9.c2lnbmF0dXJl is wrong",
    ],
)
def test_a_token_that_the_service_sends_back_is_shown_nowhere(
    message: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for refusal in (error(status, TOKEN, message) for status in (401, 403, 400)):
        caught = pytest.raises(SourceError)
        with AdminStub([refusal]) as stub, graph_at(stub) as graph, caught as found:
            read(graph)
        told = "".join(traceback.format_exception(found.value)) + repr(graph) + caplog.text
        assert "eyJ" not in told
        assert "nobody-may-see" not in told
        assert TOKEN not in found.value.code


@given(st.text())
def test_a_service_cannot_write_more_than_one_line(text: str) -> None:
    line = in_one_line(text)
    assert line.isprintable()
    assert len(line) <= 201
    assert "  " not in line
