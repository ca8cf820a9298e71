""".NET type names and values of Exchange, as exports of Exchange 2013 and 2016 carry them.

Of Get-CASMailbox, Get-RemoteMailbox, Get-MobileDevice, Get-ActiveSyncVirtualDirectory and the
relationships no public export is known: their names follow the pattern of the others.
"""

from __future__ import annotations

import re

from auditor.lab.shell_objects import Described, Guid, Many, Member, TypeNames, Value

_DIRECTORY = "Microsoft.Exchange.Data.Directory"
_CONFIGURATION = f"{_DIRECTORY}.SystemConfiguration"
_MANAGEMENT = f"{_DIRECTORY}.Management"
_ASSEMBLY = "Version=15.0.0.0, Culture=neutral, PublicKeyToken=31bf3856ad364e35"
_MSCORLIB = "mscorlib, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089"

_STORED = (
    f"{_DIRECTORY}.ADObject",
    f"{_DIRECTORY}.ADRawEntry",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object",
)
_PRESENTED = (f"{_MANAGEMENT}.ADPresentationObject", *_STORED)
_MAIL_ENABLED = (
    f"{_MANAGEMENT}.MailEnabledOrgPerson",
    f"{_MANAGEMENT}.MailEnabledRecipient",
    *_PRESENTED,
)


def _configured(name: str, *between: str) -> TypeNames:
    ancestors = (*between, "ADConfigurationObject")
    return (
        f"{_CONFIGURATION}.{name}",
        *(f"{_CONFIGURATION}.{ancestor}" for ancestor in ancestors),
        *_STORED,
    )


EXCHANGE_SERVER = (f"{_MANAGEMENT}.ExchangeServer", *_PRESENTED)
ORGANIZATION_CONFIG = (f"{_MANAGEMENT}.OrganizationConfig", *_PRESENTED)
ORGANIZATION_RELATIONSHIP = _configured("OrganizationRelationship")
HYBRID_CONFIGURATION = _configured("HybridConfiguration")
ACCEPTED_DOMAIN = _configured("AcceptedDomain")
REMOTE_DOMAIN = _configured("DomainContentConfig")
ACTIVE_SYNC_VIRTUAL_DIRECTORY = _configured(
    "ADMobileVirtualDirectory", "ExchangeVirtualDirectory", "ADVirtualDirectory"
)
WEB_SERVICES_VIRTUAL_DIRECTORY = _configured(
    "ADWebServicesVirtualDirectory",
    "ADExchangeServiceVirtualDirectory",
    "ExchangeVirtualDirectory",
    "ADVirtualDirectory",
)
ACTIVE_SYNC_SETTINGS = _configured("ActiveSyncOrganizationSettings")
DEVICE_ACCESS_RULE = _configured("ActiveSyncDeviceAccessRule")
MOBILE_DEVICE = _configured("MobileDevice")
MAILBOX = (f"{_MANAGEMENT}.Mailbox", *_MAIL_ENABLED)
REMOTE_MAILBOX = (f"{_MANAGEMENT}.RemoteMailbox", *_MAIL_ENABLED)
CAS_MAILBOX = (f"{_MANAGEMENT}.CASMailbox", *_PRESENTED)
EXCHANGE_CERTIFICATE = (
    "Microsoft.Exchange.Management.SystemConfigurationTasks.ExchangeCertificate",
    "System.Security.Cryptography.X509Certificates.X509Certificate2",
    "System.Security.Cryptography.X509Certificates.X509Certificate",
    "System.Object",
)
FILE_VERSION_INFO = ("System.Diagnostics.FileVersionInfo", "System.Object")
INTRA_ORGANIZATION_CONNECTOR = _configured("IntraOrganizationConnector")
AUTH_SERVER = _configured("AuthServer")
AUTH_CONFIG = _configured("AuthConfig")
EMAIL_ADDRESS_POLICY = _configured("EmailAddressPolicy")
AUTHENTICATION_POLICY = _configured("AuthenticationPolicy")
SETTING_OVERRIDE = _configured("SettingOverride")
MOBILE_DEVICE_POLICY = _configured("MobileMailboxPolicy", "MailboxPolicy")
MAILBOX_STATISTICS = (
    "Microsoft.Exchange.Data.Mapi.MailboxStatistics",
    "Microsoft.Exchange.Data.Mapi.MailboxEntry",
    "Microsoft.Exchange.Data.Mapi.MessageStore",
    "Microsoft.Exchange.Data.Mapi.MapiObject",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object",
)
MOBILE_DEVICE_STATISTICS = (
    "Microsoft.Exchange.Management.Tasks.MobileDeviceConfiguration",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object",
)
MAILBOX_PERMISSION = (
    "Microsoft.Exchange.Management.RecipientTasks.MailboxAcePresentationObject",
    "Microsoft.Exchange.Management.RecipientTasks.AcePresentationObject",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object",
)

