"""Writing a file whole or not at all, for the owner's eyes alone."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from auditor.errors import InputRefused


def write_new(target: Path, chunks: Iterable[bytes | str], force: bool) -> None:
    """Write `chunks` to `target`, readable by its owner alone (0600); text becomes UTF-8.

    The file appears under its name only after the last chunk: whatever goes wrong before leaves
    the old file, or none. Raises InputRefused where the target exists and `force` is false (before
    the first chunk is asked for) and where the system refuses to write.
    """
    _refuse_existing(target, force)
    draft = target.with_name(f".auditor-{secrets.token_hex(8)}.part")
    try:
        _write_owned(draft, chunks)
        _refuse_existing(target, force)
        draft.replace(target)
    except OSError as error:
        raise InputRefused(
            f"{target} could not be written ({error.strerror or error}); nothing was changed, "
            "choose another place or make room there."
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def _write_owned(draft: Path, chunks: Iterable[bytes | str]) -> None:
    # O_BINARY exists on Windows alone, where line ends would be rewritten without it
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(draft, flags, 0o600), "wb") as stream:
        for chunk in chunks:
            stream.write(chunk.encode() if isinstance(chunk, str) else chunk)
        stream.flush()
        os.fsync(stream.fileno())


def _refuse_existing(target: Path, force: bool) -> None:
    # lexists, not exists: a link that leads nowhere is somebody's file too
    if os.path.lexists(target) and not force:
        raise InputRefused(
            f"{target} exists already; choose another name, or replace it with --force."
        )
