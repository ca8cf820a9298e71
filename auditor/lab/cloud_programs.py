"""Mail programs of the lab's phones, and the applications that they sign in to the cloud as.

Application ids are those of `rules/reference/mail_apps.csv`, ids of programs without one those of
`mail_clients.csv`. Programs that never sign in with OAuth need no consent, and Outlook needs none.
"""

from __future__ import annotations

from auditor.lab.devices import devices_of
from auditor.lab.organization import Organization
from auditor.lab.recipients import mailboxes
from auditor.lab.tenant_access import ANDROID_MAIL, APPLE_MAIL, SAMSUNG_EMAIL

_THUNDERBIRD = "9e5f94bc-e8a4-4e73-b8be-63364c29d753"
_ANDROID_EMAIL = "e0ee12cb-2032-40fc-a44f-d6d9f3fad1eb"

_BY_TYPE = {
    "iPhone": APPLE_MAIL,
    "iPad": APPLE_MAIL,
    "Android": ANDROID_MAIL,
    "TbSync": _THUNDERBIRD,
}
_UNCERTAIN = {
    "ELE-L29": "android_brand_in_bypass",
    "GT-I9300": _ANDROID_EMAIL,
    "SM-J500FN": "android_other",
}
"""By model: phones whose application nobody has published, or not for certain."""


def programs(organization: Organization) -> tuple[frozenset[str], frozenset[str]]:
    """What phones on-premises use: known applications, and those that a person must look at."""
    known: set[str] = set()
    uncertain: set[str] = set()
    for mailbox in mailboxes(organization):
        for device in devices_of(organization, mailbox):
            if device.device_model in _UNCERTAIN:
                uncertain.add(_UNCERTAIN[device.device_model])
            elif device.device_type.startswith("SAMSUNG"):
                known.add(SAMSUNG_EMAIL)
            elif device.device_type in _BY_TYPE:
                known.add(_BY_TYPE[device.device_type])
    return frozenset(known), frozenset(uncertain)
