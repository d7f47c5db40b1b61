"""Reading episodes for a question: the `Searchable` of memory, so that `retrieve` works over it as over knowledge.

The words are matched first and the scope applied to what they found (RETRIEVAL.md §4). Leaves out ranking beyond BM25,
the last step of recall (ranking.py) and every write. Needs the standard library alone until a vector is asked for.
"""

from __future__ import annotations

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
)  # column weights of BM25, as for knowledge; RETRIEVAL.md §2 measured `around` on turns
CHARACTERS_PER_TOKEN = 4  # of English, roughly; episodes do not store their tokens
SHORT_CHARACTERS = (
    60 * CHARACTERS_PER_TOKEN
)  # a round under this is read together with its neighbours, as for knowledge
PAGE = 500  # bound variables per statement; SQLite's own limit was 999 for long

WORDS = """CASE WHEN e.question = '' THEN e.answer WHEN e.answer = '' THEN e.question
    ELSE e.question || char(10) || e.answer END"""
_SCORED = f"SELECT rowid AS pk, -bm25(episodes_fts, {TOPIC}, {TERMS}, {AROUND}) AS score FROM episodes_fts"
_FOUND = f"""WITH found AS MATERIALIZED ({_SCORED} WHERE episodes_fts MATCH ?)
    SELECT e.id, found.score FROM found JOIN episodes e ON e.pk = found.pk"""
_JUST = f"{_SCORED} WHERE episodes_fts MATCH ? AND +rowid IN "  # the plus keeps FTS5 from starting anew for every row
_PASSAGE = f"SELECT e.id, e.at, e.kind, e.session, {WORDS}, e.label, e.compartment FROM episodes e"


