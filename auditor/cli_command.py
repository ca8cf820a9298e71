"""What every command has in common: exit codes, and refusals as one sentence."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec

import typer

from auditor.errors import AuditorError
from auditor.terminal import plain
from auditor.verdicts import Readiness

Arguments = ParamSpec("Arguments")

EXIT_CODES = {
    Readiness.READY: 0,
    Readiness.READY_WITH_ACTION: 0,
    Readiness.NOT_READY: 1,
    Readiness.UNDETERMINED: 3,
}
REFUSED = 2
BUG = 4
INTERRUPTED = 130


def command(body: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Refusals become one sentence and exit code 2, an interruption 130."""

    @functools.wraps(body)
    def wrapped(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        try:
            body(*args, **kwargs)
        except AuditorError as problem:
            for line in str(problem).splitlines():
                typer.echo(f"auditor: {plain(line)}", err=True)
            raise typer.Exit(REFUSED) from None
        except KeyboardInterrupt:
            typer.echo(
                "auditor: interrupted; evidence read so far is kept beside the output", err=True
            )
            raise typer.Exit(INTERRUPTED) from None

    return wrapped
