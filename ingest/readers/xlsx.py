"""Workbooks: each table of each sheet in blocks of rows, "Sheet!B12:F30", a line per row; comments and the words of
drawings and charts after the sheet that they lie on.

Values are those that the program computed last; a formula without one is shown as it is written. The header row of a
table is the heading of its blocks, so that a block far down is found by the names of its columns. openpyxl reads row by
row. Leaves out formats, hidden state, pictures and macros. Serves `loading`, in a worker.
"""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import TYPE_CHECKING
from zipfile import ZipFile

from ingest.document import Section
from ingest.locators import of_cells
from ingest.readers import zips
from ingest.readers.outline import HEADING_CHARS, has_letters, one_line, row
from ingest.readers.xml import attribute, descendants, described, entry
from ingest.reading import Raw, Readings

if TYPE_CHECKING:
    from lxml.etree import _Element as Element
    from openpyxl import Workbook  # type: ignore[import-untyped]  # the package has no types

Cells = list[
    tuple[int, str]
]  # (column, text) of the filled cells of a row, columns from 1
Comments = dict[
    int, list[tuple[str, str]]
]  # row -> (cell, words) of the comments in it
BLOCK_CHARS = 700  # about 300 tokens where numbers abound: one chunk
WIDE = 512  # columns beyond which empty cells are not shown
CELL_CHARS = 32_767  # Excel's own cap
EXACT_WHOLE = 1e15  # Excel keeps 15 digits: a larger number is no longer exact
_BARE_NAME = re.compile(r"[^\W\d]\w*")
_NO_VALUE = re.compile(rb"(?:</f>|<f\s[^<>]*/>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>")
_COMMENTS = ("comments", "threadedComment")
_LINKED = (*_COMMENTS, "drawing", "chart", "diagramData")


@dataclass(slots=True)
class SheetTable:
    """Rows of one table as they come: the lines not yet yielded, and the corner cells that they span."""

    sheet: str
    header: str = ""
    lines: list[str] = field(default_factory=list)
    first: int = 0
    last: int = 0
    columns: list[int] = field(default_factory=list)
    chars: int = 0

    def took(
        self, number: int, cells: Cells, comments: Iterable[str] = ()
    ) -> Iterator[Section]:
        """Takes a row that is not empty, yielding what is complete: a gap ends a table, enough text a block."""
        if self.last and number > self.last + 1:
            yield from self.block()
            self.header = ""
        if not self.lines:
            self.first = number
        self.last = number
        self.columns += (cells[0][0], cells[-1][0])
        line = _line(cells)
        self.header = self.header or line[:HEADING_CHARS]
        self.lines += (line, *comments)
        self.chars += len(line)
        if self.chars >= BLOCK_CHARS:
            yield from self.block()

    def block(self) -> Iterator[Section]:
        """The rows so far as a section; the header row stays known."""
        from openpyxl.utils import get_column_letter as letter  # type: ignore[import-untyped]  # no types

        if not self.lines:
            return
        left = letter(min(self.columns))
        right = letter(max(self.columns))
        cells = of_cells(f"{left}{self.first}", f"{right}{self.last}")
        where = _address(self.sheet, cells)
        # The block that begins with the header need not repeat it.
        begins_with_header = self.lines[0] == self.header
        heading = (self.sheet,) if begins_with_header else (self.sheet, self.header)
        text = "\n".join(self.lines) + "\n\n"
        yield Section(text, heading, where, atomic=True)
        self.lines = []
        self.columns = []
        self.chars = 0


def _line(cells: Cells) -> str:
    """The cells of a row with the empty ones between; a row of scattered cells is listed without those."""
    start = cells[0][0]
    end = cells[-1][0]
    filled = dict(cells)
    if end - start >= WIDE:
        return row(filled.values())
    return row(filled.get(column, "") for column in range(start, end + 1))


def read(raw: Raw) -> Readings:
    """One document. Raises RefusedFile and UnreadableFile."""
    archive, data = zips.office_package(raw.data, raw.limits)
    made = []
    notices = []
    cap = f"{raw.limits.text_chars:,} characters reached"
    left = raw.limits.text_chars
    books, paths = _books(data, archive)
    for name in books[0].sheetnames:
        if left < 0:
            notices.append(f"{cap}: sheets from {name!r} on left out")
            break
        linked: dict[str, str] = {}
        _add_linked(archive, paths.get(name, ""), linked)
        for section in _sheet(books, name, _comments(archive, linked)):
            made.append(section)
            left -= len(section.text)
            if left < 0:
                notices.append(f"{cap}: the rest of {name!r} left out")
                break
        made += _beside(archive, name, linked)
    yield described(made, archive, notices=notices)


