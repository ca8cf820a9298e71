"""Whatever goes wrong at the admin endpoint ends in the right cause and one sentence."""

from __future__ import annotations

import base64
import gzip
import json
import logging
import socket
import time
import traceback
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import (
    AccessDenied,
    AnswerCutShort,
    CommandUnsupported,
    InputRefused,
    SourceError,
    SourceUnreachable,
    UnexpectedAnswer,
)
from auditor.sources.clixml import PsObject, PsValue
from auditor.sources.exchange_online import ExchangeOnline
from auditor.sources.exchange_online_records import USUAL_LIMITS
from auditor.sources.exchange_online_transport import PAUSES
from auditor.sources.json_bounds import MOST_VALUES
from auditor.sources.quoted import clause
from tests.support.admin_client import TOKEN, Credential, GivenToken, Naps, client
from tests.support.admin_stub import (
    INVOKE,
    AdminStub,
    Asked,
    Reply,
    failure,
    inner,
    packed,
    page,
)
from tests.support.certificates import certificates

NULS = Reply(403, b"\0" * 4096, {"Content-Encoding": "gzip"})
EXPORT = "export the cmdlet in an Exchange Online PowerShell window and import the file"
APPLICATION = (
    "grant the application Exchange.ManageAsApp with admin consent and a directory role such as "
    "Global Reader"
)
ACCOUNT = "give the account a directory role such as Global Reader and sign in again"
GLOBAL = "https://outlook.office365.com"


def refusal(source: ExchangeOnline, kind: type[SourceError]) -> str:
    """The sentence that asking ends in; it must be of exactly this kind."""
    with pytest.raises(SourceError) as error:
        list(source.stream("Get-MobileDevice"))
    assert type(error.value) is kind
    return str(error.value)


def answered(reply: Reply, kind: type[SourceError], anchor: str | None = None) -> str:
    """The sentence that an answer becomes, without the name of what was asked."""
    with AdminStub(lambda _: reply) as stub, client(stub.url, anchor=anchor) as source:
        said = refusal(source, kind)
        place = f"Get-MobileDevice on {source.host} "
    assert said.startswith(place)
    assert TOKEN not in said
    assert said.isprintable()
    return said.removeprefix(place)


# --- rights


def test_401_names_both_roles_that_an_application_needs() -> None:
    assert answered(failure(401, "Unauthorized."), AccessDenied) == (
        f"is not allowed to this sign-in (HTTP status 401, Unauthorized); {APPLICATION}."
    )


def test_401_without_a_body_tells_a_person_what_the_account_needs() -> None:
    assert answered(Reply(401), AccessDenied, "ann@contoso.com") == (
        f"is not allowed to this sign-in (HTTP status 401); {ACCOUNT}."
    )


def test_403_of_nul_bytes_that_claim_gzip_names_both_possibilities() -> None:
    assert answered(NULS, AccessDenied) == (
        "is refused without a reason (HTTP status 403), as Exchange Online does with a cmdlet "
        "that it does not know and with one that no role of the sign-in contains; "
        f"{APPLICATION}, or {EXPORT}."
    )


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        (
            b"Get-MobileDevice",
            "is refused without a reason (HTTP status 403), although Exchange Online lists it for "
            "this sign-in",
        ),
        (
            b"Get-Recipient",
            "is refused (HTTP status 403), and is not among the cmdlets that Exchange Online lists "
            "for this sign-in",
        ),
    ],
)
def test_after_a_preflight_403_says_whether_the_cmdlet_was_listed(listed: bytes, said: str) -> None:
    with AdminStub([packed(listed), NULS]) as stub, client(stub.url) as source:
        source.readable_cmdlets()
        assert refusal(source, AccessDenied) == (
            f"Get-MobileDevice on {source.host} {said}; {APPLICATION}, or {EXPORT}."
        )


