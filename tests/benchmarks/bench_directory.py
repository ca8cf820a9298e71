"""What reading a large directory costs: run by hand, prints seconds, ratios and memory.

`python -m tests.benchmarks.bench_directory [FOLDER]` serves 50,000 users and about 85,000 devices
from OpenLDAP and reads them over LDAPS, each reader in a fresh process: ldapsearch, the auditor's
source, stock ldap3 behind the same source, and a whole collection into a bundle. Processor
seconds, user and system, of the client alone; the targets are 3.4 times ldapsearch and 80 MB for
the source. FOLDER keeps the directory, whose making takes two minutes, for the next run.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from auditor.collectors.directory import collect_directory
from auditor.collectors.directory_contract import DirectoryCollector
from auditor.collectors.directory_mobile import MOBILE_DEVICES
from auditor.collectors.directory_recipients import RECIPIENTS
from auditor.evidence.bundle import BundleWriter, Header
from auditor.lab import directory_names as names
from auditor.lab.directory_ldif import directory_objects
from auditor.lab.organization import build
from auditor.sources.directory import SECURITY_DESCRIPTOR, Directory
from auditor.sources.directory_connection import DirectorySettings
from auditor.sources.directory_forest import Forest
from tests.support import slapd
from tests.support.certificates import Certificates, certificates

MAILBOXES = 47_600
"""With those that have moved already they make 50,000 users."""

TARGET_RATIO, TARGET_MEMORY = 3.4, 80
RUNS = 2
QUERIES: dict[str, DirectoryCollector] = {"devices": MOBILE_DEVICES, "users": RECIPIENTS}


@contextmanager
def served(folder: Path) -> Iterator[slapd.Slapd]:
    """The directory, made unless an earlier run left it."""
    kept = folder / "password"
    made = Certificates(*(folder / "tls" / name for name in ("ca.pem", "cert.pem", "key.pem")))
    if not kept.exists():
        start = time.perf_counter()
        # ldapsearch takes the loopback for the name of the machine
        made = certificates(folder / "tls", "localhost", socket.gethostname())
        password = slapd.build(folder / "slapd", directory_objects(build(MAILBOXES)), made)
        kept.touch(mode=0o600)
        kept.write_text(password, encoding="utf-8")
        print(f"made the directory in {time.perf_counter() - start:.0f} s")
    with slapd.running(folder / "slapd", kept.read_text(encoding="utf-8"), made) as server:
        yield server


def ldapsearch(settings: DirectorySettings, query: str, secret: Path) -> dict[str, float]:
    """What the C client needs; nobody reads what it prints."""
    collector = QUERIES[query]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(
        [
            *("ldapsearch", "-x", "-H", f"ldaps://{settings.server}", "-D", settings.user),
            *("-y", secret, "-b", names.BASE, "-E", "pr=1000/noprompt", "-LLL"),
            *("-o", "ldif-wrap=no", collector.condition),
            *(*collector.attributes, SECURITY_DESCRIPTOR),
        ],
        env={**os.environ, "LDAPTLS_CACERT": str(settings.ca_file)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu": cpu, "wall": time.perf_counter() - start}


def read(settings: DirectorySettings, query: str) -> dict[str, float]:
    """What the source needs, with binding; the program is loaded before."""
    collector = QUERIES[query]
    start, wall = time.process_time(), time.perf_counter()
    with Directory(settings) as directory:
        found = directory.search(
            names.BASE, collector.condition, collector.attributes, security_descriptors=True
        )
        count = sum(1 for _ in found)
    return measured(start, wall, count)


def collect(settings: DirectorySettings, query: str) -> dict[str, float]:
    """What rows in a bundle need."""
    now = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    header = Header(
        format_version=1, kind="evidence", tool_version="", title="", created_at=now, details={}
    )
    tables = [model.table for model in QUERIES[query].tables]
    start, wall = time.process_time(), time.perf_counter()
    with (
        tempfile.TemporaryDirectory() as folder,
        Forest(settings) as forest,
        BundleWriter(Path(folder) / "bundle", header) as writer,
    ):
        lines = collect_directory(
            forest, writer, tables, now=lambda: now, progress=lambda _name, _count: None
        )
    assert {line.state for line in lines} == {"complete"}, lines
    return measured(start, wall, sum(line.rows for line in lines))


def measured(start: float, wall: float, count: int) -> dict[str, float]:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cpu = time.process_time() - start
    return {"cpu": cpu, "wall": time.perf_counter() - wall, "count": count, "memory": memory}


def apart(kind: str, settings: DirectorySettings, query: str) -> dict[str, float]:
    """A reader in a process of its own."""
    told = {
        "host": settings.host,
        "port": settings.port,
        "ca_file": str(settings.ca_file),
        "user": settings.user,
        "password": settings.password,
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.bench_directory", kind, query],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


def child(kind: str, query: str) -> None:
    told = json.load(sys.stdin)
    settings = DirectorySettings(**{**told, "ca_file": Path(told["ca_file"])})
    if kind == "stock":
        settings = replace(settings, own_decoder=False)
    print(json.dumps(collect(settings, query) if kind == "collect" else read(settings, query)))


def main(folder: Path) -> None:
    with served(folder) as server:
        settings = server.settings()
        secret = folder / "password"
        for query in QUERIES:
            base = min(ldapsearch(settings, query, secret)["cpu"] for _ in range(RUNS))
            print(f"{query}: ldapsearch {base:.2f} s")
            for kind, runs in (("source", RUNS), ("stock", 1), ("collect", 1)):
                runs_made = [apart(kind, settings, query) for _ in range(runs)]
                best = min(runs_made, key=lambda run: run["cpu"])
                ratio = best["cpu"] / base
                verdict = ""
                if kind == "source":
                    kept = ratio <= TARGET_RATIO and best["memory"] < TARGET_MEMORY
                    verdict = "  as promised" if kept else "  MORE THAN PROMISED"
                print(
                    f"{query}: {kind:8} {best['cpu']:6.2f} s  {ratio:5.1f} times  "
                    f"{best['memory']:4.0f} MB  {best['count']:.0f} "
                    f"{'rows' if kind == 'collect' else 'objects'}{verdict}"
                )


if __name__ == "__main__":
    if len(sys.argv) == 3:
        child(*sys.argv[1:])
    elif len(sys.argv) == 2:
        main(Path(sys.argv[1]))
    else:
        scratch = Path(tempfile.mkdtemp())
        try:
            main(scratch)
        finally:
            shutil.rmtree(scratch)
