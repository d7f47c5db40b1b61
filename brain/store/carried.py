"""What a store keeps of its own past when a backup is put in its place: the ledger, the policies, the money, approvals,
and labels.

Without that a backup would forget what left since it was made, free what was spent, let an approval hold twice, and
make what became confidential since less so.
Leaves putting the copy in place to `brain.keeping.restore`. Serves that.
"""

from __future__ import annotations

import sqlite3

from brain.labels import Label, raised
from brain.store.labels import LABELLED, LabelTable
from brain.store.ledger import LedgerTable
from brain.store.sql import column, first, insert_into, named
from brain.store.table import Table
from brain.types import Texts

# Whole rows are taken over, the present ones in place of older ones.
TABLES = ("policies", "approvals", "reservations", "outcomes")
# The same, of later schemas: a store that was not opened since may lack them.
LATER = ("comparisons",)
# A text without one is no less confidential than a public one.
STRICT = (str(Label.INTERNAL), str(Label.CONFIDENTIAL))


def any_past(present: sqlite3.Connection) -> bool:
    """Whether the present store has anything of this; nothing of a schema that has no such tables."""
    try:
        found = [
            first(present, f"SELECT 1 FROM {table} LIMIT 1")
            for table in ("ledger", "folder_labels", *TABLES)
        ]
        for table in LABELLED:
            sql = f"SELECT 1 FROM {table} WHERE label IN (?, ?)"
            found.append(first(present, sql, *STRICT))
    except sqlite3.OperationalError:
        return False
    return any(found)


def _there(conn: sqlite3.Connection, tables: Texts) -> list[str]:
    """Those of the tables that a store has."""
    named = "SELECT 1 FROM sqlite_master WHERE type='table' AND name=?"
    return [table for table in tables if first(conn, named, table)]


class Carried(Table):
    """Takes it over into a copy that is to become the store."""

    def take_over(self, present: sqlite3.Connection) -> bool:
        """Bring the past of the present store into this one. False when the copy's ledger goes on from no part of it:
        then only the ledger of the copy stays as it is.
        """
        with self._write():
            for table in (*TABLES, *_there(present, LATER)):
                for row in named(present, f"SELECT * FROM {table}"):
                    self._conn.execute(
                        insert_into(table, row).replace("INSERT", "REPLACE", 1), row
                    )
            return self._take_ledger(present)

    def raise_labels(self, present: LabelTable) -> dict[str, list[str]]:
        """Nothing in this store is less confidential than in the present one. Label -> ids and paths of what it raised,
        texts that are equal included.
        """
        own = LabelTable(self._connection)
        changed: dict[str, list[str]] = {}
        with self._write():
            before = own.folders()
            for folder in present.folders():
                own.raise_folder(folder)
            for folder in own.folders():
                if folder not in before:
                    changed.setdefault(folder.label, []).append(folder.source)
            for label in STRICT:
                ids = self._raised(own, present, label)
                if ids:
                    changed.setdefault(label, []).extend(ids)
        return changed

    def _raised(self, own: LabelTable, present: LabelTable, label: str) -> list[str]:
        """Ids of documents, episodes and skills that were less confidential than this label."""
        equal = own.same_text(present.with_label("documents", label))
        weaker = [row for row in equal if raised(row["label"], label) != row["label"]]
        documents = [row["id"] for row in weaker]
        ids = list(documents)
        # These first: raising a document raises its rounds, which would not be counted
        for table in ("episodes", "skills"):
            wanted = present.with_label(table, label)
            ids += [row["id"] for row in own.raise_rows(table, wanted, label)]
        own.raise_to(documents, label)
        return ids

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
