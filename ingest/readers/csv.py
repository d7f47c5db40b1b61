"""Tables in text files (CSV, TSV): the text as it is, line for line, with the row that names its columns found.

Leaves out types and dialects: which sign parts the cells is seen from the first rows. Serves `loading`.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import islice

from ingest.readers.tables import header_of
from ingest.readers.text import readable, whole
from ingest.reading import Raw, Reading, Readings

DELIMITERS = ",;\t|"
SEEN_ROWS = 20  # rows looked at
SEEN_CHARS = 20_000  # characters looked at


def read(raw: Raw) -> Readings:
    """One document of one section, kept in rows where it must be cut."""
    text, notices = readable(raw)
    table = whole(text, atomic=True)
    yield Reading([replace(table, header=header(text))], notices=notices)


def header(text: str) -> str:
    """The names of the columns, "" where no row reads like names. What stands above the table is passed over: rows
    with other numbers of cells than most have."""
    sample = text[:SEEN_CHARS]
    rows = max((_rows(sample, sign) for sign in DELIMITERS), key=_regularity)
    width, _count = _usual_width(rows)
    of_table = [cells for cells in rows if len(cells) == width]
    return header_of(of_table)


def _rows(sample: str, delimiter: str) -> list[list[str]]:
    """The first rows that hold something; none after one that is no CSV."""
    rows: list[list[str]] = []
    with suppress(csv.Error):
        rows.extend(islice(_filled(sample, delimiter), SEEN_ROWS))
    return rows


def _filled(sample: str, delimiter: str) -> Iterator[list[str]]:
    lines = sample.split("\n")
    reader = csv.reader((line + "\n" for line in lines), delimiter=delimiter)
    return (cells for cells in reader if any(map(str.strip, cells)))


def _usual_width(rows: list[list[str]]) -> tuple[int, int]:
    """(cells of most rows, how many rows have so many); of equals the wider."""
    widths = Counter(len(cells) for cells in rows)
    return max(widths.items(), key=lambda known: (known[1], known[0]), default=(0, 0))


def _regularity(rows: list[list[str]]) -> tuple[bool, int, int]:
    """How well a sign parts the rows: into several cells, in as many rows as possible, into as many as possible."""
    width, count = _usual_width(rows)
    return width > 1, count, width
