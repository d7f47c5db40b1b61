"""Lines of styled text, and the small phrases that every view uses: counts, sizes, places, snippets.

A line is a tuple of (text, style) pairs; a style is a name that `render` turns into colour or drops. Whatever a
view puts into a line loses its control sequences and line breaks here, so that no stored title or path can forge a
line of its own; `body` alone keeps the breaks of a stored text. Serves the views, and leaves the terminal to
`render`.
"""

from __future__ import annotations

import os
import re
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from itertools import pairwise, zip_longest
from os.path import commonprefix
from typing import TypeAlias

from brain.doors.margin import cells
from brain.doors.text import one_line, unbroken

Span: TypeAlias = tuple[str, str]
Line: TypeAlias = tuple[Span, ...]
Lines: TypeAlias = list[Line]

# The style of somebody else's words: a whole line of them.
THEIRS = "theirs"
# The style of the first piece of a line that goes on set in where a terminal is narrow: that piece is the indent.
HANGS = "hangs"
HANGING_INDENT = "   "
# Characters: the shortest prefix of an id that is shown, and that the library takes.
SHORT_ID = 6
# Of a passage in a list: enough to judge it, and ten passages still fit on a screen.
SNIPPET_LINES = 2
# Columns: in a terminal narrower than this it is the terminal that wraps.
MIN_SNIPPET_WIDTH = 20
COLUMN_GAP = "  "
UNITS = ("B", "KB", "MB", "GB", "TB")
KIB = 1024
MINUTE, HOUR = 60, 3_600  # seconds
# Below ten of these a decimal tells something: 1.1 GB, but 12 GB.
LARGE_UNITS = UNITS[2:]


def line(*parts: str | Line) -> Line:
    """Plain texts and styled pieces, one after another; empty ones are dropped."""
    spans: list[Span] = []
    for part in parts:
        if isinstance(part, str):
            spans += styled("", part)
        else:
            spans += part
    return tuple(spans)


def styled(style: str, *texts: str) -> Line:
    """The texts as one piece in one style; nothing when all of them are empty."""
    # Each text is made safe by itself, so that no sequence begins in one value and ends in the next.
    whole = "".join(map(unbroken, texts))
    if not whole:
        return ()
    return ((whole, style),)


dim = partial(styled, "dim")
warn = partial(styled, "warn")
good = partial(styled, "good")
bad = partial(styled, "bad")
title = partial(styled, "title")
path = partial(styled, "path")


def body(text: str) -> Lines:
    """A stored text, row by row as it stands."""
    return [((row, ""),) for row in text.split("\n")]


def verbatim(text: str) -> Lines:
    """A stored text as one piece, its last line ended; nothing for an empty one."""
    if not text:
        return []
    whole = text.removesuffix("\n")
    return [((whole, ""),)]


def theirs(text: str) -> Line:
    """Somebody else's words, which the print gate sets behind a margin."""
    if not text:
        return ()
    return ((text, THEIRS),)


def hanging(spans: Line, indent: str = HANGING_INDENT) -> Line:
    """The line as one that goes on set in by `indent` where a terminal is too narrow for it."""
    return ((indent, HANGS), *spans)


def wrapped(spans: Line, indent: str, width: int) -> Lines:
    """The rows of a line, none wider than `width` cells; all but the first are set in."""
    rows: list[list[Span]] = [[]]
    filled = 0
    for text, style in spans:
        for piece in re.findall(r"\s+|\S+", text):
            for part in _parts(piece, width - len(indent)):
                needed = cell_width(part)
                if filled + needed > width and part.isspace():
                    continue
                if filled and filled + needed > width:
                    rows.append([(indent, "")])
                    filled = len(indent)
                rows[-1].append((part, style))
                filled += needed
    return [tuple(row) for row in rows]


def _parts(piece: str, room: int) -> list[str]:
    """A word that is wider than a row, in parts that are not."""
    room = max(room, 1)
    if cell_width(piece) <= room:
        return [piece]
    parts = [""]
    for char in piece:
        if cell_width(parts[-1] + char) > room:
            parts.append("")
        parts[-1] += char
    return parts


