"""Erasing for good: every row that holds a document's or an episode's words, and every byte that its rows leave behind.

Works on any open database of ours, the live one or a copy. A row that is deleted stays readable in the file until the
full text is merged, the log emptied and the file written anew: `scrub` does that. Leaves out the index's files, backups
and what else lies in the home (`brain.keeping.erase`). Serves `brain forget --erase`.
"""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from brain.store.checks import FTS
from brain.store.connection import Connection, explain
from brain.store.copies import restate, vacuum, writer
from brain.store.row_hash import HASH, renewed
from brain.store.sql import named
from ingest.document import digest
from ingest.terms import index_terms, tokens

PENDING = "erasing"  # setting: when an erasure began whose last step is not known to be done
QUOTE_WORDS = (
    6  # in a row, said in an answer and standing in a text: then it is a quotation and no chance
)
WHOLE_CHARACTERS = 8  # so short a text counts as quoted when it stands in an answer as a whole
HEAD_BYTES = 100  # of a database file
AROUND_CHARACTERS = 400  # of each neighbouring round, as `brain.store.episodes` keeps them


@dataclass(slots=True)
class Marks:
    """What is to go, by every name under which it may be stored. `find` adds what the database at hand knows."""

    documents: set[str] = field(default_factory=set)
    episodes: set[str] = field(default_factory=set)
    uris: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)
    texts: list[str] = field(default_factory=list)

    def copy(self) -> Marks:
        """To be widened by another database."""
        return Marks(
            set(self.documents),
            set(self.episodes),
            set(self.uris),
            set(self.sources),
            list(self.texts),
        )


@dataclass(frozen=True, slots=True)
class Found:
    """What of it is in one database. `quoting`: (id, question, at) of rounds whose answers quote or cite it."""

    documents: tuple[str, ...]
    episodes: tuple[str, ...]
    forgotten: tuple[str, ...]
    quoting: tuple[tuple[str, str, str], ...]

    def __bool__(self) -> bool:
        return bool(self.documents or self.episodes or self.forgotten or self.quoting)


