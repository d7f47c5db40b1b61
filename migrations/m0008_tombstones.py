"""Schema 8: marks of erased files, so that no look at their folders takes them in again.

A mark is a keyed hash of an address or of a content; which, and of what, it does not tell. Serves `migrations`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database


def apply(db: Database) -> None:
    """An empty table: of what was erased before, nothing is known that a mark could be made of."""
    db.execute(
        "CREATE TABLE tombstones (mark TEXT PRIMARY KEY, day TEXT NOT NULL, row_hash INTEGER) WITHOUT ROWID"
    )
