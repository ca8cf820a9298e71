"""What reading 100,000 users from Graph costs: run by hand, prints seconds, ratios and memory.

`python -m tests.benchmarks.bench_graph [USERS]` serves pages of 999 users, with every property that
is worth selecting, from another process on the loopback. Each reader runs in a process of its own:
`Graph.pages` with the collector's model, and the floor under it, plain httpx with json.
Processor seconds, user and system, of the client alone, from the first request on, with the
import of the SDK and with the connection. The marks: 2.5 seconds and 80 MB for 100,000 users.
"""

from __future__ import annotations

import http.server
import json
import resource
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from typing import Any

from auditor.collectors.graph_users import USERS as COLLECTOR
from auditor.collectors.graph_users import GraphUser
from auditor.sources.cloud_sign_in import Cloud
from auditor.sources.graph import Graph, GraphPage

USERS, PAGE = 100_000, 999
MARK_SECONDS, MARK_MEMORY = 2.5, 80
RUNS = 3
SKU, DISABLED = str(uuid.UUID(int=1 << 120)), str(uuid.UUID(int=2 << 120))


def user(number: int) -> dict[str, Any]:
    """One synchronised user with four addresses and one licence, 1.3 kB."""
    name = f"user{number:06d}"
    principal = f"{name}@contoso.example"
    plans = {"skuId": SKU, "disabledPlans": [DISABLED] if number % 3 else []}
    problem = {
        "category": "PropertyConflict",
        "occurredDateTime": "2026-11-19T10:00:00Z",
        "propertyCausingError": "ProxyAddresses",
        "value": f"smtp:{name}@contoso.example",
    }
    return {
        "id": str(uuid.UUID(int=number << 96 | 0x4000800000000000_0000)),
        "userPrincipalName": principal,
        "displayName": f"User {number}",
        "mail": principal,
        "mailNickname": name,
        "proxyAddresses": [
            f"SMTP:{principal}",
            f"smtp:{name}@contoso.mail.onmicrosoft.example",
            f"smtp:{name}@old.contoso.example",
            f"x500:/o=Contoso/ou=Exchange Administrative Group/cn=Recipients/cn={number:032x}",
        ],
        "accountEnabled": number % 40 != 0,
        "userType": "Member",
        "usageLocation": "DE" if number % 10 else None,
        "assignedLicenses": [plans],
        "licenseAssignmentStates": [
            {
                **plans,
                "assignedByGroup": None,
                "state": "Active",
                "error": "None",
                "lastUpdatedDateTime": "2026-10-01T08:00:00Z",
            }
        ],
        "onPremisesSyncEnabled": True,
        "onPremisesImmutableId": f"{number:022d}==",
        "onPremisesUserPrincipalName": principal,
        "onPremisesSamAccountName": name,
        "onPremisesDomainName": "corp.contoso.example",
        "onPremisesDistinguishedName": f"CN={name},OU=Staff,DC=corp,DC=contoso,DC=example",
        "onPremisesSecurityIdentifier": f"S-1-5-21-1004336348-1177238915-682003330-{number}",
        "onPremisesLastSyncDateTime": "2026-11-20T21:14:02Z",
        "onPremisesProvisioningErrors": [] if number % 500 else [problem],
        "showInAddressList": None,
    }


class Users(http.server.BaseHTTPRequestHandler):
    """Pages of users; the position stands in `$skiptoken`."""

    protocol_version = "HTTP/1.1"
    total = USERS
    made: dict[int, bytes] = {}  # noqa: RUF012  one process, one server

    def do_GET(self) -> None:
        start = int(self.path.partition("$skiptoken=")[2] or 0)
        body = self.made.get(start) or self.page(start)
        self.send_response(200)
        self.send_header("Content-Type", "application/json; odata.metadata=minimal")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def page(self, start: int) -> bytes:
        end = min(start + PAGE, self.total)
        document: dict[str, Any] = {"@odata.context": "$metadata#users"}
        if end < self.total:
            host = self.headers["Host"]
            document["@odata.nextLink"] = f"http://{host}/v1.0/users?$skiptoken={end}"
        document["value"] = [user(number) for number in range(start, end)]
        return json.dumps(document, separators=(",", ":")).encode()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@dataclass(frozen=True)
class Pass:
    token: str = "not-a-token"
    expires_on: int = 0

    def get_token(self, *_: str, **__: Any) -> Pass:
        return self


def serve(users: int) -> None:
    Users.total = users
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Users)
    print(server.server_port, flush=True)
    server.serve_forever()


def read_pages(url: str) -> int:
    cloud = Cloud("bench", "", url, "")
    with Graph(cloud, Pass()) as graph:
        pages = graph.pages("/users", GraphPage[GraphUser], COLLECTOR.requests[0].parameters)
        return sum(len(page.value) for page in pages)


def read_json(url: str) -> int:
    import httpx  # noqa: PLC0415  its import is part of what is measured

    count, link = 0, f"{url}/v1.0/users"
    with httpx.Client(trust_env=False) as client:
        while link:
            document = json.loads(client.get(link).content)
            count += len(document["value"])
            link = document.get("@odata.nextLink", "")
    return count


READERS = {"Graph.pages": read_pages, "httpx + json": read_json}


def measure(kind: str, url: str) -> None:
    start, wall = time.process_time(), time.perf_counter()
    count = READERS[kind](url)
    used, seconds = time.process_time() - start, time.perf_counter() - wall
    print(count, used, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def apart(kind: str, url: str) -> tuple[float, ...]:
    command = [sys.executable, "-m", "tests.benchmarks.bench_graph", kind, url]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return tuple(map(float, run.stdout.split()))


def main(users: int) -> None:
    command = [sys.executable, "-m", "tests.benchmarks.bench_graph", "--serve", str(users)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        best = {}
        for kind in READERS:
            best[kind] = min((apart(kind, url) for _ in range(RUNS)), key=lambda run: run[1])
            count, used, seconds, memory = best[kind]
            print(
                f"{kind:12} {count:.0f} users {used:5.2f} s processor {seconds:5.1f} s "
                f"{memory:3.0f} MB"
            )
        server.terminate()
    _, used, _, memory = best["Graph.pages"]
    kept = used <= MARK_SECONDS * users / USERS and memory <= MARK_MEMORY
    print(f"Graph.pages is {used / best['httpx + json'][1]:.2f} times httpx + json")
    print(
        f"marks {MARK_SECONDS} s and {MARK_MEMORY} MB: "
        f"{'as promised' if kept else 'MORE THAN PROMISED'}"
    )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--serve", users]:
            serve(int(users))
        case [kind, url]:
            measure(kind, url)
        case [users]:
            main(int(users))
        case _:
            main(USERS)
