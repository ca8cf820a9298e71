"""The words of the report: what a change board reads for each word of the vocabulary."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from auditor.verdicts import Cause, Confidence, Readiness, Severity, Verdict

GATES: Mapping[str, tuple[str, str]] = {
    "overall": ("Overall", "The worst of the three gates."),
    "move": ("The move", "Will the mailboxes arrive in Exchange Online at all?"),
    "seamless": ("The phones", "Does the mail account already on the phone follow by itself?"),
    "platform": ("Platform", "Are servers, settings and support in a state to move from?"),
}
"""Name of each gate, and the question it answers."""

READINESS: Mapping[str, str] = {
    Readiness.NOT_READY: "Not ready",
    Readiness.UNDETERMINED: "Undetermined",
    Readiness.READY_WITH_ACTION: "Ready, with action",
    Readiness.READY: "Ready",
}

READINESS_MEANING: Mapping[str, str] = {
    Readiness.NOT_READY: "At least one blocker was found that no waiver in force covers. If these "
    "mailboxes move now, expect the move to fail, or phones to stop until somebody repairs them.",
    Readiness.UNDETERMINED: "No unwaived blocker was found, but questions that could reveal one "
    "were not answered. This is not a pass: nobody looked.",
    Readiness.READY_WITH_ACTION: "No unwaived blocker was found, and every question that could "
    "reveal one was answered or waived. Somebody has to act, as listed.",
    Readiness.READY: "No unwaived blocker was found, every question that could reveal one was "
    "answered or waived, and nobody has to act.",
}

GOES = frozenset({Readiness.READY, Readiness.READY_WITH_ACTION})
"""What a wave must be to go; what nobody looked at is no reason to go."""

VERDICTS: Mapping[str, str] = {
    Verdict.ERROR: "Error",
    Verdict.FAIL: "Failed",
    Verdict.NOT_ASSESSED: "Not assessed",
    Verdict.PASS: "Passed",
    Verdict.NOT_APPLICABLE: "Not applicable",
}

VERDICT_MEANING: Mapping[str, str] = {
    Verdict.ERROR: "The rule or the program broke. The question is open; it counts as not seen.",
    Verdict.FAIL: "At least one subject was looked at and is not as it should be.",
    Verdict.NOT_ASSESSED: "The evidence is missing, incomplete or silent. Nothing is said of it, "
    "neither good nor bad.",
    Verdict.PASS: "Every subject was looked at, there is at least one, and all are as they should "
    "be.",
    Verdict.NOT_APPLICABLE: "The evidence is complete, and there is nothing of this kind here.",
}

SEVERITIES: Mapping[str, str] = {
    Severity.BLOCKER: "Blocker",
    Severity.USER_IMPACT: "User impact",
    Severity.WARNING: "Warning",
    Severity.INFO: "Information",
}

SEVERITY_MEANING: Mapping[str, str] = {
    Severity.BLOCKER: "The move fails, or every phone in scope needs somebody's hands.",
    Severity.USER_IMPACT: "The user must do something: sign in, add the account again, lose a "
    "setting.",
    Severity.WARNING: "Trouble is likely, or the state is not supported.",
    Severity.INFO: "Worth knowing; nothing follows from it by itself.",
}

CONFIDENCES: Mapping[str, tuple[str, str]] = {
    Confidence.DOCUMENTED: ("A", "Documented by the vendor"),
    Confidence.OBSERVED: ("B", "Observed server behaviour, to be confirmed in a lab"),
    Confidence.REPORTED: ("C", "Reported by third parties, not confirmed"),
    Confidence.INFERRED: ("D", "Practitioners' experience, no published source"),
}
"""Letter and words of each confidence; they stand beside every rule."""

CONFIDENCE_MEANING: Mapping[str, str] = {
    Confidence.DOCUMENTED: "Current vendor documentation, a vendor repository, or a protocol "
    "specification.",
    Confidence.OBSERVED: "Older vendor text, a configuration file shipped with the product, or "
    "server behaviour that was observed. Likely, but not certain: confirm it in a lab before "
    "anybody relies on it.",
    Confidence.REPORTED: "A device maker's page, a consultant's article, a help page of another "
    "organisation.",
    Confidence.INFERRED: "Experience or inference. Treat it as a hint.",
}

CAUSES: Mapping[str, str] = {
    Cause.NOT_REQUESTED: "Not collected",
    Cause.ACCESS_DENIED: "Access denied",
    Cause.UNREACHABLE: "No answer",
    Cause.PARTIAL: "Incomplete",
    Cause.STALE: "Too old",
    Cause.UNSUPPORTED: "Not available there",
    Cause.UNEXPECTED_ANSWER: "Unexpected answer",
    Cause.VALUE_MISSING: "The source did not say",
    Cause.NEEDS_A_PERSON: "A person has to look",
}

STATES: Mapping[str, str] = {"complete": "Complete", **CAUSES}
"""State of a line of the ledger: complete, or the cause why not."""

REDIRECTS: Mapping[str, str] = {
    "redirected": "Sent to Exchange Online",
    "depends_on_server": "Depends on which server answers",
    "ambiguous": "More than one answer is possible",
    "not_redirected": "Not redirected: the phone is not told where the mailbox went",
    "unknown": "Not assessed: a step of the redirect cannot be answered",
    "": "Not assessed: no prediction was possible for lack of evidence",
}
"""What the phones of a mailbox will get, by the prediction's outcome; '' where there is none."""

