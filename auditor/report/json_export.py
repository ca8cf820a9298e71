"""The whole assessment as one JSON document, for other programs; nothing is shortened."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from auditor.assessment import Assessment, AssessmentRow
from auditor.files import write_new

FORMAT_VERSION = 1


def write_json(assessment: Assessment, target: Path, force: bool) -> None:
    """Write one JSON object: a head, then every table as a list with one row per line.

    Keys stand in the order of the models in `auditor.assessment`, which also read them back.
    Raises InputRefused as `write_new` does.
    """
    write_new(target, _document(assessment), force)


def _document(assessment: Assessment) -> Iterator[str]:
    head = {
        "format": "hybrid onboarding auditor, assessment",
        "format_version": FORMAT_VERSION,
        "title": assessment.title,
        "as_of": assessment.as_of.isoformat(),
        "tool_version": assessment.tool_version,
        "details": dict(sorted(assessment.details.items())),
        "assessment_sha256": assessment.sha256,
    }
    tables: dict[str, Iterable[AssessmentRow]] = {
        "gates": assessment.gates,
        "waves": assessment.waves,
        "plan": assessment.plan,
        "rules": assessment.rules,
        "waivers": assessment.waivers,
        "topics": assessment.topics,
        "evidence_tables": assessment.evidence_tables,
        "evidence_sources": assessment.evidence_sources,
        "reference_files": assessment.reference_files,
        "findings": assessment.findings(),
        "mailboxes": assessment.mailboxes(),
    }
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    yield "{\n" + ",\n".join(lines)
    for name, rows in tables.items():
        yield f',\n"{name}": ['
        separator = "\n"
        for row in rows:
            yield separator + row.model_dump_json()
            separator = ",\n"
        yield "\n]"
    yield "\n}\n"