def _books(data: bytes, archive: ZipFile) -> tuple[list[Workbook], dict[str, str]]:
    """(the workbook with computed values, and where some were never computed also the one with formulas; sheets'
    names with the entries that hold them)."""
    import warnings

    from openpyxl.reader.excel import ExcelReader  # type: ignore[import-untyped]  # no types

    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # on styles and extensions that are of no use here
        computed = ExcelReader(
            io.BytesIO(data), read_only=True, data_only=True, keep_links=False
        )
        computed.read()
        books = [computed.wb]
        paths = {
            sheet.name: part.target for sheet, part in computed.parser.find_sheets()
        }
        sheets = (
            name for name in archive.namelist() if name.startswith("xl/worksheets/")
        )
        if any(_NO_VALUE.search(archive.read(name)) for name in sheets):
            written = ExcelReader(io.BytesIO(data), read_only=True, keep_links=False)
            written.read()
            books.append(written.wb)
    return books, paths


def _sheet(books: list[Workbook], name: str, comments: Comments) -> Iterator[Section]:
    """The tables of a sheet, parted by empty rows, in blocks; comments below the row of their cell."""
    if hasattr(books[0][name], "iter_rows"):  # else a sheet that is one chart
        table = SheetTable(name)
        for number, cells in _rows(books, name):
            in_row = comments.pop(number, [])
            said = [words for _cell, words in in_row]
            yield from table.took(number, cells, said)
        yield from table.block()
    for beyond_the_table in comments.values():
        for cell, words in beyond_the_table:
            yield Section(f"{words}\n\n", (name,), _address(name, cell))


def _rows(books: list[Workbook], name: str) -> Iterator[tuple[int, Cells]]:
    """(row number, filled cells) of the rows that are not empty."""
    walks = []
    for book in books:
        book[
            name
        ].reset_dimensions()  # what the sheet says of its size may be a million rows
        walks.append(book[name].iter_rows())
    for row_cells in zip(*walks, strict=False):
        filled = []
        number = 0
        # Each cell as computed, and where there is one, as its formula.
        for versions in zip(*row_cells, strict=False):
            values = (cell.value for cell in versions if cell.value is not None)
            if text := _shown(next(values, "")):
                cell = versions[0]
                number = cell.row
                filled.append((cell.column, text))
        if filled:
            yield number, filled


def _shown(value: object) -> str:
    """A cell's value as a person writes it: dates in ISO form, whole numbers without a point."""
    if isinstance(value, datetime):
        if value.time() == time():
            return value.date().isoformat()
        return value.isoformat(" ", timespec="minutes")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < EXACT_WHOLE
        return str(int(value)) if whole else f"{value:.12g}"
    return str(getattr(value, "text", value))[:CELL_CHARS].replace("_x000D_", "")


def _address(sheet: str, cells: str) -> str:
    """Cells of a sheet as the program's own address box takes them: quotes around an odd name."""
    if _BARE_NAME.fullmatch(sheet):
        return f"{sheet}!{cells}"
    quoted = sheet.replace("'", "''")
    return f"'{quoted}'!{cells}"


def _comments(archive: ZipFile, linked: dict[str, str]) -> Comments:
    """A sheet's comments, old and threaded."""
    found: Comments = defaultdict(list)
    for target, kind in linked.items():
        if kind not in _COMMENTS:
            continue
        for element in descendants(
            entry(archive, target), "comment", "threadedComment"
        ):
            words = one_line("".join(_texts(element, "t", "text")))
            is_copy = words.startswith(
                "[Threaded comment]"
            )  # for programs that know none
            if not words or is_copy:
                continue
            cell = attribute(element, "ref") or "A1"
            digits = "".join(filter(str.isdecimal, cell))
            found[int(digits or 1)].append((cell, f"Comment ({cell}): {words}"))
    return found


def _texts(element: Element | None, *names: str) -> Iterator[str]:
    return (part.text or "" for part in descendants(element, *names))


def _beside(archive: ZipFile, name: str, linked: dict[str, str]) -> Iterator[Section]:
    """The words of the drawings and charts of one sheet; a chart's numbers are its cells'."""
    texts = []
    for target, kind in linked.items():
        if kind in _COMMENTS:
            continue
        said = map(one_line, _texts(entry(archive, target), "t", "v"))
        if words := dict.fromkeys(filter(has_letters, said)):
            texts.append(" | ".join(words))
    if texts:
        text = "\n".join(texts) + "\n\n"
        where = _address(name, "A1")
        yield Section(text, (name,), where)


def _add_linked(archive: ZipFile, path: str, found: dict[str, str]) -> None:
    """Adds entry -> kind of the comments and drawings of a part, and of the charts on those, each once."""
    from openpyxl.packaging.relationship import (  # type: ignore[import-untyped]  # no types
        get_dependents,
        get_rels_path,
    )

    relations = []
    # Most parts refer to nothing; what is damaged beside the cells costs no cells.
    with suppress(KeyError, SyntaxError):
        relations = get_dependents(archive, get_rels_path(path))
    for relation in relations:
        kind = (relation.Type or "").rpartition("/")[2]
        is_inside = relation.TargetMode != "External"
        if is_inside and kind in _LINKED and relation.target not in found:
            found[relation.target] = kind
            _add_linked(archive, relation.target, found)
