"""Objects that tell which of their properties a collector reads."""

from __future__ import annotations

from auditor.sources.clixml import PsObject, PsValue


class Watched(PsObject):
    """An object that remembers which of its properties were looked at."""

    def __init__(self, found: PsObject, seen: set[str]) -> None:
        super().__init__(dict(found), found.types, found.text, found.place)
        self._seen = seen

    def __getitem__(self, name: str) -> PsValue:
        self._seen.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self._seen.add(str(name))
        return super().__contains__(name)

    def optional(self, name: str) -> PsValue:
        self._seen.add(name)
        return super().optional(name)
