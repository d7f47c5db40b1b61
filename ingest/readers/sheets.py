"""The rows of a sheet's tables -> blocks of rows under the row that names their columns, "Sheet!B12:F30".

A gap ends a table. Above the names may stand a title, and names for groups of columns. Leaves out where cells come
from. Serves the readers of workbooks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ingest.document import Heading, Section
from ingest.locators import of_cells
from ingest.readers.outline import HEADING_CHARS, row
from ingest.readers.tables import FilledCells, header_of, names_columns

BLOCK_CHARS = 700  # about 300 tokens where numbers abound: one chunk
WIDE = 512  # columns beyond which empty cells are not shown
_BARE_NAME = re.compile(r"[^\W\d]\w*")


@dataclass(slots=True)
class SheetTable:
    """Rows of one table as they come: those not yet yielded, and what names their columns."""

    sheet: str
    title: str = ""
    header: str = ""
    # Whether the row that names the columns is behind, or there is none.
    decided: bool = False
    groups: list[str] = field(default_factory=list)
    left: int = 0  # the first column of the table
    rows: list[FilledCells | str] = field(default_factory=list)  # cells, or a comment
    first: int = 0
    top: int = 0
    last: int = 0
    chars: int = 0

    def took(
        self,
        number: int,
        cells: FilledCells,
        comments: Iterable[str] = (),
        grouped: bool = False,
    ) -> Iterator[Section]:
        """Takes a row that is not empty, yielding what is complete: a gap ends a table, enough text a block.

        `grouped`: cells of the row are merged over several columns.
        """
        if self.last and number > self.last + 1:
            yield from self.block()
            self.title = self.header = ""
            self.decided = False
            self.groups = []
            self.left = self.top = 0
        self.first = self.first or number
        self.top = self.top or number
        self.last = number
        self.left = min(self.left or cells[0][0], cells[0][0])
        if not self.decided:
            self._name(cells, grouped)
        self.rows += (cells, *comments)
        self.chars += sum(len(text) + 3 for _column, text in cells)
        if self.chars >= BLOCK_CHARS:
            yield from self.block()

    def _name(self, cells: FilledCells, grouped: bool) -> None:
        """Takes a row at the top of a table as its title, or as names of groups or of columns, when it is."""
        words = _spread(cells, self.left)
        if len(cells) == 1:
            self.title = self.title or cells[0][1][:HEADING_CHARS]
        elif grouped and not self.groups and names_columns(words):
            self.groups = words
        else:
            self.decided = True
            if names_columns(words):
                above = [self.groups] if self.groups else []
                self.header = header_of([*above, words], declared=len(above) + 1)

    def block(self) -> Iterator[Section]:
        """The rows so far as a section; what names the columns stays known."""
        from openpyxl.utils import get_column_letter as letter  # type: ignore[import-untyped]  # no types

        if not self.rows:
            return
        cells = [line for line in self.rows if not isinstance(line, str)]
        left = letter(min(found[0][0] for found in cells))
        right = letter(max(found[-1][0] for found in cells))
        where = address(
            self.sheet, of_cells(f"{left}{self.first}", f"{right}{self.last}")
        )
        lines = (
            line if isinstance(line, str) else _line(line, self.left)
            for line in self.rows
        )
        text = "\n".join(lines) + "\n\n"
        yield Section(text, self._heading(), where, atomic=True, header=self.header)
        self.rows = []
        self.first = self.chars = 0

    def _heading(self) -> Heading:
        """The block that begins with the names need not repeat them."""
        if self.first == self.top:
            return (self.sheet,)
        return tuple(filter(None, (self.sheet, self.title, self.header)))


def _spread(cells: FilledCells, left: int) -> list[str]:
    """The words of a row from the table's first column on, with the empty ones between; a row of scattered cells is
    listed without those."""
    end = cells[-1][0]
    filled = dict(cells)
    if end - left >= WIDE:
        return list(filled.values())
    return [filled.get(column, "") for column in range(left, end + 1)]


def _line(cells: FilledCells, left: int) -> str:
    return row(_spread(cells, left))


def address(sheet: str, cells: str) -> str:
    """Cells of a sheet as the program's own address box takes them: quotes around an odd name."""
    if _BARE_NAME.fullmatch(sheet):
        return f"{sheet}!{cells}"
    quoted = sheet.replace("'", "''")
    return f"'{quoted}'!{cells}"
