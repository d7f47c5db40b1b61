"""OpenDocument texts, sheets and presentations: paragraphs by number, tables by cells, slides by page, with notes,
comments, text boxes and the properties that the file states.

Read from the archive's XML directly: the one library for it is a writer's tool that would give us the same tree. Deleted
text of tracked changes is left out, inserted text is text. Repeated cells and rows, which a small file may claim by the
million, are read once. Leaves out styles, pictures and formulas. Serves `loading`, in a worker.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ingest.document import Section
from ingest.errors import UnreadableFile
from ingest.media import ODP, ODS
from ingest.readers import zips
from ingest.readers.outline import HEADING_CHARS, Block, row, sections
from ingest.readers.xlsx import SheetTable
from ingest.readers.xml import attribute, children, created, descendants, local, properties, tree
from ingest.reading import Raw, Reading

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

MANY = 1_000  # repeated spaces, cells or rows beyond which a repeat is taken for padding
_DROPPED = {
    "tracked-changes",
    "forms",
    "sequence-decls",
    "user-field-decls",
    "variable-decls",
    "thumbnail",
    "shapes",
    "settings",
    "object",
    "object-ole",
}
_LISTS = {"list-item", "list-header"}
_ROWS = {"table-rows", "table-header-rows", "table-row-group"}


def read(raw: Raw) -> Iterator[Reading]:
    """One document. Raises RefusedFile and UnreadableFile."""
    archive = zips.opened(raw.data, raw.limits)
    root = tree(zips.content(archive, "content.xml"))
    body = next(descendants(root, "body"), None) if root is not None else None
    if body is None or not len(body):
        encrypted = b"encryption-data" in zips.content(archive, "META-INF/manifest.xml")
        raise UnreadableFile(
            "encrypted" if encrypted else "damaged: it has no body", "open it and save a plain copy"
        )
    stated = properties(archive, "meta.xml")
    first = ""
    if raw.media_type == ODS:
        made = [section for table in descendants(body, "table") for section in _sheet(table)]
    elif raw.media_type == ODP:
        made = [
            section
            for number, page in enumerate(descendants(body, "page"), 1)
            for section in _slide(page, number)
        ]
        first = next((section.heading[0] for section in made[:1] if section.heading), "")
    else:
        made = list(sections([*_blocks(body[0]), *_margins(archive)]))
    yield Reading(
        made, title=stated.get("Title", "") or first, metadata=stated, created=created(stated)
    )


def _blocks(parent: Iterable[Element], listed: bool = False) -> Iterator[Block]:
    """Paragraphs, headings and tables below an element, in order."""
    for child in parent:
        kind = local(child)
        if kind in _DROPPED:
            continue
        if kind in ("p", "h"):
            carried: list[Block] = []
            text = _text(child, carried)
            level = min(int(attribute(child, "outline-level") or 1), 9) if kind == "h" else 0
            yield Block(f"- {text}" if listed and not level and text.strip() else text, level)
            yield from carried
        elif kind == "table":
            yield Block("\n".join(line for line in _lines(child) if line), atomic=True)
        elif kind == "annotation":
            yield Block(_comment(child))
        else:
            yield from _blocks(child, listed or kind in _LISTS)


def _text(element: Element, carried: list[Block]) -> str:
    """The words of a paragraph; notes, comments and boxes go to `carried`."""
    pieces: list[str] = [element.text or ""]
    for child in element:
        kind = local(child)
        if kind == "s":
            pieces.append(" " * min(int(attribute(child, "c") or 1), MANY))
        elif kind in ("tab", "line-break"):
            pieces.append("\t" if kind == "tab" else "\n")
        elif kind == "annotation":
            carried.append(Block(_comment(child)))
        elif kind == "note":
            mark = " ".join(_text(found, []) for found in children(child, "note-citation"))
            said = "\n".join(
                b.text for found in children(child, "note-body") for b in _blocks(found)
            )
            carried.append(Block(f"Note {mark}: {said}"))
        elif kind in ("frame", "text-box", "custom-shape", "g"):
            carried += _blocks(child)
        elif kind not in _DROPPED:
            pieces.append(_text(child, carried))
        pieces.append(child.tail or "")
    return "".join(pieces)


def _comment(element: Element) -> str:
    who = ", ".join(
        text
        for name in ("creator", "date")
        for found in children(element, name)
        if (text := (found.text or "")[:40])
    )
    said = "\n".join(_text(found, []) for found in descendants(element, "p"))
    return f"Comment ({who.partition('T')[0]}): {said}" if who else f"Comment: {said}"


def _margins(archive: zipfile.ZipFile) -> Iterator[Block]:
    """Headers and footers of the page styles, each wording once."""
    root = tree(zips.content(archive, "styles.xml"))
    seen: set[str] = set()
    for element in (
        descendants(root, "header", "footer", "header-first", "footer-first")
        if root is not None
        else ()
    ):
        for block in _blocks(element):
            if block.text not in seen and any(letter.isalpha() for letter in block.text):
                seen.add(block.text)
                yield Block(f"({local(element).partition('-')[0]}) {block.text}")


def _table_rows(table: Element) -> Iterator[Element]:
    for child in table:
        if local(child) == "table-row":
            yield child
        elif local(child) in _ROWS:
            yield from _table_rows(child)


def _lines(table: Element) -> Iterator[str]:
    for element in _table_rows(table):
        yield row(
            " ".join(block.text for block in _blocks(cell))
            for cell in children(element, "table-cell")
        )


def _sheet(table: Element) -> Iterator[Section]:
    """The tables of a sheet in blocks, as for other workbooks; comments in their cells."""
    name = attribute(table, "name") or "Sheet"
    known, number = SheetTable(name), 0
    for element in _table_rows(table):
        filled: list[tuple[int, str]] = []
        column = 1
        for cell in children(element, "table-cell", "covered-table-cell"):
            text = " ".join(" ".join(block.text for block in _blocks(cell)).split())
            repeated = int(attribute(cell, "number-columns-repeated") or 1)
            if text:
                filled += [(column + at, text) for at in range(repeated if repeated < MANY else 1)]
            column += repeated
        repeated = int(attribute(element, "number-rows-repeated") or 1)
        for at in range(min(repeated, MANY) if filled else 0):
            yield from known.took(number + at + 1, filled)
        number += repeated
    yield from known.block()


def _slide(page: Element, number: int) -> Iterator[Section]:
    """One section: the shapes' text, notes and comments."""
    title = ""
    parts: list[str] = []
    for child in page:
        text = "\n".join(block.text for block in _blocks([child]) if block.text.strip())
        if not text:
            continue
        if local(child) == "notes":
            parts.append(f"Notes: {text}")
        elif not title and attribute(child, "class") == "title":
            title = " ".join(text.split())[:HEADING_CHARS]
            parts.insert(0, text)
        else:
            parts.append(text)
    if parts:
        yield Section("\n\n".join(parts) + "\n\n", (title,) if title else (), f"slide {number}")
