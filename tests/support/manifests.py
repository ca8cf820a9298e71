"""Manifests of the export scripts, as a test wants them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

OPENING = '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
EMPTY = f"{OPENING}</Objs>"


def a_list(name: str, values: list[str]) -> str:
    """A property that holds a list of texts."""
    items = "".join(f"<S>{escape(value)}</S>" for value in values)
    return f'<Obj N="{name}" RefId="0"><LST>{items}</LST></Obj>'


@dataclass
class Said:
    """What the manifest of a test says of one command."""

    cmdlet: str
    file: Path | None = None
    count: int = 0
    state: str = "ok"
    errors: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    parameters: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)

    def xml(self) -> str:
        """Its entry, in CLIXML."""
        file = ""
        if self.file:
            digest = (
                hashlib.sha256(self.file.read_bytes()).hexdigest() if self.file.exists() else ""
            )
            file = f'<S N="File">{self.file.name}</S><S N="Sha256">{digest}</S>'
        return (
            f'<Obj RefId="0"><MS><S N="Cmdlet">{self.cmdlet}</S><S N="State">{self.state}</S>'
            f'<I32 N="Count">{self.count}</I32>{a_list("Parameters", self.parameters)}'
            f"{a_list('DroppedParameters', self.dropped)}{a_list('MissingProperties', [])}"
            f'<I32 N="ErrorCount">{len(self.errors)}</I32>{a_list("Errors", self.errors)}'
            f"{a_list('ErrorCategories', self.categories)}{a_list('Warnings', self.warnings)}"
            f"{file}</MS></Obj>"
        )


ONE_DOMAIN = '<B N="ViewEntireForest">false</B><I32 N="ForestDomains">1</I32>'
TENANT = '<S N="Side">Exchange Online</S><S N="Organization">contoso.onmicrosoft.com</S>'


def manifest(folder: Path, *said: Said, session: str = ONE_DOMAIN) -> Path:
    """The manifest in a folder; `session` is what it says of its window beside the rest."""
    header = (
        '<Obj RefId="0"><MS><S N="Tool">Export-HybridEvidence</S><I32 N="Version">1</I32>'
        f'<I32 N="Commands">{len(said)}</I32><S N="Computer">EX01</S>'
        '<S N="ExportedUTC">2026-11-20T10:00:00.0000000Z</S><S N="Culture">de-DE</S>'
        f"{session}</MS></Obj>"
    )
    path = folder / "manifest.clixml"
    path.write_text(f"{OPENING}{header}{''.join(each.xml() for each in said)}</Objs>", "utf-8")
    return path
