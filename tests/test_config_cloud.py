"""The tenant in the configuration: what cannot work is refused before anything is contacted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditor.config import read_configuration
from auditor.config_cloud import CloudTenant, cloud_sign_in, secret_of
from auditor.errors import InputRefused

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "66666666-7777-8888-9999-000000000000"


def nobody(question: str) -> str:
    raise AssertionError(f"nobody may be asked: {question}")


def tenant(**values: object) -> CloudTenant:
    return CloudTenant.model_validate({"tenant": TENANT, **values})


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {},
            "authentication: certificate needs client_id, the application that was registered for"
            " the auditor.",
        ),
        (
            {"client_id": CLIENT},
            "certificate_file belongs to authentication: certificate, and that needs one; set both"
            " or neither.",
        ),
        (
            {"client_id": CLIENT, "authentication": "client_secret"},
            "cloud: authentication client_secret needs secret_from: environment, prompt or keyring",
        ),
        (
            {"client_id": CLIENT, "authentication": "device_code"},
            "cloud: with authentication device_code Exchange Online wants the name of the person;"
            " give username, or set exchange_online: false",
        ),
    ],
)
def test_a_sign_in_that_cannot_work_is_refused(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputRefused) as refused:
        cloud_sign_in(tenant(**values))
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    "values",
    [
        {"client_id": CLIENT, "certificate_file": "auditor.pem"},
        {"client_id": CLIENT, "authentication": "client_secret", "secret_from": "environment"},
        {"client_id": CLIENT, "authentication": "device_code", "username": "ann@contoso.com"},
        {"authentication": "managed_identity"},
        {"authentication": "azure_cli", "exchange_online": False},
    ],
)
def test_every_way_to_sign_in_can_be_configured(values: dict[str, object]) -> None:
    cloud_sign_in(tenant(**values))


def test_a_secret_in_the_file_is_refused_without_being_shown(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    content = {"cloud": {"tenant": TENANT, "client_id": CLIENT, "client_secret": "hunter2"}}
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputRefused) as refused:
        read_configuration(path)
    assert str(refused.value) == (
        "config.yaml: client_secret does not belong into a file; take it out, change it, and let"
        " password_from or secret_from be prompt, environment or keyring"
    )


def test_a_tenant_that_is_no_guid_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("cloud: {tenant: contoso.com, authentication: managed_identity}")
    with pytest.raises(InputRefused, match=r"config\.yaml: cloud\.tenant: an id such as"):
        read_configuration(path)


def test_the_secret_comes_from_where_the_configuration_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return "typed"

    assert secret_of(tenant(secret_from="nowhere"), nobody) is None
    prompted = secret_of(tenant(secret_from="prompt", client_id=CLIENT), ask)
    assert prompted is not None
    assert asked == []
    assert prompted() == "typed"
    assert asked == [f"Client secret for {CLIENT}: "]
    monkeypatch.setenv("AUDITOR_CLOUD_SECRET", "from the environment")
    stored = secret_of(tenant(secret_from="environment"), nobody)
    assert stored is not None
    assert stored() == "from the environment"
    monkeypatch.delenv("AUDITOR_CLOUD_SECRET")
    with pytest.raises(InputRefused, match="AUDITOR_CLOUD_SECRET is not set"):
        stored()
