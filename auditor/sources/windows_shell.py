"""The ordinary remote shell of Windows, for the one thing Exchange does not say of itself.

Rollups of Exchange 2010 and security updates change files and leave AdminDisplayVersion as it is;
the version of ExSetup.exe is what moves. One fixed script reads it, and no other is ever sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import TYPE_CHECKING

from auditor.errors import (
    AccessDenied,
    AnswerCutShort,
    CommandUnsupported,
    SourceError,
    UnexpectedAnswer,
)
from auditor.sources.clixml import FragmentReader, PsObject
from auditor.sources.remoting_records import Trouble
from auditor.sources.shell_settings import Secret, ShellSettings

if TYPE_CHECKING:
    from pypsrp.powershell import PowerShell

    from auditor.sources.remoting_run import Outcome

EXSETUP_SCRIPT = r"""$keys = 'HKLM:\SOFTWARE\Microsoft\ExchangeServer\v15\Setup',
    'HKLM:\SOFTWARE\Microsoft\ExchangeServer\v14\Setup',
    'HKLM:\SOFTWARE\Microsoft\Exchange\Setup'
$properties = @{ Name = 'Server'; Expression = { $env:COMPUTERNAME } }, 'FileName', 'FileVersion'
foreach ($key in $keys) {
    if (-not (Test-Path -Path $key)) { continue }
    $folder = (Get-ItemProperty -Path $key).MsiInstallPath
    if (-not $folder) { continue }
    $path = Join-Path -Path $folder -ChildPath 'bin\ExSetup.exe'
    $file = Get-Item -LiteralPath $path
    $file.VersionInfo | Select-Object -Property $properties
    break
}
"""
"""Finds the folder of Exchange 2013 and later, 2010 or 2007 in the registry and reads the version
of ExSetup.exe there. PowerShell 2.0 and constrained language are enough; it only reads."""

_NETBIOS = 15
_EXPECTED = 1
_DEADLINE, _SILENCE = 180.0, 60.0


def read_exsetup(
    settings: ShellSettings, password: Callable[[], str] | None, server: str
) -> PsObject:
    """Version of ExSetup.exe on one server: `Server`, `FileName`, `FileVersion`.

    `settings` are those of the server itself (`windows_settings`); `server` is its name, which
    the answer carries whether it was cut to fifteen characters there or not. Raises AccessDenied
    where the account may not log on to Windows Remote Management or read the file,
    SourceUnreachable, CommandUnsupported where no Exchange is installed, and UnexpectedAnswer
    where another server answers.
    """
    # pypsrp takes a third of a second to import, which a command that never connects would pay
    from auditor.sources.remoting_pool import RemotePool

    place = f"ExSetup.exe on {server}"
    reader = FragmentReader(place)
    brief = replace(
        settings,
        deadline=min(settings.deadline, _DEADLINE),
        silence=min(settings.silence, _SILENCE),
    )
    pool = RemotePool(brief, Secret(password))
    pool.open()
    try:
        run = pool.run(place, _compose, time.monotonic() + brief.deadline)
        messages, outcome = _everything(run)
    finally:
        pool.close()
    found = [reader.read(message) for message in messages]
    shortcoming = _shortcoming(place, bool(found), outcome)
    if shortcoming is not None:
        raise shortcoming
    return _of(server, place, found[0])


def _compose(pipeline: PowerShell) -> None:
    pipeline.add_script(EXSETUP_SCRIPT)


def _everything(run: Generator[bytes, None, Outcome]) -> tuple[list[bytes], Outcome]:
    messages: list[bytes] = []
    while len(messages) <= _EXPECTED:
        try:
            messages.append(next(run))
        except StopIteration as stop:
            return messages, stop.value
    raise UnexpectedAnswer("ExSetup.exe was answered with more than one object; check the path.")


def _shortcoming(place: str, found: bool, outcome: Outcome) -> SourceError | None:
    failed = outcome.ending.error
    errors = [*([failed] if failed else []), *outcome.errors]
    for error in errors:
        if error.trouble is Trouble.DENIED:
            return AccessDenied(
                f"{place} may not be read ({error.text}); give the account read access to the "
                "folder of Exchange and to its registry key."
            )
        if error.trouble is Trouble.SCRIPT_REFUSED:
            return AccessDenied(
                f"{place} cannot be read in a restricted shell ({error.text}); allow the account "
                "the configuration Microsoft.PowerShell there."
            )
        return AnswerCutShort(f"{place} could not be read: {error.text}")
    if not found:
        return CommandUnsupported(
            f"{place} does not exist: no Exchange is installed there; check the name."
        )
    return None


def _of(server: str, place: str, found: object) -> PsObject:
    if not isinstance(found, PsObject) or not {"Server", "FileName", "FileVersion"} <= set(found):
        raise UnexpectedAnswer(f"{place} was answered with something else; check the path.")
    answered = str(found["Server"])
    if answered.lower() != server.partition(".")[0][:_NETBIOS].lower():
        raise UnexpectedAnswer(
            f"{place} was answered by {answered[:60]}; name the server itself, not an address that "
            "several share."
        )
    properties = {**found, "Server": server}
    return PsObject(properties, found.types, found.text, found.place)
