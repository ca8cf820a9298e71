"""What the lab's endpoint answers: commands of Exchange, and the version of ExSetup.exe."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from itertools import islice

from auditor.lab.clixml_writer import Serializer, Shape
from auditor.lab.cmdlets import ANSWERS, EXSETUP, PER_MAILBOX, objects
from auditor.lab.organization import Organization
from auditor.lab.parts import Mailbox
from auditor.lab.psrp_errors import (
    SCRIPTS_REFUSED,
    CommandFailed,
    Parameters,
    Run,
    Warned,
    unknown_cmdlet,
    unknown_parameter,
)
from auditor.lab.recipients import mailboxes
from auditor.lab.shell_objects import Described, ShellObject, Value, selected

EXSETUP_SCRIPT_SHA256 = "f78b23a2ffc7b4c4b7c866630a8b383fe2f2a6827cf1be612c245bf276ef3560"
"""Of the one script that is ever sent to a server, as UTF-8; a test holds it."""

DEFAULT_RESULT_SIZE = 1000
_COMMON = frozenset({"ErrorAction", "WarningAction", "DomainController", "Identity"})
_RECIPIENTS = frozenset({"ResultSize", "IgnoreDefaultScope"})
_PARAMETERS: Mapping[str, frozenset[str]] = {
    "Get-Mailbox": _RECIPIENTS,
    "Get-CASMailbox": _RECIPIENTS,
    "Get-RemoteMailbox": _RECIPIENTS,
    "Get-MobileDevice": frozenset({"ResultSize"}),
    "Get-ExchangeServer": frozenset({"Status"}),
    "Get-ExchangeCertificate": frozenset({"Server"}),
    "Get-MobileDeviceStatistics": frozenset({"Mailbox"}),
    "Get-ActiveSyncVirtualDirectory": frozenset(
        {"Server", "ADPropertiesOnly", "ShowMailboxVirtualDirectories"}
    ),
    "Get-WebServicesVirtualDirectory": frozenset(
        {"Server", "ADPropertiesOnly", "ShowMailboxVirtualDirectories"}
    ),
}
_MORE = (
    "There are more results available than are currently displayed. To view them, increase the "
    "value for the ResultSize parameter."
)


def exchange_commands(organization: Organization) -> Run:
    """The commands of the Exchange Management Shell, in the form of a plain remote session."""
    known = {name.lower(): name for name in ANSWERS if name != EXSETUP}
    of_mailbox = _Mailboxes(organization)

    def run(name: str, parameters: Parameters) -> Iterator[str]:
        cmdlet = known.get(name.lower())
        if cmdlet is None:
            raise unknown_cmdlet(name)
        for parameter in parameters:
            if parameter not in _PARAMETERS.get(cmdlet, frozenset()) | _COMMON:
                raise unknown_parameter(cmdlet, parameter)
        if cmdlet in PER_MAILBOX:
            found = of_mailbox.answer(cmdlet, parameters)
        else:
            found = _of_server(objects(organization, cmdlet), organization, cmdlet, parameters)
        for each in _limited(found, cmdlet, parameters):
            # every object is a message of its own, and knows no type name of the one before
            yield each if isinstance(each, str) else Serializer(Shape.PARTIAL).object(each)

    return run


class _Mailboxes:
    """The mailboxes by GUID, looked up when a command first asks about one."""

    def __init__(self, organization: Organization) -> None:
        self._organization = organization
        self._known: dict[str, Mailbox] = {}
        self._lock = threading.Lock()

    def answer(self, cmdlet: str, parameters: Parameters) -> Iterator[ShellObject]:
        """The objects of a command that is asked about one mailbox, named by its GUID."""
        with self._lock:
            if not self._known:
                self._known = {found.guid: found for found in mailboxes(self._organization)}
        asked = str(parameters.get("Identity", parameters.get("Mailbox", "")))
        if asked not in self._known:
            raise CommandFailed(
                f"The operation couldn't be performed because object '{asked}' couldn't be found.",
                f"ManagementObjectNotFoundException,{cmdlet}",
            )
        return PER_MAILBOX[cmdlet](self._organization, self._known[asked])


def _of_server(
    found: Iterator[ShellObject], organization: Organization, cmdlet: str, parameters: Parameters
) -> Iterator[ShellObject]:
    """Objects of one server, where the command is one of a server."""
    if cmdlet == "Get-ExchangeCertificate":
        wanted = str(parameters.get("Server", organization.servers[0].name))
        for each in found:
            if _same_server(str(each.notes["Server"]), wanted):
                yield ShellObject(each.types, each.text, each.properties)
        return
    wanted = str(parameters.get("Server", ""))
    for each in found:
        if not wanted or _same_server(_shown(each.properties["Server"]), wanted):
            yield each


def _shown(value: Value) -> str:
    return value.text if isinstance(value, Described) else str(value)


def _same_server(one: str, other: str) -> bool:
    return one.partition(".")[0].lower() == other.partition(".")[0].lower()


def _limited(
    found: Iterator[ShellObject], cmdlet: str, parameters: Parameters
) -> Iterator[ShellObject | Warned]:
    if "ResultSize" not in _PARAMETERS.get(cmdlet, ()):
        yield from found
        return
    asked = str(parameters.get("ResultSize", DEFAULT_RESULT_SIZE))
    if asked.lower() == "unlimited":
        yield from found
        return
    if not asked.isdecimal():
        raise CommandFailed(
            f"Cannot bind parameter 'ResultSize' to the value '{asked}'.",
            f"CannotConvertArgumentNoMessage,{cmdlet}",
        )
    yield from islice(found, int(asked))
    if next(found, None) is not None:
        yield Warned(_MORE)


def windows_commands(organization: Organization, server_name: str) -> Run:
    """The ordinary shell of one server: it runs the one script that asks for ExSetup.exe."""

    def run(name: str, _: Parameters) -> Iterator[str]:
        if hashlib.sha256(name.encode()).hexdigest() != EXSETUP_SCRIPT_SHA256:
            raise SCRIPTS_REFUSED
        for found in objects(organization, EXSETUP):
            server = str(found.notes["Server"])
            if _same_server(server, server_name):
                answer = selected(found, ("Server", "FileName", "FileVersion"))
                yield Serializer(Shape.PARTIAL).object(answer)

    return run
