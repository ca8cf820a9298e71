"""The organisation as objects of its directory: what a domain controller of Contoso would hold.

Beside what Exchange shows there are objects that a reader must not take for more than they are:
device classes, an arbitration mailbox, a mail user, and an account that some tool gave an alias.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from auditor.lab import directory_names as names
from auditor.lab.accounts import account_of, moved_account
from auditor.lab.devices import devices_of, personal_lists
from auditor.lab.directory_accounts import COMPUTED, NOW, account_values, closed_access_list
from auditor.lab.directory_catalogue import BY_NAME
from auditor.lab.directory_configuration import (
    configuration_objects,
    exchange_objects,
    organizational_units,
    property_sets_of_exchange,
)
from auditor.lab.directory_records import Record, Value, Values, node
from auditor.lab.directory_security import (
    AUTHENTICATED_USERS,
    GENERIC_READ,
    LIST_CHILDREN,
    LIST_OBJECT,
    READ_CONTROL,
    READ_PROPERTY,
    AccessEntry,
    descriptor,
)
from auditor.lab.draws import guid
from auditor.lab.moved import remote_mailboxes
from auditor.lab.organization import PRIMARY_DOMAIN, Organization
from auditor.lab.parts import Device, Mailbox, RemoteMailbox
from auditor.lab.recipients import mailboxes

RECIPIENT_TYPES = {
    "UserMailbox": 1,
    "LinkedMailbox": 2,
    "SharedMailbox": 4,
    "RoomMailbox": 16,
    "EquipmentMailbox": 32,
    "DiscoveryMailbox": 536870912,
}
REMOTE_USER_MAILBOX, MIGRATED = 2147483648, 4
MAIL_USER, ARBITRATION_MAILBOX = 128, 8388608
ADDRESS_POLICY_OFF = "{26491cfc-9e50-4857-861b-0cb8df22b5d7}"
AIR_SYNC_DISABLED = 4
HAS_DEVICE_PARTNERSHIP = 1

_ACCESS_STATES = ("Unknown", "Allowed", "Blocked", "Quarantined", "DeviceDiscovery")
_ACCESS_STATE_REASONS = ("Unknown", "Global", "Individual", "DeviceRule")
_USER = ["top", "person", "organizationalPerson", "user"]


@dataclass(frozen=True)
class Reader:
    """Who reads: the property sets that are withheld, everywhere or on protected accounts alone.

    A directory leaves out what may not be read without a word; so do these records. Protected are
    accounts that inherit nothing, and so do not get what the domain grants. Without `access_lists`
    the reader may not read those either.
    """

    withheld: frozenset[str] = field(default_factory=frozenset)
    withheld_on_protected: frozenset[str] = field(default_factory=frozenset)
    access_lists: bool = True

    def of(self, protected: bool) -> frozenset[str]:
        """The sets that this reader does not see on an object."""
        return self.withheld | (self.withheld_on_protected if protected else frozenset())


FULL_READER = Reader()


def directory_objects(organization: Organization, reader: Reader = FULL_READER) -> Iterator[Record]:
    """Every object, parents before children, with all that a server keeps about it.

    Made for a server that only stores (OpenLDAP): GUIDs, times and access lists are given, and
    what `reader` may not see is left out.
    """
    for record in configuration_objects(organization):
        yield stored(record, reader.of(protected=False), access_list=reader.access_lists)
    for record, protected in recipient_objects(organization):
        yield stored(
            record,
            reader.of(protected),
            access_list=reader.access_lists,
            inherits_nothing=protected,
        )


def recipient_objects(organization: Organization) -> Iterator[tuple[Record, bool]]:
    """Recipients with their devices, and whether the object inherits nothing."""
    for mailbox in mailboxes(organization):
        record = _mailbox(organization, mailbox)
        yield record, account_of(organization, mailbox).inherits_nothing
        if mailbox.device_count:
            container = f"CN={names.DEVICES_CONTAINER},{record.dn}"
            yield node(container, "msExchActiveSyncDevices"), False
            owner = names.recipient_canonical(mailbox.common_name, mailbox.organizational_unit)
            for device in devices_of(organization, mailbox):
                yield _device(device, container, owner), False
    for moved in remote_mailboxes(organization):
        yield _remote_mailbox(moved), False
    for record in _others(organization):
        yield record, False


def stored(
    record: Record,
    withheld: frozenset[str],
    *,
    access_list: bool = True,
    inherits_nothing: bool = False,
) -> Record:
    """A record as a reader gets it who is withheld these property sets."""
    values: Values = {
        name: value
        for name, value in record.values.items()
        if name not in BY_NAME or BY_NAME[name].property_set not in withheld
    }
    if access_list:
        values["nTSecurityDescriptor"] = descriptor(
            _access_list(withheld), inherits_nothing=inherits_nothing
        )
    return Record(record.dn, values)


def _access_list(withheld: frozenset[str]) -> list[AccessEntry]:
    if not withheld:
        return [AccessEntry(AUTHENTICATED_USERS, GENERIC_READ)]
    sets = {found.property_set for found in BY_NAME.values() if found.property_set} - withheld
    bare = [found for found in BY_NAME.values() if not found.property_set]
    return [
        AccessEntry(AUTHENTICATED_USERS, READ_CONTROL | LIST_CHILDREN | LIST_OBJECT),
        *(AccessEntry(AUTHENTICATED_USERS, READ_PROPERTY, each) for each in sorted(sets)),
        *(AccessEntry(AUTHENTICATED_USERS, READ_PROPERTY, each.schema_guid) for each in bare),
    ]


def _recipient(found: Mailbox | RemoteMailbox) -> Values:
    values: Values = {
        "objectClass": list(_USER),
        "cn": found.common_name,
        "sn": found.common_name.partition(",")[0],
        "objectGUID": uuid.UUID(found.guid).bytes_le,
        "displayName": found.display_name,
        "sAMAccountName": found.alias[:20],
        "userPrincipalName": found.user_principal_name,
        "mail": found.primary_smtp_address,
        "mailNickname": found.alias,
        "proxyAddresses": list(found.email_addresses),
        "msExchMailboxGuid": uuid.UUID(found.exchange_guid).bytes_le,
        "whenChanged": found.when_changed,
    }
    return values


def _mailbox(organization: Organization, found: Mailbox) -> Record:
    values = _recipient(found)
    values |= account_values(account_of(organization, found))
    server = found.server.name
    values["homeMDB"] = f"CN={found.database},{names.DATABASES}"
    values["msExchHomeServerName"] = (
        "/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)"
        f"/cn=Configuration/cn=Servers/cn={server}"
    )
    values["msExchRecipientTypeDetails"] = RECIPIENT_TYPES[found.recipient_type_details]
    if not found.active_sync_enabled:
        # values of Exchange 2003 are still around
        values["msExchOmaAdminWirelessEnable"] = AIR_SYNC_DISABLED | found.number % 2
    elif found.number % 3:
        values["msExchOmaAdminWirelessEnable"] = 0
    if not found.email_address_policy_enabled:
        values["msExchPoliciesExcluded"] = [ADDRESS_POLICY_OFF]
    if found.device_count:
        values["msExchMobileMailboxFlags"] = HAS_DEVICE_PARTNERSHIP
    lists = personal_lists(organization, found)
    _add_texts(values, "msExchMobileAllowedDeviceIDs", lists.allowed)
    _add_texts(values, "msExchMobileBlockedDeviceIDs", lists.blocked)
    return Record(names.recipient(found.common_name, found.organizational_unit), values)


def _add_texts(values: Values, name: str, texts: tuple[str, ...]) -> None:
    if texts:
        values[name] = list(texts)


def _remote_mailbox(found: RemoteMailbox) -> Record:
    values = _recipient(found)
    values["msExchRecipientTypeDetails"] = REMOTE_USER_MAILBOX
    values["msExchRemoteRecipientType"] = MIGRATED
    values |= account_values(moved_account(found))
    return Record(names.recipient(found.common_name, found.organizational_unit), values)


def _device(found: Device, container: str, owner: str) -> Record:
    label = f"{found.device_type}§{found.device_id}"
    optional: dict[str, Value] = {
        "msExchDeviceUserAgent": found.device_user_agent,
        "msExchDeviceFriendlyName": found.friendly_name,
        "msExchDeviceEASVersion": found.client_version,
    }
    return node(
        f"CN={names.escaped(label)},{container}",
        "msExchActiveSyncDevice",
        {
            "objectGUID": uuid.UUID(found.guid).bytes_le,
            "cn": label,
            "msExchDeviceID": found.device_id,
            "msExchDeviceType": found.device_type,
            "msExchDeviceModel": found.device_model,
            "msExchDeviceOS": found.device_os,
            "msExchDeviceAccessState": _ACCESS_STATES.index(found.access_state),
            "msExchDeviceAccessStateReason": _ACCESS_STATE_REASONS.index(found.access_state_reason),
            "msExchFirstSyncTime": found.first_sync_time,
            "msExchUserDisplayName": owner,
            # a directory has no empty values: what is empty is not there
            **{name: value for name, value in optional.items() if value},
        },
    )


def _others(organization: Organization) -> Iterator[Record]:
    """Accounts that no command about mailboxes shows."""
    kinds: tuple[tuple[str, int | None], ...] = (
        ("SystemMailbox{1f05a927-1f1a-4f24-9a3c-3a4a1e2f6b10}", ARBITRATION_MAILBOX),
        ("External consultant", MAIL_USER),
        ("Alias from another tool", None),
    )
    for name, kind in kinds:
        alias = name.replace(" ", ".").lower()[:20]
        values: Values = {
            "objectClass": list(_USER),
            "cn": name,
            "sn": name,
            "objectGUID": uuid.UUID(guid(organization.seed, "other", name)).bytes_le,
            "displayName": name,
            "sAMAccountName": alias,
            "userPrincipalName": f"{alias}@{PRIMARY_DOMAIN}",
            "userAccountControl": 514,
            "mailNickname": alias,
            "whenChanged": organization.now,
        }
        if kind is not None:
            values["msExchRecipientTypeDetails"] = kind
            values["proxyAddresses"] = [f"SMTP:{alias}@{PRIMARY_DOMAIN}"]
        if kind == ARBITRATION_MAILBOX:
            values["homeMDB"] = f"CN=ZRH-DB01,{names.DATABASES}"
        yield Record(names.recipient(name, ""), values)


def active_directory_objects(organization: Organization) -> Iterator[Record]:
    """The same for a server that keeps times and access lists itself, and has a skeleton.

    GUIDs are given all the same; such a server takes them from nobody but its owner. It works out
    itself whether a password has expired, and sets the time of those that have not. Accounts that
    inherit nothing show everybody what Exchange itself lets everybody see, and nothing else.
    """
    kept_by_the_server = ("whenChanged", "nTSecurityDescriptor", COMPUTED)
    yield from _without(organizational_units(organization), kept_by_the_server)
    yield from property_sets_of_exchange()
    yield from _without(exchange_objects(organization), kept_by_the_server)
    for recipient, inherits_nothing in recipient_objects(organization):
        (record,) = _without((recipient,), kept_by_the_server)
        if record.values.get("pwdLastSet"):
            record.values["pwdLastSet"] = NOW
        if inherits_nothing:
            record.values["nTSecurityDescriptor"] = closed_access_list()
        yield record


def _without(records: Iterable[Record], attributes: tuple[str, ...]) -> Iterator[Record]:
    for record in records:
        classes = record.values["objectClass"]
        values: Values = {
            name: value for name, value in record.values.items() if name not in attributes
        }
        if isinstance(classes, list):
            values["objectClass"] = [str(each) for each in classes if each != "adObject"]
        yield Record(record.dn, values)
