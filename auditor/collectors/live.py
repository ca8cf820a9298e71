"""Collecting from a live Exchange: one command after the other, a ledger line after each table.

What a server refuses or fails to say becomes a ledger line, and the next command is asked. Only
two commands in a row that reach nobody end the collection, with a line for everything left.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from auditor.collectors.asking import SILENT, attempt, recorded, take
from auditor.collectors.contract import ExchangeCollector
from auditor.collectors.live_mailboxes import MailboxAnswer, OpenShell, ask_mailboxes
from auditor.collectors.per_mailbox import MAILBOX_STATISTICS, refused_statistics
from auditor.collectors.recipients import MAILBOX
from auditor.collectors.registry import EXCHANGE_COLLECTORS
from auditor.collectors.servers import EXCHANGE_BUILD, EXCHANGE_SERVER, refused_build
from auditor.collectors.tally import Tally
from auditor.errors import CommandUnsupported, SourceError, SourceUnreachable
from auditor.evidence.base import Evidence
from auditor.evidence.bundle import BundleWriter
from auditor.evidence.ledger import LedgerLine, state_of
from auditor.evidence.recipients import OnpremMailbox, OnpremMailboxAddress
from auditor.evidence.servers import OnpremExchangeServer
from auditor.sources.clixml import PsObject
from auditor.sources.exchange_shell import ExchangeShell

PROVIDER = "PowerShell remoting"
OPTIONAL_PARAMETERS = frozenset({"IgnoreDefaultScope"})
"""Parameters that a server may not know or an account may not use; without them it is partial."""

OF_THE_PLAN = "mailboxes of the plan"
"""The end of the filters of a table for which these alone were asked."""

ReadBuild = Callable[[str, str], PsObject]
"""Version of ExSetup.exe on a server, by its name and its full name; raises SourceError."""


@dataclass(frozen=True)
class LiveExchange:
    """An open shell, and how to read the build of one server; None when nobody wants builds.

    `open_shell` opens one more shell on the same server, at most `parallel` at a time, for the
    commands that are asked mailbox by mailbox; None when nobody wants those. `planned`: addresses
    in lower case of the mailboxes they are asked for; None means all of them.
    """

    shell: ExchangeShell
    read_build: ReadBuild | None
    open_shell: OpenShell | None = None
    parallel: int = 1
    planned: Collection[str] | None = ()


@dataclass
class _Run:
    source: LiveExchange
    writer: BundleWriter
    now: Callable[[], datetime]
    progress: Callable[[str, int], None]
    servers: dict[str, str] = field(default_factory=dict)
    servers_known: bool = False
    mailboxes: list[str] = field(default_factory=list)
    mailboxes_known: bool = False


def collect_exchange(
    source: LiveExchange,
    writer: BundleWriter,
    tables: Collection[str],
    *,
    now: Callable[[], datetime],
    progress: Callable[[str, int], None],
) -> tuple[LedgerLine, ...]:
    """Fill these tables, as far as a collector knows them; returns a ledger line for each.

    `progress` hears a command and how many objects came so far.
    """
    run = _Run(source, writer, now, progress)
    lines: list[LedgerLine] = []
    one_by_one: list[Tally] = []
    silent = 0
    for collector in _chosen(tables):
        wanted = frozenset(model.table for model in collector.tables) & frozenset(tables)
        tally = _tally(collector, source.shell, wanted)
        if silent >= SILENT:
            tally.wrong("unreachable", f"{source.shell.server_name} stopped answering.")
        elif collector.per_mailbox:
            one_by_one.append(tally)
            continue
        else:
            silent = silent + 1 if _collect(run, tally) else 0
        lines += recorded(tally, wanted, writer)
    _collect_one_by_one(run, one_by_one)
    for tally in one_by_one:
        lines += recorded(tally, tables, writer)
    return tuple(lines)


def _chosen(tables: Collection[str]) -> Iterator[ExchangeCollector]:
    """The collectors of these tables, and those that say which servers or mailboxes to ask."""
    chosen = [
        collector
        for collector in EXCHANGE_COLLECTORS
        if {model.table for model in collector.tables} & set(tables)
    ]
    if any(collector.per_server for collector in chosen) and EXCHANGE_SERVER not in chosen:
        yield EXCHANGE_SERVER
    if any(collector.per_mailbox for collector in chosen) and MAILBOX not in chosen:
        yield MAILBOX
    yield from chosen


def _tally(collector: ExchangeCollector, shell: ExchangeShell, wanted: frozenset[str]) -> Tally:
    return Tally(
        collector,
        wanted=wanted,
        provider=PROVIDER,
        server=shell.server_name,
        account=shell.settings.username or "the Kerberos ticket at hand",
        filters=" ".join(f"{name}={value}" for name, value in collector.parameters.items()) or None,
    )


def _collect(run: _Run, tally: Tally) -> bool:
    """Ask one command; True if nobody answered."""
    unreachable = attempt(tally, run.now, partial(_fill, run, tally))
    if tally.collector is EXCHANGE_SERVER:
        run.servers_known = not tally.problems
    if tally.collector is MAILBOX:
        run.mailboxes_known = not tally.problems
    return unreachable


def _fill(run: _Run, tally: Tally) -> None:
    if tally.collector is EXCHANGE_BUILD:
        _collect_builds(run, tally)
    elif tally.collector.per_server:
        _collect_per_server(run, tally)
    else:
        for found in answers(run.source.shell, tally.collector, tally.collector.parameters):
            _take(run, tally, found)
        for note in run.source.shell.notes:
            # Without IgnoreDefaultScope a command sees the domain of its session alone.
            tally.wrong("partial", f"{note} Recipients of other domains may be missing.")


def answers(
    shell: ExchangeShell, collector: ExchangeCollector, parameters: Mapping[str, str | bool]
) -> Iterator[PsObject]:
    """Objects of a collector's command, or of its older alternative where there is no such one."""
    *newer, last = collector.cmdlets
    for cmdlet in newer:
        try:
            yield from shell.stream(cmdlet, parameters, optional=OPTIONAL_PARAMETERS)
        except CommandUnsupported:
            continue
        return
    yield from shell.stream(last, parameters, optional=OPTIONAL_PARAMETERS)


