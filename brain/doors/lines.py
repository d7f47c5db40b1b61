"""Lines of styled text, and the small phrases that every view uses: counts, sizes, places, snippets.

A line is a tuple of (text, style) pairs; a style is a name that `render` turns into colour or drops. Whatever a view puts
into a line loses its control sequences and line breaks here, so that no stored title or path can forge a line of its own;
`body` alone keeps the breaks of a stored text. Serves the views, and leaves the terminal to `render`.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import pairwise
from typing import TypeAlias

from brain.doors.text import one_line, unbroken

Span: TypeAlias = tuple[str, str]
Line: TypeAlias = tuple[Span, ...]

SHORT_ID = 6  # characters: the shortest prefix of an id that is shown, and that the library takes
SNIPPET_LINES = (
    2  # of a passage in a list: enough to judge it, and ten passages still fit on a screen
)
MIN_SNIPPET_WIDTH = 20  # columns: below it a terminal wraps the lines itself
COLUMN_GAP = 2  # spaces between two columns
UNITS = ("B", "KB", "MB", "GB", "TB")
KIB = 1024
MINUTE, HOUR = 60, 3_600  # seconds


def line(*parts: str | Line) -> Line:
    """Plain texts and styled pieces, one after another; empty ones are dropped."""
    spans: list[Span] = []
    for part in parts:
        spans += styled("", part) if isinstance(part, str) else part
    return tuple(spans)


def styled(style: str, *texts: str) -> Line:
    """The texts as one piece in one style; nothing when all of them are empty."""
    # Each text is made safe by itself, so that no sequence begins in one value and ends in the next.
    whole = "".join(unbroken(text) for text in texts)
    return ((whole, style),) if whole else ()


dim = partial(styled, "dim")
warn = partial(styled, "warn")
good = partial(styled, "good")
bad = partial(styled, "bad")
title = partial(styled, "title")
path = partial(styled, "path")


def body(text: str) -> list[Line]:
    """A stored text, row by row as it stands."""
    return [((row, ""),) for row in text.split("\n")]


def verbatim(text: str) -> list[Line]:
    """A stored text as one piece, its last line ended; nothing for an empty one."""
    return [((text.removesuffix("\n"), ""),)] if text else []


def indented(lines: Iterable[Line], by: str = "  ") -> list[Line]:
    """The lines set in below the line that announces them."""
    return [line(by, spans) for spans in lines]


def notices(texts: Iterable[str]) -> list[Line]:
    """What a person should know beside a result, a line for each."""
    return [warn(text) for text in texts]


def plain(spans: Line) -> str:
    """The line without its styles."""
    return "".join(text for text, _style in spans)


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 passage`, `1,204 passages`."""
    name = noun if number == 1 else plural or f"{noun}s"
    return f"{number:,} {name}"


def some(number: int, noun: str, rest: str = "") -> str:
    """A count and what is said of it; nothing at all for none."""
    return count(number, noun) + rest if number else ""


def given(before: str, value: str | None, after: str = "") -> str:
    """The value between two pieces of text; nothing at all without a value."""
    return f"{before}{value}{after}" if value else ""


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
    decimals = 1 if value < 10 and unit not in ("B", "KB") else 0
    return f"{value:,.{decimals}f} {unit}"


