"""Objects of the directory, and the rows they become."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.collectors.contract import ExchangeCollector
from auditor.collectors.directory_contract import (
    DirectoryCollector,
    LeftOut,
    Outcome,
    Place,
    Unread,
)
from auditor.collectors.directory_mobile import (
    ACTIVE_SYNC_SETTINGS,
    DEVICE_ACCESS_RULES,
    MOBILE_DEVICES,
)
from auditor.collectors.directory_organization import (
    HYBRID_CONFIGURATION,
    INTRA_ORGANIZATION_CONNECTORS,
    ORGANIZATION_RELATIONSHIPS,
)
from auditor.collectors.directory_policies import (
    EMAIL_ADDRESS_POLICIES,
    MOBILE_DEVICE_POLICIES,
)
from auditor.collectors.directory_reading import Found
from auditor.collectors.directory_recipients import (
    MAILBOXES,
    OTHERS,
    RECIPIENTS,
    REMOTE_MAILBOXES,
)
from auditor.collectors.directory_registry import DIRECTORY_COLLECTORS
from auditor.collectors.directory_rights import Rights, Schema, SchemaAttribute
from auditor.collectors.directory_servers import (
    ACTIVE_SYNC_VIRTUAL_DIRECTORIES,
    EXCHANGE_SERVERS,
    shown_version,
)
from auditor.collectors.registry import EXCHANGE_COLLECTORS
from auditor.errors import AccessDenied, UnexpectedAnswer
from auditor.evidence.accounts import (
    OnpremDirectoryAccount,
    OnpremMailboxHold,
    OnpremMailboxInPlaceHold,
)
from auditor.evidence.base import Evidence
from auditor.evidence.organization import (
    OnpremHybridConfigurationFeature,
    OnpremOrganizationRelationship,
    OnpremOrganizationRelationshipDomain,
)
from auditor.evidence.policies import (
    OnpremEmailAddressPolicy,
    OnpremEmailAddressPolicyTemplate,
    OnpremMobileDevicePolicy,
)
from auditor.evidence.recipients import (
    OnpremActiveSyncSettings,
    OnpremCasMailbox,
    OnpremCasMailboxAllowedDevice,
    OnpremCasMailboxBlockedDevice,
    OnpremDeviceAccessRule,
    OnpremMailbox,
    OnpremMobileDevice,
    OnpremRemoteMailbox,
)
from auditor.evidence.servers import OnpremActiveSyncVirtualDirectory, OnpremExchangeServer
from auditor.evidence.tables import COLLECTED
from auditor.lab.directory_security import AccessEntry, descriptor, sid_bytes
from auditor.sources.directory import SECURITY_DESCRIPTOR, Entry

GUID = "11111111-2222-3333-4444-555555555555"
READER = "S-1-5-11"
SHOWN = descriptor([AccessEntry(READER, 0x14)])
NAMES = {name for collector in DIRECTORY_COLLECTORS for name in collector.attributes}
SCHEMA = Schema(
    {
        name: SchemaAttribute(name, name.encode().ljust(40)[:40], b"", confidential=False)
        for name in NAMES
    },
    {},
    {},
)
Given = Mapping[str, "str | int | bool | list[str] | bytes"]
USER = "CN=Lee\\, Ann,OU=Staff,DC=contoso,DC=com"


def found(dn: str, values: Given, *hidden: str) -> Found:
    """An object of which everything is shown but what is `hidden`."""
    grants = [
        AccessEntry(READER, 0x10, str(uuid.UUID(bytes_le=_short(name))))
        for name in sorted(NAMES - set(hidden))
    ]
    schema = SCHEMA
    if hidden:
        schema = Schema(
            {n: SchemaAttribute(n, _short(n), b"", confidential=False) for n in NAMES}, {}, {}
        )
    listed = {SECURITY_DESCRIPTOR: [descriptor(grants) if hidden else SHOWN]}
    for name, value in {"objectGUID": uuid.UUID(GUID).bytes_le, **values}.items():
        many = value if isinstance(value, list) else [value]
        listed[name] = [_stored(each) for each in many]
    return Found(Entry(dn, listed), Rights(schema, frozenset({sid_bytes(READER)})))


def _short(name: str) -> bytes:
    return uuid.uuid5(uuid.NAMESPACE_DNS, name).bytes_le


def _stored(value: str | int | bool | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    return str(value).upper().encode() if isinstance(value, bool) else str(value).encode()


def outcomes(collector: DirectoryCollector, dn: str, values: Given, *hidden: str) -> list[Outcome]:
    return list(collector.rows(found(dn, values, *hidden)))


def only(kind: type[Evidence], found: list[Outcome]) -> dict[str, object]:
    (row,) = (each for each in found if isinstance(each, kind))
    return row.model_dump()


def recipient(values: Given, *hidden: str) -> list[Outcome]:
    base: Given = {
        "msExchRecipientTypeDetails": 1,
        "mailNickname": "ann",
        "proxyAddresses": ["SMTP:Ann@contoso.com"],
    }
    return outcomes(RECIPIENTS, USER, {**base, **values}, *hidden)


class TestMailboxes:
    @given(st.integers(0, 255))
    def test_active_sync_is_off_by_bit_four_alone(self, value: int) -> None:
        row = only(OnpremCasMailbox, recipient({"msExchOmaAdminWirelessEnable": value}))
        assert row["active_sync_enabled"] is not bool(value & 4)

    def test_active_sync_is_on_where_nothing_is_said(self) -> None:
        assert only(OnpremCasMailbox, recipient({}))["active_sync_enabled"] is True

    @pytest.mark.parametrize(
        ("attribute", "columns"),
        [
            ("msExchOmaAdminWirelessEnable", ["active_sync_enabled"]),
            ("msExchMobileMailboxFlags", ["has_active_sync_device_partnership"]),
            (
                "msExchMobileMailboxPolicyLink",
                ["active_sync_mailbox_policy", "active_sync_mailbox_policy_is_defaulted"],
            ),
        ],
    )
    def test_what_is_hidden_of_active_sync_was_not_said(
        self, attribute: str, columns: list[str]
    ) -> None:
        row = only(OnpremCasMailbox, recipient({}, attribute))
        assert [row[column] for column in columns] == [None] * len(columns)

    @pytest.mark.parametrize(
        ("attribute", "column"),
        [
            ("msExchMailboxGuid", "exchange_guid"),
            ("displayName", "display_name"),
            ("userPrincipalName", "user_principal_name"),
            ("sAMAccountName", "sam_account_name"),
            ("msExchHomeServerName", "server_name"),
        ],
    )
    def test_an_empty_column_and_a_hidden_one_differ(self, attribute: str, column: str) -> None:
        assert only(OnpremMailbox, recipient({}))[column] == ""
        assert only(OnpremMailbox, recipient({}, attribute))[column] is None

    def test_hidden_address_policies_were_not_said(self) -> None:
        off = {"msExchPoliciesExcluded": ["{26491CFC-9E50-4857-861B-0CB8DF22B5D7}"]}
        column = "email_address_policy_enabled"
        assert only(OnpremMailbox, recipient(off))[column] is False
        assert only(OnpremMailbox, recipient({}))[column] is True
        assert only(OnpremMailbox, recipient({}, "msExchPoliciesExcluded"))[column] is None

    def test_the_server_is_the_last_name_of_its_legacy_name(self) -> None:
        legacy = "/o=Contoso/ou=Exchange (X)/cn=Configuration/cn=Servers/cn=EX01"
        row = only(OnpremMailbox, recipient({"msExchHomeServerName": legacy}))
        assert (row["server_name"], row["server_key"]) == ("ex01", "ex01")

    def test_the_policy_is_the_name_of_the_linked_object(self) -> None:
        link = "CN=Managers\\, all,CN=Mobile Mailbox Policies,CN=Contoso"
        row = only(OnpremCasMailbox, recipient({"msExchMobileMailboxPolicyLink": link}))
        assert row["active_sync_mailbox_policy"] == "Managers, all"
        assert row["active_sync_mailbox_policy_is_defaulted"] is False

    def test_lists_of_devices_are_rows_each_once(self) -> None:
        came = recipient({"msExchMobileAllowedDeviceIDs": ["ABC", "abc", "DEF"]})
        assert [
            each.device_id for each in came if isinstance(each, OnpremCasMailboxAllowedDevice)
        ] == ["ABC", "DEF"]

    @pytest.mark.parametrize(
        ("attribute", "model"),
        [
            ("msExchMobileAllowedDeviceIDs", OnpremCasMailboxAllowedDevice),
            ("msExchMobileBlockedDeviceIDs", OnpremCasMailboxBlockedDevice),
        ],
    )
    def test_a_hidden_list_is_no_empty_list(self, attribute: str, model: type[Evidence]) -> None:
        assert Unread(model, attribute) in recipient({}, attribute)
        assert not [each for each in recipient({}) if isinstance(each, Unread)]

    def test_hidden_addresses_make_the_mailbox_unreadable(self) -> None:
        hidden = found(USER, {"msExchRecipientTypeDetails": 1}, "proxyAddresses")
        with pytest.raises(AccessDenied, match="proxyAddresses"):
            list(RECIPIENTS.rows(hidden))

    def test_a_hidden_type_makes_the_recipient_unreadable(self) -> None:
        hidden = found(USER, {"mailNickname": "ann"}, "msExchRecipientTypeDetails")
        with pytest.raises(AccessDenied, match="msExchRecipientTypeDetails"):
            list(RECIPIENTS.rows(hidden))

    def test_an_alias_alone_is_no_recipient(self) -> None:
        assert outcomes(RECIPIENTS, USER, {"mailNickname": "ann"}) == []

    @pytest.mark.parametrize("kind", sorted(OTHERS))
    def test_other_kinds_are_passed_over(self, kind: int) -> None:
        assert recipient({"msExchRecipientTypeDetails": kind}) == []

    def test_a_kind_that_is_not_known_is_left_out_with_a_word(self) -> None:
        assert recipient({"msExchRecipientTypeDetails": 1 << 50}) == [
            LeftOut("is of a kind that is not known (msExchRecipientTypeDetails 1125899906842624)")
        ]

    def test_every_kind_is_one_thing(self) -> None:
        assert not set(MAILBOXES) & set(REMOTE_MAILBOXES)
        assert not (set(MAILBOXES) | set(REMOTE_MAILBOXES)) & OTHERS


class TestRemoteMailboxes:
    def moved(self, values: Given, *hidden: str) -> dict[str, object]:
        kind = {"msExchRecipientTypeDetails": 2147483648}
        return only(OnpremRemoteMailbox, recipient({**kind, **values}, *hidden))

    def test_the_routing_address_is_the_target_address(self) -> None:
        row = self.moved({"targetAddress": "SMTP:ann@Contoso.mail.onmicrosoft.com"})
        assert row["remote_routing_address"] == "ann@Contoso.mail.onmicrosoft.com"
        assert row["routing_domain"] == "contoso.mail.onmicrosoft.com"

    def test_a_missing_routing_address_is_a_finding_and_a_hidden_one_a_gap(self) -> None:
        assert self.moved({})["remote_routing_address"] == ""
        assert self.moved({}, "targetAddress")["remote_routing_address"] is None


NEVER = 0x7FFF_FFFF_FFFF_FFFF
EPOCH = dt.datetime(1601, 1, 1, tzinfo=dt.UTC)
CALENDAR = (dt.datetime.max.replace(tzinfo=dt.UTC) - EPOCH) // dt.timedelta(microseconds=1)


class TestAccounts:
    def account(self, values: Given, *hidden: str) -> dict[str, object]:
        return only(OnpremDirectoryAccount, recipient(values, *hidden))

    @given(st.integers(0, 2**32 - 1))
    def test_an_account_is_disabled_by_bit_two_alone(self, control: int) -> None:
        row = self.account({"userAccountControl": control})
        assert row["account_enabled"] is not bool(control & 2)

    @given(st.integers(0, 2**32 - 1))
    def test_what_windows_works_out_is_read_from_the_computed_attribute(self, bits: int) -> None:
        row = self.account({"msDS-User-Account-Control-Computed": bits, "userAccountControl": 512})
        assert (row["locked_out"], row["password_expired"]) == (
            bool(bits & 0x10),
            bool(bits & 0x800000),
        )

    def test_what_every_account_has_and_did_not_come_was_not_said(self) -> None:
        row = self.account({})
        columns = ("account_enabled", "locked_out", "password_expired", "account_never_expires")
        assert [row[column] for column in columns] == [None] * 4

    @pytest.mark.parametrize(
        ("last_set", "control", "expected"),
        [(0, 512, True), (0, 0x10200, False), (133_000_000_000_000_000, 512, False)],
    )
    def test_a_password_that_was_never_set_must_be_changed(
        self, last_set: int, control: int, expected: bool
    ) -> None:
        row = self.account({"pwdLastSet": last_set, "userAccountControl": control})
        assert row["change_password_at_logon"] is expected

    @pytest.mark.parametrize("hidden", ["pwdLastSet", "userAccountControl"])
    def test_a_password_of_which_half_is_hidden_was_not_said(self, hidden: str) -> None:
        values: Given = {"pwdLastSet": 0, "userAccountControl": 512}
        shown = {name: value for name, value in values.items() if name != hidden}
        assert self.account(shown, hidden)["change_password_at_logon"] is None

    @pytest.mark.parametrize("ticks", [0, NEVER, NEVER - 1, 2_650_467_744_000_000_000])
    def test_an_account_without_a_date_never_expires(self, ticks: int) -> None:
        row = self.account({"accountExpires": ticks})
        assert (row["account_never_expires"], row["account_expires"]) == (True, None)

    @given(st.integers(1, CALENDAR))
    def test_every_date_of_the_calendar_is_read(self, microseconds: int) -> None:
        row = self.account({"accountExpires": microseconds * 10})
        expires = EPOCH + dt.timedelta(microseconds=microseconds)
        assert (row["account_never_expires"], row["account_expires"]) == (False, expires)

    def test_a_negative_date_is_unexpected(self) -> None:
        with pytest.raises(UnexpectedAnswer, match="a time since 1601"):
            recipient({"accountExpires": -1})

    def test_an_account_is_protected_as_its_mark_and_its_access_list_say(self) -> None:
        closed = descriptor([AccessEntry(READER, 0x14)], inherits_nothing=True)
        row = self.account({"adminCount": 1, SECURITY_DESCRIPTOR: closed})
        assert (row["admin_count"], row["dacl_protected"]) == (1, True)
        row = self.account({})
        assert (row["admin_count"], row["dacl_protected"]) == (0, False)
        assert self.account({}, "adminCount")["admin_count"] is None

    @pytest.mark.parametrize("listed", [b"", b"broken"])
    def test_an_access_list_that_is_not_shown_was_not_said(self, listed: bytes) -> None:
        entry = found(
            USER,
            {
                "msExchRecipientTypeDetails": 1,
                "proxyAddresses": ["SMTP:Ann@contoso.com"],
                SECURITY_DESCRIPTOR: listed,
            },
        )
        # without the list every value has to come, or the mailbox is hidden
        came = list(RECIPIENTS.rows(entry))
        assert only(OnpremDirectoryAccount, came)["dacl_protected"] is None
        assert SECURITY_DESCRIPTOR in entry.unread

    @given(st.uuids())
    def test_a_consistency_guid_is_written_as_a_guid(self, value: uuid.UUID) -> None:
        row = self.account({"mS-DS-ConsistencyGuid": value.bytes_le})
        assert row["ms_ds_consistency_guid"] == str(value)

    def test_a_consistency_guid_may_be_missing_hidden_or_no_guid(self) -> None:
        column, attribute = "ms_ds_consistency_guid", "mS-DS-ConsistencyGuid"
        assert self.account({})[column] == ""
        assert self.account({}, attribute)[column] is None
        assert self.account({attribute: b"\x04\xd2"})[column] == "04d2"

    def test_a_target_address_may_be_missing_or_hidden(self) -> None:
        assert self.account({"targetAddress": "SMTP:a@b.c"})["target_address"] == "SMTP:a@b.c"
        assert self.account({})["target_address"] == ""
        assert self.account({}, "targetAddress")["target_address"] is None

    def test_moved_mailboxes_have_accounts_and_no_holds(self) -> None:
        came = recipient({"msExchRecipientTypeDetails": 2147483648, "userAccountControl": 514})
        assert only(OnpremDirectoryAccount, came)["account_enabled"] is False
        assert not [each for each in came if isinstance(each, OnpremMailboxHold)]


class TestHolds:
    @given(st.integers(0, 2047))
    def test_litigation_hold_is_bit_eight_alone(self, value: int) -> None:
        row = only(OnpremMailboxHold, recipient({"msExchELCMailboxFlags": value}))
        assert row["litigation_hold_enabled"] is bool(value & 8)

    def test_a_mailbox_of_which_nothing_is_said_has_no_holds(self) -> None:
        row = only(OnpremMailboxHold, recipient({}))
        assert (row["litigation_hold_enabled"], row["in_place_holds"]) == (False, 0)

    def test_hidden_holds_are_not_none(self) -> None:
        came = recipient({}, "msExchELCMailboxFlags", "msExchUserHoldPolicies")
        row = only(OnpremMailboxHold, came)
        assert (row["litigation_hold_enabled"], row["in_place_holds"]) == (None, None)
        assert Unread(OnpremMailboxInPlaceHold, "msExchUserHoldPolicies") in came

    def test_in_place_holds_are_rows_each_once(self) -> None:
        came = recipient({"msExchUserHoldPolicies": ["b7", "a1", "b7"]})
        assert only(OnpremMailboxHold, came)["in_place_holds"] == 2
        assert [
            each.in_place_hold for each in came if isinstance(each, OnpremMailboxInPlaceHold)
        ] == ["b7", "a1"]


CONTAINER = f"CN=ExchangeActiveSyncDevices,{USER}"


class TestDevices:
    def device(self, values: Given, *hidden: str) -> dict[str, object]:
        base: Given = {"msExchDeviceID": "ABC"}
        came = outcomes(MOBILE_DEVICES, f"CN=iPhone§ABC,{CONTAINER}", {**base, **values}, *hidden)
        return only(OnpremMobileDevice, came)

    def test_a_device_belongs_to_the_mailbox_around_it(self) -> None:
        assert self.device({})["mailbox_distinguished_name_key"] == USER.lower()

    @pytest.mark.parametrize(
        ("number", "state"),
        [(0, "Unknown"), (1, "Allowed"), (2, "Blocked"), (3, "Quarantined"), (9, None)],
    )
    def test_states_count_from_unknown(self, number: int, state: str | None) -> None:
        assert self.device({"msExchDeviceAccessState": number})["device_access_state"] == state

    def test_a_reason_whose_name_is_not_known_was_not_said(self) -> None:
        column = "device_access_state_reason"
        assert self.device({"msExchDeviceAccessStateReason": 3})[column] == "DeviceRule"
        assert self.device({"msExchDeviceAccessStateReason": 12})[column] is None

    def test_a_version_is_text_and_number(self) -> None:
        row = self.device({"msExchDeviceEASVersion": "14.1"})
        assert (row["client_version"], row["eas_version"]) == ("14.1", 141)
        row = self.device({})
        assert (row["client_version"], row["eas_version"]) == ("", None)
        assert self.device({}, "msExchDeviceEASVersion")["client_version"] is None

    def test_a_hidden_identifier_makes_the_device_unreadable(self) -> None:
        hidden = found(f"CN=iPhone§ABC,{CONTAINER}", {}, "msExchDeviceID")
        with pytest.raises(AccessDenied):
            list(MOBILE_DEVICES.rows(hidden))

    def test_a_kind_of_device_is_no_device(self) -> None:
        dn = "CN=iPhone§iPhone15C2,CN=ExchangeDeviceClasses,CN=Mobile Mailbox Settings,CN=Contoso"
        assert outcomes(MOBILE_DEVICES, dn, {"msExchDeviceType": "iPhone"}) == []

    def test_a_device_that_lost_its_mailbox_is_left_out_with_a_word(self) -> None:
        came = outcomes(MOBILE_DEVICES, "CN=x,CN=LostAndFound,DC=a", {"msExchDeviceID": "A"})
        assert came == [LeftOut("is a device outside the container of a mailbox")]

    def test_devices_are_looked_for_in_domains_alone(self) -> None:
        assert MOBILE_DEVICES.place is Place.DOMAINS


class TestAccess:
    @pytest.mark.parametrize(("number", "level"), [(0, "Allow"), (1, "Block"), (2, "Quarantine")])
    def test_levels_count_from_allow(self, number: int, level: str) -> None:
        came = outcomes(ACTIVE_SYNC_SETTINGS, "CN=s", {"msExchMobileAccessControl": number})
        assert only(OnpremActiveSyncSettings, came)["default_access_level"] == level

    def test_a_level_that_is_none_is_unexpected(self) -> None:
        with pytest.raises(UnexpectedAnswer, match="holds b'3' where 0, 1 or 2 belongs"):
            outcomes(ACTIVE_SYNC_SETTINGS, "CN=s", {"msExchMobileAccessControl": 3})

    def rule(self, name: str, number: int) -> dict[str, object]:
        values: Given = {
            "msExchDeviceAccessRuleQueryString": "WP8",
            "msExchDeviceAccessRuleCharacteristic": number,
            "msExchMobileAccessControl": 1,
        }
        came = outcomes(DEVICE_ACCESS_RULES, f"CN={name},CN=Mobile Mailbox Settings", values)
        return only(OnpremDeviceAccessRule, came)

    def test_a_rule_is_about_what_name_and_number_agree_on(self) -> None:
        assert self.rule("WP8 (DeviceType)", 0)["characteristic"] == "DeviceType"
        assert self.rule("Renamed", 0)["characteristic"] == "DeviceType"
        assert self.rule("iPhone14C2 (DeviceModel)", 1)["characteristic"] == "DeviceModel"

    @pytest.mark.parametrize(
        ("name", "number"), [("Renamed", 1), ("WP8 (DeviceType)", 1), ("x (DeviceOS)", 0)]
    )
    def test_what_a_rule_is_about_is_never_guessed(self, name: str, number: int) -> None:
        with pytest.raises(UnexpectedAnswer, match="the number of its kind"):
            self.rule(name, number)


SERVER = "CN=EX01,CN=Servers,CN=AG,CN=Administrative Groups,CN=Contoso"


class TestServers:
    @pytest.mark.parametrize(
        ("serial", "version"),
        [
            ("Version 14.3 (Build 30123.4)", "Version 14.3 (Build 123.4)"),
            ("Version 15.2 (Build 32562.17)", "Version 15.2 (Build 2562.17)"),
            ("Version 15.1 (Build 2507.6)", "Version 15.1 (Build 2507.6)"),
            ("Version 6.5 (Build 7638.2: Service Pack 2)",) * 2,
            ("",) * 2,
        ],
    )
    def test_the_build_is_shown_without_what_setup_adds(self, serial: str, version: str) -> None:
        assert shown_version(serial) == version

    def server(self, values: Given, *hidden: str) -> dict[str, object]:
        return only(OnpremExchangeServer, outcomes(EXCHANGE_SERVERS, SERVER, values, *hidden))

    @pytest.mark.parametrize(
        ("serial", "roles", "expected"),
        [
            ("14.3 (Build 30123.4)", 38, ("Mailbox, ClientAccess, HubTransport", True, True)),
            ("14.3 (Build 30123.4)", 36, ("ClientAccess, HubTransport", True, False)),
            ("14.3 (Build 30123.4)", 64, ("Edge", False, False)),
            ("15.0 (Build 31497.2)", 16439, (None, None, True)),
            ("15.0 (Build 31497.2)", 16385, (None, None, False)),
            ("15.1 (Build 32507.6)", 16439, ("Mailbox", True, True)),
            ("15.2 (Build 32562.17)", 64, ("Edge", False, False)),
        ],
    )
    def test_roles_are_said_as_far_as_their_bits_are_known(
        self, serial: str, roles: int, expected: tuple[object, ...]
    ) -> None:
        row = self.server({"serialNumber": f"Version {serial}", "msExchCurrentServerRoles": roles})
        columns = ("server_role", "is_client_access_server", "is_mailbox_server")
        assert tuple(row[column] for column in columns) == expected

    def test_a_server_of_which_nothing_is_shown_says_nothing(self) -> None:
        hidden = ("serialNumber", "networkAddress", "msExchCurrentServerRoles", "msExchServerSite")
        row = self.server({}, *hidden)
        assert (row["name"], row["server_key"]) == ("EX01", "ex01")
        assert {
            value for name, value in row.items() if name not in {"guid", "name", "server_key"}
        } == {None}

    def test_the_full_name_is_the_one_for_tcp(self) -> None:
        row = self.server({"networkAddress": ["netbios:EX01", "ncacn_ip_tcp:ex01.contoso.com"]})
        assert row["fqdn"] == "ex01.contoso.com"

    def test_a_virtual_directory_belongs_to_the_server_above_its_protocols(self) -> None:
        dn = f"CN=Microsoft-Server-ActiveSync (Default Web Site),CN=HTTP,CN=Protocols,{SERVER}"
        row = only(
            OnpremActiveSyncVirtualDirectory,
            outcomes(ACTIVE_SYNC_VIRTUAL_DIRECTORIES, dn, {}),
        )
        assert row["identity"] == r"EX01\Microsoft-Server-ActiveSync (Default Web Site)"
        assert (row["server"], row["external_url"], row["external_url_host"]) == ("EX01", "", "")
        assert row["basic_auth_enabled"] is None

    def test_a_virtual_directory_elsewhere_is_unexpected(self) -> None:
        with pytest.raises(UnexpectedAnswer, match="below the protocols of a server"):
            outcomes(ACTIVE_SYNC_VIRTUAL_DIRECTORIES, "CN=a,CN=b,CN=c,CN=d,CN=e", {})


class TestOrganisation:
    def relationship(self, values: Given, *hidden: str) -> list[Outcome]:
        return outcomes(ORGANIZATION_RELATIONSHIPS, "CN=O365,CN=Federation", values, *hidden)

    def test_a_relationship_is_on_unless_it_says_otherwise(self) -> None:
        column = "enabled"
        model = OnpremOrganizationRelationship
        attribute = "msExchFedIsEnabled"
        assert only(model, self.relationship({}))[column] is True
        assert only(model, self.relationship({attribute: False}))[column] is False
        assert only(model, self.relationship({}, attribute))[column] is None

    def test_an_empty_address_of_owa_is_a_finding_and_a_hidden_one_a_gap(self) -> None:
        model = OnpremOrganizationRelationship
        assert only(model, self.relationship({}))["target_owa_url"] == ""
        hidden = only(model, self.relationship({}, "msExchFedTargetOwaURL"))
        assert (hidden["target_owa_url"], hidden["target_owa_url_host"]) == (None, None)

    def test_hidden_domains_are_no_missing_domains(self) -> None:
        assert Unread(
            OnpremOrganizationRelationshipDomain, "msExchFedDomainNames"
        ) in self.relationship({}, "msExchFedDomainNames")

    @given(st.sets(st.sampled_from([1, 2, 4, 8, 16, 32, 64, 128, 256, 512])))
    def test_features_are_the_bits_that_are_set(self, bits: set[int]) -> None:
        came = outcomes(HYBRID_CONFIGURATION, "CN=h", {"msExchCoexistenceFeatureFlags": sum(bits)})
        features = [c.feature for c in came if isinstance(c, OnpremHybridConfigurationFeature)]
        assert len(features) == len(set(features)) == len(bits) - ({128, 256} <= bits)
        assert ("OwaRedirection" in features) is (16 in bits)

    def test_a_connector_is_read_like_a_relationship(self) -> None:
        came = outcomes(
            INTRA_ORGANIZATION_CONNECTORS, "CN=IOC", {"msExchFedDomainNames": ["A.com", "a.com"]}
        )
        assert [getattr(each, "domain", None) for each in came] == [None, "a.com"]


class TestPolicies:
    def address_policy(self, values: Given, *hidden: str) -> list[Outcome]:
        dn = "CN=Default Policy,CN=Recipient Policies,CN=Contoso"
        return outcomes(EMAIL_ADDRESS_POLICIES, dn, values, *hidden)

    def test_templates_are_rows_and_the_primary_one_is_in_capitals(self) -> None:
        came = self.address_policy({"gatewayProxy": ["SMTP:@contoso.com", "smtp:%m@Tenant.com"]})
        assert [
            (each.prefix, each.address, each.domain, each.is_primary)
            for each in came
            if isinstance(each, OnpremEmailAddressPolicyTemplate)
        ] == [
            ("smtp", "@contoso.com", "contoso.com", True),
            ("smtp", "%m@Tenant.com", "tenant.com", False),
        ]
        row = only(OnpremEmailAddressPolicy, came)
        assert (row["name"], row["priority"], row["recipient_filter_applied"]) == (
            "Default Policy",
            None,
            None,
        )

    def test_hidden_templates_are_no_missing_templates(self) -> None:
        came = self.address_policy({}, "gatewayProxy")
        assert Unread(OnpremEmailAddressPolicyTemplate, "gatewayProxy") in came
        assert only(OnpremEmailAddressPolicy, came)["name"] == "Default Policy"

    def test_a_policy_without_addresses_is_left_out_with_a_word(self) -> None:
        assert self.address_policy({}) == [LeftOut("is a recipient policy without addresses")]

    def test_of_a_policy_for_phones_little_more_than_its_name_is_known(self) -> None:
        dn = "CN=Executives,CN=Mobile Mailbox Policies,CN=Contoso"
        attribute = "msExchMobileMinDevicePasswordComplexCharacters"
        came = outcomes(MOBILE_DEVICE_POLICIES, dn, {attribute: 3})
        said = {n: v for n, v in only(OnpremMobileDevicePolicy, came).items() if v is not None}
        assert said == {"guid": GUID, "name": "Executives", "min_password_complex_characters": 3}


def test_every_table_has_one_collector_and_is_one_of_the_bundle() -> None:
    tables = [model for collector in DIRECTORY_COLLECTORS for model in collector.tables]
    assert len(set(tables)) == len(tables)
    assert set(tables) <= set(COLLECTED)


def test_what_the_directory_alone_fills_is_about_accounts_and_holds() -> None:
    shell: tuple[ExchangeCollector, ...] = EXCHANGE_COLLECTORS
    known = {model for collector in shell for model in collector.tables}
    own = {model for collector in DIRECTORY_COLLECTORS for model in collector.tables} - known
    assert own == {OnpremDirectoryAccount, OnpremMailboxHold, OnpremMailboxInPlaceHold}


@pytest.mark.parametrize("collector", DIRECTORY_COLLECTORS, ids=lambda each: each.name)
def test_an_object_of_which_nothing_is_shown_gives_no_row_with_a_guess_in_it(
    collector: DirectoryCollector,
) -> None:
    dn = "CN=a,CN=HTTP,CN=Protocols,CN=EX01,CN=Servers"
    blind = found(dn, {}, *collector.attributes)
    try:
        came = list(collector.rows(blind))
    except AccessDenied:
        return
    for row in came:
        if isinstance(row, Evidence):
            said = {k: v for k, v in row.model_dump().items() if v is not None}
            assert set(said) <= {"guid", "name", "server_key", "server", "identity"} | set(
                type(row).key
            )
