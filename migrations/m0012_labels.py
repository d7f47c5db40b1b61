"""Schema 12: labels that somebody chose. Every row had the label "internal" by itself; that becomes "unlabelled".

Also a table for the labels of whole folders, and an index by which equal texts are found. Rows in the trash are changed
as well, since they come back. A row that was damaged keeps its hash, by which the doctor tells of it. The default of
the old columns stays as it was made: SQLite cannot change one without writing the table anew, and every row is written
with its label. Serves `migrations`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from migrations.m0002_row_hashes import CELL, TABLES, row_hash

if TYPE_CHECKING:
    from sqlite_utils import Database

FOLDERS = """
CREATE TABLE folder_labels (
    source TEXT PRIMARY KEY, label TEXT NOT NULL, at TEXT NOT NULL, why TEXT NOT NULL, row_hash INTEGER
)
"""
EQUAL_TEXTS = "CREATE INDEX documents_text_sha ON documents(text_sha)"
LABELLED = ("documents", "episodes", "skills")
BEFORE = "internal"
AFTER = "unlabelled"
# A text that is no UTF-8 any more is left as it is, and so is one that is no JSON.
TRASH = """
    SELECT id, kind, source, title, at, payload, row_hash FROM forgotten
    WHERE typeof(payload) = 'text' AND json_valid(payload)
"""


def apply(db: Database) -> None:
    """The hashes are those of the rows as they stand now."""
    conn = db.conn
    conn.execute(FOLDERS)
    conn.execute(EQUAL_TEXTS)
    conn.create_function("hash_without_label", -1, _hash_without_label)
    for table in LABELLED:
        columns = [f'"{name}"' for name in TABLES[table].split()]
        cells = ", ".join(CELL.format(column) for column in columns)
        # What is no number is no hash, and may be no text either: it is left as it is
        hashed = f"""CASE typeof(row_hash) WHEN 'integer'
            THEN hash_without_label('{table}', row_hash, {cells}) ELSE row_hash END"""
        conn.execute(
            f"UPDATE {table} SET label = ?, row_hash = {hashed} WHERE label = ?",
            (AFTER, BEFORE),
        )
    _trash(conn)


def _hash_without_label(table: str, stored: int, *cells: Any) -> int:
    """The hash of a row of that label with the new one, where it has its own; else what it has."""
    are_texts, given = cells[::2], cells[1::2]
    row = {}
    try:
        for name, is_text, value in zip(
            TABLES[table].split(), are_texts, given, strict=True
        ):
            row[name] = value.decode() if is_text else value
    except UnicodeDecodeError:
        return stored
    renewed: int = _renewed(table, {**row, "row_hash": stored})["row_hash"]
    return renewed


def _renewed(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """The row with the new label, and with its hash where that was its own."""
    changed = {**row, "label": AFTER}
    if row.get("row_hash") == _hash(table, row):
        changed["row_hash"] = _hash(table, changed)
    return changed


def _hash(table: str, row: dict[str, Any]) -> int:
    return row_hash(table, tuple(row.get(name) for name in TABLES[table].split()))


def _trash(conn: Any) -> None:
    text_factory = conn.text_factory
    conn.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    try:
        rows = conn.execute(TRASH).fetchall()
    finally:
        conn.text_factory = text_factory
    names = (*TABLES["forgotten"].split(), "row_hash")
    for values in rows:
        row = dict(zip(names, values, strict=True))
        payload = _without_label(row["payload"])
        if payload == row["payload"]:
            continue
        changed = {**row, "payload": payload}
        try:
            if row["row_hash"] == _hash("forgotten", row):
                changed["row_hash"] = _hash("forgotten", changed)
            conn.execute(
                "UPDATE forgotten SET payload = :payload, row_hash = :row_hash WHERE id = :id",
                changed,
            )
        except UnicodeEncodeError:
            continue  # what is no text can be found by nothing


def _without_label(payload: str) -> str:
    """What waits in the trash, its rows with the new label; as it is where it is no mapping of rows."""
    tables = json.loads(payload)
    if not isinstance(tables, dict):
        return payload
    changed = False
    for table in LABELLED:
        rows = tables.get(table)
        if not isinstance(rows, list):
            continue
        for place, row in enumerate(rows):
            if isinstance(row, dict) and row.get("label") == BEFORE:
                rows[place] = _renewed(table, row)
                changed = True
    if not changed:
        return payload
    return json.dumps(tables, ensure_ascii=False)
