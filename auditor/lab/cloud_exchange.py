"""The admin endpoint of Exchange Online in the lab: one command a request, in pages.

The endpoint is not documented. What is here is what public tools have met: the shape of rows and
errors, paging by repeating the request at another address, and the refusal of an unknown command
as NUL bytes that claim to be gzip.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from auditor.lab.cloud_faults import CloudFault, Outage
from auditor.lab.cloud_grants import MANAGE_AS_APP, Grants
from auditor.lab.cloud_messages import (
    FIRST_PAGE,
    FOREIGN_HOST,
    Answer,
    Refused,
    Request,
    Token,
    exchange_error,
    packed,
    token_of,
)
from auditor.lab.organization import TENANT_DOMAIN, Organization
from auditor.lab.tenant import CMDLETS, tenant_id
from auditor.lab.tenant_rows import Row, Rows, rows_of

EXCHANGE_ROOT = "/adminapi/"
_LARGEST_PAGE = 1_000
_USUAL_RESULT = 1_000
_LIMITED = frozenset({"Get-Recipient", "Get-CASMailbox", "Get-MobileDevice"})
"""Commands that stop at a number of objects, and take ResultSize."""

_MORE_RESULTS = (
    "There are more results available than are currently displayed. To view them, increase the "
    "value for the ResultSize parameter."
)
EXPIRED = "Expired or Invalid pagination request. Default Expiry time is 00:30:00"
_UNSUPPORTED_ROLE = (
    "The role assigned to application isn't supported in this scenario. Please check online "
    "documentation for assigning correct Directory Roles to Azure AD Application for EXO App-Only "
    "Authentication."
)
_UNKNOWN_VALUES = {
    "Get-Recipient": ("RecipientTypeDetails", "HologramMailbox"),
    "Get-ActiveSyncOrganizationSettings": ("DefaultAccessLevel", "Inspect"),
    "Get-ActiveSyncDeviceAccessRule": ("AccessLevel", "Inspect"),
    "Get-MobileDevice": ("DeviceAccessState", "Inspected"),
    "Get-AcceptedDomain": ("DomainType", "Quantum"),
    "Get-MigrationEndpoint": ("EndpointType", "Teleport"),
}


@dataclass(frozen=True)
class _Asked:
    """A command, its parameters, and a few letters that tell this body from another."""

    cmdlet: str
    parameters: dict[str, object]
    digest: str


@dataclass(frozen=True)
class ExchangeService:
    """Exchange Online of one organisation, as one application sees it."""

    organization: Organization
    grants: Grants

    def place_of(self, request: Request) -> tuple[str, int]:
        """The command, or the last part of the path, and the number of the page."""
        token = _token(request)[0]
        asked = _asked(request)
        name = asked.cmdlet if asked is not None else request.path.rpartition("/")[2]
        return name, token.number if token is not None else 1

    def answer(self, request: Request, fault: CloudFault | None) -> Answer:
        """The answer to one request that carries a good token. Raises Refused."""
        parts = request.path.removeprefix(EXCHANGE_ROOT).split("/")
        tenants = {tenant_id(self.organization), TENANT_DOMAIN}
        if len(parts) != 3 or parts[1].lower() not in tenants:
            raise Refused(exchange_error(404, "NotFound", "No HTTP resource was found."))
        self._signed_in()
        match request.method, parts[0], parts[2]:
            case "GET", "v1.0", "EXOModuleFile":
                return self._module()
            case "POST", "beta", "InvokeCommand":
                return self._invoked(request, fault)
            case _, "v1.0", "EXOModuleFile":
                raise Refused(_not_allowed("GET"))
            case _, "beta", "InvokeCommand":
                raise Refused(_not_allowed("POST"))
        raise Refused(exchange_error(404, "NotFound", "No HTTP resource was found."))

    def _signed_in(self) -> None:
        application = MANAGE_AS_APP in self.grants.exchange
        if not application and not self.grants.cmdlets:
            raise Refused(Answer(401, b"", {"WWW-Authenticate": 'Bearer error="invalid_token"'}))
        if not (application and self.grants.cmdlets):
            raise Refused(exchange_error(403, "Forbidden", _UNSUPPORTED_ROLE))

    def _module(self) -> Answer:
        """What the PowerShell module loads: one function for each command of the roles."""
        text = "\n".join(
            f"function {cmdlet}\n{{\n    [CmdletBinding()] param()\n}}"
            for cmdlet in sorted(self.grants.cmdlets)
        )
        files = [{"FileName": "lab.psm1", "Content": base64.b64encode(text.encode()).decode()}]
        return Answer(200, packed({"value": files}), {"Content-Type": "application/json"})

    def _invoked(self, request: Request, fault: CloudFault | None) -> Answer:
        asked = _asked(request)
        if asked is None:
            raise Refused(exchange_error(400, "BadRequest", "Invalid CmdletInput."))
        if asked.cmdlet not in self.grants.cmdlets:
            raise Refused(Answer(403, b"\0" * 4096, {"Content-Encoding": "gzip"}))
        token, digest = _token(request)
        if token is None or digest not in {"", asked.digest}:
            raise Refused(exchange_error(400, "BadRequest", EXPIRED))
        rows, warnings = self._result(asked)
        what = fault.what if fault is not None else None
        if what is Outage.EMPTY_PAGE:
            found: list[Row] = []
            following: Token | None = Token(token.mark, token.number + 1)
        else:
            found, mark = rows.page(token.mark, _page_size(request))
            following = Token(mark, token.number + 1) if mark is not None else None
        tenant = request.path.removeprefix(EXCHANGE_ROOT).split("/")[1]
        page: Row = {
            "@odata.context": f"{request.base}{EXCHANGE_ROOT}beta/{tenant}"
            "/$metadata#Collection(Exchange.GenericHashTable)",
            "adminapi.warnings@odata.type": "#Collection(String)",
            "@adminapi.warnings": warnings,
        }
        if link := _link(request, following, asked.digest, what):
            page["@odata.nextLink"] = link
        page["value"] = _struck(asked.cmdlet, found, fault)
        return Answer(200, packed(page), {"Content-Type": "application/json"})

    def _result(self, asked: _Asked) -> tuple[Rows, list[str]]:
        """The rows of a command as far as ResultSize goes, and the warning that there are more."""
        rows = _rows(self.organization, asked.cmdlet)
        allowed = {"ResultSize"} if asked.cmdlet in _LIMITED else set()
        if unknown := sorted(asked.parameters.keys() - allowed):
            message = f"A parameter cannot be found that matches parameter name '{unknown[0]}'."
            kind = "System.Management.Automation.ParameterBindingException"
            raise Refused(exchange_error(400, "BadRequest", message, kind))
        size = asked.parameters.get("ResultSize", _USUAL_RESULT)
        if asked.cmdlet not in _LIMITED or str(size).lower() == "unlimited":
            return rows, []
        if not str(size).isdecimal():
            message = f'Cannot convert value "{str(size)[:40]}" to type "Unlimited".'
            kind = "System.Management.Automation.ParameterBindingException"
            raise Refused(exchange_error(400, "BadRequest", message, kind))
        wanted = int(str(size))
        held = list(islice(rows, wanted + 1))
        return rows_of(held[:wanted]), [_MORE_RESULTS] if len(held) > wanted else []


@lru_cache(maxsize=32)
def _rows(organization: Organization, cmdlet: str) -> Rows:
    return CMDLETS[cmdlet](organization)


def _not_allowed(method: str) -> Answer:
    message = "The requested resource does not support this HTTP method."
    return exchange_error(405, "MethodNotAllowed", message, headers={"Allow": method})


def _asked(request: Request) -> _Asked | None:
    """The command in a body; None where there is none."""
    try:
        found = json.loads(request.body)["CmdletInput"]
        cmdlet, parameters = found["CmdletName"], found.get("Parameters") or {}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if not isinstance(cmdlet, str) or not isinstance(parameters, dict):
        return None
    # commands are found whatever their case
    name = next((known for known in CMDLETS if known.lower() == cmdlet.lower()), cmdlet)
    digest = hashlib.blake2b(request.body, digest_size=6).hexdigest()
    return _Asked(name, parameters, digest)


def _token(request: Request) -> tuple[Token | None, str]:
    """The page that a request is for, and the body it was given out with; None for nonsense."""
    text = request.options.get("$skiptoken")
    if text is None:
        return FIRST_PAGE, ""
    token, _, digest = text.partition("-")
    return token_of(token), digest or "none"


def _page_size(request: Request) -> int:
    """What `Prefer: odata.maxpagesize` asks for, within what the service gives."""
    for wish in request.headers.get("prefer", "").split(","):
        name, _, value = wish.strip().partition("=")
        if name.lower() == "odata.maxpagesize" and value.isdecimal():
            return max(1, min(int(value), _LARGEST_PAGE))
    return _LARGEST_PAGE


def _link(
    request: Request, following: Token | None, digest: str, what: Outage | None
) -> str | None:
    if what is Outage.REPEATED_LINK:
        return f"{request.base}{request.target}"
    if what is Outage.FOREIGN_LINK:
        return f"https://{FOREIGN_HOST}{request.path}?%24skiptoken=1.0.2-{digest}"
    if following is None:
        return None
    return f"{request.base}{request.path}?%24skiptoken={following}-{digest}"


def _struck(cmdlet: str, rows: Sequence[Row], fault: CloudFault | None) -> list[Row]:
    """The rows as a fault leaves them; notes about types stay."""
    if fault is not None and fault.what is Outage.UNKNOWN_VALUE and cmdlet in _UNKNOWN_VALUES:
        name, value = _UNKNOWN_VALUES[cmdlet]
        return [{**row, name: value} for row in rows]
    if fault is not None and fault.what is Outage.HIDDEN:
        return [
            {name: None if _hides(fault.properties, name) else value for name, value in row.items()}
            for row in rows
        ]
    return list(rows)


def _hides(properties: tuple[str, ...], name: str) -> bool:
    if "@" in name:
        return False
    return name in properties if properties else name != "Guid"
