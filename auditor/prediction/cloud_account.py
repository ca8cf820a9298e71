"""Which account in Entra each mailbox belongs to.

Entra Connect writes the objectGUID of an account, or its mS-DS-ConsistencyGuid, into
onPremisesImmutableId ("Microsoft Entra Connect, design concepts", sourceAnchor). Where neither
matches, an address, a sign-in name or a distinguished name in common is a hint for a person and
never a match; a display name is nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from auditor.evidence.database import Database
from auditor.evidence.ledger import LedgerLine
from auditor.evidence.predicted import AccountMatch, PredictedCloudAccount
from auditor.verdicts import Cause

NEEDED = ("entra_user", "entra_user_address", "onprem_mailbox", "onprem_remote_mailbox")
"""Tables without which an account that is not found proves nothing."""

# A mailbox that moved between two commands stands in both tables; then it counts as moved.
CANDIDATES = """
with subject as (
  select
    guid, primary_smtp_address, primary_smtp_address_key, user_principal_name_key,
    distinguished_name_key, true as moved
  from onprem_remote_mailbox
  union all
  select
    guid, primary_smtp_address, primary_smtp_address_key, user_principal_name_key,
    distinguished_name_key, false
  from onprem_mailbox
  where guid not in (select guid from onprem_remote_mailbox)
),
anchor as (
  select guid as mailbox_guid, guid as anchor, 'objectGUID' as name, true as stands from subject
  union all
  -- one that was read long ago matches nothing, and still casts doubt on who else has it
  select mailbox_guid, ms_ds_consistency_guid, 'mS-DS-ConsistencyGuid', $anchors_stand
  from onprem_directory_account
  where ms_ds_consistency_guid <> ''
    and ms_ds_consistency_guid <> mailbox_guid
    and mailbox_guid in (select guid from subject)
),
claim as (
  select
    anchor.mailbox_guid,
    anchor.name                                  as anchor,
    anchor.stands,
    account.id,
    account.user_principal_name                  as name,
    account.on_premises_sync_enabled             as synchronised
  from anchor
  join entra_user as account on account.on_premises_object_guid = anchor.anchor
),
claimed as (
  select id, count(distinct mailbox_guid)        as mailboxes
  from claim
  group by id
),
found as (
  select
    claim.mailbox_guid,
    count(distinct claim.id)                     as accounts,
    max(claimed.mailboxes)                       as mailboxes,
    min(claim.id)                                as user_id,
    min(claim.name)                              as name,
    bool_and(claim.synchronised)                 as synchronised,
    min(claim.anchor)                            as anchor
  from claim
  join claimed on claimed.id = claim.id
  where claim.stands
  group by claim.mailbox_guid
),
unmatched as (
  select * from subject where guid not in (select mailbox_guid from found)
),
alike as (
  select unmatched.guid, address.user_id, 1      as rank, 'address' as likeness
  from unmatched
  join entra_user_address as address
    on address.prefix = 'smtp'
    and lower(address.address) = unmatched.primary_smtp_address_key
  union all
  select unmatched.guid, account.id, 2, 'sign-in name'
  from unmatched
  join entra_user as account
    on account.user_principal_name_key
      in (unmatched.primary_smtp_address_key, unmatched.user_principal_name_key)
  union all
  select unmatched.guid, account.id, 3, 'distinguished name'
  from unmatched
  join entra_user as account
    on lower(account.on_premises_distinguished_name) = unmatched.distinguished_name_key
),
namesake as (
  select
    alike.guid                                   as mailbox_guid,
    account.user_principal_name                  as name,
    account.on_premises_sync_enabled             as synchronised,
    alike.likeness
  from alike
  join entra_user as account on account.id = alike.user_id
  -- one that another mailbox claims is taken
  where alike.user_id not in (select id from claim)
  qualify row_number() over (
    partition by alike.guid
    -- a synchronised one says the most, then one of which that was not read
    order by account.on_premises_sync_enabled is false, account.on_premises_sync_enabled is null,
      alike.rank, account.id
  ) = 1
)
select
  subject.guid, subject.primary_smtp_address, subject.moved,
  found.accounts, found.mailboxes, found.user_id, found.name, found.synchronised, found.anchor,
  namesake.name, namesake.synchronised, namesake.likeness,
  subject.guid in (
    select mailbox_guid from onprem_directory_account
    where ms_ds_consistency_guid is null or not $anchors_stand
  )
