"""A look into evidence: the redirect of one mailbox, or the answer to a query of one's own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from auditor.engine.freshness import AgeLimit, too_old, without_old
from auditor.engine.material import PREDICTIONS, Progress
from auditor.errors import InputRefused
from auditor.evidence.answer import Answer
from auditor.evidence.ledger import LedgerLine
from auditor.prediction.redirect import Prediction, RedirectPredictor
from auditor.prediction.redirect_rows import read_mailboxes, read_organization
from auditor.report.csv_export import cell
from auditor.run import collected, opened, shipped_reference, utc_now

QUERY_SECONDS = 120.0

FIND_MAILBOX = """
select guid from onprem_mailbox
where guid = lower($name)
  or primary_smtp_address_key = lower($name)
  or user_principal_name_key = lower($name)
union
select guid from onprem_remote_mailbox
where guid = lower($name)
  or primary_smtp_address_key = lower($name)
  or user_principal_name_key = lower($name)
union
select mailbox_guid from onprem_mailbox_address
where prefix = 'smtp' and lower(address) = lower($name)
union
select mailbox_guid from onprem_remote_mailbox_address
where prefix = 'smtp' and lower(address) = lower($name)
"""


@dataclass(frozen=True)
class Explained:
    """The redirect of a mailbox as of the day of its evidence; `too_old` as in a judgement."""

    prediction: Prediction
    too_old: str


def explain(evidence: Path, mailbox: str, progress: Progress) -> Explained:
    """The redirect of one mailbox, step by step; by address, sign-in name or GUID.

    Raises InputRefused when the evidence holds no such mailbox.
    """
    with opened(evidence, shipped_reference(), progress) as (material, _):
        database, ledger = material.database, material.ledger
        guids = sorted({str(guid) for (guid,) in database.rows(FIND_MAILBOX, {"name": mailbox})})
        if not guids:
            raise InputRefused(_no_such_mailbox(mailbox, ledger))
        if len(guids) > 1:
            raise InputRefused(
                f"{mailbox} names {len(guids)} mailboxes: ask again with one of the GUIDs"
                f" {', '.join(guids[:5])}"
            )
        predictor = RedirectPredictor(read_organization(database, ledger))
        found = next(read_mailboxes(database, ledger, guids[0]), None)
        if found is None:
            raise InputRefused(
                f"{mailbox} is a system mailbox that does not move; name a user's mailbox"
            )
        return Explained(predictor.predict(found), _too_old_today(ledger, ledger))


def _no_such_mailbox(mailbox: str, ledger: Mapping[str, LedgerLine]) -> str:
    gaps = [
        f"{table} is {ledger[table].state}"
        for table in ("onprem_mailbox", "onprem_remote_mailbox")
        if ledger[table].cause is not None
    ]
    if gaps:
        return (
            f"{mailbox}: not in this evidence, which is incomplete ({'; '.join(gaps)});"
            " collect the missing table and ask again"
        )
    return f"{mailbox}: no mailbox of that address, sign-in name or GUID; check the spelling"


@dataclass(frozen=True)
class Queried:
    """The answer to a consultant's own query, and the tables in it that are not complete.

    `too_old` as in a judgement, of the tables that it reads.
    """

    answer: Answer
    incomplete: tuple[LedgerLine, ...]
    too_old: str


@contextmanager
def query(evidence: Path, sql: str, progress: Progress) -> Iterator[Queried]:
    """Run one select over the evidence, in the same fence as a rule's, with `*` allowed."""
    with opened(evidence, shipped_reference(), progress) as (material, _):
        tables = material.database.tables_read(sql, star=True)
        lines = [material.ledger[table] for table in sorted(tables)]
        answer = material.database.select(sql, {}, seconds=QUERY_SECONDS, star=True)
        incomplete = tuple(line for line in lines if line.cause is not None)
        yield Queried(answer, incomplete, _too_old_today(material.ledger, tables))


def csv_cell(text: str) -> str:
    """Text as it may stand in a CSV file, by the same guard as the report's."""
    return cell(text)


def _too_old_today(ledger: Mapping[str, LedgerLine], tables: Collection[str]) -> str:
    """A sentence about those of the tables that are too old for a verdict of today, or ''.

    A derived table is as old as those it is derived from.
    """
    needed = {name for each in PREDICTIONS if each.model.table in tables for name in each.needed}
    asked = {
        table: line for table, line in collected(ledger).items() if table in {*tables, *needed}
    }
    limit = AgeLimit(utc_now().date())
    return too_old(without_old(asked, limit).values(), limit, remedy="collect again")
