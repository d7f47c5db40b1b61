"""Plain BM25 that never changes: FTS5 with the bare unicode61 tokenizer, any word of the question, default weights.

The yardstick of every evaluation: a leg of ours cannot be weakened to make the fusion look good. Leaves out everything
that retrieval adds. Serves `brain eval`; built in memory, from the stored texts, when it is asked for.
"""

from __future__ import annotations

import re
import sqlite3

WORD = re.compile(r"\w+")
SOURCES = {
    "knowledge": "SELECT source, title || char(10) || text FROM documents",
    "episodes": "SELECT id, question || char(10) || answer FROM episodes",
}


class FrozenBM25:
    """Whole documents (or episodes), ranked by their source (or id)."""

    def __init__(self, conn: sqlite3.Connection, kind: str = "knowledge") -> None:
        self._conn = sqlite3.connect(":memory:")
        self._conn.execute(
            "CREATE VIRTUAL TABLE plain USING fts5(name UNINDEXED, body, tokenize='unicode61')"
        )
        self._conn.executemany(
            "INSERT INTO plain VALUES (?, ?)", conn.execute(SOURCES[kind])
        )

    def search(self, question: str, *, limit: int) -> list[str]:
        """Names, best first."""
        words = " OR ".join(f'"{word}"' for word in WORD.findall(question))
        if not words:
            return []
        rows = self._conn.execute(
            "SELECT name FROM plain WHERE plain MATCH ? ORDER BY bm25(plain), rowid LIMIT ?",
            (words, limit),
        )
        return [row[0] for row in rows]
