"""The table of what the customer intends: who moves when, and to which domain."""

from __future__ import annotations

from typing import ClassVar

from auditor.evidence.base import Evidence


class PlanMove(Evidence):
    """One mailbox of the plan, from a CSV file or an export of Get-MigrationUser.

    `mailbox` is the address as written, primary or not; `mailbox_key` the same in lower case.
    `wave` is '' where the plan names none. `target_delivery_domain` is None where the plan does
    not say. `source` names file and line, for whoever has to correct it.
    """

    table: ClassVar[str] = "plan_move"
    key: ClassVar[tuple[str, ...]] = ("mailbox_key",)

    mailbox: str
    mailbox_key: str
    wave: str
    target_delivery_domain: str | None
    source: str
