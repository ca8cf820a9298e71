"""How fast the CLIXML reader is on recipient objects, and how much memory it takes.

Run by hand: `python tests/benchmarks/bench_clixml.py [MEGABYTES]`. It writes files shaped like
`Get-Mailbox` exports and prints, for each way of reading them, megabytes per second of processor
time, the ratio to a plain parse of the same bytes (lxml, every element looked at, nothing
converted), and how much the peak memory of the process rose. The mark: 10 MB/s with all properties
converted, and memory that does not grow with the file.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from lxml import etree

from auditor.sources.clixml import read_file

OPEN = '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">\n'
DIRECTORY = "Microsoft.Exchange.Data.Directory"
LISTS = (
    "System.String, mscorlib, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089",
    f"{DIRECTORY}.ADObjectId, {DIRECTORY}, Version=15.0.0.0, Culture=neutral",
    "Microsoft.Exchange.Data.ProxyAddress, Microsoft.Exchange.Data, Version=15.0.0.0",
)
BLOB = "AAEAAAD/////AQAAAAAAAAAMAgAAAFtNaWNyb3NvZnQuRXhjaGFuZ2UuRGF0YSwgVmVyc2lvbj0xNS4wLjAuMCw" * 6
SELECTED = ("Name", "Guid", "PrimarySmtpAddress", "UserPrincipalName")


class Export:
    """Writes elements the way Export-Clixml does: numbered, indented, each type named once."""

    def __init__(self) -> None:
        self.objects = 0
        self.types: dict[str, int] = {}

    def start(self, name: str, type_name: str, *, indent: int) -> str:
        pad = " " * indent
        named = f' N="{name}"' if name else ""
        text = f'{pad}<Obj{named} RefId="{self.objects}">\n'
        self.objects += 1
        if type_name in self.types:
            return text + f'{pad}  <TNRef RefId="{self.types[type_name]}" />\n'
        number = self.types.setdefault(type_name, len(self.types))
        names = "".join(f"{pad}    <T>{each}</T>\n" for each in (type_name, "System.Object"))
        return text + f'{pad}  <TN RefId="{number}">\n{names}{pad}  </TN>\n'

    def strings(self, name: str, values: list[str], kind: int = 0) -> str:
        items = "".join(f"          <S>{value}</S>\n" for value in values)
        body = f"        <LST>\n{items}        </LST>\n" if values else "        <LST />\n"
        type_name = f"Microsoft.Exchange.Data.MultiValuedProperty`1[[{LISTS[kind]}]]"
        return self.start(name, type_name, indent=6) + body + "      </Obj>\n"

    def bag(self, name: str, type_name: str, text: str) -> str:
        return (
            self.start(name, type_name, indent=6)
            + f"        <ToString>{text}</ToString>\n        <Props>\n"
            + '          <B N="IsUnlimited">false</B>\n'
            + f'          <S N="Value">{text}</S>\n        </Props>\n        <MS>\n'
            + f'          <BA N="SerializationData">{BLOB}</BA>\n        </MS>\n      </Obj>\n'
        )


def leaf(tag: str, name: str, value: object) -> str:
    return f'      <{tag} N="{name}">{value}</{tag}>\n'


def addresses(n: int) -> list[str]:
    return [
        f"SMTP:ann.miller{n}@contoso.com",
        f"smtp:ann.miller{n}@contoso.mail.onmicrosoft.com",
        f"smtp:amiller{n}@contoso.com",
        f"X500:/o=Contoso/ou=Exchange Administrative Group/cn=Recipients/cn=amiller{n}",
    ]


def guid(n: int) -> str:
    return f"{n:08x}-e1b1-4695-97bd-b0a0bebe7ce2"


def selected(out: Export, n: int) -> str:
    """14 properties, as our export script selects them."""
    return (
        out.start("", f"Selected.{DIRECTORY}.Management.Mailbox", indent=2)
        + "    <MS>\n"
        + leaf("S", "Name", f"Ann Miller {n}")
        + leaf("S", "Alias", f"amiller{n}")
        + leaf("G", "Guid", guid(n))
        + leaf("G", "ExchangeGuid", guid(n + 1))
        + leaf("S", "DistinguishedName", f"CN=Ann Miller {n},OU=Users,DC=contoso,DC=local")
        + leaf("S", "PrimarySmtpAddress", f"ann.miller{n}@contoso.com")
        + out.strings("EmailAddresses", addresses(n))
        + leaf("S", "RecipientType", "UserMailbox")
        + leaf("S", "RecipientTypeDetails", "UserMailbox")
        + leaf("S", "UserPrincipalName", f"ann.miller{n}@contoso.com")
        + leaf("S", "SamAccountName", f"amiller{n}")
        + leaf("S", "ServerName", f"ex{n % 8:02}")
        + leaf("S", "Database", f"DB{n % 40:02}")
        + leaf("S", "ExchangeVersion", "0.20 (15.0.0.0)")
        + "    </MS>\n  </Obj>\n"
    )


def whole(out: Export, n: int, *, bags: bool) -> str:
    """228 properties in the proportions of a real Get-Mailbox answer.

    With `bags`, 30 of the texts are objects with a ToString and SerializationData, as in exports
    from the Exchange Management Shell, and two properties refer to another one, of this object and
    of the first; without, all of them are plain text, as over remoting.
    """
    start = out.start("", f"{DIRECTORY}.Management.Mailbox", indent=2)
    identity, text = out.objects, f"contoso.local/Users/Ann Miller {n}"
    parts = [
        start,
        f"    <ToString>Ann Miller {n}</ToString>\n    <Props>\n",
        out.bag("Identity", f"{DIRECTORY}.ADObjectId", text)
        if bags
        else leaf("S", "Identity", text),
        leaf("S", "Name", f"Ann Miller {n}"),
        leaf("S", "PrimarySmtpAddress", f"ann.miller{n}@contoso.com"),
        leaf("S", "UserPrincipalName", f"ann.miller{n}@contoso.com"),
        out.strings("EmailAddresses", addresses(n), 2),
        out.strings("Languages", ["en-US"]),
        out.strings("PoliciesIncluded", [guid(7), "{26491cfc-9e50-4857-861b-0cb8df22b5d7}"]),
        *(out.strings(f"ModeratedByMailboxList{i}", [], i % 3) for i in range(35)),
        *(leaf("DT", f"WhenChanged{i}", "2026-01-15T09:30:22+01:00") for i in range(5)),
        *(leaf("G", f"ArchiveGuid{i}", guid(n + i)) for i in range(4)),
        *(f'      <Nil N="ManagedFolderMailboxPolicy{i}" />\n' for i in range(51)),
        *(leaf("B", f"RetainDeletedItemsUntilBackup{i}", "false") for i in range(50)),
        *(leaf("S", f"CustomAttribute{i}", "") for i in range(27)),
        *(leaf("S", f"RoleAssignment{i}", f"contoso.local/Users/{n}") for i in range(19)),
    ]
    for i in range(30):
        name, text = f"ProhibitSendQuota{i}", f"{i} GB (32,212,254,720 bytes)"
        parts.append(out.bag(name, f"{DIRECTORY}.T{i}", text) if bags else leaf("S", name, text))
    if bags:
        parts.append(f'      <Ref N="Id" RefId="{identity}" />\n')
        parts.append('      <Ref N="OrganizationId" RefId="1" />\n')
    return "".join(parts) + "    </Props>\n  </Obj>\n"


SHAPES: dict[str, Callable[[Export, int], str]] = {
    "14 selected properties": selected,
    "228 properties, plain": lambda out, n: whole(out, n, bags=False),
    "228 properties, bags": lambda out, n: whole(out, n, bags=True),
}


def write(path: Path, shape: Callable[[Export, int], str], megabytes: int) -> int:
    """Fills a file with objects of one shape; how many."""
    out, size, n = Export(), 0, 0
    with path.open("w", encoding="utf-8-sig", newline="\r\n") as file:
        file.write(OPEN)
        while size < megabytes * 1_000_000:
            size += file.write(shape(out, n))
            n += 1
        file.write("</Objs>")
    return n


def plain_parse(path: Path) -> Iterator[None]:
    """The limit: every element is seen once by Python, nothing is converted."""
    for _, element in etree.iterparse(path, events=("end",)):
        element.clear()
        yield None


READERS: dict[str, Callable[[Path], Iterator[object]]] = {
    "plain parse": plain_parse,
    "all properties": read_file,
    "4 wanted properties": lambda path: read_file(path, wanted=SELECTED),
}


def measure(reader: str, path: Path) -> None:
    """Prints processor seconds and the rise of the process's peak memory in kilobytes."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    deque(READERS[reader](path), maxlen=0)
    seconds = time.process_time() - start
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)


def main(megabytes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for shape, build in SHAPES.items():
            path = Path(folder) / "mailboxes.xml"
            objects = write(path, build, megabytes)
            size = path.stat().st_size / 1e6
            print(f"{shape}: {objects} objects, {size:.0f} MB")
            limit = 0.0
            for reader in READERS:
                command = [sys.executable, __file__, "--measure", reader, str(path)]
                answer = subprocess.run(command, check=True, capture_output=True, text=True)
                seconds, kilobytes = map(float, answer.stdout.split())
                limit = limit or seconds
                print(
                    f"  {reader:20} {size / seconds:6.1f} MB/s {seconds / limit:6.2f} x plain parse"
                    f"  +{kilobytes / 1000:.0f} MB memory"
                )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], Path(sys.argv[3]))
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else 50)
