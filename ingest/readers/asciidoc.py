"""AsciiDoc: titles by "=" or underlined, delimited blocks and tables whole, the attributes at the head.

The text stays as written, line for line; comments are left out of it, their newlines kept. Leaves out includes, which
are never followed, and macros. Serves `loading`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.readers.line_outline import Mark, sections
from ingest.readers.text import readable
from ingest.reading import Raw, Reading, Readings

HEAD_LINES = 60  # in which a document says what it is
_TITLE = re.compile(r"(={1,6}|#{1,6})[ \t]+(\S.*?)(?:[ \t]+\1)?[ \t]*$")
_UNDERLINES = {"=": 1, "-": 2, "~": 3, "^": 4, "+": 5}
_ATTRIBUTE = re.compile(r":([A-Za-z][\w-]{0,40}):[ \t]+(\S.*)$")
_DELIMITER = re.compile(
    r"(-{4,}|\.{4,}|\+{4,}|={4,}|\*{4,}|_{4,}|/{4,}|`{3,}|[|,:!]={3,})[ \t]*$"
)
_AUTHOR = re.compile(r"[^\W\d_][^<>:=]{1,80}<([^<>@\s]+@[^<>\s]+)>[ \t]*$")
_REVISION = re.compile(r"(?:v[\d.]+,[ \t]*)?(\d{4}-\d\d-\d\d)\b")
_COMMENT = "/"


def read(raw: Raw) -> Readings:
    """One document."""
    text, notices = readable(raw)
    lines = text.split("\n")
    metadata = _attributes(lines)
    marks = list(_marks(lines))
    first = next((mark.words for mark in marks if mark.level == 1), "")
    stated = ",".join(
        metadata.get(key, "") for key in ("tags", "keywords", "page-tags")
    )
    yield Reading(
        list(sections(lines, marks)),
        title=metadata.get("title", "") or metadata.get("doctitle", "") or first,
        metadata=metadata,
        tags=tuple(dict.fromkeys(filter(None, map(str.strip, stated.split(","))))),
        notices=notices,
        date=metadata.get("revdate", "") or metadata.get("date", ""),
        date_by="front matter",
    )


def _attributes(lines: list[str]) -> dict[str, str]:
    """The attributes at the head, and the author and revision below the title."""
    found: dict[str, str] = {}
    for at, line in enumerate(lines[:HEAD_LINES]):
        if attribute := _ATTRIBUTE.match(line):
            found.setdefault(attribute[1].lower(), attribute[2].strip())
        elif at < 4 and _AUTHOR.match(line):
            found.setdefault("author", line.strip())
        elif at < 5 and (revision := _REVISION.match(line)):
            found.setdefault("revdate", revision[1])
    return found


def _marks(lines: list[str]) -> Iterator[Mark]:
    """Titles and delimited blocks. Comments are blanked on the way."""
    at = 0
    endless: set[str] = set()
    while at < len(lines):
        line = lines[at]
        title = _title(lines, at)
        delimiter = _DELIMITER.match(line)
        if title:
            level, words, size = title
            yield Mark(at, level, words)
            at += size
            continue
        if delimiter and (end := _end_of(lines, at, delimiter[1], endless)):
            if delimiter[1][0] == _COMMENT:
                lines[at : end + 1] = [""] * (end + 1 - at)
            yield Mark(at, atomic=True)
            at = end + 1
            yield Mark(at)
            continue
        if line.startswith("//") and not line.startswith("///"):
            lines[at] = ""
        at += 1


def _end_of(lines: list[str], at: int, delimiter: str, endless: set[str]) -> int:
    """The line that closes a block, 0 when none does; `endless` holds the delimiters that do not come again."""
    if delimiter in endless:
        return 0
    for following in range(at + 1, len(lines)):
        if lines[following].rstrip() == delimiter:
            return following
    endless.add(delimiter)
    return 0


def _title(lines: list[str], at: int) -> tuple[int, str, int] | None:
    """(level, words, lines) of a title that begins here, None where none does."""
    if match := _TITLE.match(lines[at]):
        return len(match[1]), match[2], 1
    words = lines[at].rstrip()
    under = lines[at + 1].rstrip() if at + 1 < len(lines) else ""
    is_underline = bool(under) and under == under[0] * len(under)
    level = _UNDERLINES.get(under[0]) if is_underline else None
    fits = abs(len(under) - len(words)) <= 1 and len(words) > 2
    if level and fits and words[0].isalnum():
        return level, words, 2
    return None
