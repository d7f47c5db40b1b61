"""Reading one table for a question: BM25 by FTS5 within a scope, document frequencies, stored vectors, passages.

Used twice, for the chunks of documents (`KnowledgeSearch`) and for episodes (`EpisodeSearch`): what the two tables have
in common stands in `FtsSearch`, and each says what is its own. Beside them the counts over all documents
(`WholeStore`). Leaves out ranking beyond BM25 and every write. Serves `retrieve`, through the `Searchable` protocol,
and `Brain.ask`; needs the standard library alone until a vector is asked for.
"""

from __future__ import annotations

import json
import sqlite3
from collections import ChainMap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from brain.store import vector_bytes
from brain.store.row_hash import Row
from brain.store.snapshots import dimensions_of
from brain.store.sql import (
    FIRST_SEEN,
    Where,
    document_scope,
    episode_scope,
    ids_text,
)
from brain.store.table import Reader
from brain.types import Passage, Scope
from ingest.chunk_terms import SHORT_TOKENS
from ingest.stated import UNSAID
from ingest.terms import forms, stem, tokens

if TYPE_CHECKING:
    from brain.protocols import Vectors

# Weights of BM25 by column: title and headings, text, neighbours (measured, also for episodes: benchmarks/RETRIEVAL.md)
TOPIC = 2.0
TERMS = 1.0
AROUND = 0.25
CHARACTERS_PER_TOKEN = 4  # of English, roughly; episodes do not store their tokens
SHORT_CHARACTERS = SHORT_TOKENS * CHARACTERS_PER_TOKEN  # the same for a round
FREQUENCIES_KEPT = (
    4_096  # terms whose document frequency is remembered until the file changes
)


NO_PASSAGE = Passage("", "", "", "", "", (), "", None, 0, 0, 0)


def passage_of(fields: Row) -> Passage:
    """`Passage(**fields)` at a tenth of its cost: a search makes a hundred. All fields without a default are there."""
    passage = object.__new__(Passage)
    vars(passage).update(vars(NO_PASSAGE), ranks={}, explain={})
    vars(passage).update(fields)
    return passage


