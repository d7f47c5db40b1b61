"""The library as a person sees it: lists, references, excerpts by line or page, tags, roots, folder descriptions.

Leaves out search (fts_search.py) and every change of a document's text (documents.py). Serves the verbs list, show,
get, tag, context, status, and `sync`, which asks what is known of each file.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from brain.errors import NotFound, UsageError
from brain.store.by_name import NAMES, called, meant
from brain.store.cells import Damaged, damaged, json_of, leave_out
from brain.store.conditions import order
from brain.store.documents import renew_terms, tag_rows
from brain.store.excerpts import LINES, narrowed, span_of
from brain.store.parts import PartTable
from brain.store.properties import values_of
from brain.store.row_hash import Row, hashed, listed
from brain.store.sql import (
    CANDIDATES_SHOWN,
    SHORTEST_PREFIX,
    document_scope,
)
from brain.store.table import Table
from brain.types import Scope, Texts

if TYPE_CHECKING:
    from brain.reports import DocumentDetail, DocumentRow, Excerpt

EVERYTHING = Scope()
HEX = re.compile(r"[0-9a-f]+")
HINT = "`brain list` shows what is stored"
# a `DocumentRow` by the names of its fields
ROW = """
    SELECT d.id, d.source, d.title, d.media_type, d.label, d.dated_at AS date, d.entry, d.added_at,
        (SELECT count(*) FROM knowledge k WHERE k.document_id = d.id) AS chunks,
        (SELECT json_group_array(CAST(tag AS TEXT)) FROM
            (SELECT tag FROM tags t WHERE t.document_id = d.id ORDER BY tag)) AS tags
    FROM documents d
