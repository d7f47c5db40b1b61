"""What a store keeps of its own past when a backup is put in its place: the ledger, the policies, the money, approvals.

Without that a backup would forget what left since it was made, free what was spent, and let an approval hold twice.
Leaves putting the copy in place to `brain.keeping.restore`. Serves that.
"""

from __future__ import annotations

import sqlite3

from brain.store.ledger import LedgerTable
from brain.store.sql import column, first, insert_into, named
from brain.store.table import Table

# Whole rows are taken over, the present ones in place of older ones.
TABLES = ("policies", "approvals", "reservations", "outcomes")


def any_past(present: sqlite3.Connection) -> bool:
    """Whether the present store has anything of this; nothing of a schema that has no such tables."""
    try:
        found = [
            first(present, f"SELECT 1 FROM {table} LIMIT 1")
            for table in ("ledger", *TABLES)
        ]
    except sqlite3.OperationalError:
        return False
    return any(found)


class Carried(Table):
    """Takes it over into a copy that is to become the store."""

    def take_over(self, present: sqlite3.Connection) -> bool:
        """Bring the past of the present store into this one. False when the copy's ledger goes on from no part of it:
        then only the ledger of the copy stays as it is.
        """
        with self._write():
            for table in TABLES:
                for row in named(present, f"SELECT * FROM {table}"):
                    self._conn.execute(
                        insert_into(table, row).replace("INSERT", "REPLACE", 1), row
                    )
            return self._take_ledger(present)

    def _take_ledger(self, present: sqlite3.Connection) -> bool:
        own = LedgerTable(self._connection)
        newest = own.newest()
        same = "SELECT hash FROM ledger WHERE id=?"
        if newest.id and column(present, same, newest.id) != [newest.hash]:
            longer = first(present, "SELECT id, hash FROM ledger ORDER BY id DESC")
            return longer is not None and own.has(*longer)
        for row in named(present, "SELECT * FROM ledger WHERE id > ?", newest.id):
            self._conn.execute(insert_into("ledger", row), row)
        return True
