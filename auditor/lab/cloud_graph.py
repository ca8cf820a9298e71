"""Microsoft Graph v1.0 of the lab's tenant: paths, query options, pages and refusals.

Shapes are those of Microsoft's pages "Use query parameters", "Paging" and "Error responses"; what
the service refuses, this refuses. A page holds `$top` rows or the usual number; the link to the
next one is made with the name that the client calls us by, since a proxy may stand in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from auditor.lab.cloud_faults import CloudFault, Outage
from auditor.lab.cloud_filter import NotUnderstood, filter_of, selected
from auditor.lab.cloud_grants import ENTRA_P1, SIGN_INS, Grants
from auditor.lab.cloud_messages import (
    FIRST_PAGE,
    FOREIGN_HOST,
    GRAPH_TYPE,
    Answer,
    Refused,
    Request,
    Token,
    graph_error,
    packed,
    token_of,
)
from auditor.lab.organization import Organization
from auditor.lab.tenant import SINGLES, collection
from auditor.lab.tenant_rows import Row, Rows, rows_of

VERSION = "/v1.0/"
_USUAL_PAGE = 100
_USUAL_PAGES = {
    "deviceManagement/managedDevices": 1_000,
    # no document tells; a report in pages of a hundred would be a thousand requests
    "reports/authenticationMethods/userRegistrationDetails": 1_000,
    SIGN_INS: 1_000,
}
_LARGEST_PAGE = 999
_LARGEST_PAGES = {SIGN_INS: 1_000}
_OPTIONS = frozenset({"$select", "$top", "$filter", "$skiptoken"})
_OF_USERS_WITHOUT_SELECT = (
    "businessPhones,displayName,givenName,jobTitle,mail,mobilePhone,officeLocation,"
    "preferredLanguage,surname,userPrincipalName,id"
)
"""What Graph gives of a user unless asked for more (documented: List users)."""

_UNKNOWN_VALUES = {
    "users": ("userType", "Agent"),
    "domains": ("authenticationType", "Brokered"),
    "subscribedSkus": ("capabilityStatus", "Paused"),
    "identity/conditionalAccess/policies": ("state", "enabledForPilot"),
    "oauth2PermissionGrants": ("consentType", "SomePrincipals"),
    "deviceManagement/managedDevices": ("complianceState", "quantumCompliant"),
    SIGN_INS: ("conditionalAccessStatus", "postponed"),
}
"""A property of each collection, and a value that its enumeration does not have today."""


@dataclass(frozen=True)
class GraphService:
    """Graph of one organisation, as one application sees it."""

    organization: Organization
    grants: Grants

    def place_of(self, request: Request) -> tuple[str, int]:
        """The path behind `/v1.0/` and the number of the page, by which faults strike."""
        token = token_of(request.options.get("$skiptoken", "")) or FIRST_PAGE
        return _inside(request.path), token.number

    def answer(self, request: Request, fault: CloudFault | None) -> Answer:
        """The answer to one request that carries a good token. Raises Refused."""
        path = _inside(request.path)
        if request.method != "GET":
            message = "Specified HTTP method is not allowed for the request target."
            raise Refused(graph_error(405, "Request_BadRequest", message, {"Allow": "GET"}))
        self._allowed(path)
        rows = _collection(self.organization, path)
        if rows is None and path not in SINGLES:
            raise Refused(_not_found(path))
        try:
            if rows is None:
                return _as_json(self._single(path, request, fault))
            return _as_json(self._page(path, rows, request, fault))
        except NotUnderstood as problem:
            raise Refused(graph_error(400, "Request_UnsupportedQuery", str(problem))) from None

    def _allowed(self, path: str) -> None:
        if not self.grants.allows(path):
            if path not in SINGLES and _collection(self.organization, path) is None:
                raise Refused(_not_found(path))
            message = "Insufficient privileges to complete the operation."
            raise Refused(graph_error(403, "Authorization_RequestDenied", message))
        licence = self.grants.lacks_licence(path)
        if licence == ENTRA_P1:
            code = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
            message = "Neither tenant is B2C or tenant doesn't have premium license"
            raise Refused(graph_error(403, code, message))
        if licence:
            message = "Request not applicable to target tenant."
            raise Refused(graph_error(400, "BadRequest", message))

    def _single(self, path: str, request: Request, fault: CloudFault | None) -> Row:
        row = SINGLES[path](self.organization)
        (shown,) = _struck(path, [row], fault)
        if select := request.options.get("$select"):
            (shown,) = selected([shown], select)
        return {"@odata.context": f"{request.base}{VERSION}$metadata#{path}/$entity", **shown}

    def _page(self, path: str, rows: Rows, request: Request, fault: CloudFault | None) -> Row:
        options = request.options
        unknown = {name for name in options if name.startswith("$")} - _OPTIONS
        if unknown:
            raise NotUnderstood(f"Query option '{min(unknown)}' is not supported.")
        top = _top(path, options.get("$top"))
        if wanted := options.get("$filter"):
            test = filter_of(path, wanted)
            rows = rows_of([row for row in rows if test(row)])
        token = _token(options.get("$skiptoken"))
        what = fault.what if fault is not None else None
        if what is Outage.EMPTY_PAGE:
            following: Token | None = Token(token.mark, token.number + 1)
            found: list[Row] = []
        else:
            found, mark = rows.page(token.mark, top)
            if path == SIGN_INS and not self.grants.shows_policies:
                found = [{**row, "appliedConditionalAccessPolicies": []} for row in found]
            following = Token(mark, token.number + 1) if mark is not None else None
        select = options.get("$select") or (_OF_USERS_WITHOUT_SELECT if path == "users" else "")
        found = _struck(path, found, fault)
        shown = selected(found, select) if select else found
        columns = f"({select})" if select else ""
        page: Row = {"@odata.context": f"{request.base}{VERSION}$metadata#{path}{columns}"}
        if link := _link(request, token, following, what):
            page["@odata.nextLink"] = link
        return {**page, "value": shown}


def _inside(path: str) -> str:
    return path.removeprefix(VERSION).strip("/") if path.startswith(VERSION) else ""


@lru_cache(maxsize=64)
def _collection(organization: Organization, path: str) -> Rows | None:
    return collection(organization, path)


def _not_found(path: str) -> Answer:
    if path.endswith(("/federationConfiguration", "/appRoleAssignedTo")):
        name = path.split("/")[1]
        message = (
            f"Resource '{name}' does not exist or one of its queried reference-property objects "
            "are not present."
        )
        return graph_error(404, "Request_ResourceNotFound", message)
    segment = path.split("/", maxsplit=1)[0]
    return graph_error(404, "BadRequest", f"Resource not found for the segment '{segment}'.")


def _top(path: str, text: str | None) -> int:
    if text is None:
        return _USUAL_PAGES.get(path, _USUAL_PAGE)
    largest = _LARGEST_PAGES.get(path, _LARGEST_PAGE)
    if not text.isdecimal() or not 1 <= int(text) <= largest:
        message = (
            f"Invalid page size specified: '{text[:20]}'. Must be between 1 and {largest} "
            "inclusive."
        )
        raise Refused(graph_error(400, "Request_BadRequest", message))
    return int(text)


def _token(text: str | None) -> Token:
    if text is None:
        return FIRST_PAGE
    token = token_of(text)
    if token is None:
        message = "The specified page token value has expired and can no longer be included."
        raise Refused(graph_error(400, "Directory_ExpiredPageToken", message))
    return token


def _link(
    request: Request, token: Token, following: Token | None, what: Outage | None
) -> str | None:
    """The link to the next page, with the options of this request."""
    if what is Outage.REPEATED_LINK:
        return f"{request.base}{request.target}"
    if following is None and what is not Outage.FOREIGN_LINK:
        return None
    base = f"https://{FOREIGN_HOST}" if what is Outage.FOREIGN_LINK else request.base
    options = {**request.options, "$skiptoken": str(following or token)}
    query = "&".join(f"{name}={quote(value, safe='$,:')}" for name, value in options.items())
    return f"{base}{request.path}?{query}"


def _struck(path: str, rows: list[Row], fault: CloudFault | None) -> list[Row]:
    """The rows as a fault leaves them."""
    if fault is None:
        return rows
    if fault.what is Outage.UNKNOWN_VALUE and path in _UNKNOWN_VALUES:
        name, value = _UNKNOWN_VALUES[path]
        return [{**row, name: value} for row in rows]
    if fault.what is Outage.HIDDEN:
        return [
            {name: None if _hides(fault.properties, name) else value for name, value in row.items()}
            for row in rows
        ]
    return rows


def _hides(properties: tuple[str, ...], name: str) -> bool:
    return name in properties if properties else name != "id"


def _as_json(document: Row) -> Answer:
    return Answer(200, packed(document), {"Content-Type": GRAPH_TYPE, "OData-Version": "4.0"})
