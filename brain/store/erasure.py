"""Erasing for good: every row that holds a document's or an episode's words, and every byte that its rows leave behind.

Works on any open database of ours, the live one or a copy. A row that is deleted stays readable in the file until the
full text is merged, the log emptied and the file written anew: `scrub` does that. Leaves out the index's files, backups
and what else lies in the home (`brain.keeping.erase`). Serves `brain forget --erase`.
"""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from brain.store.connection import Connection, explain
from brain.store.copies import restate, vacuum, writer
from brain.store.episodes import around
from brain.store.row_hash import HASH, Row, renewed
from brain.store.sql import FULL_TEXT, full_text, json_text, number
from brain.store.table import Reader
from ingest.document import digest
from ingest.terms import index_terms, tokens

PENDING = (
    "erasing"  # setting: when an erasure began whose last step is not known to be done
)
QUOTE_WORDS = (
    6  # so many in a row, in an answer and in a text, are a quotation and no chance
)
WHOLE_CHARACTERS = (
    8  # so short a text counts as quoted when it stands in an answer as a whole
)
HEAD_BYTES = 100  # of a database file


@dataclass(slots=True)
class ErasureTargets:
    """What is to go, by every name under which it may be stored. `find` adds what the database at hand knows.

    `answers`: ids of rounds that stay, without their answers, which quote one of the texts.
    """

    documents: set[str] = field(default_factory=set)
    episodes: set[str] = field(default_factory=set)
    answers: set[str] = field(default_factory=set)
    uris: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)
    texts: list[str] = field(default_factory=list)

    def copy(self) -> ErasureTargets:
        """To be widened by another database."""
        return deepcopy(self)

    def __bool__(self) -> bool:
        return bool(self.documents or self.episodes or self.answers or self.uris)

    def add(self, found: ErasureFindings) -> None:
        """The ids of what was found. Which of the two an entry of the trash is, its id does not tell."""
        self.documents.update(found.documents, found.forgotten)
        self.episodes.update(found.episodes, found.forgotten)
        self.answers.update(episode_id for episode_id, _question, _at in found.quoting)

    def discard(self, found: ErasureFindings) -> None:
        """Take the ids of documents and episodes that were found away."""
        self.documents -= {*found.documents, *found.forgotten}
        self.episodes -= {*found.episodes, *found.forgotten}

    def add_document(self, document_id: str, uri: str, source: str, text: str) -> None:
        """A document with all its names."""
        self.documents.add(document_id)
        self.uris.add(uri)
        self.sources.add(source)
        if text not in self.texts:
            self.texts.append(text)

    def own_sources(self) -> set[str]:
        """What stands as `source` of a round that belongs to one of them."""
        notes = {f"note:{name}" for name in self.documents}
        return notes | self.uris

    def cited_in(self, citations: str) -> bool:
        """Whether one of the places stands in a stored list of citations."""
        return any(self.points_here(item) for item in _citations(citations))

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

    def __bool__(self) -> bool:
        return bool(self.documents or self.episodes or self.forgotten or self.quoting)


