"""The part of the configuration that names the tenant, and how to sign in to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import AfterValidator

from auditor.config_parts import (
    KEYRING_SERVICE,
    Ask,
    FilePath,
    Part,
    from_environment,
    from_keyring,
)
from auditor.errors import InputRefused
from auditor.sources.cloud_sign_in import CloudSignIn

GUID = r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"


def _guid(value: str) -> str:
    if re.fullmatch(GUID, value) is None:
        raise ValueError(
            "an id such as 11111111-2222-3333-4444-555555555555 is wanted, no name; the Entra admin"
            " center shows it"
        )
    return value


Guid = Annotated[str, AfterValidator(_guid)]
SIGNS_IN_A_PERSON = frozenset({"device_code", "azure_cli"})


class CloudTenant(Part):
    """A tenant, and the application or person that reads Microsoft Graph and Exchange Online.

    `tenant` and `client_id` are GUIDs. `secret_from` says where the client secret comes from, or
    the password of the certificate's file if it has one. `username` is the person who signs in by
    device code or Azure CLI; Exchange Online wants the name. `graph` and `exchange_online` False
    leave that half unread.
    """

    tenant: Guid
    cloud: Literal["global", "gcchigh", "dod", "china"] = "global"
    authentication: Literal[
        "certificate", "client_secret", "device_code", "managed_identity", "azure_cli"
    ] = "certificate"
    client_id: Guid | None = None
    certificate_file: FilePath | None = None
    secret_from: Literal["nowhere", "prompt", "environment", "keyring"] = "nowhere"
    secret_variable: str = "AUDITOR_CLOUD_SECRET"
    keyring_service: str = KEYRING_SERVICE
    username: str | None = None
    graph: bool = True
    exchange_online: bool = True


def cloud_sign_in(tenant: CloudTenant) -> CloudSignIn:
    """How to sign in; raises InputRefused, before anything is contacted, for what cannot work."""
    how = tenant.authentication
    if how == "client_secret" and tenant.secret_from == "nowhere":
        raise InputRefused(
            "cloud: authentication client_secret needs secret_from: environment, prompt or keyring"
        )
    if how in SIGNS_IN_A_PERSON and tenant.exchange_online and tenant.username is None:
        raise InputRefused(
            f"cloud: with authentication {how} Exchange Online wants the name of the person;"
            " give username, or set exchange_online: false"
        )
    return CloudSignIn(
        tenant_id=tenant.tenant,
        authentication=how,
        client_id=tenant.client_id,
        cloud=tenant.cloud,
        certificate_file=tenant.certificate_file,
    )


def secret_of(tenant: CloudTenant, ask: Ask) -> Callable[[], str] | None:
    """Where the secret comes from, to be called when it is needed; None without one."""
    match tenant.secret_from:
        case "nowhere":
            return None
        case "prompt":
            what = "Password of the certificate" if tenant.certificate_file else "Client secret"
            return lambda: ask(f"{what} for {tenant.client_id or tenant.tenant}: ")
        case "environment":
            return lambda: from_environment(tenant.secret_variable)
        case "keyring":
            return lambda: from_keyring(tenant.keyring_service, tenant.client_id or tenant.tenant)
