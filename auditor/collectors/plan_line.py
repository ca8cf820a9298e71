"""One line of a plan, checked as it is read: a plan that is half understood is no plan."""

from __future__ import annotations

import re
from dataclasses import dataclass

from auditor.collectors.quoting import shortened
from auditor.errors import InputRefused

LONGEST_ADDRESS = 320
LONGEST_WAVE = 100

_ADDRESS = re.compile(r'[^\s@<>()\[\],;:"\\]+@[^\s@<>()\[\],;:"\\]+\.[^\s@<>()\[\],;:"\\]+')
_DOMAIN = re.compile(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+")


@dataclass(frozen=True, slots=True)
class PlannedLine:
    """A mailbox of the plan; `target_delivery_domain` None where it is not said, `place` its line.

    Slim, since a plan may name a million.
    """

    mailbox: str
    wave: str
    target_delivery_domain: str | None
    place: str


def planned_line(mailbox: str, wave: str, domain: str, place: str) -> PlannedLine:
    """A line from its three texts; raises InputRefused naming `place` for one that cannot be used.

    Blanks around the texts are taken off, an empty `domain` means that the plan does not say.
    """
    address, wave = mailbox.strip(), wave.strip()
    if not address:
        raise InputRefused(f"{place}: names no mailbox; write its address, or remove the line.")
    if not (
        _ADDRESS.fullmatch(address) and address.isprintable() and len(address) <= LONGEST_ADDRESS
    ):
        raise InputRefused(
            f"{place}: {shortened(repr(address))} is no address; write the mailbox's SMTP address."
        )
    if not wave.isprintable() or len(wave) > LONGEST_WAVE:
        raise InputRefused(
            f"{place}: {shortened(repr(wave))} is no name for a wave; write a short name."
        )
    return PlannedLine(address, wave, delivery_domain(domain, place), place)


def delivery_domain(written: str, place: str) -> str | None:
    """A TargetDeliveryDomain in lower case, None for nothing; raises InputRefused for what is none.

    It is a bare domain (New-MigrationBatch, parameter TargetDeliveryDomain).
    """
    domain = written.strip().lower()
    if domain and not (_DOMAIN.fullmatch(domain) and len(domain) <= 255):
        raise InputRefused(
            f"{place}: {shortened(repr(domain))} is no domain; write one like"
            " contoso.mail.onmicrosoft.com, or leave it empty."
        )
    return domain or None
