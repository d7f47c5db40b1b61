"""Properties of documents: rows that follow from what each states of itself.

Leaves out which values there are (`ingest.stated`) and conditions over them (conditions.py). Serves the tables of
documents and of what is forgotten.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from brain.store.conditions import OF_EVERY_DOCUMENT
from brain.store.sql import first, named
from ingest.stated import is_said, mapping_of, stated


def values_of(
    conn: sqlite3.Connection, document_ids: Sequence[str], name: str
) -> dict[str, tuple[float | None, str]]:
    """(number, text) under a name, by document; those that have none are missing."""
    ids = json.dumps(list(document_ids))
    if column := OF_EVERY_DOCUMENT.get(name):
        sql = f"""
            SELECT d.id, NULL, {column}
            FROM documents d
            WHERE {column} IS NOT NULL AND d.id IN (SELECT value FROM json_each(?))
        """
        rows = conn.execute(sql, (ids,))
    else:
        sql = """
            SELECT document_id, min(number), min(folded)
            FROM properties
            WHERE name = ? AND document_id IN (SELECT value FROM json_each(?))
            GROUP BY document_id
        """
        rows = conn.execute(sql, (name, ids))
    return {key: (number, text) for key, number, text in rows}


def renew_properties(conn: sqlite3.Connection, document_id: str) -> None:
    """Make the rows of a document anew, from what is stored of it."""
    conn.execute("DELETE FROM properties WHERE document_id=?", (document_id,))
    row = first(conn, "SELECT source, metadata FROM documents WHERE id=?", document_id)
    source, metadata = row
    root = first(
        conn,
        "SELECT path FROM roots WHERE substr(?, 1, length(path) + 1) = path || '/' ORDER BY length(path)",
        source,
    )
    folder = root[0] if root else ""
    said = stated(source, folder, mapping_of(metadata))
    rows = [(document_id, *item) for item in said]
    conn.executemany("INSERT INTO properties VALUES (?, ?, ?, ?, ?)", rows)


def names_of(conn: sqlite3.Connection, document_id: str) -> list[str]:
    """The words beside its text by which a document is found: tags, its place, the values of its properties."""
    sql = "SELECT name, value FROM properties WHERE document_id=? ORDER BY name, value"
    found = [
        row["value"] for row in named(conn, sql, document_id) if is_said(row["name"])
    ]
    tags = (
        "SELECT tag FROM tags WHERE document_id=? AND typeof(tag)='text' ORDER BY tag"
    )
    return [*found, *(row["tag"] for row in named(conn, tags, document_id))]
