"""Workbooks: each table of each sheet in blocks of rows, "Sheet!B12:F30", a line per row; comments and the words of
drawings and charts after the sheet that they lie on.

Values are those that the program computed last; a formula without one is shown as it is written. The header row of a
table is the heading of its blocks, so that a block far down is found by the names of its columns. openpyxl reads row by
row. Leaves out formats, hidden state, pictures and macros. Serves `loading`, in a worker.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import TYPE_CHECKING

from ingest.document import Section
from ingest.readers import zips
from ingest.readers.outline import HEADING_CHARS, row
from ingest.readers.xml import attribute, created, descendants, local, properties, tree
from ingest.reading import Raw, Reading

if TYPE_CHECKING:
    from openpyxl import Workbook  # type: ignore[import-untyped]  # the package has no types

BLOCK_CHARS = 700  # about 300 tokens where numbers abound: one chunk
WIDE = 512  # columns beyond which empty cells are not shown
CELL_CHARS = 32_767  # Excel's own cap
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
    left: int = 0
    right: int = 0
    chars: int = 0

    def add(self, number: int, cells: list[tuple[int, str]]) -> None:
        """A row that is not empty: (column, text) of its filled cells, columns from 1."""
        start, end = cells[0][0], cells[-1][0]
        self.left = min(self.left, start) if self.lines else start
        self.right = max(self.right, end) if self.lines else end
        self.first, self.last = self.first if self.lines else number, number
        filled = dict(cells)
        near = (
            end - start < WIDE
        )  # a row of scattered cells is listed without the empty ones between
        line = (
            row(filled.get(column, "") for column in range(start, end + 1))
            if near
            else row(filled.values())
        )
        self.header = self.header or line[:HEADING_CHARS]
        self.lines.append(line)
        self.chars += len(line)

    def took(
        self, number: int, cells: list[tuple[int, str]], comments: Sequence[str] = ()
    ) -> Iterator[Section]:
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

        if self.lines:
            where = f"{_quoted(self.sheet)}!{letter(self.left)}{self.first}"
            if (self.left, self.first) != (self.right, self.last):
                where += f":{letter(self.right)}{self.last}"
            heading = (self.sheet,) if self.lines[0] == self.header else (self.sheet, self.header)
            yield Section("\n".join(self.lines) + "\n\n", heading, where, atomic=True)
            self.lines, self.chars = [], 0


def read(raw: Raw) -> Iterator[Reading]:
    """One document. Raises RefusedFile and UnreadableFile."""
    archive = zips.opened(raw.data, raw.limits)
    data = zips.transitional(archive) if zips.is_strict(archive) else raw.data
    made: list[Section] = []
    notices: list[str] = []
    room = raw.limits.text_chars
    books = _books(data, archive)
    for name in books[0].sheetnames:
        if room < 0:
            notices.append(
                f"{raw.limits.text_chars:,} characters reached: sheets from {name!r} on left out"
            )
            break
        for section in _sheet(books, name, archive):
            made.append(section)
            room -= len(section.text)
            if room < 0:
                notices.append(
                    f"{raw.limits.text_chars:,} characters reached: the rest of {name!r} left out"
                )
                break
        made += _beside(archive, name)
    stated = properties(archive)
    yield Reading(
        made,
        title=stated.get("Title", ""),
        metadata=stated,
        notices=tuple(notices),
        created=created(stated),
    )


def _books(data: bytes, archive: zipfile.ZipFile) -> list[Workbook]:
    """The workbook with computed values, and where some were never computed, also the one with formulas."""
    import warnings

    from openpyxl import load_workbook

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on styles and extensions that are of no use here
        books = [load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)]
        sheets = (entry for entry in archive.namelist() if entry.startswith("xl/worksheets/"))
        if any(_NO_VALUE.search(archive.read(entry)) for entry in sheets):
            books.append(load_workbook(io.BytesIO(data), read_only=True, keep_links=False))
    return books


def _sheet(books: list[Workbook], name: str, archive: zipfile.ZipFile) -> Iterator[Section]:
    """The tables of a sheet, parted by empty rows, in blocks; comments below the row of their cell."""
    comments = _comments(archive, _path(archive, name))
    if hasattr(books[0][name], "iter_rows"):  # else a sheet that is one chart
        table = SheetTable(name)
        for number, cells in _rows(books, name):
            yield from table.took(
                number, cells, [words for _cell, words in comments.pop(number, ())]
            )
        yield from table.block()
    for cell, words in (comment for row_comments in comments.values() for comment in row_comments):
        yield Section(f"{words}\n\n", (name,), f"{_quoted(name)}!{cell}")


def _rows(books: list[Workbook], name: str) -> Iterator[tuple[int, list[tuple[int, str]]]]:
    """(row number, filled cells) of the rows that are not empty."""
    walks = []
    for book in books:
        book[name].reset_dimensions()  # what the sheet says of its size may be a million rows
        walks.append(book[name].iter_rows())
    for row_cells in zip(*walks, strict=False):
        filled: list[tuple[int, str]] = []
        number = 0
        for versions in zip(*row_cells, strict=False):
            value = next((cell.value for cell in versions if cell.value is not None), None)
            text = _shown(value)
            if text:
                number = versions[0].row
                filled.append((versions[0].column, text))
        if filled:
            yield number, filled


def _shown(value: object) -> str:
    """A cell's value as a person writes it: dates in ISO form, whole numbers without a point."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return (
            value.date().isoformat()
            if value.time() == time()
            else value.isoformat(" ", timespec="minutes")
        )
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.12g}"
    return str(getattr(value, "text", value))[:CELL_CHARS].replace("_x000D_", "")


