"""The library as a person sees it: lists, references, excerpts by line or page, tags, roots, folder descriptions.

Leaves out search (fts_search.py) and every change of a document's text (documents.py). Serves the verbs list, show, get,
tag, context, status, and `sync`, which asks what is known of each file.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from brain.errors import NotFound, UsageError
from brain.store.connection import Connection
from brain.store.documents import tag_rows
from brain.store.excerpts import LINES, narrowed
from brain.store.row_hash import hashed, listed, renewed
from brain.store.sql import document_scope, named
from brain.types import Scope, Skipped

if TYPE_CHECKING:
    from brain.types import DocumentDetail, DocumentRow, Excerpt

EVERYTHING = Scope()
SHORTEST_PREFIX = 6  # STYLE.md: the shortest id that a person types
CANDIDATES_SHOWN = 5

ROW = """SELECT d.id, d.source, d.title, d.media_type, d.label, d.dated_at, d.entry, d.added_at,
    (SELECT count(*) FROM knowledge k WHERE k.document_id = d.id),
    (SELECT json_group_array(tag) FROM (SELECT tag FROM tags t WHERE t.document_id = d.id ORDER BY tag))
    FROM documents d"""
PLACE = re.compile(r"^(?P<where>.+?):(?P<first>\d+)(?::(?P<count>\d+))?$", re.S)


class LibraryTable:
    """Reads documents as rows, details and excerpts; keeps tags, roots, contexts and the list of skipped files."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # -- rows -----------------------------------------------------------------------------------------------------

    def rows(self, scope: Scope = EVERYTHING, *, limit: int | None = None) -> list[DocumentRow]:
        """Documents in the scope, newest first by their own date."""
        where = document_scope(scope)
        sql = f"{ROW} WHERE {where} ORDER BY d.dated_at DESC, d.source LIMIT ?"
        most = -1 if limit is None else limit
        return [_row(row) for row in self._connection.conn.execute(sql, (*where.values, most))]

    def count(self) -> int:
        """How many documents there are."""
        return int(self._connection.conn.execute("SELECT count(*) FROM documents").fetchone()[0])

    def detail(self, document_id: str) -> DocumentDetail:
        """One document whole. Raises `NotFound`."""
        conn = self._connection.conn
        row = conn.execute(f"{ROW} WHERE d.id=?", (document_id,)).fetchone()
        if row is None:
            raise NotFound(
                f"no document has the id {document_id}", "`brain list` shows what is stored"
            )
        facts = conn.execute(
            "SELECT uri, text, content_hash, dated_by, updated_at, aliases, metadata, notices FROM documents WHERE id=?",
            (document_id,),
        ).fetchone()
        links = conn.execute(
            "SELECT target FROM links WHERE document_id=? ORDER BY target", (document_id,)
        )
        tokens = conn.execute(
            "SELECT coalesce(sum(tokens), 0) FROM knowledge WHERE document_id=?", (document_id,)
        )
        from brain.types import DocumentDetail

        return DocumentDetail(
            row=_row(row),
            uri=facts[0],
            text=facts[1],
            content_hash=facts[2],
            dated_by=facts[3],
            updated_at=facts[4],
            tokens=tokens.fetchone()[0],
            aliases=tuple(json.loads(facts[5])),
            links=tuple(link for (link,) in links),
            metadata=json.loads(facts[6]),
            notices=tuple(json.loads(facts[7])),
            context=self.context_of(row[1]),
        )

    def export_rows(self) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
        """Every document with all its columns, tags (tag, by) and links, and its chunks; in the order of id."""
        conn = self._connection.conn
        for (document_id,) in conn.execute("SELECT id FROM documents ORDER BY id").fetchall():
            document = self._one("SELECT * FROM documents WHERE id=?", document_id)
            document["tags"] = [
                tuple(row)
                for row in conn.execute(
                    "SELECT tag, by FROM tags WHERE document_id=? ORDER BY tag", (document_id,)
                )
            ]
            document["links"] = [
                row[0]
                for row in conn.execute(
                    "SELECT target FROM links WHERE document_id=? ORDER BY target", (document_id,)
                )
            ]
            cursor = conn.execute(
                "SELECT * FROM knowledge WHERE document_id=? ORDER BY ordinal", (document_id,)
            )
            names = [item[0] for item in cursor.description]
            yield document, [dict(zip(names, row, strict=True)) for row in cursor]

    def _one(self, sql: str, key: str) -> dict[str, Any]:
        cursor = self._connection.conn.execute(sql, (key,))
        return dict(zip([item[0] for item in cursor.description], cursor.fetchone(), strict=True))

    # -- references -----------------------------------------------------------------------------------------------

    def resolve(self, reference: str) -> str:
        """The id of the one document that the reference names: an id or its prefix (of a document or of a chunk), a
        path, or the end of a path. Raises `NotFound`, or `UsageError` with the candidates when several fit.
        """
        reference = as_stored(reference)
        found = self._by_id(reference.removeprefix("#")) or self._by_source(reference)
        if not found:
            raise NotFound(
                f"nothing is stored under {reference!r}", "`brain list` shows what is stored"
            )
        if len(found) > 1:
            names = ", ".join(
                f"{row_id[:8]} {source}" for row_id, source in found[:CANDIDATES_SHOWN]
            )
            raise UsageError(f"{reference!r} names {len(found)} documents", f"say which: {names}")
        return found[0][0]

    def _by_id(self, text: str) -> list[tuple[str, str]]:
        if len(text) < SHORTEST_PREFIX or not re.fullmatch(r"[0-9a-f]+", text):
            return []
        conn, span = self._connection.conn, (text, text + "g")
        found = conn.execute(
            "SELECT id, source FROM documents WHERE id >= ? AND id < ?", span
        ).fetchall()
        return (
            found
            or conn.execute(
                "SELECT DISTINCT document_id, source FROM knowledge WHERE id >= ? AND id < ?", span
            ).fetchall()
        )

    def _by_source(self, text: str) -> list[tuple[str, str]]:
        conn = self._connection.conn
        absolute = os.path.abspath(os.path.expanduser(text))
        for candidate in (text, absolute):
            found = conn.execute(
                "SELECT id, source FROM documents WHERE source=? OR uri=?", (candidate, candidate)
            ).fetchall()
            if found:
                return found
        tail = "/" + text.lstrip("./")
        return conn.execute(
            "SELECT id, source FROM documents WHERE substr(source, -length(?)) = ? ORDER BY source",
            (tail, tail),
        ).fetchall()

    def matching(self, pattern: str) -> list[str]:
        """Ids of documents whose source, or the end of it, fits the glob."""
        pattern = as_stored(pattern)
        cursor = self._connection.conn.execute(
            "SELECT id FROM documents WHERE source GLOB ? OR source GLOB ? ORDER BY source",
            (pattern, f"*/{pattern}"),
        )
        return [row[0] for row in cursor]

    def below(self, path: str) -> list[DocumentRow]:
        """Documents whose source lies under a folder, or in a file of many documents (a mailbox), that file included."""
        prefix = as_stored(path).rstrip("/") + "/"
        parts = prefix[:-1] + "#"
        sql = f"{ROW} WHERE (d.source >= ? AND d.source < ?) OR (d.source >= ? AND d.source < ?) ORDER BY d.source"
        found = [
            _row(row)
            for row in self._connection.conn.execute(
                sql, (prefix, prefix[:-1] + "0", parts, prefix[:-1] + "$")
            )
        ]
        return found + [
            _row(row)
            for row in self._connection.conn.execute(f"{ROW} WHERE d.source=?", (prefix[:-1],))
            if found
        ]

    def by_uri(self, uri: str) -> DocumentRow | None:
        """The document of an address, or None."""
        row = self._connection.conn.execute(f"{ROW} WHERE d.uri=?", (uri,)).fetchone()
        return _row(row) if row else None

    # -- excerpts -------------------------------------------------------------------------------------------------

    def excerpt(self, reference: str) -> Excerpt:
        """What a reference points at: a whole document, a part of it by number (`PATH:120:40` lines, `PATH:7` a page or a
        slide: excerpts.py), or one chunk by its id.
        """
        reference = as_stored(reference)
        chunk = self._chunk(reference.removeprefix("#"))
        if chunk is not None:
            return chunk
        place = PLACE.match(reference)
        if place and not self._by_source(reference):
            first, count = int(place["first"]), int(place["count"] or 0)
            return self._part(self.resolve(place["where"]), reference, first, count)
        return self._part(self.resolve(reference), reference, 0, 0)

    def _chunk(self, text: str) -> Excerpt | None:
        if len(text) < SHORTEST_PREFIX or not re.fullmatch(r"[0-9a-f]+", text):
            return None
        rows = self._connection.conn.execute(
            "SELECT k.id, k.document_id, k.source, d.title, k.locator, k.content, d.dated_at, d.label FROM knowledge k "
            "JOIN documents d ON d.id = k.document_id WHERE k.id >= ? AND k.id < ?",
            (text, text + "g"),
        ).fetchall()
        if (
            len(rows) != 1
            or self._connection.conn.execute(
                "SELECT 1 FROM documents WHERE id >= ? AND id < ?", (text, text + "g")
            ).fetchone()
        ):
            return None
        row = rows[0]
        lines = LINES.match(row[4])
        first, last = (int(lines[1]), int(lines[2] or lines[1])) if lines else (0, 0)
        from brain.types import Excerpt

        return Excerpt(
            row[0],
            row[1],
            row[2],
            row[3],
            row[4],
            row[5],
            first,
            last,
            0,
            row[6],
            row[7],
            self.context_of(row[2]),
        )

    def _part(self, document_id: str, reference: str, first: int, count: int) -> Excerpt:
        """Part `first` of a document and `count` - 1 behind it; all of it when `first` is 0."""
        conn = self._connection.conn
        row = conn.execute(
            "SELECT source, title, text, dated_at, label FROM documents WHERE id=?", (document_id,)
        ).fetchone()
        chunks = conn.execute(
            "SELECT locator, content FROM knowledge WHERE document_id=? ORDER BY ordinal",
            (document_id,),
        ).fetchall()
        from brain.types import Excerpt

        whole = Excerpt(
            reference,
            document_id,
            row[0],
            row[1],
            "",
            row[2],
            date=row[3],
            label=row[4],
            context=self.context_of(row[0]),
        )
        return narrowed(whole, chunks, first, count)

    # -- tags, contexts, roots, skipped files -----------------------------------------------------------------------

    def tag(self, document_id: str, add: Iterable[str], remove: Iterable[str]) -> tuple[str, ...]:
        """Change a document's tags; returns those that it has now."""
        with self._connection.write():
            conn = self._connection.conn
            tag_rows(conn, document_id, add, "person")
            conn.executemany(
                "DELETE FROM tags WHERE document_id=? AND tag=?",
                [(document_id, tag) for tag in remove],
            )
        cursor = self._connection.conn.execute(
            "SELECT tag FROM tags WHERE document_id=? ORDER BY tag", (document_id,)
        )
        return tuple(row[0] for row in cursor)

    def contexts(self) -> dict[str, str]:
        """Descriptions by path prefix."""
        return dict(
            self._connection.conn.execute(
                "SELECT source, description FROM contexts ORDER BY source"
            ).fetchall()
        )

    def set_context(self, source: str, description: str | None) -> None:
        """Describe what lies under a path; None takes the description away. Raises `NotFound` when there is none."""
        with self._connection.write() as database:
            if description is not None:
                record = hashed("contexts", {"source": source, "description": description})
                database.table("contexts").upsert(record, pk="source")
            elif not self._connection.conn.execute(
                "DELETE FROM contexts WHERE source=?", (source,)
            ).rowcount:
                raise NotFound(
                    f"{source} has no description", "`brain context list` shows those there are"
                )

    def context_of(self, source: str) -> str:
        """The description of the nearest folder above `source` that has one, "" if none."""
        return context_for(source, self.contexts())

    def add_root(self, uri: str, path: str, options: dict[str, Any], now: str) -> bool:
        """Register a folder to be looked at again; True when it is new."""
        with self._connection.write() as database:
            new = (
                self._connection.conn.execute("SELECT 1 FROM roots WHERE uri=?", (uri,)).fetchone()
                is None
            )
            if new:
                record = {
                    "uri": uri,
                    "path": path,
                    "added_at": now,
                    "looked_at": None,
                    "options": json.dumps(options),
                }
                database.table("roots").insert(hashed("roots", record))
            return new

    def drop_root(self, path: str) -> None:
        """Stop looking at a folder, if it was registered."""
        with self._connection.write():
            self._connection.conn.execute("DELETE FROM roots WHERE path=?", (path,))

    def roots(self) -> list[dict[str, Any]]:
        """Registered roots: uri, path, added_at, looked_at, options."""
        cursor = self._connection.conn.execute(
            "SELECT uri, path, added_at, looked_at, options FROM roots ORDER BY path"
        )
        names = ("uri", "path", "added_at", "looked_at", "options")
        return [
            {**dict(zip(names, row, strict=True)), "options": json.loads(row[4] or "{}")}
            for row in cursor
        ]

    def looked_at(self, uri: str, now: str) -> None:
        """Remember when a root was last looked at."""
        with self._connection.write():
            conn = self._connection.conn
            for before in named(conn, f"SELECT {listed('roots')} FROM roots WHERE uri=?", uri):
                seal = renewed("roots", before, {"looked_at": now})
                conn.execute(
                    "UPDATE roots SET looked_at=?, row_hash=? WHERE uri=?", (now, seal, uri)
                )

    def setting(self, name: str) -> str | None:
        """A value that the program keeps for itself (a person's settings live in the configuration file)."""
        row = self._connection.conn.execute(
            "SELECT value FROM settings WHERE name=?", (name,)
        ).fetchone()
        return row[0] if row else None

    def keep_setting(self, name: str, value: str | None) -> None:
        """Keep it, or with None forget it."""
        with self._connection.write() as database:
            if value is None:
                self._connection.conn.execute("DELETE FROM settings WHERE name=?", (name,))
            else:
                database.table("settings").upsert(
                    hashed("settings", {"name": name, "value": value}), pk="name"
                )

    def known_files(self, prefix_uri: str) -> dict[str, tuple[int, int, int, int, int]]:
        """What is known of the files at or under an address: uri -> (size, mtime_ns, ctime_ns, inode, looked_ns)."""
        cursor = self._connection.conn.execute(
            "SELECT uri, size, mtime_ns, ctime_ns, inode, looked_ns FROM documents WHERE uri >= ?1 AND uri < ?3 "
            "AND (uri = ?1 OR uri >= ?2) AND size IS NOT NULL",  # one range, so that the index of these columns serves
            (prefix_uri, prefix_uri.rstrip("/") + "/", prefix_uri.rstrip("/") + "0"),
        )
        return {row[0]: tuple(row[1:]) for row in cursor}

    def skipped(self) -> dict[str, tuple[Skipped, int | None, int | None]]:
        """Files that did not go in at the last look: uri -> (why, size, mtime_ns)."""
        cursor = self._connection.conn.execute(
            "SELECT uri, source, kind, reason, hint, size, mtime_ns FROM skipped"
        )
        return {row[0]: (Skipped(row[1], row[2], row[3], row[4]), row[5], row[6]) for row in cursor}

    def remember_skipped(
        self,
        rows: Sequence[tuple[str, Skipped, int | None, int | None]],
        cleared: Sequence[str],
        now: str,
    ) -> None:
        """Note what was skipped (uri, why, size, mtime_ns), and which addresses are no longer."""
        with self._connection.write() as database:
            records = (
                hashed(
                    "skipped",
                    {
                        "uri": uri,
                        "source": why.source,
                        "kind": why.kind,
                        "reason": why.reason,
                        "hint": why.hint,
                        "size": size,
                        "mtime_ns": mtime_ns,
                        "seen_at": now,
                    },
                )
                for uri, why, size, mtime_ns in rows
            )
            database.table("skipped").upsert_all(records, pk="uri")
            self._connection.conn.executemany(
                "DELETE FROM skipped WHERE uri=?", [(uri,) for uri in cleared]
            )


def as_stored(reference: str) -> str:
    """A path as typed, in the form in which sources are stored: bytes outside UTF-8 as `\\xNN`, NUL gone."""
    try:
        return os.fsencode(reference).decode("utf-8", "backslashreplace").replace("\x00", "")
    except UnicodeEncodeError:  # half a letter that is no byte either: no file has that name
        return reference.encode("utf-8", "replace").decode("utf-8")


def context_for(source: str, contexts: dict[str, str]) -> str:
    """The description of the longest prefix of `source`, on folder boundaries."""
    fitting = [
        prefix
        for prefix in contexts
        if source == prefix or source.startswith(prefix.rstrip("/") + "/")
    ]
    return contexts[max(fitting, key=len)] if fitting else ""


def _row(row: Sequence[Any]) -> DocumentRow:
    from brain.types import DocumentRow

    return DocumentRow(
        row[0],
        row[1],
        row[2],
        row[3],
        row[4],
        row[5],
        row[8],
        tuple(json.loads(row[9])),
        row[6],
        row[7],
    )
