"""How stored things read: excerpts, the list of documents, one document, what was forgotten, folders, skills.

Serves the commands of the library and of skills. Leaves out questions, and what is erased for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from brain.doors import json_out
from brain.doors.lines import (
    Line,
    Lines,
    body,
    columns,
    commas,
    count,
    day,
    dim,
    given,
    hanging,
    indented,
    line,
    moment,
    path,
    place,
    short_id,
    short_ids,
    short_path,
    title,
    verbatim,
    warn,
)
from brain.doors.show import lists, shows

if TYPE_CHECKING:
    from brain.reports import (
        DocumentDetail,
        DocumentRow,
        Excerpt,
        ForgetReport,
        Forgotten,
    )
    from brain.types import Skill

# Of a document's text in `show`; `get` prints it whole.
FIRST_LINES = 12
NAME_ONLY = " (name only: no reader for this kind of file)"
# Fields of front matter that a document's own rows tell.
SAID_ABOVE = ("title", "date", "tags", "aliases")
# In a cell without a value, so that the columns stay in sight.
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Tagged:
    """The tags of a document after a change."""

    reference: str
    tags: Sequence[str]


@dataclass(frozen=True, slots=True)
class Located:
    """What `open` hands to the desktop: a path or an address."""

    reference: str
    address: str


@shows("Excerpt")
def excerpt(item: Excerpt) -> Lines:
    """The stored text and nothing else, so that it can be piped into a file."""
    return verbatim(item.text)


def where(item: Excerpt, meaning: str = "") -> Line:
    """The line of talk beside an excerpt: what a number meant, which lines of how many, and what its folder is."""
    folder = given(" · in: ", item.context)
    meant = given("", meaning, ": ")
    if item.start_line:
        span = f" lines {item.start_line}-{item.end_line} of {item.total_lines}"
        return dim(meant, item.source, span, folder)
    return dim(meant, place(item.source, item.locator), folder)


@lists("excerpts")
def excerpts(items: Sequence[Excerpt]) -> Lines:
    """Several excerpts, each below a line with its place, as `head` prints several files."""
    done: Lines = []
    for item in items:
        heading = line(dim("==> "), path(place(item.source, item.locator)), dim(" <=="))
        done += [heading, *body(item.text.rstrip("\n")), line()]
    return done[:-1]


@lists(
    "documents",
    "brain: no documents",
    "  take some in with `brain add PATH`, or ask for fewer conditions",
)
def documents(rows: Sequence[DocumentRow]) -> Lines:
    """Number, id, date, source, title and tags, in columns."""
    ids = short_ids(row.id for row in rows)
    cells = []
    for number, row in enumerate(rows, 1):
        tags = (f"#{tag}" for tag in row.tags)
        named = " ".join((row.title, *tags))
        at = day(row.date) or NOTHING
        cells.append((str(number), ids[row.id], at, short_path(row.source), named))
    rows_of_cells = columns(cells, ("dim", "dim", "", "path", "title"))
    return [hanging(row) for row in rows_of_cells]


@shows("DocumentDetail", json_out.document, explains=True)
def document(detail: DocumentDetail, *, explain: bool = False) -> Lines:
    """One document: its fields, then the first lines of its text. `explain`: its whole id, its chunks and its label."""
    known = [(name, text) for name, text in _fields(detail, explain) if text]
    done = [title(detail.row.title), *columns(known, ("dim", "")), line()]
    if not detail.text.strip():
        return done
    rows = body(detail.text.strip("\n"))
    done += rows[:FIRST_LINES]
    if len(rows) > FIRST_LINES:
        done.append(dim("… the whole text: brain get ", short_id(detail.row.id)))
    return done


def _fields(detail: DocumentDetail, explain: bool) -> list[tuple[str, str]]:
    """What is known about a document, by the names that a person reads."""
    row = detail.row
    by = ""
    if row.date:
        by = given(" (from ", detail.dated_by, ")")
    return [
        ("id", row.id if explain else short_id(row.id)),
        ("source", row.source),
        ("kind", row.media_type + ("" if row.entry == "full" else NAME_ONLY)),
        ("date", day(row.date) + by),
        ("added", moment(row.added_at)),
        (
            "size",
            commas(
                count(len(detail.text), "character"),
                count(row.chunks, "chunk") if explain else "",
            ),
        ),
        ("label", row.label if explain else ""),
        ("tags", ", ".join(row.tags)),
        ("aliases", ", ".join(detail.aliases)),
        ("links", ", ".join(detail.links)),
        ("folder", detail.context),
        *_stated(detail, explain),
        *(("notice", text) for text in detail.notices),
    ]


def _stated(detail: DocumentDetail, explain: bool) -> list[tuple[str, str]]:
    """What a document states of itself; less what stands above under the same name, unless all is wanted."""
    if explain:
        return list(detail.metadata.items())
    return [item for item in detail.metadata.items() if item[0] not in SAID_ABOVE]


@shows("ForgetReport", talk=lambda report: [line(text) for text in report.notices])
def forgotten(report: ForgetReport) -> Lines:
    """The plan with everything that would go; or, when it is done, until when it can come back."""
    entries = count(len(report.items), "entry", "entries")
    if not report.done:
        return [warn(f"{entries} would be forgotten"), *indented(items(report.items))]
    until = given(" until ", day(report.undo_until))
    return [
        line(warn(f"{entries} forgotten"), dim("; `brain undo` brings it back", until))
    ]


@lists("items", "nothing was forgotten, so there is nothing to bring back")
def items(found: Sequence[Forgotten]) -> Lines:
    """Id, kind, source and title in columns, with the time for what is gone already."""
    ids = short_ids(item.id for item in found)
    cells = []
    for item in found:
        at = moment(item.at) or NOTHING
        cells.append((ids[item.id], item.kind, at, item.source, item.title))
    return columns(cells, ("dim", "", "dim", "path", ""))


@shows("Tagged")
def tags(after: Tagged) -> Lines:
    """The tags after the change."""
    names = [f"#{name}" for name in after.tags]
    return [line(" ".join(names) or "no tags")]


@shows("Located")
def address(found: Located) -> Lines:
    """The address alone and as it is, for another program."""
    return verbatim(found.address)


@lists(
    "contexts",
    "brain: no folder has a description",
    '  give one with `brain context add PATH "what it is"`',
    to_json=json_out.contexts,
)
def contexts(pairs: Sequence[tuple[str, str]]) -> Lines:
    """Folder and description."""
    return columns(pairs, ("path", ""))


@lists(
    "skills",
    "brain: no skill found",
    "  take one in with `brain skill add PATH`",
)
def skills(found: Sequence[Skill]) -> Lines:
    """Name, status and description."""
    cells = [(item.name, item.status, item.description) for item in found]
    return columns(cells, ("title", "dim", ""))


@shows("Skill", json_out.skill)
def skill(item: Skill) -> Lines:
    """One skill as it is followed: name, description, body."""
    status = dim(" · ", item.status, " ", short_id(item.id))
    heading = line(title(item.name), status)
    return [heading, line(item.description), line(), *body(item.body.strip("\n"))]
