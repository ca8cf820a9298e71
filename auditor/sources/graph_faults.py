"""What Microsoft Graph refuses or fails to do, in one sentence each, and what may be asked again.

Error codes are those of Microsoft's page "Microsoft Graph error responses" where it has them. That
page does not list the ones of directory, sign-in logs and Intune: those are quoted in issues of
Microsoft's documentation and matched by public tools, the texts by their stable part.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import ValidationError

from auditor.errors import (
    AccessDenied,
    AnswerCutShort,
    CommandUnsupported,
    SourceError,
    SourceUnreachable,
    UnexpectedAnswer,
)
from auditor.sources.quoted import clause, without_tokens
from auditor.sources.retry_after import asked_pause

if TYPE_CHECKING:
    from auditor.sources.no_answer import NoAnswerKind

THROTTLED, FAILING, BROKEN = 12, 6, 5
"""Attempts at one request: for a busy service three minutes of pauses, for a failing one fifteen
seconds, for a broken connection eight."""

_LONGEST_PAUSE = 60.0
_BUSY = frozenset({429, 503, 504, 509})
_FAILED = frozenset({500, 502})
_QUERY_BROKER = "too many requests to query broker"  # Intune says so with status 500
_QUOTED = 200
_NOT_LICENSED = (
    ("Authentication_RequestFromNonPremiumTenantOrB2CTenant", "Entra ID P1 or P2"),
    ("tenant doesn't have premium license", "Entra ID P1 or P2"),
    ("Request not applicable to target tenant", "Intune"),
    ("not licensed for this feature", "the product it belongs to"),
)
_EXPIRED_PAGE = ("ExpiredPageToken", "PageTokenNotFound", "resyncRequired", "syncStateNotFound")
_NOT_HERE = ("Resource not found for the segment", "Could not find a property named")
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,80}")

BreakageKind: TypeAlias = "NoAnswerKind | Literal['too_large', 'redirect', 'no_body']"


@dataclass(frozen=True)
class Refusal:
    """An answer with an error status; `code` and `message` are the service's, in one line."""

    status: int
    code: str = ""
    message: str = ""
    request_id: str = ""
    retry_after: str = ""


@dataclass(frozen=True)
class Breakage:
    """No answer, or none that can be used; `detail` holds nothing that the service chose."""

    kind: BreakageKind
    detail: str = ""


Trouble: TypeAlias = Refusal | Breakage


def attempts(trouble: Trouble) -> int:
    """How often a request with this trouble is made altogether; 1 where asking again is no use."""
    if isinstance(trouble, Breakage):
        return BROKEN if trouble.kind in {"name", "connect", "timeout", "cut"} else 1
    if trouble.status in _BUSY or _QUERY_BROKER in trouble.message:
        return THROTTLED
    return FAILING if trouble.status in _FAILED else 1


def pause(trouble: Trouble, failures: int, now: dt.datetime) -> float:
    """Seconds before the next attempt: what the service asked for, at least the usual backoff."""
    backoff = min(_LONGEST_PAUSE, 0.5 * 2.0 ** (failures - 1))
    return max(_asked_pause(trouble, now) or 0.0, backoff)


def _asked_pause(trouble: Trouble, now: dt.datetime) -> float | None:
    return asked_pause(trouble.retry_after, now) if isinstance(trouble, Refusal) else None


def fault_of(place: str, trouble: Trouble) -> SourceError:
    """The error that a trouble is, once it is not asked again."""
    if isinstance(trouble, Breakage):
        return _breakage(place, trouble)
    fault = _refusal(place, trouble)
    fault.code = trouble.code
    return fault


def too_late(place: str, trouble: Trouble, patience: float, now: dt.datetime) -> SourceError:
    """The error where another attempt does not fit into the time the run has."""
    asked = _asked_pause(trouble, now)
    fault = fault_of(place, trouble)
    if asked is None or type(fault) is not SourceUnreachable:
        return fault
    longer = SourceUnreachable(
        f"{place}: the service is busy and wants to be left alone for {asked:.0f} s, more than "
        f"is left of the {patience:.0f} s this run waits for one answer{_of(trouble)}; collect it "
        "again later."
    )
    longer.code = fault.code
    return longer


def cut_short(fault: SourceError, pages: int) -> SourceError:
    """The same fault after some pages: those are kept, so the answer is cut short, not missing."""
    if isinstance(fault, AnswerCutShort | UnexpectedAnswer):
        return fault
    shorter = AnswerCutShort(f"After {kept(pages)}, {fault}")
    shorter.code = fault.code
    return shorter


def kept(pages: int) -> str:
    """How sentences call the pages before a break, whose rows stay."""
    return "1 page that is kept" if pages == 1 else f"{pages} pages that are kept"


