"""What the doctor asks of the database, and the repairs of what is derived in it: all their SQL.

Every check reads and names what it found; a repair touches full-text tables, vectors and columns that follow from a
document's text, never what a person put in. Leaves out judging (`brain.keeping`), copies (copies.py) and erasure
(erasure.py). Serves `brain doctor` and `brain rebuild`.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime

from brain.errors import StoreError
from brain.store.documents import ChunkRow, derived, stored_chunks
from brain.store.snapshots import dimensions_of
from brain.store.sql import (
    FIRST_SEEN,
    FULL_TEXT,
    fields_of,
    full_text,
    full_text_agrees,
    texts_read,
    update_of,
)
from brain.store.table import Table
from brain.store.vector_bytes import FLOAT16_BYTES, sentences_sound
from brain.store.vectors import CONTENT, text_of
from brain.types import header
from ingest.document import digest
from ingest.stated import list_of
from ingest.terms import index_terms, tokens, written
from migrations import APPLICATION_ID, LATEST

FAULTS_SHOWN = 20  # of each kind; one is enough to act, twenty to see a pattern
# what `text_sha` is the SHA-256 of
HASHED = {
    "episodes": text_of("episodes"),
    "skills": "replace(name, '-', ' ') || char(10) || description",
}
# columns that hold JSON
LISTS = {
    "documents": ("aliases", "metadata", "notices"),
    "knowledge": ("heading",),
    "skills": ("files",),
    "episodes": ("citations", "confidence", "people", "tags"),
}
# columns of a chunk that are worked out again
MENDED = ("start", "end", "content", "topic", "source", "terms", "around")
LABEL = re.compile(r"[a-z][a-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Damage:
    """A value that no longer matches its checksum. `derived`: it follows from something sound and can be made anew.
    `mild`: search terms, which an older version of this program may have made by other rules.
    """

    table: str
    id: str
    what: str
    derived: bool = False
    mild: bool = False


@dataclass(frozen=True, slots=True)
class _Stored:
    """What a document's chunks follow from. `date` stands in their headers."""

    id: str
    source: str
    text: str
    text_sha: str
    title: str
    date: str | None

    @property
    def sound(self) -> bool:
        """Whether the text is the one that was stored."""
        return _sha(self.text) == self.text_sha

    def header_of(self, row: ChunkRow) -> str:
        """What stands above a chunk, worked out anew."""
        heading = tuple(list_of(row.heading))
        return header(str(self.title), heading, self.date)

    def headed(self, row: ChunkRow) -> bool:
        """Whether a chunk's topic has those words; how they are cut is a rule of the version that wrote them."""
        header_now = self.header_of(row)
        if row.topic == written(header_now):
            return True
        return set(tokens(row.topic)) == set(tokens(header_now))


