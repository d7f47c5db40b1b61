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
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from brain.errors import StoreError
from brain.store.connection import Connection
from brain.store.documents import derived
from brain.store.fts_search import FIRST_SEEN
from brain.store.generations import dimensions_of
from brain.store.vectors import CONTENT, CRC_BYTES, text_of
from brain.types import header
from ingest.document import digest
from ingest.terms import index_terms, tokens, written
from migrations import APPLICATION_ID, LATEST

FTS = (
    "knowledge",
    "episodes",
    "skills",
)  # tables that have a full-text table beside them, named …_fts
FAULTS_SHOWN = 20  # of each kind; one is enough to act, twenty to see a pattern
HASHED = {
    "episodes": text_of("episodes"),
    "skills": "replace(name, '-', ' ') || char(10) || description",
}  # by `text_sha`
WORD = re.compile(r"[a-z][a-z0-9_-]*")  # a label


@dataclass(frozen=True, slots=True)
class Damage:
    """Something stored that is not what was stored. `derived`: it follows from something sound and can be made anew.
    `mild`: search terms, which an older version of this program may have made by other rules.
    """

    table: str
    id: str
    what: str
    derived: bool = False
    mild: bool = False


@dataclass(slots=True)
class ChunkRow:
    """A row of `knowledge`, as far as it follows from its document."""

    pk: int
    id: str
    ordinal: int
    heading: str
    topic: str
    content: str
    source: str
    start: int
    end: int
    tokens: int
    terms: str
    around: str
    text_sha: str


CHUNK_COLUMNS = 'pk, id, ordinal, heading, topic, content, source, start, "end", tokens, terms, around, text_sha'


