"""Exchange on-premises over PowerShell remoting: read commands, and what they answer.

The endpoint runs single cmdlets with parameters and nothing else (no language mode). Only cmdlets
that begin with one of READ_VERBS leave this program; nothing here can send a script.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import closing
from types import TracebackType
from typing import TYPE_CHECKING, Self

from auditor.errors import (
    AccessDenied,
    AnswerCutShort,
    CommandUnsupported,
    SourceError,
    UnexpectedAnswer,
)
from auditor.sources.clixml import FragmentReader, PsObject, PsValue
from auditor.sources.remoting_records import Trouble
from auditor.sources.shell_settings import Secret, ShellSettings

if TYPE_CHECKING:
    from pypsrp.powershell import PowerShell

    from auditor.sources.remoting_pool import RemotePool
    from auditor.sources.remoting_run import Outcome

Parameters = Mapping[str, str | bool | int]

READ_VERBS = frozenset({"Get", "Test"})
"""Verbs of the commands that leave this program; neither changes anything in Exchange."""

DEFAULT_RESULT_SIZE = 1000
"""Objects after which Exchange stops unless told otherwise; it says so in its own language."""

_CMDLET = re.compile(r"(?P<verb>[A-Z][a-z]{1,20})-[A-Z][A-Za-z0-9]{1,60}")
_PARAMETER = re.compile(r"[A-Z][A-Za-z0-9]{0,60}")


class ExchangeShell:
    """A remote shell of one Exchange server, for the thread that made it.

    As a context manager it is opened on entry and closed on exit; entering raises SourceError, one
    sentence with cause and next step. A shell that broke is opened anew by the next `stream`.
    `password` is asked once, when the shell is opened first. `notes` holds one sentence for each
    thing the latest `stream` did in another way than asked.
    """

    def __init__(self, settings: ShellSettings, password: Callable[[], str] | None = None) -> None:
        self.settings = settings
        self.notes: list[str] = []
        self._secret = Secret(password)
        self._pool: RemotePool | None = None

    def __repr__(self) -> str:
        return f"ExchangeShell({self.settings.url!r}, as {self.settings.username!r})"

    def __enter__(self) -> Self:
        self._opened()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the shell; takes some seconds at most, and says nothing if the server is gone."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    @property
    def server_name(self) -> str:
        """The server that was connected to, as the settings name it."""
        return self.settings.host

    @property
    def protocol(self) -> str:
        """Protocol version of the open shell, such as `2.3`; '' while there is none."""
        return self._pool.protocol if self._pool is not None else ""

    def stream(
        self,
        cmdlet: str,
        parameters: Parameters | None = None,
        *,
        optional: Collection[str] = (),
    ) -> Generator[PsObject, None, None]:
        """The objects of one command, each as soon as it has arrived; never all at once.

        Who does not want the rest closes the generator, which stops the command.

        `optional`: parameters that may be left out where the server does not know them; `notes`
        says when that was done. Raises ValueError at once for what is no read command. Later it
        raises AccessDenied, CommandUnsupported and SourceUnreachable instead of the first object,
        UnexpectedAnswer for an object that makes no sense, and AnswerCutShort after the last
        object where they are not, or perhaps not, all: the connection broke, the server wrote an
        error or a warning, or gave exactly DEFAULT_RESULT_SIZE objects.
        """
        asked = dict(parameters or {})
        _refuse_all_but_reading(cmdlet, asked)
        return self._objects(cmdlet, asked, frozenset(optional))

    def _objects(
        self, cmdlet: str, parameters: dict[str, str | bool | int], optional: frozenset[str]
    ) -> Generator[PsObject, None, None]:
        self.notes = []
        expires = time.monotonic() + self.settings.deadline
        place = f"{cmdlet} on {self.settings.host}"
        count, outcome = yield from self._once(place, cmdlet, parameters, expires)
        unknown = Trouble.UNKNOWN_PARAMETER
        if not count and optional & parameters.keys() and unknown in _troubles(outcome):
            left_out = sorted(optional & parameters.keys())
            self.notes.append(
                f"{place} was asked without {', '.join(left_out)}, which the server does not know "
                "or the account may not use."
            )
            kept = {name: parameters[name] for name in parameters if name not in left_out}
            count, outcome = yield from self._once(place, cmdlet, kept, expires)
        shortcoming = _shortcoming(place, count, outcome)
        if shortcoming is not None:
            raise shortcoming

    def _once(
        self, place: str, cmdlet: str, parameters: Parameters, expires: float
    ) -> Generator[PsObject, None, tuple[int, Outcome]]:
        def compose(pipeline: PowerShell) -> None:
            pipeline.add_cmdlet(cmdlet)
            for name, value in parameters.items():
                pipeline.add_parameter(name, value)

        reader = FragmentReader(place)
        count = 0
        with closing(self._messages(place, compose, expires)) as run:
            while True:
                try:
                    message = next(run)
                except StopIteration as stop:
                    return count, stop.value
                for found in _objects_of(reader.read(message), place):
                    count += 1
                    yield found

    def _messages(
        self, place: str, compose: Callable[[PowerShell], None], expires: float
    ) -> Generator[bytes, None, Outcome]:
        """One pipeline; in a new shell, if the one at hand turns out to have been closed."""
        used = self._pool is not None
        pool = self._opened()
        try:
            return (yield from pool.run(place, compose, expires))
        except SourceError:
            if not (used and pool.stale):
                raise
        return (yield from self._opened().run(place, compose, expires))

    def _opened(self) -> RemotePool:
        """The open shell; the one before, if it broke, is given up."""
        # pypsrp takes a third of a second to import, which a command that never connects would pay
        from auditor.sources.remoting_pool import RemotePool

        if self._pool is not None and self._pool.broken:
            self.close()
        if self._pool is None:
            pool = RemotePool(self.settings, self._secret)
            pool.open()
            self._pool = pool
        return self._pool


def _objects_of(value: PsValue, place: str) -> Iterator[PsObject]:
    for found in value if isinstance(value, list) else (value,):
        if not isinstance(found, PsObject):
            raise UnexpectedAnswer(
                f"{place} gave {type(found).__name__} where an object belongs; check that path and "
                "configuration are those of Exchange."
            )
        yield found


def _refuse_all_but_reading(cmdlet: str, parameters: Mapping[str, object]) -> None:
    """Raises ValueError for anything but one read command with plain values."""
    match = _CMDLET.fullmatch(cmdlet)
    if match is None or match["verb"] not in READ_VERBS:
        raise ValueError(f"{cmdlet!r:.80} is no read command")
    for name, value in parameters.items():
        if not _PARAMETER.fullmatch(name) or not isinstance(value, str | bool | int):
            raise ValueError(f"{name!r:.80} of {cmdlet} is no parameter with a plain value")


def _troubles(outcome: Outcome) -> set[Trouble]:
    failed = outcome.ending.error
    return {error.trouble for error in (*outcome.errors, *((failed,) if failed else ()))}


def _shortcoming(place: str, count: int, outcome: Outcome) -> SourceError | None:
    """Why the answer does not count as complete; None where it does."""
    errors = [*([outcome.ending.error] if outcome.ending.error else []), *outcome.errors]
    if not count:
        refusal = _refusal(place, outcome)
        if refusal is not None:
            return refusal
    if errors or not outcome.ending.completed:
        text = errors[0].text if errors else "the server stopped it"
        return AnswerCutShort(
            f"{place} gave {count} objects and an error ({text}); run it in the Exchange "
            "Management Shell to see whether account or server is the reason."
        )
    if outcome.warnings:
        return AnswerCutShort(
            f"{place} gave {count} objects and a warning ({outcome.warnings[0]}), so there may be "
            "more; run it in the Exchange Management Shell to see."
        )
    if outcome.gap:
        return AnswerCutShort(
            f"{place} gave {count} objects, but an answer got lost on the way, so some may be "
            "missing; collect it again."
        )
    if count == DEFAULT_RESULT_SIZE:
        return AnswerCutShort(
            f"{place} gave exactly {count} objects, where Exchange stops unless told otherwise; "
            "see whether there are more."
        )
    return None


def _refusal(place: str, outcome: Outcome) -> SourceError | None:
    errors = [*([outcome.ending.error] if outcome.ending.error else []), *outcome.errors]
    texts = {error.trouble: error.text for error in reversed(errors)}
    if Trouble.UNKNOWN_CMDLET in texts:
        return CommandUnsupported(
            f"{place} does not exist for this account: either this version of Exchange has no such "
            "cmdlet, or no role of the account contains it; give it View-Only Organization "
            "Management, or accept that this stays unknown."
        )
    if Trouble.UNKNOWN_PARAMETER in texts:
        return CommandUnsupported(
            f"{place} does not take a parameter that was asked for "
            f"({texts[Trouble.UNKNOWN_PARAMETER]}): this version of Exchange does not know it, or "
            "the roles of the account do not include it."
        )
    if Trouble.DENIED in texts:
        return AccessDenied(
            f"{place} is denied ({texts[Trouble.DENIED]}); give the account View-Only Organization "
            "Management."
        )
    return None
