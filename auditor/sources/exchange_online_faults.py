"""What Exchange Online refuses or breaks off, as one sentence with the next step.

The admin endpoint is not documented. Statuses and the places where an error hides its text are
those that public tools have met: a cmdlet that fails gives 400 or 404 with the message "Invalid
Operation", and says why in `error.innererror.internalexception.message` or, behind the name of
a .NET type between bars, in `error.details[].message`. A cmdlet that does not exist, or that no
role of the caller contains, gives 403 with NUL bytes that claim to be gzip.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass

from auditor.errors import (
    AccessDenied,
    AnswerCutShort,
    CommandUnsupported,
    SourceError,
    SourceUnreachable,
    UnexpectedAnswer,
)
from auditor.sources.exchange_online_records import Answer
from auditor.sources.quoted import clause

UNAUTHORIZED, FORBIDDEN, NOT_FOUND, THROTTLED = 401, 403, 404, 429

EXPORT = "export the cmdlet in an Exchange Online PowerShell window and import the file"
_APPLICATION = (
    "grant the application Exchange.ManageAsApp with admin consent and a directory role such as "
    "Global Reader"
)
_ACCOUNT = "give the account a directory role such as Global Reader and sign in again"
_BARRED_TYPE = re.compile(r"^\s*\|[^|]{1,200}\|")
_UNKNOWN_CMDLET = re.compile(r"CommandNotFound|is not recognized as (?:the|a) name of a cmdlet")
_UNKNOWN_PARAMETER = re.compile(
    r"NamedParameterNotFound|parameter cannot be found that matches parameter name"
)
_DENYING = re.compile(r"UnauthorizedAccess|AccessDenied|SecurityException|RBAC|AuthZ")


@dataclass(frozen=True)
class Fault:
    """What went wrong with one request: `what` follows the name of what was asked for.

    `final`: repetition does not mend it.
    """

    kind: type[SourceError]
    what: str
    advice: str
    final: bool = False

    def error(self, place: str) -> SourceError:
        """The error where nothing came before."""
        return self.kind(f"{place} {self.what}; {self.advice}.")

    def cut_short(self, place: str, count: int) -> AnswerCutShort:
        """The error where pages came before: whatever ends an answer half-way, it is partial."""
        return AnswerCutShort(
            f"{place} gave {count} objects, but what follows {self.what}; {self.advice}."
        )


@dataclass(frozen=True)
class Said:
    """What the body of an error says: `identifiers` are code and type names, `text` the reason."""

    text: str
    identifiers: str


def said_in(body: bytes) -> Said | None:
    """The reason that an error gives; None where the body is no JSON with an error."""
    try:
        # an error is small: a page of rows is read with more care, see exchange_online_answers
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    error = found.get("error") if isinstance(found, dict) else None
    return None if error is None else of_error(error)


def of_error(error: object) -> Said:
    """The reason inside the `error` of an answer."""
    inner = _within(_within(error, "innererror"), "internalexception")
    details = _within(error, "details")
    detail = details[0] if isinstance(details, list) and details else None
    texts = [_text(inner, "message"), _text(detail, "message"), _text(error, "message")]
    reason = next((text for text in texts if text), "")
    barred = [found[0] for text in texts if (found := _BARRED_TYPE.match(text))]
    identifiers = [_text(error, "code"), _text(detail, "code"), _text(inner, "type"), *barred]
    return Said(clause(_BARRED_TYPE.sub("", reason)), " ".join(identifiers))


def refused(
    answer: Answer, cmdlet: str, readable: Collection[str] | None, *, delegated: bool
) -> Fault:
    """Why an answer of another status than 200 is no answer.

    `readable`: the cmdlets that the service lists for this sign-in, None where it did not say.
    `delegated`: whether a person signed in, not an application.
    """
    grant = _ACCOUNT if delegated else _APPLICATION
    status, said = answer.status, said_in(answer.body)
    if status == UNAUTHORIZED:
        reason = f", {said.text}" if said and said.text else ""
        return Fault(
            AccessDenied, f"is not allowed to this sign-in (HTTP status 401{reason})", grant
        )
    if said is not None:
        found = _by_reason(status, said, grant)
        if found is not None:
            return found
    elif status == FORBIDDEN:
        return _without_reason(cmdlet, readable, grant)
    elif status == NOT_FOUND:
        return Fault(
            SourceUnreachable,
            "is not there (HTTP status 404)",
            f"check tenant and cloud, or {EXPORT}",
        )
    return _by_status(answer, said)


def failed_inside(error: object, *, delegated: bool) -> Fault:
    """Why an answer of status 200 carries an error in the place of rows."""
    said = of_error(error)
    known = _by_reason(200, said, _ACCOUNT if delegated else _APPLICATION)
    return known or _cmdlet_failed(said)


def _by_reason(status: int, said: Said, grant: str) -> Fault | None:
    """What the text of an error says, as far as names that no language translates tell it."""
    words = f"{said.identifiers} {said.text}"
    quoted = said.text or "without a reason"
    if _UNKNOWN_CMDLET.search(words):
        return Fault(
            CommandUnsupported,
            f"does not exist for this sign-in ({quoted})",
            "either Exchange Online has no such cmdlet, or no role of the sign-in contains it: "
            f"{grant}, or accept that this stays unknown",
        )
    if _UNKNOWN_PARAMETER.search(words):
        return Fault(
            CommandUnsupported,
            f"does not take a parameter that was asked for ({quoted})",
            f"{grant}, whose roles include the parameter, or {EXPORT}",
        )
    if status == FORBIDDEN or _DENYING.search(said.identifiers):
        return Fault(AccessDenied, f"is denied ({quoted})", grant)
    if "pagination" in said.text.lower():
        return Fault(
            UnexpectedAnswer,
            f"was not to be had by the link that Exchange Online gave for it ({quoted})",
            f"collect it again, or {EXPORT}",
        )
    return None


def _without_reason(cmdlet: str, readable: Collection[str] | None, grant: str) -> Fault:
    if readable is None:
        what = (
            "is refused without a reason (HTTP status 403), as Exchange Online does with a cmdlet "
            "that it does not know and with one that no role of the sign-in contains"
        )
    elif cmdlet in readable:
        what = (
            "is refused without a reason (HTTP status 403), although Exchange Online lists it "
            "for this sign-in"
        )
    else:
        what = (
            "is refused (HTTP status 403), and is not among the cmdlets that Exchange Online "
            "lists for this sign-in"
        )
    return Fault(AccessDenied, what, f"{grant}, or {EXPORT}")


def _by_status(answer: Answer, said: Said | None) -> Fault:
    status = answer.status
    later = f"after {answer.retry_after:.0f} seconds" if answer.retry_after else "later"
    reason = f", {said.text}" if said and said.text else ""
    if status == THROTTLED:
        return Fault(
            SourceUnreachable,
            f"was throttled for longer than this program waits (HTTP status 429{reason})",
            f"collect it again {later}",
        )
    if status >= 500:
        return Fault(
            SourceUnreachable,
            f"failed in Exchange Online (HTTP status {status}{reason})",
            f"collect it again {later}, or {EXPORT}",
        )
    if said is not None:
        return _cmdlet_failed(said)
    return Fault(
        UnexpectedAnswer,
        f"was answered with HTTP status {status} and no reason",
        f"check tenant and cloud, or {EXPORT}",
    )


def _cmdlet_failed(said: Said) -> Fault:
    return Fault(
        UnexpectedAnswer,
        f"failed in Exchange Online ({said.text or 'without a reason'})",
        "run it in an Exchange Online PowerShell window to see whether tenant or account is the "
        "reason",
    )


def _within(found: object, name: str) -> object:
    return found.get(name) if isinstance(found, dict) else None


def _text(found: object, name: str) -> str:
    value = _within(found, name)
    return value if isinstance(value, str) else ""
