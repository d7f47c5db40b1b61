"""Schema 2: every row that no other row could replace carries a hash of its columns, so that damage in a date, a tag or
an address can be seen.

Rows that are there get the hash of what stands in them now. How a hash is made is written down here once more and stays
so: a later schema that covers other columns computes them anew. Leaves out checking the hashes (`brain.store` does).
Serves `migrations`.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from json import JSONEncoder
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlite_utils import Database

# Table -> (the columns that find a row, the columns that the hash covers). Only what can be computed anew is left out.
TABLES = {
    "documents": (
        "rowid",
        "id uri source title media_type content_hash text_sha entry label compartment trust dated_at dated_by added_at "
        "updated_at aliases metadata notices",
    ),
    "knowledge": (
        "pk",
        "id document_id ordinal heading locator start end tokens text_sha created_at",
    ),
    "tags": ("document_id, tag", "document_id tag by"),
    "links": ("document_id, target", "document_id target"),
    "roots": ("rowid", "uri path added_at looked_at options"),
    "settings": ("rowid", "name value"),
    "contexts": ("rowid", "source description"),
    "skipped": ("rowid", "uri source kind reason hint seen_at"),
    "episodes": (
        "pk",
        "id at kind session question answer citations state confidence route model label compartment source people "
        "tags outcome supersedes document_id",
    ),
    "skills": (
        "pk",
        "id name description body files path status label version added_at updated_at",
    ),
    "forgotten": ("rowid", "id kind source title at payload"),
    "judgments": (
        "pk",
        "id at question verdict answerable documents document_id source locator quote why episode signals",
    ),
    "eval_runs": ("pk", "at name report"),
}
PAGE = 2_000  # rows held at once

_encode = JSONEncoder(separators=(",", ":"), default=repr).encode


def apply(db: Database) -> None:
    """Add the column and fill it. No trigger of the schema reads it, so full text and outbox stay as they are."""
    conn = db.conn
    text_factory = conn.text_factory
    # Bytes that are no UTF-8 must not stop the upgrade: the doctor tells of them.
    conn.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    try:
        for table, (key, covered) in TABLES.items():
            conn.execute(f"ALTER TABLE {table} ADD COLUMN row_hash INTEGER")
            match = " AND ".join(f"{name}=?" for name in key.split(", "))
            for rows in _hashes(conn, table, key, covered.split()):
                conn.executemany(f"UPDATE {table} SET row_hash=? WHERE {match}", rows)
    finally:
        conn.text_factory = text_factory


def _hashes(
    conn: Any, table: str, key: str, covered: list[str]
) -> Iterator[list[tuple[Any, ...]]]:
    """(hash, key) of the rows, a page at a time; what a page says is read before anything of it is written."""
    width = len(key.split(", "))
    columns = ", ".join(f'"{name}"' for name in covered)
    marks = ", ".join("?" * width)
    last: tuple[Any, ...] = ()
    while True:
        behind = f"WHERE ({key}) > ({marks})" if last else ""
        sql = (
            f"SELECT {key}, {columns} FROM {table} {behind} ORDER BY {key} LIMIT {PAGE}"
        )
        page = conn.execute(sql, last).fetchall()
        if not page:
            return
        yield [(row_hash(table, row[width:]), *row[:width]) for row in page]
        last = page[-1][:width]


def row_hash(table: str, values: tuple[Any, ...]) -> int:
    """The first eight bytes, as a signed number, of BLAKE2b over the JSON list of the table's name and the values."""
    data = _encode([table, *values])
    digest = blake2b(data.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
