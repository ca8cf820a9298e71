"""Every collector of directory objects, in the order they are asked."""

from __future__ import annotations

from auditor.collectors import (
    directory_mobile,
    directory_organization,
    directory_policies,
    directory_recipients,
    directory_servers,
)
from auditor.collectors.directory_contract import DirectoryCollector

DIRECTORY_COLLECTORS: tuple[DirectoryCollector, ...] = (
    directory_organization.ORGANIZATION,
    directory_servers.EXCHANGE_SERVERS,
    directory_organization.ORGANIZATION_RELATIONSHIPS,
    directory_organization.INTRA_ORGANIZATION_CONNECTORS,
    directory_organization.HYBRID_CONFIGURATION,
    directory_organization.ACCEPTED_DOMAINS,
    directory_policies.EMAIL_ADDRESS_POLICIES,
    directory_servers.ACTIVE_SYNC_VIRTUAL_DIRECTORIES,
    directory_servers.WEB_SERVICES_VIRTUAL_DIRECTORIES,
    directory_mobile.ACTIVE_SYNC_SETTINGS,
    directory_mobile.DEVICE_ACCESS_RULES,
    directory_policies.MOBILE_DEVICE_POLICIES,
    directory_recipients.RECIPIENTS,
    directory_mobile.MOBILE_DEVICES,
)
