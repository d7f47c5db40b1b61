"""Schema 15: what agents propose to remember, kept until a person accepts or refuses it.

Serves `migrations`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

PROPOSALS = """
CREATE TABLE proposals (
    id TEXT PRIMARY KEY, at TEXT NOT NULL, "by" TEXT NOT NULL, text TEXT NOT NULL, about TEXT NOT NULL,
    label TEXT NOT NULL, row_hash INTEGER
)
"""


def apply(db: Database) -> None:
    """An empty table."""
    db.execute(PROPOSALS)
