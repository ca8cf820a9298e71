"""Requests to the lab's cloud and its answers, with errors in the shapes of the two services."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from auditor.lab.tenant_rows import Mark

JSON_TYPE = "application/json"
GRAPH_TYPE = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false"
FOREIGN_HOST = "graph.example.net"
"""Where a link leads that must not be followed."""


@dataclass(frozen=True)
class Request:
    """What a client asks for; names of headers are in lower case, `base` is how it calls us."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    base: str

    @property
    def path(self) -> str:
        """The path alone."""
        return urlsplit(self.target).path

    @property
    def options(self) -> dict[str, str]:
        """The query, decoded."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """Raised where a request gets an answer that is no page."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass(frozen=True)
class Token:
    """A page of a collection: where it starts, and the how-manieth it is."""

    mark: Mark
    number: int

    def __str__(self) -> str:
        return f"{self.mark.place}.{self.mark.skipped}.{self.number}"


FIRST_PAGE = Token(Mark(0), 1)


def token_of(text: str) -> Token | None:
    """A token that we have given out; None for any other text."""
    parts = text.split(".")
    if len(parts) != 3 or not all(part.isdecimal() and len(part) < 12 for part in parts):
        return None
    place, skipped, number = map(int, parts)
    return Token(Mark(place, skipped), number)


def packed(document: object) -> bytes:
    """JSON as the services write it, without blanks."""
    return json.dumps(document, separators=(",", ":")).encode()


def graph_error(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> Answer:
    """An error as Graph writes it (documented: "Microsoft Graph error responses")."""
    request_id = str(uuid.uuid4())
    inner = {
        "date": "2026-11-01T00:00:00",
        "request-id": request_id,
        "client-request-id": request_id,
    }
    error = {"code": code, "message": message, "innerError": inner}
    return Answer(status, packed({"error": error}), {"Content-Type": JSON_TYPE, **(headers or {})})


def exchange_error(
    status: int, code: str, message: str, kind: str = "", headers: Mapping[str, str] | None = None
) -> Answer:
    """An error as the admin endpoint writes it; of a cmdlet (`kind`) the reason lies inside."""
    error: dict[str, object] = {"code": code, "message": message}
    if kind:
        error = {
            "code": code,
            "message": "Invalid Operation",
            "details": [{"code": "Context", "target": "", "message": f"|{kind}|{message}"}],
            "innererror": {
                "message": "Invalid Operation",
                "type": "Microsoft.Exchange.Admin.OData.Core.ODataServiceException",
                "internalexception": {"message": message, "type": kind, "stacktrace": ""},
            },
        }
    return Answer(status, packed({"error": error}), {"Content-Type": JSON_TYPE, **(headers or {})})
