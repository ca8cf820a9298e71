"""What came of one command over all files: rows, repeated objects, and everything that went wrong.

Rows go straight to the bundle. Only two digests per object stay in memory, to tell an object that
was exported twice from two objects that claim to be the same one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

from auditor.collectors.contract import ExchangeCollector
from auditor.collectors.problems import Problem, told, worst
from auditor.collectors.quoting import LONGEST_SENTENCE, shortened
from auditor.errors import UnexpectedAnswer
from auditor.evidence.base import Evidence
from auditor.evidence.bundle import BundleWriter
from auditor.evidence.ledger import LedgerLine, State
from auditor.evidence.recipients import OnpremMailbox
from auditor.evidence.servers import OnpremExchangeServer

PROVIDER = "exported files"


@dataclass
class Tally:
    """The count of one command.

    `servers`: keys of the servers that its rows are of; `mailboxes`: GUIDs of the mailboxes, for
    Get-Mailbox and for the commands asked per mailbox, where `asked` counts how many were asked
    about. `folders`: where its files lay; empty as long as no file of it was read.
    """

    collector: ExchangeCollector
    rows: Counter[str] = field(default_factory=Counter)
    servers: set[str] = field(default_factory=set)
    mailboxes: set[str] = field(default_factory=set)
    asked: int = 0
    folders: set[str] = field(default_factory=set)
    refusals: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    repeated: int = 0
    misfits: int = 0
    unconfirmed: bool = False
    wanted: frozenset[str] | None = None
    provider: str = PROVIDER
    server: str | None = None
    account: str | None = None
    filters: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    _seen: dict[bytes, bytes] = field(default_factory=dict)

    @property
    def command(self) -> str:
        """The command, as an administrator types it."""
        return self.collector.cmdlets[0]

    def wrong(self, state: State, sentence: str) -> None:
        """Note why the tables are not complete."""
        self.problems.append(Problem(state, sentence))

    def misfit(self, sentence: str) -> None:
        """Note an object that could not be read; the first one is quoted, the others counted."""
        self.misfits += 1
        if self.misfits == 1:
            self.wrong("unexpected_answer", sentence)

    def add(self, rows: list[Evidence], writer: BundleWriter, place: str) -> None:
        """Write the rows of one object, its main row first, unless the same ones came before.

        Raises UnexpectedAnswer where another object had the same key.
        """
        key, content = _digests(rows)
        known = self._seen.setdefault(key, content)  # the very object given, if it is new
        if known != content:
            raise UnexpectedAnswer(
                f"{place} and an earlier object have one {' and '.join(rows[0].key)} "
                f"({', '.join(str(getattr(rows[0], name)) for name in rows[0].key)}) but differ: "
                "collect it again, or export once and leave older exports out."
            )
        if known is not content:
            self.repeated += 1
            return
        for row in rows:
            if self.wanted is None or row.table in self.wanted:
                writer.append(row)
                self.rows[row.table] += 1
        self._note_server(rows[0])
        self._note_mailbox(rows[0])

    def _note_server(self, row: Evidence) -> None:
        if isinstance(row, OnpremExchangeServer) and row.is_edge_server:
            return
        if self.collector.per_server or isinstance(row, OnpremExchangeServer):
            self.servers.add(str(getattr(row, "server_key", "")))

    def _note_mailbox(self, row: Evidence) -> None:
        if isinstance(row, OnpremMailbox):
            self.mailboxes.add(row.guid)
        elif self.collector.per_mailbox:
            self.mailboxes.add(str(getattr(row, "mailbox_guid", "")))

    def ledger(self) -> list[LedgerLine]:
        """One line for each table of the command; child tables share the state of their parent."""
        self._missed()
        state = worst(problem.state for problem in self.problems)
        nobody_tried = state == "not_requested"
        return [
            LedgerLine(
                table=model.table,
                state=state,
                rows=self.rows[model.table],
                provider=None if nobody_tried else self.provider,
                server=self.server,
                account=self.account,
                command=None if nobody_tried else self.command,
                filters=self.filters,
                started_at=self.started_at,
                ended_at=self.ended_at,
                detail=self._detail(),
            )
            for model in self.collector.tables
        ]

    def _missed(self) -> None:
        """Note that nothing came where something always is."""
        if self.collector.at_least_one and not self._seen and not self.problems:
            self.wrong(
                "unexpected_answer",
                f"{self.collector.command} gave nothing, and there is always something to give: "
                f"look whether the account is kept from it ({self.collector.permission}).",
            )

    def _detail(self) -> str:
        sentences = told(self.problems)
        if self.misfits > 1:
            sentences.append(f"{self.misfits} objects could not be read.")
        if self.repeated:
            sentences.append(f"{self.repeated} objects came twice and were kept once.")
        sentences.extend(self.notes)
        return " ".join(shortened(sentence, LONGEST_SENTENCE) for sentence in sentences)


def _digests(rows: list[Evidence]) -> tuple[bytes, bytes]:
    main = rows[0]
    key = "\0".join(str(getattr(main, name)) for name in main.key)
    content = blake2b(digest_size=16)
    for row in rows:
        content.update(row.model_dump_json().encode())
    return blake2b(key.encode(), digest_size=16).digest(), content.digest()
