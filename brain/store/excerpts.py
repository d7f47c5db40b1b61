"""Which part of a stored text a number points at: a line, a paragraph, a page, a slide, a chapter, a row of a sheet.

The chunks' locators say what is counted; every part comes back word for word, under the locator that it really has.
Leaves out finding the document (library.py). Serves `brain get PATH:NUMBER`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from brain.errors import NotFound

if TYPE_CHECKING:
    from brain.reports import Excerpt

LINES_SHOWN = 40  # `get PATH:LINE` without a count
LINES = re.compile(r"L(?P<first>\d+)(?:-(?P<last>\d+))?$")
PARAGRAPHS = re.compile(r"¶(?P<first>\d+)(?:-(?P<last>\d+))?$")
PARTS = re.compile(r"(?P<unit>p\. |slide |ch\. |§)(?P<first>\d+)(?:-(?P<last>\d+))?$")
CELLS = re.compile(r"![A-Z]{1,3}(?P<first>\d+)(?::[A-Z]{1,3}(?P<last>\d+))?(?=; |$)")
UNITS = {"p. ": "page", "slide ": "slide", "ch. ": "chapter", "§": "section"}
HINT = "leave the number away to see all of it"

Chunks = Sequence[tuple[str, str]]  # (locator, text), in the order of the document


class Span(NamedTuple):
    """What a locator counts, and the first and the last of them that the chunk holds."""

    unit: str
    first: int
    last: int

    def overlaps(self, wanted: range) -> bool:
        """Whether one of the wanted numbers is in it."""
        if self.last < wanted.start:
            return False
        return self.first < wanted.stop


def narrowed(whole: Excerpt, chunks: Chunks, first: int, count: int) -> Excerpt:
    """Part `first` of a document and those behind it, `count` in all (0: as many as one looks at). Of a text with lines
    its lines, all of them when `first` is 0. Raises `NotFound` when there is no such part.
    """
    locator = chunks[0][0] if chunks else ""
    if LINES.match(locator):
        return _lines(whole, chunks, first, count or LINES_SHOWN)
    if not first:
        return whole
    wanted = range(first, first + (count or 1))
    if PARAGRAPHS.match(locator):
        return _paragraphs(whole, chunks, wanted)
    return _parts(whole, chunks, wanted)


def span_of(unit: str, found: re.Match[str]) -> Span:
    """The numbers of a locator that matched: "L12-40" is 12 to 40, "L12" is 12 to 12."""
    first = int(found["first"])
    last = found["last"]
    if last is None:
        return Span(unit, first, first)
    return Span(unit, first, int(last))


def _lines(whole: Excerpt, chunks: Chunks, first: int, count: int) -> Excerpt:
    """The lines of the file that the chunks carry, by their numbers in the file."""
    lines = _numbered(chunks, LINES, "\n")
    if not lines:  # chunks without their texts are damaged; the document has its own
        return whole
    end = max(lines)
    wanted = sorted(lines)
    if first:
        wanted = [n for n in wanted if first <= n < first + count]
    if not wanted:
        raise NotFound(f"{whole.source} ends at line {end}", "ask for an earlier line")
    # a chunk may begin in the middle of a line, and the last line may have no end
    text = "\n".join(lines[n].replace("\n", "") for n in wanted) + "\n"
    top = wanted[0]
    bottom = wanted[-1]
    return replace(
        whole,
        text=text,
        locator=f"L{top}-{bottom}",
        start_line=top,
        end_line=bottom,
        total_lines=end,
    )


def each(chunks: Chunks) -> list[tuple[str, str]]:
    """(locator, text) of every line of a text with lines, of every place of another, in the order of the document."""
    if chunks and LINES.match(chunks[0][0]):
        lines = _numbered(chunks, LINES, "\n")
        return [(f"L{n}", lines[n].replace("\n", "")) for n in sorted(lines)]
    places: list[tuple[str, str]] = []
    for locator, text in chunks:
        if places and places[-1][0] == locator:
            text = places.pop()[1] + text
        places.append((locator, text))
    return places


def _paragraphs(whole: Excerpt, chunks: Chunks, wanted: range) -> Excerpt:
    paragraphs = _numbered(chunks, PARAGRAPHS, "\n\n")
    there = [n for n in wanted if n in paragraphs]
    if not there:
        raise NotFound(f"{whole.source} ends at paragraph {max(paragraphs)}", HINT)
    first = there[0]
    last = there[-1]
    locator = _ranged("¶", first, last)
    text = "".join(paragraphs[n] for n in there)
    return replace(whole, locator=locator, text=text)


def _numbered(
    chunks: Chunks, counted: re.Pattern[str], separator: str
) -> dict[int, str]:
    """Number -> text of what the locators count, put together where two chunks share one."""
    found: dict[int, str] = {}
    for locator, text in chunks:
        match = counted.match(locator)
        number = 1
        if match:
            number = span_of("", match).first
        # the locator counts from the first word: white space before it counts as well
        space = text.removesuffix(text.lstrip())
        number -= space.count(separator)
        for piece in _pieces(text, separator):
            found[number] = found.get(number, "") + piece
            number += piece.endswith(separator)
    return found


def _pieces(text: str, separator: str) -> Iterator[str]:
    """The text cut behind every separator."""
    start = 0
    found = text.find(separator)
    while found >= 0:
        end = found + len(separator)
        yield text[start:end]
        start = end
        found = text.find(separator, start)
    if start < len(text):
        yield text[start:]


def _parts(whole: Excerpt, chunks: Chunks, wanted: range) -> Excerpt:
    """Pages, slides, chapters, sections and rows by their numbers; places of other kinds as they follow each other."""
    unit = ""
    end = 0
    place = 0
    before: str | None = None
    locators: list[str] = []
    text = ""
    for locator, piece in chunks:
        if locator != before:
            place += 1
            before = locator
        spans = _spans(locator) or [Span("part", place, place)]
        unit = unit or spans[0].unit
        end = max(end, *(span.last for span in spans))
        if any(span.overlaps(wanted) for span in spans):
            locators.append(locator)
            text += piece
    if not locators:
        what = f"{unit or 'part'} {wanted.start}"
        raise NotFound(f"{whole.source} has no {what}, it ends at {end}", HINT)
    return replace(whole, locator=_joined(locators), text=text)


def _spans(locator: str) -> list[Span]:
    """One of "slide 7-8", one for each range of "Costs!B2:F9; Lists!A1", else none."""
    part = PARTS.match(locator)
    if part:
        return [span_of(UNITS[part["unit"]], part)]
    return [span_of("row", found) for found in CELLS.finditer(locator)]


def _joined(locators: list[str]) -> str:
    """One locator for parts that follow each other: "slide 7-9"; ranges of a sheet stay as they are."""
    first = PARTS.match(locators[0])
    last = PARTS.match(locators[-1])
    if not first or not last:
        return "; ".join(dict.fromkeys(locators))
    end = last["last"] or last["first"]
    return _ranged(first["unit"], first["first"], end)


def _ranged(unit: str, first: object, last: object) -> str:
    """ "p. 7", or "p. 7-9"."""
    if first == last:
        return f"{unit}{first}"
    return f"{unit}{first}-{last}"
