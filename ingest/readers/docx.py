"""Word documents: paragraphs in order under their headings, tables row by row, lists, text boxes, equations in a line,
footnotes and comments beside the words that they belong to, headers and footers once at the end.

Tracked changes are read as accepted: insertions are text, deletions are not. python-docx opens the package and knows
its parts and styles; the text is walked here, as its own iterators pass over boxes, controls and insertions. Leaves
out pictures, field codes, numbering and page numbers (a file has none until it is laid out). Serves `loading`, in a
worker.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingest.document import Metadata
from ingest.readers import formulas, zips
from ingest.readers.outline import (
    Block,
    comment,
    has_letters,
    listed,
    one_line,
    row,
    sections,
)
from ingest.readers.tables import TO_THE_END, Cell, Grid, header_of, words_of
from ingest.readers.xml import attribute, children, described, local, related, tree
from ingest.reading import Raw, Readings

if TYPE_CHECKING:
    from docx.document import Document
    from lxml.etree import _Element as Element

STYLE_DEPTH = 5  # ancestors of a style looked at for its outline level
LAST_LEVEL = 9  # Word's outline levels are 0-8; 9 means body text
# Properties, field codes, deleted words, and the copy of a drawing for older programs.
_DROPPED = set(
    "del moveFrom instrText delText delInstrText Fallback rPr pPr sdtPr tblPr trPr tcPr sectPr".split()
)
_MARKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}
# Elements that only stand around what they hold.
_WRAPPERS = set(
    "sdt sdtContent customXml ins moveTo smartTag AlternateContent Choice".split()
)
# Parts with remarks, and how the text refers to them.
_NOTES = ("footnotes", "endnotes", "comments")
_REFERENCES = {f"{kind.removesuffix('s')}Reference": kind for kind in _NOTES}


@dataclass(slots=True)
class _Story:
    """What the text refers to: levels by style, notes and comments by id, each told once."""

    levels: dict[str, int] = field(default_factory=dict)
    lists: set[str] = field(default_factory=set)
    notes: dict[tuple[str, str], str] = field(default_factory=dict)
    title: str = ""
    titles: set[str] = field(default_factory=set)


def read(raw: Raw) -> Readings:
    """One document, "¶n" by paragraph. Raises RefusedFile and UnreadableFile."""
    from docx import Document

    archive, data = zips.office_package(raw.data, raw.limits)
    document = Document(io.BytesIO(data))
    story = _story(document)
    blocks = list(_blocks(document.element.body, story))
    blocks += _margins(document, story)
    yield described(
        list(sections(blocks)),
        archive,
        title=story.title,
        notices=_notices(archive),
    )


def _notices(archive: zips.Archive) -> Iterator[str]:
    pictures = 0
    for entry in archive.infolist():
        if entry.filename.startswith("word/media/"):
            pictures += 1
    if pictures:
        plural = "s" if pictures > 1 else ""
        yield f"{pictures} picture{plural} not read"
    yield from zips.damage(archive)


def _story(document: Document) -> _Story:
    """Styles, footnotes, endnotes and comments of the package."""
    story = _Story()
    for kind, part in related(document.part):
        if kind == "styles":
            _styles(part.element, story)
        if kind not in _NOTES:
            continue
        root = tree(part.blob)
        if root is None:
            continue
        for note in root:
            # Read with an empty story: a note that refers to notes would never end.
            blocks = _blocks(note, _Story())
            text = "\n".join(block.text for block in blocks)
            if text.strip():
                key = attribute(note, "id")
                story.notes[kind, key] = _introduced(kind, note, text)
    return story


def _introduced(kind: str, note: Element, text: str) -> str:
    if kind == "comments":
        author = attribute(note, "author")
        when = attribute(note, "date")
        return comment(text, author, when[:10])
    number = attribute(note, "id")
    return f"Note {number}: {text}"


def _styles(root: Element, story: _Story) -> None:
    """Outline levels by style id: the style's own, else that of the style it is based on."""
    own = {}
    above = {}
    for style in children(root, "style"):
        key = attribute(style, "styleId")
        values = _values(style.iter())
        name = values.get("name", "").lower()
        above[key] = values.get("basedOn", "")
        if "outlineLvl" in values:
            own[key] = _outline_level(values["outlineLvl"])
        number = name.removeprefix("heading ")
        if number != name and number.isdigit():
            own[key] = int(number)
        if name == "title":
            story.titles.add(key)
        if name.startswith("list"):
            story.lists.add(key)
    for key in above:
        ancestor = key
        for _step in range(STYLE_DEPTH):
            if ancestor not in own:
                ancestor = above.get(ancestor, "")
        level = own.get(ancestor, 0)
        if 0 < level <= LAST_LEVEL:
            story.levels[key] = level


def _values(properties: Iterable[Element]) -> Metadata:
    """What each property states, by its name; of two the later."""
    return {local(stated): attribute(stated, "val") for stated in properties}


def _outline_level(value: str) -> int:
    """Word counts from 0, we from 1."""
    return int(value or LAST_LEVEL) + 1


def _margins(document: Document, story: _Story) -> Iterator[Block]:
    """Headers and footers, each wording once."""
    seen = set()
    for kind, part in related(document.part):
        if kind not in ("header", "footer"):
            continue
        for block in _blocks(part.element, story):
            text = block.text
            if text in seen or not has_letters(text):
                continue
            seen.add(text)
            words = text.strip()
            yield Block(f"({kind}) {words}")