class StoreChecks(Table):
    """Checks and repairs of one open database. Checks return what is wrong: nothing when all is well."""

    # -- the file -----------------------------------------------------------------------------------------------------

    def header_faults(self) -> list[str]:
        """D02: whose file it is and of which version."""
        application = self._number("PRAGMA application_id")
        version = self._number("PRAGMA user_version")
        faults = []
        if application != APPLICATION_ID:
            faults.append(f"the application id is {application:#x}, not ours")
        if version != LATEST:
            faults.append(
                f"the schema is version {version}, this program's is {LATEST}"
            )
        return faults

    def wal_bytes(self) -> int:
        """How long the write-ahead log is."""
        try:
            return os.stat(f"{self._connection.path}-wal").st_size
        except OSError:
            return 0

    def checkpoint(self) -> bool:
        """Write the log back into the file and empty it. False when another process is reading."""
        return not self._number("PRAGMA wal_checkpoint(TRUNCATE)")

    def structure_faults(self, *, deep: bool) -> list[str]:
        """D03, and D04 when `deep`: SQLite's own check of its pages and indexes, and rows that point nowhere."""
        check = "integrity_check" if deep else "quick_check"
        try:
            said = self._run(f"PRAGMA {check}({FAULTS_SHOWN})").fetchall()
            loose = self._run("PRAGMA foreign_key_check").fetchmany(FAULTS_SHOWN)
        except sqlite3.DatabaseError as error:
            return [str(error)]
        faults: list[str] = []
        for (text,) in said:
            if text != "ok":
                faults += text.splitlines()
        for table, row, other, _key in loose:
            faults.append(f"row {row} of {table} points at nothing in {other}")
        return faults

    # -- full text ----------------------------------------------------------------------------------------------------

    def fts_faults(self) -> list[str]:
        """D05: tables whose full text does not agree with their rows."""
        return [table for table in FULL_TEXT if not self._agrees(table)]

    def _agrees(self, table: str) -> bool:
        self._run("BEGIN IMMEDIATE")
        try:
            return full_text_agrees(self._conn, table)
        finally:
            if self._conn.in_transaction:
                self._run("ROLLBACK")

    def rebuild_fts(self, tables: Iterable[str] = FULL_TEXT) -> int:
        """Fill full-text tables anew from their rows; returns the rows."""
        rows = 0
        with self._write():
            for table in tables:
                full_text(self._conn, table, "rebuild")
                rows += self._number(f"SELECT count(*) FROM {table}")
        return rows

    # -- texts and what follows from them -----------------------------------------------------------------------------

    def text_damage(self) -> list[Damage]:
        """D06: every text against its stored SHA-256, and every column that can be worked out from a sound text."""
        with self._lenient():
            return list(self._text_damage())

    def _lenient(self) -> AbstractContextManager[None]:
        """Bytes that are no UTF-8 are read as damage."""
        return texts_read(self._conn, lambda data: data.decode("utf-8", "replace"))

    def _text_damage(self) -> Iterator[Damage]:
        for document in self._documents():
            yield from self._document_damage(document)
        for kind, text in HASHED.items():
            for row_id, words, sha in self._run(
                f"SELECT id, {text}, text_sha FROM {kind}"
            ):
                if _sha(words) != sha:
                    yield Damage(kind, row_id, "its text is not what was stored")
        for row_id, _terms in self._stale_episodes():
            what = "the search terms of an episode are off"
            yield Damage("episodes", row_id, what, derived=True, mild=True)
        for row_id, body, terms in self._run("SELECT id, body, terms FROM skills"):
            if not isinstance(body, str) or index_terms(body) != terms:
                yield Damage("skills", row_id, "a skill and its search terms disagree")
        yield from self._unreadable_lists()
        for row_id, payload in self._run("SELECT id, payload FROM forgotten"):
            if not _payload_sound(payload):
                what = "what `undo` would bring back is not what was forgotten"
                yield Damage("forgotten", row_id, what)

    def _document_damage(self, document: _Stored) -> Iterator[Damage]:
        source = document.source
        if not document.sound:
            what = f"the text of {source} is not what was stored"
            yield Damage("documents", source, what)
            return
        rows = stored_chunks(self._conn, document.id)
        for row in rows:
            slice_ = document.text[row.start : row.end]
            headed = document.headed(row)
            if digest(f"{row.topic}\n{row.content}") != row.text_sha:
                # from its document, when that or its header alone was hit
                mendable = (
                    digest(f"{row.topic}\n{slice_}") == row.text_sha or not headed
                )
                what = f"a passage of {source} is not what was stored"
                yield Damage("knowledge", row.id, what, derived=mendable)
            elif row.content != slice_:
                what = f"a passage of {source} is not that part of the text"
                yield Damage("knowledge", row.id, what, derived=True)
            elif not headed:
                what = f"the title, the date or a heading of {source} is not what was stored"
                yield Damage("documents", source, what)
        for row, terms, beside in derived(self._conn, rows):
            if (row.terms, row.around, row.source) != (terms, beside, source):
                what = f"the search terms of a passage of {source} are off"
                yield Damage("knowledge", row.id, what, derived=True, mild=True)

    def _stale_episodes(self) -> list[tuple[str, str]]:
        """(id, the right terms) of sound episodes whose search terms are not those of their words."""
        words = CONTENT["episodes"]
        text = text_of("episodes")
        sql = f"SELECT id, {words}, {text}, terms, text_sha FROM episodes"
        found = []
        for row_id, said, hashed_text, terms, sha in self._run(sql):
            if not isinstance(said, str) or _sha(hashed_text) != sha:
                continue
            right = index_terms(said)
            if right != terms:
                found.append((row_id, right))
        return found

    def mend_columns(self) -> int:
        """Work out again what follows from sound document texts; returns the rows that were mended.

        A chunk is taken from its document's text where the stored hash proves that this is what it was.
        """
        mended = 0
        with self._lenient(), self._write():
            for document in self._documents():
                if document.sound:
                    mended += self._mend(document)
            for row_id, terms in self._stale_episodes():
                self._run("UPDATE episodes SET terms=? WHERE id=?", terms, row_id)
                mended += 1
        return mended

    def _mend(self, document: _Stored) -> int:
        rows = stored_chunks(self._conn, document.id)
        before = [replace(row) for row in rows]
        places = _places(rows, document.text)
        for (start, end), row in zip(places, rows, strict=True):
            row.start = start
            row.end = end
            row.source = document.source
            content = document.text[start:end]
            for topic in (row.topic, written(document.header_of(row))):
                if digest(f"{topic}\n{content}") == row.text_sha:
                    row.topic = topic
                    row.content = content
                    break
        for row, terms, beside in derived(self._conn, rows):
            row.terms = terms
            row.around = beside
        changed = [
            fields_of(row) for row, old in zip(rows, before, strict=True) if row != old
        ]
        self._conn.executemany(update_of("knowledge", MENDED, "pk"), changed)
        return len(changed)

    def _documents(self) -> Iterator[_Stored]:
        """Every document, one text at a time."""
        sql = f"""
            SELECT id, source, text, text_sha, title,
                iif(dated_by = '{FIRST_SEEN}', NULL, dated_at)
            FROM documents
            WHERE id=?
        """
        for document_id in self._column("SELECT id FROM documents ORDER BY id"):
            yield _Stored(*self._first(sql, document_id))

    def _unreadable_lists(self) -> Iterator[Damage]:
        for table, columns in LISTS.items():
            bad = " OR ".join(f"NOT json_valid({name})" for name in columns)
            for row_id in self._column(f"SELECT id FROM {table} WHERE {bad}"):
                yield Damage(table, row_id, "a list in it cannot be read")

    def untiled(self) -> list[str]:
        """D07: documents whose chunks do not cover their text exactly, from the first character to the last."""
        gaps = """
            SELECT DISTINCT d.source FROM (
                SELECT document_id, start, "end", ordinal,
                    lag("end", 1, 0) OVER (PARTITION BY document_id ORDER BY ordinal) AS before,
                    lag(ordinal, 1, -1) OVER (PARTITION BY document_id ORDER BY ordinal) AS previous
                FROM knowledge
            ) k
            JOIN documents d ON d.id = k.document_id
            WHERE k.start <> k.before OR k."end" < k.start OR k.ordinal <> k.previous + 1
        """
        ends = """
            SELECT d.source FROM documents d
            LEFT JOIN (
                SELECT document_id, max("end") AS last FROM knowledge GROUP BY document_id
            ) k ON k.document_id = d.id
            WHERE ifnull(k.last, 0) <> length(d.text)
                AND NOT (k.last IS NULL AND trim(d.text, char(9, 10, 13, 32)) = '')
        """
        with self._lenient():
            return sorted({*self._column(gaps), *self._column(ends)})

    # -- vectors ------------------------------------------------------------------------------------------------------

    def vector_damage(self) -> list[tuple[str, str]]:
        """D06: (text_sha, fingerprint) of vectors whose checksum or length is wrong, or that belong to no text."""
        sql = """
            SELECT text_sha, fingerprint, vector, sentences, crc,
                EXISTS (SELECT 1 FROM knowledge k WHERE k.text_sha = e.text_sha)
                OR EXISTS (SELECT 1 FROM episodes p WHERE p.text_sha = e.text_sha)
            FROM embeddings e
        """
        bad = []
        with self._lenient():
            for text_sha, fingerprint, vector, sentences, crc, used in self._run(sql):
                if not used or not _vector_sound(fingerprint, vector, sentences, crc):
                    bad.append((text_sha, fingerprint))
        return bad

    # -- the rest -----------------------------------------------------------------------------------------------------

    def outbox_rows(self) -> int:
        """How many there are."""
        return self._number("SELECT count(*) FROM outbox")

    def unlabelled(self) -> list[str]:
        """D12: documents, episodes and skills whose label is missing or is no word."""
        found = []
        with self._lenient():
            for table in ("documents", "episodes", "skills"):
                for row_id, label in self._run(f"SELECT id, label FROM {table}"):
                    if not isinstance(label, str) or not LABEL.fullmatch(label):
                        found.append(f"{table} {row_id}")
        return found

    def newest(self) -> datetime | None:
        """D17: the latest moment that this program wrote down for itself; None when there is none."""
        sql = """
            SELECT at FROM (
                SELECT updated_at AS at FROM documents
                UNION ALL SELECT looked_at FROM roots
                UNION ALL SELECT created_at FROM index_generations
            )
            WHERE julianday(at) IS NOT NULL
            ORDER BY julianday(at) DESC LIMIT 1
        """
        row = self._first(sql)
        if row is None:
            return None
        found = datetime.fromisoformat(row[0])
        return found if found.tzinfo else found.astimezone()

    def settings(self) -> dict[str, str]:
        """What the program keeps for itself, for D15."""
        return dict(self._run("SELECT name, value FROM settings"))


