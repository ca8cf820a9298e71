"""How much one page of JSON may hold, so that reading it takes no machine down.

A byte of JSON can become fifty bytes in memory (those of `[],` do), so that a bound on the bytes of
a page is no bound on what it costs: 64 MB of them took three gigabytes. Measured with 64 MB of
objects as Exchange Online gives them: 250 MB; with one text of 64 MB whose characters need four
bytes: 550 MB; with MOST_VALUES of the most expensive values: 200 MB, as models of Graph 530 MB.
"""

from __future__ import annotations

MOST_VALUES = 2_000_000
"""Values of one page, at the most.

A thousand recipients of 110 properties, each with a note of its type, are 230,000. If each of them
also had 1,200 addresses, which are as many as an object of Active Directory can hold, 1.4 million.
"""


def crowded(page: bytes) -> bool:
    """Whether a page may hold more than MOST_VALUES, told by its commas and opening brackets.

    Those inside of texts count too, since nothing is read yet.
    """
    return sum(page.count(mark) for mark in (b",", b"[", b"{")) > MOST_VALUES
