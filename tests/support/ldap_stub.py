"""An LDAP server on the loopback that breaks off, cuts short and refers, as told.

It speaks just enough of RFC 4511 for faults that no real server commits on demand. Encoder and
decoder are its own, so that it shares no misunderstanding with the program under test.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from auditor.sources.directory_connection import DirectorySettings
from tests.support.certificates import Certificates

BASE = "DC=contoso,DC=com"
_SEQUENCE = 0x30
_BIND, _UNBIND, _SEARCH, _EXTENDED = 0x60, 0x42, 0x63, 0x77
_PAGED_RESULTS = b"1.2.840.113556.1.4.319"
_START_TLS = b"1.3.6.1.4.1.1466.20037"
_DISCONNECTION = b"1.3.6.1.4.1.1466.20036"

ROOT = {
    "defaultNamingContext": [BASE.encode()],
    "configurationNamingContext": [f"CN=Configuration,{BASE}".encode()],
    "schemaNamingContext": [f"CN=Schema,CN=Configuration,{BASE}".encode()],
    "rootDomainNamingContext": [BASE.encode()],
}


@dataclass(frozen=True)
class Question:
    """A search that came in. `cookie` is None where it was not asked for in pages."""

    number: int
    base: str
    attributes: tuple[str, ...]
    cookie: bytes | None
    connection: int


Answer = Callable[[Question], Iterable[bytes] | None]
"""Messages to send; None hangs up, and so does `HANG_UP` between messages."""

HANG_UP = b""


@dataclass
class LdapStub:
    """The server; use it as a context manager. Every bind and question is remembered."""

    answer: Answer
    certificates: Certificates
    bind_code: int = 0
    bind_message: str = ""
    starttls_only: bool = False
    root: Mapping[str, list[bytes]] = field(default_factory=lambda: ROOT)
    binds: list[tuple[str, bytes]] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    operations: list[int] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.certificates.server, self.certificates.key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._talks: list[threading.Thread] = []
        self._count = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for talk in self._talks:
            talk.join(5)

    def settings(self, **changed: object) -> DirectorySettings:
        """Settings that reach it."""
        values: dict[str, object] = {
            "host": "localhost",
            "port": self.port,
            "encryption": "starttls" if self.starttls_only else "ldaps",
            "ca_file": self.certificates.authority,
            "user": "CONTOSO\\auditor",
            "password": "not a secret",
            "answer_timeout": 5,
            "page_size": 10,
            **changed,
        }
        return DirectorySettings(**values)  # type: ignore[arg-type]

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._count += 1
                self._open.append(connection)
                number = self._count
                talk = threading.Thread(target=self._talk, args=(connection, number), daemon=True)
                self._talks.append(talk)
                talk.start()

    def _talk(self, connection: socket.socket, number: int) -> None:
        try:
            if not self.starttls_only:
                connection = self._encrypted(connection)
            while (message := _read_message(connection)) is not None:
                if self._is_start_tls(message):
                    connection.sendall(_result(_number_of(message), 0x78, 0))
                    connection = self._encrypted(connection)
                elif not self._reply(connection, message, number):
                    break
        except OSError:
            pass  # the client is gone, or speaks no TLS
        finally:
            connection.close()

    def _encrypted(self, connection: socket.socket) -> socket.socket:
        encrypted = self._context.wrap_socket(connection, server_side=True)
        self._open.append(encrypted)
        return encrypted

    def _is_start_tls(self, message: bytes) -> bool:
        operation = _parts(message)[1]
        return operation[0] == _EXTENDED and _START_TLS in operation[1]

    def _reply(self, connection: socket.socket, message: bytes, number: int) -> bool:
        parts = _parts(message)
        tag, content = parts[1]
        self.operations.append(tag)
        if tag == _BIND:
            fields = _parts(content)
            self.binds.append((fields[1][1].decode(), fields[2][1]))
            connection.sendall(
                _result(_number_of(message), 0x61, self.bind_code, self.bind_message)
            )
            return True
        if tag != _SEARCH:
            return False
        question = _question(parts, number)
        if question.base == "":
            connection.sendall(entry(question, "", self.root) + done(question))
            return True
        self.questions.append(question)
        for piece in self.answer(question) or (HANG_UP,):
            if piece == HANG_UP:
                return False
            connection.sendall(piece)
        return True


def entry(question: Question, dn: str, attributes: Mapping[str, list[bytes]]) -> bytes:
    """A SearchResultEntry."""
    listed = b"".join(
        _tlv(
            0x30,
            _tlv(0x04, name.encode()) + _tlv(0x31, b"".join(_tlv(0x04, v) for v in values)),
        )
        for name, values in attributes.items()
    )
    content = _tlv(0x04, dn.encode()) + _tlv(0x30, listed)
    return _message(question.number, _tlv(0x64, content))


def reference(question: Question, url: str) -> bytes:
    """A SearchResultReference, which names another server for a part of the tree."""
    return _message(question.number, _tlv(0x73, _tlv(0x04, url.encode())))


def done(
    question: Question,
    code: int = 0,
    message: str = "",
    *,
    cookie: bytes | None = None,
    referrals: Iterable[str] = (),
) -> bytes:
    """A SearchResultDone; with a cookie, even an empty one, the control for pages comes along."""
    controls = b""
    if cookie is not None:
        value = _tlv(0x30, _tlv(0x02, b"\x00") + _tlv(0x04, cookie))
        controls = _tlv(0xA0, _tlv(0x30, _tlv(0x04, _PAGED_RESULTS) + _tlv(0x04, value)))
    return _result(question.number, 0x65, code, message, referrals, controls)


def notice_of_disconnection() -> bytes:
    """What a server says unasked before it hangs up (RFC 4511, 4.4.1)."""
    content = _body(52, "shutting down") + _tlv(0x8A, _DISCONNECTION)
    return _message(0, _tlv(0x78, content))


def users(question: Question, page: int, count: int = 10) -> bytes:
    """Entries of one page, each with a name of its own."""
    return b"".join(
        entry(question, f"CN=u{page}-{at},{BASE}", {"cn": [f"u{page}-{at}".encode()]})
        for at in range(count)
    )


def _result(
    number: int,
    tag: int,
    code: int,
    message: str = "",
    referrals: Iterable[str] = (),
    controls: bytes = b"",
) -> bytes:
    referred = b"".join(_tlv(0x04, url.encode()) for url in referrals)
    content = _body(code, message) + (_tlv(0xA3, referred) if referred else b"")
    return _message(number, _tlv(tag, content), controls)


def _body(code: int, message: str) -> bytes:
    return _tlv(0x0A, bytes([code])) + _tlv(0x04, b"") + _tlv(0x04, message.encode())


def _message(number: int, operation: bytes, controls: bytes = b"") -> bytes:
    size = (number.bit_length() // 8) + 1
    return _tlv(0x30, _tlv(0x02, number.to_bytes(size, "big")) + operation + controls)


def _tlv(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + content


def _read_message(connection: socket.socket) -> bytes | None:
    """Content of the next message; None where the client is gone, or says goodbye in TLS."""
    head = _read(connection, 2)
    if head is None or head[0] != _SEQUENCE:
        return None
    length = head[1]
    if length > 0x7F:
        size = _read(connection, length & 0x7F)
        length = int.from_bytes(size or b"", "big")
    return _read(connection, length)


def _read(connection: socket.socket, count: int) -> bytes | None:
    found = b""
    while len(found) < count:
        piece = connection.recv(count - len(found))
        if not piece:
            return None
        found += piece
    return found


def _parts(content: bytes) -> list[tuple[int, bytes]]:
    """Tags and contents side by side."""
    found = []
    at = 0
    while at < len(content):
        tag, length = content[at], content[at + 1]
        at += 2
        if length > 0x7F:
            size = length & 0x7F
            length = int.from_bytes(content[at : at + size], "big")
            at += size
        found.append((tag, content[at : at + length]))
        at += length
    return found


def _number_of(message: bytes) -> int:
    return int.from_bytes(_parts(message)[0][1], "big")


def _question(parts: list[tuple[int, bytes]], connection: int) -> Question:
    fields = _parts(parts[1][1])
    cookie = None
    for _, control in _parts(parts[2][1]) if len(parts) > 2 else ():
        pieces = _parts(control)
        if pieces[0][1] == _PAGED_RESULTS:
            cookie = _parts(_parts(pieces[-1][1])[0][1])[1][1]
    return Question(
        number=int.from_bytes(parts[0][1], "big"),
        base=fields[0][1].decode(),
        attributes=tuple(name.decode() for _, name in _parts(fields[7][1])),
        cookie=cookie,
        connection=connection,
    )
