"""What tables of every format share: merged cells laid out in their columns, and the row that names the columns.

A cell that spans rows is written again in each of them, so that a row says by itself what it belongs to; one that spans
columns is written once, with empty cells after it, so that no value moves under another name. The header row is that
which the format declares, else the first row, where it reads like names and not like values. Leaves out how a format
stores its cells. Serves the readers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from ingest.document import Heading, Section
from ingest.readers.outline import HEADING_CHARS, Block, has_letters, one_line, row

FilledCells = list[tuple[int, str]]  # (column, words) of a row, columns from 1

LABEL_CHARS = 120  # a longer text in a merged cell is written once
MANY_COLUMNS = 64  # columns that one cell may span: a page may claim any number
WIDE = 128  # columns beyond which merged cells are no longer laid out
TO_THE_END = 1 << 20  # rows of a cell that goes on until another begins
_DATE = re.compile(r"(?:19|20)\d\d-\d\d-\d\d")
_YEAR = re.compile(r"(?:19|20)\d\d")
# A figure with at most one word, or a date: "-310.50 EUR", "3 months", "05-May-2026".
_VALUE = re.compile(r"\W*+\d[\W\d]*+(?:[^\W\d]{1,9}[\W\d]*)?")
_STOPS = ".!?:;,…。！？"
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
        # Column -> rows that a cell above still covers, and its words.
        self._above: dict[int, tuple[int, str]] = {}

    def row(self, cells: Iterable[Cell]) -> list[str]:
        """The words of each column of the next row."""
        words: list[str] = []
        began: dict[int, tuple[int, str]] = {}
        for cell in cells:
            while not self._explicit and len(words) in self._above:
                words.append(self._from_above(len(words)))
            columns = min(max(cell.columns, 1), MANY_COLUMNS)
            if len(words) + columns > WIDE:
                words.append(cell.text)
                continue
            if cell.covered:
                words += [self._from_above(len(words) + at) for at in range(columns)]
                continue
            for at in range(columns):
                text = cell.text if at == 0 else ""
                if cell.rows > 1:
                    label = text if len(text) <= LABEL_CHARS else ""
                    began[len(words)] = (cell.rows - 1, label)
                else:
                    self._above.pop(len(words), None)
                words.append(text)
        if not self._explicit:
            last = max(self._above, default=-1)
            words += [self._from_above(at) for at in range(len(words), last + 1)]
        self._above |= began
        return words

    def _from_above(self, column: int) -> str:
        """The words of the cell that covers this place, one row less of it left; "" where none does."""
        rows, label = self._above.pop(column, (0, ""))
        if rows > 1:
            self._above[column] = (rows - 1, label)
        return label


class LabelsBelow:
    """Cells merged over rows, in formats that give filled cells with their columns: the words for the rows below."""

    def __init__(self) -> None:
        self._labels: dict[int, tuple[int, str]] = {}  # column -> last row, words

    def begin(self, column: int, last: int, words: str) -> None:
        """The cell of a column goes on to the row `last`."""
        if len(words) <= LABEL_CHARS:
            self._labels[column] = (last, words)

    def filled(self, number: int, cells: FilledCells) -> FilledCells:
        """The cells of a row with the words of those that began above it, where it has any of its own."""
        known = {column for column, _text in cells}
        over = [column for column, (last, _) in self._labels.items() if last < number]
        for column in over:
            del self._labels[column]
        labels = ((column, text) for column, (_, text) in self._labels.items())
        above = [(column, text) for column, text in labels if column not in known]
        return sorted([*cells, *above]) if cells and above else cells


def header_of(rows: Sequence[Sequence[str]], declared: int = 0) -> str:
    """The names of the columns on one line, "" where the table has none.

    Of `declared` header rows the names of each column are joined. Without any, the first row names the columns when
    it has more than one cell and none of them is a value.
    """
    if declared:
        return row(_joined(rows[:declared]))[:HEADING_CHARS]
    if len(rows) > 1 and names_columns(rows[0]):
        return row(rows[0])[:HEADING_CHARS]
    return ""


def _joined(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """For each column the different words above each other; a name goes on over the empty cells to its right."""
    width = max(map(len, rows), default=0)
    last = len(rows) - 1
    columns: list[dict[str, None]] = [{} for _column in range(width)]
    for at, cells in enumerate(rows):
        name = ""
        for column in range(width):
            own = one_line(cells[column]) if column < len(cells) else ""
            name = own if own or at == last else name
            if name:
                columns[column][name] = None
    return (" ".join(names) for names in columns)


def names_columns(cells: Iterable[str]) -> bool:
    """Whether a row reads like names: two cells or more that are words, signs or years, none a figure, an amount or a
    date; or a name and then nothing but dates, as over a column for each month."""
    filled = [words for words in map(one_line, cells) if words]
    if len(filled) < 2 or not any(map(has_letters, filled)):
        return False
    if all(map(_is_name, filled)):
        return True
    dates = [words for words in filled[1:] if _DATE.fullmatch(words)]
    return _is_name(filled[0]) and len(dates) == len(filled) - 1 > 1


def _is_name(words: str) -> bool:
    return not _VALUE.fullmatch(words) or bool(_YEAR.fullmatch(words))


def words_of(inside: Iterable[Block]) -> str:
    """What stands in a cell on one line: items, paragraphs and the rows of a table in it parted by semicolons."""
    said = ""
    for block in inside:
        lines = [line.strip().removesuffix("|") for line in block.text.split("\n")]
        parted = block.atomic or any(line.startswith("- ") for line in lines)
        words = [line.removeprefix("- ").strip() for line in lines]
        words = list(filter(None, words))
        if not words:
            continue
        # After a full stop or a colon nothing is needed.
        said += "; " if said and said[-1] not in _STOPS else " "
        said += (" ; " if block.atomic else "; " if parted else " ").join(words)
    return one_line(said)


def with_tables(text: str, heading: Heading, where: str) -> Iterator[Section]:
    """A text of paragraphs as sections, those of table rows (lines with bars between cells) under their header."""
    paragraphs = re.split(r"(?<=\n\n)(?=[^\n])", text)
    for is_table, run in groupby(paragraphs, key=_is_table):
        if not is_table:
            yield Section("".join(run), heading, where)
            continue
        for paragraph in run:
            lines = paragraph.strip("\n").split("\n")
            names = header_of([line.strip("| ").split(" | ") for line in lines[:2]])
            yield Section(paragraph, heading, where, atomic=True, header=names)


def _is_table(paragraph: str) -> bool:
    lines = paragraph.strip("\n").split("\n")
    return len(lines) > 1 and all(map(_ROW.fullmatch, lines))
