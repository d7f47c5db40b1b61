"""Tables of web pages and mails: a line per row, whatever stands in the cells, under the row that names the columns.

A table that lays out a page is none: one with tables in it, with one column, or with words beside its cells. A row that
is too long for a line flows like other text, cell by cell. Leaves out how the words of a cell are read. Serves
`html_blocks`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, takewhile
from typing import TYPE_CHECKING

from ingest.readers.outline import Block, one_line, row
from ingest.readers.tables import TO_THE_END, Cell, Grid, header_of, words_of
from ingest.readers.xml import local

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

ROW_CHARS = 1_000  # a row with more and with paragraphs in it flows like other text
HEADER_ROWS = 3  # rows that may name the columns together
_CELLS = ("td", "th")
_FRAME = ("table", "thead", "tbody", "tfoot", "tr")
_OF_A_PAGE = ("h1", "h2", "article", "section", "pre")

Read = Callable[["Element"], Iterator[Block]]


def rows_of(table: Element) -> list[Element] | None:
    """The rows of a table of data, None for one that lays out the page."""
    if next(table.iterdescendants("table"), None) is not None:
        return None
    rows = list(table.iter("tr"))
    is_layout = table.get("role") in ("presentation", "none") and len(rows) < 2
    widest = max((len(_cells(found)) for found in rows), default=0)
    return None if is_layout or widest < 2 or _has_loose_words(table) else rows


def _has_loose_words(table: Element) -> bool:
    """Whether words stand in the table beside its cells, as in pages that are not well formed."""
    for element in table.iter(*_FRAME):
        tails = (child.tail for child in element)
        if any(text and not text.isspace() for text in (element.text, *tails)):
            return True
    return False


def _cells(table_row: Element) -> list[Element]:
    return list(table_row.iterchildren(*_CELLS))


def table(element: Element, rows: list[Element], read: Read) -> Iterator[Block]:
    """The caption, then the rows in one block, and between them those that flow."""
    for caption in element.iterchildren("caption"):
        yield from read(caption)
    grid = Grid()
    names: str | None = None
    declared = _declared(rows)
    for flows, run in groupby(rows, key=_flows):
        if flows:
            for found in run:
                yield from read(found)
            continue
        lines = [grid.row(_read_cells(found, read)) for found in run]
        if names is None:
            names = _names(lines, declared)
        text = "\n".join(f"{line} |" for line in map(row, lines) if line.strip(" |"))
        if text:
            yield Block(text, atomic=True, header=names)


def _names(lines: list[list[str]], declared: int) -> str:
    """The row of names; where none is declared, two columns are as often a name and its value, row by row."""
    width = max(map(len, lines), default=0)
    return header_of(lines, declared) if declared or width > 2 else ""


def _declared(rows: list[Element]) -> int:
    """How many rows at the top name the columns by their own word."""
    names = takewhile(_names_columns, rows[:HEADER_ROWS])
    count = sum(1 for _row in names)
    return count if count < len(rows) else 0


def _names_columns(table_row: Element) -> bool:
    above = table_row.getparent()
    cells = _cells(table_row)
    in_head = above is not None and local(above) == "thead"
    return in_head or (bool(cells) and all(local(cell) == "th" for cell in cells))


def _flows(table_row: Element) -> bool:
    """Whether a row is a part of the page's text rather than of a table."""
    if next(table_row.iterdescendants(*_OF_A_PAGE), None) is not None:
        return True
    return sum(map(len, map(one_line, _strings(table_row)))) > ROW_CHARS


def _strings(element: Element) -> Iterable[str]:
    return (str(text) for text in element.itertext())


def _read_cells(table_row: Element, read: Read) -> Iterator[Cell]:
    for cell in _cells(table_row):
        rows = _span(cell, "rowspan")
        yield Cell(
            words_of(read(cell)),
            columns=_span(cell, "colspan") or 1,
            rows=TO_THE_END if rows == 0 else rows,
        )


def _span(cell: Element, name: str) -> int:
    """How many columns or rows a cell spans; 0 rows are all that follow (HTML standard)."""
    stated = (cell.get(name) or "1").strip()
    return int(stated) if stated.isdecimal() and len(stated) < 6 else 1