@pytest.mark.parametrize(
    "reply",
    [
        failure(403, "Forbidden", **inner("The role is missing.")),
        failure(
            400, "Invalid Operation", **inner("The role is missing", "X.AccessDeniedException")
        ),
        failure(
            404,
            "Invalid Operation",
            details=[{"message": "|System.UnauthorizedAccessException|The role is missing."}],
        ),
    ],
)
def test_what_is_denied_with_a_reason_quotes_it(reply: Reply) -> None:
    assert answered(reply, AccessDenied) == f"is denied (The role is missing); {APPLICATION}."


# --- what the cmdlet itself says


@pytest.mark.parametrize(
    ("reply", "quoted"),
    [
        (
            failure(
                400,
                "Invalid Operation",
                **inner("The term 'Get-X' is not recognized as the name of a cmdlet, function."),
            ),
            "The term 'Get-X' is not recognized as the name of a cmdlet, function",
        ),
        (
            failure(404, "Invalid Operation", **inner("Nein", "X.CommandNotFoundException")),
            "Nein",
        ),
        (
            failure(
                400,
                "Invalid Operation",
                details=[{"code": "Client", "message": "|X.CommandNotFoundException|Nein."}],
            ),
            "Nein",
        ),
    ],
)
def test_a_cmdlet_that_does_not_exist_is_unsupported(reply: Reply, quoted: str) -> None:
    assert answered(reply, CommandUnsupported) == (
        f"does not exist for this sign-in ({quoted}); either Exchange Online has no such cmdlet, "
        f"or no role of the sign-in contains it: {APPLICATION}, or accept that this stays unknown."
    )


def test_a_parameter_that_is_not_taken_is_unsupported_and_named() -> None:
    text = "A parameter cannot be found that matches parameter name 'Foo'."
    barred = [{"message": f"|System.Management.Automation.ParameterBindingException|{text}"}]
    reply = failure(400, "Invalid Operation", details=barred)
    assert answered(reply, CommandUnsupported) == (
        f"does not take a parameter that was asked for ({text[:-1]}); {APPLICATION}, whose roles "
        f"include the parameter, or {EXPORT}."
    )


@pytest.mark.parametrize("status", [400, 404, 409])
@pytest.mark.parametrize(
    "parts",
    [
        inner("Something broke."),
        {"details": [{"message": "|System.Exception|Something broke."}]},
        {"details": [], **inner("|System.Exception|Something broke.")},
    ],
)
def test_the_reason_is_found_wherever_it_hides(status: int, parts: dict[str, object]) -> None:
    assert answered(failure(status, "Invalid Operation", **parts), UnexpectedAnswer) == (
        "failed in Exchange Online (Something broke); run it in an Exchange Online PowerShell "
        "window to see whether tenant or account is the reason."
    )


@pytest.mark.parametrize(
    ("error", "quoted"),
    [
        ("text", "without a reason"),
        ({}, "without a reason"),
        ([], "without a reason"),
        ({"message": 5, "details": {}, "innererror": []}, "without a reason"),
        ({"message": "m", "details": [5], "innererror": {"internalexception": 5}}, "m"),
        ({"message": "a\r\n\x1b[31m\u202eb\ud800" + "c" * 9_000}, "a [31m b " + "c" * 288 + "..."),
    ],
)
def test_an_error_of_any_shape_is_one_printable_sentence(error: object, quoted: str) -> None:
    reply = Reply(400, json.dumps({"error": error}).encode())
    assert answered(reply, UnexpectedAnswer) == (
        f"failed in Exchange Online ({quoted}); run it in an Exchange Online PowerShell window to "
        "see whether tenant or account is the reason."
    )


def test_an_error_with_status_200_is_no_empty_answer() -> None:
    body = {"error": {"message": "Invalid Operation", **inner("No", "X.AccessDeniedException")}}
    reply = packed(json.dumps(body).encode())
    assert answered(reply, AccessDenied) == f"is denied (No); {APPLICATION}."


