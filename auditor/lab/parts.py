"""What an organisation of the lab is made of. Nothing here knows how a protocol writes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Product:
    """A version of Exchange Server.

    `display_version` is what AdminDisplayVersion shows whatever rollups and security updates are
    installed (SRV-VERSION-METHOD). `active_sync` is the highest version it speaks, in tenths.
    """

    name: str
    display_version: str
    newest_build: str
    roles: str
    role_number: int
    active_sync: int
    install_folder: str


@dataclass(frozen=True, slots=True)
class Site:
    """An AD site; `published_host` is the name its servers have on the internet, if any."""

    name: str
    code: str
    published_host: str | None


@dataclass(frozen=True, slots=True)
class Server:
    """An Exchange server. `build` is the file version of its ExSetup.exe.

    `build_readable` says whether the administrator's account may read that file.
    """

    name: str
    guid: str
    fqdn: str
    product: Product
    build: str
    build_readable: bool
    site: Site


@dataclass(frozen=True, slots=True)
class Relationship:
    """An organization relationship; without `target_owa_url` the property holds nothing."""

    guid: str
    name: str
    domain_names: tuple[str, ...]
    enabled: bool
    target_owa_url: str | None
    mailbox_move_enabled: bool
    target_application_uri: str
    target_autodiscover_epr: str
    when_changed: datetime


@dataclass(frozen=True, slots=True)
class HybridConfiguration:
    """What the Hybrid Configuration Wizard was told."""

    guid: str
    features: tuple[str, ...]
    domains: tuple[str, ...]
    service_instance: int


@dataclass(frozen=True, slots=True)
class AcceptedDomain:
    """A domain whose mail the organisation takes."""

    guid: str
    domain_name: str
    domain_type: str
    default: bool


@dataclass(frozen=True, slots=True)
class RemoteDomain:
    """Settings for mail to one foreign domain; `*` is all others."""

    guid: str
    name: str
    domain_name: str
    target_delivery_domain: bool


@dataclass(frozen=True, slots=True)
class ActiveSyncVirtualDirectory:
    """`Microsoft-Server-ActiveSync` on one server; `iis_read` False if IIS gave no answer."""

    guid: str
    server: Server
    external_url: str | None
    basic_auth_enabled: bool
    client_cert_auth: str
    external_methods: tuple[str, ...]
    iis_read: bool


@dataclass(frozen=True, slots=True)
class WebServicesVirtualDirectory:
    """`EWS` on one server."""

    guid: str
    server: Server
    external_url: str | None
    mrs_proxy_enabled: bool
    ws_security_authentication: bool


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate as one server shows it."""

    server: Server
    thumbprint: str
    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    is_self_signed: bool
    services: str
    root_ca_type: str


@dataclass(frozen=True, slots=True)
class AccessRule:
    """An ActiveSync device access rule."""

    guid: str
    characteristic: str
    query_string: str
    access_level: str


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox on-premises. `planted` names the faults it carries, for the list of answers."""

    number: int
    guid: str
    exchange_guid: str
    display_name: str
    common_name: str
    alias: str
    user_principal_name: str
    primary_smtp_address: str
    email_addresses: tuple[str, ...]
    email_address_policy_enabled: bool
    organizational_unit: str
    recipient_type_details: str
    server: Server
    database: str
    device_count: int
    active_sync_enabled: bool
    when_changed: datetime
    planted: frozenset[str]


@dataclass(frozen=True, slots=True)
class RemoteMailbox:
    """What is left on-premises of a mailbox that has moved."""

    number: int
    guid: str
    exchange_guid: str
    display_name: str
    common_name: str
    alias: str
    user_principal_name: str
    primary_smtp_address: str
    email_addresses: tuple[str, ...]
    organizational_unit: str
    remote_routing_address: str | None
    when_changed: datetime
    planted: frozenset[str]


@dataclass(frozen=True, slots=True)
class Device:
    """One partnership of a phone with a mailbox; `client_version` is '' where none was recorded."""

    guid: str
    device_id: str
    device_type: str
    device_model: str
    device_os: str
    device_user_agent: str
    friendly_name: str
    client_version: str
    access_state: str
    access_state_reason: str
    first_sync_time: datetime
    planted: frozenset[str]


@dataclass(frozen=True, slots=True)
class PersonalLists:
    """The device identifiers that one mailbox allows and blocks for itself."""

    allowed: tuple[str, ...]
    blocked: tuple[str, ...]
