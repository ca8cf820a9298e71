"""Who may connect, over what, and what is said where it does not work; never the password."""

from __future__ import annotations

import base64
import hashlib
import logging
import re
import socket
import ssl
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import spnego

from auditor.errors import (
    AccessDenied,
    AuditorError,
    InputRefused,
    SourceError,
    SourceUnreachable,
    UnexpectedAnswer,
)
from auditor.lab.organization import Organization, build
from auditor.lab.wire_certificate import write_certificate
from auditor.lab.wire_faults import Mishap, Stage, WireFault
from auditor.lab.wsman_endpoint import LabEndpoint, Wire
from auditor.sources.exchange_shell import ExchangeShell
from auditor.sources.shell_settings import Secret, ShellSettings
from tests.support.wire import settings_for, shell_for

DOMAINS = ["contoso.com", "fabrikam.com", "contoso.mail.onmicrosoft.com"]
NTLM, BASIC = Wire(), Wire(tls=True, schemes=("Basic",))


@pytest.fixture(scope="module")
def organization() -> Organization:
    return build(5)


def domains(shell: ExchangeShell) -> list[object]:
    return [found["Name"] for found in shell.stream("Get-AcceptedDomain")]


@pytest.mark.parametrize(
    ("wire", "changes"),
    [
        (NTLM, {"authentication": "ntlm"}),
        (NTLM, {"authentication": "negotiate"}),
        (Wire(tls=True), {"authentication": "ntlm"}),
        (Wire(tls=True), {"authentication": "negotiate"}),
        (BASIC, {}),
        (Wire(tls=True, schemes=("Certificate",)), {"username": None}),
    ],
    ids=["ntlm", "negotiate", "ntlm TLS", "negotiate TLS", "basic TLS", "certificate TLS"],
)
def test_each_kind_of_logon_reads_the_same(
    organization: Organization, wire: Wire, changes: dict[str, Any]
) -> None:
    with LabEndpoint(organization, wire=wire) as endpoint, shell_for(endpoint, **changes) as shell:
        assert domains(shell) == DOMAINS


