"""Real servers on the loopback, started for the tests that ask for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from auditor.lab.directory_ldif import directory_objects
from auditor.lab.organization import Organization, build
from tests.support import slapd
from tests.support.certificates import Certificates, certificates


@pytest.fixture(scope="session")
def lab_organization() -> Organization:
    """The organisation that the directories hold."""
    return build(60)


@pytest.fixture(scope="session")
def lab_certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificates for this machine."""
    return certificates(tmp_path_factory.mktemp("certificates"), "localhost", "127.0.0.1")


@pytest.fixture(scope="session")
def lab_slapd(
    tmp_path_factory: pytest.TempPathFactory,
    lab_organization: Organization,
    lab_certificates: Certificates,
) -> Iterator[slapd.Slapd]:
    """OpenLDAP that holds the organisation."""
    if slapd.PROGRAM is None:
        pytest.skip(slapd.MISSING)
    folder = tmp_path_factory.mktemp("slapd")
    password = slapd.build(folder, directory_objects(lab_organization), lab_certificates)
    with slapd.running(folder, password, lab_certificates) as server:
        yield server
