"""Every collector of Exchange objects, in the order the export scripts ask for them.

EXCHANGE_COLLECTORS are those of Exchange on-premises, ALL_COLLECTORS those of both sides.
"""

from __future__ import annotations

from auditor.collectors import (
    certificates,
    mobile,
    organization,
    per_mailbox,
    policies,
    recipients,
    servers,
    trust,
)
from auditor.collectors.contract import ExchangeCollector
from auditor.collectors.exo_registry import EXCHANGE_ONLINE_COLLECTORS

EXCHANGE_COLLECTORS: tuple[ExchangeCollector, ...] = (
    servers.EXCHANGE_SERVER,
    servers.EXCHANGE_BUILD,
    organization.ORGANIZATION,
    organization.ORGANIZATION_RELATIONSHIP,
    organization.HYBRID_CONFIGURATION,
    organization.ACCEPTED_DOMAIN,
    organization.REMOTE_DOMAIN,
    trust.INTRA_ORGANIZATION_CONNECTOR,
    trust.AUTH_SERVER,
    trust.AUTH_CONFIG,
    policies.EMAIL_ADDRESS_POLICY,
    policies.AUTHENTICATION_POLICY,
    policies.SETTING_OVERRIDE,
    servers.ACTIVE_SYNC_VIRTUAL_DIRECTORY,
    servers.WEB_SERVICES_VIRTUAL_DIRECTORY,
    certificates.EXCHANGE_CERTIFICATE,
    mobile.ACTIVE_SYNC_SETTINGS,
    mobile.DEVICE_ACCESS_RULE,
    policies.MOBILE_DEVICE_POLICY,
    recipients.MAILBOX,
    recipients.CAS_MAILBOX,
    recipients.REMOTE_MAILBOX,
    mobile.MOBILE_DEVICE,
    # those that are asked once per mailbox, after the mailboxes are known
    per_mailbox.MAILBOX_STATISTICS,
    per_mailbox.MOBILE_DEVICE_STATISTICS,
    per_mailbox.MAILBOX_PERMISSION,
)
ALL_COLLECTORS: tuple[ExchangeCollector, ...] = (
    *EXCHANGE_COLLECTORS,
    *EXCHANGE_ONLINE_COLLECTORS,
)
