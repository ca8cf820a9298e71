"""A client of Exchange Online's admin endpoint against a stub, which signs in as told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx

from auditor.sources.cloud_sign_in import Cloud
from auditor.sources.exchange_online import ExchangeOnline
from auditor.sources.exchange_online_records import USUAL_LIMITS, Limits
from tests.support.admin_stub import TENANT

TOKEN = "eyJ0eXAiOiJKV1Qi.the-secret-token.of-the-test"


@dataclass(frozen=True)
class GivenToken:
    token: str
    expires_on: int = 2_000_000_000


@dataclass
class Credential:
    """Gives the tokens in their order, the last one for ever, and remembers what was wanted."""

    tokens: list[str] = field(default_factory=lambda: [TOKEN])
    wanted: list[tuple[tuple[str, ...], dict[str, Any]]] = field(default_factory=list)

    def get_token(self, *scopes: str, **kwargs: Any) -> GivenToken:
        self.wanted.append((scopes, kwargs))
        return GivenToken(self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0])


@dataclass
class Naps:
    """Takes the place of time.sleep."""

    taken: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


def client(
    url: str,
    credential: Credential | None = None,
    naps: Naps | None = None,
    *,
    anchor: str | None = None,
    limits: Limits = USUAL_LIMITS,
    transport: httpx.BaseTransport | None = None,
) -> ExchangeOnline:
    """A client of whatever listens at `url`."""
    return ExchangeOnline(
        Cloud("lab", "login.invalid", "https://graph.invalid", url),
        TENANT,
        credential or Credential(),
        anchor=anchor,
        transport=transport,
        sleep=naps or Naps(),
        limits=limits,
    )
