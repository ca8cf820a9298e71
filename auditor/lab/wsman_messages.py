"""Envelopes of WS-Management as the lab's endpoint reads and writes them ([MS-WSMV] 2.2, 3.1)."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

_NAMESPACES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "rsp": "http://schemas.microsoft.com/wbem/wsman/1/windows/shell",
    "x": "http://schemas.microsoft.com/powershell",
}
_DECLARATIONS = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in _NAMESPACES.items())
_ANONYMOUS = f"{_NAMESPACES['a']}/role/anonymous"
_FAULT_ACTION = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
_TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
_FAULT_DETAIL = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
_STREAM_BYTES = 32_768
_DURATION = re.compile(r"PT(\d{1,6}(?:\.\d{1,6})?)S")


class WsmanFault(Exception):
    """A fault that answers a request: code of Windows, subcode of WS-Management, text."""

    def __init__(self, code: int, text: str, subcode: str = "w:InternalError") -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.subcode = subcode


@dataclass(frozen=True)
class Request:
    """One request of a client."""

    action: str
    message_id: str
    resource: str
    shell_id: str
    timeout: float
    body: etree._Element

    @property
    def operation(self) -> str:
        """Last part of the action, such as `Receive`."""
        return self.action.rpartition("/")[2]

    def text(self, path: str) -> str:
        """The text of an element of the body, '' without it."""
        return self.body.findtext(path, "", _NAMESPACES)

    def decoded(self, path: str) -> bytes:
        """The bytes of all elements of this path, one after the other."""
        found = self.body.iterfind(path, _NAMESPACES)
        return b"".join(base64.b64decode(element.text or "") for element in found)

    def attribute(self, path: str, name: str) -> str:
        """An attribute of an element of the body, '' without it."""
        found = self.body.find(path, _NAMESPACES)
        return "" if found is None else found.get(name, "")


def read_request(envelope: bytes) -> Request:
    """The request in an envelope; raises ValueError for what is none."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    root = etree.fromstring(envelope, parser)
    header, body = (root.find(f"s:{part}", _NAMESPACES) for part in ("Header", "Body"))
    if header is None or body is None:
        raise ValueError("no envelope")

    def text(path: str) -> str:
        return header.findtext(path, "", _NAMESPACES)

    duration = _DURATION.fullmatch(text("w:OperationTimeout"))
    return Request(
        action=text("a:Action"),
        message_id=text("a:MessageID"),
        resource=text("w:ResourceURI"),
        shell_id=text("w:SelectorSet/w:Selector[@Name='ShellId']").upper(),
        timeout=float(duration[1]) if duration else 20.0,
        body=body,
    )


def answer(request: Request, body: str) -> bytes:
    """The envelope that answers a request."""
    return _envelope(f"{request.action}Response", request.message_id, body)


def fault(request: Request, found: WsmanFault, machine: str) -> bytes:
    """The envelope of a fault."""
    text = escape(found.text)
    return _envelope(
        _FAULT_ACTION,
        request.message_id,
        f"<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>{found.subcode}"
        f'</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en-US">{text}</s:Text>'
        f'</s:Reason><s:Detail><f:WSManFault xmlns:f="{_FAULT_DETAIL}" Code="{found.code}" '
        f"Machine={quoteattr(machine)}><f:Message>{text}</f:Message></f:WSManFault></s:Detail>"
        "</s:Fault>",
    )


def _envelope(action: str, relates_to: str, body: str) -> bytes:
    return (
        f'<s:Envelope xml:lang="en-US" {_DECLARATIONS}><s:Header><a:Action>{escape(action)}'
        f"</a:Action><a:MessageID>uuid:{str(uuid.uuid4()).upper()}</a:MessageID>"
        f"<a:To>{_ANONYMOUS}</a:To><a:RelatesTo>{escape(relates_to)}</a:RelatesTo></s:Header>"
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def created(shell_id: str, resource: str, owner: str, url: str) -> str:
    """The body that answers Create."""
    uri = escape(resource)
    return (
        f'<t:ResourceCreated xmlns:t="{_TRANSFER}"><a:Address>{escape(url)}</a:Address>'
        f"<a:ReferenceParameters><w:ResourceURI>{uri}</w:ResourceURI><w:SelectorSet>"
        f'<w:Selector Name="ShellId">{shell_id}</w:Selector></w:SelectorSet>'
        f"</a:ReferenceParameters></t:ResourceCreated><rsp:Shell><rsp:ShellId>{shell_id}"
        f"</rsp:ShellId><rsp:ResourceUri>{uri}</rsp:ResourceUri><rsp:Owner>{escape(owner)}"
        "</rsp:Owner><rsp:InputStreams>stdin pr</rsp:InputStreams><rsp:OutputStreams>stdout"
        "</rsp:OutputStreams><rsp:ShellRunTime>P0DT0H0M0S</rsp:ShellRunTime><rsp:ShellInactivity>"
        "P0DT0H0M0S</rsp:ShellInactivity></rsp:Shell>"
    )


def command_accepted(command_id: str) -> str:
    """The body that answers Command."""
    return f"<rsp:CommandResponse><rsp:CommandId>{command_id}</rsp:CommandId></rsp:CommandResponse>"


def received(command_id: str, pieces: Iterable[bytes], *, done: bool) -> str:
    """The body that answers Receive; `command_id` is '' for the shell itself.

    A Stream element holds fragments up to the size in which Windows sends them.
    """
    named = f' CommandId="{command_id}"' if command_id else ""
    streams = "".join(
        f'<rsp:Stream Name="stdout"{named}>{base64.b64encode(piece).decode()}</rsp:Stream>'
        for piece in _joined(pieces)
    )
    state = ""
    if done and command_id:
        state = f'<rsp:CommandState{named} State="{_NAMESPACES["rsp"]}/CommandState/Done"/>'
    return f"<rsp:ReceiveResponse>{streams}{state}</rsp:ReceiveResponse>"


def _joined(pieces: Iterable[bytes]) -> Iterator[bytes]:
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= _STREAM_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


TIMED_OUT = WsmanFault(
    2150858793,
    "The WS-Management service cannot complete the operation within the time specified in "
    "OperationTimeout.",
    "w:TimedOut",
)
THROTTLED = WsmanFault(
    2150859173,
    "The WS-Management service cannot process the request. This user is allowed a maximum number "
    "of 18 concurrent shells, which has been exceeded.",
    "w:QuotaLimit",
)
ACCESS_DENIED = WsmanFault(5, "Access is denied.", "w:AccessDenied")
SHELL_GONE = WsmanFault(
    2150858843,
    "The request for the Windows Remote Shell failed because the shell was not found on the "
    "server.",
    "w:InvalidSelectors",
)
NOT_IN_CATALOG = WsmanFault(
    2150858811,
    "The WS-Management service cannot process the request. The resource URI was not found in the "
    "WS-Management catalog.",
    "a:DestinationUnreachable",
)
UNSUPPORTED = WsmanFault(
    2150858778, "The specified action is not supported.", "a:ActionNotSupported"
)