class FtsSearch(Reader):
    """`Searchable` over one table `c`, which has its full text in `…_fts` and that one's words in `…_vocab`.

    `conn` is any open connection to the file. A subclass names the table and says how a row becomes a passage, which
    rows are neighbours, and what a scope means here.
    """

    table: ClassVar[str]
    joined: ClassVar[str]  # what a scope looks at beside the table
    passage_columns: ClassVar[str]
    # rows whose words are left out, of those that hold them
    left_out: ClassVar[str]
    # a statement: (id, the one before, the one behind) of the ids in a JSON list
    neighbours_of: ClassVar[str]

    def __init__(self, conn: sqlite3.Connection) -> None:
        super().__init__(conn)
        self._version: tuple[int, int] | None = None
        self._count = 0
        self._frequencies: dict[str, int] = {}
        fts = f"{self.table}_fts"
        self._scored = (
            f"SELECT rowid AS pk, -bm25({fts}, {TOPIC}, {TERMS}, {AROUND}) AS score "
            f"FROM {fts} WHERE {fts} MATCH ?"
        )

    # -- what a table says of itself ----------------------------------------------------------------------------------

    def _where(self, scope: Scope) -> Where:
        """The scope as a condition over `c`, and what it looks at beside it."""
        where = self._scope(scope)
        fts = f"{self.table}_fts"
        holding = f"SELECT rowid FROM {fts} WHERE {fts} MATCH ?"
        for phrase in scope.phrases:
            where.add(f"c.pk IN ({holding})", next_to_each_other(phrase))
        for words in scope.without:
            where.add(self.left_out.format(holding), next_to_each_other(words))
        return where

    def _scope(self, scope: Scope) -> Where:
        raise NotImplementedError

    def _passage(self, row: Row) -> Passage:
        raise NotImplementedError

    # -- words --------------------------------------------------------------------------------------------------------

    def count(self) -> int:
        """How many chunks there are."""
        self._refresh()
        return self._count

    def document_frequencies(self, terms: Sequence[str]) -> dict[str, int]:
        """In how many chunks each term occurs, the term taken as one word and stemmed; 0 when in none."""
        self._refresh()
        known = self._frequencies
        new = [term for term in terms if term not in known]
        if new:
            stems = list(map(stem, new))
            sql = f"""
                SELECT term, doc FROM {self.table}_vocab
                WHERE term IN (SELECT value FROM json_each(?))
            """
            holding = dict(self._all(sql, ids_text({*new, *stems})))
            for term, its_stem in zip(new, stems, strict=True):
                known[term] = max(holding.get(term, 0), holding.get(its_stem, 0))
        return {term: known[term] for term in terms}

    def _refresh(self) -> None:
        """Forget the counts when this or another connection has written."""
        version = (self._number("PRAGMA data_version"), self._conn.total_changes)
        if version != self._version or len(self._frequencies) > FREQUENCIES_KEPT:
            self._version = version
            self._frequencies = {}
            self._count = self._number(f"SELECT count(*) FROM {self.table}")

    def match(
        self, expression: str, *, limit: int, scope: Scope
    ) -> list[tuple[str, float]]:
        """Chunk ids with their weighted BM25, best first, higher is better, equal ones in the order of storage."""
        if not expression or limit < 1:
            return []
        where = self._where(scope)
        if not where:
            best = f"{self._scored} ORDER BY score DESC, rowid LIMIT ?"
            sql = f"""
                SELECT c.id, found.score
                FROM ({best}) found
                JOIN {self.table} c ON c.pk = found.pk
                ORDER BY found.score DESC, found.pk
            """
            return self._all(sql, expression, limit)
        # The words first, then the scope: with the filter first SQLite does without the full text, and 8 ms become
        # 17 s.
        sql = f"""
            WITH found AS MATERIALIZED ({self._scored})
            SELECT c.id, found.score
            FROM found
            JOIN {self.table} c ON c.pk = found.pk {self.joined}
            WHERE {where}
            ORDER BY found.score DESC, c.pk LIMIT ?
        """
        return self._all(sql, expression, *where.values, limit)

    def match_scores(self, expression: str, ids: Sequence[str]) -> dict[str, float]:
        """The BM25 of just these chunks (those that match at all)."""
        if not expression or not ids:
            return {}
        # the plus keeps FTS5 from starting anew for every row
        sql = f"""
            WITH named AS MATERIALIZED (
                SELECT pk, id FROM {self.table}
                WHERE id IN (SELECT value FROM json_each(?))
            ),
            found AS MATERIALIZED ({self._scored} AND +rowid IN (SELECT pk FROM named))
            SELECT named.id, found.score
            FROM found
            JOIN named ON named.pk = found.pk
        """
        return dict(self._all(sql, ids_text(ids), expression))

    # -- vectors ------------------------------------------------------------------------------------------------------

    def vectors(self, ids: Sequence[str], fingerprint: str) -> dict[str, Vectors]:
        """Stored vectors of these chunks, float32; chunks without one, or with a damaged one, are missing."""
        rows = self._embedded("e.vector, e.crc", ids, fingerprint)
        whole = {
            key: blob for key, blob, crc in rows if vector_bytes.is_whole(blob, crc)
        }
        return vector_bytes.floats_of_each(whole)

    def sentence_vectors(
        self, ids: Sequence[str], fingerprint: str
    ) -> dict[str, Vectors]:
        """The sentence vectors stored with these chunks, shape (sentences, dimensions); those without are missing."""
        dimensions = dimensions_of(fingerprint)
        rows = self._embedded("e.sentences", ids, fingerprint)
        return vector_bytes.sentences_of_each(dict(rows), dimensions)

    def _embedded(
        self, columns: str, ids: Sequence[str], fingerprint: str
    ) -> list[Any]:
        sql = f"""
            SELECT c.id, {columns}
            FROM {self.table} c
            JOIN embeddings e ON e.text_sha = c.text_sha AND e.fingerprint = ?
            WHERE c.id IN (SELECT value FROM json_each(?))
        """
        return self._all(sql, fingerprint, ids_text(ids))

    # -- rows ---------------------------------------------------------------------------------------------------------

    def neighbours(
        self, ids: Sequence[str]
    ) -> dict[str, tuple[str | None, str | None]]:
        """The chunk before and after each short one; long ones, and those that stand alone, are missing."""
        rows = self._run(self.neighbours_of, ids_text(ids))
        return {key: (before, after) for key, before, after in rows}

    def allowed(self, scope: Scope) -> set[str] | None:
        """The ids that the scope lets through, or None when it lets everything through."""
        where = self._where(scope)
        if not where:
            return None
        sql = f"""
            SELECT c.id
            FROM {self.table} c {self.joined}
            WHERE {where}
        """
        return set(self._column(sql, *where.values))

    def passages(self, ids: Sequence[str], *, scope: Scope) -> list[Passage]:
        """The one gate: passages in the order of `ids`; what the scope forbids or no longer exists is missing."""
        where = self._where(scope)
        sql = f"""
            SELECT {self.passage_columns}
            FROM {self.table} c {self.joined}
            WHERE c.id IN (SELECT value FROM json_each(?)) AND {where}
        """
        rows = self._named(sql, ids_text(ids), *where.values)
        found = {row["id"]: self._passage(row) for row in self._sound(self.table, rows)}
        return [found[key] for key in dict.fromkeys(ids) if key in found]


