"""Importing what Export-Clixml wrote: files in, rows of evidence and an honest ledger out.

A file is recognised by the type of its first object, never by its name. A table is complete only
when every file of its command was read to the end and nothing contradicts it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from auditor.collectors.export_file import Export, Reading, read_export
from auditor.collectors.inputs import InputFile, input_files
from auditor.collectors.judgement import judge
from auditor.collectors.manifest import FILE_NAME, ExportedCommand, ExportManifest, read_manifest
from auditor.collectors.quoting import shortened
from auditor.collectors.registry import ALL_COLLECTORS
from auditor.collectors.tally import Tally
from auditor.evidence.bundle import BundleWriter, SourceFile
from auditor.evidence.ledger import LedgerLine
from auditor.sources.clixml import looks_like_clixml, read_stream


@dataclass(frozen=True)
class ImportSummary:
    """Every file that was met, as what it was taken for, and one ledger line for every table."""

    files: tuple[SourceFile, ...]
    ledger: tuple[LedgerLine, ...]


def import_exports(
    paths: Sequence[Path],
    writer: BundleWriter,
    *,
    now: Callable[[], datetime],
    progress: Callable[[str, int], None],
) -> ImportSummary:
    """Read exported files, folders and zips into a bundle.

    Writes rows, sources, and one ledger line for each table that exports can carry. `progress`
    hears a file's name and how many objects were read from it so far. Raises InputRefused where
    a path, a zip or a file that was named itself cannot be used, and for hostile files; what else
    is wrong inside an export becomes a ledger line.
    """
    tallies = {each.table: Tally(each) for each in ALL_COLLECTORS}
    reading = Reading(writer, tallies, now, progress)
    manifests: list[ExportManifest] = []
    exports: list[InputFile] = []
    sources: list[SourceFile] = []
    with ExitStack() as stack:
        files = input_files(paths, stack)
        for file in files:
            manifest = _manifest(file)
            if manifest:
                manifests.append(manifest[0])
                sources.append(manifest[1])
            else:
                exports.append(file)
        for source in sources:
            writer.source(source)
        for file in exports:
            sources.append(_read(file, manifests, reading))
            writer.source(sources[-1])
    judge(tallies, manifests, {(file.folder, file.base) for file in files}, writer, now())
    lines = [line for tally in tallies.values() for line in tally.ledger()]
    for line in lines:
        writer.record(line)
    return ImportSummary(tuple(sources), tuple(lines))


def _manifest(file: InputFile) -> tuple[ExportManifest, SourceFile] | None:
    if file.base.lower() != FILE_NAME or not looks_like_clixml(file.head()):
        return None
    with file.opened() as path:
        digest = _sha256(path)
        size = path.stat().st_size
        with path.open("rb") as content:
            found = read_manifest(read_stream(content, file.name), file.name, file.folder)
    if found is None:
        return None
    taken_for = found.damage or "manifest of the export script"
    return found, _source(file, taken_for, digest, size, len(found.commands))


def _read(file: InputFile, manifests: Sequence[ExportManifest], reading: Reading) -> SourceFile:
    if not file.asked_for and not looks_like_clixml(file.head()):
        return _source(file, "not recognised: no file of Export-Clixml", None, None, None)
    reading.progress(file.name, 0)
    with file.opened() as path:
        digest = _sha256(path)
        size = path.stat().st_size
        export = Export(file, digest, _promised(file, manifests))
        taken_for, count = read_export(export, path, reading)
    return _source(file, taken_for, digest, size, count)


def _promised(file: InputFile, manifests: Sequence[ExportManifest]) -> ExportedCommand | None:
    for manifest in manifests:
        for command in manifest.commands:
            if manifest.folder == file.folder and command.file == file.base:
                return command
    return None


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _source(
    file: InputFile, taken_for: str, digest: str | None, size: int | None, objects: int | None
) -> SourceFile:
    return SourceFile(
        name=file.name,
        sha256=digest,
        bytes=size,
        recognised_as=shortened(taken_for),
        objects=objects,
    )
