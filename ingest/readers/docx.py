"""Word documents: paragraphs in order under their headings, tables row by row, lists, text boxes, equations' letters,
footnotes and comments beside the words that they belong to, headers and footers once at the end.

Tracked changes are read as accepted: insertions are text, deletions are not. python-docx opens the package and knows its
parts and styles; the text is walked here, as its own iterators pass over boxes, controls and insertions. Leaves out
pictures, field codes, numbering and page numbers (a file has none until it is laid out). Serves `loading`, in a worker.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingest.readers import zips
from ingest.readers.outline import Block, row, sections
from ingest.readers.xml import attribute, children, created, local, properties, tree
from ingest.reading import Raw, Reading

if TYPE_CHECKING:
    from docx.document import Document
    from lxml.etree import _Element as Element

LISTED_STYLES = 5  # ancestors of a style looked at for its outline level
LAST_LEVEL = 9  # Word's outline levels are 0-8; 9 means body text
_DROPPED = {
    "del",
    "moveFrom",
    "instrText",
    "delText",
    "delInstrText",
    "Fallback",
    "rPr",
    "pPr",
    "sdtPr",
    "tblPr",
    "trPr",
    "tcPr",
    "sectPr",
}
_MARKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}
_WRAPPERS = {
    "sdt",
    "sdtContent",
    "customXml",
    "ins",
    "moveTo",
    "smartTag",
    "AlternateContent",
    "Choice",
}


@dataclass(slots=True)
class _Story:
    """What the text refers to: levels by style, notes and comments by id, each told once."""

    levels: dict[str, int] = field(default_factory=dict)
    lists: set[str] = field(default_factory=set)
    notes: dict[tuple[str, str], str] = field(default_factory=dict)
    title: str = ""
    titles: set[str] = field(default_factory=set)


def read(raw: Raw) -> Iterator[Reading]:
    """One document, "¶n" by paragraph. Raises RefusedFile and UnreadableFile."""
    archive = zips.opened(raw.data, raw.limits)
    from docx import Document

    data = zips.transitional(archive) if zips.is_strict(archive) else raw.data
    document = Document(io.BytesIO(data))
    story = _story(document)
    blocks = [*_blocks(document.element.body, story), *_margins(document, story)]
    stated = properties(archive)
    yield Reading(
        list(sections(blocks)),
        title=stated.get("Title", "") or story.title,
        metadata=stated,
        notices=tuple(_notices(archive)),
        created=created(stated),
    )


def _notices(archive: zipfile.ZipFile) -> Iterator[str]:
    pictures = sum(entry.filename.startswith("word/media/") for entry in archive.infolist())
    if pictures:
        yield f"{pictures} picture{'s' if pictures > 1 else ''} not read"


def _story(document: Document) -> _Story:
    """Styles, footnotes, endnotes and comments of the package."""
    story = _Story()
    for relation in document.part.rels.values():
        kind = relation.reltype.rpartition("/")[2]
        if relation.is_external or kind not in ("styles", "footnotes", "endnotes", "comments"):
            continue
        root = tree(relation.target_part.blob)
        if root is None:
            continue
        if kind == "styles":
            _styles(root, story)
        else:
            for note in root:
                text = "\n".join(block.text for block in _blocks(note, _Story()))
                if text.strip():
                    story.notes[kind, attribute(note, "id")] = _introduced(kind, note, text)
    return story


def _introduced(kind: str, note: Element, text: str) -> str:
    if kind != "comments":
        return f"Note {attribute(note, 'id')}: {text}"
    who = ", ".join(
        part for part in (attribute(note, "author"), attribute(note, "date")[:10]) if part
    )
    return f"Comment ({who}): {text}" if who else f"Comment: {text}"


def _styles(root: Element, story: _Story) -> None:
    """Outline levels by style id: the style's own, else that of the style it is based on."""
    own: dict[str, int] = {}
    above: dict[str, str] = {}
    for style in children(root, "style"):
        name, key = "", attribute(style, "styleId")
        for part in style.iter():
            kind = local(part)
            if kind == "name":
                name = attribute(part, "val").lower()
            elif kind == "basedOn":
                above[key] = attribute(part, "val")
            elif kind == "outlineLvl":
                own[key] = int(attribute(part, "val") or LAST_LEVEL) + 1
        if name.startswith("heading ") and name[8:].isdigit():
            own[key] = int(name[8:])
        if name == "title":
            story.titles.add(key)
        if name.startswith("list"):
            story.lists.add(key)
    for key in [*own, *above]:
        at, steps = key, 0
        while at and at not in own and steps < LISTED_STYLES:
            at, steps = above.get(at, ""), steps + 1
        if 0 < own.get(at, 0) <= LAST_LEVEL:
            story.levels[key] = own[at]