def test_404_without_a_reason_points_to_tenant_and_cloud() -> None:
    assert answered(Reply(404, b"<html>"), SourceUnreachable) == (
        f"is not there (HTTP status 404); check tenant and cloud, or {EXPORT}."
    )


@pytest.mark.parametrize("status", [204, 206, 304, 400, 405, 410, 418])
def test_any_other_status_is_no_answer(status: int) -> None:
    assert answered(Reply(status), UnexpectedAnswer) == (
        f"was answered with HTTP status {status} and no reason; check tenant and cloud, or "
        f"{EXPORT}."
    )


# --- patience


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_service_is_asked_again_with_growing_pauses(status: int) -> None:
    naps = Naps()
    replies = [*[Reply(status)] * len(PAUSES), page({"Name": "a"})]
    with AdminStub(replies) as stub, client(stub.url, naps=naps) as source:
        assert [found["Name"] for found in source.stream("Get-MobileDevice")] == ["a"]
    assert naps.taken == list(PAUSES)
    assert len({asked.body for asked in stub.asked}) == 1
    assert len({asked.headers["client-request-id"] for asked in stub.asked}) == len(PAUSES) + 1


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (
            429,
            "was throttled for longer than this program waits (HTTP status 429, Slow down); "
            "collect it again later.",
        ),
        (
            500,
            "failed in Exchange Online (HTTP status 500, Slow down); collect it again later, or "
            f"{EXPORT}.",
        ),
        (
            503,
            "failed in Exchange Online (HTTP status 503, Slow down); collect it again later, or "
            f"{EXPORT}.",
        ),
    ],
)
def test_a_service_that_stays_busy_is_given_up(status: int, said: str) -> None:
    assert answered(failure(status, "Slow down"), SourceUnreachable) == said


def test_a_pause_that_the_service_names_is_kept() -> None:
    past = format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)
    replies = [
        Reply(429, headers={"Retry-After": "7"}),
        Reply(503, headers={"Retry-After": past}),
        Reply(429, headers={"Retry-After": "when we are ready"}),
        page(),
    ]
    naps = Naps()
    with AdminStub(replies) as stub, client(stub.url, naps=naps) as source:
        assert list(source.stream("Get-MobileDevice")) == []
    assert naps.taken == [7.0, PAUSES[1], PAUSES[2]]


def test_a_pause_longer_than_our_patience_is_not_waited_for_but_told() -> None:
    naps = Naps()
    replies = [
        Reply(429, headers={"Retry-After": "250"}),
        Reply(429, headers={"Retry-After": "51"}),
    ]
    with AdminStub(replies) as stub, client(stub.url, naps=naps) as source:
        said = refusal(source, SourceUnreachable)
    assert naps.taken == [250.0]
    assert said.endswith("(HTTP status 429); collect it again after 51 seconds.")


def test_a_date_far_ahead_is_a_pause_too_long() -> None:
    far = format_datetime(datetime.now(UTC) + timedelta(hours=3), usegmt=True)
    naps = Naps()
    reply = Reply(503, headers={"Retry-After": far})
    with AdminStub([reply]) as stub, client(stub.url, naps=naps) as source:
        refusal(source, SourceUnreachable)
    assert naps.taken == []


# --- the way there and back


def test_an_answer_that_breaks_off_is_asked_for_again() -> None:
    naps = Naps()
    whole = page({"Name": "a"})
    with AdminStub([replace(whole, cut=9), whole]) as stub, client(stub.url, naps=naps) as source:
        assert [found["Name"] for found in source.stream("Get-MobileDevice")] == ["a"]
    assert naps.taken == [PAUSES[0]]


def test_an_answer_that_always_breaks_off_is_given_up_after_three_repetitions() -> None:
    cut = replace(page({"Name": "a"}), cut=9)
    naps = Naps()
    with AdminStub(lambda _: cut) as stub, client(stub.url, naps=naps) as source:
        said = refusal(source, SourceUnreachable)
    assert said.endswith("broke off on the way; check the network, and collect it again.")
    assert naps.taken == list(PAUSES[:3])


