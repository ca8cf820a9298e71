"""What evidence of a large organisation costs: run by hand, prints seconds, rows and memory.

`python tests/benchmarks/bench_evidence.py [MAILBOXES]` writes and seals evidence of 100,000
mailboxes, 180,000 devices and 5,000 remote mailboxes, then opens, verifies, validates and loads it
in a fresh process. Processor seconds, user and system; the target is 9 seconds and 500 MB.
"""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
import subprocess
import sys
import tempfile
import time
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from auditor.evidence.base import Evidence
from auditor.evidence.bundle import BundleWriter, Header, open_bundle, seal
from auditor.evidence.database import Database
from auditor.evidence.ledger import LedgerLine
from auditor.evidence.recipients import (
    OnpremCasMailbox,
    OnpremMailbox,
    OnpremMailboxAddress,
    OnpremMobileDevice,
    OnpremRemoteMailbox,
)
from auditor.evidence.tables import COLLECTED

MODELS: tuple[type[Evidence], ...] = (
    OnpremMailbox,
    OnpremMailboxAddress,
    OnpremCasMailbox,
    OnpremMobileDevice,
    OnpremRemoteMailbox,
)
SINCE = dt.datetime(2019, 5, 1, 7, 30, tzinfo=dt.UTC)


def guid(kind: int, number: int) -> str:
    """A directory GUID: as random to look at as a real one, and the same in every run."""
    digest = hashlib.blake2b(f"{kind}/{number}".encode(), digest_size=16).digest()
    return str(uuid.UUID(bytes=digest))


def mailbox(number: int) -> OnpremMailbox:
    """One mailbox of a company with long names."""
    name = f"Marie-Christine von Oberhausen {number}"
    place = f"CN={name},OU=Benutzer,OU=Niederlassung {number % 40},DC=corp,DC=contoso,DC=com"
    address = f"Marie-Christine.vonOberhausen{number}@contoso.com"
    return OnpremMailbox(
        guid=guid(1, number),
        exchange_guid=guid(2, number),
        display_name=name,
        distinguished_name=place,
        distinguished_name_key=place.lower(),
        primary_smtp_address=address,
        primary_smtp_address_key=address.lower(),
        user_principal_name=address.lower(),
        user_principal_name_key=address.lower(),
        sam_account_name=f"mcvo{number}",
        recipient_type_details="UserMailbox",
        server_name=f"EX{number % 12:02}",
        server_key=f"ex{number % 12:02}",
        email_address_policy_enabled=number % 9 != 0,
    )


def addresses(number: int) -> Iterator[OnpremMailboxAddress]:
    """Three proxy addresses of it."""
    for domain, primary in (
        ("contoso.com", True),
        ("contoso.mail.onmicrosoft.com", False),
        ("contoso.de", False),
    ):
        yield OnpremMailboxAddress(
            mailbox_guid=guid(1, number),
            prefix="smtp",
            address=f"Marie-Christine.vonOberhausen{number}@{domain}",
            domain=domain,
            is_primary=primary,
        )


def cas_mailbox(number: int) -> OnpremCasMailbox:
    """Its ActiveSync settings."""
    return OnpremCasMailbox(
        mailbox_guid=guid(1, number),
        primary_smtp_address=f"Marie-Christine.vonOberhausen{number}@contoso.com",
        active_sync_enabled=number % 50 != 0,
        has_active_sync_device_partnership=number % 3 != 0,
        active_sync_mailbox_policy="Default",
        active_sync_mailbox_policy_is_defaulted=True,
    )


def device(number: int, mailboxes: int) -> OnpremMobileDevice:
    """One of the phones; some mailboxes have several."""
    owner = number % mailboxes
    name = f"Marie-Christine von Oberhausen {owner}"
    place = f"CN={name},OU=Benutzer,OU=Niederlassung {owner % 40},DC=corp,DC=contoso,DC=com"
    known = guid(4, number).replace("-", "")[:24]
    return OnpremMobileDevice(
        guid=guid(3, number),
        distinguished_name=f"CN=iPhone§{known.upper()},CN=ExchangeActiveSyncDevices,{place}",
        mailbox_distinguished_name_key=place.lower(),
        user_display_name=f"corp.contoso.com/Benutzer/{name}",
        device_id=known.upper(),
        device_id_key=known,
        device_type="iPhone" if number % 3 else "SAMSUNGSMG991B",
        device_model="iPhone14C5" if number % 3 else "SM-G991B",
        device_os="iOS 17.5.1 21F90" if number % 3 else "Android 14",
        device_user_agent="Apple-iPhone14C5/2106.90" if number % 3 else "Android-SAMSUNG/101.14",
        friendly_name=None,
        client_type="EAS",
        client_version="16.1",
        eas_version=161,
        device_access_state="Allowed",
        device_access_state_reason="Global",
        first_sync_time=SINCE + dt.timedelta(minutes=number),
    )


