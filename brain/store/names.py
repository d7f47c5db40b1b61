"""Names in the store for a shell that completes a word: read at once, without a migration, a write or a wait.

A store that is away, locked or of another version has no names; nothing is said. Leaves out which of them begin as the
word does, and how they are shown. Serves the completion of the command line.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

BUSY_SECONDS = 0.2  # a person waits for the shell
MOST_ROWS = 100_000  # read within a quarter of a second

KINDS = {
    "documents": "SELECT id, source, title FROM documents ORDER BY source",
    "episodes": "SELECT id, at, question FROM episodes ORDER BY at DESC",
    "forgotten": "SELECT id, source, title FROM forgotten ORDER BY at DESC",
    "tags": "SELECT DISTINCT tag FROM tags ORDER BY tag",
    "folders": "SELECT path FROM roots ORDER BY path",
    "described": "SELECT source FROM contexts ORDER BY source",
    "properties": "SELECT DISTINCT name FROM properties ORDER BY name",
    "skills": "SELECT name FROM skills ORDER BY name",
    "people": """
        SELECT DISTINCT value FROM episodes, json_each(episodes.people) ORDER BY value
    """,
    "models": "SELECT model FROM model_speeds ORDER BY model",
}


def names(database: Path, kind: str) -> list[tuple[str, ...]]:
    """The rows of one kind of `KINDS`, those with other cells than text left out; none when they cannot be read."""
    address = f"{database.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS)) as conn:
            rows = conn.execute(KINDS[kind]).fetchmany(MOST_ROWS)
    except sqlite3.Error:
        return []
    return [row for row in rows if all(isinstance(cell, str) for cell in row)]
