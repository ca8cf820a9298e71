"""Exchange Online over the admin endpoint of its PowerShell module: read cmdlets, their objects.

`POST /adminapi/beta/{tenant}/InvokeCommand` runs one cmdlet and answers in JSON. Microsoft does
not document it; facts are those that public tools have met. Nothing but the cmdlets in
READ_CMDLETS leaves this program. A tenant where the endpoint is refused can export the same
cmdlets from an Exchange Online PowerShell window instead.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Generator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from auditor.errors import AnswerCutShort, SourceError, UnexpectedAnswer
from auditor.sources.clixml import PsObject
from auditor.sources.exchange_online_answers import (
    RESULT_SIZE,
    Page,
    cmdlets_in,
    noted,
    object_of,
    read_page,
)
from auditor.sources.exchange_online_faults import EXPORT, Fault, refused
from auditor.sources.exchange_online_records import (
    USUAL_LIMITS,
    Answer,
    Limits,
    Request,
    refuse_what_cannot_be_asked,
)

if TYPE_CHECKING:
    import httpx

    from auditor.sources.cloud_sign_in import Cloud, TokenCredential
    from auditor.sources.exchange_online_transport import AdminConnection

Parameters = Mapping[str, str | bool]

READ_CMDLETS = frozenset(
    {
        "Get-AcceptedDomain",
        "Get-ActiveSyncDeviceAccessRule",
        "Get-ActiveSyncOrganizationSettings",
        "Get-CASMailbox",
        "Get-CASMailboxPlan",
        "Get-MailboxPlan",
        "Get-MigrationEndpoint",
        "Get-MobileDevice",
        "Get-MobileDeviceMailboxPolicy",
        "Get-OrganizationConfig",
        "Get-OrganizationRelationship",
        "Get-Recipient",
    }
)
"""The cmdlets that leave this program; each only reads (Exchange cmdlet reference)."""

DEFAULT_RESULT_SIZE = 1000
"""Objects after which a cmdlet stops unless it is asked with a ResultSize."""

MODULE_VERSION = "3.9.2"
"""Of the PowerShell module that the preflight names; lists differ between versions."""

MAX_PAGES = 20_000
"""Pages of one answer: two million objects, should the service agree to no more than 100 a page."""

MAX_EMPTY_PAGES = 100
"""Empty pages one after the other before an answer counts as endless."""

_SYSTEM_MAILBOX = "SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}"
_PARAMETER = re.compile(r"[A-Z][A-Za-z0-9]{0,60}")
_NOTHING = frozenset({"", "$null"})


class ExchangeOnline:
    """The admin endpoint of one tenant, for the thread that made it; a context manager.

    `anchor`: the user principal name of whoever signed in (device code, Azure CLI), which the
    service routes by; None for an application, which is routed by a mailbox that every tenant has.
    `warnings` holds what the service said beside the answer to the latest `stream`, `preflight`
    why `readable_cmdlets` knows nothing, '' where it does. Raises InputRefused for an address, a
    tenant or an anchor that cannot be asked.
    """

    def __init__(
        self,
        cloud: Cloud,
        tenant_id: str,
        credential: TokenCredential,
        *,
        anchor: str | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        limits: Limits = USUAL_LIMITS,
    ) -> None:
        self._base = cloud.exchange_url.rstrip("/")
        refuse_what_cannot_be_asked(self._base, tenant_id, anchor)
        self._tenant_id = tenant_id
        self._credential = credential
        self._anchor = anchor
        self._transport = transport
        self._sleep = sleep
        self._limits = limits
        self._connection: AdminConnection | None = None
        self._readable: frozenset[str] | None = None
        self.warnings: list[str] = []
        self.preflight = ""

    def __repr__(self) -> str:
        return f"ExchangeOnline({self.host!r}, tenant {self._tenant_id!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def connect(self) -> AdminConnection:
        """Makes the connection ready, which the first question would do.

        Raises InputRefused where proxy or certificates of the environment cannot be used.
        """
        # httpx takes a fifth of a second to import, which a command that never connects would pay
        from auditor.sources.exchange_online_transport import AdminConnection

        if self._connection is None:
            self._connection = AdminConnection(
                self._base,
                self._credential,
                transport=self._transport,
                sleep=self._sleep,
                limits=self._limits,
            )
        return self._connection

    def close(self) -> None:
        """Closes the connection; a later `stream` opens it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @property
    def host(self) -> str:
        """The host of the cloud, such as outlook.office365.com, with a port that is not usual."""
        return urlsplit(self._base).netloc

    def readable_cmdlets(self) -> frozenset[str] | None:
        """Those of READ_CMDLETS that the service lists for this sign-in.

        None where it gives no list, or none with any of them: then nothing is concluded, and
        `preflight` says why. What is not in the list may be tried all the same. Raises what the
        credential raises.
        """
        url = f"{self._base}/adminapi/v1.0/{self._tenant_id}/EXOModuleFile?Version={MODULE_VERSION}"
        place = f"The list of cmdlets on {self.host}"
        # `CommandName: *` asks for all that the roles of the sign-in contain
        headers = {**self._headers(), "CommandName": "*"}
        answer = self.connect().ask(Request(place, "GET", url, headers))
        self._readable = None
        if not isinstance(answer, Fault) and answer.status != 200:
            answer = self._refused(answer, "")
        if isinstance(answer, Fault):
            self.preflight = str(answer.error(place))
            return None
        self._readable = cmdlets_in(answer.body, READ_CMDLETS)
        self.preflight = "" if self._readable else f"{place} names none that this program runs."
        return self._readable

    def stream(
        self, cmdlet: str, parameters: Parameters | None = None
    ) -> Generator[PsObject, None, None]:
        """The objects of one cmdlet, page by page; never more than one page is held.

        Raises ValueError at once for a cmdlet that is not in READ_CMDLETS, and for an Identity
        that holds nothing: the service answers that with every object there is. Later it raises
        AccessDenied, CommandUnsupported, SourceUnreachable and UnexpectedAnswer instead of the
        first object; AnswerCutShort after the last where a further page failed, where the service
        warned about ResultSize, or where it gave exactly DEFAULT_RESULT_SIZE objects without
        having been asked for more; and UnexpectedAnswer for an object that makes no sense.
        """
        asked = dict(parameters or {})
        _refuse_all_but_reading(cmdlet, asked)
        return self._objects(cmdlet, asked)

    def _objects(
        self, cmdlet: str, parameters: dict[str, str | bool]
    ) -> Generator[PsObject, None, None]:
        self.warnings = []
        place = f"{cmdlet} on {self.host}"
        url = f"{self._base}/adminapi/beta/{self._tenant_id}/InvokeCommand"
        asked = {"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}}
        content = json.dumps(asked).encode("ascii")
        count = empty = 0
        seen: set[str] = set()
        while url:
            seen.add(url)
            try:
                found = self._page(cmdlet, url, content, len(seen))
            except SourceError as refusal:  # of the credential
                if len(seen) == 1:
                    raise
                raise AnswerCutShort(
                    f"{place} gave {count} objects, and then the sign-in ended: {refusal}"
                ) from None
            if isinstance(found, Fault):
                raise found.error(place) if len(seen) == 1 else found.cut_short(place, count)
            page, url = found
            self.warnings = noted([*self.warnings, *page.warnings])
            empty = 0 if page.rows else empty + 1
            for row in page.rows:
                count += 1
                yield object_of(row, f"object {count} of {cmdlet}")
            fault = page.fault or _next_page(url, seen, empty, wanted=bool(page.next_link))
            if fault is not None:
                raise fault.cut_short(place, count)
        if shortcoming := _shortcoming(place, count, parameters, self.warnings):
            raise shortcoming

    def _page(self, cmdlet: str, url: str, content: bytes, number: int) -> tuple[Page, str] | Fault:
        """One page, and where the next one is: '' where there is none, or none to be asked."""
        headers = {
            **self._headers(),
            "Content-Type": "application/json; charset=utf-8",
            "X-CmdletName": cmdlet,
            "Prefer": f"odata.maxpagesize={self._limits.page}",
        }
        name = f"{cmdlet}, page {number}"
        connection = self.connect()
        answer = connection.ask(Request(name, "POST", url, headers, content))
        if isinstance(answer, Fault):
            return answer
        if answer.status != 200:
            return self._refused(answer, cmdlet)
        page = read_page(answer.body, delegated=self._anchor is not None)
        if isinstance(page, Fault):
            return page
        link = connection.leads_to(answer.url, page.next_link) if page.next_link else ""
        return page, link if urlsplit(link).path.endswith("/InvokeCommand") else ""

    def _refused(self, answer: Answer, cmdlet: str) -> Fault:
        delegated = self._anchor is not None
        return refused(answer, cmdlet, self._readable, delegated=delegated)

    def _headers(self) -> dict[str, str]:
        application = f"APP:{_SYSTEM_MAILBOX}@{self._tenant_id}"
        return {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "X-ResponseFormat": "json",
            "X-SerializationLevel": "Partial",
            "X-AnchorMailbox": f"UPN:{self._anchor}" if self._anchor else application,
        }


def _next_page(url: str, seen: set[str], empty: int, *, wanted: bool) -> Fault | None:
    """Why the next page is not asked for, although the service says that there is one."""
    if not wanted:
        return None
    advice = f"collect it again, or {EXPORT}"
    if not url:
        what = "is elsewhere, where the token must not go"
        advice = f"check the cloud, or {EXPORT}"
    elif url in seen:
        what = "is a page that was already read"
    elif empty > MAX_EMPTY_PAGES:
        what = "is one empty page after the other"
    elif len(seen) >= MAX_PAGES:
        what = f"is more than {MAX_PAGES} pages"
    else:
        return None
    return Fault(UnexpectedAnswer, what, advice)


def _shortcoming(
    place: str, count: int, parameters: Parameters, warnings: list[str]
) -> SourceError | None:
    """Why an answer that ended well need not be whole; None where it is."""
    for warning in warnings:
        if RESULT_SIZE in warning:
            return AnswerCutShort(
                f"{place} gave {count} objects and a warning ({warning}), so there may be more; "
                f"{EXPORT}."
            )
    if count == DEFAULT_RESULT_SIZE and RESULT_SIZE not in parameters:
        return AnswerCutShort(
            f"{place} gave exactly {count} objects, where Exchange stops unless told otherwise; "
            "see whether there are more."
        )
    return None


def _refuse_all_but_reading(cmdlet: str, parameters: Mapping[str, object]) -> None:
    """Raises ValueError for anything but one cmdlet of the list with plain values."""
    if cmdlet not in READ_CMDLETS:
        raise ValueError(f"{cmdlet!r:.80} is not among the cmdlets that may be run")
    for name, value in parameters.items():
        if not _PARAMETER.fullmatch(name) or not isinstance(value, str | bool):
            raise ValueError(f"{name!r:.80} of {cmdlet} is no parameter with a plain value")
        if isinstance(value, str) and value.strip().lower() in _NOTHING:
            raise ValueError(f"{name} of {cmdlet} holds nothing, which would ask for everything")
