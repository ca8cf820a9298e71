"""Which account in Entra each mailbox belongs to.

Entra Connect writes the objectGUID of an account, or its mS-DS-ConsistencyGuid, into
onPremisesImmutableId ("Microsoft Entra Connect, design concepts", sourceAnchor). Where neither
matches, an address in common is a hint for a person and never a match; a display name is nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from auditor.evidence.database import Database
from auditor.evidence.ledger import LedgerLine
from auditor.evidence.predicted import AccountMatch, PredictedCloudAccount

NEEDED = ("entra_user", "entra_user_address", "onprem_mailbox", "onprem_remote_mailbox")
"""Tables without which an account that is not found proves nothing."""

CANDIDATES = """
with subject as (
  select guid, primary_smtp_address, primary_smtp_address_key, false as moved from onprem_mailbox
  union all
  select guid, primary_smtp_address, primary_smtp_address_key, true from onprem_remote_mailbox
),
anchor as (
  select guid as mailbox_guid, guid as anchor, 'objectGUID' as name from subject
  union all
  select mailbox_guid, ms_ds_consistency_guid, 'mS-DS-ConsistencyGuid'
  from onprem_directory_account
  where ms_ds_consistency_guid <> '' and ms_ds_consistency_guid <> mailbox_guid
),
found as (
  select
    anchor.mailbox_guid,
    count(distinct account.id)                   as accounts,
    min(account.id)                              as user_id,
    min(account.user_principal_name)             as name,
    bool_and(account.on_premises_sync_enabled)   as synchronised,
    min(anchor.name)                             as anchor
  from anchor
  join entra_user as account on account.on_premises_object_guid = anchor.anchor
  group by anchor.mailbox_guid
),
namesake as (
  select
    lower(address.address)                       as address_key,
    min(account.user_principal_name)             as name,
    bool_or(account.on_premises_sync_enabled)    as synchronised
  from entra_user_address as address
  join entra_user as account on account.id = address.user_id
  where address.prefix = 'smtp'
  group by lower(address.address)
)
select
  subject.guid, subject.primary_smtp_address, subject.moved,
  found.accounts, found.user_id, found.name, found.synchronised, found.anchor,
  namesake.name, namesake.synchronised
from subject
left join found on found.mailbox_guid = subject.guid
left join namesake on namesake.address_key = subject.primary_smtp_address_key
order by subject.guid
"""
UNREAD = "select count(*) from entra_user where on_premises_object_guid is null"


class Candidate(NamedTuple):
    """One mailbox, the accounts that carry one of its anchors, and one that has its address."""

    mailbox_guid: str
    mailbox: str
    moved: bool
    accounts: int | None
    user_id: str | None
    name: str | None
    synchronised: bool | None
    anchor: str | None
    namesake: str | None
    namesake_synchronised: bool | None


@dataclass(frozen=True)
class _Match:
    outcome: AccountMatch
    reason: str


def predict_accounts(
    database: Database, ledger: Mapping[str, LedgerLine]
) -> Iterator[PredictedCloudAccount]:
    """The account of every mailbox, moved or not, in the order of their GUIDs.

    Nothing where a table of NEEDED is not complete: who has no account there may have one.
    """
    if any(ledger[table].cause for table in NEEDED):
        return
    ((unread,),) = database.rows(UNREAD, {})
    for row in database.rows(CANDIDATES, {}):
        candidate = Candidate._make(row)
        match = _match(candidate, some_unread=bool(unread))
        yield PredictedCloudAccount(
            mailbox_guid=candidate.mailbox_guid,
            mailbox=candidate.mailbox,
            moved=candidate.moved,
            user_id=candidate.user_id if candidate.accounts == 1 else None,
            anchor=(candidate.anchor or "") if candidate.accounts == 1 else "",
            outcome=match.outcome,
            reason=match.reason,
        )


def _match(found: Candidate, *, some_unread: bool) -> _Match:
    if found.accounts is None:
        return _unmatched(found, some_unread=some_unread)
    if found.accounts > 1:
        return _Match(AccountMatch.SEVERAL, f"belongs to {found.accounts} accounts in Entra")
    if found.synchronised is None:
        said = f"whether {found.name} is synchronised was not read"
        return _Match(AccountMatch.UNKNOWN, said)
    if not found.synchronised:
        said = f"belongs to {found.name}, which is not synchronised"
        return _Match(AccountMatch.NOT_SYNCHRONISED, said)
    return _Match(AccountMatch.MATCHED, f"belongs to {found.name} by its {found.anchor}")


def _unmatched(found: Candidate, *, some_unread: bool) -> _Match:
    if some_unread:
        return _Match(AccountMatch.UNKNOWN, "the immutable id of some accounts was not read")
    if found.namesake is None:
        return _Match(AccountMatch.NONE, "has no account in Entra")
    if found.namesake_synchronised is None:
        said = f"whether {found.namesake}, which has its address, is synchronised was not read"
        return _Match(AccountMatch.UNKNOWN, said)
    if found.namesake_synchronised:
        said = (
            f"{found.namesake} has its address but another immutable id; look whether both are one"
            " person"
        )
        return _Match(AccountMatch.UNKNOWN, said)
    said = (
        f"has no synchronised account in Entra, while {found.namesake}, made in the cloud, has its"
        " address"
    )
    return _Match(AccountMatch.NONE, said)
