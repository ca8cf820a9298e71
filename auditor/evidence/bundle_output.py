"""A bundle as the output of a command: written beside its target, sealed at the end."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
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
from auditor.evidence.bundle_format import short, table_of


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
    header: Header,
    keep: Callable[[Bundle], frozenset[str]],
) -> Iterator[tuple[BundleWriter, frozenset[str]]]:
    """The folder of an interrupted run, to go on with, and the tables of it that stay.

    `header`: what a new bundle would say it is; a run that says it is of others is refused. `keep`
    is shown the run and names the tables whose rows stay, the others are there to be filled again;
    where it raises, nothing was touched. Raises InputRefused where no run was interrupted.
    """
    refuse_existing(target, force)
    folder = unfinished(target)
    if not folder.is_dir():
        raise InputRefused(
            f"{folder}: there is no interrupted run to resume; leave out --resume to begin anew"
        )
    with open_bundle(folder, "evidence", models) as bundle:
        _refuse_others(bundle, header)
        kept = keep(bundle)
        for model in models:
            if table_of(model) in kept:
                _read_through(bundle.pages(model))
    with BundleWriter.resume(folder, kept) as writer:
        yield writer, kept
    seal(folder, target, force=force)


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


def _read_through(pages: Iterator[Sequence[BaseModel]]) -> None:
    """Rows that are kept are checked as any stranger's: raises BundleRefused for a wrong one."""
    try:
        for _ in pages:
            pass
    except BundleRefused as problem:
        raise BundleRefused(f"{problem}; begin anew without --resume") from None
