"""Which collector an exported object belongs to, and on which side of the hybrid it lives."""

from __future__ import annotations

import re

from auditor.collectors.contract import ExchangeCollector, Side
from auditor.collectors.registry import ALL_COLLECTORS
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
    ("MigrationEndpoint", frozenset({"EndpointType", "RemoteServer"})),
)
"""What only the objects of one command carry together, for objects that lost their type name."""

_UNTYPED = frozenset({"", "PSCustomObject", "PSObject", "Object"})

WANTED: frozenset[str] = frozenset(
    {
        *ORIGIN,
        *(name for collector in ALL_COLLECTORS for name in collector.properties),
        *(name for _, names in _SIGNATURES for name in names),
    }
)
"""Every property that anything here looks at; the reader need not build the others."""

_BY_TYPE = {(kind, each.side): each for each in ALL_COLLECTORS for kind in each.types}
_BY_CMDLET = {
    (cmdlet.lower(), each.side): each for each in ALL_COLLECTORS for cmdlet in each.cmdlets
}
OTHER_SIDE = {Side.ON_PREMISES: Side.ONLINE, Side.ONLINE: Side.ON_PREMISES}


def kind_of(found: PsObject) -> str:
    """What an object is: its type name, else what its properties can only mean, else ''."""
    if found.kind not in _UNTYPED:
        return found.kind
    fitting = [kind for kind, names in _SIGNATURES if all(name in found for name in names)]
    return fitting[0] if len(fitting) == 1 else ""


def collector_of(
    found: PsObject, side: Side, promised: ExchangeCollector | None = None
) -> ExchangeCollector | None:
    """The collector of that side that reads this object; None where no table of it needs it.

    `promised`: the collector of the command that a manifest names, for objects that do not say
    themselves what they are. File versions count only when the file is ExSetup.exe, which alone
    names rollups and updates.
    """
    kind = kind_of(found)
    if kind == "FileVersionInfo":
        name = found.optional("FileName")
        if not (isinstance(name, str) and name.lower().endswith(SETUP_FILE)):
            return None
    if not kind and promised is not None and promised.side is side:
        return promised
    return _BY_TYPE.get((kind, side))


def collector_of_cmdlet(cmdlet: str, side: Side) -> ExchangeCollector | None:
    """The collector of a command of that side, by its name."""
    return _BY_CMDLET.get((cmdlet.lower(), side))


def collector_named_by(file: str) -> ExchangeCollector | None:
    """The collector whose command a file's name seems to mean: `GetMailbox.xml`, `Mailbox.clixml`.

    Only for files that carry no object to recognise; a name never makes a table complete. A name
    of a command of both sides counts for the one on-premises.
    """
    stem = re.sub(r"[^a-z0-9]", "", file.rpartition("/")[2].rpartition(".")[0].lower())
    for (cmdlet, _), collector in _BY_CMDLET.items():
        word = re.sub(r"[^a-z0-9]", "", cmdlet.partition(" ")[2] or cmdlet).removesuffix("exe")
        if stem in {word, word.removeprefix("get")}:
            return collector
    return None


def side_of(found: PsObject) -> Side | None:
    """Where the object lives, None where it does not say; the same types come from both sides.

    An object's distinguished name ends in the domain of its directory, and OriginatingServer is a
    domain controller of it: for the cloud something under prod.outlook.com or its sovereign kin.
    """
    places = [_domain_of(name, found.optional(name)) for name in ORIGIN]
    if any(_is_cloud(place) for place in places):
        return Side.ONLINE
    return Side.ON_PREMISES if any(places) else None


def _domain_of(name: str, value: object) -> str:
    if not isinstance(value, str):
        return ""
    if name != "DistinguishedName":
        return value.strip().lower()
    return ".".join(_DOMAIN_PART.findall(value)).lower()


def _is_cloud(place: str) -> bool:
    return any(place == domain or place.endswith(f".{domain}") for domain in _CLOUD)
