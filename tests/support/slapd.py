"""A real OpenLDAP server on the loopback, that holds the directory of the lab's organisation.

It runs as whoever runs the tests, on a port the system chose, in a folder of its own, and is
stopped by the context that started it.
"""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from auditor.lab import directory_names
from auditor.lab.directory_records import Record, ldif
from auditor.lab.directory_schema import slapd_schema
from auditor.lab.directory_security import AUDITOR, AUTHENTICATED_USERS, sid_bytes
from auditor.sources.directory_connection import DirectorySettings, Encryption
from tests.support.certificates import Certificates

PROGRAM = shutil.which("slapd", path="/usr/sbin:/usr/local/sbin:/usr/bin:/sbin")
MISSING = "slapd is not installed: apt-get install slapd ldap-utils"
ACCOUNTS = "OU=accounts"
ACCOUNT = f"CN=auditor,{ACCOUNTS}"
"""Who reads: of a tree of its own, so that the account is the same on servers of all domains."""

_SCHEMAS = Path("/etc/ldap/schema")
_MODULES = Path("/usr/lib/ldap")
_EVERYONE = "S-1-1-0"
_DEADLINE = 20.0

_CONFIGURATION = """\
include {schemas}/core.schema
include {schemas}/cosine.schema
include {schemas}/inetorgperson.schema
include {folder}/lab.schema
modulepath {modules}
moduleload back_mdb
pidfile {folder}/slapd.pid
rootDSE {folder}/root.ldif
TLSCACertificateFile {certificates.authority}
TLSCertificateFile {certificates.server}
TLSCertificateKeyFile {certificates.key}
# as in Active Directory: an answer that is not asked for in pages ends at a thousand objects
sizelimit size.soft=1000 size.hard=1000 size.pr=1000 size.prtotal={total}
threads 2
database mdb
suffix "{suffix}"
directory {folder}/db
maxsize 4294967296
dbnosync
index objectClass eq
index mailNickname pres
access to * by users read
database mdb
suffix "{accounts}"
directory {folder}/accounts
access to * by anonymous auth
"""


@dataclass(frozen=True)
class Slapd:
    """A server that runs, and how to reach it."""

    plain_port: int
    tls_port: int
    password: str
    certificates: Certificates

    def settings(self, encryption: Encryption = "ldaps", **changed: object) -> DirectorySettings:
        """Settings that reach it."""
        values: dict[str, object] = {
            "host": "localhost",
            "port": self.tls_port if encryption == "ldaps" else self.plain_port,
            "encryption": encryption,
            "ca_file": self.certificates.authority,
            "user": ACCOUNT,
            "password": self.password,
            **changed,
        }
        return DirectorySettings(**values)  # type: ignore[arg-type]


def build(
    folder: Path,
    records: Iterable[Record],
    made: Certificates,
    *,
    suffix: str = directory_names.BASE,
    total: int | None = None,
    password: str | None = None,
) -> str:
    """Write configuration and database into `folder`; gives the password of the account.

    `total` is how many objects a search may give in all its pages together.
    """
    password = password or secrets.token_urlsafe(12)
    for name in ("db", "accounts"):
        (folder / name).mkdir(parents=True)
    (folder / "lab.schema").write_text(slapd_schema(), encoding="utf-8")
    (folder / "root.ldif").write_text("".join(ldif([root_dse(suffix)])), encoding="utf-8")
    (folder / "slapd.conf").write_text(
        _CONFIGURATION.format(
            schemas=_SCHEMAS,
            modules=_MODULES,
            folder=folder,
            certificates=made,
            suffix=suffix,
            total=total or "unlimited",
            accounts=ACCOUNTS,
        ),
        encoding="utf-8",
    )
    _load(folder, suffix, records)
    _load(folder, ACCOUNTS, _accounts(password))
    return password


def _load(folder: Path, suffix: str, records: Iterable[Record]) -> None:
    content = folder / "content.ldif"
    with content.open("w", encoding="utf-8") as file:
        file.writelines(ldif(records))
    files = ["-f", str(folder / "slapd.conf"), "-l", str(content)]
    loaded = subprocess.run(
        [str(PROGRAM), "-T", "add", "-q", "-b", suffix, *files],
        capture_output=True,
        text=True,
        check=False,
    )
    if loaded.returncode:
        raise RuntimeError(f"slapadd refused the directory of the lab: {loaded.stderr[-2000:]}")


def _accounts(password: str) -> list[Record]:
    return [
        Record(ACCOUNTS, {"objectClass": ["top", "organizationalUnit"], "ou": "accounts"}),
        Record(
            ACCOUNT,
            {
                "objectClass": ["top", "organizationalRole", "simpleSecurityObject"],
                "cn": "auditor",
                "userPassword": password,
            },
        ),
    ]


@contextmanager
def running(folder: Path, password: str, made: Certificates) -> Iterator[Slapd]:
    """The server over what `build` wrote, until the context ends."""
    plain, tls = free_port(), free_port()
    with (folder / "slapd.log").open("wb") as log:
        process = subprocess.Popen(
            [
                str(PROGRAM),
                *("-h", f"ldap://127.0.0.1:{plain}/ ldaps://127.0.0.1:{tls}/"),
                *("-f", folder / "slapd.conf", "-d", "0"),
            ],
            stdout=log,
            stderr=log,
        )
    try:
        wait_for(plain, process)
        yield Slapd(plain, tls, password, made)
    finally:
        process.terminate()
        process.wait(_DEADLINE)


def root_dse(suffix: str) -> Record:
    """What the server says of itself, in the words of a domain controller."""
    return Record(
        "",
        {
            "defaultNamingContext": suffix,
            "configurationNamingContext": directory_names.CONFIGURATION,
            "schemaNamingContext": directory_names.SCHEMA,
            "rootDomainNamingContext": directory_names.BASE,
            "dNSHostName": "localhost",
            "msDS-PrincipalName": "CONTOSO\\auditor",
            "tokenGroups": [sid_bytes(sid) for sid in (AUDITOR, AUTHENTICATED_USERS, _EVERYONE)],
        },
    )


def free_port() -> int:
    """A port of the loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return when somebody listens; raises RuntimeError where nobody does in time."""
    end = time.monotonic() + _DEADLINE
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended at once with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise RuntimeError(f"nobody listens on port {port} after {_DEADLINE:.0f} seconds")
