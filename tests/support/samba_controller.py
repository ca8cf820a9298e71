"""A real Samba domain controller on the loopback, that holds the lab's organisation.

Its ports are those of Active Directory and cannot be chosen, so it listens on a loopback address
of its own and needs the right to open ports below 1024. Who is not root gets both in a namespace:
`unshare -Urn sh -c 'ip link set lo up && pytest tests/integration/test_directory_samba.py'`.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from auditor.collectors.directory_grants import Grant
from auditor.lab import directory_names
from auditor.lab.directory_ldif import active_directory_objects
from auditor.lab.directory_records import ldif
from auditor.lab.directory_schema import extension_of_active_directory
from auditor.lab.organization import Organization
from auditor.sources.directory_connection import DirectorySettings
from tests.support.certificates import certificates

ADDRESS = "127.0.0.77"
HOST, REALM = "dc01.contoso.com", "CONTOSO.COM"
ACCOUNT = "auditor"
PROGRAM = shutil.which("samba", path="/usr/sbin:/sbin")
PYTHON = "/usr/bin/python3"
_SETUP = Path("/usr/share/samba/setup/ad-schema")
_PORTS = (88, 389, 636, 3268, 3269)
_HERE = Path(__file__).parent
_DEADLINE = 60.0

_KERBEROS = """\
[libdefaults]
 default_realm = {realm}
 dns_lookup_realm = false
 dns_lookup_kdc = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
[realms]
 {realm} = {{
  kdc = {address}:88
 }}
[domain_realm]
 .contoso.com = {realm}
"""


def missing() -> str | None:
    """Why no domain controller can run here; None where one can."""
    if PROGRAM is None or not _SETUP.is_dir():
        return (
            "Samba is not installed: apt-get install samba-ad-dc samba-ad-provision "
            "samba-dsdb-modules python3-samba krb5-user"
        )
    for port in _PORTS:
        try:
            socket.create_server((ADDRESS, port)).close()
        except OSError as problem:
            return f"{ADDRESS}:{port} cannot be opened ({problem}): run as root, or in a namespace"
    return None


@dataclass(frozen=True)
class Samba:
    """A domain controller that runs, and what its owner may do."""

    folder: Path
    password: str
    authority: Path

    def settings(
        self, account: str = f"CONTOSO\\{ACCOUNT}", **changed: object
    ) -> DirectorySettings:
        """Settings that reach it."""
        values: dict[str, object] = {
            "host": ADDRESS,
            "ca_file": self.authority,
            "user": account,
            "password": self.password,
            **changed,
        }
        return DirectorySettings(**values)  # type: ignore[arg-type]

    def grant(self, grant: Grant) -> None:
        """Do what a printed grant says."""
        sid = self._owner("sid", ACCOUNT)
        self._owner("grant", grant.target, grant.sddl(sid))

    def change(self, text: str) -> None:
        """Change what LDIF says."""
        self._owner("change", text=text)

    def ticket(self, environment: dict[str, str]) -> None:
        """Fetch a Kerberos ticket for the account that reads."""
        subprocess.run(
            ["kinit", f"{ACCOUNT}@{REALM}"],
            input=self.password,
            text=True,
            capture_output=True,
            check=True,
            env={**os.environ, **environment},
        )

    def kerberos(self, folder: Path) -> dict[str, str]:
        """The environment in which Kerberos knows this domain alone."""
        configuration = folder / "krb5.conf"
        configuration.write_text(_KERBEROS.format(realm=REALM, address=ADDRESS), encoding="utf-8")
        return {"KRB5_CONFIG": str(configuration), "KRB5CCNAME": f"FILE:{folder / 'tickets'}"}

    def _owner(self, *words: str, text: str = "") -> str:
        done = subprocess.run(
            [PYTHON, _HERE / "samba_owner.py", self.folder / "etc" / "smb.conf", *words],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{words} failed: {done.stderr[-2000:]}")
        return done.stdout


@contextmanager
def running(folder: Path, organization: Organization) -> Iterator[Samba]:
    """A domain controller of its own, made in about ten seconds, until the context ends."""
    password = f"Lab-{secrets.token_urlsafe(12)}-1"
    domain = folder / "domain"
    _provision(folder, domain, organization, password)
    tls = domain / "private" / "tls"
    made = certificates(tls, HOST, ADDRESS)
    made.authority.rename(tls / "ca.pem")
    with (folder / "samba.log").open("wb") as log:
        process = subprocess.Popen(
            [str(PROGRAM), "-i", "-M", "single", "-s", domain / "etc" / "smb.conf"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        _wait(process)
        yield Samba(domain, password, tls / "ca.pem")
    finally:
        process.terminate()
        process.wait(_DEADLINE)


def _provision(folder: Path, domain: Path, organization: Organization, password: str) -> None:
    attributes, classes, changes = extension_of_active_directory(directory_names.SCHEMA)
    texts = (
        "".join(ldif(attributes)),
        "".join(ldif(classes)),
        f"{changes}\n",
        "".join(ldif(active_directory_objects(organization))),
    )
    files = []
    for number, text in enumerate(texts):
        files.append(folder / f"{number}.ldif")
        files[-1].write_text(text, encoding="utf-8")
    done = subprocess.run(
        [PYTHON, _HERE / "samba_provision.py", domain, ADDRESS, ACCOUNT, *files],
        env={**os.environ, "LAB_PASSWORD": password},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the domain could not be made: {done.stderr[-3000:]}")


def _wait(process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _DEADLINE
    for port in _PORTS:
        while True:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the domain controller does not listen on port {port}")
            try:
                socket.create_connection((ADDRESS, port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                break
