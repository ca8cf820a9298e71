"""The source against OpenLDAP: pages, limits, TLS, and both ways of reading entries."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.errors import AccessDenied, SourceUnreachable, UnexpectedAnswer
from auditor.lab import directory_names
from auditor.lab.directory_ldif import directory_objects
from auditor.lab.organization import Organization
from auditor.sources.directory import Directory, Entry
from tests.support.certificates import certificates
from tests.support.slapd import Slapd

EVERYTHING = "(objectClass=*)"
ATTRIBUTES = [
    *("cn", "objectClass", "objectGUID", "proxyAddresses", "whenChanged", "displayName"),
    *("msExchDeviceID", "msExchFirstSyncTime", "msExchFedDomainNames", "nTSecurityDescriptor"),
]


def comparable(entries: list[Entry]) -> dict[str, dict[str, list[bytes]]]:
    return {each.dn: {k: sorted(v) for k, v in each.attributes.items()} for each in entries}


def test_both_decoders_read_the_same_from_every_object(
    lab_slapd: Slapd, lab_organization: Organization
) -> None:
    read = []
    for own in (True, False):
        with Directory(lab_slapd.settings(own_decoder=own, page_size=50)) as directory:
            found = directory.search(directory_names.BASE, EVERYTHING, ATTRIBUTES)
            read.append(comparable(list(found)))
    assert read[0] == read[1]
    # and that is all that was written
    assert len(read[0]) == sum(1 for _ in directory_objects(lab_organization))


@pytest.mark.parametrize("encryption", ["ldaps", "starttls"])
def test_values_come_as_they_were_stored(lab_slapd: Slapd, encryption: str) -> None:
    settings = lab_slapd.settings("starttls" if encryption == "starttls" else "ldaps")
    with Directory(settings) as directory:
        root = directory.root_dse
        found = directory.read(directory_names.EXCHANGE, ["cn", "objectGUID"])
    assert (root.configuration, root.principal_name) == (
        directory_names.CONFIGURATION,
        "CONTOSO\\auditor",
    )
    assert found is not None
    assert found.attributes["cn"] == [b"Contoso"]
    assert len(found.attributes["objectGUID"][0]) == 16


def test_an_object_that_is_not_there_is_none(lab_slapd: Slapd) -> None:
    with Directory(lab_slapd.settings()) as directory:
        assert directory.read(f"CN=Nobody,{directory_names.BASE}", ["cn"]) is None


def test_a_wrong_base_names_the_nearest_object(lab_slapd: Slapd) -> None:
    wrong = f"OU=Nowhere,{directory_names.BASE}"
    with (
        Directory(lab_slapd.settings()) as directory,
        pytest.raises(UnexpectedAnswer, match="the nearest it shows is dc=contoso,dc=com"),
    ):
        list(directory.search(wrong, EVERYTHING, ["cn"]))


def test_a_base_of_another_directory_is_not_searched(lab_slapd: Slapd) -> None:
    with (
        Directory(lab_slapd.settings()) as directory,
        pytest.raises(UnexpectedAnswer, match="DC=fabrikam,DC=com"),
    ):
        list(directory.search("DC=fabrikam,DC=com", EVERYTHING, ["cn"]))


def test_a_wrong_password_is_access_denied(lab_slapd: Slapd) -> None:
    with pytest.raises(AccessDenied, match="the password is wrong"):
        Directory(lab_slapd.settings(password="wrong"))


def test_an_authority_that_did_not_sign_the_server_is_refused(
    lab_slapd: Slapd, tmp_path: Path
) -> None:
    other = certificates(tmp_path, "localhost")
    with pytest.raises(SourceUnreachable, match="is not trusted"):
        Directory(lab_slapd.settings(ca_file=other.authority))
