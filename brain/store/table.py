"""What the tables of the store have in common: an open connection, and every statement in one step.

Leaves out every statement; each table has its own. Serves the other modules of the store.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from brain.store.row_hash import Row
from brain.store.sql import each_named, first, named, number

if TYPE_CHECKING:
    from brain.store.connection import Connection


class Reader:
    """What works on one open connection: its statements in one step, values behind the SQL."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    def _run(self, sql: str, *values: object) -> sqlite3.Cursor:
        return self._conn.execute(sql, values)

    def _first(self, sql: str, *values: object) -> Any:
        return first(self._conn, sql, *values)

    def _number(self, sql: str, *values: object) -> int:
        return number(self._conn, sql, *values)

    def _named(self, sql: str, *values: object) -> list[Row]:
        return named(self._conn, sql, *values)

    def _each_named(self, sql: str, *values: object) -> Iterator[Row]:
        return each_named(self._conn, sql, *values)


class Table(Reader):
    """The same for what writes as well, always inside `self._write()`."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection.conn)
        self._connection = connection
        self._write = connection.write
