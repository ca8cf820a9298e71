"""Commands that are asked mailbox by mailbox: their rows, and when their tables are complete."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from auditor.collectors.contract import ASKED_MAILBOX, ExchangeCollector
from auditor.collectors.per_mailbox import (
    MAILBOX_PERMISSION,
    MAILBOX_STATISTICS,
    MOBILE_DEVICE_STATISTICS,
    refused_statistics,
)
from auditor.errors import UnexpectedAnswer
from auditor.evidence.base import Evidence
from auditor.evidence.per_mailbox import (
    OnpremMailboxPermission,
    OnpremMailboxStatistics,
    OnpremMobileDeviceStatistics,
)
from auditor.lab.clixml_writer import file_text
from auditor.lab.cmdlets import objects
from auditor.lab.exported_commands import EXPORTED
from auditor.lab.exports import MANIFEST, write_exports
from auditor.lab.organization import build
from auditor.lab.shell_objects import ShellObject, Value, custom_object, selected
from auditor.lab.type_names import array
from auditor.sources.clixml import PsObject, PsValue, read_file

if TYPE_CHECKING:
    from tests.collectors.conftest import Import, Imported

Rows = Callable[[str], list[Evidence]]
ANN, BO = "0e1d6c5a-0000-4000-8000-0000000000a1", "0e1d6c5a-0000-4000-8000-0000000000a2"
TABLES = (OnpremMailboxStatistics, OnpremMobileDeviceStatistics, OnpremMailboxPermission)


def test_sizes_are_bytes_and_a_mailbox_that_nobody_opened_has_no_last_logon(rows: Rows) -> None:
    assert rows("mailbox_statistics.xml") == [
        OnpremMailboxStatistics(
            mailbox_guid=ANN,
            item_count=18211,
            total_item_size=1288490188,
            deleted_item_count=77,
            total_deleted_item_size=13107200,
            last_logon_time=dt.datetime(2026, 11, 20, 7, 30, tzinfo=dt.UTC),
            refusal=None,
        ),
        OnpremMailboxStatistics(
            mailbox_guid=BO,
            item_count=0,
            total_item_size=0,
            deleted_item_count=0,
            total_deleted_item_size=0,
            last_logon_time=None,
            refusal=None,
        ),
    ]


def device(number: int, name: str, **known: object) -> OnpremMobileDeviceStatistics:
    columns: dict[str, object] = {
        "device_guid": f"00000000-0000-4000-8000-0000000000d{number}",
        "mailbox_guid": ANN,
        "device_id": name,
        "device_id_key": name.lower(),
        "last_success_sync": None,
        "status": "DeviceOk",
        "device_wipe_request_time": None,
        "device_wipe_sent_time": None,
        "device_wipe_ack_time": None,
        "device_policy_application_status": "AppliedInFull",
    }
    return OnpremMobileDeviceStatistics.model_validate(columns | known)


def test_a_wipe_that_is_pending_shows_when_it_was_asked_for_and_sent(rows: Rows) -> None:
    assert rows("mobile_device_statistics.xml") == [
        device(
            1,
            "ApplC39",
            last_success_sync=dt.datetime(2026, 11, 20, 21, 5, 11, 123_000, tzinfo=dt.UTC),
        ),
        device(
            3,
            "SEC1F",
            last_success_sync=dt.datetime(2026, 6, 1, 4, tzinfo=dt.UTC),
            status="DeviceWipePending",
            device_wipe_request_time=dt.datetime(2026, 6, 1, 9, tzinfo=dt.UTC),
            device_wipe_sent_time=dt.datetime(2026, 6, 1, 9, 1, tzinfo=dt.UTC),
        ),
    ]


def test_the_command_of_2010_fills_the_same_columns(rows: Rows) -> None:
    assert rows("active_sync_device_statistics.xml") == [
        device(
            2,
            "1F2",
            device_policy_application_status="NotApplied",
            device_wipe_ack_time=dt.datetime(2011, 2, 1, 9, tzinfo=dt.UTC),
        )
    ]


def permission(user: str, account: str, full: bool, deny: bool, inherited: bool) -> Evidence:
    return OnpremMailboxPermission(
        mailbox_guid=ANN,
        user=user,
        user_key=user.lower(),
        account_key=account,
        full_access=full,
        deny=deny,
        is_inherited=inherited,
    )


def test_every_entry_is_kept_the_owners_own_and_the_inherited_ones_too(rows: Rows) -> None:
    assert rows("mailbox_permission.xml") == [
        permission("NT-AUTORITÄT\\SELBST", "selbst", True, False, False),
        permission("CONTOSO\\Bo.Ek", "bo.ek", True, False, False),
        permission("CONTOSO\\Auditors", "auditors", False, False, False),
        permission("CONTOSO\\Domain Admins", "domain admins", True, True, True),
    ]


@pytest.mark.parametrize(
    "collector",
    [MAILBOX_STATISTICS, MOBILE_DEVICE_STATISTICS, MAILBOX_PERMISSION],
    ids=lambda each: each.cmdlets[0],
)
def test_an_object_that_nobody_attributed_to_a_mailbox_is_refused(
    collector: ExchangeCollector,
) -> None:
    found = PsObject({"Guid": ANN, "DeviceID": "X", "User": "X", "MailboxGuid": BO})
    with pytest.raises(UnexpectedAnswer, match="-IncludePerMailbox"):
        list(collector.rows(found))


def test_an_entry_that_says_neither_allow_nor_deny_is_an_unexpected_answer() -> None:
    found = PsObject({ASKED_MAILBOX: ANN, "User": "X", "AccessRights": [], "Deny": None})
    with pytest.raises(UnexpectedAnswer, match="Deny"):
        list(MAILBOX_PERMISSION.rows(found))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The exports of five mailboxes."""
    folder = tmp_path / "exports"
    write_exports(build(4), folder)
    return folder


