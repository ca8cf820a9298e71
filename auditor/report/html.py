"""The report as one HTML file: no script, no outside request, the same bytes each time."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined
from markupsafe import Markup

from auditor.assessment import Assessment
from auditor.files import write_new
from auditor.report import tally, words
from auditor.report.prose import blocks
from auditor.report.text import shortened, visible
from auditor.report.view import view_of
from auditor.resources import templates_folder

LONGEST_TEXT = 4_000
"""Characters of one value on the page; a longer one says how long it is."""


def write_html(assessment: Assessment, target: Path, force: bool) -> None:
    """Write the report for a change board to `target`, whole or not at all.

    Raises InputRefused where the target exists and `force` is false or cannot be written, and
    BundleRefused where the assessment contradicts itself.
    """
    write_new(target, [rendered(assessment)], force)


def rendered(assessment: Assessment) -> str:
    """The report as text with line ends `\\n`; its style hash is taken over these very bytes."""
    folder = templates_folder()
    style = (folder / "report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    template = environment(folder).get_template("report.html.j2")
    return template.render(view=view_of(assessment), style=style, policy=policy)


def environment(folder: Path) -> Environment:
    """The one way templates are rendered here: escaped, strict, every value made visible."""
    made = Environment(
        loader=FileSystemLoader(folder, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals.update(words=words, tally=tally)
    made.filters.update(blocks=blocks, linkable=linkable, counted=_counted)
    return made


def _shown(value: object) -> object:
    """What stands on the page for a value. None never does: the template says what it means."""
    if isinstance(value, Markup | Undefined):
        return value
    if isinstance(value, str):
        return visible(shortened(value, LONGEST_TEXT))
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S UTC")
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(f"no way to show a {type(value).__name__} on the page")


def _counted(number: int, noun: tuple[str, str]) -> str:
    return words.counted(number, *noun)


def linkable(url: str) -> bool:
    """Whether a rule's link may become one: https, a host, nothing hidden in it."""
    if visible(url) != url or len(url) > LONGEST_TEXT or any(c.isspace() for c in url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