def test_gzip_without_its_end_is_an_answer_in_part() -> None:
    half = gzip.compress(json.dumps({"value": [{"Name": "a" * 500}]}).encode())[:-12]
    reply = Reply(200, half, {"Content-Encoding": "gzip"})
    assert answered(reply, SourceUnreachable) == "came only in part; collect it again."


def test_nobody_listening_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    naps = Naps()
    with client(f"http://127.0.0.1:{port}", naps=naps) as source:
        assert refusal(source, SourceUnreachable) == (
            f"Get-MobileDevice on 127.0.0.1:{port} did not reach 127.0.0.1:{port}; check network, "
            "firewall and proxy here."
        )
    assert naps.taken == list(PAUSES[:3])


def test_a_certificate_that_is_not_trusted_is_not_asked_again(tmp_path: Path) -> None:
    naps = Naps()
    made = certificates(tmp_path, "127.0.0.1")
    with AdminStub([page()], made) as stub, client(stub.url, naps=naps) as source:
        said = refusal(source, SourceUnreachable)
    assert said == (
        f"Get-MobileDevice on {source.host} was not asked for, because the certificate of "
        f"{source.host} is not trusted; where a proxy inspects TLS, name the file with its "
        "authority in SSL_CERT_FILE."
    )
    assert naps.taken == []
    assert stub.asked == []


def test_an_authority_of_the_environment_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = certificates(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(made.authority))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with AdminStub([page({"Name": "a"})], made) as stub, client(stub.url) as source:
        assert [found["Name"] for found in source.stream("Get-MobileDevice")] == ["a"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SSL_CERT_FILE", "/nowhere/ca.pem"),
        ("HTTPS_PROXY", "nonsense://user:the-password@proxy"),
        ("HTTPS_PROXY", "http://user:the-password@proxy:port"),
    ],
)
def test_an_environment_that_cannot_be_used_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv(name, value)
    with client(GLOBAL) as source, pytest.raises(InputRefused) as error:
        list(source.stream("Get-MobileDevice"))
    assert name in str(error.value)
    assert "the-password" not in "".join(traceback.format_exception(error.value))


def test_a_proxy_of_the_environment_gets_nothing_that_is_for_the_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with AdminStub([page({"Name": "a"})]) as stub, client(stub.url) as source:
        assert [found["Name"] for found in source.stream("Get-MobileDevice")] == ["a"]


def test_silence_is_repeated_once_because_each_lasts_a_quarter_of_an_hour() -> None:
    def sleeps(_: Asked) -> Reply:
        time.sleep(0.5)
        return page()

    naps = Naps()
    limits = replace(USUAL_LIMITS, read=0.05)
    with AdminStub(sleeps) as stub, client(stub.url, naps=naps, limits=limits) as source:
        said = refusal(source, SourceUnreachable)
    assert said.endswith(
        "got no answer for longer than Exchange Online lets a cmdlet run; collect it again later, "
        f"or {EXPORT}."
    )
    assert naps.taken == [PAUSES[0]]
    assert USUAL_LIMITS.read > 15 * 60


def test_an_answer_that_trickles_without_end_is_given_up() -> None:
    limits = replace(USUAL_LIMITS, whole=-1.0)
    with AdminStub([page()]) as stub, client(stub.url, limits=limits) as source:
        assert "took longer than" in refusal(source, SourceUnreachable)
    assert len(stub.asked) == 1


def raising(error: Exception) -> httpx.BaseTransport:
    def handler(request: httpx.Request) -> httpx.Response:
        raise error

    return httpx.MockTransport(handler)


