"""Signing in to Microsoft's clouds, against a token service inside the test: no network needed."""

from __future__ import annotations

import base64
import datetime as dt
import json
import logging
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from azure.core.exceptions import ServiceRequestError
from azure.core.pipeline.transport import HttpTransport
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from auditor.errors import AccessDenied, AuditorError, InputRefused, SourceUnreachable
from auditor.sources.cloud_sign_in import CLOUDS, CloudAuthentication, CloudSignIn, credential
from tests.support.graph_wire import is_one_sentence

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "99999999-8888-7777-6666-555555555555"
SCOPE = "https://graph.microsoft.com/.default"
SECRET = "the-secret-of-the-client"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.a-token-that-nobody-may-see.c2ln"
PASSWORD = "the-password-of-the-key"


class Answer:
    """What the library needs of a response."""

    reason = "said"
    content_type = "application/json"

    def __init__(self, request: Any, status: int, document: dict[str, Any]) -> None:
        self.request = request
        self.status_code = status
        self.headers = {"content-type": self.content_type}
        self._text = json.dumps(document)

    def text(self, *_: object, **__: object) -> str:
        return self._text

    def body(self) -> bytes:
        return self._text.encode()


@dataclass
class TokenService(HttpTransport[Any, Any]):
    """A token service: `refusal` instead of a token, `unknown` instead of the tenant."""

    refusal: str = ""
    unknown: bool = False
    silent: Exception | None = None
    lifetime: int = 3600
    asked: list[Any] = field(default_factory=list)

    def send(self, request: Any, **_: Any) -> Any:
        self.asked.append(request)
        if self.silent is not None:
            raise self.silent
        host = request.url.split("/")[2]
        base = f"https://{host}/{TENANT}"
        if "openid-configuration" in request.url:
            if self.unknown:
                said = {"error": "invalid_tenant", "error_description": "AADSTS90002: Tenant?"}
                return Answer(request, 400, said)
            found = {
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "issuer": f"{base}/v2.0",
            }
            return Answer(request, 200, found)
        if self.refusal:
            said = {"error": "invalid_client", "error_description": self.refusal}
            return Answer(request, 401, said)
        if "devicecode" in request.url:
            flow = {
                "user_code": "ABCD\u202e1234",
                "device_code": "device-code-that-nobody-may-see",
                "verification_uri": "https://login.example/device",
                "expires_in": 900,
                "interval": 0,
                "message": "not shown",
            }
            return Answer(request, 200, flow)
        token = {
            "token_type": "Bearer",
            "expires_in": self.lifetime,
            "access_token": TOKEN,
            "refresh_token": "refresh-token-that-nobody-may-see",
            "id_token": f"e30.{_unsigned(base)}.",
            "client_info": "eyJ1aWQiOiJ1IiwidXRpZCI6InQifQ",
        }
        return Answer(request, 200, token)

    def open(self) -> None:
        """Nothing to open."""

    def close(self) -> None:
        """Nothing to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        value: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        """Nothing to close."""

    def posted(self) -> list[dict[str, Any]]:
        """What was posted."""
        return [dict(each.data) for each in self.asked if each.method == "POST"]


def _unsigned(base: str) -> str:
    claims = {
        "iss": f"{base}/v2.0",
        "aud": CLIENT,
        "sub": "s",
        "preferred_username": "admin@contoso.example",
        "exp": int(time.time()) + 3600,
        "iat": int(time.time()),
    }
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


def secret() -> str:
    return SECRET


def nobody(text: str) -> None:
    raise AssertionError(f"shown: {text}")


def sign_in(
    authentication: CloudAuthentication = "client_secret",
    *,
    cloud: str = "global",
    certificate_file: Path | None = None,
) -> CloudSignIn:
    return CloudSignIn(
        TENANT,
        authentication,
        client_id=CLIENT
        if authentication in {"client_secret", "device_code", "certificate"}
        else None,
        cloud=cloud,
        certificate_file=certificate_file,
    )


def self_signed(key: Any) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "auditor")])
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )


def in_pem(key: Any, password: str = "") -> bytes:
    protection = (
        serialization.BestAvailableEncryption(password.encode())
        if password
        else serialization.NoEncryption()
    )
    pkcs8 = serialization.PrivateFormat.PKCS8
    return bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, protection))


KEY = rsa.generate_private_key(65537, 2048)
CERTIFICATE = self_signed(KEY)
PUBLIC = CERTIFICATE.public_bytes(serialization.Encoding.PEM)
CURVE = ec.generate_private_key(ec.SECP256R1())
FILES: dict[str, bytes] = {
    "pem": in_pem(KEY) + PUBLIC,
    "locked.pem": in_pem(KEY, PASSWORD) + PUBLIC,
    "pfx": pkcs12.serialize_key_and_certificates(
        b"auditor", KEY, CERTIFICATE, None, serialization.NoEncryption()
    ),
    "locked.pfx": pkcs12.serialize_key_and_certificates(
        b"auditor",
        KEY,
        CERTIFICATE,
        None,
        serialization.BestAvailableEncryption(PASSWORD.encode()),
    ),
    "public": PUBLIC,
    "key": in_pem(KEY),
    "curve": in_pem(CURVE) + self_signed(CURVE).public_bytes(serialization.Encoding.PEM),
    "garbage": b"\x30\x82nothing",
    "cut": (in_pem(KEY) + PUBLIC)[:900],
    "empty": b"",
    "large": b"x" * 2_000_000,
}


def refusal_of(work: Callable[[], object]) -> tuple[AuditorError, str]:
    """The error of a sign-in, and everything a person could get to see of it."""
    with pytest.raises(AuditorError) as found:
        work()
    fault = found.value
    assert is_one_sentence(str(fault)), fault
    assert fault.__cause__ is None
    assert fault.__context__ is None
    return fault, "".join(traceback.format_exception(fault)) + repr(fault)


@pytest.mark.parametrize("name", list(CLOUDS))
def test_a_client_secret_gets_a_token_from_the_authority_of_its_cloud(name: str) -> None:
    service = TokenService()
    signed_in = credential(sign_in(cloud=name), secret, nobody, service)
    assert signed_in.get_token(SCOPE).token == TOKEN
    assert {each.url.split("/")[2] for each in service.asked} == {CLOUDS[name].authority}
    posted = service.posted()[-1]
    assert (posted["client_id"], posted["scope"]) == (CLIENT, SCOPE)


@pytest.mark.parametrize(
    ("name", "password"),
    [("pem", ""), ("locked.pem", PASSWORD), ("pfx", ""), ("locked.pfx", PASSWORD)],
)
def test_a_certificate_signs_in_to_graph_and_exchange_alike(
    name: str, password: str, tmp_path: Path
) -> None:
    file = tmp_path / name
    file.write_bytes(FILES[name])
    service = TokenService()
    given = (lambda: password) if password else None
    signed_in = credential(sign_in("certificate", certificate_file=file), given, nobody, service)
    scopes = [SCOPE, "https://outlook.office365.com/.default"]
    assert [signed_in.get_token(each).token for each in scopes] == [TOKEN, TOKEN]
    assert [each["scope"] for each in service.posted()] == scopes
    assert all("client_assertion" in each for each in service.posted())


def test_a_device_code_is_shown_in_one_harmless_sentence() -> None:
    shown: list[str] = []
    service = TokenService()
    signed_in = credential(sign_in("device_code"), None, shown.append, service)
    assert signed_in.get_token(SCOPE).token == TOKEN
    assert [line.partition(" before ")[0] for line in shown] == [
        "Open https://login.example/device and enter the code ABCD1234"
    ]
    assert is_one_sentence(shown[0])


def test_a_person_enters_one_code_for_both_services_and_for_every_renewal() -> None:
    shown: list[str] = []
    service = TokenService(lifetime=200)  # too short to be kept
    signed_in = credential(sign_in("device_code"), None, shown.append, service)
    for _ in range(2):
        for scope in (SCOPE, "https://outlook.office365.com/.default"):
            signed_in.get_token(scope)
            signed_in.get_token(scope, claims='{"access_token":{}}')
    assert len(shown) == 1
    assert all("CP1" in each["claims"] for each in service.posted() if "scope" in each)


def test_a_token_is_kept_until_shortly_before_its_end() -> None:
    service = TokenService()
    signed_in = credential(sign_in(), secret, nobody, service)
    for _ in range(3):
        signed_in.get_token(SCOPE)
    assert len(service.posted()) == 1
    signed_in.get_token(SCOPE, claims='{"access_token":{}}')
    assert len(service.posted()) == 2
    brief = TokenService(lifetime=200)
    signed_in = credential(sign_in(), secret, nobody, brief)
    signed_in.get_token(SCOPE)
    signed_in.get_token(SCOPE)
    assert len(brief.posted()) == 2


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (7000215, "the client secret is wrong"),
        (7000222, "the client secret has expired"),
        (700027, "the certificate is not registered"),
        (700016, "the application is not known in this tenant"),
        (90002, "there is no such tenant in this cloud"),
        (50076, "multifactor authentication is wanted"),
        (53003, "a Conditional Access policy refuses it"),
        (65001, "nobody has consented"),
        (7000218, "does not allow public client flows"),
        (1234567, "it is refused"),
    ],
)
def test_a_refusal_says_what_to_do_and_quotes_nothing(
    code: int, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    said = f"AADSTS{code}: {SECRET} is wrong. Trace ID: 1\r\nTimestamp: 2"
    service = TokenService(refusal=said)
    signed_in = credential(sign_in(), secret, nobody, service)
    fault, told = refusal_of(lambda: signed_in.get_token(SCOPE))
    assert type(fault) is AccessDenied
    assert fault.code == f"AADSTS{code}"
    assert words in str(fault)
    assert f"(AADSTS{code})" in str(fault)
    assert str(fault).startswith(f"Sign-in to tenant {TENANT} at login.microsoftonline.com: ")
    assert SECRET not in told + caplog.text + repr(signed_in)
    assert "Trace ID" not in told


def test_a_tenant_that_does_not_exist_is_named_as_the_reason() -> None:
    signed_in = credential(sign_in(), secret, nobody, TokenService(unknown=True))
    fault, _ = refusal_of(lambda: signed_in.get_token(SCOPE))
    assert type(fault) is AccessDenied
    assert "there is no such tenant in this cloud" in str(fault)


@pytest.mark.parametrize("authentication", ["client_secret", "device_code"])
@pytest.mark.parametrize(
    "problem",
    [
        ServiceRequestError("no route to host"),
        # so says requests where REQUESTS_CA_BUNDLE names no file
        OSError("Could not find a suitable TLS CA certificate bundle, invalid path: /absent"),
    ],
)
def test_a_sign_in_service_that_does_not_answer_is_unreachable(
    authentication: CloudAuthentication, problem: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    service = TokenService(silent=problem)
    signed_in = credential(sign_in(authentication), secret, nobody, service)
    fault, told = refusal_of(lambda: signed_in.get_token(SCOPE))
    assert type(fault) is SourceUnreachable
    assert "check network, firewall, HTTPS_PROXY" in str(fault)
    assert SECRET not in told


def test_a_machine_without_azure_cli_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    signed_in = credential(sign_in("azure_cli"), None, nobody)
    fault, _ = refusal_of(lambda: signed_in.get_token(SCOPE))
    assert type(fault) is SourceUnreachable
    assert "`az login --tenant`" in str(fault)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows runs no shell script as az")
def test_a_token_of_the_azure_cli_is_fetched_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls = tmp_path / "calls"
    answer = {"accessToken": TOKEN, "expires_on": int(time.time()) + 3600, "tokenType": "Bearer"}
    (tmp_path / "answer").write_text(json.dumps(answer), encoding="utf-8")
    program = tmp_path / "az"
    program.write_text(
        f"#!/bin/sh\necho x >> {calls}\n/bin/cat {tmp_path}/answer\n", encoding="utf-8"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    signed_in = credential(sign_in("azure_cli"), None, nobody)
    assert [signed_in.get_token(SCOPE).token for _ in range(3)] == [TOKEN] * 3
    assert calls.read_text(encoding="utf-8").split() == ["x"]


@pytest.mark.parametrize(
    ("name", "password", "words"),
    [
        ("missing", "", "cannot be read (No such file or directory)"),
        ("empty", "", "cannot be read (it is empty)"),
        ("large", "", "cannot be read (it is larger than a certificate can be)"),
        ("public", "", "holds no private key"),
        ("key", "", "holds no certificate"),
        ("curve", "", "holds a key that is not RSA"),
        ("garbage", "", "is neither PEM nor PFX, is damaged, or needs a password"),
        ("cut", "", "holds no certificate"),
        ("locked.pem", "", "is protected by a password"),
        ("locked.pem", "wrong", "cannot be opened with that password"),
        ("pem", "needless", "is not protected by a password"),
        ("locked.pfx", "", "is neither PEM nor PFX, is damaged, or needs a password"),
        ("locked.pfx", "wrong", "cannot be opened with that password"),
    ],
)
def test_a_certificate_file_that_cannot_be_used_is_refused_without_its_name(
    name: str, password: str, words: str, tmp_path: Path
) -> None:
    folder = tmp_path / "a-place-nobody-may-see"
    folder.mkdir()
    file = folder / name
    if name in FILES:
        file.write_bytes(FILES[name])
    settings = sign_in("certificate", certificate_file=file)
    given = (lambda: password) if password else None
    fault, told = refusal_of(lambda: credential(settings, given, nobody, TokenService()))
    assert isinstance(fault, InputRefused)
    assert str(fault).startswith(f"certificate_file {words}")
    assert "a-place-nobody-may-see" not in told.replace(str(Path(__file__)), "")
    assert "PRIVATE KEY" not in told
    assert password not in str(fault) or not password


def test_a_folder_is_no_certificate_file(tmp_path: Path) -> None:
    settings = sign_in("certificate", certificate_file=tmp_path)
    fault, _ = refusal_of(lambda: credential(settings, None, nobody))
    assert str(tmp_path) not in str(fault)


@pytest.mark.parametrize("given", [None, lambda: ""])
def test_a_client_secret_has_to_be_given(given: Callable[[], str] | None) -> None:
    fault, _ = refusal_of(lambda: credential(sign_in(), given, nobody))
    assert "environment variable" in str(fault)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"cloud": "moon"}, "There is no cloud 'moon'; give one of global, gcchigh, dod, china."),
        ({"tenant_id": "a b"}, "tenant_id is neither a GUID nor a domain"),
        ({"tenant_id": "contoso.com/../x"}, "tenant_id is neither"),
        ({"client_id": None}, "needs client_id"),
        ({"authentication": "certificate"}, "certificate_file belongs to"),
        ({"certificate_file": Path("x.pfx")}, "certificate_file belongs to"),
    ],
)
def test_a_sign_in_that_cannot_work_is_refused(values: dict[str, Any], words: str) -> None:
    whole = {"tenant_id": TENANT, "authentication": "client_secret", "client_id": CLIENT}
    fault, _ = refusal_of(lambda: CloudSignIn(**{**whole, **values}))
    assert words in str(fault)


def test_nothing_secret_is_shown_of_a_sign_in(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    folder = tmp_path / "a-place-nobody-may-see"
    folder.mkdir()
    (folder / "locked.pfx").write_bytes(FILES["locked.pfx"])
    file = folder / "locked.pfx"
    shown: list[str] = []
    told: list[str] = []
    assertions: list[str] = []
    for settings, given in (
        (sign_in("certificate", certificate_file=file), lambda: PASSWORD),
        (sign_in("client_secret"), secret),
        (sign_in("device_code"), None),
    ):
        service = TokenService()
        signed_in = credential(settings, given, shown.append, service)
        signed_in.get_token(SCOPE)
        told += [repr(settings), repr(signed_in), str(signed_in), settings.place]
        posted = [each.get("client_assertion", SECRET) for each in service.posted()]
        assertions += [each.decode() if isinstance(each, bytes) else each for each in posted]
    everything = "".join([*told, *shown, caplog.text, *capfd.readouterr()])
    for hidden in (SECRET, PASSWORD, TOKEN, "nobody-may-see", *assertions, "PRIVATE KEY"):
        assert hidden not in everything
