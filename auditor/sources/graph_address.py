"""Where one Microsoft Graph is, and which addresses are its own."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

VERSION = "v1.0"
LONGEST_LINK = 16 * 1024
_PATH = re.compile(r"(/[A-Za-z0-9._~!$'()*,;=:@%-]+)+")
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True)
class GraphAddress:
    """The service root of one cloud, such as `https://graph.microsoft.com/v1.0`."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, graph_url: str) -> GraphAddress:
        """Raises ValueError for what is no bare https address; http is for the loopback alone."""
        parts = urlsplit(graph_url)
        if (
            parts.scheme not in _PORTS
            or not parts.hostname
            or parts.path.strip("/")
            or parts.query
            or parts.fragment
            or "@" in parts.netloc
        ):
            raise ValueError(f"{graph_url!r:.80} is no address of Microsoft Graph")
        address = cls(parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme])
        if address.scheme == "http" and not address.loopback:
            raise ValueError(f"{graph_url!r:.80} would send tokens unencrypted")
        return address

    @property
    def loopback(self) -> bool:
        """Whether it is this machine."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def base(self) -> str:
        """The service root without a slash at its end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}/{VERSION}"

    @property
    def scope(self) -> str:
        """The scope that tokens are asked for."""
        return f"{self.scheme}://{self.host}/.default"

    def url(self, path: str, parameters: Mapping[str, str]) -> str:
        """The address of `path` below the version; `path_of` makes one from names.

        Raises ValueError for a path that is not encoded, or that climbs.
        """
        if not _PATH.fullmatch(path) or any(
            part in {".", ".."} for part in path.replace("%2E", ".").replace("%2e", ".").split("/")
        ):
            raise ValueError(f"{path!r:.120} is no path of Graph")
        query = urlencode(parameters, quote_via=quote, safe="$,:'()/")
        return f"{self.base}{path}{'?' + query if query else ''}"

    def holds(self, url: str) -> bool:
        """Whether an address is of the same scheme, host and port, and below the version."""
        if len(url) > LONGEST_LINK or not url.isprintable() or any(c in url for c in "\\ #"):
            return False
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS.get(parts.scheme)
        except ValueError:
            return False
        own = (parts.scheme, parts.hostname, port) == (self.scheme, self.host, self.port)
        path = parts.path.replace("%2E", ".").replace("%2e", ".")
        below = path.startswith(f"/{VERSION}/") and ".." not in path.split("/")
        return own and below and "@" not in parts.netloc


def path_of(*segments: str) -> str:
    """A path of segments, each encoded: `path_of("domains", name, "federationConfiguration")`."""
    return "".join("/" + quote(segment, safe="$'(),;=:@") for segment in segments)
