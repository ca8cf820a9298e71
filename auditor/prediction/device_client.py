"""Which program each phone uses, by what it tells of itself, and as which application it signs in.

Recognition is that of the client matrix (catalogue, section 6.2): the patterns of all programs for
the user agent first, then those for the type, in the order of the matrix, without regard to case;
`*` stands for any text. A row of the matrix that takes everything recognises nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from auditor.evidence.database import Database
from auditor.evidence.ledger import LedgerLine
from auditor.evidence.predicted import PredictedDeviceClient, RecognisedBy

NEEDED = ("onprem_mobile_device",)
"""The table without which nobody knows which phones there are."""

DEVICES = """
select guid, mailbox_distinguished_name_key, device_id_key, device_type, device_user_agent
from onprem_mobile_device
order by guid
"""
CLIENTS = """
select client_id, user_agent_patterns, device_type_patterns
from ref_mail_client
order by match_order, client_id
"""
APPS = "select app_id, client_ids from ref_mail_app where role = 'mail_client' order by app_id"

_ANYTHING = "*"

Pattern: TypeAlias = tuple[str, str, str]
"""A pattern, the same without capitals, and the program it is of."""


@dataclass(frozen=True)
class Recognition:
    """The program of a phone, and the one application that is known for it; None for unknown."""

    client_id: str | None
    app_id: str | None
    by: RecognisedBy
    reason: str


class ClientMatrix:
    """The client matrix; it remembers what it has recognised, since phones are much alike."""

    def __init__(
        self, clients: Iterable[tuple[str, str | None, str | None]], apps: Iterable[tuple[str, str]]
    ) -> None:
        rows = list(clients)
        self._agents = [one for client, agents, _ in rows for one in _patterns(client, agents)]
        self._types = [one for client, _, types in rows for one in _patterns(client, types)]
        self._apps: dict[str, list[str]] = {}
        for app_id, client_ids in apps:
            for client in client_ids.split():
                self._apps.setdefault(client, []).append(app_id)
        self._known: dict[tuple[str | None, str | None], Recognition] = {}

    def recognise(self, device_type: str | None, user_agent: str | None) -> Recognition:
        """What a phone with this type and user agent uses; None is one that was not read."""
        key = device_type, user_agent
        if key not in self._known:
            self._known[key] = self._recognised(device_type, user_agent)
        return self._known[key]

    def _recognised(self, device_type: str | None, user_agent: str | None) -> Recognition:
        if found := _first(self._agents, user_agent):
            return self._as(found, RecognisedBy.USER_AGENT, "its user agent")
        if found := _first(self._types, device_type):
            return self._as(found, RecognisedBy.DEVICE_TYPE, "its device type")
        return Recognition(None, None, RecognisedBy.NOTHING, _why_not(device_type, user_agent))

    def _as(self, found: Pattern, by: RecognisedBy, what: str) -> Recognition:
        pattern, _, client = found
        apps = self._apps.get(client, [])
        reason = f"{what} fits {pattern}"
        if len(apps) == 1:
            return Recognition(client, apps[0], by, reason)
        which = f"may be any of {', '.join(apps)}" if apps else "is not known"
        return Recognition(client, None, by, f"{reason}; which application it signs in as {which}")


def _patterns(client: str, written: str | None) -> Iterator[Pattern]:
    for pattern in (written or "").split("|"):
        if pattern.strip(_ANYTHING):
            yield pattern, pattern.casefold(), client


def _first(patterns: Sequence[Pattern], text: str | None) -> Pattern | None:
    if not text:
        return None
    plain = text.casefold()
    return next((one for one in patterns if fits(one[1], plain)), None)


def fits(pattern: str, text: str) -> bool:
    """Whether the text is the pattern, in which each `*` stands for any text."""
    first, *rest = pattern.split(_ANYTHING)
    if not rest:
        return text == pattern
    last = rest.pop()
    if len(text) < len(first) + len(last) or not text.startswith(first):
        return False
    at, end = len(first), len(text) - len(last)
    for part in rest:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return text.endswith(last)


def _why_not(device_type: str | None, user_agent: str | None) -> str:
    if device_type is None and user_agent is None:
        return "neither its user agent nor its device type was read"
    if device_type is None:
        return "its user agent fits no known program, and its device type was not read"
    if user_agent is None:
        return "its device type fits no known program, and its user agent was not read"
    return "neither its user agent nor its device type fits a known program"


def predict_clients(
    database: Database, _ledger: Mapping[str, LedgerLine]
) -> Iterator[PredictedDeviceClient]:
    """The program of every device, in the order of their GUIDs."""
    matrix = ClientMatrix(
        database.rows(CLIENTS),
        ((app_id, client_ids or "") for app_id, client_ids in database.rows(APPS)),
    )
    for guid, mailbox, device_id, device_type, user_agent in database.rows(DEVICES):
        found = matrix.recognise(device_type, user_agent)
        yield PredictedDeviceClient(
            device_guid=guid,
            mailbox_distinguished_name_key=mailbox,
            device_id_key=device_id,
            client_id=found.client_id,
            app_id=found.app_id,
            recognised_by=found.by,
            reason=found.reason,
        )
