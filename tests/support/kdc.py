"""A real MIT KDC on the loopback address, for one test run, as whoever runs the tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REALM = "CONTOSO.LOCAL"
PASSWORD = "only-in-this-test"
PROGRAMS = ("krb5kdc", "kdb5_util", "kadmin.local")
_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))

_CLIENT = """[libdefaults]
 default_realm = {realm}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
[realms]
 {realm} = {{
  kdc = 127.0.0.1:{port}
 }}
[domain_realm]
 localhost = {realm}
"""
_SERVER = """[kdcdefaults]
 kdc_listen = 127.0.0.1:{port}
 kdc_tcp_listen = 127.0.0.1:{port}
[realms]
 {realm} = {{
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
  acl_file = {folder}/acl
 }}
"""


@dataclass(frozen=True)
class Kdc:
    """A running KDC: `environment` makes Kerberos use it, as client and as acceptor."""

    environment: dict[str, str]
    user: str
    locked: str


def missing() -> list[str]:
    """Programs of the KDC that are not installed."""
    return [name for name in PROGRAMS if shutil.which(name, path=_PATH) is None]


@contextmanager
def running_kdc(folder: Path) -> Iterator[Kdc]:
    """A KDC with a user, a locked user, and the services host/ and HTTP/localhost in a keytab."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        "PATH": _PATH,
        "KRB5_CONFIG": str(folder / "krb5.conf"),
        "KRB5_KDC_PROFILE": str(folder / "kdc.conf"),
        "KRB5_KTNAME": str(folder / "keytab"),
        "KRB5CCNAME": f"FILE:{folder / 'no-tickets'}",
    }
    for name, text in (("krb5.conf", _CLIENT), ("kdc.conf", _SERVER)):
        written = text.format(realm=REALM, port=port, folder=folder)
        (folder / name).write_text(written, encoding="utf-8")

    def run(*command: str) -> None:
        subprocess.run(command, check=True, env=environment, capture_output=True, timeout=60)

    run("kdb5_util", "create", "-s", "-P", "master-of-the-test", "-r", REALM)
    for request in (
        f"addprinc -pw {PASSWORD} svc",
        f"addprinc -pw {PASSWORD} -allow_tix locked",
        *(f"addprinc -randkey {service}/localhost" for service in ("host", "HTTP")),
        *(f"ktadd -k {folder}/keytab {service}/localhost" for service in ("host", "HTTP")),
    ):
        run("kadmin.local", "-q", request)
    kdc = subprocess.Popen(["krb5kdc", "-n"], env=environment, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield Kdc(environment, f"svc@{REALM}", f"locked@{REALM}")
    finally:
        kdc.terminate()
        kdc.wait(10)


def _wait_for(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"the KDC does not listen on port {port}")
