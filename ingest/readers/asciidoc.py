"""AsciiDoc: titles by "=" or underlined, delimited blocks and tables whole, the attributes at the head.

The text stays as written, line for line; comments are left out of it, their newlines kept. Leaves out includes, which
are never followed, and macros. Serves `loading`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.document import Metadata, Texts
from ingest.readers.line_outline import Mark, sections
from ingest.readers.text import readable
from ingest.reading import Raw, Reading, Readings

HEAD_LINES = 60  # in which a document says what it is
AUTHOR_LINES = 4  # in which its author stands, below the title
REVISION_LINES = 5
_TITLE = re.compile(r"(={1,6}|#{1,6})[ \t]+(\S.*?)(?:[ \t]+\1)?[ \t]*$")
_UNDERLINES = {
    "=": 1,
    "-": 2,
    "~": 3,
    "^": 4,
    "+": 5,
}
_ATTRIBUTE = re.compile(r":([A-Za-z][\w-]{0,40}):[ \t]+(\S.*)$")
_DELIMITER = re.compile(
    r"(-{4,}|\.{4,}|\+{4,}|={4,}|\*{4,}|_{4,}|/{4,}|`{3,}|[|,:!]={3,})[ \t]*$"
)
_AUTHOR = re.compile(r"[^\W\d_][^<>:=]{1,80}<([^<>@\s]+@[^<>\s]+)>[ \t]*$")
_REVISION = re.compile(r"(?:v[\d.]+,[ \t]*)?(\d{4}-\d\d-\d\d)\b")
_COMMENT = "/"
_COMMENT_LINE = re.compile("//(?!/)")


def read(raw: Raw) -> Readings:
    """One document."""
    text, notices = readable(raw)
    lines = text.split("\n")
    metadata = _attributes(lines)
    marks = list(_marks(lines))
    titles = (mark.words for mark in marks if mark.level == 1)
    stated = _first_of(metadata, "title", "doctitle")
    yield Reading(
        list(sections(lines, marks)),
        title=stated or next(titles, ""),
        metadata=metadata,
        tags=_tags(metadata),
        notices=notices,
        date=_first_of(metadata, "revdate", "date"),
        date_by="front matter",
    )


def _first_of(metadata: Metadata, *keys: str) -> str:
    for key in keys:
        if value := metadata.get(key):
            return value
    return ""


def _tags(metadata: Metadata) -> Texts:
    """The tags and keywords, each once."""
    tags: dict[str, None] = {}
    for key in ("tags", "keywords", "page-tags"):
        stated = metadata.get(key, "")
        for word in stated.split(","):
            tags[word.strip()] = None
    tags.pop("", None)
    return tuple(tags)


def _attributes(lines: list[str]) -> Metadata:
    """The attributes at the head, and the author and revision below the title."""
    found: Metadata = {}
    for at, line in enumerate(lines[:HEAD_LINES]):
        attribute = _ATTRIBUTE.match(line)
        if attribute:
            name, value = attribute.groups()
            found.setdefault(name.lower(), value.strip())
            continue
        is_author = _AUTHOR.match(line)
        revision = _REVISION.match(line)
        if at < AUTHOR_LINES and is_author:
            found.setdefault("author", line.strip())
        elif at < REVISION_LINES and revision:
            found.setdefault("revdate", revision[1])
    return found


def _marks(lines: list[str]) -> Iterator[Mark]:
    """Titles and delimited blocks. Comments are blanked on the way."""
    at = 0
    endless: set[str] = set()
    while at < len(lines):
        title = _title(lines, at)
        if title:
            level, words, size = title
            yield Mark(at, level, words)
            at += size
            continue
        line = lines[at]
        end = _end_of(lines, at, endless)
        if end:
            if line.startswith(_COMMENT):
                for inside in range(at, end + 1):
                    lines[inside] = ""
            yield Mark(at, atomic=True)
            at = end + 1
            yield Mark(at)
            continue
        if _COMMENT_LINE.match(line):
            lines[at] = ""
        at += 1


def _end_of(lines: list[str], at: int, endless: set[str]) -> int:
    """The line that closes a block, 0 when none begins here or none does; `endless` holds the delimiters that do not
    come again."""
    opening = _DELIMITER.match(lines[at])
    if opening is None:
        return 0
    delimiter = opening[1]
    if delimiter in endless:
        return 0
    for following in range(at + 1, len(lines)):
        line = lines[following]
        if line.rstrip() == delimiter:
            return following
    endless.add(delimiter)
    return 0


def _title(lines: list[str], at: int) -> tuple[int, str, int] | None:
    """(level, words, lines) of a title that begins here, None where none does."""
    line = lines[at]
    match = _TITLE.match(line)
    if match:
        mark, words = match.groups()
        return len(mark), words, 1
    below = at + 1
    if below == len(lines):
        return None
    words = line.rstrip()
    under = lines[below].rstrip()
    sign = under[:1]
    level = _UNDERLINES.get(sign)
    if level is None:
        return None
    if under.strip(sign):  # other signs too
        return None
    length = len(words)
    difference = abs(len(under) - length)
    if length < 3 or difference > 1:
        return None
    if words[0].isalnum():
        return level, words, 2
    return None
