"""What each fault does to the verdicts of rules about the cloud: the plan behind `answers.py`.

In scope of rules about people are mailboxes that are not shared, room, equipment or system ones, so
linked mailboxes too; of rules about the move every mailbox but system ones. A mailbox whose account
never reached the tenant fails one rule, and all others about its account are open: there is nothing
to look at. What is wrong on-premises arrives in the cloud as well, and is told there once more: a
missing routing address, a disabled account, a sign-in name in a domain that nobody can verify.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain

from auditor.lab import tenant_exchange
from auditor.lab.cloud_programs import programs
from auditor.lab.consequences import FAIL, NOT_APPLICABLE, OPEN, Consequence, of_the_organization
from auditor.lab.devices import devices_of
from auditor.lab.moved import remote_mailboxes
from auditor.lab.organization import (
    PRIMARY_DOMAIN,
    SECOND_DOMAIN,
    TENANT_DOMAIN,
    Organization,
)
from auditor.lab.parts import Mailbox
from auditor.lab.plan import wave_of
from auditor.lab.recipients import mailboxes
from auditor.lab.tenant_access import APPLE_MAIL, policy_id
from auditor.lab.tenant_accounts import (
    LICENSED_KINDS,
    is_verified,
    moved_planted_on,
    moved_user_id,
    planted_on,
)
from auditor.lab.tenant_settings import SECURITY_DEFAULTS, tenant_id

_OF_ACCOUNTS: Mapping[str, tuple[str, ...]] = {
    "user_without_licence": ("USR-LICENCE",),
    "exchange_plan_disabled": ("USR-LICENCE",),
    "licence_error": ("USR-LICENCE", "USR-LICENCE-ERROR"),
    "usage_location_missing": ("USR-USAGELOCATION",),
    "cloud_account_disabled": ("USR-BLOCKED",),
    "deleted_twin": ("USR-DELETED",),
    "provisioning_error": ("USR-PROVERROR",),
    "cloud_upn_onmicrosoft": ("USR-UPN-ONMS",),
    # the second mailbox has a GUID of its own
    "cloud_mailbox_exists": ("MBX-DUAL", "USR-MAILUSER", "MBX-EXCHANGEGUID"),
    "exchange_guid_missing": ("MBX-EXCHANGEGUID", "USR-MAILUSER", "USR-LICENCE-EARLY"),
    "user_not_synchronised": ("USR-MATCHED",),
}
"""Rules that a mailbox fails by the fault that its account carries, whatever else is planted."""

_OF_PEOPLE = (
    "USR-LICENCE",
    "USR-LICENCE-ERROR",
    "USR-USAGELOCATION",
    "USR-BLOCKED",
    "USR-UPN-ONMS",
    "USR-MFA-REG",
)
_OF_ACCOUNTS_OF_MAILBOXES = (
    "USR-PROVERROR",
    "USR-MAILUSER",
    "USR-LICENCE-EARLY",
    "USR-EXO-PROXY",
    "MBX-DUAL",
    "MBX-EXCHANGEGUID",
)
_NEED_A_MAILBOX = (
    *_OF_PEOPLE,
    *_OF_ACCOUNTS_OF_MAILBOXES,
    *("USR-MATCHED", "USR-DELETED", "MBX-PROXY-UNVERIFIED", "DOM-VERIFIED", "DOM-FEDERATED"),
    *("DOM-ROUTABLE", "TEN-LICENCE-HEADROOM", "TEN-SYNC-HYBRIDFLAG"),
)
CLOUD_RULES = (
    *_NEED_A_MAILBOX,
    "USR-CAS-AFTER",
    "TEN-ABQ-DEFAULT",
    "TEN-ABQ-RULES",
    "TEN-CA",
    "TEN-CA-SIGNIN",
    "TEN-CASPLAN",
    "TEN-CONSENT",
    "TEN-DOMAINS",
    "TEN-HYBRIDAPP",
    "TEN-MAILBOXPLAN",
    "TEN-MDMPOLICY",
    "TEN-MIGENDPOINT",
    "TEN-OAUTHPROFILE",
    "TEN-SECDEFAULTS",
    "TEN-SOVEREIGN",
    "TEN-SP-STATE",
    "TEN-SYNC",
)
"""Rules that only the tenant can answer."""

PEOPLE_WITHOUT_ACTIVE_SYNC = "eas-disabled-mailboxes"
"""Subject of TEN-CASPLAN for all those for whom a plan would switch it on."""


def of_the_cloud(organization: Organization, *, with_plan: bool) -> Iterator[Consequence]:
    """What follows for rules about the cloud; `with_plan` when the plan of the lab was given."""
    yield from chain(
        _of_settings(organization),
        _of_mailboxes(organization, with_plan=with_plan),
        _of_moved(organization),
        _of_domains(organization, with_plan=with_plan),
        _of_access(organization),
    )
    if not organization.mailbox_count:
        for rule in _NEED_A_MAILBOX:
            yield rule, NOT_APPLICABLE, ""


def _of_settings(organization: Organization) -> Iterator[Consequence]:
    for fault in sorted(organization.faults & _BY_FAULT.keys()):
        rule, subjects = _BY_FAULT[fault]
        for subject in subjects(organization):
            yield rule, FAIL, subject
    # the relationship leads to another cloud than the tenant's, which is seen from both ends
    for rule, verdict, subject in of_the_organization(organization):
        if rule == "ORG-REL-SOVEREIGN":
            yield "TEN-SOVEREIGN", verdict, subject


def _tenant(organization: Organization) -> Iterator[str]:
    yield tenant_id(organization)


def _exchange(organization: Organization) -> Iterator[str]:
    yield tenant_exchange.cloud_guid(organization, "organization", TENANT_DOMAIN)


def _security_defaults(_: Organization) -> Iterator[str]:
    yield SECURITY_DEFAULTS


def _plan_of_enterprise(organization: Organization) -> Iterator[str]:
    yield tenant_exchange.plan_guid(organization, tenant_exchange.ENTERPRISE_PLAN)


def _every_plan(organization: Organization) -> Iterator[str]:
    for name, _, _ in tenant_exchange.PLANS:
        yield tenant_exchange.plan_guid(organization, name)


def _blocking_rule(organization: Organization) -> Iterator[str]:
    name = f"{tenant_exchange.BLOCKED_TYPE} (DeviceType)"
    yield tenant_exchange.cloud_guid(organization, "access rule", name)


def _default_policy(organization: Organization) -> Iterator[str]:
    yield tenant_exchange.cloud_guid(organization, "device policy", "Default")


def _policy(fault: str) -> Callable[[Organization], Iterator[str]]:
    def subjects(organization: Organization) -> Iterator[str]:
        yield policy_id(organization, fault)

    return subjects


def _apple_mail(_: Organization) -> Iterator[str]:
    yield APPLE_MAIL


_BY_FAULT: Mapping[str, tuple[str, Callable[[Organization], Iterator[str]]]] = {
    "sync_stale": ("TEN-SYNC", _tenant),
    "sync_off": ("TEN-SYNC", _tenant),
    "security_defaults_on": ("TEN-SECDEFAULTS", _security_defaults),
    "mail_app_disabled": ("TEN-SP-STATE", _apple_mail),
    "ca_approved_app": ("TEN-CA", _policy("ca_approved_app")),
    "oauth_off": ("TEN-OAUTHPROFILE", _exchange),
    "cas_plan_eas_off": ("TEN-CASPLAN", _plan_of_enterprise),
    "cloud_block_rule": ("TEN-ABQ-RULES", _blocking_rule),
    "small_mailbox_plan": ("TEN-MAILBOXPLAN", _every_plan),
    "stricter_cloud_policy": ("TEN-MDMPOLICY", _default_policy),
    "no_migration_endpoint": ("TEN-MIGENDPOINT", _exchange),
    "few_seats": ("TEN-LICENCE-HEADROOM", _tenant),
}


def _of_mailboxes(organization: Organization, *, with_plan: bool) -> Iterator[Consequence]:
    asks_for_mfa = "security_defaults_on" in organization.faults
    may_ask_for_mfa = "ca_unknown_value" in organization.faults
    for mailbox in _movable(organization):
        planted = planted_on(organization, mailbox.number)
        for fault in planted & _OF_ACCOUNTS.keys():
            for rule in _OF_ACCOUNTS[fault]:
                yield rule, FAIL, mailbox.guid
        person = mailbox.recipient_type_details in LICENSED_KINDS
        if "user_not_synchronised" in planted:
            for rule in (*_OF_ACCOUNTS_OF_MAILBOXES, *(_OF_PEOPLE if person else ())):
                yield rule, OPEN, mailbox.guid
            continue
        if _lacks_routing_address(organization, mailbox, with_plan=with_plan):
            yield "USR-EXO-PROXY", FAIL, mailbox.guid
        if not person:
            continue
        if not is_verified(organization, mailbox.user_principal_name):
            yield "USR-UPN-ONMS", FAIL, mailbox.guid
        if "account_disabled" in mailbox.planted:
            yield "USR-BLOCKED", FAIL, mailbox.guid
        if (mailbox.planted | planted) & {"account_disabled", "cloud_account_disabled"}:
            # Graph lists no registration of a disabled account
            yield "USR-MFA-REG", OPEN, mailbox.guid
        elif "mfa_not_registered" in planted and (asks_for_mfa or may_ask_for_mfa):
            yield "USR-MFA-REG", FAIL if asks_for_mfa else OPEN, mailbox.guid


def _movable(organization: Organization) -> Iterator[Mailbox]:
    for mailbox in mailboxes(organization):
        if mailbox.recipient_type_details != "DiscoveryMailbox":
            yield mailbox


def _people(organization: Organization) -> Iterator[Mailbox]:
    for mailbox in _movable(organization):
        if mailbox.recipient_type_details in LICENSED_KINDS:
            yield mailbox


def _lacks_routing_address(
    organization: Organization, mailbox: Mailbox, *, with_plan: bool
) -> bool:
    """Whether the mail user has no address in the domain that the mailbox is to move to."""
    planted = mailbox.planted | planted_on(organization, mailbox.number)
    if planted.isdisjoint({"mailbox_without_proxy", "cloud_proxy_missing"}):
        return False
    # where the first domain of the tenant is flagged too, everybody has an address in that one
    flagged = "two_target_delivery_domains" not in organization.faults
    return flagged or (with_plan and wave_of(mailbox) is not None)


def _of_moved(organization: Organization) -> Iterator[Consequence]:
    for moved in remote_mailboxes(organization):
        planted = moved_planted_on(organization, moved.number)
        if "moved_eas_off" in planted:
            yield "USR-CAS-AFTER", FAIL, moved.guid
        if "sign_in_refused" in planted:
            yield "TEN-CA-SIGNIN", FAIL, moved_user_id(organization, moved.number)
    if not organization.remote_mailbox_count:
        yield "USR-CAS-AFTER", NOT_APPLICABLE, ""
        yield "TEN-CA-SIGNIN", NOT_APPLICABLE, ""


def _of_domains(organization: Organization, *, with_plan: bool) -> Iterator[Consequence]:
    if "no_target_delivery_domain" in organization.faults and not with_plan:
        yield "TEN-DOMAINS", NOT_APPLICABLE, ""
        yield "USR-EXO-PROXY", NOT_APPLICABLE, ""
    suffixes = {_domain(found.user_principal_name) for found in _people(organization)}
    for suffix in suffixes:
        if not is_verified(organization, f"anybody@{suffix}"):
            yield "DOM-ROUTABLE", FAIL, suffix
    if "domain_federated" in organization.faults and PRIMARY_DOMAIN in suffixes:
        yield "DOM-FEDERATED", FAIL, PRIMARY_DOMAIN
    if "domain_not_verified" in organization.faults:
        for mailbox in _movable(organization):
            if any(_domain(each) == SECOND_DOMAIN for each in mailbox.email_addresses):
                yield "MBX-PROXY-UNVERIFIED", FAIL, mailbox.guid
                yield "DOM-VERIFIED", FAIL, SECOND_DOMAIN


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


def _of_access(organization: Organization) -> Iterator[Consequence]:
    faults = organization.faults
    if "security_defaults_on" in faults:
        # such a tenant has no policies
        yield "TEN-CA", NOT_APPLICABLE, ""
    # whether a block of ActiveSync strikes phones with OAuth is told by a try alone
    for fault in sorted(faults & {"ca_blocks_eas", "ca_unknown_value"}):
        yield "TEN-CA", OPEN, policy_id(organization, fault)
    if "eas_disabled" in faults and organization.mailbox_count and "cas_plan_eas_off" not in faults:
        yield "TEN-CASPLAN", FAIL, PEOPLE_WITHOUT_ACTIVE_SYNC
    if "cloud_quarantine" in faults and _some_phone_is_allowed(organization):
        settings = "Mobile Mailbox Settings"
        subject = tenant_exchange.cloud_guid(organization, "settings", settings)
        yield "TEN-ABQ-DEFAULT", FAIL, subject
    known, uncertain = programs(organization)
    for app_id in known if "consent_missing" in faults else ():
        yield "TEN-CONSENT", FAIL, app_id
    for program in uncertain:
        yield "TEN-CONSENT", OPEN, program
    if not known | uncertain:
        yield "TEN-CONSENT", NOT_APPLICABLE, ""
        yield "TEN-SP-STATE", NOT_APPLICABLE, ""


def _some_phone_is_allowed(organization: Organization) -> bool:
    return any(
        device.access_state == "Allowed"
        for mailbox in _movable(organization)
        for device in devices_of(organization, mailbox)
    )
