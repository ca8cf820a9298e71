"""Cmdlets over the admin endpoint: what is asked, what becomes of the answer, and of its pages."""

from __future__ import annotations

import base64
import subprocess
import sys

import pytest

from auditor.collectors import reading
from auditor.errors import AnswerCutShort, CommandUnsupported, InputRefused, SourceError
from auditor.sources import exchange_online
from auditor.sources.clixml import PsObject
from auditor.sources.exchange_online import MAX_EMPTY_PAGES, READ_CMDLETS, ExchangeOnline
from auditor.sources.exchange_online_answers import MAX_WARNINGS
from tests.support.admin_client import TOKEN, Credential, client
from tests.support.admin_stub import (
    INVOKE,
    TENANT,
    AdminStub,
    Asked,
    Reply,
    failure,
    inner,
    packed,
    page,
)

EVERYTHING = {"ResultSize": "Unlimited"}


def names(objects: list[PsObject]) -> list[object]:
    return [found["Name"] for found in objects]


def read_until(source: ExchangeOnline, kind: type[SourceError]) -> tuple[list[object], str]:
    """Names of what came of Get-Recipient before it ended in an error of this kind; its words."""
    came: list[object] = []
    with pytest.raises(kind) as error:
        came.extend(found["Name"] for found in source.stream("Get-Recipient", EVERYTHING))
    return came, str(error.value)


def test_an_application_asks_as_the_powershell_module_does() -> None:
    credential = Credential()
    with AdminStub([page({"Name": "a"})]) as stub, client(stub.url, credential) as source:
        assert names(list(source.stream("Get-CASMailbox", EVERYTHING))) == ["a"]
    (asked,) = stub.asked
    assert (asked.method, asked.path) == ("POST", INVOKE)
    assert asked.json == {
        "CmdletInput": {
            "CmdletName": "Get-CASMailbox",
            "Parameters": {"ResultSize": "Unlimited"},
        }
    }
    request_id = asked.headers["client-request-id"]
    expected = {
        "authorization": f"Bearer {TOKEN}",
        "x-anchormailbox": (f"APP:SystemMailbox{{bb558c35-97f1-4cb9-8ff7-d53741dc928c}}@{TENANT}"),
        "x-cmdletname": "Get-CASMailbox",
        "x-responseformat": "json",
        "x-serializationlevel": "Partial",
        "prefer": "odata.maxpagesize=1000",
        "accept": "application/json",
        "accept-encoding": "gzip",
        "content-type": "application/json; charset=utf-8",
        "client-request-id": request_id,
    }
    assert {name: asked.headers[name] for name in expected} == expected
    assert len(request_id) == 36
    assert credential.wanted == [((f"{stub.url}/.default",), {})]


def test_a_person_is_routed_by_the_name_that_signed_in() -> None:
    with AdminStub([page()]) as stub, client(stub.url, anchor="ann@contoso.com") as source:
        list(source.stream("Get-OrganizationConfig"))
    assert stub.asked[0].headers["x-anchormailbox"] == "UPN:ann@contoso.com"


def test_each_request_asks_the_credential_for_its_token() -> None:
    credential = Credential(["first", "second"])
    replies = [page({"Name": "a"}, link="InvokeCommand?$skiptoken=2"), page({"Name": "b"})]
    with AdminStub(replies) as stub, client(stub.url, credential) as source:
        list(source.stream("Get-Recipient", EVERYTHING))
    tokens = [asked.headers["authorization"] for asked in stub.asked]
    assert tokens == ["Bearer first", "Bearer second"]


