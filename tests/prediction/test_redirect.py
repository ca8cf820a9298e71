"""The redirect of a mailbox, against section 0 of the catalogue of checks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.evidence.normalise import build_number, host_of
from auditor.evidence.predicted import RedirectOutcome
from auditor.prediction.redirect import RedirectPredictor
from auditor.prediction.redirect_steps import (
    Gap,
    Host,
    Mailbox,
    Organization,
    Relationship,
    Server,
    StepState,
    can_redirect,
)
from auditor.verdicts import Cause

ROUTING = "contoso.mail.onmicrosoft.com"
HOSTS = {
    "outlook.office365.com": Host("worldwide", "outlook.office365.com", "good"),
    "outlook.com": Host("worldwide", "outlook.office365.com", "rewritten"),
    "outlook.office.com": Host("worldwide", "outlook.office.com", "test_per_client"),
    "www.outlook.com": Host("consumer", "www.outlook.com", "blocker_until_probed"),
    "outlook.cloud.microsoft": Host("worldwide", "outlook.cloud.microsoft", "probe"),
    "partner.outlook.cn": Host("china_21vianet", "partner.outlook.cn", "good_if_cloud_matches"),
    "outlook.office365.us": Host("usgov_gcchigh", "outlook.office365.us", "good_if_cloud_matches"),
    "outlook.office.de": Host("germany_closed", "outlook.office.de", "blocker"),
}


def number(build: str) -> int:
    found = build_number(build)
    assert found is not None
    return found


FLOORS = {
    "Exchange Server 2010": number("14.3.235.1"),
    "Exchange Server 2013": number("15.0.1076.9"),
}
NEW_2010 = Server("EX10", "Exchange Server 2010", True, number("14.3.235.1"))
OLD_2010 = Server("OLD10", "Exchange Server 2010", True, number("14.3.224.2"))
NEW_2013 = Server("EX13", "Exchange Server 2013", True, number("15.0.1497.2"))
ANY_2016 = Server("EX16", "Exchange Server 2016", True, None)
OLD_2007 = Server("EX07", "Exchange Server 2007", True, number("8.3.485.1"))


def relationship(url: str | None, name: str = "O365", domain: str = ROUTING) -> Relationship:
    return Relationship(name, frozenset({domain}), url, None if url is None else host_of(url))


HEALTHY = Organization(
    target_delivery_domains=(ROUTING,),
    relationships=(relationship("https://outlook.office365.com/owa/contoso.com"),),
    servers=(ANY_2016,),
    hosts=HOSTS,
    floors=FLOORS,
)
TO_MOVE = Mailbox("m1", "ann@contoso.com", False, ((f"ann@{ROUTING}", ROUTING),), None, ())
MOVED = Mailbox(
    "m2", "bo@contoso.com", True, ((f"bo@{ROUTING}", ROUTING),), f"SMTP:bo@{ROUTING}", ()
)


def outcome(
    organization: Organization, mailbox: Mailbox = TO_MOVE
) -> tuple[RedirectOutcome, str | None]:
    row = RedirectPredictor(organization).predict(mailbox).row
    return row.outcome, row.stops_at


def test_a_healthy_chain_ends_at_exchange_online_with_every_step_passed() -> None:
    for mailbox in (TO_MOVE, MOVED):
        prediction = RedirectPredictor(HEALTHY).predict(mailbox)
        assert [(step.name, step.state) for step in prediction.steps] == [
            ("routing_address", StepState.PASSED),
            ("relationship", StepState.PASSED),
            ("redirect_url", StepState.PASSED),
            ("host", StepState.PASSED),
            ("servers", StepState.PASSED),
        ]
        assert prediction.row.outcome is RedirectOutcome.REDIRECTED
        assert prediction.row.stops_at is None
        assert prediction.row.redirect_url == (
            "https://outlook.office365.com/Microsoft-Server-ActiveSync"
        )


def test_a_moved_mailbox_that_was_read_long_ago_is_not_assessed() -> None:
    old = replace(MOVED, routing_addresses=Gap(Cause.STALE, "stale (Read long ago.)"))
    (step,) = RedirectPredictor(HEALTHY).predict(old).steps
    assert (step.state, step.cause, step.result) == (
        StepState.UNKNOWN,
        Cause.STALE,
        "onprem_remote_mailbox: stale (Read long ago.)",
    )
    assert outcome(HEALTHY, old) == (RedirectOutcome.UNKNOWN, "routing_address")


# Table 0.2 of the catalogue: what TargetOwaURL says, what the phone is sent, how it ends.
TABLE_0_2 = [
    ("", None, (RedirectOutcome.NOT_REDIRECTED, "redirect_url")),
    ("not an address", None, (RedirectOutcome.NOT_REDIRECTED, "redirect_url")),
    (
        "http://outlook.com/owa/contoso.com",
        "https://outlook.office365.com/Microsoft-Server-ActiveSync",
        (RedirectOutcome.REDIRECTED, None),
    ),
    (
        "https://outlook.office.com/mail",
        "https://outlook.office.com/Microsoft-Server-ActiveSync",
        (RedirectOutcome.REDIRECTED, None),
    ),
    (
        "https://outlook.office365.com/owa/contoso.com",
        "https://outlook.office365.com/Microsoft-Server-ActiveSync",
        (RedirectOutcome.REDIRECTED, None),
    ),
    (
        "http://cloudowa.contoso.com/owa",
        "https://cloudowa.contoso.com/Microsoft-Server-ActiveSync",
        (RedirectOutcome.NOT_REDIRECTED, "host"),
    ),
    (
        "https://mail.contoso.com/owa",
        "https://mail.contoso.com/Microsoft-Server-ActiveSync",
        (RedirectOutcome.NOT_REDIRECTED, "host"),
    ),
    (
        "https://www.outlook.com/owa",
        "https://www.outlook.com/Microsoft-Server-ActiveSync",
        (RedirectOutcome.NOT_REDIRECTED, "host"),
    ),
    (
        "https://outlook.cloud.microsoft/mail",
        "https://outlook.cloud.microsoft/Microsoft-Server-ActiveSync",
        (RedirectOutcome.UNKNOWN, "host"),
    ),
    (
        "https://partner.outlook.cn/owa",
        "https://partner.outlook.cn/Microsoft-Server-ActiveSync",
        (RedirectOutcome.UNKNOWN, "host"),
    ),
    (
        "https://outlook.office.de/owa",
        "https://outlook.office.de/Microsoft-Server-ActiveSync",
        (RedirectOutcome.NOT_REDIRECTED, "host"),
    ),
    (
        "https://outlook.office365.com@evil.example/owa",
        "https://evil.example/Microsoft-Server-ActiveSync",
        (RedirectOutcome.NOT_REDIRECTED, "host"),
    ),
]


@pytest.mark.parametrize(("url", "sent", "end"), TABLE_0_2, ids=[row[0] for row in TABLE_0_2])
def test_the_address_a_phone_is_sent_follows_table_0_2(
    url: str, sent: str | None, end: tuple[RedirectOutcome, str | None]
) -> None:
    organization = replace(HEALTHY, relationships=(relationship(url),))
    row = RedirectPredictor(organization).predict(TO_MOVE).row
    assert (row.redirect_url, (row.outcome, row.stops_at)) == (sent, end)


def test_a_tenant_in_china_is_redirected_only_by_its_own_host() -> None:
    domain = "contoso.mail.partner.onmschina.cn"
    mailbox = replace(TO_MOVE, routing_addresses=((f"ann@{domain}", domain),))
    for url, end in (
        ("https://partner.outlook.cn/owa", (RedirectOutcome.REDIRECTED, None)),
        ("https://outlook.office365.com/owa", (RedirectOutcome.NOT_REDIRECTED, "host")),
    ):
        organization = replace(HEALTHY, relationships=(relationship(url, domain=domain),))
        assert outcome(organization, mailbox) == end


def test_a_government_domain_does_not_tell_which_of_two_government_clouds_it_is() -> None:
    domain = "contoso.mail.onmicrosoft.us"
    mailbox = replace(TO_MOVE, routing_addresses=((f"ann@{domain}", domain),))
    organization = replace(
        HEALTHY, relationships=(relationship("https://outlook.office365.us/owa", domain=domain),)
    )
    assert outcome(organization, mailbox) == (RedirectOutcome.UNKNOWN, "host")


def test_a_mailbox_without_a_proxy_in_the_routing_domain_stops_at_the_first_step() -> None:
    without = replace(TO_MOVE, routing_addresses=())
    assert outcome(HEALTHY, without) == (RedirectOutcome.NOT_REDIRECTED, "routing_address")


@pytest.mark.parametrize(
    ("written", "end"),
    [
        (None, (RedirectOutcome.UNKNOWN, "routing_address")),
        ("", (RedirectOutcome.NOT_REDIRECTED, "routing_address")),
        ("X400:c=DE;a= ;p=contoso", (RedirectOutcome.NOT_REDIRECTED, "routing_address")),
    ],
)
def test_a_moved_mailbox_needs_an_smtp_routing_address(
    written: str | None, end: tuple[RedirectOutcome, str]
) -> None:
    assert outcome(HEALTHY, replace(MOVED, written=written, routing_addresses=())) == end


def test_the_routing_domain_must_match_as_a_whole() -> None:
    for domain in ("contoso.onmicrosoft.com", "sub.contoso.mail.onmicrosoft.com"):
        mailbox = replace(MOVED, written=f"bo@{domain}", routing_addresses=(("bo", domain),))
        assert outcome(HEALTHY, mailbox) == (RedirectOutcome.NOT_REDIRECTED, "relationship")


def test_two_relationships_with_one_host_are_fine_and_with_two_hosts_ambiguous() -> None:
    good = relationship("https://outlook.office365.com/owa", "A")
    same = relationship("https://outlook.office365.com/owa/contoso.com", "B")
    other = relationship("https://mail.fabrikam.com/owa", "C")
    unread = relationship(None, "D")
    empty = relationship("", "E")
    assert outcome(replace(HEALTHY, relationships=(good, same))) == (
        RedirectOutcome.REDIRECTED,
        None,
    )
    for second in (other, unread, empty):
        assert outcome(replace(HEALTHY, relationships=(good, second))) == (
            RedirectOutcome.AMBIGUOUS,
            "relationship",
        )


def test_an_unread_target_owa_url_is_unknown_and_an_empty_one_is_not() -> None:
    assert outcome(replace(HEALTHY, relationships=(relationship(None),))) == (
        RedirectOutcome.UNKNOWN,
        "redirect_url",
    )


@pytest.mark.parametrize(
    ("servers", "end"),
    [
        ((NEW_2010, NEW_2013, ANY_2016), (RedirectOutcome.REDIRECTED, None)),
        ((OLD_2010,), (RedirectOutcome.NOT_REDIRECTED, "servers")),
        ((OLD_2007,), (RedirectOutcome.NOT_REDIRECTED, "servers")),
        ((OLD_2010, ANY_2016), (RedirectOutcome.DEPENDS_ON_SERVER, "servers")),
        ((replace(NEW_2010, build_number=None),), (RedirectOutcome.UNKNOWN, "servers")),
        ((replace(NEW_2013, build_number=None), ANY_2016), (RedirectOutcome.UNKNOWN, "servers")),
        ((replace(ANY_2016, product=None),), (RedirectOutcome.UNKNOWN, "servers")),
        ((replace(ANY_2016, answers_eas=None),), (RedirectOutcome.UNKNOWN, "servers")),
        ((replace(OLD_2010, answers_eas=False), ANY_2016), (RedirectOutcome.REDIRECTED, None)),
        ((), (RedirectOutcome.UNKNOWN, "servers")),
    ],
)
def test_every_server_that_may_answer_counts(
    servers: tuple[Server, ...], end: tuple[RedirectOutcome, str | None]
) -> None:
    assert outcome(replace(HEALTHY, servers=servers)) == end


@pytest.mark.parametrize(
    ("gap_in", "stops_at"),
    [
        ("target_delivery_domains", "routing_address"),
        ("relationships", "relationship"),
        ("servers", "servers"),
    ],
)
def test_losing_any_evidence_leaves_the_outcome_unknown_with_its_cause(
    gap_in: str, stops_at: str
) -> None:
    gap = Gap(Cause.ACCESS_DENIED, "access_denied (no role)")
    organization = {
        "target_delivery_domains": replace(HEALTHY, target_delivery_domains=gap),
        "relationships": replace(HEALTHY, relationships=gap),
        "servers": replace(HEALTHY, servers=gap),
    }[gap_in]
    row = RedirectPredictor(organization).predict(TO_MOVE).row
    assert (row.outcome, row.stops_at, row.cause) == (
        RedirectOutcome.UNKNOWN,
        stops_at,
        Cause.ACCESS_DENIED,
    )
    assert "no role" in row.reason


def test_unread_addresses_are_unknown_and_no_flagged_domain_is_too() -> None:
    unread = replace(TO_MOVE, routing_addresses=Gap(Cause.PARTIAL, "partial (cut off)"))
    assert outcome(HEALTHY, unread) == (RedirectOutcome.UNKNOWN, "routing_address")
    assert outcome(replace(HEALTHY, target_delivery_domains=())) == (
        RedirectOutcome.UNKNOWN,
        "routing_address",
    )


def test_proxies_in_two_target_delivery_domains_that_end_differently_are_ambiguous() -> None:
    second = "fabrikam.mail.onmicrosoft.com"
    mailbox = replace(
        TO_MOVE, routing_addresses=((f"ann@{ROUTING}", ROUTING), (f"ann@{second}", second))
    )
    organization = replace(HEALTHY, target_delivery_domains=(ROUTING, second))
    assert outcome(organization, mailbox) == (RedirectOutcome.AMBIGUOUS, "routing_address")


maybe = st.sampled_from
anything = st.builds(
    Organization,
    target_delivery_domains=maybe([(), (ROUTING,), Gap(Cause.PARTIAL, "cut off")]),
    relationships=st.one_of(
        st.lists(
            st.builds(
                relationship,
                st.none() | maybe([row[0] for row in TABLE_0_2]),
                name=st.text(min_size=1, max_size=3),
                domain=maybe([ROUTING, "other.example"]),
            ),
            max_size=3,
        ).map(tuple),
        st.just(Gap(Cause.UNREACHABLE, "no answer")),
    ),
    servers=st.one_of(
        st.lists(
            st.builds(
                Server,
                name=st.text(min_size=1, max_size=3),
                product=st.none() | maybe([*FLOORS, "Exchange Server 2007", "Exchange Server SE"]),
                answers_eas=st.none() | st.booleans(),
                build_number=st.none() | maybe([0, *FLOORS.values(), 10**15]),
            ),
            max_size=3,
        ).map(tuple),
        st.just(Gap(Cause.NOT_REQUESTED, "no export")),
    ),
    hosts=st.just(HOSTS),
    floors=st.just(FLOORS),
)


@given(anything, maybe([TO_MOVE, MOVED, replace(TO_MOVE, routing_addresses=())]))
def test_nothing_is_called_redirected_unless_every_link_was_seen_to_hold(
    organization: Organization, mailbox: Mailbox
) -> None:
    prediction = RedirectPredictor(organization).predict(mailbox)
    row = prediction.row
    if row.outcome is not RedirectOutcome.REDIRECTED:
        assert row.stops_at is not None
        return
    assert isinstance(organization.relationships, tuple)
    assert isinstance(organization.servers, tuple)
    hosts = {item.host for item in organization.relationships if ROUTING in item.domains}
    assert len(hosts) == 1
    assert HOSTS[hosts.pop() or ""].verdict in {"good", "rewritten", "test_per_client"}
    answering = [server for server in organization.servers if server.answers_eas is not False]
    assert answering
    assert all(can_redirect(server, FLOORS) is True for server in answering)
    assert [step.state for step in prediction.steps] == [StepState.PASSED] * 5


def test_the_domain_that_the_plan_names_outweighs_the_flagged_one() -> None:
    other = "other.mail.onmicrosoft.com"
    planned = replace(
        TO_MOVE, routing_addresses=((f"ann@{other}", other),), planned_domains=(other,)
    )
    organization = replace(
        HEALTHY,
        relationships=(
            relationship("https://outlook.office365.com/owa"),
            relationship("https://outlook.office.com/owa", "other", other),
        ),
    )
    prediction = RedirectPredictor(organization).predict(planned)
    assert (prediction.row.routing_domain, prediction.row.redirect_url) == (
        other,
        "https://outlook.office.com/Microsoft-Server-ActiveSync",
    )
    assert prediction.steps[0].evidence == (
        "plan_move.target_delivery_domain, onprem_mailbox_address"
    )
    assert outcome(HEALTHY, planned) == (RedirectOutcome.NOT_REDIRECTED, "relationship")


def test_a_planned_domain_needs_no_flagged_one_but_an_address_in_it() -> None:
    planned = replace(TO_MOVE, planned_domains=(ROUTING,))
    for domains in ((), Gap(Cause.ACCESS_DENIED, "denied")):
        organization = replace(HEALTHY, target_delivery_domains=domains)
        assert outcome(organization, planned) == (RedirectOutcome.REDIRECTED, None)
    without = replace(planned, routing_addresses=())
    assert outcome(HEALTHY, without) == (RedirectOutcome.NOT_REDIRECTED, "routing_address")


def test_a_plan_that_was_not_read_to_its_end_leaves_the_routing_domain_open() -> None:
    unread = Gap(Cause.PARTIAL, "cut off")
    assert outcome(HEALTHY, replace(TO_MOVE, planned_domains=unread)) == (
        RedirectOutcome.UNKNOWN,
        "routing_address",
    )
