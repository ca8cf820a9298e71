"""The live sources of a configuration, signed in to: Exchange, the directory and the tenant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

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


@dataclass(frozen=True)
class LiveSources:
    """What is open. `providers` names the source of single tables; others come from the directory
    where it provides them whole, else from Exchange.

    `directory_refusal` says why the directory is not open although it is configured.
    """

    exchange: LiveExchange | None
    forest: Forest | None = None
    providers: Mapping[str, str] = field(default_factory=dict)
    directory_refusal: SourceError | None = None
    cloud: LiveCloud | None = None


@contextmanager
def live_sources(configuration: Configuration, person: Person) -> Iterator[LiveSources]:
    """Everything the configuration names, signed in to.

    Raises SourceError or InputRefused where that does not work. The directory may fail if Exchange
    is there, which can fill its tables too; a tenant that refuses says so in its tables.
    """
    with ExitStack() as stack:
        exchange = None
        if configuration.exchange is not None:
            exchange = stack.enter_context(
                live_exchange(configuration, configuration.exchange, person.ask)
            )
        forest, refusal = None, None
        if configuration.directory is not None:
            settings = directory_settings(configuration.directory, person.ask)
            try:
                forest = stack.enter_context(Forest(settings))
            except SourceError as error:
                if exchange is None:
                    raise
                refusal = error
        cloud = None
        if configuration.cloud is not None:
            cloud = stack.enter_context(live_cloud(configuration.cloud, person))
        yield LiveSources(exchange, forest, configuration.providers, refusal, cloud)


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
