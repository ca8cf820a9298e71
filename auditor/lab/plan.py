"""What the lab's customer intends: a plan of three waves, as a spreadsheet saves one."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path

from auditor.lab.organization import ROUTING_DOMAIN, Organization
from auditor.lab.parts import Mailbox
from auditor.lab.recipients import mailboxes

WAVES = ("Wave 1 (pilot)", "Wave 2", "Wave 3")
_OF_TEN = (0, 1, 1, 1, 1, 2, 2, 2, 2, None)
"""Wave of each of ten mailboxes in a row: one pilot, and one that nobody has planned yet."""

HEADER = ("EmailAddress", "Wave", "TargetDeliveryDomain")


def wave_of(mailbox: Mailbox) -> str | None:
    """The wave that a mailbox moves in; None for one that the plan leaves out."""
    place = _OF_TEN[mailbox.number % len(_OF_TEN)]
    searched = mailbox.recipient_type_details == "DiscoveryMailbox"
    return None if place is None or searched else WAVES[place]


def planned(organization: Organization) -> Iterator[tuple[Mailbox, str]]:
    """Each planned mailbox and its wave, by number."""
    for mailbox in mailboxes(organization):
        wave = wave_of(mailbox)
        if wave is not None:
            yield mailbox, wave


def write_plan(organization: Organization, path: Path) -> None:
    """Write the plan as CSV with semicolons and a byte order mark, for its owner's eyes alone.

    Equal organisations give equal bytes. Raises FileExistsError rather than write over a file.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADER)
    for mailbox, wave in planned(organization):
        writer.writerow((mailbox.primary_smtp_address, wave, ROUTING_DOMAIN))
    with open(path, "xb", opener=_owner_alone) as file:
        file.write(text.getvalue().encode("utf-8-sig"))


def _owner_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