def test_notes_beside_the_values_are_dropped_and_values_are_what_clixml_has() -> None:
    row = {
        "@odata.type": "#Exchange.GenericHashTable",
        "Guid@data.type": "System.Guid",
        "Guid": "C07D2FBC-48f5-4a90-b7d7-5ec79d2844b4",
        "ActiveSyncEnabled@data.type": "System.Boolean",
        "ActiveSyncEnabled": True,
        "ActiveSyncSuppressReadReceipt": "False",
        "IsValid": None,
        "ActiveSyncAllowedDeviceIDs@odata.type": "#Collection(String)",
        "ActiveSyncAllowedDeviceIDs": ["D1", "D2"],
        "WhenChangedUTC@data.type": "System.DateTime",
        "WhenChangedUTC": "/Date(1785587696123)/",
        "WhenCreatedUTC": "2026-08-01T12:34:56.1234567Z",
        "Limit": "50 GB (53,687,091,200 bytes)",
        "Count": 12,
        "Ratio": 0.5,
        "Inner": {"@odata.type": "#X", "Deep": ["a", {"Deeper": 1}]},
    }
    with AdminStub([page({"Name": "a"}, row)]) as stub, client(stub.url) as source:
        _, found = source.stream("Get-CASMailbox")
    assert list(found) == [name for name in row if "@" not in name]
    assert found.place == "object 2 of Get-CASMailbox"
    assert reading.guid(found, "Guid") == "c07d2fbc-48f5-4a90-b7d7-5ec79d2844b4"
    assert reading.flag(found, "ActiveSyncEnabled") is True
    assert reading.flag(found, "ActiveSyncSuppressReadReceipt") is False
    assert reading.flag(found, "IsValid") is None
    assert reading.texts(found, "ActiveSyncAllowedDeviceIDs") == ["D1", "D2"]
    changed = reading.moment(found, "WhenChangedUTC")
    assert changed.isoformat() == "2026-08-01T12:34:56.123000+00:00"
    created = reading.moment(found, "WhenCreatedUTC")
    assert created.isoformat() == "2026-08-01T12:34:56.123456+00:00"
    assert reading.size(found, "Limit") == 53_687_091_200
    assert (found["Count"], found["Ratio"]) == (12, 0.5)
    nested = found["Inner"]
    assert isinstance(nested, PsObject)
    assert list(nested) == ["Deep"]
    deep = nested["Deep"]
    assert isinstance(deep, list)
    assert isinstance(deep[1], PsObject)
    assert (deep[0], dict(deep[1])) == ("a", {"Deeper": 1})


@pytest.mark.parametrize(
    ("value", "note", "read"),
    [
        ("/Date(0)/", None, "1970-01-01T00:00:00+00:00"),
        ("/Date(-62135596800000)/", "System.DateTime", "0001-01-01T00:00:00+00:00"),
        ("/Date(1000+0200)/", "System.Nullable`1[[System.DateTime]]", "1970-01-01T00:00:01+00:00"),
        ("/Date(0)/", "System.String", "/Date(0)/"),
        ("/Date(999999999999999)/", "System.DateTime", "/Date(999999999999999)/"),
        ("/Date(soon)/", None, "/Date(soon)/"),
    ],
)
def test_milliseconds_become_a_time_where_no_note_says_otherwise(
    value: str, note: str | None, read: str
) -> None:
    row = {"When": value, **({"When@data.type": note} if note else {})}
    with AdminStub([page(row)]) as stub, client(stub.url) as source:
        (found,) = source.stream("Get-MobileDevice")
    assert found["When"] == read


def test_pages_are_fetched_by_the_same_post_again_and_an_empty_one_is_not_the_end() -> None:
    replies = [
        page({"Name": "a"}, {"Name": "b"}, link="InvokeCommand?$skiptoken=2"),
        page(link=f"{INVOKE}?$skiptoken=3"),
        page({"Name": "c"}),
    ]
    with AdminStub(replies) as stub, client(stub.url) as source:
        assert names(list(source.stream("Get-Recipient", EVERYTHING))) == ["a", "b", "c"]
    assert [asked.path for asked in stub.asked] == [
        INVOKE,
        f"{INVOKE}?$skiptoken=2",
        f"{INVOKE}?$skiptoken=3",
    ]
    assert {(asked.method, asked.body) for asked in stub.asked} == {("POST", stub.asked[0].body)}
    assert len({asked.headers["x-anchormailbox"] for asked in stub.asked}) == 1
    assert replies == []


def test_a_page_is_asked_for_only_when_its_first_object_is() -> None:
    replies = [page({"Name": "a"}, link="InvokeCommand?$skiptoken=2"), page({"Name": "b"})]
    with AdminStub(replies) as stub, client(stub.url) as source:
        stream = source.stream("Get-Recipient", EVERYTHING)
        assert stub.asked == []
        next(stream)
        assert len(stub.asked) == 1
        next(stream)
        assert len(stub.asked) == 2


