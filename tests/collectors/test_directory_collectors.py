"""Objects of the directory, and the rows they become."""

from __future__ import annotations

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
from auditor.evidence.base import Evidence
from auditor.evidence.organization import (
    OnpremHybridConfigurationFeature,
    OnpremOrganizationRelationship,
    OnpremOrganizationRelationshipDomain,
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


def test_every_table_has_one_collector_and_is_one_of_the_bundle() -> None:
    tables = [model for collector in DIRECTORY_COLLECTORS for model in collector.tables]
    assert len(set(tables)) == len(tables)
    assert set(tables) <= set(COLLECTED)


def test_the_directory_fills_no_table_that_the_shell_cannot() -> None:
    shell: tuple[ExchangeCollector, ...] = EXCHANGE_COLLECTORS
    known = {model for collector in shell for model in collector.tables}
    assert {model for collector in DIRECTORY_COLLECTORS for model in collector.tables} <= known


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
