"""How keeping a store reads: what was rebuilt, backed up, taken back, erased for good.

Leaves out every judgement about it: what holds what, and until when, comes with the values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from brain.doors.lines import Line, columns, count, day, line, moment, size
from brain.doors.text import one_line
from brain.doors.views.library import items

if TYPE_CHECKING:
    from brain.types import BackupReport, EraseReport, Holding, RebuildReport, RestoreReport

STATES = {"rewritten": "written anew without it", "unread": "could not be looked into"}


def rebuilt(report: RebuildReport) -> list[Line]:
    """What was derived anew."""
    waiting = (
        f", {count(report.waiting, 'chunk')} without embeddings (brain sync)"
        if report.waiting
        else ""
    )
    waiting = (
        ", an unknown number of chunks without embeddings" if report.waiting is None else waiting
    )
    said = f"{count(report.rows, 'row')} of full text, {count(report.vectors, 'vector')} in the index{waiting}"
    return [line(said), *_notices(report.notices)]


def backed_up(report: BackupReport) -> list[Line]:
    """Where the backup is, what it holds, what went."""
    kind = ", encrypted" if report.encrypted else ""
    holds = _holds(report.documents, report.chunks, report.episodes)
    done = [
        line((one_line(report.path), "path"), f" ({size(report.bytes)}{kind})"),
        line((f"{holds}; compared with the store: the same", "dim")),
    ]
    done += [line((f"removed {one_line(path)}", "dim")) for path in report.removed]
    return done + _notices(report.notices)


def restored(report: RestoreReport) -> list[Line]:
    """What the backup holds and, when it is done, where the old store is."""
    made = f" of {moment(report.made_at)}" if report.made_at else ""
    holds = _holds(report.documents, report.chunks, report.episodes)
    proof = "its digest is right" if report.verified else "it carries no digest to compare with"
    verb = "holds now" if report.done else "would hold"
    done = [line((one_line(report.home), "path"), f" {verb} the backup{made}: {holds}; {proof}")]
    if report.kept:
        done.append(
            line(("what was there before is kept as ", "dim"), (one_line(report.kept), "path"))
        )
    return done + _notices(report.notices)


def erased(report: EraseReport) -> list[Line]:
    """What would go, or went, for good; answers that quote it; backups that hold it; what is left of it."""
    entries = count(len(report.items), "entry", "entries")
    if not report.done:
        done = [
            line((f"{entries} would be erased for good", "warn")),
            *_indented(items(report.items)),
        ]
    else:
        done = [line((f"{entries} erased for good", "warn"), ("; this cannot be undone", "dim"))]
    if report.quoting:
        verb = "were erased" if report.done else "would be erased"
        done += [line(f"answers that quote it {verb} too:"), *_indented(items(report.quoting))]
    if report.backups:
        done += [line("backups that hold it:"), *_indented(holdings(report.backups))]
    if report.left:
        done += [
            line(("some of its words are still in:", "warn")),
            *_indented([line((one_line(p), "path")) for p in report.left]),
        ]
    if report.pending:
        done.append(
            line(
                (f"not finished: {one_line(report.pending)}", "bad"),
                (" (brain doctor --deep --repair)", "dim"),
            )
        )
    return done + _notices(report.notices)


def holdings(found: Sequence[Holding]) -> list[Line]:
    """Each backup, and until when `--keep` lets it stay."""
    return columns([(item.path, _until(item)) for item in found], ("path", ""))


def _until(item: Holding) -> str:
    stays = f"until {day(item.until)}" if item.until else "until it is deleted"
    return STATES.get(item.state, stays)


def _holds(documents: int, chunks: int, episodes: int) -> str:
    return f"{count(documents, 'document')}, {count(chunks, 'chunk')}, {count(episodes, 'episode')}"


def _indented(lines: Sequence[Line]) -> list[Line]:
    return [line("  ", *item) for item in lines]


def _notices(notices: Sequence[str]) -> list[Line]:
    return [line((one_line(text), "warn")) for text in notices]
