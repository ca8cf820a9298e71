"""Signing in to Microsoft's clouds: which hosts a cloud has, and credentials of azure-identity.

A credential serves Graph and Exchange Online alike; the scope is named with each token. Nothing
here keeps a token on disk, and no secret, token or path of a certificate is ever in a message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from auditor.errors import InputRefused

if TYPE_CHECKING:
    from azure.core.pipeline.transport import HttpTransport

CloudAuthentication: TypeAlias = Literal[
    "certificate", "client_secret", "device_code", "managed_identity", "azure_cli"
]

_APPLICATIONS = frozenset({"certificate", "client_secret", "device_code"})
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,253}")


@dataclass(frozen=True)
class Cloud:
    """The hosts of one national cloud; `authority` is a bare host name, the others are URLs."""

    name: str
    authority: str
    graph_url: str
    exchange_url: str


CLOUDS: Mapping[str, Cloud] = MappingProxyType(
    {
        cloud.name: cloud
        for cloud in (
            Cloud(
                "global",  # GCC, too
                "login.microsoftonline.com",
                "https://graph.microsoft.com",
                "https://outlook.office365.com",
            ),
            Cloud(
                "gcchigh",
                "login.microsoftonline.us",
                "https://graph.microsoft.us",
                "https://outlook.office365.us",
            ),
            Cloud(
                "dod",
                "login.microsoftonline.us",
                "https://dod-graph.microsoft.us",
                "https://outlook-dod.office365.us",
            ),
            Cloud(
                "china",
                "login.partner.microsoftonline.cn",
                "https://microsoftgraph.chinacloudapi.cn",
                "https://outlook.office365.cn",
            ),
        )
    }
)
"""By name. Documented on "National cloud deployments" and the Exchange Online Admin API page."""


class Token(Protocol):
    """What a credential hands out, as `azure.core.credentials.AccessToken` is."""

    @property
    def token(self) -> str:
        """The bearer token."""

    @property
    def expires_on(self) -> int:
        """When it ends, in seconds since 1970."""


class TokenCredential(Protocol):
    """Whatever can get a token at once, without an event loop."""

    def get_token(self, *scopes: str, **kwargs: Any) -> Token:
        """A token for the scopes; raises SourceError. `claims` may be given."""


@dataclass(frozen=True)
class CloudSignIn:
    """How to sign in to one tenant. It holds no secret.

    `tenant_id`: its GUID or one of its domains. `client_id`: the application, needed for
    certificate, client_secret and device_code; for managed_identity it names a user-assigned one.
    `certificate_file`: PEM or PFX with certificate and private key.
    """

    tenant_id: str
    authentication: CloudAuthentication
    client_id: str | None = None
    cloud: str = "global"
    certificate_file: Path | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Raises InputRefused for a combination that cannot work."""
        if self.cloud not in CLOUDS:
            raise InputRefused(
                f"There is no cloud {self.cloud!r:.40}; give one of {', '.join(CLOUDS)}."
            )
        if not _TENANT.fullmatch(self.tenant_id):
            raise InputRefused(
                "tenant_id is neither a GUID nor a domain; take it from the overview page of "
                "Microsoft Entra."
            )
        if self.authentication in _APPLICATIONS and not self.client_id:
            raise InputRefused(
                f"authentication: {self.authentication} needs client_id, the application that was "
                "registered for the auditor."
            )
        if (self.authentication == "certificate") != (self.certificate_file is not None):
            raise InputRefused(
                "certificate_file belongs to authentication: certificate, and that needs one; set "
                "both or neither."
            )

    @property
    def hosts(self) -> Cloud:
        """The hosts of its cloud."""
        return CLOUDS[self.cloud]

    @property
    def place(self) -> str:
        """How sentences name this sign-in."""
        return f"Sign-in to tenant {self.tenant_id} at {self.hosts.authority}"


def credential(
    sign_in: CloudSignIn,
    secret: Callable[[], str] | None,
    show: Callable[[str], None],
    transport: HttpTransport[Any, Any] | None = None,
) -> TokenCredential:
    """A credential for the sign-in, which is tried when the first token is asked for.

    `secret` gives the client secret, or the password of the certificate's key; it is called here.
    `show` gets the one sentence that tells the user where to enter a device code. `transport` is
    for tests. Raises InputRefused for a secret or a certificate file that cannot be used.
    """
    # azure-identity takes a quarter of a second to import, which nobody else should pay
    from auditor.sources.cloud_credential import SignedIn, library_credential

    return SignedIn(sign_in, library_credential(sign_in, secret, show, transport))
