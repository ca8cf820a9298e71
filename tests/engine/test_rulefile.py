"""Rule files: what loads, what is refused, and in which words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from auditor.engine.rulefile import LoadedRule, fill, load_pack, load_rules, schema_text
from auditor.errors import InputRefused, RulesRefused
from auditor.resources import rules_folder

GOOD: dict[str, Any] = {
    "id": "CUST-1",
    "title": "Every accepted domain is authoritative",
    "scope": "domain",
    "gate": "platform",
    "severity": "info",
    "confidence": "inferred",
    "as_of": "@2026-11-21",
    "why": "Because this customer wants it to be so.",
    "limits": "Says nothing about domains elsewhere.",
    "needs": ["onprem_accepted_domain"],
    "query": "select guid as subject_id, domain_name as subject,"
    " domain_type = $wanted as ok from onprem_accepted_domain",
    "params": {"wanted": "Authoritative"},
    "say": {
        "pass": "{subject} is authoritative.",
        "fail": "{subject} is not.",
        "not_assessed": "{subject} is not known.",
        "not_applicable": "There are no accepted domains.",
    },
    "fix": "Change the domain type.",
    "references": [{"title": "A page", "url": "https://learn.microsoft.com/exchange"}],
    "tests": [
        {
            "name": "an authoritative domain passes",
            "given": {
                "onprem_accepted_domain": [
                    {
                        "guid": "d1",
                        "name": "a",
                        "domain_name": "a.example",
                        "domain": "a.example",
                        "domain_type": "Authoritative",
                    }
                ]
            },
            "expect": {"verdict": "pass"},
        },
        {
            "name": "a relay domain fails by its id",
            "given": {
                "onprem_accepted_domain": [
                    {
                        "guid": "d1",
                        "name": "a",
                        "domain_name": "a.example",
                        "domain": "a.example",
                        "domain_type": "InternalRelay",
                    }
                ]
            },
            "expect": {"verdict": "fail", "failing": ["d1"], "says": "a.example is not"},
        },
        {
            "name": "without the domains the question is open",
            "given": {"onprem_accepted_domain": "not collected"},
            "expect": {"verdict": "not_assessed"},
        },
    ],
}


def write_rule(folder: Path, rule: dict[str, Any], name: str = "cust-1-domains.yaml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(rule, sort_keys=False).replace("'@2026-11-21'", "2026-11-21")
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def changed(**keys: object) -> dict[str, Any]:
    return {**GOOD, **keys}


def test_a_good_rule_loads_with_its_pack_and_hash(tmp_path: Path) -> None:
    write_rule(tmp_path / "pack", GOOD)
    (loaded,) = load_pack(tmp_path / "pack", "pack")
    assert isinstance(loaded, LoadedRule)
    assert (loaded.rule.id, loaded.pack, loaded.file) == ("CUST-1", "pack", "cust-1-domains.yaml")
    assert len(loaded.sha256) == 64


def test_every_problem_of_every_file_is_listed_at_once(tmp_path: Path) -> None:
    typo = changed(severty="info", needs=["onprem_acepted_domain"])
    typo.pop("severity")
    write_rule(tmp_path, typo)
    write_rule(tmp_path, changed(id="CUST-2", why="short"), "cust-2-x.yaml")
    with pytest.raises(RulesRefused) as refused:
        load_pack(tmp_path, "pack")
    assert refused.value.problems == (
        "pack/cust-1-domains.yaml: severity is missing",
        "pack/cust-1-domains.yaml: severty is not a key here; closest is 'severity'",
        "pack/cust-2-x.yaml: why must have at least 20 characters",
    )


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "a table that does not exist": (
        changed(needs=["onprem_acepted_domain"]),
        "there is no table 'onprem_acepted_domain'; closest is 'onprem_accepted_domain'",
    ),
    "a verdict without a test": (
        changed(tests=GOOD["tests"][:2] + GOOD["tests"][:1]),
        "none of them expects not_assessed",
    ),
    "an order for a title": (changed(title="Ensure that domains are fine"), "good state"),
    "double quotes": (
        changed(query='select "guid" as subject_id from onprem_accepted_domain'),
        "double quotes",
    ),
    "a plain http link": (
        changed(references=[{"title": "x", "url": "http://example.org"}]),
        "references.0.url",
    ),
    "the look-alike boolean no": (changed(title=False), "title: Input should be a valid string"),
    "as_of as a parameter": (changed(params={"as_of": 1}), "as_of is the date"),
    "a placeholder without a row": (
        changed(say={**GOOD["say"], "not_applicable": "{subject}"}),
        "say.not_applicable",
    ),
    "a mistyped key inside say": (
        changed(say={**GOOD["say"], "failed": "x"}),
        "say.failed is not a key here; closest is 'fail'",
    ),
}


@pytest.mark.parametrize(("rule", "words"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_faulty_rule_is_refused_with_its_place(
    tmp_path: Path, rule: dict[str, Any], words: str
) -> None:
    write_rule(tmp_path, rule)
    with pytest.raises(RulesRefused) as refused:
        load_pack(tmp_path, "pack")
    assert words in str(refused.value)
    assert "pack/cust-1-domains.yaml" in str(refused.value)


def test_a_key_written_twice_is_refused(tmp_path: Path) -> None:
    path = write_rule(tmp_path, GOOD)
    path.write_text(path.read_text() + "severity: blocker\n")
    with pytest.raises(RulesRefused, match="'severity' is written twice"):
        load_pack(tmp_path, "pack")


def test_yaml_that_would_build_objects_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x-evil.yaml").write_text("id: !!python/object/apply:os.system ['true']\n")
    with pytest.raises(RulesRefused, match="is no valid YAML"):
        load_pack(tmp_path, "pack")


def test_a_file_must_be_named_after_its_id(tmp_path: Path) -> None:
    write_rule(tmp_path, GOOD, "other-name.yaml")
    with pytest.raises(RulesRefused, match="must start with cust-1-"):
        load_pack(tmp_path, "pack")


def test_an_id_of_a_shipped_rule_cannot_be_taken(tmp_path: Path) -> None:
    taken = load_pack(rules_folder(), "shipped")[0].rule.id
    write_rule(tmp_path, changed(id=taken), f"{taken.lower()}-mine.yaml")
    with pytest.raises(RulesRefused, match=f"the id {taken} is taken"):
        load_rules(rules_folder(), [tmp_path])


def test_a_folder_without_rules_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RulesRefused, match="holds no rule files"):
        load_pack(tmp_path, "pack")
    with pytest.raises(InputRefused, match="no such folder"):
        load_pack(tmp_path / "nowhere", "pack")


def test_sentences_are_filled_literally_and_a_gap_is_named() -> None:
    row = {"a": "{b}", "b": "never", "c": None}
    assert fill("{a}/{c}", row) == "{b}/(not known)"


def test_the_committed_schema_is_the_model_s() -> None:
    committed = (rules_folder() / "rule.schema.json").read_text(encoding="utf-8")
    assert committed == schema_text(), "run: auditor rules schema > rules/rule.schema.json"
