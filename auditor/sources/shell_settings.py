"""Where a remote PowerShell shell is, how to log on to it, and how long to wait for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from auditor.errors import InputRefused

Authentication: TypeAlias = Literal["kerberos", "negotiate", "ntlm", "certificate", "basic"]

EXCHANGE_PATH, EXCHANGE_CONFIGURATION = "PowerShell", "Microsoft.Exchange"
WINDOWS_PATH, WINDOWS_CONFIGURATION = "wsman", "Microsoft.PowerShell"
_PORTS = {
    EXCHANGE_CONFIGURATION: {True: 443, False: 80},
    WINDOWS_CONFIGURATION: {True: 5986, False: 5985},
}
_NEED_TLS = ("basic", "certificate")
_NEED_NAME = ("basic",)


@dataclass(frozen=True)
class ShellSettings:
    """One endpoint of Windows PowerShell remoting. It holds no secret.

    `port` None is the usual one: 443 or 80 for Exchange, which sits on IIS, 5986 or 5985 for
    Windows itself. Without `tls` messages are encrypted with the key that Kerberos or NTLM agreed
    on. `username` None means the ticket of whoever runs the program; with a password Kerberos
    wants a UPN (`svc@CONTOSO.COM`). For a logon by certificate the password is that of its key.
    `ca_file`: the authorities that may vouch for the server, instead of those of the machine.
    `kerberos_service` and `kerberos_hostname` are the two halves of the service principal name
    where `host/<host>` is not the right one.

    Seconds: `connect_timeout` for the connection; `read_timeout` for one answer, longer than
    `operation_timeout`, after which the server itself says that there is nothing yet; `opening`
    for the first answer, since Exchange builds a shell slowly when it is the first; `silence`
    without one new object; `deadline` for one command; `patience` for a server that is too busy,
    all pauses together.
    """

    host: str
    port: int | None = None
    tls: bool = True
    authentication: Authentication = "kerberos"
    username: str | None = None
    certificate_file: Path | None = None
    certificate_key_file: Path | None = None
    ca_file: Path | None = None
    path: str = EXCHANGE_PATH
    configuration: str = EXCHANGE_CONFIGURATION
    kerberos_service: Literal["host", "HTTP"] = "host"
    kerberos_hostname: str | None = None
    environment_proxies: bool = False
    connect_timeout: float = 15.0
    read_timeout: float = 40.0
    operation_timeout: int = 20
    opening: int = 60
    silence: float = 300.0
    deadline: float = 7200.0
    patience: float = 120.0

    def __post_init__(self) -> None:
        """Raises InputRefused for a combination that cannot work, or that would show a secret."""
        where = f"{self.host}: authentication: {self.authentication}"
        if self.authentication in _NEED_TLS and not self.tls:
            raise InputRefused(f"{where} is offered over TLS only; set tls: true.")
        if self.authentication in _NEED_NAME and not self.username:
            raise InputRefused(f"{where} needs a user name; set username.")
        if self.read_timeout <= self.operation_timeout:
            raise InputRefused(
                f"{self.host}: read_timeout must be longer than operation_timeout, after which the "
                "server says that there is nothing yet; raise it."
            )
        if self.authentication == "certificate" and not (
            self.certificate_file and self.certificate_key_file
        ):
            raise InputRefused(f"{where} needs certificate_file and certificate_key_file.")

    @property
    def usual_port(self) -> int:
        """The port that is connected to."""
        return self.port or _PORTS.get(self.configuration, _PORTS[EXCHANGE_CONFIGURATION])[self.tls]

    @property
    def url(self) -> str:
        """The endpoint, as sentences name it."""
        scheme = "https" if self.tls else "http"
        return f"{scheme}://{self.host}:{self.usual_port}/{self.path}"


def windows_settings(exchange: ShellSettings, host: str, port: int | None = None) -> ShellSettings:
    """Settings of the ordinary endpoint of Windows on `host`, with the logon of `exchange`."""
    return replace(
        exchange,
        host=host,
        port=port,
        path=WINDOWS_PATH,
        configuration=WINDOWS_CONFIGURATION,
        kerberos_hostname=None,
    )


class Secret:
    """A password that is asked for once, when it is first needed, and shown to nobody."""

    __slots__ = ("_provider", "_value")

    def __init__(self, provider: Callable[[], str] | None) -> None:
        self._provider = provider
        self._value: str | None = None

    def __repr__(self) -> str:
        return "Secret(not shown)"

    def reveal(self) -> str | None:
        """The password; None where there is none and a ticket is used."""
        if self._value is None and self._provider is not None:
            self._value = self._provider()
        return self._value
