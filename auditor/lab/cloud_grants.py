"""What an application was granted in the lab's tenant, and what the tenant pays for.

Permissions are the least and the usual higher ones of Microsoft's permission reference. What a
directory role may run in Exchange Online is told by no document; see `ROLES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from auditor.lab.tenant import CMDLETS

MANAGE_AS_APP = "Exchange.ManageAsApp"
INTUNE, ENTRA_P1 = "Intune", "Entra ID P1"

_DIRECTORY = "Directory.Read.All"
_REGISTRATION = "reports/authenticationMethods/userRegistrationDetails"
_DEVICES = "deviceManagement/managedDevices"
SIGN_INS = "auditLogs/signIns"
_NEEDED: Mapping[str, frozenset[str]] = {
    "organization": frozenset({"Organization.Read.All", "User.Read.All", _DIRECTORY}),
    "domains": frozenset({"Domain.Read.All", _DIRECTORY}),
    "federationConfiguration": frozenset({"Domain-InternalFederation.Read.All"}),
    "subscribedSkus": frozenset(
        {"LicenseAssignment.Read.All", "Organization.Read.All", _DIRECTORY}
    ),
    "users": frozenset({"User.Read.All", _DIRECTORY}),
    "directory/deletedItems": frozenset({"User.Read.All", _DIRECTORY}),
    "directory/onPremisesSynchronization": frozenset({"OnPremDirectorySynchronization.Read.All"}),
    "identity/conditionalAccess": frozenset({"Policy.Read.All"}),
    "policies": frozenset({"Policy.Read.All"}),
    "applications": frozenset({"Application.Read.All", _DIRECTORY}),
    "servicePrincipals": frozenset({"Application.Read.All", _DIRECTORY}),
    "oauth2PermissionGrants": frozenset({"DelegatedPermissionGrant.Read.All", _DIRECTORY}),
    "reports": frozenset({"AuditLog.Read.All"}),
    "auditLogs": frozenset({"AuditLog.Read.All"}),
    "deviceManagement": frozenset({"DeviceManagementManagedDevices.Read.All"}),
}
"""Any one of these permissions is enough for a path that starts so, or ends so."""

GRAPH_PERMISSIONS = frozenset(name for names in _NEEDED.values() for name in names)

_OF_RECIPIENTS = frozenset({"Get-Recipient", "Get-CASMailbox", "Get-MobileDevice"})
ROLES: Mapping[str, frozenset[str]] = {
    "Global Reader": frozenset(CMDLETS),
    "Exchange Recipient Administrator": _OF_RECIPIENTS | {"Get-MigrationEndpoint"},
    "Security Reader": frozenset(CMDLETS) - _OF_RECIPIENTS - {"Get-MigrationEndpoint"},
}
"""Commands that each directory role contains; a guess, made so that roles differ."""


@dataclass(frozen=True)
class Grants:
    """Who reads. `graph`: permissions for Graph. `exchange`: directory roles, and MANAGE_AS_APP.

    `licences`: what the tenant has beside Exchange, INTUNE and ENTRA_P1.
    """

    graph: frozenset[str] = GRAPH_PERMISSIONS
    exchange: frozenset[str] = frozenset({MANAGE_AS_APP, "Global Reader"})
    licences: frozenset[str] = frozenset({INTUNE, ENTRA_P1})

    def allows(self, path: str) -> bool:
        """Whether a path of Graph may be read."""
        return bool(self.graph & _needed(path))

    def lacks_licence(self, path: str) -> str:
        """The licence that a path of Graph needs and the tenant does not have; '' for none."""
        needed = {_REGISTRATION: ENTRA_P1, SIGN_INS: ENTRA_P1, _DEVICES: INTUNE}.get(path, "")
        return needed if needed not in self.licences else ""

    @property
    def shows_policies(self) -> bool:
        """Whether sign-ins tell the policies of Conditional Access that were applied."""
        return self.allows("identity/conditionalAccess/policies")

    @property
    def cmdlets(self) -> frozenset[str]:
        """The commands of Exchange Online that the roles contain."""
        held = (ROLES[role] for role in self.exchange if role in ROLES)
        return frozenset[str]().union(*held)


def _needed(path: str) -> frozenset[str]:
    last = path.rpartition("/")[2]
    if last in _NEEDED:
        return _NEEDED[last]
    return next(
        (needed for start, needed in _NEEDED.items() if path.startswith(start)), frozenset()
    )