class Eraser(Reader):
    """Finds and deletes in one database. The caller holds the write transaction around `erase`."""

    def find(self, targets: ErasureTargets) -> ErasureFindings:
        """What is there to erase. Adds addresses, places and texts that this database knows to the targets."""
        documents = self._documents(targets)
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
        for row_id, question, answer, citations, source, document_id, at in self._run(
            sql
        ):
            belongs = row_id in targets.episodes or source in sources
            belongs = belongs or document_id in targets.documents
            if belongs or quotation.within(question):
                episodes.append(row_id)
                continue
            quotes = answer and row_id in targets.answers
            quotes = quotes or targets.cited_in(citations)
            if quotes or quotation.within(answer):
                quoting.append((row_id, question, at))
        return ErasureFindings(documents, episodes, forgotten, quoting)

    def erase(self, found: ErasureFindings, targets: ErasureTargets) -> None:
        """Delete the rows; answers that quote it become empty, their questions stay."""
        sessions = self._sessions(found)
        for table in ("knowledge", "tags", "links"):
            self._delete(table, "document_id", found.documents)
        self._delete("documents", "id", found.documents)
        self._delete("forgotten", "id", found.forgotten)
        self._delete("episodes", "id", found.episodes)
        for episode_id, _question, _at in found.quoting:
            self._empty(episode_id, targets)
        self._delete("skipped", "uri", targets.uris)
        self._delete("roots", "uri", targets.uris)
        self._delete("contexts", "source", targets.sources)
        self._judgments(found, targets)
        for session in sessions:
            self._neighbours(session)

    def _delete(self, table: str, column: str, values: Iterable[str]) -> None:
        sql = f"DELETE FROM {table} WHERE {column}=?"
        for value in values:
            self._run(sql, value)

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
        for row_id, source, text_sha in self._run(
            "SELECT id, source, text_sha FROM documents"
        ):
            if text_sha in hashes and row_id not in targets.documents:
                places.append(source)
        return sorted(places)

    def forgotten_texts(self) -> list[str]:
        """The texts of what waits, forgotten, to be taken back or to expire."""
        texts = []
        for payload in self._column("SELECT payload FROM forgotten ORDER BY id"):
            documents, episodes = _contents(payload)
            texts += [row["text"] for row in documents]
            texts += [f"{row['question']}\n{row['answer']}" for row in episodes]
        return texts

    # -- finding ------------------------------------------------------------------------------------------------------

    def _documents(self, targets: ErasureTargets) -> list[str]:
        found = []
        for row_id, uri in self._run("SELECT id, uri FROM documents").fetchall():
            if row_id in targets.documents or uri in targets.uris:
                found.append(row_id)
                sql = "SELECT id, uri, source, text FROM documents WHERE id=?"
                targets.add_document(*self._first(sql, row_id))
        return found

    def _forgotten(self, targets: ErasureTargets) -> list[str]:
        """Entries of the trash that are, or hold, one of them; a forgotten round that quotes one goes whole."""
        found = []
        # documents first, so that their texts are known when the rounds are compared with them
        rows = self._run("SELECT id, payload FROM forgotten ORDER BY kind").fetchall()
        for row_id, payload in rows:
            documents, episodes = _contents(payload)
            named_here = row_id in targets.documents or row_id in targets.episodes
            if named_here or any(row["uri"] in targets.uris for row in documents):
                found.append(row_id)
                for row in documents:
                    targets.add_document(
                        row["id"], row["uri"], row["source"], row["text"]
                    )
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
        return quotation.within(row["question"] + "\n" + row["answer"])

    # -- deleting -----------------------------------------------------------------------------------------------------

    def _empty(self, episode_id: str, targets: ErasureTargets) -> None:
        """Take the answer and the citations of a round away and index what is left."""
        (before,) = self._named("SELECT * FROM episodes WHERE id=?", episode_id)
        question = before["question"]
        kept = [
            item
            for item in _citations(before["citations"])
            if not targets.points_here(item)
        ]
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
        self._run(
            "INSERT INTO outbox (op, kind, chunk_id) VALUES ('del', 'episodes', ?)",
            episode_id,
        )
        # another text may have the same words: then its vector stays
        sql = """
            DELETE FROM embeddings
            WHERE text_sha=?1
                AND NOT EXISTS (SELECT 1 FROM knowledge WHERE text_sha=?1)
                AND NOT EXISTS (SELECT 1 FROM episodes WHERE text_sha=?1)
        """
        self._run(sql, before["text_sha"])

    def _judgments(self, found: ErasureFindings, targets: ErasureTargets) -> None:
        """What a person said of its answers and where they pointed to, and measurements that name its place."""
        gone = {*found.episodes, *found.forgotten}
        quotation = Quotation(targets.texts)
        sql = "SELECT pk, episode, document_id, source, question, quote, why FROM judgments"
        for pk, episode, document_id, source, *said in self._run(sql).fetchall():
            belongs = episode in gone or document_id in targets.documents
            belongs = belongs or source in targets.sources
            if belongs or any(map(quotation.within, said)):
                self._run("DELETE FROM judgments WHERE pk=?", pk)
        for source in targets.sources:
            # as it stands in the JSON of a report, without the quotation marks
            quoted = json_text(source)
            self._run("DELETE FROM eval_runs WHERE instr(report, ?)", quoted[1:-1])

    def _sessions(self, found: ErasureFindings) -> list[str]:
        """Sessions in which a round stands beside one that changes, and all that lost one to the trash."""
        sessions = set()
        changed = [*found.episodes]
        changed += [episode_id for episode_id, _question, _at in found.quoting]
        for episode_id in changed:
            sessions.update(
                self._first("SELECT session FROM episodes WHERE id=?", episode_id)
            )
        for row_id in found.forgotten:
            (payload,) = self._first("SELECT payload FROM forgotten WHERE id=?", row_id)
            _documents, episodes = _contents(payload)
            sessions.update(row["session"] for row in episodes)
        return sorted(sessions - {""})

    def _neighbours(self, session: str) -> None:
        """Work out anew what each round of a session keeps of the rounds beside it."""
        rows = self._run(
            "SELECT pk, terms FROM episodes WHERE session=? ORDER BY pk", session
        ).fetchall()
        terms = [row[1] for row in rows]
        for i, (pk, _terms) in enumerate(rows):
            self._run("UPDATE episodes SET around=? WHERE pk=?", around(terms, i), pk)


