"""What can be wrong in an organisation of the lab, by name. `answers.py` says what follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "relationship_missing": "no relationship with the tenant, only one with a partner",
        "relationship_without_routing_domain": "DomainNames holds accepted domains alone",
        "relationship_disabled": "the relationship with the tenant is switched off",
        "relationship_just_changed": "the relationship with the tenant was changed two days ago",
        "empty_owa_url": "TargetOwaURL holds nothing",
        "vanity_owa_url": "TargetOwaURL is a CNAME of the customer's own",
        "on_premises_owa_url": "TargetOwaURL points back to the servers on-premises",
        "consumer_owa_url": "TargetOwaURL is a host of the consumer service",
        "other_cloud_owa_url": "TargetOwaURL is a host of another cloud than the tenant's",
        "stale_relationship_same_host": "a forgotten relationship names the routing domain too",
        "stale_relationship_other_host": "the same, and it leads to another host",
        "no_owa_redirection_feature": "the hybrid configuration lacks OwaRedirection",
        "no_hybrid_configuration": "the Hybrid Configuration Wizard never ran",
        "no_target_delivery_domain": "no remote domain is flagged TargetDeliveryDomain",
        "two_target_delivery_domains": "two remote domains are flagged TargetDeliveryDomain",
        "coexistence_domain_not_accepted": "the routing domain is no accepted domain",
        "exchange_2016_servers": "the servers of the organisation are Exchange 2016",
        "exchange_2019_servers": "the servers of the organisation are Exchange 2019",
        "outdated_update": "one server lacks the security updates that the others have",
        "exchange_2007_server": "an Exchange 2007 server is left",
        "exchange_2010_server": "an Exchange 2010 server with the last rollup is left",
        "exchange_2010_below_ru9": "an Exchange 2010 server with SP3 RU8 is left",
        "exchange_2013_server": "an Exchange 2013 server with the last update is left",
        "exchange_2013_below_cu8": "an Exchange 2013 server with SP1 is left",
        "build_not_read": "an Exchange 2013 server whose ExSetup.exe nobody may read",
        "eas_url_missing": "one server of a published site has no ExternalUrl for ActiveSync",
        "eas_url_http": "one server's ExternalUrl for ActiveSync is http",
        "basic_off_without_oauth": "one server offers phones neither Basic nor OAuth",
        "client_certificate_required": "one server asks phones for a certificate",
        "iis_not_read": "IIS of one server gave no answer, its settings are not known",
        "mrs_proxy_off": "one published server does not offer MRSProxy",
        "certificate_expiring": "the certificate of one server ends in three weeks",
        "certificate_expired": "the certificate of one server has ended",
        "certificate_private": "the certificate of one server comes from the customer's own CA",
        "certificate_name_missing": "the certificate of one server lacks a published name",
        "mailbox_without_proxy": "mailboxes without an address in the routing domain",
        "upn_differs": "mailboxes whose sign-in name is not their address",
        "eas_disabled": "mailboxes with phones, and with ActiveSync switched off",
        "personal_allow_list": "mailboxes that allow devices of their own",
        "personal_block_list": "mailboxes that block devices of their own",
        "routing_address_without_mail": "moved mailboxes routed to contoso.onmicrosoft.com",
        "routing_address_missing": "moved mailboxes without a routing address",
        "routing_address_not_smtp": "moved mailboxes routed to another mail system",
        "old_devices": "phones whose ActiveSync is older than 14.0",
        "devices_without_version": "phones of which no ActiveSync version was recorded",
        "legacy_clients": "mail programs that few people still use",
    }
)
"""Every fault by name. A fault about mailboxes or phones strikes a share of them."""

PLANTED = frozenset(
    {
        "exchange_2016_servers",
        "exchange_2010_server",
        "exchange_2010_below_ru9",
        "exchange_2013_server",
        "build_not_read",
        "stale_relationship_same_host",
        "client_certificate_required",
        "mrs_proxy_off",
        "certificate_expiring",
        "mailbox_without_proxy",
        "upn_differs",
        "eas_disabled",
        "personal_allow_list",
        "personal_block_list",
        "routing_address_without_mail",
        "routing_address_missing",
        "old_devices",
        "devices_without_version",
        "legacy_clients",
    }
)
"""The faults of the demonstration: those of a believable customer whose redirect mostly works."""

_CONTRADICTIONS = (
    frozenset(
        {
            "relationship_missing",
            "relationship_without_routing_domain",
            "empty_owa_url",
            "vanity_owa_url",
            "on_premises_owa_url",
            "consumer_owa_url",
            "other_cloud_owa_url",
            "stale_relationship_same_host",
            "stale_relationship_other_host",
        }
    ),
    frozenset({"exchange_2016_servers", "exchange_2019_servers"}),
    frozenset({"no_hybrid_configuration", "no_owa_redirection_feature"}),
    frozenset(
        {
            "no_target_delivery_domain",
            "two_target_delivery_domains",
            "coexistence_domain_not_accepted",
        }
    ),
    frozenset({"eas_url_missing", "eas_url_http"}),
    frozenset({"basic_off_without_oauth", "client_certificate_required", "iis_not_read"}),
    frozenset(
        {
            "certificate_expiring",
            "certificate_expired",
            "certificate_private",
            "certificate_name_missing",
        }
    ),
)


def fault_set(faults: str | Iterable[str]) -> frozenset[str]:
    """The names of faults behind `planted`, `none`, or a collection of names.

    Raises ValueError for a name that is no fault, and for faults that cannot stand together.
    """
    if isinstance(faults, str):
        if faults not in {"planted", "none"}:
            raise ValueError(f"faults are 'planted', 'none' or names of faults, not {faults!r}")
        return PLANTED if faults == "planted" else frozenset()
    chosen = frozenset(faults)
    if unknown := sorted(chosen - set(FAULTS)):
        raise ValueError(f"the lab has no fault named {', '.join(unknown)}")
    for group in _CONTRADICTIONS:
        if len(both := sorted(chosen & group)) > 1:
            raise ValueError(f"these faults of the lab exclude each other: {', '.join(both)}")
    return chosen
