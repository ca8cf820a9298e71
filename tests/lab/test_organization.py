"""The synthetic organisation: repeatable, of any size, and carrying what was planted."""

from __future__ import annotations

import csv
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.lab import landscape
from auditor.lab.accounts import Account, account_of
from auditor.lab.devices import devices_of, personal_lists
from auditor.lab.faults import CLOUD_FAULTS, FAULTS, PLANTED, fault_set
from auditor.lab.landscape import STRUCK
from auditor.lab.moved import remote_mailbox, remote_mailboxes
from auditor.lab.organization import NOW, ROUTING_DOMAIN, TENANT_DOMAIN, Organization, build
from auditor.lab.parts import ActiveSyncVirtualDirectory, Certificate, Device, Mailbox, Relationship
from auditor.lab.recipients import FIRST_HOSTILE, HOSTILE_NAMES, mailbox, mailboxes
from auditor.resources import rules_folder

ENOUGH = 40
"""Mailboxes after which every fault has struck once."""


def all_devices(organization: Organization) -> Iterator[Device]:
    for owner in mailboxes(organization):
        yield from devices_of(organization, owner)


def test_equal_arguments_give_an_equal_organization() -> None:
    one, other = build(ENOUGH), build(ENOUGH)
    assert one == other
    assert list(mailboxes(one)) == list(mailboxes(other))
    assert list(remote_mailboxes(one)) == list(remote_mailboxes(other))
    assert list(all_devices(one)) == list(all_devices(other))


def test_another_seed_gives_other_people_and_other_guids() -> None:
    one, other = build(ENOUGH, seed=1), build(ENOUGH, seed=2)
    names = [{found.display_name for found in mailboxes(each)} for each in (one, other)]
    guids = [{found.guid for found in mailboxes(each)} for each in (one, other)]
    assert guids[0].isdisjoint(guids[1])
    assert len(names[0] - names[1]) > ENOUGH // 2


@given(st.integers(1, 30_000), st.integers(0, 60_000), st.data())
@settings(max_examples=60)
def test_a_mailbox_is_the_same_in_a_larger_organization(
    size: int, growth: int, data: st.DataObject
) -> None:
    number = data.draw(st.integers(0, size - 1))
    small, large = build(size), build(size + growth)
    assert mailbox(small, number) == mailbox(large, number)
    owner = mailbox(small, number)
    assert list(devices_of(small, owner)) == list(devices_of(large, owner))
    assert remote_mailbox(small, number % 4) == remote_mailbox(large, number % 4)


def test_a_larger_organization_keeps_the_servers_of_the_smaller() -> None:
    small, large = build(200), build(21_000)
    assert set(small.servers) < set(large.servers)
    assert len(large.servers) - len(small.servers) == 4


def test_no_two_objects_share_an_identifier() -> None:
    organization = build(2_000)
    devices = list(all_devices(organization))
    found = [
        *(each.guid for each in mailboxes(organization)),
        *(each.exchange_guid for each in mailboxes(organization)),
        *(each.guid for each in remote_mailboxes(organization)),
        *(each.guid for each in devices),
        *(each.device_id for each in devices),
        *(each.primary_smtp_address for each in mailboxes(organization)),
        *(each.primary_smtp_address for each in remote_mailboxes(organization)),
    ]
    assert [value for value, times in Counter(found).items() if times > 1] == []


def test_memory_does_not_grow_with_the_organization() -> None:
    peaks = []
    for size in (500, 5_000):
        organization = build(size)
        mailbox(organization, 0)  # names are read from their file once
        tracemalloc.start()
        for found in mailboxes(organization):
            list(devices_of(organization, found))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 100_000


def test_phones_are_spread_as_in_real_organizations() -> None:
    organization = build(4_000)
    devices = list(all_devices(organization))
    families = Counter(device.device_type[:7] for device in devices)
    assert 1.7 < len(devices) / 4_000 < 1.9
    assert families.most_common(1)[0][0] == "iPhone"
    assert {"iPad", "Android", "SAMSUNG", "Outlook", "Windows"} <= families.keys()
    modern = sum(device.client_version in {"14.1", "16.1"} for device in devices)
    assert modern > 0.95 * len(devices)


def test_a_phone_speaks_no_newer_version_than_its_server() -> None:
    organization = build(3_000)
    spoken = {
        owner.server.product.name: max(
            device.client_version for device in devices_of(organization, owner)
        )
        for owner in mailboxes(organization)
        if owner.device_count and owner.server.product.active_sync < 160
    }
    assert spoken == {"Exchange Server 2010": "14.1", "Exchange Server 2013": "14.1"}


def test_hostile_names_are_in_every_organization() -> None:
    organization = build(ENOUGH, faults="none")
    shown = [found.display_name for found in mailboxes(organization)]
    assert tuple(shown[FIRST_HOSTILE : FIRST_HOSTILE + len(HOSTILE_NAMES)]) == HOSTILE_NAMES
    assert {device.friendly_name for device in all_devices(organization)} >= set(HOSTILE_NAMES)


