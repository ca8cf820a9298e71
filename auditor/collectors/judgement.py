"""What the manifests, and the commands side by side, add to the judgement of each table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from auditor.collectors.contract import Side
from auditor.collectors.exo_organization import ORGANIZATION as ONLINE_ORGANIZATION
from auditor.collectors.manifest import ExportedCommand, ExportManifest
from auditor.collectors.organization import ORGANIZATION
from auditor.collectors.per_mailbox import MAILBOX_STATISTICS, refused_statistics
from auditor.collectors.quoting import shortened
from auditor.collectors.recipients import MAILBOX
from auditor.collectors.recognition import collector_of_cmdlet
from auditor.collectors.servers import EXCHANGE_BUILD, EXCHANGE_SERVER, refused_build
from auditor.collectors.tally import Tally
from auditor.evidence.bundle import BundleWriter
from auditor.evidence.normalise import server_key

_HOW = {"ok": "reported", "errors": "reported", "failed": "broke off with"}
_FROM = {Side.ON_PREMISES: "on", Side.ONLINE: "from"}
_LACKING = {Side.ON_PREMISES: "this version of Exchange lacks it, or ", Side.ONLINE: ""}


def judge(
    tallies: Mapping[str, Tally],
    manifests: Sequence[ExportManifest],
    files: set[tuple[str, str]],
    writer: BundleWriter,
    imported_at: datetime,
) -> None:
    """Note in each tally why its tables are not complete, after all files were read.

    `tallies` by table, `files` the folder and bare name of each file that was there. What counts
    as the time of a table is when it was exported, as far as a manifest says so. A server whose
    build could not be read gets its row here, and so does a mailbox without statistics.
    """
    for manifest in manifests:
        if manifest.damage:
            _damaged(tallies, manifest)
        for command in manifest.commands:
            collector = collector_of_cmdlet(command.cmdlet, command.side)
            if collector:
                tally = tallies[collector.table]
                _said(tally, manifest, command, files)
                if manifest.exported_at and command.state != "absent":
                    _dated(tally, min(manifest.exported_at, imported_at))
    sides = {each.collector.side for each in tallies.values() if each.folders or each.problems}
    for tally in tallies.values():
        _never_asked(tally, sides)
        if tally.unconfirmed:
            tally.notes.append("No manifest confirms that this is everything.")
    _covered(tallies, writer)
    _all_mailboxes(tallies, writer)
    _one_organization(tallies)


def _dated(tally: Tally, exported_at: datetime) -> None:
    """Rows are as old as the oldest export among them; no clock makes them of a time to come."""
    tally.started_at = min(exported_at, tally.started_at or exported_at)
    tally.ended_at = min(exported_at, tally.ended_at or exported_at)


def _damaged(tallies: Mapping[str, Tally], manifest: ExportManifest) -> None:
    for tally in tallies.values():
        if manifest.folder in tally.folders:
            tally.wrong("partial", manifest.damage)


def _said(
    tally: Tally, manifest: ExportManifest, command: ExportedCommand, files: set[tuple[str, str]]
) -> None:
    if command.state == "absent":
        if not tally.folders:
            tally.wrong(
                "unsupported",
                f"{command.named} was not there in the session on {manifest.server}: "
                f"{_LACKING[command.side]}the account lacks the role that grants it "
                f"({tally.collector.permission}).",
            )
        return
    tally.server = shortened(manifest.server) or None
    tally.filters = shortened(" ".join(command.parameters)) or None
    if manifest.exported_at:
        where = f"{_FROM[manifest.side]} {manifest.server}"
        tally.notes.append(f"Exported {where} at {manifest.exported_at:%Y-%m-%d %H:%M} UTC.")
    if command.state == "ok" and not command.file and not command.count:
        tally.folders.add(manifest.folder)  # nothing to write is an answer too
    if command.file and (manifest.folder, command.file) not in files:
        tally.wrong(
            "partial",
            f"{command.file} is named in {manifest.name} but missing: copy it there too.",
        )
    if command.errors or command.state != "ok":
        _failed(tally, command)
    tally.asked = max(tally.asked, command.asked)
    if command.warnings and tally.collector is MAILBOX_STATISTICS:
        _refused(tally, command.cmdlet, command.warnings)
    elif command.warnings:
        _warned(tally, command)
    _narrowed(tally, manifest, command)


def _warned(tally: Tally, command: ExportedCommand) -> None:
    """Exchange Online warns of much; of objects left out, with the name of the parameter."""
    first, online = command.warnings[0], command.side is Side.ONLINE
    said = next((each for each in command.warnings if "ResultSize" in each), first)
    if online and "ResultSize" not in said:
        tally.notes.append(f"{command.named} warned: {shortened(said)}")
    else:
        tally.wrong("partial", f"{command.named} warned: {said if online else first}")


def _failed(tally: Tally, command: ExportedCommand) -> None:
    one_by_one = tally.collector is EXCHANGE_BUILD or tally.collector is MAILBOX_STATISTICS
    if one_by_one and tally.rows and command.state == "errors":
        _refused(tally, command.cmdlet, command.errors)
        return
    said = f"the first: {command.errors[0]}" if command.errors else "without saying which"
    sentence = f"{command.cmdlet} {_HOW[command.state]} {command.error_count} errors, {said}"
    if tally.rows:
        tally.wrong("partial", sentence)
    elif command.denied:
        tally.wrong("access_denied", f"{sentence} The account needs {tally.collector.permission}.")
    else:
        tally.wrong("unexpected_answer", sentence)


def _refused(tally: Tally, cmdlet: str, said: Sequence[str]) -> None:
    """The script writes `SERVER: reason`, or `GUID: reason`, for each that it asked by itself."""
    for sentence in said:
        subject, colon, reason = sentence.partition(": ")
        if not colon or " " in subject:
            tally.wrong("partial", f"{cmdlet} failed: {sentence}")
        else:
            tally.refusals.setdefault(server_key(subject), shortened(reason))


def _narrowed(tally: Tally, manifest: ExportManifest, command: ExportedCommand) -> None:
    """Recipient commands see the domain of the session's server alone, unless told otherwise."""
    widened = any(each.startswith("IgnoreDefaultScope") for each in command.parameters)
    if "ResultSize" in tally.collector.parameters and manifest.one_domain_only and not widened:
        tally.wrong(
            "partial",
            f"{command.cmdlet} may have seen one domain of the forest only: run "
            "Set-ADServerSettings -ViewEntireForest $true before the export script.",
        )