class Upkeep:
    """Checks and repairs of one open database. Checks return what is wrong: nothing when all is well."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._conn = connection.conn

    # -- the file -----------------------------------------------------------------------------------------------------

    def header_faults(self) -> list[str]:
        """D02: whose file it is and of which version."""
        owner = self._number("PRAGMA application_id")
        version = self._number("PRAGMA user_version")
        faults = [] if owner == APPLICATION_ID else [f"the application id is {owner:#x}, not ours"]
        return faults + (
            []
            if version == LATEST
            else [f"the schema is version {version}, this program's is {LATEST}"]
        )

    def wal_bytes(self) -> int:
        """How long the write-ahead log is."""
        try:
            return os.stat(f"{self._connection.path}-wal").st_size
        except OSError:
            return 0

    def checkpoint(self) -> bool:
        """Write the log back into the file and empty it. False when another process is reading."""
        busy: int = self._conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return not busy

    def structure_faults(self, *, deep: bool) -> list[str]:
        """D03, and D04 when `deep`: SQLite's own check of its pages and indexes, and rows that point nowhere."""
        check = "integrity_check" if deep else "quick_check"
        try:
            said = [row[0] for row in self._conn.execute(f"PRAGMA {check}({FAULTS_SHOWN})")]
            loose = self._conn.execute("PRAGMA foreign_key_check").fetchmany(FAULTS_SHOWN)
        except sqlite3.DatabaseError as error:
            return [str(error)]
        faults = [line for text in said if text != "ok" for line in text.splitlines()]
        return faults + [f"row {row[1]} of {row[0]} points at nothing in {row[2]}" for row in loose]

    # -- full text ----------------------------------------------------------------------------------------------------

    def fts_faults(self) -> list[str]:
        """D05: full-text tables that do not agree with the rows they index.

        Rank 1 makes FTS5 compare with the rows themselves; without it an emptied index still passes (FAULTS.md §8).
        """
        return [name for name in FTS if not self._agrees(name)]

    def _agrees(self, name: str) -> bool:
        self._conn.execute("BEGIN IMMEDIATE")  # FTS5 is asked by an INSERT, which changes nothing
        try:
            self._conn.execute(
                f"INSERT INTO {name}_fts({name}_fts, rank) VALUES ('integrity-check', 1)"
            )
        except sqlite3.DatabaseError as error:
            if "locked" in str(error) or "full" in str(error):
                raise
            return False
        finally:
            if self._conn.in_transaction:
                self._conn.execute("ROLLBACK")
        return True

    def rebuild_fts(self, names: Iterable[str] = FTS) -> int:
        """Fill full-text tables anew from their rows; returns the rows."""
        rows = 0
        with self._connection.write():
            for name in names:
                self._conn.execute(f"INSERT INTO {name}_fts({name}_fts) VALUES ('rebuild')")
                rows += self._number(f"SELECT count(*) FROM {name}")
        return rows

    # -- texts and what follows from them -----------------------------------------------------------------------------

    def text_damage(self) -> list[Damage]:
        """D06: every text against its stored SHA-256, and every column that can be worked out from a sound text."""
        with self._lenient():
            return list(self._text_damage())

    @contextmanager
    def _lenient(self) -> Iterator[None]:
        """A flipped bit may leave bytes that are no UTF-8: read them as damage instead of failing."""
        self._conn.text_factory = lambda data: data.decode("utf-8", "replace")
        try:
            yield
        finally:
            self._conn.text_factory = str

    def _text_damage(self) -> Iterator[Damage]:
        for document_id, source in self._conn.execute(
            "SELECT id, source FROM documents ORDER BY id"
        ).fetchall():
            yield from self._document_damage(document_id, source)
        for kind, expression in HASHED.items():
            for row_id, text, sha in self._conn.execute(
                f"SELECT id, {expression}, text_sha FROM {kind}"
            ):
                if digest(text) != sha:
                    yield Damage(kind, row_id, "its text is not what was stored")
        for (row_id,) in self._stale_episodes():
            yield Damage(
                "episodes",
                row_id,
                "the search terms of an episode are off",
                derived=True,
                mild=True,
            )
        for row_id, body, terms in self._conn.execute("SELECT id, body, terms FROM skills"):
            if index_terms(body) != terms:
                yield Damage("skills", row_id, "a skill and its search terms disagree")
        yield from self._unreadable_lists()
        for row_id, payload in self._conn.execute("SELECT id, payload FROM forgotten"):
            if not _payload_sound(payload):
                yield Damage(
                    "forgotten", row_id, "what `undo` would bring back is not what was forgotten"
                )

    def _document_damage(self, document_id: str, source: str) -> Iterator[Damage]:
        text, sha, title, date = self._facts(document_id)
        if digest(text) != sha:
            yield Damage("documents", source, f"the text of {source} is not what was stored")
            return
        rows = self._chunks(document_id)
        for row in rows:
            slice_ = text[row.start : row.end]
            if digest(f"{row.topic}\n{row.content}") != row.text_sha:
                mendable = digest(f"{row.topic}\n{slice_}") == row.text_sha or not _headed(
                    row, title, date
                )
                yield Damage(
                    "knowledge",
                    row.id,
                    f"a chunk of {source} is not what was stored",
                    derived=mendable,
                )
            elif row.content != slice_:
                yield Damage(
                    "knowledge",
                    row.id,
                    f"a chunk of {source} is not that part of the text",
                    derived=True,
                )
            elif not _headed(row, title, date):
                yield Damage(
                    "documents",
                    source,
                    f"the title, the date or a heading of {source} is not what was stored",
                )
        for row, terms, beside in derived(self._conn, rows):
            if (row.terms, row.around, row.source) != (terms, beside, source):
                yield Damage(
                    "knowledge",
                    row.id,
                    f"the search terms of a chunk of {source} are off",
                    derived=True,
                    mild=True,
                )

    def _stale_episodes(self) -> list[tuple[str]]:
        """Sound episodes whose search terms are not those of their words."""
        rows = self._conn.execute(
            f"SELECT id, {CONTENT['episodes']}, {text_of('episodes')}, terms, text_sha FROM episodes"
        )
        return [
            (i,)
            for i, said, text, terms, sha in rows
            if digest(text) == sha and index_terms(said) != terms
        ]

    def mend_columns(self) -> int:
        """Work out again what follows from sound document texts; returns the rows that were mended.

        A chunk is taken from its document's text where the stored hash proves that this is what it was.
        """
        mended = 0
        with self._lenient(), self._connection.write():
            for document_id, source in self._conn.execute(
                "SELECT id, source FROM documents"
            ).fetchall():
                text, sha, title, date = self._facts(document_id)
                if digest(text) == sha:
                    mended += self._mend(self._chunks(document_id), text, source, title, date)
            for (row_id,) in self._stale_episodes():
                said = self._conn.execute(
                    f"SELECT {CONTENT['episodes']} FROM episodes WHERE id=?", (row_id,)
                ).fetchone()[0]
                self._conn.execute(
                    "UPDATE episodes SET terms=? WHERE id=?", (index_terms(said), row_id)
                )
                mended += 1
        return mended

    def _mend(
        self, rows: list[ChunkRow], text: str, source: str, title: str, date: str | None
    ) -> int:
        changed: set[int] = set()
        for at, row in zip(_places(rows, text), rows, strict=True):
            before = (row.start, row.end, row.content, row.topic, row.source)
            row.start, row.end = at
            row.source = source
            for topic, content in (
                (row.topic, text[slice(*at)]),
                (written(_header(row, title, date)), text[slice(*at)]),
            ):
                if digest(f"{topic}\n{content}") == row.text_sha:
                    row.topic, row.content = topic, content
                    break
            if before != (row.start, row.end, row.content, row.topic, row.source):
                changed.add(row.pk)
        for row, terms, beside in derived(self._conn, rows):
            if (row.terms, row.around) != (terms, beside):
                row.terms, row.around = terms, beside
                changed.add(row.pk)
        self._conn.executemany(
            'UPDATE knowledge SET start=?, "end"=?, content=?, topic=?, source=?, terms=?, around=? WHERE pk=?',
            [
                (r.start, r.end, r.content, r.topic, r.source, r.terms, r.around, r.pk)
                for r in rows
                if r.pk in changed
            ],
        )
        return len(changed)

    def _facts(self, document_id: str) -> tuple[str, str, str, str | None]:
        """(text, its SHA-256, title, the date that stands in its headers)."""
        text, sha, title, dated_at, dated_by = self._conn.execute(
            "SELECT text, text_sha, title, dated_at, dated_by FROM documents WHERE id=?",
            (document_id,),
        ).fetchone()
        return text, sha, title, dated_at if dated_by != FIRST_SEEN else None

    def _chunks(self, document_id: str) -> list[ChunkRow]:
        sql = f"SELECT {CHUNK_COLUMNS} FROM knowledge WHERE document_id=? ORDER BY ordinal, pk"
        return [ChunkRow(*row) for row in self._conn.execute(sql, (document_id,))]

    def _unreadable_lists(self) -> Iterator[Damage]:
        """Columns that hold JSON and do not."""
        columns = {
            "documents": ("aliases", "metadata", "notices"),
            "knowledge": ("heading",),
            "skills": ("files",),
            "episodes": ("citations", "confidence", "people", "tags"),
        }
        for table, names in columns.items():
            bad = " OR ".join(f"NOT json_valid({name})" for name in names)
            for (row_id,) in self._conn.execute(f"SELECT id FROM {table} WHERE {bad}"):
                yield Damage(table, row_id, "a list in it cannot be read")

    def untiled(self) -> list[str]:
        """D07: documents whose chunks do not cover their text exactly, from the first character to the last."""
        with self._lenient():
            return self._untiled()

    def _untiled(self) -> list[str]:
        gaps = self._conn.execute(
            'SELECT DISTINCT d.source FROM (SELECT document_id, start, "end", ordinal, '
            'lag("end", 1, 0) OVER (PARTITION BY document_id ORDER BY ordinal) AS before, '
            "lag(ordinal, 1, -1) OVER (PARTITION BY document_id ORDER BY ordinal) AS previous FROM knowledge) k "
            'JOIN documents d ON d.id = k.document_id WHERE k.start <> k.before OR k."end" < k.start '
            "OR k.ordinal <> k.previous + 1"
        )
        ends = self._conn.execute(
            'SELECT d.source FROM documents d LEFT JOIN (SELECT document_id, max("end") AS last FROM knowledge '
            "GROUP BY document_id) k ON k.document_id = d.id WHERE ifnull(k.last, 0) <> length(d.text) "
            "AND NOT (k.last IS NULL AND trim(d.text, char(9, 10, 13, 32)) = '')"
        )
        return sorted({row[0] for row in (*gaps, *ends)})

    # -- vectors ------------------------------------------------------------------------------------------------------

    def vector_damage(self) -> list[tuple[str, str]]:
        """D06: (text_sha, fingerprint) of vectors whose checksum or length is wrong, or that belong to no text."""
        with self._lenient():
            return self._vector_damage()

    def _vector_damage(self) -> list[tuple[str, str]]:
        bad = []
        rows = self._conn.execute(
            "SELECT text_sha, fingerprint, vector, sentences, crc, EXISTS (SELECT 1 FROM knowledge k WHERE k.text_sha = "
            "e.text_sha) OR EXISTS (SELECT 1 FROM episodes p WHERE p.text_sha = e.text_sha) FROM embeddings e"
        )
        for text_sha, fingerprint, vector, sentences, crc, used in rows:
            if not used or not _vector_sound(fingerprint, vector, sentences, crc):
                bad.append((text_sha, fingerprint))
        return bad

    # -- the rest -----------------------------------------------------------------------------------------------------

    def outbox_rows(self) -> int:
        """How many there are."""
        return self._number("SELECT count(*) FROM outbox")

    def unlabelled(self) -> list[str]:
        """D12: documents, episodes and skills whose label is missing or is no word."""
        with self._lenient():
            return [
                f"{table} {row_id}"
                for table in ("documents", "episodes", "skills")
                for row_id, label in self._conn.execute(f"SELECT id, label FROM {table}")
                if not (isinstance(label, str) and WORD.fullmatch(label))
            ]

    def newest(self) -> datetime | None:
        """D17: the latest moment that this program wrote down for itself; None when there is none."""
        row = self._conn.execute(
            "SELECT at FROM (SELECT updated_at AS at FROM documents UNION ALL SELECT looked_at FROM roots "
            "UNION ALL SELECT created_at FROM index_generations) WHERE julianday(at) IS NOT NULL "
            "ORDER BY julianday(at) DESC LIMIT 1"
        ).fetchone()
        found = datetime.fromisoformat(row[0]) if row else None
        return found if found is None or found.tzinfo else found.astimezone()

    def settings(self) -> dict[str, str]:
        """What the program keeps for itself, for D15."""
        return dict(self._conn.execute("SELECT name, value FROM settings"))

    def _number(self, sql: str) -> int:
        number: int = self._conn.execute(sql).fetchone()[0]
        return number