def test_an_organization_without_faults_carries_none() -> None:
    organization = build(3_000, faults="none")
    planted = [
        *(found.planted for found in mailboxes(organization)),
        *(found.planted for found in remote_mailboxes(organization)),
        *(found.planted for found in all_devices(organization)),
    ]
    assert set(planted) == {frozenset()}


def test_an_organization_without_mailboxes_can_be_built() -> None:
    organization = build(0)
    assert list(mailboxes(organization)) == []
    assert list(remote_mailboxes(organization)) == []


def test_builds_are_the_newest_of_the_table_of_builds_on_the_day_of_the_lab() -> None:
    path = rules_folder() / "reference" / "exchange_builds.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["release_date"]]
    newest = {
        product: max(
            tuple(int(part) for part in row["build_short"].split("."))
            for row in rows
            if row["product"] == product and date.fromisoformat(row["release_date"]) <= NOW.date()
        )
        for product in {row["product"] for row in rows}
    }
    assert {
        product.name: tuple(int(part) for part in product.newest_build.split("."))
        for product in landscape.PRODUCTS
    } == {product.name: newest[product.name] for product in landscape.PRODUCTS}


@pytest.mark.parametrize("faults", ["all", ("no_such_fault",), ("vanity_owa_url", "empty_owa_url")])
def test_faults_that_cannot_be_planted_are_refused(faults: str | tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"faults are|no fault named|exclude each other"):
        build(1, faults=faults)


def test_a_negative_number_of_mailboxes_is_refused() -> None:
    with pytest.raises(ValueError, match="-1 mailboxes"):
        build(-1)


def test_the_planted_faults_stand_together() -> None:
    assert fault_set(PLANTED) == PLANTED


def tenant(organization: Organization) -> list[Relationship]:
    return [found for found in organization.relationships if found.name.startswith("On-prem")]


def struck_eas(organization: Organization) -> ActiveSyncVirtualDirectory:
    return next(
        found for found in organization.active_sync_directories if found.server.name == STRUCK
    )


def struck_certificate(organization: Organization) -> Certificate:
    return next(found for found in organization.certificates if found.server.name == STRUCK)


def builds(organization: Organization) -> set[str]:
    return {server.build for server in organization.servers}


def some_mailbox(organization: Organization, holds: Callable[[Mailbox], bool]) -> bool:
    return any(holds(found) for found in mailboxes(organization))


def some_account(organization: Organization, holds: Callable[[Account], bool]) -> bool:
    """Whether an account of a person is like that."""
    return any(
        holds(account_of(organization, found))
        for found in mailboxes(organization)
        if found.recipient_type_details == "UserMailbox"
    )


def routing(organization: Organization) -> list[str | None]:
    return [found.remote_routing_address for found in remote_mailboxes(organization)]


def flagged(organization: Organization) -> list[str]:
    return [
        found.domain_name for found in organization.remote_domains if found.target_delivery_domain
    ]


def days_left(organization: Organization) -> int:
    return (struck_certificate(organization).not_after - organization.now).days


def product_names(organization: Organization) -> set[str]:
    return {server.product.name for server in organization.servers}


