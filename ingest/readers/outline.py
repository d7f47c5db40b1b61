"""Blocks of text with heading levels -> sections located by paragraph: "¶12-30"; and how readers put words on a line.

A paragraph or a table is one block and one number. Inside a block no line is blank, so that the number of any offset
can be counted from the text (`ingest.locators`). Leaves out formats. Serves the readers; sections, above all those of
word processors' files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ingest.document import Heading, Section
from ingest.entities import as_seen
from ingest.locators import of_paragraphs

HEADING_CHARS = 300  # of a heading taken into the path; the text keeps all of it
_BLANK = re.compile(r"\n[ \t]*(?=\n)")


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a heading (`level` 1-9) or a table (`atomic`) with its row of column names (`header`)."""

    text: str
    level: int = 0
    atomic: bool = False
    header: str = ""


class Headings:
    """The headings above the place that a reader has come to."""

    def __init__(self) -> None:
        self._words: dict[int, str] = {}  # by level, which only grows

    def enter(self, level: int, words: str) -> None:
        """A heading ends those of its own level and below."""
        above = {known: said for known, said in self._words.items() if known < level}
        self._words = above | {level: words}

    @property
    def path(self) -> Heading:
        return tuple(self._words.values())


def sections(blocks: Iterable[Block]) -> Iterator[Section]:
    """One section per heading, tables their own; the texts joined are the document."""
    headings = Headings()
    pending: list[str] = []
    number = 0

    def flush(atomic: bool = False, header: str = "") -> Iterator[Section]:
        if pending:
            where = of_paragraphs(number - len(pending) + 1, number)
            yield Section("".join(pending), headings.path, where, atomic, header)
            pending.clear()

    for block in blocks:
        text = _BLANK.sub("", block.text.strip("\n")).rstrip()
        if not text.strip():
            continue
        if block.level or block.atomic:
            yield from flush()
        if block.level:
            headings.enter(block.level, one_line(text)[:HEADING_CHARS])
        number += 1
        pending.append(text + "\n\n")
        if block.atomic:
            yield from flush(atomic=True, header=block.header)
    yield from flush()


def by_heading(
    blocks: Iterable[Block], where: str, title: str = ""
) -> Iterator[Section]:
    """The sections of each heading, all under the title where there is one; a table is a section of its own.

    `where` is the locator; "§{}" counts the headings that have something below or above them.
    """
    headings = Headings()
    if title:
        headings.enter(0, title)
    body: list[str] = []
    number = 1
    used = False

    def flush() -> Iterator[Section]:
        if body:
            yield Section(paragraphs(body), headings.path, where.format(number))
            body.clear()

    for block in blocks:
        words = block.text
        if block.level:
            yield from flush()
            number += used
            words = one_line(words)
            headings.enter(block.level, words[:HEADING_CHARS])
        used = True
        if block.atomic:
            yield from flush()
            yield Section(
                paragraphs([words]),
                headings.path,
                where.format(number),
                block.atomic,
                block.header,
            )
        else:
            body.append(words)
    yield from flush()


def slide(number: int, shapes: Iterable[tuple[bool, str]]) -> Iterator[Section]:
    """One slide of a presentation as a section, its title first, of (is a title, text); none without text."""
    title: Heading = ()
    texts: list[str] = []
    for is_title, text in shapes:
        if is_title and not title:
            title = (one_line(text)[:HEADING_CHARS],)
            texts.insert(0, text)
        elif text.strip():
            texts.append(text)
    if texts:
        yield Section(paragraphs(texts), title, f"slide {number}")


def paragraphs(texts: Iterable[str]) -> str:
    """Texts parted by blank lines, with one at the end for what follows."""
    return "\n\n".join(texts) + "\n\n"


def one_line(text: str) -> str:
    """The words of a text with single spaces between them, without signs that nobody sees."""
    return " ".join(as_seen(text).split())


def has_letters(text: str) -> bool:
    """Whether it says anything in words: a page number does not."""
    return any(map(str.isalpha, text))


def listed(item: str) -> str:
    """A paragraph of a list as a line of its own; an empty one stays empty."""
    if not item.strip():
        return item
    return f"- {item}"


def row(cells: Iterable[str]) -> str:
    """One line of a table: cells between bars, without empty ones at its end; "" for an empty row."""
    words = [one_line(cell) for cell in cells]
    while words and not words[-1]:
        words.pop()
    return " | ".join(words)


def comment(text: str, *by: str) -> str:
    """A remark in the margin, with what is known of who made it and when."""
    who = ", ".join(filter(None, by))
    if who:
        return f"Comment ({who}): {text}"
    return f"Comment: {text}"
