"""Attributes and classes that the organisation has in its directory, and who guards them.

Names are Exchange's. Which property set an attribute belongs to, and whether the Global Catalog
holds it, is partly an assumption of the lab: ask the schema of a real directory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from auditor.lab.draws import guid

Syntax = Literal["text", "integer", "boolean", "octets", "time", "name", "descriptor", "sid"]

PUBLIC_INFORMATION = "e48d0154-bcf8-11d1-8702-00c04fb96050"
GENERAL_INFORMATION = "59ba2f42-79a2-11d0-9020-00c04fc2d3cf"
ACCOUNT_RESTRICTIONS = "4c164200-20c0-11d0-a768-00aa006e0529"
EXCHANGE_INFORMATION = "1f298a89-de98-47b8-b5cd-572ad53d267e"
EXCHANGE_PERSONAL_INFORMATION = "b1b3a417-ec55-4191-b327-b72e33e38af2"

PROPERTY_SETS = {
    PUBLIC_INFORMATION: ("Public-Information", "Public Information"),
    GENERAL_INFORMATION: ("General-Information", "General Information"),
    ACCOUNT_RESTRICTIONS: ("User-Account-Restrictions", "Account Restrictions"),
    EXCHANGE_INFORMATION: ("Exchange-Information", "Exchange Information"),
    EXCHANGE_PERSONAL_INFORMATION: (
        "Exchange-Personal-Information",
        "Exchange Personal Information",
    ),
}
"""GUID of each property set: its common name, and the name that dialogs and dsacls show."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of the schema.

    `built_in` are those that every directory has before Exchange extends it; `in_slapd` those that
    OpenLDAP brings along itself.
    """

    name: str
    syntax: Syntax
    property_set: str = ""
    many: bool = False
    built_in: bool = False
    in_slapd: bool = False

    @property
    def schema_guid(self) -> str:
        """The lab's own schemaIDGUID."""
        return guid(0, "attribute", self.name)


@dataclass(frozen=True, slots=True)
class ObjectClass:
    """A structural class; `superiors` are the classes whose objects may hold one."""

    name: str
    superiors: tuple[str, ...]
    kind: Literal["configuration", "device"] = "configuration"

    @property
    def schema_guid(self) -> str:
        """The lab's own schemaIDGUID."""
        return guid(0, "class", self.name)


