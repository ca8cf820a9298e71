"""One pipeline in a remote shell: what has come of it, how long it may take, how it ended."""

from __future__ import annotations

import time
from dataclasses import dataclass

from auditor.errors import AnswerCutShort, SourceError, SourceUnreachable
from auditor.sources.remoting_fragments import Arrived
from auditor.sources.remoting_records import Ending, ErrorRecord, RecordReader
from auditor.sources.shell_settings import ShellSettings

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds between two attempts at a server that is too busy; each pause is twice the one before."""

_KEPT_RECORDS = 20


@dataclass(frozen=True)
class Outcome:
    """How a pipeline ended, beside its objects: the first errors and warnings it wrote.

    `gap`: an answer got lost on the way. What was asked for again may be what comes next, and
    nothing in the protocol tells the difference.
    """

    ending: Ending
    errors: tuple[ErrorRecord, ...]
    warnings: tuple[str, ...]
    gap: bool


@dataclass(frozen=True)
class Failure:
    """What a call into pypsrp came to.

    `busy`: what a server says that asks for patience, '' where waiting will not help. `refused`:
    the shell did not take the request, so that no answer to it can be lost.
    """

    error: SourceError
    busy: str = ""
    refused: bool = False


class Pauses:
    """Growing pauses while a server is too busy, all together no longer than `patience`."""

    def __init__(self, patience: float) -> None:
        self._left = patience
        self._next = FIRST_PAUSE
        self._count = 0
        self._waited = 0.0

    def wait(self, until: float) -> bool:
        """Waits once; False where that would be longer than was agreed, or end after `until`."""
        pause = min(self._next, self._left, until - time.monotonic())
        if pause <= 0:
            return False
        time.sleep(pause)
        self._left -= pause
        self._waited += pause
        self._count += 1
        self._next = min(self._next * 2, LONGEST_PAUSE)
        return True

    def exhausted(self, failure: Failure, settings: ShellSettings) -> SourceError:
        """The error to raise when there is no more patience, or waiting does not help."""
        if not failure.busy:
            return failure.error
        return SourceUnreachable(
            f"{settings.url} is too busy for {settings.username or 'this account'} "
            f"({failure.busy}), after {self._count} more attempts in {self._waited:.0f} seconds; "
            "close other sessions of the account, or have its throttling policy widened."
        )


class Run:
    """What has become of one pipeline so far."""

    def __init__(self, settings: ShellSettings, place: str, expires: float) -> None:
        self.expires = expires
        self.quiet_since = time.monotonic()
        self.pauses = Pauses(settings.patience)
        self.count = 0
        self.gap = False
        self.ending: Ending | None = None
        self.errors: list[ErrorRecord] = []
        self.warnings: list[str] = []
        self._records = RecordReader(place)
        self._place = place

    def spare(self, seconds: float) -> None:
        """Time that went into what was made of the objects is not the server's."""
        self.expires += seconds
        self.quiet_since += seconds

    def late(self, settings: ShellSettings) -> SourceError:
        """The error for a server whose time is over."""
        if time.monotonic() >= self.expires:
            return SourceUnreachable(
                f"{settings.url} needed more than {settings.deadline:.0f} seconds; raise deadline, "
                "or ask for less."
            )
        return SourceUnreachable(
            f"{settings.url} sent nothing for {settings.silence:.0f} seconds; look whether the "
            "server is overloaded, or raise silence."
        )

    def take(self, arrived: Arrived) -> None:
        """Reads the records that have arrived; of many errors and warnings it keeps the first."""
        while arrived.errors:
            message = arrived.errors.popleft()
            if len(self.errors) < _KEPT_RECORDS:
                self.errors.append(self._records.error(message))
        while arrived.warnings:
            message = arrived.warnings.popleft()
            if len(self.warnings) < _KEPT_RECORDS:
                self.warnings.append(self._records.warning(message))
        while arrived.states:
            self.ending = self._records.ending(arrived.states.popleft()) or self.ending

    def cut_short(self, error: SourceError) -> SourceError:
        """The error to raise: with objects in hand the answer is not missing but cut short."""
        if not self.count:
            return error
        return AnswerCutShort(f"{self._place} stopped after {self.count} objects: {error}")
