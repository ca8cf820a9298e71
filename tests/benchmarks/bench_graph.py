"""What reading the users of 100,000 mailboxes from the lab's Graph costs: run by hand.

`python -m tests.benchmarks.bench_graph [MAILBOXES]` serves the lab's tenant from another process
on the loopback; it makes each page once and then remembers it. Each reader runs in a process of its
own: `Graph.pages` with the collector's model, the floor under it, plain httpx with json, and, for
information, the whole collection of the tables of users into a sealed bundle. Processor seconds,
user and system, of the client alone, from the first request on, with the import of the SDK and
with the connection. The marks: 2.5 seconds and 80 MB for 100,000 users.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from auditor.collectors.graph_users import USERS as COLLECTOR
from auditor.collectors.graph_users import GraphUser
from auditor.sources.cloud_sign_in import Cloud
from auditor.sources.graph import Graph, GraphPage

MAILBOXES = 100_000
MARK_SECONDS, MARK_MEMORY = 2.5, 80
RUNS = 3
TOKEN = "AUDITOR_BENCH_TOKEN"
(REQUEST,) = COLLECTOR.requests


class Pass:
    """The token of the lab."""

    expires_on = 4_102_444_800

    def __init__(self) -> None:
        self.token = os.environ[TOKEN]

    def get_token(self, *_: str, **__: object) -> Pass:
        return self


def serve(mailboxes: int) -> None:
    """Serves the lab's tenant until it is ended; writes address and token."""
    from auditor.lab.cloud_faults import Outage  # noqa: PLC0415  clients do not pay for the lab
    from auditor.lab.cloud_messages import Answer, Request  # noqa: PLC0415
    from auditor.lab.cloud_server import LabCloud  # noqa: PLC0415
    from auditor.lab.organization import build  # noqa: PLC0415

    made: dict[str, tuple[Answer, Outage | None]] = {}

    class Remembering(LabCloud):
        """Answers a question again as it did before."""

        def answer(self, request: Request) -> tuple[Answer, Outage | None]:
            if request.target not in made:
                made[request.target] = super().answer(request)
            return made[request.target]

    with Remembering(build(mailboxes)) as lab:
        print(lab.url, lab.token, flush=True)
        threading.Event().wait()


@contextmanager
def served(mailboxes: int) -> Iterator[str]:
    """The address of the lab's tenant, in another process."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_graph", "--serve", str(mailboxes)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url, os.environ[TOKEN] = server.stdout.readline().split()
            yield url
        finally:
            server.terminate()


def read_pages(url: str) -> int:
    with Graph(Cloud("bench", "", url, ""), Pass()) as graph:
        pages = graph.pages(REQUEST.path, GraphPage[GraphUser], REQUEST.parameters)
        return sum(len(page.value) for page in pages)


def read_json(url: str) -> int:
    import httpx  # noqa: PLC0415  its import is part of what is measured

    count, link = 0, f"{url}/v1.0{REQUEST}"
    headers = {"Authorization": f"Bearer {Pass().token}"}
    with httpx.Client(trust_env=False, headers=headers) as client:
        while link:
            document = json.loads(client.get(link).content)
            count += len(document["value"])
            link = document.get("@odata.nextLink", "")
    return count


def collect(url: str) -> int:
    from auditor.collect import Wish, collect_from  # noqa: PLC0415  other readers do not need it
    from auditor.collectors.graph import LiveGraph  # noqa: PLC0415
    from auditor.live_cloud import LiveCloud  # noqa: PLC0415
    from auditor.live_sources import LiveSources  # noqa: PLC0415

    wish = Wish(only=[model.table for model in COLLECTOR.tables])
    with (
        tempfile.TemporaryDirectory() as folder,
        Graph(Cloud("bench", "", url, ""), Pass()) as graph,
    ):
        cloud = LiveCloud(LiveGraph(graph, "global", None), None)
        bundle = Path(folder) / "e.zip"
        sources = LiveSources(None, cloud=cloud)
        lines = collect_from(sources, bundle, "", wish, lambda _stage, _count: None)
    (users,) = (line for line in lines if line.table == COLLECTOR.tables[0].table)
    assert users.state == "complete", users.detail
    return users.rows


READERS = {"Graph.pages": read_pages, "httpx + json": read_json, "collect": collect}


def measure(kind: str, url: str) -> None:
    start, wall = time.process_time(), time.perf_counter()
    count = READERS[kind](url)
    used, seconds = time.process_time() - start, time.perf_counter() - wall
    print(count, used, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def apart(kind: str, url: str) -> tuple[float, ...]:
    command = [sys.executable, "-m", "tests.benchmarks.bench_graph", kind, url]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return tuple(map(float, run.stdout.split()))


def main(mailboxes: int) -> None:
    with served(mailboxes) as url:
        apart("httpx + json", url)  # the server makes its pages
        best = {}
        for kind in READERS:
            runs = 1 if kind == "collect" else RUNS
            best[kind] = min((apart(kind, url) for _ in range(runs)), key=lambda run: run[1])
            count, used, seconds, memory = best[kind]
            print(
                f"{kind:12} {count:.0f} users {used:5.2f} s processor {seconds:5.1f} s "
                f"{memory:3.0f} MB"
            )
    _, used, _, memory = best["Graph.pages"]
    kept = used <= MARK_SECONDS * mailboxes / MAILBOXES and memory <= MARK_MEMORY
    print(f"Graph.pages is {used / best['httpx + json'][1]:.2f} times httpx + json")
    print(
        f"marks {MARK_SECONDS} s and {MARK_MEMORY} MB: "
        f"{'as promised' if kept else 'MORE THAN PROMISED'}"
    )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--serve", mailboxes]:
            serve(int(mailboxes))
        case [kind, url]:
            measure(kind, url)
        case [mailboxes]:
            main(int(mailboxes))
        case _:
            main(MAILBOXES)
