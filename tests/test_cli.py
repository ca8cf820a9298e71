"""The commands as a user types them: files out, words on the terminal, exit codes."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

import auditor
from auditor.lab.exports import write_exports
from auditor.lab.organization import build
from auditor.lab.plan import write_plan
from tests.support.progress import without_progress

README = (Path(auditor.__file__).parents[1] / "README.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


def run(*words: str | Path, cwd: Path | None = None) -> Ran:
    done = subprocess.run(
        [sys.executable, "-m", "auditor.cli", *map(str, words)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        timeout=300,
        check=False,
    )
    return Ran(done.returncode, done.stdout, without_progress(done.stderr))


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "made"
    ran = run("demo", "--out", folder)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[-1] == str(folder / "report.html")
    return folder


@pytest.fixture(scope="session")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports") / "made"
    write_exports(build(20), folder)
    return folder


COMMANDS = {
    "permissions": (),
    "check": (),
    "collect": (),
    "run": (),
    "export-script": (),
    "import": (),
    "assess": (),
    "report": (),
    "explain": (),
    "query": (),
    "demo": (),
    "rules": ("list", "show", "schema", "check"),
}


def test_every_command_has_help_and_stands_in_the_readme() -> None:
    listed = run("--help").out
    for command, below in COMMANDS.items():
        assert f"  {command} " in listed
        assert f"auditor {command}" in README
        for words in ((command,), *((command, sub) for sub in below)):
            ran = run(*words, "--help")
            assert ran.code == 0
            assert "Usage:" in ran.out


def test_each_side_has_an_export_script_of_its_own() -> None:
    on_premises, online = run("export-script").out, run("export-script", "--online").out
    for script, own, other in (
        (on_premises, "Exchange Management Shell", "Connect-ExchangeOnline"),
        (online, "Connect-ExchangeOnline", "Exchange Management Shell"),
    ):
        assert own in script
        assert other not in script


def test_the_help_loads_nothing_that_costs_time() -> None:
    code = (
        "import sys, auditor.cli;"
        "print(sorted({'duckdb', 'pydantic', 'lxml', 'jinja2', 'yaml', 'rich'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "words",
    [
        "--help",
        "permissions --config {config}",
        "export-script --online",
        "import {exports} --out {folder}/i.zip",
        "assess {demo}/lab.evidence.zip --out {folder}/a.zip --as-of 2026-11-01",
        "report {demo}/lab.assessment.zip --out {folder}/r.html",
        "report {demo}/lab.assessment.zip --out {folder}/r.json --format json",
        "explain {demo}/lab.evidence.zip nobody@contoso.com",
        "query {demo}/lab.evidence.zip {select}",
        "rules list",
        "demo --help",
    ],
)
def test_what_contacts_no_cloud_loads_no_library_for_it(
    words: str, demo: Path, exports: Path, tmp_path: Path
) -> None:
    config, modules = tmp_path / "config.yaml", tmp_path / "modules"
    guid = "11111111-2222-4333-8444-555555555555"
    cloud = {"tenant": guid, "client_id": guid, "authentication": "device_code", "username": "a@b"}
    config.write_text(json.dumps({"organization": "x", "cloud": cloud}), encoding="utf-8")
    places = {"config": config, "demo": demo, "exports": exports, "folder": tmp_path}
    select = "select count(*) from entra_user"
    code = (
        "import atexit, pathlib, sys; target = pathlib.Path(sys.argv.pop(1));"
        "atexit.register(lambda: target.write_text(' '.join(sys.modules)));"
        "from auditor.cli import main; main()"
    )
    typed = [word.format(**places, select=select) for word in words.split()]
    done = subprocess.run(
        [sys.executable, "-c", code, modules, *typed], capture_output=True, timeout=120, check=False
    )
    # a verdict is an exit code, and nobody of that name can be explained
    assert done.returncode == {"assess": 1, "explain": 2}.get(typed[0], 0)
    loaded = {name.partition(".")[0] for name in modules.read_text(encoding="utf-8").split()}
    libraries = {"msgraph", "msgraph_core", "azure", "msal", "httpx", "httpcore", "requests"}
    assert {name for name in loaded if name in libraries or name.startswith("kiota")} == set()


@pytest.mark.parametrize("name", ["E15", "E16", "auth-certificate", "misc", "wire"])
def test_each_real_set_gives_a_verdict_for_what_is_there_and_never_a_ready(
    name: str, samples: Path, tmp_path: Path
) -> None:
    evidence, assessment = tmp_path / "a.evidence.zip", tmp_path / "a.assessment.zip"
    assert run("import", samples / "clixml" / name, "--out", evidence).code == 0
    assert run("assess", evidence, "--out", assessment, "--as-of", "2026-11-21").code == 3
    report = tmp_path / "a.json"
    assert run("report", assessment, "--out", report, "--format", "json").code == 0
    content = json.loads(report.read_text(encoding="utf-8"))
    tables = {item["evidence_table"]: item["state"] for item in content["evidence_tables"]}
    complete = {table for table, state in tables.items() if state == "complete"}
    for rule in content["rules"]:
        unread = {table for table in rule["needs"] if tables.get(table, "complete") != "complete"}
        if unread:
            assert (rule["rule"], rule["verdict"]) == (rule["rule"], "not_assessed")
            assert rule["cause"] is not None
            assert any(table in rule["text"] for table in unread)
    expected = {
        "E15": {"onprem_exchange_server", "onprem_accepted_domain", "onprem_organization"},
        "E16": {"onprem_exchange_server", "onprem_accepted_domain", "onprem_organization"},
        "auth-certificate": {"onprem_exchange_server"},
        "misc": set(),
        "wire": {"onprem_mailbox", "onprem_mailbox_address"},
    }
    assert expected[name] <= complete
    assert name != "misc" or complete == {"plan_move"}


def test_the_verdict_of_a_rule_over_real_servers(samples: Path, tmp_path: Path) -> None:
    evidence, assessment = tmp_path / "a.evidence.zip", tmp_path / "a.assessment.zip"
    run("import", samples / "clixml" / "E16", "--out", evidence)
    run("assess", evidence, "--out", assessment, "--as-of", "2026-11-21")
    run("report", assessment, "--out", tmp_path / "a.json", "--format", "json")
    rules = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["rules"]
    verdicts = {rule["rule"]: rule["verdict"] for rule in rules}
    assert {rule: verdicts[rule] for rule in ("SRV-2016PLUS", "SRV-2007", "SRV-CERT")} == {
        "SRV-2016PLUS": "pass",
        "SRV-2007": "not_assessed",
        "SRV-CERT": "not_assessed",
    }


def test_the_same_evidence_gives_the_same_bytes(demo: Path, tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        evidence = demo / "lab.evidence.zip"
        run("assess", evidence, "--out", folder / "x.assessment.zip", "--as-of", "2026-11-21")
        for kind in ("html", "json", "csv", "csv-mailboxes"):
            ran = run(
                "report", folder / "x.assessment.zip", "--out", folder / kind, "--format", kind
            )
            assert ran.code == 0
        made.append({path.name: path.read_bytes() for path in sorted(folder.iterdir())})
    assert made[0] == made[1]


def test_the_demonstration_has_a_plan_and_tells_of_its_three_waves(
    demo: Path, tmp_path: Path
) -> None:
    assessment = demo / "lab.assessment.zip"
    run("report", assessment, "--out", tmp_path / "r.json", "--format", "json")
    content = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    waves = [(wave["wave"], wave["planned"]) for wave in content["waves"]]
    assert waves == [("Wave 1 (pilot)", 20), ("Wave 2", 80), ("Wave 3", 80)]
    assert content["plan"] == [{"planned": 180, "not_in_evidence": 0, "out_of_scope": 20}]
    assert "Wave 1 (pilot)" in (demo / "report.html").read_text(encoding="utf-8")


def test_a_plan_comes_in_with_the_exports_and_its_waves_are_told(tmp_path: Path) -> None:
    organization = build(20)
    write_exports(organization, tmp_path / "exports")
    write_plan(organization, tmp_path / "plan.csv")
    late = tmp_path / "late.csv"
    late.write_text("EmailAddress,wave\nghost@contoso.com,Late\n", encoding="utf-8")
    evidence, out = tmp_path / "e.zip", tmp_path / "a.zip"
    words = ("import", tmp_path / "exports", "--out", evidence, "--plan", tmp_path / "plan.csv")
    ran = run(*words, "--plan", late)
    assert ran.code == 0
    assert ran.out.splitlines()[:2] == [
        "plan.csv: plan (CSV), 18 objects",
        "late.csv: plan (CSV), 1 object",
    ]
    told = run("assess", evidence, "--out", out, "--as-of", "2026-11-01").out
    assert "wave 'Late': not ready: something blocks (1 planned, 1 not in the evidence; " in told
    explained = run("explain", evidence, read_plan_line(tmp_path / "plan.csv"))
    assert "evidence:  plan_move.target_delivery_domain" in explained.out


def read_plan_line(path: Path) -> str:
    """The address in the first line below the header."""
    return path.read_text(encoding="utf-8-sig").splitlines()[1].split(";")[0]


def test_a_plan_with_a_typing_error_is_refused_in_one_sentence(tmp_path: Path) -> None:
    write_exports(build(5), tmp_path / "exports")
    (tmp_path / "plan.csv").write_text("EmailAddress,Wav\nann@contoso.com,1\n", encoding="utf-8")
    words = ("import", tmp_path / "exports", "--out", tmp_path / "e.zip")
    assert "plan.csv, line 1: 'Wav' is no column of a plan; closest is 'wave'" in refused(
        *words, "--plan", tmp_path / "plan.csv"
    )
    assert not list(tmp_path.glob("e.zip*"))


def test_what_is_written_is_for_its_owner_alone(demo: Path) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in demo.glob("*.*")}
    if sys.platform == "win32":
        pytest.skip("Windows keeps no such modes")
    assert modes == {
        "lab.assessment.zip": 0o600,
        "lab.evidence.zip": 0o600,
        "plan.csv": 0o600,
        "report.html": 0o600,
    }


def test_nothing_is_overwritten_without_force(demo: Path, exports: Path, tmp_path: Path) -> None:
    target = tmp_path / "mine"
    target.write_text("precious")
    evidence = demo / "lab.evidence.zip"
    for words in (
        ("import", exports, "--out", target),
        ("assess", evidence, "--out", target),
        ("report", demo / "lab.assessment.zip", "--out", target),
    ):
        ran = run(*words)
        assert (ran.code, target.read_text()) == (2, "precious")
        assert "--force" in ran.err
        assert len(ran.err.splitlines()) == 1
    assert run("report", demo / "lab.assessment.zip", "--out", target, "--force").code == 0
    assert target.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_evidence_that_is_too_old_is_not_judged_unless_somebody_says_so(
    demo: Path, tmp_path: Path
) -> None:
    words = ("assess", demo / "lab.evidence.zip", "--as-of", "2026-12-02", "--out")
    old = run(*words, tmp_path / "old.zip")
    assert (old.code, old.err) == (3, "")
    assert old.out.splitlines()[-2].endswith(
        " tables are too old to judge by, the oldest read on 2026-11-01, 31 days before 2026-12-02;"
        " collect again, or say --max-age"
    )
    widened = run(*words, tmp_path / "widened.zip", "--max-age", "31")
    assert (widened.code, "too old" in widened.out) == (1, False)
    never = run(*words, tmp_path / "never.zip", "--max-age", "-1")
    assert (never.code, "--max-age" in never.err) == (2, True)


def test_explain_shows_where_the_redirect_stops(demo: Path) -> None:
    found = run(
        "query",
        demo / "lab.evidence.zip",
        "select mailbox from predicted_redirect where stops_at = 'routing_address' and not moved",
        "--format",
        "csv",
    )
    mailbox = found.out.splitlines()[1]
    ran = run("explain", demo / "lab.evidence.zip", mailbox)
    assert ran.code == 0
    assert ran.out.startswith(f"{mailbox} (to move): phones are not redirected")
    assert "STOP routing_address" in ran.out


def test_a_query_is_fenced_and_warns_of_incomplete_tables(samples: Path, tmp_path: Path) -> None:
    evidence = tmp_path / "a.evidence.zip"
    run("import", samples / "clixml" / "E16", "--out", evidence)
    ran = run("query", evidence, "select count(*) as mailboxes from onprem_mailbox")
    assert ran.code == 0
    assert "note: onprem_mailbox is not_requested" in ran.err
    for sql in ("select * from read_text('/etc/passwd')", "delete from onprem_mailbox", "selec"):
        refused = run("query", evidence, sql)
        assert (refused.code, refused.out) == (2, "")


def test_a_query_prints_no_formula_and_nothing_hidden_as_csv(demo: Path) -> None:
    sql = "select '=cmd()' as a, 'x;=cmd()' as b, 'a\u202e' as c, -1 as d, null as e"
    ran = run("query", demo / "lab.evidence.zip", sql, "--format", "csv")
    assert ran.out == "a,b,c,d,e\n'=cmd(),x;'=cmd(),a[U+202E],-1,\n"


def refused(*words: str | Path) -> str:
    """The one sentence of a refusal."""
    ran = run(*words)
    assert ran.code == 2, ran
    assert ran.out == ""
    assert len(ran.err.splitlines()) == 1, ran.err
    return ran.err


def test_bad_input_gives_one_sentence_and_nothing_is_written(demo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.zip"
    text = tmp_path / "notes.xml"
    text.write_text("these are notes")
    bomb = tmp_path / "bomb.xml"
    bomb.write_text(
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
        '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
        "<S>&b;</S></Objs>"
    )
    escaping = tmp_path / "escaping.zip"
    with zipfile.ZipFile(escaping, "w") as archive:
        archive.writestr("../outside.xml", "x")
    for path, words in ((text, "notes.xml"), (bomb, "bomb.xml"), (escaping, "escaping.zip")):
        assert words in refused("import", path, "--out", out)
    assert "nowhere" in refused("import", tmp_path / "nowhere", "--out", out)
    assert "notes.xml" in refused("assess", text, "--out", out)
    assert "auditor report" in refused("assess", demo / "lab.assessment.zip", "--out", out)
    assert "auditor assess" in refused("report", demo / "lab.evidence.zip", "--out", out)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "bomb.xml",
        "escaping.zip",
        "notes.xml",
    ]


def rewritten(bundle: Path, target: Path, member: str, change: bytes) -> None:
    """A copy of a bundle in which one member is another; `change` is appended or replaces."""
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            content = old.read(info)
            new.writestr(info, change if info.filename == member else content)


def test_an_edited_or_foreign_bundle_is_recognised(demo: Path, tmp_path: Path) -> None:
    bundle = demo / "lab.evidence.zip"
    with zipfile.ZipFile(bundle) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        table = "tables/onprem_mailbox.jsonl.gz"
        rows = gzip.decompress(archive.read(table))
    edited = tmp_path / "edited.zip"
    rewritten(bundle, edited, table, gzip.compress(rows.replace(b"contoso", b"c0ntoso", 1)))
    assert "onprem_mailbox" in refused("assess", edited, "--out", tmp_path / "out.zip")
    ledger = tmp_path / "ledger.zip"
    rewritten(bundle, ledger, "manifest.json", json.dumps(manifest).encode())
    assert "manifest" in refused("assess", ledger, "--out", tmp_path / "out.zip")
    truncated = tmp_path / "truncated.zip"
    truncated.write_bytes(bundle.read_bytes()[:-2000])
    assert "truncated.zip" in refused("assess", truncated, "--out", tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()


def test_a_rule_with_a_typo_and_a_waiver_without_a_match_are_refused(
    demo: Path, tmp_path: Path
) -> None:
    evidence, out = demo / "lab.evidence.zip", tmp_path / "out.zip"
    pack = tmp_path / "pack"
    pack.mkdir()
    shown = run("rules", "show", "ORG-TDD").out
    (pack / "cust-1-x.yaml").write_text(
        shown.replace("id: ORG-TDD", "id: CUST-1").replace("severity:", "severty:", 1),
        encoding="utf-8",
    )
    ran = run("assess", evidence, "--out", out, "--rules", pack)
    assert ran.code == 2
    assert "severty is not a key here; closest is 'severity'" in ran.err
    assert run("rules", "check", pack).code == 2
    waivers = tmp_path / "waivers.yaml"
    waivers.write_text(
        "waivers:\n  - {rule: ORG-TDD, subject: nobody, by: Bo,"
        " reason: because it is so, until: 2099-01-01}\n"
    )
    words = ("--out", out, "--waivers", waivers, "--as-of", "2026-11-01")
    assert "matches no finding" in refused("assess", evidence, *words)
    assert not out.exists()
    assert not list(tmp_path.glob("*.partial"))


def test_a_customer_s_pack_is_judged_beside_the_shipped_rules(demo: Path, tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    pack.mkdir()
    shown = run("rules", "show", "ORG-TDD").out
    (pack / "cust-1-x.yaml").write_text(
        shown.replace("id: ORG-TDD", "id: CUST-1"), encoding="utf-8"
    )
    assert run("rules", "check", pack).code == 0
    out = tmp_path / "out.zip"
    words = ("--out", out, "--rules", pack, "--as-of", "2026-11-01")
    assert run("assess", demo / "lab.evidence.zip", *words).code == 1
    run("report", out, "--out", tmp_path / "r.json", "--format", "json")
    rules = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["rules"]
    assert [(rule["rule"], rule["pack"]) for rule in rules if rule["pack"] != "shipped"] == [
        ("CUST-1", "pack")
    ]


def test_readiness_can_be_reached_when_a_person_answers_what_the_program_cannot(
    tmp_path: Path,
) -> None:
    """The clean lab: what fails is nothing, what stays open is waived by name."""
    write_exports(build(20, faults="none"), tmp_path / "exports")
    evidence, out = tmp_path / "e.zip", tmp_path / "a.zip"
    run("import", tmp_path / "exports", "--out", evidence)
    assert run("assess", evidence, "--out", out, "--as-of", "2026-11-01").code == 3
    run("report", out, "--out", tmp_path / "r.json", "--format", "json")
    content = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    open_ends = sorted(
        {item["topic"] for item in content["topics"] if item["severity"] == "blocker"}
        | {item["rule"] for item in content["findings"] if item["severity"] == "blocker"}
    )
    assert {item["verdict"] for item in content["findings"]} <= {"not_assessed"}
    lines = [
        f"  - {{rule: {rule}, subject: '*', by: Bo, reason: seen by hand, until: 2099-01-01}}"
        for rule in open_ends
    ]
    waivers = tmp_path / "waivers.yaml"
    waivers.write_text("waivers:\n" + "\n".join(lines) + "\n")
    words = ("--waivers", waivers, "--as-of", "2026-11-01", "--force")
    assert run("assess", evidence, "--out", out, *words).code == 0
    late = ("--waivers", waivers, "--as-of", "2099-01-02", "--force")
    assert run("assess", evidence, "--out", out, *late).code != 0


def test_a_fault_of_the_program_leaves_with_4_and_names_a_log(tmp_path: Path) -> None:
    code = (
        "import sys; from auditor import cli, run;"
        "run.shipped_rules = lambda: 1 / 0; sys.argv = ['auditor', 'rules', 'list']; cli.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={"TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(auditor.__file__).parents[1])},
        check=False,
    )
    (log,) = tmp_path.glob("auditor-fault-*.log")
    assert done.returncode == 4
    assert str(log) in done.stderr
    assert "ZeroDivisionError" in log.read_text()
    assert "Traceback" not in done.stderr
