"""What will be read and what can be read, as the verbs before collecting tell it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Permission:
    """What one command is asked for, with which right; `tables` are not assessed without it.

    `licence` names what the tenant must have, '' for nothing; `lost` says what the audit cannot
    tell without it, '' where the tables say it.
    """

    tables: tuple[str, ...]
    source: str
    command: str
    right: str
    licence: str = ""
    lost: str = ""


@dataclass(frozen=True)
class Checked:
    """One thing that was tried: None as `problem` if it works, else what is missing and why."""

    what: str
    problem: str | None
