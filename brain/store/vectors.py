"""Vectors and the outbox that tells every index what changed: all their SQL.

A vector is kept once per text and fingerprint, with those of its sentences; every chunk with that text shares them.
Leaves out computing and searching vectors (`brain.index`) and the index's snapshots (snapshots.py). Serves `brain add`
and `sync`, the indexes, and doctor.

The outbox says "look again at this chunk", never what it holds: whoever reads it asks for the present vectors of the
named chunks. So a row may come twice or late and do no harm.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from brain.faults import reach
from brain.store import vector_bytes
from brain.store.connection import Connection
from brain.store.snapshots import SnapshotTable, dimensions_of
from brain.store.sql import json_text
from brain.store.table import Reader, Table
from brain.store.vector_bytes import FLOAT16_BYTES, packed_sentences, packed_vector

if TYPE_CHECKING:
    from brain.protocols import Vectors

KINDS = ("knowledge", "episodes")
CONTENT = {
    "knowledge": "content",
    "episodes": """CASE
        WHEN question = '' THEN answer
        WHEN answer = '' THEN question
        ELSE question || char(10) || answer
    END""",
}
WAITING = """NOT EXISTS (
    SELECT 1 FROM embeddings AS e WHERE e.text_sha = c.text_sha AND e.fingerprint = ?
)"""
# an index that is further behind is written anew; 200,000 rows are about 12 MB
OUTBOX_ROWS_KEPT = 200_000
STREAM_ROWS = 4_096  # rows per page when all vectors are read: 4 MB at 256 dimensions
STREAM_SENTENCES = 512  # with their sentences, of which a chunk has about ten: 6 MB
Row = tuple[Any, ...]
"""id, text_sha, vector, checksum, sentences, and what a query adds."""


class Pending(NamedTuple):
    """A chunk without a vector. `pk` is where the next page begins."""

    chunk_id: str
    text_sha: str
    topic: str
    content: str
    pk: int

    @property
    def text(self) -> str:
        """What is embedded, and what `text_sha` is the SHA-256 of."""
        return f"{self.topic}\n{self.content}"


class InSentences(NamedTuple):
    """The vectors of some chunks: `own` has a row for each of `ids`, `sentences` has `counts` rows for each, in order;
    the one sentence of a text is its own vector. Rows of length 1, float32.
    """

    ids: list[str]
    own: Vectors
    counts: list[int]
    sentences: Vectors


class Change(NamedTuple):
    """A row of the outbox: look again at this chunk."""

    seq: int
    kind: str
    chunk_id: str


def by_kind(changes: Iterable[Change]) -> dict[str, list[str]]:
    """The chunks named by outbox rows, each once, per kind."""
    named: dict[str, dict[str, None]] = {}
    for change in changes:
        named.setdefault(change.kind, {})[change.chunk_id] = None
    return {kind: list(ids) for kind, ids in named.items()}


def text_of(kind: str) -> str:
    """The SQL expression of what is embedded of a row of `kind`: its topic, a line end, its content."""
    return f"topic || char(10) || {CONTENT[kind]}"


class VectorTable(Table):
    """Everything that is stored about vectors. `damaged` holds the (text_sha, fingerprint) whose checksum was wrong."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.snapshots = SnapshotTable(connection)
        self.damaged: set[tuple[str, str]] = set()

    def of(self, kind: str, fingerprint: str) -> ChunkVectors:
        """Those of one kind of chunks ("knowledge", "episodes") and one fingerprint."""
        return ChunkVectors(self, kind, fingerprint)

    # -- chunks that wait -----------------------------------------------------------------------------------------

    def unasked_for(self, fingerprint: str) -> int:
        """How many recorded questions have no vector of it: nobody waits for it, so it is made at the next recall."""
        sql = f"SELECT count(*) FROM episodes AS c WHERE kind = 'ask' AND {WAITING}"
        return self._number(sql, fingerprint)

    def place(self) -> tuple[int, int]:
        """(the newest chunk's row, the newest outbox row): what `behind` counts from."""
        newest = self._number("SELECT ifnull(max(pk), 0) FROM knowledge")
        return newest, self.last_seq()

    def behind(self, fingerprint: str, place: tuple[int, int]) -> int:
        """How many chunks have no vector of this fingerprint, when all had one at `place`."""
        pk, seq = place
        # Quick unless one was deleted since: then its row's number may have been given again, and all are looked at.
        deleted = "SELECT 1 FROM outbox WHERE seq > ? AND op = 'del' AND kind = 'knowledge' LIMIT 1"
        if self._first(deleted, seq) or self._pruned_to() > seq:
            return self.of("knowledge", fingerprint).waiting()
        sql = f"SELECT count(*) FROM knowledge AS c WHERE pk > ? AND {WAITING}"
        return self._number(sql, pk, fingerprint)

    def size(self, kind: str) -> int:
        """How many chunks there are."""
        return self._number(f"SELECT count(*) FROM {kind}")

    def total(self) -> int:
        """How many chunks there are of all kinds."""
        return sum(map(self.size, KINDS))

    def waiting_in_all(self, fingerprint: str) -> int:
        """How many chunks of all kinds have no vector of this fingerprint yet."""
        return sum(self.of(kind, fingerprint).waiting() for kind in KINDS)

    # -- writing and reading vectors ------------------------------------------------------------------------------

    def save_vectors(
        self, fingerprint: str, rows: Iterable[tuple[str, Vectors, Vectors | None]]
    ) -> int:
        """Keep vectors, tell the indexes of every chunk with those texts, in one transaction; returns how many.

        A row is (text_sha, vector of shape (dimensions,), its sentences' vectors of shape (sentences, dimensions): no
        row of them where the text is one sentence, None where they are still to come). The vector of a text that was
        deleted in the meantime is not kept. Raises `StoreError`, and keeps none, when one is not finite, of the wrong
        length or zero.
        """
        dimensions = dimensions_of(fingerprint)
        packed = []
        for text_sha, vector, sentences in rows:
            body, crc = packed_vector(vector, dimensions)
            packed.append(
                (text_sha, body, packed_sentences(sentences, dimensions), crc)
            )
        insert = """
            INSERT INTO embeddings (text_sha, fingerprint, vector, sentences, crc)
            VALUES (?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET vector=excluded.vector, sentences=excluded.sentences, crc=excluded.crc
        """
        kept = 0
        with self._write():
            for text_sha, body, tail, crc in packed:
                if self._tell(text_sha, fingerprint, "up"):
                    self._run(insert, text_sha, fingerprint, body, tail, crc)
                    self.damaged.discard((text_sha, fingerprint))
                    kept += 1
            reach("vectors.before_commit")
        return kept

    def save_sentences(
        self, fingerprint: str, rows: Iterable[tuple[str, Vectors]]
    ) -> None:
        """Add the sentences' vectors to texts that have a vector of their own; (text_sha, as in `save_vectors`)."""
        dimensions = dimensions_of(fingerprint)
        packed = [(sha, packed_sentences(found, dimensions)) for sha, found in rows]
        update = (
            "UPDATE embeddings SET sentences = ? WHERE text_sha = ? AND fingerprint = ?"
        )
        with self._write():
            for text_sha, tail in packed:
                if self._run(update, tail, text_sha, fingerprint).rowcount:
                    self._tell(text_sha, fingerprint, "up")
            reach("vectors.before_commit")

    def without_sentences(self, fingerprint: str) -> int:
        """How many texts have a vector whose sentences are still to come: those of stores of earlier versions."""
        sql = "SELECT count(*) FROM embeddings WHERE fingerprint = ? AND sentences IS NULL"
        return self._number(sql, fingerprint)

    def _tell(self, text_sha: str, fingerprint: str, op: str) -> bool:
        """An outbox row for everything with this text; False when nothing has it."""
        told = 0
        for kind in KINDS:
            sql = f"""
                INSERT INTO outbox (op, kind, chunk_id, fingerprint)
                SELECT ?, ?, id, ? FROM {kind} WHERE text_sha = ?
            """
            told += self._run(sql, op, kind, fingerprint, text_sha).rowcount
        return told > 0

    def drop_damaged(self) -> int:
        """Delete the vectors found damaged, so that they are computed again; returns how many."""
        if not self.damaged:
            return 0
        with self._write():
            for text_sha, fingerprint in self.damaged:
                sql = "DELETE FROM embeddings WHERE text_sha=? AND fingerprint=?"
                self._run(sql, text_sha, fingerprint)
                self._tell(text_sha, fingerprint, "del")
        count = len(self.damaged)
        self.damaged.clear()
        return count

    def fingerprints(self) -> dict[str, int]:
        """How many vectors there are of each fingerprint."""
        return dict(
            self._run(
                "SELECT fingerprint, count(*) FROM embeddings GROUP BY fingerprint"
            )
        )

    # -- the outbox -----------------------------------------------------------------------------------------------

    def last_seq(self) -> int:
        """The number of the newest outbox row ever written."""
        return self._number(
            "SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'outbox'"
        )

    def mark(self, seq: int) -> int | None:
        """A checksum of outbox row `seq`, None when pruned. An index that remembers another has another history."""
        row = self._first("SELECT op, kind, chunk_id FROM outbox WHERE seq = ?", seq)
        if row is None:
            return None
        return zlib.crc32("\n".join(row).encode())

    def changes(self, seq: int, *, limit: int) -> list[Change] | None:
        """Outbox rows behind `seq`. None when rows in between were pruned: the index has to be written anew."""
        sql = (
            "SELECT seq, kind, chunk_id FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?"
        )
        found = [Change(*row) for row in self._run(sql, seq, limit)]
        last = self.last_seq()
        if not found:
            return found if seq == last else None
        if seq > last:
            return None
        if found[0].seq > seq + 1 and self._pruned_to() > seq:
            return None
        return found

    def prune(self, *, keep: int = OUTBOX_ROWS_KEPT) -> int:
        """Delete all but the newest `keep` outbox rows; returns how many went. The newest row always stays."""
        limit = self.last_seq() - max(keep, 1)
        if limit < 1 or self._pruned_to() >= limit:
            return 0
        with self._write():
            return self._run("DELETE FROM outbox WHERE seq <= ?", limit).rowcount

    def _pruned_to(self) -> int:
        """The rows up to this number may be gone."""
        return self._number("SELECT ifnull(min(seq), 1) - 1 FROM outbox")


