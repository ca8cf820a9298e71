"""Logon and message encryption of the lab's endpoint ([MS-WSMV] 2.2.9.1, RFC 4559)."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import spnego
from spnego.exceptions import SpnegoError

Scheme: TypeAlias = Literal["Basic", "Negotiate", "Kerberos", "Certificate"]

_BOUNDARY = re.compile(rb"--\s*Encrypted Boundary(?:--)?\r\n")
_BINARY = b"application/octet-stream\r\n"
_BY_CERTIFICATE = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
_PROTOCOL = re.compile(r'protocol="([^"]{1,80})"')


@dataclass(frozen=True)
class Credentials:
    """The one account that the endpoint knows."""

    domain: str
    name: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials({self.username!r})"

    @property
    def username(self) -> str:
        """The account as NTLM and basic authentication write it."""
        return f"{self.domain}\\{self.name}"


class Logon:
    """Logon over one connection: HTTP authentication of Windows belongs to it, not to a request."""

    def __init__(self, schemes: tuple[Scheme, ...], credentials: Credentials, *, tls: bool) -> None:
        self._schemes = schemes
        self._credentials = credentials
        self._tls = tls
        self._context: spnego.ContextProxy | None = None
        self.account = ""

    def challenges(self) -> list[str]:
        """What the endpoint offers to somebody who has not logged on."""
        return ['Basic realm="WSMAN"' if scheme == "Basic" else scheme for scheme in self._schemes]

    def step(self, headers: Mapping[str, str]) -> tuple[bool, str]:
        """Whether this request may go on, and what WWW-Authenticate answers, if anything."""
        if self.account:
            return True, ""
        if "Certificate" in self._schemes:
            # TLS let nobody in who has none; what remains is the header that says it is meant
            return headers.get("Authorization", "") == _BY_CERTIFICATE, ""
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        try:
            data = base64.b64decode(token, validate=True)
        except binascii.Error:
            return False, ""
        if scheme == "Basic" and "Basic" in self._schemes:
            return self._basic(data), ""
        if scheme in self._schemes and data:
            return self._negotiated(scheme, data)
        return False, ""

    def _basic(self, data: bytes) -> bool:
        name, _, password = data.decode("utf-8", "replace").partition(":")
        expected = self._credentials
        if name in {expected.username, expected.name} and hmac.compare_digest(
            password.encode(), expected.password.encode()
        ):
            self.account = expected.username
            return True
        return False

    def _negotiated(self, scheme: str, data: bytes) -> tuple[bool, str]:
        if self._context is None:
            kerberos = scheme == "Kerberos"
            options = spnego.NegotiateOptions.wrapping_winrm
            self._context = spnego.server(
                hostname="localhost",
                service="host",
                protocol="kerberos" if kerberos else "negotiate",
                options=options if kerberos else options | spnego.NegotiateOptions.use_negotiate,
            )
        try:
            out = self._context.step(data)
        except SpnegoError:
            self._context = None
            return False, ""
        answer = f"{scheme} {base64.b64encode(out).decode()}" if out else ""
        if not self._context.complete:
            return False, answer
        self.account = self._context.client_principal or "?"
        return True, answer

    def encrypts(self, headers: Mapping[str, str]) -> str:
        """The protocol a request is encrypted with; '' for a plain one."""
        kind = headers.get("Content-Type", "")
        found = _PROTOCOL.search(kind) if kind.startswith("multipart/encrypted") else None
        return found[1] if found else ""

    @property
    def must_encrypt(self) -> bool:
        """Whether plain requests are refused: without TLS, unless nothing was agreed on."""
        return not self._tls and self._context is not None

    def decrypted(self, body: bytes) -> bytes:
        """The envelope in an encrypted body; raises ValueError where there is none."""
        parts = _BOUNDARY.split(body)
        if self._context is None or len(parts) < 3 or _BINARY not in parts[2]:
            raise ValueError("no encrypted message")
        payload = parts[2].split(_BINARY, 1)[1]
        length = struct.unpack_from("<i", payload)[0]
        return self._context.unwrap_winrm(payload[4 : 4 + length], payload[4 + length :])

    def encrypted(self, envelope: bytes, protocol: str) -> tuple[bytes, str]:
        """An encrypted body and its content type, with the boundary as IIS writes it."""
        if self._context is None:
            raise ValueError("nobody has logged on")
        wrapped = self._context.wrap_winrm(envelope)
        length = len(envelope) + wrapped.padding_length
        body = (
            f"-- Encrypted Boundary\r\n\tContent-Type: {protocol}\r\n\tOriginalContent: "
            f"type=application/soap+xml;charset=UTF-8;Length={length}\r\n-- Encrypted Boundary\r\n"
            "\tContent-Type: application/octet-stream\r\n"
        ).encode()
        sealed = struct.pack("<i", len(wrapped.header)) + wrapped.header + wrapped.data
        kind = f'multipart/encrypted;protocol="{protocol}";boundary="Encrypted Boundary"'
        return body + sealed + b"-- Encrypted Boundary--\r\n", kind
