"""Importing exports of Exchange Online: tables of their own, beside those of on-premises."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from auditor.collectors.exo_registry import EXCHANGE_ONLINE_COLLECTORS
from auditor.evidence.exchange_online import (
    ExoAcceptedDomain,
    ExoMailboxPlan,
    ExoMigrationEndpoint,
    ExoOrganization,
)
from auditor.evidence.exchange_online_recipients import (
    ExoCasMailbox,
    ExoCasMailboxAllowedDevice,
    ExoMobileDevice,
    ExoRecipient,
    ExoRecipientAddress,
)
from auditor.evidence.organization import OnpremAcceptedDomain
from auditor.evidence.recipients import OnpremCasMailbox, OnpremMailbox, OnpremMobileDevice
from auditor.lab.exports import write_exports
from auditor.lab.online_exports import write_online_exports
from auditor.lab.organization import build
from tests.support.manifests import EMPTY, OPENING, TENANT, Said, manifest

if TYPE_CHECKING:
    from tests.collectors.conftest import Import

UNCONFIRMED = "No manifest confirms that this is everything."
EXPORTED = "Exported from contoso.onmicrosoft.com at 2026-11-20 10:00 UTC."
ONLINE = {model.table for each in EXCHANGE_ONLINE_COLLECTORS for model in each.tables}
UNLIMITED = ["ResultSize=Unlimited"]

Copy = Callable[..., Path]


def at_home(text: str) -> str:
    """The text of a payload, with its objects on-premises."""
    return text.replace("DC=EURPR05A002,DC=PROD,DC=OUTLOOK,DC=COM", "DC=contoso,DC=com").replace(
        "am0pr05a02dc004.eurpr05a002.prod.outlook.com", "dc01.contoso.com"
    )


def last_at_home(text: str) -> str:
    """The text of a payload, with its last object on-premises."""
    start = text.rindex("\n  <Obj RefId=")
    return text[:start] + at_home(text[start:])


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    """An empty folder to put exports into."""
    folder = tmp_path / "exports"
    folder.mkdir()
    return folder


@pytest.fixture
def copied(payloads: Path, exports: Path) -> Copy:
    """Put a payload into the folder of exports, changed on the way."""

    def copy(payload: str, name: str = "", change: Callable[[str], str] = str) -> Path:
        target = exports / (name or payload)
        target.write_text(change((payloads / payload).read_text("utf-8")), "utf-8")
        return target

    return copy


def test_a_file_of_exchange_online_fills_tables_of_its_own(
    imported: Import, payloads: Path
) -> None:
    found = imported(payloads / "exo_recipient.xml")
    assert found.taken_for() == {"exo_recipient.xml": "Get-Recipient of Exchange Online"}
    assert found.state(ExoRecipient) == ("complete", 3, UNCONFIRMED)
    assert found.state(ExoRecipientAddress) == ("complete", 4, UNCONFIRMED)
    assert found.ledger["exo_recipient"].command == "Get-Recipient"
    assert found.state(ExoCasMailbox) == (
        "not_requested",
        0,
        "No export of Get-CASMailbox of Exchange Online was among the files.",
    )


def test_the_same_command_of_both_sides_fills_the_tables_of_each(
    imported: Import, payloads: Path
) -> None:
    found = imported(payloads / "exo_cas_mailbox.xml", payloads / "cas_mailbox.xml")
    assert found.taken_for() == {
        "exo_cas_mailbox.xml": "Get-CASMailbox of Exchange Online",
        "cas_mailbox.xml": "Get-CASMailbox",
    }
    assert found.state(ExoCasMailbox) == ("complete", 1, UNCONFIRMED)
    assert found.state(ExoCasMailboxAllowedDevice) == ("complete", 1, UNCONFIRMED)
    assert found.state(OnpremCasMailbox)[0] == "complete"


def test_without_anything_of_exchange_online_one_sentence_says_so(
    imported: Import, payloads: Path
) -> None:
    found = imported(payloads / "accepted_domain.xml")
    assert {(found.ledger[table].state, found.ledger[table].detail) for table in ONLINE} == {
        (
            "not_requested",
            "Nothing of Exchange Online was among the files: run the script of `auditor "
            "export-script --online` in an Exchange Online PowerShell window.",
        )
    }


@pytest.mark.parametrize("zipped", [False, True])
def test_both_sides_may_lie_side_by_side_under_the_same_names(
    imported: Import, exports: Path, tmp_path: Path, zipped: bool
) -> None:
    organization = build(30, faults="none")
    write_exports(organization, exports / "on-premises")
    write_online_exports(organization, exports / "online")
    both = {path.name for path in (exports / "on-premises").iterdir()} & {
        path.name for path in (exports / "online").iterdir()
    }
    assert {"manifest.clixml", "Get-CASMailbox.clixml", "Get-AcceptedDomain.clixml"} <= both
    source = exports
    if zipped:
        source = Path(shutil.make_archive(str(tmp_path / "both"), "zip", exports))
    found = imported(source)
    complete = {table for table, line in found.ledger.items() if line.state == "complete"}
    assert complete >= ONLINE
    one_by_one = imported(exports / "on-premises"), imported(exports / "online")
    for table, rows in found.rows.items():
        assert rows == [row for each in one_by_one for row in each.rows[table]], table
    assert {
        table for table in complete if found.ledger[table].server == "contoso.onmicrosoft.com"
    } == ONLINE


def test_a_zip_with_both_sides_is_no_surprise(
    imported: Import, payloads: Path, tmp_path: Path
) -> None:
    path = tmp_path / "sent.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.write(payloads / "exo_accepted_domain.xml", "a/Get-AcceptedDomain.xml")
        packed.write(payloads / "accepted_domain.xml", "b/Get-AcceptedDomain.xml")
    found = imported(path)
    assert found.state(ExoAcceptedDomain) == ("complete", 2, UNCONFIRMED)
    assert found.state(OnpremAcceptedDomain) == ("complete", 2, UNCONFIRMED)


def test_recipients_of_on_premises_are_not_mistaken_for_those_of_exchange_online(
    imported: Import, copied: Copy
) -> None:
    found = imported(copied("exo_recipient.xml", change=at_home))
    assert found.taken_for() == {
        "exo_recipient.xml": "Get-Recipient of Exchange on-premises: set aside"
    }
    assert found.state(ExoRecipient) == (
        "not_requested",
        0,
        "exo_recipient.xml comes from Exchange on-premises and was set aside: run Get-Recipient in "
        "an Exchange Online PowerShell window.",
    )


def test_what_was_set_aside_does_not_spoil_what_came_from_exchange_online(
    imported: Import, copied: Copy
) -> None:
    copied("exo_recipient.xml", "home.xml", at_home)
    found = imported(copied("exo_recipient.xml").parent)
    assert found.state(ExoRecipient) == ("complete", 3, UNCONFIRMED)


def test_mailboxes_of_exchange_online_are_set_aside_since_recipients_hold_them(
    imported: Import, payloads: Path
) -> None:
    found = imported(payloads / "mailbox_exchange_online.xml", payloads / "exo_recipient.xml")
    assert found.state(OnpremMailbox)[0] == "not_requested"
    assert found.state(ExoRecipient)[0] == "complete"


def test_an_object_of_on_premises_among_those_of_exchange_online_is_not_read(
    imported: Import, copied: Copy
) -> None:
    path = copied("exo_accepted_domain.xml", change=last_at_home)
    state, rows, detail = imported(path).state(ExoAcceptedDomain)
    assert (state, rows) == ("unexpected_answer", 1)
    assert "object 2 comes from Exchange on-premises: export both sides" in detail


def test_a_migration_endpoint_without_a_manifest_may_be_of_either_side(
    imported: Import, payloads: Path
) -> None:
    state, rows, detail = imported(payloads / "exo_migration_endpoint.xml").state(
        ExoMigrationEndpoint
    )
    assert (state, rows) == ("unexpected_answer", 0)
    assert "object 1 does not say whether it comes from Exchange Online" in detail
    assert "`auditor export-script --online`" in detail


def test_with_the_manifest_of_exchange_online_it_is_read(
    imported: Import, copied: Copy, exports: Path
) -> None:
    path = copied("exo_migration_endpoint.xml", "Get-MigrationEndpoint.clixml")
    manifest(exports, Said("Get-MigrationEndpoint", path, 2), session=TENANT)
    assert imported(exports).state(ExoMigrationEndpoint) == ("complete", 2, EXPORTED)


def test_with_the_manifest_of_on_premises_it_is_set_aside(
    imported: Import, copied: Copy, exports: Path
) -> None:
    path = copied("exo_migration_endpoint.xml", "Get-MigrationEndpoint.clixml")
    manifest(exports, Said("Get-MigrationEndpoint", path, 2))
    state, rows, detail = imported(exports).state(ExoMigrationEndpoint)
    assert (state, rows) == ("not_requested", 0)
    assert "comes from Exchange on-premises and was set aside" in detail


def test_a_confirmed_file_says_from_which_tenant_it_came(
    imported: Import, copied: Copy, exports: Path
) -> None:
    path = copied("exo_recipient.xml", "Get-Recipient.clixml")
    manifest(exports, Said("Get-Recipient", path, 3, parameters=UNLIMITED), session=TENANT)
    found = imported(exports)
    assert found.state(ExoRecipient) == ("complete", 3, EXPORTED)
    line = found.ledger["exo_recipient"]
    assert (line.provider, line.server, line.command, line.filters) == (
        "exported files",
        "contoso.onmicrosoft.com",
        "Get-Recipient",
        "ResultSize=Unlimited",
    )


@pytest.mark.parametrize(
    ("file", "cmdlet", "session", "held", "says"),
    [
        (
            "accepted_domain.xml",
            "Get-AcceptedDomain",
            TENANT,
            "objects of Get-AcceptedDomain",
            "Get-AcceptedDomain of Exchange Online",
        ),
        (
            "exo_accepted_domain.xml",
            "Get-AcceptedDomain",
            "",
            "objects of Get-AcceptedDomain of Exchange Online",
            "Get-AcceptedDomain",
        ),
    ],
)
def test_objects_of_the_other_side_than_the_manifest_says_are_not_believed(
    imported: Import,
    copied: Copy,
    exports: Path,
    *,
    file: str,
    cmdlet: str,
    session: str,
    held: str,
    says: str,
) -> None:
    path = copied(file, f"{cmdlet}.clixml")
    manifest(exports, Said(cmdlet, path, 2), session=session)
    found = imported(exports)
    promised = ExoAcceptedDomain if session else OnpremAcceptedDomain
    state, rows, detail = found.state(promised)
    assert (state, rows) == ("unexpected_answer", 0)
    assert f"holds {held} where the manifest says {says}: export again." in detail


def test_objects_that_lost_their_types_are_what_the_manifest_says(
    imported: Import, copied: Copy, exports: Path
) -> None:
    def untyped(text: str) -> str:
        return text.replace(
            "Microsoft.Exchange.Data.Directory.Management.MailboxPlan",
            "System.Management.Automation.PSCustomObject",
        )

    path = copied("exo_mailbox_plan.xml", "Get-MailboxPlan.clixml", untyped)
    unknown = imported(path)
    assert unknown.taken_for() == {
        "Get-MailboxPlan.clixml": "not recognised: objects of no known type"
    }
    assert unknown.state(ExoMailboxPlan)[0] == "not_requested"
    manifest(exports, Said("Get-MailboxPlan", path, 2), session=TENANT)
    assert imported(exports).state(ExoMailboxPlan) == ("complete", 2, EXPORTED)


def recipients(count: int) -> str:
    types = (
        "<TN RefId='0'><T>Microsoft.Exchange.Data.Directory.Management.ReducedRecipient</T></TN>"
    )
    again = "<TNRef RefId='0' />"
    objects = "".join(
        f'<Obj RefId="{n}">{again if n else types}<Props>'
        f'<G N="Guid">00000000-0000-4000-8000-{n:012x}</G>'
        f'<S N="DistinguishedName">CN=u{n},DC=PROD,DC=OUTLOOK,DC=COM</S>'
        f'<S N="RecipientTypeDetails">MailUser</S><Nil N="EmailAddresses" /></Props></Obj>'
        for n in range(count)
    )
    return f"{OPENING}{objects}</Objs>"


@pytest.mark.parametrize(("count", "state"), [(1_000, "partial"), (1_001, "complete")])
def test_a_thousand_recipients_are_taken_for_the_default_limit(
    imported: Import, exports: Path, count: int, state: str
) -> None:
    path = exports / "Get-Recipient.clixml"
    path.write_text(recipients(count))
    assert imported(path).state(ExoRecipient)[:2] == (state, count)
    manifest(exports, Said("Get-Recipient", path, count, parameters=UNLIMITED), session=TENANT)
    assert imported(exports).state(ExoRecipient) == ("complete", count, EXPORTED)


def test_with_a_manifest_no_object_is_an_answer(imported: Import, exports: Path) -> None:
    path = exports / "Get-MobileDevice.clixml"
    path.write_text(EMPTY)
    manifest(exports, Said("Get-MobileDevice", path, 0, parameters=UNLIMITED), session=TENANT)
    found = imported(exports)
    assert found.state(ExoMobileDevice) == ("complete", 0, EXPORTED)
    assert found.taken_for()["exports/Get-MobileDevice.clixml"] == (
        "Get-MobileDevice of Exchange Online: no objects"
    )
    assert found.state(OnpremMobileDevice)[0] == "not_requested"


def test_a_command_that_the_window_lacks_names_the_role(imported: Import, exports: Path) -> None:
    manifest(exports, Said("Get-MobileDevice", state="absent"), session=TENANT)
    assert imported(exports).state(ExoMobileDevice) == (
        "unsupported",
        0,
        "Get-MobileDevice of Exchange Online was not there in the session on "
        "contoso.onmicrosoft.com: the account lacks the role that grants it (Global Reader).",
    )


def test_a_refusal_names_the_role(imported: Import, exports: Path) -> None:
    said = Said("Get-MobileDevice", state="failed", errors=["no"], categories=["PermissionDenied"])
    manifest(exports, said, session=TENANT)
    state, _, detail = imported(exports).state(ExoMobileDevice)
    assert state == "access_denied"
    assert "The account needs Global Reader." in detail


@pytest.mark.parametrize(
    ("warning", "state"),
    [
        ("There are more results available: use the ResultSize parameter.", "partial"),
        ("This cmdlet will change.", "complete"),
    ],
)
def test_only_a_warning_about_the_result_size_makes_partial(
    imported: Import, copied: Copy, exports: Path, warning: str, state: str
) -> None:
    path = copied("exo_recipient.xml", "Get-Recipient.clixml")
    said = Said("Get-Recipient", path, 3, parameters=UNLIMITED, warnings=["Mind you.", warning])
    manifest(exports, said, session=TENANT)
    found = imported(exports).state(ExoRecipient)
    assert found[0] == state
    assert "Get-Recipient of Exchange Online warned: " in found[2]


def test_two_tenants_are_not_mixed_and_on_premises_is_no_tenant(
    imported: Import, copied: Copy, exports: Path
) -> None:
    copied("exo_organization_config.xml", "a.xml")
    copied("organization_config.xml", "home.xml")
    assert imported(exports).state(ExoOrganization) == ("complete", 1, UNCONFIRMED)
    copied("exo_organization_config.xml", "b.xml", lambda text: text.replace("e01<", "e02<"))
    copied("exo_recipient.xml")
    copied("mailbox.xml")
    found = imported(exports)
    state, _, detail = found.state(ExoRecipient)
    assert state == "unexpected_answer"
    assert "Exports of 2 tenants are mixed: import each by itself." in detail
    assert found.state(OnpremMailbox)[0] == "complete"


@pytest.mark.parametrize("side", ["Exchange Onlin", "", "on-premises"])
def test_a_manifest_of_an_unknown_side_confirms_nothing(
    imported: Import, copied: Copy, exports: Path, side: str
) -> None:
    path = copied("exo_recipient.xml", "Get-Recipient.clixml")
    session = TENANT.replace("Exchange Online", side)
    manifest(exports, Said("Get-Recipient", path, 3), session=session)
    state, rows, detail = imported(exports).state(ExoRecipient)
    assert (state, rows) == ("partial", 3)
    assert "exports/manifest.clixml cannot be relied on" in detail