def _header(row: ChunkRow, title: str, date: str | None) -> str:
    """What stands above the chunk, worked out from its document."""
    try:
        heading = json.loads(row.heading)
    except ValueError:
        return ""
    return header(title, tuple(str(part) for part in heading), date)


def _headed(row: ChunkRow, title: str, date: str | None) -> bool:
    """Whether the chunk's topic has the words of that; how they are cut is a rule of the version that wrote them."""
    header_now = _header(row, title, date)
    return row.topic == written(header_now) or set(tokens(row.topic)) == set(tokens(header_now))


def _places(rows: list[ChunkRow], text: str) -> list[tuple[int, int]]:
    """Where the chunks stand: by their lengths when they join to the whole text, else as stored."""
    if "".join(row.content for row in rows) != text:
        return [(row.start, row.end) for row in rows]
    ends, at = [], 0
    for row in rows:
        ends.append((at, at + len(row.content)))
        at += len(row.content)
    return ends


def _vector_sound(fingerprint: str, vector: bytes, sentences: bytes | None, crc: int) -> bool:
    try:
        size = 2 * dimensions_of(fingerprint)  # bytes: float16
    except StoreError:
        return False
    if len(vector) != size or zlib.crc32(vector) != crc:
        return False
    if sentences is None:
        return True
    body, tail = sentences[:-CRC_BYTES], sentences[-CRC_BYTES:]
    return len(body) % size == 0 and zlib.crc32(body) == int.from_bytes(tail, "little")


def _payload_sound(payload: str) -> bool:
    """Whether the rows inside have the texts that their hashes name."""
    try:
        tables: dict[str, list[dict[str, Any]]] = json.loads(payload)
        documents = all(
            digest(row["text"]) == row["text_sha"] for row in tables.get("documents", ())
        )
        return documents and all(
            digest(f"{row['topic']}\n{row['content']}") == row["text_sha"]
            for row in tables.get("knowledge", ())
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