class Eraser:
    """Finds and deletes in one database. The caller holds the write transaction around `erase`."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    def find(self, marks: Marks) -> Found:
        """What is there to erase. Adds addresses, places and texts that this database knows to the marks."""
        documents = self._documents(marks)
        forgotten = self._forgotten(marks)
        whole = {f"note:{name}" for name in marks.documents} | {
            f"episode:{name}" for name in marks.episodes
        }
        episodes, quoting = [], []
        quotation = Quotation(marks.texts)
        columns = "id, question, answer, citations, source, document_id, at"
        for row in self._conn.execute(f"SELECT {columns} FROM episodes ORDER BY pk"):
            named = (
                row[0] in marks.episodes
                or row[4] in whole | marks.uris
                or row[5] in marks.documents
            )
            if named or quotation.within(row[1]):
                episodes.append(row[0])
            elif _cites(row[3], marks.sources) or quotation.within(row[2]):
                quoting.append((row[0], row[1], row[6]))
        return Found(tuple(documents), tuple(episodes), tuple(forgotten), tuple(quoting))

    def erase(self, found: Found, marks: Marks) -> None:
        """Delete the rows; answers that quote it become empty, their questions stay."""
        run = self._conn
        sessions = self._sessions(found)
        for table in ("knowledge", "tags", "links"):
            run.executemany(f"DELETE FROM {table} WHERE document_id=?", _rows(found.documents))
        run.executemany("DELETE FROM documents WHERE id=?", _rows(found.documents))
        run.executemany("DELETE FROM forgotten WHERE id=?", _rows(found.forgotten))
        run.executemany("DELETE FROM episodes WHERE id=?", _rows(found.episodes))
        for episode_id, _question, _at in found.quoting:
            self._empty(episode_id, marks.sources)
        run.executemany("DELETE FROM skipped WHERE uri=?", _rows(marks.uris))
        run.executemany("DELETE FROM roots WHERE uri=?", _rows(marks.uris))
        run.executemany("DELETE FROM contexts WHERE source=?", _rows(marks.sources))
        self._judgments(found, marks)
        for session in sessions:
            self._neighbours(session)

    def stands_elsewhere(self, piece: str, *, forgotten: bool = True) -> bool:
        """Whether these words are also in something that stays; what was forgotten counts, as long as it can come back."""
        sql = (
            "SELECT EXISTS (SELECT 1 FROM documents WHERE instr(text, ?1) OR instr(title, ?1)) OR EXISTS "
            "(SELECT 1 FROM episodes WHERE instr(question, ?1) OR instr(answer, ?1)) OR EXISTS "
            "(SELECT 1 FROM skills WHERE instr(body, ?1)) OR (?2 AND EXISTS (SELECT 1 FROM forgotten WHERE instr(payload, ?1)))"
        )
        return bool(self._conn.execute(sql, (piece, forgotten)).fetchone()[0])

    def copies_of(self, marks: Marks) -> list[str]:
        """Places of documents that stay and have one of the same texts."""
        shas = {digest(text) for text in marks.texts if text.strip()}
        rows = self._conn.execute("SELECT id, source, text_sha FROM documents")
        return sorted(row[1] for row in rows if row[2] in shas and row[0] not in marks.documents)

    def forgotten_texts(self) -> list[str]:
        """The texts of what waits, forgotten, to be taken back or to expire."""
        texts = []
        for (payload,) in self._conn.execute("SELECT payload FROM forgotten ORDER BY id"):
            tables = _tables(payload)
            texts += [row["text"] for row in tables.get("documents", [])]
            texts += [f"{row['question']}\n{row['answer']}" for row in tables.get("episodes", [])]
        return texts

    # -- finding ------------------------------------------------------------------------------------------------------

    def _documents(self, marks: Marks) -> list[str]:
        rows = self._conn.execute("SELECT id, uri FROM documents").fetchall()
        found = [row_id for row_id, uri in rows if row_id in marks.documents or uri in marks.uris]
        for row_id in found:
            _note(
                marks,
                *self._conn.execute(
                    "SELECT id, uri, source, text FROM documents WHERE id=?", (row_id,)
                ).fetchone(),
            )
        return found

    def _forgotten(self, marks: Marks) -> list[str]:
        """Entries of the trash that are, or hold, one of them; a forgotten round that quotes one goes whole."""
        found = []
        rows = self._conn.execute(
            "SELECT id, payload FROM forgotten ORDER BY kind"
        ).fetchall()  # documents first
        for row_id, payload in rows:
            tables = _tables(payload)
            documents, episodes = tables.get("documents", []), tables.get("episodes", [])
            if row_id in marks.documents | marks.episodes or any(
                row["uri"] in marks.uris for row in documents
            ):
                found.append(row_id)
                for row in documents:
                    _note(marks, row["id"], row["uri"], row["source"], row["text"])
            elif any(self._involved(row, marks, Quotation(marks.texts)) for row in episodes):
                found.append(row_id)
        return found

    @staticmethod
    def _involved(row: dict[str, Any], marks: Marks, quotation: Quotation) -> bool:
        named = row["source"] in {f"note:{name}" for name in marks.documents} | marks.uris
        return (
            named
            or _cites(row["citations"], marks.sources)
            or quotation.within(f"{row['question']}\n{row['answer']}")
        )

    # -- deleting -----------------------------------------------------------------------------------------------------

    def _empty(self, episode_id: str, sources: set[str]) -> None:
        """Take the answer and the citations of a round away and index what is left."""
        before = named(self._conn, "SELECT * FROM episodes WHERE id=?", episode_id)[0]
        question, topic, old = before["question"], before["topic"], before["text_sha"]
        kept = [item for item in _list(before["citations"]) if not _of(item, sources)]
        changes = {"answer": "", "citations": json.dumps(kept, ensure_ascii=False)}
        derived: dict[str, Any] = {
            "terms": index_terms(question),
            "text_sha": digest(f"{topic}\n{question}"),
        }
        if HASH in before:  # a backup of schema 1 has none
            derived[HASH] = renewed("episodes", before, changes)
        sets = ", ".join(f"{name}=?" for name in (*changes, *derived))
        values = (*changes.values(), *derived.values(), episode_id)
        self._conn.execute(f"UPDATE episodes SET {sets} WHERE id=?", values)
        self._conn.execute(
            "INSERT INTO outbox (op, kind, chunk_id) VALUES ('del', 'episodes', ?)", (episode_id,)
        )
        self._conn.execute(
            "DELETE FROM embeddings WHERE text_sha=?1 AND NOT EXISTS (SELECT 1 FROM knowledge WHERE text_sha=?1) "
            "AND NOT EXISTS (SELECT 1 FROM episodes WHERE text_sha=?1)",
            (old,),
        )

    def _judgments(self, found: Found, marks: Marks) -> None:
        """What a person said of its answers and where they pointed to, and measurements that name its place."""
        gone, quotation = {*found.episodes, *found.forgotten}, Quotation(marks.texts)
        rows = self._conn.execute(
            "SELECT pk, episode, document_id, source, question, quote, why FROM judgments"
        ).fetchall()
        for pk, episode, document_id, source, *said in rows:
            named = episode in gone or document_id in marks.documents or source in marks.sources
            if named or any(quotation.within(text) for text in said):
                self._conn.execute("DELETE FROM judgments WHERE pk=?", (pk,))
        quoted = [(json.dumps(source, ensure_ascii=False)[1:-1],) for source in marks.sources]
        self._conn.executemany("DELETE FROM eval_runs WHERE instr(report, ?)", quoted)

    def _sessions(self, found: Found) -> list[str]:
        """Sessions in which a round stands beside one that changes, and all that lost one to the trash."""
        ids = (*found.episodes, *(row[0] for row in found.quoting))
        sessions = {
            self._conn.execute("SELECT session FROM episodes WHERE id=?", (i,)).fetchone()[0]
            for i in ids
        }
        for row_id in found.forgotten:
            payload = self._conn.execute(
                "SELECT payload FROM forgotten WHERE id=?", (row_id,)
            ).fetchone()[0]
            sessions.update(row["session"] for row in _tables(payload).get("episodes", []))
        return sorted(sessions - {""})

    def _neighbours(self, session: str) -> None:
        """Work out anew what each round of a session keeps of the rounds beside it."""
        rows = self._conn.execute(
            "SELECT pk, terms FROM episodes WHERE session=? ORDER BY pk", (session,)
        ).fetchall()
        beside = ["", *(terms for _, terms in rows), ""]
        values = [(_ends(beside[i], beside[i + 2]), rows[i][0]) for i in range(len(rows))]
        self._conn.executemany("UPDATE episodes SET around=? WHERE pk=?", values)


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
        busy: int = conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.Error as error:
        raise explain(error, connection.path) from error
    return not busy


def free_pages(conn: sqlite3.Connection) -> int:
    """How many pages of the database are free, whatever they hold."""
    return int(conn.execute("PRAGMA freelist_count").fetchone()[0])


def freed(path: Path) -> int:
    """How many free pages of a database file hold something: words of deleted rows, which `secure_delete` overwrites.

    Looks at the file alone, as of its last checkpoint. Not to be called where the database is open (see `brain.app.cage`).
    The layout: sqlite.org/fileformat2.html §1.3, §1.5.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        size = int.from_bytes(head[16:18], "big")
        size = 2**16 if size == 1 else size
        trunk, left, dirty = *struct.unpack_from(">II", head, 32), 0
        while trunk and left > 0:
            file.seek((trunk - 1) * size)
            page = file.read(size)
            if len(page) < size:
                break  # a damaged file: the structure is another check's
            trunk, count = struct.unpack_from(">II", page)
            leaves = struct.unpack_from(f">{min(count, size // 4 - 2)}I", page, 8)
            left -= 1 + len(leaves)
            for leaf in filter(None, leaves):
                file.seek((leaf - 1) * size)
                dirty += bool(file.read(size).strip(b"\0"))
    return dirty


