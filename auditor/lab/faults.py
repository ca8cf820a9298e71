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
        "account_disabled": "people whose account is disabled in the directory",
        "account_expired": "people whose account has expired",
        "password_expired": "people who must change their password before they sign in",
        "protected_account": "administrators with a mailbox, whose account AdminSDHolder guards",
        "inheritance_off": "accounts whose access list inherits nothing",
        "litigation_hold": "mailboxes on litigation hold",
        "in_place_hold": "mailboxes on an in-place hold",
        "target_address_left": "mailboxes with the targetAddress of an earlier migration",
        "domain_not_verified": "fabrikam.com is not verified in the tenant",
        "domain_federated": "people of contoso.com sign in at a federation service",
        "sync_stale": "the directory was last synchronised thirty hours ago",
        "sync_off": "the tenant was never synchronised with a directory",
        "security_defaults_on": "security defaults are switched on",
        "consent_missing": "no mail app has consent, and users may not give it",
        "mail_app_disabled": "the application of Apple Mail is switched off in the tenant",
        "ca_blocks_eas": "a policy of Conditional Access blocks ActiveSync and older clients",
        "ca_approved_app": "a policy of Conditional Access asks mail apps for app protection",
        "ca_unknown_value": "a policy of Conditional Access holds a control that nobody knows",
        "oauth_off": "modern authentication is switched off in Exchange Online",
        "cas_plan_eas_off": "new mailboxes of Exchange Online (Plan 2) get no ActiveSync",
        "cloud_quarantine": "Exchange Online quarantines phones that it does not know",
        "cloud_block_rule": "Exchange Online blocks the phones of a type, on-premises does not",
        "small_mailbox_plan": "new mailboxes take no mail above 35 MB",
        "stricter_cloud_policy": "the default policy for phones in the cloud wants a password",
        "no_migration_endpoint": "there is no migration endpoint",
        "few_seats": "fewer free licences than people who need one",
        "user_not_synchronised": "mailboxes whose account never reached the tenant",
        "user_without_licence": "mailboxes whose user has no licence",
        "exchange_plan_disabled": "mailboxes whose user has a licence with Exchange switched off",
        "licence_error": "mailboxes whose user a group could give no licence",
        "usage_location_missing": "mailboxes whose user has no usage location",
        "cloud_account_disabled": "mailboxes whose user is disabled in the cloud alone",
        "deleted_twin": "mailboxes with a deleted user of the same name and address",
        "provisioning_error": "mailboxes whose user was synchronised with an error",
        "cloud_upn_onmicrosoft": "mailboxes whose user signs in with an onmicrosoft.com name",
        "cloud_mailbox_exists": "mailboxes that exist in the cloud as well",
        "exchange_guid_missing": "mailboxes whose GUID never reached Exchange Online",
        "cloud_proxy_missing": "mailboxes whose routing address never reached Exchange Online",
        "mfa_not_registered": "mailboxes whose user has no second factor registered",
        "moved_eas_off": "moved mailboxes with ActiveSync switched off",
        "sign_in_refused": "moved mailboxes whose phone Conditional Access refused yesterday",
    }
)
"""Every fault by name. A fault about mailboxes or phones strikes a share of them."""

CLOUD_FAULTS = frozenset(
    {
        "domain_not_verified",
        "domain_federated",
        "sync_stale",
        "sync_off",
        "security_defaults_on",
        "consent_missing",
        "mail_app_disabled",
        "ca_blocks_eas",
        "ca_approved_app",
        "ca_unknown_value",
        "oauth_off",
        "cas_plan_eas_off",
        "cloud_quarantine",
        "cloud_block_rule",
        "small_mailbox_plan",
        "stricter_cloud_policy",
        "no_migration_endpoint",
        "few_seats",
        "user_not_synchronised",
        "user_without_licence",
        "exchange_plan_disabled",
        "licence_error",
        "usage_location_missing",
        "cloud_account_disabled",
        "deleted_twin",
        "provisioning_error",
        "cloud_upn_onmicrosoft",
        "cloud_mailbox_exists",
        "exchange_guid_missing",
        "cloud_proxy_missing",
        "mfa_not_registered",
        "moved_eas_off",
        "sign_in_refused",
    }
)
"""Those that show at the other end alone, in Entra or Exchange Online."""

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
        "ca_blocks_eas",
        "consent_missing",
        "cloud_quarantine",
        "cloud_block_rule",
        "small_mailbox_plan",
        "few_seats",
        "user_not_synchronised",
        "user_without_licence",
        "exchange_plan_disabled",
        "licence_error",
        "usage_location_missing",
        "deleted_twin",
        "provisioning_error",
        "cloud_upn_onmicrosoft",
        "cloud_mailbox_exists",
        "exchange_guid_missing",
        "cloud_proxy_missing",
        "moved_eas_off",
        "sign_in_refused",
        "account_disabled",
        "account_expired",
        "password_expired",
        "protected_account",
        "inheritance_off",
        "litigation_hold",
        "in_place_hold",
        "target_address_left",
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
    frozenset({"sync_stale", "sync_off"}),
    # a tenant with policies of its own cannot have security defaults
    frozenset({"security_defaults_on", "ca_blocks_eas"}),
    frozenset({"security_defaults_on", "ca_approved_app"}),
    frozenset({"security_defaults_on", "ca_unknown_value"}),
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
