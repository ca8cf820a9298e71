"""Commands that are asked mailbox by mailbox: several shells at once, one writer.

Each worker owns a shell, since a shell belongs to one thread. Workers only ask; rows are made and
written by the caller's thread. A worker whose shell cannot be opened leaves its share to the
others: a server that allows three shells is not asked for four again and again.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from auditor.collectors.contract import ASKED_MAILBOX, ExchangeCollector
from auditor.errors import CommandUnsupported, SourceError
from auditor.sources.clixml import PsObject
from auditor.sources.exchange_shell import ExchangeShell

OpenShell = Callable[[], AbstractContextManager[ExchangeShell]]
"""Opens one more shell on the same server; entering it raises SourceError."""

ANSWERS_WAITING = 50
"""Mailboxes whose answers may wait to be written; workers pause when there are more."""


@dataclass(frozen=True)
class MailboxAnswer:
    """What one command said of one mailbox: its objects, or all that came and why no more."""

    collector: ExchangeCollector
    mailbox_guid: str
    objects: tuple[PsObject, ...]
    refusal: SourceError | None


@dataclass(frozen=True)
class _Question:
    collector: ExchangeCollector
    mailbox_guid: str


def ask_mailboxes(
    open_shell: OpenShell,
    collectors: Sequence[ExchangeCollector],
    mailbox_guids: Sequence[str],
    parallel: int,
) -> Iterator[MailboxAnswer]:
    """Every answer of these commands for these mailboxes, in no particular order.

    Raises the SourceError of the last worker when none is left to ask. Closing the generator early
    stops the workers after the mailbox each is at.
    """
    questions: queue.SimpleQueue[_Question] = queue.SimpleQueue()
    for guid in mailbox_guids:
        for collector in collectors:
            questions.put(_Question(collector, guid))
    total = len(mailbox_guids) * len(collectors)
    answers: queue.Queue[MailboxAnswer | SourceError | _Finished] = queue.Queue(ANSWERS_WAITING)
    stop = threading.Event()
    workers = [
        threading.Thread(
            target=_work, args=(open_shell, questions, answers, stop), name=f"mailboxes {n}"
        )
        for n in range(min(parallel, total))
    ]
    for worker in workers:
        worker.start()
    try:
        yield from _until_all_are_done(answers, len(workers), total)
    finally:
        stop.set()
        _drain(answers, workers)


class _Finished:
    """A worker that has nothing left to do."""


def _until_all_are_done(
    answers: queue.Queue[MailboxAnswer | SourceError | _Finished], workers: int, total: int
) -> Iterator[MailboxAnswer]:
    given, last = 0, None
    while workers:
        answer = answers.get()
        if isinstance(answer, MailboxAnswer):
            given += 1
            yield answer
        else:
            workers -= 1
            last = answer if isinstance(answer, SourceError) else last
    if given < total and last is not None:
        raise last


def _drain(
    answers: queue.Queue[MailboxAnswer | SourceError | _Finished],
    workers: Sequence[threading.Thread],
) -> None:
    """Let every worker end: one that waits for room in the queue is given it."""
    while any(worker.is_alive() for worker in workers):
        try:
            answers.get(timeout=0.1)
        except queue.Empty:
            continue


def _work(
    open_shell: OpenShell,
    questions: queue.SimpleQueue[_Question],
    answers: queue.Queue[MailboxAnswer | SourceError | _Finished],
    stop: threading.Event,
) -> None:
    try:
        with open_shell() as shell:
            while not stop.is_set():
                question = questions.get_nowait()
                answers.put(_answer(shell, question))
    except queue.Empty:
        pass
    except SourceError as refused:
        answers.put(refused)
        return
    answers.put(_Finished())


def _answer(shell: ExchangeShell, question: _Question) -> MailboxAnswer:
    collector, guid = question.collector, question.mailbox_guid
    objects: list[PsObject] = []
    refusal: SourceError | None = None
    for cmdlet in collector.cmdlets:
        try:
            for found in shell.stream(cmdlet, {collector.per_mailbox: guid}):
                of_mailbox = {**found, ASKED_MAILBOX: guid}
                objects.append(PsObject(of_mailbox, found.types, found.text, found.place))
        except CommandUnsupported as unsupported:
            refusal = unsupported
            continue
        except SourceError as other:
            return MailboxAnswer(collector, guid, tuple(objects), other)
        return MailboxAnswer(collector, guid, tuple(objects), None)
    return MailboxAnswer(collector, guid, tuple(objects), refusal)
