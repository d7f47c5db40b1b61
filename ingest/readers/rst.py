"""reStructuredText: titles by their underlines, literal blocks and tables whole, the fields at the head.

The text stays as written, line for line. A title's level is that of its adornment, in the order in which they first
come. Leaves out directives' meaning and references. Serves `loading`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.document import Metadata, Texts
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
    titles = (mark.words for mark in marks if mark.level == 1)
    first = next(titles, "")
    yield Reading(
        list(sections(lines, marks)),
        title=metadata.get("title", "") or first.strip(),
        metadata=metadata,
        tags=_tags(metadata),
        notices=notices,
        date=metadata.get("date", "") or metadata.get("created", ""),
        date_by="front matter",
    )


def _tags(metadata: Metadata) -> Texts:
    """The tags and keywords, each once."""
    tags: dict[str, None] = {}
    for key in ("tags", "keywords"):
        stated = metadata.get(key, "")
        for word in stated.split(","):
            tags[word.strip()] = None
    tags.pop("", None)
    return tuple(tags)


def _fields(lines: list[str]) -> Metadata:
    """What the fields at the head say: ":Author: …", or ".. date: …" as site generators write it."""
    found: Metadata = {}
    for line in lines[:HEAD_LINES]:
        field = _FIELD.match(line)
        if field is None:
            continue
        name, value = field.groups()
        name = name.lower()
        if name in _KNOWN:
            found.setdefault(name, value.strip())
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
        words = line.rstrip()
        if literal:
            if words and not _INDENTED.match(line):
                literal = False
                yield Mark(at)
        elif words.endswith("::") and _is_literal(lines, at):
            literal = True
            yield Mark(at, atomic=True)
        begins_table = not literal and not in_table and _GRID.match(line)
        if begins_table:
            in_table = True
            yield Mark(at, atomic=True)
        elif in_table and not words:
            in_table = False
            yield Mark(at)
        at += 1


def _is_literal(lines: list[str], at: int) -> bool:
    """Whether the next line that says something is indented."""
    for following in lines[at + 1 : at + 6]:
        if following.strip():
            return bool(_INDENTED.match(following))
    return False


def _title(lines: list[str], at: int) -> tuple[str, str, int] | None:
    """(words, adornment, lines) of a title that begins here, None where none does."""
    before = lines[at - 1] if at else ""
    line, below, under, *_others = [*lines[at : at + 3], "", ""]
    over_line = _ADORNMENT.match(line)
    if over_line:
        return _framed_title(over_line, below, under)
    under_line = _ADORNMENT.match(below)
    words = line.strip()
    if not under_line or not words:
        return None
    # What is indented, or goes on from the line before, is no title.
    if line[0].isspace() or before.strip():
        return None
    if _is_long(below, words):
        return words, under_line[1], 2
    return None


def _framed_title(
    over_line: re.Match[str],
    middle: str,
    under: str,
) -> tuple[str, str, int] | None:
    """A title between two lines of the same adornment."""
    words = middle.strip()
    is_same = under.rstrip() == over_line[0].rstrip()
    if words and is_same and _is_long(under, words):
        return words, over_line[1] * 2, 3
    return None


def _is_long(adornment: str, words: str) -> bool:
    """Whether it is as long as the words; a shorter one is a rule or a table."""
    length = len(adornment.rstrip())
    return length >= len(words) - 1
