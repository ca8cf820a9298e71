"""Every table this version knows, in one explicit list; a test holds it against the models."""

from __future__ import annotations

from auditor.evidence import (
    organization,
    per_mailbox,
    plan,
    policies,
    predicted,
    recipients,
    reference,
    servers,
    trust,
)
from auditor.evidence.base import Evidence

COLLECTED: tuple[type[Evidence], ...] = (
    organization.OnpremOrganization,
    organization.OnpremOrganizationRelationship,
    organization.OnpremOrganizationRelationshipDomain,
    organization.OnpremHybridConfiguration,
    organization.OnpremHybridConfigurationFeature,
    organization.OnpremHybridConfigurationDomain,
    organization.OnpremAcceptedDomain,
    organization.OnpremRemoteDomain,
    trust.OnpremIntraOrganizationConnector,
    trust.OnpremIntraOrganizationConnectorDomain,
    trust.OnpremAuthServer,
    trust.OnpremAuthConfig,
    policies.OnpremEmailAddressPolicy,
    policies.OnpremEmailAddressPolicyTemplate,
    policies.OnpremAuthenticationPolicy,
    policies.OnpremSettingOverride,
    policies.OnpremSettingOverrideParameter,
    servers.OnpremExchangeServer,
    servers.OnpremExchangeBuild,
    servers.OnpremActiveSyncVirtualDirectory,
    servers.OnpremActiveSyncVirtualDirectoryAuthentication,
    servers.OnpremWebServicesVirtualDirectory,
    servers.OnpremExchangeCertificate,
    servers.OnpremExchangeCertificateName,
    recipients.OnpremActiveSyncSettings,
    recipients.OnpremDeviceAccessRule,
    policies.OnpremMobileDevicePolicy,
    recipients.OnpremMailbox,
    recipients.OnpremMailboxAddress,
    recipients.OnpremCasMailbox,
    recipients.OnpremCasMailboxAllowedDevice,
    recipients.OnpremCasMailboxBlockedDevice,
    recipients.OnpremRemoteMailbox,
    recipients.OnpremRemoteMailboxAddress,
    recipients.OnpremMobileDevice,
    per_mailbox.OnpremMailboxStatistics,
    per_mailbox.OnpremMobileDeviceStatistics,
    per_mailbox.OnpremMailboxPermission,
    plan.PlanMove,
)
"""Tables that collectors fill and that an evidence bundle carries."""

PREDICTED: tuple[type[Evidence], ...] = (predicted.PredictedRedirect,)
"""Tables that `prediction/` derives while assessing."""

REFERENCE: tuple[type[reference.Reference], ...] = (
    reference.RefExchangeBuild,
    reference.RefExchangeSupport,
    reference.RefExoEasHost,
    reference.RefMailClient,
    reference.RefServiceDate,
    reference.RefExchangeServicePlan,
    reference.RefExchangeMailboxSku,
    reference.RefMailApp,
    reference.RefDeviceAccessState,
    reference.RefDeviceAccessOrder,
    reference.RefAutodiscoverBypassPrefix,
    reference.RefAppleBuild,
    reference.RefTopic,
)
"""Reference data that ships with the rules."""

BY_NAME: dict[str, type[Evidence]] = {
    model.table: model for model in (*COLLECTED, *PREDICTED, *REFERENCE)
}
