"""Prism between a reader and Graph's stand-in: it checks every question and answer by the contract.

It passes everything on, so a reader sees what it would see without it, and writes what the contract
forbids into its log. (Its --errors answers 500 instead: a reader then tries again for minutes, and
the log says only that something was wrong.)
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.contract.msgraph_schema import Schema

LISTENING = "Prism is listening"
FORWARDED = re.compile(r"Forwarding \"(\w+)\" request to (\S+)\.\.\.$")
COMPLAINT = re.compile(r"(?:✖ +error|⚠ +warning) +(?:Violation: \S* )?(.*)$")
FENCE = "/fence"

_DEADLINE = 60.0


@dataclass(frozen=True)
class Traffic:
    """What went through: URLs as asked of the stand-in, and what Prism said against them.

    Each violation is 'path: what is wrong'; the path is that of the last question, so with several
    questions at a time it can be its neighbour's.
    """

    urls: list[str]
    violations: list[str]


class ContractProxy:
    """A running Prism. `url` stands for the stand-in's address."""

    def __init__(self, port: int, log: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self._log = log
        self._read = 0

    def ask(self, target: str, method: str = "GET", token: str = "aToken") -> None:
        """Send one question; without a token where that is ''."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_DEADLINE)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request(method, target, headers=headers)
        connection.getresponse().read()
        connection.close()

    def traffic(self) -> Traffic:
        """What went through since the last call."""
        urls: list[str] = []
        violations: list[str] = []
        path = ""
        for line in self._lines():
            if forwarded := FORWARDED.search(line):
                urls.append(unquote(forwarded[2]))
                path = urlsplit(forwarded[2]).path
            elif (complaint := COMPLAINT.search(line)) and f" {FENCE} " not in line:
                violations.append(f"{path}: {complaint[1]}")
        return Traffic(urls, violations)

    def _lines(self) -> list[str]:
        # The log is written behind the answers. Prism answers this question itself and reports it.
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_DEADLINE)
        connection.request("GET", FENCE, headers={"Prefer": "code=none"})
        connection.getresponse().read()
        connection.close()
        ended = time.monotonic() + _DEADLINE
        while time.monotonic() < ended:
            lines = self._log.read_text(encoding="utf-8").splitlines()[self._read :]
            if lines and f" {FENCE} " in lines[-1] and "terminated" in lines[-1]:
                self._read += len(lines)
                return lines
            time.sleep(0.02)
        raise TimeoutError(f"Prism does not write its log: {self._log}")


def program(folder: Path, name: str) -> Path | None:
    """A program that `npm install` put in `folder`."""
    found = shutil.which(name, path=folder / "node_modules" / ".bin")
    return Path(found) if found else None


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running(
    prism: Path, contract: Schema, upstream: str, folder: Path, port: int = 0
) -> Iterator[ContractProxy]:
    """Prism in front of `upstream`, stopped on leaving. RuntimeError: it does not start.

    Give the `port` where `upstream` must know beforehand what to write into its next links.
    """
    port = port or free_port()
    document, log = folder / "contract.json", folder / "prism.log"
    document.write_text(json.dumps(contract), encoding="utf-8")
    command = [str(prism), "proxy", str(document), upstream, "--host", "127.0.0.1"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--multiprocess", "false"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"NO_COLOR": "1"},
        )
    try:
        _wait(process, log)
        proxy = ContractProxy(port, log)
        proxy.traffic()
        yield proxy
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    ended = time.monotonic() + _DEADLINE
    while LISTENING not in log.read_text(encoding="utf-8"):
        if process.poll() is not None or time.monotonic() > ended:
            raise RuntimeError(f"Prism does not start: {log.read_text(encoding='utf-8')[-2000:]}")
        time.sleep(0.05)
