"""What the organisation answers to each read command of the Exchange Management Shell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from auditor.lab import (
    configuration_objects,
    per_mailbox_objects,
    policy_objects,
    recipient_objects,
    server_objects,
)
from auditor.lab.organization import Organization
from auditor.lab.parts import Mailbox
from auditor.lab.recipients import mailboxes
from auditor.lab.shell_objects import ShellObject

Answer = Callable[[Organization], Iterator[ShellObject]]
AnswerOfMailbox = Callable[[Organization, Mailbox], Iterator[ShellObject]]

EXSETUP = "Get-Command ExSetup.exe"

PER_MAILBOX: Mapping[str, AnswerOfMailbox] = {
    "Get-MailboxStatistics": per_mailbox_objects.mailbox_statistics,
    "Get-MobileDeviceStatistics": per_mailbox_objects.mobile_device_statistics,
    "Get-MailboxPermission": per_mailbox_objects.mailbox_permissions,
}
"""Commands that are asked about one mailbox at a time."""


def _of_every_mailbox(answer: AnswerOfMailbox) -> Answer:
    def answers(organization: Organization) -> Iterator[ShellObject]:
        for mailbox in mailboxes(organization):
            note = {"AskedMailboxGuid": mailbox.guid}
            for found in answer(organization, mailbox):
                yield ShellObject(found.types, found.text, found.properties, note)

    return answers


ANSWERS: Mapping[str, Answer] = {
    "Get-ExchangeServer": server_objects.exchange_servers,
    EXSETUP: server_objects.setup_versions,
    "Get-OrganizationConfig": configuration_objects.organization_config,
    "Get-OrganizationRelationship": configuration_objects.organization_relationships,
    "Get-HybridConfiguration": configuration_objects.hybrid_configuration,
    "Get-AcceptedDomain": configuration_objects.accepted_domains,
    "Get-RemoteDomain": configuration_objects.remote_domains,
    "Get-IntraOrganizationConnector": policy_objects.intra_organization_connectors,
    "Get-AuthServer": policy_objects.auth_servers,
    "Get-AuthConfig": policy_objects.auth_config,
    "Get-EmailAddressPolicy": policy_objects.email_address_policies,
    "Get-AuthenticationPolicy": policy_objects.authentication_policies,
    "Get-SettingOverride": policy_objects.setting_overrides,
    "Get-ActiveSyncVirtualDirectory": server_objects.active_sync_directories,
    "Get-WebServicesVirtualDirectory": server_objects.web_services_directories,
    "Get-ExchangeCertificate": server_objects.certificates,
    "Get-ActiveSyncOrganizationSettings": configuration_objects.active_sync_settings,
    "Get-ActiveSyncDeviceAccessRule": configuration_objects.access_rules,
    "Get-MobileDeviceMailboxPolicy": policy_objects.mobile_device_policies,
    "Get-Mailbox": recipient_objects.mailbox_objects,
    "Get-CASMailbox": recipient_objects.cas_mailbox_objects,
    "Get-RemoteMailbox": recipient_objects.remote_mailbox_objects,
    "Get-MobileDevice": recipient_objects.mobile_device_objects,
    **{cmdlet: _of_every_mailbox(answer) for cmdlet, answer in PER_MAILBOX.items()},
}
"""Every command the lab knows. Commands of one server each answer for all servers together, and
those of one mailbox for all mailboxes."""


def objects(organization: Organization, cmdlet: str) -> Iterator[ShellObject]:
    """The objects of a command's answer, made one by one; raises KeyError for an unknown command.

    `Get-Command ExSetup.exe` and Get-ExchangeCertificate carry the note `Server`, since the lab
    asks every server; objects of commands of one mailbox carry `AskedMailboxGuid` likewise.
    """
    return ANSWERS[cmdlet](organization)