REDIRECTS_IN_SHORT: Mapping[str, str] = {
    "redirected": "Redirected",
    "depends_on_server": "Depends on the server",
    "ambiguous": "Ambiguous",
    "not_redirected": "Not redirected",
    "unknown": "Not assessed",
    "": "Not assessed",
}

NO_REDIRECT = ("unknown", "")
"""The outcomes that are no answer."""

SCOPES: Mapping[str, tuple[str, str]] = {
    "organization": ("organisation setting", "organisation settings"),
    "server": ("server", "servers"),
    "virtual_directory": ("virtual directory", "virtual directories"),
    "domain": ("domain", "domains"),
    "mailbox": ("mailbox", "mailboxes"),
    "device": ("device", "devices"),
    "tenant": ("tenant-wide point", "tenant-wide points"),
    "user": ("user", "users"),
    "network": ("network name", "network names"),
}
"""What the subjects of a rule are called, one and many."""

DETAILS: Mapping[str, str] = {
    "as_of": "Judged as of",
    "evidence_file": "Evidence file",
    "evidence_sha256": "SHA-256 of the evidence",
    "evidence_sealed": "Evidence sealed",
    "evidence_created_at": "Evidence made at",
    "evidence_tool_version": "Evidence made by version",
    "max_age_days": "Days after which evidence is too old to judge by",
}

ALL_FINDINGS = "auditor report --format csv"
ALL_MAILBOXES = "auditor report --format csv-mailboxes"
ALL_OF_IT = "auditor report --format json"
"""The commands that write what a page leaves out."""

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def counted(number: int, one: str, many: str) -> str:
    """A number and its noun: `1 server`, `1,204 mailboxes`."""
    return f"{number:,} {one if number == 1 else many}"


def long_date(day: dt.date) -> str:
    """A date that no reader can turn round: `21 November 2026`."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def moment(written: str) -> str:
    """A time as the bundle wrote it, to the minute in UTC; anything else as it is."""
    try:
        read = dt.datetime.fromisoformat(written)
    except ValueError:
        return written
    return written if read.tzinfo is None else f"{read.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def meanings(names: Mapping[str, str], texts: Mapping[str, str]) -> list[tuple[str, str]]:
    """Name and meaning of each word, in order."""
    return [(name, texts[word]) for word, name in names.items()]


def confidence_meanings() -> list[tuple[str, str]]:
    """Letter and name of each confidence, and what it means."""
    return [
        (f"{letter}: {name}", CONFIDENCE_MEANING[word])
        for word, (letter, name) in CONFIDENCES.items()
    ]
