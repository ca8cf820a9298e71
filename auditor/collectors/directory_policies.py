"""Collectors of address policies and of policies for mobile devices, as far as they are documented.

The class of address policies and gatewayProxy, which holds the templates in force, are those of
the Exchange Server 2003 SDK (ms-Exch-Addressing-Policy Class, Creating a Recipient Policy); no
document tells how the priority is kept, or that a policy was applied. The class of policies for
mobile devices and the attribute for kinds of characters are those of "Active Directory Schema
Changes (SP1)" of Exchange 2007; no document tells the bits that nearly all other settings are.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.collectors.directory_contract import (
    DirectoryCollector,
    LeftOut,
    Outcome,
    Place,
    Unread,
)
from auditor.collectors.directory_names import own_name
from auditor.collectors.directory_organization import READ_ORGANIZATION
from auditor.collectors.directory_reading import Found, guid, texts, whole
from auditor.collectors.policies import address_template
from auditor.evidence.policies import (
    OnpremEmailAddressPolicy,
    OnpremEmailAddressPolicyTemplate,
    OnpremMobileDevicePolicy,
)


def _email_address_policy(found: Found) -> Iterator[Outcome]:
    templates = texts(found, "gatewayProxy")
    if templates == []:
        # a policy of Exchange 2003 may have managed mailboxes instead
        yield LeftOut("is a recipient policy without addresses")
        return
    policy = guid(found)
    if templates is None:
        yield Unread(OnpremEmailAddressPolicyTemplate, "gatewayProxy")
    yield OnpremEmailAddressPolicy(
        guid=policy, name=own_name(found.dn), priority=None, recipient_filter_applied=None
    )
    for template in templates or ():
        yield address_template(policy, template)


def _mobile_device_policy(found: Found) -> Iterator[Outcome]:
    yield OnpremMobileDevicePolicy(
        guid=guid(found),
        name=own_name(found.dn),
        is_default=None,
        allow_non_provisionable_devices=None,
        password_enabled=None,
        min_password_length=None,
        alphanumeric_password_required=None,
        min_password_complex_characters=whole(
            found, "msExchMobileMinDevicePasswordComplexCharacters"
        ),
        allow_simple_password=None,
        password_expiration=None,
        max_inactivity_time_lock=None,
        max_inactivity_seconds=None,
        require_device_encryption=None,
        require_storage_card_encryption=None,
    )


EMAIL_ADDRESS_POLICIES = DirectoryCollector(
    name="e-mail address policies",
    place=Place.CONFIGURATION,
    container="CN=Recipient Policies",
    object_class="msExchRecipientPolicy",
    condition="(objectClass=msExchRecipientPolicy)",
    attributes=("objectGUID", "gatewayProxy"),
    tables=(OnpremEmailAddressPolicy, OnpremEmailAddressPolicyTemplate),
    permission=READ_ORGANIZATION,
    rows=_email_address_policy,
    unsaid=(
        "onprem_email_address_policy.priority",
        "onprem_email_address_policy.recipient_filter_applied",
    ),
    at_least_one=True,
)
MOBILE_DEVICE_POLICIES = DirectoryCollector(
    name="policies for mobile devices",
    place=Place.CONFIGURATION,
    container="CN=Mobile Mailbox Policies",
    object_class="msExchMobileMailboxPolicy",
    condition="(objectClass=msExchMobileMailboxPolicy)",
    attributes=("objectGUID", "msExchMobileMinDevicePasswordComplexCharacters"),
    tables=(OnpremMobileDevicePolicy,),
    permission=READ_ORGANIZATION,
    rows=_mobile_device_policy,
    unsaid=tuple(
        f"onprem_mobile_device_policy.{column}"
        for column in OnpremMobileDevicePolicy.model_fields
        if column not in {"guid", "name", "min_password_complex_characters"}
    ),
)
