"""One rule over one database: ledger first, then the query, then the roll-up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from auditor.assessment import WHOLE_RULE
from auditor.engine.rulefile import PLACEHOLDER, Rule, fill
from auditor.errors import QueryRefused
from auditor.evidence.answer import Judged
from auditor.evidence.database import Database
from auditor.evidence.ledger import LedgerLine
from auditor.verdicts import Cause, Severity, Verdict

DEADLINE_SECONDS = 120.0
SEVERITIES = tuple(Severity)
CAUSES = tuple(Cause)


@dataclass(frozen=True, slots=True)
class SubjectFinding:
    """One subject that did not pass; `wave` only where it is known and no mailbox is."""

    verdict: Verdict
    severity: Severity
    cause: Cause | None
    subject_id: str
    subject: str
    mailbox_guid: str | None
    text: str
    wave: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What a rule says: its verdict with the counts behind it, and whoever did not pass."""

    verdict: Verdict
    cause: Cause | None
    text: str
    passed: int
    failed: int
    not_assessed: int
    findings: tuple[SubjectFinding, ...]


def evaluate(
    rule: Rule, database: Database, ledger: Mapping[str, LedgerLine], as_of: dt.date
) -> Outcome:
    """The outcome of one rule. It never raises for a bad rule: that is the verdict `error`."""
    gaps = [ledger[table] for table in rule.needs if ledger[table].cause is not None]
    if gaps:
        return _could_not_run(rule, gaps)
    try:
        read = database.tables_read(rule.query)
        if read != set(rule.needs):
            odd = ", ".join(sorted(read ^ set(rule.needs)))
            raise QueryRefused(f"the tables it reads are not those in needs: {odd}")
        judged = database.judge(
            rule.query, {**rule.params, "as_of": as_of}, seconds=DEADLINE_SECONDS
        )
        findings = tuple(_findings(rule, judged))
    except QueryRefused as problem:
        return _broken(rule, str(problem))
    return _rolled_up(rule, judged, findings)


def _could_not_run(rule: Rule, gaps: list[LedgerLine]) -> Outcome:
    tables: dict[tuple[str, str], list[str]] = {}
    for line in gaps:
        tables.setdefault((line.state.replace("_", " "), line.detail), []).append(line.table)
    reasons = (
        f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} {state}: {detail.rstrip('.')}"
        for (state, detail), names in tables.items()
    )
    text = f"Not assessed, because {'; '.join(reasons)}."
    finding = SubjectFinding(
        Verdict.NOT_ASSESSED, rule.severity, gaps[0].cause, WHOLE_RULE, "the whole rule", None, text
    )
    return Outcome(Verdict.NOT_ASSESSED, gaps[0].cause, text, 0, 0, 0, (finding,))


def _broken(rule: Rule, problem: str) -> Outcome:
    text = f"The rule is broken and judged nothing: {problem}"
    finding = SubjectFinding(
        Verdict.ERROR, rule.severity, None, WHOLE_RULE, "the whole rule", None, text
    )
    return Outcome(Verdict.ERROR, None, text, 0, 0, 0, (finding,))


def _rolled_up(rule: Rule, judged: Judged, findings: tuple[SubjectFinding, ...]) -> Outcome:
    counts = judged.passed, judged.failed, judged.unknown
    total = sum(counts)
    if judged.failed:
        rest = f"; {judged.unknown:,} could not be assessed" if judged.unknown else ""
        text = f"{judged.failed:,} of {total:,} fail{rest}."
        return Outcome(Verdict.FAIL, None, text, *counts, findings)
    if judged.unknown:
        text = f"{judged.unknown:,} of {total:,} could not be assessed."
        cause = findings[0].cause
        return Outcome(Verdict.NOT_ASSESSED, cause, text, *counts, findings)
    if judged.passed:
        return Outcome(Verdict.PASS, None, f"All {judged.passed:,} pass.", *counts, ())
    return Outcome(Verdict.NOT_APPLICABLE, None, rule.say.not_applicable, 0, 0, 0, ())


def _findings(rule: Rule, judged: Judged) -> Iterator[SubjectFinding]:
    quoted = {
        name
        for sentence in (rule.say.pass_, rule.say.fail, rule.say.not_assessed)
        for name in PLACEHOLDER.findall(sentence)
    }
    missing = sorted(quoted - set(judged.columns))
    if missing:
        raise QueryRefused(f"say quotes columns the query does not return: {', '.join(missing)}")
    # A row is given up when it is worded: a rule may fail for every mailbox there is.
    judged.rows.reverse()
    while judged.rows:
        row = judged.rows.pop()
        failed = row["ok"] is not None
        yield SubjectFinding(
            verdict=Verdict.FAIL if failed else Verdict.NOT_ASSESSED,
            severity=_severity(rule, row),
            cause=None if failed else _cause(row),
            subject_id=_subject_id(row),
            subject=str(row["subject"]),
            mailbox_guid=_text(row.get("mailbox_id")),
            text=fill(rule.say.fail if failed else rule.say.not_assessed, row),
            wave=_text(row.get("wave")),
        )


def _subject_id(row: Mapping[str, object]) -> str:
    """The id of a subject, quoted where it is that of a whole rule, as of the remote domain `*`.

    Otherwise its finding would be taken for that of a rule that could not run.
    """
    found = str(row["subject_id"])
    return f"'{found}'" if found == WHOLE_RULE else found


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _severity(rule: Rule, row: Mapping[str, object]) -> Severity:
    word = row.get("severity")
    if word is None:
        return rule.severity
    if word not in SEVERITIES:
        raise QueryRefused(f"the query returns the severity {word!r}; use {', '.join(SEVERITIES)}")
    severity = Severity(str(word))
    if SEVERITIES.index(severity) < SEVERITIES.index(rule.severity):
        raise QueryRefused(f"the query returns {severity}, worse than the rule's {rule.severity}")
    return severity


def _cause(row: Mapping[str, object]) -> Cause:
    word = row.get("cause")
    if word is None:
        return Cause.VALUE_MISSING
    if word not in CAUSES:
        raise QueryRefused(f"the query returns the cause {word!r}; use {', '.join(Cause)}")
    return Cause(str(word))
