"""Commands over the wire: the same values as from a file, one by one, and read commands only."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from itertools import islice, repeat
from pathlib import Path

import pytest
from lxml import etree

from auditor.errors import (
    AccessDenied,
    AnswerCutShort,
    AuditorError,
    CommandUnsupported,
    UnexpectedAnswer,
)
from auditor.lab.clixml_writer import Shape, file_text
from auditor.lab.cmdlets import ANSWERS, EXSETUP, PER_MAILBOX, objects
from auditor.lab.organization import Organization, build
from auditor.lab.psrp_errors import Parameters, Warned
from auditor.lab.recipients import mailboxes
from auditor.lab.shell_objects import ShellObject
from auditor.lab.wire_faults import Mishap, Refusal, Stage, WireFault
from auditor.lab.wsman_endpoint import LabEndpoint, Wire
from auditor.sources import remoting_pool
from auditor.sources.clixml import PsObject, PsValue, read_file
from auditor.sources.exchange_shell import ExchangeShell
from tests.support.wire import WHOLE_FOREST, settings_for, shell_for

COMMANDS = sorted(ANSWERS.keys() - {EXSETUP} - PER_MAILBOX.keys())
CLIXML = "{http://schemas.microsoft.com/powershell/2004/04}"
ONE = '<Obj RefId="0"><TN RefId="0"><T>M.Mailbox</T></TN><Props><S N="Name">name</S></Props></Obj>'
LIMITED = {
    "Get-Mailbox": ("ResultSize", "IgnoreDefaultScope"),
    "Get-CASMailbox": ("ResultSize", "IgnoreDefaultScope"),
    "Get-RemoteMailbox": ("ResultSize", "IgnoreDefaultScope"),
    "Get-MobileDevice": ("ResultSize",),
}
DOMAINS = ["contoso.com", "fabrikam.com", "contoso.mail.onmicrosoft.com"]
PER_SERVER = "Get-ExchangeCertificate"


@pytest.fixture(scope="module")
def organization() -> Organization:
    return build(60)


@pytest.fixture(scope="module")
def endpoint(organization: Organization) -> Iterator[LabEndpoint]:
    with LabEndpoint(organization) as listening:
        yield listening


@pytest.fixture(scope="module")
def shell(endpoint: LabEndpoint) -> Iterator[ExchangeShell]:
    with shell_for(endpoint) as opened:
        yield opened


def plain(value: PsValue) -> object:
    """A value less the places it was read at."""
    if isinstance(value, PsObject):
        return (value.types, value.text, {name: plain(value[name]) for name in value})
    return [plain(each) for each in value] if isinstance(value, list) else value


def exported(organization: Organization, command: str, folder: Path) -> list[object]:
    """The objects of a command as the file of a plain session holds them."""
    found: Iterator[ShellObject] = objects(organization, command)
    if command == PER_SERVER:
        first = organization.servers[0].name
        found = (
            ShellObject(each.types, each.text, each.properties)
            for each in found
            if each.notes["Server"] == first
        )
    path = folder / "objects.xml"
    path.write_text("".join(file_text(found, Shape.PARTIAL)), encoding="utf-8")
    return [plain(each) for each in read_file(path)]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_gives_the_same_objects_as_the_file_of_a_plain_session(
    organization: Organization, shell: ExchangeShell, tmp_path: Path, command: str
) -> None:
    parameters = {name: WHOLE_FOREST[name] for name in LIMITED.get(command, ())}
    over_the_wire = [plain(found) for found in shell.stream(command, parameters)]
    assert over_the_wire == exported(organization, command, tmp_path)


@pytest.mark.parametrize("command", PER_MAILBOX)
def test_commands_of_a_mailbox_answer_for_that_mailbox(
    organization: Organization, shell: ExchangeShell, command: str
) -> None:
    named = "Mailbox" if command == "Get-MobileDeviceStatistics" else "Identity"
    answers = {
        mailbox.guid: list(PER_MAILBOX[command](organization, mailbox))
        for mailbox in islice(mailboxes(organization), 25)
    }
    assert any(answers.values())
    over_the_wire = {
        guid: [found.text for found in shell.stream(command, {named: guid})] for guid in answers
    }
    assert over_the_wire == {
        guid: [found.text for found in answer] for guid, answer in answers.items()
    }


def test_a_real_answer_of_exchange_2016_replays_to_the_values_of_the_file_reader(
    organization: Organization, samples: Path
) -> None:
    path = samples / "clixml" / "wire" / "Get-Mailbox_PSRP_wire_Exchange2016_CU23.xml"
    captured = path.read_text(encoding="utf-8").strip()

    def replay(_: str, __: Parameters) -> Iterator[str]:
        yield from repeat(captured, 3)

    with LabEndpoint(organization, commands=replay) as listening, shell_for(listening) as opened:
        over_the_wire = [plain(found) for found in opened.stream("Get-Mailbox", WHOLE_FOREST)]
    assert over_the_wire == [plain(each) for each in read_file(path)] * 3


def standing_alone(root: etree._Element) -> list[tuple[int, str]]:
    """Place and text of the objects that refer to no other, as each message on the wire does."""
    found = []
    for place, each in enumerate(root):
        defined = {part.get("RefId") for part in each.iter(f"{CLIXML}Obj")}
        if {part.get("RefId") for part in each.iter(f"{CLIXML}Ref")} <= defined:
            found.append((place, etree.tostring(each, encoding="unicode")))
    return found


def test_every_real_export_comes_over_the_wire_as_it_comes_from_its_file(
    organization: Organization, samples: Path
) -> None:
    exports = sorted((samples / "clixml").rglob("*.xml"))
    held = {
        path: standing_alone(root)
        for path in exports
        if (root := etree.parse(path).getroot()).tag == f"{CLIXML}Objs"
    }

    def replay(_: str, parameters: Parameters) -> Iterator[str]:
        yield from (text for _, text in held[Path(str(parameters["Identity"]))])

    with LabEndpoint(organization, commands=replay) as listening, shell_for(listening) as opened:
        for path, pieces in held.items():
            over_the_wire = [
                plain(each) for each in opened.stream("Get-Anything", {"Identity": str(path)})
            ]
            whole = [plain(each) for each in read_file(path)]
            assert over_the_wire == [whole[place] for place, _ in pieces], path
    assert sum(len(pieces) for pieces in held.values()) >= 24


def test_the_first_object_is_there_before_the_server_has_the_second(
    organization: Organization,
) -> None:
    asked_for_more: list[bool] = []

    def slow(_: str, __: Parameters) -> Iterator[str]:
        yield ONE
        while not asked_for_more:
            time.sleep(0.01)
        yield ONE

    with LabEndpoint(organization, commands=slow) as listening, shell_for(listening) as opened:
        stream = opened.stream("Get-Mailbox")
        first = next(stream)
        asked_for_more.append(True)
        assert [plain(first), *map(plain, stream)] == [plain(first)] * 2


def test_memory_stays_flat_however_long_the_answer(organization: Organization) -> None:
    big = ONE.replace("name", "x" * 20_000)

    def endless(_: str, __: Parameters) -> Iterator[str]:
        yield from repeat(big)

    with LabEndpoint(organization, commands=endless) as listening, shell_for(listening) as opened:
        stream = opened.stream("Get-Mailbox")
        for _ in islice(stream, 100):
            pass
        tracemalloc.start()
        try:
            for _ in islice(stream, 1500):
                pass
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        stream.close()
    assert peak < 12_000_000, "30 MB have passed by"


def test_an_object_of_many_envelopes_arrives_whole_under_every_protocol_version(
    organization: Organization,
) -> None:
    text = "\u00e9" * 700_000

    def big(_: str, __: Parameters) -> Iterator[str]:
        yield from (ONE.replace("name", text), ONE)

    for protocol in ("2.1", "2.2", "2.3"):
        wire = Wire(protocol=protocol)
        with LabEndpoint(organization, (), wire, big) as listening, shell_for(listening) as opened:
            names = [found["Name"] for found in opened.stream("Get-Mailbox")]
            assert (opened.protocol, names) == (protocol, [text, "name"])


def test_a_stream_that_is_left_early_does_not_disturb_the_next_command(
    endpoint: LabEndpoint,
) -> None:
    with shell_for(endpoint) as opened:
        created = endpoint.shells.requests.count("Create")
        first = next(opened.stream("Get-Mailbox", WHOLE_FOREST))
        again = next(opened.stream("Get-Mailbox", WHOLE_FOREST))
        domains = [found["Name"] for found in opened.stream("Get-AcceptedDomain")]
        assert endpoint.shells.requests.count("Create") == created
    assert plain(first) == plain(again)
    assert domains == DOMAINS


def test_a_wire_that_was_closed_while_nobody_asked_is_opened_anew(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remoting_pool, "KEEP_ALIVE", 0.1)
    wire = Wire(idle_seconds=0.3)
    with LabEndpoint(organization, wire=wire) as listening, shell_for(listening) as opened:
        before = [plain(found) for found in opened.stream("Get-RemoteDomain")]
        time.sleep(0.8)
        after = [plain(found) for found in opened.stream("Get-RemoteDomain")]
        assert listening.shells.requests.count("Create") == 1
    assert before == after


def test_a_shell_that_the_server_has_closed_meanwhile_is_opened_anew(
    organization: Organization,
) -> None:
    gone = WireFault(Mishap.SHELL_GONE, Stage.COMMAND, times=1)
    with LabEndpoint(organization, [gone]) as listening, shell_for(listening) as opened:
        found = [plain(each) for each in opened.stream("Get-RemoteDomain")]
        assert listening.shells.requests.count("Create") == 2
        assert found == [plain(each) for each in opened.stream("Get-RemoteDomain")]


def test_a_server_that_builds_its_first_shell_slowly_is_given_time(
    organization: Organization,
) -> None:
    slow = LabEndpoint(organization, wire=Wire(warm_up=1.0))
    with slow, shell_for(slow, operation_timeout=0.2) as opened:
        assert [found["Name"] for found in opened.stream("Get-AcceptedDomain")] == DOMAINS
        assert slow.shells.requests.count("Receive") > 4


def test_a_closed_shell_leaves_nothing_behind_on_the_server(organization: Organization) -> None:
    with LabEndpoint(organization) as listening:
        with shell_for(listening) as opened:
            next(opened.stream("Get-Mailbox", WHOLE_FOREST))
            assert len(listening.shells) == 1
        assert len(listening.shells) == 0


def received_and_error(opened: ExchangeShell) -> tuple[list[PsValue], AuditorError]:
    """Names of the objects that came, and what ended the stream."""
    names: list[PsValue] = []
    with pytest.raises(AuditorError) as caught:
        names.extend(found["Name"] for found in opened.stream("Get-Mailbox"))
    return names, caught.value


def refusing(organization: Organization, what: Refusal, after: int = 0) -> LabEndpoint:
    return LabEndpoint(organization, [WireFault(what, cmdlet="Get-Mailbox", after=after)])


@pytest.mark.parametrize(
    ("what", "after", "kept", "error", "says"),
    [
        (Refusal.WARNING, 5, 61, AnswerCutShort, "a warning (The object has been corrupted"),
        (Refusal.RESULT_LIMIT, 9, 9, AnswerCutShort, "a warning (By default, only the first 1000"),
        (Refusal.ERROR, 5, 61, AnswerCutShort, "an error (The operation couldn't be performed"),
        (Refusal.ERROR, 0, 61, AnswerCutShort, "an error (The operation couldn't be performed"),
        (Refusal.FAILED, 5, 5, AnswerCutShort, "an error (The operation couldn't be performed"),
        (Refusal.FAILED, 0, 0, AnswerCutShort, "an error (The operation couldn't be performed"),
        (Refusal.DENIED, 5, 5, AnswerCutShort, "an error (Access to the configuration data"),
        (Refusal.DENIED, 0, 0, AccessDenied, "is denied (Access to the configuration data"),
        (Refusal.UNKNOWN_CMDLET, 0, 0, CommandUnsupported, "either this version of Exchange"),
        (Refusal.UNKNOWN_PARAMETER, 0, 0, CommandUnsupported, "name 'IgnoreDefaultScope'"),
    ],
)
def test_what_the_server_says_keeps_the_objects_and_ends_the_stream(
    organization: Organization,
    what: Refusal,
    after: int,
    kept: int,
    error: type[Exception],
    says: str,
) -> None:
    whole = sum(1 for _ in objects(organization, "Get-Mailbox"))
    assert whole == 61
    received: list[PsObject] = []
    with refusing(organization, what, after) as listening, shell_for(listening) as opened:
        with pytest.raises(error) as caught:
            received.extend(opened.stream("Get-Mailbox", WHOLE_FOREST))
        assert says in str(caught.value)
        assert type(caught.value) is error
        domains = [found["Name"] for found in opened.stream("Get-AcceptedDomain")]
    names = [each.properties["Name"] for each in islice(objects(organization, "Get-Mailbox"), kept)]
    assert [found["Name"] for found in received] == names
    assert domains == DOMAINS


def test_a_thousand_objects_are_partial_even_without_a_warning(organization: Organization) -> None:
    def exactly(_: str, parameters: Parameters) -> Iterator[str]:
        yield from repeat(ONE, int(str(parameters["ResultSize"])))

    with LabEndpoint(organization, commands=exactly) as listening, shell_for(listening) as opened:
        for size in (999, 1001):
            assert sum(1 for _ in opened.stream("Get-Mailbox", {"ResultSize": size})) == size
        received: list[PsObject] = []
        with pytest.raises(AnswerCutShort, match="exactly 1000 objects"):
            received.extend(opened.stream("Get-Mailbox", {"ResultSize": 1000}))
    assert len(received) == 1000


def test_a_warning_in_any_language_makes_the_answer_partial(organization: Organization) -> None:
    def warned(_: str, __: Parameters) -> Iterator[str]:
        yield ONE
        yield Warned(
            "Standardm\u00e4\u00dfig werden nur die ersten 1000 Elemente zur\u00fcckgegeben."
        )

    with LabEndpoint(organization, commands=warned) as listening, shell_for(listening) as opened:
        assert "Standardm\u00e4\u00dfig" in str(received_and_error(opened)[1])


def test_a_parameter_the_server_does_not_know_is_left_out_if_it_may_be_and_noted(
    organization: Organization,
) -> None:
    unknown = refusing(organization, Refusal.UNKNOWN_PARAMETER)
    with unknown as listening, shell_for(listening) as opened:
        optional = {"IgnoreDefaultScope"}
        received = list(opened.stream("Get-Mailbox", WHOLE_FOREST, optional=optional))
        noted = list(opened.notes)
        list(opened.stream("Get-AcceptedDomain"))
        assert opened.notes == []
    assert len(received) == 61
    assert noted == [
        "Get-Mailbox on localhost was asked without IgnoreDefaultScope, which the server does not "
        "know or the account may not use."
    ]


@pytest.mark.parametrize("answer", ["<S>text</S>", "<Nil />", "<I32>4</I32>"])
def test_an_answer_that_is_no_object_is_unexpected(organization: Organization, answer: str) -> None:
    def odd(_: str, __: Parameters) -> Iterator[str]:
        yield from (ONE, answer)

    with LabEndpoint(organization, commands=odd) as listening, shell_for(listening) as opened:
        names, error = received_and_error(opened)
    assert (names, type(error)) == (["name"], UnexpectedAnswer)
    assert "where an object belongs" in str(error)


@pytest.mark.parametrize(
    "answer",
    ["<Obj", "<Obj RefId='0'><TNRef RefId='7'/></Obj>", "<!DOCTYPE x><S>&x;</S>", "text", ""],
)
def test_an_object_that_makes_no_sense_costs_none_of_those_before_it(
    organization: Organization, answer: str
) -> None:
    def broken(_: str, __: Parameters) -> Iterator[str]:
        yield from (ONE, ONE, answer, ONE)

    with LabEndpoint(organization, commands=broken) as listening, shell_for(listening) as opened:
        names, error = received_and_error(opened)
    assert (names, type(error)) == (["name", "name"], UnexpectedAnswer)
    assert "Get-Mailbox on localhost" in str(error)


def test_the_settings_say_where_a_shell_is_and_a_shell_says_so_too(endpoint: LabEndpoint) -> None:
    opened = shell_for(endpoint)
    settings = settings_for(endpoint)
    assert settings.url == endpoint.url == f"http://localhost:{endpoint.port}/PowerShell"
    assert (opened.server_name, opened.protocol) == ("localhost", "")
    assert repr(opened) == f"ExchangeShell({endpoint.url!r}, as 'CONTOSO\\\\auditor')"
