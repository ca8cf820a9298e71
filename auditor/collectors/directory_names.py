"""Parts of distinguished names (RFC 4514)."""

from __future__ import annotations

import re

_PAIR = re.compile(r"\\([0-9A-Fa-f]{2})|\\(.)", re.DOTALL)
_PART = re.compile(r"(?:[^,\\]|\\.)*", re.DOTALL)


def parts(dn: str) -> list[tuple[str, str]]:
    """Type and value of each part, the object's own first, values without escapes.

    `CN=Lee\\, Ann,OU=Staff` gives `[("CN", "Lee, Ann"), ("OU", "Staff")]`. A part of several
    types, which Active Directory does not have, stays one.
    """
    found = []
    place = 0
    while place < len(dn):
        match = _PART.match(dn, place)
        written = match[0] if match else dn[place:]
        kind, _, value = written.partition("=")
        found.append((kind.strip(), _unescaped(value)))
        place += len(written) + 1
    return found


def own_name(dn: str) -> str:
    """Value of the first part: the name an object has among its neighbours, '' for no name."""
    found = parts(dn)
    return found[0][1] if found else ""


def parent_of(dn: str) -> str:
    """The name without its first part, '' for a name of one part."""
    match = _PART.match(dn)
    return dn[len(match[0]) + 1 :] if match else ""


def canonical_name(dn: str) -> str:
    """`CN=Zurich,CN=Sites,DC=contoso,DC=com` as Exchange shows it, `contoso.com/Sites/Zurich`."""
    found = parts(dn)
    domain = ".".join(value for kind, value in found if kind.upper() == "DC")
    path = [value for kind, value in reversed(found) if kind.upper() != "DC"]
    return "/".join([domain, *path])


def _unescaped(value: str) -> str:
    # hexadecimal pairs are bytes of UTF-8, so they are joined before they are read
    data = b""
    place = 0
    for match in _PAIR.finditer(value):
        data += value[place : match.start()].encode("utf-8", "surrogatepass")
        data += bytes.fromhex(match[1]) if match[1] else match[2].encode("utf-8", "surrogatepass")
        place = match.end()
    return (data + value[place:].encode("utf-8", "surrogatepass")).decode("utf-8", "replace")
