"""Tables that `prediction/` derives from the evidence."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from auditor.evidence.base import Evidence
from auditor.verdicts import Cause


class RedirectOutcome(StrEnum):
    """What a phone of this mailbox gets from the old server once the mailbox has moved."""

    REDIRECTED = "redirected"
    NOT_REDIRECTED = "not_redirected"
    DEPENDS_ON_SERVER = "depends_on_server"
    AMBIGUOUS = "ambiguous"
    UNKNOWN = "unknown"


class PredictedRedirect(Evidence):
    """The redirect of one mailbox: T, R and U of the catalogue's section 0.4, and where it stops.

    `moved` tells a remote mailbox from one that is still to move. `stops_at` names the step that
    stops it or cannot be answered; `cause` is set when the outcome is unknown.
    """

    table: ClassVar[str] = "predicted_redirect"
    key: ClassVar[tuple[str, ...]] = ("mailbox_guid",)

    mailbox_guid: str
    mailbox: str
    moved: bool
    routing_address: str | None
    routing_domain: str | None
    relationship: str | None
    target_owa_url: str | None
    redirect_url: str | None
    host_verdict: str | None
    outcome: RedirectOutcome
    stops_at: str | None
    cause: Cause | None
    reason: str


class AccountMatch(StrEnum):
    """How surely a mailbox belongs to one account in Entra."""

    MATCHED = "matched"
    NOT_SYNCHRONISED = "not_synchronised"
    SEVERAL = "several"
    NONE = "none"
    UNKNOWN = "unknown"


class PredictedCloudAccount(Evidence):
    """The account in Entra that a mailbox belongs to, by what Entra Connect joins them by.

    onPremisesImmutableId is the objectGUID of the account on-premises, or its
    mS-DS-ConsistencyGuid; `anchor` names the one that matched, '' for none. `user_id` is set where
    exactly one account was found, synchronised or not, that no other mailbox claims. `moved` also
    where a mailbox moved while it was read and stands in both tables.
    """

    table: ClassVar[str] = "predicted_cloud_account"
    key: ClassVar[tuple[str, ...]] = ("mailbox_guid",)

    mailbox_guid: str
    mailbox: str
    moved: bool
    user_id: str | None
    anchor: str
    outcome: AccountMatch
    reason: str


class RecognisedBy(StrEnum):
    """By what the program of a phone was recognised."""

    USER_AGENT = "user_agent"
    DEVICE_TYPE = "device_type"
    NOTHING = "nothing"


class PredictedDeviceClient(Evidence):
    """The program that a device on-premises uses, by what it tells of itself.

    `client_id` names a row of ref_mail_client, None where none fits: what the program can do, and
    which application it signs in as, is then not known. `app_id` names the one row of ref_mail_app
    for that program, None where there is none, or more than one.
    """

    table: ClassVar[str] = "predicted_device_client"
    key: ClassVar[tuple[str, ...]] = ("device_guid",)

    device_guid: str
    mailbox_distinguished_name_key: str
    device_id_key: str
    client_id: str | None
    app_id: str | None
    recognised_by: RecognisedBy
    reason: str
