"""What a check says when sources are out of reach."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from auditor.check import check
from auditor.config import read_configuration
from auditor.config_parts import Person
from auditor.errors import InputRefused


def nobody(_: str) -> str:
    raise InputRefused("nobody is there to ask")


def test_a_source_out_of_reach_hides_nothing_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDITOR_PASSWORD", "x")
    monkeypatch.setenv("AUDITOR_DIRECTORY_PASSWORD", "x")
    path = tmp_path / "config.yaml"
    path.write_text(
        "exchange: {server: ex01.invalid, authentication: ntlm, username: u,"
        " password_from: environment}\n"
        "directory: {host: dc01.invalid, authentication: simple, username: u@contoso.com,"
        " password_from: environment}\n"
    )
    tried = list(check(read_configuration(path), Person(nobody, print)))
    assert [
        (one.what, name in str(one.problem))
        for one, name in zip(tried, ("dc01.invalid", "ex01.invalid"), strict=True)
    ] == [("sign-in to directory", True), ("sign-in to exchange", True)]


@pytest.mark.skipif(os.name == "nt", reason="on Windows a session of its own keeps the console")
def test_without_a_terminal_a_secret_is_not_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        "cloud: {tenant: 11111111-2222-3333-4444-555555555555, authentication: client_secret,"
        " client_id: 11111111-2222-3333-4444-555555555556, secret_from: prompt}\n"
    )
    ran = subprocess.run(
        [sys.executable, "-m", "auditor.cli", "check", "--config", str(path)],
        input="typed by nobody\n",
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        start_new_session=True,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (
        2,
        "",
        "auditor: there is no terminal to ask at for: Client secret for"
        " 11111111-2222-3333-4444-555555555556; run it at a terminal, or take the secret from the"
        " environment or the key ring (password_from, secret_from)\n",
    )