_OF_ALL_OBJECTS = (
    Attribute("cn", "text", PUBLIC_INFORMATION, built_in=True, in_slapd=True),
    Attribute("objectClass", "text", PUBLIC_INFORMATION, built_in=True, in_slapd=True),
    Attribute("objectGUID", "octets", PUBLIC_INFORMATION, built_in=True),
    Attribute("whenChanged", "time", built_in=True),
    Attribute("nTSecurityDescriptor", "descriptor", built_in=True),
)
_OF_USERS = (
    Attribute("displayName", "text", PUBLIC_INFORMATION, built_in=True, in_slapd=True),
    Attribute("mail", "text", PUBLIC_INFORMATION, built_in=True, in_slapd=True),
    Attribute("userPrincipalName", "text", PUBLIC_INFORMATION, built_in=True),
    Attribute("sAMAccountName", "text", GENERAL_INFORMATION, built_in=True),
    Attribute("userAccountControl", "integer", ACCOUNT_RESTRICTIONS, built_in=True),
    Attribute("msDS-User-Account-Control-Computed", "integer", ACCOUNT_RESTRICTIONS, built_in=True),
    Attribute("pwdLastSet", "integer", ACCOUNT_RESTRICTIONS, built_in=True),
    Attribute("accountExpires", "integer", ACCOUNT_RESTRICTIONS, built_in=True),
    Attribute("adminCount", "integer", built_in=True),
    Attribute("mS-DS-ConsistencyGuid", "octets", built_in=True),
    Attribute("proxyAddresses", "text", PUBLIC_INFORMATION, many=True, built_in=True),
    Attribute("legacyExchangeDN", "text", PUBLIC_INFORMATION, built_in=True),
    Attribute("mailNickname", "text", PUBLIC_INFORMATION),
    Attribute("targetAddress", "text", PUBLIC_INFORMATION),
    Attribute("homeMDB", "name", PUBLIC_INFORMATION),
    Attribute("msExchHomeServerName", "text", PUBLIC_INFORMATION),
    Attribute("msExchOmaAdminWirelessEnable", "integer", PUBLIC_INFORMATION),
    Attribute("msExchPoliciesExcluded", "text", PUBLIC_INFORMATION, many=True),
    Attribute("msExchMailboxGuid", "octets", EXCHANGE_INFORMATION),
    Attribute("msExchRecipientTypeDetails", "integer", EXCHANGE_INFORMATION),
    Attribute("msExchRemoteRecipientType", "integer", EXCHANGE_INFORMATION),
    Attribute("msExchMobileMailboxFlags", "integer", EXCHANGE_INFORMATION),
    Attribute("msExchMobileMailboxPolicyLink", "name", EXCHANGE_INFORMATION),
    Attribute("msExchMobileAllowedDeviceIDs", "text", EXCHANGE_INFORMATION, many=True),
    Attribute("msExchMobileBlockedDeviceIDs", "text", EXCHANGE_PERSONAL_INFORMATION, many=True),
    Attribute("msExchELCMailboxFlags", "integer", EXCHANGE_PERSONAL_INFORMATION),
    Attribute("msExchUserHoldPolicies", "text", EXCHANGE_PERSONAL_INFORMATION, many=True),
    Attribute("msExchArchiveGUID", "octets", EXCHANGE_PERSONAL_INFORMATION),
)
_OF_DEVICES = (
    Attribute("msExchDeviceID", "text", EXCHANGE_PERSONAL_INFORMATION),
    Attribute("msExchDeviceType", "text", EXCHANGE_PERSONAL_INFORMATION),
    Attribute("msExchDeviceModel", "text", EXCHANGE_PERSONAL_INFORMATION),
    Attribute("msExchDeviceOS", "text", EXCHANGE_PERSONAL_INFORMATION),
    Attribute("msExchDeviceUserAgent", "text", EXCHANGE_PERSONAL_INFORMATION),
    Attribute("msExchDeviceFriendlyName", "text", EXCHANGE_PERSONAL_INFORMATION),
    Attribute("msExchDeviceEASVersion", "text", EXCHANGE_PERSONAL_INFORMATION),
    Attribute("msExchDeviceAccessState", "integer", EXCHANGE_PERSONAL_INFORMATION),
    Attribute("msExchDeviceAccessStateReason", "integer", EXCHANGE_PERSONAL_INFORMATION),
    Attribute("msExchFirstSyncTime", "time", EXCHANGE_PERSONAL_INFORMATION),
    Attribute("msExchUserDisplayName", "text", EXCHANGE_PERSONAL_INFORMATION),
)
_OF_CONFIGURATION = (
    Attribute("serialNumber", "text", many=True, built_in=True, in_slapd=True),
    Attribute("networkAddress", "text", many=True, built_in=True),
    Attribute("msExchCurrentServerRoles", "integer"),
    Attribute("msExchServerSite", "name"),
    Attribute("msExchInternalHostName", "text"),
    Attribute("msExchExternalHostName", "text"),
    Attribute("msExchFedDomainNames", "text", many=True),
    Attribute("msExchFedEnabledActions", "text", many=True),
    Attribute("msExchFedIsEnabled", "boolean"),
    Attribute("msExchFedTargetApplicationURI", "text"),
    Attribute("msExchFedTargetAutodiscoverEPR", "text"),
    Attribute("msExchFedTargetOwaURL", "text"),
    Attribute("msExchCoexistenceDomains", "text", many=True),
    Attribute("msExchCoexistenceFeatureFlags", "integer"),
    Attribute("msExchAcceptedDomainName", "text"),
    Attribute("gatewayProxy", "text", many=True),
    Attribute("msExchMobileMinDevicePasswordComplexCharacters", "integer"),
    Attribute("msExchMobileAccessControl", "integer"),
    Attribute("msExchDeviceAccessRuleQueryString", "text"),
    Attribute("msExchDeviceAccessRuleCharacteristic", "integer"),
)
_OF_THE_DIRECTORY = (
    Attribute("nCName", "name", built_in=True),
    Attribute("dnsRoot", "text", many=True, built_in=True),
    Attribute("nETBIOSName", "text", built_in=True),
    Attribute("systemFlags", "integer", built_in=True),
    Attribute("dNSHostName", "text", built_in=True),
    Attribute("hasMasterNCs", "name", many=True, built_in=True),
    Attribute("lDAPDisplayName", "text", built_in=True),
    Attribute("schemaIDGUID", "octets", built_in=True),
    Attribute("attributeSecurityGUID", "octets", built_in=True),
    Attribute("isMemberOfPartialAttributeSet", "boolean", built_in=True),
    Attribute("searchFlags", "integer", built_in=True),
    Attribute("rightsGuid", "text", built_in=True),
)