def test_a_name_without_an_address_and_a_proxy_that_refuses_are_told_apart() -> None:
    unknown = httpx.ConnectError("x")
    unknown.__cause__ = socket.gaierror(-2, "Name or service not known")
    said = {
        unknown: "found no address of the name outlook.office365.com; check DNS and proxy here.",
        httpx.ProxyError("407"): (
            "was stopped by the proxy; check HTTPS_PROXY, and what the proxy allows."
        ),
        httpx.ConnectTimeout("x"): (
            "did not reach outlook.office365.com; check network, firewall and proxy here."
        ),
    }
    for error, sentence in said.items():
        with client(GLOBAL, transport=raising(error)) as source:
            assert refusal(source, SourceUnreachable) == (
                f"Get-MobileDevice on outlook.office365.com {sentence}"
            )


# --- hosts


def served(hosts: list[str], location: str) -> httpx.BaseTransport:
    """Points the first host to `location`, and answers there."""

    def handler(request: httpx.Request) -> httpx.Response:
        hosts.append(f"{request.method} {request.url.host} {request.headers['authorization'][:10]}")
        if request.url.host == "outlook.office365.com":
            return httpx.Response(308, headers={"Location": location})
        assert json.loads(request.content)["CmdletInput"]["CmdletName"] == "Get-MobileDevice"
        return httpx.Response(200, stream=httpx.ByteStream(b'{"value": [{"Name": "a"}]}'))

    return httpx.MockTransport(handler)


@pytest.mark.parametrize(
    "location",
    [
        f"https://eur01b.outlook.office365.com{INVOKE}",
        f"https://eur01b.outlook.office365.com:443{INVOKE}",
        f"//EUR01B.outlook.office365.com{INVOKE}",
    ],
)
def test_a_host_below_that_of_the_cloud_is_followed(location: str) -> None:
    hosts: list[str] = []
    with client(GLOBAL, transport=served(hosts, location)) as source:
        assert [found["Name"] for found in source.stream("Get-MobileDevice")] == ["a"]
    assert hosts == [
        "POST outlook.office365.com Bearer eyJ",
        "POST eur01b.outlook.office365.com Bearer eyJ",
    ]


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/",
        "https://outlook.office365.com.evil.example/",
        "https://evil-outlook.office365.com/",
        "https://office365.com/",
        "http://eur01b.outlook.office365.com/",
        "https://eur01b.outlook.office365.com:444/",
        "https://a@eur01b.outlook.office365.com/",
        "https://evil.example\\.outlook.office365.com/",
        "",
    ],
)
def test_no_token_goes_to_another_host(location: str) -> None:
    hosts: list[str] = []
    with client(GLOBAL, transport=served(hosts, location)) as source:
        assert refusal(source, UnexpectedAnswer) == (
            "Get-MobileDevice on outlook.office365.com is pointed to "
            f"{location or 'nowhere'}, which is not followed because the token would go there; "
            f"check the cloud, or {EXPORT}."
        )
    assert hosts == ["POST outlook.office365.com Bearer eyJ"]


def test_addresses_that_point_to_each_other_are_not_followed_for_ever() -> None:
    reply = Reply(302, b"", {"Location": INVOKE})
    with AdminStub(lambda _: reply) as stub, client(stub.url) as source:
        assert "from one address to the next without end" in refusal(source, UnexpectedAnswer)
    assert len(stub.asked) == 4


# --- tokens


def challenge(claims: str) -> Reply:
    return Reply(401, headers={"WWW-Authenticate": f'Bearer realm="", claims="{claims}"'})


def test_a_token_that_lacks_claims_is_asked_for_with_them_once() -> None:
    claims = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}'
    credential = Credential(["old", "new"])
    encoded = base64.b64encode(claims.encode()).decode()
    replies = [challenge(encoded), page({"Name": "a"})]
    with AdminStub(replies) as stub, client(stub.url, credential) as source:
        assert [found["Name"] for found in source.stream("Get-MobileDevice")] == ["a"]
    scope = (f"{stub.url}/.default",)
    assert credential.wanted == [(scope, {}), (scope, {"claims": claims})]
    assert [asked.headers["authorization"] for asked in stub.asked] == ["Bearer old", "Bearer new"]