def test_a_whole_page_without_a_link_is_everything_where_everything_was_asked_for() -> None:
    rows = [{"Name": str(number)} for number in range(1000)]
    with AdminStub([page(*rows)]) as stub, client(stub.url) as source:
        assert names(list(source.stream("Get-Recipient", EVERYTHING))) == [
            row["Name"] for row in rows
        ]


def test_exactly_as_many_as_a_cmdlet_gives_unasked_need_not_be_everything() -> None:
    rows = [{"Name": str(number)} for number in range(1000)]
    with AdminStub([page(*rows)]) as stub, client(stub.url) as source:
        stream = source.stream("Get-AcceptedDomain")
        assert names([next(stream) for _ in rows]) == [row["Name"] for row in rows]
        with pytest.raises(AnswerCutShort, match=r"gave exactly 1000 objects, where Exchange stop"):
            next(stream)


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/adminapi/beta/x/InvokeCommand?$skiptoken=2",
        "//evil.example/InvokeCommand",
        "http://127.0.0.1:1/InvokeCommand",
        "https://127.0.0.1/InvokeCommand",
        "{url}@evil.example/InvokeCommand",
        "{url}.evil.example/InvokeCommand",
        "{url}\\@evil.example/InvokeCommand",
        "http://user:password@127.0.0.1/InvokeCommand",
        "/adminapi/beta/x/$batch?InvokeCommand",
        "ftp://127.0.0.1/InvokeCommand",
        "http://[::1/InvokeCommand",
        "InvokeCommand?\r\nX-Other: 1",
        "InvokeCommand?" + "x" * 10_000,
        "\u0130nvokeCommand",
    ],
)
def test_a_link_to_elsewhere_is_not_followed_and_what_came_is_partial(link: str) -> None:
    replies: list[Reply] = []
    with AdminStub(replies) as stub, client(stub.url) as source:
        replies.append(page({"Name": "a"}, link=link.replace("{url}", stub.url)))
        came, said = read_until(source, AnswerCutShort)
        host = source.host
    assert came == ["a"]
    assert said == (
        f"Get-Recipient on {host} gave 1 objects, but what follows is elsewhere, where the token "
        "must not go; check the cloud, or export the cmdlet in an Exchange Online PowerShell "
        "window and import the file."
    )
    assert len(stub.asked) == 1


def test_a_link_that_comes_again_ends_the_answer_as_partial() -> None:
    replies = [
        page({"Name": "a"}, link="InvokeCommand?$skiptoken=2"),
        page({"Name": "b"}, link="InvokeCommand?$skiptoken=2"),
    ]
    with AdminStub(replies) as stub, client(stub.url) as source:
        came, said = read_until(source, AnswerCutShort)
    assert came == ["a", "b"]
    assert "what follows is a page that was already read" in said
    assert len(stub.asked) == 2


def test_empty_pages_without_end_end_as_partial() -> None:
    def answer(asked: Asked) -> Reply:
        return page(link=f"{asked.path}x" if "?" in asked.path else f"{INVOKE}?x")

    with AdminStub(answer) as stub, client(stub.url) as source:
        came, said = read_until(source, AnswerCutShort)
    assert came == []
    assert "what follows is one empty page after the other" in said
    assert len(stub.asked) == MAX_EMPTY_PAGES + 1


def test_pages_without_end_end_as_partial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange_online, "MAX_PAGES", 3)

    def answer(asked: Asked) -> Reply:
        link = f"{asked.path}x" if "?" in asked.path else f"{INVOKE}?x"
        return page({"Name": "a"}, link=link)

    with AdminStub(answer) as stub, client(stub.url) as source:
        came, said = read_until(source, AnswerCutShort)
    assert len(came) == 3
    assert "what follows is more than 3 pages" in said
    assert len(stub.asked) == 3


