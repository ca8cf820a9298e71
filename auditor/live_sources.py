"""The live sources of a configuration, signed in to: Exchange, the directory and the tenant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from auditor.collectors.live import LiveExchange, ReadBuild
from auditor.config import (
    Configuration,
    Exchange,
    build_settings,
    directory_settings,
    password_of,
    shell_settings,
)
from auditor.config_parts import Ask, Person
from auditor.errors import SourceError
from auditor.live_cloud import LiveCloud, live_cloud
from auditor.sources.clixml import PsObject
from auditor.sources.directory_forest import Forest
from auditor.sources.exchange_shell import ExchangeShell
from auditor.sources.windows_shell import read_exsetup

Opened = TypeVar("Opened")


@dataclass(frozen=True)
class LiveSources:
    """What is open. `providers` names the source of single tables; others come from the directory
    where it provides them whole, else from Exchange.

    A refusal says why a source is not open although it is configured.
    """

    exchange: LiveExchange | None
    forest: Forest | None = None
    providers: Mapping[str, str] = field(default_factory=dict)
    directory_refusal: SourceError | None = None
    cloud: LiveCloud | None = None
    exchange_refusal: SourceError | None = None


@contextmanager
def live_sources(configuration: Configuration, person: Person) -> Iterator[LiveSources]:
    """Everything the configuration names, signed in to.

    A source that refuses, or does not answer, is left out as long as another one is there: a person
    hears of it at once, and its tables say why. Raises SourceError where none is there, and
    InputRefused for a configuration that cannot work. A tenant keeps its refusals for its tables.
    """
    with ExitStack() as stack:
        exchange: LiveExchange | SourceError | None = None
        if configuration.exchange is not None:
            live = live_exchange(configuration, configuration.exchange, person.ask)
            exchange = _opened(lambda: stack.enter_context(live))
        forest: Forest | SourceError | None = None
        if configuration.directory is not None:
            settings = directory_settings(configuration.directory, person.ask)
            forest = _opened(lambda: stack.enter_context(Forest(settings)))
        on_site = {"Exchange": exchange, "the directory": forest}
        refusals = {n: each for n, each in on_site.items() if isinstance(each, SourceError)}
        nobody = not isinstance(exchange, LiveExchange) and not isinstance(forest, Forest)
        if refusals and nobody and configuration.cloud is None:
            raise all_of(tuple(refusals.values()))
        for name, refusal in refusals.items():
            person.show(f"Going on without {name}: {refusal}")
        cloud = None
        if configuration.cloud is not None:
            cloud = stack.enter_context(live_cloud(configuration.cloud, person))
        yield LiveSources(
            None if isinstance(exchange, SourceError) else exchange,
            None if isinstance(forest, SourceError) else forest,
            configuration.providers,
            forest if isinstance(forest, SourceError) else None,
            cloud,
            exchange if isinstance(exchange, SourceError) else None,
        )


def _opened(enter: Callable[[], Opened]) -> Opened | SourceError:
    try:
        return enter()
    except SourceError as refusal:
        return refusal


def all_of(refusals: Sequence[SourceError]) -> SourceError:
    """Several refusals as one, a line for each; of the first one's kind."""
    return type(refusals[0])("\n".join(dict.fromkeys(map(str, refusals))))


@contextmanager
def live_exchange(
    configuration: Configuration, exchange: Exchange, ask: Ask
) -> Iterator[LiveExchange]:
    """The configured Exchange, signed in to; raises SourceError or InputRefused if it is not."""
    password = password_of(exchange, ask)
    once = _asked_once(password) if password else None
    read_build = _read_build(configuration, exchange, once) if configuration.builds.read else None
    settings = shell_settings(exchange)

    def open_shell() -> ExchangeShell:
        return ExchangeShell(settings, once)

    with open_shell() as shell:
        yield LiveExchange(
            shell,
            read_build,
            open_shell=None if exchange.per_mailbox == "none" else open_shell,
            parallel=exchange.parallel,
            planned=None if exchange.per_mailbox == "all" else (),
        )


def _asked_once(password: Callable[[], str]) -> Callable[[], str]:
    """One question for all connections; the answer lives as long as this function."""
    kept: list[str] = []

    def ask() -> str:
        if not kept:
            kept.append(password())
        return kept[0]

    return ask


def _read_build(
    configuration: Configuration, exchange: Exchange, password: Callable[[], str] | None
) -> ReadBuild:
    def read(server: str, full_name: str) -> PsObject:
        return read_exsetup(
            build_settings(exchange, configuration.builds, full_name), password, server
        )

    return read
