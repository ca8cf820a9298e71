"""The folder that the lab leaves behind is the one that the export script would."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from auditor.collectors.export_script import asked_properties, file_stem
from auditor.collectors.registry import EXCHANGE_COLLECTORS
from auditor.collectors.runner import rows_of
from auditor.lab.clixml_writer import Shape
from auditor.lab.cmdlets import PER_MAILBOX
from auditor.lab.exported_commands import EXPORTED
from auditor.lab.exports import MANIFEST, write_exports
from auditor.lab.organization import Organization, build
from auditor.lab.recipients import HOSTILE_NAMES
from auditor.sources.clixml import PsObject, read_file

Export = Callable[[Organization], Path]

OF_OTHER_VERSIONS = {
    "DeviceActiveSyncVersion",
    "IsDefaultPolicy",
    "DevicePasswordEnabled",
    "MinDevicePasswordLength",
    "AlphanumericDevicePasswordRequired",
    "MinDevicePasswordComplexCharacters",
    "AllowSimpleDevicePassword",
    "DevicePasswordExpiration",
    "MaxInactivityTimeDeviceLock",
}
"""Properties that the script asks for and that the lab's version of Exchange does not know."""

OF_WHOLE_OBJECTS = {"PSComputerName", "RawData"}
"""Properties that stand in for others where a whole object was exported."""


def objects_of(path: Path) -> list[PsObject]:
    found = list(read_file(path))
    assert all(isinstance(each, PsObject) for each in found)
    return [each for each in found if isinstance(each, PsObject)]


def test_files_properties_and_parameters_are_those_of_the_script() -> None:
    asked = [
        (
            collector.cmdlets[0],
            file_stem(collector),
            set(asked_properties(collector)) - OF_OTHER_VERSIONS - OF_WHOLE_OBJECTS,
            {f"{name}={value}" for name, value in collector.parameters.items()},
        )
        for collector in EXCHANGE_COLLECTORS
    ]
    assert [
        (
            cmdlet,
            command.stem,
            {*command.properties, *(["Server"] if command.per_server else [])},
            set(command.parameters),
        )
        for cmdlet, command in EXPORTED.items()
    ] == asked


def test_every_property_is_one_that_the_command_gives(exported: Export) -> None:
    folder = exported(build(40, faults="none"))
    empty = {
        f"{command.stem} {name}"
        for command in EXPORTED.values()
        for name in command.properties
        if all(found[name] is None for found in objects_of(folder / f"{command.stem}.clixml"))
    }
    assert empty == {
        "Get-OrganizationConfig DefaultAuthenticationPolicy",
        "Get-AuthConfig NextCertificateEffectiveDate",
        "Get-MobileDeviceStatistics DeviceWipeRequestTime",
        "Get-MobileDeviceStatistics DeviceWipeSentTime",
        "Get-MobileDeviceStatistics DeviceWipeAckTime",
    }


def test_what_is_asked_mailbox_by_mailbox_can_be_left_out(tmp_path: Path) -> None:
    write_exports(build(4), tmp_path, per_mailbox=False)
    left_out = {f"{each.stem}.clixml" for each in EXPORTED.values()} - {
        path.name for path in tmp_path.iterdir()
    }
    assert left_out == {f"{cmdlet}.clixml" for cmdlet in PER_MAILBOX}
    header, *records = objects_of(tmp_path / MANIFEST)
    assert header["Commands"] == len(records) == len(EXPORTED) - len(PER_MAILBOX)


def test_every_mailbox_and_every_device_has_statistics(exported: Export) -> None:
    folder = exported(build(40))
    asked = [
        found["AskedMailboxGuid"] for found in objects_of(folder / "Get-MailboxStatistics.clixml")
    ]
    assert asked == [found["Guid"] for found in objects_of(folder / "Get-Mailbox.clixml")]
    devices = objects_of(folder / "Get-MobileDeviceStatistics.clixml")
    assert [found["Guid"] for found in devices] == [
        found["Guid"] for found in objects_of(folder / "Get-MobileDevice.clixml")
    ]


def test_equal_organizations_give_equal_bytes(exported: Export) -> None:
    digests = [
        {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in exported(build(60)).iterdir()
        }
        for _ in range(2)
    ]
    assert digests[0] == digests[1]
    assert len(digests[0]) == len(EXPORTED) + 1


def test_the_manifest_counts_and_hashes_what_lies_beside_it(exported: Export) -> None:
    folder = exported(build(60))
    header, *records = objects_of(folder / MANIFEST)
    assert header["Commands"] == len(records) == len(EXPORTED)
    assert [(record["File"], record["Count"], record["Sha256"]) for record in records] == [
        (
            f"{command.stem}.clixml",
            len(objects_of(folder / f"{command.stem}.clixml")),
            hashlib.sha256((folder / f"{command.stem}.clixml").read_bytes()).hexdigest(),
        )
        for command in EXPORTED.values()
    ]


def test_a_server_whose_file_nobody_may_read_is_an_error_in_the_manifest(exported: Export) -> None:
    records = objects_of(exported(build(1, faults=("build_not_read",))) / MANIFEST)[1:]
    assert [
        (record["Cmdlet"], record["Errors"], record["ErrorCategories"])
        for record in records
        if record["State"] != "ok"
    ] == [
        (
            "Get-Command ExSetup.exe",
            [
                "LIS-EX14: Connecting to remote server LIS-EX14.contoso.com failed with the "
                "following error message : Access is denied."
            ],
            ["PermissionDenied"],
        )
    ]


def test_nothing_is_written_over(exported: Export) -> None:
    organization = build(1)
    folder = exported(organization)
    with pytest.raises(FileExistsError):
        write_exports(organization, folder)


def test_hostile_names_come_through_the_export(exported: Export) -> None:
    shown = [
        found["DisplayName"] for found in objects_of(exported(build(40)) / "Get-Mailbox.clixml")
    ]
    assert set(HOSTILE_NAMES) <= set(shown)


def test_both_shapes_become_the_same_evidence(tmp_path: Path) -> None:
    organization = build(40)
    for shape in Shape:
        write_exports(organization, tmp_path / shape.value, shape)
    for collector in EXCHANGE_COLLECTORS:
        full, partial = (
            [
                row
                for found in objects_of(tmp_path / shape.value / f"{file_stem(collector)}.clixml")
                for row in rows_of(collector, found)
            ]
            for shape in Shape
        )
        assert full == partial
        assert full != []