def test_a_second_401_is_the_answer() -> None:
    credential = Credential(["old", "new", "newer"])
    with AdminStub(lambda _: Reply(401)) as stub, client(stub.url, credential) as source:
        refusal(source, AccessDenied)
    assert [asked.headers["authorization"] for asked in stub.asked] == ["Bearer old", "Bearer new"]


@pytest.mark.parametrize("claims", ["%", "AAA", "////", "x" * 10_000])
def test_with_the_token_that_was_refused_nothing_is_asked_again(claims: str) -> None:
    with AdminStub(lambda _: challenge(claims)) as stub, client(stub.url) as source:
        refusal(source, AccessDenied)
    assert len(stub.asked) == 1


@pytest.mark.parametrize("token", ["", "two\r\nlines: 1", "\u00fcber"])
def test_a_token_that_is_none_is_not_sent_and_not_shown(token: str) -> None:
    with AdminStub([page()]) as stub, client(stub.url, Credential([token])) as source:
        said = refusal(source, AccessDenied)
    assert said.endswith("gave no token that could be sent; sign in again.")
    assert stub.asked == []


class Revoked(Credential):
    """Signs in once."""

    def get_token(self, *scopes: str, **kwargs: Any) -> GivenToken:
        if self.wanted:
            raise AccessDenied("Sign-in to the tenant was revoked; sign in again.")
        return super().get_token(*scopes, **kwargs)


def test_a_sign_in_that_ends_between_two_pages_leaves_what_came_as_partial() -> None:
    replies = [page({"Name": "a"}, link="InvokeCommand?2")]
    with AdminStub(replies) as stub, client(stub.url, Revoked()) as source:
        stream = source.stream("Get-MobileDevice")
        assert next(stream)["Name"] == "a"
        with pytest.raises(AnswerCutShort) as error:
            next(stream)
        assert str(error.value) == (
            f"Get-MobileDevice on {source.host} gave 1 objects, and then the sign-in ended: "
            "Sign-in to the tenant was revoked; sign in again."
        )
        with pytest.raises(AccessDenied, match="was revoked"):
            list(source.stream("Get-MobileDevice"))


def told(error: BaseException) -> str:
    """Everything a traceback can show, with the variables of every frame of the program."""
    while error.__traceback__ and error.__traceback__.tb_frame.f_code.co_filename == __file__:
        error.__traceback__ = error.__traceback__.tb_next
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    text = "".join(shown.format())
    assert "self = ExchangeOnline(" in text
    return text


