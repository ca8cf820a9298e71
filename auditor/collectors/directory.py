"""Collecting from Active Directory: searches in, rows of evidence and an honest ledger out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from auditor.collectors.directory_contract import Place
from auditor.collectors.directory_grants import Grant
from auditor.collectors.directory_names import parent_of
from auditor.collectors.directory_organization import ORGANIZATION
from auditor.collectors.directory_reading import Found
from auditor.collectors.directory_registry import DIRECTORY_COLLECTORS
from auditor.collectors.directory_rights import Rights, Schema, read_schema
from auditor.collectors.directory_tally import DirectoryTally
from auditor.errors import AccessDenied, CommandUnsupported, SourceError, UnexpectedAnswer
from auditor.evidence.bundle import BundleWriter
from auditor.evidence.ledger import LedgerLine, State
from auditor.sources.directory import SECURITY_DESCRIPTOR, Directory, Entry
from auditor.sources.directory_forest import Domain, Forest

PROVIDED = tuple(model.table for collector in DIRECTORY_COLLECTORS for model in collector.tables)
"""Names of the tables that the directory can fill."""

PROGRESS_EVERY = 500
CHECKED = 200
"""Objects of each domain that a check looks at, beside as many of protected accounts."""

Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class TableCheck:
    """What a collection would make of one table, as far as a look at a few objects tells.

    `grants` would show what is hidden; they are empty where nothing is, or where no right helps.
    """

    table: str
    state: State
    detail: str
    grants: tuple[Grant, ...]


def collect_directory(
    forest: Forest,
    writer: BundleWriter,
    tables: Collection[str] | None = None,
    *,
    now: Callable[[], datetime],
    progress: Progress,
) -> tuple[LedgerLine, ...]:
    """Fill the tables named, or all that the directory provides, and write their ledger lines.

    `progress` hears the name of a search and how many objects came of it so far. What goes wrong
    becomes a ledger line; nothing is raised for it.
    """
    lines: list[LedgerLine] = []
    for tally, _ in _tallies(_Run(forest, writer, now, progress), tables):
        for line in tally.ledger():
            writer.record(line)
            lines.append(line)
    return tuple(lines)


def check_directory(
    forest: Forest, tables: Collection[str] | None = None, *, now: Callable[[], datetime]
) -> tuple[TableCheck, ...]:
    """Look at a few objects of each kind, and say of each table whether it could be filled."""
    run = _Run(forest, None, now, lambda _name, _count: None, limit=CHECKED)
    return tuple(
        TableCheck(
            model.table,
            tally.state(model.table),
            tally.detail(model.table),
            tuple(tally.grants(model.table, organization)),
        )
        for tally, organization in _tallies(run, tables)
        for model in tally.collector.tables
        if model.table in tally.wanted
    )


@dataclass(frozen=True)
class _Run:
    """Where a run reads and writes; with a `limit` only so many objects of each domain."""

    forest: Forest
    writer: BundleWriter | None
    now: Callable[[], datetime]
    progress: Progress
    limit: int | None = None


@dataclass(frozen=True)
class _Ground:
    """What all searches stand on: the schema, and the name of the Exchange organisation."""

    schema: Schema
    organization: str


def _tallies(run: _Run, tables: Collection[str] | None) -> Iterator[tuple[DirectoryTally, str]]:
    """A finished tally for each collector that is needed, and the name of the organisation."""
    ground: _Ground | SourceError
    try:
        ground = _ground(run.forest.configuration)
    except SourceError as error:
        ground = error
    for collector in DIRECTORY_COLLECTORS:
        named = frozenset(model.table for model in collector.tables)
        wanted = named if tables is None else named & frozenset(tables)
        if not wanted:
            continue
        tally = DirectoryTally(collector, wanted, writer=run.writer)
        tally.account = run.forest.configuration.account
        tally.started_at = run.now()
        if isinstance(ground, SourceError):
            tally.wrong(ground)
        else:
            tally.schema = ground.schema
            _collect(run, tally, ground)
        tally.ended_at = run.now()
        yield tally, "" if isinstance(ground, SourceError) else ground.organization


def _ground(directory: Directory) -> _Ground:
    schema = read_schema(
        directory,
        {
            SECURITY_DESCRIPTOR,
            *(name for collector in DIRECTORY_COLLECTORS for name in collector.attributes),
        },
        {
            name
            for collector in DIRECTORY_COLLECTORS
            for name in (collector.object_class, *collector.holders)
        },
    )
    return _Ground(schema, _organization(directory, schema))


def _organization(directory: Directory, schema: Schema) -> str:
    """Distinguished name of the Exchange organisation, of which a forest has one."""
    services = f"CN=Services,{directory.root_dse.configuration}"
    parent = f"CN=Microsoft Exchange,{services}"
    found: list[Entry] = []
    if directory.read(parent, ("cn",)) is not None:
        found = list(directory.search(parent, ORGANIZATION.condition, ("cn",), "level"))
    if len(found) == 1:
        return found[0].dn
    if found:
        raise UnexpectedAnswer(
            f"{directory.server} shows {len(found)} Exchange organisations, where a forest has "
            "one: look below CN=Microsoft Exchange with ADSI Edit."
        )
    _prove_emptiness(directory, Rights(schema, directory.root_dse.token_groups), parent)
    raise CommandUnsupported(
        f"{directory.server} serves a forest without an Exchange organisation: name a domain "
        "controller of the forest that Exchange is installed in."
    )


def _prove_emptiness(directory: Directory, rights: Rights, base: str) -> None:
    """Return if nothing at or below `base` means that nothing is there; else raise AccessDenied.

    Objects are hidden from who may not list their container, and a container that is hidden looks
    like one that does not exist.
    """
    place = base
    while place:
        entry = directory.read(place, ("cn",), security_descriptors=True)
        if entry is not None and rights.may_list(entry):
            return
        if entry is not None:
            break
        place = parent_of(place)
    raise AccessDenied(
        f"{directory.server} may hide what lies below {base} from {directory.account}: let the "
        "account list and read it."
    )


def _collect(run: _Run, tally: DirectoryTally, ground: _Ground) -> None:
    collector = tally.collector
    if collector.object_class not in ground.schema.classes:
        tally.wrong(
            CommandUnsupported(
                f"The schema of this forest knows no class {collector.object_class}, which "
                f"{collector.name} have in the versions of Exchange this program knows."
            )
        )
        return
    try:
        if collector.place is Place.CONFIGURATION:
            _in_configuration(run, tally, ground)
        else:
            _in_domains(run, tally, ground)
        if collector.at_least_one and not tally.objects and not tally.problems:
            raise UnexpectedAnswer(
                f"No {collector.name} were found below {'; '.join(tally.bases)}, and every "
                "Exchange organisation has some: let the account read them."
            )
    except SourceError as error:
        tally.wrong(error)


def _in_configuration(run: _Run, tally: DirectoryTally, ground: _Ground) -> None:
    directory = run.forest.configuration
    collector = tally.collector
    base = f"{collector.container},{ground.organization}".lstrip(",")
    if collector is ORGANIZATION:
        base = parent_of(ground.organization)
    tally.servers[directory.server] = None
    tally.bases[base] = None
    rights = Rights(ground.schema, directory.root_dse.token_groups)
    if directory.read(base, ("cn",)) is not None:
        _search(run, tally, directory, rights, base)
    if not tally.objects:
        _prove_emptiness(directory, rights, base)


def _in_domains(run: _Run, tally: DirectoryTally, ground: _Ground) -> None:
    for domain in run.forest.domains:
        try:
            _in_domain(run, tally, ground, domain)
        except SourceError as error:
            tally.wrong(error)


def _in_domain(run: _Run, tally: DirectoryTally, ground: _Ground, domain: Domain) -> None:
    tally.bases[domain.dn] = None
    directory = run.forest.directory_of(domain)
    tally.servers[directory.server] = None
    rights = Rights(ground.schema, directory.root_dse.token_groups)
    before = tally.rows.total() + tally.denied
    _search(run, tally, directory, rights, domain.dn)
    if tally.rows.total() + tally.denied == before and tally.collector.witness:
        witness = next(iter(_some(directory, domain.dn, tally.collector.witness)), None)
        if witness is not None:
            tally.unlisted[domain.dn] = None
            raise AccessDenied(
                f"{directory.server} shows {directory.account} no {tally.collector.name}, but "
                f"{witness.dn} says it has some: let the account list the objects below users."
            )


def _some(directory: Directory, base: str, condition: str) -> Iterable[Entry]:
    return directory.search(base, condition, ("cn",))


def _search(
    run: _Run, tally: DirectoryTally, directory: Directory, rights: Rights, base: str
) -> None:
    collector = tally.collector
    conditions = [collector.condition]
    if run.limit is not None and collector.place is Place.DOMAINS:
        # protected accounts inherit no grants, and a few among many would not be met by chance
        conditions.append(f"(&{collector.condition}(adminCount=1))")
    known = [name for name in collector.attributes if name in rights.schema.attributes]
    for condition in conditions:
        found = directory.search(base, condition, known, security_descriptors=True)
        for entry in islice(found, run.limit):
            tally.take(Found(entry, rights), base)
            if tally.objects % PROGRESS_EVERY == 0:
                run.progress(collector.name, tally.objects)
    run.progress(collector.name, tally.objects)
