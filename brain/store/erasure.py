"""Erasing for good: every row that holds a document's or an episode's words.

Works on any open database of ours, the live one or a copy. Leaves out what deleted rows leave behind in the file
(freed.py), what stays and holds some of the words (mentions.py), and the index's files, backups and what else lies in
the home (`brain.keeping.erase`). Serves `brain forget --erase`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from brain.store.cells import Damaged, json_of
from brain.store.episodes import around
from brain.store.quotation import Quotation
from brain.store.row_hash import HASH, Row, renewed
from brain.store.sql import first, json_text
from brain.store.table import Reader
from brain.store.tombstones import Erased
from ingest.document import digest
from ingest.stated import list_of
from ingest.terms import index_terms

# addresses of documents that are words a person kept here, and no file
KEPT_WORDS = "SELECT uri FROM documents WHERE uri GLOB 'note:*' OR uri GLOB 'episode:*'"


@dataclass(slots=True)
class ErasureTargets:
    """What is to go, by every name under which it may be stored. `find` adds what the database at hand knows.

    `answers`: ids of rounds that stay, without their answers, which quote one of the texts. `judgments`: ids of what a
    person said of answers. `proposals`: ids of what waits in the inbox. `titles` are words of it as
    well, where they stand outside the text.
    """

    documents: set[str] = field(default_factory=set)
    episodes: set[str] = field(default_factory=set)
    answers: set[str] = field(default_factory=set)
    judgments: set[str] = field(default_factory=set)
    proposals: set[str] = field(default_factory=set)
    uris: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)
    titles: set[str] = field(default_factory=set)
    texts: list[str] = field(default_factory=list)

    def copy(self) -> ErasureTargets:
        """To be widened by another database."""
        return deepcopy(self)

    def __bool__(self) -> bool:
        rows = self.documents or self.episodes or self.answers or self.judgments
        return bool(rows or self.proposals or self.uris)

    def add(self, found: ErasureFindings) -> None:
        """The ids of what was found. Which of the two an entry of the trash is, its id does not tell."""
        self.documents.update(found.documents, found.forgotten)
        self.episodes.update(found.episodes, found.forgotten)
        self.answers.update(episode_id for episode_id, _question, _at in found.quoting)
        self.judgments.update(found.judgments)
        self.proposals.update(found.proposals)

    def discard(self, found: ErasureFindings) -> None:
        """Take the ids of documents and episodes that were found away."""
        self.documents -= {*found.documents, *found.forgotten}
        self.episodes -= {*found.episodes, *found.forgotten}
        self.judgments -= {*found.judgments}
        self.proposals -= {*found.proposals}

    def add_document(
        self, document_id: str, uri: str, source: str, text: str, title: str
    ) -> None:
        """A document with all its names."""
        self.documents.add(document_id)
        self.titles.add(title)
        self.uris.add(uri)
        self.sources.add(source)
        if text not in self.texts:
            self.texts.append(text)

    def words(self) -> list[str]:
        """All its texts, and titles that stand in none of them."""
        words = list(self.texts)
        for title in sorted(self.titles):
            if not any(title in text for text in self.texts):
                words.append(title)
        return words

    def own_sources(self) -> set[str]:
        """What stands as `source` of a round that belongs to one of them."""
        notes = {f"note:{name}" for name in self.documents}
        return notes | self.uris

    def cited_in(self, citations: str) -> bool:
        """Whether one of the places stands in a stored list of citations."""
        return any(self.points_here(item) for item in list_of(citations))

    def points_here(self, citation: str) -> bool:
        """Whether a citation, `place` or `place:locator`, names one of the places."""
        starts = tuple(f"{source}:" for source in self.sources)
        return citation in self.sources or citation.startswith(starts)


@dataclass(frozen=True, slots=True)
class ErasureFindings:
    """What of it is in one database. `quoting`: (id, question, at) of rounds whose answers quote or cite it."""

    documents: Sequence[str]
    episodes: Sequence[str]
    forgotten: Sequence[str]
    quoting: Sequence[tuple[str, str, str]]
    judgments: Sequence[str] = ()
    proposals: Sequence[str] = ()

    def __bool__(self) -> bool:
        documents = self.documents or self.forgotten
        said = self.quoting or self.judgments or self.proposals
        return bool(documents or self.episodes or said)


class Eraser(Reader):
    """Finds and deletes in one database. The caller holds the write transaction around `erase`."""

    def find(self, targets: ErasureTargets) -> ErasureFindings:
        """What is there to erase. Adds addresses, places and texts that this database knows to the targets.

        Words that a person kept (a note, a remembered sentence) are no answer: they stay as they are, and are told of
        (`brain.store.mentions`).
        """
        documents = self._documents(targets)
        kept = set(self._column(KEPT_WORDS))
        forgotten = self._forgotten(targets)
        sources = targets.own_sources()
        sources |= {f"episode:{name}" for name in targets.episodes}
        quotation = Quotation(targets.texts)
        episodes: list[str] = []
        quoting: list[tuple[str, str, str]] = []
        sql = """
            SELECT id, question, answer, citations, source, document_id, at
            FROM episodes
            ORDER BY pk
        """
        rows = self._run(sql)
        for row_id, question, answer, citations, source, document_id, at in rows:
            belongs = row_id in targets.episodes or source in sources
            belongs = belongs or document_id in targets.documents
            is_kept = source in kept or f"episode:{row_id}" in kept
            if is_kept and not belongs:
                continue
            if belongs or quotation.within(question):
                episodes.append(row_id)
                continue
            quotes = answer and row_id in targets.answers
            quotes = quotes or targets.cited_in(citations)
            if quotes or quotation.within(answer):
                quoting.append((row_id, question, at))
        gone = {*episodes, *forgotten}
        judgments = self._judgments(gone, targets, quotation)
        proposals = self._proposals(targets, quotation)
        return ErasureFindings(
            documents, episodes, forgotten, quoting, judgments, proposals
        )

    def erase(self, found: ErasureFindings, targets: ErasureTargets) -> None:
        """Delete the rows; answers that quote it become empty, their questions stay."""
        sessions = self._sessions(found)
        self._measurements(found, targets)
        for table in ("knowledge", "tags", "links"):
            self._delete(table, "document_id", found.documents)
        self._delete("documents", "id", found.documents)
        self._delete("forgotten", "id", found.forgotten)
        self._delete("episodes", "id", found.episodes)
        self._delete("judgments", "id", found.judgments)
        for episode_id, _question, _at in found.quoting:
            self._empty(episode_id, targets)
        self._delete("skipped", "uri", targets.uris)
        self._delete("roots", "uri", targets.uris)
        self._delete("contexts", "source", targets.sources)
        if has_table(self.conn, "proposals"):
            self._delete("proposals", "id", found.proposals)
        if has_table(self.conn, "folder_labels"):
            self._delete("folder_labels", "source", targets.sources)
        for session in sessions:
            self._neighbours(session)

    def _delete(self, table: str, column: str, values: Iterable[str]) -> None:
        sql = f"DELETE FROM {table} WHERE {column}=?"
        for value in values:
            self._run(sql, value)

    def origins(self, found: ErasureFindings) -> set[str]:
        """Ids under which something that left may name it: of its chunks, and its own."""
        ids = {*found.documents, *found.episodes}
        for document_id in found.documents:
            sql = "SELECT id FROM knowledge WHERE document_id=?"
            ids.update(self._column(sql, document_id))
        return ids

    def files(self, found: ErasureFindings, targets: ErasureTargets) -> list[Erased]:
        """Of what is about to go, the address and the content of each file, for the marks that keep it out."""
        rows: list[Row] = []
        sql = "SELECT uri, content_hash, text FROM documents WHERE id=?"
        for document_id in found.documents:
            rows += self._named(sql, document_id)
        for forgotten_id in found.forgotten:
            sql = "SELECT payload FROM forgotten WHERE id=?"
            for payload in self._column(sql, forgotten_id):
                rows += _contents(payload)[0]
        marked = list(map(Erased, sorted(targets.uris)))
        for row in rows:
            has_words = bool(row["text"].strip())
            content = row["content_hash"] if has_words else ""
            marked.append(Erased(row["uri"], content))
        return marked

    def stands_elsewhere(self, piece: str, *, forgotten: bool = True) -> bool:
        """Whether these words are also in something that stays, or with `forgotten` in what can still come back."""
        sql = """
            SELECT
                EXISTS (SELECT 1 FROM documents WHERE instr(text, ?1) OR instr(title, ?1))
                OR EXISTS (SELECT 1 FROM episodes WHERE instr(question, ?1) OR instr(answer, ?1))
                OR EXISTS (SELECT 1 FROM skills WHERE instr(body, ?1))
                OR (?2 AND EXISTS (SELECT 1 FROM forgotten WHERE instr(payload, ?1)))
        """
        return bool(self._number(sql, piece, forgotten))

    def copies_of(self, targets: ErasureTargets) -> list[str]:
        """Places of documents that stay and have one of the same texts."""
        hashes = {digest(text) for text in targets.texts if text.strip()}
        places = []
        rows = self._run("SELECT id, source, text_sha FROM documents")
        for row_id, source, text_sha in rows:
            if text_sha in hashes and row_id not in targets.documents:
                places.append(source)
        return sorted(places)

    def forgotten_texts(self) -> list[str]:
        """The texts of what waits, forgotten, to be taken back or to expire."""
        texts = []
        for payload in self._column("SELECT payload FROM forgotten ORDER BY id"):
            documents, episodes = _contents(payload)
            texts += [row["text"] for row in documents]
            texts += map(_said, episodes)
        return texts

    # -- finding ------------------------------------------------------------------------------------------------------

    def _documents(self, targets: ErasureTargets) -> list[str]:
        found = []
        for row_id, uri in self._run("SELECT id, uri FROM documents").fetchall():
            if row_id in targets.documents or uri in targets.uris:
                found.append(row_id)
                sql = "SELECT id, uri, source, text, title FROM documents WHERE id=?"
                targets.add_document(*self._first(sql, row_id))
        return found

    def _forgotten(self, targets: ErasureTargets) -> list[str]:
        """Entries of the trash that are, or hold, one of them; a forgotten round that quotes one goes whole."""
        found = []
        # documents first, so that their texts are known when the rounds are compared with them
        rows = self._run("SELECT id, payload FROM forgotten ORDER BY kind").fetchall()
        for row_id, payload in rows:
            documents, episodes = _contents(payload)
            uris = {row["uri"] for row in documents}
            named_here = row_id in targets.documents or row_id in targets.episodes
            if named_here or not targets.uris.isdisjoint(uris):
                found.append(row_id)
                for row in documents:
                    names = (row["id"], row["uri"], row["source"])
                    targets.add_document(*names, row["text"], row["title"])
            elif any(self._involved(row, targets) for row in episodes):
                found.append(row_id)
        return found

    @staticmethod
    def _involved(row: Row, targets: ErasureTargets) -> bool:
        """Whether a forgotten round belongs to one of them, cites it or quotes it."""
        if row["source"] in targets.own_sources():
            return True
        if targets.cited_in(row["citations"]):
            return True
        quotation = Quotation(targets.texts)
        return quotation.within(_said(row))

    def _judgments(
        self, gone: set[str], targets: ErasureTargets, quotation: Quotation
    ) -> list[str]:
        """Ids of what a person said of its answers and where they pointed to."""
        found = []
        sql = "SELECT id, episode, document_id, source, question, quote, why FROM judgments"
        for row_id, episode, document_id, source, *said in self._run(sql):
            belongs = row_id in targets.judgments or episode in gone
            belongs = belongs or document_id in targets.documents
            belongs = belongs or source in targets.sources
            if belongs or any(map(quotation.within, said)):
                found.append(row_id)
        return found

    def _proposals(self, targets: ErasureTargets, quotation: Quotation) -> list[str]:
        """Ids of what waits in the inbox and repeats it."""
        if not has_table(self.conn, "proposals"):
            return []
        found = []
        for row_id, text, about in self._run("SELECT id, text, about FROM proposals"):
            named = row_id in targets.proposals
            if named or quotation.within(text) or quotation.within(about):
                found.append(row_id)
        return found

    # -- deleting -----------------------------------------------------------------------------------------------------

    def _empty(self, episode_id: str, targets: ErasureTargets) -> None:
        """Take the answer and the citations of a round away and index what is left."""
        (before,) = self._named("SELECT * FROM episodes WHERE id=?", episode_id)
        question = before["question"]
        citations = list_of(before["citations"])
        kept = [item for item in citations if not targets.points_here(item)]
        changes = {"answer": "", "citations": json_text(kept)}
        row: Row = {
            **changes,
            "terms": index_terms(question),
            "text_sha": digest(f"{before['topic']}\n{question}"),
        }
        if HASH in before:  # a backup of schema 1 has none
            row[HASH] = renewed("episodes", before, changes)
        sets = ", ".join(f"{name}=?" for name in row)
        self._run(f"UPDATE episodes SET {sets} WHERE id=?", *row.values(), episode_id)
        sql = "INSERT INTO outbox (op, kind, chunk_id) VALUES ('del', 'episodes', ?)"
        self._run(sql, episode_id)
        # another text may have the same words: then its vector stays
        sql = """
            DELETE FROM embeddings
            WHERE text_sha=?1
                AND NOT EXISTS (SELECT 1 FROM knowledge WHERE text_sha=?1)
                AND NOT EXISTS (SELECT 1 FROM episodes WHERE text_sha=?1)
        """
        self._run(sql, before["text_sha"])

    def _measurements(self, found: ErasureFindings, targets: ErasureTargets) -> None:
        """Delete reports that name one of its places, or a question that goes."""
        said = list(targets.sources)
        going = {"episodes": found.episodes, "judgments": found.judgments}
        for table, ids in going.items():
            sql = f"SELECT question FROM {table} WHERE id=?"
            for row_id in ids:
                said += filter(None, self._first(sql, row_id))
        for words in said:
            # as it stands in the JSON of a report, without the quotation marks
            quoted = json_text(words)
            self._run("DELETE FROM eval_runs WHERE instr(report, ?)", quoted[1:-1])

    def _sessions(self, found: ErasureFindings) -> list[str]:
        """Sessions in which a round stands beside one that changes, and all that lost one to the trash."""
        sessions = set()
        changed = [*found.episodes]
        changed += [episode_id for episode_id, _question, _at in found.quoting]
        sql = "SELECT session FROM episodes WHERE id=?"
        for episode_id in changed:
            sessions.update(self._first(sql, episode_id))
        sql = "SELECT payload FROM forgotten WHERE id=?"
        for row_id in found.forgotten:
            (payload,) = self._first(sql, row_id)
            _documents, episodes = _contents(payload)
            sessions.update(row["session"] for row in episodes)
        return sorted(sessions - {""})

    def _neighbours(self, session: str) -> None:
        """Work out anew what each round of a session keeps of the rounds beside it."""
        sql = "SELECT pk, terms FROM episodes WHERE session=? ORDER BY pk"
        rows = self._run(sql, session).fetchall()
        terms = [row[1] for row in rows]
        sql = "UPDATE episodes SET around=? WHERE pk=?"
        for i, (pk, _terms) in enumerate(rows):
            self._run(sql, around(terms, i), pk)


def has_table(conn: sqlite3.Connection, table: str) -> bool:
    """Whether there is this table: a copy of an older schema lacks the newest."""
    return bool(first(conn, "SELECT 1 FROM sqlite_master WHERE name=?", table))


def _contents(payload: str) -> tuple[list[Row], list[Row]]:
    """(documents, episodes) of an entry of the trash; none of either when a damaged one cannot be read."""
    try:
        tables = json_of(payload, dict)
    except Damaged:
        return [], []
    return _rows_of(tables, "documents"), _rows_of(tables, "episodes")


def _rows_of(tables: Mapping[str, object], kind: str) -> list[Row]:
    rows = tables.get(kind)
    return rows if isinstance(rows, list) else []


def _said(episode: Row) -> str:
    """All words of a round."""
    question = episode["question"]
    answer = episode["answer"]
    return f"{question}\n{answer}"
