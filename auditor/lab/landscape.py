"""The fixed part of an organisation: sites, servers, virtual directories and certificates."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from auditor.lab.draws import guid, hexadecimal
from auditor.lab.parts import (
    ActiveSyncVirtualDirectory,
    Certificate,
    Product,
    Server,
    Site,
    WebServicesVirtualDirectory,
)

ZURICH = Site("Zurich", "ZRH", "mail.contoso.com")
SINGAPORE = Site("Singapore", "SIN", "asia.contoso.com")
LISBON = Site("Lisbon", "LIS", None)
_SITES = {site.code: site for site in (ZURICH, SINGAPORE, LISBON)}

MAILBOXES_PER_SERVER = 5_000
"""The organisation gets one more server for each of these."""

_V14 = r"C:\Program Files\Microsoft\Exchange Server\V14"
_V15 = r"C:\Program Files\Microsoft\Exchange Server\V15"
_ALL_ROLES = "Mailbox, ClientAccess, HubTransport"

EXCHANGE_2007 = Product(
    name="Exchange Server 2007",
    display_version="Version 8.3 (Build 83.6)",
    newest_build="8.3.517.0",
    roles=_ALL_ROLES,
    role_number=38,
    active_sync=121,
    install_folder=r"C:\Program Files\Microsoft\Exchange Server",
)
EXCHANGE_2010 = Product(
    name="Exchange Server 2010",
    display_version="Version 14.3 (Build 123.4)",
    newest_build="14.3.513.0",
    roles=_ALL_ROLES,
    role_number=38,
    active_sync=141,
    install_folder=_V14,
)
EXCHANGE_2013 = Product(
    name="Exchange Server 2013",
    display_version="Version 15.0 (Build 1497.2)",
    newest_build="15.0.1497.48",
    roles="Mailbox, ClientAccess",
    role_number=16439,
    active_sync=141,
    install_folder=_V15,
)
EXCHANGE_2016 = Product(
    name="Exchange Server 2016",
    display_version="Version 15.1 (Build 2507.6)",
    newest_build="15.1.2507.75",
    roles="Mailbox",
    role_number=2,
    active_sync=161,
    install_folder=_V15,
)
EXCHANGE_2019 = Product(
    name="Exchange Server 2019",
    display_version="Version 15.2 (Build 1748.10)",
    newest_build="15.2.1748.53",
    roles="Mailbox",
    role_number=2,
    active_sync=161,
    install_folder=_V15,
)
EXCHANGE_SE = Product(
    name="Exchange Server SE",
    display_version="Version 15.2 (Build 2562.17)",
    newest_build="15.2.2562.53",
    roles="Mailbox",
    role_number=2,
    active_sync=161,
    install_folder=_V15,
)
PRODUCTS = (
    EXCHANGE_2007,
    EXCHANGE_2010,
    EXCHANGE_2013,
    EXCHANGE_2016,
    EXCHANGE_2019,
    EXCHANGE_SE,
)
"""Newest builds as of the lab's date; a test holds them against the table of builds."""

BUILD_2010_SP3_RU8 = "14.3.224.2"
BUILD_2013_SP1 = "15.0.847.32"
_OUTDATED = {
    EXCHANGE_2016.name: "15.1.2507.58",
    EXCHANGE_2019.name: "15.2.1748.36",
    EXCHANGE_SE.name: "15.2.2562.17",
}

_DNS_SUFFIX = "contoso.com"
_PUBLIC_ISSUER = "CN=Example Trust Services TLS CA 4, O=Example Trust Services, C=CH"
_OWN_ISSUER = "CN=Contoso Issuing CA 1, DC=contoso, DC=com"
_OTHER_NAMES = ("autodiscover.contoso.com", "autodiscover.fabrikam.com")
_FULL_TERM = timedelta(days=240)


def servers_without_leftovers(mailboxes: int) -> int:
    """How many servers of the current version an organisation of this size has."""
    return 3 + max(0, mailboxes - 1) // MAILBOXES_PER_SERVER


def servers_for(seed: int, faults: Collection[str], mailboxes: int) -> tuple[Server, ...]:
    """Servers of the organisation, those that mailboxes of any number can live on first."""
    product = EXCHANGE_SE
    if "exchange_2016_servers" in faults:
        product = EXCHANGE_2016
    if "exchange_2019_servers" in faults:
        product = EXCHANGE_2019
    current = [
        _server(seed, "ZRH-EX01", product),
        _server(
            seed,
            "ZRH-EX02",
            product,
            build=_OUTDATED[product.name] if "outdated_update" in faults else None,
        ),
        _server(seed, "SIN-EX01", product),
    ]
    for number in range(len(current), servers_without_leftovers(mailboxes)):
        site = SINGAPORE if number % 3 == 2 else ZURICH
        current.append(_server(seed, f"{site.code}-EX{number + 20}", product))
    return (*current, *_leftovers(seed, faults))


def _leftovers(seed: int, faults: Collection[str]) -> Iterator[Server]:
    """Servers of older versions that a fault leaves in the organisation."""
    if "exchange_2007_server" in faults:
        yield _server(seed, "LIS-EX07", EXCHANGE_2007)
    if "exchange_2010_server" in faults:
        yield _server(seed, "LIS-EX10", EXCHANGE_2010)
    if "exchange_2010_below_ru9" in faults:
        yield _server(seed, "LIS-EX11", EXCHANGE_2010, build=BUILD_2010_SP3_RU8)
    if "exchange_2013_server" in faults:
        yield _server(seed, "ZRH-EX13", EXCHANGE_2013)
    if "exchange_2013_below_cu8" in faults:
        yield _server(seed, "LIS-EX12", EXCHANGE_2013, build=BUILD_2013_SP1)
    if "build_not_read" in faults:
        yield _server(seed, "LIS-EX14", EXCHANGE_2013, readable=False)


