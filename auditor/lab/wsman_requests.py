"""What the lab's endpoint does about a request: shells come, run commands and go."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable

from auditor.lab import wsman_messages as messages
from auditor.lab.psrp_errors import Run
from auditor.lab.psrp_pipeline import Shell
from auditor.lab.wire_faults import Faults, Mishap, Stage, WireFault
from auditor.lab.wsman_messages import Request

EXCHANGE_PATH, EXCHANGE_CONFIGURATION = "PowerShell", "Microsoft.Exchange"
WINDOWS_PATH, WINDOWS_CONFIGURATION = "wsman", "Microsoft.PowerShell"

_RESOURCE = "http://schemas.microsoft.com/powershell/"
_LONGEST_WAIT = 20.0
_STAGES = {stage.value: stage for stage in Stage}


class Struck(Exception):
    """A mishap that no envelope answers; the connection is to fail."""

    def __init__(self, fault: WireFault) -> None:
        super().__init__(fault.what.value)
        self.fault = fault


class OpenShells:
    """The shells of one endpoint, its faults, and what was asked of it; for threads."""

    def __init__(
        self,
        faults: Iterable[WireFault],
        *,
        max_shells: int,
        protocol: str | None,
        warm_up: float,
    ) -> None:
        self.faults = Faults(faults)
        self.requests: list[str] = []
        self._max_shells = max_shells
        self._protocol = protocol
        self.warm_up = warm_up
        self._shells: dict[str, Shell] = {}
        self._lock = threading.Lock()
        self.closing = threading.Event()

    def __len__(self) -> int:
        return len(self._shells)

    def get(self, shell_id: str) -> Shell | None:
        """The shell of this identifier, if it is open."""
        return self._shells.get(shell_id)

    def note(self, operation: str) -> None:
        """Remembers that an operation was asked for."""
        with self._lock:
            self.requests.append(operation)

    def add(self, shell_id: str, run: Run, *, scripts: bool) -> Shell:
        """Opens a shell; raises WsmanFault where there are too many."""
        shell = Shell(run, self.faults, scripts=scripts, protocol=self._protocol)
        with self._lock:
            if len(self._shells) >= self._max_shells:
                raise messages.THROTTLED
            self._shells[shell_id] = shell
        return shell

    def remove(self, shell_id: str) -> None:
        """Closes a shell, and stops what runs in it."""
        with self._lock:
            shell = self._shells.pop(shell_id, None)
        if shell is not None:
            shell.close()

    def close(self) -> None:
        """Closes all shells, and wakes who waits."""
        self.closing.set()
        for shell_id in tuple(self._shells):
            self.remove(shell_id)


class Exchange:
    """One request and what the endpoint does about it."""

    def __init__(self, shells: OpenShells, url: str, request: Request, account: str) -> None:
        self._shells = shells
        self._url = url
        self._request = request
        self._account = account
        self._taken: tuple[Shell, str, list[bytes]] | None = None

    def answered(self, run: Run | None, configuration: str) -> str:
        """The body of the answer; raises WsmanFault, and Struck for a mishap."""
        request = self._request
        stage = _STAGES.get(request.operation)
        shell = self._shells.get(request.shell_id)
        command = request.attribute("rsp:Signal", "CommandId") or request.attribute(
            "rsp:Receive/rsp:DesiredStream", "CommandId"
        )
        self._shells.note(request.operation)
        if stage is not None:
            name = shell.commands.get(command.upper(), "") if shell else ""
            self._strike(self._shells.faults.strike(stage, name))
        if stage is Stage.CREATE:
            return self._create(run, configuration)
        if shell is None:
            raise messages.SHELL_GONE
        if stage is Stage.RECEIVE:
            return self._receive(shell, command.upper())
        return self._other(shell, command.upper())

    def body_of_fault(self) -> str:
        """The body that a mishap spoils: what was ready to be sent."""
        shell_id = self._request.shell_id
        return messages.received(shell_id, [b"\0" * 2000], done=False)

    def give_back(self) -> None:
        """A client that went away before it had the answer may ask for it again."""
        if self._taken is not None:
            shell, command, pieces = self._taken
            shell.queue(command).give_back(pieces)

    def _create(self, run: Run | None, configuration: str) -> str:
        request = self._request
        if run is None:
            raise messages.ACCESS_DENIED
        if request.resource != _RESOURCE + configuration:
            raise messages.NOT_IN_CATALOG
        shell_id = request.attribute("rsp:Shell", "ShellId").upper() or str(uuid.uuid4()).upper()
        shell = self._shells.add(shell_id, run, scripts=configuration == WINDOWS_CONFIGURATION)
        opening = request.decoded("rsp:Shell/x:creationXml")
        warm = threading.Timer(self._shells.warm_up, shell.data, ("", opening))
        warm.daemon = True
        warm.start()
        return messages.created(shell_id, request.resource, self._account, self._url)

    def _receive(self, shell: Shell, command: str) -> str:
        queue = shell.queue(command)
        pieces, fault, done = queue.take(min(self._request.timeout, _LONGEST_WAIT))
        self._strike(fault)
        if fault is not None and fault.what is Mishap.STALL:
            return self._receive(shell, command)
        if not pieces and not done:
            raise messages.TIMED_OUT
        self._taken = shell, command, pieces
        return messages.received(command, pieces, done=done)

    def _strike(self, fault: WireFault | None) -> None:
        if fault is None:
            return
        if fault.what is Mishap.STALL:
            self._shells.closing.wait(fault.seconds)
            return
        if fault.what is Mishap.SWALLOW and self._request.operation == Stage.RECEIVE.value:
            self._shells.closing.wait(min(self._request.timeout, _LONGEST_WAIT))
            raise messages.TIMED_OUT
        if fault.what is Mishap.SWALLOW:
            self._shells.closing.wait(_LONGEST_WAIT)
        if fault.what is Mishap.THROTTLED:
            raise messages.THROTTLED
        if fault.what is Mishap.SHELL_GONE:
            raise messages.SHELL_GONE
        raise Struck(fault)

    def _other(self, shell: Shell, command: str) -> str:
        request = self._request
        if request.operation == "Command":
            command = request.attribute("rsp:CommandLine", "CommandId").upper()
            shell.command(command, request.decoded("rsp:CommandLine/rsp:Arguments"))
            return messages.command_accepted(command)
        if request.operation == "Send":
            command = request.attribute("rsp:Send/rsp:Stream", "CommandId").upper()
            shell.data(command, request.decoded("rsp:Send/rsp:Stream"))
            return "<rsp:SendResponse/>"
        if request.operation == "Signal":
            shell.stop(command)
            return "<rsp:SignalResponse/>"
        if request.operation == "Delete":
            self._shells.remove(request.shell_id)
            return ""
        raise messages.UNSUPPORTED
