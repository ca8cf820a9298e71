"""Licences of the tenant: what it has bought, and what each account has of it.

Identifiers are those of Microsoft's published list. Products beside the one that people have are
there to mislead: a free one and an Entra one whose only Exchange plan is no mailbox, and one that
was not renewed.
"""

from __future__ import annotations

from functools import lru_cache

from auditor.lab.draws import draws, guid, happens
from auditor.lab.organization import Organization
from auditor.lab.recipients import mailbox
from auditor.lab.tenant_accounts import LICENSED_KINDS, CloudAccount, is_person, planted_on
from auditor.lab.tenant_rows import Row, Rows, moment, rows_of

SPE_E3 = "05e9a617-0261-4cee-bb44-138d3ef5d965"
EXCHANGE_S_ENTERPRISE = "efb87545-963c-4e0d-99df-69c6916d9eb0"
_ENTERPRISEPACK = "6fd2c87f-b296-42f0-b197-1e91e994b900"
_FLOW_FREE = "f30db892-07e9-47e9-837c-80727f46fd3d"
_AAD_PREMIUM_P2 = "84a661c4-e949-4bd2-a560-ed7766fcaf2b"
_FOUNDATION = ("113feb6c-3fe4-4440-bddc-54d774bf0318", "EXCHANGE_S_FOUNDATION")
_OFFICE = (
    (EXCHANGE_S_ENTERPRISE, "EXCHANGE_S_ENTERPRISE"),
    ("5dbe027f-2339-4123-9542-606e4d348a72", "SHAREPOINTENTERPRISE"),
    ("57ff2da0-773e-42df-b2af-ffb7a2317929", "TEAMS1"),
    ("43de0ff5-c92c-492b-9116-175376d08c38", "OFFICESUBSCRIPTION"),
)
_ENTRA_P1 = ("41781fb2-bc02-4b7c-bd55-b576c07bb09d", "AAD_PREMIUM")
_ENTRA_P2 = ("eec0eb4f-6444-4f95-aba0-50c24d67f998", "AAD_PREMIUM_P2")
_INTUNE = ("c1ec4a95-1f05-45b3-a911-aa3fa01094f5", "INTUNE_A")
_FLOW = ("50e68c76-46c6-4674-81f9-75456511b170", "FLOW_P2_VIRAL")

_PLANS = {
    SPE_E3: (*_OFFICE, _ENTRA_P1, _INTUNE),
    _ENTERPRISEPACK: _OFFICE,
    _FLOW_FREE: (_FOUNDATION, _FLOW),
    _AAD_PREMIUM_P2: (_FOUNDATION, _ENTRA_P2),
}
"""Service plans of each product."""

_SPARE_SEATS = 25
_SEATS_SHORT = 3
_WITHOUT_LICENCE = frozenset({"user_without_licence", "licence_error", "user_not_synchronised"})
_DIRECT_OF = 4
"""One in so many has the licence from an administrator, the others have it from a group."""


def subscribed_skus(organization: Organization) -> Rows:
    """/subscribedSkus."""
    consumed = _consumed(organization)
    # every mailbox could have one more, or too few are left of what people have already
    spare = organization.mailbox_count + _SPARE_SEATS
    enabled = consumed + (-_SEATS_SHORT if "few_seats" in organization.faults else spare)
    return rows_of(
        [
            _sku(organization, (SPE_E3, "SPE_E3"), consumed, enabled),
            _sku(organization, (_ENTERPRISEPACK, "ENTERPRISEPACK"), 0, -50),
            _sku(organization, (_FLOW_FREE, "FLOW_FREE"), 7, 10_000),
            _sku(organization, (_AAD_PREMIUM_P2, "AAD_PREMIUM_P2"), 3, 5),
        ]
    )


def _sku(organization: Organization, product: tuple[str, str], consumed: int, enabled: int) -> Row:
    """One product by id and part number; a negative number of seats is what was not renewed."""
    tenant = guid(organization.seed, "tenant", 0)
    sku_id, part_number = product
    return {
        "accountName": "contoso",
        "accountId": tenant,
        "appliesTo": "User",
        "capabilityStatus": "Enabled" if enabled >= 0 else "Suspended",
        "consumedUnits": consumed,
        "id": f"{tenant}_{sku_id}",
        "skuId": sku_id,
        "skuPartNumber": part_number,
        "subscriptionIds": [guid(organization.seed, "subscription", part_number)],
        "prepaidUnits": {
            "enabled": max(0, enabled),
            "suspended": max(0, -enabled),
            "warning": 0,
            "lockedOut": 0,
        },
        "servicePlans": [
            {
                "servicePlanId": plan_id,
                "servicePlanName": name,
                "provisioningStatus": "Success",
                "appliesTo": "Company" if (plan_id, name) == _FOUNDATION else "User",
            }
            for plan_id, name in _PLANS[sku_id]
        ],
    }


@lru_cache(maxsize=4)
def _consumed(organization: Organization) -> int:
    """How many accounts have the product; counted without making the mailboxes."""
    seed, count = organization.seed, organization.mailbox_count
    fixed = min(count, 32)
    having = sum(
        mailbox(organization, number).recipient_type_details in LICENSED_KINDS
        and planted_on(organization, number).isdisjoint(_WITHOUT_LICENCE)
        for number in range(fixed)
    )
    for number in range(fixed, count):
        if is_person(seed, number):
            having += planted_on(organization, number).isdisjoint(_WITHOUT_LICENCE)
        else:
            having += not happens(draws(seed, "mailbox", number)[0], 0.990)
    return having + organization.remote_mailbox_count


def assigned_licences(found: CloudAccount) -> list[Row]:
    """assignedLicenses of an account: what it really has."""
    if not found.personal or found.planted & _WITHOUT_LICENCE:
        return []
    return [{"disabledPlans": _disabled_plans(found), "skuId": SPE_E3}]


def assignment_states(organization: Organization, found: CloudAccount) -> list[Row]:
    """licenseAssignmentStates of an account: the same, with where it comes from and how it went."""
    if not found.personal or "user_without_licence" in found.planted:
        return []
    failed = "licence_error" in found.planted
    direct = found.number % _DIRECT_OF == 0 or "usage_location_missing" in found.planted
    return [
        {
            "skuId": SPE_E3,
            "disabledPlans": _disabled_plans(found),
            "assignedByGroup": None if direct and not failed else _licence_group(organization.seed),
            "state": "Error" if failed else "Active",
            "error": "CountViolation" if failed else "None",
            "lastUpdatedDateTime": moment(found.recipient.when_changed),
        }
    ]


@lru_cache(maxsize=4)
def _licence_group(seed: int) -> str:
    return guid(seed, "licence group", 0)


def _disabled_plans(found: CloudAccount) -> list[str]:
    return [EXCHANGE_S_ENTERPRISE] if "exchange_plan_disabled" in found.planted else []
