"""The commands: words in, one call into `run`, exit code out.

Everything that costs time to import is imported inside the command that needs it.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys
import tempfile
import traceback
from enum import StrEnum
from pathlib import Path
from types import FrameType, TracebackType
from typing import Annotated, NoReturn

import typer

from auditor import __version__
from auditor.cli_command import BUG, EXIT_CODES, command
from auditor.cli_rules import rules_app
from auditor.terminal import ask_secretly, echo_wrapped, plain, print_csv, print_table, progress
from auditor.verdicts import MAX_AGE_DAYS, Readiness

app = typer.Typer(
    name="auditor",
    help="Predicts, before mailboxes move to Exchange Online, what each mailbox and each phone"
    " will experience. Reads only; changes nothing.\n\n"
    "Exit codes: 0 ready, 1 not ready, 2 input refused, 3 undetermined, 4 a fault of the program.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(rules_app, name="rules")


class ReportFormat(StrEnum):
    """What `auditor report` can write."""

    HTML = "html"
    JSON = "json"
    CSV = "csv"
    CSV_MAILBOXES = "csv-mailboxes"


class TableFormat(StrEnum):
    """How `auditor query` prints rows."""

    TABLE = "table"
    CSV = "csv"


Evidence = Annotated[Path, typer.Argument(help="An evidence bundle: a zip, or a folder of one.")]
Config = Annotated[Path, typer.Option("--config", help="The configuration, a YAML file.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the output if it exists.")]


@app.command("export-script")
@command
def export_script(
    online: Annotated[
        bool, typer.Option("--online", help="The script for an Exchange Online PowerShell window.")
    ] = False,
) -> None:
    """Print the PowerShell script that an administrator runs on site (reads only)."""
    from auditor import run

    # Bytes, since Windows would turn line ends and letters into those of the console.
    sys.stdout.buffer.write(run.export_script(online=online).encode("utf-8"))


@app.command("import")
@command
def import_(
    exports: Annotated[
        list[Path], typer.Argument(help="Folders, zips or files written by Export-Clixml.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The evidence bundle to write.")],
    title: Annotated[str, typer.Option(help="Name of the organisation, for the report.")] = "",
    plan: Annotated[
        list[Path] | None,
        typer.Option("--plan", help="Who moves when: a CSV, or an export of Get-MigrationUser."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="Read the directory and the tenant it names beside them."),
    ] = None,
    force: Force = False,
) -> None:
    """Turn exported files into a bundle of evidence; read other sources beside them."""
    from contextlib import nullcontext

    from auditor import importing, words
    from auditor.config import read_configuration
    from auditor.config_parts import Person

    person = Person(ask_secretly, _show)
    live = importing.live_beside(read_configuration(config), person) if config else nullcontext()
    with live as beside, progress() as told:
        summary = importing.import_evidence(
            exports,
            out,
            force=force,
            title=title,
            progress=told,
            plans=plan or (),
            beside=beside,
        )
    for line in words.import_sentences(summary):
        typer.echo(plain(line))
    typer.echo(f"wrote {out}")


@app.command()
@command
def permissions(config: Config) -> None:
    """Show what will be read, by which command, with which rights; contacts nothing."""
    from auditor.check import permissions as needed_permissions
    from auditor.config import read_configuration

    for needed in needed_permissions(read_configuration(config)):
        echo_wrapped(f"{needed.command} on {needed.source}", 4)
        echo_wrapped(f"    right:  {needed.right}", 12)
        if needed.licence:
            echo_wrapped(f"    needs:  {needed.licence} in the tenant", 12)
        echo_wrapped(f"    fills:  {', '.join(needed.tables)}", 12)
        if needed.lost:
            echo_wrapped(f"    lost without it: {needed.lost}", 12)


@app.command()
@command
def check(config: Config) -> None:
    """Connect to every source, try every command, and say what will be missing."""
    from auditor.check import check as tried_sources
    from auditor.config import read_configuration
    from auditor.config_parts import Person

    missing = 0
    for tried in tried_sources(read_configuration(config), Person(ask_secretly, _show)):
        missing += tried.problem is not None
        typer.echo(plain(f"{'MISSING' if tried.problem else 'ok':<8}{tried.what}"))
        if tried.problem:
            # never in several lines: a grant is a command, which is copied
            for line in tried.problem.splitlines():
                typer.echo(plain(f"        {line}"))
    if missing:
        raise typer.Exit(EXIT_CODES[Readiness.UNDETERMINED])


@app.command()
@command
def collect(
    config: Config,
    out: Annotated[Path, typer.Option("--out", help="The evidence bundle to write.")],
    only: Annotated[list[str] | None, typer.Option(help="Collect this table alone.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a stopped run.")] = False,
    force: Force = False,
) -> None:
    """Read the configured sources into a bundle of evidence."""
    from auditor import collect as collecting
    from auditor import words
    from auditor.config import read_configuration
    from auditor.config_parts import Person

    wish = collecting.Wish(only or (), resume, force)
    with progress() as told:
        lines = collecting.collect(
            read_configuration(config), out, wish, Person(ask_secretly, _show), told
        )
    for line in words.ledger_sentences(lines):
        typer.echo(plain(line))
    typer.echo(f"wrote {out}")


@app.command("run")
@command
def run_(
    config: Config,
    out: Annotated[Path, typer.Option("--out", help="An empty or new folder.")],
) -> None:
    """Collect, assess and report in one go; the exit code is the verdict."""
    from auditor import collect as collecting
    from auditor import words
    from auditor.config import read_configuration
    from auditor.config_parts import Person

    with progress() as told:
        made = collecting.run(read_configuration(config), out, Person(ask_secretly, _show), told)
    for line in words.ledger_sentences(made.ledger):
        typer.echo(plain(line))
    for line in words.verdict_sentences(made.judgement):
        typer.echo(plain(line))
    typer.echo(str(made.report))
    raise typer.Exit(EXIT_CODES[made.judgement.readiness])


@app.command()
@command
def assess(
    evidence: Evidence,
    out: Annotated[Path, typer.Option("--out", help="The assessment to write.")],
    rules: Annotated[
        list[Path] | None, typer.Option("--rules", help="A folder of further rules.")
    ] = None,
    waivers: Annotated[Path | None, typer.Option(help="A YAML file of waivers.")] = None,
    as_of: Annotated[
        dt.datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Judge as of this date; default: today in UTC."),
    ] = None,
    max_age: Annotated[
        int,
        typer.Option(
            metavar="DAYS",
            min=0,
            max=36_500,
            help="Do not judge by what was read more days before that date.",
        ),
    ] = MAX_AGE_DAYS,
    force: Force = False,
) -> None:
    """Judge a bundle of evidence; the exit code is the verdict."""
    from auditor import run, words

    with progress() as told:
        judgement = run.assess_evidence(
            evidence,
            out,
            packs=rules or (),
            waivers=waivers,
            as_of=(as_of or run.utc_now()).date(),
            max_age=max_age,
            force=force,
            progress=told,
        )
    for line in words.verdict_sentences(judgement):
        typer.echo(plain(line))
    typer.echo(f"wrote {out}")
    raise typer.Exit(EXIT_CODES[judgement.readiness])


@app.command()
@command
def report(
    assessment: Annotated[Path, typer.Argument(help="An assessment bundle.")],
    out: Annotated[Path, typer.Option("--out", help="The file to write.")],
    format_: Annotated[
        ReportFormat, typer.Option("--format", help="csv holds findings, csv-mailboxes mailboxes.")
    ] = ReportFormat.HTML,
    force: Force = False,
) -> None:
    """Render an assessment for a change board, or for other programs."""
    from auditor import run

    run.write_report(assessment, out, format_.value, force=force)
    typer.echo(f"wrote {out}")


@app.command()
@command
def explain(
    evidence: Evidence,
    mailbox: Annotated[str, typer.Argument(help="Address, sign-in name or GUID of a mailbox.")],
) -> None:
    """Show the redirect of one mailbox, step by step."""
    from auditor import inquiry, words

    with progress() as told:
        explained = inquiry.explain(evidence, mailbox, told)
    if explained.too_old:
        typer.echo(plain(f"note: {explained.too_old}"), err=True)
    for line in words.explanation(explained.prediction):
        typer.echo(plain(line))


@app.command()
@command
def query(
    evidence: Evidence,
    sql: Annotated[str, typer.Argument(help="One select over the evidence tables.")],
    format_: Annotated[TableFormat, typer.Option("--format")] = TableFormat.TABLE,
) -> None:
    """Look into the evidence with a select of your own (reads only)."""
    from auditor import inquiry

    with progress() as told, inquiry.query(evidence, sql, told) as queried:
        told.clear()
        for line in queried.incomplete:
            note = f"note: {line.table} is {line.state}: {line.detail}"
            typer.echo(plain(note), err=True)
        if queried.too_old:
            typer.echo(plain(f"note: {queried.too_old}"), err=True)
        columns, rows = queried.answer.columns, queried.answer.rows
        if format_ is TableFormat.CSV:
            count = print_csv(columns, rows, inquiry.csv_cell)
        else:
            count = print_table(columns, rows)
    typer.echo(f"{count:,} {'row' if count == 1 else 'rows'}", err=True)


@app.command()
@command
def demo(
    mailboxes: Annotated[int, typer.Option(min=1, max=1_000_000)] = 200,
    out: Annotated[Path | None, typer.Option("--out", help="An empty or new folder.")] = None,
) -> None:
    """Run the whole way on the embedded lab organisation."""
    from auditor import demo as demonstration
    from auditor import words

    folder = out or demonstration.free_folder(Path("auditor-demo"))
    with progress() as told:
        made = demonstration.demonstrate(folder, mailboxes, told)
    for line in words.verdict_sentences(made.judgement):
        typer.echo(plain(line))
    typer.echo(str(made.report))


def _show(sentence: str) -> None:
    """What a person has to do now, such as entering a code; stdout belongs to the results."""
    typer.echo(plain(sentence), err=True)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"auditor {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Nothing but the options every command shares."""


def _report_bug(
    kind: type[BaseException], bug: BaseException, trace: TracebackType | None
) -> NoReturn:
    """Log the traceback, say so in one sentence, and leave with the exit code of a bug.

    Python itself would leave with 1, which here means `not ready`.
    """
    descriptor, log = tempfile.mkstemp(prefix="auditor-fault-", suffix=".log", text=True)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"auditor {__version__}, Python {sys.version}\n")
        file.writelines(traceback.format_exception(kind, bug, trace))
    sys.stderr.write(
        f"auditor: this is a fault of the program ({kind.__name__}), nothing was judged;"
        f" please send its log: {log}\n"
    )
    sys.stderr.flush()
    os._exit(BUG)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def main() -> None:
    """Entry point of the `auditor` command."""
    sys.excepthook = _report_bug
    signal.signal(signal.SIGTERM, _interrupt)
    # Calling the app itself would put typer's excepthook in the place of ours.
    typer.main.get_command(app)()


if __name__ == "__main__":
    main()
