"""The contract and the proxy that checks by it, made once for all tests that ask."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract import prism, stub_graph
from tests.contract.graph_contract import graph_contract
from tests.contract.msgraph_schema import Schema
from tests.contract.prism import ContractProxy
from tests.contract.stub_graph import StubGraph

METADATA = "graph-v1.0-slice.xml"


@pytest.fixture(scope="session")
def metadata() -> Path:
    """The slice of Microsoft's metadata, which is Microsoft's and not in this repository."""
    beside = Path(__file__).parents[3] / "shared" / "prototypes" / "cloud" / "contract"
    found = Path(os.environ.get("AUDITOR_CONTRACT", beside)) / METADATA
    if not found.is_file():
        pytest.skip(f"no {found}: set AUDITOR_CONTRACT to its folder")
    return found


@pytest.fixture(scope="session")
def node_programs() -> dict[str, Path]:
    """The programs of package.json, by name."""
    folder = os.environ.get("AUDITOR_PRISM")
    if folder is None:
        pytest.skip("set AUDITOR_PRISM to where tests/contract/package.json is installed")
    programs = {name: prism.program(Path(folder), name) for name in ("prism", "odata-openapi3")}
    found = {name: path for name, path in programs.items() if path is not None}
    if found.keys() != programs.keys():
        pytest.skip(
            f"no {', '.join(programs.keys() - found.keys())} in {folder}: npm install there"
        )
    return found


@pytest.fixture(scope="session")
def contract(
    metadata: Path, node_programs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Schema:
    """What may be asked of Graph and answered, as OpenAPI."""
    folder = tmp_path_factory.mktemp("contract")
    return graph_contract(metadata, node_programs["odata-openapi3"], folder)


@pytest.fixture(scope="session")
def stub() -> Iterator[StubGraph]:
    """A stand-in for Graph that answers as told."""
    with stub_graph.running() as running:
        yield running


@pytest.fixture(scope="session")
def proxy(
    contract: Schema,
    node_programs: dict[str, Path],
    stub: StubGraph,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ContractProxy]:
    """Prism in front of the stand-in."""
    folder = tmp_path_factory.mktemp("prism")
    with prism.running(node_programs["prism"], contract, stub.url, folder) as running:
        yield running