def _take(run: _Run, tally: Tally, found: PsObject) -> None:
    take(tally, found, run.writer, run.progress, partial(_note, run))


def _note(run: _Run, rows: list[Evidence]) -> None:
    """Remember which servers and which mailboxes are to be asked later."""
    first = rows[0]
    if isinstance(first, OnpremExchangeServer) and not first.is_edge_server:
        run.servers[first.name] = first.fqdn or first.name
    if isinstance(first, OnpremMailbox) and run.source.open_shell is not None:
        addresses = {row.address.lower() for row in rows if isinstance(row, OnpremMailboxAddress)}
        if run.source.planned is None or not addresses.isdisjoint(run.source.planned):
            run.mailboxes.append(first.guid)


def _collect_per_server(run: _Run, tally: Tally) -> None:
    _need_servers(run, tally)
    for server in run.servers:
        try:
            for found in answers(run.source.shell, tally.collector, {"Server": server}):
                of_server = {**found, "Server": server}
                _take(run, tally, PsObject(of_server, found.types, found.text, found.place))
        except SourceUnreachable:
            raise
        except SourceError as refusal:
            tally.wrong(state_of(refusal.cause), str(refusal))


def _collect_builds(run: _Run, tally: Tally) -> None:
    read_build = run.source.read_build
    if read_build is None:
        tally.wrong("not_requested", "The configuration says builds: read: false.")
        return
    _need_servers(run, tally)
    for number, (server, fqdn) in enumerate(run.servers.items(), start=1):
        try:
            _take(run, tally, read_build(server, fqdn))
        except SourceError as refusal:
            tally.add([refused_build(server, str(refusal))], run.writer, server)
            tally.notes.append(f"Not measured: {server} ({refusal}).")
        run.progress(tally.command, number)


def _need_servers(run: _Run, tally: Tally) -> None:
    if not run.servers_known:
        tally.wrong(
            "partial",
            f"Which servers there are is not known for certain: {EXCHANGE_SERVER.cmdlets[0]} did"
            " not end well.",
        )


def _collect_one_by_one(run: _Run, tallies: list[Tally]) -> None:
    """Ask these commands for each mailbox in scope, several shells at once."""
    if not tallies:
        return
    by_collector = {tally.collector.cmdlets: tally for tally in tallies}
    for tally in tallies:
        tally.started_at = run.now()
        _scope(run, tally)
    started, total = run.now(), len(run.mailboxes) * len(tallies)
    if run.source.open_shell is not None and total:
        collectors = [tally.collector for tally in tallies]
        asked = ask_mailboxes(run.source.open_shell, collectors, run.mailboxes, run.source.parallel)
        try:
            for done, answer in enumerate(asked, start=1):
                _take_answer(run, by_collector[answer.collector.cmdlets], answer)
                run.progress(_remaining(started, run.now(), done, total), done)
        except SourceError as stop:
            for tally in tallies:
                tally.wrong("partial", f"Not every mailbox was asked: {stop}")
    for tally in tallies:
        tally.ended_at = run.now()


def _scope(run: _Run, tally: Tally) -> None:
    if run.source.open_shell is None:
        tally.wrong("not_requested", "The configuration says per_mailbox: none.")
    elif run.source.planned is not None and not run.source.planned:
        tally.wrong(
            "not_requested",
            "It is asked for planned mailboxes alone, and there is no plan: name one, or set"
            " per_mailbox: all.",
        )
    elif not run.mailboxes_known:
        tally.wrong("partial", f"{MAILBOX.cmdlets[0]} did not end well: mailboxes may be missing.")
    if run.source.planned is not None:
        tally.filters = f"the {len(run.mailboxes)} {OF_THE_PLAN}"


def _take_answer(run: _Run, tally: Tally, answer: MailboxAnswer) -> None:
    for found in answer.objects:
        _take(run, tally, found)
    if tally.collector is MAILBOX_STATISTICS and not answer.objects:
        reason = str(answer.refusal or "the command gave nothing and did not say why")
        tally.add(
            [refused_statistics(answer.mailbox_guid, reason)], run.writer, answer.mailbox_guid
        )
    elif answer.refusal is not None:
        tally.wrong("partial", f"{answer.mailbox_guid}: {answer.refusal}")


def _remaining(started: datetime, now: datetime, done: int, total: int) -> str:
    seconds = (now - started).total_seconds() / done * (total - done)
    return f"mailbox by mailbox (of {total:,}, about {max(1, round(seconds / 60))} min left)"
