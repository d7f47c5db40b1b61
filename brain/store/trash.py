"""Forgetting: what a person forgets leaves every table at once and waits 30 days, whole, in `forgotten`.

Leaves out erasure from backups. Serves `brain forget`, `brain undo` and `sync` (files that are gone).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from brain.errors import NotFound
from brain.store.connection import Connection
from brain.store.documents import renew_terms
from brain.store.row_hash import HASH, hashed, row_hash
from brain.store.vectors import CONTENT
from ingest.terms import index_terms

KEPT = timedelta(days=30)  # HOUSE: forget is undoable for this long
FORGOTTEN = "forgotten"  # `skipped.kind` of a file that a person does not want back
REASON, HINT = "you forgot it", "to take it in again, add it by its own path"
TABLES = ("documents", "knowledge", "tags", "links")


class Trash:
    """Moves documents and episodes out of the store, and back."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def forget(self, document_ids: Sequence[str], *, now: str, lasting: bool = True) -> int:
        """Move these documents away in one transaction; returns how many there were.

        `lasting`: a person wants them gone, so that looking at their folder again does not bring the files back.
        """
        with self._connection.write() as database:
            count = 0
            for document_id in document_ids:
                rows = {table: self._rows(table, document_id) for table in TABLES}
                if not rows["documents"]:
                    continue
                facts = rows["documents"][0]
                record = {
                    "id": document_id,
                    "kind": "document",
                    "source": facts["source"],
                    "title": facts["title"],
                    "at": now,
                    "payload": json.dumps(rows, ensure_ascii=False),
                }
                database.table("forgotten").insert(
                    hashed("forgotten", record), pk="id", replace=True
                )
                if lasting and facts["size"] is not None:
                    place = {
                        "uri": facts["uri"],
                        "source": facts["source"],
                        "kind": FORGOTTEN,
                        "seen_at": now,
                    }
                    row = hashed("skipped", {**place, "reason": REASON, "hint": HINT})
                    database.table("skipped").upsert(row, pk="uri")
                self._connection.conn.execute(
                    "DELETE FROM knowledge WHERE document_id=?", (document_id,)
                )
                self._connection.conn.execute("DELETE FROM documents WHERE id=?", (document_id,))
                count += 1
            return count

    def forget_episodes(self, episode_ids: Sequence[str], *, now: str) -> int:
        """The same for episodes."""
        with self._connection.write() as database:
            count = 0
            for episode_id in episode_ids:
                rows = list(database.query("SELECT * FROM episodes WHERE id=?", [episode_id]))
                if not rows:
                    continue
                title = rows[0]["question"] or rows[0]["answer"]
                record = {
                    "id": episode_id,
                    "kind": "episode",
                    "source": f"episode:{episode_id}",
                    "title": title[:80],
                    "at": now,
                    "payload": json.dumps({"episodes": rows}, ensure_ascii=False),
                }
                database.table("forgotten").insert(
                    hashed("forgotten", record), pk="id", replace=True
                )
                self._connection.conn.execute("DELETE FROM episodes WHERE id=?", (episode_id,))
                count += 1
            return count

    def restore(self, forgotten_id: str) -> str:
        """Bring one back; returns its source. Raises `NotFound`, also when its address was taken in the meantime."""
        with self._connection.write() as database:
            row = self._connection.conn.execute(
                "SELECT payload, source FROM forgotten WHERE id=?", (forgotten_id,)
            ).fetchone()
            if row is None:
                raise NotFound(
                    f"nothing forgotten has the id {forgotten_id}",
                    "`brain undo --list` shows what can be undone",
                )
            payload: dict[str, list[dict[str, Any]]] = json.loads(row[0])
            for taken in payload.get("documents", ()):
                if self._connection.conn.execute(
                    "SELECT 1 FROM documents WHERE uri=?", (taken["uri"],)
                ).fetchone():
                    raise NotFound(
                        f"{row[1]} was added again since", "forget that one first, then undo"
                    )
            for table in (*TABLES, "episodes"):
                records = [_as_it_was(table, record) for record in payload.get(table, ())]
                if table == "documents":
                    taken_back = [(record["uri"],) for record in records]
                    self._connection.conn.executemany("DELETE FROM skipped WHERE uri=?", taken_back)
                if records:
                    database.table(table).insert_all(records)
            for back in payload.get("documents", ()):
                renew_terms(self._connection.conn, str(back["id"]))
            for back in payload.get("episodes", ()):
                self._renew_episode(str(back["id"]))
            self._connection.conn.execute("DELETE FROM forgotten WHERE id=?", (forgotten_id,))
            return str(row[1])

    def _renew_episode(self, episode_id: str) -> None:
        """Its search terms by the rules of today: it may have been forgotten under others."""
        conn = self._connection.conn
        said = conn.execute(
            f"SELECT {CONTENT['episodes']} FROM episodes WHERE id=?", (episode_id,)
        ).fetchone()[0]
        conn.execute("UPDATE episodes SET terms=? WHERE id=?", (index_terms(said), episode_id))

    def listing(self) -> list[dict[str, str]]:
        """What can be undone, newest first: id, kind, source, title, at."""
        cursor = self._connection.conn.execute(
            "SELECT id, kind, source, title, at FROM forgotten ORDER BY at DESC, rowid DESC"
        )
        return [
            dict(zip(("id", "kind", "source", "title", "at"), row, strict=True)) for row in cursor
        ]

    def last_batch(self) -> list[str]:
        """The ids that the newest `forget` moved away."""
        cursor = self._connection.conn.execute(
            "SELECT id FROM forgotten WHERE at=(SELECT at FROM forgotten ORDER BY rowid DESC LIMIT 1)"
        )
        return [row[0] for row in cursor]

    def expire(self, *, now: datetime) -> int:
        """Destroy what has waited longer than KEPT; returns how many."""
        limit = (now - KEPT).isoformat()
        if not self._connection.conn.execute(
            "SELECT 1 FROM forgotten WHERE at < ?", (limit,)
        ).fetchone():
            return 0
        with self._connection.write():
            return self._connection.conn.execute(
                "DELETE FROM forgotten WHERE at < ?", (limit,)
            ).rowcount

    def _rows(self, table: str, document_id: str) -> list[dict[str, Any]]:
        key = "id" if table == "documents" else "document_id"
        return list(
            self._connection.database.query(f"SELECT * FROM {table} WHERE {key}=?", [document_id])
        )


def _as_it_was(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """The row to insert again; one forgotten under schema 1 has no hash yet."""
    kept = {name: value for name, value in row.items() if name != "pk"}
    return kept if HASH in kept else {**kept, HASH: row_hash(table, kept)}
