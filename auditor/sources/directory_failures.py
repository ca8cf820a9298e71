"""What a directory refuses or breaks off, as one sentence with the next step.

Result codes are those of RFC 4511, appendix A; the numbers behind `data` in a refused bind are
Windows error codes, which Active Directory puts into the diagnostic message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from auditor.errors import (
    AccessDenied,
    AnswerCutShort,
    CommandUnsupported,
    SourceError,
    SourceUnreachable,
    UnexpectedAnswer,
)
from auditor.sources.quoted import one_line

SUCCESS = 0
OPERATIONS_ERROR = 1
TIME_LIMIT, SIZE_LIMIT, ADMIN_LIMIT = 3, 4, 11
STRONGER_AUTHENTICATION = 8
REFERRAL = 10
UNAVAILABLE_CRITICAL_EXTENSION = 12
NO_SUCH_OBJECT = 32
INVALID_CREDENTIALS = 49
INSUFFICIENT_ACCESS = 50
BUSY, UNAVAILABLE = 51, 52

_LIMITS = {
    TIME_LIMIT: "its time limit",
    SIZE_LIMIT: "its size limit",
    ADMIN_LIMIT: "a limit of its administrator",
}
_BIND_DATA = {
    "525": "the directory knows no such account; check its name",
    "52e": "the password is wrong, or the account is not known; check both",
    "530": "the account may not sign in at this hour; run at another time",
    "531": "the account may not sign in from this computer; use another account",
    "532": "the password has expired; set a new one",
    "533": "the account is disabled; use another account",
    "701": "the account has expired; use another account",
    "773": "the password must be changed first; sign in to Windows once and set a new one",
    "775": "the account is locked out; unlock it and check the password",
    "80090346": "the server demands channel binding; bind with Kerberos over LDAPS",
}
_DATA = re.compile(r"data ([0-9a-f]{3,8})\b", re.IGNORECASE)
_NOT_BOUND = "000004DC"
_LONGEST_QUOTE = 160


def quoted(text: str) -> str:
    """Words of the directory inside a sentence, which are often several."""
    return one_line(text, _LONGEST_QUOTE)


def bind_refused(result: Mapping[str, Any], server: str, account: str) -> AccessDenied:
    """Why the server did not let the account in."""
    message = str(result.get("message") or "")
    data = _DATA.search(message)
    why = _BIND_DATA.get(data[1].lower()) if data else None
    if result["result"] == STRONGER_AUTHENTICATION:
        why = "it demands signed or encrypted connections; use LDAPS or StartTLS"
    if why is None and result["result"] == INVALID_CREDENTIALS:
        why = "the password is wrong or has expired, or the account is not known; check both"
    if why is None:
        why = f"it says {result['description']}, {quoted(message) or 'without a reason'}"
    return AccessDenied(f"{server} refused {account}: {why}.")


def search_failed(
    result: Mapping[str, Any], server: str, base: str, *, entries_came: bool
) -> SourceError:
    """Why a search did not end well; once entries came, it is an answer that was cut short."""
    code = result["result"]
    if code in _LIMITS:
        return AnswerCutShort(
            f"{server} stopped answering below {base} at {_LIMITS[code]}: what is missing is not "
            "known; run again at a quieter time, or raise the limit in its query policy."
        )
    if entries_came:
        return AnswerCutShort(
            f"{server} broke off an answer below {base} ({_said(result)}): run again."
        )
    if code == REFERRAL:
        return UnexpectedAnswer(
            f"{server} does not hold {base} and refers to {_referrals(result)}, which is not "
            "followed because it would be shown the password: name a domain controller of that "
            "domain."
        )
    return _refused(result, server, base)


def _refused(result: Mapping[str, Any], server: str, base: str) -> SourceError:
    code = result["result"]
    said = _said(result)
    if code == NO_SUCH_OBJECT:
        nearest = quoted(str(result.get("dn") or ""))
        return UnexpectedAnswer(
            f"{server} knows no {base}, or the account may not see it"
            f"{f'; the nearest it shows is {nearest}' if nearest else ''}: check the name and the "
            "rights of the account."
        )
    if code == INSUFFICIENT_ACCESS or _NOT_BOUND in str(result.get("message")):
        return AccessDenied(
            f"{server} does not let the account search below {base} ({said}): grant it read access."
        )
    if code in {BUSY, UNAVAILABLE}:
        return SourceUnreachable(
            f"{server} cannot answer at present ({said}): run again, or name another server."
        )
    if code == UNAVAILABLE_CRITICAL_EXTENSION:
        return CommandUnsupported(
            f"{server} cannot answer in pages ({said}): name a domain controller of Active "
            "Directory."
        )
    return UnexpectedAnswer(f"{server} refused a search below {base} ({said}).")


def _said(result: Mapping[str, Any]) -> str:
    message = quoted(str(result.get("message") or ""))
    return f"{result['description']}{f', {message}' if message else ''}"


def _referrals(result: Mapping[str, Any]) -> str:
    named = [quoted(str(url)) for url in result.get("referrals") or ()]
    return ", ".join(named[:3]) or "an unnamed server"
