"""YAML from strangers: read in C where that is safe, refused in one sentence where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import InputRefused
from auditor.yaml_file import DEEPEST, read_yaml

SCALARS = st.none() | st.booleans() | st.integers() | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def written(folder: Path, text: str) -> Path:
    path = folder / "rule.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@given(VALUES)
def test_what_was_written_comes_back(
    tmp_path_factory: pytest.TempPathFactory, value: object
) -> None:
    path = written(tmp_path_factory.getbasetemp(), yaml.safe_dump(value))
    assert read_yaml(path) == value


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
@pytest.mark.parametrize("depth", [DEEPEST + 1, 5_000, 60_000])
def test_a_file_nested_without_end_is_refused_and_ends_nothing(
    opening: str, depth: int, tmp_path: Path
) -> None:
    text = (opening * depth)[:199_000]
    with pytest.raises(InputRefused) as refused:
        read_yaml(written(tmp_path, text))
    assert f"is no valid YAML: it nests deeper than {DEEPEST} levels" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3: is no valid YAML: the key 'a' is written twice"),
        ("a: [1, 2\nb: 3\n", "line 2: is no valid YAML"),
        ("a: !!python/object:os.system x\n", "line 1: is no valid YAML"),
        ("? [1]\n: 2\n", "line 1: is no valid YAML: a key must be plain text"),
    ],
)
def test_a_fault_is_named_with_its_line(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        read_yaml(written(tmp_path, text))
    assert says in str(refused.value)
