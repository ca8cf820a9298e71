"""A tenant's Graph as collectors ask it: items of pages, and what several of them want, once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Generic, TypeVar

from auditor.errors import CommandUnsupported, SourceError
from auditor.sources.graph import Graph, GraphPage

T = TypeVar("T")

SAMPLED = "5"
"""Objects asked for by a look that only wants to know whether there is an answer."""


@dataclass(frozen=True)
class Heard(Generic[T]):
    """What came of a collection, and why no more; `stopped` is None when it came to its end."""

    objects: tuple[T, ...]
    stopped: SourceError | None


class GraphTenant:
    """An open Graph. With `sample` every collection ends with its first page that holds anything.

    `cloud` is the word of the national cloud that was asked.
    """

    def __init__(
        self, graph: Graph, cloud: str, *, now: Callable[[], datetime], sample: bool = False
    ) -> None:
        self.graph = graph
        self.cloud = cloud
        self.now = now
        self.sample = sample
        self._heard: dict[object, Heard[Any]] = {}

    def items(
        self, path: str, page: type[GraphPage[T]], parameters: Mapping[str, str]
    ) -> Iterator[T]:
        """The objects of a collection; raises SourceError, also after some of them."""
        if self.sample and "$top" in parameters:
            parameters = {**parameters, "$top": SAMPLED}
        for found in self.graph.pages(path, page, parameters):
            yield from found.value
            if self.sample and found.value:
                return

    def items_of_first(
        self, paths: Iterable[str], page: type[GraphPage[T]], parameters: Mapping[str, str]
    ) -> Iterator[T]:
        """The objects at the first of these paths that this cloud knows; raises as `items`."""
        *earlier, last = paths
        for path in earlier:
            found = self.items(path, page, parameters)
            try:
                first = next(found, None)
            except CommandUnsupported:
                continue
            if first is not None:
                yield first
                yield from found
            return
        yield from self.items(last, page, parameters)

    def once(self, read: Callable[[GraphTenant], Iterator[T]]) -> Heard[T]:
        """All that `read` gives, asked at the first call alone; for what is few in every tenant."""
        if read not in self._heard:
            objects: list[T] = []
            stopped: SourceError | None = None
            try:
                objects.extend(read(self))  # keeps those that came before an error
            except SourceError as error:
                stopped = error
            self._heard[read] = Heard(tuple(objects), stopped)
        return self._heard[read]

    def some(self, objects: Iterable[T]) -> Iterator[T]:
        """All of these objects, or the first alone where a sample is enough."""
        return islice(objects, 1 if self.sample else None)
