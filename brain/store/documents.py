"""Saving documents: one row, its chunks, tags and links, changed only where the text changed.

Leaves out reading them back for a question (fts_search.py), lists and references (library.py) and forgetting (trash.py).
Everything here runs inside `Connection.write()`. Serves `brain add` and `brain import`.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from brain.errors import StoreError
from brain.store.connection import Connection
from brain.store.fts_search import FIRST_SEEN, SHORT_TOKENS
from brain.store.row_hash import hashed, listed, renewed, row_hash
from brain.store.sql import named
from brain.types import Document, Outcome, header
from ingest.document import digest, rebind
from ingest.terms import index_terms, written

NEIGHBOURS = 2  # chunks on each side of a short one (benchmarks/RETRIEVAL.md)

DOCUMENT_COLUMNS = (
    "id",
    "uri",
    "source",
    "title",
    "text",
    "media_type",
    "content_hash",
    "text_sha",
    "entry",
    "label",
    "compartment",
    "trust",
    "dated_at",
    "dated_by",
    "added_at",
    "updated_at",
    "size",
    "mtime_ns",
    "ctime_ns",
    "inode",
    "looked_ns",
    "aliases",
    "metadata",
    "notices",
    "row_hash",
)
INSERT_DOCUMENT = (
    f"INSERT INTO documents ({', '.join(DOCUMENT_COLUMNS)}) VALUES ({', '.join('?' * len(DOCUMENT_COLUMNS))}) "
    f"ON CONFLICT(id) DO UPDATE SET {', '.join(f'{c}=excluded.{c}' for c in DOCUMENT_COLUMNS if c != 'id')}"
)
CHUNK_COLUMNS = (
    "id",
    "document_id",
    "ordinal",
    "heading",
    "topic",
    "content",
    "source",
    "locator",
    "start",
    "end",
    "tokens",
    "terms",
    "around",
    "text_sha",
    "created_at",
)
INSERT_CHUNKS = f"""INSERT INTO knowledge ({", ".join(f'"{name}"' for name in CHUNK_COLUMNS)}, row_hash) VALUES """
CHUNK_VALUES = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
CHUNKS_PER_INSERT = 62  # FTS5 writes what it holds at every statement and savepoint; x 16 values is below SQLite's old 999
CHUNKS_HELD = 512  # chunks that wait for the end of `together` at most: about 2 MB
MOVE_CHUNK = 'UPDATE knowledge SET ordinal=?, source=?, locator=?, start=?, "end"=?, tokens=?, row_hash=? WHERE pk=?'
MOVED = ("ordinal", "source", "locator", "start", "end", "tokens")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a document stands: the source as shown, the file's facts when it is a file, and its standing.

    `stat` is (size in bytes, mtime_ns, ctime_ns, inode), `looked_ns` the time of the look in nanoseconds.
    """

    source: str
    stat: tuple[int, int, int, int] | None = None
    looked_ns: int | None = None
    entry: str = "full"
    label: str = "internal"
    compartment: str | None = None
    trust: str = "own"
    tags: tuple[str, ...] = ()
    added_at: str | None = None
    updated_at: str | None = None


class Sized(Protocol):
    """Anything with a length in tokens."""

    @property
    def tokens(self) -> int: ...


class Stored(Sized, Protocol):
    """A row of `knowledge`."""

    @property
    def pk(self) -> int: ...
    @property
    def content(self) -> str: ...