def _blocks(parent: Element, story: _Story) -> Iterator[Block]:
    """Paragraphs and tables below an element, in order; what a paragraph carries (boxes, notes) follows it."""
    for child in parent:
        kind = local(child)
        if kind == "p":
            yield from _paragraph(child, story)
        elif kind == "tbl":
            yield from _table(child, story)
        elif kind in _WRAPPERS:
            yield from _blocks(child, story)


def _paragraph(element: Element, story: _Story) -> Iterator[Block]:
    carried: list[Block] = []
    text = _text(element, story, carried)
    style, level, is_item = _style(element, story)
    if style in story.titles and not story.title:
        story.title = one_line(text)
    if is_item and not level:
        text = listed(text)
    yield Block(text, level)
    yield from carried


def _style(element: Element, story: _Story) -> tuple[str, int, bool]:
    """(style id, outline level or 0, whether it is an item of a list)."""
    values: Metadata = {}
    for properties in children(element, "pPr"):
        values |= _values(properties)
    style = values.get("pStyle", "")
    level = story.levels.get(style, 0)
    if "outlineLvl" in values:
        level = _outline_level(values["outlineLvl"])
    is_item = "numPr" in values or style in story.lists
    if level > LAST_LEVEL:
        level = 0
    return style, level, is_item


def _text(element: Element, story: _Story, carried: list[Block]) -> str:
    """The words of a paragraph, without recursion into what is dropped; boxes and notes go to `carried`."""
    pieces = []
    # One iterator for each open element: a document may nest deeper than Python recurses.
    pending = [iter(element)]
    while pending:
        child = next(pending[-1], None)
        if child is None:
            pending.pop()
            continue
        kind = local(child)
        if kind in _DROPPED:
            continue
        if kind == "t":
            pieces.append(child.text or "")
        elif kind == "oMath":
            pieces.append(_formula(child))
        elif kind == "r" and (figure := _moved(child, pieces)):
            pieces.append(figure)
        elif kind in _MARKS:
            pieces.append(_MARKS[kind])
        elif kind == "txbxContent":
            carried += _blocks(child, story)
        elif kind in _REFERENCES:
            key = attribute(child, "id")
            note = story.notes.pop((_REFERENCES[kind], key), "")
            if note:
                carried.append(Block(note))
        else:
            if kind == "p":  # a drawing's own paragraph (a:p): a line of its own
                pieces.append("\n")
            pending.append(iter(child))
    return "".join(pieces)


def _formula(element: Element) -> str:
    """A formula, parted by a space from one just before it."""
    signs = formulas.of_office(element)
    before = element.getprevious()
    if before is not None and local(before) == local(element):
        return f" {signs}"
    return signs


def _moved(run: Element, pieces: list[str]) -> str:
    """A raised or lowered figure after the pieces of text, "" where the run is something else."""
    stated = _stated(run, "rPr").get("vertAlign")
    if stated not in ("superscript", "subscript"):
        return ""
    words = ""
    for text in children(run, "t"):
        words += text.text or ""
    before = pieces[-1] if pieces else ""
    is_lowered = stated == "subscript"
    return formulas.moved(words, before, lowered=is_lowered) or ""


def _table(element: Element, story: _Story) -> Iterator[Block]:
    """One block: a line per row, nested tables inside their cell, under the rows that repeat on each page."""
    grid = Grid(explicit=True)
    lines: list[list[str]] = []
    declared = 0
    for element_row in _unwrapped(element, "tr"):
        repeats = "tblHeader" in _stated(element_row, "trPr")
        if repeats and declared == len(lines):
            declared += 1
        cells = _cells(element_row, story)
        lines.append(grid.row(cells))
    if declared == len(lines):  # then none of them is a row of data
        declared = 0
    rows = map(row, lines)
    text = "\n".join(filter(None, rows))
    names = header_of(lines, declared)
    yield Block(text, atomic=True, header=names)


def _cells(element_row: Element, story: _Story) -> Iterator[Cell]:
    """The cells of a row, merged ones too; first the columns that it leaves out at its beginning."""
    before = _stated(element_row, "trPr").get("gridBefore")
    if before:
        yield Cell(columns=_count(before))
    for element in _unwrapped(element_row, "tc"):
        stated = _stated(element, "tcPr")
        words = words_of(_blocks(element, story))
        columns = _count(stated.get("gridSpan", ""))
        # Down to the cell that begins the next one, or is no longer merged.
        begins = stated.get("vMerge") == "restart"
        covered = "vMerge" in stated and not begins
        yield Cell(
            words,
            columns,
            rows=TO_THE_END if begins else 1,
            covered=covered,
        )


def _stated(element: Element, name: str) -> Metadata:
    """What the properties of a row or a cell state."""
    found: Metadata = {}
    for properties in children(element, name):
        found |= _values(properties)
    return found


def _count(stated: str) -> int:
    if stated.isdecimal() and len(stated) < 6:
        return int(stated)
    return 1


def _unwrapped(element: Element, name: str) -> Iterator[Element]:
    """The children of this name, those inside wrappers too."""
    for child in element:
        kind = local(child)
        if kind == name:
            yield child
        elif kind in _WRAPPERS:
            yield from _unwrapped(child, name)
