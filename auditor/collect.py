"""The verbs that talk to live sources: what would be read, what can be read, and reading it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from auditor import __version__
from auditor.collectors.contract import ExchangeCollector
from auditor.collectors.live import LiveExchange, ReadBuild, answers, collect_exchange
from auditor.collectors.registry import EXCHANGE_COLLECTORS
from auditor.collectors.runner import rows_of
from auditor.collectors.servers import EXCHANGE_BUILD, EXCHANGE_SERVER
from auditor.config import Ask, Configuration, build_settings, password_of, shell_settings
from auditor.engine.assess import Judgement
from auditor.engine.material import Progress
from auditor.errors import InputRefused, SourceError
from auditor.evidence.bundle import BundleWriter, Header
from auditor.evidence.bundle_output import new_bundle, resumed_bundle
from auditor.evidence.ledger import LedgerLine, not_requested
from auditor.evidence.servers import OnpremExchangeServer
from auditor.evidence.tables import COLLECTED
from auditor.run import assess_evidence, utc_now, write_report
from auditor.sources.clixml import PsObject
from auditor.sources.exchange_shell import ExchangeShell
from auditor.sources.windows_shell import read_exsetup
from auditor.yaml_file import closest

TABLES = tuple(model.table for model in COLLECTED)


@dataclass(frozen=True)
class Permission:
    """What one command is asked for, with which right; `tables` are not assessed without it."""

    tables: tuple[str, ...]
    source: str
    command: str
    right: str


@dataclass(frozen=True)
class Wish:
    """How to collect: these tables alone (none named: all), and whether to go on or to replace."""

    only: Sequence[str] = ()
    resume: bool = False
    force: bool = False


@dataclass(frozen=True)
class Checked:
    """One thing that was tried: None as `problem` if it works, else what is missing and why."""

    what: str
    problem: str | None


def permissions(configuration: Configuration) -> tuple[Permission, ...]:
    """What will be read, by which command, with which rights; nothing is contacted."""
    exchange = configuration.exchange
    return tuple(
        Permission(
            tuple(model.table for model in collector.tables),
            "each Exchange server" if collector is EXCHANGE_BUILD else exchange.server,
            _command(collector),
            collector.permission,
        )
        for collector in EXCHANGE_COLLECTORS
        if configuration.builds.read or collector is not EXCHANGE_BUILD
    )


def _command(collector: ExchangeCollector) -> str:
    parameters = (f"-{name} {value}" for name, value in collector.parameters.items())
    return " ".join([" or ".join(collector.cmdlets), *parameters])


@contextmanager
def live_exchange(configuration: Configuration, ask: Ask) -> Iterator[LiveExchange]:
    """The configured Exchange, signed in to; raises SourceError or InputRefused if it is not."""
    password = password_of(configuration.exchange, ask)
    once = _asked_once(password) if password else None
    read_build = _read_build(configuration, once) if configuration.builds.read else None
    with ExchangeShell(shell_settings(configuration.exchange), once) as shell:
        yield LiveExchange(shell, read_build)


def _asked_once(password: Callable[[], str]) -> Callable[[], str]:
    """One question for all connections; the answer lives as long as this function."""
    kept: list[str] = []

    def ask() -> str:
        if not kept:
            kept.append(password())
        return kept[0]

    return ask


def _read_build(configuration: Configuration, password: Callable[[], str] | None) -> ReadBuild:
    def read(server: str, full_name: str) -> PsObject:
        return read_exsetup(build_settings(configuration, full_name), password, server)

    return read


def check(configuration: Configuration, ask: Ask) -> Iterator[Checked]:
    """Try every command on the live source, one object each; say what will be missing."""
    exchange = configuration.exchange
    try:
        with live_exchange(configuration, ask) as source:
            yield Checked(f"{exchange.server}: signed in", None)
            servers: dict[str, str] = {}
            for collector in EXCHANGE_COLLECTORS:
                if not collector.per_server:
                    yield _checked(source, collector, servers)
            yield from _checked_per_server(source, servers)
    except SourceError as refusal:
        yield Checked(exchange.server, str(refusal))


def _checked(
    source: LiveExchange, collector: ExchangeCollector, servers: dict[str, str]
) -> Checked:
    parameters = dict(collector.parameters)
    only_one = collector is not EXCHANGE_SERVER
    if "ResultSize" in parameters:
        parameters["ResultSize"] = "1"
    what, seen = collector.cmdlets[0], 0
    try:
        for found in answers(source.shell, collector, parameters):
            rows, seen = rows_of(collector, found), seen + 1
            if isinstance(rows[0], OnpremExchangeServer) and not rows[0].is_edge_server:
                servers[rows[0].name] = rows[0].fqdn or rows[0].name
            if only_one:
                break
    except SourceError as problem:
        # One object of many was asked for: that there are more is no trouble.
        return Checked(what, None if seen and only_one else str(problem))
    return Checked(what, None)


def _checked_per_server(source: LiveExchange, servers: dict[str, str]) -> Iterator[Checked]:
    for server, full_name in servers.items():
        for collector in EXCHANGE_COLLECTORS:
            if collector is EXCHANGE_BUILD:
                if source.read_build is not None:
                    yield _checked_build(source.read_build, server, full_name)
            elif collector.per_server:
                what = f"{collector.cmdlets[0]} -Server {server}"
                try:
                    next(answers(source.shell, collector, {"Server": server}), None)
                except SourceError as problem:
                    yield Checked(what, str(problem))
                else:
                    yield Checked(what, None)


def _checked_build(read_build: ReadBuild, server: str, full_name: str) -> Checked:
    what = f"version of ExSetup.exe on {server}"
    try:
        read_build(server, full_name)
    except SourceError as problem:
        return Checked(what, str(problem))
    return Checked(what, None)


def collect(
    configuration: Configuration,
    target: Path,
    wish: Wish,
    ask: Ask,
    progress: Progress,
) -> tuple[LedgerLine, ...]:
    """Read the configured sources into a sealed bundle of evidence at `target`.

    When resuming, the tables that an interrupted run finished are kept. Raises SourceError when
    nobody can be signed in to, InputRefused for words that cannot be used; what a source fails to
    say later becomes a ledger line.
    """
    wish = replace(wish, only=wish.only or configuration.only)
    with live_exchange(configuration, ask) as source:
        return collect_from(source, target, configuration.organization, wish, progress)


def collect_from(
    source: LiveExchange, target: Path, title: str, wish: Wish, progress: Progress
) -> tuple[LedgerLine, ...]:
    """Read an open source into a sealed bundle of evidence at `target`, see `collect`."""
    wanted = _wanted(wish.only)
    if wish.resume:
        with resumed_bundle(target, COLLECTED, wish.force) as (writer, complete):
            left = [table for table in wanted if table not in complete]
            return _fill(source, writer, left, progress)
    header = Header(
        format_version=1,
        kind="evidence",
        tool_version=__version__,
        title=title,
        created_at=utc_now(),
        details={},
    )
    with new_bundle(target, header, wish.force) as writer:
        lines = _fill(source, writer, wanted, progress)
        for table in TABLES:
            if table not in wanted:
                writer.record(not_requested(table, "Left out by --only or by the configuration."))
        return lines


def _wanted(only: Collection[str]) -> tuple[str, ...]:
    for table in only:
        if table not in TABLES:
            raise InputRefused(f"there is no table {table!r} to collect{closest(table, TABLES)}")
    return tuple(table for table in TABLES if not only or table in only)


def _fill(
    source: LiveExchange, writer: BundleWriter, tables: Sequence[str], progress: Progress
) -> tuple[LedgerLine, ...]:
    return collect_exchange(source, writer, tables, now=utc_now, progress=progress)


@dataclass(frozen=True)
class Made:
    """What a whole run made: the ledger, the judgement, and the report."""

    ledger: tuple[LedgerLine, ...]
    judgement: Judgement
    report: Path


def run(configuration: Configuration, folder: Path, ask: Ask, progress: Progress) -> Made:
    """Collect, assess and report into an empty or new folder.

    Raises InputRefused for a folder that holds something, and what `collect` raises.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputRefused(f"{folder}: is not empty; name another folder with --out")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    evidence, assessment = folder / "evidence.zip", folder / "assessment.zip"
    ledger = collect(configuration, evidence, Wish(), ask, progress)
    judgement = assess_evidence(
        evidence,
        assessment,
        packs=(),
        waivers=None,
        as_of=utc_now().date(),
        force=False,
        progress=progress,
    )
    report = folder / "report.html"
    write_report(assessment, report, "html", force=False)
    return Made(ledger, judgement, report)