def test_a_page_link_that_has_expired_leaves_what_came_and_names_the_reason() -> None:
    text = "Expired or Invalid pagination request. Default Expiry time is 00:30:00"
    quoted = text.replace(". ", "; ")
    replies = [
        page({"Name": "a"}, link="InvokeCommand?$skiptoken=2"),
        failure(400, "Invalid Operation", **inner(text)),
    ]
    with AdminStub(replies) as stub, client(stub.url) as source:
        came, said = read_until(source, AnswerCutShort)
        host = source.host
    assert came == ["a"]
    assert said == (
        f"Get-Recipient on {host} gave 1 objects, but what follows was not to be had by the link "
        f"that Exchange Online gave for it ({quoted}); collect it again, or export the cmdlet in "
        "an Exchange Online PowerShell window and import the file."
    )


@pytest.mark.parametrize(
    "second",
    [
        failure(403, "Forbidden"),
        failure(401, "Unauthorized"),
        Reply(403, b"\0" * 100, {"Content-Encoding": "gzip"}),
        Reply(200, b"not json"),
        Reply(200, b'{"value": 5}'),
        Reply(302, b"", {"Location": "https://evil.example/"}),
        failure(400, "Invalid Operation", **inner("The term 'x' is not recognized as a name of a")),
    ],
)
def test_whatever_is_wrong_with_a_later_page_the_answer_is_partial(second: Reply) -> None:
    replies = [page({"Name": "a"}, link="InvokeCommand?$skiptoken=2"), second]
    with AdminStub(replies) as stub, client(stub.url) as source:
        came, said = read_until(source, AnswerCutShort)
    assert came == ["a"]
    assert " gave 1 objects, but what follows " in said


def test_an_error_beside_the_rows_of_a_page_makes_the_answer_partial() -> None:
    body = b'{"value": [{"Name": "a"}], "error": {"message": "Invalid Operation"}}'
    with AdminStub([packed(body)]) as stub, client(stub.url) as source:
        came, said = read_until(source, AnswerCutShort)
    assert came == ["a"]
    assert "what follows failed in Exchange Online (Invalid Operation)" in said


def test_what_the_service_said_is_kept_beside_the_answer_and_forgotten_with_the_next() -> None:
    replies = [
        page({"Name": "a"}, link="InvokeCommand?2", warnings=("The object\n is old.",)),
        page({"Name": "b"}, warnings=("The object\n is old.", "Another \x1b[2J word.", "")),
        page(),
    ]
    with AdminStub(replies) as stub, client(stub.url) as source:
        list(source.stream("Get-Recipient", EVERYTHING))
        assert source.warnings == ["The object is old", "Another [2J word"]
        list(source.stream("Get-OrganizationConfig"))
        assert source.warnings == []


def test_a_warning_that_there_is_more_makes_the_answer_partial() -> None:
    many = tuple(f"warning {number}" for number in range(2 * MAX_WARNINGS))
    words = "Es gibt weitere Ergebnisse, siehe Parameter ResultSize"
    replies = [page({"Name": "a"}, warnings=(*many, words))]
    with AdminStub(replies) as stub, client(stub.url) as source:
        came, said = read_until(source, AnswerCutShort)
        assert source.warnings == [*many[:MAX_WARNINGS], words]
    assert came == ["a"]
    assert f"gave 1 objects and a warning ({words}), so there may be more" in said


def test_a_client_that_was_closed_opens_its_connection_again() -> None:
    with AdminStub([page({"Name": "a"}), page({"Name": "b"})]) as stub:
        source = client(stub.url)
        assert names(list(source.stream("Get-Recipient", EVERYTHING))) == ["a"]
        source.close()
        assert names(list(source.stream("Get-Recipient", EVERYTHING))) == ["b"]
        source.close()


# --- the preflight

MODULE = "".join(f"function {name} {{ }}\r\n" for name in sorted(READ_CMDLETS))


