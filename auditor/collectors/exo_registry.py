"""Every collector of Exchange Online, in the order in which it is asked and exported."""

from __future__ import annotations

from auditor.collectors import exo_mobile, exo_organization, exo_recipients
from auditor.collectors.contract import ExchangeCollector

EXCHANGE_ONLINE_COLLECTORS: tuple[ExchangeCollector, ...] = (
    exo_organization.ORGANIZATION,
    exo_organization.ACCEPTED_DOMAIN,
    exo_organization.ORGANIZATION_RELATIONSHIP,
    exo_organization.MIGRATION_ENDPOINT,
    exo_mobile.CAS_MAILBOX_PLAN,
    exo_mobile.MAILBOX_PLAN,
    exo_mobile.ACTIVE_SYNC_SETTINGS,
    exo_mobile.DEVICE_ACCESS_RULE,
    exo_mobile.MOBILE_DEVICE_POLICY,
    exo_recipients.RECIPIENT,
    exo_recipients.CAS_MAILBOX,
    exo_mobile.MOBILE_DEVICE,
)
