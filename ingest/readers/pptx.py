"""Presentations: one section per slide, "slide 7", under its title: text boxes, tables, charts, diagrams, speaker notes
and comments.

python-pptx opens the package and gives the slides in their order; the text is walked here in the order of the slide, so
that groups and shapes which it does not know are read too. Leaves out pictures, masters and layouts. Hidden slides are
read and told. Serves `loading`, in a worker.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ingest.document import Section
from ingest.readers import outline, zips
from ingest.readers.outline import comment, has_letters, one_line, row
from ingest.readers.tables import Cell, Grid
from ingest.readers.xml import (
    attribute,
    children,
    descendants,
    described,
    first_heading,
    local,
    related,
    tree,
)
from ingest.reading import Raw, Readings

if TYPE_CHECKING:
    from lxml.etree import _Element as Element
    from pptx.opc.package import Part
    from pptx.slide import Slide

_DROPPED = {"Fallback", "extLst", "rPr", "pPr"}
_TITLES = {"title", "ctrTitle"}
# Placeholders for date, number, running head and foot.
_RUNNING = {"dt", "sldNum", "ftr", "hdr"}
# On a page of notes: the picture of its slide.
_NOT_NOTES = _RUNNING | {"sldImg"}


def read(raw: Raw) -> Readings:
    """One document. Raises RefusedFile and UnreadableFile."""
    from pptx import Presentation

    archive, data = zips.office_package(raw.data, raw.limits)
    presentation = Presentation(io.BytesIO(data))
    authors = _authors(presentation.part)
    made: list[Section] = []
    hidden = []
    for number, slide in enumerate(presentation.slides, 1):
        made += outline.slide(number, _texts(slide, authors))
        if slide._element.get("show") == "0":
            hidden.append(str(number))
    notices = []
    if hidden:
        numbers = ", ".join(hidden)
        notices.append(f"hidden: slide {numbers}")
    notices += zips.damage(archive)
    yield described(made, archive, title=first_heading(made), notices=notices)


def _texts(slide: Slide, authors: dict[str, str]) -> Iterator[tuple[bool, str]]:
    """(whether it is the title, its text) of the shapes in order, then of what belongs to the slide."""
    for shape in _shapes(slide._element):
        slot = next(_slots(shape), "")
        text = _shape_text(shape)
        if text and slot not in _RUNNING:
            yield slot in _TITLES, text
    # Notes, charts and comments are parts of their own that the slide refers to.
    for kind, part in related(slide.part):
        if kind == "notesSlide":
            yield False, _notes(part)
        elif kind in ("chart", "diagramData"):
            yield False, _figure(part)
        elif kind == "comments":
            for remark in _comments(part, authors):
                yield False, remark


def _slots(shape: Element) -> Iterator[str]:
    """What the placeholders in a shape are for: "title", "sldNum"."""
    return (attribute(found, "type") for found in descendants(shape, "ph"))


def _shapes(element: Element) -> Iterator[Element]:
    """Shapes that hold text, groups opened, alternatives taken once."""
    for child in element:
        kind = local(child)
        if kind in ("sp", "graphicFrame", "cxnSp", "pic", "contentPart"):
            yield child
        elif kind not in _DROPPED:
            yield from _shapes(child)


def _shape_text(element: Element) -> str:
    """The paragraphs and tables of a shape."""
    lines = []
    grid = Grid(explicit=True)
    for child in element:
        kind = local(child)
        if kind == "p":
            lines.append(_paragraph(child))
        elif kind == "tr":
            cells = map(_cell, children(child, "tc"))
            lines.append(row(grid.row(cells)))
        elif kind not in _DROPPED and len(child):
            lines.append(_shape_text(child))
    return "\n".join(filter(str.strip, lines))


def _cell(element: Element) -> Cell:
    text = _shape_text(element)
    rows = 1
    stated = attribute(element, "rowSpan")
    if stated.isdecimal() and len(stated) < 6:
        rows = int(stated)
    covered = False
    for name in ("hMerge", "vMerge"):
        if attribute(element, name) in ("1", "true"):
            covered = True
    return Cell(text, rows=rows, covered=covered)


def _paragraph(element: Element) -> str:
    pieces = []
    for part in element.iter():
        kind = local(part)
        if kind == "t":
            pieces.append(part.text or "")
        elif kind == "br":
            pieces.append("\n")
        elif kind == "tab":
            pieces.append("\t")
    text = "".join(pieces)
    # A vertical tab is a line break to PowerPoint.
    return text.replace("\x0b", "\n").rstrip()


def _notes(part: Part) -> str:
    """The speaker's notes of a slide, without the slide's picture and running heads; "" when there are none."""
    root = tree(part.blob)
    if root is None:
        return ""
    said = []
    for shape in _shapes(root):
        text = _shape_text(shape)
        if text and _NOT_NOTES.isdisjoint(_slots(shape)):
            said.append(text)
    if not said:
        return ""
    notes = "\n".join(said)
    return f"Notes: {notes}"


def _figure(part: Part) -> str:
    """A chart's titles, names and values, or a diagram's words; "" when it has none."""
    said = []
    for element in descendants(tree(part.blob), "t", "v"):
        words = one_line(element.text or "")
        repeated = words in said and has_letters(words)  # names repeat per series
        if words and not repeated:
            said.append(words)
    if not said:
        return ""
    figure = " | ".join(said)
    return f"Figure: {figure}"


def _authors(part: Part) -> dict[str, str]:
    """Names of commenters by id."""
    names = {}
    for kind, authors in related(part):
        if kind.lower().endswith("authors"):
            for element in descendants(tree(authors.blob), "cmAuthor", "author"):
                author = attribute(element, "id")
                names[author] = attribute(element, "name")
    return names


def _comments(part: Part, authors: dict[str, str]) -> Iterator[str]:
    for element in descendants(tree(part.blob), "cm", "reply"):
        words = []
        for found in descendants(element, "text", "t"):
            if not _in_reply(found, element):
                said = found.text or ""
                words.append(said.strip())
        text = " ".join(words)
        if text.strip():
            author = authors.get(attribute(element, "authorId"), "")
            when = attribute(element, "dt") or attribute(element, "created")
            yield comment(text, author, when[:10])


def _in_reply(text: Element, remark: Element) -> bool:
    """Whether the text stands in an answer to the remark, which is a comment of its own."""
    for above in text.iterancestors():
        is_reply = local(above) == "reply"
        if is_reply and above is not remark:
            return True
    return False
