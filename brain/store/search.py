"""Reading chunks for a question: FTS5 with scope, document frequencies, stored vectors, neighbours, passages.

The words are always matched first and the scope applied to what they found: with the filter first SQLite drops the FTS
index (8 ms became 17 s elsewhere). Leaves out ranking beyond BM25 and every write. Serves `retrieve`, through the
`Searchable` protocol; needs the standard library alone until a vector is asked for.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from brain.store import vector_bytes
from brain.types import Passage, Scope
from ingest.terms import stem

if TYPE_CHECKING:
    from brain.protocols import Vectors

TOPIC, TERMS, AROUND = (
    2.0,
    1.0,
    0.25,
)  # column weights of BM25: title and headings, text, neighbours (benchmarks/RETRIEVAL.md)
SHORT_TOKENS = 60  # a chunk under this many tokens is read together with its neighbours
FREQUENCIES_KEPT = 4_096  # terms whose document frequency is remembered until the file changes
FIRST_SEEN = "first seen"  # `dated_by` of a document without a date of its own
PAGE = 500  # bound variables per statement; SQLite's own limit was 999 for long

_FIND = f"""WITH found AS MATERIALIZED (
    SELECT rowid AS pk, -bm25(knowledge_fts, {TOPIC}, {TERMS}, {AROUND}) AS score FROM knowledge_fts WHERE knowledge_fts MATCH ?
) SELECT k.id, found.score FROM found JOIN knowledge k ON k.pk = found.pk"""
_TOP = f"""SELECT k.id, found.score FROM (
    SELECT rowid AS pk, -bm25(knowledge_fts, {TOPIC}, {TERMS}, {AROUND}) AS score FROM knowledge_fts
    WHERE knowledge_fts MATCH ? ORDER BY score DESC, rowid LIMIT ?
) found JOIN knowledge k ON k.pk = found.pk ORDER BY found.score DESC, found.pk"""
_JUST = f"""SELECT rowid, -bm25(knowledge_fts, {TOPIC}, {TERMS}, {AROUND}) FROM knowledge_fts
    WHERE knowledge_fts MATCH ? AND +rowid IN """  # the plus keeps FTS5 from starting anew for every row
_PASSAGE = """SELECT k.id, k.document_id, k.source, k.locator, d.title, k.heading, k.content, d.dated_at, d.dated_by, k.start,
    k."end", k.tokens, d.label, d.compartment, d.trust, coalesce((
        SELECT c.description FROM contexts c WHERE d.source = c.source OR substr(d.source, 1, length(c.source) + 1) = c.source || '/'
        ORDER BY length(c.source) DESC LIMIT 1), '')
    FROM knowledge k JOIN documents d ON d.id = k.document_id"""


class KnowledgeSearch:
    """`Searchable` over the chunks of documents. `conn` is any open connection to the file."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self._version: tuple[int, int] | None = None
        self._count = 0
        self._frequencies: dict[str, int] = {}

    def count(self) -> int:
        """How many chunks there are."""
        self._look()
        return self._count

    def document_frequencies(self, terms: Sequence[str]) -> dict[str, int]:
        """In how many chunks each term occurs, the term taken as one word and stemmed; 0 when in none."""
        self._look()
        missing = [term for term in dict.fromkeys(terms) if term not in self._frequencies]
        for term in missing:
            self._frequencies[term] = max(
                (self._documents(word) for word in {term, stem(term)}), default=0
            )
        return {term: self._frequencies[term] for term in terms}

    def _documents(self, word: str) -> int:
        row = self._conn.execute(
            "SELECT doc FROM knowledge_vocab WHERE term = ?", (word,)
        ).fetchone()
        return int(row[0]) if row else 0

    def _look(self) -> None:
        """Forget the counts when this or another connection has written."""
        version = (
            self._conn.execute("PRAGMA data_version").fetchone()[0],
            self._conn.total_changes,
        )
        if version != self._version or len(self._frequencies) > FREQUENCIES_KEPT:
            self._version, self._frequencies = version, {}
            self._count = int(self._conn.execute("SELECT count(*) FROM knowledge").fetchone()[0])

    def match(self, expression: str, *, limit: int, scope: Scope) -> list[tuple[str, float]]:
        """Chunk ids with their weighted BM25, best first, higher is better, equal ones in the order of storage."""
        if not expression or limit < 1:
            return []
        if scope.everything:
            return list(self._conn.execute(_TOP, (expression, limit)))
        where, values = _where(scope)
        sql = f"{_FIND} JOIN documents d ON d.id = k.document_id WHERE {where} ORDER BY found.score DESC, k.pk LIMIT ?"
        return list(self._conn.execute(sql, (expression, *values, limit)))

    def match_scores(self, expression: str, ids: Sequence[str]) -> dict[str, float]:
        """The BM25 of just these chunks (those that match at all)."""
        if not expression or not ids:
            return {}
        keys = {
            pk: chunk_id
            for chunk_id, pk in self._select("SELECT id, pk FROM knowledge WHERE id IN ", ids)
        }
        rows: list[tuple[int, float]] = []
        for page in _pages(list(keys)):
            rows += self._conn.execute(_JUST + _marks(page), (expression, *page))
        return {keys[pk]: score for pk, score in rows}

    def vectors(self, ids: Sequence[str], fingerprint: str) -> dict[str, Vectors]:
        """Stored vectors of these chunks, float32; chunks without one, or with a damaged one, are missing."""
        return {key: vector for key, vector, _ in self._stored(ids, fingerprint)}

    def sentence_vectors(self, ids: Sequence[str], fingerprint: str) -> dict[str, Vectors]:
        """The sentence vectors stored with these chunks, shape (sentences, dimensions); those without are missing."""
        found = (
            (key, vector_bytes.sentences(packed, len(vector)))
            for key, vector, packed in self._stored(ids, fingerprint)
        )
        return {key: sentences for key, sentences in found if sentences is not None}

    def _stored(
        self, ids: Sequence[str], fingerprint: str
    ) -> Iterator[tuple[str, Vectors, bytes | None]]:
        for page in _pages(ids):
            sql = (
                "SELECT k.id, e.vector, e.crc, e.sentences FROM knowledge k JOIN embeddings e ON e.text_sha = k.text_sha "
                f"AND e.fingerprint = ? WHERE k.id IN {_marks(page)}"
            )
            for key, blob, crc, packed in self._conn.execute(sql, (fingerprint, *page)):
                vector = vector_bytes.vector(blob, crc)
                if vector is not None:
                    yield key, vector, packed

    def neighbours(self, ids: Sequence[str]) -> dict[str, tuple[str | None, str | None]]:
        """The chunk before and after each short chunk of its document; long chunks are missing."""
        sql = f"""SELECT k.id, p.id, n.id FROM knowledge k
            LEFT JOIN knowledge p ON p.document_id = k.document_id AND p.ordinal = k.ordinal - 1
            LEFT JOIN knowledge n ON n.document_id = k.document_id AND n.ordinal = k.ordinal + 1
            WHERE k.tokens < {SHORT_TOKENS} AND k.id IN """
        return {key: (before, after) for key, before, after in self._select(sql, ids)}

    def allowed(self, scope: Scope) -> set[str] | None:
        """The ids that the scope lets through, or None when it lets everything through."""
        if scope.everything:
            return None
        where, values = _where(scope)
        sql = f"SELECT k.id FROM knowledge k JOIN documents d ON d.id = k.document_id WHERE {where}"
        return {row[0] for row in self._conn.execute(sql, values)}

    def passages(self, ids: Sequence[str], *, scope: Scope) -> list[Passage]:
        """The one gate: passages in the order of `ids`; what the scope forbids or no longer exists is missing."""
        where, values = _where(scope)
        found: dict[str, Passage] = {}
        for page in _pages(ids):
            sql = f"{_PASSAGE} WHERE k.id IN {_marks(page)} AND {where}"
            found.update(
                (row[0], _passage(row)) for row in self._conn.execute(sql, (*page, *values))
            )
        return [found[chunk_id] for chunk_id in dict.fromkeys(ids) if chunk_id in found]

    def documents(self, reference: str) -> list[str]:
        """Ids of the chunks of one document, in order, named by its id, source or address; [] when nothing is stored."""
        sql = """SELECT k.id FROM knowledge k JOIN documents d ON d.id = k.document_id
            WHERE d.id = ? OR d.source = ? OR d.uri = ? ORDER BY k.document_id, k.ordinal"""
        return [row[0] for row in self._conn.execute(sql, (reference, reference, reference))]

    def _select(self, sql: str, ids: Sequence[str]) -> Iterator[Any]:
        for page in _pages(ids):
            yield from self._conn.execute(sql + _marks(page), page)