VISIBLE: dict[str, Callable[[Organization], bool]] = {
    "relationship_missing": lambda o: tenant(o) == [],
    "relationship_without_routing_domain": lambda o: (
        tenant(o)[0].domain_names == ("contoso.com", "fabrikam.com")
    ),
    "relationship_disabled": lambda o: not tenant(o)[0].enabled,
    "relationship_just_changed": lambda o: (NOW - tenant(o)[0].when_changed).days == 2,
    "empty_owa_url": lambda o: tenant(o)[0].target_owa_url is None,
    "vanity_owa_url": lambda o: tenant(o)[0].target_owa_url == "http://cloudowa.contoso.com/owa",
    "on_premises_owa_url": lambda o: tenant(o)[0].target_owa_url == "https://mail.contoso.com/owa",
    "consumer_owa_url": lambda o: tenant(o)[0].target_owa_url == "https://www.outlook.com/owa",
    "other_cloud_owa_url": lambda o: "office365.us" in (tenant(o)[0].target_owa_url or ""),
    "stale_relationship_same_host": lambda o: (
        sum(ROUTING_DOMAIN in [d.lower() for d in r.domain_names] for r in o.relationships) == 2
    ),
    "stale_relationship_other_host": lambda o: (
        "outlook.live.com" in (o.relationships[-1].target_owa_url or "")
    ),
    "no_owa_redirection_feature": lambda o: (
        o.hybrid_configuration is not None
        and "OwaRedirection" not in o.hybrid_configuration.features
    ),
    "no_hybrid_configuration": lambda o: o.hybrid_configuration is None,
    "no_target_delivery_domain": lambda o: flagged(o) == [],
    "two_target_delivery_domains": lambda o: flagged(o) == [ROUTING_DOMAIN, TENANT_DOMAIN],
    "coexistence_domain_not_accepted": lambda o: (
        ROUTING_DOMAIN not in {found.domain_name for found in o.accepted_domains}
    ),
    "exchange_2016_servers": lambda o: product_names(o) == {"Exchange Server 2016"},
    "exchange_2019_servers": lambda o: product_names(o) == {"Exchange Server 2019"},
    "outdated_update": lambda o: "15.2.2562.17" in builds(o),
    "exchange_2007_server": lambda o: "Exchange Server 2007" in product_names(o),
    "exchange_2010_server": lambda o: "14.3.513.0" in builds(o),
    "exchange_2010_below_ru9": lambda o: "14.3.224.2" in builds(o),
    "exchange_2013_server": lambda o: "15.0.1497.48" in builds(o),
    "exchange_2013_below_cu8": lambda o: "15.0.847.32" in builds(o),
    "build_not_read": lambda o: [s.build_readable for s in o.servers].count(False) == 1,
    "eas_url_missing": lambda o: struck_eas(o).external_url is None,
    "eas_url_http": lambda o: (struck_eas(o).external_url or "").startswith("http:"),
    "basic_off_without_oauth": lambda o: (
        not struck_eas(o).basic_auth_enabled and struck_eas(o).external_methods == ()
    ),
    "client_certificate_required": lambda o: struck_eas(o).client_cert_auth == "Required",
    "iis_not_read": lambda o: not struck_eas(o).iis_read,
    "mrs_proxy_off": lambda o: (
        [found.mrs_proxy_enabled for found in o.web_services_directories].count(False) == 1
    ),
    "certificate_expiring": lambda o: days_left(o) == 21,
    "certificate_expired": lambda o: days_left(o) == -9,
    "certificate_private": lambda o: struck_certificate(o).root_ca_type == "Enterprise",
    "certificate_name_missing": lambda o: "mail.contoso.com" not in struck_certificate(o).names,
    "mailbox_without_proxy": lambda o: some_mailbox(
        o,
        lambda found: (
            found.recipient_type_details != "DiscoveryMailbox"
            and not any(a.lower().endswith(f"@{ROUTING_DOMAIN}") for a in found.email_addresses)
        ),
    ),
    "upn_differs": lambda o: some_mailbox(
        o,
        lambda found: (
            found.recipient_type_details == "UserMailbox"
            and found.user_principal_name.lower() != found.primary_smtp_address.lower()
        ),
    ),
    "eas_disabled": lambda o: some_mailbox(
        o, lambda found: not found.active_sync_enabled and found.device_count > 0
    ),
    "personal_allow_list": lambda o: some_mailbox(
        o, lambda found: personal_lists(o, found).allowed != ()
    ),
    "personal_block_list": lambda o: some_mailbox(
        o, lambda found: personal_lists(o, found).blocked != ()
    ),
    "routing_address_without_mail": lambda o: any(
        (address or "").endswith(f"@{TENANT_DOMAIN}") for address in routing(o)
    ),
    "routing_address_missing": lambda o: None in routing(o),
    "routing_address_not_smtp": lambda o: any(
        (address or "").startswith("NOTES:") for address in routing(o)
    ),
    "old_devices": lambda o: any(
        device.client_version in {"2.5", "12.0", "12.1"} for device in all_devices(o)
    ),
    "devices_without_version": lambda o: any(
        device.client_version == "" for device in all_devices(o)
    ),
    "legacy_clients": lambda o: any(
        device.device_type in {"WP8", "WindowsMail", "BlackBerry", "TbSync"}
        for device in all_devices(replace(o, mailbox_count=400))
    ),
    "account_disabled": lambda o: some_account(o, lambda found: not found.enabled),
    "account_expired": lambda o: some_account(
        o, lambda found: found.expires is not None and found.expires < NOW
    ),
    "password_expired": lambda o: some_account(o, lambda found: found.password_set is None),
    "protected_account": lambda o: some_account(o, lambda found: found.admin_count == 1),
    "inheritance_off": lambda o: some_account(
        o, lambda found: found.inherits_nothing and not found.admin_count
    ),
    "litigation_hold": lambda o: some_account(o, lambda found: found.litigation_hold),
    "in_place_hold": lambda o: some_account(o, lambda found: found.in_place_holds != ()),
    "target_address_left": lambda o: some_account(o, lambda found: bool(found.target_address)),
}
"""How each fault shows in the organisation."""


def test_every_fault_has_its_sign() -> None:
    # those of the cloud have theirs in test_tenant.py
    assert VISIBLE.keys() == FAULTS.keys() - CLOUD_FAULTS


@pytest.mark.parametrize("fault", VISIBLE)
def test_a_planted_fault_shows_and_is_not_there_without(fault: str) -> None:
    shows = VISIBLE[fault]
    assert [shows(build(ENOUGH, faults=faults)) for faults in ((fault,), "none")] == [True, False]


def test_all_faults_of_the_demonstration_show_in_a_small_one() -> None:
    organization = build(ENOUGH)
    alone = {"exchange_2016_servers", "mrs_proxy_off"}  # their signs count all servers
    hidden = [fault for fault in PLANTED - CLOUD_FAULTS - alone if not VISIBLE[fault](organization)]
    assert hidden == []
