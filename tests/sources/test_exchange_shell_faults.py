"""Each thing that goes wrong on the wire, at each stage.

No object that had arrived is lost, nothing hangs past its deadline, no answer passes for complete
that may not be, and what follows is read as if nothing had happened.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import pytest

from auditor.errors import AnswerCutShort, SourceError, SourceUnreachable, UnexpectedAnswer
from auditor.lab.cmdlets import objects
from auditor.lab.organization import Organization, build
from auditor.lab.wire_faults import Mishap, Stage, WireFault
from auditor.lab.wsman_endpoint import LabEndpoint, Wire
from auditor.sources import remoting_pool, remoting_run
from auditor.sources.clixml import PsObject
from auditor.sources.exchange_shell import ExchangeShell
from tests.support.wire import WHOLE_FOREST, shell_for

MAILBOXES = 61
BEFORE = 20
"""Objects that come before a fault in the middle of an answer."""

SILENCE, DEADLINE, PATIENCE = 1.0, 1.6, 0.3
OPERATION, READ, OPENING = 0.3, 0.7, 0.1
CLOSING = 0.6
"""What closing a shell may take on top, twice: once for the pipeline, once for the shell."""

SLACK = 8.0
"""For a machine that is busy with other things; without its limits a read here never ends."""

WIRES = {
    "encrypted": Wire(schemes=("Negotiate",)),
    "TLS": Wire(tls=True, schemes=("Basic",)),
}


@pytest.fixture(scope="module")
def organization() -> Organization:
    return build(60)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remoting_pool, "CLOSING", CLOSING)
    monkeypatch.setattr(remoting_run, "FIRST_PAUSE", 0.1)


@pytest.fixture(scope="module")
def names(organization: Organization) -> list[object]:
    return [each.properties["Name"] for each in objects(organization, "Get-Mailbox")]


@dataclass
class Course:
    """What came of one command and the next, under a fault."""

    received: list[PsObject]
    error: SourceError | None
    seconds: float
    afterwards: list[object]
    shells_left: int


DOMAINS = ["contoso.com", "fabrikam.com", "contoso.mail.onmicrosoft.com"]


def course(organization: Organization, fault: WireFault, wire: Wire) -> Course:
    started = time.monotonic()
    with LabEndpoint(organization, [fault], wire) as endpoint:
        shell = shell_for(
            endpoint,
            operation_timeout=OPERATION,
            opening=OPENING,
            read_timeout=READ,
            silence=SILENCE,
            deadline=DEADLINE,
            patience=PATIENCE,
        )
        found = Course([], None, 0, [], 0)
        try:
            with shell:
                found.received.extend(shell.stream("Get-Mailbox", WHOLE_FOREST))
        except SourceError as error:
            found.error = error
        found.seconds = time.monotonic() - started
        found.shells_left = len(endpoint.shells)
        if fault.times is not None:
            found.afterwards = _domains(shell)
            shell.close()
    return found


def _domains(shell: ExchangeShell) -> list[object]:
    return [found["Name"] for found in shell.stream("Get-AcceptedDomain")]


def strike(what: Mishap, stage: Stage, times: int | None) -> WireFault:
    after = BEFORE if stage is Stage.RECEIVE else 0
    cmdlet = "" if stage in (Stage.CREATE, Stage.DELETE) else "Get-Mailbox"
    # pypsrp adds two seconds to the time for opening
    stall = OPENING + 2.5 if stage is Stage.CREATE else 1.5 * READ
    seconds = stall if what is Mishap.STALL else 0.02
    return WireFault(what, stage, "" if stage is Stage.COMMAND else cmdlet, after, times, seconds)


WAITED_FOR = (Mishap.THROTTLED, Mishap.UNAVAILABLE)
"""What goes away if one waits."""

GOES_ON = (Mishap.THROTTLED, Mishap.UNAVAILABLE, Mishap.STALL, Mishap.SWALLOW)
"""What leaves a pipeline running, when it strikes once."""

CERTAIN = (Mishap.THROTTLED, Mishap.SWALLOW)
"""What strikes once without any doubt about what was sent: nothing was."""

ENDLESS = (Mishap.DRIP, Mishap.DRIP_HEAD, Mishap.ENDLESS)
"""What keeps on sending."""

UNBELIEVABLE = (Mishap.PLAIN, Mishap.GARBAGE, Mishap.ENDLESS)


def mishaps(*left_out: Mishap) -> list[Mishap]:
    return [what for what in Mishap if what not in left_out]


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("what", mishaps())
def test_in_the_middle_of_an_answer_what_came_is_kept_and_called_partial(
    organization: Organization, names: list[object], what: Mishap, wire: str
) -> None:
    if what is Mishap.PLAIN and wire == "TLS":
        return  # there every answer is plain inside
    found = course(organization, strike(what, Stage.RECEIVE, None), WIRES[wire])
    assert [each["Name"] for each in found.received] == names[:BEFORE]
    assert type(found.error) is AnswerCutShort
    assert f"Get-Mailbox on localhost stopped after {BEFORE} objects" in str(found.error)
    assert found.seconds < DEADLINE + CLOSING + SLACK


@pytest.mark.parametrize("what", mishaps())
def test_once_in_the_middle_of_an_answer_no_object_is_lost_and_no_doubt_hidden(
    organization: Organization, names: list[object], what: Mishap
) -> None:
    found = course(organization, strike(what, Stage.RECEIVE, 1), WIRES["encrypted"])
    received = [each["Name"] for each in found.received]
    if what in GOES_ON:
        assert received == names
        assert type(found.error) is (type(None) if what in CERTAIN else AnswerCutShort)
    else:
        assert received == names[:BEFORE]
        assert type(found.error) is AnswerCutShort
    assert found.afterwards == DOMAINS
    assert found.seconds < DEADLINE + CLOSING + SLACK


@pytest.mark.parametrize("stage", [Stage.CREATE, Stage.COMMAND])
@pytest.mark.parametrize("what", mishaps())
def test_before_the_first_object_the_server_counts_as_unreachable(
    organization: Organization, what: Mishap, stage: Stage
) -> None:
    found = course(organization, strike(what, stage, None), WIRES["encrypted"])
    assert found.received == []
    believed = what not in UNBELIEVABLE or (what is Mishap.ENDLESS and stage is Stage.COMMAND)
    assert isinstance(found.error, SourceUnreachable if believed else SourceError)
    assert isinstance(found.error, SourceUnreachable | UnexpectedAnswer)
    assert found.seconds < max(DEADLINE, OPENING + 2, SILENCE + PATIENCE) + CLOSING + SLACK


@pytest.mark.parametrize("what", mishaps())
def test_once_before_the_first_object_it_is_tried_again_where_that_is_safe(
    organization: Organization, names: list[object], what: Mishap
) -> None:
    found = course(organization, strike(what, Stage.COMMAND, 1), WIRES["encrypted"])
    if what in ENDLESS:  # these use up all the time there is
        assert (found.received, type(found.error)) == ([], SourceUnreachable)
    else:
        assert ([each["Name"] for each in found.received], found.error) == (names, None)
    assert found.afterwards == DOMAINS
    assert found.seconds < DEADLINE + CLOSING + SLACK


@pytest.mark.parametrize("what", WAITED_FOR)
def test_a_server_too_busy_to_open_a_shell_is_waited_for(
    organization: Organization, names: list[object], what: Mishap
) -> None:
    found = course(organization, strike(what, Stage.CREATE, 1), WIRES["encrypted"])
    assert ([each["Name"] for each in found.received], found.error) == (names, None)


@pytest.mark.parametrize("stage", [Stage.CREATE, Stage.COMMAND, Stage.RECEIVE])
@pytest.mark.parametrize(
    ("what", "says"),
    [(Mishap.THROTTLED, "maximum number of 18 concurrent shells"), (Mishap.UNAVAILABLE, "503")],
)
def test_patience_ends_and_gives_the_cause(
    organization: Organization, what: Mishap, says: str, stage: Stage
) -> None:
    found = course(organization, strike(what, stage, None), WIRES["encrypted"])
    assert says in str(found.error)
    assert "is too busy for CONTOSO\\auditor" in str(found.error)
    assert "close other sessions" in str(found.error)
    assert PATIENCE < found.seconds < DEADLINE + CLOSING + SLACK


@pytest.mark.parametrize("stage", [Stage.SIGNAL, Stage.DELETE])
@pytest.mark.parametrize("what", mishaps())
def test_an_answer_that_was_complete_stays_complete_whatever_happens_while_closing(
    organization: Organization, names: list[object], what: Mishap, stage: Stage
) -> None:
    found = course(organization, strike(what, stage, 1), WIRES["encrypted"])
    assert ([each["Name"] for each in found.received], found.error) == (names, None)
    assert found.seconds < DEADLINE + 2 * CLOSING + SLACK
    assert found.afterwards == DOMAINS
    # these use up the time for closing, so that there is none for a second attempt
    slow = (*ENDLESS, Mishap.STALL, Mishap.SWALLOW)
    assert found.shells_left == int(what in slow and stage is Stage.DELETE)


@pytest.mark.parametrize("what", mishaps(Mishap.SHELL_GONE))
def test_a_shell_that_broke_is_taken_away_from_the_server(
    organization: Organization, what: Mishap
) -> None:
    found = course(organization, strike(what, Stage.RECEIVE, 1), WIRES["encrypted"])
    assert found.shells_left == 0


def test_a_server_that_has_nothing_to_say_is_left_at_the_limit_of_silence(
    organization: Organization,
) -> None:
    found = course(organization, strike(Mishap.SWALLOW, Stage.RECEIVE, None), WIRES["encrypted"])
    assert "sent nothing for 1 seconds" in str(found.error)
    assert SILENCE < found.seconds < SILENCE + CLOSING + SLACK


def test_a_server_that_goes_on_and_on_is_left_at_the_deadline(organization: Organization) -> None:
    mailbox = "<Obj RefId='0'><TN RefId='0'><T>M.Mailbox</T></TN><Props /></Obj>"

    def on_and_on(_: str, __: object) -> Iterator[str]:
        while True:
            time.sleep(0.05)
            yield mailbox

    endpoint = LabEndpoint(organization, commands=on_and_on)
    with endpoint, shell_for(endpoint, deadline=1.6) as shell:
        started = time.monotonic()
        with pytest.raises(AnswerCutShort, match="needed more than 2 seconds"):
            for _ in shell.stream("Get-Mailbox"):
                pass
        assert 1.5 < time.monotonic() - started < 1.6 + SLACK


def test_the_time_that_is_spent_on_the_objects_is_not_the_servers(
    organization: Organization, names: list[object]
) -> None:
    endpoint = LabEndpoint(organization)
    with endpoint, shell_for(endpoint, silence=2.0, deadline=2.5) as shell:
        received = []
        for found in shell.stream("Get-Mailbox", WHOLE_FOREST):
            received.append(found["Name"])
            if len(received) == 5:
                time.sleep(3.0)
    assert received == names


def test_threads_wait_their_turn_where_the_account_may_open_three_shells(
    organization: Organization,
) -> None:
    with LabEndpoint(organization, wire=Wire(max_shells=3)) as endpoint:

        def collect(_: int) -> list[object]:
            with shell_for(endpoint, patience=20) as shell:
                return [found["Name"] for found in shell.stream("Get-AcceptedDomain")]

        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(collect, range(8))) == [DOMAINS] * 8
        assert len(endpoint.shells) == 0


def test_objects_before_a_drop_are_handed_over_one_by_one(
    organization: Organization, names: list[object]
) -> None:
    drop = WireFault(Mishap.DROP, after=BEFORE)
    with LabEndpoint(organization, [drop]) as endpoint, shell_for(endpoint) as shell:
        stream = shell.stream("Get-Mailbox", WHOLE_FOREST)
        assert [found["Name"] for found in islice(stream, BEFORE)] == names[:BEFORE]
        with pytest.raises(AnswerCutShort, match=r"The connection to .* broke"):
            next(stream)
