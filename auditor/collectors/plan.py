"""What the customer intends: who moves, in which wave, and to which target delivery domain.

A plan is CSV files, or what Exchange Online says of its migration: the exports of Get-MigrationUser
(who, in which batch) and Get-MigrationBatch (to which domain). Their properties are those of the
cmdlets' documentation; no public export of them is known. A plan is read whole or refused.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from pathlib import Path

from auditor.collectors.plan_csv import read_csv
from auditor.collectors.plan_line import PlannedLine, delivery_domain, planned_line
from auditor.collectors.quoting import printable, shortened
from auditor.collectors.reading import optional_text, text
from auditor.errors import AnswerCutShort, InputRefused, UnexpectedAnswer
from auditor.evidence.bundle import BundleWriter, SourceFile
from auditor.evidence.ledger import LedgerLine
from auditor.evidence.plan import PlanMove
from auditor.sources.clixml import PsObject, PsValue, looks_like_clixml, read_stream

MAX_BYTES = 256_000_000
"""Of one file: Get-MigrationUser writes two kilobytes a mailbox."""

MAX_MAILBOXES = 1_000_000
MAX_WAVES = 500
"""More are no waves: another column was taken for that of the waves."""

NO_PLAN = "No plan was given: every mailbox is in scope."

_USER, _BATCH = "MigrationUser", "MigrationBatch"
_PROPERTIES = frozenset({"Identity", "EmailAddress", "BatchId", "TargetDeliveryDomain"})


@dataclass(frozen=True)
class Plan:
    """A plan that was read: its lines by address in lower case, and the files it came from.

    `repeated` counts lines that said again what another one said.
    """

    lines: Mapping[str, PlannedLine]
    sources: tuple[SourceFile, ...]
    repeated: int = 0

    @property
    def waves(self) -> frozenset[str]:
        """Names of the waves; '' among them where a line names none."""
        return frozenset(line.wave for line in self.lines.values())

    def moves(self) -> Iterator[PlanMove]:
        """The rows of `plan_move`, by address."""
        for key, line in sorted(self.lines.items()):
            yield PlanMove(
                mailbox=line.mailbox,
                mailbox_key=key,
                wave=line.wave,
                target_delivery_domain=line.target_delivery_domain,
                source=line.place,
            )


@dataclass
class _Draft:
    """A plan while its files are read; `domains`: of each batch, with the place that says so."""

    lines: dict[str, PlannedLine]
    domains: dict[str, tuple[str, str]]
    repeated: int = 0

    def add(self, line: PlannedLine) -> None:
        """Add a line; raises InputRefused where another one says otherwise of the same mailbox."""
        known = self.lines.setdefault(line.mailbox.lower(), line)
        if known is line:
            if len(self.lines) > MAX_MAILBOXES:
                raise InputRefused(
                    f"{line.place}: the plan names more than {MAX_MAILBOXES:,} mailboxes; split it."
                )
            return
        for what, first, second in (
            ("wave", known.wave, line.wave),
            ("domain", known.target_delivery_domain, line.target_delivery_domain),
        ):
            if first != second:
                raise InputRefused(
                    f"{line.place}: plans {line.mailbox} for {what} {second or 'none'!r}, but"
                    f" {known.place} for {first or 'none'!r}; keep one of the two lines."
                )
        self.repeated += 1

    def add_batch(self, batch: str, domain: str, place: str) -> None:
        """Note the domain of a batch; raises InputRefused where it was another before."""
        known, where = self.domains.setdefault(batch.lower(), (domain, place))
        if known != domain:
            raise InputRefused(
                f"{place}: batch {shortened(batch)} goes to {domain}, but {where} says {known};"
                " export the batches once."
            )


def read_plan(paths: Sequence[Path]) -> Plan:
    """The plan that these files make together.

    The domain of a batch holds for every mailbox whose wave has the batch's name. Raises
    InputRefused for a file that cannot be read whole, for lines that contradict each other and
    for a plan that names no mailbox.
    """
    draft = _Draft({}, {})
    files = list(dict.fromkeys(path.resolve() for path in paths))
    short = Counter(path.name for path in files)
    sources = [
        _read(path, printable(path.name if short[path.name] == 1 else str(path)), draft)
        for path in files
    ]
    if not draft.lines:
        names = ", ".join(source.name for source in sources)
        raise InputRefused(
            f"{names or 'The plan'}: names no mailbox; give a CSV with a column EmailAddress, or"
            " the export of Get-MigrationUser beside that of Get-MigrationBatch."
        )
    lines = {key: _with_domain(line, draft.domains) for key, line in draft.lines.items()}
    plan = Plan(lines, tuple(sources), draft.repeated)
    if len(plan.waves) > MAX_WAVES:
        raise InputRefused(
            f"{sources[0].name}: names {len(plan.waves):,} waves, more than {MAX_WAVES}; look"
            " whether another column was named wave."
        )
    return plan


def record_plan(plan: Plan | None, writer: BundleWriter, now: Callable[[], datetime]) -> LedgerLine:
    """Write a plan's sources, rows and ledger line; None means that none was given.

    Without a plan the table is complete and empty. What the customer intends is then known too,
    namely that nobody is left out, and rules that look for a planned domain have to run: they
    judge complete tables alone, and `not_requested` would silence them for want of nothing.
    """
    started = now()
    if plan is not None:
        for source in plan.sources:
            writer.source(source)
        for move in plan.moves():
            writer.append(move)
    line = LedgerLine(
        table=PlanMove.table,
        state="complete",
        rows=0 if plan is None else len(plan.lines),
        provider=None if plan is None else "plan",
        server=None,
        account=None,
        command=None,
        filters=None,
        started_at=started,
        ended_at=now(),
        detail=NO_PLAN if plan is None else _detail(plan),
    )
    writer.record(line)
    return line


def _detail(plan: Plan) -> str:
    detail = f"{_counted(len(plan.lines), 'mailbox', 'mailboxes')} in "
    detail += f"{_counted(len(plan.waves), 'wave', 'waves')}."
    if plan.repeated:
        detail += f" {_counted(plan.repeated, 'line', 'lines')} said again what another one says."
    return detail


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _with_domain(line: PlannedLine, domains: Mapping[str, tuple[str, str]]) -> PlannedLine:
    domain, place = domains.get(line.wave.lower(), (line.target_delivery_domain, ""))
    if line.target_delivery_domain is None:
        return replace(line, target_delivery_domain=domain)
    if line.target_delivery_domain != domain:
        raise InputRefused(
            f"{line.place}: plans {line.mailbox} for {line.target_delivery_domain}, but its batch"
            f" goes to {domain} ({place}); correct the plan, or make the batch anew."
        )
    return line


def _read(path: Path, name: str, draft: _Draft) -> SourceFile:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputRefused(
            f"{name} cannot be read ({error.strerror}); check name and rights."
        ) from None
    if len(content) > MAX_BYTES:
        raise InputRefused(f"{name} is larger than {MAX_BYTES:,} bytes; split the plan.")
    if looks_like_clixml(content[:4096]):
        taken_for, count = _read_clixml(content, name, draft)
    else:
        taken_for, count = "plan (CSV)", 0
        for line in read_csv(content, name):
            draft.add(line)
            count += 1
    return SourceFile(
        name=name,
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        recognised_as=taken_for,
        objects=count,
    )


def _read_clixml(content: bytes, name: str, draft: _Draft) -> tuple[str, int]:
    kinds: dict[str, None] = {}
    count = 0
    try:
        for found in read_stream(BytesIO(content), name, wanted=_PROPERTIES):
            count += 1
            kinds[_take(found, f"{name}, object {count}", draft)] = None
    except (AnswerCutShort, UnexpectedAnswer) as error:
        raise InputRefused(f"{error} A plan is read whole or not at all.") from None
    return f"plan ({', '.join(f'Get-{kind}' for kind in kinds) or 'no objects'})", count


def _take(found: PsValue, place: str, draft: _Draft) -> str:
    """Add what one object says; gives its kind."""
    kind = found.kind if isinstance(found, PsObject) else type(found).__name__
    if not isinstance(found, PsObject) or kind not in {_USER, _BATCH}:
        raise InputRefused(
            f"{place}: is {shortened(kind) or 'of no known type'}, which says nothing of who moves;"
            " export Get-MigrationUser and Get-MigrationBatch of Exchange Online."
        )
    if kind == _USER:
        # Identity is the address as well, for the users of a move between organisations
        address = optional_text(found, "EmailAddress") or text(found, "Identity")
        draft.add(planned_line(address, text(found, "BatchId"), "", place))
    elif domain := delivery_domain(optional_text(found, "TargetDeliveryDomain") or "", place):
        draft.add_batch(text(found, "Identity"), domain, place)
    return kind
