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
from ingest.readers import zips
from ingest.readers.outline import HEADING_CHARS, row
from ingest.readers.xml import attribute, created, descendants, local, properties, tree
from ingest.reading import Raw, Reading

if TYPE_CHECKING:
    from lxml.etree import _Element as Element
    from pptx.opc.package import Part
    from pptx.slide import Slide

_DROPPED = {"Fallback", "extLst", "rPr", "pPr"}
_TITLES = {"title", "ctrTitle"}
_SLOTS = {"dt", "sldNum", "ftr", "hdr"}  # placeholders for date, number, running head and foot
_MODERN = "relationships/comments"  # ends the relation type of old and new comments


def read(raw: Raw) -> Iterator[Reading]:
    """One document. Raises RefusedFile and UnreadableFile."""
    archive = zips.opened(raw.data, raw.limits)
    from pptx import Presentation

    data = zips.transitional(archive) if zips.is_strict(archive) else raw.data
    presentation = Presentation(io.BytesIO(data))
    authors = _authors(presentation.part)
    made: list[Section] = []
    hidden: list[int] = []
    for number, slide in enumerate(presentation.slides, 1):
        title, parts = _slide(slide, authors)
        if slide._element.get("show") == "0":
            hidden.append(number)
        text = "\n\n".join(parts)
        if text.strip():
            made.append(Section(text + "\n\n", (title,) if title else (), f"slide {number}"))
    stated = properties(archive)
    first = next((section.heading[0] for section in made[:1] if section.heading), "")
    notices = (f"hidden: slide {', '.join(map(str, hidden))}",) if hidden else ()
    yield Reading(
        made,
        title=stated.get("Title", "") or first,
        metadata=stated,
        notices=notices,
        created=created(stated),
    )


def _slide(slide: Slide, authors: dict[str, str]) -> tuple[str, list[str]]:
    """(title, texts): the title first, then the shapes in order, then what belongs to the slide."""
    title = ""
    parts: list[str] = []
    for shape in _shapes(slide._element):
        slot = next((attribute(found, "type") for found in descendants(shape, "ph")), "")
        text = _shape_text(shape)
        if slot in _SLOTS or not text:
            continue
        if slot in _TITLES and not title:
            title = " ".join(text.split())[:HEADING_CHARS]
            parts.insert(0, text)
        else:
            parts.append(text)
    for relation in slide.part.rels.values():
        kind = relation.reltype.rpartition("/")[2]
        if relation.is_external:
            continue
        if kind == "notesSlide":
            parts += _notes(relation.target_part)
        elif kind in ("chart", "diagramData"):
            parts += _figure(relation.target_part)
        elif relation.reltype.endswith(_MODERN):
            parts += _comments(relation.target_part, authors)
    return title, [part for part in parts if part.strip()]


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
    lines: list[str] = []
    for child in element:
        kind = local(child)
        if kind == "p":
            lines.append(_paragraph(child))
        elif kind == "tr":
            lines.append(row(_shape_text(cell) for cell in child if local(cell) == "tc"))
        elif kind not in _DROPPED and len(child):
            lines.append(_shape_text(child))
    return "\n".join(line for line in lines if line.strip())


def _paragraph(element: Element) -> str:
    pieces: list[str] = []
    for part in element.iter():
        kind = local(part)
        if kind == "t":
            pieces.append(part.text or "")
        elif kind in ("br", "tab"):
            pieces.append("\n" if kind == "br" else "\t")
    return "".join(pieces).replace("\x0b", "\n").rstrip()


def _notes(part: Part) -> list[str]:
    root = tree(part.blob)
    texts = (
        []
        if root is None
        else [
            _shape_text(shape)
            for shape in _shapes(root)
            if not any(
                attribute(found, "type") in (*_SLOTS, "sldImg")
                for found in descendants(shape, "ph")
            )
        ]
    )
    said = "\n".join(text for text in texts if text)
    return [f"Notes: {said}"] if said else []


def _figure(part: Part) -> list[str]:
    """A chart's titles, names and values, or a diagram's words."""
    root = tree(part.blob)
    if root is None:
        return []
    said: list[str] = []
    for element in descendants(root, "t", "v"):
        words = " ".join((element.text or "").split())
        if words and (
            words not in said or not any(letter.isalpha() for letter in words)
        ):  # names repeat per series
            said.append(words)
    return ["Figure: " + " | ".join(said)] if said else []


def _authors(part: Part) -> dict[str, str]:
    """Names of commenters by id."""
    names: dict[str, str] = {}
    for relation in part.rels.values():
        if relation.is_external or not relation.reltype.lower().endswith("authors"):
            continue
        root = tree(relation.target_part.blob)
        for element in descendants(root, "cmAuthor", "author") if root is not None else ():
            names[attribute(element, "id")] = attribute(element, "name")
    return names


def _comments(part: Part, authors: dict[str, str]) -> list[str]:
    root = tree(part.blob)
    said: list[str] = []
    for element in descendants(root, "cm", "reply") if root is not None else ():
        text = " ".join(
            (found.text or "").strip()
            for found in descendants(element, "text", "t")
            if not any(
                local(above) == "reply" and above is not element for above in found.iterancestors()
            )
        )
        who = ", ".join(
            word
            for word in (
                authors.get(attribute(element, "authorId"), ""),
                (attribute(element, "dt") or attribute(element, "created"))[:10],
            )
            if word
        )
        if text.strip():
            said.append(f"Comment ({who}): {text}" if who else f"Comment: {text}")
    return said
