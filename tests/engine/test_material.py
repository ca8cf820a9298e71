"""The database that an assessment works in grows with its evidence."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.engine.material import open_database


@pytest.mark.parametrize(
    ("rows", "memory"),
    [
        (0, "244.1 MiB"),
        (2_750_000, "244.1 MiB"),
        (22_000_000, "671.3 MiB"),
        (10**15, "7.6 GiB"),
    ],
)
def test_more_evidence_is_given_more_memory_within_bounds(
    rows: int, memory: str, tmp_path: Path
) -> None:
    with open_database(tmp_path, rows) as database:
        assert list(database.rows("select current_setting('memory_limit')")) == [(memory,)]
