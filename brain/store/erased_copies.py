"""Erasing in copies of the database: what one still holds, and taking it out of one that nobody has open.

Leaves finding and deleting the rows to `brain.store.erasure`, and which copies there are to `brain.keeping`. Serves
`brain forget --erase`, `brain backup --rewrite` and doctor.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from brain.store.connection import explain
from brain.store.copies import read_only, restate, writer
from brain.store.erasure import Eraser, ErasureFindings, ErasureTargets, has_table
from brain.store.freed import merge
from brain.store.sql import first, json_text


def in_copy(path: Path, targets: ErasureTargets) -> ErasureFindings:
    """What of it a judged copy holds. Raises `sqlite3.Error`."""
    with closing(writer(path)) as conn:
        return Eraser(conn).find(targets.copy())


def named_in(path: Path, targets: ErasureTargets) -> bool:
    """Whether a copy has a row with one of the ids, or an answer to one of the rounds; no when it cannot be read."""
    rows = {
        "documents": targets.documents,
        "episodes": targets.episodes,
        "judgments": targets.judgments,
        "proposals": targets.proposals,
    }
    try:
        with closing(read_only(path)) as copy:
            for table, ids in rows.items():
                if not has_table(copy, table):
                    continue
                sql = f"SELECT 1 FROM {table} WHERE id IN (SELECT value FROM json_each(?))"
                if first(copy, sql, json_text(sorted(ids))):
                    return True
            sql = """
                SELECT 1 FROM episodes
                WHERE answer <> '' AND id IN (SELECT value FROM json_each(?))
            """
            return bool(first(copy, sql, json_text(sorted(targets.answers))))
    except sqlite3.Error:
        return False


def erase_in_copy(path: Path, targets: ErasureTargets, made_at: str) -> None:
    """Erase in a copy that nobody else has open, and write down anew what it holds. Raises `StoreError`."""
    try:
        with closing(writer(path)) as conn:
            eraser = Eraser(conn)
            here = targets.copy()
            conn.execute("BEGIN IMMEDIATE")
            eraser.erase(eraser.find(here), here)
            merge(conn)
            conn.execute("COMMIT")
        restate(path, made_at=made_at)
    except sqlite3.Error as error:
        raise explain(error, path) from error
