"""How the reports of `add`, `sync`, `import`, `remember` and `export` read.

Serves the commands that take things in and give them back. Leaves out what is said while they work.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from brain.doors import json_out
from brain.doors.json_out import Shape
from brain.doors.lines import (
    Line,
    Lines,
    bad,
    commas,
    count,
    dim,
    dots,
    given,
    line,
    moment,
    of,
    path,
    short_id,
    short_path,
    some,
    warn,
)
from brain.doors.show import DONE, FAILED, KEPT, shows
from brain.errors import Interrupted

if TYPE_CHECKING:
    from brain.reports import ExportReport, ImportReport, NotRead
    from brain.types import AddReport, Change, Episode, Skipped

Reason = tuple[str, str, str]
"""(kind, reason, hint) of files that were left out for one and the same cause."""

# What differs between two notices of one kind: what stands in brackets or quotation marks, and numbers.
PARTICULARS = re.compile(r"\s*\([^()]*\)|[“\"'][^”\"']*[”\"']")
PLACE = re.compile(r"^[^\s:]{1,6} ?\d[^:]{0,12}: ")  # `p. 7: `
NUMBERS = re.compile(r"\b\d[\d.,]*")
# Of each reason for skipping; --json has them all.
NAMES_SHOWN = 3
CHANGES_SHOWN = 10
# Kinds of skipped files that a look at known folders tells of, once; the rest stands in `status --skipped`.
NEWS = ("unreadable", "refused", "vanished", "unsupported", "erased")
OUTCOMES = ("added", "updated", "renamed", "removed", "unchanged")
LISTED_IN_JSON = " (--json lists all)"
MORE_LISTED = " (--verbose or --json lists all)"
WAITING_UNKNOWN = (
    "saved; how many passages are found by words only is unknown until the model can be read;"
    " then run `brain sync`"
)


@dataclass(frozen=True, slots=True)
class Added:
    """A report and how it was asked for. `said`: the notices that were told while it ran.

    `again`: of a look at folders that are known, where what changed is news and what a rule leaves out is not.
    `verbose`: with every name, and with how much was embedded by which model.
    """

    report: AddReport
    dry_run: bool = False
    strict: bool = False
    said: Sequence[str] = ()
    again: bool = False
    verbose: bool = False


def _to_json(added: Added) -> Shape:
    return json_out.added(added.report, dry_run=added.dry_run)


def _talk(added: Added) -> Lines:
    """What the person must be told beside the counts, less what was said on the way."""
    report = added.report
    told = [text for text in report.notices if text not in added.said]
    if not added.verbose:
        of_files = {f"{source}: {notice}" for source, notice in report.of_files}
        told = [text for text in told if text not in of_files]
        told += _by_kind(report.of_files)
    done = [dim(text) for text in told]
    if report.waiting is None:
        done.append(warn(WAITING_UNKNOWN))
    elif report.waiting > report.filling:
        # A notice tells of those that a model of Ollama is to embed.
        others = report.waiting - report.filling
        passages = count(others, "passage is", "passages are")
        done.append(
            warn(f"saved; {passages} found by words only so far: run `brain sync`")
        )
    if report.interrupted:
        done += [line("brain: interrupted"), line("  ", KEPT)]
        left = "the folder was not looked through"
        if report.unread is not None:
            left = some(report.unread, "file", " still to be read")
        if left:
            go_on = "`brain sync` goes on with a folder; name single files again"
            done.append(line("  ", left, "; ", go_on))
    return done


def _by_kind(of_files: Sequence[tuple[str, str]]) -> list[str]:
    """What is said of files, one line for each kind of it: of several how many they are, and the first by name."""
    said: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for source, notice in of_files:
        said[kind_of(notice)].append((short_path(source), notice))
    done = []
    for kind, files in said.items():
        names = list(dict.fromkeys(source for source, _notice in files))
        if len(files) == 1:
            done.append(f"{names[0]}: {files[0][1]}")
            continue
        listed = ", ".join(names[:NAMES_SHOWN])
        left = len(names) - NAMES_SHOWN
        more = ""
        if left > 0:
            more = f" and {left:,} more{MORE_LISTED}"
        done.append(f"{count(len(names), 'file')}: {kind}: {listed}{more}")
    return done


def kind_of(notice: str) -> str:
    """What a notice is about, without the figures of the one file.

    >>> kind_of("54 words left out: menus, page heads and feet (49), controls (5)")
    'words left out'
    """
    about = PARTICULARS.sub("", PLACE.sub("", notice)).partition(": ")[0]
    return " ".join(NUMBERS.sub("", about).split()) or notice


def _code(added: Added) -> int:
    """A failure is a file of a kind that we read that failed for the first time; with --strict any skipped file."""
    report = added.report
    if report.interrupted:
        return Interrupted.exit_code
    for item in report.skipped:
        unread = item.kind == "unreadable" and item.new
        kept_out = item.kind == "erased" and item.new
        if unread or kept_out or (added.strict and item.kind != "ignored"):
            return FAILED
    return DONE


@shows("Added", _to_json, talk=_talk, code=_code)
def added(done: Added) -> Lines:
    """`812 added, 3 unchanged, 2 skipped`, and the skipped files grouped by reason."""
    report = done.report
    lines = [summary(report, dry_run=done.dry_run, verbose=done.verbose)]
    if not done.again:
        return lines + skipped(report.skipped, verbose=done.verbose)
    lines += _changes(report.changes, verbose=done.verbose)
    if done.verbose:
        return lines + skipped(report.skipped, verbose=True)
    news = [item for item in report.skipped if item.new and item.kind in NEWS]
    return lines + skipped(news)


def _changes(changes: Sequence[Change], *, verbose: bool = False) -> Lines:
    """What became of the first documents of each kind, by name; `verbose`: of all."""
    done: Lines = []
    for outcome in OUTCOMES:
        verb = dim(f"  {outcome:8} ")
        sources = [item.source for item in changes if item.outcome == outcome]
        most = len(sources) if verbose else CHANGES_SHOWN
        more = f" {outcome}{MORE_LISTED}"
        done += _first_names(sources, before=verb, more=more, most=most)
    return done


def summary(report: AddReport, *, dry_run: bool = False, verbose: bool = False) -> Line:
    """The counts that are not zero, and the id when there is just one document. `verbose`: chunks and the embedder."""
    counts = [of(getattr(report, name), name) for name in OUTCOMES]
    counts.append(of(len(report.skipped), "skipped"))
    said = commas(*counts) or _nothing(report)
    only = ""
    if len(report.documents) == 1:
        only = short_id(report.documents[0])
    facts = dim(given(" · ", only))
    if verbose:
        chunks = some(report.chunks, "chunk")
        behind = dots(chunks, given("embedder ", report.embedder), only)
        facts = dim(given(" · ", behind))
    before = "dry run, nothing written: " if dry_run else ""
    return line(before, said, facts)


def _nothing(report: AddReport) -> str:
    return "nothing was read" if report.interrupted else "nothing to add"


def skipped(files: Sequence[Skipped], *, verbose: bool = False) -> Lines:
    """One block for each reason, most frequent first: how many, the first names (`verbose`: all), what to do."""
    blocks: dict[Reason, list[Skipped]] = defaultdict(list)
    for item in files:
        blocks[item.kind, kind_of(item.reason), item.hint].append(item)
    done: Lines = []
    # Among as frequent ones the alphabet decides.
    reasons = sorted(blocks)
    reasons.sort(key=lambda reason: len(blocks[reason]), reverse=True)
    for kind, reason, hint in reasons:
        items = blocks[kind, reason, hint]
        reasons_given = {item.reason for item in items}
        if len(reasons_given) == 1:
            (reason,) = reasons_given
        known = ", reported before"
        if any(item.new for item in items):
            known = ""
        done.append(_heading(kind, len(items), reason, known))
        sources = [item.source for item in items]
        most = len(sources) if verbose else NAMES_SHOWN
        done += _first_names(sources, more=MORE_LISTED, most=most)
        if hint:
            done.append(dim("  ", hint))
    return done


def _heading(kind: str, number: int, reason: str, known: str = "") -> Line:
    """`3 unreadable: the file is encrypted`."""
    style = bad if kind == "unreadable" else warn
    files = style(f"{number:,} {kind}")
    return line(files, ": ", reason.strip(), known)


def _left_out_json(items: Sequence[NotRead]) -> Shape:
    return json_out.listed("left_out", items)


@shows("left_out", _left_out_json)
def left_out(items: Sequence[NotRead]) -> Lines:
    """One block for each reason with every name below it, so that what was told once can be seen again."""
    blocks: dict[Reason, list[NotRead]] = defaultdict(list)
    for item in items:
        blocks[item.kind, item.reason, item.hint].append(item)
    done: Lines = []
    for (kind, reason, hint), found in blocks.items():
        done.append(_heading(kind, len(found), reason))
        for item in found:
            outlook = dim(_outlook(item))
            done.append(line("  ", path(short_path(item.source)), outlook))
        if hint:
            done.append(dim("  ", hint))
    return done or [line("everything is in: no file was left out")]


def _outlook(item: NotRead) -> str:
    """What a file that could not be read has been through, and what becomes of it."""
    facts = commas(
        f"tried {item.tries} times" if item.tries > 1 else "",
        "`brain sync` tries it again" if item.retried else "",
        "its older text is found" if item.older else "",
    )
    return given(" (", facts, ")")


def _first_names(
    names: Sequence[str],
    *,
    before: str | Line = "  ",
    more: str = "",
    most: int = NAMES_SHOWN,
) -> Lines:
    """The first names, a line each, and how many are not shown."""
    done = []
    for name in names[:most]:
        done.append(line(before, path(short_path(name))))
    left = len(names) - most
    if left > 0:
        rest = f"  … and {left:,} more"
        done.append(dim(rest, more))
    return done


@shows("Episode", json_out.episode)
def remembered(episode: Episode) -> Lines:
    """One line that names the id."""
    at = dim(" · ", moment(episode.at))
    return [line("remembered ", short_id(episode.id), at)]


@shows("ExportReport")
def exported(report: ExportReport) -> Lines:
    """The counts of files, then the ones that a person changed and that stayed as they are."""
    counts = commas(
        f"{report.written:,} written",
        some(report.attachments, "linked file", " among them"),
        f"{report.unchanged:,} unchanged",
        of(report.removed, "removed"),
    )
    done = [line(counts, " in ", path(report.directory))]
    if report.conflicts:
        changed = count(len(report.conflicts), "file")
        done.append(warn(changed, " changed by hand, left as they are"))
        done += _first_names(report.conflicts)
        done.append(dim("  run again with --force to replace them"))
    return done


def _import_talk(report: ImportReport) -> Lines:
    if not report.done:
        return []
    return _talk(Added(report.taken))


def _import_code(report: ImportReport) -> int:
    return _code(Added(report.taken))


@shows("ImportReport", json_out.imported, talk=_import_talk, code=_import_code)
def imported(report: ImportReport) -> Lines:
    """What comes in, what it replaces, what stays as it is here, which folders it names."""
    taken = report.taken
    counts = commas(
        of(taken.added, "documents added"),
        of(len(report.replaced), "replaced"),
        of(taken.unchanged, "here already"),
        some(report.episodes, "episode"),
        some(report.skills, "skill"),
        some(report.feedback, "judgment"),
        some(report.contexts, "description", " of folders"),
        some(report.inbox, "proposal"),
        of(len(taken.skipped), "left out"),
    )
    before = "" if report.done else "would be taken in: "
    done = [line(before, counts or "nothing")]
    if report.replaced:
        verb = "went to" if report.done else "would go to"
        older = count(len(report.replaced), "older text")
        done.append(warn(f"{older} {verb} the trash; `brain undo` brings it back"))
        done += _first_names(report.replaced, more=LISTED_IN_JSON)
    if report.kept:
        differ = count(len(report.kept), "entry differs", "entries differ")
        stays = f"{differ}; what is here is newer or the file itself, and stays"
        done.append(line(stays))
        done += _first_names(report.kept, more=LISTED_IN_JSON)
    if report.roots and not report.registered:
        folders = count(len(report.roots), "folder")
        foreign = f"it looked at {folders} of this machine, which this home does not:"
        done.append(line(foreign))
        done += _first_names(report.roots, more=LISTED_IN_JSON)
        done.append(dim("  with --roots `brain sync` looks there from now on"))
    return done + skipped(taken.skipped)
