"""What the tests of collectors and of the import share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from auditor.collectors.contract import Side
from auditor.collectors.exports import ImportSummary, import_exports
from auditor.collectors.recognition import collector_of
from auditor.evidence.base import Evidence
from auditor.evidence.bundle import BundleWriter, Header, open_bundle
from auditor.evidence.ledger import LedgerLine
from auditor.evidence.tables import COLLECTED
from auditor.sources.clixml import PsObject, read_file

PAYLOADS = Path(__file__).parents[1] / "payloads"
READ_AT = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)
HEADER = Header(
    format_version=1, kind="evidence", tool_version="0", title="t", created_at=None, details={}
)


@dataclass(frozen=True)
class Imported:
    """An import as the next command finds it: read back out of the bundle."""

    summary: ImportSummary
    ledger: dict[str, LedgerLine]
    rows: dict[str, list[Evidence]]
    progress: list[tuple[str, int]]

    def state(self, table: type[Evidence]) -> tuple[str, int, str]:
        """State, rows and detail of a table."""
        line = self.ledger[table.table]
        assert line.rows == len(self.rows[table.table])
        return line.state, line.rows, line.detail

    def taken_for(self) -> dict[str, str]:
        """What each file was taken for."""
        return {file.name: file.recognised_as for file in self.summary.files}


Import = Callable[..., Imported]


@pytest.fixture
def payloads() -> Path:
    """Folder of the answers that these tests bring along."""
    return PAYLOADS


@pytest.fixture
def imported(tmp_path: Path) -> Import:
    """Import files into a bundle and read it back."""
    bundles = iter(range(100))

    def run(*paths: Path) -> Imported:
        folder = tmp_path / f"bundle-{next(bundles)}"
        heard: list[tuple[str, int]] = []
        with BundleWriter(folder, HEADER) as writer:
            summary = import_exports(
                paths,
                writer,
                now=lambda: READ_AT,
                progress=lambda name, count: heard.append((name, count)),
            )
        with open_bundle(folder, "evidence", COLLECTED) as bundle:
            assert tuple(bundle.sources) == summary.files
            rows: dict[str, list[Evidence]] = {m.table: list(bundle.lines(m)) for m in COLLECTED}
            return Imported(summary, dict(bundle.ledger), rows, heard)

    return run


@pytest.fixture
def objects() -> Callable[[Path], list[PsObject]]:
    """The objects of a file."""

    def read(path: Path) -> list[PsObject]:
        return list(_objects(path))

    return read


@pytest.fixture
def rows(payloads: Path) -> Callable[..., list[Evidence]]:
    """The rows of every object of a payload, by the collector that its types name."""

    def read(name: str, side: Side = Side.ON_PREMISES) -> list[Evidence]:
        return [row for each in _objects(payloads / name) for row in _rows(each, side)]

    return read


def _rows(found: PsObject, side: Side) -> list[Evidence]:
    collector = collector_of(found, side)
    assert collector is not None
    return list(collector.rows(found))


def _objects(path: Path) -> Iterator[PsObject]:
    for found in read_file(path):
        assert isinstance(found, PsObject)
        yield found
