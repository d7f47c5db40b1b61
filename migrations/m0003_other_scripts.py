"""Schema 3: search terms of Arabic, Cyrillic, Devanagari and Greek texts are stems, and looking at a folder reads an index.

`terms` and `around` follow from the text by the rules of the program that opens it, so this one migration calls them
(`ingest.scripts`) instead of writing them down again. What waits in the trash keeps its terms until `doctor` mends them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingest.scripts import stem_scripts

if TYPE_CHECKING:
    from sqlite_utils import Database

PAGE = 2_000  # rows held at once
BROKEN = "\ufffd"  # of text that is no UTF-8: left to the doctor


def apply(db: Database) -> None:
    """The triggers of schema 1 carry changed terms into the full text; no hash of schema 2 covers them."""
    conn = db.conn
    conn.execute(
        "CREATE INDEX documents_looked ON documents(uri, size, mtime_ns, ctime_ns, inode, looked_ns) WHERE size IS NOT NULL"
    )
    before, conn.text_factory = conn.text_factory, lambda data: data.decode("utf-8", "replace")
    try:
        for table in ("knowledge", "episodes", "skills"):
            last = -1
            while rows := conn.execute(
                f"SELECT pk, terms, around FROM {table} WHERE pk > ? ORDER BY pk LIMIT {PAGE}", (last,)
            ).fetchall():
                last = rows[-1][0]
                conn.executemany(f"UPDATE {table} SET terms=?, around=? WHERE pk=?", _stemmed(rows))
    finally:
        conn.text_factory = before


def _stemmed(rows: list[Any]) -> list[tuple[str, str, int]]:
    """The rows that change."""
    found = []
    for pk, terms, around in rows:
        stems, beside = stem_scripts(terms), stem_scripts(around)
        if (stems, beside) != (terms, around) and BROKEN not in terms + around:
            found.append((stems, beside, pk))
    return found
