"""Where a place of a document is on the page: its address, its anchor, and which characters of its text a quote is.

An address carries the quote itself, so that it is marked where it stands now, and nothing is where it stands no more;
and its place beside it, since what follows a # is never sent to a server. Leaves drawing to the templates. Serves the
pages.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote as escaped
from urllib.parse import urlencode

from brain.app.originals import Part
from brain.types import Span

# What a locator counts -> how an anchor on the page begins.
UNITS = {"L": "L", "¶": "par", "§": "sec", "p. ": "p", "slide ": "slide", "ch. ": "ch"}
COUNTED = re.compile(rf"(?P<unit>{'|'.join(map(re.escape, UNITS))})(?P<number>\d+)")
LINE = re.compile(r"L(\d+)(?:-(\d+))?$")
PAGE = re.compile(r"p\. (\d+)")
WHITE = re.compile(r"\s+")
LONG_WHITE = re.compile(r"\s{2,}")
MARKDOWN_HEADING = re.compile(r"#{1,6} ")
QUOTE_CHARS = 4_000  # of an address; a longer quote is found by its beginning
PARTS_SHOWN = (
    2_000  # lines or places of one page: a browser lays out more than that slowly
)

Pieces = list[tuple[str, bool]]
"""A text in pieces, each with whether it is marked."""


@dataclass(frozen=True, slots=True)
class ShownPart:
    """One part of a document as the page shows it. `here`: the quote begins in it."""

    anchor: str
    locator: str
    number: str
    pieces: Pieces
    is_line: bool
    is_heading: bool
    here: bool
    page: str


def anchor(locator: str) -> str:
    """What stands behind the # of an address.

    >>> [anchor("L8-12"), anchor("p. 3"), anchor("slide 7"), anchor("Costs!B2:F9")]
    ['L8', 'p3', 'slide7', 'Costs-B2-F9']
    """
    counted = COUNTED.match(locator)
    if counted:
        return UNITS[counted["unit"]] + counted["number"]
    return re.sub(r"\W+", "-", locator).strip("-")


def address(reference: str, source: str, locator: str, quote: str = "") -> str:
    """Of a place on the page: a page of a PDF as it looks, every other place in its text."""
    document = f"/doc/{escaped(reference, safe='')}"
    fields = {"quote": quote[:QUOTE_CHARS]} if quote else {}
    place = anchor(locator)
    page = PAGE.match(locator)
    if page and source.lower().endswith(".pdf"):
        document += f"/page/{page[1]}"
        place = ""
    elif fields and place:
        fields = {"at": place, **fields}
    query = f"?{urlencode(fields)}" if fields else ""
    return f"{document}{query}#{escaped(place)}" if place else document + query


def in_words(locator: str) -> str:
    """A locator as a person says it: `line 8`, `lines 8 to 12`; others as they are."""
    lines = LINE.match(locator)
    if not lines:
        return locator
    first, last = lines.groups()
    if last and last != first:
        return f"lines {first} to {last}"
    return f"line {first}"


def find(text: str, quote: str, near: int = 0) -> Span | None:
    """From where to where the quote stands in the text, however its white space is; of several the one nearest to
    character `near`. None where it stands nowhere. Takes time in proportion to the text, whatever the two are.

    >>> find("a b\\nc. a b c.", "b c.", 9)
    (9, 13)
    """
    wanted = " ".join(quote.split())
    if not wanted:
        return None
    squeezed = _Squeezed(text)
    nearest = None
    at = squeezed.text.find(wanted)
    while at >= 0:
        span = squeezed.place(at), squeezed.place(at + len(wanted) - 1) + 1
        if nearest is None or abs(span[0] - near) < abs(nearest[0] - near):
            nearest = span
        if span[0] >= near:
            break
        at = squeezed.text.find(wanted, at + len(wanted))
    return nearest


class _Squeezed:
    """A text with one space in the place of each run of white space."""

    def __init__(self, text: str) -> None:
        self.text = WHITE.sub(" ", text)
        self._from = [0]  # the character from which on so many are left out
        self._left_out = [0]
        for run in LONG_WHITE.finditer(text):
            gone = self._left_out[-1] + len(run[0]) - 1
            self._from.append(run.end() - gone)
            self._left_out.append(gone)

    def place(self, at: int) -> int:
        """Where a character of it stands in the text as it was."""
        return at + self._left_out[bisect_right(self._from, at) - 1]


def pieces(text: str, span: Span | None) -> Pieces:
    """The text with this part of it marked."""
    if span is None or span[1] <= 0 or span[0] >= len(text):
        return [(text, False)]
    start, end = max(0, span[0]), span[1]
    cut = [(text[:start], False), (text[start:end], True), (text[end:], False)]
    return [piece for piece in cut if piece[0]]


class Text:
    """The parts of a document, one text for finding a quote in."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts
        self.are_lines = bool(parts) and bool(LINE.match(parts[0].locator))
        self._starts: list[int] = []
        at = 0
        for part in parts:
            self._starts.append(at)
            at += len(part.text) + 1
        self._text = "\n".join(part.text for part in parts)

    def place(self, quote: str, where: str) -> Span | None:
        """Where the quote stands; of several places the one nearest to this anchor."""
        number = self.number_of(where)
        return find(self._text, quote, self._starts[number] if number else 0)

    def number_of(self, where: str) -> int:
        """The number, from 0, of the part with this anchor, 0 where there is none."""
        for number, part in enumerate(self.parts):
            if anchor(part.locator) == where:
                return number
        return 0

    def number_at(self, character: int) -> int:
        """The number of the part in which a character stands."""
        last = 0
        for number, start in enumerate(self._starts):
            if start <= character:
                last = number
        return last

    def shown(
        self, first: int, count: int, span: Span | None, *, headings: bool
    ) -> list[ShownPart]:
        """So many parts from that one on. `headings`: lines may be those of Markdown."""
        done = []
        begins = self.number_at(span[0]) if span else -1
        numbers = range(first, min(first + count, len(self.parts)))
        for number, name in zip(numbers, self._anchors(numbers), strict=True):
            part = self.parts[number]
            at = self._starts[number]
            moved = (span[0] - at, span[1] - at) if span else None
            line = LINE.match(part.locator)
            page = PAGE.match(part.locator)
            done.append(
                ShownPart(
                    name,
                    part.locator,
                    line[1] if line else "",
                    pieces(part.text, moved),
                    is_line=line is not None,
                    is_heading=headings and bool(MARKDOWN_HEADING.match(part.text)),
                    here=number == begins,
                    page=page[1] if page else "",
                )
            )
        return done

    def _anchors(self, numbers: Iterable[int]) -> list[str]:
        """An anchor for each part, none twice."""
        seen: set[str] = set()
        done = []
        for number in numbers:
            name = anchor(self.parts[number].locator) or f"part{number + 1}"
            name = f"{name}-{number + 1}" if name in seen else name
            seen.add(name)
            done.append(name)
        return done
