"""Faults of the lab's endpoint that a test switches on: what strikes, where, how often."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Stage(Enum):
    """The message of a client that a fault answers ([MS-WSMV] 3.1.4)."""

    CREATE = "Create"
    COMMAND = "Command"
    RECEIVE = "Receive"
    SIGNAL = "Signal"
    DELETE = "Delete"


class Mishap(Enum):
    """What goes wrong on the wire."""

    DROP = "the connection is closed without an answer"
    STALL = "the answer comes some seconds late"
    SWALLOW = "nothing comes any more: at Receive word that there is nothing yet, else silence"
    DRIP = "the body comes one byte at a time"
    DRIP_HEAD = "the head comes one byte at a time"
    TRUNCATED = "the body ends before its announced length"
    UNAVAILABLE = "HTTP status 503"
    NOT_FOUND = "HTTP status 404 with a page that happens to be XML"
    REDIRECT = "HTTP status 302 to another host"
    PLAIN = "the answer is not encrypted although the request was"
    GARBAGE = "HTTP status 200 with a page in place of an envelope"
    ENDLESS = "a body without end"
    THROTTLED = "the fault of a quota"
    SHELL_GONE = "the fault for a shell that does not exist any more"


class Refusal(Enum):
    """What a command says instead of its answer, or after some of it."""

    RESULT_LIMIT = "1,000 objects and the warning that there are more"
    WARNING = "a warning"
    ERROR = "an error that does not end the command"
    FAILED = "an error that ends the command"
    DENIED = "access denied, which ends the command"
    UNKNOWN_CMDLET = "no such command"
    UNKNOWN_PARAMETER = "no such parameter, where IgnoreDefaultScope was given"


@dataclass(frozen=True)
class WireFault:
    """One fault.

    `stage` counts for a Mishap alone. `cmdlet` narrows it to one command ('' is any; at CREATE
    there is none yet). `after`: how many objects of the command come before it, at RECEIVE and for
    a Refusal. `times`: how often it strikes, None for ever. `seconds`: of a stall, and between the
    bytes of a drip.
    """

    what: Mishap | Refusal
    stage: Stage = Stage.RECEIVE
    cmdlet: str = ""
    after: int = 0
    times: int | None = None
    seconds: float = 0.0


class Faults:
    """The faults of one endpoint, and how often each has struck; for threads."""

    def __init__(self, faults: Iterable[WireFault]) -> None:
        self._left = {fault: fault.times for fault in faults}
        self._lock = threading.Lock()

    def strike(self, stage: Stage, cmdlet: str) -> WireFault | None:
        """The mishap that answers a message of this stage; RECEIVE is the pipeline's matter."""
        if stage is Stage.RECEIVE:
            return None
        return self._first(
            fault
            for fault in self._left
            if isinstance(fault.what, Mishap) and fault.stage is stage and _meets(fault, cmdlet)
        )

    def between_objects(self, cmdlet: str, count: int) -> WireFault | None:
        """What strikes after this many objects of a command."""
        return self._first(
            fault
            for fault in self._left
            if fault.stage is Stage.RECEIVE and fault.after == count and _meets(fault, cmdlet)
        )

    def _first(self, candidates: Iterable[WireFault]) -> WireFault | None:
        with self._lock:
            for fault in candidates:
                left = self._left[fault]
                if left is None:
                    return fault
                if left > 0:
                    self._left[fault] = left - 1
                    return fault
        return None


def _meets(fault: WireFault, cmdlet: str) -> bool:
    return not fault.cmdlet or fault.cmdlet.lower() == cmdlet.lower()