def _quoted(sheet: str) -> str:
    """The sheet's name as the program's own address box takes it: quotes around odd ones."""
    return sheet if _BARE_NAME.fullmatch(sheet) else "'" + sheet.replace("'", "''") + "'"


def _comments(archive: zipfile.ZipFile, path: str) -> dict[int, list[tuple[str, str]]]:
    """Row -> (cell, words) of a sheet's comments, old and threaded."""
    found: dict[int, list[tuple[str, str]]] = {}
    for kind, target in _linked(archive, path, set()):
        root = tree(zips.content(archive, target)) if kind in _COMMENTS else None
        for element in descendants(root, "comment", "threadedComment") if root is not None else ():
            cell = attribute(element, "ref") or "A1"
            words = " ".join(
                "".join(part.text or "" for part in descendants(element, "t", "text")).split()
            )
            if words and not words.startswith("[Threaded comment]"):  # a copy for old programs
                row_number = int("".join(letter for letter in cell if letter.isdecimal()) or 1)
                found.setdefault(row_number, []).append((cell, f"Comment ({cell}): {words}"))
    return found


def _beside(archive: zipfile.ZipFile, name: str) -> Iterator[Section]:
    """The words of the drawings and charts of one sheet; a chart's numbers are its cells'."""
    texts: list[str] = []
    for kind, target in _linked(archive, _path(archive, name), set()):
        root = tree(zips.content(archive, target)) if kind not in _COMMENTS else None
        said = (
            (" ".join((part.text or "").split()) for part in descendants(root, "t", "v"))
            if root is not None
            else ()
        )
        if words := " | ".join(
            dict.fromkeys(text for text in said if any(letter.isalpha() for letter in text))
        ):
            texts.append(words)
    if texts:
        yield Section("\n".join(texts) + "\n\n", (name,), f"{_quoted(name)}!A1")


def _path(archive: zipfile.ZipFile, name: str) -> str:
    """The entry that holds a sheet, by the workbook's relations; "" when it cannot be told."""
    book = tree(zips.content(archive, "xl/workbook.xml"))
    if book is None:
        return ""
    key = next(
        (
            attribute(sheet, "id")
            for sheet in descendants(book, "sheet")
            if sheet.get("name") == name
        ),
        "",
    )
    relations = _relations(archive, "xl/workbook.xml")
    return next((target for identity, _kind, target in relations if identity == key), "")


def _linked(archive: zipfile.ZipFile, path: str, seen: set[str]) -> Iterator[tuple[str, str]]:
    """(kind, entry) of comments, drawings and the charts on them, each once."""
    for _identity, kind, target in _relations(archive, path):
        if kind in _LINKED and target not in seen:
            seen.add(target)
            yield kind, target
            yield from _linked(archive, target, seen)


def _relations(archive: zipfile.ZipFile, path: str) -> Iterator[tuple[str, str, str]]:
    """(id, last word of the type, entry) of what an entry refers to."""
    folder, name = posixpath.split(path)
    root = tree(zips.content(archive, f"{folder}/_rels/{name}.rels"))
    for element in root if root is not None else ():
        if local(element) == "Relationship" and element.get("TargetMode") != "External":
            target = element.get("Target") or ""
            entry = (
                target[1:]
                if target.startswith("/")
                else posixpath.normpath(posixpath.join(folder, target))
            )
            yield element.get("Id") or "", (element.get("Type") or "").rpartition("/")[2], entry
