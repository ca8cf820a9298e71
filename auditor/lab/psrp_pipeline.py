"""The PowerShell side of the lab's endpoint: shells and pipelines, on psrpcore's server classes.

Objects go out as they were written, in messages of their own; only what a server says about
itself, its errors and its warnings is serialised by psrpcore.
"""

from __future__ import annotations

import struct
import threading
import uuid
from collections.abc import Iterator

import psrpcore
from psrpcore.types import PipelineState, PSInvocationState, PSVersion

from auditor.lab.psrp_errors import (
    BROKEN,
    DENIED,
    RESULT_LIMIT,
    SCRIPTS_REFUSED,
    CommandFailed,
    Parameters,
    Run,
    Warned,
    category_of,
    exception_of,
    record_of,
    unknown_cmdlet,
    unknown_parameter,
)
from auditor.lab.psrp_queue import ENVELOPE_BYTES, Queue
from auditor.lab.wire_faults import Faults, Mishap, Refusal

_FRAGMENT = struct.Struct(">QQBI")
_MESSAGE = struct.Struct("<II16s16s")
_TO_CLIENT, _PIPELINE_OUTPUT = 1, 0x00041004
_FIRST_OBJECT_ID = 1 << 40


class Shell:
    """One runspace pool of one client, in the restricted language or in the full one."""

    def __init__(self, run: Run, faults: Faults, *, scripts: bool, protocol: str | None) -> None:
        self._run = run
        self._faults = faults
        self._scripts = scripts
        self._lock = threading.RLock()
        self._queues: dict[str, Queue] = {}
        self._next_object = _FIRST_OBJECT_ID
        self.commands: dict[str, str] = {}
        self._pool = psrpcore.ServerRunspacePool(
            application_private_data={"PSVersionTable": {"PSVersion": PSVersion("5.1.20348.3932")}}
        )
        if protocol is not None:
            self._pool.our_capability.protocolversion = PSVersion(protocol)

    def queue(self, command_id: str) -> Queue:
        """What waits for the client; '' stands for the shell itself."""
        with self._lock:
            return self._queues.setdefault(command_id, Queue())

    def data(self, command_id: str, data: bytes) -> None:
        """Fragments from the client; a complete pipeline starts to run."""
        with self._lock:
            target = uuid.UUID(command_id) if command_id else None
            self._pool.receive_data(psrpcore.PSRPPayload(data, psrpcore.StreamType.default, target))
            while (event := self._pool.next_event()) is not None:
                if isinstance(event, psrpcore.CreatePipelineEvent):
                    self._start(event)
            self._flush()

    def command(self, command_id: str, data: bytes) -> None:
        """A new pipeline, and the first fragments of it."""
        with self._lock:
            psrpcore.ServerPipeline(self._pool, uuid.UUID(command_id))
            self.queue(command_id)
            self.data(command_id, data)

    def stop(self, command_id: str) -> None:
        """Forgets a pipeline, whether it still runs or not."""
        with self._lock:
            self._pool.pipeline_table.pop(uuid.UUID(command_id), None)
            self.queue(command_id).close()
            self._queues.pop(command_id, None)

    def close(self) -> None:
        """Stops everything that runs."""
        with self._lock:
            for queue in self._queues.values():
                queue.close()

    def _start(self, event: psrpcore.CreatePipelineEvent) -> None:
        pipeline = self._pool.pipeline_table.get(event.pipeline_id)
        if pipeline is None or not isinstance(event.pipeline, psrpcore.PowerShell):
            return
        command_id = str(event.pipeline_id).upper()
        self.commands[command_id] = event.pipeline.commands[0].command_text
        worker = threading.Thread(
            target=self._work,
            args=(pipeline, command_id, list(event.pipeline.commands)),
            name=f"lab pipeline {command_id}",
            daemon=True,
        )
        worker.start()

    def _work(
        self, pipeline: psrpcore.ServerPipeline, command_id: str, commands: list[psrpcore.Command]
    ) -> None:
        queue = self.queue(command_id)
        with self._lock:
            pipeline.start()
            self._flush()
        try:
            self._answer(pipeline, queue, commands)
        except CommandFailed as failure:
            self._end(pipeline, queue, failure)
        else:
            self._end(pipeline, queue, None)

    def _answer(
        self, pipeline: psrpcore.ServerPipeline, queue: Queue, commands: list[psrpcore.Command]
    ) -> None:
        command = commands[0]
        if command.is_script and not self._scripts:
            raise SCRIPTS_REFUSED
        if len(commands) > 1:
            raise unknown_cmdlet(commands[1].command_text)
        parameters = {
            (name or f"#{place}").lstrip("-"): value
            for place, (name, value) in enumerate(command.parameters)
        }
        name = command.command_text
        count = 0
        if not self._strike(pipeline, queue, name, count, parameters):
            return
        for found in self._run(name, parameters):
            if isinstance(found, Warned):
                self._warn(pipeline, found)
                continue
            if not all(queue.put(piece) for piece in self._output(pipeline, found)):
                return
            count += 1
            if not self._strike(pipeline, queue, name, count, parameters):
                return

    def _strike(
        self,
        pipeline: psrpcore.ServerPipeline,
        queue: Queue,
        cmdlet: str,
        count: int,
        parameters: Parameters,
    ) -> bool:
        """Lets a fault strike, if there is one here; False if the command is to end quietly."""
        fault = self._faults.between_objects(cmdlet, count)
        if fault is None:
            return True
        if isinstance(fault.what, Mishap):
            queue.put(fault)
            return True
        if fault.what is Refusal.UNKNOWN_CMDLET:
            raise unknown_cmdlet(cmdlet)
        if fault.what is Refusal.DENIED:
            raise DENIED
        if fault.what is Refusal.FAILED:
            raise BROKEN
        if fault.what is Refusal.UNKNOWN_PARAMETER and "IgnoreDefaultScope" in parameters:
            raise unknown_parameter(cmdlet, "IgnoreDefaultScope")
        if fault.what is Refusal.ERROR:
            with self._lock:
                pipeline.write_error(
                    exception_of(BROKEN), category_of(BROKEN), None, BROKEN.identifier
                )
                self._flush()
        if fault.what is Refusal.WARNING:
            self._warn(
                pipeline, "The object has been corrupted, and it is in an inconsistent state."
            )
        if fault.what is Refusal.RESULT_LIMIT:
            self._warn(pipeline, RESULT_LIMIT)
            return False
        return True

    def _warn(self, pipeline: psrpcore.ServerPipeline, text: str) -> None:
        with self._lock:
            pipeline.write_warning(text)
            self._flush()

    def _end(
        self, pipeline: psrpcore.ServerPipeline, queue: Queue, failure: CommandFailed | None
    ) -> None:
        state = PSInvocationState.Completed if failure is None else PSInvocationState.Failed
        message = PipelineState(PipelineState=int(state))
        if failure is not None:
            message.ExceptionAsErrorRecord = record_of(failure)
        with self._lock:
            pipeline.prepare_message(message)
            self._flush()
        queue.finish()

    def _output(self, pipeline: psrpcore.ServerPipeline, clixml: str) -> Iterator[bytes]:
        """One object as a message, in as many fragments as it needs."""
        message = (
            _MESSAGE.pack(
                _TO_CLIENT,
                _PIPELINE_OUTPUT,
                self._pool.runspace_pool_id.bytes_le,
                pipeline.pipeline_id.bytes_le,
            )
            + clixml.encode()
        )
        with self._lock:
            number = self._next_object
            self._next_object += 1
        for place, start in enumerate(range(0, len(message), ENVELOPE_BYTES)):
            part = message[start : start + ENVELOPE_BYTES]
            flags = (place == 0) | (start + ENVELOPE_BYTES >= len(message)) << 1
            yield _FRAGMENT.pack(number, place, flags, len(part)) + part

    def _flush(self) -> None:
        while (payload := self._pool.data_to_send(ENVELOPE_BYTES)) is not None:
            target = payload.pipeline_id
            self.queue(str(target).upper() if target else "").put(payload.data, wait=False)