def _never_asked(tally: Tally, sides: Collection[Side]) -> None:
    if tally.folders or any(problem.state != "not_requested" for problem in tally.problems):
        # what was set aside does not make incomplete what came from elsewhere
        tally.problems = [each for each in tally.problems if each.state != "not_requested"]
    elif not tally.problems and tally.collector.side is Side.ONLINE and Side.ONLINE not in sides:
        tally.wrong(
            "not_requested",
            "Nothing of Exchange Online was among the files: run the script of `auditor "
            "export-script --online` in an Exchange Online PowerShell window.",
        )
    elif not tally.problems:
        command = tally.collector.command
        tally.wrong(
            "not_requested", f"No export of {command} was among the files{_without_which(tally)}."
        )


def _without_which(tally: Tally) -> str:
    if not tally.collector.per_mailbox:
        return ""
    return ": the export script asks mailbox by mailbox with -IncludePerMailbox alone, for hours"


def _covered(tallies: Mapping[str, Tally], writer: BundleWriter) -> None:
    """Tables asked for server by server are complete only when every server is in them."""
    servers = tallies[EXCHANGE_SERVER.table]
    for tally in tallies.values():
        if not tally.collector.per_server or tally.problems:
            continue
        missing = sorted(servers.servers - tally.servers)
        if servers.problems:
            tally.wrong(
                "partial",
                "Which servers there are is not known for certain: add an export of "
                f"{servers.command}.",
            )
        elif missing and tally.collector is EXCHANGE_BUILD:
            for server in missing:
                _unmeasured(tally, server, writer)
        elif missing:
            tally.wrong(
                "partial", f"Nothing came from {', '.join(missing)}: export it there as well."
            )


def _unmeasured(tally: Tally, server: str, writer: BundleWriter) -> None:
    reason = tally.refusals.get(server, "no export of its ExSetup.exe was among the files")
    tally.add([refused_build(server, reason)], writer, server)
    tally.notes.append(f"Not measured: {server} ({reason}).")


def _all_mailboxes(tallies: Mapping[str, Tally], writer: BundleWriter) -> None:
    """Tables asked for mailbox by mailbox are complete only when every mailbox was asked about."""
    mailboxes = tallies[MAILBOX.table]
    for tally in tallies.values():
        if not tally.collector.per_mailbox or tally.problems:
            continue
        if mailboxes.problems:
            tally.wrong(
                "partial",
                "Which mailboxes there are is not known for certain: add an export of "
                f"{mailboxes.command}.",
            )
        elif tally.asked < len(mailboxes.mailboxes):
            tally.wrong(
                "partial",
                f"{tally.command} is known to have asked about {tally.asked} of "
                f"{len(mailboxes.mailboxes)} mailboxes: run the export script again with "
                "-IncludePerMailbox, and import its manifest too.",
            )
        elif tally.collector is MAILBOX_STATISTICS:
            _without_statistics(tally, mailboxes.mailboxes, writer)


def _without_statistics(tally: Tally, mailboxes: set[str], writer: BundleWriter) -> None:
    doubtful = sorted(tally.refusals.keys() & tally.mailboxes)
    missing = sorted(mailboxes - tally.mailboxes)
    if doubtful:
        tally.wrong(
            "partial",
            f"{tally.command} complained about {len(doubtful)} mailboxes that it gave an answer "
            f"for; of {doubtful[0]} it said: {tally.refusals[doubtful[0]]}",
        )
    for mailbox in missing:
        reason = tally.refusals.get(mailbox, "the command gave nothing and did not say why")
        tally.add([refused_statistics(mailbox, reason)], writer, mailbox)
    if missing:
        tally.notes.append(f"{len(missing)} mailboxes gave no statistics.")


def _one_organization(tallies: Mapping[str, Tally]) -> None:
    """Two organisations of one side in one bundle would answer for each other."""
    for organization, kind in (
        (ORGANIZATION, "Exchange organisations"),
        (ONLINE_ORGANIZATION, "tenants"),
    ):
        count = tallies[organization.table].rows[organization.table]
        for tally in tallies.values() if count > 1 else ():
            if tally.folders and tally.collector.side is organization.side:
                tally.wrong(
                    "unexpected_answer",
                    f"Exports of {count} {kind} are mixed: import each by itself.",
                )
