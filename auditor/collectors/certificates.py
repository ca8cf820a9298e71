"""Collector of the certificates of Exchange servers.

Get-ExchangeCertificate comes in two shapes. Named properties (Select-Object) carry what Exchange
says of a certificate. A whole object, rehydrated and exported again, carries the certificate alone
(`RawData`): what Exchange said of it, its services and its judgement of the issuer, is lost.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

from auditor.collectors.contract import ExchangeCollector
from auditor.collectors.organization import VIEW_ONLY
from auditor.collectors.reading import (
    flag,
    misfit,
    moment,
    optional_text,
    text,
    text_or_empty,
    texts,
)
from auditor.collectors.servers import server_of
from auditor.evidence.base import Evidence
from auditor.evidence.normalise import server_key
from auditor.evidence.servers import OnpremExchangeCertificate, OnpremExchangeCertificateName
from auditor.sources.clixml import PsObject

_THUMBPRINT = re.compile(r"[0-9A-Fa-f]{40}")
_DNS_NAME = re.compile(r"(\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?")


def _exchange_certificate(found: PsObject) -> Iterator[Evidence]:
    row, names = _named(found) if "Thumbprint" in found else _decoded(found)
    yield row
    for name in dict.fromkeys(name.lower() for name in names):
        yield OnpremExchangeCertificateName(
            server_key=row.server_key, thumbprint=row.thumbprint, name=name
        )


def _named(found: PsObject) -> tuple[OnpremExchangeCertificate, list[str]]:
    server = server_of(found)
    thumbprint = text(found, "Thumbprint")
    if not _THUMBPRINT.fullmatch(thumbprint):
        raise misfit(found, "Thumbprint", "a SHA-1 thumbprint")
    self_signed = flag(found, "IsSelfSigned")
    if self_signed is None:
        raise misfit(found, "IsSelfSigned", "True or False")
    services = optional_text(found, "Services")
    row = OnpremExchangeCertificate(
        server=server,
        server_key=server_key(server),
        thumbprint=thumbprint.upper(),
        subject=text_or_empty(found, "Subject"),
        issuer=text_or_empty(found, "Issuer"),
        not_before=moment(found, "NotBefore"),
        not_after=moment(found, "NotAfter"),
        is_self_signed=self_signed,
        iis_enabled=None if not services else "IIS" in re.split(r",\s*", services.upper()),
        root_ca_type=optional_text(found, "RootCAType"),
        status=optional_text(found, "Status"),
    )
    return row, texts(found, "CertificateDomains")


def _decoded(found: PsObject) -> tuple[OnpremExchangeCertificate, list[str]]:
    server = server_of(found)
    try:
        read = x509.load_der_x509_certificate(
            base64.b64decode(text(found, "RawData"), validate=True)
        )
        row = OnpremExchangeCertificate(
            server=server,
            server_key=server_key(server),
            thumbprint=read.fingerprint(hashes.SHA1()).hex().upper(),  # noqa: S303 names it
            subject=_windows_text(read.subject),
            issuer=_windows_text(read.issuer),
            not_before=read.not_valid_before_utc,
            not_after=read.not_valid_after_utc,
            is_self_signed=read.subject == read.issuer,
            iis_enabled=None,
            root_ca_type=None,
            status=None,
        )
        return row, _dns_names(read)
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        raise misfit(found, "RawData", "a certificate") from None


def _windows_text(name: x509.Name) -> str:
    # Windows writes the most specific part first, with a blank after the comma
    return ", ".join(part.rfc4514_string() for part in reversed(name.rdns))


def _dns_names(read: x509.Certificate) -> list[str]:
    """DNS names of the subject alternative name; without that extension the common name counts."""
    try:
        names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        common = read.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        candidates = [str(attribute.value) for attribute in common]
        return [name for name in candidates if _DNS_NAME.fullmatch(name)]
    return names.value.get_values_for_type(x509.DNSName)


EXCHANGE_CERTIFICATE = ExchangeCollector(
    cmdlets=("Get-ExchangeCertificate",),
    types=frozenset({"ExchangeCertificate"}),
    tables=(OnpremExchangeCertificate, OnpremExchangeCertificateName),
    properties=(
        "Server",
        "PSComputerName",
        "Thumbprint",
        "Services",
        "NotBefore",
        "NotAfter",
        "Subject",
        "Issuer",
        "CertificateDomains",
        "IsSelfSigned",
        "RootCAType",
        "Status",
        "RawData",
    ),
    permission=VIEW_ONLY,
    rows=_exchange_certificate,
    per_server=True,
)
