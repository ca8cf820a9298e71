"""Exported files as a bundle of evidence, and what live sources add to them.

Where nobody may reach the servers, an export stands for them; the directory and the tenant can be
read all the same, into the same bundle.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from auditor.collect import CLOUD_TABLES, fill
from auditor.collectors.directory import PROVIDED
from auditor.collectors.exports import ImportSummary, import_exports
from auditor.collectors.plan import read_plan, record_plan
from auditor.config import Configuration
from auditor.config_parts import Person
from auditor.engine.material import Progress
from auditor.errors import InputRefused
from auditor.evidence.bundle import refuse_existing
from auditor.evidence.bundle_output import new_bundle
from auditor.evidence.ledger import LedgerLine, not_requested
from auditor.evidence.plan import PlanMove
from auditor.evidence.tables import COLLECTED
from auditor.live_sources import LiveSources, live_sources
from auditor.run import evidence_header, utc_now

NO_EXPORT = (
    "No export of Exchange carries it: name the {source} in a configuration, and import with it"
    " (--config)."
)


def import_evidence(  # noqa: PLR0913 - files in, a file out, and what goes with them
    exports: Sequence[Path],
    target: Path,
    *,
    force: bool,
    title: str,
    progress: Progress,
    plans: Sequence[Path] = (),
    beside: LiveSources | None = None,
) -> ImportSummary:
    """Read exported files, the plan if there is one, and what is `beside`, into a sealed bundle.

    Live sources are asked for tables of which no export was among the files. Raises InputRefused
    for a path that cannot be used; the target is then not touched.
    """
    refuse_existing(target, force)
    plan = read_plan(plans) if plans else None
    with new_bundle(target, evidence_header(title), force) as writer:
        planned = record_plan(plan, writer, utc_now)
        summary = import_exports(exports, writer, now=utc_now, progress=progress)
        lines = {line.table: line for line in (*summary.ledger, *_beyond(summary.ledger))}
        for table in lines.keys() - {line.table for line in summary.ledger}:
            writer.record(lines[table])
        if beside is not None:
            missing = [table for table, line in lines.items() if line.state == "not_requested"]
            wanted = [table for table in missing if table in _provided(beside)]
            told = fill(beside, writer, wanted, progress, utc_now)
            lines |= {line.table: line for line in told}
    files = (*(plan.sources if plan else ()), *summary.files)
    return ImportSummary(files, (*lines.values(), planned))


@contextmanager
def live_beside(configuration: Configuration, person: Person) -> Iterator[LiveSources]:
    """The directory and the tenant of a configuration; exports stand for its Exchange.

    Raises InputRefused where it names neither, and what `live_sources` raises.
    """
    if configuration.directory is None and configuration.cloud is None:
        raise InputRefused(
            "the configuration names neither directory nor cloud: there is nothing to read beside"
            " the exports; leave --config out"
        )
    with live_sources(configuration.model_copy(update={"exchange": None}), person) as sources:
        yield sources


def _provided(beside: LiveSources) -> frozenset[str]:
    """Tables that it can fill, or of which it can say why it could not."""
    named = beside.forest or beside.directory_refusal
    directory = frozenset(PROVIDED) if named is not None else frozenset()
    return directory | (CLOUD_TABLES if beside.cloud is not None else frozenset())


def _beyond(ledger: Sequence[LedgerLine]) -> Iterator[LedgerLine]:
    """Lines of the tables that exports cannot carry."""
    told = {line.table for line in ledger}
    for model in COLLECTED:
        if model.table not in told and model is not PlanMove:
            source = "tenant" if model.table in CLOUD_TABLES else "domain controller"
            yield not_requested(model.table, NO_EXPORT.format(source=source))
