"""Why there was no answer, by the errors of the library, and nothing of their words."""

from __future__ import annotations

import socket
import ssl

import httpx
import pytest

from auditor.errors import InputRefused
from auditor.sources.no_answer import NoAnswer, NoAnswerKind, made, no_answer


def because(error: Exception, cause: BaseException) -> Exception:
    error.__context__ = httpx.ReadError("in between")
    error.__context__.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ProxyError("user:password"), "proxy"),
        (httpx.ConnectError("x"), "connect"),
        (httpx.ConnectTimeout("x"), "connect"),
        (httpx.ReadTimeout("x"), "timeout"),
        (httpx.PoolTimeout("x"), "timeout"),
        (TimeoutError(), "timeout"),
        (httpx.ReadError("x"), "cut"),
        (httpx.RemoteProtocolError("x"), "cut"),
        (httpx.DecodingError("x"), "cut"),
        (because(httpx.ConnectError("x"), socket.gaierror(-2, "name")), "name"),
        (because(httpx.ConnectError("x"), OSError("else")), "connect"),
    ],
)
def test_each_error_says_what_stood_in_the_way(error: Exception, kind: NoAnswerKind) -> None:
    assert no_answer(error) == NoAnswer(kind)


def test_a_certificate_that_is_not_trusted_says_why() -> None:
    untrusted = ssl.SSLCertVerificationError(1, "x")
    untrusted.verify_message = "self-signed certificate"
    found = no_answer(because(httpx.ConnectError("x"), untrusted))
    assert found == NoAnswer("certificate", "self-signed certificate")


def test_errors_that_cause_each_other_are_followed_to_an_end() -> None:
    first, second = httpx.ReadError("1"), httpx.ReadError("2")
    first.__cause__, second.__cause__ = second, first
    assert no_answer(first) == NoAnswer("cut")


@pytest.mark.parametrize(
    ("problem", "setting"),
    [
        (FileNotFoundError("ca.pem"), "SSL_CERT_FILE"),
        (ssl.SSLError("no PEM"), "SSL_CERT_FILE"),
        (ValueError("http://user:the-password@proxy"), "HTTPS_PROXY"),
        (ImportError("socksio"), "HTTPS_PROXY"),
        (httpx.InvalidURL("http://user:the-password@proxy"), "HTTPS_PROXY"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_and_not_shown(
    problem: Exception, setting: str
) -> None:
    def fails() -> httpx.Client:
        raise problem

    with pytest.raises(InputRefused, match=setting) as caught:
        made(fails)
    assert "the-password" not in str(caught.value)
    assert caught.value.__context__ is None
