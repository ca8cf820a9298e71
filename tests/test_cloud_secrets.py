"""The whole program against Microsoft's hosts, signed in to for real: and no secret comes out.

The hosts stand behind a proxy on the loopback, see `tests/support/microsoft.py`. What is hidden is
looked for in all that the program wrote: terminal, bundles unpacked, report, fault log and titles
of processes; with the logging of every library switched on as well.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import json
import os
import secrets
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from auditor.collect import CLOUD_TABLES
from auditor.lab.cloud_server import LabCloud
from auditor.lab.organization import build
from auditor.live_cloud import EXCHANGE_ONLINE_TABLES, GRAPH_TABLES
from tests.support.certificates import certificates
from tests.support.lab_tenant import read_back
from tests.support.microsoft import AUTHORITY, EXCHANGE, GRAPH, Microsoft, microsoft
from tests.support.progress import without_progress

CLIENT = "99999999-8888-4777-8666-555555555555"
PLACE = "a-place-that-tells-whose-key-it-is"
FILE = "key-of-the-auditor.pfx"
SIGN_INS = ("client_secret", "certificate")
PROGRAM = "import sys; from auditor.cli import main; main()"
TALKATIVE = f"import logging; logging.basicConfig(level=logging.DEBUG); {PROGRAM}"
BROKEN = (
    "import auditor.live_cloud as cloud\n"
    "def broken(*_, **__): raise RuntimeError('a bug')\n"
    f"cloud.collect_graph = broken\n{PROGRAM}"
)


@dataclass
class Customer:
    """Somebody who runs the program, with a secret or a certificate, and what came of it."""

    folder: Path
    service: Microsoft
    secret: str
    written: list[str] = field(default_factory=list)
    titles: set[bytes] = field(default_factory=set)

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def configured(self, authentication: str, **changes: object) -> Path:
        cloud = {
            "tenant": self.service.lab.tenant_id,
            "client_id": CLIENT,
            "authentication": authentication,
            "secret_from": "environment",
            **changes,
        }
        if authentication == "certificate":
            cloud["certificate_file"] = str(self.folder / PLACE / FILE)
        path = self.folder / "config.yaml"
        path.write_text(json.dumps({"organization": "Lab", "cloud": cloud}), encoding="utf-8")
        return path

    def runs(self, *words: str | Path, program: str = PROGRAM, **environment: str) -> Ran:
        self.service.looking = self.looks
        made = self.folder / "temporary"
        made.mkdir(exist_ok=True)
        done = subprocess.run(
            [sys.executable, "-c", program, *map(str, words)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={
                **os.environ,
                **self.service.environment,
                "AUDITOR_CLOUD_SECRET": self.secret,
                "TMPDIR": str(made),
                **environment,
            },
            timeout=120,
            check=False,
        )
        self.written += [done.stdout, done.stderr]
        return Ran(done.returncode, done.stdout, without_progress(done.stderr))

    def looks(self) -> None:
        """Reads the titles of all processes while the program waits for an answer."""
        if len(self.service.posted) < 3:
            for title in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    self.titles.add(title.read_bytes())

    def hidden(self) -> set[str]:
        """All that nobody may get to see."""
        assertions = {
            form["client_assertion"] for form in self.service.posted if "client_assertion" in form
        }
        lab = self.service.lab
        return {self.secret, lab.token, PLACE, FILE, *assertions}

    def everything(self) -> str:
        """All that was written to the terminal and to files, unpacked."""
        files = [
            content
            for place in (self.out, self.folder / "temporary")
            for path in place.rglob("*")
            if path.is_file()
            for content in unpacked(path)
        ]
        return "\n".join(self.written + [each.decode("utf-8", "replace") for each in files])


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


def unpacked(path: Path) -> Iterator[bytes]:
    if not zipfile.is_zipfile(path):
        yield path.read_bytes()
        return
    with zipfile.ZipFile(path) as opened:
        for name in opened.namelist():
            content = opened.read(name)
            yield gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content


def locked_certificate(password: str) -> bytes:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "auditor")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    protection = serialization.BestAvailableEncryption(password.encode())
    return pkcs12.serialize_key_and_certificates(b"auditor", key, certificate, None, protection)


@pytest.fixture
def customer(tmp_path: Path) -> Iterator[Customer]:
    """The secret is at once the password of the certificate's file."""
    secret = f"nobody-may-see-{secrets.token_hex(16)}"
    (tmp_path / PLACE).mkdir()
    (tmp_path / PLACE / FILE).write_bytes(locked_certificate(secret))
    (tmp_path / "out").mkdir()
    with (
        LabCloud(build(12)) as lab,
        microsoft(lab, tmp_path / "authority") as service,
    ):
        yield Customer(tmp_path, service, secret)