def edit_manifest(folder: Path, cmdlet: str, **changes: Value) -> None:
    """Change what the manifest says of one command."""
    written = []
    for each in read_file(folder / MANIFEST):
        assert isinstance(each, PsObject)
        said = {name: _written(value) for name, value in each.items()}
        if each.optional("Cmdlet") == cmdlet:
            said |= changes
        written.append(custom_object(said))
    (folder / MANIFEST).write_text("".join(file_text(written)), "utf-8")


def _written(value: PsValue) -> Value:
    if isinstance(value, list):
        return array(tuple(str(each) for each in value))
    assert not isinstance(value, dict | PsObject)
    return value


def rewrite(folder: Path, cmdlet: str, kept: Sequence[ShellObject]) -> None:
    """Write the export of a command anew with some of its objects."""
    names = EXPORTED[cmdlet].properties
    text = "".join(file_text(selected(each, names) for each in kept))
    (folder / f"{cmdlet}.clixml").write_text(text, "utf-8")
    edit_manifest(folder, cmdlet, Count=len(kept), Sha256="")


def states(found: Imported) -> list[str]:
    return [found.state(table)[0] for table in TABLES]


def test_tables_are_complete_when_every_mailbox_was_asked_about(
    folder: Path, imported: Import
) -> None:
    assert states(imported(folder)) == ["complete"] * 3


def test_without_the_switch_the_tables_were_not_requested_and_say_which_switch(
    tmp_path: Path, imported: Import
) -> None:
    write_exports(build(4), tmp_path / "exports", per_mailbox=False)
    found = imported(tmp_path / "exports")
    assert [found.state(table) for table in TABLES] == [
        (
            "not_requested",
            0,
            f"No export of {collector.cmdlets[0]} was among the files: the export script asks "
            "mailbox by mailbox with -IncludePerMailbox alone, for hours.",
        )
        for collector in (MAILBOX_STATISTICS, MOBILE_DEVICE_STATISTICS, MAILBOX_PERMISSION)
    ]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.table)
def test_a_script_that_stopped_before_the_last_mailbox_leaves_a_partial_table(
    folder: Path, imported: Import, table: type[Evidence]
) -> None:
    cmdlets = dict(zip(TABLES, list(EXPORTED)[-3:], strict=True))
    edit_manifest(folder, cmdlets[table], Asked=4)
    found = imported(folder)
    state, _, detail = found.state(table)
    assert state == "partial"
    assert "asked about 4 of 5 mailboxes" in detail
    assert states(found).count("complete") == 2


def test_without_the_manifest_nothing_says_that_every_mailbox_was_asked(
    folder: Path, imported: Import
) -> None:
    (folder / MANIFEST).unlink()
    assert states(imported(folder)) == ["partial"] * 3


def test_when_the_mailboxes_are_not_known_neither_is_who_was_left_out(
    folder: Path, imported: Import
) -> None:
    edit_manifest(folder, "Get-Mailbox", Warnings=array(("something was left out",)))
    assert states(imported(folder)) == ["partial"] * 3


def test_a_mailbox_without_statistics_has_its_row_with_the_reason(
    folder: Path, imported: Import
) -> None:
    given = list(objects(build(4), "Get-MailboxStatistics"))
    silent, refused = (str(each.notes[ASKED_MAILBOX]) for each in given[:2])
    rewrite(folder, "Get-MailboxStatistics", given[2:])
    edit_manifest(
        folder, "Get-MailboxStatistics", Warnings=array((f"{refused}: Nobody ever signed in.",))
    )
    found = imported(folder)
    state, count, detail = found.state(OnpremMailboxStatistics)
    assert (state, count) == ("complete", 5)
    assert detail.endswith("2 mailboxes gave no statistics.")
    rows = found.rows[OnpremMailboxStatistics.table]
    assert [row for row in rows if isinstance(row, OnpremMailboxStatistics) and row.refusal] == [
        refused_statistics(guid, reason)
        for guid, reason in sorted(
            [
                (silent, "the command gave nothing and did not say why"),
                (refused, "Nobody ever signed in."),
            ]
        )
    ]


def test_a_warning_about_a_mailbox_that_did_answer_leaves_its_table_partial(
    folder: Path, imported: Import
) -> None:
    guid = str(next(objects(build(4), "Get-MailboxStatistics")).notes[ASKED_MAILBOX])
    edit_manifest(folder, "Get-MailboxStatistics", Warnings=array((f"{guid}: Damaged.",)))
    state, _, detail = imported(folder).state(OnpremMailboxStatistics)
    assert state == "partial"
    assert "complained about 1 mailboxes that it gave an answer for" in detail


def test_an_error_about_one_mailbox_leaves_a_table_of_devices_partial(
    folder: Path, imported: Import
) -> None:
    edit_manifest(
        folder,
        "Get-MobileDeviceStatistics",
        State="errors",
        ErrorCount=1,
        Errors=array((f"{ANN}: The mailbox database is not mounted.",)),
        ErrorCategories=array(("ResourceUnavailable",)),
    )
    state, _, detail = imported(folder).state(OnpremMobileDeviceStatistics)
    assert state == "partial"
    assert "The mailbox database is not mounted." in detail
