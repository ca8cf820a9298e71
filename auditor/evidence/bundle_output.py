"""A bundle as the output of a command: written beside its target, sealed at the end."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from auditor.errors import BundleRefused, InputRefused
from auditor.evidence.bundle import (
    Bundle,
    BundleWriter,
    Header,
    open_bundle,
    refuse_existing,
    seal,
)
from auditor.evidence.bundle_format import short, table_of
from auditor.evidence.ledger import LedgerLine, not_requested


def unfinished(target: Path) -> Path:
    """The folder in which the bundle `target` grows, and that an interrupted run leaves."""
    return target.with_name(target.name + ".partial")


@contextmanager
def new_bundle(
    target: Path, header: Header, force: bool, *, live: bool = False
) -> Iterator[BundleWriter]:
    """A new bundle; it appears under its name when the body has ended without an error.

    Evidence of an interrupted run stays as a folder, which can be read for what it is. Refused
    input leaves nothing, unless it came from a `live` source: what took hours stays whatever
    happened. An assessment can be made again at any time and leaves nothing either.
    """
    refuse_existing(target, force)
    folder = unfinished(target)
    if force:
        shutil.rmtree(folder, ignore_errors=True)
    # A folder that is there already is refused here, before anything can be thrown away.
    writer = BundleWriter(folder, header)
    keep = header.kind == "evidence"
    try:
        with writer:
            yield writer
        seal(folder, target, force=force)
    except InputRefused:
        keep = live
        raise
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Resumed:
    """A bundle to go on with, the lines of what it keeps, and the sealed bundle that it was."""

    writer: BundleWriter
    kept: Mapping[str, LedgerLine]
    sealed: Bundle | None

    def put_back(self, model: type[BaseModel]) -> LedgerLine | None:
        """Give a table the rows and the line again that it had; None where it was not sealed."""
        if self.sealed is None:
            return None
        table = table_of(model)
        self.writer.discard(table)
        for row in self.sealed.lines(model):
            self.writer.append(row)
        line = self.sealed.ledger[table]
        self.writer.record(line)
        return line


@contextmanager
def resumed_bundle(
    target: Path,
    models: Sequence[type[BaseModel]],
    force: bool,
    header: Header,
    keep: Callable[[Bundle], Collection[str]],
) -> Iterator[Resumed]:
    """What an interrupted run left, or else the sealed bundle, to go on with.

    `header`: what a new bundle would say it is; one that says it is of others is refused. `keep`
    is shown it and names the tables whose rows stay, the others are there to be filled again;
    where it raises, nothing was touched. A sealed bundle stays as it is until the body has ended.
    Raises InputRefused where there is neither.
    """
    folder = unfinished(target)
    reopened = target.is_file() and not folder.is_dir()
    if not reopened:
        refuse_existing(target, force)
        if not folder.is_dir():
            raise InputRefused(
                f"{folder}: there is no interrupted run to resume; leave out --resume to begin anew"
            )
    with open_bundle(target if reopened else folder, "evidence", models) as bundle:
        _refuse_others(bundle, header)
        kept = {table: bundle.ledger[table] for table in keep(bundle)}
        of_kept = [model for model in models if table_of(model) in kept]
        if reopened:
            details = {**bundle.header.details, **header.details}
            _unseal(bundle, bundle.header.model_copy(update={"details": details}), of_kept, folder)
        else:
            for model in of_kept:
                _read_through(bundle.pages(model))
        with BundleWriter.resume(folder, kept) as writer:
            for table, line in bundle.ledger.items():
                # whoever kills this run must not find the rows of one day with the line of another
                if table not in kept and (line.cause is None or line.rows):
                    writer.record(not_requested(table, "The run ended before it was asked again."))
            yield Resumed(writer, kept, bundle if reopened else None)
    seal(folder, target, force=force or reopened)


def _refuse_others(bundle: Bundle, header: Header) -> None:
    """Raise InputRefused for a bundle of another organisation or tenant: both would be mixed."""
    said = {"organization": bundle.header.title, **bundle.header.details}
    wanted = {"organization": header.title, **header.details}
    for name, value in wanted.items():
        held = said.get(name)
        if value and held and held.casefold() != value.casefold():
            raise InputRefused(
                f"{bundle.name} holds evidence of {name} {short(held)}, and the configuration "
                f"names {short(value)}: correct the configuration, or collect into another file"
            )


def _unseal(
    bundle: Bundle, header: Header, models: Sequence[type[BaseModel]], folder: Path
) -> None:
    """The folder that a sealed bundle was, with the rows of these tables; whole or not at all."""
    draft = folder.with_name(f".auditor-{secrets.token_hex(8)}.part")
    try:
        with BundleWriter(draft, header) as writer:
            for model in models:
                for row in bundle.lines(model):
                    writer.append(row)
            for line in bundle.ledger.values():
                writer.record(line)
            for source in bundle.sources:
                writer.source(source)
        try:
            draft.rename(folder)
        except OSError as problem:
            raise InputRefused(
                f"{folder} cannot be made, where the run would go on ({problem.strerror}); move "
                "what has this name elsewhere"
            ) from problem
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _read_through(pages: Iterator[Sequence[BaseModel]]) -> None:
    """Rows that are kept are checked as any stranger's: raises BundleRefused for a wrong one."""
    try:
        for _ in pages:
            pass
    except BundleRefused as problem:
        raise BundleRefused(f"{problem}; begin anew without --resume") from None
