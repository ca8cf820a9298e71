"""Where secrets come from, and that each source fails in one sentence."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from auditor.config import (
    ActiveDirectory,
    Builds,
    Exchange,
    build_settings,
    directory_settings,
    password_of,
    shell_settings,
)
from auditor.errors import InputRefused


def nobody(question: str) -> str:
    raise AssertionError(f"nobody may be asked: {question}")


def sign_in(**values: object) -> Exchange:
    return Exchange.model_validate(
        {
            "server": "ex01.contoso.com",
            "authentication": "ntlm",
            "username": "CONTOSO\\svc",
            **values,
        }
    )


def test_a_ticket_needs_no_password() -> None:
    kerberos = sign_in(authentication="kerberos", username="svc@CONTOSO.COM")
    assert password_of(kerberos, nobody) is None


def test_a_sign_in_that_needs_a_password_says_so_before_anything_is_contacted() -> None:
    with pytest.raises(InputRefused, match="needs a password; set password_from"):
        password_of(sign_in(), nobody)


def test_a_prompt_asks_for_the_account_by_name_when_it_is_needed() -> None:
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return "secret"

    password = password_of(sign_in(password_from="prompt"), ask)
    assert password is not None
    assert asked == []
    assert password() == "secret"
    assert asked == ["Password of CONTOSO\\svc: "]


def test_the_environment_gives_the_password_or_names_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen = sign_in(password_from="environment", password_variable="AUDITOR_TEST_VARIABLE")
    password = password_of(chosen, nobody)
    assert password is not None
    monkeypatch.delenv("AUDITOR_TEST_VARIABLE", raising=False)
    with pytest.raises(InputRefused, match="AUDITOR_TEST_VARIABLE is not set"):
        password()
    monkeypatch.setenv("AUDITOR_TEST_VARIABLE", "secret")
    assert password() == "secret"


def test_the_key_ring_gives_the_password_or_says_how_to_store_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    password = password_of(sign_in(password_from="keyring", keyring_service="audit"), nobody)
    assert password is not None
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(InputRefused, match="pip install keyring"):
        password()
    stored = {("audit", "CONTOSO\\svc"): "secret"}
    ring = ModuleType("keyring")
    monkeypatch.setattr(
        ring, "get_password", lambda service, user: stored.get((service, user)), raising=False
    )
    monkeypatch.setitem(sys.modules, "keyring", ring)
    assert password() == "secret"
    stored.clear()
    with pytest.raises(InputRefused, match="keyring set audit"):
        password()


def test_a_key_ring_that_does_not_open_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    password = password_of(sign_in(password_from="keyring", keyring_service="audit"), nobody)
    assert password is not None
    ring, errors = ModuleType("keyring"), ModuleType("keyring.errors")

    class KeyringLocked(Exception):
        """As the package has it, below KeyringError."""

    def locked(_service: str, _user: str) -> str:
        raise KeyringLocked("Failed to unlock the collection!")

    monkeypatch.setattr(errors, "KeyringError", KeyringLocked, raising=False)
    monkeypatch.setattr(ring, "errors", errors, raising=False)
    monkeypatch.setattr(ring, "get_password", locked, raising=False)
    monkeypatch.setitem(sys.modules, "keyring", ring)
    with pytest.raises(InputRefused, match=r"does not open \(KeyringLocked\); unlock it"):
        password()


def test_builds_use_the_account_of_exchange_on_an_endpoint_of_their_own() -> None:
    exchange = sign_in(authentication="kerberos", tls=True, port=8443, kerberos_hostname="alias")
    own = build_settings(exchange, Builds(port=5999), "ex02.contoso.com")
    assert (own.host, own.port, own.tls, own.path, own.username, own.kerberos_hostname) == (
        "ex02.contoso.com",
        5999,
        False,
        "wsman",
        "CONTOSO\\svc",
        None,
    )
    assert shell_settings(exchange).url == "https://ex01.contoso.com:8443/PowerShell"


def test_no_settings_show_a_password() -> None:
    directory = ActiveDirectory(
        host="dc01", authentication="simple", username="a@b.example", password_from="prompt"
    )
    settings = directory_settings(directory, lambda _question: "s3cret-value")
    assert settings.password == "s3cret-value"
    assert "s3cret-value" not in repr(settings)
