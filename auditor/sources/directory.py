"""Active Directory over LDAP: searches that are complete, or say that they are not.

A search is read in pages (RFC 2696). A page without the control, a result other than success or a
wire that breaks raises, after the entries that came were handed out. Values beyond what a server
gives at once (MaxValRange) are fetched. Referrals are never followed, since they would be shown
the password. Values are bytes; whoever knows the attribute decodes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self

import ldap3
from ldap3.core.exceptions import LDAPException

from auditor.errors import AnswerCutShort, SourceUnreachable, UnexpectedAnswer
from auditor.sources.directory_connection import (
    DirectorySettings,
    close,
    open_connection,
)
from auditor.sources.directory_entry import AttributeNames, Entry, MalformedMessage
from auditor.sources.directory_failures import NO_SUCH_OBJECT, SUCCESS, quoted, search_failed
from auditor.sources.directory_root import ROOT_ATTRIBUTES, RootDse, root_dse
from auditor.sources.directory_strategy import stock_entries

__all__ = ["Directory", "DirectorySettings", "Entry", "RootDse", "Scope", "filter_value"]

Scope = Literal["base", "level", "subtree"]

SECURITY_DESCRIPTOR = "nTSecurityDescriptor"

_SCOPES: dict[Scope, Any] = {"base": ldap3.BASE, "level": ldap3.LEVEL, "subtree": ldap3.SUBTREE}
_ANYTHING = "(objectClass=*)"
_PAGED_RESULTS = "1.2.840.113556.1.4.319"
_DOMAIN_SCOPE = ("1.2.840.113556.1.4.1339", False, None)
"""Asks for no references to other domains ([MS-ADTS] 3.1.1.3.4.1.14)."""

_DACL_ONLY = ("1.2.840.113556.1.4.801", False, b"\x30\x03\x02\x01\x04")
"""LDAP_SERVER_SD_FLAGS with DACL_SECURITY_INFORMATION ([MS-ADTS] 3.1.1.3.4.1.11)."""

_RANGE = re.compile(r"(?P<name>[^;]+);range=(?P<low>\d{1,9})-(?P<high>\d{1,9}|\*)", re.IGNORECASE)
_EMPTY_PAGES = 1_000
"""Pages without an entry in a row after which a server is taken to go round in circles."""


@dataclass(frozen=True)
class _Question:
    """A search as it goes over the wire."""

    base: str
    condition: str
    attributes: list[str]
    scope: Scope
    controls: list[Any]


def filter_value(text: str) -> str:
    """Text as a value of a filter (RFC 4515, section 3)."""
    return re.sub(r"[\\*()\x00]", lambda found: f"\\{ord(found[0]):02x}", text)


class Directory:
    """A connection to one domain controller; use it as a context manager.

    Opening raises InputRefused, SourceUnreachable or AccessDenied, see `open_connection`, and
    UnexpectedAnswer where the server is no domain controller.
    """

    def __init__(self, settings: DirectorySettings) -> None:
        self._settings = settings
        self._open()
        with ExitStack() as undo:
            undo.callback(self.close)
            self.root_dse = self._read_root_dse()
            undo.pop_all()

    @property
    def server(self) -> str:
        """Host and port."""
        return self._settings.server

    @property
    def account(self) -> str:
        """The account that reads, by the name the server gives it where it gives one."""
        return self.root_dse.principal_name or self._settings.account

    def search(
        self,
        base: str,
        condition: str,
        attributes: Sequence[str],
        scope: Scope = "subtree",
        *,
        security_descriptors: bool = False,
    ) -> Iterator[Entry]:
        """Every object at or below `base` that meets the filter `condition`.

        With `security_descriptors` each object carries the access list of its nTSecurityDescriptor
        as far as the account may read it. Raises what `search_failed` tells, AnswerCutShort for a
        page that may not be the last and for a broken wire, UnexpectedAnswer for bytes that are
        no LDAP.
        """
        question = _Question(
            base,
            condition,
            [*attributes, *([SECURITY_DESCRIPTOR] if security_descriptors else [])],
            scope,
            [_DOMAIN_SCOPE, *([_DACL_ONLY] if security_descriptors else [])],
        )
        names = AttributeNames(question.attributes)
        ranged: list[Entry] = []
        for page in self._pages(question, names):
            if names.with_options:
                whole = [e for e in page if not any(";" in name for name in e.attributes)]
                ranged += [e for e in page if any(";" in name for name in e.attributes)]
                yield from whole
            else:
                yield from page
        # not between two pages: a server keeps its place in the answer per connection
        for entry in ranged:
            yield self._completed(entry)

    def read(
        self, dn: str, attributes: Sequence[str], *, security_descriptors: bool = False
    ) -> Entry | None:
        """One object by its name; None where there is none, or none that the account may see."""
        question = _Question(
            dn,
            _ANYTHING,
            [*attributes, *([SECURITY_DESCRIPTOR] if security_descriptors else [])],
            "base",
            [_DACL_ONLY] if security_descriptors else [],
        )
        entries, result = self._ask(question, AttributeNames(question.attributes))
        if result["result"] == NO_SUCH_OBJECT:
            return None
        if result["result"] != SUCCESS:
            raise search_failed(result, self.server, dn, entries_came=False)
        return self._completed(entries[0]) if entries else None

    def close(self) -> None:
        """Sign off and hang up."""
        close(self._connection)

    def _open(self) -> None:
        opened = open_connection(self._settings)
        self._connection = opened.connection
        self._strategy = opened.strategy

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _pages(self, question: _Question, names: AttributeNames) -> Iterator[list[Entry]]:
        cookie = b""
        came = False
        empty = 0
        while True:
            try:
                entries, result = self._ask(question, names, cookie)
            except AnswerCutShort:
                if self._strategy is not None:
                    yield self._strategy.entries
                raise
            came = came or bool(entries or cookie)
            yield entries
            if result["result"] != SUCCESS:
                raise search_failed(result, self.server, question.base, entries_came=came)
            cookie = self._next_page(result, question.base)
            empty = 0 if entries else empty + 1
            if not cookie:
                return
            if empty > _EMPTY_PAGES:
                raise UnexpectedAnswer(
                    f"{self.server} gives one empty page after the other below {question.base}: "
                    "name another domain controller."
                )

    def _next_page(self, result: dict[str, Any], base: str) -> bytes:
        control = (result.get("controls") or {}).get(_PAGED_RESULTS)
        if control is None:
            raise AnswerCutShort(
                f"{self.server} answered below {base} without saying whether more follows: what "
                "came may be cut off; name a domain controller of Active Directory."
            )
        return bytes(control["value"]["cookie"])

    def _ask(
        self, question: _Question, names: AttributeNames, cookie: bytes | None = None
    ) -> tuple[list[Entry], dict[str, Any]]:
        """One answer, entries and result; without a cookie the question is not one for pages."""
        if self._connection.closed and not cookie:
            # an earlier answer broke off; the place in it is lost, but this is a new question
            self._open()
        if self._strategy is not None:
            self._strategy.names = names
            self._strategy.entries = []
        try:
            self._connection.search(
                question.base,
                question.condition,
                search_scope=_SCOPES[question.scope],
                dereference_aliases=ldap3.DEREF_NEVER,
                attributes=question.attributes,
                controls=question.controls,
                paged_size=None if cookie is None else self._settings.page_size,
                paged_criticality=True,
                paged_cookie=cookie or None,
            )
            result = self._connection.result
            if self._strategy is not None:
                return self._strategy.entries, result
            return stock_entries(self._connection.response or (), names), result
        except (LDAPException, OSError) as problem:
            raise self._broken(question.base, problem) from problem
        except (MalformedMessage, IndexError, KeyError, TypeError, ValueError) as problem:
            # the last four are what ldap3 itself makes of bytes it did not expect
            self.close()
            said = problem if isinstance(problem, MalformedMessage) else repr(problem)
            raise UnexpectedAnswer(
                f"{self._settings.server} sent {said}, which is no LDAP: name a domain controller "
                "of Active Directory."
            ) from problem

    def _broken(self, base: str, problem: Exception) -> AnswerCutShort | SourceUnreachable:
        self.close()
        if not base:
            return SourceUnreachable(
                f"{self._settings.server} hung up on the first question ({quoted(str(problem))}): "
                "check that it is a domain controller."
            )
        return AnswerCutShort(
            f"{self.server} broke off while it answered below {base} ({quoted(str(problem))}): "
            "run again."
        )

    def _completed(self, entry: Entry) -> Entry:
        """The entry with all values of attributes that came in ranges ([MS-ADTS] 3.1.1.3.1.3.3)."""
        whole: dict[str, list[bytes]] = {}
        for key, values in entry.attributes.items():
            found = _RANGE.fullmatch(key)
            if found is None:
                whole.setdefault(key, values)
            else:
                whole[found["name"]] = self._all_values(entry.dn, found, values)
        return Entry(entry.dn, whole)

    def _all_values(self, dn: str, found: re.Match[str], values: list[bytes]) -> list[bytes]:
        name, gathered = found["name"], list(values)
        high = found["high"]
        while high != "*":
            if int(high) + 1 != len(gathered) or not values:
                raise UnexpectedAnswer(
                    f"{self.server} gives {len(gathered)} values of {name} of {dn} as those up "
                    f"to {high}: name another domain controller."
                )
            high, values = self._more_values(dn, name, len(gathered))
            gathered.extend(values)
        return gathered

    def _more_values(self, dn: str, name: str, low: int) -> tuple[str, list[bytes]]:
        entry = self._read_range(dn, f"{name};range={low}-*")
        for key, values in entry.attributes.items() if entry else ():
            found = _RANGE.fullmatch(key)
            if found and found["name"].lower() == name.lower() and int(found["low"]) == low:
                return found["high"], values
        raise AnswerCutShort(
            f"{self.server} gave {low} values of {name} of {dn} and no more: run again."
        )

    def _read_range(self, dn: str, attribute: str) -> Entry | None:
        question = _Question(dn, _ANYTHING, [attribute], "base", [])
        entries, result = self._ask(question, AttributeNames([attribute]))
        if result["result"] != SUCCESS:
            raise search_failed(result, self.server, dn, entries_came=True)
        return entries[0] if entries else None

    def _read_root_dse(self) -> RootDse:
        question = _Question("", _ANYTHING, list(ROOT_ATTRIBUTES), "base", [])
        entries, result = self._ask(question, AttributeNames(ROOT_ATTRIBUTES))
        if result["result"] != SUCCESS:
            raise search_failed(result, self.server, "its root", entries_came=False)
        return root_dse(entries[0].attributes if entries else {}, self.server)
