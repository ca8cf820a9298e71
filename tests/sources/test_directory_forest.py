"""A forest of several domains, each with servers of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack

import pytest

from auditor.errors import SourceUnreachable, UnexpectedAnswer
from auditor.sources.directory_forest import Domain, Forest
from tests.support.certificates import Certificates, certificates
from tests.support.ldap_stub import BASE, ROOT, Answer, LdapStub, Question, done, entry

CONFIGURATION = f"CN=Configuration,{BASE}"
CHILD = f"DC=asia,{BASE}"
CHILD_DOMAIN = Domain(CHILD, "asia.contoso.com", "ASIA")
SITES = f"CN=Sites,{CONFIGURATION}"
SERVER = f"CN=DC7,CN=Servers,CN=SIN,{SITES}"
Objects = Mapping[str, Mapping[str, list[bytes]]]

PARTITIONS: Objects = {
    f"CN=CONTOSO,CN=Partitions,{CONFIGURATION}": {
        "nCName": [BASE.encode()],
        "dnsRoot": [b"contoso.com"],
        "nETBIOSName": [b"CONTOSO"],
        "systemFlags": [b"3"],
    },
    f"CN=ASIA,CN=Partitions,{CONFIGURATION}": {
        "nCName": [CHILD.encode()],
        "dnsRoot": [b"Asia.contoso.com"],
        "nETBIOSName": [b"ASIA"],
        "systemFlags": [b"3"],
    },
    f"CN=DNS,CN=Partitions,{CONFIGURATION}": {
        "nCName": [f"DC=ForestDnsZones,{BASE}".encode()],
        "systemFlags": [b"5"],
    },
}
CHILD_ROOT = {**ROOT, "defaultNamingContext": [CHILD.encode()]}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("tls"), "localhost", "127.0.0.1")


@pytest.fixture
def servers() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def holding(objects: Objects) -> Answer:
    """Answers with the objects at or right below the base."""

    def answer(question: Question) -> Iterable[bytes]:
        below = [
            entry(question, dn, values)
            for dn, values in objects.items()
            if dn == question.base or dn.partition(",")[2].endswith(question.base)
        ]
        return [*below, done(question, cookie=b"" if question.cookie is not None else None)]

    return answer


def root_server(stack: ExitStack, made: Certificates, objects: Objects) -> LdapStub:
    return stack.enter_context(LdapStub(holding(objects), made))


def child_server(stack: ExitStack, made: Certificates, root: Mapping[str, list[bytes]]) -> LdapStub:
    return stack.enter_context(LdapStub(holding({}), made, root=root))


def listing(port: int) -> Objects:
    """The forest with one domain controller of the child listed in its sites."""
    return {
        **PARTITIONS,
        SERVER: {"dNSHostName": [f"localhost:{port}".encode()]},
        f"CN=NTDS Settings,{SERVER}": {"hasMasterNCs": [CONFIGURATION.encode(), CHILD.encode()]},
    }


def test_domains_are_listed_with_the_servers_own_first(
    servers: ExitStack, made: Certificates
) -> None:
    root = root_server(servers, made, PARTITIONS)
    with Forest(root.settings()) as forest:
        assert list(forest.domains) == [Domain(BASE, "contoso.com", "CONTOSO"), CHILD_DOMAIN]
        assert forest.directory_of(forest.domains[0]) is forest.configuration


def test_a_list_without_the_servers_own_domain_is_refused(
    servers: ExitStack, made: Certificates
) -> None:
    root = root_server(servers, made, {})
    with (
        Forest(root.settings()) as forest,
        pytest.raises(UnexpectedAnswer, match="without its own"),
    ):
        _ = forest.domains


def test_a_server_of_another_domain_is_looked_up_and_kept(
    servers: ExitStack, made: Certificates
) -> None:
    child = child_server(servers, made, CHILD_ROOT)
    root = root_server(servers, made, listing(child.port))
    with Forest(root.settings()) as forest:
        opened = forest.directory_of(CHILD_DOMAIN)
        assert opened.root_dse.default_naming_context == CHILD
        assert forest.directory_of(CHILD_DOMAIN) is opened
    assert len(child.binds) == 1


def test_a_server_that_is_named_is_taken(servers: ExitStack, made: Certificates) -> None:
    child = child_server(servers, made, CHILD_ROOT)
    root = root_server(servers, made, listing(1))
    named = {"Asia.contoso.com": f"localhost:{child.port}"}
    with Forest(root.settings(domain_controllers=named)) as forest:
        assert forest.directory_of(CHILD_DOMAIN).server == f"localhost:{child.port}"


def test_a_server_of_the_wrong_domain_is_refused(servers: ExitStack, made: Certificates) -> None:
    other = child_server(servers, made, ROOT)
    root = root_server(servers, made, listing(other.port))
    with (
        Forest(root.settings()) as forest,
        pytest.raises(UnexpectedAnswer, match=f"serves {BASE}, not {CHILD}"),
    ):
        forest.directory_of(CHILD_DOMAIN)


def test_a_domain_without_a_known_server_says_where_to_name_one(
    servers: ExitStack, made: Certificates
) -> None:
    root = root_server(servers, made, PARTITIONS)
    with (
        Forest(root.settings()) as forest,
        pytest.raises(SourceUnreachable, match="under domain_controllers"),
    ):
        forest.directory_of(CHILD_DOMAIN)


def test_a_read_only_controller_is_refused(servers: ExitStack, made: Certificates) -> None:
    root = {**ROOT, "supportedCapabilities": [b"1.2.840.113556.1.4.1920"]}
    read_only = child_server(servers, made, root)
    with pytest.raises(UnexpectedAnswer, match="is a read-only domain controller"):
        Forest(read_only.settings())
