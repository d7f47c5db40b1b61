"""Tables in text files (CSV, TSV): the text as it is, line for line, with the row that names its columns found.

Leaves out types and dialects: which sign parts the cells is seen from the first rows. Serves `loading`.
"""

from __future__ import annotations

import csv
from collections import Counter
from contextlib import suppress
from dataclasses import replace

from ingest.readers.tables import header_of
from ingest.readers.text import readable, whole
from ingest.reading import Raw, Reading, Readings

Rows = list[list[str]]

DELIMITERS = ",;\t|"
SEEN_ROWS = 20  # rows looked at
SEEN_CHARS = 20_000  # characters looked at


def read(raw: Raw) -> Readings:
    """One document of one section, kept in rows where it must be cut."""
    text, notices = readable(raw)
    table = whole(text, atomic=True)
    names = header(text)
    yield Reading([replace(table, header=names)], notices=notices)


def header(text: str) -> str:
    """The names of the columns, "" where no row reads like names. What stands above the table is passed over: rows
    with other numbers of cells than most have."""
    sample = text[:SEEN_CHARS]
    ways = [_rows(sample, sign) for sign in DELIMITERS]
    rows = max(ways, key=_regularity)
    width, _count = _usual_width(rows)
    of_table = [cells for cells in rows if len(cells) == width]
    return header_of(of_table)


def _rows(sample: str, delimiter: str) -> Rows:
    """The first rows that hold something; none after one that is no CSV."""
    rows: Rows = []
    lines = (line + "\n" for line in sample.split("\n"))
    reader = csv.reader(lines, delimiter=delimiter)
    with suppress(csv.Error):
        for cells in reader:
            if any(map(str.strip, cells)):
                rows.append(cells)
            if len(rows) == SEEN_ROWS:
                break
    return rows


def _usual_width(rows: Rows) -> tuple[int, int]:
    """(cells of most rows, how many rows have so many); of equals the wider."""
    usual = (0, 0)
    widths = Counter(map(len, rows))
    for width in sorted(widths):
        count = widths[width]
        if count >= usual[1]:
            usual = (width, count)
    return usual


def _regularity(rows: Rows) -> tuple[bool, int, int]:
    """How well a sign parts the rows: into several cells, in as many rows as possible, into as many as possible."""
    width, count = _usual_width(rows)
    return width > 1, count, width
