"""Who may import whom (design, section 3), read off the syntax trees of the package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import auditor

PACKAGE = Path(auditor.__file__).parent
FOUNDATION = {"errors", "spelling", "verdicts"}
ALLOWED: dict[str, set[str]] = {
    "cli": {
        *("check", "cli_command", "cli_rules", "collect", "config", "config_parts", "demo"),
        *("importing", "inquiry", "run", "terminal", "words", *FOUNDATION),
    },
    "cli_rules": {"cli_command", "run", "terminal"},
    "cli_command": {"terminal", *FOUNDATION},
    "demo": {
        *("collect", "collectors", "engine", "lab", "live_cloud", "live_sources", "run"),
        *("sources", *FOUNDATION),
    },
    "collect": {
        *("collectors", "config", "config_parts", "engine", "evidence", "live_cloud"),
        *("live_sources", "run", *FOUNDATION),
    },
    "check": {
        *("check_cloud", "checked", "collectors", "config", "config_parts", "evidence"),
        *("live_sources", "run", "sources"),
        *FOUNDATION,
    },
    "importing": {
        *("collect", "collectors", "config", "config_parts", "engine", "evidence"),
        *("live_sources", "run", *FOUNDATION),
    },
    "check_cloud": {
        *("checked", "collectors", "config_cloud", "live_cloud", "run", "sources"),
        *FOUNDATION,
    },
    "checked": set(),
    "live_sources": {
        *("collectors", "config", "config_parts", "live_cloud", "sources"),
        *FOUNDATION,
    },
    "live_cloud": {
        *("collectors", "config_cloud", "config_parts", "evidence", "sources"),
        *FOUNDATION,
    },
    "words": {"collectors", "engine", "evidence", "prediction", *FOUNDATION},
    "inquiry": {"engine", "evidence", "prediction", "report", "run", *FOUNDATION},
    "run": {
        *("assessment", "collectors", "engine", "evidence", "report", "resources"),
        *("config", "sources", *FOUNDATION),
    },
    "report": {"assessment", "files", "resources", *FOUNDATION},
    "assessment": {"evidence", *FOUNDATION},
    "engine": {"assessment", "evidence", "prediction", "yaml_file", *FOUNDATION},
    "config": {"config_cloud", "config_parts", "sources", "yaml_file", *FOUNDATION},
    "config_cloud": {"config_parts", "sources", *FOUNDATION},
    "config_parts": FOUNDATION,
    "yaml_file": FOUNDATION,
    "prediction": {"evidence", *FOUNDATION},
    "collectors": {"evidence", "resources", "sources", *FOUNDATION},
    "lab": {"evidence", "verdicts"},
    "evidence": {"files", *FOUNDATION},
    "sources": FOUNDATION,
    "files": FOUNDATION,
    "terminal": FOUNDATION,
    "resources": set(),
    "errors": {"verdicts"},
    "spelling": set(),
    "verdicts": set(),
}
ONLY_IN: dict[str, set[str]] = {
    "duckdb": {"evidence/database.py"},
    "jinja2": {"report/html.py"},
    "yaml": {"yaml_file.py"},
    "ldap3": {
        "sources/directory.py",
        "sources/directory_connection.py",
        "sources/directory_strategy.py",
    },
    "typer": {"cli.py", "cli_command.py", "cli_rules.py", "terminal.py"},
    # behind sources/exchange_shell.py and windows_shell.py, which import them when they connect
    "pypsrp": {
        "sources/exchange_shell.py",
        "sources/remoting_connection.py",
        "sources/remoting_faults.py",
        "sources/remoting_fragments.py",
        "sources/remoting_pool.py",
        "sources/windows_shell.py",
    },
    "requests": {"sources/remoting_faults.py", "sources/remoting_transport.py"},
    "spnego": {
        "lab/wsman_logon.py",
        "sources/kerberos_faults.py",
        "sources/remoting_faults.py",
    },
    "psrpcore": {"lab/psrp_errors.py", "lab/psrp_pipeline.py"},
    # behind sources/graph.py, exchange_online.py and cloud_sign_in.py, which import them when
    # something is read
    "httpx": {
        "sources/exchange_online.py",
        "sources/exchange_online_transport.py",
        "sources/exchange_online_wire.py",
        "sources/graph.py",
        "sources/graph_transport.py",
        "sources/no_answer.py",
    },
    "azure": {
        "sources/cloud_credential.py",
        "sources/cloud_sign_in.py",
        "sources/graph_transport.py",
    },
    "msal": set(),
    "msgraph": {"sources/graph_transport.py"},
    "msgraph_core": set(),
    "kiota_abstractions": {"sources/graph_transport.py"},
    "kiota_authentication_azure": {"sources/graph_transport.py"},
    "kiota_http": {"sources/graph_transport.py"},
}


def modules() -> Iterator[tuple[str, str, ast.Module]]:
    """Layer, path inside the package and syntax tree of every module."""
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE)
        layer = inside.parts[0].removesuffix(".py")
        if layer != "__init__":
            yield layer, inside.as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[str]:
    """Dotted names of everything a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)


def test_every_layer_imports_only_what_it_may() -> None:
    found = [
        f"{path} imports {name}"
        for layer, path, tree in modules()
        for name in imported(tree)
        if name.startswith("auditor.")
        and name.split(".")[1] not in {*ALLOWED[layer], layer, "__version__"}
    ]
    assert found == []


def test_the_map_of_layers_has_no_circle() -> None:
    def reachable(layer: str, seen: frozenset[str]) -> set[str]:
        assert layer not in seen, f"circle through {layer}"
        below = ALLOWED[layer]
        return below.union(*(reachable(under, seen | {layer}) for under in below))

    assert all(layer not in reachable(layer, frozenset()) for layer in ALLOWED)


def test_libraries_are_imported_where_the_design_puts_them() -> None:
    found = [
        f"{path} imports {name}"
        for _, path, tree in modules()
        for name in imported(tree)
        if path not in ONLY_IN.get(name.split(".")[0], {path})
    ]
    assert found == []


def test_one_broad_except_stands_in_the_whole_program() -> None:
    broad = [
        path
        for _, path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or any(
                isinstance(name, ast.Name) and name.id in {"Exception", "BaseException"}
                for name in ast.walk(node.type)
            )
        )
    ]
    assert broad == ["collectors/runner.py"]


def test_modules_stay_small_enough_to_hold_one_idea() -> None:
    long = {
        path.relative_to(PACKAGE).as_posix(): lines
        for path in PACKAGE.rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}
