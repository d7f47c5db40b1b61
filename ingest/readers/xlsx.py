"""Workbooks: each table of each sheet in blocks of rows, "Sheet!B12:F30", a line per row; comments and the words of
drawings and charts after the sheet that they lie on.

Values are those that the program computed last, as the sheet shows them; a formula without one stands as it is written.
The header row of a table is the heading of its blocks, so that a block far down is found by the names of its columns; a
cell merged over rows stands in each of them. openpyxl reads row by row. Leaves out hidden state, pictures and macros.
Serves `loading`, in a worker.
"""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

from ingest.document import Section
from ingest.readers import zips
from ingest.readers.number_formats import shown
from ingest.readers.outline import has_letters, one_line
from ingest.readers.sheets import SheetTable, address
from ingest.readers.tables import FilledCells, LabelsBelow
from ingest.readers.xml import attribute, descendants, described, entry
from ingest.reading import Raw, Readings

if TYPE_CHECKING:
    from lxml.etree import _Element as Element
    from openpyxl import Workbook  # type: ignore[import-untyped]  # the package has no types

# Row -> (cell, words) of the comments in it.
Comments = dict[int, list[tuple[str, str]]]
CELL_CHARS = 32_767  # Excel's own cap
MOST_MERGED = 100_000  # ranges of merged cells looked at in a sheet
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^<>]*?ref=[\"']([A-Z0-9:$]{2,30})[\"']")
_NO_VALUE = re.compile(rb"(?:</f>|<f\s[^<>]*/>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>")
_COMMENTS = ("comments", "threadedComment")
_LINKED = (*_COMMENTS, "drawing", "chart", "diagramData")


@dataclass(frozen=True, slots=True)
class Merged:
    """Merged cells of a sheet. `below`: row -> (column, last row) of those over rows; `across`: rows with some over
    columns."""

    below: dict[int, list[tuple[int, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    across: set[int] = field(default_factory=set)


def read(raw: Raw) -> Readings:
    """One document. Raises RefusedFile and UnreadableFile."""
    archive, data = zips.office_package(raw.data, raw.limits)
    made = []
    notices: list[str] = []
    cap = f"{raw.limits.text_chars:,} characters reached"
    left = raw.limits.text_chars
    books, paths = _books(data, archive)
    for name in books[0].sheetnames:
        if left < 0:
            notices.append(f"{cap}: sheets from {name!r} on left out")
            break
        linked: dict[str, str] = {}
        _add_linked(archive, paths.get(name, ""), linked)
        path = paths.get(name, "")
        merged = _merged(archive, path) if path else Merged()
        sheet = _sheet(books, name, _comments(archive, linked), merged)
        for section in _unless_damaged(sheet, name, notices):
            made.append(section)
            left -= len(section.text)
            if left < 0:
                notices.append(f"{cap}: the rest of {name!r} left out")
                break
        made += _beside(archive, name, linked)
    yield described(made, archive, notices=[*zips.damage(archive), *notices])


def _unless_damaged(
    sheet: Iterator[Section], name: str, notices: list[str]
) -> Iterator[Section]:
    """The sections of a sheet up to where it is damaged, which costs no other sheet."""
    try:
        yield from sheet
    except (MemoryError, GeneratorExit):
        raise
    except Exception:  # openpyxl raises whatever a broken sheet leads to
        notices.append(f"sheet {name!r} is damaged, left out from there on")


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


def _sheet(
    books: list[Workbook], name: str, comments: Comments, merged: Merged
) -> Iterator[Section]:
    """The tables of a sheet, parted by empty rows, in blocks; comments below the row of their cell."""
    if hasattr(books[0][name], "iter_rows"):  # else a sheet that is one chart
        table = SheetTable(name)
        labels = LabelsBelow()
        for number, own in _rows(books, name):
            words = dict(own)
            below = merged.below[number]
            for column, last in below:
                labels.begin(column, last, words.get(column, ""))
            cells = labels.filled(number, own)
            in_row = comments.pop(number, [])
            said = [remark for _cell, remark in in_row]
            yield from table.took(number, cells, said, number in merged.across)
        yield from table.block()
    for beyond_the_table in comments.values():
        for cell, remark in beyond_the_table:
            yield Section(f"{remark}\n\n", (name,), address(name, cell))


def _merged(archive: ZipFile, path: str) -> Merged:
    """The merged cells of a sheet, which the row by row reading does not tell."""
    from openpyxl.utils import range_boundaries  # type: ignore[import-untyped]  # no types

    found = Merged()
    for stated in islice(_MERGED.finditer(zips.content(archive, path)), MOST_MERGED):
        with suppress(ValueError, TypeError):
            left, top, right, bottom = range_boundaries(stated[1].decode("ascii"))
            if bottom > top:
                found.below[top].append((left, bottom))
            if right > left:
                found.across.add(top)
    return found


def _rows(books: list[Workbook], name: str) -> Iterator[tuple[int, FilledCells]]:
    """(row number, filled cells) of the rows that are not empty."""
    walks = []
    for book in books:
        # What the sheet says of its size may be a million rows.
        book[name].reset_dimensions()
        walks.append(book[name].iter_rows())
    for row_cells in zip(*walks, strict=False):
        filled = []
        number = 0
        # Each cell as computed, and where there is one, as its formula.
        for versions in zip(*row_cells, strict=False):
            values = (cell.value for cell in versions if cell.value is not None)
            cell = versions[0]
            if text := _shown(next(values, ""), cell):
                number = cell.row
                filled.append((cell.column, text))
        if filled:
            yield number, filled


def _shown(value: object, cell: Any) -> str:
    """A cell's value as the sheet shows it."""
    code = "General"
    # Most cells are texts, which no code changes; a style that is not there is none.
    if value != "" and not isinstance(value, str):
        with suppress(IndexError, AttributeError, KeyError):
            code = cell.number_format or code
    return shown(value, code)[:CELL_CHARS].replace("_x000D_", "")


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
        where = address(name, "A1")
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
