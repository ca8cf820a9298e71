"""The plan of the customer: read whole, or refused with the file and the line."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import io
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.collectors import plan as plan_module
from auditor.collectors.plan import NO_PLAN, Plan, read_plan, record_plan
from auditor.errors import InputRefused
from auditor.evidence.bundle import BundleWriter, Header, open_bundle
from auditor.evidence.plan import PlanMove
from auditor.evidence.tables import COLLECTED

NOW = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)
HEADER = Header(
    format_version=1, kind="evidence", tool_version="0", title="t", created_at=None, details={}
)
ROUTING = "contoso.mail.onmicrosoft.com"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A file of these bytes, or of this text as UTF-8."""

    def written(content: bytes | str, name: str = "plan.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written


def rows(*paths: Path) -> list[tuple[str, str, str | None]]:
    """Address, wave and domain of each mailbox of a plan."""
    return [
        (move.mailbox, move.wave, move.target_delivery_domain) for move in read_plan(paths).moves()
    ]


def refused(*paths: Path) -> str:
    """The one sentence of a refusal."""
    with pytest.raises(InputRefused) as refusal:
        read_plan(paths)
    assert len(str(refusal.value).splitlines()) == 1
    return str(refusal.value)


def read_or_refused(path: Path) -> Plan | str:
    """The plan, or the sentence that says why there is none."""
    try:
        return read_plan([path])
    except InputRefused as refusal:
        return str(refusal)


def clixml(*objects: str) -> str:
    return (
        '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
        f"{''.join(objects)}</Objs>"
    )


def an_object(number: int, kind: str, **properties: str) -> str:
    type_name = f"Deserialized.Microsoft.Exchange.Data.Storage.Management.{kind}"
    written = "".join(f'<S N="{name}">{escape(text)}</S>' for name, text in properties.items())
    return (
        f'<Obj RefId="{number}"><TN RefId="{number}"><T>{type_name}</T><T>System.Object</T></TN>'
        f"<Props>{written}</Props></Obj>"
    )


def a_user(number: int, address: str, batch: str) -> str:
    return an_object(number, "MigrationUser", Identity=address, BatchId=batch)


def test_the_csv_of_a_migration_batch_is_a_plan(write: Write) -> None:
    (move,) = read_plan([write("EmailAddress\nAnn@Contoso.com\n")]).moves()
    assert move == PlanMove(
        mailbox="Ann@Contoso.com",
        mailbox_key="ann@contoso.com",
        wave="",
        target_delivery_domain=None,
        source="plan.csv, line 2",
    )


@pytest.mark.parametrize(
    "content",
    [
        "EmailAddress,wave,TargetDeliveryDomain\nann@contoso.com,1,contoso.mail.onmicrosoft.com\n",
        "mailbox;Wave;targetdeliverydomain\r\nann@contoso.com;1;Contoso.mail.OnMicrosoft.com\r\n",
        'PRIMARYSMTPADDRESS,"WAVE",TargetDeliveryDomain\n"ann@contoso.com", 1 ,'
        "contoso.mail.onmicrosoft.com",
        "Name,wave,PrimarySmtpAddress,TargetDeliveryDomain\n"
        "Ann,1,ann@contoso.com,contoso.mail.onmicrosoft.com\n",
        '#TYPE Selected.X\r\n"EmailAddress","BatchId","TargetDeliveryDomain"\r\n'
        '"ann@contoso.com","1","contoso.mail.onmicrosoft.com"\r\n',
        "sep=;\r\nEmailAddress;wave;TargetDeliveryDomain\r\n"
        "ann@contoso.com;1;contoso.mail.onmicrosoft.com\r\n;;\r\n\r\n",
    ],
    ids=["plain", "semicolons", "quoted", "further columns", "Export-Csv", "spreadsheet"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_way_of_writing_a_plan_reads_the_same(
    write: Write, content: str, encoding: str
) -> None:
    assert rows(write(content.encode(encoding))) == [("ann@contoso.com", "1", ROUTING)]


def test_utf_16_may_have_its_bytes_in_either_order(write: Write) -> None:
    content = codecs.BOM_UTF16_BE + "EmailAddress,wave\nann@contoso.com,Zürich\n".encode(
        "utf-16-be"
    )
    assert rows(write(content)) == [("ann@contoso.com", "Zürich", None)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("EmailAdress,wave\na@b.c,1\n", "line 1: 'EmailAdress' is no column of a plan; closest is"),
        ("EmailAddress,wav\na@b.c,1\n", "closest is 'wave'"),
        ("EmailAddress,Target Delivery Domain\na@b.c,x.y\n", "closest is 'TargetDeliveryDomain'"),
        ("#TYPE X\nName,Mail box\nAnn,a@b.c\n", "plan.csv, line 2: 'Mail box' is no column"),
        ("Name,Wave\nAnn,1\n", "line 1: has no column of addresses (found: Name, Wave)"),
        ("EmailAddress,mailbox\na@b.c,a@b.c\n", "EmailAddress and mailbox say the same thing"),
        ("EmailAddress,EMAILADDRESS\na@b.c,a@b.c\n", "say the same thing; keep one column"),
        ("EmailAddress,wave\na@b.c,1\n,2\n", "line 3: names no mailbox"),
        ("EmailAddress,wave\na@b.c,1\nann,2\n", "line 3: 'ann' is no address"),
        ("EmailAddress\nSMTP:ann@contoso.com\n", "line 2: 'SMTP:ann@contoso.com' is no address"),
        ("EmailAddress\na@b.c;c@d.e\n", "line 2: 'a@b.c;c@d.e' is no address"),
        (f"EmailAddress\n{'a' * 320}@b.c\n", "is no address"),
        ("EmailAddress\nann\u202e@b.c\n", "is no address"),
        ("EmailAddress,wave\na@b.c,1\nb@b.c\n", "line 3: has 1 cells where the header has 2"),
        ("EmailAddress,wave\na@b.c,1,2\n", "line 2: has 3 cells where the header has 2"),
        ("EmailAddress,TargetDeliveryDomain\na@b.c,contoso\n", "line 2: 'contoso' is no domain"),
        ("EmailAddress,TargetDeliveryDomain\na@b.c,@b.c\n", "line 2: '@b.c' is no domain"),
        (f"EmailAddress,wave\na@b.c,{'x' * 101}\n", "is no name for a wave"),
        ('EmailAddress,wave\na@b.c,"two\nlines"\n', "line 3: 'two\\nlines' is no name for a wave"),
        ('EmailAddress,wave\na@b.c,"1\nb@b.c,2\n', "is no CSV (unexpected end of data)"),
        ('EmailAddress,wave\na@b.c,"1"2\n', "line 2: is no CSV"),
        (f"EmailAddress\n{'x' * 200_000}\n", "line 2: is no CSV"),
        ("EmailAddress\na@b.c\nA@B.c\nEmailAddress\n", "line 4: 'EmailAddress' is no address"),
        (b"EmailAddress,wave\na@b.c,Z\xfcrich\n", "line 2: is neither UTF-8 nor UTF-16 text"),
        ("EmailAddress\na@b.c\n".encode("utf-16-le"), "holds zero bytes"),
        (b"\xff\xfeE", "is neither UTF-8 nor UTF-16 text"),
        (b"PK\x03\x04\0\0", "holds zero bytes"),
        ("EmailAddress,wave\n", "plan.csv: names no mailbox"),
        ("", "has no column of addresses (found: nothing)"),
    ],
)  # fmt: skip
def test_a_plan_that_is_half_understood_is_refused_with_file_and_line(
    write: Write, content: bytes | str, words: str
) -> None:
    sentence = refused(write(content))
    assert words in sentence
    assert sentence.startswith("plan.csv")


def test_an_address_planned_for_two_waves_is_refused_with_both_lines(write: Write) -> None:
    path = write("EmailAddress,wave\nann@contoso.com,1\nb@b.c,1\nANN@contoso.com,2\n")
    assert refused(path) == (
        "plan.csv, line 4: plans ANN@contoso.com for wave '2', but plan.csv, line 2 for '1';"
        " keep one of the two lines."
    )


def test_an_address_planned_for_two_domains_is_refused(write: Write) -> None:
    first = write("EmailAddress,TargetDeliveryDomain\nann@contoso.com,a.b\n", "one.csv")
    second = write("EmailAddress,TargetDeliveryDomain\nann@contoso.com,c.d\n", "two.csv")
    assert "two.csv, line 2: plans ann@contoso.com for domain 'c.d', but one.csv" in refused(
        first, second
    )


def test_an_address_that_comes_twice_in_one_wave_counts_once(write: Write) -> None:
    path = write("EmailAddress,wave\nann@contoso.com,1\nAnn@contoso.com,1\n")
    assert rows(path) == [("ann@contoso.com", "1", None)]
    assert read_plan([path]).repeated == 1
    assert read_plan([path, path]).repeated == 1


def test_several_files_make_one_plan(write: Write) -> None:
    first = write("EmailAddress,wave\nbo@contoso.com,2\n", "two.csv")
    second = write("EmailAddress,wave\nann@contoso.com,1\n", "one.csv")
    assert rows(first, second) == [("ann@contoso.com", "1", None), ("bo@contoso.com", "2", None)]
    assert [source.name for source in read_plan([first, second]).sources] == ["two.csv", "one.csv"]


def test_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    paths = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "plan.csv")
        paths[-1].write_text(f"EmailAddress\n{folder}@contoso.com\n", encoding="utf-8")
    assert [move.source for move in read_plan(paths).moves()] == [
        f"{path}, line 2" for path in paths
    ]


def test_users_of_migration_batches_take_wave_and_domain_from_their_batch(write: Write) -> None:
    users = write(
        clixml(
            a_user(0, "ann@contoso.com", "Wave 1"),
            an_object(
                1,
                "MigrationUser",
                Identity="0f1e",
                EmailAddress="bo@contoso.com",
                BatchId="Wave 2",
            ),
        ),
        "users.xml",
    )
    batches = write(
        clixml(
            an_object(0, "MigrationBatch", Identity="wave 1", TargetDeliveryDomain=ROUTING),
            an_object(1, "MigrationBatch", Identity="Wave 2", TargetDeliveryDomain=""),
        ),
        "batches.xml",
    )
    expected = [("ann@contoso.com", "Wave 1", ROUTING), ("bo@contoso.com", "Wave 2", None)]
    assert rows(users, batches) == rows(batches, users) == expected
    assert [
        (source.name, source.recognised_as, source.objects)
        for source in read_plan([users, batches]).sources
    ] == [
        ("users.xml", "plan (Get-MigrationUser)", 2),
        ("batches.xml", "plan (Get-MigrationBatch)", 2),
    ]


def test_a_batch_that_contradicts_the_csv_of_its_wave_is_refused(write: Write) -> None:
    batches = write(
        clixml(an_object(0, "MigrationBatch", Identity="1", TargetDeliveryDomain="a.b")), "b.xml"
    )
    moves = write(f"EmailAddress,wave,TargetDeliveryDomain\nann@contoso.com,1,{ROUTING}\n")
    assert f"plans ann@contoso.com for {ROUTING}, but its batch goes to a.b (b.xml" in refused(
        moves, batches
    )


def test_batches_without_users_are_no_plan(write: Write) -> None:
    batch = an_object(0, "MigrationBatch", Identity="1", TargetDeliveryDomain="a.b")
    path = write(clixml(batch), "b.xml")
    assert "b.xml: names no mailbox" in refused(path)
    assert "the export of Get-MigrationUser" in refused(path)


def test_a_batch_exported_twice_with_two_domains_is_refused(write: Write) -> None:
    batches = [
        an_object(n, "MigrationBatch", Identity="1", TargetDeliveryDomain=domain)
        for n, domain in enumerate(("a.b", "c.d"))
    ]
    assert "batch 1 goes to c.d, but b.xml, object 1 says a.b" in refused(
        write(clixml(*batches), "b.xml")
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (clixml(an_object(0, "Mailbox", Identity="x")), "object 1: is Mailbox, which says nothing"),
        (clixml("<S>ann@contoso.com</S>"), "object 1: is str, which says nothing"),
        (clixml(an_object(0, "MigrationUser", Identity="a@b.c")), "has no property BatchId"),
        (clixml(a_user(0, "ann", "1")), "object 1: 'ann' is no address"),
        (clixml(a_user(0, "a@b.c", "1"))[:-30], "A plan is read whole or not at all."),
        (clixml(), "names no mailbox"),
    ],
)
def test_an_export_that_is_no_whole_plan_is_refused(write: Write, content: str, words: str) -> None:
    assert words in refused(write(content, "users.xml"))


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    assert "nowhere.csv cannot be read" in refused(tmp_path / "nowhere.csv")
    assert f"{tmp_path.name} cannot be read" in refused(tmp_path)


