"""Schema 9: by which edition of its reader a document was read, so that `sync` reads it again when that is another now.

Documents that are there have none, so that each of their files is read once more. No hash covers the column: the next
look finds it again. Serves `migrations`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database


def apply(db: Database) -> None:
    """Add the column."""
    db.execute("ALTER TABLE documents ADD COLUMN reader TEXT NOT NULL DEFAULT ''")
