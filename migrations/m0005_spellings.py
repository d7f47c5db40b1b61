"""Schema 5: search terms without signs that are not seen, with plain letters for ł, ø, æ, and with whole numbers.

`terms` and `around` follow from the text by the rules of the program that opens it, so this calls them
(`ingest.chunk_terms`). The full text is filled anew as a whole, in which a damaged one stays damaged. Titles are cut
when their file is next read: their hash covers how they were cut. Leaves out how words are cut. Serves `migrations`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from ingest.chunk_terms import around, searchable
from ingest.stated import is_said, list_of
from ingest.terms import index_terms

if TYPE_CHECKING:
    from sqlite_utils import Database

CHUNKS = """
    SELECT k.document_id, d.aliases, k.pk, k.content, k.tokens, k.terms, k.around
    FROM documents d
    JOIN knowledge k ON k.document_id = d.id
    ORDER BY k.document_id, k.ordinal, k.pk
"""
PROPERTIES = (
    "SELECT name, value FROM properties WHERE document_id=? ORDER BY name, value"
)
TAGS = "SELECT tag FROM tags WHERE document_id=? AND typeof(tag)='text' ORDER BY tag"
# Text -> its search terms, of tables whose rows stand alone.
ALONE = {
    "episodes": "trim(question || char(10) || answer, char(10))",
    "skills": "body",
}
HELD = 500  # rows written at once
BROKEN = "\ufffd"  # of text that is no UTF-8: left to the doctor

Changed = tuple[Any, ...]  # the new values, then the key


def apply(db: Database) -> None:
    """No hash covers these columns."""
    conn = db.conn
    text_factory = conn.text_factory
    conn.text_factory = lambda data: data.decode("utf-8", "replace")
    try:
        renew_chunks(conn)
        for table, text in ALONE.items():
            _write(conn, table, "terms=?", list(_alone(conn, table, text)))
    finally:
        conn.text_factory = text_factory


def renew_chunks(conn: Any, *, with_names: bool = False) -> None:
    """The search terms of all chunks. `with_names`: properties and tags are words of the first."""
    _write(conn, "knowledge", "terms=?, around=?", list(_chunks(conn, with_names)))


def _chunks(conn: Any, with_names: bool) -> Iterator[Changed]:
    """(terms, around, pk) of every chunk of which one of the two is another now."""
    for document_id, group in groupby(conn.execute(CHUNKS), key=itemgetter(0)):
        rows = list(group)
        if not all(map(_is_sound, rows)):
            continue
        names = _names(conn, document_id) if with_names else []
        terms = searchable([row[3] for row in rows], list_of(rows[0][1]), names)
        lengths = [row[4] for row in rows]
        for i, (*_rest, pk, _content, _tokens, old_terms, old_around) in enumerate(
            rows
        ):
            beside = around(lengths, terms, i)
            if (old_terms, old_around) != (terms[i], beside):
                yield terms[i], beside, pk


def _names(conn: Any, document_id: str) -> list[str]:
    found = conn.execute(PROPERTIES, (document_id,))
    said = [value for name, value in found if is_said(name)]
    return said + [tag for (tag,) in conn.execute(TAGS, (document_id,))]


def _is_sound(row: Changed) -> bool:
    """Whether the text and the length of a chunk are what they must be; else its document is passed over."""
    _id, _aliases, _pk, content, tokens, *_old = row
    kinds_fit = isinstance(content, str) and isinstance(tokens, int)
    return kinds_fit and BROKEN not in str(row)


def _alone(conn: Any, table: str, text: str) -> Iterator[Changed]:
    for pk, said, old_terms in conn.execute(f"SELECT pk, {text}, terms FROM {table}"):
        if not isinstance(said, str) or BROKEN in said:
            continue  # damaged: the doctor says so
        terms = index_terms(said)
        if old_terms != terms:
            yield terms, pk


def _write(conn: Any, table: str, assigned: str, changed: list[Changed]) -> None:
    """With the trigger away that would carry each row into the full text; then that is filled anew."""
    if not changed:
        return
    name = f"{table}_fts_update"
    stated = "SELECT sql FROM sqlite_master WHERE type='trigger' AND name=?"
    trigger = conn.execute(stated, (name,)).fetchone()[0]
    conn.execute(f"DROP TRIGGER {name}")
    update = f"UPDATE {table} SET {assigned} WHERE pk=?"
    for start in range(0, len(changed), HELD):
        conn.executemany(update, changed[start : start + HELD])
    conn.execute(trigger)
    conn.execute(f"INSERT INTO {table}_fts({table}_fts) VALUES ('rebuild')")
