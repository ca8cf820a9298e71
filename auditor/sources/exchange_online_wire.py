"""What comes over the wire from Exchange Online: bodies, links, headers, failures."""

from __future__ import annotations

import base64
import binascii
import re
import socket
import ssl
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from auditor.errors import SourceUnreachable, UnexpectedAnswer
from auditor.sources.exchange_online_faults import EXPORT, Fault

_MAX_LINK = 8_192
_MAX_CLAIMS = 8_192
_GZIP = b"\x1f\x8b"
_LINK = re.compile(r"[\x21-\x7e]+")
_CLAIMS = re.compile(r'claims="([A-Za-z0-9+/=_-]+)"')


def unpacked(raw: bytes, limit: int) -> bytes | Fault:
    """A body out of its gzip; as it came where it is none, whatever its header claims.

    A Fault for one of more than `limit` bytes, or that ends too early.
    """
    if not raw.startswith(_GZIP):
        return raw
    reader = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        body = reader.decompress(raw, limit + 1)
    except zlib.error:
        return raw
    if len(body) > limit:
        return too_large(limit)
    if not reader.eof:
        return Fault(SourceUnreachable, "came only in part", "collect it again")
    return body


def too_large(limit: int) -> Fault:
    """An answer of more than `limit` bytes."""
    return Fault(
        UnexpectedAnswer,
        f"is larger than the {limit // 1_000_000} MB that one page may have",
        EXPORT,
        final=True,
    )


def within(base: str, answered: str, link: str) -> str:
    """Where a link leads, '' where that is not the host of the cloud or one below it.

    Microsoft may send a tenant to a host of its own region, such as one below
    outlook.office365.com. Whoever runs that host reads the token, so only names that the owner
    of the cloud's host gives out are trusted, over TLS and at the same port.
    """
    if not _LINK.fullmatch(link) or len(link) > _MAX_LINK or "\\" in link:
        return ""
    home = httpx.URL(base)
    try:
        # of httpx itself, so that what is looked at here is where it will connect
        found = httpx.URL(answered).join(link)
    except httpx.InvalidURL:
        return ""
    if (found.scheme, found.port) != (home.scheme, home.port) or found.userinfo:
        return ""
    return str(found) if found.host == home.host or found.host.endswith(f".{home.host}") else ""


def unreached(error: httpx.TransportError, base: str) -> Fault:
    """Why there was no answer. Nothing is quoted of an error that may hold a header."""
    host = urlsplit(base).netloc
    causes = list(_chain(error))
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in causes):
        return Fault(
            SourceUnreachable,
            f"was not asked for, because the certificate of {host} is not trusted",
            "where a proxy inspects TLS, name the file with its authority in SSL_CERT_FILE",
            final=True,
        )
    if any(isinstance(each, socket.gaierror) for each in causes):
        what, advice = f"found no address of the name {host}", "check DNS and proxy here"
    elif isinstance(error, httpx.ProxyError):
        what, advice = "was stopped by the proxy", "check HTTPS_PROXY, and what the proxy allows"
    elif isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        what, advice = f"did not reach {host}", "check network, firewall and proxy here"
    elif isinstance(error, httpx.TimeoutException):
        what = "got no answer for longer than Exchange Online lets a cmdlet run"
        advice = f"collect it again later, or {EXPORT}"
    else:
        what, advice = "broke off on the way", "check the network, and collect it again"
    return Fault(SourceUnreachable, what, advice)


def _chain(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    for _ in range(20):
        if found is None:
            return
        yield found
        found = found.__cause__ or found.__context__


def retry_after(value: str) -> float | None:
    """Seconds that the service asks to wait, written as a number or as a date; None without."""
    if re.fullmatch(r"[0-9]{1,9}", value):
        return float(value)
    try:
        when = parsedate_to_datetime(value)
        aware = when if when.tzinfo else when.replace(tzinfo=UTC)
        return max(0.0, (aware - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):
        return None


def claims_of(challenge: str) -> str:
    """The claims that a refused token lacks, as the credential wants them; '' where none are named.

    They come in base64 in the header WWW-Authenticate (Microsoft identity platform, claims
    challenge).
    """
    match = _CLAIMS.search(challenge[:_MAX_CLAIMS])
    if match is None:
        return ""
    encoded = match[1].rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
