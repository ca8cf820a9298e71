"""The export scripts for administrators, filled with what the collectors ask for.

There is one for each side of the hybrid, from one template: whoever runs it in the window that
its first lines name has no switch to forget. Its plan is generated, so that script and collectors
cannot drift apart.
"""

from __future__ import annotations

from auditor.collectors.contract import ExchangeCollector, Side
from auditor.collectors.recognition import ORIGIN
from auditor.collectors.registry import ALL_COLLECTORS
from auditor.collectors.servers import EXCHANGE_BUILD
from auditor.resources import templates_folder

TEMPLATE = "Export-HybridEvidence.ps1"
MARKER = "#@PLAN@"
SETUP_NAME = "ExSetup"

_OPENING = {"#@ONPREMISES@": Side.ON_PREMISES, "#@ONLINE@": Side.ONLINE, "#@END@": None}
"""Lines of the template behind which everything is for one side, or again for both."""


def render(side: Side) -> str:
    """The whole script of one side, in the syntax of PowerShell 2.0 and in ASCII."""
    lines: list[str] = []
    only: Side | None = None
    for line in (templates_folder() / TEMPLATE).read_text("utf-8").splitlines():
        if line in _OPENING:
            only = _OPENING[line]
        elif line == MARKER:
            lines += [_plan_item(each) for each in ALL_COLLECTORS if each.side is side]
        elif only in {None, side}:
            lines.append(line)
    return "".join(f"{line}\n" for line in lines)


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
