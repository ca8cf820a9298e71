"""What reading over the wire costs beside reading the same bytes of CLIXML.

Run by hand: `python tests/benchmarks/bench_remoting.py [MAILBOXES]`. The lab's endpoint serves
`Get-Mailbox -ResultSize Unlimited` from another process; for each kind of wire it prints processor
seconds of this process, their ratio to parsing the very same messages, objects per second, and how
much the peak memory of the process rose. The mark: at most twice the parse, and memory that does
not grow with the number of mailboxes. With AUDITOR_SAMPLES the real capture of Exchange 2016 (228
properties, 15 kB) is served as well.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

from auditor.lab.organization import build
from auditor.lab.psrp_errors import Parameters, Run
from auditor.lab.wire_answers import exchange_commands
from auditor.lab.wsman_endpoint import LabEndpoint, Wire
from auditor.lab.wsman_logon import Scheme
from auditor.sources.clixml import FragmentReader
from auditor.sources.exchange_shell import ExchangeShell
from auditor.sources.shell_settings import Authentication, ShellSettings

WHOLE_FOREST: dict[str, str | bool | int] = {"ResultSize": "Unlimited", "IgnoreDefaultScope": True}
CAPTURE = "clixml/wire/Get-Mailbox_PSRP_wire_Exchange2016_CU23.xml"
WIRES: dict[str, tuple[bool, Scheme, Authentication]] = {
    "NTLM, encrypted messages": (False, "Negotiate", "ntlm"),
    "basic over TLS": (True, "Basic", "basic"),
}


def commands(source: str, mailboxes: int) -> Run:
    """What the endpoint answers: the lab's mailboxes, or one captured object over and over."""
    if source == "lab":
        return exchange_commands(build(mailboxes))
    captured = Path(source).read_text(encoding="utf-8").strip()

    def replay(_: str, __: Parameters) -> Iterator[str]:
        yield from repeat(captured, mailboxes)

    return replay


def serve(source: str, mailboxes: int, wire: str) -> None:
    """Listens until standard input ends; says on standard output how to connect."""
    tls, scheme, _ = WIRES[wire]
    run = commands(source, mailboxes)
    with LabEndpoint(build(1), wire=Wire(tls=tls, schemes=(scheme,)), commands=run) as endpoint:
        account = endpoint.credentials
        ca_file = str(endpoint.ca_file) if endpoint.ca_file else None
        print(json.dumps([endpoint.port, account.username, account.password, ca_file]), flush=True)
        sys.stdin.read()


def collect(source: str, mailboxes: int, wire: str) -> tuple[int, float, float, int]:
    """Objects, processor seconds, seconds, and the rise of peak memory in kilobytes."""
    command = [sys.executable, __file__, "--serve", source, str(mailboxes), wire]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin is not None
    assert server.stdout is not None
    port, username, password, ca_file = json.loads(server.stdout.readline())
    tls, _, authentication = WIRES[wire]
    settings = ShellSettings(
        "localhost",
        port,
        tls=tls,
        authentication=authentication,
        username=username,
        ca_file=Path(ca_file) if ca_file else None,
    )
    with ExchangeShell(settings, lambda: password) as shell:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        clock, processor = time.monotonic(), time.process_time()
        count = sum(1 for _ in shell.stream("Get-Mailbox", WHOLE_FOREST))
        seconds, used = time.monotonic() - clock, time.process_time() - processor
        rise = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    server.stdin.close()
    server.wait(10)
    return count, used, seconds, rise


def parse(source: str, mailboxes: int) -> tuple[int, float, int]:
    """Objects, processor seconds and bytes of reading the same messages from memory."""
    messages = [each.encode() for each in commands(source, mailboxes)("Get-Mailbox", WHOLE_FOREST)]
    reader = FragmentReader("memory")
    processor = time.process_time()
    for message in messages:
        reader.read(message)
    return len(messages), time.process_time() - processor, sum(map(len, messages))


def measured(kind: str, *arguments: str) -> list[float]:
    """The numbers of one measurement, made in a process of its own."""
    command = [sys.executable, __file__, kind, *arguments]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return list(map(float, run.stdout.split()))


def main(mailboxes: int) -> None:
    sources = {"mailboxes of the lab": "lab"}
    samples = os.environ.get("AUDITOR_SAMPLES", "")
    if samples:
        sources["the real capture"] = str(Path(samples) / CAPTURE)
    for name, source in sources.items():
        count, limit, size = measured("--parse", source, str(mailboxes))
        print(f"{name}: {count:.0f} objects, {size / 1e6:.1f} MB, parsed in {limit:.2f} s")
        for wire in WIRES:
            for share in (10, 1):
                asked = str(mailboxes // share)
                count, used, seconds, rise = measured("--collect", source, asked, wire)
                print(
                    f"  {wire:26} {count:6.0f} objects {used:6.2f} s processor "
                    f"{used / (limit / share):5.2f} x parse {count / seconds:6.0f} objects/s "
                    f"+{rise / 1000:.0f} MB memory"
                )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--serve", source, mailboxes, wire]:
            serve(source, int(mailboxes), wire)
        case ["--collect", source, mailboxes, wire]:
            print(*collect(source, int(mailboxes), wire))
        case ["--parse", source, mailboxes]:
            print(*parse(source, int(mailboxes)))
        case [mailboxes]:
            main(int(mailboxes))
        case _:
            main(2000)
