"""A connection to one server of the directory: verified TLS, and a bind that shows no password.

Nothing but StartTLS, bind, search and unbind leaves the program; a test reads the source for
other operations.
"""

from __future__ import annotations

import importlib
import ssl
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import ldap3
from ldap3.core.exceptions import LDAPException, LDAPPackageUnavailableError

from auditor.errors import AccessDenied, InputRefused, SourceError, SourceUnreachable
from auditor.sources.directory_entry import MalformedMessage
from auditor.sources.directory_failures import SUCCESS, bind_refused, quoted
from auditor.sources.directory_strategy import LDAP3_VERSION, EntryStrategy, install

Encryption = Literal["ldaps", "starttls", "none"]
Authentication = Literal["simple", "kerberos"]

LDAPS_PORT, LDAP_PORT = 636, 389
GLOBAL_CATALOG_PORTS = frozenset({3268, 3269})


@dataclass(frozen=True)
class DirectorySettings:
    """How to reach Active Directory.

    `host` is a domain controller, by the name its certificate bears. `ca_file` holds further
    certificates to trust (PEM); without it the system's are trusted. A simple bind needs `user`
    (`CONTOSO\\auditor` or `auditor@contoso.com`) and `password`; Kerberos takes the ticket of the
    person who runs the program, or that of `user`. `encryption` "none" is for Kerberos on networks
    whose domain controllers have no certificate: answers can be read and forged on the way.
    `domain_controllers` names the server, `host` or `host:port`, for a domain by its DNS name;
    others are looked up in the directory. Times are in seconds.
    """

    host: str
    port: int | None = None
    encryption: Encryption = "ldaps"
    ca_file: Path | None = None
    authentication: Authentication = "simple"
    user: str = ""
    password: str = field(default="", repr=False)
    domain_controllers: dict[str, str] = field(default_factory=dict)
    page_size: int = 1_000
    connect_timeout: int = 10
    answer_timeout: int = 120
    own_decoder: bool = True

    @property
    def server(self) -> str:
        """Host and port, as sentences name the server."""
        return f"{self.host}:{self.port_or_default}"

    @property
    def port_or_default(self) -> int:
        """The port, or the usual one of the encryption."""
        return self.port or (LDAPS_PORT if self.encryption == "ldaps" else LDAP_PORT)

    @property
    def account(self) -> str:
        """The account, as sentences and the ledger name it."""
        return self.user or "the owner of the Kerberos ticket"


@dataclass(frozen=True)
class OpenConnection:
    """A bound connection of ldap3; `strategy` is None where the stock path reads entries."""

    connection: ldap3.Connection
    strategy: EntryStrategy | None


class _VerifiedTls(ldap3.Tls):
    """TLS as Python's own `ssl` verifies it: chain, dates, and the name in the certificate."""

    def __init__(self, ca_file: Path | None) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self.context = ssl.create_default_context()
        if ca_file is not None:
            self.context.load_verify_locations(ca_file)
        self.refusal: ssl.SSLError | None = None

    def wrap_socket(self, connection: ldap3.Connection, do_handshake: bool = False) -> None:
        try:
            connection.socket = self.context.wrap_socket(
                connection.socket,
                do_handshake_on_connect=do_handshake,
                server_hostname=connection.server.host,
            )
        except ssl.SSLError as refusal:
            self.refusal = refusal
            raise


def open_connection(settings: DirectorySettings) -> OpenConnection:
    """Connect, verify the server and sign in.

    Raises InputRefused for settings that would show a password or cannot work, SourceUnreachable
    where no trusted connection comes about, AccessDenied where the account is refused.
    """
    _check(settings)
    tls = _tls(settings)
    connection = _connection(settings, tls)
    own = settings.own_decoder and version("ldap3") == LDAP3_VERSION
    strategy = install(connection) if own else None
    with ExitStack() as undo:
        undo.callback(close, connection)
        _open(connection, settings, tls)
        _bind(connection, settings)
        undo.pop_all()
    return OpenConnection(connection, strategy)


def close(connection: ldap3.Connection) -> None:
    """Sign off and hang up; a wire that is broken already is no further failure."""
    try:
        connection.unbind()
    except (LDAPException, OSError):
        connection.strategy.close()
    finally:
        # where TLS failed, ldap3 forgets the socket and leaves it open
        if connection.socket is not None:
            connection.socket.close()


def _check(settings: DirectorySettings) -> None:
    if not settings.host:
        raise InputRefused("No domain controller is named: set the host of the directory.")
    if settings.port in GLOBAL_CATALOG_PORTS:
        # what the catalog lacks looks exactly like what is empty
        raise InputRefused(
            f"{settings.server} is the global catalog, which lacks most of what is asked: leave "
            "the port out."
        )
    if settings.authentication == "kerberos":
        return
    if settings.encryption == "none":
        raise InputRefused(
            f"A password would cross the network to {settings.server} in clear: use LDAPS or "
            "StartTLS, or sign in with Kerberos."
        )
    if not settings.user or not settings.password:
        # an empty password makes a bind anonymous (RFC 4513, 5.1.2), which then seems to succeed
        raise InputRefused(
            f"No account or no password is given for {settings.server}: name both, or sign in "
            "with Kerberos."
        )


