"""Where a span of a text is found by a person: "L12-40", "¶3-5", "p. 3-4", "slide 7", "Sheet!B2:F9".

A reader gives each section a locator; here they are made for lines and paragraphs, which can be counted in the text,
and put together for a span that touches several sections. Leaves out turning a locator back into a span (the store
does that). Serves the readers and the chunker.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate

from ingest.document import Section

_COUNTED = re.compile(r"(L|¶)(\d+)(?:-\d+)?")
# What stands between two that are counted: lines of a file, paragraphs.
_SEPARATORS = {
    "L": "\n",
    "¶": "\n\n",
}
_NUMBERED = re.compile(r"(\D+)(\d.*)", re.S)
_CELLS = re.compile(r".+![A-Z]{1,3}\d+(?::[A-Z]{1,3}\d+)?", re.S)
_CELL = re.compile(r"([A-Z]+)(\d+)")


def of_lines(first: int, last: int) -> str:
    """ "L12-40", or "L12" for one line; lines count from 1, both ends included."""
    return _counted("L", first, last)


def of_paragraphs(first: int, last: int) -> str:
    """ "¶12-30", or "¶12" for one paragraph; paragraphs count from 1, both ends included."""
    return _counted("¶", first, last)


def of_cells(first: str, last: str) -> str:
    """ "B2:F9", or "B2" for one cell, of the corners of a range."""
    if first == last:
        return first
    return f"{first}:{last}"


def _counted(mark: str, first: int, last: int) -> str:
    locator = f"{mark}{first}"
    if last > first:
        locator += f"-{last}"
    return locator


def is_counted(locator: str) -> bool:
    """Whether it names lines or paragraphs, which can be counted in the text, and not a page or the like."""
    found = _COUNTED.fullmatch(locator)
    return found is not None


class Locators:
    """Locators of spans of the sections' joined text."""

    def __init__(self, sections: Sequence[Section], text: str) -> None:
        self.sections = sections
        self.text = text
        lengths = (len(section.text) for section in sections)
        self.starts = list(accumulate(lengths, initial=0))
        self.mark = ""  # "L" or "¶" where the text is counted
        if sections:
            opening = sections[0].locator
            if is_counted(opening):
                self.mark = opening[0]
        # Where the separators of one section end, the one that was counted in last: a long text has thousands of spans.
        self._counted_in = -1
        self._ends: list[int] = []

    def of(self, start: int, end: int) -> str:
        """The locator of the characters from `start` to `end`, without the white space around them."""
        span = self.text[start:end]
        after = span.lstrip()
        before = span.rstrip()
        first = end - len(after)
        last = start + len(before) - 1
        if self.mark:
            opening = self._number(first)
            closing = self._number(last)
            return _counted(self.mark, opening, closing)
        opening = self._section(first)
        after_closing = self._section(last) + 1
        touched = self.sections[opening:after_closing]
        locators = [section.locator for section in touched]
        return _together(locators)

    def _section(self, offset: int) -> int:
        return bisect_right(self.starts, offset) - 1

    def _number(self, offset: int) -> int:
        """Which line or paragraph of the file stands at the offset."""
        at = self._section(offset)
        locator = self.sections[at].locator
        counted = _COUNTED.fullmatch(locator)
        number = 1
        if counted:
            number = int(counted[2])
        if at != self._counted_in:
            self._counted_in = at
            self._ends = self._separators(at)
        return number + bisect_right(self._ends, offset)

    def _separators(self, at: int) -> list[int]:
        """Where in the text each separator of a section ends."""
        span = slice(*self.starts[at : at + 2])
        separators = re.finditer(_SEPARATORS[self.mark], self.text[span])
        return [self.starts[at] + found.end() for found in separators]


def _together(locators: list[str]) -> str:
    """From one part to another: "p. 3-4", "slide 7-8", "00:14:05-00:15:10", or the cells: "Sheet!B2:F9; Costs!A1"."""
    if all(map(_CELLS.fullmatch, locators)):
        return _cell_ranges(locators)
    first = locators[0]
    last = locators[-1]
    if first == last:
        return first
    opening = _NUMBERED.fullmatch(first)
    closing = _NUMBERED.fullmatch(last)
    if opening and closing:
        kind, _number = closing.groups()
        if opening[1] == kind:
            last = closing[2]
    return f"{first}-{last}"


def _cell_ranges(locators: list[str]) -> str:
    """For each sheet, the one range around all of its cells."""
    cells_of: dict[str, str] = defaultdict(str)
    for locator in locators:
        sheet, _mark, cells = locator.rpartition("!")
        cells_of[sheet] += cells + " "
    ranges = []
    for sheet, cells in cells_of.items():
        around = _range_around(cells)
        address = f"{sheet}!{around}"
        ranges.append(address)
    return "; ".join(ranges)


def _range_around(cells: str) -> str:
    """The range of cells from the first column and row to the last: "B2:F9" of "B2:C3 F9"."""
    columns = []
    rows = []
    for column, number in _CELL.findall(cells):
        columns.append(column)
        rows.append(int(number))
    # Column Z comes before column AA.
    columns.sort()
    columns.sort(key=len)
    left = columns[0]
    right = columns[-1]
    top = min(rows)
    bottom = max(rows)
    return of_cells(f"{left}{top}", f"{right}{bottom}")
