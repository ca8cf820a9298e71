"""The lab organisation at any size: CPU seconds, rows and memory of every stage.

    python tests/benchmarks/bench_assess.py [MAILBOXES] [FOLDER]

Exports and the evidence bundle are made first and kept in FOLDER when one is named. Opening,
validating, loading and assessing run in a process of their own, so that its peak memory is theirs.
The mark: 100,000 mailboxes within 20 CPU-seconds and 600 MB.
"""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from auditor.assessment import TABLES, read_assessment
from auditor.collect import CLOUD_TABLES
from auditor.collectors.exports import import_exports
from auditor.demo import lab_cloud
from auditor.engine.assess import assess
from auditor.engine.material import fill_database, open_database
from auditor.engine.rulefile import load_rules
from auditor.engine.waivers import read_waivers
from auditor.evidence.bundle import BundleWriter, Header, open_bundle, seal
from auditor.evidence.bundle_output import new_bundle
from auditor.evidence.tables import COLLECTED
from auditor.lab.exports import write_exports
from auditor.lab.organization import build
from auditor.live_cloud import fill_from_cloud
from auditor.report.html import write_html
from auditor.resources import rules_folder
from auditor.run import evidence_header, shipped_reference, utc_now


class Clock:
    """Prints the CPU seconds since the last print."""

    def __init__(self) -> None:
        self.start = self.last = time.process_time()

    def tell(self, stage: str, rows: int | None = None) -> float:
        now = time.process_time()
        spent, self.last = now - self.last, now
        count = "" if rows is None else f"{rows:>12,} rows"
        print(f"{stage:<34}{spent:>7.2f} s{count}", flush=True)
        return spent


def silent(stage: str, done: int) -> None:
    """Progress that nobody listens to."""


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def make(mailboxes: int, folder: Path) -> Path:
    """A bundle of both ends: on-premises from exports, the tenant from the lab's cloud."""
    evidence = folder / f"lab-{mailboxes}.evidence.zip"
    if not evidence.exists():
        clock, organization = Clock(), build(mailboxes)
        exports = folder / f"exports-{mailboxes}"
        write_exports(organization, exports)
        clock.tell("write the lab's exports")
        with new_bundle(evidence, evidence_header(""), force=False) as writer:
            import_exports([exports], writer, now=utc_now, progress=silent)
            spent = clock.tell("import them")
            size = sum(path.stat().st_size for path in exports.iterdir())
            print(f"{'':<34}{size / 1e6 / spent:>7.2f} MB of CLIXML per CPU-second")
            with lab_cloud(organization) as cloud:
                fill_from_cloud(cloud, writer, CLOUD_TABLES, now=utc_now, progress=silent)
            clock.tell("serve and read the tenant")
    return evidence


def judge(evidence: Path, folder: Path) -> None:
    clock = Clock()
    with (
        open_bundle(evidence, "evidence", COLLECTED) as bundle,
        tempfile.TemporaryDirectory(dir=folder) as work,
        open_database(Path(work), sum(line.rows for line in bundle.ledger.values())) as database,
    ):
        clock.tell("open")
        reference = shipped_reference()
        material = fill_database(database, bundle, reference, silent)
        rows = sum(line.rows for line in bundle.ledger.values())
        clock.tell("validate, load, predict", rows)
        rules = load_rules(rules_folder(), ())
        book = read_waivers(None, set(), dt.date(2026, 11, 1))
        header = Header(
            format_version=1,
            kind="assessment",
            tool_version="benchmark",
            title="",
            created_at=None,
            details={"as_of": "2026-11-01"},
        )
        target = Path(work) / "a.assessment"
        with BundleWriter(target, header) as writer:
            assess(material, rules, book, writer, silent)
        clock.tell(f"judge {len(rules)} rules, write rows")
        sealed = folder / "bench.assessment.zip"
        seal(target, sealed, force=True)
        clock.tell("seal the assessment")
    print(f"{'all of it':<34}{clock.last - clock.start:>7.2f} s, peak {peak_megabytes():.0f} MB")
    with open_bundle(sealed, "assessment", TABLES) as opened:
        write_html(read_assessment(opened), folder / "bench.html", force=True)
    clock.tell("report as HTML (not counted)")


def limit(evidence: Path) -> float:
    """Unpack, hash and parse the same bytes with the standard library: nothing can be cheaper."""
    start = time.process_time()
    with zipfile.ZipFile(evidence) as archive:
        for name in archive.namelist():
            if name.startswith("tables/"):
                content = gzip.decompress(archive.read(name))
                hashlib.sha256(content).digest()
                for line in content.splitlines():
                    json.loads(line)
    return time.process_time() - start


def main() -> None:
    if sys.argv[1:2] == ["judge"]:
        judge(Path(sys.argv[2]), Path(sys.argv[3]))
        return
    mailboxes = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        evidence = make(mailboxes, folder)
        print(f"{mailboxes:,} mailboxes, bundle of {evidence.stat().st_size / 1e6:.1f} MB")
        command = [sys.executable, __file__, "judge", str(evidence), str(folder)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        least = limit(evidence)
        print(f"whole process {spent:.1f} s; unpack, hash and json.loads alone {least:.1f} s:")
        print(f"ratio {spent / least:.2f}")


if __name__ == "__main__":
    main()
