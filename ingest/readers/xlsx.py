"""Workbooks: each table of each sheet in blocks of rows, "Sheet!B12:F30", a line per row; comments and the words of
drawings and charts after the sheet that they lie on.

Values are those that the program computed last; a formula without one is shown as it is written. The header row of a
table is the heading of its blocks, so that a block far down is found by the names of its columns. openpyxl reads row by
row. Leaves out formats, hidden state, pictures and macros. Serves `loading`, in a worker.
"""

from __future__ import annotations

import functools
import io
import posixpath
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import TYPE_CHECKING

from ingest import locators
from ingest.document import Section
from ingest.readers import zips
from ingest.readers.outline import HEADING_CHARS, has_letters, one_line, row
from ingest.readers.xml import attribute, descendants, described, entry, local
from ingest.reading import Raw, Reading

if TYPE_CHECKING:
    from lxml.etree import _Element as Element
    from openpyxl import Workbook  # type: ignore[import-untyped]  # the package has no types

Cells = list[tuple[int, str]]  # (column, text) of the filled cells of a row, columns from 1
BLOCK_CHARS = 700  # about 300 tokens where numbers abound: one chunk
WIDE = 512  # columns beyond which empty cells are not shown
CELL_CHARS = 32_767  # Excel's own cap
EXACT_WHOLE = 1e15  # Excel keeps 15 digits: a larger number is no longer exact
_BARE_NAME = re.compile(r"[^\W\d]\w*")
_NO_VALUE = re.compile(rb"(?:</f>|<f\s[^<>]*/>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>")
_BOOK = "xl/workbook.xml"
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
    left: int = 0
    right: int = 0
    chars: int = 0

    def add(self, number: int, cells: Cells) -> None:
        """A row that is not empty."""
        start = cells[0][0]
        end = cells[-1][0]
        if not self.lines:
            self.left, self.right, self.first = start, end, number
        self.left = min(self.left, start)
        self.right = max(self.right, end)
        self.last = number
        line = _line(cells)
        self.header = self.header or line[:HEADING_CHARS]
        self.lines.append(line)
        self.chars += len(line)

    def took(self, number: int, cells: Cells, comments: Iterable[str] = ()) -> Iterator[Section]:
        """Takes a row, yielding what is complete: an empty row ends a table, enough text a block."""
        if self.last and number > self.last + 1:
            yield from self.block()
            self.header = ""
        self.add(number, cells)
        self.lines += comments
        if self.chars >= BLOCK_CHARS:
            yield from self.block()

    def block(self) -> Iterator[Section]:
        """The rows so far as a section; the header row stays known."""
        from openpyxl.utils import get_column_letter as letter  # type: ignore[import-untyped]  # no types

        if not self.lines:
            return
        first = f"{letter(self.left)}{self.first}"
        last = f"{letter(self.right)}{self.last}"
        where = _address(self.sheet, locators.of_cells(first, last))
        # The block that begins with the header need not repeat it.
        begins_with_header = self.lines[0] == self.header
        heading = (self.sheet,) if begins_with_header else (self.sheet, self.header)
        text = "\n".join(self.lines) + "\n\n"
        yield Section(text, heading, where, atomic=True)
        self.lines = []
        self.chars = 0


def _line(cells: Cells) -> str:
    """The cells of a row with the empty ones between; a row of scattered cells is listed without those."""
    start = cells[0][0]
    end = cells[-1][0]
    filled = dict(cells)
    if end - start >= WIDE:
        return row(filled.values())
    return row(filled.get(column, "") for column in range(start, end + 1))


@dataclass(frozen=True, slots=True)
class _Relation:
    """`kind`: the last word of its type; `target`: an entry of the archive."""

    id: str
    kind: str
    target: str


def read(raw: Raw) -> Iterator[Reading]:
    """One document. Raises RefusedFile and UnreadableFile."""
    archive, data = zips.office_package(raw.data, raw.limits)
    made = []
    notices = []
    cap = f"{raw.limits.text_chars:,} characters reached"
    left = raw.limits.text_chars
    books = _books(data, archive)
    for name in books[0].sheetnames:
        if left < 0:
            notices.append(f"{cap}: sheets from {name!r} on left out")
            break
        for section in _sheet(books, name, archive):
            made.append(section)
            left -= len(section.text)
            if left < 0:
                notices.append(f"{cap}: the rest of {name!r} left out")
                break
        made += _beside(archive, name)
    yield described(made, archive, notices=notices)


