"""Saving documents: one row, its chunks, tags and links, changed only where the text changed.

Leaves out reading them back for a question (fts_search.py), lists and references (library.py) and forgetting
(trash.py). Everything here runs inside `Connection.write()`. Serves `brain add` and `brain import`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from brain.errors import StoreError
from brain.labels import UNLABELLED
from brain.store.connection import Connection
from brain.store.labels import LabelTable
from brain.store.moves import Moves, is_gone, path_of
from brain.store.properties import names_of, renew_properties
from brain.store.row_hash import HASH, Row, hashed, listed, renewed, row_hash
from brain.store.sql import FIRST_SEEN, fields_of, first, insert_into, json_text, marks
from brain.store.table import Table
from brain.types import Outcome, Texts, header
from ingest.chunk_terms import around, searchable
from ingest.document import Document, digest, rebind
from ingest.stated import list_of
from ingest.terms import written

DOCUMENT_COLUMNS = """
    id uri source title text media_type content_hash text_sha entry label compartment trust
    dated_at dated_by added_at updated_at size mtime_ns ctime_ns inode looked_ns reader
    aliases metadata notices row_hash
""".split()
CHUNK_COLUMNS = """
    id document_id ordinal heading topic content source locator start end tokens terms around
    text_sha created_at row_hash
""".split()
# what changes when a chunk moves in its document
MOVED = ("ordinal", "source", "locator", "start", "end", "tokens", "terms")
FILE_FACTS = ("size", "mtime_ns", "ctime_ns", "inode")
KEPT = ("compartment", "added_at")  # of a known document, whatever it says now

# FTS5 writes what it holds at every statement and savepoint; x 16 values is below SQLite's old 999
CHUNKS_PER_INSERT = 62
CHUNKS_HELD = 512  # chunks that wait for the end of `together` at most: about 2 MB


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a document stands: the source as shown, the file's facts when it is a file, and its standing.

    `stat` is (size in bytes, mtime_ns, ctime_ns, inode), `looked_ns` the time of the look in nanoseconds, `reader` the
    edition of the reader, "" where none was asked.
    """

    source: str
    stat: tuple[int, int, int, int] | None = None
    looked_ns: int | None = None
    reader: str = ""
    entry: str = "full"
    label: str = UNLABELLED
    compartment: str | None = None
    trust: str = "own"
    tags: Texts = ()
    added_at: str | None = None
    updated_at: str | None = None


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


def stored_chunks(conn: sqlite3.Connection, document_id: str) -> list[ChunkRow]:
    """The chunks of a document in their order."""
    columns = ", ".join(f'"{name}"' for name in ChunkRow.__dataclass_fields__)
    sql = f"SELECT {columns} FROM knowledge WHERE document_id=? ORDER BY ordinal, pk"
    return [ChunkRow(*row) for row in conn.execute(sql, (document_id,))]


