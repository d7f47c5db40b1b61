"""Forgetting: what a person forgets leaves every table at once and waits 30 days, whole, in `forgotten`.

Leaves out erasure from backups. Serves `brain forget`, `brain undo` and `sync` (files that are gone).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from brain.errors import NotFound
from brain.store.cells import Damaged, damaged, json_of
from brain.store.days import DayTable
from brain.store.documents import renew_terms
from brain.store.labels import LabelTable
from brain.store.properties import renew_properties
from brain.store.row_hash import HASH, Row, hashed
from brain.store.skipped import FORGOTTEN
from brain.store.sql import json_text
from brain.store.table import Table
from brain.store.vectors import CONTENT
from ingest.document import new_id
from ingest.terms import index_terms

KEPT = timedelta(days=30)  # what is forgotten can be taken back for this long,
# and until the store was used on so many days since: a clock that is wrong for one command is not believed
DAYS_SEEN = 5
# What waits for so long by both signs. A date that is none, and a row that cannot be read, is waited for.
EXPIRED = """
    at GLOB '[0-9][0-9][0-9][0-9]-*T*' AND julianday(at) < julianday(?)
    AND json_valid(payload)
    AND coalesce(json_extract(payload, '$.days_seen'), 0) <= ?
"""
REASON = "you forgot it"
HINT = "to take it in again, add it by its own path"
TABLES = ("documents", "knowledge", "tags", "links")
TITLE_CHARACTERS = 80  # of a round, which has no title


class Trash(Table):
    """Moves documents and episodes out of the store, and back."""

    def forget(
        self, document_ids: Sequence[str], *, now: str, lasting: bool = True
    ) -> int:
        """Move these documents away in one transaction; returns how many there were.

        `lasting`: a person wants them gone, so that looking at their folder again does not bring the files back.
        """
        count = 0
        with self._write():
            for document_id in document_ids:
                rows = {table: self._rows(table, document_id) for table in TABLES}
                if not rows["documents"]:
                    continue
                (facts,) = rows["documents"]
                self._keep("document", facts["source"], facts["title"], rows, now)
                if lasting and facts["size"] is not None:
                    self._skip(facts, now)
                self._delete(document_id)
                count += 1
        return count

    def _delete(self, document_id: str) -> None:
        self._run("DELETE FROM knowledge WHERE document_id=?", document_id)
        self._run("DELETE FROM documents WHERE id=?", document_id)

    def keep_version(self, document_id: str, *, now: str) -> None:
        """Put a copy of a document into the trash, since something newer is about to replace it.

        It waits under an id of its own, for the document stays; `restore` exchanges the two.
        """
        with self._write():
            rows = {table: self._rows(table, document_id) for table in TABLES}
            (facts,) = rows["documents"]
            self._keep(
                "document",
                facts["source"],
                facts["title"],
                rows,
                now,
                under=new_id(),
            )

    def forget_episodes(self, episode_ids: Sequence[str], *, now: str) -> None:
        """The same for episodes."""
        with self._write():
            for episode_id in episode_ids:
                rows = self._named("SELECT * FROM episodes WHERE id=?", episode_id)
                if not rows:
                    continue
                title = rows[0]["question"] or rows[0]["answer"]
                source = f"episode:{episode_id}"
                self._keep(
                    "episode", source, title[:TITLE_CHARACTERS], {"episodes": rows}, now
                )
                self._run("DELETE FROM episodes WHERE id=?", episode_id)

    def _keep(
        self,
        kind: str,
        source: str,
        title: str,
        rows: dict[str, list[Row]],
        now: str,
        under: str = "",
    ) -> None:
        """Put the rows into `forgotten`, under the id of the first of them unless another is given."""
        days = DayTable(self._connection).note(date.fromisoformat(now[:10]))
        record = {
            "id": under or rows[f"{kind}s"][0]["id"],
            "kind": kind,
            "source": source,
            "title": title,
            "at": now,
            "payload": json_text({**rows, "days_seen": days.count}),
        }
        self._keep_row("forgotten", hashed("forgotten", record), key="id")

    def _skip(self, facts: Row, now: str) -> None:
        """Note a file that is not to be taken in again."""
        record = {
            "uri": facts["uri"],
            "source": facts["source"],
            "kind": FORGOTTEN,
            "reason": REASON,
            "hint": HINT,
            "seen_at": now,
        }
        self._keep_row("skipped", hashed("skipped", record), key="uri")

    def restore(self, forgotten_id: str, *, now: str) -> str:
        """Bring one back; returns its source. What replaced it by an import goes into the trash in its turn.

        Raises `NotFound`, also when its address was taken by another document in the meantime.
        """
        with self._write():
            row = self._first(
                "SELECT payload, source FROM forgotten WHERE id=?", forgotten_id
            )
            if row is None:
                hint = "`brain undo --list` shows what can be undone"
                raise NotFound(f"nothing forgotten has the id {forgotten_id}", hint)
            source = str(row[1])
            payload = _brought_back(row[0], source)
            documents = payload.get("documents", [])
            for document in documents:
                self._make_room(document, source, now)
            labels = LabelTable(self._connection)
            for table in (*TABLES, "episodes"):
                for record in payload.get(table, ()):
                    self._insert_row(table, _as_it_was(table, record))
            # the search terms by the rules of today: it may have been forgotten under others
            for document in documents:
                renew_properties(self._conn, str(document["id"]))
                renew_terms(self._conn, str(document["id"]))
                labels.brought_back(document)
            for episode in payload.get("episodes", ()):
                self._renew_episode(str(episode["id"]))
            self._run("DELETE FROM forgotten WHERE id=?", forgotten_id)
            return source

    def _make_room(self, document: Row, source: str, now: str) -> None:
        """Put what replaced a document into the trash in its turn. Raises `NotFound` when another has its address."""
        uri = document["uri"]
        sql = "SELECT id FROM documents WHERE uri=? OR id=?"
        for row_id in self._column(sql, uri, document["id"]):
            if row_id != document["id"]:
                hint = "forget that one first, then undo"
                raise NotFound(f"{source} was added again since", hint)
            self.keep_version(row_id, now=now)
            self._delete(row_id)
        self._run("DELETE FROM skipped WHERE uri=?", uri)

    def _renew_episode(self, episode_id: str) -> None:
        (words,) = self._first(
            f"SELECT {CONTENT['episodes']} FROM episodes WHERE id=?", episode_id
        )
        values = (index_terms(words), episode_id)
        self._run("UPDATE episodes SET terms=? WHERE id=?", *values)

    def listing(self) -> list[Row]:
        """What can be undone, newest first: id, kind, source, title, at."""
        columns = "id, kind, source, title, at"
        sql = f"SELECT {columns} FROM forgotten ORDER BY at DESC, rowid DESC"
        return list(self._sound("forgotten", self._each_named(sql)))

    def last_batch(self) -> list[str]:
        """The ids that the newest `forget` moved away."""
        newest = "SELECT at FROM forgotten ORDER BY rowid DESC LIMIT 1"
        return self._column(f"SELECT id FROM forgotten WHERE at=({newest})")

    def expire(self, *, now: datetime) -> int:
        """Destroy what has waited longer than KEPT and for DAYS_SEEN days of use; returns how many."""
        days = DayTable(self._connection).note(now.date())
        try:
            limit = (now - KEPT).isoformat()
        except OverflowError:  # a clock at the beginning of time
            return 0
        waited = (limit, days.count - DAYS_SEEN)
        # looked at first: most of the time there is nothing, and no write lock is needed to see that
        if not self._first(f"SELECT 1 FROM forgotten WHERE {EXPIRED}", *waited):
            return 0
        with self._write():
            return self._run(f"DELETE FROM forgotten WHERE {EXPIRED}", *waited).rowcount

    def _rows(self, table: str, document_id: str) -> list[Row]:
        key = "id" if table == "documents" else "document_id"
        return self._named(f"SELECT * FROM {table} WHERE {key}=?", document_id)


def _brought_back(payload: object, source: str) -> dict[str, list[Row]]:
    """The rows of an entry by table. Raises `StoreError` where they cannot be read."""
    try:
        tables: dict[str, list[Row]] = json_of(payload, dict)
    except Damaged:
        raise damaged(source) from None
    return tables


def _as_it_was(table: str, row: Row) -> Row:
    """The row to insert again; one forgotten under schema 1 has no hash yet."""
    kept = {name: value for name, value in row.items() if name != "pk"}
    if HASH in kept:
        return kept
    return hashed(table, kept)
