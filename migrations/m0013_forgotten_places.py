"""Schema 13: what was forgotten is found by its place at once: a file that comes back gets the label that it had.

Serves `migrations`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database


def apply(db: Database) -> None:
    """An index of the places alone."""
    db.execute("CREATE INDEX forgotten_source ON forgotten(source)")