def scrub(connection: Connection, directory: Path) -> bool:
    """Leave no byte of deleted rows in the database's files. False while another process reads: then do it again later.

    Full text keeps deleted words until its parts are merged; the log keeps old pages until it is emptied; pages keep
    what stood in them until the file is written anew. `directory` is where the file may be written in between.
    Raises `StoreError` when the disk is full or the file is in use.
    """
    conn = connection.conn
    try:
        with connection.write():
            merge(conn)
        vacuum(conn, directory)
        busy = number(conn, "PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise explain(error, connection.path) from error
    return not busy


def free_pages(conn: sqlite3.Connection) -> int:
    """How many pages of the database are free, whatever they hold."""
    return number(conn, "PRAGMA freelist_count")


def freed(path: Path) -> int:
    """How many free pages of a database file hold something: words of deleted rows, which `secure_delete` overwrites.

    Looks at the file alone, as of its last checkpoint. Not to be called where the database is open (see
    `brain.keeping.isolated`). The layout: sqlite.org/fileformat2.html, sections 1.3 "The Database Header" and 1.5
    "The Freelist".
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        size = int.from_bytes(head[16:18], "big")
        if size == 1:
            size = 2**16  # as it is written, since two bytes do not hold it
        trunk, left = struct.unpack_from(">II", head, 32)
        dirty = 0
        while trunk and left > 0:
            page = _page(file, trunk, size)
            if len(page) < size:
                break  # a damaged file: that is for the check of its structure to say
            trunk, count = struct.unpack_from(">II", page)
            count = min(
                count, size // 4 - 2
            )  # more than fits, where the page is damaged
            leaves = struct.unpack_from(f">{count}I", page, 8)
            left -= 1 + len(leaves)
            for leaf in filter(None, leaves):
                words = _page(file, leaf, size)
                dirty += bool(words.strip(b"\0"))
    return dirty


def _page(file: BinaryIO, page: int, size: int) -> bytes:
    """A page of a database file; pages count from 1."""
    file.seek((page - 1) * size)
    return file.read(size)


def in_copy(path: Path, targets: ErasureTargets) -> ErasureFindings:
    """What of it a judged copy holds. Raises `sqlite3.Error`."""
    with closing(writer(path)) as conn:
        return Eraser(conn).find(targets.copy())


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


def merge(conn: sqlite3.Connection) -> None:
    """Merge the parts of every full-text table into one, which holds no deleted word."""
    for table in FULL_TEXT:
        full_text(conn, table, "optimize")


def _contents(payload: str) -> tuple[list[Row], list[Row]]:
    """(documents, episodes) of an entry of the trash; none of either when a damaged one cannot be read."""
    try:
        tables: dict[str, list[Row]] = json.loads(payload)
    except ValueError:
        return [], []
    return tables.get("documents", []), tables.get("episodes", [])


def _citations(text: str) -> list[str]:
    try:
        return [str(item) for item in json.loads(text)]
    except (ValueError, TypeError):
        return []


class Quotation:
    """Tells whether something said repeats one of the texts word for word, whatever the case and the marks between."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._runs: set[tuple[str, ...]] = set()
        self._wholes: list[str] = []
        for text in texts:
            self._runs.update(_runs(text))
            whole = _plain(text)
            if len(whole) >= WHOLE_CHARACTERS:
                self._wholes.append(whole)

    def within(self, said: str) -> bool:
        """Whether a run of words, or one of the texts as a whole, stands in what was said."""
        if not self._runs and not self._wholes:
            return False
        plain = _plain(said)
        if any(whole in plain for whole in self._wholes):
            return True
        return not self._runs.isdisjoint(_runs(said))


def _runs(text: str) -> Iterator[tuple[str, ...]]:
    """Every QUOTE_WORDS words that follow each other."""
    words = tokens(text)
    return zip(*(words[start:] for start in range(QUOTE_WORDS)), strict=False)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
