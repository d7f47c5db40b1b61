"""Vector search: exact over a mapped file, approximate with ChromaDB; both derived from SQLite, neither given text.

    embed_pending(truth, embedder, kind=…)          vectors into SQLite
    Indexes(truth, directory, fingerprint).index(kind).query(vector, limit=…)
    apply(truth, directory, fingerprint)            the outbox into Chroma; rebuild(…) all of it anew

`truth` is the store's `VectorTable`. Leaves out words, ranking and everything a person reads. Deleting the directory at
any moment loses nothing. Nothing heavy is imported before it is used.
"""

from __future__ import annotations

from brain.index.chain import Chosen, Indexes, most_exactly
from brain.index.embed import EmbedReport, embed_pending
from brain.index.exact import ExactIndex
from brain.index.sync import apply, rebuild

__all__ = [
    "Chosen",
    "EmbedReport",
    "ExactIndex",
    "Indexes",
    "apply",
    "embed_pending",
    "most_exactly",
    "rebuild",
]
