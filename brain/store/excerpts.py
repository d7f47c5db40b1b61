"""Which part of a stored text a number points at: a line, a paragraph, a page, a slide, a chapter, a row of a sheet.

The chunks' locators say what is counted; every part comes back word for word, under the locator that it really has. Leaves
out finding the document (library.py). Serves `brain get PATH:NUMBER`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from brain.errors import NotFound

if TYPE_CHECKING:
    from brain.types import Excerpt

LINES_SHOWN = 40  # `get PATH:LINE` without a count
LINES = re.compile(r"L(\d+)(?:-(\d+))?$")
PARAGRAPHS = re.compile(r"¶(\d+)(?:-(\d+))?$")
PARTS = re.compile(r"(p\. |slide |ch\. |§)(\d+)(?:-(\d+))?$")
CELLS = re.compile(r"![A-Z]{1,3}(\d+)(?::[A-Z]{1,3}(\d+))?(?=; |$)")
UNITS = {"p. ": "page", "slide ": "slide", "ch. ": "chapter", "§": "section"}
WHOLE = "leave the number away to see all of it"

Chunks = Sequence[tuple[str, str]]  # (locator, text), in the order of the document


def narrowed(whole: Excerpt, chunks: Chunks, first: int, count: int) -> Excerpt:
    """Part `first` of a document and those behind it, `count` in all (0: as many as one looks at). Of a text with lines
    its lines, all of them when `first` is 0. Raises `NotFound` when there is no such part.
    """
    if chunks and LINES.match(chunks[0][0]):
        return _lines(whole, chunks, first, count or LINES_SHOWN)
    if not first:
        return whole
    wanted = range(first, first + (count or 1))
    if chunks and PARAGRAPHS.match(chunks[0][0]):
        return _paragraphs(whole, chunks, wanted)
    return _parts(whole, chunks, wanted)


def counted_from(first: int, text: str, separator: str) -> int:
    """The number at offset 0 of a text whose locator counts from its first word: white space before it counts as well."""
    return first - text[: len(text) - len(text.lstrip())].count(separator)


def _lines(whole: Excerpt, chunks: Chunks, first: int, count: int) -> Excerpt:
    """The lines of the file that the chunks carry, by their numbers in the file."""
    lines: dict[int, str] = {}
    for locator, text in chunks:
        span = LINES.match(locator)
        start = counted_from(int(span[1]) if span else 1, text, "\n")
        for i, line in enumerate(text.removesuffix("\n").split("\n")):
            lines[start + i] = lines.get(start + i, "") + line
    last = max(lines)
    wanted = [n for n in sorted(lines) if not first or first <= n < first + count]
    if not wanted:
        raise NotFound(f"{whole.source} ends at line {last}", "ask for an earlier line")
    text = "\n".join(lines[n] for n in wanted) + "\n"
    where = f"L{wanted[0]}-{wanted[-1]}"
    return replace(
        whole, text=text, locator=where, start_line=wanted[0], end_line=wanted[-1], total_lines=last
    )


def _paragraphs(whole: Excerpt, chunks: Chunks, wanted: range) -> Excerpt:
    found: dict[int, str] = {}
    for locator, text in chunks:
        span = PARAGRAPHS.match(locator)
        number = counted_from(int(span[1]) if span else 1, text, "\n\n")
        for piece in _pieces(text):
            found[number] = found.get(number, "") + piece
            number += piece.endswith("\n\n")
    there = [n for n in wanted if n in found]
    if not there:
        raise NotFound(f"{whole.source} ends at paragraph {max(found)}", WHOLE)
    where = f"¶{there[0]}-{there[-1]}" if len(there) > 1 else f"¶{there[0]}"
    return replace(whole, locator=where, text="".join(found[n] for n in there))


def _pieces(text: str) -> Iterator[str]:
    """The paragraphs, each with the blank line behind it."""
    at = 0
    while (end := text.find("\n\n", at)) >= 0:
        yield text[at : end + 2]
        at = end + 2
    if at < len(text):
        yield text[at:]


def _parts(whole: Excerpt, chunks: Chunks, wanted: range) -> Excerpt:
    """Pages, slides, chapters, sections and rows by their numbers; places of other kinds as they follow each other."""
    spans, at, before = [], 0, None
    for locator, _text in chunks:
        at, before = at + (locator != before), locator
        spans.append(_spans(locator) or [("part", at, at)])
    there = [
        i
        for i, found in enumerate(spans)
        if any(a < wanted.stop and b >= wanted.start for _unit, a, b in found)
    ]
    if not there:
        unit = spans[0][0][0] if spans else "part"
        last = max((b for found in spans for _unit, _a, b in found), default=0)
        raise NotFound(f"{whole.source} has no {unit} {wanted.start}, it ends at {last}", WHOLE)
    locators = dict.fromkeys(chunks[i][0] for i in there)
    return replace(
        whole, locator=_joined(list(locators)), text="".join(chunks[i][1] for i in there)
    )


def _spans(locator: str) -> list[tuple[str, int, int]]:
    """(what is counted, first, last): of "slide 7-8" one, of "Costs!B2:F9; Lists!A1" one for each range, else none."""
    part = PARTS.match(locator)
    if part:
        return [(UNITS[part[1]], int(part[2]), int(part[3] or part[2]))]
    return [("row", int(found[1]), int(found[2] or found[1])) for found in CELLS.finditer(locator)]


def _joined(locators: list[str]) -> str:
    """One locator for parts that follow each other: "slide 7-9"; ranges of a sheet stay as they are."""
    first, last = PARTS.match(locators[0]), PARTS.match(locators[-1])
    if not first or not last:
        return "; ".join(locators)
    low, high = first[2], last[3] or last[2]
    return f"{first[1]}{low}-{high}" if low != high else f"{first[1]}{low}"
