"""A bundle as the output of a command: written beside its target, sealed at the end."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel

from auditor.errors import BundleRefused, InputRefused
from auditor.evidence.bundle import BundleWriter, Header, open_bundle, refuse_existing, seal


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
    target: Path, models: Sequence[type[BaseModel]], force: bool
) -> Iterator[tuple[BundleWriter, frozenset[str]]]:
    """The folder of an interrupted run, to go on with, and the tables that are complete in it.

    Whatever happens in the body, what is complete stays. Raises InputRefused where no run was
    interrupted.
    """
    refuse_existing(target, force)
    folder = unfinished(target)
    if not folder.is_dir():
        raise InputRefused(
            f"{folder}: there is no interrupted run to resume; leave out --resume to begin anew"
        )
    with open_bundle(folder, "evidence", models) as bundle:
        complete = frozenset(table for table, line in bundle.ledger.items() if line.cause is None)
        for model in models:
            if str(getattr(model, "table", "")) in complete:
                _read_through(bundle.pages(model))
    with BundleWriter.resume(folder, complete) as writer:
        yield writer, complete
    seal(folder, target, force=force)


def _read_through(pages: Iterator[Sequence[BaseModel]]) -> None:
    """Rows that are kept are checked as any stranger's: raises BundleRefused for a wrong one."""
    try:
        for _ in pages:
            pass
    except BundleRefused as problem:
        raise BundleRefused(f"{problem}; begin anew without --resume") from None
