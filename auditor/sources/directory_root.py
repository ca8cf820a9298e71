"""What a domain controller says of itself and of who asks ([MS-ADTS] 3.1.1.3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from auditor.errors import UnexpectedAnswer

ROOT_ATTRIBUTES = (
    "defaultNamingContext",
    "configurationNamingContext",
    "schemaNamingContext",
    "rootDomainNamingContext",
    "dnsHostName",
    "msDS-PrincipalName",
    "tokenGroups",
    "supportedCapabilities",
)
_READ_ONLY = b"1.2.840.113556.1.4.1920"
"""LDAP_CAP_ACTIVE_DIRECTORY_PARTIAL_SECRETS_OID ([MS-ADTS] 3.1.1.3.4.3): not all is kept there."""


@dataclass(frozen=True)
class RootDse:
    """The root of a server.

    `token_groups` holds the SIDs of the account and of all its groups, as bytes; None where the
    server does not tell them. `principal_name` is '' where it does not name the account.
    """

    default_naming_context: str
    configuration: str
    schema: str
    root_domain: str
    dns_host_name: str
    principal_name: str
    token_groups: frozenset[bytes] | None


def root_dse(found: Mapping[str, list[bytes]], server: str) -> RootDse:
    """The root as it came; raises UnexpectedAnswer for a server that cannot be read from."""

    def text(name: str) -> str:
        return found[name][0].decode("utf-8", "replace") if found.get(name) else ""

    if not text("configurationNamingContext") or not text("defaultNamingContext"):
        raise UnexpectedAnswer(
            f"{server} is no domain controller of Active Directory: its root names no "
            "configuration; name a domain controller."
        )
    if _READ_ONLY in found.get("supportedCapabilities", ()):
        raise UnexpectedAnswer(
            f"{server} is a read-only domain controller, which may lack values that others have: "
            "name a writable one."
        )
    sids = found.get("tokenGroups")
    return RootDse(
        default_naming_context=text("defaultNamingContext"),
        configuration=text("configurationNamingContext"),
        schema=text("schemaNamingContext"),
        root_domain=text("rootDomainNamingContext"),
        dns_host_name=text("dnsHostName"),
        principal_name=text("msDS-PrincipalName"),
        token_groups=frozenset(sids) if sids else None,
    )
