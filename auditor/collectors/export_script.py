"""The export script for administrators, filled with what the collectors ask for.

The plan of the script is generated, so that script and collectors cannot drift apart.
"""

from __future__ import annotations

from auditor.collectors.contract import ExchangeCollector
from auditor.collectors.recognition import ORIGIN
from auditor.collectors.registry import EXCHANGE_COLLECTORS
from auditor.collectors.servers import EXCHANGE_BUILD
from auditor.resources import templates_folder

TEMPLATE = "Export-HybridEvidence.ps1"
MARKER = "#@PLAN@"
SETUP_NAME = "ExSetup"


def render() -> str:
    """The whole script, in the syntax of PowerShell 2.0 and in ASCII."""
    template = (templates_folder() / TEMPLATE).read_text("utf-8")
    before, marker, after = template.partition(f"{MARKER}\n")
    if not marker:
        raise ValueError(f"{TEMPLATE} has no line {MARKER}")
    plan = "".join(f"{_plan_item(collector)}\n" for collector in EXCHANGE_COLLECTORS)
    return f"{before}{plan}{after}"


def file_stem(collector: ExchangeCollector) -> str:
    """Name of the file, without its ending, that the script writes for a command."""
    return SETUP_NAME if collector is EXCHANGE_BUILD else collector.cmdlets[0]


def asked_properties(collector: ExchangeCollector) -> tuple[str, ...]:
    """What the script selects: what the collector reads, and what tells on-premises from cloud."""
    if collector.per_server or collector.per_mailbox:
        return collector.properties
    return tuple(dict.fromkeys((*collector.properties, *ORIGIN[:2])))


def _plan_item(collector: ExchangeCollector) -> str:
    parameters = "; ".join(
        f"{name} = {_literal(value)}" for name, value in collector.parameters.items()
    )
    return (
        f"Add-PlanItem {_literal(file_stem(collector))} {_list(collector.cmdlets)} "
        f"@{{{parameters}}} {_list(asked_properties(collector))} "
        f"{_literal(collector.per_server)} {_literal(collector.per_mailbox)}"
    )


def _list(values: tuple[str, ...]) -> str:
    return f"@({', '.join(_literal(value) for value in values)})"


def _literal(value: str | bool) -> str:
    if isinstance(value, bool):
        return "$true" if value else "$false"
    quoted = value.replace("'", "''")
    return f"'{quoted}'"