_OBJECT_ID = (f"{_DIRECTORY}.ADObjectId", "Microsoft.Exchange.Data.ObjectId", "System.Object")
_SERVER_VERSION = ("Microsoft.Exchange.Data.ServerVersion", "System.Object")
_SMTP_ADDRESS = ("Microsoft.Exchange.Data.SmtpAddress", "System.ValueType", "System.Object")
_SMTP_DOMAIN = ("Microsoft.Exchange.Data.SmtpDomain", "System.Object")
_SMTP_DOMAIN_WITH_SUBDOMAINS = (
    "Microsoft.Exchange.Data.SmtpDomainWithSubdomains",
    "System.Object",
)
_PROXY_ADDRESS = (
    "Microsoft.Exchange.Data.ProxyAddress",
    "Microsoft.Exchange.Data.ProxyAddressBase",
    "System.Object",
)
_SIZE = (
    "Microsoft.Exchange.Data.Unlimited`1[[Microsoft.Exchange.Data.ByteQuantifiedSize, "
    f"Microsoft.Exchange.Data, {_ASSEMBLY}]]",
    "System.ValueType",
    "System.Object",
)
_SWITCH = ("System.Management.Automation.SwitchParameter", "System.ValueType", "System.Object")
_SMTP_PROXY_ADDRESS = ("Microsoft.Exchange.Data.SmtpProxyAddress", *_PROXY_ADDRESS)
_CUSTOM_PROXY_ADDRESS = ("Microsoft.Exchange.Data.CustomProxyAddress", *_PROXY_ADDRESS)


def _multi_valued(element: str) -> TypeNames:
    return (
        f"Microsoft.Exchange.Data.MultiValuedProperty`1[[{element}]]",
        "Microsoft.Exchange.Data.MultiValuedPropertyBase",
        "System.Object",
    )


_STRINGS = _multi_valued(f"System.String, {_MSCORLIB}")
_DOMAINS = _multi_valued(
    f"Microsoft.Exchange.Data.SmtpDomain, Microsoft.Exchange.Data, {_ASSEMBLY}"
)
_PROXY_ADDRESSES = (
    "Microsoft.Exchange.Data.ProxyAddressCollection",
    "Microsoft.Exchange.Data.ProxyAddressBaseCollection`1"
    f"[[Microsoft.Exchange.Data.ProxyAddress, Microsoft.Exchange.Data, {_ASSEMBLY}]]",
    *_multi_valued(f"Microsoft.Exchange.Data.ProxyAddress, Microsoft.Exchange.Data, {_ASSEMBLY}"),
)
_ADDRESS_TEMPLATE = (
    "Microsoft.Exchange.Data.SmtpProxyAddressTemplate",
    "Microsoft.Exchange.Data.ProxyAddressTemplate",
    "Microsoft.Exchange.Data.ProxyAddressBase",
    "System.Object",
)
_ADDRESS_TEMPLATES = (
    "Microsoft.Exchange.Data.ProxyAddressTemplateCollection",
    *_multi_valued(
        f"Microsoft.Exchange.Data.ProxyAddressTemplate, Microsoft.Exchange.Data, {_ASSEMBLY}"
    ),
)
_GROUP_MARK = "\N{RIGHT SINGLE QUOTATION MARK}"
_UNITS = ("B", "KB", "MB", "GB", "TB")
_OBJECT_ARRAY = ("System.Object[]", "System.Array", "System.Object")

_ENUMERATIONS = {
    "AcceptedDomainType": ("Authoritative", "ExternalRelay", "InternalRelay"),
    "ClientCertAuthTypes": ("Ignore", "Accepted", "Required"),
    "DeviceAccessCharacteristic": ("DeviceType", "DeviceModel", "DeviceOS", "UserAgent"),
    "DeviceAccessLevel": ("Allow", "Block", "Quarantine"),
    "DeviceAccessState": ("Unknown", "Allowed", "Blocked", "Quarantined", "DeviceDiscovery"),
    "DeviceAccessStateReason": ("Unknown", "Global", "Individual", "DeviceRule"),
    "MobileClientType": ("EAS", "MOWA"),
    "AuthServerType": ("Unknown", "MicrosoftACS", "Facebook", "LinkedIn", "ADFS", "AzureAD"),
    "DeviceRemoteWipeStatus": ("DeviceOk", "DeviceBlocked", "DeviceWipePending"),
    "DevicePolicyApplicationStatus": (
        "Unknown",
        "NotApplied",
        "AppliedInFull",
        "PartiallyApplied",
    ),
    "HybridFeature": (
        "FreeBusy",
        "MoveMailbox",
        "Mailtips",
        "MessageTracking",
        "OwaRedirection",
        "OnlineArchive",
        "SecureMail",
        "CentralizedTransport",
        "Photos",
    ),
    "CertificateStatus": ("Unknown", "Valid", "Revoked", "DateInvalid", "Untrusted", "Invalid"),
    "CertificateAuthorityType": ("None", "ThirdParty", "Enterprise", "Registry", "GroupPolicy"),
}
_NUMBERED = {
    "AuthenticationMethod": {"Basic": 0, "Ntlm": 2, "WindowsIntegrated": 4, "OAuth": 10},
    "MailboxRights": {"FullAccess": 1, "DeleteItem": 65536, "ReadPermission": 131072},
    "RecipientTypeDetails": {
        "UserMailbox": 1,
        "LinkedMailbox": 2,
        "SharedMailbox": 4,
        "RoomMailbox": 16,
        "EquipmentMailbox": 32,
        "DiscoveryMailbox": 536870912,
        "RemoteUserMailbox": 2147483648,
    },
}


