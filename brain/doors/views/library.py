"""How stored things read: excerpts, the list of documents, one document, what was forgotten, folders, skills.

Leaves out questions and upkeep.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from brain.doors.lines import Line, columns, count, day, line, moment, place, short_ids
from brain.doors.text import one_line

if TYPE_CHECKING:
    from brain.types import DocumentDetail, DocumentRow, Excerpt, ForgetReport, Forgotten, Skill

HEAD_LINES = 12  # of a document's text in `show`; `get` prints it whole
NAME_ONLY = "name only: no reader for this kind of file"


def where(item: Excerpt) -> Line:
    """The line of talk beside an excerpt: which lines of how many, and what its folder is."""
    if item.start_line:
        span = f"lines {item.start_line}-{item.end_line} of {item.total_lines}"
        text = f"{one_line(item.source)} {span}"
    else:
        text = place(item.source, item.locator)
    return line((text + (f" · in: {one_line(item.context)}" if item.context else ""), "dim"))


def excerpts(items: Sequence[Excerpt]) -> list[Line]:
    """Several excerpts, each below a line with its place, as `head` prints several files."""
    done: list[Line] = []
    for item in items:
        done += [line(("==> ", "dim"), (place(item.source, item.locator), "path"), (" <==", "dim"))]
        done += [line(row) for row in item.text.rstrip("\n").split("\n")] + [line("")]
    return done[:-1]


def documents(rows: Sequence[DocumentRow]) -> list[Line]:
    """Id, date, source, title and tags, in columns."""
    ids = short_ids(row.id for row in rows)
    cells = [
        (
            ids[row.id],
            day(row.date) or "–",
            row.source,
            " ".join([row.title, *(f"#{tag}" for tag in row.tags)]),
        )
        for row in rows
    ]
    return columns(cells, ("dim", "", "path", "title"))


def document(detail: DocumentDetail) -> list[Line]:
    """One document: its fields, then the first lines of its text."""
    row = detail.row
    dated = (
        f"{day(row.date)} (from {one_line(detail.dated_by)})"
        if row.date and detail.dated_by
        else day(row.date)
    )
    fields = [
        ("id", row.id),
        ("source", row.source),
        ("kind", f"{row.media_type}{'' if row.entry == 'full' else f' ({NAME_ONLY})'}"),
        ("date", dated),
        ("added", moment(row.added_at)),
        ("size", f"{count(len(detail.text), 'character')}, {count(row.chunks, 'chunk')}"),
        ("label", row.label),
        ("tags", ", ".join(row.tags)),
        ("aliases", ", ".join(detail.aliases)),
        ("links", ", ".join(detail.links)),
        ("folder", detail.context),
        *detail.metadata.items(),
        *(("notice", text) for text in detail.notices),
    ]
    head = [
        line((one_line(row.title), "title")),
        *columns([pair for pair in fields if pair[1]], ("dim", "")),
    ]
    text = detail.text.strip("\n").split("\n") if detail.text.strip() else []
    more = (
        [line(("… the whole text: brain get " + short_ids([row.id])[row.id], "dim"))]
        if len(text) > HEAD_LINES
        else []
    )
    return [*head, line(""), *(line(item) for item in text[:HEAD_LINES]), *more]


def forgotten(report: ForgetReport) -> list[Line]:
    """The plan with everything that would go; or, when it is done, until when it can come back."""
    entries = count(len(report.items), "entry", "entries")
    if not report.done:
        plan = line((f"{entries} would be forgotten", "warn"))
        return [plan, *(line("  ", *item) for item in items(report.items))]
    until = f" until {day(report.undo_until)}" if report.undo_until else ""
    return [
        line((f"{entries} forgotten", "warn"), (f"; `brain undo` brings it back{until}", "dim"))
    ]


def items(found: Sequence[Forgotten]) -> list[Line]:
    """Id, kind, source and title in columns, with the time for what is gone already."""
    ids = short_ids(item.id for item in found)
    cells = [
        (ids[item.id], item.kind, moment(item.at) or "–", item.source, item.title) for item in found
    ]
    return columns(cells, ("dim", "", "dim", "path", ""))


def tags(names: Sequence[str]) -> list[Line]:
    """The tags after the change."""
    return [line(" ".join(f"#{one_line(name)}" for name in names) or "no tags")]


def contexts(pairs: Sequence[tuple[str, str]]) -> list[Line]:
    """Folder and description."""
    return columns(pairs, ("path", ""))


def skills(found: Sequence[Skill]) -> list[Line]:
    """Name, status and description."""
    return columns(
        [(item.name, item.status, item.description) for item in found], ("title", "dim", "")
    )


def skill(item: Skill) -> list[Line]:
    """One skill as it is followed: name, description, body."""
    head = line(
        (one_line(item.name), "title"), (f" · {item.status} {short_ids([item.id])[item.id]}", "dim")
    )
    return [
        head,
        line(one_line(item.description)),
        line(""),
        *(line(row) for row in item.body.strip("\n").split("\n")),
    ]