# Names of properties whose values are no words of their document, as SQL lists them.
LEFT_OUT = ", ".join(f"'{name}'" for name in sorted(UNSAID))


class KnowledgeSearch(FtsSearch):
    """The chunks of documents. A chunk's neighbours are those beside it in its document."""

    table = "knowledge"
    joined = "JOIN documents d ON d.id = c.document_id"
    left_out = """c.document_id NOT IN (
        SELECT k.document_id FROM knowledge k WHERE k.pk IN ({})
    )"""
    # the moment at which a document was first seen is no date of its own
    passage_columns = f"""
        c.id, c.document_id, c.source, c.locator, d.title, c.heading, c.content AS text,
        iif(d.dated_by = '{FIRST_SEEN}', NULL, d.dated_at) AS date,
        c.start, c."end", c.tokens, d.label, d.compartment AS client, d.trust,
        coalesce((
            SELECT group_concat(p.value, char(10)) FROM properties p
            WHERE p.document_id = d.id
                AND (p.name LIKE 'file.%' OR (c.ordinal = 0 AND p.name NOT IN ({LEFT_OUT})))
        ), '') || char(10) || coalesce((
            SELECT group_concat(t.tag, char(10)) FROM tags t WHERE t.document_id = d.id
        ), '') AS names,
        coalesce(iif(EXISTS (SELECT 1 FROM contexts), (
            SELECT f.description FROM contexts f
            WHERE d.source = f.source
                OR substr(d.source, 1, length(f.source) + 1) = f.source || '/'
            ORDER BY length(f.source) DESC LIMIT 1
        ), ''), '') AS context
    """
    neighbours_of = f"""
        SELECT c.id, b.id, a.id
        FROM knowledge c
        LEFT JOIN knowledge b ON b.document_id = c.document_id AND b.ordinal = c.ordinal - 1
        LEFT JOIN knowledge a ON a.document_id = c.document_id AND a.ordinal = c.ordinal + 1
        WHERE c.tokens < {SHORT_TOKENS} AND c.id IN (SELECT value FROM json_each(?))
    """

    def adjacent(self, ids: Iterable[str]) -> dict[str, str]:
        """Id of each chunk that stands before or after one of these in its document -> id of that one."""
        sql = """
            SELECT b.id, c.id
            FROM knowledge c
            JOIN knowledge b ON b.document_id = c.document_id AND b.ordinal IN (c.ordinal - 1, c.ordinal + 1)
            WHERE c.id IN (SELECT value FROM json_each(?))
            ORDER BY c.pk
        """
        return dict(self._all(sql, ids_text(list(ids))))

    def documents(self, reference: str) -> list[str]:
        """Ids of the chunks of one document in their order; it is named by its id, source or address."""
        sql = """
            SELECT k.id
            FROM knowledge k
            JOIN documents d ON d.id = k.document_id
            WHERE d.id = ? OR d.source = ? OR d.uri = ?
            ORDER BY k.document_id, k.ordinal
        """
        return self._column(sql, reference, reference, reference)

    def aliases(self, document_ids: Sequence[str]) -> list[tuple[str, str]]:
        """(id, a name besides its title) of these documents. A damaged list of names has none."""
        sql = """
            SELECT d.id, value
            FROM documents d, json_each(iif(json_valid(d.aliases), d.aliases, '[]'))
            WHERE d.id IN (SELECT value FROM json_each(?)) AND json_each.type = 'text'
        """
        return self._run(sql, json.dumps(list(document_ids))).fetchall()

    def aliases_and_tags(self, document_ids: Sequence[str]) -> list[tuple[str, str]]:
        """(id, a name or a tag) of these documents."""
        sql = """
            SELECT document_id, tag FROM tags
            WHERE document_id IN (SELECT value FROM json_each(?)) AND typeof(tag) = 'text'
        """
        tags = self._run(sql, json.dumps(list(document_ids))).fetchall()
        return [*self.aliases(document_ids), *tags]

    def only_names(self, document_ids: Sequence[str]) -> set[str]:
        """Those of these documents that are files without a reader: nothing but a name."""
        sql = """
            SELECT id FROM documents
            WHERE entry = 'name' AND id IN (SELECT value FROM json_each(?))
        """
        return set(self._column(sql, json.dumps(list(document_ids))))

    def _scope(self, scope: Scope) -> Where:
        return document_scope(scope)

    def _passage(self, row: Row) -> Passage:
        return passage_of(row)


