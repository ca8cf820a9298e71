"""Credentials of azure-identity, whose refusals become sentences and whose tokens are kept.

Imported when somebody signs in: it loads azure-identity and msal.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import azure.identity as library
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.pipeline.transport import HttpTransport

from auditor.errors import InputRefused, SourceError
from auditor.sources.cloud_sign_in import CloudSignIn, Token, TokenCredential
from auditor.sources.cloud_sign_in_faults import refused, unavailable, unreachable

_LARGEST_CERTIFICATE = 1024 * 1024
_RENEWED_EARLY = 300.0
_CLI_SECONDS = 60
_NO_ANSWER = (ServiceRequestError, ServiceResponseError)


class SignedIn:
    """A credential of azure-identity whose refusals are sentences, and whose tokens are kept.

    Tokens are kept in memory until five minutes before they end: some of the library's credentials
    start a process for each. Not for several threads.
    """

    __slots__ = ("_inner", "_sign_in", "_tokens")

    def __init__(self, sign_in: CloudSignIn, inner: TokenCredential) -> None:
        self._sign_in = sign_in
        self._inner = inner
        self._tokens: dict[tuple[str, ...], Token] = {}

    def __repr__(self) -> str:
        return f"SignedIn({self._sign_in!r})"

    def get_token(self, *scopes: str, **kwargs: Any) -> Token:
        """A token for the scopes; with `claims` always a new one.

        Raises AccessDenied where the sign-in is refused, SourceUnreachable where it was not tried
        or not answered; `code` is the AADSTS number, if there is one.
        """
        kept = self._tokens.get(scopes)
        fresh = kept is not None and kept.expires_on - time.time() > _RENEWED_EARLY
        if kept is not None and fresh and not kwargs.get("claims"):
            return kept
        found = self._asked(scopes, kwargs)
        if isinstance(found, SourceError):
            raise found  # outside of any handler: the library's exception holds the request
        self._tokens[scopes] = found
        return found

    def _asked(self, scopes: tuple[str, ...], options: Mapping[str, Any]) -> Token | SourceError:
        place, authentication = self._sign_in.place, self._sign_in.authentication
        try:
            # always: the library keeps such sign-ins apart, and would ask a person for another one
            return self._inner.get_token(*scopes, enable_cae=True, **options)
        except library.CredentialUnavailableError as problem:
            return unavailable(place, authentication, problem.message)
        except ClientAuthenticationError as problem:
            # OSError: requests, where the file that REQUESTS_CA_BUNDLE names is not there
            if isinstance(problem.__cause__, (*_NO_ANSWER, OSError)):
                return unreachable(place)
            kind = type(problem.__cause__ or problem).__name__
            return refused(place, authentication, problem.message, kind)
        except _NO_ANSWER:
            return unreachable(place)
        except AzureError as problem:
            return refused(place, authentication, problem.message, type(problem).__name__)


def library_credential(
    sign_in: CloudSignIn,
    secret: Callable[[], str] | None,
    show: Callable[[str], None],
    transport: HttpTransport[Any, Any] | None,
) -> TokenCredential:
    """The library's credential; `credential` in cloud_sign_in says what the arguments are."""
    _quiet_libraries()
    tenant, client = sign_in.tenant_id, sign_in.client_id or ""
    # the authority is one of CLOUDS, so nobody needs to be asked whether it may be trusted
    options: dict[str, Any] = {
        "authority": sign_in.hosts.authority,
        "disable_instance_discovery": True,
        **({"transport": transport} if transport is not None else {}),
    }
    match sign_in.authentication:
        case "certificate":
            return _certificate_credential(sign_in, secret() if secret else "", options)
        case "client_secret":
            value = secret() if secret else ""
            if not value:
                raise InputRefused(
                    "authentication: client_secret needs the secret, and none was given; set the "
                    "environment variable that the configuration names."
                )
            return library.ClientSecretCredential(tenant, client, value, **options)
        case "device_code":
            return library.DeviceCodeCredential(
                client, tenant_id=tenant, prompt_callback=_instruction(show), **options
            )
        case "managed_identity":
            return library.ManagedIdentityCredential(client_id=sign_in.client_id)
        case "azure_cli":
            return library.AzureCliCredential(tenant_id=tenant, process_timeout=_CLI_SECONDS)


def _quiet_libraries() -> None:
    """Lets the libraries log less, unless somebody has chosen a level for them.

    azure-identity logs each refusal at length, which becomes a sentence here; msal writes device
    codes to its debugging log.
    """
    for name, level in (("azure.identity", logging.CRITICAL), ("msal", logging.WARNING)):
        log = logging.getLogger(name)
        if log.level == logging.NOTSET:
            log.setLevel(level)


def _instruction(show: Callable[[str], None]) -> Callable[[str, str, dt.datetime], None]:
    def tell(address: str, code: str, expires: dt.datetime) -> None:
        words = f"Open {address} and enter the code {code} before {expires:%H:%M} UTC to sign in."
        show("".join(c for c in words if c.isprintable()))

    return tell


def _certificate_credential(
    sign_in: CloudSignIn, password: str, options: Mapping[str, Any]
) -> TokenCredential:
    content = _certificate(sign_in)
    try:
        return library.CertificateCredential(
            sign_in.tenant_id,
            sign_in.client_id or "",
            certificate_data=content,
            password=password or None,
            **options,
        )
    except TypeError:  # cryptography, where a key is encrypted or is not, against the password
        said = "is not protected by a password" if password else "is protected by a password"
        step = "give none" if password else "give it"
    except ValueError as problem:
        said, step = _unusable(content, str(problem), bool(password))
    raise InputRefused(f"certificate_file {said}; {step}.")


def _unusable(content: bytes, message: str, password: bool) -> tuple[str, str]:
    pem = b"-----BEGIN" in content
    if "private key" in message and "RSA" in message:
        return "holds a key that is not RSA", "use a certificate with an RSA key"
    if "private key" in message or (pem and b"PRIVATE KEY-----" not in content):
        return "holds no private key", "export the certificate with its private key"
    if pem and b"-----BEGIN CERTIFICATE-----" not in content:
        return "holds no certificate", "put the certificate and its private key into it"
    if password:
        return (
            "cannot be opened with that password",
            "check password and format",
        )
    return (
        "is neither PEM nor PFX, is damaged, or needs a password",
        "export the certificate with its private key, and give the password if there is one",
    )


def _certificate(sign_in: CloudSignIn) -> bytes:
    """The content of the certificate file; raises InputRefused, which does not name it."""
    content, said = b"", ""
    try:
        with (sign_in.certificate_file or Path()).open("rb") as opened:
            content = opened.read(_LARGEST_CERTIFICATE + 1)
    except OSError as problem:
        said = problem.strerror or "it cannot be opened"
    if not said and not content:
        said = "it is empty"
    if len(content) > _LARGEST_CERTIFICATE:
        said = "it is larger than a certificate can be"
    if said:
        raise InputRefused(
            f"certificate_file cannot be read ({said}); check the name and who may read it."
        )
    return content
