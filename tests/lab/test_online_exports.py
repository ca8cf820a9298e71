"""The folder that the lab leaves behind for the tenant is the one that the export script would."""

from __future__ import annotations

import hashlib
from pathlib import Path

from auditor.collectors.exo_registry import EXCHANGE_ONLINE_COLLECTORS
from auditor.collectors.export_script import asked_properties
from auditor.lab.exports import MANIFEST
from auditor.lab.online_exports import ONLINE_PROPERTIES, UNLIMITED, write_online_exports
from auditor.lab.organization import build
from auditor.lab.tenant import CMDLETS
from auditor.sources.clixml import PsObject, read_file

ORIGIN = {"DistinguishedName", "OriginatingServer"}


def objects_of(path: Path) -> list[PsObject]:
    return [found for found in read_file(path) if isinstance(found, PsObject)]


def test_commands_properties_and_limits_are_those_of_the_script() -> None:
    assert [(cmdlet, {*names, *ORIGIN}) for cmdlet, names in ONLINE_PROPERTIES.items()] == [
        (each.cmdlets[0], set(asked_properties(each))) for each in EXCHANGE_ONLINE_COLLECTORS
    ]
    assert [cmdlet for cmdlet in ONLINE_PROPERTIES if cmdlet in UNLIMITED] == [
        each.cmdlets[0]
        for each in EXCHANGE_ONLINE_COLLECTORS
        if each.parameters == {"ResultSize": "Unlimited"}
    ]
    assert set(CMDLETS) == set(ONLINE_PROPERTIES)


def test_every_property_is_one_that_the_tenant_gives(tmp_path: Path) -> None:
    write_online_exports(build(40, faults="none"), tmp_path)
    _, *entries = objects_of(tmp_path / MANIFEST)
    assert {entry["Cmdlet"]: entry["MissingProperties"] for entry in entries} == {
        cmdlet: ["OriginatingServer"]
        if cmdlet != "Get-MigrationEndpoint"
        else ["DistinguishedName", "OriginatingServer"]
        for cmdlet in ONLINE_PROPERTIES
    }


def test_the_manifest_counts_and_hashes_what_lies_beside_it(tmp_path: Path) -> None:
    write_online_exports(build(40), tmp_path)
    header, *entries = objects_of(tmp_path / MANIFEST)
    assert (header["Side"], header["Organization"], header["Commands"]) == (
        "Exchange Online",
        "contoso.onmicrosoft.com",
        len(entries),
    )
    for entry in entries:
        path = tmp_path / str(entry["File"])
        assert entry["Count"] == len(objects_of(path))
        assert entry["Sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_equal_organizations_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_online_exports(build(30), tmp_path / name)
    assert [path.read_bytes() for path in sorted((tmp_path / "a").iterdir())] == [
        path.read_bytes() for path in sorted((tmp_path / "b").iterdir())
    ]
