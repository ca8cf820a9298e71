"""What the organisation answers to each read command of the Exchange Management Shell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from auditor.lab import configuration_objects, recipient_objects, server_objects
from auditor.lab.organization import Organization
from auditor.lab.shell_objects import ShellObject

Answer = Callable[[Organization], Iterator[ShellObject]]

EXSETUP = "Get-Command ExSetup.exe"

ANSWERS: Mapping[str, Answer] = {
    "Get-ExchangeServer": server_objects.exchange_servers,
    EXSETUP: server_objects.setup_versions,
    "Get-OrganizationConfig": configuration_objects.organization_config,
    "Get-OrganizationRelationship": configuration_objects.organization_relationships,
    "Get-HybridConfiguration": configuration_objects.hybrid_configuration,
    "Get-AcceptedDomain": configuration_objects.accepted_domains,
    "Get-RemoteDomain": configuration_objects.remote_domains,
    "Get-ActiveSyncVirtualDirectory": server_objects.active_sync_directories,
    "Get-WebServicesVirtualDirectory": server_objects.web_services_directories,
    "Get-ExchangeCertificate": server_objects.certificates,
    "Get-ActiveSyncOrganizationSettings": configuration_objects.active_sync_settings,
    "Get-ActiveSyncDeviceAccessRule": configuration_objects.access_rules,
    "Get-Mailbox": recipient_objects.mailbox_objects,
    "Get-CASMailbox": recipient_objects.cas_mailbox_objects,
    "Get-RemoteMailbox": recipient_objects.remote_mailbox_objects,
    "Get-MobileDevice": recipient_objects.mobile_device_objects,
}
"""Every command the lab knows. Commands of one server each answer for all servers together."""


def objects(organization: Organization, cmdlet: str) -> Iterator[ShellObject]:
    """The objects of a command's answer, made one by one; raises KeyError for an unknown command.

    `Get-Command ExSetup.exe` and Get-ExchangeCertificate carry the note `Server`, since the lab
    asks every server.
    """
    return ANSWERS[cmdlet](organization)
