"""What goes wrong with a remote shell, in one sentence each: cause, place, next step.

The one place where exceptions of pypsrp, requests, pyspnego, gssapi and krb5 become errors of
this program. Codes are those of [MS-WSMV] and of the Windows header wsmerror.h; texts of a server
are quoted and never compared, except for identifiers that no language translates.
"""

from __future__ import annotations

import re
import socket
import ssl
import struct
from collections.abc import Iterator
from xml.etree.ElementTree import ParseError

import requests
from pypsrp.exceptions import (
    AuthenticationError,
    InvalidPSRPOperation,
    WinRMError,
    WinRMTransportError,
    WSManFaultError,
)
from spnego.exceptions import SpnegoError
from urllib3.exceptions import HTTPError, NameResolutionError

from auditor.errors import AccessDenied, SourceError, SourceUnreachable, UnexpectedAnswer
from auditor.sources.kerberos_faults import KERBEROS_ERRORS, kerberos_sentence
from auditor.sources.quoted import one_line
from auditor.sources.remoting_transport import (
    AnswerTooLarge,
    DeadlinePassed,
    Redirected,
    Unencrypted,
)
from auditor.sources.shell_settings import WINDOWS_CONFIGURATION, ShellSettings

FAILURES: tuple[type[BaseException], ...] = (
    WinRMError,
    SpnegoError,
    HTTPError,
    OSError,  # requests' exceptions and those of sockets and TLS are all OSErrors
    ParseError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    ImportError,
    struct.error,
    *KERBEROS_ERRORS,
)
"""Everything a call into pypsrp may raise because of the other side.

An answer that is no answer ends in an AttributeError or a KeyError there.
"""

_CONFIGURATION_MISSING = 2150858811
_SHELL_GONE = (2150858843, 2150859084)
_ACCESS_DENIED = (5, "w:AccessDenied", "wsman:AccessDenied")
_QUOTAS = (*range(2150859173, 2150859177), 2150859179, *range(2150859236, 2150859243))
_QUOTA_SUBCODES = ("w:QuotaLimit", "wsman:QuotaLimit")
_BUSY_STATUS = (429, 503)
# parts of a throttling policy, as Exchange names them in every language
_POLICY_PART = re.compile(r"\b(?:PowerShell)?Max(?:Concurrency|Runspaces|Operations|Cmdlets)\w*")
_DENYING_CATEGORY = re.compile(r"\[FailureCategory=AuthZ-")
_SCHEME = re.compile(r"\b(?:Basic|Bearer|Digest|Kerberos|Negotiate|NTLM)\b")
_CERTIFICATE = {
    9: "is not valid yet",
    10: "has expired",
    18: "is self-signed and not trusted",
    19: "comes from an authority that is not trusted",
    20: "comes from an authority that is not trusted",
    21: "comes from an authority that is not trusted",
    62: "does not carry the name {host}",
    64: "does not carry the address {host}",
}
# of pypsrp 0.9.1, which has no exception of its own for this
_OTHER_LOGON = "Server responded with the auth protocol"
_REFUSED_HERE: tuple[tuple[type[BaseException], type[SourceError], str], ...] = (
    (
        DeadlinePassed,
        SourceUnreachable,
        "{url} did not answer in time; try again when the server is less busy.",
    ),
    (AnswerTooLarge, UnexpectedAnswer, "{url} gave an answer without end; check host and path."),
    (
        Redirected,
        SourceUnreachable,
        "{url} points to {where}, which is not followed; name the server itself instead of a "
        "published or load-balanced address.",
    ),
    (
        Unencrypted,
        UnexpectedAnswer,
        "{url} answered in plain text although encryption was agreed on, so the answer is not "
        "believed; look for a proxy on the way, or set tls: true.",
    ),
)


def busy(error: BaseException) -> str:
    """What a server that asks for patience says; '' for an error that waiting does not mend."""
    if isinstance(error, WSManFaultError):
        reason = one_line(str(error.reason or ""))
        if error.code in _QUOTAS or error.code in _QUOTA_SUBCODES or _POLICY_PART.search(reason):
            return reason or f"quota exceeded (code {error.code})"
    status = _status(error)
    return f"HTTP status {status}" if status in _BUSY_STATUS else ""


def refused(error: BaseException) -> bool:
    """Whether it was the shell that did not take a request, so that no answer to it is lost."""
    return isinstance(error, WSManFaultError) and error.code is not None


def explained(error: BaseException, settings: ShellSettings, *, opened: bool) -> SourceError:
    """The error of this program for one of FAILURES; it refers neither to it nor to a secret.

    `opened`: whether a shell was open, so that host, port, path and logon are right.
    """
    if opened and _status(error) == 404 and not refused(error):
        return SourceUnreachable(
            f"{settings.url} has vanished (HTTP status 404) while a shell was open there; name the "
            "server itself instead of an address that several share."
        )
    for source in (_of_session, _of_http, _of_tls, _of_network, _of_fault):
        found = source(error, settings)
        if found is not None:
            return found
    return UnexpectedAnswer(
        f"{settings.url} gave an answer that is not WS-Management "
        f"({type(error).__name__}); check host, port and path."
    )


def _of_session(error: BaseException, settings: ShellSettings) -> SourceError | None:
    if isinstance(error, (SpnegoError, *KERBEROS_ERRORS)):
        return kerberos_sentence(error, settings)
    if isinstance(error, ImportError):
        return SourceUnreachable(
            f"Kerberos is not installed here, so {settings.host} cannot be logged on to; install "
            "the extra kerberos, or set authentication: negotiate."
        )
    if isinstance(error, ValueError) and str(error).startswith(_OTHER_LOGON):
        return AccessDenied(
            f"{settings.url} offers no logon by {settings.authentication}; set another "
            "authentication, or allow it there."
        )
    for kind, result, sentence in _REFUSED_HERE:
        if isinstance(error, kind):
            where = one_line(str(error)) or "another address"
            return result(sentence.format(url=settings.url, where=where))
    return None