class ChunkVectors(Reader):
    """The vectors of one kind of chunks and one fingerprint. `table` has those of all, and the outbox."""

    def __init__(self, table: VectorTable, kind: str, fingerprint: str) -> None:
        super().__init__(table._conn)
        self.table = table
        self.kind = kind
        self.fingerprint = fingerprint

    @cached_property
    def dimensions(self) -> int:
        """The length of the vectors. Raises `StoreError` when the fingerprint is none."""
        return dimensions_of(self.fingerprint)

    def pending(self, *, limit: int, after: int = 0) -> list[Pending]:
        """Chunks without a vector, in the order they came, beginning behind the row `after`."""
        if not after:
            after = self._before_first()
        if after < 0:
            return []
        sql = f"""
            SELECT id, text_sha, topic, {CONTENT[self.kind]}, pk
            FROM {self.kind} AS c
            WHERE pk > ? AND {WAITING}
            ORDER BY pk LIMIT ?
        """
        rows = self._run(sql, after, self.fingerprint, limit)
        return [Pending(*row) for row in rows]

    def without_sentences(self, *, limit: int, after: int = 0) -> list[Pending]:
        """Chunks with a vector whose sentences are still to come; `pk` is where the next page begins."""
        sql = f"""
            SELECT c.id, c.text_sha, c.topic, {CONTENT[self.kind]}, e.rowid
            FROM embeddings AS e
            JOIN {self.kind} AS c ON c.text_sha = e.text_sha
            WHERE e.fingerprint = ? AND e.sentences IS NULL AND e.rowid > ?
            GROUP BY e.rowid
            ORDER BY e.rowid LIMIT ?
        """
        rows = self._run(sql, self.fingerprint, after, limit)
        return [Pending(*row) for row in rows]

    def _before_first(self) -> int:
        """The row before the first that waits, -1 when none does."""
        # From indexes alone (the plus keeps SQLite from walking the rows), so that one new note among 200,000 chunks
        # makes no other text be read: 0.1 s instead of 0.8.
        sql = f"SELECT ifnull(min(+pk), 0) - 1 FROM {self.kind} AS c WHERE {WAITING}"
        return self._number(sql, self.fingerprint)

    def waiting(self) -> int:
        """How many chunks have no vector yet."""
        sql = f"SELECT count(*) FROM {self.kind} AS c WHERE {WAITING}"
        return self._number(sql, self.fingerprint)

    def count(self) -> int:
        """How many chunks have one: what a complete index holds."""
        return self.table.size(self.kind) - self.waiting()

    def ids(self) -> set[str]:
        """The chunks that have one."""
        sql = f"""
            SELECT c.id FROM {self.kind} AS c
            JOIN embeddings AS e ON e.text_sha = c.text_sha
            WHERE e.fingerprint = ?
        """
        return set(self._column(sql, self.fingerprint))

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """The vectors of these chunks, float32 of length 1; a chunk without one, or with a damaged one, is missing."""
        names, matrix = self._matrix(self._of_chunks(ids))
        return dict(zip(names, matrix, strict=True))

    def in_sentences(self, ids: Sequence[str]) -> InSentences:
        """The vectors of these chunks and of their sentences; a chunk as in `vectors`."""
        return self._in_sentences(self._of_chunks(ids))

    def stream(self, *, rows: int = STREAM_ROWS) -> Iterator[tuple[list[str], Vectors]]:
        """All vectors in the order of their chunks, `rows` at a time: (ids, float32 of shape (ids, dimensions))."""
        return map(self._matrix, self._pages(rows, "NULL"))

    def stream_in_sentences(self) -> Iterator[InSentences]:
        """The same with their sentences."""
        pages = self._pages(STREAM_SENTENCES, "e.sentences")
        return map(self._in_sentences, pages)

    def _of_chunks(self, ids: Sequence[str]) -> list[Row]:
        sql = f"""
            SELECT c.id, e.text_sha, e.vector, e.crc, e.sentences
            FROM {self.kind} AS c
            JOIN embeddings AS e ON e.text_sha = c.text_sha AND e.fingerprint = ?
            WHERE c.id IN (SELECT value FROM json_each(?))
        """
        return self._run(sql, self.fingerprint, json_text(ids)).fetchall()

    def _pages(self, rows: int, sentences: str) -> Iterator[list[Row]]:
        """Every page is a read of its own, so that a long refill holds no old version of the file open."""
        sql = f"""
            SELECT c.id, e.text_sha, e.vector, e.crc, {sentences}, c.pk
            FROM {self.kind} AS c
            JOIN embeddings AS e ON e.text_sha = c.text_sha AND e.fingerprint = ?
            WHERE c.pk > ?
            ORDER BY c.pk LIMIT ?
        """
        after = 0
        while page := self._run(sql, self.fingerprint, after, rows).fetchall():
            after = page[-1][-1]
            yield page

    def _matrix(self, rows: Iterable[Row]) -> tuple[list[str], Vectors]:
        """(ids, vectors) of the rows whose checksum holds; the others are noted in `damaged`."""
        sound = [row for row in rows if self._undamaged(row)]
        return [row[0] for row in sound], self._own(sound)

    def _own(self, sound: Sequence[Row]) -> Vectors:
        """The vectors of rows whose checksum holds."""
        import numpy as np

        stored = np.frombuffer(b"".join(row[2] for row in sound), np.float16)
        return vector_bytes.unit_rows(
            [stored.reshape(-1, self.dimensions)], self.dimensions
        )

    def _in_sentences(self, rows: Iterable[Row]) -> InSentences:
        sound = [row for row in rows if self._undamaged(row)]
        own = self._own(sound)
        parts: list[Any] = []
        for place, (_, text_sha, _, _, packed, *_) in enumerate(sound):
            part = vector_bytes.numbers(packed, self.dimensions)
            if part is None and packed:
                self.table.damaged.add((text_sha, self.fingerprint))
            if part is None or not len(part):
                part = own[place : place + 1]
            parts.append(part)
        ids = [row[0] for row in sound]
        counts = [len(part) for part in parts]
        sentences = vector_bytes.unit_rows(parts, self.dimensions)
        return InSentences(ids, own, counts, sentences)

    def _undamaged(self, row: Row) -> bool:
        """Whether its vector is what was written; one that is not is noted in `damaged`."""
        _, text_sha, body, crc, *_ = row
        right = len(body) == FLOAT16_BYTES * self.dimensions
        if right and zlib.crc32(body) == crc:
            return True
        self.table.damaged.add((text_sha, self.fingerprint))
        return False
