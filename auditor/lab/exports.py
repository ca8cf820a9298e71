"""Writes the organisation as the folder that the export script leaves behind.

The manifest is that of `templates/Export-HybridEvidence.ps1`, the files those of
`exported_commands.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from auditor.lab.clixml_writer import Shape, file_text
from auditor.lab.cmdlets import EXSETUP, PER_MAILBOX, objects
from auditor.lab.exported_commands import EXPORTED, ExportedCommand
from auditor.lab.organization import Organization
from auditor.lab.shell_objects import ShellObject, Value, custom_object, selected
from auditor.lab.type_names import array

MANIFEST = "manifest.clixml"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class WrittenFile(NamedTuple):
    """A file of Export-Clixml: its name, how many objects it holds, and its SHA-256."""

    name: str
    objects: int
    sha256: str


def write_exports(
    organization: Organization,
    folder: Path,
    shape: Shape = Shape.FULL,
    *,
    per_mailbox: bool = True,
) -> None:
    """Write one file per command and the manifest into `folder`, which is made if need be.

    Equal organisations give equal bytes. `shape` is that of the Exchange Management Shell, or of a
    plain remote session; `per_mailbox` is the script's -IncludePerMailbox. Raises FileExistsError
    rather than write over a file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    records = [
        _export(organization, cmdlet, command, folder, shape)
        for cmdlet, command in EXPORTED.items()
        if per_mailbox or cmdlet not in PER_MAILBOX
    ]
    write_file(folder / MANIFEST, iter((_header(organization, len(records)), *records)), shape)


def _export(
    organization: Organization,
    cmdlet: str,
    command: ExportedCommand,
    folder: Path,
    shape: Shape,
) -> ShellObject:
    """Write the file of one command; gives its entry in the manifest."""
    path = folder / f"{command.stem}.clixml"
    names = (*command.properties, "Server") if command.per_server else command.properties
    narrowed = (selected(found, names) for found in objects(organization, cmdlet))
    said = manifest_entry(cmdlet, write_file(path, narrowed, shape), command.parameters)
    errors = _refusals(organization) if cmdlet == EXSETUP else ()
    if errors:
        said["State"], said["ErrorCount"] = "errors", len(errors)
        said["Errors"] = array(errors)
        said["ErrorCategories"] = array(("PermissionDenied",) * len(errors))
    if cmdlet in PER_MAILBOX:
        said["Asked"] = organization.mailbox_count + bool(organization.mailbox_count)
    return custom_object(said)


def manifest_entry(
    cmdlet: str, written: WrittenFile, parameters: tuple[str, ...]
) -> dict[str, Value]:
    """What the manifest says of a command that went well."""
    return {
        "Cmdlet": cmdlet,
        "State": "ok",
        "Count": written.objects,
        "Parameters": array(parameters),
        "DroppedParameters": array(()),
        "MissingProperties": array(()),
        "ErrorCount": 0,
        "Errors": array(()),
        "ErrorCategories": array(()),
        "Warnings": array(()),
        "File": written.name,
        "Sha256": written.sha256,
    }


def _refusals(organization: Organization) -> tuple[str, ...]:
    return tuple(
        f"{server.name}: Connecting to remote server {server.fqdn} failed with the following "
        "error message : Access is denied."
        for server in organization.servers
        if not server.build_readable
    )


def _header(organization: Organization, commands: int) -> ShellObject:
    header: dict[str, Value] = {
        "Tool": "Export-HybridEvidence",
        "Version": 1,
        "Side": "Exchange on-premises",
        "Commands": commands,
        "Computer": organization.servers[0].name,
        "ExportedUTC": f"{organization.now:%Y-%m-%dT%H:%M:%S}.0000000Z",
        "PSVersion": "5.1.20348.3932",
        "Culture": "de-CH",
        "ViewEntireForest": True,
        "ForestDomains": 1,
    }
    return custom_object(header)


def write_file(path: Path, found: Iterator[ShellObject], shape: Shape) -> WrittenFile:
    """Write one file of Export-Clixml; raises FileExistsError rather than write over one."""
    digest = hashlib.sha256()
    pieces = 0
    with path.open("xb") as file:
        encoded = (f"{piece}\r\n".encode() for piece in file_text(found, shape))
        for data in chain((_BYTE_ORDER_MARK,), encoded):
            digest.update(data)
            file.write(data)
            pieces += 1
    # the mark, the header and the footer are no objects
    return WrittenFile(path.name, pieces - 3, digest.hexdigest())