def _tls(settings: DirectorySettings) -> _VerifiedTls | None:
    if settings.encryption == "none":
        return None
    try:
        return _VerifiedTls(settings.ca_file)
    except (OSError, ValueError) as problem:
        raise InputRefused(
            f"{settings.ca_file} holds no certificates to trust ({problem}): name a PEM file of "
            "the authority that issued the certificates of the domain controllers."
        ) from problem


def _connection(settings: DirectorySettings, tls: _VerifiedTls | None) -> ldap3.Connection:
    credentials: dict[str, Any] = {"user": settings.user or None}
    if settings.authentication == "kerberos":
        credentials["authentication"] = ldap3.SASL
        credentials["sasl_mechanism"] = ldap3.KERBEROS
        credentials["sasl_credentials"] = (settings.host,)
    else:
        credentials["authentication"] = ldap3.SIMPLE
        # bytes, since ldap3 rewrites text by SASLprep, which Active Directory does not
        credentials["password"] = settings.password.encode()
    try:
        server = ldap3.Server(
            settings.host,
            port=settings.port_or_default,
            use_ssl=settings.encryption == "ldaps",
            tls=tls,
            get_info=ldap3.NONE,
            allowed_referral_hosts=[],
            connect_timeout=settings.connect_timeout,
        )
        return ldap3.Connection(
            server,
            **credentials,
            auto_bind=ldap3.AUTO_BIND_NONE,
            read_only=True,
            auto_referrals=False,
            auto_range=False,
            auto_escape=False,
            check_names=False,
            return_empty_attributes=False,
            receive_timeout=settings.answer_timeout,
        )
    except LDAPException as problem:
        raise InputRefused(
            f"{settings.server} cannot be the address of a directory ({problem}): name a domain "
            "controller by its host name."
        ) from problem


def _open(
    connection: ldap3.Connection, settings: DirectorySettings, tls: _VerifiedTls | None
) -> None:
    try:
        connection.open(read_server_info=False)
        if settings.encryption == "starttls":
            connection.start_tls(read_server_info=False)
    except (LDAPException, OSError, MalformedMessage) as problem:
        if tls is not None and tls.refusal is not None:
            raise _untrusted(settings, tls.refusal) from problem
        raise SourceUnreachable(
            f"{settings.server} could not be reached ({quoted(str(problem))}): check the name, "
            f"the port and the firewall, and that it offers {_offer(settings)}."
        ) from problem


def _offer(settings: DirectorySettings) -> str:
    return {"ldaps": "LDAPS", "starttls": "StartTLS", "none": "LDAP"}[settings.encryption]


def _untrusted(settings: DirectorySettings, refusal: ssl.SSLError) -> SourceUnreachable:
    if isinstance(refusal, ssl.SSLCertVerificationError):
        return SourceUnreachable(
            f"The certificate of {settings.server} is not trusted ({refusal.verify_message}): "
            "name the server as its certificate does, and give the file of its authority as "
            "ca_file."
        )
    return SourceUnreachable(
        f"{settings.server} and this program agree on no TLS ({refusal.reason or refusal}): it "
        "must offer TLS 1.2 or later on this port, and have a certificate."
    )


def _bind(connection: ldap3.Connection, settings: DirectorySettings) -> None:
    try:
        connection.bind(read_server_info=False)
    except LDAPPackageUnavailableError as missing:
        raise InputRefused(
            "Kerberos needs a package that is not installed: "
            "pip install 'hybrid-onboarding-auditor[kerberos]'."
        ) from missing
    except (LDAPException, OSError, MalformedMessage) as problem:
        raise _sign_in_failed(settings, problem) from problem
    except _ticket_errors() as problem:
        raise AccessDenied(
            f"Kerberos gave no ticket for {settings.server} ({quoted(str(problem))}): sign in "
            "with kinit, or to Windows, and name the server by its full host name."
        ) from problem
    result = connection.result or {}
    if result.get("result") != SUCCESS:
        raise bind_refused(
            {"result": -1, "description": "nothing", **result}, settings.server, settings.account
        )


def _sign_in_failed(settings: DirectorySettings, problem: Exception) -> SourceError:
    return SourceUnreachable(
        f"{settings.server} broke off while {settings.account} signed in "
        f"({quoted(str(problem))}): try again, and check what it logs."
    )


def _ticket_errors() -> tuple[type[Exception], ...]:
    """What the Kerberos library of this system raises; empty where none is installed."""
    found: list[type[Exception]] = []
    for module, name in (("gssapi.exceptions", "GSSError"), ("winkerberos", "KrbError")):
        try:
            found.append(getattr(importlib.import_module(module), name))
        except ImportError:
            continue
    return tuple(found)
