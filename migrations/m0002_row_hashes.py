"""Schema 2: every row that no other row could replace carries a hash of its columns, so that damage in a date, a tag or
an address can be seen.

Rows that are there get the hash of what stands in them now. One whose text is no UTF-8 any more gets none, by which the
doctor tells of it: nothing that was damaged before is vouched for, and it does not stop the upgrade. How a hash is made
is written down here once more and stays so: a later schema that covers other columns computes them anew. Leaves out
checking the hashes (`brain.store` does). Serves `migrations`.
"""

from __future__ import annotations

from hashlib import blake2b
from json import JSONEncoder
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlite_utils import Database

# Table -> the columns that the hash covers. Only what can be computed anew is left out.
TABLES = {
    "documents": "id uri source title media_type content_hash text_sha entry label compartment trust dated_at dated_by "
    "added_at updated_at aliases metadata notices",
    "knowledge": "id document_id ordinal heading locator start end tokens text_sha created_at",
    "tags": "document_id tag by",
    "links": "document_id target",
    "roots": "uri path added_at looked_at options",
    "settings": "name value",
    "contexts": "source description",
    "skipped": "uri source kind reason hint seen_at",
    "episodes": "id at kind session question answer citations state confidence route model label compartment source "
    "people tags outcome supersedes document_id",
    "skills": "id name description body files path status label version added_at updated_at",
    "forgotten": "id kind source title at payload",
    "judgments": "id at question verdict answerable documents document_id source locator quote why episode signals",
    "eval_runs": "at name report",
}
# Text reaches a function of ours as its bytes, since Python refuses what is no UTF-8 before the function sees it.
CELL = "typeof({0}) = 'text', CASE typeof({0}) WHEN 'text' THEN CAST({0} AS BLOB) ELSE {0} END"

_encode = JSONEncoder(separators=(",", ":"), default=repr).encode


def apply(db: Database) -> None:
    """Add the column and fill it. No trigger of the schema reads it, so full text and outbox stay as they are."""
    conn = db.conn
    conn.create_function("hash_of_cells", -1, _hash_of_cells)
    for table, covered in TABLES.items():
        conn.execute(f"ALTER TABLE {table} ADD COLUMN row_hash INTEGER")
        columns = [f'"{name}"' for name in covered.split()]
        cells = ", ".join(CELL.format(column) for column in columns)
        conn.execute(f"UPDATE {table} SET row_hash = hash_of_cells('{table}', {cells})")


def _hash_of_cells(table: str, *cells: Any) -> int | None:
    """The hash of a row; none where a text is no UTF-8. `cells`: whether it is text, and its value, by turns."""
    are_texts, stored = cells[::2], cells[1::2]
    values: list[Any] = []
    for is_text, value in zip(are_texts, stored, strict=True):
        try:
            values.append(value.decode() if is_text else value)
        except UnicodeDecodeError:
            return None
    return row_hash(table, tuple(values))


def row_hash(table: str, values: tuple[Any, ...]) -> int:
    """The first eight bytes, as a signed number, of BLAKE2b over the JSON list of the table's name and the values."""
    data = _encode([table, *values])
    digest = blake2b(data.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
