"""The real Graph client against a server on the loopback, with a clock that nobody waits for."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from auditor.sources.cloud_sign_in import Cloud
from auditor.sources.graph import Graph, GraphObject, GraphPage
from tests.support.admin_stub import AdminStub, Reply

TOKEN = "eyJhbGciOiJub25lIn0.a-token-that-nobody-may-see.c2lnbmF0dXJl"
JSON = {"Content-Type": "application/json; odata.metadata=minimal", "request-id": "req-1"}


class User(GraphObject):
    """A user, as far as these tests look at one."""

    id: str
    mail: str | None = None
    account_enabled: bool | None = None


UserPage = GraphPage[User]


@dataclass(frozen=True)
class StaticToken:
    """A token that the service in the test takes."""

    token: str = TOKEN
    expires_on: int = 4_000_000_000


@dataclass
class StaticCredential:
    """Hands out the same token always, and notes what for."""

    asked: list[tuple[tuple[str, ...], dict[str, Any]]] = field(default_factory=list)

    def get_token(self, *scopes: str, **options: Any) -> StaticToken:
        self.asked.append((scopes, options))
        return StaticToken()


@dataclass
class Clock:
    """Seconds that pass when somebody sleeps, and not otherwise."""

    now: float = 0.0
    pauses: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def lab_cloud(url: str) -> Cloud:
    """A cloud whose Graph is at `url`."""
    return Cloud("lab", "login.example", url, "https://exchange.example")


def graph_at(stub: AdminStub, clock: Clock | None = None, **options: Any) -> Graph:
    """A client of the server in the test."""
    clock = clock or Clock()
    return Graph(
        lab_cloud(stub.url),
        options.pop("credential", StaticCredential()),
        sleep=clock.sleep,
        clock=clock,
        **options,
    )


def answer(document: object, status: int = 200, **headers: str) -> Reply:
    """A document as Graph sends it; underscores in names of headers become hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(document).encode(), {**JSON, **named})


def users(*ids: str, link: str = "") -> Reply:
    """A page of users."""
    after = {"@odata.nextLink": link} if link else {}
    rows = [{"id": each} for each in ids]
    return answer({"@odata.context": "$metadata#users", **after, "value": rows})


def error(status: int, code: str = "", message: str = "", **headers: str) -> Reply:
    """An error as Graph writes one."""
    inner = {"date": "2026-11-21T10:00:00", "request-id": "req-1", "client-request-id": "req-2"}
    body = {"error": {"code": code, "message": message, "innerError": inner}}
    return answer(body, status, **headers)


def read(graph: Graph, path: str = "/users") -> list[str]:
    """The ids of all users."""
    return [user.id for page in graph.pages(path, UserPage) for user in page.value]


def is_one_sentence(text: str) -> bool:
    """Whether a message is what the program promises of one."""
    return text.endswith(".") and ". " not in text and text.isprintable() and len(text) < 700
