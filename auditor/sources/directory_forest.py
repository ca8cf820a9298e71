"""A forest: the configuration that all its domain controllers share, and a server for each domain.

Recipients lie in the domains, and a server holds its own domain alone. Servers of other domains
are found in the configuration; they get the same verified TLS and the same account.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import TracebackType
from typing import Self

from auditor.errors import SourceError, SourceUnreachable, UnexpectedAnswer
from auditor.sources.directory import Directory, DirectorySettings

_DOMAIN_FLAG = 2
"""FLAG_CR_NTDS_DOMAIN of systemFlags ([MS-ADTS] 2.2.10): the partition is a domain."""

_SERVERS_TRIED = 3


@dataclass(frozen=True)
class Domain:
    """A domain of the forest."""

    dn: str
    dns_name: str
    netbios_name: str


class Forest:
    """Connections to a forest; use it as a context manager. Opening raises as Directory does."""

    def __init__(self, settings: DirectorySettings) -> None:
        self._settings = settings
        self.configuration = Directory(settings)
        self._directories = {
            self.configuration.root_dse.default_naming_context.lower(): self.configuration
        }

    @cached_property
    def domains(self) -> Sequence[Domain]:
        """Every domain of the forest, by name.

        Raises UnexpectedAnswer where not even the server's own domain is listed.
        """
        root = self.configuration.root_dse
        found = []
        for entry in self.configuration.search(
            f"CN=Partitions,{root.configuration}",
            "(objectClass=crossRef)",
            ("nCName", "dnsRoot", "nETBIOSName", "systemFlags"),
            "level",
        ):
            values = {name: each[0].decode() for name, each in entry.attributes.items() if each}
            flags = values.get("systemFlags", "0")
            if flags.lstrip("-").isdigit() and int(flags) & _DOMAIN_FLAG and "nCName" in values:
                dns_name = values.get("dnsRoot", "").lower()
                found.append(Domain(values["nCName"], dns_name, values.get("nETBIOSName", "")))
        own = root.default_naming_context.lower()
        if own not in {domain.dn.lower() for domain in found}:
            raise UnexpectedAnswer(
                f"{self.configuration.server} lists the domains of the forest without its own "
                f"({root.default_naming_context}): let the account read CN=Partitions of the "
                "configuration."
            )
        return sorted(found, key=lambda domain: (domain.dn.lower() != own, domain.dns_name))

    def directory_of(self, domain: Domain) -> Directory:
        """A connection to a server of the domain, opened once.

        Raises what the last of up to three servers raised, SourceUnreachable where none is known.
        """
        known = self._directories.get(domain.dn.lower())
        if known is not None:
            return known
        failure: SourceError = SourceUnreachable(
            f"No domain controller of {domain.dns_name} is known: name one for it under "
            "domain_controllers."
        )
        for server in self._servers_of(domain)[:_SERVERS_TRIED]:
            try:
                opened = Directory(_addressed(self._settings, server))
            except SourceError as error:
                failure = error
                continue
            if opened.root_dse.default_naming_context.lower() == domain.dn.lower():
                self._directories[domain.dn.lower()] = opened
                return opened
            opened.close()
            failure = UnexpectedAnswer(
                f"{server} serves {opened.root_dse.default_naming_context}, not {domain.dn}: name "
                f"a domain controller of {domain.dns_name} under domain_controllers."
            )
        raise failure

    def close(self) -> None:
        """Sign off everywhere."""
        for directory in self._directories.values():
            directory.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _servers_of(self, domain: Domain) -> list[str]:
        for name, server in self._settings.domain_controllers.items():
            if name.lower() == domain.dns_name:
                return [server]
        sites = f"CN=Sites,{self.configuration.root_dse.configuration}"
        held = ("hasMasterNCs", "msDS-hasMasterNCs")
        names = []
        for entry in self.configuration.search(sites, "(objectClass=nTDSDSA)", held):
            contexts = {
                value.decode().lower() for name in held for value in entry.attributes.get(name, ())
            }
            if domain.dn.lower() in contexts:
                names.append(entry.dn.partition(",")[2])
        found = (self.configuration.read(name, ("dNSHostName",)) for name in sorted(names))
        return [
            value.decode()
            for entry in found
            if entry is not None
            for value in entry.attributes.get("dNSHostName", ())[:1]
        ]


def _addressed(settings: DirectorySettings, server: str) -> DirectorySettings:
    host, _, port = server.partition(":")
    return replace(settings, host=host, port=int(port) if port.isdigit() else settings.port)
