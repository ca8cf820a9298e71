"""A bundle: rows of any table models, with a ledger, on their way from one command to the next.

While it is written it is a folder, `header.json`, `ledger.jsonl`, `sources.jsonl` and one
`tables/<name>.jsonl` each; sealed it is one zip of `manifest.json`, `manifest.sha256` and one
`tables/<name>.jsonl.gz` each. Evidence and assessments differ in `Header.kind` alone.
"""

from __future__ import annotations

from auditor.evidence.bundle_format import Header, Kind, Limits, SourceFile
from auditor.evidence.bundle_opening import open_bundle
from auditor.evidence.bundle_reader import Bundle
from auditor.evidence.bundle_writer import BundleWriter, refuse_existing, seal

__all__ = [
    "Bundle",
    "BundleWriter",
    "Header",
    "Kind",
    "Limits",
    "SourceFile",
    "open_bundle",
    "refuse_existing",
    "seal",
]