def _where(scope: Scope) -> tuple[str, list[str]]:
    """The scope as a condition over documents `d`, and its values; "1" when nothing is restricted."""
    parts: list[str] = []
    values: list[str] = []
    for tag in scope.tags:
        parts.append("EXISTS (SELECT 1 FROM tags t WHERE t.document_id = d.id AND t.tag = ?)")
        values.append(tag)
    if scope.source:
        parts.append(
            "(d.source GLOB ? OR d.source GLOB ?)"
        )  # the whole path or the end of it, as in `list`
        values += [scope.source, f"*/{scope.source}"]
    if scope.since:
        parts.append("substr(d.dated_at, 1, length(?)) >= ?")
        values += [scope.since, scope.since]
    if scope.until:
        parts.append("substr(d.dated_at, 1, length(?)) <= ?")
        values += [scope.until, scope.until]
    for column, allowed in (
        ("d.label", scope.labels),
        ("coalesce(d.compartment, '')", scope.compartments),
    ):
        if allowed is not None:
            parts.append(f"{column} IN {_marks(allowed)}")
            values += allowed
    return " AND ".join(parts) or "1", values


def _marks(values: Sequence[object]) -> str:
    return f"({', '.join('?' * len(values))})"


def _pages(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """The values in slices that one statement takes."""
    for start in range(0, len(values), PAGE):
        yield values[start : start + PAGE]


def _passage(row: Sequence[Any]) -> Passage:
    """A row of _PASSAGE. A document that carries no date of its own has none here."""
    return Passage(
        id=row[0],
        document_id=row[1],
        source=row[2],
        locator=row[3],
        title=row[4],
        heading=tuple(json.loads(row[5])),
        text=row[6],
        date=row[7] if row[8] != FIRST_SEEN else None,
        start=row[9],
        end=row[10],
        tokens=row[11],
        label=row[12],
        client=row[13],
        trust=row[14],
        context=row[15],
    )