def assert_nothing_came_out(customer: Customer) -> None:
    everything = customer.everything()
    titles = b"\n".join(customer.titles).decode("utf-8", "replace")
    assert {each for each in (*customer.hidden(), "PRIVATE KEY") if each in everything} == set()
    assert {each for each in customer.hidden() if each in titles} == set()


@pytest.mark.parametrize(
    ("authentication", "program"),
    [("client_secret", PROGRAM), ("client_secret", TALKATIVE), ("certificate", TALKATIVE)],
    ids=["secret", "secret and logs", "certificate and logs"],
)
def test_a_run_signs_in_reads_both_services_and_reports(
    customer: Customer, authentication: str, program: str
) -> None:
    config = customer.configured(authentication)
    checked = customer.runs("check", "--config", config, program=program)
    assert checked.code == 0
    assert "MISSING" not in checked.out
    ran = customer.runs("run", "--config", config, "--out", customer.out / "audit", program=program)
    assert ran.code == 1
    found = read_back(customer.out / "audit" / "evidence.zip")
    assert found.gaps() == {}
    assert {found.ledger[table].server for table in GRAPH_TABLES} == {GRAPH}
    assert {found.ledger[table].server for table in EXCHANGE_ONLINE_TABLES} == {EXCHANGE}
    read = GRAPH_TABLES | EXCHANGE_ONLINE_TABLES
    assert {found.ledger[table].account for table in read} == {CLIENT}
    assert customer.service.hosts == {AUTHORITY, GRAPH, EXCHANGE}
    assert [(form["client_id"], form["scope"]) for form in customer.service.posted] == [
        (CLIENT, f"https://{GRAPH}/.default"),
        (CLIENT, f"https://{EXCHANGE}/.default"),
    ] * 2
    proof = "client_secret" if authentication == "client_secret" else "client_assertion"
    assert all(form[proof] for form in customer.service.posted)
    assert (checked.err + ran.err == "") == (program is PROGRAM)
    assert_nothing_came_out(customer)


@pytest.mark.parametrize(
    ("half", "host", "left"),
    [
        ("graph", EXCHANGE, EXCHANGE_ONLINE_TABLES),
        ("exchange_online", GRAPH, GRAPH_TABLES),
    ],
)
def test_a_half_that_is_left_out_is_not_even_signed_in_to(
    customer: Customer, half: str, host: str, left: frozenset[str]
) -> None:
    config, bundle = customer.configured("client_secret", **{half: False}), customer.out / "e.zip"
    ran = customer.runs("collect", "--config", config, "--out", bundle)
    assert (ran.code, ran.err) == (0, "")
    found = read_back(bundle)
    assert {table for table, line in found.ledger.items() if line.server} == left
    assert found.gaps() == dict.fromkeys(CLOUD_TABLES - left, ("not_requested", 0))
    assert customer.service.hosts == {AUTHORITY, host}
    assert [form["scope"] for form in customer.service.posted] == [f"https://{host}/.default"]


def test_one_table_is_one_request(customer: Customer) -> None:
    config, bundle = customer.configured("client_secret"), customer.out / "e.zip"
    ran = customer.runs("collect", "--config", config, "--out", bundle, "--only", "entra_user")
    assert (ran.code, ran.err) == (0, "")
    assert {table for table, rows in read_back(bundle).rows.items() if rows} == {"entra_user"}
    (asked,) = customer.service.lab.seen
    assert asked.startswith("GET /v1.0/users?$select=id,userPrincipalName,")


@pytest.mark.parametrize(
    ("authentication", "number", "says"),
    [
        (
            "client_secret",
            "7000215",
            "the client secret is wrong (AADSTS7000215); give the value of the secret, not its ID, "
            "and check that it belongs to client_id.",
        ),
        (
            "certificate",
            "700027",
            "the certificate is not registered for the application, or its signature is not taken "
            "(AADSTS700027); upload the public part of certificate_file to the application.",
        ),
    ],
)
def test_a_refused_sign_in_is_one_sentence_and_leaves_no_bundle(
    customer: Customer, authentication: str, number: str, says: str
) -> None:
    tenant = customer.service.lab.tenant_id
    customer.service.refusal = f"AADSTS{number}: '{customer.secret}' of {PLACE}/{FILE} is wrong."
    config, bundle = customer.configured(authentication), customer.out / "e.zip"
    sentence = f"Sign-in to tenant {tenant} at {AUTHORITY}: {says}"
    checked = customer.runs("check", "--config", config, program=TALKATIVE)
    assert checked.code == 3
    assert checked.out.splitlines() == [
        "MISSING Microsoft Graph",
        f"        {sentence}",
        "MISSING Exchange Online",
        f"        {sentence}",
    ]
    ran = customer.runs("collect", "--config", config, "--out", bundle, program=TALKATIVE)
    assert (ran.code, ran.out) == (2, "")
    assert [line for line in ran.err.splitlines() if line.startswith("auditor: ")] == [
        f"auditor: {sentence}"
    ]
    assert not bundle.exists()
    assert customer.service.hosts == {AUTHORITY}
    assert_nothing_came_out(customer)


