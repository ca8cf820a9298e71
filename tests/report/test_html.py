"""The HTML report: true to the assessment, closed to attack, the same bytes each time."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import itertools
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2 import UndefinedError
from lxml import html

from auditor.assessment import Assessment
from auditor.errors import InputRefused
from auditor.report.html import environment, linkable, rendered, write_html
from auditor.report.text import visible

Written = Callable[[str], str]
WrittenBy = Callable[[Written], Assessment]

ALLOWED = {
    "html": {"lang"},
    "head": set(),
    "meta": {"charset", "http-equiv", "content", "name"},
    "title": set(),
    "style": set(),
    "body": set(),
    "header": set(),
    "main": set(),
    "section": {"aria-labelledby"},
    "article": {"class", "id"},
    "div": {"class"},
    "h1": set(),
    "h2": {"id"},
    "h3": set(),
    "h4": set(),
    "p": {"class"},
    "ul": {"class"},
    "li": set(),
    "dl": {"class"},
    "dt": set(),
    "dd": set(),
    "table": {"class"},
    "caption": set(),
    "thead": set(),
    "tbody": set(),
    "tr": {"class"},
    "th": {"scope", "class"},
    "td": {"class", "colspan"},
    "a": {"href"},
    "bdi": set(),
    "br": set(),
    "code": {"class"},
    "pre": set(),
    "span": {"class"},
}

HOSTILE = (
    "<script>alert(1)</script>",
    "</script></style></title><svg onload=alert(1)>",
    "\"><img src=x onerror=alert(1)>' onmouseover='alert(1)",
    "<!--<script>",
    "]]><![CDATA[",
    "{{ 7*7 }}{% for x in y %}",
    "&lt;b&gt;&#60;script&#62;",
    "javascript:alert(1)",
    "\u202egpj.exe\u2066",
    "nul\x00 bell\x07 line\u2028 paragraph\u2029",
    "=cmd()|'/c calc'!A1",
    "'; Remove-Mailbox -Identity *",
    "x" * 6_000,
)


def page_of(assessment: Assessment) -> Any:
    return html.document_fromstring(rendered(assessment))


def foreign(page: Any) -> set[tuple[str, str]]:
    """Elements and attributes that our template does not write."""
    return {
        (str(element.tag), attribute)
        for element in page.iter()
        for attribute in ("", *element.attrib)
        if str(element.tag) not in ALLOWED
        or (attribute and attribute not in ALLOWED[str(element.tag)])
    }


def texts(page: Any, path: str) -> list[str]:
    return [" ".join(element.text_content().split()) for element in page.xpath(path)]


def test_the_report_holds_our_own_markup_alone(everything: Assessment) -> None:
    assert foreign(page_of(everything)) == set()


@pytest.mark.parametrize("attack", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_in_every_field_stays_text(written_by: WrittenBy, attack: str) -> None:
    page = page_of(written_by(lambda text: text + attack))
    assert foreign(page) == set()
    assert visible(f"What R-BLOCK says of Ann{attack}")[:3_000] in page.text_content()


@given(st.text(max_size=30))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_text_at_all_becomes_markup(written_by: WrittenBy, text: str) -> None:
    assert foreign(page_of(written_by(lambda label: f"{text}{label}{text}"))) == set()


def test_links_are_https_from_rules_or_lead_within_the_page(everything: Assessment) -> None:
    links = set(page_of(everything).xpath("//a/@href"))
    assert links == {"#blocker-1", "#numbers", "https://example.com/a?b=1&c=2"}


def test_every_link_within_the_page_has_its_target(everything: Assessment) -> None:
    page = page_of(everything)
    within = {link[1:] for link in page.xpath("//a/@href") if link.startswith("#")}
    assert within <= set(page.xpath("//@id"))


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://learn.microsoft.com/exchange?view=x&y=1#z", True),
        ("http://example.com/", False),
        ("javascript:alert(1)", False),
        ("https:javascript", False),
        ("https://", False),
        ("https://user@example.com/", False),
        ("https://example.com/\u202e", False),
        ("https://example.com/a b", False),
        ("https://[::1", False),
        ("//example.com/", False),
    ],
)
def test_only_a_whole_https_address_becomes_a_link(url: str, may: bool) -> None:
    assert linkable(url) is may


def test_the_policy_allows_this_very_style_and_nothing_else(
    everything: Assessment, tmp_path: Path
) -> None:
    target = tmp_path / "report.html"
    write_html(everything, target, force=False)
    raw = target.read_bytes()
    (style,) = re.findall(rb"<style>(.*?)</style>", raw, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    page: Any = html.document_fromstring(raw.decode())
    (policy,) = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def test_the_style_asks_for_nothing(everything: Assessment) -> None:
    (style,) = page_of(everything).xpath("//style/text()")
    assert re.findall(r"url\(|@import|@font-face|expression|https?:", style) == []


def test_lines_end_the_same_way_everywhere(everything: Assessment) -> None:
    assert "\r" not in rendered(everything)


def test_the_same_assessment_gives_the_same_bytes(everything: Assessment, tmp_path: Path) -> None:
    write_html(everything, tmp_path / "one.html", force=False)
    turned = dataclasses.replace(
        everything, details=dict(sorted(everything.details.items(), reverse=True))
    )
    write_html(turned, tmp_path / "two.html", force=False)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_the_report_is_for_its_owner_and_replaces_no_other(
    everything: Assessment, tmp_path: Path
) -> None:
    target = tmp_path / "report.html"
    write_html(everything, target, force=False)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with pytest.raises(InputRefused, match="exists already"):
        write_html(everything, target, force=False)


def test_a_board_reads_the_sections_in_this_order(everything: Assessment) -> None:
    assert texts(page_of(everything), "//h2") == [
        "1 Verdict",
        "2 What blocks the move",
        "3 What could not be assessed, and why",
        "4 Numbers",
        "5 Waivers",
        "6 Other findings",
        "7 What passed, and what does not apply",
        "8 Mailboxes that may not move yet",
        "9 What was and was not looked at",
        "10 Method",
    ]


def test_an_empty_assessment_says_in_every_section_that_nothing_was_seen(empty: Assessment) -> None:
    page = page_of(empty)
    assert texts(page, "//h1") == ["Organisation not named"]
    assert texts(page, "//section/p[not(@class)]") == [
        "No unwaived blocker was found where rules could look. What they could not look at is in "
        "section 3.",
        "Of what is listed here nothing is said, neither good nor bad. None of it is a pass.",
        "Every rule that did not break could run.",
        "Every subject of the rules that ran was assessed.",
        "Every topic of the catalogue has a rule that looks at it.",
        "No waiver is in force.",
        "No other finding where rules could look.",
        "No rule passed.",
        "No mailbox is in the evidence.",
        *texts(page, "//section[last()]/p"),
    ]


def test_the_verdict_is_a_word_and_never_a_percentage(everything: Assessment) -> None:
    page = page_of(everything)
    assert texts(page, "//p[@class='word']") == ["Not ready"]
    assert "%" not in " ".join(texts(page, "//body"))


def test_observed_behaviour_is_not_stated_as_certain(everything: Assessment) -> None:
    said = texts(page_of(everything), "//article[@id='finding-1']//dd[4]/p")
    assert said == [
        "Observed server behaviour, to be confirmed in a lab, as of 21 November 2026.",
        "When R-OBSERVED can be wrong.",
    ]


def test_a_blocker_shows_meaning_evidence_and_what_to_do(everything: Assessment) -> None:
    page = page_of(everything)
    assert texts(page, "//article[@id='blocker-1']/h3") == ["2.1 Not met: The title of R-BLOCK"]
    assert texts(page, "//article[@id='blocker-1']/dl/dt") == [
        "What it means",
        "What was found",
        "What to do",
        "How sure this is",
        "Read more",
    ]
    assert texts(page, "//article[@id='blocker-1']//tbody/tr") == ["AnnWhat R-BLOCK says of Ann"]
    assert texts(page, "//article[@id='blocker-1']//pre") == ["Set-Thing -Identity xGet-Thing"]


def test_a_waiver_does_not_hide_what_nobody_looked_at(everything: Assessment) -> None:
    waived = [
        finding.model_copy(update={"waived": True}) if finding.rule == "R-BLIND" else finding
        for finding in everything.findings()
    ]
    page = page_of(dataclasses.replace(everything, findings=lambda: iter(waived)))
    assert texts(page, "//table[@class='waiting']//tbody/tr/th") == [
        "The title of R-BLIND R-BLIND A waiver covers it; it stays unassessed."
    ]
    assert texts(page, "//table[@class='topics']//tbody/tr/td") == [
        "A topic of the net NET-X",
        "NET-Y (waived)",
    ]
    assert texts(page, "//tr[th/code='NET-Y']/td[1]") == ["Another topic of the net (waived)"]


def test_expired_waivers_stand_apart(everything: Assessment) -> None:
    page = page_of(everything)
    assert texts(page, "//div[@class='expired']//tbody/tr/th") == ["R-WARN"]


def test_long_lists_are_cut_with_a_sentence(crowded: Callable[[int, int], Assessment]) -> None:
    page = page_of(crowded(1_234, 345))
    assert texts(page, "//p[@class='cut']") == [
        "The first 50 of 1,234; all of them: auditor report --format csv",
        "The first 20 of 1,234; all of them: auditor report --format csv",
        "The first 100 of 345; all of them: auditor report --format csv-mailboxes",
    ]
    assert len(page.xpath("//article[@id='blocker-1']//tbody/tr")) == 50


def test_mailboxes_held_back_by_what_concerns_everybody_are_counted(
    crowded: Callable[[int, int], Assessment],
) -> None:
    said = texts(page_of(crowded(1, 3)), "//section[@aria-labelledby='mailboxes']/p")
    assert said == [
        "2 mailboxes more are held back only by what concerns everybody: sections 2 and 3. "
        "All of them: auditor report --format csv-mailboxes"
    ]


def test_every_table_has_a_caption_and_scoped_heads(everything: Assessment) -> None:
    page = page_of(everything)
    tables = page.xpath("//table")
    assert [t for t in tables if not t.xpath("caption[normalize-space()]")] == []
    assert page.xpath("//th[not(@scope)]") == []
    assert page.xpath("//tbody/tr[not(th[@scope='row'])]") == []


def test_headings_do_not_skip_a_level(everything: Assessment) -> None:
    levels = [int(h.tag[1]) for h in page_of(everything).xpath("//h1|//h2|//h3|//h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert [pair for pair in itertools.pairwise(levels) if pair[1] > pair[0] + 1] == []


def test_names_are_isolated_from_the_direction_of_the_text_around(everything: Assessment) -> None:
    page = page_of(everything)
    around = {name: page.xpath(f"//bdi[text()='{name}']") != [] for name in ("Ann", "mailbox m1")}
    assert around == {"Ann": True, "mailbox m1": True}


def test_a_name_the_template_does_not_know_is_an_error(tmp_path: Path) -> None:
    template = environment(tmp_path).from_string("{{ verdict.wrod }}")
    with pytest.raises(UndefinedError):
        template.render(verdict={"word": "ready"})


def test_what_the_source_did_not_say_is_never_printed_as_none(
    everything: Assessment, tmp_path: Path
) -> None:
    with pytest.raises(TypeError, match="no way to show a NoneType"):
        environment(tmp_path).from_string("{{ value }}").render(value=None)
    assert "None" not in texts(page_of(everything), "//*[not(*)]")


def test_templates_escape_whatever_their_name(tmp_path: Path) -> None:
    (tmp_path / "any.html.j2").write_text('<a title="{{ name }}">{{ name }}</a>', encoding="utf-8")
    shown = environment(tmp_path).get_template("any.html.j2").render(name="\"<b>'")
    assert shown == '<a title="&#34;&lt;b&gt;&#39;">&#34;&lt;b&gt;&#39;</a>'


def test_each_wave_has_a_row_with_its_decision(everything: Assessment) -> None:
    page = page_of(everything)
    (table,) = page.xpath("//table[@class='waves']")
    assert [texts(row, "./*") for row in table.xpath("./tbody/tr")] == [
        ["1", "No-go Not ready", "The phones", "3", "1", "1", "1", "0", "0"],
        ["2", "Go Ready, with action", "", "1", "0", "0", "0", "1", "0"],
    ]
    assert "Waves of the plan that may go: 1 of 2; wave by wave in section 4." in texts(
        page, "//section[1]/p"
    )
    (scope,) = page.xpath("//header//dd[1]")[:1]
    assert scope.text_content() == (
        "5 mailboxes: 3 to move, 2 already moved; 1 mailbox outside the plan left out"
    )


def test_what_lies_outside_the_plan_stands_apart_from_what_blocks(everything: Assessment) -> None:
    page = page_of(everything)
    assert texts(page, "//article[@class='rule outside']//tbody/tr/th") == ["Eve"]
    assert texts(page, "//section[@aria-labelledby='blocks']//tbody/tr/th/bdi") == ["Ann"]


def test_without_a_plan_no_word_is_said_of_waves(empty: Assessment) -> None:
    page = page_of(empty)
    assert page.xpath("//table[@class='waves']") == []
    assert [text for text in texts(page, "//body//p") if "wave" in text.lower()] == []


def test_a_wave_without_a_name_is_called_so(everything: Assessment) -> None:
    nameless = everything.waves[1].model_copy(update={"wave": ""})
    mailboxes = [
        row.model_copy(update={"wave": "" if row.wave == "2" else row.wave})
        for row in everything.mailboxes()
    ]
    changed = dataclasses.replace(
        everything, waves=(everything.waves[0], nameless), mailboxes=lambda: iter(mailboxes)
    )
    page = page_of(changed)
    assert texts(page, "//table[@class='waves']/tbody/tr/th") == ["1", "no wave named"]
