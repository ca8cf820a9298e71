"""Logging on by Kerberos, against a real KDC: what works, and what is said where it does not."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.kdc import PASSWORD, Kdc, missing, running_kdc

DOMAINS = ["contoso.com", "fabrikam.com", "contoso.mail.onmicrosoft.com"]
UNKNOWN_REALM = "svc@NOWHERE.LOCAL"


@pytest.fixture(scope="module")
def kdc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kdc]:
    absent = missing() + [
        f"Python's {name}" for name in ("gssapi", "krb5") if importlib.util.find_spec(name) is None
    ]
    if absent:
        pytest.skip(f"a KDC cannot be run here without {', '.join(absent)}")
    with running_kdc(tmp_path_factory.mktemp("kdc")) as running:
        yield running


@pytest.fixture(scope="module")
def found(kdc: Kdc) -> dict[str, dict[str, Any]]:
    """What became of each case; in one process, since starting one takes a second."""
    by_kerberos = {
        "schemes": ["Negotiate"],
        "authentication": "kerberos",
        "username": kdc.user,
        "password": PASSWORD,
    }
    cases: dict[str, dict[str, Any]] = {
        "kerberos": {},
        "kerberos, its own header": {"schemes": ["Kerberos"]},
        "negotiate": {"authentication": "negotiate"},
        "kerberos over TLS": {"tls": True},
        "service HTTP": {"kerberos_service": "HTTP"},
        "address with the name": {"host": "127.0.0.1", "kerberos_hostname": "localhost"},
        "wrong password": {"password": "wrong"},
        "locked account": {"username": kdc.locked},
        "no UPN": {"username": "CONTOSO\\svc"},
        "unknown account": {"username": "nobody@CONTOSO.LOCAL"},
        "unknown realm": {"username": UNKNOWN_REALM},
        "address": {"host": "127.0.0.1"},
        "other name": {"kerberos_hostname": "mail.contoso.com"},
        "no ticket": {"username": None, "password": None},
        "server without kerberos": {"tls": True, "schemes": ["Basic"]},
    }
    run = subprocess.run(
        [sys.executable, "-m", "tests.support.kerberos_client"],
        input=json.dumps({name: {**by_kerberos, **case} for name, case in cases.items()}),
        env={**os.environ, **kdc.environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    assert PASSWORD not in run.stdout + run.stderr
    outcomes: dict[str, dict[str, Any]] = json.loads(run.stdout)
    assert outcomes.keys() == cases.keys()
    return outcomes


@pytest.mark.parametrize(
    "case",
    [
        "kerberos",
        "kerberos, its own header",
        "negotiate",
        "kerberos over TLS",
        "service HTTP",
        "address with the name",
    ],
)
def test_a_ticket_opens_the_shell_and_encrypts_what_is_read(
    found: dict[str, dict[str, Any]], case: str
) -> None:
    assert found[case] == {"names": DOMAINS}


@pytest.mark.parametrize(
    ("case", "error", "says"),
    [
        (
            "wrong password",
            "AccessDenied",
            "The password of svc@CONTOSO.LOCAL is wrong; enter it again.",
        ),
        (
            "locked account",
            "AccessDenied",
            "The account locked@CONTOSO.LOCAL is locked or disabled, or its password has expired; "
            "ask for it to be unlocked.",
        ),
        (
            "no UPN",
            "AccessDenied",
            "Kerberos does not know CONTOSO\\svc; write the account as name@REALM (UPN).",
        ),
        (
            "unknown account",
            "AccessDenied",
            "Kerberos does not know nobody@CONTOSO.LOCAL; check its spelling, and the realm after "
            "the @.",
        ),
        (
            "unknown realm",
            "SourceUnreachable",
            "No domain controller answers for svc@NOWHERE.LOCAL; check the realm after the @, DNS "
            "and port 88.",
        ),
        (
            "address",
            "SourceUnreachable",
            "Kerberos knows no service host/127.0.0.1; Kerberos needs the name of the server, not "
            "its address.",
        ),
        (
            "other name",
            "SourceUnreachable",
            "Kerberos knows no service host/mail.contoso.com; name the server as the domain does "
            "(its FQDN), or set kerberos_hostname.",
        ),
        (
            "no ticket",
            "AccessDenied",
            "There is no valid Kerberos ticket here; run kinit, or set username and a password.",
        ),
    ],
)
def test_one_sentence_names_the_cause_and_the_next_step(
    found: dict[str, dict[str, Any]], case: str, error: str, says: str
) -> None:
    assert found[case] == {"error": error, "says": says}


def test_a_server_that_offers_no_kerberos_is_called_so(found: dict[str, dict[str, Any]]) -> None:
    answer = found["server without kerberos"]
    assert answer["error"] == "AccessDenied"
    assert "offers no logon by kerberos (it offers Basic)" in answer["says"]


def test_without_the_libraries_of_kerberos_the_next_step_is_to_install_them() -> None:
    code = (
        "import sys; sys.modules['gssapi'] = sys.modules['krb5'] = None\n"
        "from tests.support.kerberos_client import main; main()"
    )
    case = {"schemes": ["Negotiate"], "authentication": "kerberos", "username": "svc@X.LOCAL"}
    run = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps({"kerberos": case}),
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(run.stdout)["kerberos"] == {
        "error": "SourceUnreachable",
        "says": "Kerberos is not installed here, so localhost cannot be logged on to; install the "
        "extra kerberos, or set authentication: negotiate.",
    }