def duration(seconds: float) -> str:
    """`40 s`, `4 min`, `2 h 10 min`."""
    if seconds < MINUTE:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / MINUTE)
    if seconds < HOUR:
        return f"{minutes} min"
    hours, rest = divmod(minutes, HOUR // MINUTE)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def day(date: str | None) -> str:
    """The day of an ISO 8601 date or time, "" when there is none."""
    return one_line(date)[:10] if date else ""


def moment(at: str) -> str:
    """`2026-05-07 09:12` of an ISO 8601 time."""
    return one_line(at)[:16].replace("T", " ")


def place(source: str, locator: str) -> str:
    """Where a person opens it: `notes/lease.md:12`, `paper.pdf p. 3`."""
    source, locator = one_line(source), one_line(locator)
    lines = re.fullmatch(r"L(\d+)(?:-\d+)?", locator)
    if lines:
        return f"{source}:{lines.group(1)}"
    return f"{source} {locator}".strip()


def short_id(identity: str) -> str:
    """The prefix that is shown of an id that stands alone."""
    return identity[:SHORT_ID]


def short_ids(ids: Iterable[str]) -> dict[str, str]:
    """Each id's shortest prefix, of at least `SHORT_ID` characters, that no other of these ids shares."""
    # Among sorted ids, the one that shares the longest prefix with an id stands beside it.
    known = sorted(set(ids))
    shared = dict.fromkeys(known, 0)
    for one, other in pairwise(known):
        common = _common_length(one, other)
        shared[one] = max(shared[one], common)
        shared[other] = common
    return {identity: identity[: max(SHORT_ID, common + 1)] for identity, common in shared.items()}


def _common_length(one: str, other: str) -> int:
    for length, pair in enumerate(zip(one, other, strict=False)):
        if pair[0] != pair[1]:
            return length
    return min(len(one), len(other))


def folded(text: str) -> str:
    """Case and accents removed, as the lexical index compares words."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def marked(text: str, query: str) -> Line:
    """The text with the words of the query in style "match"."""
    words = re.findall(r"\w+", query)
    terms = {folded(word) for word in words if len(word) > 2 or not word.isascii()}
    spans = []
    for piece in re.split(r"(\w+)", text):
        style = "match" if piece.strip() and _matches(folded(piece), terms) else ""
        spans.append((piece, style))
    return tuple(span for span in spans if span[0])


def _matches(word: str, terms: set[str]) -> bool:
    """Is it one of the terms, or an ending away from one?"""
    for term in terms:
        begins = len(term) > 3 and word.startswith(term)
        # A run of Chinese, Japanese or Thai has no spaces: the term stands somewhere inside.
        inside = not term.isascii() and term in word
        if word == term or begins or inside:
            return True
    return False


def snippet(text: str, query: str, *, width: int) -> list[Line]:
    """The `SNIPPET_LINES` lines of the text, `width` characters each, in which most words of the query stand."""
    columns_wide = max(width, MIN_SNIPPET_WIDTH)
    rows = textwrap.wrap(one_line(text), columns_wide, break_on_hyphens=False)
    if not rows:
        return []
    styled_rows = [marked(row, query) for row in rows]
    hits = [_distinct_matches(row) for row in styled_rows]
    starts = range(max(1, len(rows) - SNIPPET_LINES + 1))
    start = max(starts, key=lambda at: (sum(hits[at : at + SNIPPET_LINES]), -at))
    end = start + SNIPPET_LINES
    chosen = styled_rows[start:end]
    if end < len(rows):
        chosen[-1] = (*chosen[-1], (" …", "dim"))
    return chosen


def _distinct_matches(row: Line) -> int:
    return len({folded(piece) for piece, style in row if style})


def cell_width(text: str) -> int:
    """How many cells of a terminal the text fills (Unicode TR 11)."""
    cells = 0
    for char in text:
        if not unicodedata.combining(char):
            cells += 2 if unicodedata.east_asian_width(char) in "WF" else 1
    return cells


def columns(rows: Sequence[Sequence[str]], styles: Sequence[str] = ()) -> list[Line]:
    """Rows as columns, each as wide as its longest cell; nothing is padded at the end. `styles` are of the columns."""
    table = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(cell_width, column)) for column in zip(*table, strict=True)]
    # Columns without a style of their own have none.
    styles = [*styles, *("" for _ in widths)]
    done = []
    for row in table:
        while len(row) > 1 and not row[-1]:
            row.pop()
        spans = zip(_padded(row, widths), styles, strict=False)
        done.append(tuple(span for span in spans if span[0]))
    return done


def _padded(row: list[str], widths: list[int]) -> list[str]:
    """The cells, every one but the last filled up to the width of its column and the gap beside it."""
    *front, last = row
    padded = []
    for cell, width in zip(front, widths, strict=False):
        padded.append(cell + " " * (width - cell_width(cell) + COLUMN_GAP))
    return [*padded, last]
