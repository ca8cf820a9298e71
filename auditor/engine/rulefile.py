"""A rule is one YAML file: prose for a change board, one SQL select, named inline tests."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from auditor.errors import InputRefused, RulesRefused
from auditor.evidence.tables import BY_NAME
from auditor.spelling import closest
from auditor.verdicts import Confidence, Gate, Scope, Severity, Verdict
from auditor.yaml_file import problems_of, read_yaml

PLACEHOLDER = re.compile(r"\{(\w+)\}")
Scalar = bool | int | float | str


def _words(kind: type[Any]) -> BeforeValidator:
    """YAML hands over plain text; strict models want the enum's member."""

    def member(value: object) -> object:
        return next((word for word in kind if word.value == value), value)

    return BeforeValidator(member)


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


class Strict(BaseModel):
    """Part of a rule file: unknown keys and look-alike types (`no`, 010) are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Say(Strict):
    """One sentence per verdict; `{column}` becomes the row's value, literally."""

    pass_: str = Field(alias="pass", min_length=1)
    fail: str = Field(min_length=1)
    not_assessed: str = Field(min_length=1)
    not_applicable: str = Field(min_length=1)


class Reference(Strict):
    """A link that backs the rule."""

    title: str = Field(min_length=1)
    url: str = Field(pattern=r"^https://[^\s\"'<>]+$")


class Expect(Strict):
    """What an inline test demands: the verdict, and whatever else is given.

    `failing` and `not_assessed` are whole lists of subject ids; `severities` names the severity of
    single findings, `says` a piece of some finding's sentence.
    """

    verdict: Annotated[Verdict, _words(Verdict)]
    failing: Annotated[tuple[str, ...], BeforeValidator(_tuple)] | None = None
    not_assessed: Annotated[tuple[str, ...], BeforeValidator(_tuple)] | None = None
    severities: dict[str, Annotated[Severity, _words(Severity)]] = {}
    says: str | None = None


class RuleTest(Strict):
    """A tiny world and the verdict the rule must give in it.

    Rows pass the evidence models: a nullable column left out is NULL. A table that is not named
    is collected and empty; reference tables hold the shipped data.
    """

    name: str = Field(min_length=10)
    given: dict[str, list[dict[str, Any]] | Literal["not collected"]]
    as_of: dt.date | None = None
    expect: Expect


class Rule(Strict):
    """One rule, as design section 5 describes it."""

    id: str = Field(pattern=r"^[A-Z][A-Z0-9]*(-[A-Z0-9]+)+$", max_length=40)
    title: str = Field(min_length=10, max_length=110)
    scope: Annotated[Scope, _words(Scope)]
    gate: Annotated[Gate, _words(Gate)]
    severity: Annotated[Severity, _words(Severity)]
    confidence: Annotated[Confidence, _words(Confidence)]
    as_of: dt.date
    why: str = Field(min_length=20)
    limits: str = Field(min_length=20)
    needs: Annotated[tuple[str, ...], BeforeValidator(_tuple)] = Field(min_length=1)
    params: dict[str, Scalar] = {}
    query: str = Field(min_length=20, max_length=20_000)
    say: Say
    fix: str = Field(min_length=10)
    references: Annotated[tuple[Reference, ...], BeforeValidator(_tuple)] = Field(min_length=1)
    tests: Annotated[tuple[RuleTest, ...], BeforeValidator(_tuple)] = Field(min_length=3)

    @model_validator(mode="after")
    def _holds_together(self) -> Rule:
        expected = {test.expect.verdict for test in self.tests}
        missing = {Verdict.PASS, Verdict.FAIL, Verdict.NOT_ASSESSED} - expected
        if missing:
            words = ", ".join(sorted(missing))
            raise ValueError(f"tests: none of them expects {words}")
        if self.title.startswith("Ensure"):
            raise ValueError("title: it describes the good state; it gives no order")
        if '"' in self.query:
            raise ValueError("query: double quotes are not used, they name files and columns alike")
        for table in (*self.needs, *(name for test in self.tests for name in test.given)):
            if table not in BY_NAME:
                raise ValueError(f"needs: there is no table {table!r}{closest(table, BY_NAME)}")
        if len(set(self.needs)) != len(self.needs):
            raise ValueError("needs: a table is named twice")
        if "as_of" in self.params:
            raise ValueError("params: as_of is the date of the assessment and always bound")
        if PLACEHOLDER.search(self.say.not_applicable):
            raise ValueError("say.not_applicable: there is no row whose columns it could quote")
        return self