@pytest.mark.parametrize("authentication", SIGN_INS)
def test_a_sign_in_that_reaches_nobody_is_told_and_shows_nothing(
    customer: Customer, authentication: str
) -> None:
    config = customer.configured(authentication, exchange_online=False)
    bundle = customer.out / "e.zip"
    nobody = {"HTTPS_PROXY": "http://127.0.0.1:1"}
    ran = customer.runs("collect", "--config", config, "--out", bundle, program=TALKATIVE, **nobody)
    assert (ran.code, ran.out) == (2, "")
    assert [line for line in ran.err.splitlines() if line.startswith("auditor: ")] == [
        f"auditor: Sign-in to tenant {customer.service.lab.tenant_id} at {AUTHORITY} gets no answer"
        " from there; check network, firewall, HTTPS_PROXY, and where a proxy inspects TLS let "
        "REQUESTS_CA_BUNDLE name a file with its authority."
    ]
    assert not bundle.exists()
    assert_nothing_came_out(customer)


def test_a_service_whose_certificate_is_not_trusted_is_not_talked_to(customer: Customer) -> None:
    config, bundle = customer.configured("client_secret"), customer.out / "e.zip"
    # the sign-in trusts the authority of the proxy, the services do not
    other = certificates(customer.folder / "other", "other.example").authority
    ran = customer.runs("collect", "--config", config, "--out", bundle, SSL_CERT_FILE=str(other))
    assert ran.code == 0
    found = read_back(bundle)
    assert {state for state, _ in found.gaps().values()} == {"unreachable"}
    assert found.gaps().keys() == GRAPH_TABLES | EXCHANGE_ONLINE_TABLES
    assert found.ledger["entra_organization"].detail == (
        f"/organization at {GRAPH} for tenant {customer.service.lab.tenant_id}: the certificate of "
        "the server is not trusted (unable to get local issuer certificate); where a proxy "
        "inspects TLS, let SSL_CERT_FILE name a file with its authority."
    )
    assert found.ledger["exo_organization"].detail == (
        f"Get-OrganizationConfig on {EXCHANGE} was not asked for, because the certificate of "
        f"{EXCHANGE} is not trusted; where a proxy inspects TLS, name the file with its authority "
        "in SSL_CERT_FILE."
    )
    assert customer.service.hosts == {AUTHORITY}
    assert_nothing_came_out(customer)


@pytest.mark.parametrize("authentication", SIGN_INS)
def test_the_log_of_a_bug_holds_no_secret(customer: Customer, authentication: str) -> None:
    config, bundle = customer.configured(authentication), customer.out / "e.zip"
    ran = customer.runs("collect", "--config", config, "--out", bundle, program=BROKEN)
    assert ran.code == 4
    (log,) = (customer.folder / "temporary").glob("auditor-fault-*.log")
    assert "RuntimeError: a bug" in log.read_text(encoding="utf-8")
    assert len(customer.service.posted) == 2
    assert_nothing_came_out(customer)


def test_a_certificate_file_that_is_not_there_is_refused_without_its_name(
    customer: Customer,
) -> None:
    config = customer.configured("certificate")
    (customer.folder / PLACE / FILE).unlink()
    for words in (("check",), ("collect", "--out", customer.out / "e.zip")):
        ran = customer.runs(words[0], "--config", config, *words[1:])
        assert (ran.code, ran.out) == (2, "")
        assert ran.err == (
            "auditor: certificate_file cannot be read (No such file or directory); check the name "
            "and who may read it.\n"
        )
    assert_nothing_came_out(customer)


def test_a_secret_that_is_found_is_a_failure_of_these_tests_too(customer: Customer) -> None:
    """What hides in a packed bundle and in a title is seen."""
    with zipfile.ZipFile(customer.out / "x.zip", "w") as packed:
        packed.writestr("table.jsonl.gz", gzip.compress(customer.secret.encode()))
    assert customer.secret in customer.everything()
    with subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()", customer.secret],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as waiting:
        assert waiting.stdout is not None
        waiting.stdout.readline()  # a process that has only just begun has no title yet
        customer.looks()
        waiting.communicate(b"\n")
    assert any(customer.secret.encode() in title for title in customer.titles)
