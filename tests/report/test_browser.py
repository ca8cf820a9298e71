"""The report in a real browser: it draws, prints whole, and runs and asks for nothing."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from auditor.assessment import Assessment
from auditor.report.html import rendered

Browser = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    """Runs headless Chromium with a profile of its own and no network."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        quiet = ("background-networking", "component-update", "sync", "quic", "gpu")
        return subprocess.run(
            [
                program,
                "--headless",
                "--no-sandbox",
                "--no-first-run",
                *(f"--disable-{thing}" for thing in quiet),
                "--host-resolver-rules=MAP * ~NOTFOUND",
                "--enable-logging=stderr",
                f"--user-data-dir={tmp_path / 'profile'}",
                *arguments,
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )

    return run


def complaints(run: subprocess.CompletedProcess[str]) -> list[str]:
    """What the page made the browser write to its console: refusals, errors, scripts' words."""
    return [line for line in run.stderr.splitlines() if "CONSOLE" in line]


def shape(page: str) -> list[str]:
    body = html.document_fromstring(page).find("body")
    assert body is not None
    return [str(element.tag) for element in body.iter()]


def test_a_browser_sees_the_elements_we_wrote_and_refuses_nothing(
    written_by: Callable[[Callable[[str], str]], Assessment], browser: Browser, tmp_path: Path
) -> None:
    attack = "<script>console.log('run')</script><img src=x onerror=alert(1)><!--<script>\x00\u202e"
    page = rendered(written_by(lambda text: text + attack))
    (tmp_path / "report.html").write_text(page, encoding="utf-8", newline="\n")
    run = browser("--dump-dom", (tmp_path / "report.html").as_uri())
    assert shape(run.stdout) == shape(page)
    assert complaints(run) == []


def test_a_style_that_was_changed_afterwards_is_refused(
    everything: Assessment, browser: Browser, tmp_path: Path
) -> None:
    changed = rendered(everything).replace("<style>", "<style>p { display: none }")
    (tmp_path / "report.html").write_text(changed, encoding="utf-8", newline="\n")
    run = browser("--dump-dom", (tmp_path / "report.html").as_uri())
    assert [line for line in complaints(run) if "Content Security Policy" in line] != []


@pytest.fixture
def printed(browser: Browser, tmp_path: Path) -> Callable[[Assessment], list[str]]:
    """Prints an assessment's report to PDF and gives the text of each A4 page."""
    if shutil.which("pdftotext") is None or shutil.which("pdfinfo") is None:
        pytest.skip("no pdftotext on this machine: apt-get install poppler-utils")

    def pages(assessment: Assessment) -> list[str]:
        page, paper = tmp_path / "report.html", tmp_path / "report.pdf"
        page.write_text(rendered(assessment), encoding="utf-8", newline="\n")
        browser("--no-pdf-header-footer", f"--print-to-pdf={paper}", page.as_uri())
        assert "(A4)" in said("pdfinfo", paper)
        return said("pdftotext", "-layout", paper, "-").split("\f")[:-1]

    return pages


def said(program: str, *arguments: str | Path) -> str:
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout


def without_spaces(text: str) -> str:
    return re.sub(r"\s+", "", text)


def test_every_heading_and_caption_is_on_paper(
    everything: Assessment, printed: Callable[[Assessment], list[str]]
) -> None:
    paper = without_spaces("".join(printed(everything)))
    page: Any = html.document_fromstring(rendered(everything))
    headings = [h.text_content() for h in page.xpath("//h1|//h2|//h3|//h4|//caption")]
    assert [heading for heading in headings if without_spaces(heading) not in paper] == []


def test_pages_are_numbered(
    everything: Assessment, printed: Callable[[Assessment], list[str]]
) -> None:
    pages = printed(everything)
    ends = [page.split()[-1] for page in pages]
    assert ends == [f"{number}/{len(pages)}" for number in range(1, len(pages) + 1)]


def test_the_first_printed_page_holds_the_verdict_and_ten_blockers(
    everything: Assessment, printed: Callable[[Assessment], list[str]]
) -> None:
    rule, finding = everything.rules[0], next(everything.findings())
    once = {"failed": 1, "not_assessed": 0, "waived": 0}
    titles = [f"Requirement {n:02} has a title of the usual length here" for n in range(1, 13)]
    many = dataclasses.replace(
        everything,
        rules=tuple(
            rule.model_copy(update={"rule": title[:14], "title": title, **once}) for title in titles
        ),
        findings=lambda: (finding.model_copy(update={"rule": title[:14]}) for title in titles),
    )
    first = printed(many)[0]
    assert [title for title in titles if title in first] == titles[:10]
    assert [word for word in ("Not ready", "the first 10 of them") if word not in first] == []