USER_ATTRIBUTES = _OF_USERS
DEVICE_ATTRIBUTES = _OF_DEVICES
CONFIGURATION_ATTRIBUTES = _OF_CONFIGURATION
DIRECTORY_ATTRIBUTES = _OF_THE_DIRECTORY
OBJECT_ATTRIBUTES = _OF_ALL_OBJECTS
ATTRIBUTES = (
    *_OF_ALL_OBJECTS,
    *_OF_USERS,
    *_OF_DEVICES,
    *_OF_CONFIGURATION,
    *_OF_THE_DIRECTORY,
)
BY_NAME = {attribute.name: attribute for attribute in ATTRIBUTES}

_ORGANIZATION = "msExchOrganizationContainer"
CLASSES = (
    ObjectClass(_ORGANIZATION, ("msExchConfigurationContainer",)),
    ObjectClass("msExchContainer", (_ORGANIZATION, "msExchContainer", "msExchTransportSettings")),
    ObjectClass("msExchAdminGroupContainer", (_ORGANIZATION,)),
    ObjectClass("msExchAdminGroup", ("msExchAdminGroupContainer",)),
    ObjectClass("msExchServersContainer", ("msExchAdminGroup",)),
    ObjectClass("msExchExchangeServer", ("msExchServersContainer",)),
    ObjectClass("msExchMDBContainer", ("msExchAdminGroup",)),
    ObjectClass("msExchPrivateMDB", ("msExchMDBContainer",)),
    ObjectClass("msExchProtocolCfgSharedContainer", ("msExchExchangeServer",)),
    ObjectClass("msExchProtocolCfgHTTPContainer", ("msExchProtocolCfgSharedContainer",)),
    ObjectClass("msExchMobileVirtualDirectory", ("msExchProtocolCfgHTTPContainer",)),
    ObjectClass("msExchWebServicesVirtualDirectory", ("msExchProtocolCfgHTTPContainer",)),
    ObjectClass("msExchFedOrgId", (_ORGANIZATION,)),
    ObjectClass("msExchFedSharingRelationship", ("msExchFedOrgId",)),
    ObjectClass("msExchCoexistenceRelationship", ("msExchContainer",)),
    ObjectClass("msExchIntraOrganizationConnector", ("msExchContainer",)),
    ObjectClass("msExchTransportSettings", (_ORGANIZATION,)),
    ObjectClass("msExchAcceptedDomain", ("msExchContainer",)),
    ObjectClass("msExchMobileMailboxSettings", (_ORGANIZATION,)),
    ObjectClass("msExchDeviceAccessRule", ("msExchMobileMailboxSettings",)),
    ObjectClass("msExchMobileMailboxPolicy", ("msExchContainer",)),
    ObjectClass("msExchRecipientPolicy", ("msExchContainer",)),
    ObjectClass("msExchActiveSyncDevices", ("user", "msExchMobileMailboxSettings"), "device"),
    ObjectClass("msExchActiveSyncDevice", ("msExchActiveSyncDevices",), "device"),
)
BUILT_IN_CLASSES = (
    "container",
    "msExchConfigurationContainer",
    "user",
    "crossRef",
    "crossRefContainer",
    "site",
    "sitesContainer",
    "serversContainer",
    "server",
    "nTDSDSA",
    "attributeSchema",
    "classSchema",
    "controlAccessRight",
)
"""Classes that every directory has and OpenLDAP has not."""