def _member_types(enumeration: str) -> TypeNames:
    return (f"{_CONFIGURATION}.{enumeration}", "System.Enum", "System.ValueType", "System.Object")


_MEMBERS = {
    (enumeration, text): Member(_member_types(enumeration), text, number)
    for enumeration, members in (
        *(
            (name, {text: at for at, text in enumerate(texts)})
            for name, texts in _ENUMERATIONS.items()
        ),
        *_NUMBERED.items(),
    )
    for text, number in members.items()
}


def member(enumeration: str, text: str) -> Member:
    """A member of one of Exchange's enumerations; raises KeyError for one that is not there."""
    return _MEMBERS[enumeration, text]


def flags(enumeration: str, text: str, number: int) -> Member:
    """Several members of an enumeration of flags together, `IIS, SMTP`."""
    return Member(_member_types(enumeration), text, number)


def object_id(text: str, distinguished_name: str = "", object_guid: str = "") -> Described:
    """An ADObjectId, whose text is what the command shows of it."""
    properties: tuple[tuple[str, Value], ...] = (
        ("IsDeleted", False),
        ("DistinguishedName", distinguished_name),
        ("ObjectGuid", Guid(object_guid or "00000000-0000-0000-0000-000000000000")),
        ("Name", text.rpartition("/")[2]),
    )
    return Described(_OBJECT_ID, text, properties)


def server_version(text: str) -> Described:
    """`Version 15.1 (Build 2507.6)`."""
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    names = ("Major", "Minor", "Build", "Revision")
    return Described(_SERVER_VERSION, text, tuple(zip(names, numbers, strict=True)))


def byte_size(count: int) -> Described:
    """A size as a server in Switzerland writes it, digits grouped by U+2019."""
    exponent = min(max(count.bit_length() - 1, 0) // 10, 4)
    rounded = f"{count / (1 << 10 * exponent):.4g}"
    text = f"{rounded} {_UNITS[exponent]} ({count:,} bytes)".replace(",", _GROUP_MARK)
    return Described(_SIZE, text, (("IsUnlimited", False), ("Value", text)))


def switch(*, present: bool) -> Described:
    """A SwitchParameter."""
    return Described(_SWITCH, str(present), (("IsPresent", present),))


def smtp_address(text: str) -> Described:
    """An address of somebody's own, without prefix."""
    local, _, domain = text.partition("@")
    properties: tuple[tuple[str, Value], ...] = (
        ("Length", len(text)),
        ("IsValidAddress", True),
        ("Local", local),
        ("Domain", domain),
    )
    return Described(_SMTP_ADDRESS, text, properties)


def smtp_domain(text: str, *, with_subdomains: bool = False) -> Described:
    """A domain in a list of domains, or one of a command about domains."""
    types = _SMTP_DOMAIN_WITH_SUBDOMAINS if with_subdomains else _SMTP_DOMAIN
    return Described(types, text, (("Domain", text),))


def proxy_address(text: str) -> Described:
    """An address with its prefix, in capitals where it is the primary one of its kind."""
    prefix, _, address = text.partition(":")
    smtp = prefix.lower() == "smtp"
    properties: tuple[tuple[str, Value], ...] = (
        ("AddressString", address),
        ("ProxyAddressString", text),
        ("IsPrimaryAddress", prefix.isupper()),
        ("PrefixString", prefix),
    )
    return Described(_SMTP_PROXY_ADDRESS if smtp else _CUSTOM_PROXY_ADDRESS, text, properties)


def address_templates(items: tuple[str, ...]) -> Many:
    """EnabledEmailAddressTemplates."""
    return Many(_ADDRESS_TEMPLATES, tuple(Described(_ADDRESS_TEMPLATE, i, ()) for i in items))


def strings(items: tuple[str, ...]) -> Many:
    """A multi-valued property of text."""
    return Many(_STRINGS, items)


def domains(items: tuple[str, ...]) -> Many:
    """A multi-valued property of domains."""
    return Many(_DOMAINS, tuple(smtp_domain(item) for item in items))


def proxy_addresses(items: tuple[str, ...]) -> Many:
    """EmailAddresses."""
    return Many(_PROXY_ADDRESSES, tuple(proxy_address(item) for item in items))


def members(enumeration: str, items: tuple[str, ...]) -> Many:
    """A multi-valued property of an enumeration."""
    element = f"{_CONFIGURATION}.{enumeration}, {_DIRECTORY}, {_ASSEMBLY}"
    return Many(_multi_valued(element), tuple(member(enumeration, item) for item in items))


def array(items: tuple[Value, ...]) -> Many:
    """A plain array, `@(...)`."""
    return Many(_OBJECT_ARRAY, items)
