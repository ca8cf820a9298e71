"""What came of one search of the directory: rows, hidden values, and everything that went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from auditor.collectors.directory_contract import DirectoryCollector, LeftOut, Outcome, Unread
from auditor.collectors.directory_grants import Grant, Hidden, grants_for
from auditor.collectors.directory_reading import Found
from auditor.collectors.directory_rights import Schema, guid_text
from auditor.collectors.problems import Problem, told, worst
from auditor.collectors.quoting import shortened
from auditor.collectors.runner import outcomes_of
from auditor.errors import AccessDenied, SourceError, UnexpectedAnswer
from auditor.evidence.base import Evidence
from auditor.evidence.bundle import BundleWriter
from auditor.evidence.ledger import LedgerLine, State, state_of

PROVIDER = "Active Directory"


@dataclass
class DirectoryTally:
    """The count of one collector. Without a writer rows are counted and dropped.

    `wanted` holds the tables to fill; `hidden` what was not shown, by table and attribute, and
    `hidden_tables` the same where rows may be missing for it. `unlisted` are the domains where
    objects are said to be that do not show.
    """

    collector: DirectoryCollector
    wanted: frozenset[str]
    schema: Schema | None = None
    writer: BundleWriter | None = None
    objects: int = 0
    denied: int = 0
    misfits: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    hidden: dict[str, dict[str, Hidden]] = field(default_factory=dict)
    hidden_tables: dict[str, dict[str, Hidden]] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    unlisted: dict[str, None] = field(default_factory=dict)
    servers: dict[str, None] = field(default_factory=dict)
    bases: dict[str, None] = field(default_factory=dict)
    account: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    _seen: set[bytes] = field(default_factory=set)

    def wrong(self, error: SourceError) -> None:
        """Note why the tables are not complete."""
        self.problems.append(Problem(state_of(error.cause), str(error)))

    def take(self, found: Found, domain: str) -> None:
        """Write the rows of one object, and note what of it was not shown."""
        # an object that is moved while it is read can come twice
        identity = found.entry.attributes.get("objectGUID", [found.dn.encode()])[0]
        if identity in self._seen:
            return
        self._seen.add(identity)
        self.objects += 1
        unread: dict[str, set[str]] = {}
        lost: set[tuple[str, str]] = set()
        try:
            for outcome in outcomes_of(
                lambda each: self._told_apart(each, unread), found, self.collector.name, found.dn
            ):
                if isinstance(outcome, Unread):
                    lost.add((outcome.table.table, outcome.attribute))
                else:
                    self._keep(outcome)
        except AccessDenied:
            self.denied += 1
            # whoever grants one right should learn of all that are missing
            for name in self.collector.attributes:
                found.values(name)
        except UnexpectedAnswer as error:
            self.misfits += 1
            if self.misfits == 1:
                self.wrong(error)
        # what was read for no row, or for one that never came, may concern any
        for model in self.collector.tables if found.unread else ():
            unread.setdefault(model.table, set()).update(found.unread)
        columns = {(table, name) for table, names in unread.items() for name in names}
        if columns or lost:
            self._note(found, domain, columns - lost, lost)

    def _told_apart(self, found: Found, unread: dict[str, set[str]]) -> Iterator[Outcome]:
        """The outcomes of one object, with the hidden attributes that were read for each table."""
        for outcome in self.collector.rows(found):
            if isinstance(outcome, Unread):
                found.unread.discard(outcome.attribute)
            elif found.unread and isinstance(outcome, Evidence):
                unread.setdefault(outcome.table, set()).update(found.unread)
                found.unread.clear()
            yield outcome

    def _note(
        self, found: Found, domain: str, columns: set[tuple[str, str]], lost: set[tuple[str, str]]
    ) -> None:
        blind = not found.rights.judges(found.entry)
        alone = self._stands_alone(found)
        for noted, kept in ((columns, self.hidden), (lost, self.hidden_tables)):
            for table, name in noted:
                hidden = kept.setdefault(table, {}).setdefault(name, Hidden())
                hidden.add(found.dn, domain, blind=blind, alone=alone)

    def _stands_alone(self, found: Found) -> bool:
        """Whether no grant above the object reaches it, not even that on AdminSDHolder."""
        if not found.rights.inherits_nothing(found.entry):
            return False
        return found.entry.attributes.get("adminCount", [b"0"])[0] == b"0"

    def _keep(self, outcome: Evidence | LeftOut) -> None:
        if isinstance(outcome, LeftOut):
            self.left_out[outcome.reason] += 1
        elif outcome.table in self.wanted:
            if self.writer is not None:
                self.writer.append(outcome)
            self.rows[outcome.table] += 1

    def state(self, table: str) -> State:
        """Whether a table is complete, or the cause why it is not."""
        states = [problem.state for problem in self.problems]
        if self.denied:
            states.append("access_denied")
        states.extend(
            "access_denied" if self._known(name) else "unsupported"
            for name in self.hidden_tables.get(table, ())
        )
        state = worst(states)
        # one domain that does not answer leaves the others
        return "partial" if state == "unreachable" and self.objects else state

    def ledger(self) -> list[LedgerLine]:
        """One line for each wanted table; each has a state of its own."""
        return [
            LedgerLine(
                table=model.table,
                state=self.state(model.table),
                rows=self.rows[model.table],
                provider=PROVIDER,
                server=", ".join(self.servers) or None,
                account=self.account,
                command=f"LDAP search for {self.collector.name}",
                filters=self._filters(),
                started_at=self.started_at,
                ended_at=self.ended_at,
                detail=self.detail(model.table),
            )
            for model in self.collector.tables
            if model.table in self.wanted
        ]

    def detail(self, table: str) -> str:
        """What is missing of a table and why, then what else is worth knowing; '' for nothing."""
        sentences = told(self.problems)
        if self.misfits > 1:
            sentences.append(f"{self.misfits} objects could not be read.")
        if self.denied:
            sentences.append(
                f"{self.denied} of {self.objects} {self.collector.name} could not be read at all."
            )
        sentences.extend(self._not_shown(name, hidden) for name, hidden in self._hidden_of(table))
        sentences.extend(
            f"{count} {'object' if count == 1 else 'objects'} left out: it {reason}."
            for reason, count in sorted(self.left_out.items())
        )
        return " ".join(shortened(sentence) for sentence in sentences)

    def grants(self, table: str, organization: str) -> list[Grant]:
        """What would show the rows and columns that are hidden of a table."""
        if self.schema is None:
            return []
        hidden = dict(self._hidden_of(table))
        return grants_for(self.collector, self.schema, hidden, self.unlisted, organization)

    def _hidden_of(self, table: str) -> list[tuple[str, Hidden]]:
        """Hidden attributes that leave columns of a table empty, or that hide rows of it."""
        of_table = {**self.hidden.get(table, {}), **self.hidden_tables.get(table, {})}
        return sorted(of_table.items())

    def _not_shown(self, name: str, hidden: Hidden) -> str:
        if not self._known(name):
            return f"This forest knows no attribute {name}."
        attribute = self.schema.attributes[name] if self.schema else None
        group = ""
        if self.schema and attribute:
            group = self.schema.property_sets.get(guid_text(attribute.property_set), "")
        of = f", of the property set {group}," if group else ""
        return (
            f"{name}{of} is not shown to {self.account or 'the account'} on {hidden.count} of "
            f"{self.objects} {self.collector.name}, first {hidden.first}; auditor check prints "
            "the grant."
        )

    def _known(self, name: str) -> bool:
        return self.schema is None or name in self.schema.attributes

    def _filters(self) -> str:
        return f"{self.collector.condition} below {'; '.join(self.bases) or 'nothing'}"
