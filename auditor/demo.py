"""The demonstration: the ordinary program, run on the embedded lab organisation."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.collect import Wish, collect_from
from auditor.collectors.live import LiveExchange
from auditor.collectors.plan import read_plan
from auditor.engine.assess import Judgement
from auditor.engine.material import Progress
from auditor.live_cloud import LiveCloud, open_cloud
from auditor.live_sources import LiveSources
from auditor.run import assess_and_report, empty_folder, utc_now
from auditor.sources.clixml import PsObject
from auditor.sources.cloud_sign_in import Cloud
from auditor.sources.exchange_shell import ExchangeShell
from auditor.sources.shell_settings import ShellSettings, windows_settings
from auditor.sources.windows_shell import read_exsetup

if TYPE_CHECKING:
    from auditor.lab.organization import Organization


def free_folder(wanted: Path) -> Path:
    """The folder itself if nothing is there, else the first of `-2`, `-3` ... that is free."""
    further = (wanted.with_name(f"{wanted.name}-{number}") for number in itertools.count(2))
    return next(folder for folder in itertools.chain([wanted], further) if not folder.exists())


@dataclass(frozen=True)
class Demonstration:
    """What the demo made, and what it found."""

    evidence: Path
    assessment: Path
    report: Path
    judgement: Judgement


def demonstrate(folder: Path, mailboxes: int, progress: Progress) -> Demonstration:
    """The whole way on the embedded lab organisation: collect over the wire, assess, report.

    The lab speaks PowerShell remoting, Microsoft Graph and the endpoint of Exchange Online on the
    loopback address; what asks it are the ordinary collectors. Raises InputRefused when the folder
    exists and holds something.
    """
    from auditor.lab.organization import build
    from auditor.lab.plan import write_plan

    empty_folder(folder)
    organization = build(mailboxes)
    evidence = folder / "lab.evidence.zip"
    assessment = folder / "lab.assessment.zip"
    report = folder / "report.html"
    write_plan(organization, folder / "plan.csv")
    wish = Wish(plan=read_plan([folder / "plan.csv"]), now=_clock_from(organization.now))
    with lab_exchange(organization) as exchange, lab_cloud(organization) as cloud:
        sources = LiveSources(exchange, cloud=cloud)
        collect_from(sources, evidence, "Lab organisation", wish, progress)
    judgement = assess_and_report(evidence, assessment, report, organization.now.date(), progress)
    return Demonstration(evidence, assessment, report, judgement)


def _clock_from(moment: datetime) -> Callable[[], datetime]:
    """A clock that shows this moment now: what the lab calls an hour ago must be an hour ago."""
    started = utc_now()
    return lambda: moment + (utc_now() - started)


@contextmanager
def lab_exchange(organization: Organization) -> Iterator[LiveExchange]:
    """A lab organisation behind its endpoint, signed in to as any Exchange is."""
    from auditor.lab.wsman_endpoint import LabEndpoint

    with LabEndpoint(organization) as endpoint:
        settings = ShellSettings(
            host=endpoint.host,
            port=endpoint.port,
            tls=False,
            authentication="ntlm",
            username=endpoint.credentials.username,
        )

        def password() -> str:
            return endpoint.credentials.password

        def read_build(server: str, _full_name: str) -> PsObject:
            windows = windows_settings(settings, endpoint.host, endpoint.port)
            own = replace(windows, path=endpoint.windows_path(server))
            return read_exsetup(own, password, server)

        with ExchangeShell(settings, password) as shell:
            yield LiveExchange(shell, read_build)


@dataclass(frozen=True)
class LabToken:
    """The token of the lab's cloud, in the place of one that a sign-in gives; it does not end."""

    token: str = field(repr=False)
    expires_on: int = 4_102_444_800

    def get_token(self, *_scopes: str, **_options: object) -> LabToken:
        """The token itself, for every scope."""
        return self


@contextmanager
def lab_cloud(organization: Organization) -> Iterator[LiveCloud]:
    """The tenant of a lab organisation, signed in to as any other."""
    from auditor.lab.cloud_server import LabCloud

    with LabCloud(organization) as lab:
        cloud = Cloud("global", authority="", graph_url=lab.url, exchange_url=lab.url)
        with open_cloud(cloud, lab.tenant_id, LabToken(lab.token)) as found:
            yield found
