"""Everything this program raises on purpose, named by what happened.

AuditorError
├── InputRefused             the user's file or words cannot be used (exit code 2)
│   ├── BundleRefused        an evidence or assessment bundle is broken, edited or foreign
│   ├── RulesRefused         rule files do not load; every problem is listed
│   ├── QueryRefused         a query is broken, forbidden or too slow
│   └── WaiversRefused       the waiver file is wrong, or a waiver matches nothing
└── SourceError              the outside world; each carries the ledger cause it becomes
    ├── AccessDenied         the account may not read this
    ├── SourceUnreachable    no answer
    ├── AnswerCutShort       the answer stopped half-way; what came is kept
    ├── CommandUnsupported   this server or tenant has no such command
    └── UnexpectedAnswer     the answer is not what the interface promises

A message is one sentence: what happened, where, and the next step.
"""

from __future__ import annotations

from collections.abc import Sequence

from auditor.verdicts import Cause


class AuditorError(Exception):
    """Root of everything this program raises on purpose."""


class InputRefused(AuditorError):
    """A file or a word of the user's cannot be used; nothing was written."""


class BundleRefused(InputRefused):
    """A bundle is broken, edited, or of a version this program does not read."""


class RulesRefused(InputRefused):
    """Rule files do not load; `problems` holds one sentence for each, with file and key."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class QueryRefused(InputRefused):
    """A query is broken, forbidden or too slow: its author's fault, not the customer's."""


class WaiversRefused(InputRefused):
    """A waiver file cannot be used as it stands."""


class SourceError(AuditorError):
    """The outside world did not give what was asked; rows that came before are kept."""

    cause: Cause
    code: str = ""
    """The service's own name for it, such as an error code of Graph; '' where there is none."""


class AccessDenied(SourceError):
    """The account may not read this."""

    cause = Cause.ACCESS_DENIED


class SourceUnreachable(SourceError):
    """No answer from the server."""

    cause = Cause.UNREACHABLE


class AnswerCutShort(SourceError):
    """The answer stopped half-way; what came is kept."""

    cause = Cause.PARTIAL


class CommandUnsupported(SourceError):
    """This server or tenant has no such command."""

    cause = Cause.UNSUPPORTED


class UnexpectedAnswer(SourceError):
    """The answer is not what the interface promises."""

    cause = Cause.UNEXPECTED_ANSWER
