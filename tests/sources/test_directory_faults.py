"""What a directory can do wrong: every answer is complete, or says that it is not."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from auditor.errors import (
    AccessDenied,
    AnswerCutShort,
    CommandUnsupported,
    InputRefused,
    SourceError,
    SourceUnreachable,
    UnexpectedAnswer,
)
from auditor.sources.directory import Directory, Entry, filter_value
from tests.support.certificates import Certificates, certificates
from tests.support.ldap_stub import (
    BASE,
    HANG_UP,
    Answer,
    LdapStub,
    Question,
    done,
    entry,
    notice_of_disconnection,
    reference,
    users,
)

BOTH_DECODERS = pytest.mark.parametrize("own", [True, False], ids=["own decoder", "stock ldap3"])
PAGES = 5


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("tls"), "localhost", "127.0.0.1")


def page_of(question: Question) -> int:
    return int(question.cookie or b"0") + 1


def in_pages(question: Question) -> Iterable[bytes]:
    page = page_of(question)
    more = str(page).encode() if page < PAGES else b""
    return [users(question, page), done(question, cookie=more)]


def names(found: Iterable[Entry]) -> list[str]:
    return [each.attributes["cn"][0].decode() for each in found]


def expected(pages: int, count: int = 10) -> list[str]:
    return [f"u{page}-{at}" for page in range(1, pages + 1) for at in range(count)]


def search(stub: LdapStub, **settings: object) -> tuple[list[str], SourceError | None]:
    """Names that came, and the error after them."""
    came: list[str] = []
    with Directory(stub.settings(**settings)) as directory:
        try:
            found = directory.search(BASE, "(cn=*)", ["cn"])
            came.extend(each.attributes["cn"][0].decode() for each in found)
        except SourceError as error:
            return came, error
    return came, None


@BOTH_DECODERS
def test_all_pages_come_in_their_order(made: Certificates, own: bool) -> None:
    with LdapStub(in_pages, made) as stub:
        assert search(stub, own_decoder=own) == (expected(PAGES), None)
        assert [question.cookie for question in stub.questions] == [b"", b"1", b"2", b"3", b"4"]


def breaking_off(code: int, at: int = 3) -> Answer:
    def answer(question: Question) -> Iterable[bytes]:
        if page_of(question) < at:
            return in_pages(question)
        return [users(question, at, 5), done(question, code, "injected")]

    return answer


@BOTH_DECODERS
@pytest.mark.parametrize("code", [0, 1, 3, 4, 11, 50, 51, 52, 53, 80])
def test_a_page_that_ends_badly_keeps_what_came_and_says_that_more_is_missing(
    made: Certificates, code: int, own: bool
) -> None:
    with LdapStub(breaking_off(code), made) as stub:
        came, error = search(stub, own_decoder=own)
    assert came == [*expected(2), *(f"u3-{at}" for at in range(5))]
    assert isinstance(error, AnswerCutShort)


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (3, AnswerCutShort, "its time limit"),
        (4, AnswerCutShort, "its size limit"),
        (11, AnswerCutShort, "a limit of its administrator"),
        (12, CommandUnsupported, "cannot answer in pages"),
        (32, UnexpectedAnswer, "knows no DC=contoso,DC=com"),
        (50, AccessDenied, "does not let the account search"),
        (51, SourceUnreachable, "cannot answer at present"),
        (52, SourceUnreachable, "cannot answer at present"),
        (53, UnexpectedAnswer, "refused a search"),
    ],
)
def test_a_refused_search_says_why_and_what_to_do(
    made: Certificates, code: int, kind: type[SourceError], words: str
) -> None:
    with LdapStub(lambda question: [done(question, code, "because")], made) as stub:
        came, error = search(stub)
    assert came == []
    assert type(error) is kind
    assert words in str(error)
    assert str(error).endswith(".")


def test_a_search_before_a_bind_is_access_denied(made: Certificates) -> None:
    said = "000004DC: LdapErr: DSID-0C0906E8, a successful bind must be completed"
    with LdapStub(lambda question: [done(question, 1, said)], made) as stub:
        assert isinstance(search(stub)[1], AccessDenied)


@BOTH_DECODERS
@pytest.mark.parametrize(
    "end",
    [[HANG_UP], [notice_of_disconnection(), HANG_UP], [b"\x30\x84\x00\x00", HANG_UP]],
    ids=["hangs up", "says goodbye", "in the middle of a message"],
)
def test_a_connection_that_breaks_keeps_what_came(
    made: Certificates, own: bool, end: list[bytes]
) -> None:
    def answer(question: Question) -> Iterable[bytes]:
        if page_of(question) < 3:
            return in_pages(question)
        return [users(question, 3, 4), *end]

    with LdapStub(answer, made) as stub:
        came, error = search(stub, own_decoder=own)
        assert len({question.connection for question in stub.questions}) == 1
    half_a_page = [f"u3-{at}" for at in range(4)]
    # stock ldap3 loses the page that was under way, and nothing else
    assert came == [*expected(2), *(half_a_page if own else [])]
    assert isinstance(error, AnswerCutShort)
    assert "broke off" in str(error)


@BOTH_DECODERS
def test_the_question_after_a_broken_answer_is_asked_anew(made: Certificates, own: bool) -> None:
    def answer(question: Question) -> Iterable[bytes] | None:
        return None if question.connection == 1 else in_pages(question)

    with LdapStub(answer, made) as stub, Directory(stub.settings(own_decoder=own)) as directory:
        with pytest.raises(AnswerCutShort):
            list(directory.search(BASE, "(cn=*)", ["cn"]))
        assert names(directory.search(BASE, "(cn=*)", ["cn"])) == expected(PAGES)
        assert len(stub.binds) == 2


def test_a_server_that_falls_silent_is_given_up(made: Certificates) -> None:
    def answer(question: Question) -> Iterable[bytes]:
        if page_of(question) < 2:
            return in_pages(question)
        return [users(question, 2, 3)]

    with LdapStub(answer, made) as stub:
        came, error = search(stub, answer_timeout=1)
    assert came == [*expected(1), "u2-0", "u2-1", "u2-2"]
    assert isinstance(error, AnswerCutShort)
    assert "timed out" in str(error)


@BOTH_DECODERS
def test_a_referral_is_not_followed_and_the_password_goes_nowhere(
    made: Certificates, own: bool
) -> None:
    with LdapStub(in_pages, made) as elsewhere:
        url = f"ldap://localhost:{elsewhere.port}/{BASE}"
        with LdapStub(lambda question: [done(question, 10, referrals=[url])], made) as stub:
            came, error = search(stub, own_decoder=own)
        assert (elsewhere.binds, elsewhere.questions) == ([], [])
    assert came == []
    assert isinstance(error, UnexpectedAnswer)
    assert url in str(error)
    assert "not followed because it would be shown the password" in str(error)


def test_with_any_other_version_of_ldap3_the_stock_path_reads(
    made: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditor.sources.directory_connection.version", lambda _name: "2.9.2")
    with LdapStub(in_pages, made) as stub, Directory(stub.settings()) as directory:
        assert directory._strategy is None
        assert names(directory.search(BASE, "(cn=*)", ["cn"])) == expected(PAGES)


def test_a_broken_answer_leaves_the_interpreter_as_it_was(made: Certificates) -> None:
    with LdapStub(lambda question: [users(question, 1, 2), HANG_UP], made) as stub:
        search(stub)
    assert gc.isenabled()


@BOTH_DECODERS
def test_references_among_the_entries_are_left_out(made: Certificates, own: bool) -> None:
    def answer(question: Question) -> Iterable[bytes]:
        other = reference(question, "ldap://child.contoso.com/DC=child,DC=contoso,DC=com")
        return [users(question, 1), other, other, done(question, cookie=b"")]

    with LdapStub(answer, made) as stub:
        assert search(stub, own_decoder=own) == (expected(1), None)


def test_a_server_that_goes_round_in_circles_is_left(made: Certificates) -> None:
    with LdapStub(lambda question: [done(question, cookie=b"again")], made) as stub:
        came, error = search(stub)
    assert came == []
    assert isinstance(error, UnexpectedAnswer)
    assert "one empty page after the other" in str(error)


VALUES = [f"v{number}".encode() for number in range(4_000)]


def ranged(question: Question) -> Iterable[bytes]:
    found = re.fullmatch(r"member;range=(\d+)-\*", question.attributes[0])
    low = int(found[1]) if found else 0
    values = VALUES[low : low + 1_500]
    high = "*" if low + 1_500 >= len(VALUES) else str(low + len(values) - 1)
    # a server sends the plain name, too, without values
    given = {"cn": [b"g"], "member": [], f"member;range={low}-{high}": values}
    return [entry(question, f"CN=g,{BASE}", given), done(question, cookie=b"")]


@BOTH_DECODERS
def test_all_of_four_thousand_values_come(made: Certificates, own: bool) -> None:
    with LdapStub(ranged, made) as stub:
        with Directory(stub.settings(own_decoder=own)) as directory:
            found = list(directory.search(BASE, "(cn=g)", ["member", "cn"]))
        asked = [question.attributes[0] for question in stub.questions]
    assert [each.attributes["member"] for each in found] == [VALUES]
    assert asked == ["member", "member;range=1500-*", "member;range=3000-*"]


@pytest.mark.parametrize(
    ("second", "kind"),
    [
        ({}, AnswerCutShort),
        ({"member": [b"v"]}, AnswerCutShort),
        ({"member;range=0-1499": VALUES[:1500]}, AnswerCutShort),
        ({"member;range=1500-1499": []}, UnexpectedAnswer),
        ({"member;range=1500-9999": VALUES[1500:]}, UnexpectedAnswer),
    ],
    ids=["nothing", "no range", "the first again", "no progress", "more than there are"],
)
def test_ranges_that_do_not_fit_are_no_complete_list(
    made: Certificates, second: dict[str, list[bytes]], kind: type[SourceError]
) -> None:
    def answer(question: Question) -> Iterable[bytes]:
        first = {"member;range=0-1499": VALUES[:1500]}
        given = second if "range" in question.attributes[0] else first
        return [entry(question, f"CN=g,{BASE}", given), done(question, cookie=b"")]

    with (
        LdapStub(answer, made) as stub,
        Directory(stub.settings()) as directory,
        pytest.raises(kind),
    ):
        list(directory.search(BASE, "(cn=g)", ["member"]))


@pytest.mark.parametrize(
    "message",
    [
        b"\x30\x05hello",
        b"\x30\x84\x7f\xff\xff\xff\x02\x01\x01",
        b"\x30\x88\x00\x00\x00\x00\x00\x00\x00\x05hello",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
    ids=["no number", "two gigabytes", "a length of eight bytes", "another protocol"],
)
@BOTH_DECODERS
def test_bytes_that_are_no_ldap_are_refused(made: Certificates, message: bytes, own: bool) -> None:
    with LdapStub(lambda question: [users(question, 1, 2), message, HANG_UP], made) as stub:
        came, error = search(stub, own_decoder=own)
    assert isinstance(error, UnexpectedAnswer | AnswerCutShort)
    assert came in ([], ["u1-0", "u1-1"])


@pytest.mark.parametrize(
    ("code", "message", "words"),
    [
        (49, "80090308: LdapErr: DSID-0C09042A, data 532, v3839", "the password has expired"),
        (49, "80090308: LdapErr: DSID-0C09042A, data 52e, v3839", "the password is wrong"),
        (49, "80090308: LdapErr: DSID-0C09042A, data 775, v3839", "locked out"),
        (49, "80090308: LdapErr: DSID-0C09042A, data 80090346, v3839", "channel binding"),
        (49, "", "the password is wrong or has expired"),
        (8, "00002028: LdapErr: DSID-0C090202", "use LDAPS or StartTLS"),
        (53, "no", "it says unwillingToPerform, no"),
    ],
)
def test_a_refused_sign_in_says_what_to_do(
    made: Certificates, code: int, message: str, words: str
) -> None:
    with (
        LdapStub(in_pages, made, bind_code=code, bind_message=message) as stub,
        pytest.raises(AccessDenied, match=words) as refused,
    ):
        Directory(stub.settings())
    assert "CONTOSO\\auditor" in str(refused.value)
    assert "not a secret" not in str(refused.value)


@pytest.mark.parametrize("starttls", [False, True], ids=["LDAPS", "StartTLS"])
class TestTheServerIsVerified:
    def test_with_the_file_of_its_authority(self, made: Certificates, starttls: bool) -> None:
        with LdapStub(in_pages, made, starttls_only=starttls) as stub:
            assert search(stub) == (expected(PAGES), None)

    def test_an_unknown_authority_is_refused_before_the_password_is_sent(
        self, made: Certificates, starttls: bool
    ) -> None:
        with LdapStub(in_pages, made, starttls_only=starttls) as stub:
            with pytest.raises(SourceUnreachable, match=r"is not trusted .*issuer certificate"):
                Directory(stub.settings(ca_file=None))
            assert stub.binds == []

    def test_a_certificate_for_another_name_is_refused(
        self, tmp_path: Path, starttls: bool
    ) -> None:
        other = certificates(tmp_path, "dc1.contoso.com")
        with LdapStub(in_pages, other, starttls_only=starttls) as stub:
            with pytest.raises(SourceUnreachable, match="name the server as its certificate does"):
                Directory(stub.settings())
            assert stub.binds == []

    def test_an_address_in_the_certificate_counts_as_its_name(
        self, made: Certificates, starttls: bool
    ) -> None:
        with LdapStub(in_pages, made, starttls_only=starttls) as stub:
            assert search(stub, host="127.0.0.1") == (expected(PAGES), None)


def test_a_password_never_crosses_in_clear(made: Certificates) -> None:
    with LdapStub(in_pages, made) as stub:
        with pytest.raises(InputRefused, match=r"would cross the network .* in clear"):
            Directory(stub.settings(encryption="none"))
        with pytest.raises(SourceUnreachable):
            Directory(stub.settings(encryption="starttls", answer_timeout=1))
        assert stub.binds == []


def test_a_bind_without_a_password_is_no_bind(made: Certificates) -> None:
    with LdapStub(in_pages, made) as stub:
        with pytest.raises(InputRefused, match="no password is given"):
            Directory(stub.settings(password=""))
        assert stub.binds == []


def test_a_server_that_is_no_domain_controller_is_named_so(made: Certificates) -> None:
    with (
        LdapStub(in_pages, made, root={"vendorName": [b"OpenLDAP"]}) as stub,
        pytest.raises(UnexpectedAnswer, match="is no domain controller"),
    ):
        Directory(stub.settings())


def test_a_port_where_nobody_listens_is_unreachable(made: Certificates) -> None:
    with LdapStub(in_pages, made) as stub:
        settings = stub.settings()
    with pytest.raises(SourceUnreachable, match="could not be reached"):
        Directory(settings)


def test_the_settings_do_not_print_the_password(made: Certificates) -> None:
    with LdapStub(in_pages, made) as stub:
        assert "not a secret" not in repr(stub.settings())


def test_nothing_but_binds_searches_and_goodbyes_reaches_the_server(made: Certificates) -> None:
    with LdapStub(ranged, made) as stub:
        with Directory(stub.settings()) as directory:
            list(directory.search(BASE, "(cn=g)", ["member"]))
            directory.read(f"CN=g,{BASE}", ["cn"], security_descriptors=True)
        bind, search_request, unbind = 0x60, 0x63, 0x42
        assert set(stub.operations) <= {bind, search_request, unbind}


def test_a_value_in_a_filter_means_nothing_but_itself() -> None:
    assert filter_value("a*(b)\\c\x00é") == "a\\2a\\28b\\29\\5cc\\00é"