def test_a_logon_over_tls_is_bound_to_the_certificate_of_the_channel(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Extended Protection, on by default since Exchange 2019 CU14, asks for."""
    bound: list[bytes] = []
    original = spnego.client

    def client(*arguments: Any, **options: Any) -> Any:
        bound.append(options["channel_bindings"].application_data)
        return original(*arguments, **options)

    monkeypatch.setattr(spnego, "client", client)
    with LabEndpoint(organization, wire=Wire(tls=True)) as endpoint, shell_for(endpoint) as shell:
        assert domains(shell) == DOMAINS
        assert endpoint.ca_file is not None
        certificate = ssl.PEM_cert_to_DER_cert(endpoint.ca_file.read_text(encoding="ascii"))
    assert set(bound) == {b"tls-server-end-point:" + hashlib.sha256(certificate).digest()}


def test_without_tls_neither_names_nor_values_cross_the_wire_readably(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bytes] = []
    original = socket.socket.sendall

    def listening(self: socket.socket, data: bytes, *flags: int) -> None:
        sent.append(bytes(data))
        original(self, data, *flags)

    monkeypatch.setattr(socket.socket, "sendall", listening)
    with LabEndpoint(organization) as endpoint, shell_for(endpoint) as shell:
        assert domains(shell) == DOMAINS
        secret = endpoint.credentials.password.encode()
    crossed = b"".join(sent)
    assert b"HTTP-SPNEGO-session-encrypted" in crossed
    assert not re.search(rb"Envelope|contoso\.com|AcceptedDomain", crossed)
    assert secret not in crossed


class Case:
    """One way to be wrong, and what is to be said about it."""

    def __init__(self, wire: Wire, error: type[SourceError], says: str, **changes: Any) -> None:
        self.wire, self.error, self.says, self.changes = wire, error, says, changes


CASES = {
    "wrong name": Case(
        NTLM,
        SourceUnreachable,
        "The name no-such-server.invalid is unknown; check its spelling",
        host="no-such-server.invalid",
    ),
    "wrong password": Case(
        NTLM,
        AccessDenied,
        "does not accept CONTOSO\\auditor by ntlm; check user name and password",
        password="wrong",
    ),
    "wrong password, basic": Case(
        BASIC,
        AccessDenied,
        "does not accept CONTOSO\\auditor by basic; check user name and password",
        password="wrong",
    ),
    "logon that is not offered": Case(
        BASIC,
        AccessDenied,
        "offers no logon by ntlm (it offers Basic); set another",
        authentication="ntlm",
    ),
    "wrong path": Case(
        NTLM, SourceUnreachable, "does not exist (HTTP status 404); check path", path="PowerShel"
    ),
    "wrong configuration": Case(
        NTLM,
        SourceUnreachable,
        "has no shell named Microsoft.Exchang; check path and port",
        configuration="Microsoft.Exchang",
    ),
    "untrusted": Case(
        BASIC, SourceUnreachable, "is self-signed and not trusted; name the server", ca_file=None
    ),
    "another name": Case(
        Wire(tls=True, schemes=("Basic",), names=("other.example.com",)),
        SourceUnreachable,
        "does not carry the name localhost; name the server as its certificate does",
    ),
    "an address": Case(
        Wire(tls=True, schemes=("Basic",), names=("localhost",)),
        SourceUnreachable,
        "does not carry the address 127.0.0.1; name the server",
        host="127.0.0.1",
    ),
    "TLS with a port that speaks none": Case(
        NTLM, SourceUnreachable, "failed (WRONG_VERSION_NUMBER); check whether", tls=True
    ),
    "no TLS with a port that demands it": Case(
        Wire(tls=True), SourceUnreachable, "broke; check the network", tls=False
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_one_sentence_names_the_cause_and_the_next_step(
    organization: Organization, name: str
) -> None:
    case = CASES[name]
    changes = dict(case.changes)
    with LabEndpoint(organization, wire=case.wire) as endpoint:
        password = changes.pop("password", endpoint.credentials.password)
        shell = ExchangeShell(settings_for(endpoint, **changes), lambda: password)
        with pytest.raises(SourceError) as caught:
            shell.__enter__()
    assert type(caught.value) is case.error
    assert case.says in str(caught.value)
    assert_one_sentence(str(caught.value))


def assert_one_sentence(text: str) -> None:
    assert text.endswith(".")
    assert "\n" not in text
    assert not re.search(r"\. [A-Z]", text), text


def test_a_closed_port_is_called_so(organization: Organization) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    settings = ShellSettings("127.0.0.1", port, tls=False, authentication="ntlm", username="x")
    with pytest.raises(SourceUnreachable) as caught:
        ExchangeShell(settings, lambda: "x").__enter__()
    assert str(caught.value) == (
        f"127.0.0.1 refuses connections on port {port}; check port, and whether the service runs."
    )


@contextmanager
def answering(answer: bytes, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Something that is no WinRM: it answers every connection with the same bytes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(2)
                    try:
                        connection.recv(65536)
                        connection.sendall(answer)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(3)


def http(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (http("404 Not Found", b"<html>"), SourceUnreachable, "does not exist (HTTP status 404)"),
        (http("403 Forbidden", b"<html/>"), AccessDenied, "refuses the request (HTTP status 403)"),
        (http("500 Error", b"<html/>"), SourceUnreachable, "failed with HTTP status 500"),
        (http("503 Unavailable", b""), SourceUnreachable, "is too busy for x (HTTP status 503)"),
        (
            http("302 Found", b"", "Location: https://evil.example.com/"),
            SourceUnreachable,
            "points to https://evil.example.com/, which is not followed",
        ),
        (http("200 OK", b"<html></html>"), UnexpectedAnswer, "that is not WS-Management"),
        (http("200 OK", b"SSH"), UnexpectedAnswer, "that is not WS-Management"),
        (http("401 No", b""), AccessDenied, "offers no logon by ntlm (it offers nothing known)"),
        (
            http("401 No", b"", "WWW-Authenticate: Negotiate !!!"),
            SourceError,
            "",
        ),
        (b"SSH-2.0-OpenSSH_9.2\r\n", SourceUnreachable, "broke; check the network"),
        (b"", SourceUnreachable, "broke; check the network"),
    ],
)
def test_whatever_answers_in_place_of_a_shell_is_told_apart(
    answer: bytes, error: type[SourceError], says: str
) -> None:
    with answering(answer) as port:
        settings = ShellSettings(
            "127.0.0.1", port, tls=False, authentication="ntlm", username="x", patience=0
        )
        with pytest.raises(error) as caught:
            ExchangeShell(settings, lambda: "x").__enter__()
    assert says in str(caught.value)
    assert_one_sentence(str(caught.value))


def test_an_envelope_in_plain_text_is_not_believed_where_encryption_was_agreed_on(
    organization: Organization,
) -> None:
    plain = WireFault(Mishap.PLAIN, Stage.CREATE)
    believed = pytest.raises(UnexpectedAnswer, match="answered in plain text although")
    with LabEndpoint(organization, [plain]) as endpoint, believed:
        shell_for(endpoint).__enter__()


def test_a_proxy_of_the_environment_is_asked_only_if_wanted(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(http("502 Bad Gateway", b"")) as port, LabEndpoint(organization) as endpoint:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        with shell_for(endpoint) as shell:
            assert domains(shell) == DOMAINS
        with pytest.raises(SourceUnreachable, match="HTTP status 502"):
            shell_for(endpoint, environment_proxies=True).__enter__()


@pytest.mark.parametrize("authentication", ["basic", "certificate"])
def test_a_secret_that_would_cross_the_wire_readably_is_refused(authentication: Any) -> None:
    with pytest.raises(InputRefused, match="offered over TLS only; set tls: true"):
        ShellSettings("ex01", tls=False, authentication=authentication, username="x")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"authentication": "basic"}, "basic needs a user name"),
        ({"authentication": "certificate"}, "certificate needs certificate_file and"),
        ({"read_timeout": 5, "operation_timeout": 20}, "read_timeout must be longer than"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(InputRefused, match=says):
        ShellSettings("ex01", **settings)


def test_basic_without_a_password_and_a_ca_file_that_is_none_are_refused(tmp_path: Path) -> None:
    nothing = tmp_path / "ca.pem"
    nothing.write_text("nothing")
    for settings, says in (
        (ShellSettings("ex01", authentication="basic", username="x"), "basic needs a password"),
        (ShellSettings("ex01", ca_file=nothing), "cannot be used as ca_file"),
        (ShellSettings("ex01", ca_file=tmp_path / "none"), "cannot be used as ca_file"),
    ):
        with pytest.raises(InputRefused, match=says):
            ExchangeShell(settings).__enter__()


def test_the_ca_file_alone_vouches(organization: Organization, tmp_path: Path) -> None:
    other, _ = write_certificate(tmp_path, "other", ("localhost",))
    with LabEndpoint(organization, wire=BASIC) as endpoint:
        with shell_for(endpoint) as shell:
            assert domains(shell) == DOMAINS
        with pytest.raises(SourceUnreachable, match="is self-signed and not trusted"):
            shell_for(endpoint, ca_file=other).__enter__()


def test_the_usual_ports_are_those_of_exchange_and_of_windows() -> None:
    def port(**changes: Any) -> int:
        return ShellSettings("ex01", **changes).usual_port

    windows = {"configuration": "Microsoft.PowerShell", "path": "wsman"}
    assert (port(), port(tls=False)) == (443, 80)
    assert (port(**windows), port(tls=False, **windows)) == (5986, 5985)
    assert port(port=444) == 444


def test_the_password_is_asked_for_once_and_shown_to_nobody(organization: Organization) -> None:
    asked: list[str] = []
    with LabEndpoint(organization) as endpoint:

        def provider() -> str:
            asked.append("password")
            return endpoint.credentials.password

        shell = ExchangeShell(settings_for(endpoint), provider)
        assert asked == []
        for _ in range(3):
            with shell:
                assert domains(shell) == DOMAINS
        assert asked == ["password"]
        secret = Secret(provider)
        assert secret.reveal() == endpoint.credentials.password
        for shown in (repr(secret), str(secret), repr(shell), repr(shell.settings)):
            assert endpoint.credentials.password not in shown


def traces(error: BaseException) -> str:
    """Everything a careless handler could print of an error, values of local variables included."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(shown.format()) + repr(error.args) + repr(error.__context__)


@pytest.mark.parametrize("wire", [NTLM, BASIC], ids=["ntlm", "basic"])
@pytest.mark.parametrize("stage", [Stage.CREATE, Stage.RECEIVE])
@pytest.mark.parametrize(
    "what", [Mishap.DROP, Mishap.STALL, Mishap.UNAVAILABLE, Mishap.GARBAGE, Mishap.SHELL_GONE]
)
def test_no_error_and_no_log_carries_the_password(
    organization: Organization,
    caplog: pytest.LogCaptureFixture,
    what: Mishap,
    stage: Stage,
    wire: Wire,
) -> None:
    caplog.set_level(logging.DEBUG)
    limits = {"operation_timeout": 0.2, "read_timeout": 0.4, "silence": 0.6, "deadline": 1.0}
    with LabEndpoint(organization, [WireFault(what, stage, seconds=0.8)], wire) as endpoint:
        shell = shell_for(endpoint, patience=0, **limits)
        with pytest.raises(AuditorError) as caught:
            list(shell.stream("Get-AcceptedDomain"))
        assert "urllib3" in caplog.text  # the log was listened to
        assert_hidden(endpoint.credentials.password, caught.value, caplog.text)


@pytest.mark.parametrize("wire", [NTLM, BASIC], ids=["ntlm", "basic"])
def test_a_password_that_is_wrong_is_not_shown_either(
    organization: Organization, caplog: pytest.LogCaptureFixture, wire: Wire
) -> None:
    caplog.set_level(logging.DEBUG)
    with LabEndpoint(organization, wire=wire) as endpoint:
        shell = ExchangeShell(settings_for(endpoint), lambda: "Mistyped-2026")
        with pytest.raises(AccessDenied) as caught:
            shell.__enter__()
    assert_hidden("Mistyped-2026", caught.value, caplog.text)


def assert_hidden(password: str, error: BaseException, log: str) -> None:
    basic = base64.b64encode(f"CONTOSO\\auditor:{password}".encode()).decode()
    for written in (password, base64.b64encode(password.encode()).decode().rstrip("="), basic):
        assert written not in str(error)
        assert written not in traces(error)
        assert written not in log
