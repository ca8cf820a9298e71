"""What tests of several folders share."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("auditor", deadline=None)  # a busy machine is no failure
settings.load_profile("auditor")


@pytest.fixture(scope="session", autouse=True)
def heard_ctrl_c() -> None:
    """A shell starts what runs behind it deaf to Ctrl-C, and all programs started by that too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def samples() -> Path:
    """Folder of real exports and logs, which belong to others and are not in this repository."""
    beside = Path(__file__).parents[2] / "shared" / "samples"
    folder = Path(os.environ.get("AUDITOR_SAMPLES", beside))
    if not folder.is_dir():
        pytest.skip(f"no samples in {folder}: set AUDITOR_SAMPLES to their folder")
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where CI=true a skipped test fails: what it lacks belongs into .ci/debian-packages."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and "Windows" not in str(report.longrepr):
        report.outcome = "failed"
        report.longrepr = f"skipped, and in CI nothing may skip: {report.longrepr}"
    return report