class DocumentTable:
    """Writes documents. `save` may be called many times inside one `write()`, and best inside `together()`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._held: list[tuple[Any, ...]] | None = (
            None  # chunks that are written together, None to write at once
        )

    @contextmanager
    def together(self) -> Iterator[None]:
        """Chunks of what is saved inside are written a few hundred at a time, at half the cost; all are at its end.

        To be used inside `write()`: what fails here, fails with the whole transaction.
        """
        self._held = []
        try:
            yield
            self._insert_held()
        finally:
            self._held = None

    def save(self, document: Document, origin: Origin, *, now: str) -> tuple[Outcome, str]:
        """Store one document; the second value is the id it has here.

        Known by its address, else by its content when the file that had it is gone (a rename), else new. A failure
        rolls back this document only. Raises `StoreError` when what was written does not read back the same.
        """
        with self._connection.write():
            known = self._known(document)
            self._make_room(known)
            with self._alone():
                if known is None:
                    self._write(document, origin, None, now=now)
                    return "added", document.id
                document = rebind(document, known["id"])
                if known["uri"] == document.uri and self._same(known, document, origin):
                    self._touch(known["id"], origin)
                    return "unchanged", document.id
                self._write(document, origin, known, now=now)
                return ("renamed" if known["uri"] != document.uri else "updated"), document.id

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """A savepoint, and what is held: both go back when this document fails. Nothing is indexed inside it."""
        before = len(self._held or ())
        try:
            with self._connection.database.atomic():
                yield
        except BaseException:
            del (self._held or [])[before:]
            raise

    def _make_room(self, known: Mapping[str, Any] | None) -> None:
        """Write what is held, outside any savepoint, when it is much or when this document's chunks are among it."""
        held = self._held or ()
        if len(held) >= CHUNKS_HELD or (known and any(row[1] == known["id"] for row in held)):
            self._insert_held()

    def _known(self, document: Document) -> dict[str, Any] | None:
        """The stored row that this document continues, or None."""
        conn, sql = self._connection.conn, f"SELECT {listed('documents')} FROM documents WHERE "
        rows = named(conn, f"{sql} uri=? OR id=?", document.uri, document.id)
        if rows:
            return rows[0]
        if not document.uri.startswith("file:"):
            return None
        for found in named(conn, f"{sql} content_hash=?", document.content_hash):
            if found["uri"].startswith("file:") and not os.path.lexists(
                path_of(found["uri"].partition("#")[0])
            ):
                return found
        return None

    @staticmethod
    def _same(known: Mapping[str, Any], document: Document, origin: Origin) -> bool:
        return bool(
            known["content_hash"] == document.content_hash
            and known["entry"] == origin.entry
            and known["text_sha"] == digest(document.text)
            and known["title"] == document.title
        )

    def _touch(self, document_id: str, origin: Origin) -> None:
        """Remember the file's present facts, and tags given by hand, without a change of content."""
        if origin.stat is not None:
            self._connection.conn.execute(
                "UPDATE documents SET size=?, mtime_ns=?, ctime_ns=?, inode=?, looked_ns=? WHERE id=?",
                (*origin.stat, origin.looked_ns, document_id),
            )
        self._tags(document_id, origin.tags, "person")

    def _write(
        self, document: Document, origin: Origin, known: Mapping[str, Any] | None, *, now: str
    ) -> None:
        conn = self._connection.conn
        dated_at, dated_by = dating(document, known, now)
        text_sha = digest(document.text)
        values = (
            document.id,
            document.uri,
            origin.source,
            document.title,
            document.text,
            document.media_type,
            document.content_hash,
            text_sha,
            origin.entry,
            known["label"] if known else origin.label,
            known["compartment"] if known else origin.compartment,
            origin.trust,
            dated_at,
            dated_by,
            known["added_at"] if known else (origin.added_at or now),
            origin.updated_at or now,
            *(origin.stat or (None,) * 4),
            origin.looked_ns,
            json.dumps(document.aliases, ensure_ascii=False),
            json.dumps(dict(document.metadata), ensure_ascii=False, sort_keys=True),
            json.dumps(document.notices, ensure_ascii=False),
        )
        row = dict(zip(DOCUMENT_COLUMNS, values, strict=False))
        seal = renewed("documents", known, row) if known else row_hash("documents", row)
        conn.execute(INSERT_DOCUMENT, (*values, seal))
        self._chunks(document, origin.source, dated_at if dated_by != FIRST_SEEN else None, now)
        if known:
            conn.execute("DELETE FROM tags WHERE document_id=? AND by='document'", (document.id,))
            conn.execute("DELETE FROM links WHERE document_id=?", (document.id,))
        self._tags(document.id, document.tags, "document")
        self._tags(document.id, origin.tags, "person")
        links = [
            hashed("links", {"document_id": document.id, "target": to}) for to in document.links
        ]
        conn.executemany(
            "INSERT OR IGNORE INTO links VALUES (:document_id, :target, :row_hash)", links
        )
        stored = conn.execute("SELECT text FROM documents WHERE id=?", (document.id,)).fetchone()[0]
        if digest(stored) != text_sha:
            raise StoreError(
                f"{origin.source} did not read back as written", "check the disk, then add it again"
            )

    def _tags(self, document_id: str, tags: Iterable[str], by: str) -> None:
        tag_rows(self._connection.conn, document_id, tags, by)

    def _chunks(self, document: Document, source: str, date: str | None, now: str) -> None:
        """Insert the chunks that are new, move those that stayed, delete the rest."""
        conn = self._connection.conn
        rows = chunk_rows(document, source, date, now)
        sql = f"SELECT {listed('knowledge')}, pk, source, topic, around FROM knowledge WHERE document_id=?"
        old = {row["id"]: row for row in named(conn, sql, document.id)}
        keep = {
            row[0]: row
            for row in rows
            if row[0] in old and (old[row[0]]["topic"], old[row[0]]["around"]) == (row[4], row[12])
        }
        gone = [(row["pk"],) for chunk_id, row in old.items() if chunk_id not in keep]
        if gone:
            conn.executemany("DELETE FROM knowledge WHERE pk=?", gone)
        for chunk_id, row in keep.items():
            before, place = old[chunk_id], dict(zip(MOVED, (row[2], *row[6:11]), strict=True))
            if any(before[name] != value for name, value in place.items()):
                seal = renewed("knowledge", before, place)
                conn.execute(MOVE_CHUNK, (*place.values(), seal, before["pk"]))
        new = [row for row in rows if row[0] not in keep]
        if self._held is None:
            self._insert(new)
        else:
            self._held += new

    def _insert_held(self) -> None:
        held, self._held = self._held or [], []
        self._insert(held)

    def _insert(self, rows: list[tuple[Any, ...]]) -> None:
        for start in range(0, len(rows), CHUNKS_PER_INSERT):
            page = rows[start : start + CHUNKS_PER_INSERT]
            sql = INSERT_CHUNKS + ", ".join([CHUNK_VALUES] * len(page))
            self._connection.conn.execute(sql, [value for row in page for value in row])


