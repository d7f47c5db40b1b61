"""A page's tree -> its text, block by block: headings, paragraphs, items, rows of tables, code, formulas.

A row of a table is one line whatever stands in its cells; tables that only lay a page out flow like other text. A term
of a list of definitions stands on the line of its definition. What a `Judge` calls no text is left out and counted.
Leaves out which blocks are furniture (`html`), links and pictures. Serves `html`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingest.readers import formulas, html_tables
from ingest.readers.outline import Block, one_line
from ingest.readers.xml import local

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

TERM_CHARS = 120  # a longer term of a definition stands on a line of its own
_BLOCKS = set(
    "p div section article main header ul ol list dl dt dd table caption td th blockquote figure figcaption address "
    "details summary hr fieldset legend body center nav footer aside form menu dialog".split()
)
_CODE = {"script", "style", "template", "title"}
NO_TEXT = frozenset(
    _CODE
    | set("noscript svg iframe object select textarea canvas audio video map".split())
)
HIDDEN_TEXT = "hidden text"
CONTROLS = "controls"
BUTTON_WORDS = 3  # a button with more, or in a heading, opens an answer
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6", "summary", "dt")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_SIGNS = {"-", "|"}
_ITEMS = {"li", "item"}
_LINES = {"tr", "text", "br"}  # "text": a line of a drawing
_CELLS = {"td", "th"}
_LEVELS = {f"h{level}": level for level in range(1, 7)}
_VERBATIM = {"pre", "code"}
# What is struck out was said, and is not said any more.
_MARKS = dict.fromkeys(("del", "s", "strike"), ("~~", "~~")) | {"q": ("“", "”")}


class Judge:
    """What of a page is no text of it, with its words counted. This one knows what nobody sees; `html` has one for web
    pages, which knows their furniture."""

    def __init__(self, textless: frozenset[str] = NO_TEXT) -> None:
        self._textless = textless
        self.left_out: Counter[str] = Counter()  # words, by what they are

    def dropped(self, element: Element, tag: str) -> bool:
        """Whether an element is left out, with all that it holds."""
        what = self._what(element, tag)
        if what and tag not in _CODE:
            self.left_out[what] += count_words(element)
        return bool(what) or formulas.is_drawing_of_one(element)

    def _what(self, element: Element, tag: str) -> str:
        if _is_hidden(element) and not formulas.holds_formula(element):
            return HIDDEN_TEXT
        is_control = tag in self._textless or (
            tag == "button" and not _is_question(element)
        )
        return CONTROLS if is_control else ""

    def zone(self, element: Element, tag: str) -> str:
        """The part of the page, often furniture, that the element begins; "" for none."""
        return ""

    def is_furniture(self, zone: str, text: str, linked: int) -> bool:
        """Whether a block in such a part, with so many of its words in links, is furniture."""
        return False


def _is_hidden(element: Element) -> bool:
    if element.get("hidden", "until-found") != "until-found":
        return True
    return bool(_HIDDEN.search((element.get("style") or "")[:2000]))


def _is_question(button: Element) -> bool:
    """Whether a button is the question above an answer that it opens."""
    in_heading = next(button.iterancestors(*_HEADINGS), None) is not None
    return in_heading or count_words(button) > BUTTON_WORDS


def number_of_words(text: str) -> int:
    """How many words a text has, without the marks of items and cells."""
    return sum(word not in _SIGNS for word in text.split())


def count_words(element: Element) -> int:
    """How many words stand in an element."""
    return number_of_words(" ".join(map(str, element.itertext())))


@dataclass(slots=True)
class _Walk:
    """Where the walk over a tree has come to."""

    judge: Judge
    pieces: list[str] = field(default_factory=list)
    zones: list[str] = field(default_factory=list)  # those open
    headings: list[Block] = field(default_factory=list)  # in zones, nothing below yet
    verbatim: int = 0  # elements open in which lines are kept
    links: int = 0  # links open
    linked: int = 0  # words in links since the last block
    is_mark: bool = (
        False  # no text since the mark of an item, or the term of a definition
    )
    is_term: bool = False  # no text since a term

    def add(self, text: str | None) -> None:
        """Text between tags: a newline there is a space, except in code."""
        if not text or (self.is_mark and text.isspace()):
            return
        if not text.isspace():
            self.is_mark = self.is_term = False
        if self.links:
            self.linked += number_of_words(text)
        if not self.verbatim:
            text = text.replace("\n", " ")
        self.pieces.append(text)

    def mark(self, words: str) -> None:
        """What goes with the text that follows, even when that is a block of its own."""
        if self.is_mark and self.pieces[-1] == words:  # a list within a list
            self.pieces.pop()
        self.pieces.append(words)
        self.is_mark = True

    def unmark(self) -> None:
        """Takes the mark back when nothing followed it."""
        if self.is_mark:
            self.pieces.pop()
        self.is_mark = False

    def define(self) -> None:
        """What follows defines the term that was just read, on its line."""
        term = "".join(self.pieces).rstrip()
        self.pieces[:] = [term]
        self.mark(" " if term.endswith((":", "?")) else ": ")

    def flush(self, level: int = 0) -> Iterator[Block]:
        """The block that ends here, if there is one."""
        if self.is_mark:
            return
        self.is_term = False
        lines = "".join(self.pieces).split("\n")
        self.pieces.clear()
        linked = self.linked
        self.linked = 0
        if not self.verbatim:
            lines = list(map(one_line, lines))
        text = "\n".join(line for line in lines if line.strip(" |"))
        if text:
            yield from self.judged(Block(text, level), linked)

    def judged(self, block: Block, linked: int) -> Iterator[Block]:
        """The block, unless it is furniture, which is counted; in a zone a heading waits for what it is above."""
        zone = ""
        if self.zones:
            zone = self.zones[-1]
        if zone and block.level:
            self.headings.append(block)
        elif zone and self.judge.is_furniture(zone, block.text, linked):
            self.judge.left_out[zone] += number_of_words(block.text)
        else:
            yield from self.headings
            self.headings.clear()
            yield block

    def leave(self) -> None:
        """A zone ends: headings with nothing below them go with it."""
        zone = self.zones.pop()
        for heading in self.headings:
            self.judge.left_out[zone] += number_of_words(heading.text)
        self.headings.clear()


def blocks(tree: Element, judge: Judge) -> Iterator[Block]:
    """The blocks of a tree in order, without recursion but for the cells of a table."""
    from lxml import etree

    walk = _Walk(judge)
    skipped: Element | None = None
    events = etree.iterwalk(tree, events=("start", "end"))
    for event, element in events:
        tag = local(element).lower()
        if event == "start":
            is_whole = yield from _whole(walk, element, tag)
            if is_whole:
                skipped = element
                events.skip_subtree()
            else:
                yield from _start(walk, element, tag)
            continue
        if skipped is not None:  # its end comes right after its start
            skipped = None
        else:
            yield from _end(walk, element, tag)
        if element is not tree:
            walk.add(element.tail)
    walk.unmark()
    yield from walk.flush()


def _whole(walk: _Walk, element: Element, tag: str) -> Generator[Block, None, bool]:
    """Whether the element was taken, or left out, with all that it holds."""
    words = formulas.text_of(element, tag, "".join(walk.pieces[-1:]))
    if words is not None:
        walk.add(words)
        return True
    if walk.judge.dropped(element, tag):
        return True
    rows = html_tables.rows_of(element) if tag == "table" else None
    if rows is None:
        return False
    walk.unmark()
    yield from walk.flush()
    linked = sum(map(count_words, element.iter("a")))
    for block in html_tables.table(
        element, rows, lambda part: blocks(part, walk.judge)
    ):
        yield from walk.judged(block, linked)
    return True


def _start(walk: _Walk, element: Element, tag: str) -> Iterator[Block]:
    if tag == "dd" and walk.is_term:
        walk.define()
    elif _is_block(element, tag) and tag not in _CELLS:
        yield from walk.flush()
    if tag in _ITEMS:
        walk.mark("\n- ")
    elif tag in _LINES:
        walk.pieces.append("\n")
    if zone := walk.judge.zone(element, tag):
        walk.zones.append(zone)
    walk.links += tag == "a"
    walk.verbatim += tag in _VERBATIM
    walk.add(_MARKS.get(tag, ("", ""))[0])
    walk.add(element.text)


def _end(walk: _Walk, element: Element, tag: str) -> Iterator[Block]:
    walk.add(_MARKS.get(tag, ("", ""))[1])
    if tag in _ITEMS or tag == "dd":
        walk.unmark()
    if tag in _CELLS:
        walk.pieces.append(" | ")
    elif tag == "dt" and sum(map(len, walk.pieces)) <= TERM_CHARS:
        walk.is_term = bool("".join(walk.pieces).strip())
    elif _is_block(element, tag):
        yield from walk.flush(_LEVELS.get(tag, 0))
    walk.verbatim -= tag in _VERBATIM
    walk.links -= tag == "a"
    if walk.judge.zone(element, tag):
        walk.leave()


def _is_block(element: Element, tag: str) -> bool:
    is_code = tag == "pre" or (tag in _VERBATIM and "\n" in (element.text or ""))
    return tag in _BLOCKS or tag in _LEVELS or is_code
