"""Where the shipped rules and templates lie: inside the installed package, else beside it."""

from __future__ import annotations

from pathlib import Path


def _shipped(kind: str) -> Path:
    package = Path(__file__).resolve().parent
    installed = package / f"_{kind}"
    return installed if installed.is_dir() else package.parent / kind


def rules_folder() -> Path:
    """Folder of the shipped rules, with `reference/` below it."""
    return _shipped("rules")


def templates_folder() -> Path:
    """Folder of the report's templates and of the export script's."""
    return _shipped("templates")
