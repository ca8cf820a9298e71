"""What a collector of Exchange objects is: a command, and what one of its objects becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from auditor.evidence.base import Evidence
from auditor.sources.clixml import PsObject

ASKED_MAILBOX = "AskedMailboxGuid"
"""Property that whoever asks a command mailbox by mailbox adds to every object of the answer.

Its value is the directory GUID of that mailbox. It is not called MailboxGuid, because
Get-MailboxStatistics gives a property of that name, the GUID in the mailbox database.
"""


class Side(StrEnum):
    """Where an Exchange object lives; the same commands give objects of the same types in both."""

    ON_PREMISES = "Exchange on-premises"
    ONLINE = "Exchange Online"


@dataclass(frozen=True)
class ExchangeCollector:
    """How the objects of one read command fill one table and its child tables.

    The same collector serves live answers and exported files: both hand over `PsObject`. It never
    catches; whoever runs it turns an exception into a ledger line.

    `cmdlets`: the command, then older commands that give the same objects. `types`: last part of
    the .NET type name of its objects. `tables`: the table, then its child tables. `properties`:
    what `rows` looks at, and all that is asked for. `parameters`: those of a live call; every one
    only narrows the answer or lifts a limit. `permission`: the least role, as Exchange names it.
    `per_server`: it is asked once per server, in the parameter Server. `per_mailbox`: the parameter
    that names the mailbox in a command that is asked once per mailbox, '' in all others; its
    objects carry ASKED_MAILBOX. `side`: where its objects live; in Exchange Online `permission` is
    a directory role. `lost`: what the audit cannot say without it, '' where its tables tell.
    `at_least_one`: there is such an object wherever the command can be run, so that an answer
    without one was kept from the account.
    """

    cmdlets: tuple[str, ...]
    types: frozenset[str]
    tables: tuple[type[Evidence], ...]
    properties: tuple[str, ...]
    permission: str
    rows: Callable[[PsObject], Iterator[Evidence]]
    parameters: Mapping[str, str | bool] = field(default_factory=dict)
    per_server: bool = False
    per_mailbox: str = ""
    side: Side = Side.ON_PREMISES
    lost: str = ""
    at_least_one: bool = False

    @property
    def table(self) -> str:
        """Name of its table, which no other collector fills."""
        return self.tables[0].table

    @property
    def asked(self) -> str:
        """All that is asked of a server: the command, or the older one, with its parameters."""
        parameters = (f"-{name} {value}" for name, value in self.parameters.items())
        return " ".join([" or ".join(self.cmdlets), *parameters])

    @property
    def command(self) -> str:
        """Its command as sentences call it: `Get-Mailbox`, `Get-Recipient of Exchange Online`."""
        online = self.side is Side.ONLINE
        return f"{self.cmdlets[0]} of {self.side}" if online else self.cmdlets[0]