def _of_http(error: BaseException, settings: ShellSettings) -> SourceError | None:
    if isinstance(error, AuthenticationError):
        return _refused_logon(error, settings)
    status = _status(error)
    if status is None or refused(error):
        return None
    if status == 404:
        return SourceUnreachable(
            f"{settings.url} does not exist (HTTP status 404); check path, which is PowerShell on "
            "Exchange and wsman on Windows, and port."
        )
    if status == 403:
        return AccessDenied(
            f"{settings.url} refuses the request (HTTP status 403), as a server does that demands "
            "TLS, a client certificate or encryption; set tls: true or another authentication."
        )
    if status in _BUSY_STATUS:
        return SourceUnreachable(
            f"{settings.url} is not available (HTTP status {status}); see whether its application "
            "pool runs, and try again later."
        )
    advice = "look into the event log of the server"
    if settings.authentication in ("negotiate", "ntlm"):
        advice += ", or set authentication: kerberos, which Exchange prefers"
    return SourceUnreachable(f"{settings.url} failed with HTTP status {status}; {advice}.")


def _refused_logon(error: AuthenticationError, settings: ShellSettings) -> SourceError:
    who = settings.username or "the current ticket"
    _, offered, methods = str(error).partition("actual: ")
    if offered:
        schemes = ", ".join(_SCHEME.findall(methods)) or "nothing known"
        return AccessDenied(
            f"{settings.url} offers no logon by {settings.authentication} (it offers {schemes}); "
            "set another authentication, or allow it there."
        )
    return AccessDenied(
        f"{settings.url} does not accept {who} by {settings.authentication}; check user name and "
        "password, and whether the server allows this kind of logon."
    )


def _of_tls(error: BaseException, settings: ShellSettings) -> SourceError | None:
    failure = next((each for each in _chain(error) if isinstance(each, ssl.SSLError)), None)
    if failure is None:
        return None
    if isinstance(failure, ssl.SSLCertVerificationError):
        what = _CERTIFICATE.get(failure.verify_code, f"is refused ({failure.verify_message})")
        return SourceUnreachable(
            f"The certificate of {settings.url} {what.format(host=settings.host)}; name the server "
            "as its certificate does, or give the authority in ca_file."
        )
    return SourceUnreachable(
        f"TLS with {settings.url} failed ({one_line(failure.reason or str(failure))}); check "
        "whether this port speaks TLS, and which versions both sides allow."
    )


def _of_network(error: BaseException, settings: ShellSettings) -> SourceError | None:
    if not isinstance(error, OSError | HTTPError):
        return None
    causes = list(_chain(error))
    if any(isinstance(each, NameResolutionError | socket.gaierror) for each in causes):
        return SourceUnreachable(
            f"The name {settings.host} is unknown; check its spelling, and the DNS servers here."
        )
    if any(isinstance(each, ConnectionRefusedError) for each in causes):
        return SourceUnreachable(
            f"{settings.host} refuses connections on port {settings.usual_port}; check port, and "
            "whether the service runs."
        )
    if isinstance(error, requests.ConnectTimeout):
        return SourceUnreachable(
            f"{settings.host} does not answer on port {settings.usual_port}; check port, and the "
            "firewalls on the way."
        )
    if isinstance(error, requests.Timeout):
        return SourceUnreachable(f"{settings.url} does not answer; try again later.")
    return SourceUnreachable(
        f"The connection to {settings.url} broke; check the network and the server, and try again."
    )


def _of_fault(error: BaseException, settings: ShellSettings) -> SourceError | None:
    if not isinstance(error, WSManFaultError):
        if isinstance(error, InvalidPSRPOperation):
            return SourceUnreachable(
                f"{settings.url} closed the shell ({one_line(str(error))}); try again."
            )
        return None
    reason = one_line(str(error.reason or ""))
    said = f" ({reason})" if reason else f" (code {error.code})"
    if error.code == _CONFIGURATION_MISSING:
        return SourceUnreachable(
            f"{settings.url} has no shell named {settings.configuration}; check path and port: "
            "Exchange answers on path PowerShell at port 443 or 80."
        )
    if error.code in _ACCESS_DENIED or _DENYING_CATEGORY.search(reason):
        who = settings.username or "the owner of the current ticket"
        return AccessDenied(f"{settings.url} does not let {who} in{said}; {_grant(settings)}.")
    if error.code in _SHELL_GONE:
        return SourceUnreachable(f"{settings.url} has closed the shell{said}; try again.")
    return UnexpectedAnswer(f"{settings.url} failed{said}; look into the event log of the server.")


def _grant(settings: ShellSettings) -> str:
    if settings.configuration == WINDOWS_CONFIGURATION:
        return "add the account to Remote Management Users on that server"
    return (
        "give the account the role group View-Only Organization Management and "
        "RemotePowerShellEnabled"
    )


def _status(error: BaseException) -> int | None:
    """HTTP status behind an error; pypsrp makes a fault of any page that happens to be XML."""
    carrier = error.__context__ if isinstance(error, WSManFaultError) else error
    return carrier.code if isinstance(carrier, WinRMTransportError) else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised for, through the wrappings of requests and urllib3."""
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting and len(seen) < 50:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        inner = (each.__cause__, each.__context__, getattr(each, "reason", None), *each.args)
        waiting.extend(found for found in inner if isinstance(found, BaseException))
