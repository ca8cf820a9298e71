"""What is asked of Exchange Online's admin endpoint, within which bounds, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Seconds and bytes. A cmdlet is cut off by the service after 15 minutes, so `read` is longer.

    `patience`: all pauses of one request together. `whole`: one answer, from first to last byte.
    `body`: of an answer, as it came and unpacked. `page`: objects on one page, if the service
    agrees.
    """

    connect: float = 30.0
    read: float = 930.0
    whole: float = 3600.0
    patience: float = 300.0
    body: int = 256_000_000
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
