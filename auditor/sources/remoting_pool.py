"""One remote shell and the pipelines that run in it, one after the other, on pypsrp."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from importlib.metadata import version

from pypsrp.complex_objects import PSInvocationState
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from auditor.errors import AnswerCutShort, SourceError, SourceUnreachable
from auditor.sources.remoting_faults import FAILURES, busy, explained
from auditor.sources.remoting_fragments import Fragments
from auditor.sources.remoting_records import Ending, ErrorRecord, RecordReader
from auditor.sources.remoting_transport import BoundedAdapter, trust
from auditor.sources.shell_settings import Secret, ShellSettings

PYPSRP = "0.9.1"
"""The release whose private behaviour this program knows (`_fragmenter`, `_build_session`)."""

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
_CLOSING = 5.0
_READ_AGAIN_AFTER = 0.1
_KEPT_RECORDS = 20


@dataclass(frozen=True)
class Outcome:
    """How a pipeline ended, beside its objects: the first errors and warnings it wrote."""

    ending: Ending
    errors: tuple[ErrorRecord, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Failure:
    error: SourceError
    busy: str


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
        self._adapter, self._pool, self._fragments = _prepared(settings, secret)
        self.broken = False
        self.idle_since = time.monotonic()

    @property
    def protocol(self) -> str:
        """Version of the protocol the server speaks: 2.1 on Exchange 2010, else 2.2 or later."""
        return self._pool.protocol_version or ""

    def open(self) -> None:
        """Opens the shell; waits while the server is too busy. Raises SourceError."""
        started = time.monotonic()
        pauses = _Pauses(self._settings.patience)
        while True:
            self._adapter.expires = started + self._settings.silence + self._settings.patience
            failure = self._attempt(self._pool.open)
            if failure is None:
                return
            if not failure.busy or not pauses.wait():
                self.close()
                raise pauses.exhausted(failure, self._settings)
            self._pool, self._fragments = _shell(self._pool.connection, self._settings)

    def run(
        self, place: str, compose: Callable[[PowerShell], object]
    ) -> Generator[bytes, None, Outcome]:
        """Runs one pipeline: each object as it was written, as soon as it is there; then the rest.

        `compose` adds the command. Raises SourceUnreachable where the server gives nothing, and
        AnswerCutShort where it stops after the first object; the shell is `broken` then. Who stops
        asking before the end leaves a broken shell behind, too.
        """
        pipeline = PowerShell(self._pool)
        compose(pipeline)
        run = _Run(self._settings, place)
        self.broken = True
        self._begin(pipeline, run)
        while run.ending is None:
            failure = self._poll(pipeline, run)
            given = time.monotonic()
            while self._fragments.arrived.outputs:
                run.count += 1
                yield self._fragments.arrived.outputs.popleft()
            run.spare(time.monotonic() - given)
            run.take(self._fragments)
            if failure is not None and run.ending is None:
                raise run.cut_short(failure)
        self.broken = False
        self._end(pipeline, run.ending)
        return Outcome(run.ending, tuple(run.errors), tuple(run.warnings))

    def close(self) -> None:
        """Closes shell and connection; a server that does not answer any more is left alone."""
        self._adapter.expires = time.monotonic() + _CLOSING
        if not self.broken:
            self._attempt(self._pool.close)
        self._attempt(self._pool.connection.close)

    def abandon(self) -> None:
        """Closes a shell in which a pipeline may still run: deleting it stops the pipeline."""
        self.broken = False
        self.close()
        self.broken = True

    def _begin(self, pipeline: PowerShell, run: _Run) -> None:
        while True:
            self._adapter.expires = run.expires
            failure = self._attempt(pipeline.begin_invoke)
            if failure is None:
                return
            if not failure.busy or not run.pauses.wait():
                raise run.pauses.exhausted(failure, self._settings)

    def _poll(self, pipeline: PowerShell, run: _Run) -> SourceError | None:
        """Asks once for more; an error only where asking again will not help."""
        self._adapter.expires = min(run.expires, run.quiet_since + self._settings.silence)
        received = self._fragments.received
        failure = self._attempt(pipeline.poll_invoke)
        late = time.monotonic() >= self._adapter.expires
        if self._fragments.received > received:
            run.quiet_since = time.monotonic()
        if failure is None:
            return None
        if late:
            return run.late(self._settings)
        if failure.busy and run.pauses.wait():
            run.quiet_since = time.monotonic()
            return None
        return run.pauses.exhausted(failure, self._settings)

    def _end(self, pipeline: PowerShell, ending: Ending) -> None:
        """Lets the server forget the pipeline; what it gave is complete, whatever happens now."""
        pipeline.state = (
            PSInvocationState.COMPLETED if ending.completed else PSInvocationState.FAILED
        )
        self._adapter.expires = time.monotonic() + _CLOSING
        self.broken = self._attempt(pipeline.close) is not None
        self.idle_since = time.monotonic()

    def _attempt(self, call: Callable[[], object]) -> _Failure | None:
        """Calls into pypsrp; what it raises is turned into a sentence and let go.

        The new error is raised elsewhere, so that it carries no context: the old one refers to
        the request, and with it to the password.
        """
        try:
            call()
        except SourceError as error:
            return _Failure(error, "")
        except FAILURES as error:
            return _Failure(explained(error, self._settings), busy(error))
        return None


class _Pauses:
    """Growing pauses while a server is too busy, all together no longer than `patience`."""

    def __init__(self, patience: float) -> None:
        self._left = patience
        self._next = _FIRST_PAUSE
        self._count = 0
        self._waited = 0.0

    def wait(self) -> bool:
        """Waits once; False where that would be longer than was agreed."""
        pause = min(self._next, self._left)
        if pause <= 0:
            return False
        time.sleep(pause)
        self._left -= pause
        self._waited += pause
        self._count += 1
        self._next = min(self._next * 2, _LONGEST_PAUSE)
        return True

    def exhausted(self, failure: _Failure, settings: ShellSettings) -> SourceError:
        """The error to raise when there is no more patience, or waiting does not help."""
        if not failure.busy:
            return failure.error
        return SourceUnreachable(
            f"{settings.url} is too busy for {settings.username or 'this account'} "
            f"({failure.busy}), after {self._count} more attempts in {self._waited:.0f} seconds; "
            "close other sessions of the account, or have its throttling policy widened."
        )


class _Run:
    """What has become of one pipeline so far."""

    def __init__(self, settings: ShellSettings, place: str) -> None:
        now = time.monotonic()
        self.expires = now + settings.deadline
        self.quiet_since = now
        self.pauses = _Pauses(settings.patience)
        self.count = 0
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

    def take(self, fragments: Fragments) -> None:
        """Reads the records that have arrived; of many errors and warnings it keeps the first."""
        arrived = fragments.arrived
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


def _prepared(
    settings: ShellSettings, secret: Secret
) -> tuple[BoundedAdapter, RunspacePool, Fragments]:
    """Connection and pool, before anything is sent; raises SourceUnreachable for a bad file."""
    password = secret.reveal()
    by_certificate = settings.authentication == "certificate"
    try:
        context = trust(settings)
    except OSError as error:
        context = None
        unreadable = error.strerror or "no certificates in it"
    else:
        unreadable = ""
    if unreadable:
        raise SourceUnreachable(
            f"{settings.ca_file} cannot be used as ca_file ({unreadable}); give a PEM file."
        )
    wsman = WSMan(
        settings.host,
        port=settings.usual_port,
        ssl=settings.tls,
        path=settings.path,
        auth=settings.authentication,
        username=settings.username,
        password=None if by_certificate else password,
        cert_validation=True,
        operation_timeout=settings.operation_timeout,
        connection_timeout=settings.connect_timeout,  # type: ignore[arg-type]  # handed on to requests
        read_timeout=settings.read_timeout,  # type: ignore[arg-type]  # handed on to requests
        reconnection_backoff=_READ_AGAIN_AFTER,
        no_proxy=not settings.environment_proxies,
        certificate_pem=settings.certificate_file and str(settings.certificate_file),
        certificate_key_pem=settings.certificate_key_file and str(settings.certificate_key_file),
        negotiate_service=settings.kerberos_service,
        negotiate_hostname_override=settings.kerberos_hostname,
    )
    adapter = BoundedAdapter(
        context, password if by_certificate else None, encrypted=wsman.transport.wrap_required
    )
    # pypsrp builds its session when it sends for the first time; it uses one that is there already
    session = wsman.transport._build_session()
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    session.verify = str(settings.ca_file) if settings.ca_file else True
    if not settings.environment_proxies:
        session.trust_env = False
        session.proxies = {}
    wsman.transport.session = session
    return adapter, *_shell(wsman, settings)


def _shell(wsman: WSMan, settings: ShellSettings) -> tuple[RunspacePool, Fragments]:
    """A shell that has not been opened, and what its messages go through."""
    pool = RunspacePool(wsman, configuration_name=settings.configuration)
    fragments = Fragments(settings.url, pool._fragmenter)
    pool._fragmenter = fragments
    return pool, fragments
