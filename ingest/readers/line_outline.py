"""Texts whose lines stay as they are, parted at marks: headings by level, and blocks that are kept whole.

The readers of light markup (Org, reStructuredText, AsciiDoc, manual pages) say where the marks are; here they become
sections with heading paths and line locators. Leaves out markup. Serves those readers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from ingest.document import Section
from ingest.locators import of_lines
from ingest.readers.outline import HEADING_CHARS, Headings, one_line


@dataclass(frozen=True, slots=True)
class Mark:
    """Where something begins. `first`: its line, from 0. `level`: of a heading, with its words; 0 for a block of prose,
    or of what is kept whole (`atomic`)."""

    first: int
    level: int = 0
    words: str = ""
    atomic: bool = False


def sections(lines: list[str], marks: Iterable[Mark]) -> Iterator[Section]:
    """The text in order, from its first line that is not blank. `lines` are without their newlines; `marks` ascend."""
    end = len(lines)
    filled = (at for at, line in enumerate(lines) if line.strip())
    start = next(filled, end)
    known = [Mark(start), *marks, Mark(end)]
    headings = Headings()
    for mark, following in pairwise(known):
        if mark.level:
            words = one_line(mark.words)
            headings.enter(mark.level, words[:HEADING_CHARS])
        if following.first <= mark.first:
            continue
        body = "\n".join(lines[mark.first : following.first])
        if following.first < end:
            body += "\n"
        where = of_lines(mark.first + 1, following.first)
        yield Section(body, headings.path, where, mark.atomic)