def remote_mailbox(number: int) -> OnpremRemoteMailbox:
    """A mailbox that has moved."""
    name = f"Moved User {number}"
    place = f"CN={name},OU=Benutzer,DC=corp,DC=contoso,DC=com"
    address = f"moved.user{number}@contoso.com"
    return OnpremRemoteMailbox(
        guid=guid(5, number),
        exchange_guid=guid(6, number),
        display_name=name,
        distinguished_name=place,
        distinguished_name_key=place.lower(),
        primary_smtp_address=address,
        primary_smtp_address_key=address,
        user_principal_name=address,
        user_principal_name_key=address,
        recipient_type_details="RemoteUserMailbox",
        remote_routing_address=f"SMTP:moved.user{number}@contoso.mail.onmicrosoft.com",
        routing_address_prefix="smtp",
        routing_domain="contoso.mail.onmicrosoft.com",
    )


def rows(mailboxes: int) -> Iterator[Evidence]:
    """Everything, table by table."""
    yield from map(mailbox, range(mailboxes))
    for number in range(mailboxes):
        yield from addresses(number)
    yield from map(cas_mailbox, range(mailboxes))
    for number in range(mailboxes * 9 // 5):
        yield device(number, mailboxes)
    yield from map(remote_mailbox, range(mailboxes // 20))


@contextmanager
def stage(name: str, amount: dict[str, float]) -> Iterator[None]:
    """Print what a stage took; `amount` may be filled while it runs."""
    before = time.process_time()
    yield
    spent = time.process_time() - before
    said = "  ".join(f"{value:,.0f} {unit}" for unit, value in amount.items())
    print(f"{name:<34} {spent:6.2f} s  {said}", flush=True)


def peak_megabytes() -> float:
    """Peak resident memory of this process; 0 where the system does not tell (Windows)."""
    if sys.platform == "win32":
        return 0
    import resource  # noqa: PLC0415 - absent on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


def write(folder: Path, mailboxes: int) -> None:
    """Write and seal; in a process of its own, so that its memory is not counted to reading."""
    header = Header(
        format_version=1,
        kind="evidence",
        tool_version="benchmark",
        title="Contoso",
        created_at=None,
        details={},
    )
    amount: dict[str, float] = {}
    with stage("make rows", amount):
        amount["rows"] = sum(1 for _ in rows(mailboxes))
    counts = dict.fromkeys((model.table for model in MODELS), 0)
    with stage("make and write rows", amount), BundleWriter(folder / "open", header) as writer:
        for row in rows(mailboxes):
            writer.append(row)
            counts[row.table] += 1
        for table, count in counts.items():
            writer.record(ledger_line(table, count))
        amount["MB"] = sum(p.stat().st_size for p in (folder / "open/tables").iterdir()) / 1e6
    with stage("seal", amount):
        seal(folder / "open", folder / "large.evidence.zip", force=False)
        amount["MB zip"] = (folder / "large.evidence.zip").stat().st_size / 1e6


def ledger_line(table: str, count: int) -> LedgerLine:
    """The line of a complete table."""
    return LedgerLine(
        table=table,
        state="complete",
        rows=count,
        provider="benchmark",
        server=None,
        account=None,
        command=None,
        filters=None,
        started_at=None,
        ended_at=None,
        detail="",
    )


def read(folder: Path) -> None:
    """Open, verify, validate and load; then what the machine cannot do faster."""
    path = folder / "large.evidence.zip"
    start = time.process_time()
    amount: dict[str, float] = {}
    with stage("open", amount):
        bundle = open_bundle(path, "evidence", COLLECTED)
    with bundle, Database(COLLECTED, directory=folder) as database:
        for model in MODELS:
            amount = {}
            with stage(f"load {model.table}", amount):
                amount["rows"] = database.load(model, bundle.encoded_pages(model))
        total = time.process_time() - start
        peak = peak_megabytes()
        print(f"{'open, verify, validate, load':<34} {total:6.2f} s  peak {peak:.0f} MB")
        with stage("validate alone", amount := {}):
            for model in MODELS:
                for page in bundle.pages(model):
                    amount["rows"] = amount.get("rows", 0) + len(page)
    unpack, parse = floor(path)
    print(f"{'gzip and SHA-256 alone':<34} {unpack:6.2f} s  ratio {total / unpack:.1f}")
    print(f"{'gzip, SHA-256 and json.loads':<34} {parse:6.2f} s  ratio {total / parse:.1f}")


def floor(path: Path) -> tuple[float, float]:
    """Seconds to unpack and hash the same bytes, and to read them as untyped JSON as well."""
    start = time.process_time()
    tables = []
    with zipfile.ZipFile(path) as archive:
        for model in MODELS:
            tables.append(gzip.decompress(archive.read(f"tables/{model.table}.jsonl.gz")))
            hashlib.sha256(tables[-1]).hexdigest()
    unpacked = time.process_time() - start
    for table in tables:
        for line in table.splitlines():
            json.loads(line)
    return unpacked, time.process_time() - start


def main() -> None:
    """Write in one process, read in another."""
    match sys.argv[1:]:
        case ["write", folder, mailboxes]:
            write(Path(folder), int(mailboxes))
        case ["read", folder]:
            read(Path(folder))
        case arguments:
            mailboxes = arguments[0] if arguments else "100000"
            with tempfile.TemporaryDirectory(prefix="auditor-bench-") as folder:
                for step in (["write", folder, mailboxes], ["read", folder]):
                    subprocess.run([sys.executable, __file__, *step], check=True)


if __name__ == "__main__":
    main()