def test_bounds_hold(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("EmailAddress,wave\n" + "".join(f"u{n}@b.c,{n}\n" for n in range(501)))
    assert "names 501 waves, more than 500" in refused(path)
    monkeypatch.setattr(plan_module, "MAX_MAILBOXES", 400)
    assert "plan.csv, line 402: the plan names more than 400 mailboxes" in refused(path)
    monkeypatch.setattr(plan_module, "MAX_BYTES", 100)
    assert "is larger than 100 bytes" in refused(path)


def recorded(folder: Path, *paths: Path) -> tuple[str, int, str, list[PlanMove], list[str]]:
    """State, rows and detail of the ledger line, the rows and the sources, out of a bundle."""
    with BundleWriter(folder, HEADER) as writer:
        record_plan(read_plan(paths) if paths else None, writer, lambda: NOW)
    with open_bundle(folder, "evidence", COLLECTED) as bundle:
        line = bundle.ledger[PlanMove.table]
        moves = list(bundle.lines(PlanMove))
        return line.state, line.rows, line.detail, moves, [file.name for file in bundle.sources]


def test_a_plan_is_carried_in_the_bundle(write: Write, tmp_path: Path) -> None:
    path = write("EmailAddress,wave\nann@contoso.com,1\nbo@contoso.com,2\nbo@contoso.com,2\n")
    assert recorded(tmp_path / "bundle", path) == (
        "complete",
        2,
        "2 mailboxes in 2 waves. 1 line said again what another one says.",
        list(read_plan([path]).moves()),
        ["plan.csv"],
    )


def test_without_a_plan_the_table_is_complete_and_empty(tmp_path: Path) -> None:
    assert recorded(tmp_path / "bundle") == ("complete", 0, NO_PLAN, [], [])


addresses = st.from_regex(r"[A-Za-z0-9.'+_-]{1,20}@[a-z0-9-]{1,10}\.[a-z]{2,5}", fullmatch=True)
waves = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=20
) | st.sampled_from(["Wave 1, pilot", 'the "first"', "a;b", "1"])
domains = st.none() | st.just(ROUTING)


@given(
    st.dictionaries(addresses.map(str.lower), st.tuples(waves, domains), min_size=1, max_size=10),
    st.sampled_from([",", ";"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.permutations(["EmailAddress", "wave", "TargetDeliveryDomain"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_spreadsheet_writes_comes_back(
    tmp_path: Path,
    plan: dict[str, tuple[str, str | None]],
    delimiter: str,
    encoding: str,
    header: list[str],
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(header)
    for address, (wave, domain) in plan.items():
        cells = {"EmailAddress": address, "wave": wave, "TargetDeliveryDomain": domain or ""}
        writer.writerow([cells[name] for name in header])
    path = tmp_path / "plan.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    expected = [(address, wave, domain) for address, (wave, domain) in sorted(plan.items())]
    assert rows(path) == expected


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_a_plan_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "plan.csv"
    path.write_bytes(b"EmailAddress,wave\n" + content)
    found = read_or_refused(path)
    if isinstance(found, str):
        assert found.startswith("plan.csv")
    else:
        assert list(found.lines) == [line.mailbox.lower() for line in found.lines.values()]
        assert found.lines