def indented(lines: Iterable[Line], by: str = "  ") -> Lines:
    """The lines set in below the line that announces them."""
    return [line(by, spans) for spans in lines]


def notices(texts: Iterable[str]) -> Lines:
    """What a person should know beside a result, a line for each."""
    return [warn(text) for text in texts]


def plain(spans: Line) -> str:
    """The line without its styles."""
    return "".join(text for text, style in spans if style != HANGS)


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 passage`, `1,204 passages`."""
    if number == 1:
        return f"1 {noun}"
    several = plural or f"{noun}s"
    return f"{number:,} {several}"


def some(number: int, noun: str, rest: str = "") -> str:
    """A count and what is said of it; nothing at all for none."""
    if not number:
        return ""
    return count(number, noun) + rest


def given(before: str, value: str | None, after: str = "") -> str:
    """The value, on one line, between two pieces of text; nothing at all without a value."""
    value = one_line(value or "")
    if not value:
        return ""
    return f"{before}{value}{after}"


def of(number: int, what: str) -> str:
    """`3 added`; nothing for none."""
    if not number:
        return ""
    return f"{number:,} {what}"


def commas(*parts: str) -> str:
    """The parts that say something, as a list in a sentence."""
    return ", ".join(filter(None, parts))


def dots(*parts: str) -> str:
    """The parts that say something, side by side."""
    return " · ".join(filter(None, parts))


def quoted(text: str) -> str:
    """Somebody's words, on one line, in quotation marks."""
    return f"“{one_line(text)}”"


def size(number: int) -> str:
    """Bytes as a person says them: `312 KB`, `1.1 GB` (steps of 1,024)."""
    value = float(number)
    for unit in UNITS:
        if value < KIB or unit == UNITS[-1]:
            break
        value /= KIB
    if value < 10 and unit in LARGE_UNITS:
        return f"{value:,.1f} {unit}"
    return f"{value:,.0f} {unit}"


def duration(seconds: float) -> str:
    """`40 s`, `4 min`, `2 h 10 min`."""
    if seconds < MINUTE:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / MINUTE)
    if seconds < HOUR:
        return f"{minutes} min"
    hours, rest = divmod(minutes, HOUR // MINUTE)
    if rest:
        return f"{hours} h {rest} min"
    return f"{hours} h"


def day(date: str | None) -> str:
    """The day of an ISO 8601 date or time, "" when there is none."""
    return one_line(date or "")[:10]


def moment(at: str) -> str:
    """`2026-05-07 09:12` of an ISO 8601 time."""
    minute = one_line(at)[:16]
    return minute.replace("T", " ")


def place(source: str, locator: str) -> str:
    """Where a person opens it: `notes/lease.md:12`, `paper.pdf p. 3`."""
    source = one_line(source)
    locator = one_line(locator)
    lines = re.fullmatch(r"L(\d+)(?:-\d+)?", locator)
    if lines:
        return f"{source}:{lines.group(1)}"
    return f"{source} {locator}".strip()


# The working folder of whoever reads it, where that is not the one of this process.
_folder: ContextVar[str] = ContextVar("folder", default="")


@contextmanager
def seen_from(folder: str) -> Iterator[None]:
    """Paths are shortened for somebody who works in that folder."""
    token = _folder.set(folder)
    try:
        yield
    finally:
        _folder.reset(token)


def short_path(source: str) -> str:
    """A path as it is shortest from here: below the working folder without it, below the home folder as `~/…`."""
    here = _folder.get() or os.getcwd()
    home = os.path.expanduser("~")
    for folder, shown in ((here, ""), (home, "~/")):
        inside = folder.rstrip("/") + "/"
        if len(inside) > 1 and source.startswith(inside):
            return shown + source.removeprefix(inside)
    return source


def short_id(identity: str) -> str:
    """The prefix that is shown of an id that stands alone."""
    return identity[:SHORT_ID]


def short_ids(ids: Iterable[str]) -> dict[str, str]:
    """Each id's shortest prefix, of at least `SHORT_ID` characters, that no other of these ids shares."""
    # Among sorted ids, the one that shares the longest prefix with an id stands beside it.
    known = sorted(set(ids))
    lengths = dict.fromkeys(known, SHORT_ID)
    for pair in pairwise(known):
        needed = len(commonprefix(pair)) + 1  # noqa: RUF071  character by character is what is meant
        for identity in pair:
            lengths[identity] = max(lengths[identity], needed)
    shortest = {}
    for identity, length in lengths.items():
        shortest[identity] = identity[:length]
    return shortest


def folded(text: str) -> str:
    """Case and accents removed, as the lexical index compares words."""
    letters = []
    for char in unicodedata.normalize("NFKD", text.casefold()):
        if not unicodedata.combining(char):
            letters.append(char)
    return "".join(letters)


def marked(text: str, query: str) -> Line:
    """The text with the words of the query in style "match"."""
    terms = _terms(query)
    spans = []
    for piece in filter(None, re.split(r"(\w+)", text)):
        is_match = _matches(folded(piece), terms)
        spans.append((piece, "match" if is_match else ""))
    return tuple(spans)


def _terms(query: str) -> set[str]:
    """The words of a query that are worth marking: one or two Latin letters would be marked everywhere."""
    terms = set()
    for word in re.findall(r"\w+", query):
        if len(word) > 2 or not word.isascii():
            terms.add(folded(word))
    return terms


def _matches(word: str, terms: set[str]) -> bool:
    """Is it one of the terms, or one with an ending?"""
    if word in terms:
        return True
    for term in terms:
        # A run of Chinese, Japanese or Thai has no spaces: there the term stands somewhere inside.
        if not term.isascii() and term in word:
            return True
        if len(term) > 3 and word.startswith(term):
            return True
    return False


def snippet(text: str, query: str, *, width: int) -> Lines:
    """The `SNIPPET_LINES` lines of the text, `width` characters each, in which most words of the query stand."""
    width = max(width, MIN_SNIPPET_WIDTH)
    wrapped = textwrap.wrap(one_line(text), width, break_on_hyphens=False)
    rows = [marked(row, query) for row in wrapped]
    matches = list(map(_words_matched, rows))
    last = max(0, len(rows) - SNIPPET_LINES)
    best = 0
    most = -1
    for start in range(last + 1):
        held = sum(matches[start : start + SNIPPET_LINES])
        if held > most:
            best = start
            most = held
    end = best + SNIPPET_LINES
    chosen = rows[best:end]
    if end < len(rows):
        goes_on = dim(" …")
        chosen[-1] = line(chosen[-1], goes_on)
    return chosen


def _words_matched(row: Line) -> int:
    """How many words of the query stand in a marked row."""
    return len({folded(piece) for piece, style in row if style})


def cell_width(text: str) -> int:
    """How many cells of a terminal the text fills (Unicode TR 11)."""
    return sum(map(cells, text))


def cut(text: str, room: int) -> str:
    """As much of a text, on one line, as fits into `room` cells, with a sign where it was cut; "" for no room."""
    text = one_line(text)
    if cell_width(text) <= room:
        return text
    while text and cell_width(text) > room - 1:
        text = text[:-1]
    if not text:
        return ""
    return f"{text}…"


def columns(rows: Sequence[Sequence[str]], styles: Sequence[str] = ()) -> Lines:
    """Rows as columns, each as wide as its longest cell; nothing is padded at the end. `styles` are of the columns."""
    table = [list(map(one_line, row)) for row in rows]
    widths = []
    for column in zip(*table, strict=True):
        widest = max(map(cell_width, column))
        widths.append(widest)
    return [_columns_of(row, widths, styles) for row in table]


def _columns_of(row: list[str], widths: list[int], styles: Sequence[str]) -> Line:
    """One row: every cell but the last that says something is filled up to the width of its column."""
    while len(row) > 1 and not row[-1]:
        row.pop()
    *padded, last = row
    cells = []
    for cell, width in zip(padded, widths, strict=False):
        missing = " " * (width - cell_width(cell))
        cells.append(f"{cell}{missing}{COLUMN_GAP}")
    cells.append(last)
    return tuple(zip_longest(cells, styles[: len(row)], fillvalue=""))
