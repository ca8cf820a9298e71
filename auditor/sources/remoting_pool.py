"""One remote shell and the pipelines that run in it, one after the other, on pypsrp."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator
from importlib.metadata import version

from pypsrp.complex_objects import PSInvocationState, RunspacePoolState
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from auditor.errors import SourceError, SourceUnreachable
from auditor.sources.remoting_connection import connection
from auditor.sources.remoting_faults import FAILURES, busy, explained, refused
from auditor.sources.remoting_fragments import Fragments
from auditor.sources.remoting_records import Ending
from auditor.sources.remoting_run import Failure, Outcome, Pauses, Run
from auditor.sources.shell_settings import Secret, ShellSettings

_log = logging.getLogger(__name__)

PYPSRP = "0.9.1"
"""The release whose private behaviour this program knows (`_fragmenter`, `_build_session`)."""

CLOSING = 5.0
"""Seconds that letting go of a pipeline or a shell may take; what was read is complete by then."""

KEEP_ALIVE = 20.0
"""Seconds after which a connection may be gone: IIS closes an idle one after 120, others sooner."""


class RemotePool:
    """A connection with its shell, for the thread that made it.

    Nothing of pypsrp gets out of here but bytes, and no exception of it: what went wrong is a
    SourceError that holds neither the request nor the password.
    """

    def __init__(self, settings: ShellSettings, secret: Secret) -> None:
        if version("pypsrp") != PYPSRP:
            raise SourceUnreachable(
                f"pypsrp {version('pypsrp')} is installed where this program needs {PYPSRP}; "
                f"install pypsrp=={PYPSRP}."
            )
        self._settings = settings
        wsman, self._adapter = connection(settings, secret)
        self._pool, self._fragments = _shell(wsman, settings)
        self.broken = False
        self.stale = False
        self._last_call = time.monotonic()

    @property
    def protocol(self) -> str:
        """Version of the protocol the server speaks: 2.1 on Exchange 2010, else 2.2 or later."""
        return self._pool.protocol_version or ""

    def open(self) -> None:
        """Opens the shell; waits while the server is too busy. Raises SourceError."""
        expires = time.monotonic() + self._settings.silence + self._settings.patience
        pauses = Pauses(self._settings.patience)
        while True:
            self._adapter.expires = expires
            failure = self._attempt(self._pool.open)
            if failure is None:
                return
            if not failure.busy or not pauses.wait(expires):
                self.close()
                raise pauses.exhausted(failure, self._settings)
            self._attempt(self._pool.close)
            self._pool, self._fragments = _shell(self._pool.connection, self._settings)

    def run(
        self, place: str, compose: Callable[[PowerShell], object], expires: float
    ) -> Generator[bytes, None, Outcome]:
        """Runs one pipeline: each object as it was written, as soon as it is there; then the rest.

        `compose` adds the command; `expires` is the moment of `time.monotonic()` at which it is
        given up. Raises SourceUnreachable where the server gives nothing, and
        AnswerCutShort where it stops after the first object; the shell is `broken` then. `stale`
        says that the server did not even take the command: it may have closed the shell while
        nobody used it. Closing the generator before the end stops the pipeline.
        """
        pipeline = PowerShell(self._pool)
        compose(pipeline)
        run = Run(self._settings, place, expires)
        self.broken = True
        self._begin(pipeline, run)
        try:
            ending = yield from self._objects(pipeline, run)
        except GeneratorExit:
            self._stop(pipeline)
            raise
        self._end(pipeline, ending)
        return Outcome(ending, tuple(run.errors), tuple(run.warnings), run.gap)

    def close(self) -> None:
        """Closes shell and connection; what still runs in the shell is stopped by that.

        A server that does not answer is left alone after some seconds.
        """
        self._adapter.expires = time.monotonic() + CLOSING
        if self._attempt(self._pool.close) is not None:
            self._attempt(self._pool.close)  # the connection at hand may have been a dead one
        self._attempt(self._pool.connection.close)

    def _objects(self, pipeline: PowerShell, run: Run) -> Generator[bytes, None, Ending]:
        while run.ending is None:
            failure = self._poll(pipeline, run)
            given = time.monotonic()
            while self._fragments.arrived.outputs:
                run.count += 1
                yield self._fragments.arrived.outputs.popleft()
            run.spare(time.monotonic() - given)
            run.take(self._fragments.arrived)
            if failure is not None and run.ending is None:
                raise run.cut_short(failure)
        return run.ending

    def _stop(self, pipeline: PowerShell) -> None:
        """Stops a pipeline whose rest nobody wants, so that the shell can be used again."""
        self._adapter.expires = time.monotonic() + CLOSING
        failure = self._attempt(pipeline.stop) or self._attempt(pipeline.close)
        self._fragments.forget()
        self.broken = failure is not None

    def _begin(self, pipeline: PowerShell, run: Run) -> None:
        while True:
            self._adapter.expires = run.expires
            failure = self._attempt(pipeline.begin_invoke)
            if failure is None:
                return
            if time.monotonic() >= run.expires:
                raise run.late(self._settings)
            if not failure.busy or not run.pauses.wait(run.expires):
                self.stale = not failure.busy
                raise run.pauses.exhausted(failure, self._settings)

    def _poll(self, pipeline: PowerShell, run: Run) -> SourceError | None:
        """Asks once for more; an error only where asking again will not help."""
        self._adapter.expires = min(run.expires, run.quiet_since + self._settings.silence)
        received, unanswered = self._fragments.received, self._adapter.unanswered
        failure = self._attempt(pipeline.poll_invoke)
        run.gap = run.gap or self._adapter.unanswered > unanswered
        late = time.monotonic() >= self._adapter.expires
        if self._fragments.received > received:
            run.quiet_since = time.monotonic()
        if failure is None:
            return None
        if late:
            return run.late(self._settings)
        if failure.busy and run.pauses.wait(run.expires):
            run.gap = run.gap or not failure.refused
            run.quiet_since = time.monotonic()
            return None
        return run.pauses.exhausted(failure, self._settings)

    def _end(self, pipeline: PowerShell, ending: Ending) -> None:
        """Lets the server forget the pipeline; what it gave is complete, whatever happens now."""
        pipeline.state = (
            PSInvocationState.COMPLETED if ending.completed else PSInvocationState.FAILED
        )
        self._adapter.expires = time.monotonic() + CLOSING
        self.broken = self._attempt(pipeline.close) is not None

    def _attempt(self, call: Callable[[], object]) -> Failure | None:
        """Calls into pypsrp; what it raises is turned into a sentence and let go.

        The new error is raised elsewhere, so that it carries no context: the old one refers to
        the request, and with it to the password.
        """
        if time.monotonic() - self._last_call > KEEP_ALIVE:
            self._agree_anew()
        failure = None
        try:
            call()
        except SourceError as error:
            failure = Failure(error.with_traceback(None))
        except FAILURES as error:
            _log.debug("%s failed", self._settings.url, exc_info=error)
            opened = self._pool.state == RunspacePoolState.OPENED
            sentence = explained(error, self._settings, opened=opened)
            failure = Failure(sentence, busy(error), refused(error))
        if failure is not None:
            self._agree_anew()
        self._last_call = time.monotonic()
        return failure

    def _agree_anew(self) -> None:
        """Keys of message encryption belong to a connection, and this one may be gone."""
        self._pool.connection.transport.encryption = None


def _shell(wsman: WSMan, settings: ShellSettings) -> tuple[RunspacePool, Fragments]:
    """A shell that has not been opened, and what its messages go through."""
    pool = RunspacePool(wsman, configuration_name=settings.configuration)
    fragments = Fragments(settings.url, pool._fragmenter)
    pool._fragmenter = fragments
    return pool, fragments
