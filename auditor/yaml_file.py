"""YAML written by people: read strictly, and every fault named with its place."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from auditor.errors import InputRefused
from auditor.spelling import closest

MAXIMUM_FILE_BYTES = 200_000

DEEPEST = 50
"""Levels of one file. The parser in C would overrun its stack, which nothing could report."""

MOST_MERGED = 500
"""Keys of a mapping that another was merged into."""

_MERGE = "tag:yaml.org,2002:merge"


def _merged(loader: yaml.constructor.SafeConstructor, node: yaml.MappingNode) -> None:
    """Merges one mapping into another: of several, a few lines could fill any memory."""
    merged = [value for key, value in node.value if key.tag == _MERGE]
    words = "only one mapping can be merged into another"
    if len(merged) <= 1 and all(isinstance(each, yaml.MappingNode) for each in merged):
        yaml.constructor.SafeConstructor.flatten_mapping(loader, node)
        words = f"it is merged with more than {MOST_MERGED} keys"
        if not merged or len(node.value) <= MOST_MERGED:
            return
    raise yaml.constructor.ConstructorError(None, None, words, node.start_mark)


class _UniqueKeyLoader(yaml.SafeLoader):
    """Safe YAML that refuses a key written twice, where the last would silently win."""

    flatten_mapping = _merged


class _QuickLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The same in C, eight times as fast, where PyYAML was built with it."""

    flatten_mapping = _merged


def _mapping(loader: _UniqueKeyLoader | _QuickLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        if key_node.tag == _MERGE:
            continue
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, Hashable):
            words = "a key must be plain text"
            raise yaml.constructor.ConstructorError(None, None, words, key_node.start_mark)
        if key in seen:
            words = f"the key {key!r} is written twice"
            raise yaml.constructor.ConstructorError(None, None, words, key_node.start_mark)
        seen.add(key)
    loader.flatten_mapping(node)
    return dict(loader.construct_pairs(node, deep=True))


for _loader in (_UniqueKeyLoader, _QuickLoader):
    _loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def _loaded(text: str) -> object:
    """What the text holds; raises YAMLError, worded by the parser that says more."""
    line = _too_deep_at(text)
    if line is not None:
        mark = yaml.Mark("", 0, line, 0, None, 0)
        words = f"it nests deeper than {DEEPEST} levels"
        raise yaml.composer.ComposerError(None, None, words, mark)
    try:
        return _QuickLoader(text).get_single_data()
    except yaml.YAMLError:
        return _UniqueKeyLoader(text).get_single_data()


def _too_deep_at(text: str) -> int | None:
    """The line, from 0, at which collections lie too deep in one another; found from above."""
    level = 0
    try:
        for event in yaml.parse(text, Loader=_QuickLoader):
            if isinstance(event, yaml.CollectionStartEvent):
                level += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                level -= 1
            if level > DEEPEST:
                return event.start_mark.line if event.start_mark else 0
    except yaml.YAMLError:
        pass  # whoever reads it says what is wrong
    return None


def read_yaml(path: Path) -> object:
    """What a YAML file holds; raises InputRefused naming the file and, if known, the line."""
    try:
        with path.open("rb") as file:
            content = file.read(MAXIMUM_FILE_BYTES + 1)
        if len(content) > MAXIMUM_FILE_BYTES:
            raise InputRefused(
                f"{path}: larger than {MAXIMUM_FILE_BYTES:,} bytes; split it into several files"
            )
        return _loaded(content.decode("utf-8-sig"))
    except OSError as problem:
        raise InputRefused(f"{path}: cannot be read ({problem.strerror}); check the path") from None
    except UnicodeDecodeError:
        raise InputRefused(f"{path}: is not UTF-8 text; save it as UTF-8") from None
    except (yaml.YAMLError, RecursionError, ValueError) as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        what = getattr(problem, "problem", None) or str(problem).splitlines()[0]
        raise InputRefused(f"{path}{where}: is no valid YAML: {what}") from None


def problems_of(
    error: ValidationError,
    file: str,
    model: type[BaseModel],
    parts: Mapping[str, type[BaseModel]],
) -> Iterator[str]:
    """One sentence per fault of a YAML file: file, key, what is wrong, the closest known key.

    `parts` says which model stands under which key.
    """
    for fault in error.errors(include_url=False):
        key = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            inner = [parts[str(part)] for part in fault["loc"][:-1] if part in parts]
            fields = (inner[-1] if inner else model).model_fields
            known = [field.alias or name for name, field in fields.items()]
            yield f"{file}: {key} is not a key here{closest(str(fault['loc'][-1]), known)}"
        elif fault["type"] == "missing":
            yield f"{file}: {key} is missing"
        elif fault["type"] == "literal_error":
            yield f"{file}: {key} must be {fault['ctx']['expected']}"
        elif fault["type"] == "string_too_short":
            yield f"{file}: {key} must have at least {fault['ctx']['min_length']} characters"
        else:
            message = fault["msg"].removeprefix("Value error, ")
            yield f"{file}: {key + ': ' if key else ''}{message}"
