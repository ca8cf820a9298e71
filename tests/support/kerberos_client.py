"""Runs in a process of its own, because Kerberos reads its environment once: endpoint and client.

Standard input holds cases as JSON, standard output what became of each.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from auditor.errors import SourceError
from auditor.lab.organization import build
from auditor.lab.wsman_endpoint import LabEndpoint, Wire
from auditor.sources.exchange_shell import ExchangeShell
from tests.support.wire import settings_for


def outcome(endpoint: LabEndpoint, case: dict[str, Any]) -> dict[str, object]:
    """Objects of a command, or the error of this program with its sentence."""
    password = case.pop("password", None)
    shell = ExchangeShell(settings_for(endpoint, **case), password and (lambda: password))
    try:
        with shell:
            return {"names": [found["Name"] for found in shell.stream("Get-AcceptedDomain")]}
    except SourceError as error:
        return {"error": type(error).__name__, "says": str(error)}


def main() -> None:
    found = {}
    for name, case in json.load(sys.stdin).items():
        wire = Wire(tls=case.pop("tls", False), schemes=tuple(case.pop("schemes")))
        with LabEndpoint(build(5), wire=wire) as endpoint:
            found[name] = outcome(endpoint, case)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
