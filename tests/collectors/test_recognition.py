"""Which collector reads an object, and whether it comes from on-premises."""

from __future__ import annotations

import pytest

from auditor.collectors import mobile, recipients, servers
from auditor.collectors.contract import ExchangeCollector, Side
from auditor.collectors.recognition import (
    collector_named_by,
    collector_of,
    collector_of_cmdlet,
    kind_of,
    side_of,
)
from auditor.sources.clixml import PsObject, PsValue

HERE = Side.ON_PREMISES
MAILBOX = "Microsoft.Exchange.Data.Directory.Management.Mailbox"
CUSTOM = ("System.Management.Automation.PSCustomObject", "System.Object")


@pytest.mark.parametrize("prefix", ["", "Deserialized.", "Selected.", "Selected.Deserialized."])
def test_a_type_is_known_whatever_remoting_or_select_object_put_before_it(prefix: str) -> None:
    assert collector_of(PsObject({}, (f"{prefix}{MAILBOX}",)), HERE) is recipients.MAILBOX


def test_an_object_without_its_type_is_known_by_what_only_one_command_gives() -> None:
    found = PsObject({"RemoteRoutingAddress": None, "EmailAddresses": []}, CUSTOM)
    assert collector_of(found, HERE) is recipients.REMOTE_MAILBOX


def test_an_object_whose_properties_fit_two_commands_is_not_guessed() -> None:
    found = PsObject(
        {"RemoteRoutingAddress": None, "EmailAddresses": [], "Features": [], "Domains": []}, CUSTOM
    )
    assert (kind_of(found), collector_of(found, HERE)) == ("", None)


def test_a_type_that_is_known_to_be_another_is_not_read_by_its_properties() -> None:
    found = PsObject({"RemoteRoutingAddress": None, "EmailAddresses": []}, ("X.Y.SyncMailbox",))
    assert collector_of(found, HERE) is None


def test_of_file_versions_only_that_of_exsetup_counts() -> None:
    types = ("System.Diagnostics.FileVersionInfo",)
    setup = PsObject({"FileName": "C:\\V15\\bin\\ExSetup.exe"}, types)
    other = PsObject({"FileName": "C:\\Windows\\System32\\inetsrv\\w3wp.exe"}, types)
    assert collector_of(setup, HERE) is servers.EXCHANGE_BUILD
    assert [collector_of(found, HERE) for found in (other, PsObject({}, types))] == [None, None]


@pytest.mark.parametrize(
    "properties",
    [
        {"DistinguishedName": "CN=Ann,OU=x,DC=EURPR05A002,DC=PROD,DC=OUTLOOK,DC=COM"},
        {"DistinguishedName": "CN=Ann,DC=CHNPR01A001,DC=prod,DC=partner,DC=outlook,DC=cn"},
        {"DistinguishedName": "CN=Ann,DC=NAMPR09A001,DC=prod,DC=office365,DC=us"},
        {"OriginatingServer": "am0pr05a02dc004.eurpr05a002.prod.outlook.com"},
        {"PSComputerName": "outlook.office365.com"},
        {"DistinguishedName": "CN=Ann,DC=contoso,DC=com", "PSComputerName": "ps.outlook.com"},
    ],
)
def test_an_object_under_a_directory_of_the_cloud_is_of_the_cloud(
    properties: dict[str, PsValue],
) -> None:
    assert side_of(PsObject(properties, (MAILBOX,))) is Side.ONLINE


@pytest.mark.parametrize(
    "properties",
    [
        {"DistinguishedName": "CN=Lee\\, Ann,OU=DC\\=outlook,DC=contoso,DC=com"},
        {"DistinguishedName": "CN=outlook.com,CN=Accepted Domains,DC=contoso,DC=com"},
        {"OriginatingServer": "notoutlook.com"},
        {"DistinguishedName": None, "PSComputerName": "ex01.contoso.com"},
    ],
)
def test_an_object_under_any_other_directory_is_on_premises(
    properties: dict[str, PsValue],
) -> None:
    assert side_of(PsObject(properties, (MAILBOX,))) is Side.ON_PREMISES


def test_an_object_that_does_not_say_where_it_lives_is_of_no_side() -> None:
    found = PsObject({"Name": "Ann", "DistinguishedName": ""}, (MAILBOX,))
    assert side_of(found) is None


@pytest.mark.parametrize(
    ("name", "collector"),
    [
        ("E15/GetMailbox.xml", recipients.MAILBOX),
        ("get-mailbox.clixml", recipients.MAILBOX),
        ("Mailbox.clixml", recipients.MAILBOX),
        ("export.zip/ExSetup.xml", servers.EXCHANGE_BUILD),
        ("Get-ActiveSyncDevice.xml", mobile.MOBILE_DEVICE),
        ("AllMailboxes.xml", None),
        ("mailbox", None),
    ],
)
def test_a_name_hints_at_a_command_only_when_it_is_the_commands_own(
    name: str, collector: ExchangeCollector | None
) -> None:
    assert collector_named_by(name) is collector


def test_an_older_command_belongs_to_the_collector_of_the_newer_one() -> None:
    assert collector_of_cmdlet("get-activesyncdevice", HERE) is mobile.MOBILE_DEVICE
    assert collector_of_cmdlet("Remove-Mailbox", HERE) is None
