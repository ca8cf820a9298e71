"""A bundle as the output of a command: written beside its target, sealed at the end."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
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
from auditor.evidence.bundle_format import table_of
from auditor.evidence.ledger import LedgerLine


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


@contextmanager
def resumed_bundle(
    target: Path,
    models: Sequence[type[BaseModel]],
    force: bool,
    keep: Callable[[Mapping[str, LedgerLine]], Collection[str]],
) -> Iterator[tuple[BundleWriter, Mapping[str, LedgerLine]]]:
    """What an interrupted run left, or else the sealed bundle, to go on with; and what it keeps.

    `keep` is shown the ledger and names the tables whose rows stay, the others are there to be
    filled again; where it raises, nothing was touched. A sealed bundle stays as it is until the
    body has ended. Raises InputRefused where there is neither.
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
        kept = {table: bundle.ledger[table] for table in keep(bundle.ledger)}
        of_kept = [model for model in models if table_of(model) in kept]
        if reopened:
            _unseal(bundle, of_kept, folder)
        else:
            for model in of_kept:
                _read_through(bundle.pages(model))
    with BundleWriter.resume(folder, kept) as writer:
        yield writer, kept
    seal(folder, target, force=force or reopened)


def _unseal(bundle: Bundle, models: Sequence[type[BaseModel]], folder: Path) -> None:
    """The folder that a sealed bundle was, with the rows of these tables; whole or not at all."""
    draft = folder.with_name(f".auditor-{secrets.token_hex(8)}.part")
    try:
        with BundleWriter(draft, bundle.header) as writer:
            for model in models:
                for row in bundle.lines(model):
                    writer.append(row)
            for line in bundle.ledger.values():
                writer.record(line)
            for source in bundle.sources:
                writer.source(source)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _read_through(pages: Iterator[Sequence[BaseModel]]) -> None:
    """Rows that are kept are checked as any stranger's: raises BundleRefused for a wrong one."""
    try:
        for _ in pages:
            pass
    except BundleRefused as problem:
        raise BundleRefused(f"{problem}; begin anew without --resume") from None