def tag_rows(conn: sqlite3.Connection, document_id: str, tags: Iterable[str], by: str) -> None:
    """Give a document tags; those that it has stay as they are."""
    rows = [hashed("tags", {"document_id": document_id, "tag": tag, "by": by}) for tag in tags]
    if rows:
        conn.executemany(
            "INSERT OR IGNORE INTO tags VALUES (:document_id, :tag, :by, :row_hash)", rows
        )


def dating(document: Document, known: Mapping[str, Any] | None, now: str) -> tuple[str, str]:
    """(date, where it came from): the content's own, else the one it has, else the moment it was first seen."""
    if document.dated_at and document.dated_by:
        return document.dated_at, document.dated_by
    if known and known["dated_by"] == FIRST_SEEN:
        return known["dated_at"], FIRST_SEEN
    return (known["added_at"] if known else now), FIRST_SEEN


def chunk_rows(
    document: Document, source: str, date: str | None, now: str
) -> list[tuple[Any, ...]]:
    """Rows of `knowledge` in the order of INSERT_CHUNKS, each with its hash."""
    terms = searchable([chunk.text for chunk in document.chunks], document.aliases)
    rows: list[tuple[Any, ...]] = []
    for i, chunk in enumerate(document.chunks):
        topic = written(header(document.title, chunk.heading, date))
        row = (
            chunk.id,
            document.id,
            chunk.ordinal,
            json.dumps(chunk.heading, ensure_ascii=False),
            topic,
            chunk.text,
            source,
            chunk.locator,
            chunk.start,
            chunk.end,
            chunk.tokens,
            terms[i],
            around(document.chunks, terms, i),
            digest(f"{topic}\n{chunk.text}"),
            now,
        )
        rows.append((*row, row_hash("knowledge", dict(zip(CHUNK_COLUMNS, row, strict=True)))))
    return rows


def searchable(texts: Sequence[str], aliases: Sequence[str]) -> list[str]:
    """The terms of each chunk of a document; its other names stand with the first, so that it is found by them."""
    terms = [index_terms(text) for text in texts]
    if terms and aliases:
        terms[0] = f"{terms[0]}\n{index_terms(' '.join(aliases))}"
    return terms


def around(chunks: Sequence[Sized], terms: Sequence[str], i: int) -> str:
    """What stands beside a short chunk, as searchable terms; nothing for a chunk that is long enough by itself."""
    if chunks[i].tokens >= SHORT_TOKENS:
        return ""
    near = [j for j in range(i - NEIGHBOURS, i + NEIGHBOURS + 1) if j != i and 0 <= j < len(chunks)]
    return "\n".join(terms[j] for j in near if chunks[j].tokens < SHORT_TOKENS)


def derived(conn: sqlite3.Connection, rows: Sequence[Stored]) -> Iterator[tuple[Any, str, str]]:
    """Each stored chunk of one document, with the terms and the neighbours' terms that belong to it."""
    if not rows:
        return
    sql = "SELECT d.aliases FROM documents d JOIN knowledge k ON k.document_id = d.id WHERE k.pk=?"
    try:
        aliases = [str(name) for name in json.loads(conn.execute(sql, (rows[0].pk,)).fetchone()[0])]
    except ValueError:
        aliases = []
    terms = searchable([row.content for row in rows], aliases)
    for i, row in enumerate(rows):
        yield row, terms[i], around(rows, terms, i)


@dataclass(frozen=True, slots=True)
class _Row:
    """`Stored`, as far as terms follow from it."""

    pk: int
    content: str
    tokens: int
    terms: str
    around: str


def renew_terms(conn: sqlite3.Connection, document_id: str) -> None:
    """The search terms of a document that comes back, by the rules of today: it may have been forgotten under others."""
    sql = "SELECT pk, content, tokens, terms, around FROM knowledge WHERE document_id=? ORDER BY ordinal"
    rows = [_Row(*row) for row in conn.execute(sql, (document_id,))]
    changed = [
        (terms, beside, row.pk)
        for row, terms, beside in derived(conn, rows)
        if (row.terms, row.around) != (terms, beside)
    ]
    conn.executemany("UPDATE knowledge SET terms=?, around=? WHERE pk=?", changed)


def path_of(uri: str) -> str:
    """The file path of a `file:` address, bytes outside UTF-8 as the operating system's escapes."""
    from urllib.parse import unquote_to_bytes

    return os.fsdecode(unquote_to_bytes(uri.removeprefix("file://")))
