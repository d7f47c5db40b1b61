"""OpenDocument texts, sheets and presentations: paragraphs by number, tables by cells, slides by page, with notes,
comments, text boxes and the properties that the file states.

Read from the archive's XML directly: the one library for it is a writer's tool that would give us the same tree.
Deleted text of tracked changes is left out, inserted text is text. Repeated cells and rows, which a small file may
claim by the million, are read once. Leaves out styles, pictures and formulas. Serves `loading`, in a worker.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from zipfile import ZipFile

from ingest.document import Section
from ingest.errors import UnreadableFile
from ingest.media import ODP, ODS
from ingest.readers import outline, zips
from ingest.readers.number_formats import both_forms
from ingest.readers.outline import (
    Block,
    comment,
    has_letters,
    listed,
    one_line,
    row,
    sections,
)
from ingest.readers.sheets import SheetTable
from ingest.readers.tables import (
    Cell,
    FilledCells,
    Grid,
    LabelsBelow,
    header_of,
    words_of,
)
from ingest.readers.xml import (
    attribute,
    children,
    descendants,
    described,
    entry,
    first_heading,
    local,
)
from ingest.reading import Raw, Readings

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

LAST_LEVEL = 9  # of headings
STATED_CHARS = 40  # of an author's name or a date shown
# Spaces, cells or rows beyond which a repeat is taken for padding: sheets claim a million empty ones.
MANY = 1_000
# Declarations, deleted words, and pictures of what is embedded.
_DROPPED = set(
    "tracked-changes forms sequence-decls user-field-decls variable-decls thumbnail shapes "
    "settings object object-ole".split()
)
_MARGINS = ("header", "footer", "header-first", "footer-first")
_LISTS = {"list-item", "list-header"}
_CELLS = ("table-cell", "covered-table-cell")
_ROWS = {"table-rows", "table-header-rows", "table-row-group"}


def read(raw: Raw) -> Readings:
    """One document. Raises RefusedFile and UnreadableFile."""
    archive = zips.opened(raw.data, raw.limits)
    body = next(descendants(entry(archive, "content.xml"), "body"), None)
    if body is None or not len(body):
        encrypted = b"encryption-data" in zips.content(archive, "META-INF/manifest.xml")
        reason = "encrypted" if encrypted else "damaged: it has no body"
        raise UnreadableFile(reason, "open it and save a plain copy")
    made: list[Section] = []
    title = ""
    if raw.media_type == ODS:
        for table in descendants(body, "table"):
            made += _sheet(table)
    elif raw.media_type == ODP:
        for number, page in enumerate(descendants(body, "page"), 1):
            made += outline.slide(number, _shapes(page))
        title = first_heading(made)
    else:
        made += sections([*_blocks(body[0]), *_margins(archive)])
    notices = zips.damage(archive)
    yield described(
        made, archive, properties_in="meta.xml", title=title, notices=notices
    )


def _blocks(parent: Iterable[Element], in_list: bool = False) -> Iterator[Block]:
    """Paragraphs, headings and tables below an element, in order."""
    for child in parent:
        kind = local(child)
        if kind in _DROPPED:
            continue
        if kind in ("p", "h"):
            carried: list[Block] = []
            text = _text(child, carried)
            level = 0
            if kind == "h":
                level = _number(child, "outline-level")
            if in_list and not level:
                text = listed(text)
            yield Block(text, min(level, LAST_LEVEL))
            yield from carried
        elif kind == "table":
            yield _table(child)
        elif kind == "annotation":
            yield Block(_comment(child))
        else:
            yield from _blocks(child, in_list or kind in _LISTS)


def _number(element: Element, name: str) -> int:
    """A number that an attribute states: how often, or how deep; 1 when it does not."""
    return int(attribute(element, name) or 1)


def _text(element: Element, carried: list[Block]) -> str:
    """The words of a paragraph; notes, comments and boxes go to `carried`."""
    pieces = [element.text or ""]
    for child in element:
        kind = local(child)
        if kind == "s":
            pieces.append(" " * min(_number(child, "c"), MANY))
        elif kind in ("tab", "line-break"):
            pieces.append("\t" if kind == "tab" else "\n")
        elif kind == "annotation":
            carried.append(Block(_comment(child)))
        elif kind == "note":
            carried.append(Block(_note(child)))
        elif kind in ("frame", "text-box", "custom-shape", "g"):
            carried += _blocks(child)
        elif kind not in _DROPPED:
            pieces.append(_text(child, carried))
        pieces.append(child.tail or "")
    return "".join(pieces)


def _note(element: Element) -> str:
    mark = " ".join(_text(found, []) for found in children(element, "note-citation"))
    said = "\n".join(_texts(children(element, "note-body")))
    return f"Note {mark}: {said}"


def _texts(parent: Iterable[Element]) -> list[str]:
    return [block.text for block in _blocks(parent)]


def _comment(element: Element) -> str:
    said = "\n".join(_text(found, []) for found in descendants(element, "p"))
    author = _stated(element, "creator")
    day, _mark, _time = _stated(element, "date").partition("T")
    return comment(said, author, day)


def _stated(element: Element, name: str) -> str:
    texts = [(found.text or "")[:STATED_CHARS] for found in children(element, name)]
    return ", ".join(filter(None, texts))


def _margins(archive: ZipFile) -> Iterator[Block]:
    """Headers and footers of the page styles, each wording once."""
    seen = set()
    for element in descendants(entry(archive, "styles.xml"), *_MARGINS):
        kind = local(element).partition("-")[0]
        for text in _texts(element):
            if text not in seen and has_letters(text):
                seen.add(text)
                yield Block(f"({kind}) {text}")


def _table_rows(table: Element) -> Iterator[Element]:
    for child in table:
        if local(child) == "table-row":
            yield child
        elif local(child) in _ROWS:
            yield from _table_rows(child)


def _table(table: Element) -> Block:
    """One block: a line per row, under the rows that the table repeats on each page."""
    grid = Grid(explicit=True)
    lines = []
    declared = 0
    for element in _table_rows(table):
        lines.append(grid.row(map(_cell, children(element, *_CELLS))))
        above = element.getparent()
        declared += above is not None and local(above) == "table-header-rows"
    text = "\n".join(filter(None, map(row, lines)))
    if declared >= len(lines):
        declared = 0
    names = header_of(lines, declared)
    return Block(text, atomic=True, header=names)


def _cell(element: Element) -> Cell:
    repeated = min(_number(element, "number-columns-repeated"), MANY)
    return Cell(
        words_of(_blocks(element)),
        columns=max(repeated, _number(element, "number-columns-spanned")),
        rows=_number(element, "number-rows-spanned"),
        covered=local(element) == "covered-table-cell",
    )


def _sheet(table: Element) -> Iterator[Section]:
    """The tables of a sheet in blocks, as for other workbooks; comments in their cells."""
    name = attribute(table, "name") or "Sheet"
    known = SheetTable(name)
    labels = LabelsBelow()
    first = 1
    for element in _table_rows(table):
        own = _filled(element)
        repeated = _number(element, "number-rows-repeated")
        if own:
            grouped = _merges(element, first, dict(own), labels)
            for number in range(first, first + min(repeated, MANY)):
                filled = labels.filled(number, own)
                yield from known.took(number, filled, grouped=grouped)
        first += repeated
    yield from known.block()


def _merges(
    table_row: Element, number: int, words: dict[int, str], labels: LabelsBelow
) -> bool:
    """Whether cells of a row are merged over columns; those over rows are remembered."""
    across = False
    column = 1
    for cell in children(table_row, *_CELLS):
        rows = _number(cell, "number-rows-spanned")
        across |= _number(cell, "number-columns-spanned") > 1
        if rows > 1:
            labels.begin(column, number + rows - 1, words.get(column, ""))
        column += _number(cell, "number-columns-repeated")
    return across


def _filled(table_row: Element) -> FilledCells:
    """The filled cells of a row."""
    filled = []
    first = 1
    for cell in children(table_row, *_CELLS):
        text = one_line(" ".join(_texts(cell)))
        repeated = _number(cell, "number-columns-repeated")
        stated = attribute(cell, "date-value")
        if text and stated:
            text = both_forms(text, _iso(stated))
        if text:
            shown = repeated if repeated < MANY else 1
            filled += [(column, text) for column in range(first, first + shown)]
        first += repeated
    return filled


def _iso(stated: str) -> str:
    """The value of a date cell, its time to the minute where it has one."""
    day, _mark, clock = stated[:STATED_CHARS].partition("T")
    minutes = clock[:5]
    if not minutes.strip("0:"):
        return day
    return f"{day} {minutes}"


def _shapes(page: Element) -> Iterator[tuple[bool, str]]:
    """(whether it is the title, its text) of the shapes, notes and comments of a slide."""
    for child in page:
        text = "\n".join(filter(str.strip, _texts([child])))
        if text and local(child) == "notes":
            yield False, f"Notes: {text}"
        elif text:
            yield attribute(child, "class") == "title", text