@pytest.mark.parametrize(
    "body",
    [
        b'{"value": ["Get-Recipient", "get-casmailbox", "Set-Mailbox", "Get-Other"]}',
        b'{"value":[{"Name":"x.psm1","Text":"\\u0027Get-Recipient\\u0027\\nget-CASMailbox\\n"}]}',
        b"FunctionsToExport = @('Get-Recipient','Get-CASMailbox')",
        "Get-Recipient\r\nGet-CASMailbox".encode("utf-16"),
    ],
)
def test_the_preflight_finds_the_cmdlets_in_whatever_form_they_are_listed(body: bytes) -> None:
    with AdminStub([packed(body)]) as stub, client(stub.url) as source:
        assert source.readable_cmdlets() == frozenset({"Get-Recipient", "Get-CASMailbox"})
        assert source.preflight == ""
    (asked,) = stub.asked
    path = f"/adminapi/v1.0/{TENANT}/EXOModuleFile?Version=3.9.2"
    assert (asked.method, asked.path, asked.headers["commandname"]) == ("GET", path, "*")
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_the_preflight_looks_into_module_files_in_base64(encoding: str) -> None:
    text = base64.b64encode(MODULE.encode(encoding))
    with AdminStub([packed(b'{"files": ["' + text + b'"]}')]) as stub, client(stub.url) as source:
        assert source.readable_cmdlets() == READ_CMDLETS


def test_a_cmdlet_is_not_taken_for_another_whose_name_begins_like_it() -> None:
    replies = [packed(b"Get-CASMailboxPlan Get-RecipientX")]
    with AdminStub(replies) as stub, client(stub.url) as source:
        assert source.readable_cmdlets() == frozenset({"Get-CASMailboxPlan"})


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(200, b"<html>get-started</html>"), "names none that this program runs"),
        (Reply(200, b""), "names none that this program runs"),
        (Reply(404, b"<html>"), "is not there (HTTP status 404)"),
        (Reply(403, b"\0\0"), "is refused without a reason (HTTP status 403)"),
        (failure(401, "no"), "is not allowed to this sign-in (HTTP status 401, no)"),
        (Reply(302, b"", {"Location": "https://evil.example/"}), "which is not followed because"),
    ],
)
def test_nothing_is_concluded_from_a_preflight_that_lists_nothing(reply: Reply, said: str) -> None:
    with AdminStub([reply]) as stub, client(stub.url) as source:
        assert source.readable_cmdlets() is None
        assert source.preflight.startswith(f"The list of cmdlets on {source.host} ")
        assert said in source.preflight
    assert len(stub.asked) == 1


def test_the_preflight_is_followed_to_another_address_of_the_same_host() -> None:
    replies = [Reply(307, b"", {"Location": "/other"}), packed(b"Get-Recipient")]
    with AdminStub(replies) as stub, client(stub.url) as source:
        assert source.readable_cmdlets() == frozenset({"Get-Recipient"})
    assert [(asked.method, asked.path) for asked in stub.asked][1] == ("GET", "/other")


# --- what is given to it


@pytest.mark.parametrize(
    "url",
    [
        "http://outlook.office365.com",
        "http://127.0.0.1.evil.example",
        "outlook.office365.com",
        "https://user@outlook.office365.com",
        "https://outlook.office365.com/path",
        "https://outlook.office365.com:port",
        "",
    ],
)
def test_an_address_that_would_show_the_token_is_refused(url: str) -> None:
    with pytest.raises(InputRefused):
        client(url)


@pytest.mark.parametrize("anchor", ["", "ann\r\nX-Other: 1", "\u00e4nn@contoso.com", "a" * 400])
def test_an_anchor_that_is_no_name_is_refused(anchor: str) -> None:
    with pytest.raises(InputRefused, match="is no user principal name"):
        client("https://outlook.office365.com", anchor=anchor)


def test_a_client_shows_host_and_tenant_and_no_token() -> None:
    source = client("https://outlook.office365.us")
    assert repr(source) == f"ExchangeOnline('outlook.office365.us', tenant '{TENANT}')"
    assert source.host == "outlook.office365.us"


def test_nothing_is_loaded_for_http_until_something_is_asked() -> None:
    code = (
        "import sys, auditor.sources.exchange_online;"
        "print(sorted({'httpx', 'httpcore', 'azure', 'msgraph'} & sys.modules.keys()))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_one_refusal_does_not_spoil_the_next_cmdlet() -> None:
    gone = failure(404, "Invalid Operation", **inner("x", "CommandNotFoundException"))
    with AdminStub([gone, page({"Name": "a"})]) as stub, client(stub.url) as source:
        with pytest.raises(CommandUnsupported):
            list(source.stream("Get-MailboxPlan"))
        assert names(list(source.stream("Get-CASMailboxPlan"))) == ["a"]
