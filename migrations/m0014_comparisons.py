"""Schema 14: how an answer of this machine compared with what a cloud said to the same question.

No word of either answer stands in it. Serves `migrations`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

TABLE = """CREATE TABLE comparisons (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    day TEXT NOT NULL,
    episode TEXT NOT NULL,
    task TEXT NOT NULL,
    label TEXT NOT NULL,
    grade TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    shadow INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    usd_micro INTEGER NOT NULL
)"""


def apply(db: Database) -> None:
    """An empty table: of what was asked before, nothing was compared."""
    db.execute(TABLE)
    db.execute("CREATE INDEX comparisons_by_day ON comparisons(day)")
