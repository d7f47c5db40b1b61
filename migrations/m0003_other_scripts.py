"""Schema 3: search terms of Arabic, Cyrillic, Devanagari and Greek texts are stems, and looking at a folder reads an
index.

`terms` and `around` follow from the text by the rules of the program that opens it, so this one migration calls them
(`ingest.scripts`) instead of writing them down again. The full text is filled anew as a whole: row by row it takes many
times as long, and a damaged one stays damaged. Leaves out how words are stemmed. Serves `migrations`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingest.scripts import stem_scripts

if TYPE_CHECKING:
    from sqlite_utils import Database

PAGE = 2_000  # rows held at once
COLUMNS = {
    "knowledge": ("terms", "around"),
    "episodes": ("terms", "around"),
    "skills": ("topic", "terms"),
}
# Holds all that a look at a folder asks for, so that it reads no row.
LOOKED_AT = (
    "CREATE INDEX documents_looked ON documents(uri, size, mtime_ns, ctime_ns, inode, looked_ns)"
    " WHERE size IS NOT NULL"
)
BROKEN = "\ufffd"  # of text that is no UTF-8: left to the doctor


def apply(db: Database) -> None:
    """No hash of schema 2 covers these columns. What is no text in them stays as it is."""
    conn = db.conn
    conn.execute(LOOKED_AT)
    text_factory = conn.text_factory
    conn.text_factory = lambda data: data.decode("utf-8", "replace")
    try:
        for table, columns in COLUMNS.items():
            _stem(conn, table, columns)
    finally:
        conn.text_factory = text_factory


def _stem(conn: Any, table: str, columns: tuple[str, ...]) -> None:
    """Stem these columns, with the trigger away that would carry each row into the full text; then fill that anew."""
    name = f"{table}_fts_update"
    trigger = ""
    chosen = ", ".join(columns)
    assigned = ", ".join(f"{column}=?" for column in columns)
    page = f"SELECT pk, {chosen} FROM {table} WHERE pk > ? ORDER BY pk LIMIT {PAGE}"
    last = -1
    while rows := conn.execute(page, (last,)).fetchall():
        last = rows[-1][0]
        changed = []
        for pk, *texts in rows:
            stems = _stems(texts)
            if stems != texts:
                changed.append((*stems, pk))
        if changed and not trigger:
            stated = "SELECT sql FROM sqlite_master WHERE type='trigger' AND name=?"
            trigger = conn.execute(stated, (name,)).fetchone()[0]
            conn.execute(f"DROP TRIGGER {name}")
        conn.executemany(f"UPDATE {table} SET {assigned} WHERE pk=?", changed)
    if trigger:
        conn.execute(trigger)
        conn.execute(f"INSERT INTO {table}_fts({table}_fts) VALUES ('rebuild')")


def _stems(texts: list[Any]) -> list[Any]:
    """Each as stems, all as they are where one of them is no sound text."""
    for text in texts:
        if not isinstance(text, str) or BROKEN in text:
            return texts
    return [stem_scripts(text) for text in texts]
