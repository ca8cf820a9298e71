"""Evidence and reference data in a locked database, with predictions: what rules are run over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pydantic import TypeAdapter

from auditor.engine.freshness import AgeLimit, without_old
from auditor.evidence.base import Evidence
from auditor.evidence.bundle import Bundle, SourceFile
from auditor.evidence.database import Database
from auditor.evidence.ledger import LedgerLine, line_without_source
from auditor.evidence.predicted import (
    PredictedCloudAccount,
    PredictedDeviceClient,
    PredictedRedirect,
)
from auditor.evidence.reference_data import ReferenceTable
from auditor.evidence.tables import BY_NAME, COLLECTED
from auditor.prediction.cloud_account import NEEDED as ACCOUNTS
from auditor.prediction.cloud_account import predict_accounts
from auditor.prediction.derived import derived_line
from auditor.prediction.device_client import NEEDED as DEVICES
from auditor.prediction.device_client import predict_clients
from auditor.prediction.redirect_rows import RECIPIENTS, predict_redirects

Progress = Callable[[str, int], None]
"""Called with the stage and how much of it is done, in the stage's own unit."""

PREDICTIONS_A_PAGE = 1_000


@dataclass(frozen=True)
class Prediction:
    """How one derived table is filled, from which tables; `words` tell of it while it is."""

    model: type[Evidence]
    needed: Sequence[str]
    rows: Callable[[Database, Mapping[str, LedgerLine]], Iterable[Evidence]]
    words: str


PREDICTIONS = (
    Prediction(PredictedRedirect, RECIPIENTS, predict_redirects, "predicting redirects"),
    Prediction(PredictedCloudAccount, ACCOUNTS, predict_accounts, "matching accounts"),
    Prediction(PredictedDeviceClient, DEVICES, predict_clients, "recognising phones"),
)


@dataclass(frozen=True)
class Material:
    """Everything an assessment is made of; the ledger has a line for every table."""

    database: Database
    ledger: Mapping[str, LedgerLine]
    reference: Sequence[ReferenceTable]
    sources: Sequence[SourceFile]


LEAST_MEMORY, MOST_MEMORY = 256, 8_192
"""Megabytes for the database: enough for 500,000 mailboxes, both ends; and what a ledger that
makes its tables larger than they are can ask for.
"""
MEMORY_PER_MILLION_ROWS = 32
"""Megabytes, for joins that cannot be put on disk; 800,000 mailboxes have 22 million rows, and to
match their accounts took more than 256 and less than 512."""


def open_database(directory: Path, rows: int) -> Database:
    """An empty database for all tables, as a temporary file in `directory`, for so many rows."""
    wanted = MEMORY_PER_MILLION_ROWS * rows // 1_000_000
    memory = min(max(LEAST_MEMORY, wanted), MOST_MEMORY)
    return Database(tuple(BY_NAME.values()), directory=directory, memory_limit=f"{memory}MB")


def fill_database(
    database: Database,
    bundle: Bundle,
    reference: Sequence[ReferenceTable],
    progress: Progress,
    limit: AgeLimit | None = None,
) -> Material:
    """Load evidence and reference data, predict, lock the database.

    With a `limit` the lines of tables that are too old say so, and predictions heed it; without
    one everything is taken as of the day it was read.
    """
    ledger = without_old(bundle.ledger, limit) if limit else dict(bundle.ledger)
    for model in COLLECTED:
        rows = database.load(model, bundle.encoded_pages(model))
        progress(f"reading {model.table}", rows)
    for table in reference:
        database.insert(table.rows)
        ledger[table.model.table] = _reference_line(table)
    for prediction in PREDICTIONS:
        line = derived_line(prediction.model, prediction.needed, ledger, 0)
        derived = prediction.rows(database, ledger)
        pages = _encoded(prediction.model, derived, prediction.words, progress)
        count = database.load(prediction.model, pages)
        ledger[prediction.model.table] = line.model_copy(update={"rows": count})
    database.lock()
    return Material(database, ledger, reference, bundle.sources)


def _encoded(
    model: type[Evidence], rows: Iterable[Evidence], words: str, progress: Progress
) -> Iterator[bytes]:
    iterator, done = iter(rows), 0
    encode = TypeAdapter(list[model]).dump_json  # type: ignore[valid-type]  # known at run time
    while page := list(islice(iterator, PREDICTIONS_A_PAGE)):
        yield encode(page)
        done += len(page)
        progress(words, done)


def _reference_line(table: ReferenceTable) -> LedgerLine:
    return line_without_source(
        table.model.table,
        "complete",
        rows=len(table.rows),
        provider="reference",
        detail=f"{table.file}, SHA-256 {table.sha256}",
    )
