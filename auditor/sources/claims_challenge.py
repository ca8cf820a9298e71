"""Which claims a token lacks: the claims challenge of continuous access evaluation.

They stand, as JSON in base64, in the parameter `claims` of a Bearer challenge in the header
WWW-Authenticate of a 401 (Microsoft identity platform, "Claims challenges, claims requests and
client capabilities"; the header itself is RFC 9110, section 11.6.1).
"""

from __future__ import annotations

import base64
import json
import re

LONGEST_HEADER = 16 * 1024
LONGEST_CLAIMS = 8 * 1024

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_PART = re.compile(
    rf"""[\s,]*+ (?:
        (?P<name>{_NAME}) \s*+ = \s*+
            (?: "(?P<quoted>(?:[^"\\]|\\.)*+)" | {_NAME} ) (?= [\s,] | \Z )
        | (?P<word>[!#$%&'*+.^_`|~0-9A-Za-z/-]++ =*+) (?= [\s,] | \Z )
        | \Z
    )""",
    re.VERBOSE | re.DOTALL,
)
"""One parameter, or one word: the name of a scheme, or the one value some schemes have."""

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")


def claims_wanted(header: str) -> str:
    """The claims as a credential takes them; '' where the header demands none that can be read.

    That is so for a header that is longer than LONGEST_HEADER or breaks its grammar, for two
    Bearer challenges that demand different claims, and for claims that are no JSON object with
    `access_token` as an object, if it has one: sign-in libraries fail on those in ways of their
    own.
    """
    demanded = _demanded(header) if len(header) <= LONGEST_HEADER else set()
    return _decoded(demanded.pop()) if len(demanded) == 1 else ""


def _demanded(header: str) -> set[str]:
    """Each value of `claims` in a Bearer challenge, as it stands there."""
    found: set[str] = set()
    scheme, at = "", 0
    while at < len(header):
        part = _PART.match(header, at)
        if part is None:
            return set()
        at = part.end()
        if part["word"]:
            scheme = part["word"].lower()
        elif scheme == "bearer" and (part["name"] or "").lower() == "claims":
            found.add(re.sub(r"\\(.)", r"\1", part["quoted"] or "", flags=re.DOTALL))
    return found


def _decoded(claims: str) -> str:
    if len(claims) > LONGEST_CLAIMS or not _BASE64.fullmatch(claims):
        return ""
    plain = claims.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        text = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True).decode("utf-8")
        wanted = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    usable = isinstance(wanted, dict) and isinstance(wanted.get("access_token", {}), dict)
    return text if usable else ""
