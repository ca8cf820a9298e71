"""What tests of several folders share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def samples() -> Path:
    """Folder of real exports and logs, which belong to others and are not in this repository."""
    beside = Path(__file__).parents[2] / "shared" / "samples"
    folder = Path(os.environ.get("AUDITOR_SAMPLES", beside))
    if not folder.is_dir():
        pytest.skip(f"no samples in {folder}: set AUDITOR_SAMPLES to their folder")
    return folder