class EpisodeSearch:
    """`Searchable` over rounds, of one kind or with one person when these are given. `conn`: any open connection."""

    def __init__(self, conn: sqlite3.Connection, *, kind: str = "", person: str = "") -> None:
        self._conn = conn
        self._kind = kind
        self._person = person

    def count(self) -> int:
        """How many rounds there are."""
        return int(self._conn.execute("SELECT count(*) FROM episodes").fetchone()[0])

    def document_frequencies(self, terms: Sequence[str]) -> dict[str, int]:
        """In how many rounds each term occurs, the term taken as one word and stemmed; 0 when in none."""
        return {
            term: max(self._documents(word) for word in {term, stem(term)})
            for term in dict.fromkeys(terms)
        }

    def _documents(self, word: str) -> int:
        row = self._conn.execute(
            "SELECT doc FROM episodes_vocab WHERE term = ?", (word,)
        ).fetchone()
        return int(row[0]) if row else 0

    def match(self, expression: str, *, limit: int, scope: Scope) -> list[tuple[str, float]]:
        """Ids with their weighted BM25, best first, higher is better, equal ones in the order of recording."""
        if not expression or limit < 1:
            return []
        where, values = self._where(scope)
        sql = f"{_FOUND} WHERE {where} ORDER BY found.score DESC, e.pk LIMIT ?"
        return list(self._conn.execute(sql, (expression, *values, limit)))

    def match_scores(self, expression: str, ids: Sequence[str]) -> dict[str, float]:
        """The BM25 of just these rounds (those that match at all)."""
        if not expression or not ids:
            return {}
        keys = {
            pk: key for key, pk in self._select("SELECT id, pk FROM episodes WHERE id IN ", ids)
        }
        found: dict[str, float] = {}
        for page in _pages(list(keys)):
            rows = self._conn.execute(_JUST + _marks(page), (expression, *page))
            found.update((keys[pk], score) for pk, score in rows)
        return found

    def vectors(self, ids: Sequence[str], fingerprint: str) -> dict[str, Vectors]:
        """Stored vectors of these rounds, float32; rounds without one, or with a damaged one, are missing."""
        return {key: vector for key, vector, _ in self._stored(ids, fingerprint)}

    def sentence_vectors(self, ids: Sequence[str], fingerprint: str) -> dict[str, Vectors]:
        """The sentence vectors stored with these rounds, shape (sentences, dimensions); those without are missing."""
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
                "SELECT e.id, v.vector, v.crc, v.sentences FROM episodes e JOIN embeddings v ON v.text_sha = e.text_sha "
                f"AND v.fingerprint = ? WHERE e.id IN {_marks(page)}"
            )
            for key, blob, crc, packed in self._conn.execute(sql, (fingerprint, *page)):
                vector = vector_bytes.vector(blob, crc)
                if vector is not None:
                    yield key, vector, packed

    def neighbours(self, ids: Sequence[str]) -> dict[str, tuple[str | None, str | None]]:
        """The round recorded before and after each short round of a session; the others are missing."""
        sql = f"""SELECT e.id,
            (SELECT b.id FROM episodes b WHERE b.session = e.session AND b.pk < e.pk ORDER BY b.pk DESC LIMIT 1),
            (SELECT a.id FROM episodes a WHERE a.session = e.session AND a.pk > e.pk ORDER BY a.pk LIMIT 1)
            FROM episodes e WHERE e.session <> '' AND length(e.question) + length(e.answer) < {SHORT_CHARACTERS}
            AND e.id IN """
        return {key: (before, after) for key, before, after in self._select(sql, ids)}

    def allowed(self, scope: Scope) -> set[str] | None:
        """The ids that the scope lets through, or None when it lets everything through."""
        if scope.everything and not self._kind and not self._person:
            return None
        where, values = self._where(scope)
        sql = f"SELECT e.id FROM episodes e WHERE {where}"
        return {row[0] for row in self._conn.execute(sql, values)}

    def passages(self, ids: Sequence[str], *, scope: Scope) -> list[Passage]:
        """The one gate: passages in the order of `ids`; what the scope forbids or no longer exists is missing."""
        where, values = self._where(scope)
        found: dict[str, Passage] = {}
        for page in _pages(ids):
            rows = self._conn.execute(
                f"{_PASSAGE} WHERE e.id IN {_marks(page)} AND {where}", (*page, *values)
            )
            found.update((row[0], _passage(row)) for row in rows)
        return [found[key] for key in dict.fromkeys(ids) if key in found]

    def _where(self, scope: Scope) -> tuple[str, list[str]]:
        """The scope, the kind and the person as a condition over episodes `e`, and its values."""
        parts, values = ["1"], []
        in_list = "EXISTS (SELECT 1 FROM json_each(e.{}) j WHERE lower(j.value) = lower(?))"
        clauses = [(in_list.format("tags"), tag) for tag in scope.tags]
        clauses += [("e.kind = ?", self._kind), (in_list.format("people"), self._person)]
        clauses += [("e.source GLOB ?", scope.source)]
        clauses += [
            ("substr(e.at, 1, 10) >= ?", scope.since[:10]),
            ("substr(e.at, 1, 10) <= ?", scope.until[:10]),
        ]
        for clause, value in clauses:
            if value:
                parts.append(clause)
                values.append(value)
        for column, allowed in (
            ("e.label", scope.labels),
            ("coalesce(e.compartment, '')", scope.compartments),
        ):
            if allowed is not None:
                parts.append(f"{column} IN {_marks(allowed)}")
                values += allowed
        return " AND ".join(parts), values

    def _select(self, sql: str, ids: Sequence[str]) -> Iterator[Any]:
        for page in _pages(ids):
            yield from self._conn.execute(sql + _marks(page), page)


def _passage(row: Sequence[Any]) -> Passage:
    key, at, kind, session, words, label, compartment = row
    return Passage(
        id=key,
        document_id=key,
        source=f"episode:{key}",
        locator=at[:10],
        title=session or kind,
        heading=(),
        text=words,
        date=at,
        start=0,
        end=len(words),
        tokens=len(words) // CHARACTERS_PER_TOKEN,
        label=label,
        client=compartment,
    )


def _marks(values: Sequence[object]) -> str:
    return f"({', '.join('?' * len(values))})"


def _pages(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """The values in slices that one statement takes."""
    return (values[start : start + PAGE] for start in range(0, len(values), PAGE))
