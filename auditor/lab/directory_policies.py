"""Policies of the organisation as objects of the configuration container."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from auditor.lab import directory_names as names
from auditor.lab.directory_records import Record, node
from auditor.lab.draws import guid
from auditor.lab.organization import Organization
from auditor.lab.policy_objects import (
    ADDRESS_POLICIES,
    KINDS_OF_CHARACTERS,
    MOBILE_POLICIES,
    ROUTING_TEMPLATE,
)
from auditor.lab.shell_objects import TypeNames
from auditor.lab.type_names import EMAIL_ADDRESS_POLICY, MOBILE_DEVICE_POLICY


def policies(organization: Organization) -> Iterator[Record]:
    """Policies for addresses and for phones."""
    container = f"CN=Recipient Policies,{names.EXCHANGE}"
    yield node(container, "msExchContainer")
    for name, _, primary in ADDRESS_POLICIES:
        yield node(
            f"CN={name},{container}",
            "msExchRecipientPolicy",
            {
                "objectGUID": _guid(organization, EMAIL_ADDRESS_POLICY, name),
                "gatewayProxy": [primary, ROUTING_TEMPLATE],
            },
        )
    container = f"CN=Mobile Mailbox Policies,{names.EXCHANGE}"
    yield node(container, "msExchContainer")
    for name, _ in MOBILE_POLICIES:
        yield node(
            f"CN={name},{container}",
            "msExchMobileMailboxPolicy",
            {
                "objectGUID": _guid(organization, MOBILE_DEVICE_POLICY, name),
                "msExchMobileMinDevicePasswordComplexCharacters": KINDS_OF_CHARACTERS,
            },
        )


def _guid(organization: Organization, kind: TypeNames, name: str) -> bytes:
    return uuid.UUID(guid(organization.seed, kind[0], name)).bytes_le
