"""The hash that every stored row carries, so that a flipped bit in a date or a tag is seen; which columns it covers.

The hash is written by the same code that writes the row: a function of ours inside a trigger would lock every other
program out of writing the file, and SQLite has none of its own. It tells what time and hardware did, not what a person
meant to do: whoever rewrites a row can rewrite its hash. Leaves out all SQL. Serves the tables that write, and doctor.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from json import JSONEncoder
from typing import Any

Row = dict[str, Any]  # a row by the names of its columns

HASH = "row_hash"  # the column
HASH_BYTES = 8  # as a signed number it is one SQLite integer; two rows agree by chance once in 10^19

# Left out: what follows from other columns (`topic`, `terms`, `around`, `content`, a chunk's `source`: the doctor
# works them out again), long texts (their SHA-256 stands in), what a look at a file found (the next look finds it
# again), row numbers.
_COLUMNS = {
    "documents": """id uri source title media_type content_hash text_sha entry label compartment trust
        dated_at dated_by added_at updated_at aliases metadata notices""",
    "knowledge": "id document_id ordinal heading locator start end tokens text_sha created_at",
    "tags": "document_id tag by",
    "links": "document_id target",
    "roots": "uri path added_at looked_at options",
    "settings": "name value",
    "contexts": "source description",
    "skipped": "uri source kind reason hint seen_at",
    "episodes": """id at kind session question answer citations state confidence route model label
        compartment source people tags outcome supersedes document_id""",
    "skills": "id name description body files path status label version added_at updated_at",
    "forgotten": "id kind source title at payload",
    "judgments": """id at question verdict answerable documents document_id source locator quote why
        episode signals""",
    "eval_runs": "at name report",
    "tombstones": "mark day",
    "folder_labels": "source label at why",
    "proposals": "id at by text about label",
}
COVERED: Mapping[str, tuple[str, ...]] = {
    table: tuple(columns.split()) for table, columns in _COLUMNS.items()
}
# ASCII; bytes where text belongs are not that text
_encode = JSONEncoder(separators=(",", ":"), default=repr).encode


def row_hash(table: str, row: Row) -> int:
    """The first eight bytes of BLAKE2b over a JSON list: the table's name, the covered values in their order."""
    data = _encode([table, *[row[name] for name in COVERED[table]]])
    hashed_bytes = blake2b(data.encode(), digest_size=HASH_BYTES).digest()
    return int.from_bytes(hashed_bytes, "big", signed=True)


def hashed(table: str, row: Row) -> Row:
    """The row with its hash, ready to be written."""
    return {**row, HASH: row_hash(table, row)}


def sound(table: str, row: Row) -> bool:
    """Whether a row that was read is the row that was written."""
    return bool(row[HASH] == row_hash(table, row))


def renewed(table: str, before: Row, changes: Row) -> int | None:
    """The hash after a change of some columns of a stored row. A damaged row keeps the hash that it has: changing one
    column does not make the others sound.
    """
    found: int | None = before[HASH]
    if not sound(table, before):
        return found
    return row_hash(table, {**before, **changes})


def listed(table: str) -> str:
    """The covered columns and the hash as SQL names them."""
    return ", ".join(f'"{name}"' for name in (*COVERED[table], HASH))
