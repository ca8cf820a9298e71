"""Collectors of domains, and of where users of federated ones are sent to sign in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from auditor.collectors.graph_contract import (
    GLOBAL_READER,
    GraphCollector,
    GraphRequest,
    Outcome,
    Unread,
)
from auditor.collectors.graph_reading import text
from auditor.collectors.graph_tenant import GraphTenant
from auditor.errors import CommandUnsupported, SourceError
from auditor.evidence.entra_tenant import EntraDomain, EntraDomainFederation, EntraDomainService
from auditor.sources.graph import GraphObject, GraphPage, Many, path_of


class GraphDomain(GraphObject):
    """One domain; its id is its name. One that is no root shares the federation of its root."""

    id: str
    authentication_type: str | None = None
    is_verified: bool | None = None
    is_default: bool | None = None
    is_initial: bool | None = None
    is_root: bool | None = None
    supported_services: Many[str] | None = None


class GraphFederation(GraphObject):
    """The federationConfiguration of a domain."""

    id: str
    issuer_uri: str | None = None
    active_sign_in_uri: str | None = None
    passive_sign_in_uri: str | None = None
    metadata_exchange_uri: str | None = None
    preferred_authentication_protocol: str | None = None
    federated_idp_mfa_behavior: str | None = None


@dataclass(frozen=True)
class FederatedDomain:
    """A federation and the domain it was asked for."""

    domain: str
    federation: GraphFederation


_DOMAINS = GraphRequest("/domains")
_FEDERATIONS = GraphRequest("/domains/{id}/federationConfiguration")


def _all_domains(tenant: GraphTenant) -> Iterator[GraphDomain]:
    return tenant.items(_DOMAINS.path, GraphPage[GraphDomain], _DOMAINS.parameters)


def _domains(tenant: GraphTenant) -> Iterator[GraphDomain | SourceError]:
    heard = tenant.once(_all_domains)
    yield from heard.objects
    if heard.stopped is not None:
        yield heard.stopped


def _domain(_: GraphTenant, found: GraphDomain) -> Iterator[Outcome]:
    domain = found.id.lower()
    yield EntraDomain(
        domain=domain,
        authentication_type=text(
            found.authentication_type, "authentication_type" in found.model_fields_set
        ),
        is_verified=found.is_verified,
        is_default=found.is_default,
        is_initial=found.is_initial,
    )
    if found.supported_services is None:
        yield Unread(EntraDomainService, "supportedServices")
    for service in found.supported_services or ():
        yield EntraDomainService(domain=domain, service=service)


def _federations(tenant: GraphTenant) -> Iterator[FederatedDomain | SourceError]:
    """What Graph gives for each domain that is federated, or may be."""
    heard = tenant.once(_all_domains)
    federated = (each for each in heard.objects if each.authentication_type != "Managed")
    for domain in tenant.some(federated):
        path = path_of("domains", domain.id, "federationConfiguration")
        try:
            for found in tenant.items(path, GraphPage[GraphFederation], {}):
                yield FederatedDomain(domain.id.lower(), found)
        except CommandUnsupported as none:
            if domain.is_root is not False:
                yield none
        except SourceError as error:
            yield error
    if heard.stopped is not None:
        yield heard.stopped


def _federation(_: GraphTenant, found: FederatedDomain) -> Iterator[Outcome]:
    federation, said = found.federation, found.federation.model_fields_set
    yield EntraDomainFederation(
        domain=found.domain,
        id=federation.id,
        issuer_uri=text(federation.issuer_uri, "issuer_uri" in said),
        active_sign_in_uri=text(federation.active_sign_in_uri, "active_sign_in_uri" in said),
        passive_sign_in_uri=text(federation.passive_sign_in_uri, "passive_sign_in_uri" in said),
        metadata_exchange_uri=text(
            federation.metadata_exchange_uri, "metadata_exchange_uri" in said
        ),
        preferred_authentication_protocol=text(
            federation.preferred_authentication_protocol,
            "preferred_authentication_protocol" in said,
        ),
        federated_idp_mfa_behavior=text(
            federation.federated_idp_mfa_behavior, "federated_idp_mfa_behavior" in said
        ),
    )


DOMAINS = GraphCollector(
    name="domains",
    requests=(_DOMAINS,),
    tables=(EntraDomain, EntraDomainService),
    permissions=("Domain.Read.All",),
    directory_role=GLOBAL_READER,
    lost="which addresses the tenant accepts, and whether their owners sign in elsewhere",
    read=_domains,
    rows=_domain,
    place=lambda found: f"domain {found.id}",
    at_least_one=True,
)
FEDERATIONS = GraphCollector(
    name="federations of domains",
    requests=(_FEDERATIONS, _DOMAINS),
    tables=(EntraDomainFederation,),
    permissions=("Domain-InternalFederation.Read.All", "Domain.Read.All"),
    directory_role=GLOBAL_READER,
    lost="where users of federated domains are sent to sign in, and who asks them for MFA",
    read=_federations,
    rows=_federation,
    place=lambda found: f"federation of {found.domain}",
)
