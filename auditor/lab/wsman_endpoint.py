"""The lab's endpoint: WS-Management over HTTP or HTTPS on the loopback address ([MS-WSMV]).

It speaks as much of the protocol as a client needs that opens a shell, runs commands in it and
closes it, and fails on demand. Exchange answers on path `PowerShell`; the ordinary shell of
Windows on `wsman/<server>`, one for each server, since they share an address here.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import ssl
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from auditor.lab.loopback_server import LOOPBACK
from auditor.lab.organization import Organization
from auditor.lab.psrp_errors import Run
from auditor.lab.wire_answers import exchange_commands, windows_commands
from auditor.lab.wire_certificate import write_certificate
from auditor.lab.wire_faults import WireFault
from auditor.lab.wsman_logon import Credentials, Scheme
from auditor.lab.wsman_requests import (
    EXCHANGE_CONFIGURATION,
    EXCHANGE_PATH,
    WINDOWS_CONFIGURATION,
    WINDOWS_PATH,
    OpenShells,
)
from auditor.lab.wsman_server import Service, WsmanServer


@dataclass(frozen=True)
class Wire:
    """How an endpoint speaks.

    `schemes`: the kinds of logon it offers. `names`: those in its certificate. `protocol`: the
    version it claims to speak, None for the newest. `max_shells`: of the account, before a quota
    refuses more. `idle_seconds`: after which it closes a connection. `warm_up`: seconds that a
    shell needs before it is open.
    """

    tls: bool = False
    schemes: tuple[Scheme, ...] = ("Negotiate",)
    names: tuple[str, ...] = ("localhost", LOOPBACK)
    protocol: str | None = None
    max_shells: int = 18
    idle_seconds: float = 60.0
    warm_up: float = 0.0


class LabEndpoint:
    """The endpoint of a lab organisation; listens between entry and exit.

    `faults` strike as they say. `commands` stand in for what the organisation answers on the
    Exchange path. `ca_file` vouches for the certificate of an endpoint with TLS. `client_files` are
    certificate and key of the account, where it logs on by certificate.
    """

    host = "localhost"

    def __init__(
        self,
        organization: Organization,
        faults: Iterable[WireFault] = (),
        wire: Wire | None = None,
        commands: Run | None = None,
    ) -> None:
        self.wire = wire or Wire()
        self.credentials = Credentials("CONTOSO", "auditor", secrets.token_urlsafe(12))
        self.shells = OpenShells(
            faults,
            max_shells=self.wire.max_shells,
            protocol=self.wire.protocol,
            warm_up=self.wire.warm_up,
        )
        self.ca_file: Path | None = None
        self.client_files: tuple[Path, Path] | None = None
        self._organization = organization
        self._commands = commands or exchange_commands(organization)
        self._stack = ExitStack()
        self._server: WsmanServer | None = None

    def __enter__(self) -> Self:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="lab-")))
        self._stack.enter_context(_account_file(folder, self.credentials))
        service = Service(
            self.shells,
            self._at,
            self.wire.schemes,
            self.credentials,
            self._context(folder),
            self.wire.idle_seconds,
        )
        self._server = WsmanServer(service)
        thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="lab endpoint", daemon=True
        )
        thread.start()
        self._stack.callback(thread.join, 5)
        self._stack.callback(self._server.stop)
        self._stack.callback(self.shells.close)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def port(self) -> int:
        """The port, chosen by the system."""
        if self._server is None:
            raise RuntimeError("the endpoint does not listen")
        return self._server.server_port

    @property
    def url(self) -> str:
        """The Exchange endpoint."""
        return f"http{'s' if self.wire.tls else ''}://{self.host}:{self.port}/{EXCHANGE_PATH}"

    def windows_path(self, server: str) -> str:
        """The path of the ordinary shell of one server."""
        return f"{WINDOWS_PATH}/{server.partition('.')[0]}"

    def _context(self, folder: Path) -> ssl.SSLContext | None:
        if not self.wire.tls:
            return None
        self.ca_file, key_file = write_certificate(folder, "server", self.wire.names)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca_file, key_file)
        if "Certificate" in self.wire.schemes:
            self.client_files = write_certificate(folder, "client", (self.credentials.name,))
            context.load_verify_locations(self.client_files[0])
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _at(self, path: str) -> tuple[Run | None, str] | None:
        parts = path.partition("?")[0].strip("/").lower().split("/")
        if parts == [EXCHANGE_PATH.lower()]:
            return self._commands, EXCHANGE_CONFIGURATION
        if parts[0] != WINDOWS_PATH or len(parts) != 2:
            return None
        for server in self._organization.servers:
            if server.name.lower() == parts[1]:
                run = windows_commands(self._organization, server.name)
                return (run if server.build_readable else None), WINDOWS_CONFIGURATION
        return None


@contextlib.contextmanager
def _account_file(folder: Path, account: Credentials) -> Iterator[None]:
    """The file in which pyspnego, accepting NTLM, looks passwords up; named by an environment."""
    path = folder / "accounts"
    path.touch(mode=0o600)
    path.write_text(f"{account.domain}:{account.name}:{account.password}\n", encoding="utf-8")
    before = os.environ.get("NTLM_USER_FILE")
    os.environ["NTLM_USER_FILE"] = str(path)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("NTLM_USER_FILE", None)
        else:
            os.environ["NTLM_USER_FILE"] = before