@pytest.mark.parametrize("token", [TOKEN, "opaque-secret-token"])
def test_a_token_that_the_service_sends_back_is_shown_nowhere(
    token: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    credential = Credential([token])
    replies = [
        page({"Name": f"Bearer {token}"}, warnings=(f"You are {token}",)),
        failure(400, "Invalid Operation", **inner(f"The token {token} is bad")),
        Reply(302, b"", {"Location": f"https://evil.example/{token}"}),
        Reply(200, b"", {"request-id": token}),
        *[replace(page({"Name": token}), cut=20)] * 4,
    ]
    with AdminStub(replies) as stub, client(stub.url, credential) as source:
        (found,) = source.stream("Get-MobileDevice")
        assert found["Name"] == "Bearer (token)"
        assert source.warnings == ["You are (token)"]
        for _ in range(4):
            with pytest.raises(SourceError) as error:
                list(source.stream("Get-MobileDevice"))
            assert token not in told(error.value)
            assert error.value.__context__ is None
    assert stub.asked[0].headers["authorization"] == f"Bearer {token}"
    assert token not in caplog.text
    assert "Get-MobileDevice, page 1: HTTP status 200" in caplog.text


def test_a_token_of_another_sign_in_is_not_quoted_either() -> None:
    assert clause("it was eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln here") == "it was (token) here"


# --- bodies


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0" * 100,
        b"null",
        b"[]",
        b"{}",
        b'{"value": null}',
        b'{"value": 1}',
        b'{"value": {}}',
        b'{"value": [1]}',
        b'{"value": [{}, null]}',
        b'{"value": [], "@odata.nextLink": 5}',
        b'{"value": []',
        b'{"value": [{"A": NaN}]}',
        b'{"value": [{"A": -Infinity}]}',
        b'{"value": [{"A": 1e999}]}',
        b'{"value": [{"A": 1, "A": 2}]}',
        b'{"value": [], "value": [{}]}',
        b'{"value": [{"A": ' + b"9" * 5_000 + b"}]}",
        b'{"value": [{"A": ' + b"9" * 30 + b"}]}",
        b'{"value": [{"A": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]}",
        b'{"value": [{"A": ' + b"[" * 70 + b"]" * 70 + b"}]}",
        b'{"value": [{"A": ' + b'{"A":' * 70 + b"1" + b"}" * 70 + b"}]}",
        b'{"value": [{"A": "\xff"}]}',
    ],
)
def test_a_body_that_makes_no_sense_is_an_unexpected_answer(body: bytes) -> None:
    with AdminStub([packed(body)]) as stub, client(stub.url) as source:
        said = refusal(source, UnexpectedAnswer)
    assert said.endswith(f"; collect it again, or {EXPORT}.")
    assert len(said) < 400
    assert len(stub.asked) == 1


def test_a_web_page_comes_from_somebody_in_between() -> None:
    with AdminStub([packed(b"\r\n<html>sign in</html>")]) as stub, client(stub.url) as source:
        assert refusal(source, UnexpectedAnswer).endswith(
            " was answered with a web page instead of data; see whether a proxy or a sign-in page "
            "of the network stands in between."
        )


def test_objects_before_one_that_makes_no_sense_are_kept() -> None:
    body = b'{"value": [{"Name": "a"}, {"Size": 1e999}, {"Name": "c"}]}'
    with AdminStub([packed(body)]) as stub, client(stub.url) as source:
        stream = source.stream("Get-MobileDevice")
        assert next(stream)["Name"] == "a"
        with pytest.raises(UnexpectedAnswer, match=r"'Size' of object 2 of Get-MobileDevice holds"):
            next(stream)


@pytest.mark.parametrize(
    "reply",
    [
        packed(b" " * (USUAL_LIMITS.body + 1)),
        Reply(200, gzip.compress(b" " * USUAL_LIMITS.body, 0), {"Content-Encoding": "gzip"}),
        Reply(200, b" " * (USUAL_LIMITS.body + 1)),
    ],
    ids=["a bomb", "packed to more than it holds", "not packed"],
)
def test_a_page_larger_than_the_bound_is_not_kept_and_not_asked_for_again(reply: Reply) -> None:
    with AdminStub([reply]) as stub, client(stub.url) as source:
        said = refusal(source, UnexpectedAnswer)
        assert said == (
            f"Get-MobileDevice on {source.host} is larger than the 64 MB that one page may have; "
            f"{EXPORT}."
        )
    assert len(stub.asked) == 1


def test_a_page_as_large_as_the_bound_is_read() -> None:
    start, end = b'{"value": [{"Name": "', b'"}]}'
    name = "a" * (USUAL_LIMITS.body - len(start) - len(end))
    reply = packed(start + name.encode() + end)
    with AdminStub([reply]) as stub, client(stub.url) as source:
        assert [found["Name"] == name for found in source.stream("Get-MobileDevice")] == [True]