class DocumentTable(Table):
    """Writes documents. `save` may be called many times inside one `write()`, and best inside `together()`."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._labels = LabelTable(connection)
        # rows of chunks that are written together, None to write at once
        self._held: list[Row] | None = None
        # by content: what `_gone` found, None outside of `together`
        self._asked: dict[str, list[str]] | None = None

    @contextmanager
    def together(self) -> Iterator[None]:
        """Chunks of what is saved inside are written a few hundred at a time, at half the cost; all are at its end.

        To be used inside `write()`: what fails here, fails with the whole transaction.
        """
        self._held = []
        self._asked = {}
        try:
            yield
            self._insert_held()
        finally:
            self._held = None
            self._asked = None

    def save(
        self, document: Document, origin: Origin, *, now: str
    ) -> tuple[Outcome, str]:
        """Store one document; the second value is the id it has here.

        Known by its address, else by its content when the file that had it is gone (a rename), else new. A failure
        rolls back this document only. Raises `StoreError` when what was written does not read back the same.
        """
        with self._write():
            known = self._known(document, origin)
            self._make_room(known)
            with self._alone():
                if known is None:
                    self._put(document, origin, None, now=now)
                    return "added", document.id
                document = rebind(document, known["id"])
                renamed = known["uri"] != document.uri
                same = not renamed and _same(known, document, origin)
                if same and origin.reader in ("", known["reader"]):
                    self._touch(document.id, origin)
                    return "unchanged", document.id
                if same:  # read otherwise, which may concern more than the text
                    origin = replace(origin, updated_at=known["updated_at"])
                stored_hash = self._put(document, origin, known, now=now)
                if same and stored_hash == known[HASH]:
                    return "unchanged", document.id
                return ("renamed" if renamed else "updated"), document.id

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """A savepoint, and what is held: both go back when this document fails. Nothing is indexed inside it."""
        before = len(self._held or ())
        try:
            with self._connection.savepoint():
                yield
        except BaseException:
            del (self._held or [])[before:]
            raise

    def _make_room(self, known: Row | None) -> None:
        """Write what is held, outside any savepoint, when it is much or when this document's chunks are among it."""
        held = self._held or []
        waits = known and any(row["document_id"] == known["id"] for row in held)
        if waits or len(held) >= CHUNKS_HELD:
            self._insert_held()

    def _known(self, document: Document, origin: Origin) -> Row | None:
        """The stored row that this document continues, or None."""
        select = f"SELECT {listed('documents')}, reader FROM documents WHERE "
        rows = self._named(f"{select} uri=? OR id=?", document.uri, document.id)
        if rows:
            return rows[0]
        if not document.uri.startswith("file:"):
            return None
        moves = Moves(self._conn)
        for uri in self._gone(document.content_hash):
            rows = self._named(f"{select} uri=?", uri)
            if rows and moves.proven(uri, origin.stat):
                return rows[0]
        return None

    def _gone(self, content_hash: str) -> list[str]:
        """Addresses under which that content is stored and whose files are not there; looked for once in a batch.

        A content may be that of thousands of files (an empty one, a form): looking at all of them for each is too slow.
        """
        asked = self._asked
        if asked is not None and content_hash in asked:
            return asked[content_hash]
        gone = []
        for uri in self._column(
            "SELECT uri FROM documents WHERE content_hash=?", content_hash
        ):
            file, _, _part = uri.partition("#")
            if file.startswith("file:") and is_gone(path_of(file)):
                gone.append(uri)
        if asked is not None:
            asked[content_hash] = gone
        return gone

    def at(self, uri: str) -> Row | None:
        """What is stored under an address: the columns that a hash covers, and the file's size. None: nothing is."""
        sql = f"SELECT {listed('documents')}, size FROM documents WHERE uri=?"
        return next(iter(self._named(sql, uri)), None)

    def under(self, document_id: str) -> Row | None:
        """The same of an id."""
        sql = f"SELECT {listed('documents')}, size FROM documents WHERE id=?"
        return next(iter(self._named(sql, document_id)), None)

    def _touch(self, document_id: str, origin: Origin) -> None:
        """Remember the file's present facts, and tags given by hand, without a change of content."""
        if origin.stat is not None:
            self._run(
                "UPDATE documents SET size=?, mtime_ns=?, ctime_ns=?, inode=?, looked_ns=? WHERE id=?",
                *origin.stat,
                origin.looked_ns,
                document_id,
            )
        tag_rows(self._conn, document_id, origin.tags, "person")
        self._labels.raise_to([document_id], origin.label)

    def _put(
        self, document: Document, origin: Origin, known: Row | None, *, now: str
    ) -> int | None:
        """Write all of a document; the hash of its row."""
        row = document_row(document, origin, known, now)
        row["label"] = self._labels.of(row, known)
        if known:
            row[HASH] = renewed("documents", known, row)
        else:
            row[HASH] = row_hash("documents", row)
        others = ", ".join(
            f"{name}=excluded.{name}" for name in DOCUMENT_COLUMNS if name != "id"
        )
        insert = insert_into("documents", DOCUMENT_COLUMNS)
        self._conn.execute(f"{insert} ON CONFLICT(id) DO UPDATE SET {others}", row)
        if known:
            self._run(
                "DELETE FROM tags WHERE document_id=? AND by='document'", document.id
            )
            self._run("DELETE FROM links WHERE document_id=?", document.id)
        self._labels.spread(row, known)
        if known and known["uri"] != document.uri:
            self._labels.follow(known["source"], origin.source)
        tag_rows(self._conn, document.id, document.tags, "document")
        tag_rows(self._conn, document.id, origin.tags, "person")
        link_rows(self._conn, document)
        renew_properties(self._conn, document.id)
        date = None if row["dated_by"] == FIRST_SEEN else row["dated_at"]
        self._chunks(document, origin.source, date, now)
        (stored,) = self._first("SELECT text FROM documents WHERE id=?", document.id)
        if digest(stored) != row["text_sha"]:
            hint = "check the disk, then add it again"
            raise StoreError(f"{origin.source} did not read back as written", hint)
        written_hash: int | None = row[HASH]
        return written_hash

    def _chunks(
        self, document: Document, source: str, date: str | None, now: str
    ) -> None:
        """Insert the chunks that are new, move those that stayed, delete the rest."""
        names = names_of(self._conn, document.id)
        made = chunk_rows(document, source, date, now, names=names)
        rows = {row["id"]: row for row in made}
        select = f"""
            SELECT {listed("knowledge")}, pk, source, topic, terms, around
            FROM knowledge
            WHERE document_id=?
        """
        for before in self._named(select, document.id):
            row = rows.get(before["id"])
            if row and (row["topic"], row["around"]) == (
                before["topic"],
                before["around"],
            ):
                self._move(before, rows.pop(before["id"]))
            else:
                self._run("DELETE FROM knowledge WHERE pk=?", before["pk"])
        if self._held is None:
            self._insert(list(rows.values()))
        else:
            self._held += rows.values()

    def _move(self, before: Row, row: Row) -> None:
        """Bring a chunk whose text stayed to its present place."""
        changes = {name: row[name] for name in MOVED if row[name] != before[name]}
        if changes:
            self._change("knowledge", "pk", before, changes)

    def _insert_held(self) -> None:
        held = self._held or []
        self._held = []
        self._insert(held)

    def _insert(self, rows: Sequence[Row]) -> None:
        names = ", ".join(f'"{name}"' for name in CHUNK_COLUMNS)
        for start in range(0, len(rows), CHUNKS_PER_INSERT):
            page = rows[start : start + CHUNKS_PER_INSERT]
            values = ", ".join([marks(CHUNK_COLUMNS)] * len(page))
            self._conn.execute(
                f"INSERT INTO knowledge ({names}) VALUES {values}",
                [row[name] for row in page for name in CHUNK_COLUMNS],
            )


