"""The export scripts: each parses, runs nothing but what reads, and asks for what collectors need.

No PowerShell is needed: the scripts are read with a grammar, and syntax that came after PowerShell
2.0 is looked for by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import tree_sitter_powershell
from tree_sitter import Language, Node, Parser, Tree

from auditor.collectors.contract import ASKED_MAILBOX, ExchangeCollector, Side
from auditor.collectors.export_script import asked_properties, file_stem, render
from auditor.collectors.manifest import STATES, TOOL, VERSION
from auditor.collectors.recipients import MAILBOX
from auditor.collectors.recognition import collector_named_by
from auditor.collectors.registry import ALL_COLLECTORS, EXCHANGE_COLLECTORS


def parsed(script: str) -> Tree:
    return Parser(Language(tree_sitter_powershell.language())).parse(script.encode())


@dataclass(frozen=True)
class Script:
    """A script, its syntax tree, and its lines that are no comments."""

    side: Side
    text: str
    tree: Tree
    code: str

    def texts(self, kind: str) -> list[str]:
        return [(node.text or b"").decode() for node in nodes(self.tree, kind)]


def script_of(side: Side) -> Script:
    text = render(side)
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return Script(side, text, parsed(text), code)


SCRIPTS = {side: script_of(side) for side in Side}
ON_PREMISES = SCRIPTS[Side.ON_PREMISES]
ONLINE = SCRIPTS[Side.ONLINE]
both = pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)

READS_ANYWHERE = {"Get-Command", "Get-Culture", "Get-Date"}
READS = {
    Side.ON_PREMISES: READS_ANYWHERE | {"Get-ADServerSettings", "Get-ExchangeServer"},
    Side.ONLINE: READS_ANYWHERE | {"Get-ConnectionInformation"},
}
"""Commands that read, beside those of the plan, which are run as `& $Cmdlet`."""
WORKS_ON_OBJECTS = {"Add-Member", "ForEach-Object", "Join-Path", "New-Object", "Select-Object"}
SPEAKS = {"Write-Host", "Write-Progress"}
WRITES = {"Export-Clixml", "New-Item", "Test-Path"}
"""What makes the folder and the files in it."""
RUNS_ELSEWHERE = {Side.ON_PREMISES: {"Invoke-Command"}, Side.ONLINE: set[str]()}

LATER_THAN_2 = {
    r"\[ordered\]": "ordered dictionaries",
    r"\[pscustomobject\]": "literal objects",
    r"\?\.|\?\?|\?\[": "null operators",
    r"-(not)?in\b": "the in operators",
    r"-shl\b|-shr\b": "shifts",
    r"\bConvertTo-Json\b|\bConvertFrom-Json\b": "JSON",
    r"\bInvoke-(RestMethod|WebRequest)\b": "web requests",
    r"\bGet-FileHash\b": "file hashes",
    r"-LiteralPath\b": "Export-Clixml -LiteralPath",
    r"-NoNewline\b[^\n]*Out-File": "Out-File -NoNewline",
    r"\$PSScriptRoot|\$PSCommandPath|\$PSItem\b": "variables",
    r"\$using:": "using variables",
    r"(?<![\w-])class\s+\w|(?<![\w-])enum\s+\w|\busing\s+(module|namespace)": "types",
    r"::new\(": "constructors",
    r"\.(Where|ForEach)\(\s*\{": "collection methods",
    r"\d>&1|\*>": "redirected streams",
    r"(?:Where|ForEach)-Object\s+-?[A-Z]\w+\s": "simplified filters",
    r"&&|\|\|": "pipeline chains",
    r"\bAdd-Member\s+-NotePropertyM?": "Add-Member with named notes",
    r"Get-ChildItem[^\n]*-(File|Directory)\b": "Get-ChildItem -File",
}


def nodes(tree: Tree, kind: str) -> Iterator[Node]:
    """Every node of a kind in a script."""
    waiting = [tree.root_node]
    while waiting:
        node = waiting.pop()
        if node.type == kind:
            yield node
        waiting.extend(node.children)


@both
def test_a_script_is_ascii_and_no_line_of_its_template_is_left(script: Script) -> None:
    assert script.text.isascii()
    assert "@PLAN@" not in script.text
    assert [line for line in script.text.splitlines() if line.startswith("#@")] == []


@both
def test_a_script_parses(script: Script) -> None:
    assert script.texts("ERROR") == []
    assert not script.tree.root_node.has_error


def test_a_script_that_does_not_parse_would_be_noticed() -> None:
    assert parsed("if ($x { 'y' }").root_node.has_error


@both
def test_only_commands_that_read_or_write_to_the_own_folder_are_called(script: Script) -> None:
    own = set(re.findall(r"^function ([\w-]+)", script.text, re.MULTILINE))
    called = set(script.texts("command_name"))
    there = READS[script.side] | RUNS_ELSEWHERE[script.side]
    assert called - (there | WORKS_ON_OBJECTS | SPEAKS | WRITES | own) == set()
    assert there <= called


@both
def test_every_function_is_used(script: Script) -> None:
    own = set(re.findall(r"^function ([\w-]+)", script.text, re.MULTILINE))
    assert own <= set(script.texts("command_name"))


@both
def test_the_one_command_that_is_named_by_a_variable_comes_from_the_plan(script: Script) -> None:
    assert script.texts("command_name_expr") == ["$Cmdlet"]
    assert re.findall(r"\$cmdlet = ([^\n]+)", script.code) == [
        "$Item.Cmdlets[0]",
        "Get-FirstKnown $Item.Cmdlets",
        "$Item.Cmdlets[0]",
    ]


def test_the_block_that_runs_on_other_servers_reads_one_file_version() -> None:
    blocks = re.findall(r"Invoke-Command [^{]*\{([^}]*\}[^}]*)\}", ON_PREMISES.code)
    assert [block.strip() for block in blocks] == [
        "Get-Command ExSetup.exe | ForEach-Object { $_.FileVersionInfo }"
    ]


@both
def test_nothing_is_written_outside_the_own_folder(script: Script) -> None:
    code = script.code
    paths = re.findall(r"(?:Export-Clixml|New-Item)[^\n]*? -Path (\(.*?\)|\S+)", code)
    assert paths == ["$file", "$OutDir", "(Join-Path $OutDir 'manifest.clixml')"]
    assert len(re.findall("Export-Clixml|New-Item", code)) == len(paths)
    assert re.findall(r"\$file = (Join-Path .*)", code) == [
        "Join-Path $OutDir ($Item.Name + '.clixml')"
    ]
    opened = re.findall(r"\[System\.IO\.File\]::(\w+)", code)
    assert opened == ["OpenRead"]


@both
def test_every_file_is_written_as_the_import_reads_it_best(script: Script) -> None:
    exports = [line for line in script.code.splitlines() if "Export-Clixml" in line]
    assert [line for line in exports if "-Depth 3 -Encoding UTF8" not in line] == []


@both
@pytest.mark.parametrize("pattern", LATER_THAN_2, ids=LATER_THAN_2.get)
def test_no_syntax_is_used_that_powershell_2_lacks(script: Script, pattern: str) -> None:
    assert re.findall(pattern, script.code, re.IGNORECASE) == []


@both
def test_no_answer_is_filtered_on_the_way(script: Script) -> None:
    filters = r"-Filter\b|-RecipientTypeDetails\b|-First\b|Where-Object"
    assert re.findall(filters, script.code) == []


@both
def test_a_script_asks_for_the_commands_of_its_side_alone(script: Script) -> None:
    stems = re.findall(r"^Add-PlanItem '([^']+)'", script.text, re.MULTILINE)
    assert stems == [file_stem(each) for each in ALL_COLLECTORS if each.side is script.side]


@pytest.mark.parametrize("collector", ALL_COLLECTORS, ids=lambda each: each.command)
def test_the_plan_asks_for_what_the_collector_reads(collector: ExchangeCollector) -> None:
    (line,) = [
        each
        for each in SCRIPTS[collector.side].text.splitlines()
        if f"Add-PlanItem '{file_stem(collector)}'" in each
    ]
    lists = re.findall(r"@\(([^)]*)\)", line)
    cmdlets, properties = (tuple(re.findall(r"'([^']*)'", each)) for each in lists)
    assert cmdlets == collector.cmdlets
    assert properties == asked_properties(collector)
    assert set(collector.properties) <= set(properties)
    parameters = dict(re.findall(r"(\w+) = ('[^']*'|\$\w+)", line))
    assert parameters == {
        name: "$true" if value is True else f"'{value}'"
        for name, value in collector.parameters.items()
    }
    per_server = "$true" if collector.per_server else "$false"
    assert line.endswith(f" {per_server} '{collector.per_mailbox}'")


@pytest.mark.parametrize("collector", EXCHANGE_COLLECTORS, ids=lambda each: each.command)
def test_an_empty_file_of_the_script_is_known_by_its_name(collector: ExchangeCollector) -> None:
    assert collector_named_by(f"folder/{file_stem(collector)}.clixml") is collector


def test_objects_say_on_which_side_they_live() -> None:
    silent = [
        each.command
        for each in ALL_COLLECTORS
        if not (each.per_server or each.per_mailbox)
        and not {"DistinguishedName", "OriginatingServer"} <= set(asked_properties(each))
    ]
    assert silent == []


def test_commands_that_are_asked_per_mailbox_come_after_the_mailboxes() -> None:
    stems = re.findall(r"^Add-PlanItem '([^']+)'", ON_PREMISES.text, re.MULTILINE)
    per_mailbox = [file_stem(each) for each in EXCHANGE_COLLECTORS if each.per_mailbox]
    assert stems[-len(per_mailbox) :] == per_mailbox
    assert stems.index("Get-Mailbox") < len(stems) - len(per_mailbox)


def test_commands_that_take_hours_are_asked_only_when_wanted() -> None:
    text = ON_PREMISES.text
    (plan,) = re.findall(r"^function Add-PlanItem\(.*?^}", text, re.MULTILINE | re.DOTALL)
    assert plan.splitlines()[1].strip() == (
        "if ($PerMailbox -and -not $IncludePerMailbox) { return }"
    )
    assert "[switch]$IncludePerMailbox" in ON_PREMISES.code
    assert "$IncludePerMailbox" not in ONLINE.code


def test_the_mailboxes_asked_about_are_those_that_were_exported() -> None:
    code = ON_PREMISES.code
    assert re.findall(r"if \(\$script:current -eq '([^']+)'\) \{ ([^}]*) \}", code) == [
        (MAILBOX.cmdlets[0], "[void]$script:mailboxes.Add($_.Guid.ToString())")
    ]
    assert f"NoteProperty {ASKED_MAILBOX} $script:mailbox" in code


SAID_OF_THE_SESSION = {
    Side.ON_PREMISES: {"ViewEntireForest", "ForestDomains"},
    Side.ONLINE: {"Organization"},
}


@both
def test_script_and_import_speak_of_the_same_manifest(script: Script) -> None:
    assert f"NoteProperty Tool '{TOOL}'" in script.code
    assert f"$manifestVersion = {VERSION}" in script.code
    assert re.findall(r"^\$side = '(.*)'$", script.code, re.MULTILINE) == [script.side]
    said = set(re.findall(r"\$script:state = '(\w+)'", script.code))
    assert said == set(STATES)
    notes = set(re.findall(r"\$(?:record|header) \| Add-Member NoteProperty (\w+)", script.code))
    assert notes == SAID_OF_THE_SESSION[script.side] | {
        *("Tool", "Version", "Side", "Commands", "Computer", "ExportedUTC", "PSVersion"),
        *("Culture", "Cmdlet", "State", "Count", "Asked", "Parameters", "DroppedParameters"),
        *("MissingProperties", "ErrorCount", "Errors", "ErrorCategories", "Warnings"),
        *("File", "Sha256"),
    }


def test_each_script_refuses_the_window_of_the_other_side() -> None:
    guards = re.findall(r"^if \((.*Get-ExchangeServer.*)\) \{$", ON_PREMISES.code, re.MULTILINE)
    assert guards == ["-not (Get-Command Get-ExchangeServer -ErrorAction SilentlyContinue)"]
    guards = re.findall(r"^if \((.*Get-ExchangeServer.*)\) \{$", ONLINE.code, re.MULTILINE)
    assert guards == ["Get-Command Get-ExchangeServer -ErrorAction SilentlyContinue"]


def test_online_one_connection_without_a_prefix_is_asked_for() -> None:
    for guard in (
        "if (-not (Get-Command Get-ConnectionInformation -ErrorAction SilentlyContinue)) {",
        "if ($script:connections.Count -ne 1) {",
        "if ($script:connections[0].ModulePrefix) {",
    ):
        assert guard in ONLINE.code