def misfit(place: str, body: bytes, error: ValidationError) -> Breakage | UnexpectedAnswer:
    """What is wrong with a body that the model does not take."""
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] != "json_invalid":
        where = "".join(f"[{at}]" if isinstance(at, int) else f".{at}" for at in first["loc"])
        return UnexpectedAnswer(
            f"{place}: {where.lstrip('.') or 'the answer'} is not what Graph documents "
            f"({first['msg']}), so this version of the auditor cannot read it; report it with the "
            "name of the property."
        )
    if "EOF while parsing" in first["msg"]:
        return Breakage("cut")
    if body.lstrip()[:1] == b"<":
        return UnexpectedAnswer(
            f"{place} answered with a web page instead of data; see whether a proxy or a sign-in "
            "page of the network stands in between."
        )
    return UnexpectedAnswer(
        f"{place} answered with something that is no JSON; see whether the address is that of "
        "Microsoft Graph."
    )


def in_one_line(text: object, secret: str = "") -> str:
    """What a service wrote, fit to be quoted: one short line without `secret` or any token.

    Intune wraps its texts in JSON, up to twice; the innermost message is taken.
    """
    words = text if isinstance(text, str) else ""
    for _ in range(3):
        if not words.startswith("{"):
            break
        try:
            inner = json.loads(words)
        except (ValueError, RecursionError):
            break
        found = inner.get("Message", inner.get("message"))
        words = found if isinstance(found, str) else ""
    return clause(words, secret, _QUOTED)


def error_code(text: object, secret: str = "") -> str:
    """A code or request id that can be shown; '' for anything that does not look like one."""
    if not isinstance(text, str) or not _CODE.fullmatch(text):
        return ""
    return text if text == without_tokens(text, secret) else ""


def _of(trouble: Trouble) -> str:
    """What identifies a refusal, in parentheses: code, message and request id."""
    if isinstance(trouble, Breakage):
        return f" ({trouble.detail})" if trouble.detail else ""
    said = ": ".join(filter(None, (trouble.code, trouble.message)))
    parts = (f"HTTP {trouble.status}", said, trouble.request_id and f"request {trouble.request_id}")
    return f" ({', '.join(filter(None, parts))})"


def _refusal(place: str, refusal: Refusal) -> SourceError:
    text = f"{refusal.code} {refusal.message}"
    said = _of(refusal)
    for words, product in _NOT_LICENSED:
        if words in text and 400 <= refusal.status < 500:
            return _unlicensed(place, product, said)
    if refusal.status in {401, 403}:
        return _denied(place, refusal, said)
    if any(words in text for words in _EXPIRED_PAGE) or refusal.status == 410:
        return AnswerCutShort(
            f"{place}: the link to the next page is no longer valid{said}; collect it again."
        )
    if refusal.status == 404 or any(words in text for words in _NOT_HERE):
        return CommandUnsupported(
            f"{place} does not exist in this cloud or tenant{said}; accept that it stays unknown."
        )
    if refusal.status >= 500 or refusal.status in _BUSY:
        busy = refusal.status in _BUSY or _QUERY_BROKER in text
        return SourceUnreachable(
            f"{place}: the service {'stayed busy' if busy else 'kept failing'}{said}; collect it "
            "again later."
        )
    return UnexpectedAnswer(
        f"{place} refused the request itself{said}; this is a fault of the auditor or a change in "
        "Graph, report it."
    )


def _denied(place: str, refusal: Refusal, said: str) -> SourceError:
    if refusal.status == 401:
        return AccessDenied(
            f"{place} did not take the sign-in{said}; sign in again, and check that tenant and "
            "cloud are the right ones."
        )
    return AccessDenied(
        f"{place} may not be read by this account{said}; grant what `auditor permissions` "
        "names for it, with the consent of an administrator."
    )


def _unlicensed(place: str, product: str, said: str) -> SourceError:
    hint = (
        ", or, where the tenant has it, grant Directory.Read.All, without which Graph does not "
        "always see the licence"
        if product.startswith("Entra")
        else ""
    )
    return CommandUnsupported(
        f"{place} needs a licence for {product}, which the tenant does not have{said}; accept that "
        f"it stays unknown{hint}."
    )


def _breakage(place: str, breakage: Breakage) -> SourceError:
    if breakage.kind == "certificate":
        return SourceUnreachable(
            f"{place}: the certificate of the server is not trusted{_of(breakage)}; where a proxy "
            "inspects TLS, let SSL_CERT_FILE name a file with its authority."
        )
    if breakage.kind == "proxy":
        return SourceUnreachable(
            f"{place}: the proxy did not let the connection through; check HTTPS_PROXY and what "
            "the proxy allows."
        )
    if breakage.kind in {"too_large", "redirect", "no_body"}:
        said = {
            "too_large": f"answered with more than {breakage.detail}",
            "redirect": f"sends the reader elsewhere ({breakage.detail}), which is not followed",
            "no_body": "answered without any content",
        }[breakage.kind]
        return UnexpectedAnswer(
            f"{place} {said}; see whether the address is that of Microsoft Graph."
        )
    said = {
        "name": "has no address that could be found",
        "connect": "cannot be connected to",
        "timeout": "did not answer in time",
        "cut": "broke off in the middle of an answer",
    }[breakage.kind]
    return SourceUnreachable(
        f"{place} {said}{_of(breakage)}; check network, firewall and HTTPS_PROXY, then collect "
        "again."
    )
