"""Sentences for the terminal."""

from __future__ import annotations

from auditor.evidence.ledger import not_requested
from auditor.words import ledger_sentences


def test_a_reason_is_told_once_with_the_number_of_tables_it_holds_for() -> None:
    ledger = [
        not_requested("entra_user", "No tenant."),
        not_requested("onprem_mailbox", "No Exchange."),
        not_requested("entra_sku", "No tenant."),
        not_requested("entra_domain", "No tenant."),
        not_requested("predicted", "-").model_copy(update={"state": "complete"}),
    ]
    assert list(ledger_sentences(ledger)) == [
        "1 of 5 tables are complete",
        "entra_user and 2 more: not_requested: No tenant.",
        "onprem_mailbox: not_requested: No Exchange.",
    ]
