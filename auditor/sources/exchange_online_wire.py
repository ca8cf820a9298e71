"""Links and failures on the wire to Exchange Online."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import httpx

from auditor.errors import SourceUnreachable, UnexpectedAnswer
from auditor.sources.exchange_online_faults import EXPORT, Fault
from auditor.sources.no_answer import no_answer

_MAX_LINK = 8_192
_LINK = re.compile(r"[\x21-\x7e]+")


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
    """Why there was no answer from `base`."""
    host = urlsplit(base).netloc
    kind = no_answer(error).kind
    what, advice = {
        "certificate": (
            f"was not asked for, because the certificate of {host} is not trusted",
            "where a proxy inspects TLS, name the file with its authority in SSL_CERT_FILE",
        ),
        "name": (f"found no address of the name {host}", "check DNS and proxy here"),
        "proxy": ("was stopped by the proxy", "check HTTPS_PROXY, and what the proxy allows"),
        "connect": (f"did not reach {host}", "check network, firewall and proxy here"),
        "timeout": (
            "got no answer for longer than Exchange Online lets a cmdlet run",
            f"collect it again later, or {EXPORT}",
        ),
        "cut": ("broke off on the way", "check the network, and collect it again"),
    }[kind]
    return Fault(SourceUnreachable, what, advice, final=kind == "certificate")
