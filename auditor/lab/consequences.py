"""What each planted fault does to the verdict of each rule: the plan behind `answers.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from auditor.lab.devices import devices_of
from auditor.lab.landscape import (
    BUILD_2010_SP3_RU8,
    BUILD_2013_SP1,
    EXCHANGE_2007,
    EXCHANGE_2010,
    EXCHANGE_2013,
    EXCHANGE_SE,
    STRUCK,
    server_named,
)
from auditor.lab.moved import remote_mailboxes
from auditor.lab.organization import (
    ROUTING_DOMAIN,
    TENANT_DOMAIN,
    Organization,
    relationship_guid,
)
from auditor.lab.parts import Mailbox, Server
from auditor.lab.recipients import mailboxes
from auditor.verdicts import Verdict

ORGANIZATION = "organization"
"""Subject of a rule about the organisation as a whole."""

FAIL = Verdict.FAIL
OPEN = Verdict.NOT_ASSESSED
NOT_APPLICABLE = Verdict.NOT_APPLICABLE

Consequence = tuple[str, Verdict, str]
"""A rule, its verdict, and the subject; of a rule that finds no subject, ''."""

UNROUTED = frozenset({"relationship_missing", "relationship_without_routing_domain"})
"""Faults that leave no relationship for the routing domain."""

TOO_OLD = frozenset({"exchange_2007_server", "exchange_2010_below_ru9", "exchange_2013_below_cu8"})
"""Faults that leave a server which cannot redirect a phone."""

_JUDGE_THE_RELATIONSHIP = (
    "ORG-REL-ENABLED",
    "ORG-REL-OWAURL-EMPTY",
    "ORG-REL-OWAURL-HOST",
    "ORG-REL-SOVEREIGN",
    "ORG-REL-CACHE",
)
_OF_MAILBOXES = {
    "mailbox_without_proxy": "MBX-COEX-PROXY",
    "upn_differs": "MBX-UPN-SMTP",
    "eas_disabled": "MBX-EAS-ENABLED",
    "personal_allow_list": "MBX-ALLOW-IDS",
    "personal_block_list": "MBX-BLOCK-IDS",
}


OF_ACCOUNTS = {
    "account_disabled": ("MBX-ACCOUNT-STATE",),
    "account_expired": ("MBX-ACCOUNT-STATE",),
    "password_expired": ("MBX-ACCOUNT-STATE",),
    "protected_account": ("MBX-ADMINCOUNT", "MBX-INHERITANCE"),
    "inheritance_off": ("MBX-INHERITANCE",),
    "litigation_hold": ("MBX-HOLD",),
    "in_place_hold": ("MBX-HOLD",),
    "target_address_left": ("MBX-TARGETADDR-PREMOVE",),
}
"""Faults that only the directory shows, and the rules that see them."""


def of_the_organization(organization: Organization) -> Iterator[Consequence]:
    """What follows from faults of the configuration."""
    for fault in sorted(organization.faults & _BY_FAULT.keys()):
        yield from _BY_FAULT[fault](organization)


def certificate_id(server: Server, thumbprint: str) -> str:
    """How a rule names the certificate of one server."""
    return f"{server.name.lower()} {thumbprint}"


def _tenant(organization: Organization) -> str:
    return relationship_guid(organization.seed, "tenant")


def _stale(organization: Organization) -> str:
    return relationship_guid(organization.seed, "stale")


def _unrouted(_: Organization) -> Iterator[Consequence]:
    yield "ORG-REL-EXISTS", FAIL, ORGANIZATION
    yield "ORG-REL-DOMAIN", FAIL, ROUTING_DOMAIN
    yield "ORG-TDD", FAIL, ORGANIZATION
    for rule in _JUDGE_THE_RELATIONSHIP:
        yield rule, NOT_APPLICABLE, ""


def _disabled(organization: Organization) -> Iterator[Consequence]:
    yield "ORG-REL-ENABLED", FAIL, _tenant(organization)


def _just_changed(organization: Organization) -> Iterator[Consequence]:
    yield "ORG-REL-CACHE", OPEN, _tenant(organization)


def _empty_url(organization: Organization) -> Iterator[Consequence]:
    yield "ORG-REL-OWAURL-EMPTY", FAIL, _tenant(organization)
    yield "ORG-REL-OWAURL-HOST", NOT_APPLICABLE, ""
    yield "ORG-REL-SOVEREIGN", NOT_APPLICABLE, ""


def _wrong_host(organization: Organization) -> Iterator[Consequence]:
    yield "ORG-REL-OWAURL-HOST", FAIL, _tenant(organization)
    yield "ORG-REL-SOVEREIGN", NOT_APPLICABLE, ""


def _other_cloud(organization: Organization) -> Iterator[Consequence]:
    yield "ORG-REL-SOVEREIGN", FAIL, _tenant(organization)


def _same_host(_: Organization) -> Iterator[Consequence]:
    yield "ORG-REL-MULTIPLE", FAIL, ROUTING_DOMAIN


def _other_host(organization: Organization) -> Iterator[Consequence]:
    yield "ORG-REL-MULTIPLE", FAIL, ROUTING_DOMAIN
    yield "ORG-REL-OWAURL-HOST", FAIL, _stale(organization)


def _no_owa_redirection(organization: Organization) -> Iterator[Consequence]:
    if organization.hybrid_configuration:
        yield "ORG-HCW-OWAREDIR", FAIL, organization.hybrid_configuration.guid


def _no_hybrid_configuration(organization: Organization) -> Iterator[Consequence]:
    """Nothing then says which cloud the tenant is in."""
    yield "ORG-HCW-OWAREDIR", NOT_APPLICABLE, ""
    for found in organization.relationships:
        if ROUTING_DOMAIN in {name.lower() for name in found.domain_names}:
            yield "ORG-REL-SOVEREIGN", OPEN, found.guid


def _no_target_delivery_domain(organization: Organization) -> Iterator[Consequence]:
    yield "ORG-TDD", FAIL, ORGANIZATION
    yield "ORG-COEX-ACCEPTED", NOT_APPLICABLE, ""
    yield "MBX-COEX-PROXY", NOT_APPLICABLE, ""
    if not organization.remote_mailbox_count:
        yield "ORG-REL-DOMAIN", NOT_APPLICABLE, ""


def _two_target_delivery_domains(organization: Organization) -> Iterator[Consequence]:
    yield "ORG-TDD", FAIL, ORGANIZATION
    yield "ORG-REL-DOMAIN", FAIL, TENANT_DOMAIN
    yield "ORG-COEX-ACCEPTED", FAIL, _remote_domain(organization, TENANT_DOMAIN)


def _not_accepted(organization: Organization) -> Iterator[Consequence]:
    yield "ORG-COEX-ACCEPTED", FAIL, _remote_domain(organization, ROUTING_DOMAIN)


def _remote_domain(organization: Organization, name: str) -> str:
    return next(found.guid for found in organization.remote_domains if found.domain_name == name)


def _outdated(organization: Organization) -> Iterator[Consequence]:
    yield "ORG-EOL", FAIL, server_named(organization.servers, STRUCK).guid


def _eas(rule: str, verdict: Verdict) -> Callable[[Organization], Iterator[Consequence]]:
    def consequence(organization: Organization) -> Iterator[Consequence]:
        for found in organization.active_sync_directories:
            if found.server.name == STRUCK:
                yield rule, verdict, found.guid

    return consequence


def _iis_not_read(organization: Organization) -> Iterator[Consequence]:
    for rule in ("VDIR-EAS-AUTH", "VDIR-EAS-CLIENTCERT"):
        yield from _eas(rule, OPEN)(organization)


def _no_mrs_proxy(organization: Organization) -> Iterator[Consequence]:
    for found in organization.web_services_directories:
        if found.server.name == STRUCK:
            yield "VDIR-EWS-MRS", FAIL, found.guid


def _bad_certificate(organization: Organization) -> Iterator[Consequence]:
    for found in organization.certificates:
        if found.server.name == STRUCK and not found.is_self_signed:
            yield "SRV-CERT", FAIL, certificate_id(found.server, found.thumbprint)


def _too_old_server(_: Organization) -> Iterator[Consequence]:
    yield "SRV-MIXED", FAIL, ORGANIZATION


def _build_not_read(_: Organization) -> Iterator[Consequence]:
    yield "SRV-MIXED", OPEN, ORGANIZATION


_BY_FAULT: Mapping[str, Callable[[Organization], Iterator[Consequence]]] = {
    **dict.fromkeys(UNROUTED, _unrouted),
    **dict.fromkeys(TOO_OLD, _too_old_server),
    "relationship_disabled": _disabled,
    "relationship_just_changed": _just_changed,
    "empty_owa_url": _empty_url,
    "vanity_owa_url": _wrong_host,
    "on_premises_owa_url": _wrong_host,
    "consumer_owa_url": _wrong_host,
    "other_cloud_owa_url": _other_cloud,
    "stale_relationship_same_host": _same_host,
    "stale_relationship_other_host": _other_host,
    "no_owa_redirection_feature": _no_owa_redirection,
    "no_hybrid_configuration": _no_hybrid_configuration,
    "no_target_delivery_domain": _no_target_delivery_domain,
    "two_target_delivery_domains": _two_target_delivery_domains,
    "coexistence_domain_not_accepted": _not_accepted,
    "outdated_update": _outdated,
    "build_not_read": _build_not_read,
    "eas_url_missing": _eas("VDIR-EAS-URL", FAIL),
    "eas_url_http": _eas("VDIR-EAS-URL", FAIL),
    "basic_off_without_oauth": _eas("VDIR-EAS-AUTH", FAIL),
    "client_certificate_required": _eas("VDIR-EAS-CLIENTCERT", FAIL),
    "iis_not_read": _iis_not_read,
    "mrs_proxy_off": _no_mrs_proxy,
    "certificate_expiring": _bad_certificate,
    "certificate_expired": _bad_certificate,
    "certificate_private": _bad_certificate,
    "certificate_name_missing": _bad_certificate,
}


def of_servers(organization: Organization) -> Iterator[Consequence]:
    """What follows from the version of each server, and from its site being unpublished."""
    for server in organization.servers:
        yield from _of_server(server)
    products = {server.product.name for server in organization.servers}
    if EXCHANGE_2010.name not in products:
        yield "SRV-2010RU9", NOT_APPLICABLE, ""
    if EXCHANGE_2013.name not in products:
        yield "SRV-2013CU8MBX", NOT_APPLICABLE, ""
    for eas in organization.active_sync_directories:
        if eas.server.site.published_host is None:
            yield "VDIR-EAS-URL", OPEN, eas.guid
    for ews in organization.web_services_directories:
        if ews.server.site.published_host is None:
            yield "VDIR-EWS-MRS", OPEN, ews.guid


def _of_server(server: Server) -> Iterator[Consequence]:
    if server.product is not EXCHANGE_SE:
        yield "ORG-EOL", FAIL, server.guid
    if server.product is EXCHANGE_2007:
        yield "SRV-2007", FAIL, server.guid
    if server.build == BUILD_2010_SP3_RU8:
        yield "SRV-2010RU9", FAIL, server.guid
    if server.build == BUILD_2013_SP1:
        yield "SRV-2013CU8MBX", FAIL, server.guid
    if not server.build_readable:
        yield "SRV-2013CU8MBX", OPEN, server.guid
        yield "SRV-VERSION-METHOD", OPEN, server.guid


def of_recipients(organization: Organization) -> Iterator[Consequence]:
    """What follows from faults of single mailboxes and phones."""
    devices = 0
    for mailbox in mailboxes(organization):
        for fault in mailbox.planted & _OF_MAILBOXES.keys():
            yield _OF_MAILBOXES[fault], FAIL, mailbox.guid
        devices += mailbox.device_count
        yield from _of_devices(organization, mailbox)
    if not devices:
        yield "DEV-VERSION-451", NOT_APPLICABLE, ""
    yield from _of_moved(organization)
    if not organization.mailbox_count:
        for rule in (*_OF_MAILBOXES.values(), "MBX-REDIRECT", "MBX-TYPE"):
            yield rule, NOT_APPLICABLE, ""


def of_accounts(organization: Organization) -> Iterator[Consequence]:
    """What follows from faults that only the directory shows."""
    for mailbox in mailboxes(organization):
        for fault in mailbox.planted & OF_ACCOUNTS.keys():
            for rule in OF_ACCOUNTS[fault]:
                yield rule, FAIL, mailbox.guid
    if not organization.mailbox_count:
        for rules in OF_ACCOUNTS.values():
            for rule in rules:
                yield rule, NOT_APPLICABLE, ""


def _of_devices(organization: Organization, mailbox: Mailbox) -> Iterator[Consequence]:
    if mailbox.planted.isdisjoint(
        {"old_devices", "devices_without_version", "exchange_2007_server"}
    ):
        return
    for device in devices_of(organization, mailbox):
        if "devices_without_version" in device.planted:
            yield "DEV-VERSION-451", OPEN, device.guid
        elif device.planted:
            yield "DEV-VERSION-451", FAIL, device.guid


def _of_moved(organization: Organization) -> Iterator[Consequence]:
    for moved in remote_mailboxes(organization):
        if moved.planted or organization.faults & UNROUTED:
            yield "MBX-ROUTING-AFTER", FAIL, moved.guid
        if "routing_address_without_mail" in moved.planted:
            yield "ORG-REL-DOMAIN", FAIL, TENANT_DOMAIN
    if not organization.remote_mailbox_count:
        yield "MBX-ROUTING-AFTER", NOT_APPLICABLE, ""