def _margins(document: Document, story: _Story) -> Iterator[Block]:
    """Headers and footers, each wording once."""
    seen: set[str] = set()
    for relation in document.part.rels.values():
        kind = relation.reltype.rpartition("/")[2]
        if relation.is_external or kind not in ("header", "footer"):
            continue
        root = tree(relation.target_part.blob)
        for block in _blocks(root, story) if root is not None else ():
            if block.text not in seen and any(
                letter.isalpha() for letter in block.text
            ):  # no bare page numbers
                seen.add(block.text)
                yield Block(f"({kind}) {block.text.strip()}")


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
    style, level, listed = _style(element, story)
    if style in story.titles and not story.title:
        story.title = " ".join(text.split())
    yield Block(f"- {text}" if listed and not level and text.strip() else text, level)
    yield from carried


def _style(element: Element, story: _Story) -> tuple[str, int, bool]:
    """(style id, outline level or 0, whether it is an item of a list)."""
    style, level, listed = "", 0, False
    for block in children(element, "pPr"):
        for part in block:
            kind = local(part)
            if kind == "pStyle":
                style = attribute(part, "val")
            elif kind == "outlineLvl":
                level = int(attribute(part, "val") or LAST_LEVEL) + 1
            elif kind == "numPr":
                listed = True
    level = level or story.levels.get(style, 0)
    return style, level if level <= LAST_LEVEL else 0, listed or style in story.lists


def _text(element: Element, story: _Story, carried: list[Block]) -> str:
    """The words of a paragraph, without recursion into what is dropped; boxes and notes go to `carried`."""
    pieces: list[str] = []
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
        elif kind in _MARKS:
            pieces.append(_MARKS[kind])
        elif kind == "txbxContent":
            carried += _blocks(child, story)
        elif kind in ("footnoteReference", "endnoteReference", "commentReference"):
            note = story.notes.pop(
                (kind.removesuffix("Reference") + "s", attribute(child, "id")), ""
            )
            if note:
                carried.append(Block(note))
        elif (
            kind == "p" and element is not child
        ):  # a drawing's own paragraph (a:p): a line of its own
            pieces.append("\n")
            pending.append(iter(child))
        else:
            pending.append(iter(child))
    return "".join(pieces)


def _table(element: Element, story: _Story) -> Iterator[Block]:
    """One block: a line per row, nested tables inside their cell; what the cells carry follows."""
    carried: list[Block] = []
    lines = [line for line in (_row(child, story, carried) for child in _rows(element)) if line]
    yield Block("\n".join(lines), atomic=True)
    yield from carried


def _rows(element: Element) -> Iterator[Element]:
    for child in element:
        if local(child) == "tr":
            yield child
        elif local(child) in _WRAPPERS:
            yield from _rows(child)


def _row(element: Element, story: _Story, carried: list[Block]) -> str:
    cells: list[str] = []
    for cell in _cells(element):
        words: list[str] = []
        for block in _blocks(cell, story):
            words.append(block.text.replace("\n", " ; ") if block.atomic else block.text)
        cells.append(" ".join(words))
    return row(cells)


def _cells(element: Element) -> Iterator[Element]:
    for child in element:
        if local(child) == "tc":
            yield child
        elif local(child) in _WRAPPERS:
            yield from _cells(child)
