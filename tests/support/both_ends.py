"""All that can be known of a lab organisation: servers, directory, tenant and plan, as rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from auditor.collect import Wish, collect_from
from auditor.collectors.plan import read_plan
from auditor.demo import lab_cloud, lab_exchange
from auditor.evidence.accounts import OnpremDirectoryAccount, OnpremMailboxHold
from auditor.evidence.base import Evidence
from auditor.evidence.bundle import open_bundle
from auditor.evidence.tables import COLLECTED
from auditor.lab.accounts import account_of
from auditor.lab.organization import Organization
from auditor.lab.plan import write_plan
from auditor.lab.recipients import mailboxes
from auditor.live_sources import LiveSources
from tests.support.verdicts import silent


def both_ends(organization: Organization, folder: Path) -> dict[str, list[Evidence]]:
    """Rows by table, as servers and tenant gave them, with a plan and those of the directory."""
    write_plan(organization, folder / "plan.csv")
    wish = Wish(plan=read_plan([folder / "plan.csv"]), now=lambda: organization.now)
    with lab_exchange(organization) as exchange, lab_cloud(organization) as cloud:
        sources = LiveSources(exchange, cloud=cloud)
        collect_from(sources, folder / "evidence.zip", "", wish, silent)
    with open_bundle(folder / "evidence.zip", "evidence", COLLECTED) as bundle:
        rows: dict[str, list[Evidence]] = {
            model.table: list(bundle.lines(model)) for model in COLLECTED
        }
    for row in of_the_directory(organization):
        rows[row.table].append(row)
    return rows


def of_the_directory(organization: Organization) -> Iterator[Evidence]:
    """What the directory alone tells of accounts and holds, without a server that speaks LDAP."""
    for found in mailboxes(organization):
        account = account_of(organization, found)
        yield OnpremDirectoryAccount(
            mailbox_guid=found.guid,
            account_enabled=account.enabled,
            locked_out=False,
            password_expired=account.password_set is None,
            change_password_at_logon=account.password_set is None,
            account_never_expires=account.expires is None,
            account_expires=account.expires,
            admin_count=account.admin_count or 0,
            dacl_protected=account.inherits_nothing,
            ms_ds_consistency_guid=account.consistency_guid or "",
            target_address=account.target_address or "",
        )
        yield OnpremMailboxHold(
            mailbox_guid=found.guid,
            litigation_hold_enabled=account.litigation_hold,
            in_place_holds=len(account.in_place_holds),
        )
