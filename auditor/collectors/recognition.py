"""Which collector an exported object belongs to, and on which side of the hybrid it lives."""

from __future__ import annotations

import re
from enum import StrEnum

from auditor.collectors.contract import ExchangeCollector
from auditor.collectors.registry import EXCHANGE_COLLECTORS
from auditor.collectors.servers import SETUP_FILE
from auditor.sources.clixml import PsObject

ORIGIN = ("DistinguishedName", "OriginatingServer", "PSComputerName")
"""Properties that tell on-premises from Exchange Online, best witness first."""

_CLOUD = ("outlook.com", "outlook.cn", "outlook.de", "office365.com", "office365.us")
"""Domains of the directories behind Exchange Online, the sovereign clouds included."""

_DOMAIN_PART = re.compile(r"(?:^|,)\s*DC=([^,\\]+)", re.IGNORECASE)

_SIGNATURES: tuple[tuple[str, frozenset[str]], ...] = (
    ("ExchangeServer", frozenset({"AdminDisplayVersion", "ServerRole", "Fqdn"})),
    ("FileVersionInfo", frozenset({"FileName", "FileVersion"})),
    ("OrganizationRelationship", frozenset({"DomainNames", "TargetOwaURL"})),
    ("HybridConfiguration", frozenset({"Features", "Domains"})),
    ("AcceptedDomain", frozenset({"DomainName", "DomainType"})),
    ("DomainContentConfig", frozenset({"DomainName", "TargetDeliveryDomain"})),
    ("ADMobileVirtualDirectory", frozenset({"ClientCertAuth", "BasicAuthEnabled", "Server"})),
    ("ADWebServicesVirtualDirectory", frozenset({"MRSProxyEnabled", "Server"})),
    ("ExchangeCertificate", frozenset({"Thumbprint", "CertificateDomains"})),
    ("ActiveSyncDeviceAccessRule", frozenset({"Characteristic", "QueryString", "AccessLevel"})),
    ("CASMailbox", frozenset({"ActiveSyncEnabled", "ActiveSyncAllowedDeviceIDs"})),
    ("RemoteMailbox", frozenset({"RemoteRoutingAddress", "EmailAddresses"})),
    ("MobileDevice", frozenset({"DeviceId", "DeviceAccessState", "DistinguishedName"})),
    ("IntraOrganizationConnector", frozenset({"TargetAddressDomains", "DiscoveryEndpoint"})),
    ("AuthServer", frozenset({"IsDefaultAuthorizationEndpoint", "Realm"})),
    ("AuthConfig", frozenset({"CurrentCertificateThumbprint", "NextCertificateThumbprint"})),
    ("EmailAddressPolicy", frozenset({"EnabledEmailAddressTemplates", "Priority"})),
    ("AuthenticationPolicy", frozenset({"BlockLegacyAuthActiveSync", "Name"})),
    ("SettingOverride", frozenset({"ComponentName", "SectionName", "Parameters"})),
    ("MobileMailboxPolicy", frozenset({"AllowNonProvisionableDevices", "Name"})),
    ("MailboxStatistics", frozenset({"TotalItemSize", "ItemCount"})),
    ("MobileDeviceConfiguration", frozenset({"LastSuccessSync", "DeviceWipeRequestTime"})),
    ("MailboxAcePresentationObject", frozenset({"AccessRights", "IsInherited", "User"})),
)
"""What only the objects of one command carry together, for objects that lost their type name."""

_UNTYPED = frozenset({"", "PSCustomObject", "PSObject", "Object"})

WANTED: frozenset[str] = frozenset(
    {
        *ORIGIN,
        *(name for collector in EXCHANGE_COLLECTORS for name in collector.properties),
        *(name for _, names in _SIGNATURES for name in names),
    }
)
"""Every property that anything here looks at; the reader need not build the others."""

_BY_TYPE = {kind: collector for collector in EXCHANGE_COLLECTORS for kind in collector.types}
_BY_CMDLET = {
    cmdlet.lower(): collector for collector in EXCHANGE_COLLECTORS for cmdlet in collector.cmdlets
}


class Origin(StrEnum):
    """Where an object lives, as far as it says so itself."""

    ON_PREMISES = "on-premises"
    CLOUD = "Exchange Online"
    UNKNOWN = "unknown"


def kind_of(found: PsObject) -> str:
    """What an object is: its type name, else what its properties can only mean, else ''."""
    if found.kind not in _UNTYPED:
        return found.kind
    fitting = [kind for kind, names in _SIGNATURES if all(name in found for name in names)]
    return fitting[0] if len(fitting) == 1 else ""


def collector_of(found: PsObject) -> ExchangeCollector | None:
    """The collector that reads this object; None where no table needs it.

    File versions count only when the file is ExSetup.exe, which alone names rollups and updates.
    """
    kind = kind_of(found)
    if kind == "FileVersionInfo":
        name = found.optional("FileName")
        if not (isinstance(name, str) and name.lower().endswith(SETUP_FILE)):
            return None
    return _BY_TYPE.get(kind)


def collector_of_cmdlet(cmdlet: str) -> ExchangeCollector | None:
    """The collector of a command, by its name."""
    return _BY_CMDLET.get(cmdlet.lower())


def collector_named_by(file: str) -> ExchangeCollector | None:
    """The collector whose command a file's name seems to mean: `GetMailbox.xml`, `Mailbox.clixml`.

    Only for files that carry no object to recognise; a name never makes a table complete.
    """
    stem = re.sub(r"[^a-z0-9]", "", file.rpartition("/")[2].rpartition(".")[0].lower())
    for cmdlet, collector in _BY_CMDLET.items():
        word = re.sub(r"[^a-z0-9]", "", cmdlet.partition(" ")[2] or cmdlet).removesuffix("exe")
        if stem in {word, word.removeprefix("get")}:
            return collector
    return None


def origin_of(found: PsObject) -> Origin:
    """Where the object lives; the same commands with the same types run in Exchange Online too.

    An object's distinguished name ends in the domain of its directory, and OriginatingServer is a
    domain controller of it: for the cloud something under prod.outlook.com or its sovereign kin.
    """
    places = [_domain_of(name, found.optional(name)) for name in ORIGIN]
    if any(_is_cloud(place) for place in places):
        return Origin.CLOUD
    return Origin.ON_PREMISES if any(places) else Origin.UNKNOWN


def _domain_of(name: str, value: object) -> str:
    if not isinstance(value, str):
        return ""
    if name != "DistinguishedName":
        return value.strip().lower()
    return ".".join(_DOMAIN_PART.findall(value)).lower()


def _is_cloud(place: str) -> bool:
    return any(place == domain or place.endswith(f".{domain}") for domain in _CLOUD)
