"""How labels read: of a document and why, of folders, and what was changed. Serves the commands `label …`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brain.doors.lines import (
    Lines,
    columns,
    commas,
    count,
    day,
    dim,
    given,
    indented,
    line,
    path,
    short_path,
    title,
    warn,
)
from brain.doors.show import shows
from brain.labels import NOT_WALKED

if TYPE_CHECKING:
    from brain.labels import FolderTable, LabelChange, LabelledTexts, LabelSummary

# Of a change, by name.
TEXTS_SHOWN = 10
# What is no file has no folder.
NO_FOLDERS = {"note:": "notes written here", "episode:": "what you remembered"}


@shows("LabelSummary")
def summary(facts: LabelSummary) -> Lines:
    """One row for each kind of thing, then the labels of folders."""
    rows = []
    for name, counts in facts.counts.items():
        said = commas(*(f"{number:,} {label}" for label, number in counts.items()))
        rows.append((name, said or "none"))
    rows += [(rule.label, f"{rule.source}  ({rule.why})") for rule in facts.folders]
    done = columns(rows, ("dim", ""))
    if facts.walked:
        done.append(dim("the folders were walked on ", day(facts.walked)))
    else:
        done.append(warn(NOT_WALKED))
    return done


@shows("LabelledTexts")
def labelled(found: LabelledTexts) -> Lines:
    """Label, place, and below it each reason."""
    done: Lines = []
    for text in found.labels:
        counts = "" if text.label == text.counts_as else f", counts as {text.counts_as}"
        heading = line(title(text.label), dim(counts), "  ", path(text.source))
        done += [heading, *indented(line(dim(why)) for why in text.why)]
    return done


@shows("LabelChange")
def changed(change: LabelChange) -> Lines:
    """What got the label, and from which."""
    made = line(title(change.label), ": ", count(len(change.texts), "document"))
    texts = change.texts[:TEXTS_SHOWN]
    rows = [(text.label, short_path(text.source)) for text in texts]
    done = [made, *indented(columns(rows, ("dim", "path")))]
    more = len(change.texts) - TEXTS_SHOWN
    if more > 0:
        done.append(dim(f"  … and {more:,} more"))
    for folder in change.folders:
        name = NO_FOLDERS.get(folder, folder)
        done.append(line(dim("and what comes into "), path(name)))
    return done


@shows("FolderTable")
def folders(table: FolderTable) -> Lines:
    """Folder, files, label, and why it is proposed."""
    rows = []
    for row in table.rows:
        words = ", ".join(row.words)
        seems = given("confidential? ", row.matter, f": {words}")
        name = NO_FOLDERS.get(row.source, row.source)
        rows.append((name, count(row.files, "file"), row.label, seems))
    return columns(rows, ("path", "", "dim", "warn"))
