"""The lab's tenant, collected from over the loopback by the ordinary program, and read back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from auditor.collect import CLOUD_TABLES, Wish, collect_from
from auditor.demo import LabToken
from auditor.evidence.base import Evidence
from auditor.evidence.bundle import open_bundle
from auditor.evidence.ledger import LedgerLine
from auditor.evidence.tables import COLLECTED
from auditor.lab.cloud_faults import CloudFault
from auditor.lab.cloud_grants import Grants
from auditor.lab.cloud_server import LabCloud
from auditor.lab.organization import Organization
from auditor.live_cloud import LiveCloud, open_cloud
from auditor.live_sources import LiveSources
from auditor.run import utc_now
from auditor.sources.cloud_sign_in import Cloud, TokenCredential

_REQUEST = re.compile(r"request [0-9a-f-]{36}")
_TENANT = re.compile(r" for tenant [0-9a-f-]{36}")
_PORT = re.compile(r"127\.0\.0\.1(:\d+)?")


def silent(_stage: str, _done: int) -> None:
    """Progress that nobody listens to."""


def at_once(_seconds: float) -> None:
    """A pause that is over at once."""


@contextmanager
def tenant(
    organization: Organization,
    faults: Sequence[CloudFault] = (),
    grants: Grants | None = None,
    *,
    sleep: Callable[[float], None] = at_once,
    signed_in: TokenCredential | None = None,
    graph: bool = True,
    exchange_online: bool = True,
) -> Iterator[LiveCloud]:
    """The tenant of a lab organisation, open; what strikes it, and what the reader was granted."""
    with LabCloud(organization, faults, grants) as lab:
        cloud = Cloud("global", authority="", graph_url=lab.url, exchange_url=lab.url)
        with open_cloud(
            cloud,
            lab.tenant_id,
            signed_in or LabToken(lab.token),
            graph=graph,
            exchange_online=exchange_online,
            sleep=sleep,
        ) as found:
            yield found


@dataclass(frozen=True)
class Collected:
    """A sealed bundle as the next command finds it."""

    ledger: dict[str, LedgerLine]
    rows: dict[str, list[Evidence]]

    def gaps(self) -> dict[str, tuple[str, int]]:
        """State and rows of every table of the cloud that is not complete."""
        return {
            table: (line.state, line.rows)
            for table, line in self.ledger.items()
            if table in CLOUD_TABLES and line.state != "complete"
        }

    def told(self) -> set[str]:
        """What is said of those tables, without what differs from run to run."""
        return {without_chance(self.ledger[table].detail) for table in self.gaps()}


def without_chance(text: str) -> str:
    """A sentence without the port, the tenant and the number of the request."""
    return _PORT.sub("LAB", _TENANT.sub("", _REQUEST.sub("request N", text)))


def collected(
    cloud: LiveCloud, target: Path, *only: str, now: Callable[[], datetime] = utc_now
) -> Collected:
    """What a collection from this tenant alone leaves at `target`."""
    wish = Wish(only=only, now=now)
    collect_from(LiveSources(None, cloud=cloud), target, "Lab", wish, silent)
    return read_back(target)


def read_back(bundle: Path) -> Collected:
    """Ledger and rows of a sealed bundle; every line counts the rows there are."""
    with open_bundle(bundle, "evidence", COLLECTED) as opened:
        assert opened.sealed
        rows: dict[str, list[Evidence]] = {m.table: list(opened.lines(m)) for m in COLLECTED}
        ledger = dict(opened.ledger)
    assert {table: line.rows for table, line in ledger.items()} == {
        table: len(found) for table, found in rows.items()
    }
    return Collected(ledger, rows)
