"""What is asked of Exchange Online's admin endpoint, within which bounds, and what comes back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from auditor.errors import InputRefused

_TENANT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
_ANCHOR = re.compile(r"[\x21-\x7e]{1,320}")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True)
class Limits:
    """Seconds and bytes. A cmdlet is cut off by the service after 15 minutes, so `read` is longer.

    `patience`: all pauses of one request together. `whole`: one answer, from first to last byte.
    `page`: objects on one page, if the service agrees. `body`: of an answer, as it came and
    unpacked; 64 kB for each object of a page. One of 110 properties with the notes of their types
    takes 10 kB, and one with all the addresses that Active Directory can hold (about 1,200) 70 kB,
    of which nobody has a page full.
    """

    connect: float = 30.0
    read: float = 930.0
    whole: float = 3600.0
    patience: float = 300.0
    body: int = 64_000_000
    page: int = 1000


USUAL_LIMITS = Limits()


@dataclass(frozen=True)
class Request:
    """`name` is for the log; `headers` hold no token."""

    name: str
    method: str
    url: str
    headers: dict[str, str]
    content: bytes | None = None


@dataclass(frozen=True)
class Answer:
    """Status, unpacked body, the address that answered, and what its headers ask for.

    `retry_after`: seconds to wait, None where it names none. `challenge`: what a token lacks.
    """

    status: int
    body: bytes
    url: str
    retry_after: float | None = None
    challenge: str = ""


def refuse_what_cannot_be_asked(base: str, tenant_id: str, anchor: str | None) -> None:
    """Raises InputRefused for an address that would show the token, or for no tenant or name."""
    try:
        home = urlsplit(base)
        host, _ = home.hostname or "", home.port
    except ValueError:
        host = ""
    if not host or home.path or home.query or "@" in home.netloc:
        raise InputRefused(f"{base!r:.80} is no address of Exchange Online; name scheme and host.")
    if home.scheme != "https" and not (home.scheme == "http" and host in _LOOPBACK):
        raise InputRefused(f"{base!r:.80} would show the token to the network; name it https.")
    if not _TENANT.fullmatch(tenant_id):
        raise InputRefused(f"{tenant_id!r:.80} is no tenant; give its GUID or a domain of it.")
    if anchor is not None and not _ANCHOR.fullmatch(anchor):
        raise InputRefused(f"{anchor!r:.80} is no user principal name; give that of the account.")
