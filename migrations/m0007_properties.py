"""Schema 7: `properties`, what each document states of itself beside its text; tags, places and values are words.

The rows follow from `metadata` and `source` by the rules of the program that opens it (`ingest.stated`), and so do the
search terms (`ingest.chunk_terms`). Lines of front matter come into a note's text when its file is next read. Leaves
out every query. Serves `migrations`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ingest.stated import stated
from migrations import m0005_spellings

if TYPE_CHECKING:
    from sqlite_utils import Database

TABLE = """
CREATE TABLE properties (
    document_id TEXT NOT NULL REFERENCES documents(id) ON DELETE CASCADE, name TEXT NOT NULL, value TEXT NOT NULL,
    folded TEXT NOT NULL, number REAL, PRIMARY KEY (document_id, name, value)
) WITHOUT ROWID
"""
INDEX = "CREATE INDEX properties_name ON properties(name, folded)"
ROOTS = "SELECT path FROM roots ORDER BY length(path)"
PAGE = 500  # rows written at once


def apply(db: Database) -> None:
    """No hash covers what is made here: it follows from columns that have one."""
    conn = db.conn
    conn.execute(TABLE)
    conn.execute(INDEX)
    text_factory = conn.text_factory
    conn.text_factory = lambda data: data.decode("utf-8", "replace")
    try:
        _fill(conn)
        m0005_spellings.renew_chunks(conn, with_names=True)
    finally:
        conn.text_factory = text_factory


def _fill(conn: Any) -> None:
    roots = [path for (path,) in conn.execute(ROOTS)]
    documents = conn.execute("SELECT id, source, metadata FROM documents").fetchall()
    rows: list[tuple[Any, ...]] = []
    for document_id, source, metadata in documents:
        above = (root for root in roots if source.startswith(f"{root}/"))
        for item in stated(source, next(above, ""), _values(metadata)):
            rows.append((document_id, *item))
    for start in range(0, len(rows), PAGE):
        page = rows[start : start + PAGE]
        conn.executemany("INSERT INTO properties VALUES (?, ?, ?, ?, ?)", page)


def _values(metadata: str) -> dict[str, str]:
    try:
        return {str(key): str(value) for key, value in json.loads(metadata).items()}
    except (ValueError, AttributeError):
        return {}  # damaged: the doctor says so