def _books(data: bytes, archive: zipfile.ZipFile) -> list[Workbook]:
    """The workbook with computed values, and where some were never computed, also the one with formulas."""
    import warnings

    from openpyxl import load_workbook

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on styles and extensions that are of no use here
        load = functools.partial(load_workbook, read_only=True, keep_links=False)
        books = [load(io.BytesIO(data), data_only=True)]
        sheets = (name for name in archive.namelist() if name.startswith("xl/worksheets/"))
        if any(_NO_VALUE.search(archive.read(name)) for name in sheets):
            books.append(load(io.BytesIO(data)))
    return books


def _sheet(books: list[Workbook], name: str, archive: zipfile.ZipFile) -> Iterator[Section]:
    """The tables of a sheet, parted by empty rows, in blocks; comments below the row of their cell."""
    comments = _comments(archive, _path(archive, name))
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
        book[name].reset_dimensions()  # what the sheet says of its size may be a million rows
        walks.append(book[name].iter_rows())
    for row_cells in zip(*walks, strict=False):
        filled = []
        number = 0
        # Each cell as computed, and where there is one, as its formula.
        for versions in zip(*row_cells, strict=False):
            values = (cell.value for cell in versions if cell.value is not None)
            text = _shown(next(values, None))
            if text:
                cell = versions[0]
                number = cell.row
                filled.append((cell.column, text))
        if filled:
            yield number, filled


def _shown(value: object) -> str:
    """A cell's value as a person writes it: dates in ISO form, whole numbers without a point."""
    if value is None:
        return ""
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


def _comments(archive: zipfile.ZipFile, path: str) -> dict[int, list[tuple[str, str]]]:
    """Row -> (cell, words) of a sheet's comments, old and threaded."""
    found: dict[int, list[tuple[str, str]]] = {}
    for kind, target in _linked(archive, path, set()):
        if kind not in _COMMENTS:
            continue
        for element in descendants(entry(archive, target), "comment", "threadedComment"):
            words = one_line("".join(_texts(element, "t", "text")))
            is_copy = words.startswith("[Threaded comment]")  # for programs that know none
            if not words or is_copy:
                continue
            cell = attribute(element, "ref") or "A1"
            digits = "".join(filter(str.isdecimal, cell))
            number = int(digits or 1)
            in_row = found.setdefault(number, [])
            in_row.append((cell, f"Comment ({cell}): {words}"))
    return found


def _texts(element: Element | None, *names: str) -> Iterator[str]:
    return (part.text or "" for part in descendants(element, *names))


def _beside(archive: zipfile.ZipFile, name: str) -> Iterator[Section]:
    """The words of the drawings and charts of one sheet; a chart's numbers are its cells'."""
    texts = []
    path = _path(archive, name)
    for kind, target in _linked(archive, path, set()):
        if kind in _COMMENTS:
            continue
        said = map(one_line, _texts(entry(archive, target), "t", "v"))
        words = dict.fromkeys(filter(has_letters, said))
        if words:
            texts.append(" | ".join(words))
    if texts:
        text = "\n".join(texts) + "\n\n"
        yield Section(text, (name,), _address(name, "A1"))


def _path(archive: zipfile.ZipFile, name: str) -> str:
    """The entry that holds a sheet, by the workbook's relations; "" when it cannot be told."""
    key = ""
    for sheet in descendants(entry(archive, _BOOK), "sheet"):
        if sheet.get("name") == name:
            key = attribute(sheet, "id")
            break
    for relation in _relations(archive, _BOOK):
        if relation.id == key:
            return relation.target
    return ""


def _linked(archive: zipfile.ZipFile, path: str, seen: set[str]) -> Iterator[tuple[str, str]]:
    """(kind, entry) of comments, drawings and the charts on them, each once."""
    for relation in _relations(archive, path):
        target = relation.target
        if relation.kind in _LINKED and target not in seen:
            seen.add(target)
            yield relation.kind, target
            yield from _linked(archive, target, seen)


def _relations(archive: zipfile.ZipFile, path: str) -> Iterator[_Relation]:
    """What an entry of the archive refers to inside of it."""
    folder, name = posixpath.split(path)
    # The package keeps the relations of `a/b.xml` in `a/_rels/b.xml.rels`.
    root = entry(archive, f"{folder}/_rels/{name}.rels")
    if root is None:
        return
    for element in root:
        is_outside = element.get("TargetMode") == "External"
        if is_outside or local(element) != "Relationship":
            continue
        target = element.get("Target") or ""
        beside = posixpath.normpath(posixpath.join(folder, target))
        yield _Relation(
            id=element.get("Id") or "",
            kind=(element.get("Type") or "").rpartition("/")[2],
            target=target[1:] if target.startswith("/") else beside,
        )
