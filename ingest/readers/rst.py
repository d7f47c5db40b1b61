"""reStructuredText: titles by their underlines, literal blocks and tables whole, the fields at the head.

The text stays as written, line for line. A title's level is that of its adornment, in the order in which they first
come. Leaves out directives' meaning and references. Serves `loading`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.readers.line_outline import Mark, sections
from ingest.readers.text import readable
from ingest.reading import Raw, Reading, Readings

HEAD_LINES = 60  # in which a document says what it is
_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1{1,}[ \t]*$")
_FIELD = re.compile(r"(?:\.\.[ \t]+|:)([A-Za-z][\w -]{0,30}):[ \t]+(\S.*)$")
_INDENTED = re.compile(r"[ \t]+\S")
_GRID = re.compile(r"[ \t]*(?:\+[-=+]+\+|={2,}(?:[ \t]+={2,})+)[ \t]*$")
_KNOWN = {
    "title",
    "subtitle",
    "author",
    "authors",
    "date",
    "tags",
    "keywords",
    "category",
    "slug",
    "status",
    "summary",
}
_KNOWN |= {
    "description",
    "version",
    "organization",
    "copyright",
    "created",
    "modified",
    "revision",
}


def read(raw: Raw) -> Readings:
    """One document."""
    text, notices = readable(raw)
    lines = text.split("\n")
    metadata = _fields(lines)
    marks = list(_marks(lines))
    first = next((mark.words for mark in marks if mark.level == 1), "")
    tags = f"{metadata.get('tags', '')},{metadata.get('keywords', '')}".split(",")
    yield Reading(
        list(sections(lines, marks)),
        title=metadata.get("title", "") or first.strip(),
        metadata=metadata,
        tags=tuple(dict.fromkeys(filter(None, map(str.strip, tags)))),
        notices=notices,
        date=metadata.get("date", "") or metadata.get("created", ""),
        date_by="front matter",
    )


def _fields(lines: list[str]) -> dict[str, str]:
    """What the fields at the head say: ":Author: …", or ".. date: …" as site generators write it."""
    found: dict[str, str] = {}
    for line in lines[:HEAD_LINES]:
        field = _FIELD.match(line)
        if field and (name := field[1].lower()) in _KNOWN:
            found.setdefault(name, field[2].strip())
    return found


def _marks(lines: list[str]) -> Iterator[Mark]:
    levels: dict[str, int] = {}
    literal = in_table = False
    at = 0
    while at < len(lines):
        title = _title(lines, at)
        if title:
            words, style, size = title
            level = levels.setdefault(style, len(levels) + 1)
            literal = in_table = False
            yield Mark(at, level, words)
            at += size
            continue
        line = lines[at]
        if literal and line.strip() and not _INDENTED.match(line):
            literal = False
            yield Mark(at)
        elif not literal and line.rstrip().endswith("::") and _is_literal(lines, at):
            literal = True
            yield Mark(at, atomic=True)
        if not literal and bool(_GRID.match(line)) and not in_table:
            in_table = True
            yield Mark(at, atomic=True)
        elif in_table and not line.strip():
            in_table = False
            yield Mark(at)
        at += 1


def _is_literal(lines: list[str], at: int) -> bool:
    """Whether the next line that says something is indented."""
    following = (line for line in lines[at + 1 : at + 6] if line.strip())
    return bool(_INDENTED.match(next(following, "")))


def _title(lines: list[str], at: int) -> tuple[str, str, int] | None:
    """(words, adornment, lines) of a title that begins here, None where none does."""
    line = lines[at]
    below = lines[at + 1] if at + 1 < len(lines) else ""
    over = _ADORNMENT.match(line)
    if over and at + 2 < len(lines) and below.strip():
        under = lines[at + 2].rstrip()
        if under == line.rstrip() and len(under) >= len(below.strip()) - 1:
            return below.strip(), f"{over[1]}{over[1]}", 3
    under_line = _ADORNMENT.match(below)
    before = lines[at - 1] if at else ""
    is_words = line.strip() and not over and not line[0].isspace()
    # An underline as long as its words; a shorter one is a rule or a table.
    is_long = len(below.rstrip()) >= len(line.strip()) - 1
    if is_words and under_line and is_long and not before.strip():
        return line.strip(), under_line[1], 2
    return None
