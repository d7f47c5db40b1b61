"""Schema 7: `properties`, what each document states of itself beside its text; tags, places and values are words.

The rows follow from `metadata` and `source` by the rules of the program that opens it (`ingest.stated`), and so do the
search terms (`ingest.chunk_terms`). Lines of front matter come into a note's text when its file is next read. Leaves
out every query. Serves `migrations`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingest.stated import mapping_of, stated
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
ROOTS = "SELECT path FROM roots WHERE typeof(path)='text' ORDER BY length(path)"
# What is no text in an id or a place is passed over: the doctor says so.
DOCUMENTS = """
    SELECT id, source, metadata
    FROM documents
    WHERE typeof(id)='text' AND typeof(source)='text'
"""
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
    documents = conn.execute(DOCUMENTS).fetchall()
    rows: list[tuple[Any, ...]] = []
    for document_id, source, metadata in documents:
        if m0005_spellings.BROKEN in document_id:
            continue  # no row can be found by it
        above = (root for root in roots if source.startswith(f"{root}/"))
        for item in stated(source, next(above, ""), mapping_of(metadata)):
            rows.append((document_id, *item))
    for start in range(0, len(rows), PAGE):
        page = rows[start : start + PAGE]
        conn.executemany("INSERT INTO properties VALUES (?, ?, ?, ?, ?)", page)
