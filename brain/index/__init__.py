"""Vector search: exact over a mapped file, approximate with ChromaDB, sentences by their signs; derived from SQLite.

    embed_pending(store.vectors, embedder, kind=…)                 vectors into SQLite
    Indexes(store.vectors, directory, fingerprint).index(kind).query(vector, limit=…)
    snapshot.write(store.vectors, directory, fingerprint)          all of them into a snapshot of Chroma's

No text reaches an index. Leaves out words, ranking and everything a person reads. Deleting the directory at any moment
loses nothing. Nothing heavy is imported before it is used.
"""

from __future__ import annotations

from brain.index.chain import Indexes, max_exact
from brain.index.embed import EmbedReport, embed_pending, embed_sentences
from brain.index.exact import ExactIndex

__all__ = [
    "EmbedReport",
    "ExactIndex",
    "Indexes",
    "embed_pending",
    "embed_sentences",
    "max_exact",
]
