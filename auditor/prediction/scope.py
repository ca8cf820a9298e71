"""Which mailboxes of the evidence the plan means: they and the moved ones are the scope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from auditor.evidence.database import Database
from auditor.evidence.ledger import LedgerLine
from auditor.evidence.plan import PlanMove

# A batch may name a mailbox by any of its addresses.
PLANNED_MAILBOXES = """
with named as (
  select guid as mailbox_guid, primary_smtp_address_key as address_key from onprem_mailbox
  union
  select mailbox_guid, lower(address) from onprem_mailbox_address where prefix = 'smtp'
  union
  select guid, primary_smtp_address_key from onprem_remote_mailbox
  union
  select mailbox_guid, lower(address) from onprem_remote_mailbox_address where prefix = 'smtp'
)
select plan.mailbox_key, plan.wave, plan.target_delivery_domain, named.mailbox_guid
from plan_move as plan
left join named on named.address_key = plan.mailbox_key
order by plan.mailbox_key, named.mailbox_guid
"""


@dataclass(frozen=True)
class PlannedMailbox:
    """What the plan says of one mailbox of the evidence.

    Of a mailbox that several lines name, the first of them counts for the wave and all domains
    are kept; where they differ, MBX-PLAN-KNOWN fails.
    """

    wave: str
    domains: tuple[str, ...]


@dataclass(frozen=True)
class PlannedWave:
    """How many mailboxes the plan puts into a wave, and how many of them nobody has seen."""

    planned: int
    not_in_evidence: int


@dataclass(frozen=True)
class MoveScope:
    """The scope of an audit with a plan; `planned` by GUID, `waves` by name."""

    planned: Mapping[str, PlannedMailbox]
    moved: frozenset[str]
    waves: Mapping[str, PlannedWave]

    def holds(self, mailbox_guid: str) -> bool:
        """Whether this mailbox counts: it is planned, or moved already and perhaps stranded."""
        return mailbox_guid in self.planned or mailbox_guid in self.moved

    def wave_of(self, mailbox_guid: str) -> str | None:
        """The wave of a mailbox, '' if the plan names none; None for one that it does not name."""
        planned = self.planned.get(mailbox_guid)
        return planned.wave if planned else None

    def domains_of(self, mailbox_guid: str) -> tuple[str, ...]:
        """The target delivery domains that the plan names for a mailbox, usually one or none."""
        planned = self.planned.get(mailbox_guid)
        return planned.domains if planned else ()


def read_scope(database: Database, ledger: Mapping[str, LedgerLine]) -> MoveScope | None:
    """The scope that the plan draws; None where every mailbox is in scope.

    That is so without a plan, and with one that was not read to its end: leaving a mailbox out
    for what nobody read would hide its blockers.
    """
    line = ledger[PlanMove.table]
    if line.cause is not None or not line.rows:
        return None
    planned: dict[str, PlannedMailbox] = {}
    unseen: dict[str, dict[str, bool]] = {}
    for key, wave, domain, guid in database.rows(PLANNED_MAILBOXES):
        unseen.setdefault(wave, {})[key] = guid is None
        if guid is not None:
            known = planned.get(guid) or PlannedMailbox(wave, ())
            added = (domain,) if domain is not None and domain not in known.domains else ()
            planned[guid] = PlannedMailbox(known.wave, (*known.domains, *added))
    moved = database.rows("select guid from onprem_remote_mailbox")
    return MoveScope(
        planned=planned,
        moved=frozenset(str(guid) for (guid,) in moved),
        waves={
            wave: PlannedWave(len(lines), sum(lines.values())) for wave, lines in unseen.items()
        },
    )
