"""What a pipeline says beside its objects: errors, warnings, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lxml import etree

from auditor.errors import AuditorError
from auditor.sources.clixml import FragmentReader, PsObject, PsValue
from auditor.sources.quoted import one_line

_COMPLETED, _FAILED, _STOPPED = 4, 5, 3
_ENDED = (_COMPLETED, _FAILED, _STOPPED)
_DENYING_CATEGORIES = (18, 25, 28)
_DENYING_REASONS = ("UnauthorizedAccessException", "AccessDeniedException", "SecurityException")


class Trouble(Enum):
    """What an error record says, as far as its identifiers say it in every language."""

    UNKNOWN_CMDLET = "unknown cmdlet"
    UNKNOWN_PARAMETER = "unknown parameter"
    DENIED = "denied"
    SCRIPT_REFUSED = "script refused"
    OTHER = "other"


@dataclass(frozen=True)
class ErrorRecord:
    """An error record ([MS-PSRP] 2.2.3.15): its text, and what kind of trouble it is."""

    text: str
    trouble: Trouble


@dataclass(frozen=True)
class Ending:
    """The state a pipeline ended in ([MS-PSRP] 2.2.3.4); `error` is what made it fail."""

    completed: bool
    error: ErrorRecord | None


class RecordReader:
    """Reads the records of one pipeline."""

    def __init__(self, place: str) -> None:
        self._place = f"a message of {place}"

    def error(self, message: bytes) -> ErrorRecord:
        """An ERROR_RECORD message ([MS-PSRP] 2.2.2.20); one that makes no sense is an error too."""
        try:
            return _error_record(FragmentReader(self._place).read(message))
        except AuditorError as nonsense:
            return ErrorRecord(one_line(str(nonsense)), Trouble.OTHER)

    def warning(self, message: bytes) -> str:
        """The text of a WARNING_RECORD message ([MS-PSRP] 2.2.2.24), read as an error is."""
        try:
            found = FragmentReader(self._place).read(message)
        except AuditorError as nonsense:
            return one_line(str(nonsense))
        return one_line(_text(found, "InformationalRecord_Message") or _shown(found))

    def ending(self, message: bytes) -> Ending | None:
        """A PIPELINE_STATE message ([MS-PSRP] 2.2.2.21); None while the pipeline runs.

        Raises UnexpectedAnswer for one that makes no sense.
        """
        reader = FragmentReader(self._place)
        found = reader.read(message)
        state = found.optional("PipelineState") if isinstance(found, PsObject) else None
        if state not in _ENDED:
            return None
        # as a property an object with a text is that text alone: it is read again, for itself
        record = etree.fromstring(message, _parser()).find(".//Obj[@N='ExceptionAsErrorRecord']")
        if record is None:
            return Ending(state == _COMPLETED, None)
        again = reader.read(etree.tostring(record, encoding="utf-8", with_tail=False))
        return Ending(state == _COMPLETED, _error_record(again))


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=True, encoding="utf-8"
    )


def _error_record(found: PsValue) -> ErrorRecord:
    text = (
        _text(found, "ErrorDetails_Message")
        or _shown(found)
        or _text(found, "Exception")
        or _text(found, "FullyQualifiedErrorId")
    )
    return ErrorRecord(one_line(text) or "an error without a text", _trouble(found))


def _trouble(found: PsValue) -> Trouble:
    identifier = _text(found, "FullyQualifiedErrorId")
    if identifier.startswith("CommandNotFoundException"):
        return Trouble.UNKNOWN_CMDLET
    if identifier.startswith("NamedParameterNotFound"):
        return Trouble.UNKNOWN_PARAMETER
    if identifier.startswith("ScriptsNotAllowed"):
        return Trouble.SCRIPT_REFUSED
    category = found.optional("ErrorCategory_Category") if isinstance(found, PsObject) else None
    reason = _text(found, "ErrorCategory_Reason")
    if category in _DENYING_CATEGORIES or reason.endswith(_DENYING_REASONS):
        return Trouble.DENIED
    return Trouble.OTHER


def _text(found: PsValue, name: str) -> str:
    value = found.optional(name) if isinstance(found, PsObject) else None
    return value if isinstance(value, str) else ""


def _shown(found: PsValue) -> str:
    if isinstance(found, PsObject):
        return found.text or ""
    return found if isinstance(found, str) else ""