def test_pages_before_one_that_is_too_large_are_kept() -> None:
    replies = [page({"Name": "a"}, link="InvokeCommand?2"), packed(b" " * (USUAL_LIMITS.body + 1))]
    with AdminStub(replies) as stub, client(stub.url) as source:
        stream = source.stream("Get-MobileDevice")
        assert next(stream)["Name"] == "a"
        with pytest.raises(AnswerCutShort, match="but what follows is larger than the 64 MB that"):
            next(stream)


@pytest.mark.parametrize("value", [b"0", b"[]", b"{}"])
def test_a_small_page_that_would_fill_the_memory_is_not_read(value: bytes) -> None:
    body = b'{"value": [{"A": [' + b",".join([value] * MOST_VALUES) + b"]}]}"
    assert answered(packed(body), UnexpectedAnswer) == (
        f"holds more values than one page can; collect it again, or {EXPORT}."
    )


@pytest.mark.parametrize(
    "body", [b" " * 2_000_000, b'{"error": ' + b"[" * 900_000, b"\x1f\x8b\x08\0 nothing"]
)
@pytest.mark.parametrize("pack", [True, False])
def test_the_status_of_a_refusal_counts_whatever_its_body_is(body: bytes, pack: bool) -> None:
    reply = packed(body, 403) if pack else Reply(403, body)
    assert answered(reply, AccessDenied).startswith("is refused without a reason (HTTP status 403)")


def test_a_packed_page_with_something_behind_its_end_is_damaged() -> None:
    reply = page({"Name": "a"})
    reply = replace(reply, body=reply.body + b"more")
    assert answered(reply, SourceUnreachable) == "came damaged; collect it again."


def test_a_packing_that_was_not_asked_for_is_no_json() -> None:
    reply = Reply(200, b"\x0b\x02\x80x\x03", {"Content-Encoding": "br"})
    assert "is no JSON" in answered(reply, UnexpectedAnswer)


def test_a_body_that_is_not_packed_although_it_claims_to_be_is_read_as_it_is() -> None:
    reply = Reply(200, b'{"value": [{"Name": "a"}]}', {"Content-Encoding": "gzip"})
    with AdminStub([reply]) as stub, client(stub.url) as source:
        assert [found["Name"] for found in source.stream("Get-MobileDevice")] == ["a"]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12),
    lambda inside: (
        st.lists(inside, max_size=4)
        | st.dictionaries(
            st.text(max_size=6).filter(lambda name: "@" not in name), inside, max_size=4
        )
    ),
    max_leaves=12,
)
NAMES = st.text(max_size=8).filter(lambda name: "@" not in name)
ROWS = st.lists(st.dictionaries(NAMES, VALUES, max_size=6), max_size=4)


def plain(value: PsValue) -> object:
    """A value as JSON has it."""
    if isinstance(value, PsObject):
        return {name: plain(value[name]) for name in value}
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    return value


def fixed(body: bytes) -> ExchangeOnline:
    """A client that gets this body, without a server."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=httpx.ByteStream(body)))
    return client(GLOBAL, transport=transport)


@given(ROWS, st.booleans())
def test_every_page_of_objects_comes_through_as_it_is(
    rows: list[dict[str, object]], pack: bool
) -> None:
    body = json.dumps({"value": rows}).encode()
    with fixed(gzip.compress(body, 1) if pack else body) as source:
        assert [plain(found) for found in source.stream("Get-MobileDevice")] == rows


@given(st.dictionaries(st.sampled_from(["value", "error", "@odata.nextLink", "x"]), VALUES))
def test_every_json_object_is_read_or_refused_in_one_sentence(found: dict[str, object]) -> None:
    with fixed(json.dumps(found).encode()) as source:
        try:
            list(source.stream("Get-MobileDevice"))
        except (UnexpectedAnswer, AnswerCutShort) as stop:
            said = str(stop)
            assert said.startswith("Get-MobileDevice on outlook.office365.com ")
            assert said.isprintable()


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with fixed(body) as source, pytest.raises(SourceError):
        list(source.stream("Get-MobileDevice"))
