"""How the reports of `add`, `sync`, `import`, `remember`, `export` and `models pull` read.

Leaves out the exit code (the commands decide that) and everything about questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from brain.doors.lines import Line, count, line, moment, short_ids
from brain.doors.text import one_line

if TYPE_CHECKING:
    from brain.types import AddReport, Episode, ExportReport, Skipped

NAMES_SHOWN = 3  # of each reason for skipping; --json has them all
OUTCOMES = ("added", "updated", "renamed", "removed", "unchanged")


def added(report: AddReport, *, dry_run: bool = False) -> list[Line]:
    """`812 added, 3 unchanged, 2 skipped`, who embedded, and the skipped files grouped by reason."""
    return [summary(report, dry_run=dry_run), *skipped(report.skipped)]


def summary(report: AddReport, *, dry_run: bool = False) -> Line:
    """The counts that are not zero, the id when there is just one document, and the embedder."""
    counts = [f"{getattr(report, name):,} {name}" for name in OUTCOMES if getattr(report, name)]
    if report.skipped:
        counts.append(f"{len(report.skipped):,} skipped")
    parts = [", ".join(counts) or "nothing to add"]
    if report.chunks:
        parts.append(count(report.chunks, "chunk"))
    if report.embedder:
        parts.append(f"embedder {one_line(report.embedder)}")
    if len(report.documents) == 1:
        parts.append(short_ids(report.documents)[report.documents[0]])
    return line(
        "dry run, nothing written: " if dry_run else "", parts[0], (_tail(parts[1:]), "dim")
    )


def skipped(files: tuple[Skipped, ...]) -> list[Line]:
    """One block for each reason, most frequent first: how many, the first names, what to do."""
    ordered = sorted(files, key=lambda item: (item.kind, item.reason, item.hint))
    groups = [
        (key, list(items))
        for key, items in groupby(ordered, key=lambda item: (item.kind, item.reason, item.hint))
    ]
    done: list[Line] = []
    for (kind, reason, hint), items in sorted(groups, key=lambda group: -len(group[1])):
        style = "bad" if kind == "unreadable" else "warn"
        known = "" if any(item.new for item in items) else ", reported before"
        done.append(line((f"{len(items):,} {kind}", style), f": {one_line(reason)}{known}"))
        done += [line("  ", (one_line(item.source), "path")) for item in items[:NAMES_SHOWN]]
        if len(items) > NAMES_SHOWN:
            done.append(
                line((f"  … and {len(items) - NAMES_SHOWN:,} more (--json lists all)", "dim"))
            )
        if hint:
            done.append(line((f"  {one_line(hint)}", "dim")))
    return done


def waiting(report: AddReport, *, said: Sequence[str] = ()) -> list[Line]:
    """What the person must be told beside the counts, less what was `said` on the way."""
    notices = [line((one_line(text), "dim")) for text in report.notices if text not in said]
    if report.waiting is None:
        notices.append(
            line(
                (
                    "saved; how many chunks wait for embeddings is unknown until the model can be read; then run `brain sync`",
                    "warn",
                )
            )
        )
    elif report.waiting:
        chunks = count(report.waiting, "chunk waits", "chunks wait")
        notices.append(line((f"saved; {chunks} for embeddings: run `brain sync`", "warn")))
    return notices


def remembered(episode: Episode) -> list[Line]:
    """One line that names the id."""
    return [
        line(
            f"remembered {short_ids([episode.id])[episode.id]}", (f" · {moment(episode.at)}", "dim")
        )
    ]


def exported(report: ExportReport) -> list[Line]:
    """The counts of files, then the ones that a person changed and that stayed as they are."""
    counts = [f"{report.written:,} written", f"{report.unchanged:,} unchanged"]
    if report.removed:
        counts.append(f"{report.removed:,} removed")
    done = [line(", ".join(counts), " in ", (one_line(report.directory), "path"))]
    if report.conflicts:
        done.append(
            line(
                (
                    f"{count(len(report.conflicts), 'file')} changed by hand, left as they are",
                    "warn",
                )
            )
        )
        done += [line("  ", (one_line(name), "path")) for name in report.conflicts[:NAMES_SHOWN]]
        if len(report.conflicts) > NAMES_SHOWN:
            done.append(line((f"  … and {len(report.conflicts) - NAMES_SHOWN:,} more", "dim")))
        done.append(line(("  run again with --force to replace them", "dim")))
    return done


def _tail(parts: list[str]) -> str:
    return "".join(f" · {part}" for part in parts)
