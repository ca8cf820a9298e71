"""What goes wrong while logging on by Kerberos or NTLM, in one sentence each."""

from __future__ import annotations

import importlib
import ipaddress
from collections.abc import Iterator

from spnego.exceptions import SpnegoError

from auditor.errors import AccessDenied, SourceError, SourceUnreachable
from auditor.sources.quoted import one_line
from auditor.sources.shell_settings import ShellSettings

_KERBEROS_BASE = -1765328384
"""ERROR_TABLE_BASE_krb5 of MIT Kerberos; the codes of RFC 4120, 7.5.9, are counted from it."""

_SENTENCES: tuple[tuple[tuple[int, ...], type[SourceError], str], ...] = (
    ((7,), SourceUnreachable, "Kerberos knows no service {target}; {server_advice}."),
    ((6, 68), AccessDenied, "Kerberos does not know {who}; {name_advice}."),
    ((24, 31), AccessDenied, "The password of {who} is wrong; enter it again."),
    (
        (18, 23),
        AccessDenied,
        "The account {who} is locked or disabled, or its password has expired; ask for it to be "
        "unlocked.",
    ),
    (
        (37,),
        SourceUnreachable,
        "The clock here differs from that of the domain controllers by more than five minutes; "
        "set it.",
    ),
    (
        (154, 156),
        SourceUnreachable,
        "No domain controller answers for {who}; check the realm after the @, DNS and port 88.",
    ),
    (
        (32, 141, 194, 195),
        AccessDenied,
        "There is no valid Kerberos ticket here; run kinit, or set username and a password.",
    ),
)
_OTHER = (
    AccessDenied,
    "Logging on to {host} as {who} by {authentication} failed ({text}); check user name, password "
    "and name of the server.",
)


def _library_errors() -> Iterator[type[BaseException]]:
    # both are optional, compiled, and absent on Windows, where the system itself speaks Kerberos
    for module, name in (("gssapi.exceptions", "GSSError"), ("krb5", "Krb5Error")):
        try:
            yield getattr(importlib.import_module(module), name)
        except ImportError:
            continue


KERBEROS_ERRORS: tuple[type[BaseException], ...] = tuple(_library_errors())
"""What the Kerberos libraries raise past pyspnego, as far as they are installed."""


def kerberos_sentence(error: BaseException, settings: ShellSettings) -> SourceError:
    """The error of this program for one of SpnegoError and KERBEROS_ERRORS."""
    code = _code(error)
    kind: type[SourceError]
    kind, sentence = next(
        ((kind, sentence) for codes, kind, sentence in _SENTENCES if code in codes), _OTHER
    )
    target = f"{settings.kerberos_service}/{settings.kerberos_hostname or settings.host}"
    return kind(
        sentence.format(
            who=settings.username or "the current ticket",
            target=target,
            host=settings.host,
            authentication=settings.authentication,
            server_advice=_server_advice(settings),
            name_advice=_name_advice(settings),
            text=one_line(str(error)),
        )
    )


def _server_advice(settings: ShellSettings) -> str:
    if _is_address(settings.host) and not settings.kerberos_hostname:
        return "Kerberos needs the name of the server, not its address"
    return "name the server as the domain does (its FQDN), or set kerberos_hostname"


def _name_advice(settings: ShellSettings) -> str:
    if "@" not in (settings.username or "@"):
        return "write the account as name@REALM (UPN)"
    return "check its spelling, and the realm after the @"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _code(error: BaseException) -> int | None:
    """The error of RFC 4120 or of MIT Kerberos behind an exception, counted from the base."""
    inner = error.base_error if isinstance(error, SpnegoError) else error
    for name in ("err_code", "min_code"):
        value = getattr(inner, name, None)
        if isinstance(value, int) and value:
            return (value if value < 0 else value - (1 << 32)) - _KERBEROS_BASE
    return None
