"""Keys and decoded values, computed once at ingest so that no rule needs `lower()` or parsing."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_BUILD = re.compile(r"^\s*(\d{1,3})\.(\d{1,3})\.(\d{1,5})\.(\d{1,5})\s*$")
_DISPLAY_VERSION = re.compile(r"(\d{1,3})\.(\d{1,3})\s*\(Build\s+(\d{1,5})\.(\d{1,5})\)")
_UNFIT_FOR_A_URL = re.compile(r"[\x00-\x20\x7f\\]")

PRODUCTS = {
    (8, 0): "Exchange Server 2007",
    (8, 1): "Exchange Server 2007",
    (8, 2): "Exchange Server 2007",
    (8, 3): "Exchange Server 2007",
    (14, 0): "Exchange Server 2010",
    (14, 1): "Exchange Server 2010",
    (14, 2): "Exchange Server 2010",
    (14, 3): "Exchange Server 2010",
    (15, 0): "Exchange Server 2013",
    (15, 1): "Exchange Server 2016",
}
"""Product of a version's first two numbers. 15.2 is 2019 or SE: there the build decides."""

FIRST_SE_BUILD = 2562
"""Exchange SE RTM is 15.2.2562.17, see `rules/reference/exchange_builds.csv`."""


def domain_of(address: str) -> str:
    """`SMTP:ann@Contoso.com` gives `contoso.com`; text that is no address gives ''."""
    local, at, domain = address.rpartition("@")
    return domain.strip().lower() if at and local else ""


def address_parts(proxy: str) -> tuple[str, str, str]:
    """Prefix in lower case, address as written, and domain of a proxy address.

    `SMTP:ann@contoso.com` gives `('smtp', 'ann@contoso.com', 'contoso.com')`; the upper-case
    prefix that marks the primary address is the caller's to look at. Without a prefix it is smtp.
    """
    prefix, colon, rest = proxy.partition(":")
    if not colon or "@" in prefix:
        return "smtp", proxy, domain_of(proxy)
    prefix = prefix.lower()
    return prefix, rest, domain_of(rest) if prefix == "smtp" else ""


def host_of(url: str) -> str:
    """Host of an absolute http or https address in lower case, without port; '' for all else.

    Text with blanks, control characters or backslashes is no address: two parsers would read two
    hosts out of it.
    """
    if _UNFIT_FOR_A_URL.search(url):
        return ""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port  # raises ValueError when it is no number
    except ValueError:
        return ""
    return (host or "").rstrip(".") if parts.scheme.lower() in {"http", "https"} else ""


def server_key(name: str) -> str:
    """`EX01.contoso.com` and `EX01` are one server: the first label in lower case."""
    return name.strip().partition(".")[0].lower()


def build_number(version: str) -> int | None:
    """`15.01.2375.007` as one number that orders builds; None for text that is no build."""
    found = _BUILD.match(version)
    if not found:
        return None
    major, minor, build, revision = (int(part) for part in found.groups())
    return ((major * 1_000 + minor) * 100_000 + build) * 100_000 + revision


def build_short(version: str) -> str | None:
    """`15.01.2375.007` as file properties show it, `15.1.2375.7`; None for text that is none."""
    found = _BUILD.match(version)
    return ".".join(str(int(part)) for part in found.groups()) if found else None


def display_version(text: str) -> tuple[int, int, int] | None:
    """Major, minor and build of an AdminDisplayVersion such as `Version 15.1 (Build 2375.7)`."""
    found = _DISPLAY_VERSION.search(text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def product_of(version: tuple[int, int, int]) -> str | None:
    """Product name as `rules/reference/exchange_builds.csv` writes it; None when not known."""
    major, minor, build = version
    if (major, minor) == (15, 2):
        return "Exchange Server SE" if build >= FIRST_SE_BUILD else "Exchange Server 2019"
    return PRODUCTS.get((major, minor))


def eas_version(text: str) -> int | None:
    """Exchange ActiveSync version in tenths, `14.1` gives 141, `2.5` gives 25; None for no version.

    Compare with 140 and 161 (MS-ASHTTP names versions by major and minor number).
    """
    found = re.fullmatch(r"\s*(\d{1,2})\.(\d)\s*", text)
    return int(found[1]) * 10 + int(found[2]) if found else None
