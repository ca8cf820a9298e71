"""Collecting from Exchange Online over its admin endpoint: a ledger line after each table.

Which cmdlets the sign-in may run is asked first, and one that is not among them is not tried. What
Exchange Online refuses or fails to say becomes a ledger line, and the next cmdlet is asked. Only
two cmdlets in a row that reach nobody end the collection. No cmdlet is asked mailbox by mailbox:
one call takes a second or more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from auditor.collectors.asking import SILENT, attempt, recorded, take
from auditor.collectors.contract import ExchangeCollector
from auditor.collectors.exo_registry import EXCHANGE_ONLINE_COLLECTORS
from auditor.collectors.quoting import shortened
from auditor.collectors.runner import rows_of
from auditor.collectors.tally import Tally
from auditor.errors import SourceError, SourceUnreachable
from auditor.evidence.bundle import BundleWriter
from auditor.evidence.ledger import LedgerLine, state_of
from auditor.sources.exchange_online import ExchangeOnline

PROVIDER = "Exchange Online"
APPLICATION_PERMISSION = "Exchange.ManageAsApp"
"""What an application needs beside the directory role; an account needs the role alone."""


@dataclass(frozen=True)
class OnlineCheck:
    """One cmdlet that was tried: None as `problem` if it works, else what is missing and why.

    `tables` are those that stay empty without it.
    """

    cmdlet: str
    tables: tuple[str, ...]
    problem: str | None


@dataclass(frozen=True)
class _Granted:
    """The cmdlets that the sign-in may run, None where that is not known; or why it failed."""

    cmdlets: frozenset[str] | None
    refusal: SourceError | None = None

    def lacks(self, collector: ExchangeCollector) -> bool:
        return self.cmdlets is not None and collector.cmdlets[0] not in self.cmdlets


def collect_exchange_online(  # noqa: PLR0913 - a source, its account, and what of it
    source: ExchangeOnline,
    writer: BundleWriter,
    tables: Collection[str],
    *,
    account: str | None = None,
    now: Callable[[], datetime],
    progress: Callable[[str, int], None],
) -> tuple[LedgerLine, ...]:
    """Fill these tables, as far as a collector knows them; returns a ledger line for each.

    `account`: who signed in, if known. `progress` hears a cmdlet and how many objects came so far.
    """
    chosen = [each for each in EXCHANGE_ONLINE_COLLECTORS if _tables(each) & set(tables)]
    granted = _granted(source) if chosen else _Granted(None)
    lines: list[LedgerLine] = []
    silent = 0
    for collector in chosen:
        tally = _tally(collector, source, frozenset(tables), account)
        if granted.refusal is not None:
            tally.wrong(state_of(granted.refusal.cause), str(granted.refusal))
        elif silent >= SILENT:
            tally.wrong("unreachable", _stopped(source))
        elif granted.lacks(collector):
            tally.wrong("access_denied", _not_granted(collector))
        else:
            fill = partial(_fill, source, tally, writer, progress)
            silent = silent + 1 if attempt(tally, now, fill) else 0
        lines += recorded(tally, tables, writer)
    return tuple(lines)


def check_exchange_online(source: ExchangeOnline) -> Iterator[OnlineCheck]:
    """Ask every cmdlet for one object, and say what will be missing."""
    granted = _granted(source)
    silent = 0
    for collector in EXCHANGE_ONLINE_COLLECTORS:
        problem: str | None
        if granted.refusal is not None:
            problem = str(granted.refusal)
        elif silent >= SILENT:
            problem = _stopped(source)
        elif granted.lacks(collector):
            problem = _not_granted(collector)
        else:
            stop = _tried(source, collector)
            silent = silent + 1 if isinstance(stop, SourceUnreachable) else 0
            problem = None if stop is None else str(stop)
        yield OnlineCheck(collector.cmdlets[0], tuple(sorted(_tables(collector))), problem)


def right(collector: ExchangeCollector) -> str:
    """The least rights that a collector is known to work with, for an account or an application."""
    return (
        f"the directory role {collector.permission}; an application needs {APPLICATION_PERMISSION} "
        "with admin consent as well"
    )


def _granted(source: ExchangeOnline) -> _Granted:
    try:
        return _Granted(source.readable_cmdlets())
    except SourceError as refusal:
        return _Granted(None, refusal)


def _tables(collector: ExchangeCollector) -> set[str]:
    return {model.table for model in collector.tables}


def _tally(
    collector: ExchangeCollector,
    source: ExchangeOnline,
    wanted: frozenset[str],
    account: str | None,
) -> Tally:
    return Tally(
        collector,
        wanted=wanted,
        provider=PROVIDER,
        server=source.host,
        account=account,
        filters=" ".join(f"{name}={value}" for name, value in collector.parameters.items()) or None,
    )


def _fill(
    source: ExchangeOnline,
    tally: Tally,
    writer: BundleWriter,
    progress: Callable[[str, int], None],
) -> None:
    collector = tally.collector
    for found in source.stream(collector.cmdlets[0], collector.parameters):
        take(tally, found, writer, progress)
    # a warning that objects were left out is an error of the source
    tally.notes += [f"{tally.command} warned: {shortened(said)}" for said in source.warnings]


def _tried(source: ExchangeOnline, collector: ExchangeCollector) -> SourceError | None:
    asked = {**collector.parameters, **({"ResultSize": "1"} if collector.parameters else {})}
    try:
        for found in source.stream(collector.cmdlets[0], asked):
            rows_of(collector, found)
            break  # that there are more is no trouble
    except SourceError as stop:
        return stop
    return None


def _stopped(source: ExchangeOnline) -> str:
    return f"{source.host} stopped answering."


def _not_granted(collector: ExchangeCollector) -> str:
    return (
        f"{collector.cmdlets[0]} is not among the cmdlets that Exchange Online lets this sign-in "
        f"run: it needs {right(collector)}."
    )
