"""Lines of styled text, and the small phrases that every view uses: counts, sizes, places, snippets.

Leaves out the terminal: a line is a tuple of (text, style) pairs, styles are names that `render` turns into colour or
drops. Serves the views, which are functions from a value to lines.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from brain.doors.text import one_line

Span: TypeAlias = tuple[str, str]
Line: TypeAlias = tuple[Span, ...]

SHORT_ID = 6  # STYLE.md: the shortest unambiguous prefix of at least six characters
SNIPPET_LINES = 2  # issue 2: a passage is listed with two lines of its text
KIB = 1024
MINUTE, HOUR = 60, 3_600  # seconds


def line(*parts: str | Span) -> Line:
    """A line of plain strings and (text, style) pairs; empty parts are dropped."""
    spans = ((part, "") if isinstance(part, str) else part for part in parts)
    return tuple(span for span in spans if span[0])


def plain(spans: Line) -> str:
    """The line without its styles."""
    return "".join(text for text, _style in spans)


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 passage`, `1,204 passages`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(number: int) -> str:
    """Bytes as a person says them: `312 KB`, `1.1 GB` (steps of 1,024)."""
    value, unit = float(number), "B"
    for larger in ("KB", "MB", "GB", "TB"):
        if value < KIB:
            break
        value, unit = value / KIB, larger
    return (
        f"{value:,.1f} {unit}" if unit not in ("B", "KB") and value < 10 else f"{value:,.0f} {unit}"
    )


def duration(seconds: float) -> str:
    """`40 s`, `4 min`, `2 h 10 min`."""
    if seconds < MINUTE:
        return f"{max(1, round(seconds))} s"
    if seconds < HOUR:
        return f"{round(seconds / MINUTE)} min"
    hours, rest = divmod(round(seconds / MINUTE), HOUR // MINUTE)
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


def short_ids(ids: Iterable[str]) -> dict[str, str]:
    """Each id's shortest prefix, of at least `SHORT_ID` characters, that no other of these ids shares."""
    known = sorted(set(ids))
    short = {}
    for at, identity in enumerate(known):
        beside = known[max(0, at - 1) : at] + known[at + 1 : at + 2]
        length = SHORT_ID
        while length < len(identity) and any(
            other.startswith(identity[:length]) for other in beside
        ):
            length += 1
        short[identity] = identity[:length]
    return short


def folded(text: str) -> str:
    """Case and accents removed, as the lexical index compares words."""
    return "".join(
        c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c)
    )


def marked(text: str, query: str) -> Line:
    """The text with the words of the query in style "match"."""
    terms = {
        folded(word) for word in re.findall(r"\w+", query) if len(word) > 2 or not word.isascii()
    }
    spans: list[Span] = []
    for piece in re.split(r"(\w+)", text):
        word = folded(piece)
        hit = word in terms or any(len(term) > 3 and word.startswith(term) for term in terms)
        hit = hit or any(not term.isascii() and term in word for term in terms)
        spans.append((piece, "match" if hit and piece.strip() else ""))
    return line(*spans)


def snippet(text: str, query: str, *, width: int) -> list[Line]:
    """The `SNIPPET_LINES` lines of the text, `width` characters each, in which most words of the query stand."""
    rows = textwrap.wrap(one_line(text), max(width, 20), break_on_hyphens=False)
    if not rows:
        return []
    styled = [marked(row, query) for row in rows]
    hits = [len({folded(part) for part, style in row if style}) for row in styled]
    starts = range(max(1, len(rows) - SNIPPET_LINES + 1))
    start = max(starts, key=lambda at: (sum(hits[at : at + SNIPPET_LINES]), -at))
    chosen = styled[start : start + SNIPPET_LINES]
    if start + SNIPPET_LINES < len(rows):
        chosen[-1] = (*chosen[-1], (" …", "dim"))
    return chosen


def wide(text: str) -> int:
    """How many cells of a terminal the text fills (Unicode TR 11)."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def columns(rows: Sequence[Sequence[str]], styles: Sequence[str] = ()) -> list[Line]:
    """Rows as columns, each as wide as its longest cell; nothing is padded at the end. `styles` are of the columns."""
    cells = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(wide(row[at]) for row in cells) for at in range(len(cells[0]))] if cells else []
    done = []
    for row in cells:
        last = max((at for at, cell in enumerate(row) if cell), default=0)
        padded = [
            cell + " " * (widths[at] - wide(cell) + 2) for at, cell in enumerate(row[:last])
        ] + [row[last]]
        done.append(
            line(
                *((cell, styles[at] if at < len(styles) else "") for at, cell in enumerate(padded))
            )
        )
    return done