def holds(path: Path, marks: Marks) -> bool:
    """Whether a judged copy holds any of it. Raises `sqlite3.Error`."""
    with closing(writer(path)) as conn:
        return bool(Eraser(conn).find(marks.copy()))


def erase_in_copy(path: Path, marks: Marks, made_at: str) -> None:
    """Erase in a copy that nobody else has open, and write down anew what it holds. Raises `StoreError`."""
    try:
        with closing(writer(path)) as conn:
            eraser, mine = Eraser(conn), marks.copy()
            conn.execute("BEGIN IMMEDIATE")
            eraser.erase(eraser.find(mine), mine)
            merge(conn)
            conn.execute("COMMIT")
        restate(path, made_at=made_at)
    except sqlite3.Error as error:
        raise explain(error, path) from error


def merge(conn: sqlite3.Connection) -> None:
    """Merge the parts of every full-text table into one, which holds no deleted word."""
    for name in FTS:
        conn.execute(f"INSERT INTO {name}_fts({name}_fts) VALUES ('optimize')")


def _note(marks: Marks, row_id: str, uri: str, source: str, text: str) -> None:
    marks.documents.add(row_id)
    marks.uris.add(uri)
    marks.sources.add(source)
    if text not in marks.texts:
        marks.texts.append(text)


def _rows(ids: Iterable[str]) -> list[tuple[str]]:
    return [(row_id,) for row_id in ids]


def _tables(payload: str) -> dict[str, list[dict[str, Any]]]:
    try:
        found: dict[str, list[dict[str, Any]]] = json.loads(payload)
    except ValueError:
        return {}
    return found


def _list(text: str) -> list[str]:
    try:
        return [str(item) for item in json.loads(text)]
    except (ValueError, TypeError):
        return []


def _of(citation: str, sources: set[str]) -> bool:
    return any(citation == source or citation.startswith(f"{source}:") for source in sources)


def _cites(citations: str, sources: set[str]) -> bool:
    return any(_of(item, sources) for item in _list(citations))


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
        return any(whole in plain for whole in self._wholes) or any(
            run in self._runs for run in _runs(said)
        )


def _runs(text: str) -> Iterator[tuple[str, ...]]:
    words = tokens(text)
    return (tuple(words[at : at + QUOTE_WORDS]) for at in range(len(words) - QUOTE_WORDS + 1))


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _ends(before: str, after: str) -> str:
    """The near ends of the terms before and after a round, cut at words."""
    head = after[:AROUND_CHARACTERS].rpartition(" ")[0] if len(after) > AROUND_CHARACTERS else after
    tail = (
        before[-AROUND_CHARACTERS:].partition(" ")[2] if len(before) > AROUND_CHARACTERS else before
    )
    return "\n".join(part for part in (tail, head) if part)
