"""The vocabulary of the audit (design, section 6): words that evidence, rules and report share."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What a rule says of one subject, or of all its subjects together."""

    PASS = "pass"
    FAIL = "fail"
    NOT_ASSESSED = "not_assessed"
    NOT_APPLICABLE = "not_applicable"
    ERROR = "error"


class Cause(StrEnum):
    """Why a question stays open. The first seven are causes a ledger line can carry."""

    NOT_REQUESTED = "not_requested"
    ACCESS_DENIED = "access_denied"
    UNREACHABLE = "unreachable"
    PARTIAL = "partial"
    STALE = "stale"
    UNSUPPORTED = "unsupported"
    UNEXPECTED_ANSWER = "unexpected_answer"
    VALUE_MISSING = "value_missing"
    NEEDS_A_PERSON = "needs_a_person"


class Scope(StrEnum):
    """What a rule's subjects are."""

    ORGANIZATION = "organization"
    SERVER = "server"
    VIRTUAL_DIRECTORY = "virtual_directory"
    DOMAIN = "domain"
    MAILBOX = "mailbox"
    DEVICE = "device"
    TENANT = "tenant"
    USER = "user"
    NETWORK = "network"


class Gate(StrEnum):
    """Which of three things breaks: the move, the seamless redirect, or platform and support."""

    MOVE = "move"
    SEAMLESS = "seamless"
    PLATFORM = "platform"


class Severity(StrEnum):
    """What a failure costs, worst first."""

    BLOCKER = "blocker"
    USER_IMPACT = "user_impact"
    WARNING = "warning"
    INFO = "info"


class Confidence(StrEnum):
    """How sure the fact behind a rule is: letters A, B, C and D of the catalogue of checks."""

    DOCUMENTED = "documented"
    OBSERVED = "observed"
    REPORTED = "reported"
    INFERRED = "inferred"


class Readiness(StrEnum):
    """Whether a mailbox, or all of them, may move through a gate."""

    READY = "ready"
    READY_WITH_ACTION = "ready_with_action"
    UNDETERMINED = "undetermined"
    NOT_READY = "not_ready"


VERDICT_ORDER = (
    Verdict.ERROR,
    Verdict.FAIL,
    Verdict.NOT_ASSESSED,
    Verdict.PASS,
    Verdict.NOT_APPLICABLE,
)
"""Roll-up inside a rule: the first of these that any subject has is the verdict of the rule."""

READINESS_ORDER = (
    Readiness.NOT_READY,
    Readiness.UNDETERMINED,
    Readiness.READY_WITH_ACTION,
    Readiness.READY,
)
"""Roll-up over gates and mailboxes: the worst word wins, 400 passes hide no blocker."""


MAX_AGE_DAYS = 30
"""Days after which what was read no longer says how things are, unless somebody says otherwise."""


def worst_readiness(words: set[Readiness]) -> Readiness:
    """The worst of several readiness words; of none it is `undetermined`, never `ready`."""
    return next((word for word in READINESS_ORDER if word in words), Readiness.UNDETERMINED)
