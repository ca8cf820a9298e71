"""The export script: it parses, runs nothing but what reads, and asks for what collectors need.

No PowerShell is needed: the script is read with a grammar, and syntax that came after PowerShell
2.0 is looked for by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import tree_sitter_powershell
from tree_sitter import Language, Node, Parser, Tree

from auditor.collectors.contract import ASKED_MAILBOX, ExchangeCollector
from auditor.collectors.export_script import MARKER, asked_properties, file_stem, render
from auditor.collectors.manifest import STATES, TOOL, VERSION
from auditor.collectors.recipients import MAILBOX
from auditor.collectors.recognition import collector_named_by
from auditor.collectors.registry import EXCHANGE_COLLECTORS


def parsed(script: str) -> Tree:
    return Parser(Language(tree_sitter_powershell.language())).parse(script.encode())


SCRIPT = render()
TREE = parsed(SCRIPT)
CODE = "\n".join(line for line in SCRIPT.splitlines() if not line.lstrip().startswith("#"))

READS = {
    "Get-ADServerSettings",
    "Get-Command",
    "Get-Culture",
    "Get-Date",
    "Get-ExchangeServer",
}
"""Commands that read, beside those of the plan, which are run as `& $Cmdlet`."""
WORKS_ON_OBJECTS = {"Add-Member", "ForEach-Object", "Join-Path", "New-Object", "Select-Object"}
SPEAKS = {"Write-Host", "Write-Progress"}
WRITES = {"Export-Clixml", "New-Item", "Test-Path"}
"""What makes the folder and the files in it."""
RUNS_ELSEWHERE = {"Invoke-Command"}

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


def nodes(kind: str) -> Iterator[Node]:
    """Every node of a kind in the script."""
    waiting = [TREE.root_node]
    while waiting:
        node = waiting.pop()
        if node.type == kind:
            yield node
        waiting.extend(node.children)


def texts(kind: str) -> list[str]:
    return [(node.text or b"").decode() for node in nodes(kind)]


def test_the_script_is_ascii_and_its_plan_is_in_place() -> None:
    assert SCRIPT.isascii()
    assert MARKER not in SCRIPT


def test_the_script_parses() -> None:
    assert texts("ERROR") == []
    assert not TREE.root_node.has_error


def test_a_script_that_does_not_parse_would_be_noticed() -> None:
    assert parsed("if ($x { 'y' }").root_node.has_error


def test_only_commands_that_read_or_write_to_the_own_folder_are_called() -> None:
    own = set(re.findall(r"^function ([\w-]+)", SCRIPT, re.MULTILINE))
    called = set(texts("command_name"))
    allowed = READS | WORKS_ON_OBJECTS | SPEAKS | WRITES | RUNS_ELSEWHERE | own
    assert called - allowed == set()


def test_the_one_command_that_is_named_by_a_variable_comes_from_the_plan() -> None:
    assert texts("command_name_expr") == ["$Cmdlet"]
    assert re.findall(r"\$cmdlet = ([^\n]+)", CODE) == [
        "$Item.Cmdlets[0]",
        "Get-FirstKnown $Item.Cmdlets",
        "$Item.Cmdlets[0]",
    ]


def test_the_block_that_runs_on_other_servers_reads_one_file_version() -> None:
    blocks = re.findall(r"Invoke-Command [^{]*\{([^}]*\}[^}]*)\}", CODE)
    assert [block.strip() for block in blocks] == [
        "Get-Command ExSetup.exe | ForEach-Object { $_.FileVersionInfo }"
    ]


def test_nothing_is_written_outside_the_own_folder() -> None:
    paths = re.findall(r"(?:Export-Clixml|New-Item)[^\n]*? -Path (\(.*?\)|\S+)", CODE)
    assert paths == ["$file", "$OutDir", "(Join-Path $OutDir 'manifest.clixml')"]
    assert len(re.findall("Export-Clixml|New-Item", CODE)) == len(paths)
    assert re.findall(r"\$file = (Join-Path .*)", CODE) == [
        "Join-Path $OutDir ($Item.Name + '.clixml')"
    ]
    opened = re.findall(r"\[System\.IO\.File\]::(\w+)", CODE)
    assert opened == ["OpenRead"]


def test_every_file_is_written_as_the_import_reads_it_best() -> None:
    exports = [line for line in CODE.splitlines() if "Export-Clixml" in line]
    assert [line for line in exports if "-Depth 3 -Encoding UTF8" not in line] == []


@pytest.mark.parametrize("pattern", LATER_THAN_2, ids=LATER_THAN_2.get)
def test_no_syntax_is_used_that_powershell_2_lacks(pattern: str) -> None:
    assert re.findall(pattern, CODE, re.IGNORECASE) == []


def test_no_answer_is_filtered_on_the_way() -> None:
    assert re.findall(r"-Filter\b|-RecipientTypeDetails\b|-First\b|Where-Object", CODE) == []


@pytest.mark.parametrize("collector", EXCHANGE_COLLECTORS, ids=lambda each: each.cmdlets[0])
def test_the_plan_asks_for_what_the_collector_reads(collector: ExchangeCollector) -> None:
    (line,) = [
        each for each in SCRIPT.splitlines() if f"Add-PlanItem '{file_stem(collector)}'" in each
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


@pytest.mark.parametrize("collector", EXCHANGE_COLLECTORS, ids=lambda each: each.cmdlets[0])
def test_an_empty_file_of_the_script_is_known_by_its_name(collector: ExchangeCollector) -> None:
    assert collector_named_by(f"folder/{file_stem(collector)}.clixml") is collector


def test_objects_say_on_which_side_they_live() -> None:
    silent = [
        each.cmdlets[0]
        for each in EXCHANGE_COLLECTORS
        if not (each.per_server or each.per_mailbox)
        and not {"DistinguishedName", "OriginatingServer"} <= set(asked_properties(each))
    ]
    assert silent == []


def test_commands_that_are_asked_per_mailbox_come_after_the_mailboxes() -> None:
    stems = re.findall(r"^Add-PlanItem '([^']+)'", SCRIPT, re.MULTILINE)
    per_mailbox = [file_stem(each) for each in EXCHANGE_COLLECTORS if each.per_mailbox]
    assert stems[-len(per_mailbox) :] == per_mailbox
    assert stems.index("Get-Mailbox") < len(stems) - len(per_mailbox)


def test_commands_that_take_hours_are_asked_only_when_wanted() -> None:
    (plan,) = re.findall(r"^function Add-PlanItem\(.*?^}", SCRIPT, re.MULTILINE | re.DOTALL)
    assert plan.splitlines()[1].strip() == (
        "if ($PerMailbox -and -not $IncludePerMailbox) { return }"
    )
    assert "[switch]$IncludePerMailbox" in CODE


def test_the_mailboxes_asked_about_are_those_that_were_exported() -> None:
    assert re.findall(r"if \(\$script:current -eq '([^']+)'\) \{ ([^}]*) \}", CODE) == [
        (MAILBOX.cmdlets[0], "[void]$script:mailboxes.Add($_.Guid.ToString())")
    ]
    assert f"NoteProperty {ASKED_MAILBOX} $script:mailbox" in CODE


def test_script_and_import_speak_of_the_same_manifest() -> None:
    assert f"NoteProperty Tool '{TOOL}'" in CODE
    assert f"$manifestVersion = {VERSION}" in CODE
    said = set(re.findall(r"\$script:state = '(\w+)'", CODE))
    assert said == set(STATES)
    notes = set(re.findall(r"\$(?:record|header) \| Add-Member NoteProperty (\w+)", CODE))
    assert notes >= {
        *("Tool", "Version", "Commands", "Computer", "ExportedUTC", "Culture", "ViewEntireForest"),
        *("ForestDomains", "Cmdlet", "State", "Count", "Parameters", "DroppedParameters"),
        "Asked",
        *("ErrorCount", "Errors", "ErrorCategories", "Warnings", "File", "Sha256"),
    }
