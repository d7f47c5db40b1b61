"""What tables of every format share: merged cells laid out in their columns, and the row that names the columns.

A cell that spans rows is written again in each of them, so that a row says by itself what it belongs to; one that spans
columns is written once, with empty cells after it, so that no value moves under another name. The header row is that
which the format declares, else the first row, where it reads like names and not like values. Leaves out how a format
stores its cells. Serves the readers.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, islice, repeat

from ingest.document import Heading, Section
from ingest.readers.outline import HEADING_CHARS, Block, has_letters, one_line, row

FilledCells = list[tuple[int, str]]  # (column, words) of a row, columns from 1
Label = tuple[int, str]  # rows that a cell goes on over, or its last row; its words

Rows = Sequence[Sequence[str]]  # the words of each cell

LABEL_CHARS = 120  # a longer text in a merged cell is written once, its beginning in the rows below
BEGINNING_CHARS = 40
MANY_COLUMNS = 64  # columns that one cell may span: a page may claim any number
WIDE = 128  # columns beyond which merged cells are no longer laid out
TO_THE_END = 1 << 20  # rows of a cell that goes on until another begins
# In ISO form, alone or behind the form of the sheet (number_formats.py).
_DATE = re.compile(r"(?:.{1,40} \()?(?:19|20)\d\d-\d\d-\d\d\)?")
_YEAR = re.compile(r"(?:19|20)\d\d")
# A figure with at most one word, or a date: "-310.50 EUR", "3 months", "05-May-2026".
_VALUE = re.compile(r"\W*+\d[\W\d]*+(?:[^\W\d]{1,9}[\W\d]*)?")
_STOPS = tuple(".!?:;,…。！？")
_PARAGRAPH_END = re.compile(r"(?<=\n\n)(?=[^\n])")
_ROW = re.compile(r"(?:.* \| .*|\| .*|.* \|)")


@dataclass(frozen=True, slots=True)
class Cell:
    """Words that span so many columns and rows. `covered`: the place of a cell that began above or to the left."""

    text: str = ""
    columns: int = 1
    rows: int = 1
    covered: bool = False


class Grid:
    """The rows of one table, cell by cell in their columns, however they are merged.

    `explicit`: the format writes covered places out, as office formats do; HTML leaves them out.
    """

    def __init__(self, *, explicit: bool = False) -> None:
        self._explicit = explicit
        self._above: dict[int, Label] = {}  # by column

    def row(self, cells: Iterable[Cell]) -> list[str]:
        """The words of each column of the next row."""
        words: list[str] = []
        began: dict[int, Label] = {}
        for cell in cells:
            if not self._explicit:
                self._pass_covered(words)
            columns = max(cell.columns, 1)
            columns = min(columns, MANY_COLUMNS)
            if len(words) + columns > WIDE:
                words.append(cell.text)
            elif cell.covered:
                end = len(words) + columns
                self._fill(words, end)
            else:
                self._place(cell, columns, words, began)
        if not self._explicit:
            last = max(self._above, default=-1)
            self._fill(words, last + 1)
        self._above |= began
        return words

    def _fill(self, words: list[str], end: int) -> None:
        """Writes the words of cells above, or none, up to the column before `end`."""
        for column in range(len(words), end):
            above = self._from_above(column)
            words.append(above)

    def _pass_covered(self, words: list[str]) -> None:
        """Writes the places that cells above cover, up to the next free one."""
        while len(words) in self._above:
            self._fill(words, len(words) + 1)

    def _place(
        self,
        cell: Cell,
        columns: int,
        words: list[str],
        began: dict[int, Label],
    ) -> None:
        """Writes a cell and the empty ones that it spans; `began` takes what it covers below."""
        text = cell.text
        for _column in range(columns):
            at = len(words)
            below = cell.rows - 1
            if below > 0:
                began[at] = (below, label_of(text))
            else:
                self._above.pop(at, None)
            words.append(text)
            text = ""

    def _from_above(self, column: int) -> str:
        """The words of the cell that covers this place, one row less of it left; "" where none does."""
        rows, label = self._above.pop(column, _NO_LABEL)
        left = rows - 1
        if left > 0:
            self._above[column] = (left, label)
        return label


_NO_LABEL: Label = (0, "")


def label_of(text: str) -> str:
    """What rows below say of a cell that goes on over them: never nothing, which would move their other cells."""
    if len(text) <= LABEL_CHARS:
        return text
    beginning, _blank, _cut = text[:BEGINNING_CHARS].rpartition(" ")
    return f"{beginning or text[:BEGINNING_CHARS]} …"


class LabelsBelow:
    """Cells merged over rows, in formats that give filled cells with their columns: the words for the rows below."""

    def __init__(self) -> None:
        self._labels: dict[int, Label] = {}  # by column

    def begin(self, column: int, last: int, words: str) -> None:
        """The cell of a column goes on to the row `last`."""
        self._labels[column] = (last, label_of(words))

    def filled(self, number: int, cells: FilledCells) -> FilledCells:
        """The cells of a row with the words of those that began above it, where it has any of its own."""
        known = dict(cells)
        above = []
        for column, label in list(self._labels.items()):
            last, words = label
            if last < number:
                del self._labels[column]
            elif column not in known:
                above.append((column, words))
        if not cells or not above:
            return cells
        return sorted(cells + above)


def header_of(rows: Rows, declared: int = 0) -> str:
    """The names of the columns on one line, "" where the table has none.

    Of `declared` header rows the names of each column are joined. Without any, the first row names the columns when
    it has more than one cell and none of them is a value.
    """
    names: Iterable[str] = ()
    if declared:
        names = _joined(rows[:declared])
    elif len(rows) > 1:
        first = rows[0]
        if names_columns(first):
            names = first
    return row(names)[:HEADING_CHARS]


def _joined(rows: Rows) -> Iterator[str]:
    """For each column the different words above each other; a name goes on over the empty cells to its right."""
    width = max(map(len, rows), default=0)
    last = len(rows) - 1
    names_of: dict[int, list[str]] = defaultdict(list)
    for at, cells in enumerate(rows):
        name = ""
        padded = chain(cells, repeat(""))
        filled = islice(padded, width)
        for column, cell in enumerate(filled):
            own = one_line(cell)
            if own or at == last:
                name = own
            names = names_of[column]
            if name and name not in names:
                names.append(name)
    return map(" ".join, names_of.values())


def names_columns(cells: Iterable[str]) -> bool:
    """Whether a row reads like names: two cells or more that are words, signs or years, none a figure, an amount or a
    date; or a name and then nothing but dates, as over a column for each month."""
    lines = map(one_line, cells)
    filled = list(filter(None, lines))
    if len(filled) < 2:
        return False
    if not any(map(has_letters, filled)):
        return False
    if all(map(_is_name, filled)):
        return True
    first, *others = filled
    are_dates = all(map(_DATE.fullmatch, others))
    if not are_dates or len(others) < 2:
        return False
    return _is_name(first)


def _is_name(words: str) -> bool:
    if _VALUE.fullmatch(words):
        return bool(_YEAR.fullmatch(words))
    return not _DATE.fullmatch(words)


def words_of(inside: Iterable[Block]) -> str:
    """What stands in a cell on one line: items, paragraphs and the rows of a table in it parted by semicolons."""
    said = ""
    for block in inside:
        words = _words_of_block(block)
        if not words:
            continue
        # After a full stop or a colon nothing is needed.
        needs_sign = said and not said.endswith(_STOPS)
        said += "; " if needs_sign else " "
        said += words
    return one_line(said)


def _words_of_block(block: Block) -> str:
    between = " ; " if block.atomic else " "
    words = []
    for line in block.text.split("\n"):
        line = line.strip().removesuffix("|")
        if line.startswith("- ") and not block.atomic:
            between = "; "
        item = line.removeprefix("- ").strip()
        if item:
            words.append(item)
    return between.join(words)


def with_tables(text: str, heading: Heading, where: str) -> Iterator[Section]:
    """A text of paragraphs as sections, those of table rows (lines with bars between cells) under their header."""
    paragraphs = _PARAGRAPH_END.split(text)
    for is_table, run in groupby(paragraphs, key=_is_table):
        if not is_table:
            joined = "".join(run)
            yield Section(joined, heading, where)
            continue
        for paragraph in run:
            names = _header_of_lines(paragraph)
            yield Section(paragraph, heading, where, atomic=True, header=names)


def _lines(paragraph: str) -> list[str]:
    return paragraph.strip("\n").split("\n")


def _header_of_lines(paragraph: str) -> str:
    rows = []
    for line in _lines(paragraph)[:2]:
        cells = line.strip("| ").split(" | ")
        rows.append(cells)
    return header_of(rows)


def _is_table(paragraph: str) -> bool:
    lines = _lines(paragraph)
    if len(lines) < 2:
        return False
    return all(map(_ROW.fullmatch, lines))
