"""Every collector of Exchange objects, in the order the export script asks for them."""

from __future__ import annotations

from auditor.collectors import certificates, mobile, organization, recipients, servers
from auditor.collectors.contract import ExchangeCollector

EXCHANGE_COLLECTORS: tuple[ExchangeCollector, ...] = (
    servers.EXCHANGE_SERVER,
    servers.EXCHANGE_BUILD,
    organization.ORGANIZATION,
    organization.ORGANIZATION_RELATIONSHIP,
    organization.HYBRID_CONFIGURATION,
    organization.ACCEPTED_DOMAIN,
    organization.REMOTE_DOMAIN,
    servers.ACTIVE_SYNC_VIRTUAL_DIRECTORY,
    servers.WEB_SERVICES_VIRTUAL_DIRECTORY,
    certificates.EXCHANGE_CERTIFICATE,
    mobile.ACTIVE_SYNC_SETTINGS,
    mobile.DEVICE_ACCESS_RULE,
    recipients.MAILBOX,
    recipients.CAS_MAILBOX,
    recipients.REMOTE_MAILBOX,
    mobile.MOBILE_DEVICE,
)