def _server(
    seed: int,
    name: str,
    product: Product,
    *,
    build: str | None = None,
    readable: bool = True,
) -> Server:
    return Server(
        name=name,
        guid=guid(seed, "server", name),
        fqdn=f"{name}.{_DNS_SUFFIX}",
        product=product,
        build=build or product.newest_build,
        build_readable=readable,
        site=_SITES[name.partition("-")[0]],
    )


def server_named(servers: Sequence[Server], name: str) -> Server:
    """The server of this name, which faults of virtual directories and certificates strike."""
    return next(server for server in servers if server.name == name)


STRUCK = "ZRH-EX02"
"""The server whose virtual directories and certificate carry what is planted on one server."""


def active_sync_directories(
    seed: int, faults: Collection[str], servers: Sequence[Server]
) -> Iterator[ActiveSyncVirtualDirectory]:
    """One per server. Faults strike one server; in unpublished sites ExternalUrl is rightly nil.

    OAuth is on everywhere or nowhere: Hybrid Modern Authentication bears no 2010 or 2013 beside it.
    """
    modern = all(server.product.active_sync > EXCHANGE_2013.active_sync for server in servers)
    for server in servers:
        struck = faults if server.name == STRUCK else ()
        host = server.site.published_host
        url = f"https://{host}/Microsoft-Server-ActiveSync" if host else None
        if "eas_url_http" in struck and url:
            url = url.replace("https:", "http:")
        offers_oauth = modern and "basic_off_without_oauth" not in struck
        yield ActiveSyncVirtualDirectory(
            guid=guid(seed, "eas", server.name),
            server=server,
            external_url=None if "eas_url_missing" in struck else url,
            basic_auth_enabled="basic_off_without_oauth" not in struck,
            client_cert_auth="Required" if "client_certificate_required" in struck else "Ignore",
            external_methods=("Basic", "OAuth") if offers_oauth else (),
            iis_read="iis_not_read" not in struck,
        )


def web_services_directories(
    seed: int, faults: Collection[str], servers: Sequence[Server]
) -> Iterator[WebServicesVirtualDirectory]:
    """One per server; where a site is published it offers MRSProxy."""
    for server in servers:
        struck = faults if server.name == STRUCK else ()
        host = server.site.published_host
        yield WebServicesVirtualDirectory(
            guid=guid(seed, "ews", server.name),
            server=server,
            external_url=f"https://{host}/EWS/Exchange.asmx" if host else None,
            mrs_proxy_enabled=host is not None and "mrs_proxy_off" not in struck,
            ws_security_authentication=True,
        )


def certificates(
    seed: int, faults: Collection[str], servers: Sequence[Server], now: datetime
) -> Iterator[Certificate]:
    """On every server: the one for IIS, the one of Setup, and from 2013 on the one for OAuth.

    The certificate of Setup stays bound to the back end site and therefore shows IIS among its
    services, self-signed as it is.
    """
    published = tuple(sorted({site.published_host or "" for site in (ZURICH, SINGAPORE)}))
    for server in servers:
        yield _for_iis(seed, faults if server.name == STRUCK else (), server, published, now)
        fifteen = server.product.install_folder == _V15
        yield _self_signed(seed, server, server.name, "IIS, SMTP" if fifteen else "SMTP", now)
        if fifteen:
            yield _self_signed(
                seed, server, "Microsoft Exchange Server Auth Certificate", "SMTP", now
            )


def _for_iis(
    seed: int, struck: Collection[str], server: Server, published: tuple[str, ...], now: datetime
) -> Certificate:
    ends = now + _FULL_TERM
    if "certificate_expiring" in struck:
        ends = now + timedelta(days=21)
    if "certificate_expired" in struck:
        ends = now - timedelta(days=9)
    private = "certificate_private" in struck
    kind = "public" if ends == now + _FULL_TERM and not private else "struck"
    names = (*published, *_OTHER_NAMES)
    if "certificate_name_missing" in struck:
        kind = "short"
        names = tuple(name for name in names if name != server.site.published_host)
    return Certificate(
        server=server,
        thumbprint=hexadecimal(seed, "certificate", kind, 40),
        subject=f"CN={names[0]}, O=Contoso Ltd, L=Zurich, C=CH",
        issuer=_OWN_ISSUER if private else _PUBLIC_ISSUER,
        names=names,
        not_before=ends - timedelta(days=390),
        not_after=ends,
        is_self_signed=False,
        services="IMAP, POP, IIS, SMTP",
        root_ca_type="Enterprise" if private else "ThirdParty",
    )


def _self_signed(
    seed: int, server: Server, common_name: str, services: str, now: datetime
) -> Certificate:
    of_server = common_name == server.name
    return Certificate(
        server=server,
        # the certificate for OAuth is one and the same on all servers
        thumbprint=hexadecimal(seed, "certificate", server.name if of_server else "oauth", 40),
        subject=f"CN={common_name}",
        issuer=f"CN={common_name}",
        names=(server.name, server.fqdn) if of_server else (),
        not_before=now - timedelta(days=700),
        not_after=now + timedelta(days=1125),
        is_self_signed=True,
        services=services,
        root_ca_type="None",
    )
