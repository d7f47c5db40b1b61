"""Schema 10: which texts have a vector of their own and none of their sentences yet is told at once.

Vectors of the built-in embedder had none before. Leaves out computing them (`brain.index`). Serves `migrations`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database


def apply(db: Database) -> None:
    """An index of those rows alone: empty, once `brain sync` has run."""
    db.execute(
        "CREATE INDEX embeddings_without_sentences ON embeddings(fingerprint) WHERE sentences IS NULL"
    )
