"""What the tests of the lab share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from auditor.lab.exports import write_exports
from auditor.lab.organization import Organization


@pytest.fixture
def exported(tmp_path: Path) -> Callable[[Organization], Path]:
    """Writes an organisation's exports; gives their folder."""

    def write(organization: Organization) -> Path:
        folder = tmp_path / f"exports-{len(list(tmp_path.iterdir()))}"
        write_exports(organization, folder)
        return folder

    return write