"""
PLACE = re.compile(r"^(?P<where>.+?):(?P<first>0*[1-9]\d*)(?::(?P<count>\d+))?$", re.S)


class LibraryTable(Table):
    """Reads documents as rows, details and excerpts; keeps tags, roots and contexts."""

    # -- rows -----------------------------------------------------------------------------------------------------

    def rows(
        self, scope: Scope = EVERYTHING, *, limit: int | None = None, sort: str = ""
    ) -> list[DocumentRow]:
        """Documents in the scope, newest first by their own date, or by a property."""
        where = document_scope(scope)
        by, names = order(sort) if sort else ("", [])
        first_by = f"{by}, " if by else ""
        sql = (
            f"{ROW} WHERE {where} ORDER BY {first_by}d.dated_at DESC, d.source LIMIT ?"
        )
        most = -1 if limit is None else limit
        return self._rows(sql, *where.values, *names, most)

    def by_property(
        self, document_ids: Sequence[str], name: str
    ) -> dict[str, tuple[float | None, str]]:
        """(number, text) of a property, by document; those that have none are missing."""
        return values_of(self._conn, document_ids, name.lower())

    def count(self) -> int:
        """How many documents there are."""
        return self._number("SELECT count(*) FROM documents")

    def uris(self) -> set[str]:
        """The addresses of all documents."""
        return set(self._column("SELECT uri FROM documents"))

    def detail(self, document_id: str) -> DocumentDetail:
        """One document whole. Raises `NotFound`."""
        rows = self._rows(f"{ROW} WHERE d.id=?", document_id)
        if not rows:
            if self._first("SELECT 1 FROM documents WHERE id=?", document_id):
                raise damaged(f"document {document_id}")
            raise NotFound(f"no document has the id {document_id}", HINT)
        columns = (
            "uri, text, content_hash, dated_by, updated_at, aliases, metadata, notices"
        )
        found = self._named(f"SELECT {columns} FROM documents WHERE id=?", document_id)
        facts = next(self._sound("documents", found), None)
        if facts is None:
            raise damaged(f"document {document_id}")
        tokens = "SELECT sum(tokens) FROM knowledge WHERE document_id=? AND typeof(tokens)='integer'"
        from brain.reports import DocumentDetail

        return DocumentDetail(
            row=rows[0],
            tokens=self._first(tokens, document_id)[0] or 0,
            links=tuple(self._links(document_id)),
            context=self.context_of(rows[0].source),
            **facts,
        )

    def export_rows(self) -> Iterator[tuple[Row, list[Row]]]:
        """Every document with all its columns, tags (tag, by) and links, and its chunks; in the order of id. A damaged
        one is left out; one with a damaged chunk comes without chunks.
        """
        tags = "SELECT tag, by FROM tags WHERE document_id=? ORDER BY tag"
        chunks = "SELECT * FROM knowledge WHERE document_id=? ORDER BY ordinal"
        for document_id in self._column("SELECT id FROM documents ORDER BY id"):
            found = self._named("SELECT * FROM documents WHERE id=?", document_id)
            if not list(self._sound("documents", found)):
                continue
            (document,) = found
            pairs = self._run(tags, document_id).fetchall()
            document["tags"] = [pair for pair in pairs if set(map(type, pair)) == {str}]
            if len(document["tags"]) < len(pairs):
                leave_out(self._conn, "tags", document, "by")
            document["links"] = self._links(document_id)
            parts = self._named(chunks, document_id)
            if len(list(self._sound("knowledge", parts))) < len(parts):
                parts = []
            yield document, parts

    def _links(self, document_id: str) -> list[str]:
        sql = "SELECT target FROM links WHERE document_id=? ORDER BY target"
        return [
            link for link in self._column(sql, document_id) if isinstance(link, str)
        ]

    def _rows(self, sql: str, *values: object) -> list[DocumentRow]:
        from brain.reports import DocumentRow

        rows = self._sound("documents", self._each_named(sql, *values))
        return [DocumentRow(**row) for row in rows]

    # -- references -----------------------------------------------------------------------------------------------

    def resolve(self, reference: str) -> str:
        """The id of the one document that the reference names: an id or its prefix (of a document or of a chunk), a
        path, the end of a path, a title, the name of a file or an alias. Raises `NotFound` with the names that come
        near, or `UsageError` with the candidates when several fit.
        """
        reference = as_stored(reference)
        found = self._by_id(reference.removeprefix("#")) or self._by_source(reference)
        if not found:
            rows = self._run(NAMES).fetchall()
            found = called(rows, reference)
        if not found:
            hint = f"{meant(rows, reference)}{HINT}"
            raise NotFound(f"nothing is stored under {reference!r}", hint)
        if len(found) > 1:
            shown = found[:CANDIDATES_SHOWN]
            names = ", ".join(f"{row_id[:8]} {source}" for row_id, source in shown)
            raise UsageError(
                f"{reference!r} names {len(found)} documents", f"say which: {names}"
            )
        return found[0][0]

    def _by_id(self, text: str) -> list[tuple[str, str]]:
        """(id, source) of the documents whose id begins so, else of those with such a chunk."""
        if not _begins_id(text):
            return []
        span = (text, f"{text}g")  # "g" follows the digits of an id
        sql = "SELECT id, source FROM documents WHERE id >= ? AND id < ?"
        documents = self._run(sql, *span).fetchall()
        if documents:
            return documents
        sql = """
            SELECT DISTINCT document_id, source
            FROM knowledge
            WHERE id >= ? AND id < ?
        """
        return self._run(sql, *span).fetchall()

    def _by_source(self, text: str) -> list[tuple[str, str]]:
        """(id, source) of the document at a path or an address, else of those whose path ends so."""
        for place in (text, os.path.abspath(os.path.expanduser(text))):
            sql = "SELECT id, source FROM documents WHERE source=? OR uri=?"
            found = self._run(sql, place, place).fetchall()
            if found:
                return found
        tail = "/" + text.lstrip("./")
        sql = """
            SELECT id, source
            FROM documents
            WHERE substr(source, -length(?)) = ?
            ORDER BY source
        """
        return self._run(sql, tail, tail).fetchall()

    def matching(self, pattern: str) -> list[str]:
        """Ids of documents whose source, or the end of it, fits the glob."""
        pattern = as_stored(pattern)
        sql = """
            SELECT id
            FROM documents
            WHERE source GLOB ? OR source GLOB ?
            ORDER BY source
        """
        return self._column(sql, pattern, f"*/{pattern}")

    def below(self, path: str) -> list[DocumentRow]:
        """Documents whose source lies under a folder, or in a file of many documents (a mailbox) with that file."""
        place = as_stored(path).rstrip("/")
        # "0" follows "/" and "$" follows "#": each pair holds everything that begins with the path and its first
        span = (f"{place}/", f"{place}0", f"{place}#", f"{place}$")
        where = "(d.source >= ? AND d.source < ?) OR (d.source >= ? AND d.source < ?)"
        found = self._rows(f"{ROW} WHERE {where} ORDER BY d.source", *span)
        if found:
            found += self._rows(f"{ROW} WHERE d.source=?", place)
        return found

    def by_uri(self, uri: str) -> DocumentRow | None:
        """The document of an address, or None."""
        return next(iter(self._rows(f"{ROW} WHERE d.uri=?", uri)), None)

    def with_content(self, content_hash: str) -> list[DocumentRow]:
        """The documents of exactly that content, the oldest first."""
        sql = f"{ROW} WHERE d.content_hash=? ORDER BY d.added_at"
        return self._rows(sql, content_hash)

    # -- excerpts -------------------------------------------------------------------------------------------------

    def excerpt(self, reference: str) -> Excerpt:
        """What a reference points at: a whole document, a part of it by number (`PATH:120:40` lines, `PATH:7` a page
        or a slide: excerpts.py), or one chunk by its id.
        """
        reference = as_stored(reference)
        chunk = self._chunk(reference.removeprefix("#"))
        if chunk is not None:
            return chunk
        place = PLACE.match(reference)
        if place and not self._by_source(reference):
            first_part = int(place["first"])
            count = int(place["count"] or 0)
            return self._part(
                self.resolve(place["where"]), reference, first_part, count
            )
        return self._part(self.resolve(reference), reference, 0, 0)

    def _chunk(self, text: str) -> Excerpt | None:
        """The one chunk whose id begins so, unless a document's does as well."""
        if not _begins_id(text):
            return None
        span = (text, f"{text}g")
        sql = """
            SELECT k.id AS reference, k.document_id, k.source, d.title, k.locator,
                k.content AS text, d.dated_at AS date, d.label
            FROM knowledge k
            JOIN documents d ON d.id = k.document_id
            WHERE k.id >= ? AND k.id < ?
        """
        rows = list(self._sound("knowledge", self._each_named(sql, *span)))
        document = self._first(
            "SELECT 1 FROM documents WHERE id >= ? AND id < ?", *span
        )
        if len(rows) != 1 or document:
            return None
        from brain.reports import Excerpt

        found = Excerpt(**rows[0], context=self.context_of(rows[0]["source"]))
        lines = LINES.match(found.locator)
        if not lines:
            return found
        numbers = span_of("line", lines)
        return replace(found, start_line=numbers.first, end_line=numbers.last)

    def _part(
        self, document_id: str, reference: str, first_part: int, count: int
    ) -> Excerpt:
        """Part `first_part` of a document and `count` - 1 behind it; all of it when that is 0."""
        sql = "SELECT source, title, text, dated_at, label FROM documents WHERE id=?"
        found = self._sound("documents", self._each_named(sql, document_id))
        facts = next(found, None)
        if facts is None:
            raise damaged(f"document {document_id}")
        source, title, text, date, label = facts.values()
        chunks = PartTable(self._conn).chunks(document_id)
        from brain.reports import Excerpt

        whole = Excerpt(
            reference,
            document_id,
            source,
            title,
            "",
            text,
            date=date,
            label=label,
            context=self.context_of(source),
        )
        return narrowed(whole, chunks, first_part, count)

    # -- tags, contexts, roots -------------------------------------------------------------------------------------

    def tag(self, document_id: str, add: Iterable[str], remove: Iterable[str]) -> Texts:
        """Change a document's tags; returns those that it has now."""
        with self._write():
            tag_rows(self._conn, document_id, add, "person")
            for tag in remove:
                sql = "DELETE FROM tags WHERE document_id=? AND tag=?"
                self._run(sql, document_id, tag)
            renew_terms(self._conn, document_id)
        sql = "SELECT tag FROM tags WHERE document_id=? ORDER BY tag"
        return tuple(self._column(sql, document_id))

    def contexts(self) -> dict[str, str]:
        """Descriptions by path prefix."""
        sql = "SELECT source, description FROM contexts ORDER BY source"
        rows = self._sound("contexts", self._each_named(sql))
        return {row["source"]: row["description"] for row in rows}

    def set_context(self, source: str, description: str | None) -> None:
        """Describe what lies under a path; None takes the description away. Raises `NotFound` when there is none."""
        with self._write():
            if description is not None:
                record = hashed(
                    "contexts", {"source": source, "description": description}
                )
                self._keep_row("contexts", record, key="source")
                return
            gone = self._run("DELETE FROM contexts WHERE source=?", source)
            if not gone.rowcount:
                hint = "`brain context list` shows those there are"
                raise NotFound(f"{source} has no description", hint)

    def context_of(self, source: str) -> str:
        """The description of the nearest folder above `source` that has one, "" if none."""
        return context_for(source, self.contexts())

    def add_root(self, uri: str, path: str, options: Row, now: str) -> bool:
        """Register a folder to be looked at again; True when it is new."""
        with self._write():
            if self._first("SELECT 1 FROM roots WHERE uri=?", uri):
                return False
            record = {"uri": uri, "path": path, "added_at": now, "looked_at": None}
            record["options"] = json.dumps(options)
            self._insert_row("roots", hashed("roots", record))
            return True

    def drop_root(self, path: str) -> None:
        """Stop looking at a folder, if it was registered."""
        with self._write():
            self._run("DELETE FROM roots WHERE path=?", path)

    def move_contexts(self, before: str, after: str) -> None:
        """Descriptions of a folder that was moved, and of those in it, go with it."""
        for source, description in self.contexts().items():
            if source == before or source.startswith(f"{before}/"):
                self.set_context(source, None)
                self.set_context(after + source[len(before) :], description)

    def roots(self) -> list[Row]:
        """Registered roots: uri, path, added_at, looked_at, options."""
        sql = "SELECT uri, path, added_at, looked_at, options FROM roots ORDER BY path"
        found = []
        for row in self._sound("roots", self._each_named(sql)):
            if not row["uri"].startswith("file:/") or not os.path.isabs(row["path"]):
                leave_out(self._conn, "roots", row, "uri")
                continue
            row["options"] = row["options"] or {}
            found.append(row)
        return found

    def looked_at(self, uri: str, now: str) -> None:
        """Remember when a root was last looked at."""
        select = f"SELECT {listed('roots')} FROM roots WHERE uri=?"
        with self._write():
            for before in self._named(select, uri):
                self._change("roots", "uri", before, {"looked_at": now})

    def setting(self, name: str) -> str | None:
        """A value that the program keeps for itself (a person's settings live in the configuration file)."""
        found = self._named("SELECT name, value FROM settings WHERE name=?", name)
        return next((row["value"] for row in self._sound("settings", found)), None)

    def setting_json(self, name: str, kind: type) -> Any:
        """A value kept as JSON, of this kind; an empty one where there is none, or what is kept is damaged."""
        text = self.setting(name)
        try:
            if not text:
                return kind()
            return json_of(text, kind, "value")
        except Damaged as column:
            leave_out(self._conn, "settings", {"name": name}, column)
            return kind()

    def keep_setting(self, name: str, value: str | None) -> None:
        """Keep it, or with None forget it."""
        with self._write():
            if value is None:
                self._run("DELETE FROM settings WHERE name=?", name)
            else:
                record = hashed("settings", {"name": name, "value": value})
                self._keep_row("settings", record, key="name")

    def known_files(self, prefix_uri: str) -> dict[str, tuple[int, int, int, int, int]]:
        """What is known of the files at or under an address: uri -> (size, mtime_ns, ctime_ns, inode, looked_ns)."""
        # one range, so that the index of these columns serves
        sql = """
            SELECT uri, size, mtime_ns, ctime_ns, inode, looked_ns
            FROM documents
            WHERE uri >= ?1 AND uri < ?3 AND (uri = ?1 OR uri >= ?2) AND size IS NOT NULL
        """
        folder = prefix_uri.rstrip("/")
        found = {}
        for uri, *facts in self._run(sql, prefix_uri, f"{folder}/", f"{folder}0"):
            if isinstance(uri, str):  # what is damaged is not known
                found[uri] = tuple(facts)
        return found


def as_stored(reference: str) -> str:
    """A path as typed, in the form in which sources are stored: bytes outside UTF-8 as `\\xNN`, NUL gone."""
    try:
        return (
            os.fsencode(reference)
            .decode("utf-8", "backslashreplace")
            .replace("\x00", "")
        )
    except (
        UnicodeEncodeError
    ):  # half a letter that is no byte either: no file has that name
        return reference.encode("utf-8", "replace").decode("utf-8")


def context_for(source: str, contexts: dict[str, str]) -> str:
    """The description of the longest prefix of `source`, on folder boundaries, "" if none."""
    above = []
    for prefix in contexts:
        if source == prefix or source.startswith(prefix.rstrip("/") + "/"):
            above.append(prefix)
    if not above:
        return ""
    return contexts[max(above, key=len)]


def _begins_id(text: str) -> bool:
    return len(text) >= SHORTEST_PREFIX and HEX.fullmatch(text) is not None