class EpisodeSearch(FtsSearch):
    """Rounds, of one kind or with one person when these are given. Neighbours are those beside it in a session."""

    table = "episodes"
    joined = ""
    left_out = "c.pk NOT IN ({})"
    passage_columns = """
        c.id, c.id AS document_id, 'episode:' || c.id AS source, substr(c.at, 1, 10) AS locator,
        coalesce(nullif(c.session, ''), c.kind) AS title, c.at AS date, c.label,
        c.compartment AS client,
        CASE
            WHEN c.question = '' THEN c.answer
            WHEN c.answer = '' THEN c.question
            ELSE c.question || char(10) || c.answer
        END AS text
    """
    neighbours_of = f"""
        SELECT c.id,
            (SELECT b.id FROM episodes b WHERE b.session = c.session AND b.pk < c.pk
                ORDER BY b.pk DESC LIMIT 1),
            (SELECT a.id FROM episodes a WHERE a.session = c.session AND a.pk > c.pk
                ORDER BY a.pk LIMIT 1)
        FROM episodes c
        WHERE c.session <> '' AND length(c.question) + length(c.answer) < {SHORT_CHARACTERS}
            AND c.id IN (SELECT value FROM json_each(?))
    """

    def __init__(
        self, conn: sqlite3.Connection, *, kind: str = "", person: str = ""
    ) -> None:
        super().__init__(conn)
        self._kind = kind
        self._person = person

    def _scope(self, scope: Scope) -> Where:
        return episode_scope(scope, kind=self._kind, person=self._person)

    def _passage(self, row: Row) -> Passage:
        length = len(row["text"])
        tokens = length // CHARACTERS_PER_TOKEN
        return Passage(**row, heading=(), start=0, end=length, tokens=tokens)


class WholeStore(Reader):
    """Which documents mention a phrase or carry a tag: all of them, not the first ten."""

    def mentioning(
        self, phrases: Sequence[str], *, any_of: bool, tag: str, scope: Scope
    ) -> tuple[list[str], int]:
        """(a chunk id of each document in the scope that mentions all the phrases, or any; how many were looked at)."""
        where = document_scope(scope)
        (covered,) = self._first(
            f"SELECT count(*) FROM documents d WHERE {where}", *where.values
        )
        if tag:
            where.add(
                "EXISTS (SELECT 1 FROM tags t WHERE t.document_id=d.id AND lower(t.tag)=lower(?))",
                tag,
            )
        sql = f"""
            SELECT d.id,
                (SELECT k.id FROM knowledge k WHERE k.document_id=d.id ORDER BY k.ordinal LIMIT 1)
            FROM documents d
            WHERE {where}
            ORDER BY d.dated_at DESC, d.source
        """
        rows = self._run(sql, *where.values).fetchall()
        if not phrases:
            return [chunk for _document, chunk in rows if chunk], covered
        found = [self._documents(phrase) for phrase in phrases]
        # the chunk that is shown is that of the first phrase which the document mentions
        chunks = ChainMap(*found)
        kept = set(chunks)
        if not any_of:
            kept.intersection_update(*found)
        return [
            chunks[document] for document, _chunk in rows if document in kept
        ], covered

    def _documents(self, phrase: str) -> dict[str, str]:
        """Document id -> its first chunk that holds the words of the phrase next to each other."""
        holding = next_to_each_other(phrase)
        if not holding:
            return {}
        sql = """
            SELECT k.document_id, k.id
            FROM knowledge_fts f
            JOIN knowledge k ON k.pk = f.rowid
            WHERE knowledge_fts MATCH ?
            ORDER BY k.document_id, k.ordinal DESC
        """
        return dict(self._run(sql, holding))


def next_to_each_other(phrase: str) -> str:
    """FTS5 syntax: the words of a phrase next to each other, in a text or in its title; "" for a phrase without any."""
    words = " ".join(tokens(phrase)).replace('"', "")
    written = " ".join(forms(phrase)).replace('"', "")
    if not words:
        return ""
    return f'terms : "{words}" OR topic : "{written or words}"'
