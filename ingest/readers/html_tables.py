"""Tables of web pages and mails: a line per row, whatever stands in the cells, under the row that names the columns.

A table that lays out a page is none: one with tables in it, with one column, or with words beside its cells. A row that
is too long for a line flows like other text, cell by cell. Leaves out how the words of a cell are read. Serves
`html_blocks`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import groupby, takewhile
from typing import TYPE_CHECKING

from ingest.readers.outline import Block, one_line, row
from ingest.readers.tables import TO_THE_END, Cell, Grid, header_of, words_of
from ingest.readers.xml import local

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

ROW_CHARS = 1_000  # a row with more and with paragraphs in it flows like other text
HEADER_ROWS = 3  # rows that may name the columns together
_SPAN = re.compile(r"\d{1,5}")
_FILLED = re.compile("[^ |]")
_CELLS = ("td", "th")
_FRAME = ("table", "thead", "tbody", "tfoot", "tr")
_OF_A_PAGE = ("h1", "h2", "article", "section", "pre")

Read = Callable[["Element"], Iterator[Block]]


def rows_of(table: Element) -> list[Element] | None:
    """The rows of a table of data, None for one that lays out the page."""
    if next(table.iterdescendants("table"), None) is not None:
        return None
    rows = list(table.iter("tr"))
    role = table.get("role")
    if role in ("presentation", "none") and len(rows) < 2:
        return None
    widths = (len(_cells(found)) for found in rows)
    widest = max(widths, default=0)
    if widest < 2 or _has_loose_words(table):
        return None
    return rows


def _has_loose_words(table: Element) -> bool:
    """Whether words stand in the table beside its cells, as in pages that are not well formed."""
    for element in table.iter(*_FRAME):
        texts = [element.text]
        for child in element:
            texts.append(child.tail)
        words = "".join(filter(None, texts))
        if words.strip():
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
            for flowing in run:
                yield from read(flowing)
            continue
        lines = []
        for found in run:
            cells = _read_cells(found, read)
            lines.append(grid.row(cells))
        if names is None:
            names = _names(lines, declared)
        written = map(row, lines)
        filled = list(filter(_FILLED.search, written))
        if filled:
            text = " |\n".join(filled)
            yield Block(f"{text} |", atomic=True, header=names)


def _names(lines: list[list[str]], declared: int) -> str:
    """The row of names; where none is declared, two columns are as often a name and its value, row by row."""
    width = max(map(len, lines), default=0)
    if declared or width > 2:
        return header_of(lines, declared)
    return ""


def _declared(rows: list[Element]) -> int:
    """How many rows at the top name the columns by their own word."""
    top = rows[:HEADER_ROWS]
    names = list(takewhile(_names_columns, top))
    if len(names) == len(rows):
        return 0
    return len(names)


def _names_columns(table_row: Element) -> bool:
    above = table_row.getparent()
    if above is not None and local(above) == "thead":
        return True
    kinds = {local(cell) for cell in _cells(table_row)}
    return kinds == {"th"}


def _flows(table_row: Element) -> bool:
    """Whether a row is a part of the page's text rather than of a table."""
    if next(table_row.iterdescendants(*_OF_A_PAGE), None) is not None:
        return True
    chars = 0
    for text in table_row.itertext():
        words = one_line(str(text))
        chars += len(words)
    return chars > ROW_CHARS


def _read_cells(table_row: Element, read: Read) -> Iterator[Cell]:
    for cell in _cells(table_row):
        words = words_of(read(cell))
        columns = _span(cell, "colspan")
        rows = _span(cell, "rowspan")
        if rows == 0:
            rows = TO_THE_END
        yield Cell(words, columns or 1, rows)


def _span(cell: Element, name: str) -> int:
    """How many columns or rows a cell spans; 0 rows are all that follow (HTML standard)."""
    stated = cell.get(name, "").strip()
    if _SPAN.fullmatch(stated):
        return int(stated)
    return 1
