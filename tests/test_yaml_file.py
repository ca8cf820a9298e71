"""YAML from strangers: read in C where that is safe, refused in one sentence where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import InputRefused
from auditor.yaml_file import DEEPEST, MOST_MERGED, read_yaml

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


@pytest.mark.parametrize(
    "merge", ["{{<<: [{0}, {0}, {0}, {0}]}}", "{{<<: {0}, <<: {0}, <<: {0}, <<: {0}}}"]
)
def test_mappings_merged_without_end_are_refused_before_they_fill_the_memory(
    merge: str, tmp_path: Path
) -> None:
    lines = ["a0: &a0 {key: 1}"]
    lines += [f"a{level}: &a{level} {merge.format(f'*a{level - 1}')}" for level in range(1, 40)]
    with pytest.raises(InputRefused) as refused:
        read_yaml(written(tmp_path, "\n".join(lines)))
    assert "is no valid YAML: only one mapping can be merged into another" in str(refused.value)


def test_one_long_mapping_is_not_merged_into_thousands(tmp_path: Path) -> None:
    lines = ["a0: &a0 {k0: 1}"]
    lines += [f"a{n}: &a{n} {{<<: *a{n - 1}, k{n}: 1}}" for n in range(1, MOST_MERGED + 2)]
    with pytest.raises(InputRefused) as refused:
        read_yaml(written(tmp_path, "\n".join(lines)))
    assert f"merged with more than {MOST_MERGED} keys" in str(refused.value)


def test_a_mapping_is_merged_under_what_is_written_beside_it(tmp_path: Path) -> None:
    text = "usual: &usual {a: 1, b: 2}\nnext: &next {<<: *usual, b: 3}\nlast: {<<: *next, c: 4}\n"
    assert read_yaml(written(tmp_path, text)) == {
        "usual": {"a": 1, "b": 2},
        "next": {"a": 1, "b": 3},
        "last": {"a": 1, "b": 3, "c": 4},
    }


def test_of_a_file_without_end_no_more_is_read_than_a_file_may_have(tmp_path: Path) -> None:
    path = tmp_path / "rule.yaml"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # a hole, which takes no room
    with pytest.raises(InputRefused, match="larger than 200,000 bytes"):
        read_yaml(path)
