"""Waivers: a named person accepts one finding until a date. They stand beside the verdict."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from auditor.assessment import WHOLE_RULE, WaiverNote
from auditor.errors import WaiversRefused
from auditor.spelling import closest
from auditor.yaml_file import problems_of, read_yaml


class Waiver(BaseModel):
    """One waiver. `subject` is a subject's id or its name as the report prints it, or `*`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    rule: str = Field(min_length=1)
    subject: str = Field(min_length=1)
    by: str = Field(min_length=1)
    reason: str = Field(min_length=10)
    until: dt.date


class WaiverFile(BaseModel):
    """A YAML file with one key, `waivers`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    waivers: Annotated[
        tuple[Waiver, ...],
        BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
    ]


@dataclass
class WaiverBook:
    """The waivers of one run and how often each matched.

    `unseen` are rules that could not run: what they would have found, nobody knows.
    """

    as_of: dt.date
    waivers: tuple[Waiver, ...]
    matches: dict[int, int] = field(default_factory=dict)
    unseen: set[str] = field(default_factory=set)
    _places: dict[tuple[str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._places = {
            (waiver.rule, waiver.subject): place for place, waiver in enumerate(self.waivers)
        }

    def covers(self, rule: str, subject_id: str, subject: str) -> bool:
        """Whether a waiver in force covers this finding; an expired one matches, but covers not."""
        keys = dict.fromkeys(((rule, subject_id), (rule, subject), (rule, WHOLE_RULE)))
        places = [self._places[key] for key in keys if key in self._places]
        for place in places:
            self.matches[place] = self.matches.get(place, 0) + 1
        return any(self.in_force(self.waivers[place]) for place in places)

    def in_force(self, waiver: Waiver) -> bool:
        """Up to and including its last day."""
        return self.as_of <= waiver.until

    def notes(self) -> tuple[WaiverNote, ...]:
        """Every waiver with what became of it; raises WaiversRefused for one that matched nothing.

        A waiver without a match is a typing error or a finding that is gone: both must be seen. One
        of a rule that could not run is neither, and stays for the day on which it can.
        """
        idle = [
            f"the waiver of {waiver.rule} for {waiver.subject!r} matches no finding;"
            " correct its rule and subject as the report prints them, or remove it"
            for place, waiver in enumerate(self.waivers)
            if place not in self.matches and waiver.rule not in self.unseen
        ]
        if idle:
            raise WaiversRefused("\n".join(idle))
        return tuple(
            WaiverNote(
                rule=waiver.rule,
                subject=waiver.subject,
                by=waiver.by,
                reason=waiver.reason,
                until=waiver.until,
                state="in_force" if self.in_force(waiver) else "expired",
                matches=self.matches.get(place, 0),
            )
            for place, waiver in enumerate(self.waivers)
        )


def read_waivers(path: Path | None, known: Collection[str], as_of: dt.date) -> WaiverBook:
    """The waiver file, checked against the rules and topics there are; none gives an empty book.

    Raises InputRefused or WaiversRefused with one sentence per fault.
    """
    if path is None:
        return WaiverBook(as_of, ())
    try:
        waivers = WaiverFile.model_validate(read_yaml(path)).waivers
    except ValidationError as problem:
        faults = problems_of(problem, path.name, WaiverFile, {"waivers": Waiver})
        raise WaiversRefused("\n".join(faults)) from None
    faults_found = [
        f"{path.name}: there is no rule {waiver.rule!r}{closest(waiver.rule, sorted(known))}"
        for waiver in waivers
        if waiver.rule not in known
    ]
    keys = [(waiver.rule, waiver.subject) for waiver in waivers]
    faults_found += [
        f"{path.name}: {rule} is waived twice for {subject!r}; keep one"
        for rule, subject in sorted({key for key in keys if keys.count(key) > 1})
    ]
    if faults_found:
        raise WaiversRefused("\n".join(faults_found))
    return WaiverBook(as_of, waivers)
