"""What the tables of the store have in common: an open connection, and every statement in one step.

Leaves out every statement; each table has its own. Serves the other modules of the store.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from brain.store.cells import Damaged, leave_out, sound_cells
from brain.store.row_hash import HASH, Row, renewed
from brain.store.sql import (
    column,
    each_named,
    first,
    insert_into,
    keep_row,
    named,
    number,
    rows_of,
    update_of,
)

if TYPE_CHECKING:
    from brain.store.connection import Connection


class Reader:
    """What works on one open connection: its statements in one step, values behind the SQL."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = self.conn = conn
        self._first = partial(first, conn)
        self._column = partial(column, conn)
        self._number = partial(number, conn)
        self._named = partial(named, conn)
        self._each_named = partial(each_named, conn)

    def _sound(self, table: str, rows: Iterable[Row]) -> Iterator[Row]:
        """The rows with their JSON read; a damaged one is left out and named (cells.py)."""
        for row in rows:
            try:
                yield sound_cells(row)
            except Damaged as column:
                leave_out(self._conn, table, row, column)

    def _all(self, sql: str, *values: object) -> list[Any]:
        _names, rows = rows_of(self._conn, sql, values)
        return rows

    def _run(self, sql: str, *values: object) -> sqlite3.Cursor:
        return self._conn.execute(sql, values)


class Table(Reader):
    """The same for what writes as well, always inside `self._write()`."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection.conn)
        self._connection = connection
        self._write = connection.write

    def _insert_row(self, table: str, row: Row) -> None:
        self._conn.execute(insert_into(table, row), row)

    def _keep_row(self, table: str, row: Row, *, key: str) -> None:
        """Insert the row, or put it in place of the one that has its key."""
        self._conn.execute(keep_row(table, row, key), row)

    def _change(self, table: str, key: str, before: Row, changes: Row) -> None:
        """Set columns of the row that was read, and its hash with them. `before` holds the key and what is covered."""
        row = {**changes, HASH: renewed(table, before, changes)}
        self._conn.execute(update_of(table, row, key), {**row, key: before[key]})