from subject
left join found on found.mailbox_guid = subject.guid
left join namesake on namesake.mailbox_guid = subject.guid
order by subject.guid
"""
UNREAD = "select count(*) from entra_user where on_premises_object_guid is null"


class Candidate(NamedTuple):
    """One mailbox, the accounts that carry one of its anchors, and one that is alike.

    `mailboxes`: how many have an anchor that the account carries; `likeness`: what it has in common
    with the one that is alike; `hidden`: the directory was read, but not its mS-DS-ConsistencyGuid,
    or too long ago.
    """

    mailbox_guid: str
    mailbox: str
    moved: bool
    accounts: int | None
    mailboxes: int | None
    user_id: str | None
    name: str | None
    synchronised: bool | None
    anchor: str | None
    namesake: str | None
    namesake_synchronised: bool | None
    likeness: str | None
    hidden: bool

    @property
    def single_account(self) -> bool:
        """Whether there is one account, and no other mailbox claims it."""
        return self.accounts == 1 and self.mailboxes == 1


@dataclass(frozen=True)
class _Match:
    outcome: AccountMatch
    reason: str


def predict_accounts(
    database: Database, ledger: Mapping[str, LedgerLine]
) -> Iterator[PredictedCloudAccount]:
    """The account of every mailbox, moved or not, in the order of their GUIDs.

    Nothing where a table of NEEDED is not complete: who has no account there may have one. What the
    directory said long ago is no anchor.
    """
    if any(ledger[table].cause for table in NEEDED):
        return
    ((unread,),) = database.rows(UNREAD, {})
    stale = ledger["onprem_directory_account"].cause is Cause.STALE
    for row in database.rows(CANDIDATES, {"anchors_stand": not stale}):
        candidate = Candidate._make(row)
        match = _match(candidate, some_unread=bool(unread))
        yield PredictedCloudAccount(
            mailbox_guid=candidate.mailbox_guid,
            mailbox=candidate.mailbox,
            moved=candidate.moved,
            user_id=candidate.user_id if candidate.single_account else None,
            anchor=(candidate.anchor or "") if candidate.single_account else "",
            outcome=match.outcome,
            reason=match.reason,
        )


def _match(found: Candidate, *, some_unread: bool) -> _Match:
    if found.accounts is None:
        return _unmatched(found, some_unread=some_unread)
    if found.accounts > 1:
        return _Match(AccountMatch.SEVERAL, f"belongs to {found.accounts} accounts in Entra")
    if not found.single_account:
        said = (
            f"belongs to {found.name}, as another mailbox does; look which of them the account is"
        )
        return _Match(AccountMatch.UNKNOWN, said)
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
    if found.hidden:
        return _Match(AccountMatch.UNKNOWN, "its mS-DS-ConsistencyGuid was not read")
    if found.namesake is None:
        return _Match(AccountMatch.NONE, "has no account in Entra")
    likeness = f"{found.namesake}, which has its {found.likeness}"
    if found.namesake_synchronised is None:
        return _Match(AccountMatch.UNKNOWN, f"whether {likeness}, is synchronised was not read")
    if found.namesake_synchronised:
        said = (
            f"{found.namesake} has its {found.likeness} but another immutable id; look whether both"
            " are one person"
        )
        return _Match(AccountMatch.UNKNOWN, said)
    said = (
        f"has no synchronised account in Entra, while {found.namesake}, made in the cloud, has its"
        f" {found.likeness}"
    )
    return _Match(AccountMatch.NONE, said)
