"""What the reading of entries leans on in ldap3, and what of ldap3 is used at all."""

from __future__ import annotations

import ast
import tomllib
from importlib.metadata import version
from pathlib import Path

import ldap3
import ldap3.strategy.base
from ldap3.strategy.sync import SyncStrategy

import auditor
from auditor.sources.directory_strategy import CACHED_METHODS, LDAP3_VERSION, install

PACKAGE = Path(auditor.__file__).parent
ALLOWED_CALLS = {"open", "start_tls", "bind", "search", "unbind"}
OPERATIONS = {
    *("abandon", "add", "compare", "delete", "extend", "extended", "modify", "modify_dn"),
    *("rebind", "move", "set_password", "who_am_i", "modify_password"),
}


def test_ldap3_is_pinned_to_the_version_whose_inner_life_is_known() -> None:
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    assert f"ldap3=={LDAP3_VERSION}" in project["project"]["dependencies"]
    assert version("ldap3") == LDAP3_VERSION


def test_a_connection_keeps_methods_of_its_strategy_and_gets_ours_instead() -> None:
    connection = ldap3.Connection(ldap3.Server("localhost", get_info=ldap3.NONE))
    kept = {
        name
        for name, value in vars(connection).items()
        if getattr(value, "__self__", None) is connection.strategy
    }
    assert kept == set(CACHED_METHODS)
    strategy = install(connection)
    assert connection.strategy is strategy
    assert [getattr(connection, name).__self__ for name in CACHED_METHODS] == [strategy] * 5


def test_ldap3_reads_answers_through_the_one_method_that_is_replaced() -> None:
    assert "_get_response" in vars(SyncStrategy)
    called = {
        node.func.attr
        for node in ast.walk(ast.parse(Path(ldap3.strategy.base.__file__).read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert "_get_response" in called


def test_only_binds_searches_and_goodbyes_are_called_on_a_connection() -> None:
    called = set()
    named = set()
    for path in sorted((PACKAGE / "sources").glob("directory*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Attribute):
                continue
            named.add(node.attr)
            holder = node.value
            if (isinstance(holder, ast.Name) and holder.id == "connection") or (
                isinstance(holder, ast.Attribute) and holder.attr in {"connection", "_connection"}
            ):
                called.add(node.attr)
    methods = {name for name in called if callable(getattr(ldap3.Connection, name, None))}
    kept_by_the_instance = called & set(CACHED_METHODS)
    assert methods | kept_by_the_instance <= ALLOWED_CALLS
    # a dictionary's `extend` on a list is no operation; those of a connection are met above
    assert named & (OPERATIONS - {"extend", "add"}) == set()
