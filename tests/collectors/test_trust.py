"""Collectors of connectors and OAuth over answers in the shape of the Exchange Management Shell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from auditor.collectors.trust import AUTH_CONFIG
from auditor.errors import UnexpectedAnswer
from auditor.evidence.base import Evidence
from auditor.evidence.trust import (
    OnpremAuthConfig,
    OnpremAuthServer,
    OnpremIntraOrganizationConnector,
    OnpremIntraOrganizationConnectorDomain,
)
from auditor.sources.clixml import PsObject

Rows = Callable[[str], list[Evidence]]
FIRST, SECOND = "00000000-0000-4000-8000-000000000e01", "00000000-0000-4000-8000-000000000e02"


def test_connectors_name_each_domain_once(rows: Rows) -> None:
    assert rows("intra_organization_connector.xml") == [
        OnpremIntraOrganizationConnector(
            guid=FIRST,
            name="HybridIOC - 1f2e",
            enabled=True,
            discovery_endpoint="https://autodiscover-s.outlook.com/autodiscover",
        ),
        OnpremIntraOrganizationConnectorDomain(
            connector_guid=FIRST, domain="contoso.mail.onmicrosoft.com"
        ),
        OnpremIntraOrganizationConnector(
            guid=SECOND, name="Old forest", enabled=False, discovery_endpoint=""
        ),
        OnpremIntraOrganizationConnectorDomain(connector_guid=SECOND, domain="old.example"),
    ]


def test_an_authorization_server_of_an_older_version_does_not_say_its_application(
    rows: Rows,
) -> None:
    assert rows("auth_server.xml") == [
        OnpremAuthServer(
            guid="00000000-0000-4000-8000-000000000e11",
            name="EvoSTS - 1f2e",
            type="AzureAD",
            enabled=True,
            is_default_authorization_endpoint=True,
            realm="1f2e0000-0000-4000-8000-000000000001",
            application_identifier="1f2e0000-0000-4000-8000-000000000002",
        ),
        OnpremAuthServer(
            guid="00000000-0000-4000-8000-000000000e12",
            name="ACS",
            type="MicrosoftACS",
            enabled=False,
            is_default_authorization_endpoint=False,
            realm="",
            application_identifier=None,
        ),
    ]


def test_thumbprints_are_written_as_those_of_certificates(rows: Rows) -> None:
    assert rows("auth_config.xml") == [
        OnpremAuthConfig(
            guid="00000000-0000-4000-8000-000000000e21",
            current_certificate_thumbprint="AF776F9F2771D7097BFC9B1C6EC338F58593C387",
            next_certificate_thumbprint="92E196F3C8D3D753FCFC5B7690C3173AA1C0ABE3",
            next_certificate_effective_date=dt.datetime(2027, 1, 9, 23, tzinfo=dt.UTC),
        )
    ]


def test_a_next_certificate_that_was_not_exported_is_unknown() -> None:
    found = PsObject({"Guid": FIRST, "CurrentCertificateThumbprint": None})
    assert list(AUTH_CONFIG.rows(found)) == [
        OnpremAuthConfig(
            guid=FIRST,
            current_certificate_thumbprint="",
            next_certificate_thumbprint=None,
            next_certificate_effective_date=None,
        )
    ]


@pytest.mark.parametrize("thumbprint", ["AF77", "G" * 40, "A" * 41, "A" * 40 + "\n"])
def test_what_is_no_thumbprint_is_an_unexpected_answer(thumbprint: str) -> None:
    found = PsObject({"Guid": FIRST, "CurrentCertificateThumbprint": thumbprint})
    with pytest.raises(UnexpectedAnswer, match="a SHA-1 thumbprint"):
        list(AUTH_CONFIG.rows(found))
