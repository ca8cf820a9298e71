"""The commands below `auditor rules`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.cli_command import REFUSED, command
from auditor.terminal import plain, print_table

rules_app = typer.Typer(
    help="List, show and check rules.", no_args_is_help=True, rich_markup_mode=None
)


@rules_app.command("list")
@command
def rules_list() -> None:
    """List the shipped rules."""
    from auditor import run

    rows = [
        (item.rule.id, item.rule.gate, item.rule.severity, item.rule.title)
        for item in run.shipped_rules()
    ]
    print_table(("rule", "gate", "severity", "title"), rows)


@rules_app.command("show")
@command
def rules_show(rule: Annotated[str, typer.Argument(help="Id of a rule.")]) -> None:
    """Print the file of one shipped rule."""
    from auditor import run

    typer.echo(run.rule_text(rule), nl=False)


@rules_app.command("schema")
@command
def rules_schema() -> None:
    """Print the JSON schema of a rule file, for an editor."""
    from auditor import run

    typer.echo(run.rule_schema(), nl=False)


@rules_app.command("check")
@command
def rules_check(
    folder: Annotated[
        list[Path] | None, typer.Argument(help="Folders of your own rules; default: the shipped.")
    ] = None,
) -> None:
    """Run the tests of every rule: its own cases and the four that hold for all."""
    from auditor import run

    count, problems = run.check_rules(folder or ())
    for problem in problems:
        typer.echo(plain(problem), err=True)
    typer.echo(f"{count} rules checked, {len(problems)} problems")
    if problems:
        raise typer.Exit(REFUSED)