def _places(rows: list[ChunkRow], text: str) -> list[tuple[int, int]]:
    """Where the chunks stand: by their lengths when they join to the whole text, else as stored."""
    if "".join(row.content for row in rows) != text:
        return [(row.start, row.end) for row in rows]
    places = []
    start = 0
    for row in rows:
        end = start + len(row.content)
        places.append((start, end))
        start = end
    return places


def _vector_sound(
    fingerprint: str, vector: bytes, sentences: bytes | None, crc: int
) -> bool:
    try:
        dimensions = dimensions_of(fingerprint)
    except StoreError:
        return False
    if len(vector) != FLOAT16_BYTES * dimensions or zlib.crc32(vector) != crc:
        return False
    return sentences is None or sentences_sound(sentences, dimensions)


def _sha(text: object) -> str:
    """The SHA-256 of a text; of anything else none."""
    if not isinstance(text, str):
        return ""
    return digest(text)


def _payload_sound(payload: str) -> bool:
    """Whether the rows inside have the texts that their hashes name."""
    try:
        tables = json.loads(payload)
        texts = [(row["text"], row["text_sha"]) for row in tables.get("documents", ())]
        for row in tables.get("knowledge", ()):
            texts.append((f"{row['topic']}\n{row['content']}", row["text_sha"]))
        return all(digest(text) == sha for text, sha in texts)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
