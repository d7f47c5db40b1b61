"""Where the bytes of every stored value lie in a SQLite file: the walk over the b-trees that the file format describes.

For tests that damage one value and nothing else. Leaves out what lies on overflow pages.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

INTERIOR_INDEX, INTERIOR_TABLE, LEAF_INDEX, LEAF_TABLE = 2, 5, 10, 13
SIZES = {
    0: 0,
    1: 1,
    2: 2,
    3: 3,
    4: 4,
    5: 6,
    6: 8,
    7: 8,
    8: 0,
    9: 0,
}  # bytes of a serial type below 12


@dataclass(frozen=True, slots=True)
class Value:
    """One column of one row. `kind`: (offset, bytes) of its serial type; `body`: those of its value, 0 bytes for NULL."""

    table: str
    column: str
    kind: tuple[int, int]
    body: tuple[int, int]


def values(path: Path, tables: list[str]) -> list[Value]:
    """All values of the tables, as they lie in the file. The log must be written back before."""
    data = path.read_bytes()
    with closing(sqlite3.connect(path)) as conn:
        size = conn.execute("PRAGMA page_size").fetchone()[0]
        found = []
        for table in tables:
            root = conn.execute(
                "SELECT rootpage FROM sqlite_master WHERE name=?", (table,)
            ).fetchone()[0]
            columns = [row[1] for row in conn.execute(f"PRAGMA table_info({table})")]
            found += [
                value
                for at in _payloads(data, root, size)
                for value in _record(data, at, table, columns)
            ]
    return found


def _payloads(data: bytes, page: int, size: int) -> Iterator[tuple[int, int]]:
    """(first, last) offset of each record below a page, of the part that lies on the page itself."""
    start = (page - 1) * size
    head = start + (100 if page == 1 else 0)
    kind, cells = data[head], int.from_bytes(data[head + 3 : head + 5], "big")
    interior = kind in (INTERIOR_INDEX, INTERIOR_TABLE)
    first = head + (12 if interior else 8)
    for i in range(cells):
        at = start + int.from_bytes(data[first + 2 * i : first + 2 * i + 2], "big")
        if interior:
            yield from _payloads(data, int.from_bytes(data[at : at + 4], "big"), size)
            at += 4
        if kind == INTERIOR_TABLE:
            continue
        length, at = _varint(data, at)
        if kind == LEAF_TABLE:
            _rowid, at = _varint(data, at)
        yield at, at + _local(length, size, kind)
    if interior:
        yield from _payloads(
            data, int.from_bytes(data[head + 8 : head + 12], "big"), size
        )


def _local(length: int, size: int, kind: int) -> int:
    """How many bytes of a record lie on its page (file format, "Cell payload overflow pages")."""
    most = size - 35 if kind == LEAF_TABLE else (size - 12) * 64 // 255 - 23
    least = (size - 12) * 32 // 255 - 23
    if length <= most:
        return length
    part = least + (length - least) % (size - 4)
    return part if part <= most else least


def _record(
    data: bytes, span: tuple[int, int], table: str, columns: list[str]
) -> Iterator[Value]:
    start, end = span
    header, at = _varint(data, start)
    body = start + header
    for column in columns:
        if at >= start + header:
            return  # a row that was written before the column was added
        kind, after = _varint(data, at)
        length = SIZES[kind] if kind < 12 else (kind - 12) // 2
        yield Value(
            table, column, (at, after - at), (body, max(min(length, end - body), 0))
        )
        at, body = after, body + length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """(the number, where the next begins)."""
    number = 0
    for i in range(9):
        byte = data[at + i]
        if i == 8:
            return number << 8 | byte, at + 9
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            return number, at + i + 1
    raise AssertionError