@dataclass(frozen=True)
class LoadedRule:
    """A rule with where it came from; `pack` is `shipped` or the folder's name."""

    rule: Rule
    pack: str
    file: str
    sha256: str


PARTS: Mapping[str, type[BaseModel]] = {
    "say": Say,
    "tests": RuleTest,
    "expect": Expect,
    "references": Reference,
}
"""Which model stands under which key of a rule file."""


def load_file(path: Path, pack: str, root: Path) -> LoadedRule:
    """One rule file; raises RulesRefused with every fault of it."""
    name = path.relative_to(root).as_posix()
    try:
        rule = Rule.model_validate(read_yaml(path))
    except InputRefused as problem:
        raise RulesRefused([str(problem)]) from None
    except ValidationError as problem:
        raise RulesRefused(list(problems_of(problem, f"{pack}/{name}", Rule, PARTS))) from None
    if not path.name.startswith(rule.id.lower() + "-"):
        raise RulesRefused(
            [f"{pack}/{name}: the file name must start with {rule.id.lower()}-, like its id"]
        )
    return LoadedRule(rule, pack, name, hashlib.sha256(path.read_bytes()).hexdigest())


def load_pack(folder: Path, pack: str) -> list[LoadedRule]:
    """Every rule below a folder, by id; raises RulesRefused listing every fault of every file."""
    if not folder.is_dir():
        raise InputRefused(f"{folder}: no such folder of rules; name an existing one with --rules")
    rules: dict[str, LoadedRule] = {}
    problems: list[str] = []
    for path in sorted([*folder.rglob("*.yaml"), *folder.rglob("*.yml")]):
        try:
            loaded = load_file(path, pack, folder)
        except RulesRefused as refused:
            problems.extend(refused.problems)
            continue
        other = rules.setdefault(loaded.rule.id, loaded)
        if other is not loaded:
            problems.append(f"{pack}/{loaded.file}: {loaded.rule.id} is also in {other.file}")
    if not rules and not problems:
        problems.append(f"{folder}: holds no rule files; they end in .yaml")
    if problems:
        raise RulesRefused(problems)
    return [rules[rule] for rule in sorted(rules)]


def load_rules(shipped: Path, packs: Sequence[Path]) -> list[LoadedRule]:
    """The shipped rules and those of customers' packs; an id that occurs twice is refused."""
    loaded = load_pack(shipped, "shipped")
    for folder in packs:
        loaded += load_pack(folder, folder.resolve().name)
    seen: dict[str, LoadedRule] = {}
    problems = []
    for item in loaded:
        other = seen.setdefault(item.rule.id, item)
        if other is not item:
            problems.append(
                f"{item.pack}/{item.file}: the id {item.rule.id} is taken by"
                f" {other.pack}/{other.file}; give your rule an id of its own"
            )
    if problems:
        raise RulesRefused(problems)
    return sorted(loaded, key=lambda item: item.rule.id)


def schema_text() -> str:
    """The JSON schema of a rule file, for editors; `rules/rule.schema.json` is this text."""
    return json.dumps(Rule.model_json_schema(), indent=1, sort_keys=True) + "\n"


def fill(sentence: str, row: Mapping[str, object]) -> str:
    """Literal `{column}` substitution: no format specifications, no attribute access."""

    def value(name: re.Match[str]) -> str:
        content = row[name[1]]
        return "(not known)" if content is None else str(content)

    return PLACEHOLDER.sub(value, sentence)
