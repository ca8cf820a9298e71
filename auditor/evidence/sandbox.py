"""What a stranger's select may contain: an allow-list over DuckDB's syntax tree.

DuckDB has no authorizer and calls untrusted SQL unsafe by design. `json_serialize_sql` shows a
query as a tree; whatever of it is not listed here is refused, so what a later DuckDB adds is
refused as well. The locked configuration of `database.py` stands behind this list.

What it does not prevent: texts that multiply (`||` and `replace` over each other) can take some
gigabytes before DuckDB gives up, since its memory limit does not count a text in the making.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from auditor.errors import QueryRefused
from auditor.evidence.bundle_format import short
from auditor.spelling import closest

NO_SELECT = "Only SELECT statements"
"""How DuckDB begins to refuse any other statement."""
LONGEST_QUERY = 20_000
MOST_TABLES = 50
"""Tables a query may name: planning a join of hundreds takes minutes, and no deadline ends it."""
DEEPEST_SUBQUERY = 10
"""Subqueries within subqueries: DuckDB 1.4 doubles its planning time with each."""

# fmt: off
QUERY_NODES = frozenset({"CTE_NODE", "SELECT_NODE", "SET_OPERATION_NODE"})
SOURCES = frozenset({"BASE_TABLE", "EMPTY", "JOIN", "SUBQUERY"})
MODIFIERS = frozenset({"DISTINCT_MODIFIER", "LIMIT_MODIFIER", "ORDER_MODIFIER"})
ORDERS = frozenset({"ASCENDING", "DESCENDING", "ORDER_DEFAULT"})
UNCLASSED = QUERY_NODES | SOURCES | MODIFIERS | ORDERS | {"DECIMAL_TYPE_INFO"}
EXPRESSIONS = frozenset({
    "BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT",
    "FUNCTION", "OPERATOR", "PARAMETER", "SUBQUERY", "TYPE", "WINDOW",
})
OPERATORS = frozenset({
    "COMPARE_IN", "COMPARE_NOT_IN", "OPERATOR_COALESCE", "OPERATOR_IS_NOT_NULL",
    "OPERATOR_IS_NULL", "OPERATOR_NOT",
})
FUNCTIONS = frozenset({
    "!~~", "!~~*", "%", "*", "+", "-", "/", "//", "abs", "any_value", "bool_and", "bool_or",
    "contains", "count", "count_star", "date_diff", "dense_rank", "ends_with", "length", "lower",
    "max", "min", "nullif", "prefix", "rank", "replace", "round", "row_number", "split_part",
    "starts_with", "string_agg", "substr", "substring", "suffix", "sum", "trim", "upper", "||",
    "~~", "~~*",
})
TYPES = frozenset({
    "BIGINT", "BOOL", "BOOLEAN", "DATE", "DECIMAL", "DOUBLE", "INT", "INTEGER", "TEXT",
    "TIMESTAMP", "VARCHAR",
})
JOINS = frozenset({"CROSS", "REGULAR"})
CLOCK_NAMES = frozenset({
    "current_catalog", "current_date", "current_role", "current_schema", "current_time",
    "current_timestamp", "current_user", "localtime", "localtimestamp", "session_user", "user",
})
"""Column names that DuckDB turns into calls of a function when no table has such a column."""
# fmt: on


@dataclass(frozen=True)
class Checked:
    """A query that may run: the evidence tables it reads and the parameters it names."""

    tables: frozenset[str]
    parameters: frozenset[str]


def check(tree: Mapping[str, Any], known: Mapping[str, Collection[str]], *, star: bool) -> Checked:
    """Hold the tree of `json_serialize_sql` against the list.

    `known`: the evidence tables and their columns. Raises QueryRefused, naming the first thing that
    is not allowed.
    """
    if tree.get("error"):
        raise QueryRefused(_unparsed(str(tree.get("error_message", "no SQL"))))
    statements = tree.get("statements") or []
    if len(statements) != 1:
        raise QueryRefused(f"a query is one select statement, here are {len(statements)}")
    tables: list[str] = []
    views: set[str] = set()
    parameters: set[str] = set()
    clocks: set[str] = set()
    for node in _nodes(statements[0]["node"]):
        _check_node(node, star=star)
        if node.get("type") == "BASE_TABLE":
            tables.append(_table(node))
        elif node.get("class") == "PARAMETER":
            parameters.add(_parameter(node))
        elif node.get("class") == "COLUMN_REF" and len(node["column_names"]) == 1:
            clocks |= {str(node["column_names"][0]).lower()} & CLOCK_NAMES
        if "cte_map" in node:
            views |= {str(entry["key"]).lower() for entry in node["cte_map"]["map"]}
    if shadows := sorted(views & set(known)):
        raise QueryRefused(f"with {shadows[0]} as ...: choose a name that no evidence table has")
    if unknown := sorted(set(tables) - views - set(known)):
        near = closest(unknown[0], sorted(known))
        raise QueryRefused(f"there is no evidence table {short(unknown[0])}{near}")
    if len(tables) > MOST_TABLES:
        raise QueryRefused(f"a query names {MOST_TABLES} tables at most, here are {len(tables)}")
    if odd := sorted(clocks.difference(*(known[table] for table in set(tables) - views))):
        raise QueryRefused(f"{odd[0]} differs by day or user: name a parameter")
    return Checked(frozenset(set(tables) - views), frozenset(parameters))


def _unparsed(message: str) -> str:
    if NO_SELECT in message:
        return "a query is one select statement, and this is or holds another"
    return _one_line(message)


def _nodes(root: object) -> Iterator[Mapping[str, Any]]:
    # Without recursion: how deep the tree is, its author decides.
    waiting = [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, dict):
            yield node
            depth += "subquery" in node
            if depth > DEEPEST_SUBQUERY:
                raise QueryRefused(f"a query nests subqueries {DEEPEST_SUBQUERY} deep at most")
            waiting.extend((value, depth) for value in node.values())
        elif isinstance(node, list):
            waiting.extend((value, depth) for value in node)


def _check_node(node: Mapping[str, Any], *, star: bool) -> None:
    kind, group = node.get("type"), node.get("class")
    if isinstance(kind, str) and group is None and kind not in UNCLASSED:
        raise QueryRefused(f"{_words(kind)} is not allowed in a query")
    if group is not None and not (group in EXPRESSIONS or (star and _is_plain_star(node))):
        raise QueryRefused(_not_allowed(str(group)))
    if group == "OPERATOR" and kind not in OPERATORS:
        raise QueryRefused(f"{_words(str(kind))} is not allowed in a query")
    if "function_name" in node:
        _check_function(node)
    _check_type(node)
    _check_source(node)


def _check_function(node: Mapping[str, Any]) -> None:
    name = str(node["function_name"])
    if name.lower() not in FUNCTIONS or not _is_unqualified(node, "schema", "catalog"):
        raise QueryRefused(f"function {name} is not allowed in a query")
    if name.lower() == "string_agg":
        order = node.get("order_bys") or {}
        if not order.get("orders"):
            raise QueryRefused("string_agg needs an order by, else two runs can give two texts")


def _check_type(node: Mapping[str, Any]) -> None:
    # 1.4 puts an id into the cast, 2.0 an expression of class TYPE.
    cast = node.get("cast_type")
    name = cast.get("id") if isinstance(cast, dict) else node.get("type_name")
    if name is not None and str(name).upper() not in TYPES:
        raise QueryRefused(f"type {name} is not allowed in a query")


def _check_source(node: Mapping[str, Any]) -> None:
    if node.get("sample") is not None:
        raise QueryRefused("a sample is not allowed in a query: it differs from run to run")
    if node.get("at_clause") is not None:
        raise QueryRefused("at (...) is not allowed in a query")
    if node.get("type") == "JOIN" and (
        node.get("ref_type") not in JOINS or node.get("ranking_expression") is not None
    ):
        raise QueryRefused(f"a join of kind {_words(str(node.get('ref_type')))} is not allowed")


def _is_plain_star(node: Mapping[str, Any]) -> bool:
    return node.get("class") == "STAR" and not node.get("columns") and node.get("expr") is None


def _is_unqualified(node: Mapping[str, Any], *places: str) -> bool:
    path = (node.get("qualified_name") or {}).get("path") or [""]
    return len(path) == 1 and all(node.get(place) in {None, "", "main"} for place in places)


def _table(node: Mapping[str, Any]) -> str:
    name = str(node["table_name"])
    if node.get("schema_name") or not _is_unqualified(node, "catalog_name"):
        raise QueryRefused(f"table {name} is to be named without a schema")
    return name.lower()


def _parameter(node: Mapping[str, Any]) -> str:
    name = str(node["identifier"])
    if not name.isidentifier():
        raise QueryRefused("parameters are named, as in $as_of")
    return name


def _not_allowed(group: str) -> str:
    if group == "STAR":
        return "name the columns: * is not allowed in a query"
    return f"{_words(group)} is not allowed in a query"


def _words(name: str) -> str:
    return name.lower().replace("_", " ")


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
