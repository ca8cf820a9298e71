"""The manifest of an export script: what it asked for, what came, and what went wrong.

It is a CLIXML file of flat objects, the header first, then one for each command, so that a reader
needs nothing but top-level objects.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from auditor.collectors.contract import Side
from auditor.collectors.reading import (
    flag,
    misfit,
    optional_moment,
    optional_text,
    text,
    text_or_empty,
    texts,
    whole,
)
from auditor.errors import AnswerCutShort, UnexpectedAnswer
from auditor.sources.clixml import PsObject, PsValue

FILE_NAME = "manifest.clixml"
TOOL = "Export-HybridEvidence"
VERSION = 1
STATES = ("ok", "errors", "failed", "absent")
_NO_RIGHTS = frozenset({"PermissionDenied", "SecurityError", "AuthenticationError"})
"""Members of System.Management.Automation.ErrorCategory; unlike messages they are not localised."""


@dataclass(frozen=True)
class ExportedCommand:
    """What the script says of one command.

    `state`: `ok`; `errors`, some were written beside the objects; `failed`, the command broke off;
    `absent`, the session has no such command. `asked`: how many mailboxes it asked about one by
    one, 0 for all other commands. `side`: that of the session.
    """

    side: Side
    cmdlet: str
    state: str
    file: str
    sha256: str
    count: int
    errors: tuple[str, ...]
    error_count: int
    denied: bool
    warnings: tuple[str, ...]
    parameters: tuple[str, ...]
    dropped_parameters: tuple[str, ...]
    asked: int

    @property
    def named(self) -> str:
        """The command as sentences call it."""
        return f"{self.cmdlet} of {self.side}" if self.side is Side.ONLINE else self.cmdlet


@dataclass(frozen=True)
class ExportManifest:
    """A manifest; `damage` says why it cannot be relied on, '' for a sound one.

    `server`: the computer on which the session was, or the organisation of Exchange Online.
    """

    name: str
    folder: str
    side: Side
    server: str
    exported_at: datetime | None
    one_domain_only: bool
    commands: tuple[ExportedCommand, ...]
    damage: str


def is_manifest(found: PsValue) -> bool:
    """Whether an object is the header of a manifest."""
    return isinstance(found, PsObject) and found.optional("Tool") == TOOL


def read_manifest(objects: Iterator[PsValue], name: str, folder: str) -> ExportManifest | None:
    """The manifest that a file's objects are; None for a file that is something else.

    A manifest that is cut off, edited or of another version keeps the commands read so far.
    """
    commands: list[ExportedCommand] = []
    side = Side.ON_PREMISES
    try:
        header = next(objects, None)
        if not (isinstance(header, PsObject) and is_manifest(header)):
            return None
        if whole(header, "Version") != VERSION:
            raise misfit(header, "Version", f"{VERSION}, the only one this program knows,")
        side = _side(header)
        commands.extend(_command(found, side) for found in objects)
        if whole(header, "Commands") != len(commands):
            raise misfit(header, "Commands", f"{len(commands)}, the number that follow,")
        return _manifest(header, side, name, folder, commands)
    except (AnswerCutShort, UnexpectedAnswer) as error:
        damage = f"{name} cannot be relied on: {error}"
        return ExportManifest(name, folder, side, "", None, False, tuple(commands), damage)


def _side(header: PsObject) -> Side:
    """The side of the session; the script said nothing as long as it knew on-premises alone."""
    said = optional_text(header, "Side")
    if said is None:
        return Side.ON_PREMISES
    if said not in set(Side):
        raise misfit(header, "Side", f"{Side.ON_PREMISES} or {Side.ONLINE}")
    return Side(said)


def _manifest(
    header: PsObject, side: Side, name: str, folder: str, commands: list[ExportedCommand]
) -> ExportManifest:
    # only the domain of the session's server is seen, unless the view or a parameter widens it
    one_domain = not flag(header, "ViewEntireForest") and whole(header, "ForestDomains") != 1
    server = "Organization" if side is Side.ONLINE else "Computer"
    return ExportManifest(
        name=name,
        folder=folder,
        side=side,
        server=text_or_empty(header, server),
        exported_at=optional_moment(header, "ExportedUTC"),
        one_domain_only=one_domain and side is Side.ON_PREMISES,
        commands=tuple(commands),
        damage="",
    )


def _command(found: PsValue, side: Side) -> ExportedCommand:
    if not isinstance(found, PsObject):
        raise UnexpectedAnswer("an entry is no object")
    state = text(found, "State")
    if state not in STATES:
        raise misfit(found, "State", f"one of {', '.join(STATES)}")
    categories = set(texts(found, "ErrorCategories"))
    return ExportedCommand(
        side=side,
        cmdlet=text(found, "Cmdlet"),
        state=state,
        file=optional_text(found, "File") or "",
        sha256=(optional_text(found, "Sha256") or "").lower(),
        count=_count(found, "Count"),
        errors=tuple(texts(found, "Errors")),
        error_count=_count(found, "ErrorCount"),
        denied=bool(categories) and categories <= _NO_RIGHTS,
        warnings=tuple(texts(found, "Warnings")),
        parameters=tuple(texts(found, "Parameters")),
        dropped_parameters=tuple(texts(found, "DroppedParameters")),
        asked=_count(found, "Asked") if "Asked" in found else 0,
    )


def _count(found: PsObject, name: str) -> int:
    value = whole(found, name)
    if value is None or value < 0:
        raise misfit(found, name, "a count")
    return value
