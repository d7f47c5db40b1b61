"""Schema 4: what did not go in is noted with all that a later look needs to tell whether to try it again.

`ctime_ns` and `inode` tell a file that was replaced or whose permissions changed; `passing` a reason that may pass by
itself; `tries` how often it was tried; `reader` the edition of the readers and the limits that refused it. Rows that
are there have none of it, so that each of their files is tried once more. No hash covers these columns: a look finds
them again. Serves `migrations`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

COLUMNS = (
    "ctime_ns INTEGER",
    "inode INTEGER",
    "passing INTEGER NOT NULL DEFAULT 0",
    "tries INTEGER NOT NULL DEFAULT 0",
    "reader TEXT NOT NULL DEFAULT ''",
)


def apply(db: Database) -> None:
    """Add the columns."""
    for column in COLUMNS:
        db.execute(f"ALTER TABLE skipped ADD COLUMN {column}")
