"""What an import makes of files that are whole, broken, edited, empty or from the wrong side."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from auditor.collectors.registry import ALL_COLLECTORS
from auditor.errors import InputRefused
from auditor.evidence.organization import (
    OnpremAcceptedDomain,
    OnpremHybridConfiguration,
    OnpremHybridConfigurationFeature,
    OnpremOrganizationRelationship,
    OnpremOrganizationRelationshipDomain,
)
from auditor.evidence.recipients import OnpremMailbox, OnpremMailboxAddress, OnpremMobileDevice
from auditor.evidence.servers import (
    OnpremExchangeBuild,
    OnpremExchangeCertificate,
    OnpremExchangeServer,
)
from tests.support.manifests import EMPTY, OPENING, Said, manifest

if TYPE_CHECKING:
    from tests.collectors.conftest import Import

UNCONFIRMED = "No manifest confirms that this is everything."


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    """An empty folder to put exports into."""
    folder = tmp_path / "exports"
    folder.mkdir()
    return folder


@pytest.fixture
def copied(payloads: Path, exports: Path) -> Callable[..., Path]:
    """Put a payload into the folder of exports, changed on the way."""

    def copy(payload: str, name: str = "", change: Callable[[str], str] = str) -> Path:
        target = exports / (name or payload)
        text = (payloads / payload).read_text("utf-8")
        changed = change(text)
        target.write_text(changed, "utf-8")
        return target

    return copy


Copy = Callable[..., Path]


TWO_DOMAINS = '<B N="ViewEntireForest">false</B><I32 N="ForestDomains">2</I32>'
EXPORTED = "Exported on EX01 at 2026-11-20 10:00 UTC."


def mailboxes(count: int) -> str:
    types = "<TN RefId='0'><T>Microsoft.Exchange.Data.Directory.Management.Mailbox</T></TN>"
    again = "<TNRef RefId='0' />"
    objects = "".join(
        f'<Obj RefId="{n}">{again if n else types}<Props>'
        f'<G N="Guid">00000000-0000-4000-8000-{n:012x}</G>'
        f'<S N="DistinguishedName">CN=u{n},DC=contoso,DC=com</S>'
        f'<S N="PrimarySmtpAddress">u{n}@contoso.com</S>'
        f'<S N="RecipientTypeDetails">UserMailbox</S><Nil N="EmailAddresses" /></Props></Obj>'
        for n in range(count)
    )
    return f"{OPENING}{objects}</Objs>"


def test_every_table_gets_a_line_even_if_no_file_has_anything_for_it(
    imported: Import, copied: Copy, exports: Path
) -> None:
    copied("accepted_domain.xml")
    found = imported(exports)
    lines = {line.table: (line.state, line.detail) for line in found.summary.ledger}
    assert list(lines) != []
    assert set(lines) == {model.table for each in ALL_COLLECTORS for model in each.tables}
    assert lines["onprem_mailbox"] == (
        "not_requested",
        "No export of Get-Mailbox was among the files.",
    )


def test_whole_files_complete_their_tables_and_children(imported: Import, payloads: Path) -> None:
    found = imported(payloads / "organization_relationship.xml")
    assert found.state(OnpremOrganizationRelationship) == ("complete", 2, UNCONFIRMED)
    assert found.state(OnpremOrganizationRelationshipDomain) == ("complete", 3, UNCONFIRMED)


def test_each_file_read_is_noted_with_its_hash(imported: Import, payloads: Path) -> None:
    path = payloads / "mailbox.xml"
    (source,) = imported(path).summary.files
    assert (source.name, source.sha256, source.bytes, source.recognised_as, source.objects) == (
        "mailbox.xml",
        hashlib.sha256(path.read_bytes()).hexdigest(),
        path.stat().st_size,
        "Get-Mailbox",
        2,
    )


def test_the_name_of_a_file_does_not_matter(imported: Import, copied: Copy) -> None:
    path = copied("mailbox.xml", "Get-AcceptedDomain.xml")
    found = imported(path)
    assert found.state(OnpremMailbox) == ("complete", 2, UNCONFIRMED)
    assert found.state(OnpremAcceptedDomain)[0] == "not_requested"


def test_files_of_other_kinds_are_listed_and_no_error(
    imported: Import, copied: Copy, exports: Path
) -> None:
    copied("accepted_domain.xml")
    (exports / "notes.txt").write_text("Ann asked for this")
    (exports / "servers.csv").write_text("a,b")
    assert imported(exports).taken_for() == {
        "exports/accepted_domain.xml": "Get-AcceptedDomain",
        "exports/notes.txt": "not recognised: no file of Export-Clixml",
        "exports/servers.csv": "not recognised: no file of Export-Clixml",
    }


def test_a_truncated_file_keeps_its_rows_and_says_partial(imported: Import, copied: Copy) -> None:
    path = copied("mailbox.xml", change=lambda text: text[: text.rindex("SharedMailbox")])
    state, rows, detail = imported(path).state(OnpremMailbox)
    assert (state, rows) == ("partial", 1)
    assert "mailbox.xml" in detail


def test_a_file_cut_before_its_first_object_is_not_called_missing(
    imported: Import, copied: Copy
) -> None:
    path = copied("mailbox.xml", "GetMailbox.xml", lambda text: text[:600])
    found = imported(path)
    assert found.state(OnpremMailbox)[:2] == ("partial", 0)
    assert found.taken_for()["GetMailbox.xml"].startswith("damaged: ")


def test_an_object_that_does_not_fit_names_file_object_and_property_and_the_others_stay(
    imported: Import, copied: Copy
) -> None:
    guid = "00000000-0000-4000-8000-0000000000a1"
    path = copied("mailbox.xml", change=lambda text: text.replace(f">{guid}<", ">none<", 1))
    state, rows, detail = imported(path).state(OnpremMailbox)
    assert (state, rows) == ("unexpected_answer", 1)
    assert "Guid of Mailbox holds 'none' where a GUID belongs (mailbox.xml, object 1)" in detail


def test_many_objects_that_do_not_fit_are_counted_and_the_first_is_quoted(
    imported: Import, exports: Path
) -> None:
    path = exports / "x.xml"
    path.write_text(mailboxes(30).replace("UserMailbox", ""))
    state, rows, detail = imported(path).state(OnpremMailbox)
    assert (state, rows) == ("unexpected_answer", 0)
    assert "object 1" in detail
    assert "30 objects could not be read." in detail
    assert "object 2" not in detail


def test_an_object_of_another_command_in_the_middle_is_not_read(
    imported: Import, exports: Path, payloads: Path
) -> None:
    whole = (payloads / "accepted_domain.xml").read_text("utf-8")
    stranger = '<Obj RefId="99"><TN RefId="99"><T>X.RemoteDomain</T></TN><Props /></Obj></Objs>'
    path = exports / "x.xml"
    path.write_text(whole.replace("</Objs>", stranger))
    state, rows, detail = imported(path).state(OnpremAcceptedDomain)
    assert (state, rows) == ("unexpected_answer", 2)
    assert "x.xml, object 3 is RemoteDomain among objects of Get-AcceptedDomain" in detail


def test_exactly_a_thousand_objects_are_taken_for_the_default_limit(
    imported: Import, exports: Path
) -> None:
    path = exports / "mailboxes.xml"
    path.write_text(mailboxes(1_000))
    state, rows, detail = imported(path).state(OnpremMailbox)
    assert (state, rows) == ("partial", 1_000)
    assert "exactly 1000 objects, where Get-Mailbox stops by default" in detail


@pytest.mark.parametrize("count", [999, 1_001])
def test_any_other_number_is_not_suspicious(imported: Import, exports: Path, count: int) -> None:
    path = exports / "mailboxes.xml"
    path.write_text(mailboxes(count))
    assert imported(path).state(OnpremMailbox) == ("complete", count, UNCONFIRMED)


def test_a_manifest_that_confirms_a_thousand_makes_them_complete(
    imported: Import, exports: Path
) -> None:
    path = exports / "Get-Mailbox.clixml"
    path.write_text(mailboxes(1_000))
    manifest(exports, Said("Get-Mailbox", path, 1_000, parameters=["IgnoreDefaultScope=True"]))
    assert imported(exports).state(OnpremMailbox) == ("complete", 1_000, EXPORTED)


def test_a_thousand_stay_suspicious_where_the_limit_could_not_be_lifted(
    imported: Import, exports: Path
) -> None:
    path = exports / "Get-Mailbox.clixml"
    path.write_text(mailboxes(1_000))
    manifest(exports, Said("Get-Mailbox", path, 1_000, dropped=["ResultSize"]))
    assert imported(exports).state(OnpremMailbox)[0] == "partial"


def test_an_empty_file_may_be_a_command_that_failed(imported: Import, exports: Path) -> None:
    (exports / "Get-HybridConfiguration.xml").write_text(EMPTY)
    state, rows, detail = imported(exports).state(OnpremHybridConfiguration)
    assert (state, rows) == ("unexpected_answer", 0)
    assert "a command that failed leaves the same empty file" in detail


def test_an_empty_file_of_unknown_name_is_listed(imported: Import, exports: Path) -> None:
    (exports / "export1.xml").write_text(EMPTY)
    found = imported(exports)
    assert found.taken_for() == {"exports/export1.xml": "not recognised: an export without objects"}
    assert {line.state for line in found.ledger.values()} == {"not_requested"}


def test_with_a_manifest_no_object_is_an_answer(imported: Import, exports: Path) -> None:
    path = exports / "Get-HybridConfiguration.clixml"
    path.write_text(EMPTY)
    manifest(exports, Said("Get-HybridConfiguration", path, 0))
    found = imported(exports)
    assert found.state(OnpremHybridConfiguration) == ("complete", 0, EXPORTED)
    assert found.state(OnpremHybridConfigurationFeature) == ("complete", 0, EXPORTED)


def test_with_a_manifest_not_even_a_file_is_needed_for_no_object(
    imported: Import, exports: Path
) -> None:
    manifest(exports, Said("Get-HybridConfiguration"))
    assert imported(exports).state(OnpremHybridConfiguration) == ("complete", 0, EXPORTED)


IMPORTED_AT = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)
EXPORTED_AT = dt.datetime(2026, 11, 20, 10, 0, tzinfo=dt.UTC)


def test_a_table_is_as_old_as_the_export_that_its_manifest_tells_of(
    imported: Import, copied: Copy, exports: Path
) -> None:
    path = copied("accepted_domain.xml", "Get-AcceptedDomain.clixml")
    manifest(exports, Said("Get-AcceptedDomain", path, 2), Said("Get-HybridConfiguration"))
    copied("remote_domain.xml")
    ledger = imported(exports).ledger
    assert {
        name: (ledger[name].started_at, ledger[name].ended_at)
        for name in ("onprem_accepted_domain", "onprem_hybrid_configuration")
    } == {
        "onprem_accepted_domain": (EXPORTED_AT, EXPORTED_AT),
        "onprem_hybrid_configuration": (EXPORTED_AT, EXPORTED_AT),
    }
    # which no manifest tells of: how old it is, nobody can say
    by_hand = ledger["onprem_remote_domain"]
    assert (by_hand.state, by_hand.ended_at) == ("complete", IMPORTED_AT)


def test_the_oldest_of_several_exports_is_the_age_of_a_table(
    imported: Import, copied: Copy, exports: Path
) -> None:
    for folder, year in (("first", "2025"), ("second", "2026")):
        (exports / folder).mkdir()
        path = copied("accepted_domain.xml", f"{folder}/Get-AcceptedDomain.clixml")
        written = manifest(exports / folder, Said("Get-AcceptedDomain", path, 2))
        written.write_text(written.read_text("utf-8").replace("2026-11-20", f"{year}-11-20"))
    ended = EXPORTED_AT.replace(year=2025)
    assert imported(exports).ledger["onprem_accepted_domain"].ended_at == ended


def test_a_clock_that_is_ahead_makes_no_export_younger_than_its_import(
    imported: Import, copied: Copy, exports: Path
) -> None:
    path = copied("accepted_domain.xml", "Get-AcceptedDomain.clixml")
    written = manifest(exports, Said("Get-AcceptedDomain", path, 2), Said("Get-RemoteDomain"))
    written.write_text(written.read_text("utf-8").replace("2026-11-20", "9999-12-31"))
    ledger = imported(exports).ledger
    assert ledger["onprem_accepted_domain"].ended_at == IMPORTED_AT
    assert ledger["onprem_remote_domain"].ended_at == IMPORTED_AT


def test_a_confirmed_file_is_complete_and_says_where_and_how_it_was_made(
    imported: Import, copied: Copy, exports: Path
) -> None:
    path = copied("mailbox.xml", "Get-Mailbox.clixml")
    parameters = ["ResultSize=Unlimited", "IgnoreDefaultScope=True"]
    manifest(exports, Said("Get-Mailbox", path, 2, parameters=parameters))
    found = imported(exports)
    assert found.state(OnpremMailbox) == ("complete", 2, EXPORTED)
    line = found.ledger["onprem_mailbox"]
    assert (line.provider, line.server, line.command, line.filters) == (
        "exported files",
        "EX01",
        "Get-Mailbox",
        "ResultSize=Unlimited IgnoreDefaultScope=True",
    )
    assert found.taken_for()["exports/manifest.clixml"] == "manifest of the export script"


def test_a_count_that_differs_is_partial(imported: Import, copied: Copy, exports: Path) -> None:
    path = copied("accepted_domain.xml", "Get-AcceptedDomain.clixml")
    manifest(exports, Said("Get-AcceptedDomain", path, 5))
    state, rows, detail = imported(exports).state(OnpremAcceptedDomain)
    assert (state, rows) == ("partial", 2)
    assert "holds 2 objects where the export counted 5" in detail


def test_a_file_that_was_changed_after_the_export_is_not_trusted(
    imported: Import, copied: Copy, exports: Path
) -> None:
    path = copied("accepted_domain.xml", "Get-AcceptedDomain.clixml")
    manifest(exports, Said("Get-AcceptedDomain", path, 2))
    path.write_text(path.read_text().replace("InternalRelay", "Authoritative"))
    state, _, detail = imported(exports).state(OnpremAcceptedDomain)
    assert state == "unexpected_answer"
    assert "was changed after the export" in detail


def test_a_file_that_the_manifest_names_and_nobody_sent_is_partial(
    imported: Import, exports: Path
) -> None:
    manifest(exports, Said("Get-AcceptedDomain", exports / "Get-AcceptedDomain.clixml", 2))
    state, rows, detail = imported(exports).state(OnpremAcceptedDomain)
    assert (state, rows) == ("partial", 0)
    assert "Get-AcceptedDomain.clixml is named in exports/manifest.clixml but missing" in detail


def test_a_file_whose_objects_are_not_what_the_manifest_says_is_not_trusted(
    imported: Import, copied: Copy, exports: Path
) -> None:
    path = copied("remote_domain.xml", "Get-AcceptedDomain.clixml")
    manifest(exports, Said("Get-AcceptedDomain", path, 2))
    state, _, detail = imported(exports).state(OnpremAcceptedDomain)
    assert state == "unexpected_answer"
    assert "holds objects of Get-RemoteDomain where the manifest says" in detail


def test_an_absent_command_names_both_possible_reasons(imported: Import, exports: Path) -> None:
    manifest(exports, Said("Get-HybridConfiguration", state="absent"))
    assert imported(exports).state(OnpremHybridConfiguration) == (
        "unsupported",
        0,
        "Get-HybridConfiguration was not there in the session on EX01: this version of Exchange "
        "lacks it, or the account lacks the role that grants it "
        "(View-Only Organization Management).",
    )


def test_what_one_server_lacks_may_come_from_another(
    imported: Import, copied: Copy, exports: Path
) -> None:
    manifest(exports, Said("Get-MobileDevice", state="absent"))
    copied("active_sync_device.xml")
    assert imported(exports).state(OnpremMobileDevice)[0] == "complete"


def test_errors_beside_rows_are_partial_and_the_first_is_quoted(
    imported: Import, copied: Copy, exports: Path
) -> None:
    path = copied("mailbox.xml", "Get-Mailbox.clixml")
    errors = ["Das Objekt ist besch\u00e4digt", "noch eins"]
    manifest(exports, Said("Get-Mailbox", path, 2, "errors", errors, ["InvalidData"]))
    state, rows, detail = imported(exports).state(OnpremMailbox)
    assert (state, rows) == ("partial", 2)
    assert "Get-Mailbox reported 2 errors, the first: Das Objekt ist besch\u00e4digt" in detail


@pytest.mark.parametrize(
    ("category", "state"),
    [("PermissionDenied", "access_denied"), ("InvalidOperation", "unexpected_answer")],
)
def test_errors_without_rows_are_a_refusal_only_where_all_of_them_say_so(
    imported: Import, exports: Path, category: str, state: str
) -> None:
    path = exports / "Get-Mailbox.clixml"
    path.write_text(EMPTY)
    said = Said("Get-Mailbox", path, 0, "failed", ["no"], [category])
    manifest(exports, said)
    assert imported(exports).state(OnpremMailbox)[:2] == (state, 0)


def test_a_warning_makes_partial_and_is_quoted(
    imported: Import, copied: Copy, exports: Path
) -> None:
    path = copied("mailbox.xml", "Get-Mailbox.clixml")
    manifest(exports, Said("Get-Mailbox", path, 2, warnings=["Il y a plus de r\u00e9sultats"]))
    state, _, detail = imported(exports).state(OnpremMailbox)
    assert state == "partial"
    assert "Get-Mailbox warned: Il y a plus de r\u00e9sultats" in detail


def test_devices_of_one_domain_of_a_forest_are_partial(
    imported: Import, copied: Copy, exports: Path
) -> None:
    path = copied("mobile_device.xml", "Get-MobileDevice.clixml")
    manifest(exports, Said("Get-MobileDevice", path, 1), session=TWO_DOMAINS)
    state, _, detail = imported(exports).state(OnpremMobileDevice)
    assert state == "partial"
    assert "Set-ADServerSettings -ViewEntireForest $true" in detail


def test_mailboxes_read_with_ignore_default_scope_are_of_the_whole_forest(
    imported: Import, copied: Copy, exports: Path
) -> None:
    path = copied("mailbox.xml", "Get-Mailbox.clixml")
    said = Said("Get-Mailbox", path, 2, parameters=["IgnoreDefaultScope=True"])
    manifest(exports, said, session=TWO_DOMAINS)
    assert imported(exports).state(OnpremMailbox)[0] == "complete"


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ('<I32 N="Version">1<', '<I32 N="Version">2<'),
        ('<S N="State">ok<', '<S N="State">fine<'),
        ('<I32 N="Count">2<', '<I32 N="Count">-2<'),
        ('<I32 N="Commands">1<', '<I32 N="Commands">2<'),
        ("</MS></Obj></Objs>", ""),
    ],
)
def test_a_manifest_that_cannot_be_relied_on_confirms_nothing(
    imported: Import, copied: Copy, exports: Path, wrong: str, right: str
) -> None:
    path = copied("accepted_domain.xml", "Get-AcceptedDomain.clixml")
    text = manifest(exports, Said("Get-AcceptedDomain", path, 2))
    text.write_text(text.read_text().replace(wrong, right))
    state, rows, detail = imported(exports).state(OnpremAcceptedDomain)
    assert (state, rows) == ("partial", 2)
    assert "exports/manifest.clixml cannot be relied on" in detail


def test_a_manifest_speaks_for_its_own_folder_only(
    imported: Import, copied: Copy, exports: Path, tmp_path: Path
) -> None:
    path = copied("accepted_domain.xml", "Get-AcceptedDomain.clixml")
    manifest(exports, Said("Get-AcceptedDomain", path, 2))
    other = exports / "by hand"
    other.mkdir()
    (other / "Get-RemoteDomain.clixml").write_text(EMPTY)
    found = imported(exports)
    assert found.state(OnpremAcceptedDomain)[0] == "complete"
    assert found.ledger["onprem_remote_domain"].state == "unexpected_answer"


def test_another_file_called_manifest_is_an_ordinary_export(imported: Import, copied: Copy) -> None:
    path = copied("accepted_domain.xml", "manifest.clixml")
    assert imported(path).state(OnpremAcceptedDomain)[:2] == ("complete", 2)


def test_an_export_of_exchange_online_is_set_aside(imported: Import, payloads: Path) -> None:
    found = imported(payloads / "mailbox_exchange_online.xml")
    state, rows, detail = found.state(OnpremMailbox)
    assert (state, rows) == ("not_requested", 0)
    assert "comes from Exchange Online and was set aside" in detail
    assert found.taken_for() == {
        "mailbox_exchange_online.xml": "Get-Mailbox of Exchange Online: set aside"
    }


def test_what_was_set_aside_does_not_spoil_what_came_from_on_premises(
    imported: Import, payloads: Path
) -> None:
    found = imported(payloads / "mailbox_exchange_online.xml", payloads / "mailbox.xml")
    assert found.state(OnpremMailbox) == ("complete", 2, UNCONFIRMED)


def test_an_object_of_the_cloud_among_those_of_on_premises_is_not_read(
    imported: Import, copied: Copy
) -> None:
    path = copied(
        "mailbox.xml",
        change=lambda text: text.replace(
            "CN=Müller \\+ Söhne,OU=Staff,DC=contoso,DC=com", "CN=M,DC=PROD,DC=OUTLOOK,DC=COM"
        ),
    )
    state, rows, detail = imported(path).state(OnpremMailbox)
    assert (state, rows) == ("unexpected_answer", 1)
    assert "mailbox.xml, object 2 comes from Exchange Online" in detail


def test_an_object_that_does_not_say_which_side_it_lives_on_is_not_read(
    imported: Import, copied: Copy
) -> None:
    def bare(text: str) -> str:
        for name in ("DistinguishedName", "OriginatingServer", "PSComputerName"):
            text = text.replace(f'N="{name}"', f'N="Not{name}"')
        return text

    path = copied("organization_relationship.xml", change=bare)
    state, rows, detail = imported(path).state(OnpremOrganizationRelationship)
    assert (state, rows) == ("unexpected_answer", 0)
    assert "add DistinguishedName to its Select-Object" in detail


def test_an_object_exported_twice_is_kept_once(
    imported: Import, copied: Copy, exports: Path
) -> None:
    copied("mailbox.xml", "first.xml")
    copied("mailbox.xml", "second.xml")
    found = imported(exports)
    assert found.state(OnpremMailbox) == (
        "complete",
        2,
        f"2 objects came twice and were kept once. {UNCONFIRMED}",
    )
    assert found.state(OnpremMailboxAddress)[:2] == ("complete", 5)


def test_two_objects_with_one_key_that_differ_are_not_judged(
    imported: Import, copied: Copy, exports: Path
) -> None:
    copied("mailbox.xml", "a.xml")
    copied("mailbox.xml", "b.xml", lambda text: text.replace("smtp:ann@", "smtp:other@", 1))
    found = imported(exports)
    state, rows, detail = found.state(OnpremMailbox)
    assert (state, rows) == ("unexpected_answer", 2)
    assert "exports/b.xml, object 1 and an earlier object have one guid" in detail
    assert found.state(OnpremMailboxAddress)[:2] == ("unexpected_answer", 5)


def test_certificates_of_some_servers_are_partial(imported: Import, payloads: Path) -> None:
    servers = payloads / "exchange_server.xml"
    whole = imported(servers, payloads / "exchange_certificate.xml", payloads / "exsetup.xml")
    assert whole.state(OnpremExchangeServer) == ("complete", 3, UNCONFIRMED)
    assert whole.state(OnpremExchangeCertificate) == ("complete", 2, UNCONFIRMED)
    assert whole.state(OnpremExchangeBuild) == ("complete", 2, UNCONFIRMED)


def test_a_server_without_certificates_in_the_export_is_named(
    imported: Import, copied: Copy, payloads: Path
) -> None:
    path = copied("exchange_certificate.xml", change=lambda text: text.replace(">EX10<", ">EX01<"))
    state, rows, detail = imported(payloads / "exchange_server.xml", path).state(
        OnpremExchangeCertificate
    )
    assert (state, rows) == ("partial", 2)
    assert detail.startswith("Nothing came from ex10: export it there as well.")


def test_without_a_list_of_servers_nobody_knows_whether_all_were_asked(
    imported: Import, payloads: Path
) -> None:
    state, rows, detail = imported(payloads / "exsetup.xml").state(OnpremExchangeBuild)
    assert (state, rows) == ("partial", 2)
    assert "Which servers there are is not known for certain" in detail


def test_a_hostile_sentence_in_a_manifest_is_shown_as_text(
    imported: Import, copied: Copy, exports: Path
) -> None:
    path = copied("mailbox.xml", "Get-Mailbox.clixml")
    manifest(exports, Said("Get-Mailbox", path, 2, warnings=["_x001B_[2J\u202e<b>" + "x" * 9_000]))
    detail = imported(exports).state(OnpremMailbox)[2]
    assert "<b>" in detail
    assert detail.isprintable()
    assert len(detail) < 1_000


def test_a_file_named_itself_that_is_no_export_is_refused(imported: Import, exports: Path) -> None:
    path = exports / "notes.txt"
    path.write_text("Ann asked for this")
    with pytest.raises(InputRefused, match=r"notes\.txt"):
        imported(path)


def test_a_path_that_does_not_exist_is_refused(imported: Import, exports: Path) -> None:
    with pytest.raises(InputRefused, match="neither a file nor a folder"):
        imported(exports / "nowhere")


def test_an_empty_folder_is_refused(imported: Import, exports: Path) -> None:
    with pytest.raises(InputRefused, match="no file to import"):
        imported(exports)


def test_an_entity_bomb_named_itself_is_refused(imported: Import, exports: Path) -> None:
    path = exports / "bomb.xml"
    path.write_text(f'<!DOCTYPE x [<!ENTITY a "aaaa">]>{EMPTY}')
    with pytest.raises(InputRefused, match=r"bomb\.xml"):
        imported(path)


def test_progress_names_each_file_and_counts_its_objects(imported: Import, exports: Path) -> None:
    (exports / "m.xml").write_text(mailboxes(1_001))
    assert imported(exports).progress == [
        ("exports/m.xml", 0),
        ("exports/m.xml", 500),
        ("exports/m.xml", 1_000),
        ("exports/m.xml", 1_001),
    ]


def test_a_fault_of_ours_becomes_a_ledger_line_and_a_traceback_in_the_log(
    imported: Import,
    payloads: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: object) -> list[object]:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("auditor.collectors.recipients.address_parts", broken)
    with caplog.at_level(logging.ERROR):
        state, rows, detail = imported(payloads / "mailbox.xml").state(OnpremMailbox)
    assert (state, rows) == ("unexpected_answer", 0)
    assert "this is a fault of the auditor, send the log" in detail
    assert "ZeroDivisionError: ours" in caplog.text


def test_a_stop_by_the_user_is_not_caught(
    imported: Import, payloads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> list[object]:
        raise KeyboardInterrupt

    monkeypatch.setattr("auditor.collectors.recipients.address_parts", stopped)
    with pytest.raises(KeyboardInterrupt):
        imported(payloads / "mailbox.xml")
