"""What tests of remote shells share: settings that fit the lab's endpoint, with short patience."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from auditor.lab.wsman_endpoint import LabEndpoint
from auditor.sources.exchange_shell import ExchangeShell
from auditor.sources.shell_settings import Authentication, ShellSettings, windows_settings

WHOLE_FOREST: dict[str, str | bool | int] = {"ResultSize": "Unlimited", "IgnoreDefaultScope": True}

AUTHENTICATION: dict[str, Authentication] = {
    "Basic": "basic",
    "Negotiate": "ntlm",
    "Kerberos": "kerberos",
    "Certificate": "certificate",
}


def settings_for(endpoint: LabEndpoint, **changes: Any) -> ShellSettings:
    """Settings that reach the Exchange path of an endpoint, less what `changes` says."""
    certificate, key = endpoint.client_files or (None, None)
    fitting = ShellSettings(
        host=endpoint.host,
        port=endpoint.port,
        tls=endpoint.wire.tls,
        authentication=AUTHENTICATION[endpoint.wire.schemes[0]],
        username=endpoint.credentials.username,
        certificate_file=certificate,
        certificate_key_file=key,
        ca_file=endpoint.ca_file,
        connect_timeout=2,
        read_timeout=3,
        operation_timeout=1,
        opening=5,
        silence=20,
        deadline=30,
        patience=3,
    )
    return replace(fitting, **changes)


def password_for(endpoint: LabEndpoint) -> str | None:
    """The password that belongs to the settings."""
    return None if "Certificate" in endpoint.wire.schemes else endpoint.credentials.password


def shell_for(endpoint: LabEndpoint, **changes: Any) -> ExchangeShell:
    """A shell of the Exchange path, not opened yet."""
    password = password_for(endpoint)
    provider = None if password is None else lambda: password
    return ExchangeShell(settings_for(endpoint, **changes), provider)


def windows_settings_for(endpoint: LabEndpoint, server: str, **changes: Any) -> ShellSettings:
    """Settings that reach the ordinary shell of one server."""
    fitting = windows_settings(settings_for(endpoint), endpoint.host, endpoint.port)
    return replace(fitting, path=endpoint.windows_path(server), **changes)
