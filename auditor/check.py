"""What would be read, and what can be read: the verbs before collecting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from auditor.check_cloud import checked_cloud, cloud_permissions
from auditor.checked import Checked, Permission
from auditor.collectors.contract import ExchangeCollector
from auditor.collectors.directory import check_directory
from auditor.collectors.directory_registry import DIRECTORY_COLLECTORS
from auditor.collectors.live import LiveExchange, answers
from auditor.collectors.registry import EXCHANGE_COLLECTORS
from auditor.collectors.runner import rows_of
from auditor.collectors.servers import EXCHANGE_BUILD, EXCHANGE_SERVER
from auditor.config import Configuration
from auditor.config_parts import Person
from auditor.errors import SourceError
from auditor.evidence.recipients import OnpremMailbox
from auditor.evidence.servers import OnpremExchangeServer
from auditor.live_sources import live_sources
from auditor.run import utc_now
from auditor.sources.directory_forest import Forest


def permissions(configuration: Configuration) -> tuple[Permission, ...]:
    """What will be read, by which command, with which rights; nothing is contacted."""
    found: list[Permission] = []
    if configuration.directory is not None:
        found += [
            Permission(
                tuple(model.table for model in collector.tables),
                configuration.directory.host,
                f"search for {collector.name}",
                collector.permission,
            )
            for collector in DIRECTORY_COLLECTORS
        ]
    exchange = configuration.exchange
    for collector in EXCHANGE_COLLECTORS if exchange is not None else ():
        if exchange is None or (collector is EXCHANGE_BUILD and not configuration.builds.read):
            continue
        if collector.per_mailbox and exchange.per_mailbox == "none":
            continue
        found.append(
            Permission(
                tuple(model.table for model in collector.tables),
                "each Exchange server" if collector is EXCHANGE_BUILD else exchange.server,
                collector.asked,
                collector.permission,
            )
        )
    if configuration.cloud is not None:
        found += cloud_permissions(configuration.cloud)
    return tuple(found)


def check(configuration: Configuration, person: Person) -> Iterator[Checked]:
    """Try everything on the live sources, an object or a few each; say what will be missing."""
    sources = ("directory", "exchange", "cloud")
    for source in sources:
        if getattr(configuration, source) is not None:
            others = {other: None for other in sources if other != source}
            yield from _checked_alone(configuration.model_copy(update=others), source, person)


def _checked_alone(alone: Configuration, source: str, person: Person) -> Iterator[Checked]:
    """One source by itself, so that one out of reach hides nothing of the others."""
    try:
        with live_sources(alone, person) as sources:
            if sources.forest is not None:
                yield from _checked_directory(sources.forest)
            if sources.exchange is not None:
                yield from _checked_exchange(sources.exchange)
            if sources.cloud is not None:
                yield from checked_cloud(sources.cloud)
    except SourceError as refusal:
        yield Checked(f"sign-in to {source}", str(refusal))


def _checked_directory(forest: Forest) -> Iterator[Checked]:
    yield Checked(f"{forest.configuration.server}: signed in", None)
    account = forest.configuration.account
    for table in check_directory(forest, now=utc_now):
        cures = "".join(f"\n{grant.command(account)}" for grant in table.grants)
        problem = None if table.state == "complete" and not cures else table.detail + cures
        yield Checked(table.table, problem)


def _checked_exchange(source: LiveExchange) -> Iterator[Checked]:
    yield Checked(f"{source.shell.server_name}: signed in", None)
    seen = _Seen()
    for collector in EXCHANGE_COLLECTORS:
        if not (collector.per_server or collector.per_mailbox):
            yield _checked(source, collector, seen)
    yield from _checked_per_server(source, seen.servers)
    if source.open_shell is not None and seen.mailbox is not None:
        yield from _checked_per_mailbox(source, seen.mailbox)


@dataclass
class _Seen:
    servers: dict[str, str] = field(default_factory=dict)
    mailbox: str | None = None


def _checked(source: LiveExchange, collector: ExchangeCollector, seen: _Seen) -> Checked:
    parameters = dict(collector.parameters)
    only_one = collector is not EXCHANGE_SERVER
    if "ResultSize" in parameters:
        parameters["ResultSize"] = "1"
    what, count = collector.cmdlets[0], 0
    try:
        for found in answers(source.shell, collector, parameters):
            row, count = rows_of(collector, found)[0], count + 1
            if isinstance(row, OnpremExchangeServer) and not row.is_edge_server:
                seen.servers[row.name] = row.fqdn or row.name
            if isinstance(row, OnpremMailbox):
                seen.mailbox = row.guid
            if only_one:
                break
    except SourceError as problem:
        # One object of many was asked for: that there are more is no trouble.
        return Checked(what, None if count and only_one else str(problem))
    return Checked(what, None)


def _checked_per_mailbox(source: LiveExchange, mailbox_guid: str) -> Iterator[Checked]:
    """Each command of one mailbox, for the first mailbox there is."""
    for collector in EXCHANGE_COLLECTORS:
        if collector.per_mailbox:
            what = f"{collector.cmdlets[0]} -{collector.per_mailbox}"
            asked = answers(source.shell, collector, {collector.per_mailbox: mailbox_guid})
            yield _tried(what, partial(next, asked, None))


def _checked_per_server(source: LiveExchange, servers: dict[str, str]) -> Iterator[Checked]:
    read_build = source.read_build
    for server, full_name in servers.items():
        for collector in EXCHANGE_COLLECTORS:
            if collector is EXCHANGE_BUILD:
                if read_build is not None:
                    what = f"version of ExSetup.exe on {server}"
                    yield _tried(what, partial(read_build, server, full_name))
            elif collector.per_server:
                asked = answers(source.shell, collector, {"Server": server})
                what = f"{collector.cmdlets[0]} -Server {server}"
                yield _tried(what, partial(next, asked, None))


def _tried(what: str, attempt: Callable[[], object]) -> Checked:
    try:
        attempt()
    except SourceError as problem:
        return Checked(what, str(problem))
    return Checked(what, None)