def _same(known: Row, document: Document, origin: Origin) -> bool:
    """Whether the stored row says already what this document says."""
    said = (known["content_hash"], known["entry"], known["title"])
    if said != (document.content_hash, origin.entry, document.title):
        return False
    # the reader may have become a better one since
    return bool(known["text_sha"] == digest(document.text))


def document_row(
    document: Document, origin: Origin, known: Row | None, now: str
) -> Row:
    """The row of `documents` without its hash."""
    dated_at, dated_by = dating(document, known, now)
    row = {
        **fields_of(document),
        **fields_of(origin),
        **dict(zip(FILE_FACTS, origin.stat or (None,) * 4, strict=True)),
        "text_sha": digest(document.text),
        "dated_at": dated_at,
        "dated_by": dated_by,
        "added_at": origin.added_at or now,
        "updated_at": origin.updated_at or now,
        "aliases": json_text(document.aliases),
        "metadata": json_text(dict(document.metadata)),
        "notices": json_text(document.notices),
    }
    if known:
        row |= {name: known[name] for name in KEPT}
    return row


def tag_rows(
    conn: sqlite3.Connection, document_id: str, tags: Iterable[str], by: str
) -> None:
    """Give a document tags; those that it has stay as they are."""
    rows = [
        hashed("tags", {"document_id": document_id, "tag": tag, "by": by})
        for tag in tags
    ]
    if rows:
        conn.executemany(
            "INSERT OR IGNORE INTO tags VALUES (:document_id, :tag, :by, :row_hash)",
            rows,
        )


def link_rows(conn: sqlite3.Connection, document: Document) -> None:
    """Keep where a document links to; a target that it names twice counts once."""
    rows = [{"document_id": document.id, "target": target} for target in document.links]
    conn.executemany(
        "INSERT OR IGNORE INTO links VALUES (:document_id, :target, :row_hash)",
        [hashed("links", row) for row in rows],
    )


def dating(document: Document, known: Row | None, now: str) -> tuple[str, str]:
    """(date, where it came from): the content's own, else the one it has, else the moment it was first seen."""
    if document.dated_at and document.dated_by:
        return document.dated_at, document.dated_by
    if known and known["dated_by"] == FIRST_SEEN:
        return known["dated_at"], FIRST_SEEN
    return known["added_at"] if known else now, FIRST_SEEN


def chunk_rows(
    document: Document,
    source: str,
    date: str | None,
    now: str,
    *,
    names: Sequence[str] = (),
) -> list[Row]:
    """Rows of `knowledge` in the order of the document, each with its hash."""
    texts = [chunk.text for chunk in document.chunks]
    terms = searchable(texts, document.aliases, names)
    lengths = [chunk.tokens for chunk in document.chunks]
    rows: list[Row] = []
    for i, chunk in enumerate(document.chunks):
        topic = written(header(document.title, chunk.heading, date))
        row = {
            **fields_of(chunk),
            "document_id": document.id,
            "heading": json_text(chunk.heading),
            "topic": topic,
            "content": chunk.text,
            "source": source,
            "terms": terms[i],
            "around": around(lengths, terms, i),
            "text_sha": digest(f"{topic}\n{chunk.text}"),
            "created_at": now,
        }
        rows.append(hashed("knowledge", row))
    return rows


def derived(
    conn: sqlite3.Connection, rows: Sequence[ChunkRow]
) -> Iterator[tuple[ChunkRow, str, str]]:
    """Each stored chunk of one document, with the terms and the neighbours' terms that belong to it."""
    if not rows:
        return
    sql = """
        SELECT d.aliases, d.id
        FROM documents d
        JOIN knowledge k ON k.document_id = d.id
        WHERE k.pk=?
    """
    stored, document_id = first(conn, sql, rows[0].pk)
    names = names_of(conn, document_id)
    terms = searchable([row.content for row in rows], list_of(stored), names)
    lengths = [row.tokens for row in rows]
    for i, row in enumerate(rows):
        yield row, terms[i], around(lengths, terms, i)


def renew_terms(conn: sqlite3.Connection, document_id: str) -> None:
    """The search terms of a document that comes back, by the rules of today: it may have gone under others."""
    for row, terms, beside in derived(conn, stored_chunks(conn, document_id)):
        if (row.terms, row.around) != (terms, beside):
            values = (terms, beside, row.pk)
            conn.execute("UPDATE knowledge SET terms=?, around=? WHERE pk=?", values)
