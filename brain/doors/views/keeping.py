"""How the state of a store reads, and what was done to keep it: `status`, `doctor`, backups, erasing.

Serves the commands that keep a store for years. Leaves out every judgement: levels, reasons, what holds what and until
when come with the values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from brain.doors import json_out
from brain.doors.lines import (
    Lines,
    bad,
    columns,
    commas,
    count,
    day,
    dim,
    duration,
    given,
    good,
    indented,
    line,
    moment,
    notices,
    path,
    short_ids,
    size,
    some,
    styled,
    warn,
)
from brain.doors.show import DONE, FAILED, lists, shows
from brain.doors.views.capture import left_out
from brain.doors.views.library import items

if TYPE_CHECKING:
    from brain.reports import (
        BackupReport,
        Check,
        EraseReport,
        Holding,
        Mention,
        NotRead,
        RebuildReport,
        RestoreReport,
        RewriteReport,
        Root,
        Status,
        VectorProgress,
    )

LEVEL_STYLES = {"ok": "good", "warning": "warn", "error": "bad"}
# Columns: the longest level and a space, so that the ids stand below one another.
LEVEL_WIDTH = 8
HINT_INDENT = " " * (LEVEL_WIDTH + 1)
# Files that could not be read, in `status`.
UNREAD_SHOWN = 10
# Kinds of what else holds words of something erased, and what lets them go.
WITH_MENTIONS = ("question", "round", "feedback", "remembered")
OTHER_MENTIONS = {
    "skill": "a skill: take its folder in again without them, `brain skill add FOLDER`",
    "description": "a description: `brain context remove PATH`",
    "proposal": "what an agent proposes: `brain inbox refuse ID`",
}
NAMED_AT_ONCE = 10  # in a command that is to be copied
WITHOUT_VECTORS = " found by words only so far (brain sync)"
EXTRACTIVE = "extractive"
QUOTES = "quotes of your notes"
BY_WORDS = "by words only"


@dataclass(frozen=True, slots=True)
class Message:
    """A result that is one line."""

    message: str


@shows("Message")
def message(said: Message) -> Lines:
    """The line."""
    return [line(said.message)]


@shows("Status", explains=True)
def status(facts: Status, *, explain: bool = False) -> Lines:
    """The table of `status`: where, how much, which parts serve and why, what waits. `explain`: also of the vectors."""
    on_disk = size(facts.database_bytes)
    skills = count(facts.skills, "skill")
    rows = [
        ("home", f"{facts.home} ({on_disk})"),
        ("holds", commas(_holds(facts), skills)),
        ("meaning", _because(facts.embedder or BY_WORDS, facts.embedder_reason)),
        ("answers", _because(_answerer(facts.generator), facts.generator_reason)),
    ]
    if explain:
        rows.append(("index", _because(facts.index, facts.index_reason)))
        rows += [("vectors", generation(item)) for item in facts.generations]
    else:
        rows += [("reading", under_way(item)) for item in facts.generations]
    rows += [
        ("ollama", facts.ollama),
        *(("folder", root(item)) for item in facts.roots),
        ("waiting", _waiting(facts) or "nothing"),
    ]
    known = [row for row in rows if row[1]]
    return [
        *columns(known, ("dim", "")),
        *unread(facts.unread),
        *notices(facts.notices),
    ]


def unread(files: Sequence[NotRead]) -> Lines:
    """The first of the files that could not be read, each with its reason and what becomes of it."""
    if not files:
        return []
    done = left_out(files[:UNREAD_SHOWN])
    more = len(files) - UNREAD_SHOWN
    if more > 0:
        rest = f"  … and {more:,} more: brain status --skipped"
        done.append(dim(rest))
    return done


def _answerer(name: str) -> str:
    return QUOTES if name == EXTRACTIVE else name


def under_way(item: VectorProgress) -> str:
    """`nomic-embed-text: 3,200 of 8,114 passages, about 4 min to go`; "" for a model that has read all."""
    if not item.error and (item.state == "spare" or item.done >= item.total):
        return ""
    eta = duration(item.eta_seconds) if item.eta_seconds else ""
    facts = commas(
        "stopped" if item.error else "",
        f"{item.done:,} of {count(item.total, 'passage')}",
        "" if item.error else given("about ", eta, " to go"),
    )
    return f"{item.embedder}: {facts}"


def generation(item: VectorProgress) -> str:
    """`nomic-embed-text 768: building, 3,200 of 8,114 chunks, about 4 min`."""
    chunks = count(item.total, "chunk")
    done = f"{item.done:,} of {chunks}"
    if item.error:
        facts = commas("stopped", done)
    else:
        eta = duration(item.eta_seconds) if item.eta_seconds else ""
        to_go = given("about ", eta, " to go")
        facts = commas(item.state, done, to_go)
    return f"{item.embedder} {item.dimensions}: {facts}"


def root(item: Root) -> str:
    """A registered folder with its number of documents and when it was looked at."""
    facts = commas(
        count(item.documents, "document"),
        "" if item.state == "ok" else item.state,
        given("looked at ", moment(item.looked_at or "")),
    )
    return f"{item.path}: {facts}"


@lists("roots", "no folder was added yet: brain add FOLDER")
def roots(items: Sequence[Root]) -> Lines:
    """One line for each."""
    return [line(root(item)) for item in items]


def _holds(held: Status | BackupReport | RestoreReport) -> str:
    return commas(
        count(held.documents, "document"),
        count(held.chunks, "passage"),
        count(held.episodes, "episode"),
    )


def _waiting(facts: Status) -> str:
    """What nobody looks after yet. Passages that another model is still to read are found by meaning all the same."""
    rows = [item for item in facts.generations if item.state == "building"]
    to_read = sum(item.total - item.done for item in rows)
    return commas(
        some(max(facts.waiting - to_read, 0), "passage", WITHOUT_VECTORS),
        some(facts.newer, "file", " new or changed (brain sync)"),
        some(facts.index_lag, "change", " not searched by meaning yet"),
        some(facts.skipped, "file", " skipped (brain status --skipped)"),
    )


def _because(name: str, reason: str) -> str:
    if not name:
        return ""
    return name + given(" (", reason, ")")


def _errors_found(found: Sequence[Check]) -> int:
    if "error" in _levels(found):
        return FAILED
    return DONE


def _levels(found: Sequence[Check]) -> list[str]:
    return [item.level for item in found]


@shows("checks", json_out.checks, code=_errors_found, explains=True)
def checks(found: Sequence[Check], *, explain: bool = False) -> Lines:
    """One line for each check, its cure below it, and the count at the end. `explain`: with the ids of the checks."""
    done: Lines = []
    for item in found:
        style = LEVEL_STYLES[item.level]
        level = styled(style, item.level.ljust(LEVEL_WIDTH))
        name = dim(item.id, "  ") if explain else ()
        message = given(": ", item.message)
        done.append(line(level, name, item.title, message))
        if item.hint and item.level != "ok":
            done.append(dim(HINT_INDENT, item.hint))
    levels = _levels(found)
    checks_done = count(len(found), "check")
    errors = count(levels.count("error"), "error")
    warnings = count(levels.count("warning"), "warning")
    total = bad if "error" in levels else good
    done.append(total(checks_done, ": ", commas(errors, warnings)))
    return done


@shows("RebuildReport", explains=True)
def rebuilt(report: RebuildReport, *, explain: bool = False) -> Lines:
    """What was derived anew. `explain`: how many rows and vectors."""
    waiting = "it is not known how many passages are found by words only so far"
    if report.waiting is not None:
        waiting = some(report.waiting, "passage", WITHOUT_VECTORS)
    rows = count(report.rows, "row")
    vectors = count(report.vectors, "vector")
    done = "everything that a search reads was made anew"
    if explain:
        done = f"{rows} of full text, {vectors} in the index"
    return [line(commas(done, waiting)), *notices(report.notices)]


@shows("BackupReport")
def backed_up(report: BackupReport) -> Lines:
    """Where the backup is, what it holds, what went."""
    kind = commas(size(report.bytes), "encrypted" if report.encrypted else "")
    return [
        line(path(report.path), f" ({kind})"),
        dim(_holds(report), "; compared with the store: the same"),
        *(dim("removed ", removed) for removed in report.removed),
        *notices(report.notices),
    ]


@shows("RewriteReport", code=lambda report: FAILED if report.failed else DONE)
def rewritten(report: RewriteReport) -> Lines:
    """Which backups were written anew without what was erased, and which could not be."""
    done = [
        line(path(name), " written anew without what was erased")
        for name in report.rewritten
    ]
    if not done and not report.notices:
        looked = count(report.looked, "backup")
        done.append(line(f"nothing to rewrite in {looked}"))
    for item in report.failed:
        reason = bad("not rewritten: ", item.message)
        done.append(line(path(item.path), " ", reason))
    return done + notices(report.notices)


@shows("RestoreReport")
def restored(report: RestoreReport) -> Lines:
    """What the backup holds and, when it is done, where the old store is."""
    made = given(" of ", moment(report.made_at))
    proof = "it carries no digest to compare with"
    if report.verified:
        proof = "its checksum is right"
    verb = "holds now" if report.done else "would hold"
    held = f" {verb} the backup{made}: {_holds(report)}; {proof}"
    done = [line(path(report.home), held)]
    if report.kept:
        before = dim("what was there before is kept as ")
        done.append(line(before, path(report.kept)))
    return done + notices(report.notices)


@shows("EraseReport", code=lambda report: FAILED if report.pending else DONE)
def erased(report: EraseReport) -> Lines:
    """What would go for good, answers that quote it, backups that hold it; what went, and what is left of it.

    What went was shown before: it is counted, and not listed once more.
    """
    entries = count(len(report.items), "entry", "entries")
    if report.done:
        done = [
            line(warn(f"{entries} erased for good"), dim("; this cannot be undone"))
        ]
        if report.quoting:
            answers = count(len(report.quoting), "answer")
            done.append(line(f"{answers} with words of it erased too"))
    else:
        done = [
            warn(f"{entries} would be erased for good"),
            *indented(items(report.items)),
        ]
        if report.quoting:
            done += [
                line("answers that quote it would be erased too:"),
                *indented(items(report.quoting)),
            ]
    done += _mentioned(report)
    done += _held_by_backups(report)
    if report.left:
        files = [path(name) for name in report.left]
        done += [warn("some of its words are still in:"), *indented(files)]
    if report.pending:
        reason = bad("not finished: ", report.pending)
        done.append(line(reason, dim(" (brain doctor --deep --repair)")))
    return done + notices(report.notices)


def _held_by_backups(report: EraseReport) -> Lines:
    """The backups that hold it; when it is done, how they are rid of it."""
    if not report.backups:
        return []
    if report.done:
        way = "of the backups that hold it: `brain backup --rewrite` writes them anew"
        return [dim(way)]
    rows = [(item.path, _until(item)) for item in report.backups]
    return [line("backups that hold it:"), *indented(columns(rows, ("path", "")))]


def _mentioned(report: EraseReport) -> Lines:
    """What else holds some of the words, and how it can go as well; when it is done, the command for that."""
    if not report.mentions:
        return []
    ids = short_ids(item.id for item in report.mentions)
    gone = [item for item in report.mentions if item.kind in WITH_MENTIONS]
    if report.done:
        return _forgetting("what stays and holds some of its words", gone, ids)
    cells = []
    for item in report.mentions:
        words = ", ".join(item.words) or "asked of it"
        cells.append((item.kind, ids[item.id], item.title, words))
    done = [
        warn("these would stay and hold some of its words:"),
        *indented(columns(cells, ("", "dim", "title", "dim"))),
    ]
    if gone:
        kinds_gone = "questions, rounds, feedback and remembered ones"
        done.append(dim(f"to erase {kinds_gone} too: add --mentions"))
    documents = [item for item in report.mentions if item.kind == "document"]
    done += _forgetting("them", documents, ids)
    kinds = {item.kind for item in report.mentions}
    for kind, way in OTHER_MENTIONS.items():
        if kind in kinds:
            done.append(dim(way))
    return done


def _forgetting(
    what: str, mentions: Sequence[Mention], ids: Mapping[str, str]
) -> Lines:
    """The command that erases these as well."""
    if not mentions:
        return []
    references = [_reference(item, ids) for item in mentions]
    listed = " ".join(references[:NAMED_AT_ONCE])
    more = " …" if len(references) > NAMED_AT_ONCE else ""
    command = f"brain forget {listed}{more} --erase"
    return [dim(f"to erase {what} as well: ", command)]


def _reference(item: Mention, ids: Mapping[str, str]) -> str:
    """As `forget` takes it."""
    if item.kind == "feedback":
        return f"feedback:{item.id}"
    return ids[item.id]


def _until(item: Holding) -> str:
    """Until when `--keep` lets a backup stay."""
    if item.state == "unread":
        return "could not be looked into"
    if item.until:
        return f"until {day(item.until)}"
    return "kept until you delete it"
